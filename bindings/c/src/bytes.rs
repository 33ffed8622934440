//! Bytes that a call returns.

use crate::boundary::{Slot, Text, free, get, handle, look, text};

/// Bytes that a call returns, such as a file of an archive.
pub struct vmt_bytes(Slot<Text>);
handle!(vmt_bytes, Text);

/// The bytes, valid as long as the handle. A NUL byte follows them. NULL for NULL. `length`, which may be NULL,
/// receives their number.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_bytes_data(bytes: *const vmt_bytes, length: *mut usize) -> *const u8 {
    text(length, || get(bytes).map(Some)).cast()
}

/// Free them. NULL is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_bytes_free(bytes: *mut vmt_bytes) {
    look((), || free(bytes));
}
