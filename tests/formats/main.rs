//! Disk image formats through the public API: beside qemu-img, from committed samples, and under attack.

#[cfg(unix)]
mod convert;
mod matrix;
mod streams;
mod tools;
