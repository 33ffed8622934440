//! The version of the library.

use std::ffi::c_char;
use std::ptr;

use crate::boundary::{fixed, look, text};

/// Changes when programs that were linked with an earlier library cannot use this one. It is also the number in the
/// file name `libvmtemplate.so.N`.
pub const VMT_ABI_VERSION: u32 = 0;

/// The version of the loaded library, such as `0.1.0`. `VMT_VERSION` is that of the header. The text is static.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_version() -> *const c_char {
    text(ptr::null_mut(), || Ok(Some(fixed(env!("CARGO_PKG_VERSION")))))
}

/// `VMT_ABI_VERSION` of the loaded library. A program that opened it with `dlopen` compares the two.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_abi_version() -> u32 {
    look(0, || Ok(VMT_ABI_VERSION))
}
