//! Runs the fuzz targets on their seeds and on a few thousand deterministic mutations.

#![allow(clippy::unwrap_used, clippy::panic)] // whatever fails here fails the test that asked

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use vmtemplate_fuzz::{TARGETS, Target, mutated, seeds};
use vmtemplate_test_support::proc_self;

const MUTATIONS: u64 = 2000;

/// The tests of this file run one after the other: one of them measures memory.
static ALONE: Mutex<()> = Mutex::new(());

fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/vmtemplate-fuzz/corpus").join(target);
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(path).unwrap()))
        .collect();
    files.sort();
    files
}

/// Feed `bytes` to a target, and report them if it fails.
fn feed((name, target): Target, bytes: &[u8], what: &str) {
    let begun = Instant::now();
    if catch_unwind(AssertUnwindSafe(|| target(bytes))).is_err() {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{name}"));
        fs::write(&path, bytes).unwrap();
        panic!("{name} fails on {what}, which is kept as {}", path.display());
    }
    // Far more than any target needs, even on a busy machine: this detects endless loops.
    assert!(begun.elapsed() < Duration::from_mins(1), "{name} takes {:?} for {what}", begun.elapsed());
}

#[test]
fn no_seed_and_no_mutation_of_one_breaks_a_promise_or_takes_long_or_much_memory() {
    let _alone = ALONE.lock();
    for target in TARGETS {
        let corpus = corpus(target.0);
        for (name, bytes) in &corpus {
            feed(target, bytes, name);
        }
        // The samples that inputs patch are in memory by now, so they are not counted.
        let before = proc_self("status", "VmRSS") / 1024;
        // The peak begins anew (proc_pid_clear_refs(5)).
        fs::write("/proc/self/clear_refs", "5").unwrap();
        for number in 0..MUTATIONS {
            let [one, other] =
                [number, number.wrapping_mul(0x9E37_79B9) >> 7].map(|n| &corpus[n as usize % corpus.len()]);
            let bytes = mutated(&one.1, &other.1, number);
            feed(target, &bytes, &format!("mutation {number} of {}", one.0));
        }
        let peak = proc_self("status", "VmHWM") / 1024;
        assert!(peak < before + 64, "{}: {peak} MiB of memory at the peak, {before} before", target.0);
    }
}

#[test]
fn the_committed_seeds_are_those_that_are_made() {
    let _alone = ALONE.lock();
    for (target, _) in TARGETS {
        // A file `fault-…` in the same folder is an input that once broke a promise.
        let names: Vec<_> = corpus(target)
            .into_iter()
            .map(|(name, _)| name)
            .filter(|name| !name.starts_with("fault-"))
            .collect();
        let mut made: Vec<_> = seeds(target).into_iter().map(|(name, _)| name.to_owned()).collect();
        made.sort();
        assert_eq!(names, made, "{target}: run make-corpus");
    }
}
