//! libFuzzer on the target `archive`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vmtemplate_fuzz::archive(bytes));
