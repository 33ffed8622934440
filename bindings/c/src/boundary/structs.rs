//! Structs of numbers and pointers that C reads: findings, errors, summaries.
//!
//! Each is made once, from a value of the library, and belongs to a handle. C receives a pointer to it, so that one
//! call returns everything, and a later version can add fields at the end.

use std::any::Any;
use std::ffi::c_char;
use std::{fmt, ptr};

use super::handle::Handle;
use super::text::json;

/// A value that C reads as a struct.
pub(crate) trait AsStruct {
    /// A `repr(C)` struct of numbers, and of pointers into `Memory` or to static data.
    type Struct: Copy + 'static;
    fn as_struct(&self, memory: &mut Memory) -> Self::Struct;
}

/// The memory that the pointers in a struct refer to. It is freed all at once.
#[derive(Default)]
pub(crate) struct Memory(Vec<Box<dyn Any>>);

impl Memory {
    /// A text that ends with a NUL. A NUL inside it would cut it for C, so it becomes a space.
    pub(crate) fn text(&mut self, text: impl AsRef<[u8]>) -> *const c_char {
        let text = text.as_ref();
        let mut held = Vec::with_capacity(text.len() + 1);
        held.extend(text.iter().map(|&byte| if byte == 0 { b' ' } else { byte }));
        held.push(0);
        self.keep(held).cast()
    }

    /// The same; NULL for none.
    pub(crate) fn text_or_null(&mut self, text: Option<impl AsRef<[u8]>>) -> *const c_char {
        text.map_or(ptr::null(), |text| self.text(text))
    }

    /// The JSON form of a value, which has all that is known of it.
    pub(crate) fn json(&mut self, value: &impl serde::Serialize) -> *const c_char {
        // Only running out of memory keeps a value of the library from being written.
        self.text_or_null(json(value).ok())
    }

    /// An array of texts, and their number.
    pub(crate) fn texts<T: AsRef<[u8]>>(
        &mut self,
        texts: impl IntoIterator<Item = T>,
    ) -> (*const *const c_char, usize) {
        let texts = texts.into_iter().map(|text| self.text(text)).collect();
        self.array(texts)
    }

    /// An array of pointers to structs, and their number. Pointers, so that the structs can grow.
    pub(crate) fn structs<'a, T: AsStruct + 'a>(
        &mut self,
        values: impl IntoIterator<Item = &'a T>,
    ) -> (*const *const T::Struct, usize) {
        let structs: Vec<_> = values.into_iter().map(|value| value.as_struct(self)).collect();
        let pointers = structs.iter().map(ptr::from_ref).collect();
        self.keep(structs);
        self.array(pointers)
    }

    /// An array of pointers to handles that were made with `Slot::lent`, and their number.
    pub(crate) fn handles<H: Handle>(&mut self, handles: Vec<H>) -> (*const *const H, usize) {
        let pointers = handles.iter().map(ptr::from_ref).collect();
        self.keep(handles);
        self.array(pointers)
    }

    /// A struct that another one points to.
    pub(crate) fn structure<T: AsStruct>(&mut self, value: &T) -> *const T::Struct {
        let structure = value.as_struct(self);
        self.keep(vec![structure])
    }

    /// An array, and the number of its items; NULL for none.
    pub(crate) fn array<T: Copy + 'static>(&mut self, items: Vec<T>) -> (*const T, usize) {
        let count = items.len();
        if count == 0 { (ptr::null(), 0) } else { (self.keep(items), count) }
    }

    /// The address of the items, which stays the same when the memory moves.
    fn keep<T: 'static>(&mut self, items: Vec<T>) -> *const T {
        let at = items.as_ptr();
        self.0.push(Box::new(items));
        at
    }
}

/// Structs that belong to a handle.
pub(crate) struct Structs<S> {
    structs: Vec<S>,
    _memory: Memory,
}

// SAFETY: structs and memory do not change after `of` made them. They consist of numbers, bytes, handles, which any
// thread may use, and pointers to those or to static data.
unsafe impl<S: Copy> Send for Structs<S> {}
// SAFETY: as above.
unsafe impl<S: Copy> Sync for Structs<S> {}

impl<S: Copy + 'static> Structs<S> {
    pub(crate) fn of<'a, T: AsStruct<Struct = S> + 'a>(values: impl IntoIterator<Item = &'a T>) -> Self {
        let mut memory = Memory::default();
        let structs = values.into_iter().map(|value| value.as_struct(&mut memory)).collect();
        Self { structs, _memory: memory }
    }

    pub(crate) fn one<T: AsStruct<Struct = S>>(value: &T) -> Self {
        Self::of([value])
    }

    /// The pointer for C; NULL past the end.
    pub(crate) fn at(&self, index: usize) -> *const S {
        self.structs.get(index).map_or(ptr::null(), ptr::from_ref)
    }

    /// The pointer to the only one.
    pub(crate) fn pointer(&self) -> *const S {
        self.at(0)
    }

    /// A field of the only one.
    pub(crate) fn field<R>(&self, none: R, see: impl FnOnce(&S) -> R) -> R {
        self.structs.first().map_or(none, see)
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, S> {
        self.structs.iter()
    }
}

impl<S> fmt::Debug for Structs<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} structs", self.structs.len())
    }
}
