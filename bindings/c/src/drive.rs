//! The install drive.

use std::ffi::c_char;
use std::ptr;

use vmtemplate::drive::{InstallDrive, Padding};

use crate::boundary::{Slot, build, bytes_in, free, get, handle, look, output, path_in, status, str_or_none};
use crate::error::{vmt_code, vmt_error};
use crate::script::vmt_script;

/// The size of every install drive in bytes.
pub const VMT_DRIVE_SIZE: usize = 1_048_576;
const _: () = assert!(VMT_DRIVE_SIZE == InstallDrive::SIZE);

/// The disk that passes the setup script to a new machine. It is immutable; any number of threads may use it.
pub struct vmt_drive(Slot<InstallDrive>);
handle!(vmt_drive, InstallDrive);

/// Make a drive with a rendered script. `padding` is `blank-lines` (also for NULL) or `zeros`.
///
/// Fails with `VMT_LIMIT_EXCEEDED` if the script is too long, and with `VMT_INVALID_SCRIPT` if the drive cannot hold
/// it.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_drive_new(
    script: *const vmt_script,
    padding: *const c_char,
    err: *mut *mut vmt_error,
) -> *mut vmt_drive {
    build(err, || {
        let padding = match str_or_none(padding, "padding")? {
            Some(name) => name.parse()?,
            None => Padding::default(),
        };
        Ok(InstallDrive::with_padding(&get(script)?.script, padding)?)
    })
}

/// Make a drive from all of its bytes, which are copied.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_drive_from_bytes(
    bytes: *const u8,
    length: usize,
    err: *mut *mut vmt_error,
) -> *mut vmt_drive {
    build(err, || Ok(InstallDrive::from_bytes(bytes_in(bytes, length, "bytes")?)?))
}

/// Read the drive from a file or a block device.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_drive_read(path: *const c_char, err: *mut *mut vmt_error) -> *mut vmt_drive {
    build(err, || Ok(InstallDrive::read(path_in(path, "path")?)?))
}

/// The script on it, without the padding.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_drive_script(drive: *const vmt_drive, err: *mut *mut vmt_error) -> *mut vmt_script {
    build(err, || Ok(get(drive)?.script().into()))
}

/// All of its bytes, valid as long as the drive. `length`, which may be NULL, receives `VMT_DRIVE_SIZE`.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_drive_bytes(drive: *const vmt_drive, length: *mut usize) -> *const u8 {
    let (bytes, count) = look((ptr::null(), 0), || {
        let bytes = get(drive)?.bytes();
        Ok((bytes.as_ptr(), bytes.len()))
    });
    output(length, count);
    bytes
}

/// Write it to a file, which appears complete or not at all, or to a block device. Fails with `VMT_ALREADY_EXISTS`
/// unless `overwrite`.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_drive_write(
    drive: *const vmt_drive,
    path: *const c_char,
    overwrite: bool,
    err: *mut *mut vmt_error,
) -> vmt_code {
    status(err, || Ok(get(drive)?.write(path_in(path, "path")?, overwrite.into())?))
}

/// Free it. NULL is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_drive_free(drive: *mut vmt_drive) {
    look((), || free(drive));
}
