//! Runs libFuzzer on the target that the environment variable `FUZZ_TARGET` names.

#![no_main]

use std::sync::OnceLock;

use vmtemplate_fuzz::{TARGETS, Target};

fn chosen() -> fn(&[u8]) {
    static CHOSEN: OnceLock<Target> = OnceLock::new();
    let named = || {
        let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
        TARGETS.into_iter().find(|(known, _)| *known == name).unwrap_or_else(|| {
            let known: Vec<_> = TARGETS.iter().map(|(name, _)| *name).collect();
            panic!("FUZZ_TARGET is {name:?}; expected one of {}", known.join(", "))
        })
    };
    CHOSEN.get_or_init(named).1
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| chosen()(bytes));
