//! Plain structs and numbers: options and results.

use std::mem::MaybeUninit;
use std::{ptr, slice};

use super::call::{Failure, Outcome};
use super::handle::{Handle, give};
use crate::error::{VMT_INVALID_VALUE, VMT_NULL_ARGUMENT, VMT_UNSUPPORTED};

/// A struct of numbers, pointers and function pointers, for which all zeros are valid, and whose first field is the
/// size of the struct in the caller's version of the header.
///
/// # Safety
///
/// The struct is `repr(C)`, any bytes are valid for it, and its first field is `struct_size: usize`.
pub(crate) unsafe trait Plain: Copy {
    /// The name in C.
    const NAME: &'static str;
}

macro_rules! plain {
    ($($name:ident),* $(,)?) => {
        $(
            // SAFETY: `repr(C)`, of integers, raw pointers and `Option<extern "C" fn>`, and `struct_size` comes first.
            unsafe impl Plain for crate::$name {
                const NAME: &'static str = stringify!($name);
            }
        )*
    };
}
plain!(
    vmt_check_options,
    vmt_entry_options,
    vmt_fetch_options,
    vmt_free_space_options,
    vmt_script_check_options,
    vmt_open_options,
    vmt_pack_options,
    vmt_publish_options,
    vmt_render_options,
    vmt_repository_check_options,
    vmt_setup_options,
    vmt_source,
    vmt_template_spec,
    vmt_unpack_limits,
    vmt_unpack_options,
    vmt_verify_options,
    vmt_write_raw_options,
);

/// The options that C passed; NULL means all zeros, which are the defaults.
///
/// A caller with an older header passes a shorter struct, and the missing fields are zero. A caller with a newer header
/// passes a longer struct; its unknown fields must be zero, because this version cannot do what they ask for.
pub(crate) fn read<T: Plain>(options: *const T) -> Outcome<T> {
    let mut value = MaybeUninit::<T>::zeroed();
    if !options.is_null() {
        // SAFETY: C promises a struct whose first field is its size.
        let given = unsafe { ptr::read_unaligned(options.cast::<usize>()) };
        if !(size_of::<usize>()..=4096).contains(&given) {
            return Err(Failure::new(
                VMT_INVALID_VALUE,
                format!("`struct_size` of a `{}` is {given}; expected {}", T::NAME, size_of::<T>()),
            )
            .with_help(format!("declare it as `VMT_STRUCT({}, name);`", T::NAME)));
        }
        let known = given.min(size_of::<T>());
        // SAFETY: C promises `given` bytes at `options`; `value` has room for `known`.
        let rest = unsafe {
            ptr::copy_nonoverlapping(options.cast::<u8>(), value.as_mut_ptr().cast::<u8>(), known);
            slice::from_raw_parts(options.cast::<u8>().add(known), given - known)
        };
        if rest.iter().any(|&byte| byte != 0) {
            return Err(Failure::new(
                VMT_UNSUPPORTED,
                format!("a `{}` uses fields that this version does not have", T::NAME),
            )
            .with_help("install the version of the library that the header belongs to, or a later one"));
        }
    }
    // SAFETY: any bytes are valid for `T`.
    Ok(unsafe { value.assume_init() })
}

/// Store an optional result; NULL means that the caller does not want it.
pub(super) fn put<T>(place: *mut T, value: T) {
    if !place.is_null() {
        // SAFETY: C promises room for a `T`. The memory may be uninitialised, and is not read.
        unsafe { ptr::write(place, value) };
    }
}

/// Store a required result.
pub(crate) fn write<T>(place: *mut T, value: T, name: &str) -> Outcome<()> {
    if place.is_null() {
        return Err(Failure::new(VMT_NULL_ARGUMENT, format!("`{name}` is NULL")));
    }
    put(place, value);
    Ok(())
}

/// The place for an optional result.
pub(crate) fn output<T>(place: *mut T, value: T) {
    put(place, value);
}

/// Give an optional result to C, unless it does not want it.
pub(crate) fn hand_out<H: Handle>(place: *mut *mut H, make: impl FnOnce() -> H::Value) {
    if !place.is_null() {
        put(place, give(make()));
    }
}

/// Let `read` fill the `length` bytes at `buffer`.
pub(crate) fn fill(
    buffer: *mut u8,
    length: usize,
    read: impl FnOnce(&mut [u8]) -> Outcome<()>,
) -> Outcome<()> {
    if buffer.is_null() {
        return Err(Failure::new(VMT_NULL_ARGUMENT, "`buffer` is NULL"));
    }
    if isize::try_from(length).is_err() {
        return Err(Failure::new(VMT_INVALID_VALUE, format!("a buffer cannot have {length} bytes")));
    }
    // The memory may be uninitialised, which a `&mut [u8]` must not be.
    // SAFETY: C promises `length` bytes at `buffer`, which nothing else uses while the call runs.
    let buffer = unsafe {
        ptr::write_bytes(buffer, 0, length);
        slice::from_raw_parts_mut(buffer, length)
    };
    read(buffer)
}
