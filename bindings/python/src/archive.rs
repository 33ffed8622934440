use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use vmtemplate as vt;

use crate::cancel_token::CancelToken;
use crate::closable::Closable;
use crate::disk_image::DiskImage;
use crate::errors::OrRaise;
use crate::from_python::arguments;
use crate::functions::check_options;
use crate::macro_values::ValuesArgument;
use crate::run::run;
use crate::script::Script;
use crate::source::ArchiveArgument;
use crate::template::Template;
use crate::to_python::to_python;
use crate::values;

/// An archive, inspected without unpacking it.
///
/// An archive made by vmtemplate is opened by its index, without reading it; one made by another tool is read
/// completely. Iterating over it returns its `entries`, `len` their number, and `name in archive` whether it contains a
/// file.
#[pyclass(frozen, module = "vmtemplate")]
pub(crate) struct Archive(Closable<Arc<vt::Archive>>);

#[pymethods]
impl Archive {
    /// Open an archive: a path, a URL, bytes, or a seekable binary file-like object.
    ///
    /// No other code may use the object at the same time. `limits` bounds what a hostile archive may do.
    #[staticmethod]
    #[pyo3(signature = (archive, *, limits=None))]
    fn open(py: Python<'_>, archive: ArchiveArgument, limits: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        arguments!(limits: vt::archive::UnpackLimits);
        run(py, None, None, |_| archive.open().map(|archive| archive.with_limits(limits)))
            .map(|archive| Self(Closable::new(Arc::new(archive))))
    }

    /// Its path or URL, or the name of the object that it was opened from.
    #[getter]
    fn path(&self) -> PyResult<PathBuf> {
        Ok(self.0.get()?.path().to_owned())
    }

    /// Its files, in the order of the archive.
    #[getter]
    fn entries<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let archive = self.0.get()?;
        let entries = py.detach(|| archive.entries()).or_raise()?;
        to_python(py, entries)
    }

    /// Read a small file of the archive as bytes.
    fn read<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyBytes>> {
        let archive = self.0.get()?;
        let bytes = py.detach(|| archive.read(name)).or_raise()?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// Open a file of the archive as a disk image, which is read on demand.
    fn disk(&self, py: Python<'_>, name: &str) -> PyResult<DiskImage> {
        let archive = self.0.get()?;
        py.detach(|| archive.disk(name)).or_raise().map(DiskImage::of)
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(self.entries(py)?.try_iter()?.into_any())
    }

    /// The template in it. The image is not read.
    fn template(&self, py: Python<'_>) -> PyResult<Template> {
        let archive = self.0.get()?;
        py.detach(|| archive.template()).or_raise().map(Template)
    }

    /// Unpack it into a folder, and return the unpacked files. Holes are restored as holes.
    ///
    /// `only` names the files to unpack.
    #[pyo3(signature = (folder, *, only=None, threads=None, progress=None, cancel=None))]
    fn unpack<'py>(
        &self,
        py: Python<'py>,
        folder: PathBuf,
        only: Option<&Bound<'py, PyAny>>,
        threads: Option<NonZeroUsize>,
        progress: Option<Bound<'py, PyAny>>,
        cancel: Option<&CancelToken>,
    ) -> PyResult<Bound<'py, PyAny>> {
        arguments!(only: Vec<String>);
        let archive = self.0.get()?;
        let files = run(py, progress, cancel, |control| {
            archive.unpack(folder, &vt::archive::UnpackOptions { only, threads: threads.into(), control })
        })?;
        to_python(py, &files)
    }

    /// Verify all of it, and return its SHA-256 and those of its files.
    #[pyo3(signature = (*, threads=None, progress=None, cancel=None))]
    fn verify<'py>(
        &self,
        py: Python<'py>,
        threads: Option<NonZeroUsize>,
        progress: Option<Bound<'py, PyAny>>,
        cancel: Option<&CancelToken>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let archive = self.0.get()?;
        let verified = run(py, progress, cancel, |control| {
            archive.verify(&vt::archive::VerifyOptions { threads: threads.into(), control })
        })?;
        to_python(py, &verified)
    }

    /// Check the template in it against all rules; `vmtemplate.check` describes the options.
    ///
    /// What is missing or cannot be read is a finding.
    #[pyo3(signature = (*, allow=None, severities=None, deny_warnings=false, skip_image=false, language=None, format=None, cancel=None))]
    fn check<'py>(
        &self,
        py: Python<'py>,
        allow: Option<&Bound<'_, PyAny>>,
        severities: Option<&Bound<'_, PyAny>>,
        deny_warnings: bool,
        skip_image: bool,
        language: Option<&str>,
        format: Option<&str>,
        cancel: Option<&CancelToken>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let options = check_options(allow, severities, deny_warnings, skip_image, language, format)?;
        let archive = self.0.get()?;
        let report =
            run(py, None, cancel, |control| archive.check(&vt::report::CheckOptions { control, ..options }))?;
        values::report(py, &report, &archive.path().to_string_lossy())
    }

    /// Replace the macros of its setup script, as `Template.render` does.
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
    ) -> PyResult<Script> {
        let options =
            values::render_options(missing, as_platform, language, illegal_password_characters, declared)?;
        let archive = self.0.get()?;
        py.detach(|| archive.render(&values.0, &options)).or_raise().map(Script)
    }

    /// Close the archive. Disk images that were opened in it can still be read.
    fn close(&self, py: Python<'_>) {
        py.detach(|| self.0.close());
    }

    /// Whether the archive was closed.
    #[getter]
    fn closed(&self) -> bool {
        self.0.is_closed()
    }

    fn __enter__(slf: Py<Self>) -> PyResult<Py<Self>> {
        slf.get().0.get()?;
        Ok(slf)
    }

    fn __exit__(
        &self,
        py: Python<'_>,
        _kind: &Bound<'_, PyAny>,
        _value: &Bound<'_, PyAny>,
        _trace: &Bound<'_, PyAny>,
    ) {
        self.close(py);
    }

    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        let archive = self.0.get()?;
        py.detach(|| archive.entries()).or_raise().map(<[_]>::len)
    }

    fn __contains__(&self, py: Python<'_>, name: &str) -> PyResult<bool> {
        let archive = self.0.get()?;
        let entries = py.detach(|| archive.entries()).or_raise()?;
        Ok(entries.iter().any(|entry| entry.name == name))
    }

    fn __repr__(&self) -> String {
        match self.0.get() {
            Ok(archive) => format!("<Archive {:?}>", archive.path()),
            Err(_) => "<Archive, closed>".into(),
        }
    }
}
