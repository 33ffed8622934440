//! What can be told of an output before it is written.

use std::ffi::c_char;

use vmtemplate::probe_output;

use crate::boundary::{path_in, status};
use crate::error::{vmt_code, vmt_error};

/// Fail now with what writing to `path` would begin with, and not after what comes before it, such as a check: something
/// is there and `overwrite` is false, its folder is missing or takes no new file, it is a folder. Nothing is written.
///
/// Fails with `VMT_ALREADY_EXISTS`, `VMT_NOT_FOUND`, `VMT_PERMISSION_DENIED`, `VMT_IO`.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_probe_output(
    path: *const c_char,
    overwrite: bool,
    err: *mut *mut vmt_error,
) -> vmt_code {
    status(err, || Ok(probe_output(path_in(path, "path")?, overwrite)?))
}
