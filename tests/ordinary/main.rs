//! Ordinary values in ordinary scripts: none is refused unless a table here says why.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

mod batch;
#[allow(dead_code)] // the test of hostile values uses the rest
#[path = "../injection/values.rs"]
mod hostile;
#[allow(dead_code)]
#[path = "../injection/places.rs"]
mod places;
mod posix;
mod posix_grammar;
mod powershell;
mod values;
