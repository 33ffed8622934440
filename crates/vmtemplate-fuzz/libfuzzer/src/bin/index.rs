//! libFuzzer on the target `index`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vmtemplate_fuzz::index(bytes));
