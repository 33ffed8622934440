//! Archives fetched from a repository.

use std::ffi::c_char;
use std::os::unix::ffi::OsStrExt;

use vmtemplate::repository::{FetchOptions, Fetched};

use crate::archive::{unpack_limits, vmt_unpack_limits};
use crate::boundary::{Slot, Text, build, free, get, get_or_none, handle, look, path_in, read, str_in, text};
use crate::control::{chosen, vmt_control};
use crate::error::vmt_error;
use crate::repository::vmt_repository;
use crate::repository_keys::vmt_public_key;
use crate::script::flags;

/// An archive that was fetched. It is immutable; any number of threads may use it.
pub struct vmt_fetched(Slot<FetchedValue>);
handle!(vmt_fetched, FetchedValue);

#[derive(Debug)]
pub(crate) struct FetchedValue {
    fetched: Fetched,
    path: Text,
    sha256: Text,
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
        let fetched = repository.fetch(str_in(name, "name")?, path_in(folder, "folder")?, &options)?;
        Ok(FetchedValue {
            path: Text::new(fetched.path.as_os_str().as_bytes()),
            sha256: Text::new(&fetched.sha256),
            fetched,
        })
    })
}

/// The path of the fetched archive, as bytes.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_fetched_path(fetched: *const vmt_fetched, length: *mut usize) -> *const c_char {
    text(length, || Ok(Some(&get(fetched)?.path)))
}

/// Its SHA-256, in hex.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_fetched_sha256(fetched: *const vmt_fetched, length: *mut usize) -> *const c_char {
    text(length, || Ok(Some(&get(fetched)?.sha256)))
}

/// Whether the SHA256SUMS of the repository lists this checksum.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_fetched_has_checksum(fetched: *const vmt_fetched) -> bool {
    look(false, || Ok(get(fetched)?.fetched.has_checksum))
}

/// The size of the archive in bytes.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_fetched_archive_bytes(fetched: *const vmt_fetched) -> u64 {
    look(0, || Ok(get(fetched)?.fetched.archive_bytes))
}

/// The number of bytes that were kept from an interrupted fetch.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_fetched_resumed_at(fetched: *const vmt_fetched) -> u64 {
    look(0, || Ok(get(fetched)?.fetched.resumed_at))
}

/// Free it. NULL is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_fetched_free(fetched: *mut vmt_fetched) {
    look((), || free(fetched));
}
