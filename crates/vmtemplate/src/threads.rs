//! How many threads work, and starting them where a container or a user may have only so many.

use std::num::NonZeroUsize;
use std::thread::{self, Builder, Scope};

/// How many threads do the work. The default is one for every processor of this process; no result depends on it.
///
/// Where the system starts fewer threads (a container's limit, say), the work is done by as many as there are, if need be
/// by the calling thread alone.
///
/// ```
/// use vmtemplate::archive::PackOptions;
/// use vmtemplate::progress::Threads;
///
/// let options = PackOptions { threads: Threads::new(2), ..PackOptions::default() };
/// assert_eq!(Threads::new(0), Threads::ALL);
/// assert!(Threads::default().count().get() >= 1);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Threads(Option<NonZeroUsize>);

impl Threads {
    /// One for every processor.
    pub const ALL: Self = Self(None);
    /// The calling thread alone.
    pub const ONE: Self = Self(Some(NonZeroUsize::MIN));

    /// This many; 0 means one for every processor.
    ///
    /// ```
    /// assert_eq!(vmtemplate::progress::Threads::new(3).count().get(), 3);
    /// ```
    pub const fn new(count: usize) -> Self {
        Self(NonZeroUsize::new(count))
    }

    /// How many threads that are on this machine.
    ///
    /// ```
    /// assert_eq!(vmtemplate::progress::Threads::ONE.count().get(), 1);
    /// ```
    pub fn count(self) -> NonZeroUsize {
        self.0.unwrap_or_else(|| thread::available_parallelism().unwrap_or(NonZeroUsize::MIN))
    }
}

/// `None` means one for every processor.
impl From<Option<NonZeroUsize>> for Threads {
    fn from(count: Option<NonZeroUsize>) -> Self {
        Self(count)
    }
}

/// What a thread does.
pub(crate) type Job<'s> = Box<dyn FnOnce() + Send + 's>;

/// Start a thread that does `job`; `false` if the system starts none (`RLIMIT_NPROC`, the pids limit of a container, no
/// memory). Then `job` is dropped, and its work remains to be done otherwise.
pub(crate) fn spawn<'s>(scope: &'s Scope<'s, '_>, job: Job<'s>) -> bool {
    Builder::new().name("vmtemplate".into()).spawn_scoped(scope, job).is_ok()
}
