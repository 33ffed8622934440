//! What a `with` block closes.

use std::sync::{PoisonError, RwLock};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// A value that exists until it is closed. Objects that were made from it keep what they need.
pub(crate) struct Closable<T>(RwLock<Option<T>>);

impl<T: Clone> Closable<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(RwLock::new(Some(value)))
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// The value; a `ValueError` after `close`, as files of Python raise it.
    pub(crate) fn get(&self) -> PyResult<T> {
        let held = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        held.ok_or_else(|| PyValueError::new_err("it was closed"))
    }

    pub(crate) fn close(&self) {
        let held = self.0.write().unwrap_or_else(PoisonError::into_inner).take();
        // Dropped without the lock: a file-like object of the caller may run Python code.
        drop(held);
    }
}
