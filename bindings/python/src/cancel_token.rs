use pyo3::prelude::*;
use vmtemplate as vt;

/// A switch that stops long work from another thread.
///
/// Give it as `cancel=` to what takes long. Work that was stopped raises `CancelledError` and leaves nothing
/// half-written. Once thrown, a switch stays so: take a new one for the next work.
///
/// >>> import vmtemplate as vt
/// >>> cancel = vt.CancelToken()
/// >>> cancel.cancel()
/// >>> cancel.is_cancelled
/// True
#[pyclass(frozen, module = "vmtemplate")]
pub(crate) struct CancelToken(pub(crate) vt::CancelToken);

#[pymethods]
impl CancelToken {
    #[new]
    fn new() -> Self {
        Self(vt::CancelToken::new())
    }

    /// Stop the work that has this token, at its next step.
    fn cancel(&self) {
        self.0.cancel();
    }

    /// Whether it was told to stop.
    #[getter]
    fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }

    fn __repr__(&self) -> &'static str {
        if self.0.is_cancelled() { "<CancelToken, cancelled>" } else { "<CancelToken>" }
    }
}
