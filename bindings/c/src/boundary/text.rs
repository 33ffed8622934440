//! Text and bytes, in and out.

use std::collections::BTreeMap;
use std::ffi::{CStr, OsStr, c_char};
use std::fmt::Display;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::slice;
use std::sync::{Mutex, PoisonError};

use super::call::{Failure, Outcome};
use super::plain::put;
use crate::error::{VMT_INVALID_VALUE, VMT_NULL_ARGUMENT};

/// Text for C: pointer and length, and a NUL behind it. It stays where it is when the struct that holds it moves.
#[derive(Debug)]
pub(crate) struct Text(Box<[u8]>);

impl Text {
    pub(crate) fn new(bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        let mut held = Vec::with_capacity(bytes.len() + 1);
        held.extend_from_slice(bytes);
        held.push(0);
        Self(held.into_boxed_slice())
    }

    /// Bytes without the NUL.
    pub(crate) fn len(&self) -> usize {
        self.0.len() - 1
    }

    pub(crate) fn pointer(&self) -> *const c_char {
        self.0.as_ptr().cast()
    }
}

/// A text that lives as long as the program: names of kinds, rules, formats. There are some hundreds of them.
pub(crate) fn fixed(text: &str) -> &'static Text {
    static KNOWN: Mutex<BTreeMap<String, &'static Text>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = known.get(text) {
        return known;
    }
    let new = Box::leak(Box::new(Text::new(text)));
    known.insert(text.to_owned(), new);
    new
}

/// The same of what prints as one of a few names.
pub(crate) fn named(value: impl Display) -> &'static Text {
    fixed(&value.to_string())
}

/// JSON of what the library describes as such.
pub(crate) fn json(value: &impl serde::Serialize) -> Outcome<Vec<u8>> {
    serde_json::to_vec_pretty(value)
        .map_err(|error| vmtemplate::Error::io("cannot write JSON", error.into()).into())
}

/// The one word that a value is in JSON.
pub(crate) fn word(value: &impl serde::Serialize) -> Outcome<Option<String>> {
    let value = serde_json::to_value(value)
        .map_err(|error| vmtemplate::Error::io("cannot write JSON", error.into()))?;
    Ok(value.as_str().map(str::to_owned))
}

pub(super) fn put_length(length: *mut usize, bytes: usize) {
    put(length, bytes);
}

/// A NUL-terminated argument. `name` is what the header calls it.
fn c_str<'a>(text: *const c_char, name: &str) -> Outcome<&'a CStr> {
    if text.is_null() {
        return Err(null(name));
    }
    // SAFETY: C promises that a text which is not NULL ends with a NUL and stays as it is while the call runs.
    Ok(unsafe { CStr::from_ptr(text) })
}

/// UTF-8 that ends with a NUL.
pub(crate) fn str_in<'a>(text: *const c_char, name: &str) -> Outcome<&'a str> {
    c_str(text, name)?.to_str().map_err(|error| {
        Failure::new(
            VMT_INVALID_VALUE,
            format!("`{name}` is not UTF-8: byte {} begins no character", error.valid_up_to()),
        )
        .with_help("convert the text to UTF-8")
    })
}

/// The same, where NULL says "none".
pub(crate) fn str_or_none<'a>(text: *const c_char, name: &str) -> Outcome<Option<&'a str>> {
    if text.is_null() { Ok(None) } else { str_in(text, name).map(Some) }
}

/// A path: any bytes that end with a NUL.
pub(crate) fn path_in<'a>(path: *const c_char, name: &str) -> Outcome<&'a Path> {
    Ok(Path::new(OsStr::from_bytes(c_str(path, name)?.to_bytes())))
}

/// Bytes with their length. NULL is taken for no bytes where the length is 0.
pub(crate) fn bytes_in<'a>(bytes: *const u8, length: usize, name: &str) -> Outcome<&'a [u8]> {
    if length == 0 {
        return if bytes.is_null() { Err(null(name)) } else { Ok(&[]) };
    }
    if bytes.is_null() {
        return Err(null(name));
    }
    if isize::try_from(length).is_err() {
        return Err(Failure::new(
            VMT_INVALID_VALUE,
            format!("`{name}` cannot have {length} bytes: no memory is that large"),
        ));
    }
    // SAFETY: C promises `length` bytes at `bytes`, which stay as they are while the call runs.
    Ok(unsafe { slice::from_raw_parts(bytes, length) })
}

/// An array of texts.
pub(crate) fn list_in<'a>(texts: *const *const c_char, count: usize, name: &str) -> Outcome<Vec<&'a str>> {
    if count == 0 {
        return Ok(Vec::new());
    }
    if texts.is_null() {
        return Err(null(name));
    }
    if count > isize::MAX as usize / size_of::<*const c_char>() {
        return Err(Failure::new(VMT_INVALID_VALUE, format!("`{name}` cannot have {count} entries")));
    }
    // SAFETY: C promises `count` pointers at `texts`.
    let texts = unsafe { slice::from_raw_parts(texts, count) };
    texts.iter().map(|&text| str_in(text, name)).collect()
}

fn null(name: &str) -> Failure {
    Failure::new(VMT_NULL_ARGUMENT, format!("`{name}` is NULL"))
}
