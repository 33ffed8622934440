use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use vmtemplate as vt;

use crate::disk_image::DiskImage;
use crate::errors::OrRaise;
use crate::from_python::arguments;
use crate::run::run;
use crate::source::ArchiveArgument;
use crate::to_python::to_python;

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
    fn open(py: Python<'_>, archive: ArchiveArgument, limits: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        arguments!(limits: vt::UnpackLimits);
        run(py, None, None, |_| match archive {
            ArchiveArgument::Path(path) => vt::Archive::open_with(path, &limits),
            ArchiveArgument::Source(source, name) => vt::Archive::from_source_with(source, name, &limits),
        })
        .map(Self)
    }

    /// Its path or URL, or the name of the object that it was opened from.
    #[getter]
    fn path(&self) -> PathBuf {
        self.0.path().to_owned()
    }

    /// Its files, in the order of the archive.
    #[getter]
    fn entries<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, self.0.entries())
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

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(self.entries(py)?.try_iter()?.into_any())
    }

    fn __len__(&self) -> usize {
        self.0.entries().len()
    }

    fn __contains__(&self, name: &str) -> bool {
        self.0.entries().iter().any(|entry| entry.name == name)
    }

    fn __repr__(&self) -> String {
        format!("<Archive {:?}, {} files>", self.0.path(), self.0.entries().len())
    }
}
