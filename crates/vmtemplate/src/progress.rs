//! Reports the progress of long work, cancels it, and says how many threads do it.
//!
//! A [`Control`] stands in the options of everything that takes long; a [`CancelToken`] stops it from another thread.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, ErrorKind, Result};

pub use crate::threads::Threads;

/// The progress of long work.
///
/// ```
/// let half = vmtemplate::progress::Progress { bytes: 512, total: 1024 };
/// assert_eq!(half.fraction(), 0.5);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Progress {
    /// Bytes of content that are done. Holes count as soon as they are passed.
    pub bytes: u64,
    /// Bytes of content in all; 0 when that is not known, as with a stream.
    pub total: u64,
}

impl Progress {
    /// The part that is done, from 0.0 to 1.0; 0.0 when the total is not known.
    ///
    /// ```
    /// assert_eq!(vmtemplate::progress::Progress { bytes: 7, total: 0 }.fraction(), 0.0);
    /// ```
    #[allow(clippy::cast_precision_loss)] // it moves a bar on a screen
    pub fn fraction(self) -> f64 {
        if self.total == 0 { 0.0 } else { (self.bytes as f64 / self.total as f64).min(1.0) }
    }
}

/// A switch that stops long work from another thread, or from its own progress callback.
///
/// Clones share one switch. Work that is stopped ends with [`ErrorKind::Cancelled`] and leaves nothing half-written.
///
/// ```
/// use vmtemplate::progress::CancelToken;
/// use vmtemplate::Control;
///
/// let cancel = CancelToken::new();
/// let control = Control { cancel: cancel.clone(), ..Control::default() };
/// cancel.cancel();
/// assert!(control.cancel.is_cancelled());
/// ```
#[derive(Debug, Clone, Default)]
pub struct CancelToken(Arc<AtomicBool>);

impl CancelToken {
    /// A token that is not cancelled.
    ///
    /// ```
    /// assert!(!vmtemplate::progress::CancelToken::new().is_cancelled());
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Ask the work to stop. It cannot be undone.
    ///
    /// ```
    /// let token = vmtemplate::progress::CancelToken::new();
    /// token.clone().cancel();
    /// assert!(token.is_cancelled());
    /// ```
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether the caller asked the work to stop.
    ///
    /// ```
    /// assert!(!vmtemplate::progress::CancelToken::default().is_cancelled());
    /// ```
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// The callback that long work reports to.
pub type ProgressFn = dyn Fn(Progress) + Send + Sync;

/// Progress and cancellation of long work: a part of the options of every operation that takes time.
///
/// ```
/// use vmtemplate::Control;
///
/// let control = Control::on_progress(|p| eprintln!("{:.0}%", 100.0 * p.fraction()));
/// assert!(!control.cancel.is_cancelled());
/// ```
#[derive(Clone, Default)]
pub struct Control {
    /// Called every few MiB, from the thread that does the work.
    pub progress: Option<Arc<ProgressFn>>,
    /// Stops the work.
    pub cancel: CancelToken,
}

impl Control {
    /// Report to `callback`.
    ///
    /// ```
    /// let _ = vmtemplate::Control::on_progress(|p| println!("{} of {}", p.bytes, p.total));
    /// ```
    pub fn on_progress(callback: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        Self { progress: Some(Arc::new(callback)), cancel: CancelToken::new() }
    }

    /// Report the progress, then fail if the work was cancelled.
    pub(crate) fn report(&self, bytes: u64, total: u64) -> Result<()> {
        if let Some(callback) = &self.progress {
            callback(Progress { bytes, total });
        }
        self.stop_if_cancelled()
    }

    pub(crate) fn stop_if_cancelled(&self) -> Result<()> {
        if self.cancel.is_cancelled() {
            return Err(Error::new(ErrorKind::Cancelled, "cancelled; no partial output remains"));
        }
        Ok(())
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control")
            .field("progress", &self.progress.is_some())
            .field("cancel", &self.cancel.is_cancelled())
            .finish()
    }
}
