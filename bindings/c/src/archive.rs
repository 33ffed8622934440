//! Inspecting and unpacking archives.

use std::ffi::c_char;
use std::os::unix::ffi::OsStrExt;

use vmtemplate::Archive;
use vmtemplate::archive::{ArchiveEntry, UnpackLimits, UnpackOptions};
use vmtemplate::progress::Threads;

use crate::boundary::{
    Outcome, Slot, Text, build, free, get, handle, list_in, look, path_in, read, source, str_in, text,
};
use crate::bytes::vmt_bytes;
use crate::control::{chosen, vmt_control};
use crate::error::vmt_error;
use crate::image::{vmt_image, vmt_source};

/// The files of an archive or a template, by name and size. It is immutable; any number of threads may use it.
pub struct vmt_files(Slot<Files>);
handle!(vmt_files, Files);

#[derive(Debug)]
pub(crate) struct Files(Vec<(Text, u64)>);

impl Files {
    pub(crate) fn new(entries: &[ArchiveEntry]) -> Self {
        Self(entries.iter().map(|entry| (Text::new(&entry.name), entry.size)).collect())
    }
}

impl vmt_files {
    pub(crate) fn lent(entries: &[ArchiveEntry]) -> Self {
        Self(Slot::lent(Files::new(entries)))
    }
}

/// The number of files.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_files_count(files: *const vmt_files) -> usize {
    look(0, || Ok(get(files)?.0.len()))
}

/// The name of a file; NULL past the end.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_files_name(files: *const vmt_files, index: usize, length: *mut usize) -> *const c_char {
    text(length, || Ok(get(files)?.0.get(index).map(|(name, _)| name)))
}

/// The size of a file in bytes; 0 past the end.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_files_size(files: *const vmt_files, index: usize) -> u64 {
    look(0, || Ok(get(files)?.0.get(index).map_or(0, |&(_, size)| size)))
}

/// Free a list. NULL, and a list that is part of a template or an archive, are ignored.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_files_free(files: *mut vmt_files) {
    look((), || free(files));
}

/// Bounds on what an archive may contain. Fields that are zero have their defaults, which let an image of 2 TiB and
/// more pass.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vmt_unpack_limits {
    /// `sizeof(vmt_unpack_limits)`.
    pub struct_size: usize,
    /// Files and folders; 1000.
    pub entries: u64,
    /// Bytes of all files together, including holes; 16 TiB.
    pub total_size: u64,
    /// Bytes in the name of a file or folder; 255.
    pub name_length: u64,
    /// Depth of nested folders; 16.
    pub path_depth: u64,
    /// Bytes of the tar stream for each byte of the archive; 1100.
    pub ratio: u64,
    /// Consecutive headers that describe the next entry; 8.
    pub header_chain: u32,
    /// Bytes in one such header; 1 MiB.
    pub header_size: u64,
}

pub(crate) fn unpack_limits(limits: *const vmt_unpack_limits) -> Outcome<UnpackLimits> {
    let (given, usual) = (read(limits)?, UnpackLimits::default());
    let or = |given: u64, usual: u64| if given == 0 { usual } else { given };
    Ok(UnpackLimits {
        entries: or(given.entries, usual.entries),
        total_size: or(given.total_size, usual.total_size),
        name_length: or(given.name_length, usual.name_length as u64) as usize,
        path_depth: or(given.path_depth, usual.path_depth as u64) as usize,
        ratio: or(given.ratio, usual.ratio),
        header_chain: or(given.header_chain.into(), usual.header_chain.into()) as u32,
        header_size: or(given.header_size, usual.header_size),
    })
}

/// An open archive. It is immutable; any number of threads may read from it.
pub struct vmt_archive(Slot<ArchiveValue>);
handle!(vmt_archive, ArchiveValue);

pub(crate) struct ArchiveValue {
    archive: Archive,
    path: Text,
    files: vmt_files,
}

impl ArchiveValue {
    fn of(archive: Archive) -> Outcome<Self> {
        Ok(Self {
            path: Text::new(archive.path().as_os_str().as_bytes()),
            files: vmt_files::lent(archive.entries()?),
            archive,
        })
    }
}

/// Open an archive made by any tool. Opening one made by vmtemplate takes milliseconds; any other is read completely.
/// `limits` may be NULL.
///
/// Fails with `VMT_INVALID_ARCHIVE`, `VMT_UNSAFE_ARCHIVE`, `VMT_LIMIT_EXCEEDED`.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_archive_open(
    path: *const c_char,
    limits: *const vmt_unpack_limits,
    err: *mut *mut vmt_error,
) -> *mut vmt_archive {
    build(err, || {
        ArchiveValue::of(Archive::open(path_in(path, "path")?)?.with_limits(unpack_limits(limits)?))
    })
}

/// Open the archive that `source` reads; the struct is copied. `name`, any bytes, names the archive in errors. `limits`
/// may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_archive_from_source(
    source: *const vmt_source,
    name: *const c_char,
    limits: *const vmt_unpack_limits,
    err: *mut *mut vmt_error,
) -> *mut vmt_archive {
    build(err, || {
        let (name, limits) = (path_in(name, "name")?, unpack_limits(limits)?);
        ArchiveValue::of(Archive::from_source(self::source(read(source)?)?, name)?.with_limits(limits))
    })
}

/// The path or URL of the archive, as bytes.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_archive_path(archive: *const vmt_archive, length: *mut usize) -> *const c_char {
    text(length, || Ok(Some(&get(archive)?.path)))
}

/// Its files, which are part of the archive and must not be freed; NULL for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_archive_files(archive: *const vmt_archive) -> *const vmt_files {
    look(std::ptr::null(), || Ok(std::ptr::from_ref(&get(archive)?.files)))
}

/// Read a small file of the archive, such as `metainfo.xml`. Fails with `VMT_NOT_FOUND`, `VMT_LIMIT_EXCEEDED`.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_archive_read(
    archive: *const vmt_archive,
    name: *const c_char,
    err: *mut *mut vmt_error,
) -> *mut vmt_bytes {
    build(err, || Ok(Text::new(get(archive)?.archive.read(str_in(name, "name")?)?)))
}

/// Open a disk image in the archive without unpacking it. Fails with `VMT_UNSUPPORTED` if another tool made the
/// archive.
///
/// The image may outlive the archive.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_archive_image(
    archive: *const vmt_archive,
    name: *const c_char,
    err: *mut *mut vmt_error,
) -> *mut vmt_image {
    build(err, || Ok(get(archive)?.archive.disk(str_in(name, "name")?)?.into()))
}

/// Close it. NULL is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_archive_free(archive: *mut vmt_archive) {
    look((), || free(archive));
}

/// Options for unpacking an archive. Fields that are zero have their defaults.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vmt_unpack_options {
    /// `sizeof(vmt_unpack_options)`.
    pub struct_size: usize,
    /// Bounds on what the archive may contain; may be NULL.
    pub limits: *const vmt_unpack_limits,
    /// Names of the files to unpack, `only_count` of them; NULL for all.
    pub only: *const *const c_char,
    /// The number of `only`.
    pub only_count: usize,
    /// Threads that decompress; 0 means one per CPU.
    pub threads: u32,
    /// Reports progress and cancels the work; may be NULL.
    pub control: *const vmt_control,
}

/// Unpack an archive made by any tool into a folder, which is created if it does not exist, and list its files.
/// `options` may be NULL.
///
/// Holes are restored as holes. No file is overwritten: an existing file fails with `VMT_ALREADY_EXISTS`. After an
/// error the folder contains no file of the archive.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_unpack(
    archive: *const c_char,
    folder: *const c_char,
    options: *const vmt_unpack_options,
    err: *mut *mut vmt_error,
) -> *mut vmt_files {
    build(err, || {
        let given = read(options)?;
        let only = list_in(given.only, given.only_count, "only")?;
        let options = UnpackOptions {
            only: only.into_iter().map(str::to_owned).collect(),
            threads: Threads::new(given.threads as usize),
            control: chosen(given.control)?,
        };
        let archive = Archive::open(path_in(archive, "archive")?)?.with_limits(unpack_limits(given.limits)?);
        let files = archive.unpack(path_in(folder, "folder")?, &options)?;
        Ok(Files::new(&files))
    })
}
