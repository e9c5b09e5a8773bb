//! libFuzzer's program of one target.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| crm_fuzz::import(input));
