//! See `mynah_fuzz::lift`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| mynah_fuzz::lift(bytes));
