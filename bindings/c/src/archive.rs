//! Archives.

use std::ffi::c_char;
use std::os::unix::ffi::OsStrExt;
use std::ptr;
use std::sync::OnceLock;

use vmtemplate::Archive;
use vmtemplate::archive::{UnpackLimits, UnpackOptions};
use vmtemplate::progress::Threads;

use crate::boundary::{
    Outcome, Slot, Structs, Text, build, call, free, get, handle, list_in, look, path_in, read, source,
    str_in, text,
};
use crate::bytes::vmt_bytes;
use crate::check::{check_options, vmt_check_options};
use crate::control::{chosen, vmt_control};
use crate::error::vmt_error;
use crate::files::vmt_files;
use crate::image::{vmt_image, vmt_source};
use crate::report::vmt_report;
use crate::script::{render_options, vmt_render_options, vmt_script};
use crate::template::vmt_template;
use crate::values::vmt_values;

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

/// An archive. It is immutable; any number of threads may read from it.
pub struct vmt_archive(Slot<ArchiveValue>);
handle!(vmt_archive, ArchiveValue);

pub(crate) struct ArchiveValue {
    pub(crate) archive: Archive,
    path: Text,
    files: OnceLock<vmt_files>,
}

impl From<Archive> for ArchiveValue {
    fn from(archive: Archive) -> Self {
        let path = Text::new(archive.path().as_os_str().as_bytes());
        Self { archive, path, files: OnceLock::new() }
    }
}

/// Open an archive made by any tool, at a path or a URL. Only its first bytes are read now, to see that it is an
/// archive; the functions below read the rest when they need it: all of an archive made by another tool, and little of
/// one made by vmtemplate. `limits`, which may be NULL, bound them all.
///
/// Fails with `VMT_NOT_FOUND`, `VMT_INVALID_ARCHIVE`.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_archive_open(
    path: *const c_char,
    limits: *const vmt_unpack_limits,
    err: *mut *mut vmt_error,
) -> *mut vmt_archive {
    build(err, || Ok(Archive::open(path_in(path, "path")?)?.with_limits(unpack_limits(limits)?).into()))
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
        Ok(Archive::from_source(self::source(read(source)?)?, name)?.with_limits(limits).into())
    })
}

/// The path or URL of the archive, as bytes.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_archive_path(archive: *const vmt_archive, length: *mut usize) -> *const c_char {
    text(length, || Ok(Some(&get(archive)?.path)))
}

/// Its files, which are part of the archive and must not be freed.
///
/// Fails with `VMT_INVALID_ARCHIVE`, `VMT_UNSAFE_ARCHIVE`, `VMT_LIMIT_EXCEEDED`.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_archive_files(
    archive: *const vmt_archive,
    err: *mut *mut vmt_error,
) -> *const vmt_files {
    call(err, ptr::null(), || {
        let value = get(archive)?;
        let entries = value.archive.entries()?;
        Ok(ptr::from_ref(value.files.get_or_init(|| vmt_files::lent(entries))))
    })
}

/// Read a small file of the archive, such as `metainfo.xml`. Fails with `VMT_NOT_FOUND`, `VMT_LIMIT_EXCEEDED`, and as
/// `vmt_archive_files()` does.
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

/// Open the template in the archive. Its image is not read. The template may outlive the archive.
///
/// Fails with `VMT_INVALID_METAINFO`, `VMT_INVALID_TEMPLATE`, and as `vmt_archive_files()` does.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_archive_template(
    archive: *const vmt_archive,
    err: *mut *mut vmt_error,
) -> *mut vmt_template {
    build(err, || Ok(get(archive)?.archive.template()?.into()))
}

/// Check the archive and the template in it, as `vmt_check()` does. `options` may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_archive_check(
    archive: *const vmt_archive,
    options: *const vmt_check_options,
    err: *mut *mut vmt_error,
) -> *mut vmt_report {
    build(err, || Ok(get(archive)?.archive.check(&check_options(options)?)?.into()))
}

/// Replace the macros of the setup script in it, as `vmt_template_render()` does. `options` may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_archive_render(
    archive: *const vmt_archive,
    values: *const vmt_values,
    options: *const vmt_render_options,
    err: *mut *mut vmt_error,
) -> *mut vmt_script {
    build(err, || Ok(get(archive)?.archive.render(&get(values)?.values, &render_options(options)?)?.into()))
}

/// Options for unpacking an archive. Fields that are zero have their defaults.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vmt_unpack_options {
    /// `sizeof(vmt_unpack_options)`.
    pub struct_size: usize,
    /// Names of the files to unpack, `only_count` of them; NULL for all.
    pub only: *const *const c_char,
    /// The number of `only`.
    pub only_count: usize,
    /// Threads that decompress; 0 means one per CPU.
    pub threads: u32,
    /// Reports progress and cancels the work; may be NULL.
    pub control: *const vmt_control,
}

/// Unpack the archive into a folder, which is created if it does not exist, and list its files. `options` may be NULL.
///
/// Holes are restored as holes. No file is overwritten: an existing file fails with `VMT_ALREADY_EXISTS`. After an
/// error the folder contains no file of the archive.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_archive_unpack(
    archive: *const vmt_archive,
    folder: *const c_char,
    options: *const vmt_unpack_options,
    err: *mut *mut vmt_error,
) -> *mut vmt_files {
    build(err, || {
        let (archive, folder, given) = (&get(archive)?.archive, path_in(folder, "folder")?, read(options)?);
        let only = list_in(given.only, given.only_count, "only")?;
        let options = UnpackOptions {
            only: only.into_iter().map(str::to_owned).collect(),
            threads: Threads::new(given.threads as usize),
            control: chosen(given.control)?,
        };
        Ok(Structs::of(&archive.unpack(folder, &options)?))
    })
}

/// Close it. NULL is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_archive_free(archive: *mut vmt_archive) {
    look((), || free(archive));
}
