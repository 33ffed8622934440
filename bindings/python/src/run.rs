//! Long work: away from Python, watched from the thread that asked for it, and stopped by what happens there.

use std::panic::resume_unwind;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use pyo3::prelude::*;
use vmtemplate as vt;

use crate::cancel_token::CancelToken;
use crate::errors::OrRaise;
use crate::values;

/// How long Ctrl-C and a cancel token may wait to be seen.
const GLANCE: Duration = Duration::from_millis(20);

/// What the working thread and the waiting one tell each other.
#[derive(Default)]
struct Meeting {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Progress that the callback has not seen yet. The worker waits until it has.
    news: Option<vt::Progress>,
    done: bool,
}

impl Meeting {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Called by the worker: show this to the callback, and come back when it has returned.
    fn tell(&self, progress: vt::Progress) {
        let mut state = self.lock();
        state.news = Some(progress);
        self.changed.notify_all();
        while state.news.is_some() {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Called by the waiting thread: what is new after at most [`GLANCE`].
    fn wait(&self) -> (Option<vt::Progress>, bool) {
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

/// Tells that the worker has ended, however it did.
struct Ending<'m>(&'m Meeting);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.lock().done = true;
        self.0.changed.notify_all();
    }
}

/// Do `work` on another thread with Python released.
///
/// `progress` is called on this thread, the one that the caller knows. What it raises, and Ctrl-C where this is the
/// main thread, cancels the work and comes out when that has ended and cleaned up.
pub(crate) fn run<T: Send>(
    py: Python<'_>,
    progress: Option<Bound<'_, PyAny>>,
    cancel: Option<&CancelToken>,
    work: impl FnOnce(vt::Control) -> vt::Result<T> + Send,
) -> PyResult<T> {
    let callback = progress.filter(|callback| !callback.is_none()).map(Bound::unbind);
    let theirs = cancel.map(|token| token.0.clone());
    // A token of its own: Ctrl-C must not stop all else that was given the same one.
    let ours = vt::CancelToken::new();
    let meeting = Arc::new(Meeting::default());
    let control = vt::Control {
        progress: Some(Arc::new({
            let (meeting, ours, theirs) = (Arc::clone(&meeting), ours.clone(), theirs.clone());
            let is_watched = callback.is_some();
            move |progress| {
                if theirs.as_ref().is_some_and(vt::CancelToken::is_cancelled) {
                    ours.cancel();
                } else if is_watched {
                    meeting.tell(progress);
                }
            }
        })),
        cancel: ours.clone(),
    };
    if theirs.as_ref().is_some_and(vt::CancelToken::is_cancelled) {
        ours.cancel();
    }
    let (done, raised) = py.detach(|| {
        thread::scope(|scope| {
            let worker = thread::Builder::new().name("vmtemplate".into()).spawn_scoped(scope, || {
                let _ending = Ending(&meeting);
                work(control)
            });
            let worker = match worker {
                Ok(worker) => worker,
                Err(error) => return (Err(vt::Error::io("cannot start a thread", error)), None),
            };
            let mut raised = None;
            loop {
                let (news, done) = meeting.wait();
                let seen = Python::attach(|py| {
                    py.check_signals()?;
                    match (news, &callback) {
                        // Nothing more is told once something was raised.
                        (Some(progress), Some(callback)) if raised.is_none() => {
                            callback.call1(py, (values::progress(py, progress)?,)).map(drop)
                        }
                        _ => Ok(()),
                    }
                });
                if let Err(error) = seen {
                    ours.cancel();
                    raised.get_or_insert(error);
                }
                if theirs.as_ref().is_some_and(vt::CancelToken::is_cancelled) {
                    ours.cancel();
                }
                if news.is_some() {
                    meeting.answer();
                }
                if done {
                    break;
                }
            }
            (worker.join().unwrap_or_else(|panic| resume_unwind(panic)), raised)
        })
    });
    match raised {
        Some(error) => Err(error),
        None => done.or_raise(),
    }
}
