use std::ffi::OsString;

use pyo3::prelude::*;

/// Run the command `vmtemplate` with these arguments, the first of which is its name, and return its exit status.
#[pyfunction]
pub(crate) fn run_command(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    py.detach(|| vmtemplate_cli::run(arguments))
}
