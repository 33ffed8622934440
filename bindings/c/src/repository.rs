//! Repositories.

use std::ffi::c_char;
use std::os::unix::ffi::OsStrExt;
use std::ptr;
use std::time::Duration;

use vmtemplate::Repository;
use vmtemplate::metainfo::Tags;
use vmtemplate::progress::Threads;
use vmtemplate::repository::{EntryOptions, PublishOptions, RepositoryCheckOptions, RepositoryFormat};

use crate::archive::{unpack_limits, vmt_unpack_limits};
use crate::boundary::{
    AsStruct, Failure, Memory, Outcome, Slot, Structs, Text, build, free, get, get_or_none, handle, json,
    look, path_in, read, source, str_in, str_or_none,
};
use crate::bytes::vmt_bytes;
use crate::control::{chosen, vmt_control};
use crate::error::{VMT_INVALID_VALUE, vmt_error};
use crate::image::vmt_source;
use crate::report::vmt_report;
use crate::repository_entry::vmt_entries;
use crate::repository_keys::{vmt_public_key, vmt_signing_key};
use crate::script::flags;

/// A folder of archives, and the file that describes them to the platform. Any number of threads and processes may
/// publish to it at once.
pub struct vmt_repository(Slot<RepositoryValue>);
handle!(vmt_repository, RepositoryValue);

#[derive(Debug)]
pub(crate) struct RepositoryValue {
    pub(crate) repository: Repository,
    info: Structs<vmt_repository_info>,
}

impl From<Repository> for RepositoryValue {
    fn from(repository: Repository) -> Self {
        Self { info: Structs::one(&repository), repository }
    }
}

/// Where a repository is.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vmt_repository_info {
    /// Its folder or URL, as bytes.
    pub folder: *const c_char,
    /// The path or URL of its description, as bytes.
    pub description: *const c_char,
    /// Its format.
    pub format: vmt_repository_format,
}

impl AsStruct for Repository {
    type Struct = vmt_repository_info;

    fn as_struct(&self, memory: &mut Memory) -> vmt_repository_info {
        vmt_repository_info {
            folder: memory.text(self.folder().as_os_str().as_bytes()),
            description: memory.text(self.description_path().as_os_str().as_bytes()),
            format: match self.format() {
                RepositoryFormat::Vm5 => VMT_FORMAT_VM5,
                _ => VMT_FORMAT_VM6,
            },
        }
    }
}

/// The platform that reads the description.
pub type vmt_repository_format = u32;
/// VMmanager 6: metadata.json.
pub const VMT_FORMAT_VM6: vmt_repository_format = 6;
/// VMmanager 5: metadata.xml.
pub const VMT_FORMAT_VM5: vmt_repository_format = 5;

fn format(format: vmt_repository_format) -> Outcome<RepositoryFormat> {
    match format {
        VMT_FORMAT_VM6 => Ok(RepositoryFormat::Vm6),
        VMT_FORMAT_VM5 => Ok(RepositoryFormat::Vm5),
        other => Err(Failure::new(
            VMT_INVALID_VALUE,
            format!("{other} is not a repository format; expected VMT_FORMAT_VM6 or VMT_FORMAT_VM5"),
        )),
    }
}

/// Open a repository of this format, or detect its format by its description if `format` is 0. Detecting fails with
/// `VMT_NOT_FOUND` if it has no description, and with `VMT_INVALID_REPOSITORY` if it has two.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_repository_open(
    folder: *const c_char,
    format: vmt_repository_format,
    err: *mut *mut vmt_error,
) -> *mut vmt_repository {
    build(err, || {
        let folder = path_in(folder, "folder")?;
        Ok(match format {
            0 => Repository::open(folder)?,
            format => Repository::open_as(folder, self::format(format)?)?,
        }
        .into())
    })
}

/// Create an empty repository in a folder. Fails with `VMT_ALREADY_EXISTS` if the folder is a repository.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_repository_create(
    folder: *const c_char,
    format: vmt_repository_format,
    err: *mut *mut vmt_error,
) -> *mut vmt_repository {
    build(err, || Ok(Repository::create(path_in(folder, "folder")?, self::format(format)?)?.into()))
}

/// Where it is, which lives as long as it does; NULL for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_repository_get(repository: *const vmt_repository) -> *const vmt_repository_info {
    look(ptr::null(), || Ok(get(repository)?.info.pointer()))
}

/// Close it. NULL is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_repository_free(repository: *mut vmt_repository) {
    look((), || free(repository));
}

/// List the templates in the description.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_repository_list(
    repository: *const vmt_repository,
    err: *mut *mut vmt_error,
) -> *mut vmt_entries {
    build(err, || Ok(Structs::of(&get(repository)?.repository.list()?)))
}

/// Do not wait for another publisher to finish.
pub const VMT_PUBLISH_NO_WAIT: u32 = 1;

/// Options for changing a repository. Fields that are zero have their defaults.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vmt_publish_options {
    /// `sizeof(vmt_publish_options)`.
    pub struct_size: usize,
    /// A combination of `VMT_PUBLISH_` flags.
    pub flags: u32,
    /// The maximum time to wait for another publisher to finish, in milliseconds; 0 means one minute.
    pub lock_timeout_ms: u64,
    /// The key that signs the description and the checksums; may be NULL. A signed repository can be changed only with
    /// a key.
    pub key: *const vmt_signing_key,
    /// Reports progress and cancels the work; may be NULL.
    pub control: *const vmt_control,
}

fn publish_options(options: *const vmt_publish_options) -> Outcome<PublishOptions> {
    let options = read(options)?;
    let usual = PublishOptions::default();
    let no_wait = flags(options.flags, VMT_PUBLISH_NO_WAIT)? != 0;
    Ok(PublishOptions {
        key: get_or_none(options.key)?.cloned(),
        lock_timeout: match options.lock_timeout_ms {
            _ if no_wait => Duration::ZERO,
            0 => usual.lock_timeout,
            millis => Duration::from_millis(millis),
        },
        control: chosen(options.control)?,
    })
}

/// Write `hdd_mib_required` and `min_ram_mib` from the limits of the template.
pub const VMT_ENTRY_REQUIREMENTS: u32 = 1;
/// Replace the template with the same name, if one exists: for `vmt_repository_add()` and `vmt_repository_push()`.
pub const VMT_ENTRY_REPLACE: u32 = 2;

/// What the description says about a template. A field that is NULL is taken from the archive.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vmt_entry_options {
    /// `sizeof(vmt_entry_options)`.
    pub struct_size: usize,
    /// A combination of `VMT_ENTRY_` flags.
    pub flags: u32,
    /// The name that users see.
    pub name: *const c_char,
    /// The tags, separated by commas.
    pub tags: *const c_char,
    /// The name of the archive in the repository.
    pub file_name: *const c_char,
    /// The name from which the node derives the name of the image file. KVM only.
    pub image_name: *const c_char,
    /// The partition that grows with the disk. KVM only.
    pub expand: *const c_char,
    /// The name of the network device. KVM only.
    pub network_device: *const c_char,
    /// Bounds on what the archive may contain; may be NULL.
    pub limits: *const vmt_unpack_limits,
    /// Options for lock, signature and progress; may be NULL.
    pub publish: *const vmt_publish_options,
    /// Keys that the platform has and this library does not know, as a JSON object such as `{"efi_boot": true}`. They
    /// are written in the order of the object.
    pub set: *const c_char,
}

pub(crate) fn entry_options(options: *const vmt_entry_options) -> Outcome<EntryOptions> {
    let options = read(options)?;
    let text = |text: *const c_char, name| -> Outcome<Option<String>> {
        Ok(str_or_none(text, name)?.map(str::to_owned))
    };
    let mut entry = EntryOptions {
        name: text(options.name, "name")?,
        tags: str_or_none(options.tags, "tags")?.map(Tags::from),
        file_name: text(options.file_name, "file_name")?,
        image_name: text(options.image_name, "image_name")?,
        expand: text(options.expand, "expand")?,
        network_device: text(options.network_device, "network_device")?,
        requirements: entry_flags(&options)? & VMT_ENTRY_REQUIREMENTS != 0,
        limits: unpack_limits(options.limits)?,
        publish: publish_options(options.publish)?,
        ..EntryOptions::default()
    };
    if let Some(set) = str_or_none(options.set, "set")? {
        entry.set_keys(set)?;
    }
    Ok(entry)
}

pub(crate) fn entry_flags(options: &vmt_entry_options) -> Outcome<u32> {
    flags(options.flags, VMT_ENTRY_REQUIREMENTS | VMT_ENTRY_REPLACE)
}

/// Add an archive: verify it, copy it into the folder, and describe it. The list has one entry, the new one. `options`
/// may be NULL.
///
/// Fails with `VMT_ALREADY_EXISTS` if a template with this name exists, `VMT_INVALID_ARCHIVE`, `VMT_LOCKED`,
/// `VMT_INVALID_SIGNATURE`, `VMT_STORAGE_FULL`, `VMT_CANCELLED`.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_repository_add(
    repository: *const vmt_repository,
    archive: *const c_char,
    options: *const vmt_entry_options,
    err: *mut *mut vmt_error,
) -> *mut vmt_entries {
    build(err, || {
        let repository = &get(repository)?.repository;
        let (archive, entry) = (path_in(archive, "archive")?, entry_options(options)?);
        let added = if entry_flags(&read(options)?)? & VMT_ENTRY_REPLACE != 0 {
            repository.add_or_replace(archive, &entry)?
        } else {
            repository.add(archive, &entry)?
        };
        Ok(Structs::one(&added))
    })
}

/// The same for the archive that `source` reads; the struct is copied. `name`, any bytes, names the archive in errors.
/// Without a file name in `options`, the file name of the archive is derived from the name of its template.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_repository_add_source(
    repository: *const vmt_repository,
    source: *const vmt_source,
    name: *const c_char,
    options: *const vmt_entry_options,
    err: *mut *mut vmt_error,
) -> *mut vmt_entries {
    build(err, || {
        let repository = &get(repository)?.repository;
        let (name, entry) = (path_in(name, "name")?, entry_options(options)?);
        let replaces = entry_flags(&read(options)?)? & VMT_ENTRY_REPLACE != 0;
        let source = self::source(read(source)?)?;
        let added = if replaces {
            repository.add_or_replace_source(source, name, &entry)?
        } else {
            repository.add_source(source, name, &entry)?
        };
        Ok(Structs::one(&added))
    })
}

/// Replace the archive of the template with this name. Downloads of the old archive that are in progress are not
/// interrupted. What neither `options` nor the metainfo.xml of the new archive gives keeps its description.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_repository_replace(
    repository: *const vmt_repository,
    name: *const c_char,
    archive: *const c_char,
    options: *const vmt_entry_options,
    err: *mut *mut vmt_error,
) -> *mut vmt_entries {
    build(err, || {
        let repository = &get(repository)?.repository;
        let (name, archive) = (str_in(name, "name")?, path_in(archive, "archive")?);
        Ok(Structs::one(&repository.replace(name, archive, &entry_options(options)?)?))
    })
}

/// The same for the archive that `source` reads, as in `vmt_repository_add_source()`; `source_name` names it in errors.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_repository_replace_source(
    repository: *const vmt_repository,
    name: *const c_char,
    source: *const vmt_source,
    source_name: *const c_char,
    options: *const vmt_entry_options,
    err: *mut *mut vmt_error,
) -> *mut vmt_entries {
    build(err, || {
        let repository = &get(repository)?.repository;
        let (name, source_name) = (str_in(name, "name")?, path_in(source_name, "source_name")?);
        let entry = entry_options(options)?;
        let source = self::source(read(source)?)?;
        Ok(Structs::one(&repository.replace_source(name, source, source_name, &entry)?))
    })
}

/// Remove the template with this name, and its archive. The list has one entry, the removed one.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_repository_remove(
    repository: *const vmt_repository,
    name: *const c_char,
    options: *const vmt_publish_options,
    err: *mut *mut vmt_error,
) -> *mut vmt_entries {
    build(err, || {
        let repository = &get(repository)?.repository;
        Ok(Structs::one(&repository.remove(str_in(name, "name")?, &publish_options(options)?)?))
    })
}

/// Update sizes and checksums after archives were changed by hand. Returns JSON with `updated`, `missing` and
/// `damaged`; free it with `vmt_bytes_free()`. `damaged` has each damaged archive with the reason. The entries of
/// damaged and missing archives stay unchanged.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_repository_sync(
    repository: *const vmt_repository,
    options: *const vmt_publish_options,
    err: *mut *mut vmt_error,
) -> *mut vmt_bytes {
    build(err, || Ok(Text::new(json(&get(repository)?.repository.sync(&publish_options(options)?)?)?)))
}

/// Open the archives without reading all of them: no checksums are compared.
pub const VMT_REPOSITORY_CHECK_QUICK: u32 = 1;

/// Options for verifying a repository. Fields that are zero have their defaults.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vmt_repository_check_options {
    /// `sizeof(vmt_repository_check_options)`.
    pub struct_size: usize,
    /// A combination of `VMT_REPOSITORY_CHECK_` flags.
    pub flags: u32,
    /// Threads that decompress; 0 means one per CPU.
    pub threads: u32,
    /// The key by which the description and the checksums must be signed; may be NULL.
    pub public_key: *const vmt_public_key,
    /// Bounds on what archives may contain; may be NULL.
    pub limits: *const vmt_unpack_limits,
    /// Reports progress and cancels the work; may be NULL.
    pub control: *const vmt_control,
}

/// Check the description, every archive, every checksum, and the signatures. `options` may be NULL.
///
/// The report contains every problem that was found.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_repository_check(
    repository: *const vmt_repository,
    options: *const vmt_repository_check_options,
    err: *mut *mut vmt_error,
) -> *mut vmt_report {
    build(err, || {
        let given = read(options)?;
        let options = RepositoryCheckOptions {
            public_key: get_or_none(given.public_key)?.cloned(),
            quick: flags(given.flags, VMT_REPOSITORY_CHECK_QUICK)? != 0,
            limits: unpack_limits(given.limits)?,
            threads: Threads::new(given.threads as usize),
            control: chosen(given.control)?,
        };
        Ok(get(repository)?.repository.check(&options)?.into())
    })
}
