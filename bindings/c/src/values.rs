//! Macro values.

use std::ffi::c_char;
use std::ptr;
use std::sync::OnceLock;

use vmtemplate::macros::MacroValues;

use crate::boundary::{
    Slot, Text, build, edit, free, get, give, handle, look, path_in, status, str_in, text,
};
use crate::error::{vmt_code, vmt_error};

/// Macro values, each checked against the kind of value that its macro takes. Texts that it returns live until it is
/// changed or freed. Any number of threads may read it while no thread changes it.
pub struct vmt_values(Slot<ValuesValue>);
handle!(vmt_values, ValuesValue);

#[derive(Debug, Default)]
pub(crate) struct ValuesValue {
    pub(crate) values: MacroValues,
    /// Names and values as texts, made when the first one is read.
    texts: OnceLock<Vec<(Text, Text)>>,
}

impl From<MacroValues> for ValuesValue {
    fn from(values: MacroValues) -> Self {
        Self { values, texts: OnceLock::new() }
    }
}

impl ValuesValue {
    fn texts(&self) -> &[(Text, Text)] {
        self.texts.get_or_init(|| {
            let names = self.values.names().map(vmtemplate::macros::MacroName::name);
            names
                .map(|name| (Text::new(name), Text::new(self.values.get(name).unwrap_or_default())))
                .collect()
        })
    }
}

/// Make an empty set of values. Returns NULL only for a bug in the library.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_values_new() -> *mut vmt_values {
    look(ptr::null_mut(), || Ok(give(ValuesValue::default())))
}

/// Parse a JSON object of values: strings, numbers, `true` and `false`; lists as strings or as arrays; `null` for no
/// value. Fails with `VMT_INVALID_VALUE`, with a problem for each value that its macro does not take.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_values_from_json(json: *const c_char, err: *mut *mut vmt_error) -> *mut vmt_values {
    build(err, || Ok(MacroValues::from_json(str_in(json, "json")?)?.into()))
}

/// The same from a file.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_values_from_json_file(
    path: *const c_char,
    err: *mut *mut vmt_error,
) -> *mut vmt_values {
    build(err, || Ok(MacroValues::from_json_file(path_in(path, "path")?)?.into()))
}

/// Set the value of a macro, which is named `IP` or `($IP)`. An earlier value is replaced.
///
/// Fails with `VMT_INVALID_VALUE` if the macro does not take the value, and with `VMT_INVALID_MACRO` if `name` is not
/// the name of a macro; then an earlier value is kept.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_values_set(
    values: *mut vmt_values,
    name: *const c_char,
    value: *const c_char,
    err: *mut *mut vmt_error,
) -> vmt_code {
    status(err, || {
        let mut held = edit(values)?;
        held.values.set(str_in(name, "name")?, str_in(value, "value")?)?;
        held.texts = OnceLock::new();
        Ok(())
    })
}

/// Set a value in the form `NAME=VALUE`.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_values_assign(
    values: *mut vmt_values,
    assignment: *const c_char,
    err: *mut *mut vmt_error,
) -> vmt_code {
    status(err, || {
        let mut held = edit(values)?;
        held.values.assign(str_in(assignment, "assignment")?)?;
        held.texts = OnceLock::new();
        Ok(())
    })
}

/// Copy all values of `others`. They replace the values of the same macros.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_values_extend(
    values: *mut vmt_values,
    others: *const vmt_values,
    err: *mut *mut vmt_error,
) -> vmt_code {
    status(err, || {
        let others = get(others)?.values.clone();
        let mut held = edit(values)?;
        held.values.extend(others);
        held.texts = OnceLock::new();
        Ok(())
    })
}

/// The number of macros that have a value.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_values_count(values: *const vmt_values) -> usize {
    look(0, || Ok(get(values)?.values.len()))
}

/// The bare name of a macro that has a value, in the order of names; NULL past the end.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_values_name(
    values: *const vmt_values,
    index: usize,
    length: *mut usize,
) -> *const c_char {
    text(length, || Ok(get(values)?.texts().get(index).map(|(name, _)| name)))
}

/// The value of the macro with this bare name; NULL if it has none.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_values_get(
    values: *const vmt_values,
    name: *const c_char,
    length: *mut usize,
) -> *const c_char {
    text(length, || {
        let (values, name) = (get(values)?, str_in(name, "name")?);
        let at = values.values.names().position(|known| known.name() == name);
        Ok(at.and_then(|at| values.texts().get(at)).map(|(_, value)| value))
    })
}

/// Free them. NULL is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_values_free(values: *mut vmt_values) {
    look((), || free(values));
}
