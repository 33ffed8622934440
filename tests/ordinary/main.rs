//! Values as every installation has them, in constructions as every script has them: what is refused is in a table, with
//! its reason.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

mod batch;
mod powershell;
mod values;
