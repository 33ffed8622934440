use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};
use vmtemplate as vt;

use crate::errors::OrRaise;
use crate::from_python::parsed;
use crate::script::Script;
use crate::values;

/// The install drive of a new machine: 1,048,576 bytes that begin with the rendered setup script.
///
/// >>> import vmtemplate as vt
/// >>> script = vt.Script("echo ($IP)\r\n").render({"IP": "192.0.2.10"})
/// >>> drive = vt.InstallDrive(script)
/// >>> len(bytes(drive)), drive.script.text
/// (1048576, 'echo 192.0.2.10\r\n')
#[pyclass(frozen, eq, module = "vmtemplate")]
#[derive(PartialEq)]
pub(crate) struct InstallDrive(pub(crate) vt::drive::InstallDrive);

#[pymethods]
impl InstallDrive {
    /// The size of the drive in bytes.
    #[classattr]
    const SIZE: usize = vt::drive::InstallDrive::SIZE;

    #[new]
    #[pyo3(signature = (script, *, padding="blank-lines"))]
    fn new(py: Python<'_>, script: &Script, padding: &str) -> PyResult<Self> {
        let padding = parsed(padding)?;
        py.detach(|| vt::drive::InstallDrive::with_padding(&script.0, padding)).or_raise().map(Self)
    }

    /// A drive with these bytes.
    #[staticmethod]
    fn from_bytes(data: &Bound<'_, PyAny>) -> PyResult<Self> {
        vt::drive::InstallDrive::from_bytes(values::bytes(data)?).or_raise().map(Self)
    }

    /// Read a drive from its file.
    #[staticmethod]
    fn read(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        py.detach(|| vt::drive::InstallDrive::read(path)).or_raise().map(Self)
    }

    /// The script on the drive, without the padding.
    #[getter]
    fn script(&self, py: Python<'_>) -> Script {
        Script(py.detach(|| self.0.script()))
    }

    /// Write the drive to a file, which appears complete or not at all.
    #[pyo3(signature = (path, *, overwrite=false))]
    fn write(&self, py: Python<'_>, path: PathBuf, overwrite: bool) -> PyResult<()> {
        py.detach(|| self.0.write(path, overwrite.into())).or_raise()
    }

    fn __bytes__<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.bytes())
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let py = slf.py();
        (slf.get_type().getattr("from_bytes")?, (slf.get().__bytes__(py),)).into_pyobject(py)
    }

    fn __repr__(&self) -> String {
        // The script may contain a password.
        format!("<InstallDrive, a script of {} bytes>", self.0.script().bytes().len())
    }
}
