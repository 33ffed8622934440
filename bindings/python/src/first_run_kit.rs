use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use vmtemplate as vt;

use crate::errors::OrRaise;

/// The scripts that run the setup script in a new machine, and `prepare.cmd`, which installs them in a master VM.
///
/// `dd` is the path of `dd.exe` from "dd for Windows", which the scripts need and which is not part of this package.
///
/// >>> import vmtemplate as vt
/// >>> "prepare.cmd" in vt.FirstRunKit().files()
/// True
#[pyclass(frozen, module = "vmtemplate")]
pub(crate) struct FirstRunKit(vt::script::FirstRunKit);

#[pymethods]
impl FirstRunKit {
    /// The version of the scripts' text.
    #[classattr]
    const VERSION: &'static str = vt::script::FirstRunKit::VERSION;

    #[new]
    #[pyo3(signature = (dd=None))]
    fn new(py: Python<'_>, dd: Option<PathBuf>) -> PyResult<Self> {
        let kit = vt::script::FirstRunKit::new();
        match dd {
            Some(path) => py.detach(|| kit.with_dd(path)).or_raise(),
            None => Ok(kit),
        }
        .map(Self)
    }

    /// The contents of the files by name.
    fn files<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let files = PyDict::new(py);
        for (name, bytes) in self.0.files() {
            files.set_item(name, PyBytes::new(py, &bytes))?;
        }
        Ok(files)
    }

    /// Write the files into a folder, which is created if it does not exist.
    fn write(&self, py: Python<'_>, folder: PathBuf) -> PyResult<()> {
        py.detach(|| self.0.write(folder)).or_raise()
    }

    /// The files as a CD image for "Mount ISO image".
    fn iso<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &py.detach(|| self.0.iso()))
    }

    /// Write the CD image to a file, which appears complete or not at all.
    #[pyo3(signature = (path, *, overwrite=false))]
    fn write_iso(&self, py: Python<'_>, path: PathBuf, overwrite: bool) -> PyResult<()> {
        py.detach(|| self.0.write_iso(path, overwrite.into())).or_raise()
    }

    fn __repr__(&self) -> String {
        format!("<FirstRunKit, {} files>", self.0.files().len())
    }
}
