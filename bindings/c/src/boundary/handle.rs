//! Handles and their ownership.

use std::any::Any;
use std::cell::UnsafeCell;
use std::collections::VecDeque;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};

use super::call::{Failure, Outcome};
use crate::error::{VMT_INVALID_HANDLE, VMT_NULL_ARGUMENT};

/// A C type, and the Rust type behind it.
///
/// C owns a handle that [`give`] made, until [`free`]. A handle that was made with [`Slot::lent`] is part
/// of another handle, and C may read it as long as that lives; freeing it does nothing. The trait bounds are what the
/// header promises: any thread may use any handle, and several may read it at the same time.
pub(crate) trait Handle: Send + Sync + Sized + 'static {
    /// The type behind the pointer.
    type Value: Send + Sync;
    /// The name in C.
    const NAME: &'static str;
    fn wrap(slot: Slot<Self::Value>) -> Self;
    fn slot(&self) -> &Slot<Self::Value>;
}

/// Declare the Rust type behind a C type.
macro_rules! handle {
    ($name:ident, $value:ty) => {
        impl $crate::boundary::Handle for $name {
            type Value = $value;
            const NAME: &'static str = stringify!($name);
            fn wrap(slot: $crate::boundary::Slot<$value>) -> Self {
                Self(slot)
            }
            fn slot(&self) -> &$crate::boundary::Slot<$value> {
                &self.0
            }
        }
    };
}
pub(crate) use handle;

const LIVE: u8 = 0;
/// A call is changing it.
const BUSY: u8 = 1;
/// It was freed.
const DEAD: u8 = 2;

/// The memory behind a handle: the value, and whether it is still alive.
#[derive(Debug)]
pub(crate) struct Slot<T> {
    state: AtomicU8,
    is_owned: bool,
    value: UnsafeCell<ManuallyDrop<T>>,
}

// SAFETY: any thread may read the value through `&T` (T: Sync); only the thread that moved `state` away from `LIVE`
// changes or drops it (T: Send).
unsafe impl<T: Send + Sync> Sync for Slot<T> {}

impl<T> Slot<T> {
    fn new(value: T, is_owned: bool) -> Self {
        Self { state: AtomicU8::new(LIVE), is_owned, value: UnsafeCell::new(ManuallyDrop::new(value)) }
    }

    /// A part of another handle.
    pub(crate) fn lent(value: T) -> Self {
        Self::new(value, false)
    }

    fn claim(&self, state: u8) -> bool {
        self.state.compare_exchange(LIVE, state, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }
}

impl<T> Drop for Slot<T> {
    fn drop(&mut self) {
        let state = self.state.get_mut();
        if *state != DEAD {
            *state = DEAD;
            // SAFETY: `self` is borrowed uniquely, and a value that is not dead was not dropped yet.
            unsafe { ManuallyDrop::drop(self.value.get_mut()) };
        }
    }
}

/// Give a value to C, which owns it from now on.
pub(crate) fn give<H: Handle>(value: H::Value) -> *mut H {
    Box::into_raw(Box::new(H::wrap(Slot::new(value, true))))
}

/// Borrow a handle for reading.
pub(crate) fn get<'a, H: Handle>(handle: *const H) -> Outcome<&'a H::Value> {
    let slot = slot(handle)?;
    if slot.state.load(Ordering::Acquire) != LIVE {
        return Err(refused(slot, H::NAME));
    }
    // SAFETY: it is live. C promises not to free or change a handle while another call reads it.
    Ok(unsafe { &*slot.value.get() })
}

/// Borrow a handle that may be NULL.
pub(crate) fn get_or_none<'a, H: Handle>(handle: *const H) -> Outcome<Option<&'a H::Value>> {
    if handle.is_null() { Ok(None) } else { get(handle).map(Some) }
}

/// Borrow a handle for a change. A second call that changes it at the same time is refused.
pub(crate) fn edit<'a, H: Handle>(handle: *mut H) -> Outcome<Editing<'a, H::Value>> {
    let slot = slot(handle)?;
    if !slot.is_owned {
        return Err(Failure::new(
            VMT_INVALID_HANDLE,
            format!("this `{}` is part of another handle and cannot be changed", H::NAME),
        ));
    }
    if slot.claim(BUSY) { Ok(Editing(slot)) } else { Err(refused(slot, H::NAME)) }
}

/// Free a handle. NULL, a dead handle, and one that is part of another are ignored.
pub(crate) fn free<H: Handle>(handle: *mut H) -> Outcome<()> {
    if handle.is_null() {
        return Ok(());
    }
    let slot = slot(handle)?;
    if !slot.is_owned || !slot.claim(DEAD) {
        return Err(refused(slot, H::NAME));
    }
    // Dropped in place, so that handles that are part of it become dead too.
    // SAFETY: this call alone moved `state` to `DEAD`, so no other call drops the value.
    unsafe { ManuallyDrop::drop(&mut *slot.value.get()) };
    // SAFETY: an owned slot came from `Box::into_raw` in `give`; only the call that moved `state` makes it a box again.
    keep(unsafe { Box::from_raw(handle) });
    Ok(())
}

fn slot<'a, H: Handle>(handle: *const H) -> Outcome<&'a Slot<H::Value>> {
    // SAFETY: C promises that it is NULL or a handle of this type. The memory of one that was freed lately is kept
    // (`keep`).
    match unsafe { handle.as_ref() } {
        Some(handle) => Ok(handle.slot()),
        None => Err(Failure::new(VMT_NULL_ARGUMENT, format!("a `{}` is NULL", H::NAME))),
    }
}

fn refused<T>(slot: &Slot<T>, name: &str) -> Failure {
    let (message, help) = match slot.state.load(Ordering::Relaxed) {
        DEAD => ("was already freed", "do not use it after the call that frees it"),
        BUSY => {
            ("is being changed by another call", "let only one thread at a time use a handle that is changed")
        }
        _ => ("is part of another handle", "free the handle that it came from"),
    };
    Failure::new(VMT_INVALID_HANDLE, format!("this `{name}` {message}")).with_help(help)
}

/// The number of freed handles that are still detected.
const KEPT: usize = 256;

/// Keep the memory of a dead handle for a while, so that a later use of it finds the state and not other data.
fn keep(shell: Box<dyn Any + Send + Sync>) {
    static SHELLS: Mutex<VecDeque<Box<dyn Any + Send + Sync>>> = Mutex::new(VecDeque::new());
    let mut shells = SHELLS.lock().unwrap_or_else(PoisonError::into_inner);
    let oldest = if shells.len() == KEPT { shells.pop_front() } else { None };
    shells.push_back(shell);
    drop(shells);
    drop(oldest);
}

/// A value that is being changed; other calls are allowed again when this is dropped.
#[derive(Debug)]
pub(crate) struct Editing<'a, T>(&'a Slot<T>);

impl<T> Deref for Editing<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: this has moved `state` to `BUSY`, so no other call reaches the value until this is dropped.
        unsafe { &*self.0.value.get() }
    }
}

impl<T> DerefMut for Editing<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as for `deref`.
        unsafe { &mut *self.0.value.get() }
    }
}

impl<T> Drop for Editing<'_, T> {
    fn drop(&mut self) {
        self.0.state.store(LIVE, Ordering::Release);
    }
}
