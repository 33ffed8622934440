//! libFuzzer on the target `tar`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vmtemplate_fuzz::tar(bytes));
