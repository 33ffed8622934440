use pyo3::prelude::*;
use vmtemplate as vt;

/// Cancels long work from another thread.
///
/// Pass it as `cancel=` to a method that may take long. Cancelled work raises `CancelledError` and leaves no partial
/// output. A token cannot be reset: use a new one for the next work.
///
/// >>> import vmtemplate as vt
/// >>> cancel = vt.CancelToken()
/// >>> cancel.cancel()
/// >>> cancel.is_cancelled
/// True
#[pyclass(frozen, module = "vmtemplate")]
pub(crate) struct CancelToken(pub(crate) vt::progress::CancelToken);

#[pymethods]
impl CancelToken {
    #[new]
    fn new() -> Self {
        Self(vt::progress::CancelToken::new())
    }

    /// Cancel the work that has this token, at its next step.
    fn cancel(&self) {
        self.0.cancel();
    }

    /// Whether `cancel` was called.
    #[getter]
    fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }

    fn __repr__(&self) -> &'static str {
        if self.0.is_cancelled() { "<CancelToken, cancelled>" } else { "<CancelToken>" }
    }
}
