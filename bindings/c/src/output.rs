//! Checking an output before it is written.

use std::ffi::c_char;

use vmtemplate::output::probe_output;

use crate::boundary::{path_in, status};
use crate::error::{vmt_code, vmt_error};

/// Fail early with the error that writing to `path` would fail with: it exists and `overwrite` is false, its folder
/// does not exist or does not accept new files, or it is a folder. Nothing is written.
///
/// Fails with `VMT_ALREADY_EXISTS`, `VMT_NOT_FOUND`, `VMT_PERMISSION_DENIED`, `VMT_IO`.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_probe_output(
    path: *const c_char,
    overwrite: bool,
    err: *mut *mut vmt_error,
) -> vmt_code {
    status(err, || Ok(probe_output(path_in(path, "path")?, overwrite.into())?))
}
