//! Writing raw disks.

use std::ffi::{c_char, c_void};
use std::ptr;

use vmtemplate::disk::{RawSummary, WriteRawOptions};
use vmtemplate::progress::Threads;

use crate::boundary::{
    AsStruct, Memory, Outcome, Slot, Structs, free, get, hand_out, handle, look, output, path_in, read,
    status, writer,
};
use crate::control::{chosen, vmt_control};
use crate::error::{vmt_code, vmt_error};
use crate::free_space::{free_space, usage, vmt_usage, vmt_volume};
use crate::image::{vmt_image, vmt_write_fn};
use crate::script::flags;

/// Replace an existing file.
pub const VMT_WRITE_RAW_OVERWRITE: u32 = 1;
/// Also write what file systems mark free.
pub const VMT_WRITE_RAW_KEEP_FREE_SPACE: u32 = 2;
/// Also leave out the contents of page files.
pub const VMT_WRITE_RAW_DROP_PAGE_FILES: u32 = 4;

/// Options for writing a raw file. Fields that are zero have their defaults.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vmt_write_raw_options {
    /// `sizeof(vmt_write_raw_options)`.
    pub struct_size: usize,
    /// A combination of `VMT_WRITE_RAW_` flags.
    pub flags: u32,
    /// Threads; 0 means one per CPU.
    pub threads: u32,
    /// Reports progress and cancels the work; may be NULL.
    pub control: *const vmt_control,
}

fn write_raw_options(options: *const vmt_write_raw_options) -> Outcome<WriteRawOptions> {
    let options = read(options)?;
    let known = flags(
        options.flags,
        VMT_WRITE_RAW_OVERWRITE | VMT_WRITE_RAW_KEEP_FREE_SPACE | VMT_WRITE_RAW_DROP_PAGE_FILES,
    )?;
    Ok(WriteRawOptions {
        overwrite: (known & VMT_WRITE_RAW_OVERWRITE != 0).into(),
        threads: Threads::new(options.threads as usize),
        free_space: free_space(known & VMT_WRITE_RAW_KEEP_FREE_SPACE != 0),
        drop_page_files: known & VMT_WRITE_RAW_DROP_PAGE_FILES != 0,
        control: chosen(options.control)?,
    })
}

/// The result of writing a raw disk. It is immutable; any number of threads may use it.
pub struct vmt_written(Slot<Structs<vmt_written_info>>);
handle!(vmt_written, Structs<vmt_written_info>);

/// What was read and written.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vmt_written_info {
    /// The size of the disk in bytes.
    pub size: u64,
    /// What these bytes are. `data` and `zeros` were read, the others not; a file contains `data`, and holes for the
    /// rest.
    pub usage: vmt_usage,
    /// The volumes whose free space matters, as in `vmt_free_space_info`.
    pub volumes: *const *const vmt_volume,
    /// The number of `volumes`.
    pub volume_count: usize,
    /// Everything as JSON, as `vmtemplate convert --json` prints it.
    pub json: *const c_char,
}

impl AsStruct for RawSummary {
    type Struct = vmt_written_info;

    fn as_struct(&self, memory: &mut Memory) -> vmt_written_info {
        let (volumes, volume_count) = memory.structs(&self.free_space.volumes);
        vmt_written_info {
            size: self.size,
            usage: usage(self.usage),
            volumes,
            volume_count,
            json: memory.json(self),
        }
    }
}

/// Its parts, which live as long as it does; NULL for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_written_get(written: *const vmt_written) -> *const vmt_written_info {
    look(ptr::null(), || Ok(get(written)?.pointer()))
}

/// Free it. NULL is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_written_free(written: *mut vmt_written) {
    look((), || free(written));
}

/// Write a disk by `write`, and hand out the summary.
fn write_by(
    options: *const vmt_write_raw_options,
    written: *mut *mut vmt_written,
    err: *mut *mut vmt_error,
    write: impl FnOnce(&WriteRawOptions) -> Outcome<RawSummary>,
) -> vmt_code {
    output(written, ptr::null_mut());
    status(err, || {
        let summary = write(&write_raw_options(options)?)?;
        hand_out(written, || Structs::one(&summary));
        Ok(())
    })
}

/// Write the disk as a sparse raw file, which appears complete or not at all. `options` may be NULL.
///
/// `*written`, unless `written` is NULL, receives a summary; free it with `vmt_written_free()`.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_image_write_raw(
    image: *const vmt_image,
    path: *const c_char,
    options: *const vmt_write_raw_options,
    written: *mut *mut vmt_written,
    err: *mut *mut vmt_error,
) -> vmt_code {
    write_by(options, written, err, |options| {
        Ok(get(image)?.disk.write_raw(path_in(path, "path")?, options)?)
    })
}

/// The same, but pass every byte of the disk to `write` in order, on this thread. Parts that are not data are passed as
/// zeros. `threads` and `VMT_WRITE_RAW_OVERWRITE` have no effect.
///
/// After an error, `write` has received only a part of the disk.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_image_write_raw_to(
    image: *const vmt_image,
    write: vmt_write_fn,
    user_data: *mut c_void,
    options: *const vmt_write_raw_options,
    written: *mut *mut vmt_written,
    err: *mut *mut vmt_error,
) -> vmt_code {
    write_by(options, written, err, |options| {
        Ok(get(image)?.disk.write_raw_to(writer(write, user_data)?, options)?)
    })
}
