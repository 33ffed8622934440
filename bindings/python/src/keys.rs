use std::path::PathBuf;

use pyo3::prelude::*;
use vmtemplate as vt;

use crate::errors::OrRaise;

/// The secret key that signs a repository, as made by `minisign -G`.
#[pyclass(frozen, module = "vmtemplate")]
pub(crate) struct SigningKey(pub(crate) vt::repository::SigningKey);

#[pymethods]
impl SigningKey {
    /// Read a key from its file. `password` is required if the key has one; checking it takes about a second.
    #[staticmethod]
    #[pyo3(signature = (path, password=None))]
    fn from_file(py: Python<'_>, path: PathBuf, password: Option<String>) -> PyResult<Self> {
        py.detach(|| vt::repository::SigningKey::from_file(path, password.as_deref())).or_raise().map(Self)
    }

    fn __repr__(&self) -> &'static str {
        "<SigningKey>"
    }
}

/// The public key that verifies the signatures of a repository.
#[pyclass(frozen, eq, module = "vmtemplate")]
#[derive(PartialEq)]
pub(crate) struct PublicKey(pub(crate) vt::repository::PublicKey);

#[pymethods]
impl PublicKey {
    /// Parse a key from its text, which begins with `RW`.
    #[new]
    fn new(text: &str) -> PyResult<Self> {
        text.parse().or_raise().map(Self)
    }

    /// Read a key from its file.
    #[staticmethod]
    fn from_file(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        py.detach(|| vt::repository::PublicKey::from_file(path)).or_raise().map(Self)
    }

    fn __repr__(&self) -> &'static str {
        "<PublicKey>"
    }
}
