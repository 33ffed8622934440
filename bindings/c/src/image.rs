//! Disk images.

use std::ffi::{c_char, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::ptr;

use vmtemplate::DiskImage;
use vmtemplate::disk::OpenOptions;

use crate::boundary::{
    AsStruct, Memory, Outcome, Slot, Structs, build, bytes_in, fill, free, get, handle, look, path_in, read,
    reader, source, status, str_or_none, visit_extents,
};
use crate::control::{chosen, vmt_control};
use crate::error::{vmt_code, vmt_error};

/// A virtual disk, in whatever format it is stored. It is immutable; any number of threads may read it.
pub struct vmt_image(Slot<ImageValue>);
handle!(vmt_image, ImageValue);

#[derive(Debug)]
pub(crate) struct ImageValue {
    pub(crate) disk: DiskImage,
    info: Structs<vmt_image_info>,
}

impl From<DiskImage> for ImageValue {
    fn from(disk: DiskImage) -> Self {
        Self { info: Structs::one(&disk), disk }
    }
}

/// A virtual disk, and how it is stored.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vmt_image_info {
    /// The size of the disk in bytes.
    pub size: u64,
    /// The format as `qemu-img` spells it: `raw`, `qcow2`, `vhdx`, `vmdk`, `vpc`.
    pub format: *const c_char,
    /// The path that the image was opened with, as bytes; NULL if it was not opened by a path.
    pub path: *const c_char,
}

impl AsStruct for DiskImage {
    type Struct = vmt_image_info;

    fn as_struct(&self, memory: &mut Memory) -> vmt_image_info {
        vmt_image_info {
            size: self.size(),
            format: memory.text(self.format()),
            path: memory.text_or_null(self.path().map(|path| path.as_os_str().as_bytes())),
        }
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

/// Its size, format and path, which live as long as it does; NULL for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_image_get(image: *const vmt_image) -> *const vmt_image_info {
    look(ptr::null(), || Ok(get(image)?.info.pointer()))
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
