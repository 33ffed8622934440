//! Converts errors of the library to exceptions.

use std::error::Error as _;
use std::io;

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyTuple;
use vmtemplate as vt;

use crate::to_python::to_python;

/// Raises the error that the library returns.
pub(crate) trait OrRaise<T> {
    fn or_raise(self) -> PyResult<T>;
}

impl<T> OrRaise<T> for vt::Result<T> {
    fn or_raise(self) -> PyResult<T> {
        self.map_err(|error| Python::attach(|py| raised(py, &error)))
    }
}

/// The exception to raise for an error.
pub(crate) fn raised(py: Python<'_>, error: &vt::Error) -> PyErr {
    // An exception from a file-like object of the caller is raised unchanged.
    if let Some(own) = causes(error).find_map(own_exception) {
        return own.clone_ref(py);
    }
    exception(py, error).map_or_else(|error| error, PyErr::from_value)
}

/// The exception object.
pub(crate) fn exception<'py>(py: Python<'py>, error: &vt::Error) -> PyResult<Bound<'py, PyAny>> {
    static MAKE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let make = MAKE.import(py, "vmtemplate._errors", "make")?;
    let problems: Vec<_> =
        error.problems().iter().map(|problem| exception(py, problem)).collect::<PyResult<_>>()?;
    let context = (
        error.path(),
        error.entry(),
        to_python(py, &error.position())?,
        error.field(),
        error.help(),
        PyTuple::new(py, problems)?,
        PyTuple::new(py, causes(error).map(ToString::to_string).collect::<Vec<_>>())?,
    );
    let code = causes(error).find_map(|cause| cause.downcast_ref::<io::Error>()?.raw_os_error());
    make.call1((error.kind().name(), error.message(), format!("{error:#}"), code, context))
}

/// The exception for an argument with a wrong value.
pub(crate) fn invalid_value(py: Python<'_>, text: &str) -> PyErr {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let made =
        CLASS.import(py, "vmtemplate._errors", "InvalidValueError").and_then(|class| class.call1((text,)));
    made.map_or_else(|error| error, PyErr::from_value)
}

fn causes(error: &vt::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(error.source(), |&cause| cause.source())
}

/// The exception of the caller's object, which the library has wrapped in an I/O error.
fn own_exception<'e>(cause: &'e (dyn std::error::Error + 'static)) -> Option<&'e PyErr> {
    cause.downcast_ref::<io::Error>()?.get_ref()?.downcast_ref()
}

/// The name and number of every kind, for the test that compares them with the classes.
#[pyfunction]
pub(crate) fn error_kinds() -> Vec<(&'static str, u32)> {
    vt::ErrorKind::all().iter().map(|kind| (kind.name(), kind.number())).collect()
}
