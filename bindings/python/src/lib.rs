//! The Python module.
use pyo3::prelude::*;

/// Doc.
#[pyclass(frozen, module = "vmtemplate")]
struct CancelToken(vmtemplate::CancelToken);

#[pymethods]
impl CancelToken {
    #[new]
    fn new() -> Self { Self(vmtemplate::CancelToken::new()) }
}

#[pymodule]
mod _native {
    #[pymodule_export]
    use super::CancelToken;
}
