//! Arguments that are bytes, times or options of rendering, and reports.

use std::time::Duration;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyMemoryView;
use vmtemplate as vt;

use crate::errors::OrRaise;
use crate::from_python::{arguments, parsed};
use crate::to_python::to_python;
use crate::views;

/// A report about what the command would call `what`, with the texts that the command prints for it.
pub(crate) fn report<'py>(py: Python<'py>, report: &vt::Report, what: &str) -> PyResult<Bound<'py, PyAny>> {
    let made = to_python(py, &views::Report::from(report))?;
    // The class is frozen, and these are no fields: a report is equal to another one by its findings.
    let held = made.getattr("__dict__")?;
    held.set_item("_json", json(report)?)?;
    held.set_item("_sarif", json(&report.sarif())?)?;
    held.set_item("_text", vmtemplate_cli::report_text(report, what))?;
    Ok(made)
}

/// A result whose warnings were logged under the name `vmtemplate`.
pub(crate) fn logged(result: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyAny>> {
    static LOG: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    LOG.import(result.py(), "vmtemplate._logging", "log")?.call1((&result,))?;
    Ok(result)
}

/// An object as a notebook shows it, by a function of `vmtemplate._html`.
pub(crate) fn html<'py, T>(object: &Bound<'py, T>, function: &str) -> PyResult<Bound<'py, PyAny>> {
    object.py().import("vmtemplate._html")?.call_method1(function, (object.as_any(),))
}

/// JSON as the command prints it.
fn json(data: &impl serde::Serialize) -> PyResult<String> {
    serde_json::to_string_pretty(data).map_err(|error| PyValueError::new_err(error.to_string()))
}

/// The bytes of `bytes`, `bytearray` or `memoryview`.
pub(crate) fn bytes(object: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    let held = if object.is_instance_of::<PyMemoryView>() {
        object.call_method0("tobytes")?
    } else {
        object.clone()
    };
    match held.extract::<PyBackedBytes>() {
        Ok(bytes) => Ok(bytes.to_vec()),
        Err(_) => Err(PyTypeError::new_err(format!("expected bytes, found {}", object.get_type().name()?))),
    }
}

/// Bytes or text of the caller as bytes.
pub(crate) fn bytes_or_text(object: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    if let Ok(text) = object.extract::<String>() {
        return Ok(text.into_bytes());
    }
    bytes(object)
}

/// The options of rendering, shared by several methods.
pub(crate) fn render_options(
    missing: &str,
    as_platform: bool,
    language: Option<&str>,
    illegal_password_characters: Option<String>,
    declared: Option<&Bound<'_, PyAny>>,
) -> PyResult<vt::macros::RenderOptions> {
    arguments!(declared: Vec<String>);
    Ok(vt::macros::RenderOptions {
        missing: parsed(missing)?,
        as_platform,
        language: language.map(parsed).transpose()?,
        illegal_password_characters,
        declared: declared.iter().map(|name| name.parse()).collect::<vt::Result<_>>().or_raise()?,
    })
}

/// A `datetime`, or a number of seconds since 1970, as whole seconds.
pub(crate) fn seconds_since_1970(object: &Bound<'_, PyAny>) -> PyResult<u64> {
    if object.hasattr("timestamp")? {
        let seconds: i64 = object.call_method0("timestamp")?.call_method0("__floor__")?.extract()?;
        return u64::try_from(seconds).map_err(|_| PyValueError::new_err("the time is before 1970"));
    }
    object.extract()
}

/// A `timedelta`, or a number of seconds.
pub(crate) fn duration(object: &Bound<'_, PyAny>) -> PyResult<Duration> {
    let seconds: f64 = if object.hasattr("total_seconds")? {
        object.call_method0("total_seconds")?.extract()?
    } else {
        object.extract()?
    };
    Duration::try_from_secs_f64(seconds).map_err(|error| PyValueError::new_err(error.to_string()))
}
