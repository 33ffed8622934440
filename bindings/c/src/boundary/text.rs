//! Text and bytes: arguments and results.

use std::collections::BTreeMap;
use std::ffi::{CStr, OsStr, c_char};
use std::fmt::Display;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::slice;
use std::sync::{Mutex, OnceLock, PoisonError};

use super::call::{Failure, Outcome};
use super::plain::put;
use crate::error::{VMT_INVALID_VALUE, VMT_NULL_ARGUMENT};

/// Text for C: pointer and length, followed by a NUL. Its address stays the same when the struct that holds it moves.
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

/// A static text: names of kinds, rules and formats. At most some hundreds exist.
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

/// The same for a value that is displayed as one of a few names.
pub(crate) fn named(value: impl Display) -> &'static Text {
    fixed(&value.to_string())
}

/// The JSON form of a value of the library.
pub(crate) fn json(value: &impl serde::Serialize) -> Outcome<Vec<u8>> {
    serde_json::to_vec_pretty(value)
        .map_err(|error| vmtemplate::Error::io("cannot write JSON", error.into()).into())
}

/// The JSON form of a part of a handle, made when C first asks for it.
#[derive(Debug, Default)]
pub(crate) struct Json(OnceLock<Text>);

impl Json {
    pub(crate) fn of<T: serde::Serialize>(
        &self,
        value: impl FnOnce() -> Outcome<T>,
    ) -> Outcome<Option<&Text>> {
        if let Some(text) = self.0.get() {
            return Ok(Some(text));
        }
        let text = Text::new(json(&value()?)?);
        // If two threads come here at once, both return the text of the first one.
        Ok(Some(self.0.get_or_init(|| text)))
    }
}

/// The word that an enum value has in JSON; empty if it is not a word there.
pub(crate) fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

pub(super) fn put_length(length: *mut usize, bytes: usize) {
    put(length, bytes);
}

/// A NUL-terminated argument. `name` is its name in the header.
fn c_str<'a>(text: *const c_char, name: &str) -> Outcome<&'a CStr> {
    if text.is_null() {
        return Err(null(name));
    }
    // SAFETY: C promises that a text that is not NULL ends with a NUL and does not change while the call runs.
    Ok(unsafe { CStr::from_ptr(text) })
}

/// A UTF-8 argument that ends with a NUL.
pub(crate) fn str_in<'a>(text: *const c_char, name: &str) -> Outcome<&'a str> {
    c_str(text, name)?.to_str().map_err(|error| {
        Failure::new(
            VMT_INVALID_VALUE,
            format!("`{name}` is not UTF-8: no character begins at byte {}", error.valid_up_to()),
        )
        .with_help("convert the text to UTF-8")
    })
}

/// The same; NULL means none.
pub(crate) fn str_or_none<'a>(text: *const c_char, name: &str) -> Outcome<Option<&'a str>> {
    if text.is_null() { Ok(None) } else { str_in(text, name).map(Some) }
}

/// A path argument: any bytes that end with a NUL.
pub(crate) fn path_in<'a>(path: *const c_char, name: &str) -> Outcome<&'a Path> {
    Ok(Path::new(OsStr::from_bytes(c_str(path, name)?.to_bytes())))
}

/// A bytes argument with its length. NULL is accepted if the length is 0.
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
            format!("`{name}` cannot have {length} bytes: that is larger than any memory"),
        ));
    }
    // SAFETY: C promises `length` bytes at `bytes`, which do not change while the call runs.
    Ok(unsafe { slice::from_raw_parts(bytes, length) })
}

/// An argument that is an array of texts.
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
