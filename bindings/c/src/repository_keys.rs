//! The keys for the signatures of repositories.

use std::ffi::c_char;

use vmtemplate::repository::{PublicKey, SigningKey};

use crate::boundary::{Slot, build, free, handle, look, path_in, str_in, str_or_none};
use crate::error::vmt_error;

/// A minisign secret key. It is immutable; any number of threads may use it.
pub struct vmt_signing_key(Slot<SigningKey>);
handle!(vmt_signing_key, SigningKey);

/// Read a secret key from its file. `password` may be NULL for a key without a password (`minisign -G -W`).
///
/// Fails with `VMT_INVALID_VALUE` if the file is not a secret key, or the password is wrong.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_signing_key_from_file(
    path: *const c_char,
    password: *const c_char,
    err: *mut *mut vmt_error,
) -> *mut vmt_signing_key {
    build(err, || Ok(SigningKey::from_file(path_in(path, "path")?, str_or_none(password, "password")?)?))
}

/// Free it. NULL is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_signing_key_free(key: *mut vmt_signing_key) {
    look((), || free(key));
}

/// A minisign public key. It is immutable; any number of threads may use it.
pub struct vmt_public_key(Slot<PublicKey>);
handle!(vmt_public_key, PublicKey);

/// Read a public key from its file.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_public_key_from_file(
    path: *const c_char,
    err: *mut *mut vmt_error,
) -> *mut vmt_public_key {
    build(err, || Ok(PublicKey::from_file(path_in(path, "path")?)?))
}

/// Parse a public key: the content of its file, or only the last line of that.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_public_key_from_text(
    text: *const c_char,
    err: *mut *mut vmt_error,
) -> *mut vmt_public_key {
    build(err, || Ok(str_in(text, "text")?.parse()?))
}

/// Free it. NULL is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_public_key_free(key: *mut vmt_public_key) {
    look((), || free(key));
}
