use std::num::NonZeroUsize;
use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};
use vmtemplate as vt;

use crate::cancel_token::CancelToken;
use crate::disk_image::DiskImage;
use crate::errors::OrRaise;
use crate::run::run;
use crate::source::ArchiveArgument;
use crate::template::Template;
use crate::values::{self, UnpackLimitsArgument};

/// An archive, inspected without unpacking it.
///
/// An archive made by vmtemplate is opened by its index, without reading it; one made by another tool is read
/// completely. Iterating over it returns its `entries`, `len` their number, and `name in archive` whether it contains a
/// file.
#[pyclass(frozen, module = "vmtemplate")]
pub(crate) struct Archive(vt::Archive);

#[pymethods]
impl Archive {
    /// Open an archive: a path, a URL, bytes, or a seekable binary file-like object.
    ///
    /// No other code may use the object at the same time. `limits` bounds what a hostile archive may do.
    #[staticmethod]
    #[pyo3(signature = (archive, *, limits=None))]
    fn open(
        py: Python<'_>,
        archive: ArchiveArgument,
        limits: Option<UnpackLimitsArgument>,
    ) -> PyResult<Self> {
        let limits = values::unpack_limits(limits);
        run(py, None, None, |_| archive.open().map(|archive| archive.with_limits(limits))).map(Self)
    }

    /// Its path or URL, or the name of the object that it was opened from.
    #[getter]
    fn path(&self) -> PathBuf {
        self.0.path().to_owned()
    }

    /// Its files, in the order of the archive.
    #[getter]
    fn entries<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let entries = py.detach(|| self.0.entries()).or_raise()?;
        values::tuple(py, entries, values::archive_entry)
    }

    /// Read a small file of the archive as bytes.
    fn read<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = py.detach(|| self.0.read(name)).or_raise()?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// Open a file of the archive as a disk image, which is read on demand.
    fn disk(&self, py: Python<'_>, name: &str) -> PyResult<DiskImage> {
        py.detach(|| self.0.disk(name)).or_raise().map(DiskImage)
    }

    /// The template in it. The image is not read.
    fn template(&self, py: Python<'_>) -> PyResult<Template> {
        py.detach(|| self.0.template()).or_raise().map(Template)
    }

    /// Unpack it into a folder, and return the unpacked files. Holes are restored as holes.
    ///
    /// `only` names the files to unpack.
    #[pyo3(signature = (folder, *, only=Vec::new(), threads=None, progress=None, cancel=None), text_signature = "($self, folder, *, only=(), threads=None, progress=None, cancel=None)")]
    fn unpack<'py>(
        &self,
        py: Python<'py>,
        folder: PathBuf,
        only: Vec<String>,
        threads: Option<NonZeroUsize>,
        progress: Option<Bound<'py, PyAny>>,
        cancel: Option<&CancelToken>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let files = run(py, progress, cancel, |control| {
            self.0.unpack(folder, &vt::archive::UnpackOptions { only, threads: threads.into(), control })
        })?;
        values::tuple(py, &files, values::archive_entry)
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
        let verified = run(py, progress, cancel, |control| {
            self.0.verify(&vt::archive::VerifyOptions { threads: threads.into(), control })
        })?;
        values::verified(py, &verified)
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(self.entries(py)?.try_iter()?.into_any())
    }

    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        py.detach(|| self.0.entries()).or_raise().map(<[_]>::len)
    }

    fn __contains__(&self, py: Python<'_>, name: &str) -> PyResult<bool> {
        let entries = py.detach(|| self.0.entries()).or_raise()?;
        Ok(entries.iter().any(|entry| entry.name == name))
    }

    fn __repr__(&self) -> String {
        format!("<Archive {:?}>", self.0.path())
    }
}
