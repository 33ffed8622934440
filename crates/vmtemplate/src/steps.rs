//! How much work was done, as tests count it: bytes and values that were looked at. What grows with the square of its
//! input shows in these numbers on any machine, however busy.

use std::cell::Cell;

thread_local! {
    static STEPS: Cell<usize> = const { Cell::new(0) };
}

/// Count some steps of this thread.
pub(crate) fn add(count: usize) {
    STEPS.set(STEPS.get() + count);
}

/// The steps that `work` takes.
pub(crate) fn of(work: impl FnOnce()) -> usize {
    let before = STEPS.get();
    work();
    STEPS.get() - before
}
