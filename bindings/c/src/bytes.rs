//! Bytes that a call made.

use std::ptr;

use crate::boundary::{Slot, Text, free, get, handle, look};

/// Bytes that a call made, such as a file out of an archive.
pub struct vmt_bytes(Slot<Text>);
handle!(vmt_bytes, Text);

/// The bytes, as long as the handle. One more follows them, which is 0. NULL for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_bytes_data(bytes: *const vmt_bytes) -> *const u8 {
    look(ptr::null(), || Ok(get(bytes)?.pointer().cast()))
}

/// How many there are.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_bytes_length(bytes: *const vmt_bytes) -> usize {
    look(0, || Ok(get(bytes)?.len()))
}

/// Free them. NULL is taken.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_bytes_free(bytes: *mut vmt_bytes) {
    look((), || free(bytes));
}
