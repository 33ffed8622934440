//! The scripts that run the setup script in a new machine.

use std::ffi::c_char;
use std::ptr;

use vmtemplate::script::FirstRunKit;

use crate::boundary::{
    AsStruct, Memory, Slot, Structs, Text, build, free, get, handle, look, path_in, status,
};
use crate::bytes::vmt_bytes;
use crate::error::{vmt_code, vmt_error};

/// The scripts that find the install drive and run its script, and `prepare.cmd`, which installs them in a master VM.
/// It is immutable; any number of threads may use it.
pub struct vmt_first_run(Slot<FirstRunValue>);
handle!(vmt_first_run, FirstRunValue);

#[derive(Debug)]
pub(crate) struct FirstRunValue {
    kit: FirstRunKit,
    files: Structs<vmt_first_run_file>,
}

/// A file of the kit.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vmt_first_run_file {
    /// Its name.
    pub name: *const c_char,
    /// Its content.
    pub bytes: *const u8,
    /// The number of `bytes`.
    pub length: usize,
}

impl AsStruct for (&str, Vec<u8>) {
    type Struct = vmt_first_run_file;

    fn as_struct(&self, memory: &mut Memory) -> vmt_first_run_file {
        let (bytes, length) = memory.array(self.1.clone());
        vmt_first_run_file { name: memory.text(self.0), bytes, length }
    }
}

/// Make the kit. `dd`, which may be NULL, is the path of a `dd.exe` to include.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_first_run_new(dd: *const c_char, err: *mut *mut vmt_error) -> *mut vmt_first_run {
    build(err, || {
        let mut kit = FirstRunKit::new();
        if !dd.is_null() {
            kit = kit.with_dd(path_in(dd, "dd")?)?;
        }
        Ok(FirstRunValue { files: Structs::of(&kit.files()), kit })
    })
}

/// A file of the kit, which lives as long as the kit; NULL past the end.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_first_run_at(kit: *const vmt_first_run, index: usize) -> *const vmt_first_run_file {
    look(ptr::null(), || Ok(get(kit)?.files.at(index)))
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
