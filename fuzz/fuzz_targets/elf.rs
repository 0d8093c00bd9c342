//! See `mynah_fuzz::elf`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| mynah_fuzz::elf(bytes));
