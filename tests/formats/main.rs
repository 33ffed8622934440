//! Disk image formats through the public API: compared with qemu-img, from committed samples, and under attack.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

#[cfg(unix)]
mod convert;
mod foreign;
#[cfg(unix)]
mod hostile;
mod matrix;
#[cfg(unix)]
mod raw;
mod samples;
mod streams;
mod tools;
