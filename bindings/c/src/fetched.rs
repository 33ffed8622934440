//! Archives fetched from a repository.

use std::ffi::c_char;
use std::os::unix::ffi::OsStrExt;
use std::ptr;

use vmtemplate::repository::{FetchOptions, Fetched};

use crate::archive::{unpack_limits, vmt_unpack_limits};
use crate::boundary::{
    AsStruct, Memory, Slot, Structs, build, free, get, get_or_none, handle, look, path_in, read, str_in,
};
use crate::control::{chosen, vmt_control};
use crate::error::vmt_error;
use crate::repository::vmt_repository;
use crate::repository_entry::vmt_entry;
use crate::repository_keys::vmt_public_key;
use crate::script::flags;

/// An archive that was fetched. It is immutable; any number of threads may use it.
pub struct vmt_fetched(Slot<Structs<vmt_fetched_info>>);
handle!(vmt_fetched, Structs<vmt_fetched_info>);

/// The archive that was fetched.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vmt_fetched_info {
    /// The path of the archive, as bytes.
    pub path: *const c_char,
    /// The SHA-256 of the archive, in hex.
    pub sha256: *const c_char,
    /// The size of the archive in bytes.
    pub archive_bytes: u64,
    /// The number of bytes that were kept from an interrupted fetch.
    pub resumed_at: u64,
    /// Whether the SHA256SUMS of the repository lists this checksum.
    pub has_checksum: bool,
    /// What the description says about the template.
    pub entry: *const vmt_entry,
    /// Everything as JSON, as `vmtemplate repo fetch --json` prints it.
    pub json: *const c_char,
}

impl AsStruct for Fetched {
    type Struct = vmt_fetched_info;

    fn as_struct(&self, memory: &mut Memory) -> vmt_fetched_info {
        vmt_fetched_info {
            path: memory.text(self.path.as_os_str().as_bytes()),
            sha256: memory.text(&self.sha256),
            archive_bytes: self.archive_bytes,
            resumed_at: self.resumed_at,
            has_checksum: self.has_checksum,
            entry: memory.structure(&self.entry),
            json: memory.json(self),
        }
    }
}

/// Replace the file if it exists.
pub const VMT_FETCH_OVERWRITE: u32 = 1;

/// Options for fetching an archive. Fields that are zero have their defaults.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vmt_fetch_options {
    /// `sizeof(vmt_fetch_options)`.
    pub struct_size: usize,
    /// A combination of `VMT_FETCH_` flags.
    pub flags: u32,
    /// The key by which the description and the checksums must be signed; may be NULL.
    pub public_key: *const vmt_public_key,
    /// Bounds on what the archive may contain; may be NULL.
    pub limits: *const vmt_unpack_limits,
    /// Reports progress and cancels the work; may be NULL.
    pub control: *const vmt_control,
}

/// Copy the archive of the template with this name into a folder, and compare it with its checksum. An interrupted
/// fetch is resumed. `options` may be NULL.
///
/// Fails with `VMT_NOT_FOUND`, `VMT_ALREADY_EXISTS`, `VMT_INVALID_ARCHIVE`, `VMT_INVALID_SIGNATURE`, `VMT_NETWORK`.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_repository_fetch(
    repository: *const vmt_repository,
    name: *const c_char,
    folder: *const c_char,
    options: *const vmt_fetch_options,
    err: *mut *mut vmt_error,
) -> *mut vmt_fetched {
    build(err, || {
        let given = read(options)?;
        let options = FetchOptions {
            public_key: get_or_none(given.public_key)?.cloned(),
            overwrite: (flags(given.flags, VMT_FETCH_OVERWRITE)? != 0).into(),
            limits: unpack_limits(given.limits)?,
            control: chosen(given.control)?,
        };
        let repository = &get(repository)?.repository;
        let (name, folder) = (str_in(name, "name")?, path_in(folder, "folder")?);
        Ok(Structs::one(&repository.fetch(name, folder, &options)?))
    })
}

/// Its parts, which live as long as it does; NULL for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_fetched_get(fetched: *const vmt_fetched) -> *const vmt_fetched_info {
    look(ptr::null(), || Ok(get(fetched)?.pointer()))
}

/// Free it. NULL is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_fetched_free(fetched: *mut vmt_fetched) {
    look((), || free(fetched));
}
