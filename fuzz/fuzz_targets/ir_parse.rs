//! See `mynah_fuzz::ir_parse`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| mynah_fuzz::ir_parse(bytes));
