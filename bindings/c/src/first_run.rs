//! The scripts that run the setup script in a new machine.

use std::ffi::c_char;

use vmtemplate::script::FirstRunKit;

use crate::boundary::{Outcome, Slot, Text, build, free, get, handle, look, path_in, status, text};
use crate::bytes::vmt_bytes;
use crate::error::{vmt_code, vmt_error};

/// The scripts that find the install drive and run its script, and `prepare.cmd`, which installs them in a master VM.
/// It is immutable; any number of threads may use it.
pub struct vmt_first_run(Slot<FirstRunValue>);
handle!(vmt_first_run, FirstRunValue);

#[derive(Debug)]
pub(crate) struct FirstRunValue {
    kit: FirstRunKit,
    files: Vec<(Text, Text)>,
}

fn file<'a>(kit: *const vmt_first_run, index: usize) -> Outcome<Option<&'a (Text, Text)>> {
    Ok(get(kit)?.files.get(index))
}

/// Make the kit. `dd`, which may be NULL, is the path of a `dd.exe` to include.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_first_run_new(dd: *const c_char, err: *mut *mut vmt_error) -> *mut vmt_first_run {
    build(err, || {
        let mut kit = FirstRunKit::new();
        if !dd.is_null() {
            kit = kit.with_dd(path_in(dd, "dd")?)?;
        }
        let files = kit.files().into_iter().map(|(name, bytes)| (Text::new(name), Text::new(bytes)));
        Ok(FirstRunValue { files: files.collect(), kit })
    })
}

/// The number of files.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_first_run_file_count(kit: *const vmt_first_run) -> usize {
    look(0, || Ok(get(kit)?.files.len()))
}

/// The name of a file; NULL past the end.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_first_run_file_name(
    kit: *const vmt_first_run,
    index: usize,
    length: *mut usize,
) -> *const c_char {
    text(length, || Ok(file(kit, index)?.map(|(name, _)| name)))
}

/// The content of a file; NULL past the end.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_first_run_file_bytes(
    kit: *const vmt_first_run,
    index: usize,
    length: *mut usize,
) -> *const u8 {
    text(length, || Ok(file(kit, index)?.map(|(_, bytes)| bytes))).cast()
}

/// Write the files into a folder, which is created if it does not exist.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_first_run_write(
    kit: *const vmt_first_run,
    folder: *const c_char,
    err: *mut *mut vmt_error,
) -> vmt_code {
    status(err, || Ok(get(kit)?.kit.write(path_in(folder, "folder")?)?))
}

/// The files as a CD image.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_first_run_iso(kit: *const vmt_first_run, err: *mut *mut vmt_error) -> *mut vmt_bytes {
    build(err, || Ok(Text::new(get(kit)?.kit.iso())))
}

/// Write the CD image to a file. Fails with `VMT_ALREADY_EXISTS` unless `overwrite` is set.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_first_run_write_iso(
    kit: *const vmt_first_run,
    path: *const c_char,
    overwrite: bool,
    err: *mut *mut vmt_error,
) -> vmt_code {
    status(err, || Ok(get(kit)?.kit.write_iso(path_in(path, "path")?, overwrite.into())?))
}

/// Free it. NULL is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_first_run_free(kit: *mut vmt_first_run) {
    look((), || free(kit));
}
