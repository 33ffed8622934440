use pyo3::prelude::*;
use pyo3::types::PyTuple;
use vmtemplate as vt;

use crate::errors::OrRaise;

/// The name of a macro, such as `IP`, which a script spells `($IP)`. Names are case-sensitive.
///
/// >>> import vmtemplate as vt
/// >>> str(vt.MacroName("IP")), vt.MacroName.parse("($IP)").name
/// ('($IP)', 'IP')
#[pyclass(frozen, eq, ord, hash, module = "vmtemplate")]
#[derive(PartialEq, PartialOrd, Hash)]
pub(crate) struct MacroName(pub(crate) vt::macros::MacroName);

#[pymethods]
impl MacroName {
    /// The maximum length of a name in characters.
    #[classattr]
    const MAX_LENGTH: usize = vt::macros::MacroName::MAX_LENGTH;

    #[new]
    fn new(name: String) -> PyResult<Self> {
        vt::macros::MacroName::new(name).or_raise().map(Self)
    }

    /// Parse a name in the form `($NAME)`.
    #[staticmethod]
    fn parse(text: &str) -> PyResult<Self> {
        text.parse().or_raise().map(Self)
    }

    /// The bare name.
    #[getter]
    fn name(&self) -> &str {
        self.0.name()
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("MacroName('{}')", self.0.name())
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        (slf.get_type(), (slf.get().0.name(),)).into_pyobject(slf.py())
    }
}
