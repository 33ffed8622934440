//! Points at which a test ends the process, to see what a killed run leaves behind.
//!
//! `fail_point!("name")` does nothing unless the crate is built with its feature `fail-points` and debug assertions, so
//! that no release build has any. Then two variables of the environment matter. `VMTEMPLATE_FAIL_POINTS` names a file to
//! which each point that is passed adds its name, in a line. `VMTEMPLATE_KILL_AT` is a number: the process ends itself
//! with SIGKILL at that point of those which it passes, counted from 1, when its name is in the file. A test that finds
//! the process ended by SIGKILL knows by that where it ended.

/// The point `name`, between two steps that a killed run may have come between.
#[cfg(all(feature = "fail-points", debug_assertions, unix))]
macro_rules! fail_point {
    ($name:literal) => {
        crate::fail_points::pass($name)
    };
}

#[cfg(not(all(feature = "fail-points", debug_assertions, unix)))]
macro_rules! fail_point {
    ($name:literal) => {};
}

pub(crate) use fail_point;

#[cfg(all(feature = "fail-points", debug_assertions, unix))]
pub(crate) fn pass(name: &str) {
    use std::fs::OpenOptions;
    use std::io::Write;
    use std::sync::{Mutex, PoisonError};

    // Held while a point is passed, so that nothing else is passed behind the one at which the process ends.
    static PASSED: Mutex<u64> = Mutex::new(0);
    let Some(list) = std::env::var_os("VMTEMPLATE_FAIL_POINTS") else { return };
    let mut passed = PASSED.lock().unwrap_or_else(PoisonError::into_inner);
    *passed += 1;
    if let Ok(mut list) = OpenOptions::new().append(true).create(true).open(list) {
        list.write_all(format!("{name}\n").as_bytes()).ok();
    }
    let kill_at = std::env::var("VMTEMPLATE_KILL_AT").ok().and_then(|number| number.parse().ok());
    if kill_at == Some(*passed) {
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).ok();
        // The signal needs no moment to arrive, but nothing may happen in it.
        loop {
            std::thread::park();
        }
    }
}
