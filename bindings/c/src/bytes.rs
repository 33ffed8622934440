//! Bytes that a call returns.

use std::ptr;

use crate::boundary::{Slot, Text, free, get, handle, look};

/// Bytes that a call returns, such as a file of an archive.
pub struct vmt_bytes(Slot<Text>);
handle!(vmt_bytes, Text);

/// The bytes, valid as long as the handle. A NUL byte follows them. NULL for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_bytes_data(bytes: *const vmt_bytes) -> *const u8 {
    look(ptr::null(), || Ok(get(bytes)?.pointer().cast()))
}

/// The number of bytes.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_bytes_length(bytes: *const vmt_bytes) -> usize {
    look(0, || Ok(get(bytes)?.len()))
}

/// Free them. NULL is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_bytes_free(bytes: *mut vmt_bytes) {
    look((), || free(bytes));
}
