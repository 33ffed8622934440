//! Watching and stopping long work.

use std::ffi::c_void;
use std::ptr;

use vmtemplate::Control;

use crate::boundary::{Outcome, Slot, control_of, free, get, get_or_none, give, handle, look};

/// Is told how far the work is: `bytes` of `total`, which is 0 while nobody knows it. Returning something else than 0
/// cancels the work. It is called every few MiB, on a thread that does the work, and must not throw or longjmp.
pub type vmt_progress_fn =
    Option<unsafe extern "C" fn(user_data: *mut c_void, bytes: u64, total: u64) -> i32>;

/// Watches and stops work whose options name it. It may be freed as soon as that has returned.
pub struct vmt_control(Slot<Control>);
handle!(vmt_control, Control);

/// A control that reports to `progress`, which may be NULL, with `user_data`. Never NULL, but for a fault of the library.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_control_new(progress: vmt_progress_fn, user_data: *mut c_void) -> *mut vmt_control {
    look(ptr::null_mut(), || Ok(give(control_of(progress, user_data))))
}

/// Ask the work to stop, from any thread. It ends with `VMT_CANCELLED` and leaves nothing half-written. It cannot be
/// undone: later work with this control is cancelled at once.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_control_cancel(control: *const vmt_control) {
    look((), || {
        get(control)?.cancel.cancel();
        Ok(())
    });
}

/// Whether it was asked to stop.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_control_is_cancelled(control: *const vmt_control) -> bool {
    look(false, || Ok(get(control)?.cancel.is_cancelled()))
}

/// Free a control. NULL is taken.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_control_free(control: *mut vmt_control) {
    look((), || free(control));
}

/// The control that options name, or one that does nothing.
pub(crate) fn chosen(control: *const vmt_control) -> Outcome<Control> {
    Ok(get_or_none(control)?.cloned().unwrap_or_default())
}
