//! Where C meets Rust: the only place of this crate with `unsafe` code.
//!
//! C promises, as the header says, that a pointer which it passes is NULL, or was handed out by this library for this
//! use, or points to memory of the size that the header names, for as long as the call runs. Every `unsafe` block here
//! rests on that promise and on nothing else. What can be checked beyond it is checked: NULL, handles that were freed or
//! consumed, handles that another thread is changing, text that is not UTF-8, structs of another version.

mod call;
mod callback;
mod handle;
mod plain;
mod text;

pub(crate) use call::{Failure, Outcome, build, call, look, status, text};
pub(crate) use callback::{control_of, reader, source, visit_extents, writer};
pub(crate) use handle::{Handle, Slot, edit, free, get, get_or_none, give, take};
pub(crate) use plain::{fill, output, read, write};
pub(crate) use text::{Text, bytes_in, fixed, json, list_in, named, path_in, str_in, str_or_none, word};

pub(crate) use handle::handle;
