//! Disk images.

use std::ffi::{c_char, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::ptr;

use vmtemplate::DiskImage;
use vmtemplate::disk::{FreeSpace, FreeSpaceOptions, OpenOptions, RawSummary, WriteRawOptions};
use vmtemplate::progress::Threads;

use crate::boundary::{
    Outcome, Slot, Text, build, bytes_in, fill, fixed, free, get, give, handle, json, look, output, path_in,
    read, reader, source, status, str_or_none, text, visit_extents, writer,
};
use crate::bytes::vmt_bytes;
use crate::control::{chosen, vmt_control};
use crate::error::{vmt_code, vmt_error};
use crate::script::flags;

/// A virtual disk, in whatever format it is stored. It is immutable; any number of threads may read it.
pub struct vmt_image(Slot<ImageValue>);
handle!(vmt_image, ImageValue);

#[derive(Debug)]
pub(crate) struct ImageValue {
    pub(crate) disk: DiskImage,
    path: Option<Text>,
}

impl From<DiskImage> for ImageValue {
    fn from(disk: DiskImage) -> Self {
        let path = disk.path().map(|path| Text::new(path.as_os_str().as_bytes()));
        Self { disk, path }
    }
}

impl vmt_image {
    pub(crate) fn lent(disk: &DiskImage) -> Self {
        Self(Slot::lent(disk.clone().into()))
    }
}

/// Options for opening an image. Fields that are zero have their defaults.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vmt_open_options {
    /// `sizeof(vmt_open_options)`.
    pub struct_size: usize,
    /// The format: `raw`, `qcow2`, `vhdx`, `vmdk` or `vhd`; NULL detects it.
    pub format: *const c_char,
    /// The folder of the files that an image may refer to (backing files, extents). NULL opens none of them, because a
    /// hostile image could name any file.
    pub backing_files: *const c_char,
    /// The largest virtual disk that is accepted, in bytes; 64 TiB for 0.
    pub max_size: u64,
    /// The folder for the temporary copy of a stream; `$TMPDIR` or `/var/tmp` for NULL.
    pub temporary_folder: *const c_char,
    /// The program that reads `rbd:POOL/IMAGE`; `rbd` for NULL.
    pub rbd_program: *const c_char,
    /// Reports progress of reading a stream, and cancels it; may be NULL.
    pub control: *const vmt_control,
}

/// An optional path.
pub(crate) fn path_or_none(path: *const c_char, name: &'static str) -> Outcome<Option<PathBuf>> {
    if path.is_null() { Ok(None) } else { Ok(Some(path_in(path, name)?.to_owned())) }
}

pub(crate) fn open_options(options: *const vmt_open_options) -> Outcome<OpenOptions> {
    let options = read(options)?;
    let defaults = OpenOptions::default();
    Ok(OpenOptions {
        format: str_or_none(options.format, "format")?.map(str::parse).transpose()?,
        backing_files: path_or_none(options.backing_files, "backing_files")?,
        max_size: if options.max_size == 0 { defaults.max_size } else { options.max_size },
        temporary_folder: path_or_none(options.temporary_folder, "temporary_folder")?,
        rbd_program: path_or_none(options.rbd_program, "rbd_program")?,
        control: chosen(options.control)?,
    })
}

/// The kind of a part of a disk.
pub type vmt_extent_kind = u32;
/// Data, which must be read.
pub const VMT_EXTENT_DATA: vmt_extent_kind = 0;
/// Zeros, which need not be read.
pub const VMT_EXTENT_ZERO: vmt_extent_kind = 1;
/// Marked free by a file system; treated as zeros.
pub const VMT_EXTENT_FREE: vmt_extent_kind = 2;

/// A part of a disk.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vmt_extent {
    /// The offset of the part in bytes.
    pub offset: u64,
    /// The length of the part in bytes.
    pub length: u64,
    /// The kind of the part.
    pub kind: vmt_extent_kind,
}

/// Receives a part of a disk, which is valid during this call only. Returning a value other than 0 ends the walk.
pub type vmt_extent_fn =
    Option<unsafe extern "C" fn(user_data: *mut c_void, extent: *const vmt_extent) -> i32>;

/// Reads a stream: writes at most `length` bytes into `buffer`, and returns their number, 0 at the end of the stream,
/// or a negative `errno`.
pub type vmt_read_fn =
    Option<unsafe extern "C" fn(user_data: *mut c_void, buffer: *mut u8, length: usize) -> isize>;

/// Receives the next `length` bytes of the output, an archive or a disk. Returns 0, or an `errno`.
pub type vmt_write_fn =
    Option<unsafe extern "C" fn(user_data: *mut c_void, bytes: *const u8, length: usize) -> i32>;

/// Fills `buffer` with the `length` bytes at `offset`, which are never past the end. Returns 0, or an `errno`.
pub type vmt_read_at_fn =
    Option<unsafe extern "C" fn(user_data: *mut c_void, buffer: *mut u8, length: usize, offset: u64) -> i32>;

/// Stores in `*kind` the kind of the bytes at `offset`, and in `*length` how many bytes from there on have that kind.
/// Returns 0, or an `errno`.
pub type vmt_extent_at_fn = Option<
    unsafe extern "C" fn(
        user_data: *mut c_void,
        offset: u64,
        length: *mut u64,
        kind: *mut vmt_extent_kind,
    ) -> i32,
>;

/// Frees the `user_data` of callbacks.
pub type vmt_free_fn = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// A disk or an archive that callbacks of the caller read. They are called from many threads at once, and must not
/// throw or longjmp.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vmt_source {
    /// `sizeof(vmt_source)`.
    pub struct_size: usize,
    /// Passed to the callbacks; may be NULL.
    pub user_data: *mut c_void,
    /// The size in bytes.
    pub size: u64,
    /// Reads a part of it. Must not be NULL.
    pub read: vmt_read_at_fn,
    /// Reports which parts of a disk need not be read; NULL reads everything. Not called for an archive.
    pub extent: vmt_extent_at_fn,
    /// Called once, when the last handle that needs the source is freed, or when making the first handle fails after
    /// the source was read; may be NULL. It is not called for a source that is refused at once, because `read` is NULL
    /// or `size` is 0.
    pub free: vmt_free_fn,
}

/// Open an image: a file or block device in any known format, or `rbd:POOL/IMAGE[@SNAP]`. `options` may be NULL.
///
/// Fails with `VMT_NOT_FOUND`, `VMT_PERMISSION_DENIED`, `VMT_INVALID_IMAGE`, `VMT_UNSUPPORTED`, `VMT_LIMIT_EXCEEDED`.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_image_open(
    path: *const c_char,
    options: *const vmt_open_options,
    err: *mut *mut vmt_error,
) -> *mut vmt_image {
    build(err, || Ok(DiskImage::open_with(path_in(path, "path")?, &open_options(options)?)?.into()))
}

/// Make a raw disk from these bytes, which are copied.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_image_from_bytes(
    bytes: *const u8,
    length: usize,
    err: *mut *mut vmt_error,
) -> *mut vmt_image {
    build(err, || Ok(DiskImage::from_bytes(bytes_in(bytes, length, "bytes")?).into()))
}

/// Make a disk that `source` reads. The struct is copied; what it points to must live until its `free` is called.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_image_from_source(
    source: *const vmt_source,
    err: *mut *mut vmt_error,
) -> *mut vmt_image {
    build(err, || Ok(DiskImage::from_source(self::source(read(source)?)?).into()))
}

/// Open an image of any format from a stream, which is first read completely into a temporary file without a name.
/// `options` may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_image_from_stream(
    read: vmt_read_fn,
    user_data: *mut c_void,
    options: *const vmt_open_options,
    err: *mut *mut vmt_error,
) -> *mut vmt_image {
    build(err, || Ok(DiskImage::from_stream(reader(read, user_data)?, &open_options(options)?)?.into()))
}

/// Free an image. NULL, and a handle that is part of a template, are ignored.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_image_free(image: *mut vmt_image) {
    look((), || free(image));
}

/// The size of the disk in bytes; 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_image_size(image: *const vmt_image) -> u64 {
    look(0, || Ok(get(image)?.disk.size()))
}

/// The format as `qemu-img` spells it: `raw`, `qcow2`, `vhdx`, `vmdk`, `vpc`. The text is static.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_image_format(image: *const vmt_image) -> *const c_char {
    text(ptr::null_mut(), || Ok(Some(fixed(get(image)?.disk.format()))))
}

/// The path that the image was opened with, as bytes; NULL if it was not opened by a path.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_image_path(image: *const vmt_image, length: *mut usize) -> *const c_char {
    text(length, || Ok(get(image)?.path.as_ref()))
}

/// Fill `buffer` with the `length` bytes at `offset` of the disk. Fails with `VMT_INVALID_VALUE` if some of them are
/// past the end of the disk; the content of the buffer is then unspecified.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_image_read_at(
    image: *const vmt_image,
    buffer: *mut u8,
    length: usize,
    offset: u64,
    err: *mut *mut vmt_error,
) -> vmt_code {
    status(err, || {
        let disk = &get(image)?.disk;
        fill(buffer, length, |buffer| Ok(disk.read_at(buffer, offset)?))
    })
}

/// Call `visit` for each part of the disk, from the first to the last. Adjacent parts of the same kind are merged.
///
/// Fails with `VMT_CANCELLED` if `visit` ended the walk.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_image_extents(
    image: *const vmt_image,
    visit: vmt_extent_fn,
    user_data: *mut c_void,
    err: *mut *mut vmt_error,
) -> vmt_code {
    status(err, || visit_extents(get(image)?.disk.extents(), visit, user_data))
}

/// Also read what file systems mark free.
pub const VMT_FREE_SPACE_KEEP: u32 = 1;
/// Also leave out the contents of page files.
pub const VMT_FREE_SPACE_DROP_PAGE_FILES: u32 = 2;

/// Options for skipping free space. Fields that are zero have their defaults.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vmt_free_space_options {
    /// `sizeof(vmt_free_space_options)`.
    pub struct_size: usize,
    /// A combination of `VMT_FREE_SPACE_` flags.
    pub flags: u32,
    /// Cancels the work; may be NULL.
    pub control: *const vmt_control,
}

/// The same disk, without reading what its NTFS volumes mark free. A volume that cannot be proved consistent is left
/// unchanged.
///
/// `*report`, unless `report` is NULL, receives JSON about what was left out, and why the free space of a volume was
/// kept; free it with `vmt_bytes_free()`.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_image_without_free_space(
    image: *const vmt_image,
    options: *const vmt_free_space_options,
    report: *mut *mut vmt_bytes,
    err: *mut *mut vmt_error,
) -> *mut vmt_image {
    output(report, ptr::null_mut());
    build(err, || {
        let options = read(options)?;
        let known = flags(options.flags, VMT_FREE_SPACE_KEEP | VMT_FREE_SPACE_DROP_PAGE_FILES)?;
        let (disk, found) = get(image)?.disk.without_free_space(&FreeSpaceOptions {
            free_space: free_space(known & VMT_FREE_SPACE_KEEP != 0),
            drop_page_files: known & VMT_FREE_SPACE_DROP_PAGE_FILES != 0,
            control: chosen(options.control)?,
        })?;
        if !report.is_null() {
            output(report, give(Text::new(json(&found)?)));
        }
        Ok(disk.into())
    })
}

pub(crate) const fn free_space(keep: bool) -> FreeSpace {
    if keep { FreeSpace::Keep } else { FreeSpace::Skip }
}

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

/// Return the summary to C as JSON, if the caller wants it.
fn hand_out(place: *mut *mut vmt_bytes, summary: &RawSummary) -> Outcome<()> {
    if !place.is_null() {
        output(place, give(Text::new(json(summary)?)));
    }
    Ok(())
}

/// Write the disk as a sparse raw file, which appears complete or not at all. `options` may be NULL.
///
/// `*summary`, unless `summary` is NULL, receives JSON about what was read and written; free it with
/// `vmt_bytes_free()`.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_image_write_raw(
    image: *const vmt_image,
    path: *const c_char,
    options: *const vmt_write_raw_options,
    summary: *mut *mut vmt_bytes,
    err: *mut *mut vmt_error,
) -> vmt_code {
    output(summary, ptr::null_mut());
    status(err, || {
        let options = write_raw_options(options)?;
        hand_out(summary, &get(image)?.disk.write_raw(path_in(path, "path")?, &options)?)
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
    summary: *mut *mut vmt_bytes,
    err: *mut *mut vmt_error,
) -> vmt_code {
    output(summary, ptr::null_mut());
    status(err, || {
        let options = write_raw_options(options)?;
        hand_out(summary, &get(image)?.disk.write_raw_to(writer(write, user_data)?, &options)?)
    })
}
