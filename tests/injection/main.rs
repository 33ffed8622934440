//! Hostile values in every place of a script, with real interpreters: each arrives unchanged, or is refused.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

mod batch;
mod places;
mod posix;
mod powershell;
mod values;
