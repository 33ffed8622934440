//! Starting threads, where a container or a user may have only so many.

use std::thread::{Builder, Scope};

/// What a thread does.
pub(crate) type Job<'s> = Box<dyn FnOnce() + Send + 's>;

/// Start a thread that does `job`; `false` if the system starts none (`RLIMIT_NPROC`, the pids limit of a container, no
/// memory). Then `job` is dropped, and its work remains to be done otherwise.
pub(crate) fn spawn<'s>(scope: &'s Scope<'s, '_>, job: Job<'s>) -> bool {
    Builder::new().name("vmtemplate".into()).spawn_scoped(scope, job).is_ok()
}
