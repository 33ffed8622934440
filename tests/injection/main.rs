//! Hostile values in every place of a script, under real interpreters: each arrives as it is, or was refused.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

mod batch;
mod posix;
mod powershell;
mod values;
