//! The boundary between C and Rust: the only module of this crate with `unsafe` code.
//!
//! The header requires that a pointer that C passes is NULL, or was returned by this library for this use, or points to
//! memory of the documented size, for the time of the call. Every `unsafe` block here relies on this promise and on
//! nothing else. Everything that can be checked is checked: NULL, handles that were freed, handles that
//! another thread is changing, text that is not UTF-8, and structs of another version.

mod call;
mod callback;
mod handle;
mod plain;
mod structs;
mod text;

pub(crate) use call::{Failure, Outcome, build, call, look, status, text};
pub(crate) use callback::{control_of, reader, source, visit_extents, writer};
pub(crate) use handle::{Handle, Slot, edit, free, get, get_or_none, give};
pub(crate) use plain::{fill, hand_out, output, read, write};
pub(crate) use structs::{AsStruct, Memory, Structs};
pub(crate) use text::{
    Json, Text, bytes_in, fixed, json, list_in, named, path_in, str_in, str_or_none, word,
};

pub(crate) use handle::handle;
