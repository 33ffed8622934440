use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};
use vmtemplate as vt;

use crate::errors::OrRaise;
use crate::from_python::parsed;
use crate::macro_values::ValuesArgument;
use crate::metainfo::Metainfo;
use crate::to_python::{to_list, to_python};
use crate::values;
use crate::views::MacroUse;

/// A setup script: its bytes, encoding, line ends, language and macros.
///
/// >>> import vmtemplate as vt
/// >>> script = vt.Script("@echo off\necho ($IP)\n")
/// >>> script.line_ending, script.to_windows().text
/// (<LineEnding.LF: 'lf'>, '@echo off\r\necho ($IP)\r\n')
/// >>> script.render({"IP": "192.0.2.10"}).text
/// '@echo off\necho 192.0.2.10\n'
#[pyclass(frozen, eq, hash, module = "vmtemplate")]
#[derive(PartialEq, Hash)]
pub(crate) struct Script(pub(crate) vt::Script);

#[pymethods]
impl Script {
    /// The maximum size of a script in bytes, which is the size of the install drive.
    #[classattr]
    const MAX_SIZE: usize = vt::Script::MAX_SIZE;

    /// Make a script from text, which is encoded as UTF-8, or from bytes.
    #[new]
    fn new(content: &Bound<'_, PyAny>) -> PyResult<Self> {
        values::bytes_or_text(content).map(|bytes| Self(vt::Script::from_bytes(bytes)))
    }

    /// Read a script from its file.
    #[staticmethod]
    fn from_file(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        py.detach(|| vt::Script::from_file(path)).or_raise().map(Self)
    }

    /// vmtemplate's own script for Windows, with every step; `SetupScript` makes variants of it.
    #[staticmethod]
    fn default_windows(py: Python<'_>) -> Self {
        Self(py.detach(vt::Script::default_windows))
    }

    /// Its text. Characters of an unknown code page are replaced.
    #[getter]
    fn text(&self) -> std::borrow::Cow<'_, str> {
        self.0.text()
    }

    /// Its encoding.
    #[getter]
    fn encoding<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.0.encoding())
    }

    /// Its line ends.
    #[getter]
    fn line_ending<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.0.line_ending())
    }

    /// The language of the script; None if it names an unknown interpreter, or the language cannot be detected.
    #[getter]
    fn language<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.0.language())
    }

    /// The language of a file with this name; its extension decides if the script has no `#!` line.
    fn language_as<'py>(&self, py: Python<'py>, file_name: &str) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.0.language_as(file_name))
    }

    /// The same script with CR LF line ends.
    fn to_windows(&self, py: Python<'_>) -> Self {
        Self(py.detach(|| self.0.to_windows()))
    }

    /// Everything in the script that is spelled as a macro, known or not, in order.
    fn macros<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        to_list(py, self.0.macros().map(MacroUse::from))
    }

    /// Replace the macros of the script; each value is quoted for its place or refused.
    ///
    /// `missing` decides what happens to a macro without a value. `as_platform` replaces macros as the platform does,
    /// without quoting; it is for comparison only. A `($name)` is a macro if the platform knows it, if it has a value,
    /// or if it is in `declared`, in the form `($COLOUR)`. Any other `($name)` is left unchanged.
    #[pyo3(signature = (values, *, missing="error", as_platform=false, language=None, illegal_password_characters=None, declared=None))]
    fn render(
        &self,
        py: Python<'_>,
        values: ValuesArgument,
        missing: &str,
        as_platform: bool,
        language: Option<&str>,
        illegal_password_characters: Option<String>,
        declared: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let options =
            values::render_options(missing, as_platform, language, illegal_password_characters, declared)?;
        py.detach(|| self.0.render(&values.0, &options)).or_raise().map(Self)
    }

    /// Report what would go wrong with the script on a new machine.
    ///
    /// With the `metainfo` of its template, more can be checked.
    ///
    /// `language` is the language of the script. Without it, the language is detected by the `#!` line, the name in the
    /// metadata, `file_name`, or the content.
    #[pyo3(signature = (metainfo=None, *, file_name=None, language=None))]
    fn check<'py>(
        &self,
        py: Python<'py>,
        metainfo: Option<&Metainfo>,
        file_name: Option<&str>,
        language: Option<&str>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let metainfo = metainfo.map(Metainfo::copy);
        let language = language.map(parsed).transpose()?;
        let options = vt::script::ScriptCheckOptions { metainfo: metainfo.as_ref(), file_name, language };
        let report = py.detach(|| self.0.check(&options));
        values::report(py, &report, file_name.unwrap_or("script"))
    }

    /// Write the script to a file, which appears complete or not at all.
    #[pyo3(signature = (path, *, overwrite=false))]
    fn write_file(&self, py: Python<'_>, path: PathBuf, overwrite: bool) -> PyResult<()> {
        py.detach(|| self.0.write_file(path, overwrite.into())).or_raise()
    }

    fn __bytes__<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.bytes())
    }

    fn __len__(&self) -> usize {
        self.0.bytes().len()
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let py = slf.py();
        (slf.get_type(), (slf.get().__bytes__(py),)).into_pyobject(py)
    }

    fn __repr__(&self) -> String {
        // It may have been rendered with a password.
        format!("<Script of {} bytes, {}, {}>", self.0.bytes().len(), self.0.encoding(), self.0.line_ending())
    }
}
