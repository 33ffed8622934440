//! Fuzz targets with their seeds, and mutations for use without a fuzzer.
//!
//! A target is a function that takes bytes and panics when the library breaks a promise: it panics itself, an error is
//! of a kind that the input cannot cause, a failed call leaves something behind, two ways to read one thing disagree.
//! `libfuzzer/` feeds the targets from libFuzzer (`make fuzz`); the tests of the workspace feed them the seeds in
//! `corpus/` and a few thousand [mutations](mutated) of those.

// A target reports what it found by panicking.
#![allow(clippy::unwrap_used, clippy::panic, clippy::missing_panics_doc)]

mod build;
mod mutate;
mod outcome;
mod patch;
mod scratch;
mod seeds;
mod targets;

pub use mutate::mutated;
pub use seeds::seeds;
pub use targets::{TARGETS, Target};
