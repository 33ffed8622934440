//! The result of verifying an archive.

use std::ffi::c_char;

use vmtemplate::Archive;
use vmtemplate::archive::VerifyOptions;
use vmtemplate::progress::Threads;

use crate::archive::{unpack_limits, vmt_unpack_limits};
use crate::boundary::{Slot, Text, build, free, get, handle, look, path_in, read, text};
use crate::control::{chosen, vmt_control};
use crate::error::vmt_error;

/// The result of verifying an intact archive: its checksum, and those of its files. It is immutable; any number of
/// threads may use it.
pub struct vmt_verified(Slot<VerifiedValue>);
handle!(vmt_verified, VerifiedValue);

#[derive(Debug)]
pub(crate) struct VerifiedValue {
    sha256: Text,
    archive_bytes: u64,
    has_index: bool,
    files: Vec<(Text, u64, Text)>,
}

/// Options for verifying an archive. Fields that are zero have their defaults.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vmt_verify_options {
    /// `sizeof(vmt_verify_options)`.
    pub struct_size: usize,
    /// Bounds on what the archive may contain; may be NULL.
    pub limits: *const vmt_unpack_limits,
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
pub extern "C" fn vmt_verify(
    archive: *const c_char,
    options: *const vmt_verify_options,
    err: *mut *mut vmt_error,
) -> *mut vmt_verified {
    build(err, || {
        let given = read(options)?;
        let options =
            VerifyOptions { threads: Threads::new(given.threads as usize), control: chosen(given.control)? };
        let archive = Archive::open(path_in(archive, "archive")?)?.with_limits(unpack_limits(given.limits)?);
        let verified = archive.verify(&options)?;
        let files = verified.files.iter();
        Ok(VerifiedValue {
            sha256: Text::new(&verified.sha256),
            archive_bytes: verified.archive_bytes,
            has_index: verified.has_index,
            files: files.map(|file| (Text::new(&file.name), file.size, Text::new(&file.sha256))).collect(),
        })
    })
}

/// The SHA-256 of the archive, in hex.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_verified_sha256(verified: *const vmt_verified, length: *mut usize) -> *const c_char {
    text(length, || Ok(Some(&get(verified)?.sha256)))
}

/// The size of the archive in bytes.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_verified_archive_bytes(verified: *const vmt_verified) -> u64 {
    look(0, || Ok(get(verified)?.archive_bytes))
}

/// Whether the archive has an index, as archives made by vmtemplate have.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_verified_has_index(verified: *const vmt_verified) -> bool {
    look(false, || Ok(get(verified)?.has_index))
}

/// The number of files in the archive.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_verified_file_count(verified: *const vmt_verified) -> usize {
    look(0, || Ok(get(verified)?.files.len()))
}

/// The name of a file; NULL past the end.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_verified_file_name(
    verified: *const vmt_verified,
    index: usize,
    length: *mut usize,
) -> *const c_char {
    text(length, || Ok(get(verified)?.files.get(index).map(|(name, _, _)| name)))
}

/// The size of a file in bytes; 0 past the end.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_verified_file_size(verified: *const vmt_verified, index: usize) -> u64 {
    look(0, || Ok(get(verified)?.files.get(index).map_or(0, |&(_, size, _)| size)))
}

/// The SHA-256 of a file in hex; NULL past the end.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_verified_file_sha256(
    verified: *const vmt_verified,
    index: usize,
    length: *mut usize,
) -> *const c_char {
    text(length, || Ok(get(verified)?.files.get(index).map(|(_, _, sha256)| sha256)))
}

/// Free it. NULL is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_verified_free(verified: *mut vmt_verified) {
    look((), || free(verified));
}
