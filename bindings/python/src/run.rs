//! Runs long work on another thread, while the calling thread reports progress and can cancel the work.

use std::io;
use std::panic::resume_unwind;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use pyo3::prelude::*;
use vmtemplate as vt;

use crate::cancel_token::CancelToken;
use crate::errors::OrRaise;
use crate::to_python::to_python;

/// The maximum delay until Ctrl-C or a cancel token is noticed.
const GLANCE: Duration = Duration::from_millis(20);

/// The state that the working and the waiting thread share.
#[derive(Default)]
struct Meeting {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Progress that the callback has not received yet. The worker waits until it has.
    news: Option<vt::progress::Progress>,
    done: bool,
}

impl Meeting {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Called by the worker: pass progress to the callback, and wait until it has returned.
    fn tell(&self, progress: vt::progress::Progress) {
        let mut state = self.lock();
        state.news = Some(progress);
        self.changed.notify_all();
        while state.news.is_some() {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Called by the waiting thread: wait for news, at most for [`GLANCE`].
    fn wait(&self) -> (Option<vt::progress::Progress>, bool) {
        let state = self.lock();
        let (state, _) = self
            .changed
            .wait_timeout_while(state, GLANCE, |state| state.news.is_none() && !state.done)
            .unwrap_or_else(PoisonError::into_inner);
        (state.news, state.done)
    }

    fn answer(&self) {
        self.lock().news = None;
        self.changed.notify_all();
    }
}

/// Reports that the worker has ended, also if it panicked.
struct Ending<'m>(&'m Meeting);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.lock().done = true;
        self.0.changed.notify_all();
    }
}

/// Do `work` on another thread with the interpreter released.
///
/// `progress` is called on this thread, the one that called. An exception in it, and Ctrl-C if this is the main thread,
/// cancels the work; it is raised after the work has ended and cleaned up.
pub(crate) fn run<T: Send>(
    py: Python<'_>,
    progress: Option<Bound<'_, PyAny>>,
    cancel: Option<&CancelToken>,
    work: impl FnOnce(vt::Control) -> vt::Result<T> + Send,
) -> PyResult<T> {
    let callback = progress.filter(|callback| !callback.is_none()).map(Bound::unbind);
    let theirs = cancel.map(|token| token.0.clone());
    // A separate token: Ctrl-C must not cancel other work that uses the caller's token.
    let ours = vt::progress::CancelToken::new();
    let meeting = Arc::new(Meeting::default());
    let control = vt::Control {
        progress: Some(Arc::new({
            let (meeting, ours, theirs) = (Arc::clone(&meeting), ours.clone(), theirs.clone());
            let is_watched = callback.is_some();
            move |progress| {
                if theirs.as_ref().is_some_and(vt::progress::CancelToken::is_cancelled) {
                    ours.cancel();
                } else if is_watched {
                    meeting.tell(progress);
                }
            }
        })),
        cancel: ours.clone(),
    };
    if theirs.as_ref().is_some_and(vt::progress::CancelToken::is_cancelled) {
        ours.cancel();
    }
    let (done, raised) = py.detach(|| {
        // If the thread cannot be started, the work is still here.
        let slot = Mutex::new(Some(work));
        let take = || slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        thread::scope(|scope| {
            let worker = thread::Builder::new().name("vmtemplate".into()).spawn_scoped(scope, || {
                let _ending = Ending(&meeting);
                take().map(|work| work(control))
            });
            let worker = match worker {
                Ok(worker) => worker,
                Err(error) => {
                    return match take() {
                        Some(work) => run_here(callback, theirs, ours, work),
                        None => (Err(vt::Error::io("cannot start a thread", error)), None),
                    };
                }
            };
            let mut raised = None;
            loop {
                let (news, done) = meeting.wait();
                let seen = Python::attach(|py| {
                    py.check_signals()?;
                    match (news, &callback) {
                        // After an exception, no further progress is reported.
                        (Some(progress), Some(callback)) if raised.is_none() => {
                            callback.call1(py, (to_python(py, &progress)?,)).map(drop)
                        }
                        _ => Ok(()),
                    }
                });
                if let Err(error) = seen {
                    ours.cancel();
                    raised.get_or_insert(error);
                }
                if theirs.as_ref().is_some_and(vt::progress::CancelToken::is_cancelled) {
                    ours.cancel();
                }
                if news.is_some() {
                    meeting.answer();
                }
                if done {
                    break;
                }
            }
            let done = worker.join().unwrap_or_else(|panic| resume_unwind(panic));
            (done.unwrap_or_else(|| Err(gone())), raised)
        })
    });
    match raised {
        Some(error) => Err(error),
        None => done.or_raise(),
    }
}

fn gone() -> vt::Error {
    vt::Error::io("the work was started twice", io::ErrorKind::Other.into())
}

/// Do `work` on the calling thread if no other can be started (`RLIMIT_NPROC`, the pids limit of a container). Between
/// two pieces of the work the callback is called, and Ctrl-C and the cancel token are checked.
fn run_here<T>(
    callback: Option<Py<PyAny>>,
    theirs: Option<vt::progress::CancelToken>,
    ours: vt::progress::CancelToken,
    work: impl FnOnce(vt::Control) -> vt::Result<T>,
) -> (vt::Result<T>, Option<PyErr>) {
    let raised = Arc::new(Mutex::new(None));
    let control = vt::Control {
        progress: Some(Arc::new({
            let (raised, ours) = (Arc::clone(&raised), ours.clone());
            move |progress| {
                let seen = Python::attach(|py| {
                    py.check_signals()?;
                    match &callback {
                        Some(callback) if !ours.is_cancelled() => {
                            callback.call1(py, (to_python(py, &progress)?,)).map(drop)
                        }
                        _ => Ok(()),
                    }
                });
                if let Err(error) = seen {
                    ours.cancel();
                    raised.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                }
                if theirs.as_ref().is_some_and(vt::progress::CancelToken::is_cancelled) {
                    ours.cancel();
                }
            }
        })),
        cancel: ours,
    };
    let done = work(control);
    let raised = raised.lock().unwrap_or_else(PoisonError::into_inner).take();
    (done, raised)
}
