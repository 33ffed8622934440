//! Macros: those that the platform knows, and those in a text.

use std::ffi::c_char;
use std::ptr;

use vmtemplate::macros::{FindMacros, MacroInfo, MacroName};

use crate::boundary::{
    Failure, Outcome, Slot, Text, build, bytes_in, fixed, free, get, handle, look, status, str_in, text, word,
};
use crate::error::{VMT_INVALID_VALUE, vmt_code, vmt_error};

/// The macros in a text, in their order. Any number of threads may use the list.
pub struct vmt_macros(Slot<MacrosValue>);
handle!(vmt_macros, MacrosValue);

#[derive(Debug)]
pub(crate) struct MacrosValue(Vec<Found>);

#[derive(Debug)]
struct Found {
    name: Text,
    start: usize,
    end: usize,
    line: usize,
    column: usize,
}

impl MacrosValue {
    pub(crate) fn new(found: FindMacros<'_>) -> Self {
        let found = found.map(|found| Found {
            name: Text::new(found.name.name()),
            start: found.range.start,
            end: found.range.end,
            line: found.position.line,
            column: found.position.column,
        });
        Self(found.collect())
    }
}

fn at<'a>(macros: *const vmt_macros, index: usize) -> Outcome<Option<&'a Found>> {
    Ok(get(macros)?.0.get(index))
}

/// Find the macros in `length` bytes of UTF-8.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_find_macros(
    text: *const c_char,
    length: usize,
    err: *mut *mut vmt_error,
) -> *mut vmt_macros {
    build(err, || {
        let text = std::str::from_utf8(bytes_in(text.cast(), length, "text")?)
            .map_err(|error| Failure::new(VMT_INVALID_VALUE, format!("`text` is not UTF-8: {error}")))?;
        Ok(MacrosValue::new(vmtemplate::macros::find_macros(text)))
    })
}

/// The number of macros.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_macros_count(macros: *const vmt_macros) -> usize {
    look(0, || Ok(get(macros)?.0.len()))
}

/// The bare name of a macro, such as `IP` for `($IP)`; NULL past the end.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_macros_name(
    macros: *const vmt_macros,
    index: usize,
    length: *mut usize,
) -> *const c_char {
    text(length, || Ok(at(macros, index)?.map(|found| &found.name)))
}

/// The offset of its first byte.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_macros_start(macros: *const vmt_macros, index: usize) -> usize {
    look(0, || Ok(at(macros, index)?.map_or(0, |found| found.start)))
}

/// The offset after its last byte.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_macros_end(macros: *const vmt_macros, index: usize) -> usize {
    look(0, || Ok(at(macros, index)?.map_or(0, |found| found.end)))
}

/// Its line, from 1; 0 past the end.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_macros_line(macros: *const vmt_macros, index: usize) -> usize {
    look(0, || Ok(at(macros, index)?.map_or(0, |found| found.line)))
}

/// Its column in characters, from 1; 0 past the end.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_macros_column(macros: *const vmt_macros, index: usize) -> usize {
    look(0, || Ok(at(macros, index)?.map_or(0, |found| found.column)))
}

/// Free them. NULL is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_macros_free(macros: *mut vmt_macros) {
    look((), || free(macros));
}

/// The number of macros that the platform knows.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_catalogue_count() -> usize {
    look(0, || Ok(MacroInfo::catalogue().len()))
}

/// The bare name of a macro that the platform knows; NULL past the end. The text is static.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_catalogue_name(index: usize) -> *const c_char {
    text(ptr::null_mut(), || Ok(MacroInfo::catalogue().get(index).map(|info| fixed(info.name))))
}

/// The meaning of the macro with this bare name; NULL if the platform does not know it. The text is static.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_macro_meaning(name: *const c_char) -> *const c_char {
    text(ptr::null_mut(), || Ok(MacroInfo::lookup(str_in(name, "name")?).map(|info| fixed(info.meaning))))
}

/// The known macro whose name is most similar to this one; NULL if none is similar. The text is static.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_macro_nearest(name: *const c_char) -> *const c_char {
    text(ptr::null_mut(), || Ok(MacroInfo::nearest(str_in(name, "name")?).map(|info| fixed(info.name))))
}

/// The kind of value of the macro with this bare name, such as `address-v4`; NULL if the platform does not know it. The
/// text is static.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_macro_kind(name: *const c_char) -> *const c_char {
    text(ptr::null_mut(), || {
        let Some(info) = MacroInfo::lookup(str_in(name, "name")?) else { return Ok(None) };
        Ok(word(&info.kind)?.map(|kind| fixed(&kind)))
    })
}

/// Check that a text is the name of a macro: bare, such as `IP`, or, if `spelled` is set, as a script spells it, such
/// as `($IP)`. Fails with `VMT_INVALID_MACRO`.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_macro_check(name: *const c_char, spelled: bool, err: *mut *mut vmt_error) -> vmt_code {
    status(err, || {
        let name = str_in(name, "name")?;
        if spelled {
            name.parse::<MacroName>()?
        } else {
            MacroName::new(name)?
        };
        Ok(())
    })
}
