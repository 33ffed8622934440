//! Macro values.

use std::ffi::c_char;
use std::ptr;
use std::sync::OnceLock;

use vmtemplate::macros::MacroValues;

use crate::boundary::{
    AsStruct, Memory, Slot, Structs, build, edit, free, get, give, handle, look, path_in, status, str_in,
};
use crate::error::{vmt_code, vmt_error};

/// Macro values, each checked against the kind of value that its macro takes. What it returns lives until it is
/// changed or freed. Any number of threads may read it while no thread changes it.
pub struct vmt_values(Slot<ValuesValue>);
handle!(vmt_values, ValuesValue);

#[derive(Debug, Default)]
pub(crate) struct ValuesValue {
    pub(crate) values: MacroValues,
    /// Made when the first one is read.
    structs: OnceLock<Structs<vmt_value>>,
}

impl From<MacroValues> for ValuesValue {
    fn from(values: MacroValues) -> Self {
        Self { values, structs: OnceLock::new() }
    }
}

/// A macro and its value.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vmt_value {
    /// The bare name of the macro.
    pub name: *const c_char,
    /// Its value.
    pub value: *const c_char,
}

impl AsStruct for (&str, &str) {
    type Struct = vmt_value;

    fn as_struct(&self, memory: &mut Memory) -> vmt_value {
        vmt_value { name: memory.text(self.0), value: memory.text(self.1) }
    }
}

impl ValuesValue {
    fn structs(&self) -> &Structs<vmt_value> {
        self.structs.get_or_init(|| {
            let names = self.values.names().map(vmtemplate::macros::MacroName::name);
            let pairs: Vec<_> = names.map(|name| (name, self.values.get(name).unwrap_or_default())).collect();
            Structs::of(&pairs)
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
        held.structs = OnceLock::new();
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
        held.structs = OnceLock::new();
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
        held.structs = OnceLock::new();
        Ok(())
    })
}

/// A macro that has a value, in the order of names; NULL past the end.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_values_at(values: *const vmt_values, index: usize) -> *const vmt_value {
    look(ptr::null(), || Ok(get(values)?.structs().at(index)))
}

/// The value of the macro with this bare name; NULL if it has none.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_values_get(values: *const vmt_values, name: *const c_char) -> *const c_char {
    look(ptr::null(), || {
        let (values, name) = (get(values)?, str_in(name, "name")?);
        let at = values.values.names().position(|known| known.name() == name);
        let found = at.and_then(|at| values.structs().iter().nth(at));
        Ok(found.map_or(ptr::null(), |found| found.value))
    })
}

/// Free them. NULL is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_values_free(values: *mut vmt_values) {
    look((), || free(values));
}
