//! The result of verifying an archive.

use std::ffi::c_char;
use std::ptr;

use vmtemplate::archive::{Verified, VerifyOptions};
use vmtemplate::progress::Threads;

use crate::archive::vmt_archive;
use crate::boundary::{AsStruct, Memory, Slot, Structs, build, free, get, handle, look, read};
use crate::control::{chosen, vmt_control};
use crate::error::vmt_error;
use crate::files::vmt_file;

/// The result of verifying an intact archive. It is immutable; any number of threads may use it.
pub struct vmt_verified(Slot<Structs<vmt_verified_info>>);
handle!(vmt_verified, Structs<vmt_verified_info>);

/// The checksums of an archive and of its files.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vmt_verified_info {
    /// The SHA-256 of the archive, in hex.
    pub sha256: *const c_char,
    /// The size of the archive in bytes.
    pub archive_bytes: u64,
    /// Whether the archive has an index, as archives made by vmtemplate have.
    pub has_index: bool,
    /// Its files, with their checksums.
    pub files: *const *const vmt_file,
    /// The number of `files`.
    pub file_count: usize,
    /// Everything as JSON, as `vmtemplate verify --json` prints it.
    pub json: *const c_char,
}

impl AsStruct for Verified {
    type Struct = vmt_verified_info;

    fn as_struct(&self, memory: &mut Memory) -> vmt_verified_info {
        let (files, file_count) = memory.structs(&self.files);
        vmt_verified_info {
            sha256: memory.text(&self.sha256),
            archive_bytes: self.archive_bytes,
            has_index: self.has_index,
            files,
            file_count,
            json: memory.json(self),
        }
    }
}

/// Options for verifying an archive. Fields that are zero have their defaults.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vmt_verify_options {
    /// `sizeof(vmt_verify_options)`.
    pub struct_size: usize,
    /// Threads that decompress; 0 means one per CPU.
    pub threads: u32,
    /// Reports progress and cancels the work; may be NULL.
    pub control: *const vmt_control,
}

/// Verify an archive: every checksum, header and length, and that all files that metainfo.xml names are in it.
/// `options` may be NULL.
///
/// Fails with `VMT_INVALID_ARCHIVE`, with the entry and the offset of the damage, and with `VMT_INVALID_TEMPLATE`.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_archive_verify(
    archive: *const vmt_archive,
    options: *const vmt_verify_options,
    err: *mut *mut vmt_error,
) -> *mut vmt_verified {
    build(err, || {
        let given = read(options)?;
        let options =
            VerifyOptions { threads: Threads::new(given.threads as usize), control: chosen(given.control)? };
        Ok(Structs::one(&get(archive)?.archive.verify(&options)?))
    })
}

/// Its parts, which live as long as it does; NULL for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_verified_get(verified: *const vmt_verified) -> *const vmt_verified_info {
    look(ptr::null(), || Ok(get(verified)?.pointer()))
}

/// Free it. NULL is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_verified_free(verified: *mut vmt_verified) {
    look((), || free(verified));
}
