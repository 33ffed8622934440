//! Which version this is.

use std::ffi::c_char;
use std::ptr;

use crate::boundary::{fixed, look, text};

/// Changes when a program that was linked with an earlier library cannot go on with this one; the number behind
/// `libvmtemplate.so.` is the same.
pub const VMT_ABI_VERSION: u32 = 0;

/// The version of the library that is loaded, such as `0.1.0`. `VMT_VERSION` is that of the header. It lives for ever.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_version() -> *const c_char {
    text(ptr::null_mut(), || Ok(Some(fixed(env!("CARGO_PKG_VERSION")))))
}

/// `VMT_ABI_VERSION` of the library that is loaded. A program that opened it with `dlopen` compares the two.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_abi_version() -> u32 {
    look(0, || Ok(VMT_ABI_VERSION))
}
