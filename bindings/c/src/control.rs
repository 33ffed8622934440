//! Progress and cancellation of long work.

use std::ffi::c_void;
use std::ptr;

use vmtemplate::Control;

use crate::boundary::{Outcome, Slot, control_of, free, get, get_or_none, give, handle, look};

/// Receives progress: `bytes` of `total`, which is 0 while it is unknown. Returning a value other than 0 cancels the
/// work. It is called every few MiB, on a thread that does the work, and must not throw or longjmp.
pub type vmt_progress_fn =
    Option<unsafe extern "C" fn(user_data: *mut c_void, bytes: u64, total: u64) -> i32>;

/// Reports the progress of the work whose options name it, and cancels it. It may be freed once the work has returned.
pub struct vmt_control(Slot<Control>);
handle!(vmt_control, Control);

/// Make a control that calls `progress`, which may be NULL, with `user_data`. Returns NULL only for a bug in the
/// library.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_control_new(progress: vmt_progress_fn, user_data: *mut c_void) -> *mut vmt_control {
    look(ptr::null_mut(), || Ok(give(control_of(progress, user_data))))
}

/// Cancel the work, from any thread. It ends with `VMT_CANCELLED` and leaves no partial output. This cannot be undone:
/// later work with this control is cancelled at once.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_control_cancel(control: *const vmt_control) {
    look((), || {
        get(control)?.cancel.cancel();
        Ok(())
    });
}

/// Whether the control was cancelled.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_control_is_cancelled(control: *const vmt_control) -> bool {
    look(false, || Ok(get(control)?.cancel.is_cancelled()))
}

/// Free a control. NULL is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_control_free(control: *mut vmt_control) {
    look((), || free(control));
}

/// The control in the options, or one that does nothing.
pub(crate) fn chosen(control: *const vmt_control) -> Outcome<Control> {
    Ok(get_or_none(control)?.cloned().unwrap_or_default())
}
