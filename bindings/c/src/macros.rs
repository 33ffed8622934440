//! Macros: those that the platform knows, and those in a text.

use std::ffi::c_char;
use std::ptr;
use std::sync::OnceLock;

use vmtemplate::macros::{FindMacros, MacroInfo, MacroName, MacroUse};

use crate::boundary::{
    AsStruct, Failure, Memory, Slot, Structs, build, bytes_in, free, get, handle, look, status, str_in, word,
};
use crate::error::{VMT_INVALID_VALUE, vmt_code, vmt_error};

/// The macros in a text, in their order. Any number of threads may use the list.
pub struct vmt_macros(Slot<MacrosValue>);
handle!(vmt_macros, MacrosValue);

pub(crate) type MacrosValue = Structs<vmt_macro_use>;

/// A macro in a text.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vmt_macro_use {
    /// Its bare name, such as `IP` for `($IP)`.
    pub name: *const c_char,
    /// The offset of its first byte.
    pub start: usize,
    /// The offset after its last byte.
    pub end: usize,
    /// Its line, from 1.
    pub line: usize,
    /// Its column in characters, from 1.
    pub column: usize,
}

impl AsStruct for MacroUse {
    type Struct = vmt_macro_use;

    fn as_struct(&self, memory: &mut Memory) -> vmt_macro_use {
        vmt_macro_use {
            name: memory.text(self.name.name()),
            start: self.range.start,
            end: self.range.end,
            line: self.position.line,
            column: self.position.column,
        }
    }
}

pub(crate) fn macros_value(found: FindMacros<'_>) -> MacrosValue {
    Structs::of(&found.collect::<Vec<_>>())
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
        Ok(macros_value(vmtemplate::macros::find_macros(text)))
    })
}

/// A macro of the list, which lives as long as the list; NULL past the end.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_macros_at(macros: *const vmt_macros, index: usize) -> *const vmt_macro_use {
    look(ptr::null(), || Ok(get(macros)?.at(index)))
}

/// Free them. NULL is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_macros_free(macros: *mut vmt_macros) {
    look((), || free(macros));
}

/// A macro that the platform knows. It is static.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vmt_macro {
    /// Its bare name.
    pub name: *const c_char,
    /// Its meaning.
    pub meaning: *const c_char,
    /// The kind of its value, such as `address-v4`.
    pub kind: *const c_char,
}

impl AsStruct for MacroInfo {
    type Struct = vmt_macro;

    fn as_struct(&self, memory: &mut Memory) -> vmt_macro {
        vmt_macro {
            name: memory.text(self.name),
            meaning: memory.text(self.meaning),
            kind: memory.text(word(&self.kind)),
        }
    }
}

fn catalogue() -> &'static Structs<vmt_macro> {
    static CATALOGUE: OnceLock<Structs<vmt_macro>> = OnceLock::new();
    CATALOGUE.get_or_init(|| Structs::of(MacroInfo::catalogue()))
}

fn known(info: Option<&MacroInfo>) -> *const vmt_macro {
    let at = info.and_then(|info| MacroInfo::catalogue().iter().position(|known| known.name == info.name));
    at.map_or(ptr::null(), |at| catalogue().at(at))
}

/// A macro that the platform knows, by its number from 0; NULL past the end.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_macro_at(index: usize) -> *const vmt_macro {
    look(ptr::null(), || Ok(catalogue().at(index)))
}

/// The macro with this bare name; NULL if the platform does not know it.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_macro_lookup(name: *const c_char) -> *const vmt_macro {
    look(ptr::null(), || Ok(known(MacroInfo::lookup(str_in(name, "name")?))))
}

/// The known macro whose name is most similar to this one; NULL if none is similar.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_macro_nearest(name: *const c_char) -> *const vmt_macro {
    look(ptr::null(), || Ok(known(MacroInfo::nearest(str_in(name, "name")?))))
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
