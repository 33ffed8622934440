//! Callbacks: C functions that the library calls.

use std::ffi::c_void;
use std::io;
use std::sync::Arc;

use vmtemplate::disk::{DiskSource, Extent, ExtentKind};
use vmtemplate::progress::{CancelToken, Progress};
use vmtemplate::source::ReadAt;
use vmtemplate::{Control, Error};

use super::call::{Failure, Outcome};
use crate::control::vmt_progress_fn;
use crate::error::{VMT_CANCELLED, VMT_INVALID_VALUE, VMT_NULL_ARGUMENT};
use crate::image::{
    VMT_EXTENT_DATA, VMT_EXTENT_FREE, VMT_EXTENT_ZERO, vmt_extent, vmt_extent_fn, vmt_extent_kind,
    vmt_read_fn, vmt_source, vmt_write_fn,
};

/// The `user_data` that callbacks of C receive.
#[derive(Debug, Clone, Copy)]
struct UserData(*mut c_void);

// SAFETY: it is never dereferenced here. The header says on which threads callbacks run.
unsafe impl Send for UserData {}
// SAFETY: as above.
unsafe impl Sync for UserData {}

impl UserData {
    fn get(self) -> *mut c_void {
        self.0
    }
}

/// A control that reports to `progress`, and cancels if that returns a value other than 0.
pub(crate) fn control_of(progress: vmt_progress_fn, user_data: *mut c_void) -> Control {
    let cancel = CancelToken::new();
    let Some(progress) = progress else { return Control { progress: None, cancel } };
    let (user_data, switch) = (UserData(user_data), cancel.clone());
    let report = move |at: Progress| {
        // SAFETY: C promises a function of this type that may be called from any thread.
        if unsafe { progress(user_data.get(), at.bytes, at.total) } != 0 {
            switch.cancel();
        }
    };
    Control { progress: Some(Arc::new(report)), cancel }
}

/// A disk or an archive that callbacks of C read.
#[derive(Debug)]
pub(crate) struct ReadSource {
    calls: vmt_source,
    user_data: UserData,
}

// SAFETY: any thread may call the function pointers, as the header says, and `user_data` is only passed to them.
unsafe impl Send for ReadSource {}
// SAFETY: as above.
unsafe impl Sync for ReadSource {}

impl Drop for ReadSource {
    fn drop(&mut self) {
        if let Some(free) = self.calls.free {
            // SAFETY: C promises a function of this type; it is called once, and no other callback after it.
            unsafe { free(self.user_data.get()) };
        }
    }
}

/// The source that `calls` describes.
pub(crate) fn source(calls: vmt_source) -> Outcome<Arc<ReadSource>> {
    let made = ReadSource { calls, user_data: UserData(calls.user_data) };
    let wrong = if calls.read.is_none() {
        Some(Failure::new(VMT_NULL_ARGUMENT, "`read` of a `vmt_source` is NULL"))
    } else if calls.size == 0 {
        Some(Failure::new(VMT_INVALID_VALUE, "`size` of a `vmt_source` is 0; expected its size in bytes"))
    } else {
        None
    };
    match wrong {
        Some(failure) => {
            // A refused caller keeps ownership, so `free` must not be called.
            std::mem::forget(made);
            Err(failure)
        }
        None => Ok(Arc::new(made)),
    }
}

fn failed(doing: &str, code: i32) -> Error {
    let error = if code > 0 {
        io::Error::from_raw_os_error(code)
    } else {
        io::Error::other(format!("the callback returned {code}"))
    };
    Error::io(doing, error)
}

impl ReadAt for ReadSource {
    fn size(&self) -> u64 {
        self.calls.size
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> vmtemplate::Result<()> {
        let within = offset.checked_add(buf.len() as u64).is_some_and(|end| end <= self.calls.size);
        let Some(read) = self.calls.read.filter(|_| within) else {
            return Err(Error::io(
                "cannot read past the end of the source",
                io::ErrorKind::UnexpectedEof.into(),
            ));
        };
        // SAFETY: C promises a function that writes at most `buf.len()` bytes, which `buf` has room for.
        match unsafe { read(self.user_data.get(), buf.as_mut_ptr(), buf.len(), offset) } {
            0 => Ok(()),
            code => Err(failed("the read callback failed", code)),
        }
    }
}

impl DiskSource for ReadSource {
    fn format(&self) -> &'static str {
        "raw"
    }

    fn size(&self) -> u64 {
        self.calls.size
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> vmtemplate::Result<()> {
        ReadAt::read_at(self, buf, offset)
    }

    fn extent_at(&self, offset: u64) -> vmtemplate::Result<Extent> {
        let rest = self.calls.size.saturating_sub(offset);
        let Some(ask) = self.calls.extent else {
            return Ok(Extent { offset, length: rest, kind: ExtentKind::Data });
        };
        let (mut length, mut kind) = (0, VMT_EXTENT_DATA);
        // SAFETY: C promises a function of this type; both places outlive the call.
        let code = unsafe { ask(self.user_data.get(), offset, &raw mut length, &raw mut kind) };
        if code != 0 {
            return Err(failed("the extent callback failed", code));
        }
        let kind = match kind {
            VMT_EXTENT_DATA => ExtentKind::Data,
            VMT_EXTENT_ZERO => ExtentKind::Zero,
            VMT_EXTENT_FREE => ExtentKind::Free,
            other => {
                let said =
                    io::Error::new(io::ErrorKind::InvalidData, format!("it returned the kind {other}"));
                return Err(Error::io("the extent callback returned an unknown kind", said));
            }
        };
        if length == 0 || length > rest {
            let said =
                format!("it returned {length} bytes at {offset}; the disk has {rest} bytes from there on");
            return Err(Error::io(
                "the extent callback returned an extent that is not on the disk",
                io::Error::new(io::ErrorKind::InvalidData, said),
            ));
        }
        Ok(Extent { offset, length, kind })
    }
}

pub(crate) const fn kind_number(kind: ExtentKind) -> vmt_extent_kind {
    match kind {
        ExtentKind::Zero => VMT_EXTENT_ZERO,
        ExtentKind::Free => VMT_EXTENT_FREE,
        _ => VMT_EXTENT_DATA,
    }
}

/// Pass each extent to C, until the callback ends the walk.
pub(crate) fn visit_extents(
    extents: impl Iterator<Item = vmtemplate::Result<Extent>>,
    visit: vmt_extent_fn,
    user_data: *mut c_void,
) -> Outcome<()> {
    let Some(visit) = visit else {
        return Err(Failure::new(VMT_NULL_ARGUMENT, "`visit` is NULL"));
    };
    for extent in extents {
        let Extent { offset, length, kind } = extent?;
        let extent = vmt_extent { offset, length, kind: kind_number(kind) };
        // SAFETY: C promises a function of this type; the extent outlives the call.
        if unsafe { visit(user_data, &raw const extent) } != 0 {
            return Err(Failure::new(VMT_CANCELLED, "cancelled by the callback"));
        }
    }
    Ok(())
}

/// A stream that a callback of C reads.
#[derive(Debug)]
pub(crate) struct Reader {
    read: unsafe extern "C" fn(*mut c_void, *mut u8, usize) -> isize,
    user_data: *mut c_void,
}

/// The stream of `read`.
pub(crate) fn reader(read: vmt_read_fn, user_data: *mut c_void) -> Outcome<Reader> {
    match read {
        Some(read) => Ok(Reader { read, user_data }),
        None => Err(Failure::new(VMT_NULL_ARGUMENT, "`read` is NULL")),
    }
}

impl io::Read for Reader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        // SAFETY: C promises a function that writes at most `buf.len()` bytes.
        let read = unsafe { (self.read)(self.user_data, buf.as_mut_ptr(), buf.len()) };
        match usize::try_from(read) {
            Ok(read) if read <= buf.len() => Ok(read),
            Ok(read) => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("the callback returned {read} bytes for a buffer of {}", buf.len()),
            )),
            Err(_) => Err(match read.checked_neg().and_then(|code| i32::try_from(code).ok()) {
                Some(code) => io::Error::from_raw_os_error(code),
                None => io::Error::other(format!("the callback returned {read}")),
            }),
        }
    }
}

/// A sink that a callback of C writes.
#[derive(Debug)]
pub(crate) struct Writer {
    write: unsafe extern "C" fn(*mut c_void, *const u8, usize) -> i32,
    user_data: *mut c_void,
}

/// The sink of `write`.
pub(crate) fn writer(write: vmt_write_fn, user_data: *mut c_void) -> Outcome<Writer> {
    match write {
        Some(write) => Ok(Writer { write, user_data }),
        None => Err(Failure::new(VMT_NULL_ARGUMENT, "`write` is NULL")),
    }
}

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // SAFETY: C promises a function that reads at most `bytes.len()` bytes.
        match unsafe { (self.write)(self.user_data, bytes.as_ptr(), bytes.len()) } {
            0 => Ok(bytes.len()),
            code if code > 0 => Err(io::Error::from_raw_os_error(code)),
            code => Err(io::Error::other(format!("the callback returned {code}"))),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
