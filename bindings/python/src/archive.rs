use std::path::PathBuf;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use vmtemplate as vt;

use crate::closable::Closable;
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
pub(crate) struct Archive(Closable<Arc<vt::Archive>>);

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
        to_python(py, self.0.get()?.entries())
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

    fn __len__(&self) -> PyResult<usize> {
        Ok(self.0.get()?.entries().len())
    }

    fn __contains__(&self, name: &str) -> PyResult<bool> {
        Ok(self.0.get()?.entries().iter().any(|entry| entry.name == name))
    }

    fn __repr__(&self) -> String {
        match self.0.get() {
            Ok(archive) => format!("<Archive {:?}, {} files>", archive.path(), archive.entries().len()),
            Err(_) => "<Archive, closed>".into(),
        }
    }
}
