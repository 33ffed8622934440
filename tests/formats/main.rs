//! Disk image formats through the public API: beside qemu-img, from committed samples, and under attack.

mod matrix;
mod tools;
