//! Errors, and the codes of their kinds.

use std::error::Error as _;
use std::ffi::c_char;
use std::os::unix::ffi::OsStrExt;
use std::ptr;

use vmtemplate::ErrorKind;

use crate::boundary::{AsStruct, Failure, Memory, Slot, Structs, fixed, free, get, handle, look, text};

/// What went wrong, for a program to compare. Numbers never change; later versions may add new ones.
pub type vmt_code = i32;

/// Success.
pub const VMT_OK: vmt_code = 0;
/// A file or folder does not exist.
pub const VMT_NOT_FOUND: vmt_code = 1;
/// The operating system does not allow this user to read or write it.
pub const VMT_PERMISSION_DENIED: vmt_code = 2;
/// The output already exists, and overwriting was not requested.
pub const VMT_ALREADY_EXISTS: vmt_code = 3;
/// The disk that is written to is full, or a quota is exceeded.
pub const VMT_STORAGE_FULL: vmt_code = 4;
/// Any other error while reading or writing.
pub const VMT_IO: vmt_code = 5;
/// The caller cancelled the work.
pub const VMT_CANCELLED: vmt_code = 6;
/// A value from the caller is not allowed, or a text is not UTF-8.
pub const VMT_INVALID_VALUE: vmt_code = 7;
/// metainfo.xml is not well-formed, or an element of it has a value that is not allowed.
pub const VMT_INVALID_METAINFO: vmt_code = 8;
/// A macro is not written as `($NAME)`.
pub const VMT_INVALID_MACRO: vmt_code = 9;
/// A script cannot be read as text.
pub const VMT_INVALID_SCRIPT: vmt_code = 10;
/// A disk image, or a structure inside it, contradicts its format.
pub const VMT_INVALID_IMAGE: vmt_code = 11;
/// The input is intact, but uses a feature that is not supported.
pub const VMT_UNSUPPORTED: vmt_code = 12;
/// The image changed or shrank while it was read.
pub const VMT_SOURCE_CHANGED: vmt_code = 13;
/// A template is incomplete or contradicts itself; its problems list every reason.
pub const VMT_INVALID_TEMPLATE: vmt_code = 14;
/// An archive is truncated, damaged, or not an archive.
pub const VMT_INVALID_ARCHIVE: vmt_code = 15;
/// An archive contains an entry that is refused because unpacking it could do harm.
pub const VMT_UNSAFE_ARCHIVE: vmt_code = 16;
/// A bound on hostile input was exceeded: too many, too large, or too deep.
pub const VMT_LIMIT_EXCEEDED: vmt_code = 17;
/// The description of a repository is malformed, or does not allow the requested change.
pub const VMT_INVALID_REPOSITORY: vmt_code = 18;
/// Another process is writing, and did not finish before the timeout.
pub const VMT_LOCKED: vmt_code = 19;
/// A signature is missing, was made with another key, or does not match the content.
pub const VMT_INVALID_SIGNATURE: vmt_code = 20;
/// A server cannot be reached, or its response is wrong.
pub const VMT_NETWORK: vmt_code = 21;
/// A pointer is NULL that must not be NULL.
pub const VMT_NULL_ARGUMENT: vmt_code = 1000;
/// A handle was already freed, is being changed by another thread, or is part of another handle.
pub const VMT_INVALID_HANDLE: vmt_code = 1001;
/// A bug in the library; it is also printed to standard error. The call was abandoned; other handles remain usable.
pub const VMT_PANIC: vmt_code = 1002;

/// The number of a kind.
pub(crate) const fn code_of(kind: ErrorKind) -> vmt_code {
    kind.number().cast_signed()
}

/// An error. The caller that received it frees it with `vmt_error_free()`. Any number of threads may read an error.
pub struct vmt_error(Slot<ErrorValue>);
handle!(vmt_error, ErrorValue);

pub(crate) type ErrorValue = Structs<vmt_error_info>;

/// What went wrong, where, and how to fix it.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vmt_error_info {
    /// The code of the error.
    pub code: vmt_code,
    /// The stable name of the code, such as `not-found`.
    pub kind: *const c_char,
    /// What was found and what was expected, without the place.
    pub message: *const c_char,
    /// The whole error in one line, for logs: place, message, problems, causes, help.
    pub text: *const c_char,
    /// How to fix it; NULL if no fix is known.
    pub help: *const c_char,
    /// The file or folder in which it occurred, as bytes; NULL if none is known.
    pub path: *const c_char,
    /// The entry of an archive, or the file inside an image, in which it occurred; NULL if none is known.
    pub entry: *const c_char,
    /// The element, key or option that has the bad value; NULL if none is known.
    pub field: *const c_char,
    /// The line in a text, from 1; 0 if it did not occur in a text.
    pub line: usize,
    /// The column in characters, from 1; 0 if it did not occur in a text.
    pub column: usize,
    /// Its causes, such as an error of the operating system, the nearest one first; NULL if there are none.
    pub causes: *const *const c_char,
    /// The number of `causes`.
    pub cause_count: usize,
    /// The problems that the error combines, which are part of it and must not be freed; NULL for a single error.
    pub problems: *const *const vmt_error,
    /// The number of `problems`.
    pub problem_count: usize,
}

impl AsStruct for Failure {
    type Struct = vmt_error_info;

    fn as_struct(&self, memory: &mut Memory) -> vmt_error_info {
        let library = self.library.as_ref();
        let position = library.and_then(vmtemplate::Error::position);
        let text = library.map_or_else(|| full_text(self), |error| format!("{error:#}"));
        let nearest = library.and_then(|error| error.source());
        let causes = std::iter::successors(nearest, |&cause| cause.source()).map(ToString::to_string);
        let (causes, cause_count) = memory.texts(causes);
        let lent = |problem| vmt_error(Slot::lent(Structs::one(problem)));
        let (problems, problem_count) = memory.handles(self.problems.iter().map(lent).collect());
        vmt_error_info {
            code: self.code,
            kind: fixed(name_of(self.code).unwrap_or("other")).pointer(),
            message: memory.text(&self.message),
            text: memory.text(text),
            help: memory.text_or_null(self.help.as_ref()),
            path: memory.text_or_null(library.and_then(|e| e.path()).map(|path| path.as_os_str().as_bytes())),
            entry: memory.text_or_null(library.and_then(|e| e.entry())),
            field: memory.text_or_null(library.and_then(|e| e.field())),
            line: position.map_or(0, |at| at.line),
            column: position.map_or(0, |at| at.column),
            causes,
            cause_count,
            problems,
            problem_count,
        }
    }
}

/// The text that `{:#}` prints for the library's errors, for the errors of this crate.
fn full_text(failure: &Failure) -> String {
    let problems = failure.problems.iter().map(|problem| match &problem.library {
        Some(error) => format!("{error:#}"),
        None => full_text(problem),
    });
    let text = std::iter::once(failure.message.clone()).chain(problems).collect::<Vec<_>>().join("; ");
    failure.help.as_ref().map_or(text.clone(), |help| format!("{text} ({help})"))
}

// The header has the same numbers as the library.
const NUMBERS: [(vmt_code, ErrorKind); 21] = [
    (VMT_NOT_FOUND, ErrorKind::NotFound),
    (VMT_PERMISSION_DENIED, ErrorKind::PermissionDenied),
    (VMT_ALREADY_EXISTS, ErrorKind::AlreadyExists),
    (VMT_STORAGE_FULL, ErrorKind::StorageFull),
    (VMT_IO, ErrorKind::Io),
    (VMT_CANCELLED, ErrorKind::Cancelled),
    (VMT_INVALID_VALUE, ErrorKind::InvalidValue),
    (VMT_INVALID_METAINFO, ErrorKind::InvalidMetainfo),
    (VMT_INVALID_MACRO, ErrorKind::InvalidMacro),
    (VMT_INVALID_SCRIPT, ErrorKind::InvalidScript),
    (VMT_INVALID_IMAGE, ErrorKind::InvalidImage),
    (VMT_UNSUPPORTED, ErrorKind::Unsupported),
    (VMT_SOURCE_CHANGED, ErrorKind::SourceChanged),
    (VMT_INVALID_TEMPLATE, ErrorKind::InvalidTemplate),
    (VMT_INVALID_ARCHIVE, ErrorKind::InvalidArchive),
    (VMT_UNSAFE_ARCHIVE, ErrorKind::UnsafeArchive),
    (VMT_LIMIT_EXCEEDED, ErrorKind::LimitExceeded),
    (VMT_INVALID_REPOSITORY, ErrorKind::InvalidRepository),
    (VMT_LOCKED, ErrorKind::Locked),
    (VMT_INVALID_SIGNATURE, ErrorKind::InvalidSignature),
    (VMT_NETWORK, ErrorKind::Network),
];
const _: () = {
    assert!(NUMBERS.len() == ErrorKind::all().len());
    let mut at = 0;
    while at < NUMBERS.len() {
        assert!(NUMBERS[at].0 == code_of(NUMBERS[at].1));
        at += 1;
    }
};

/// The name of a code, if it is the code of a kind.
fn name_of(code: vmt_code) -> Option<&'static str> {
    match code {
        VMT_OK => Some("ok"),
        VMT_NULL_ARGUMENT => Some("null-argument"),
        VMT_INVALID_HANDLE => Some("invalid-handle"),
        VMT_PANIC => Some("panic"),
        _ => ErrorKind::all().iter().find(|&&kind| code_of(kind) == code).map(|kind| kind.name()),
    }
}

/// Free an error. NULL is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_error_free(error: *mut vmt_error) {
    look((), || free(error));
}

/// The code of the error; `VMT_OK` for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_error_code(error: *const vmt_error) -> vmt_code {
    look(VMT_OK, || Ok(get(error)?.field(VMT_OK, |info| info.code)))
}

/// The whole error in one line, for logs: place, message, problems, causes, help. NULL for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_error_text(error: *const vmt_error) -> *const c_char {
    look(ptr::null(), || Ok(get(error)?.field(ptr::null(), |info| info.text)))
}

/// All parts of the error, which live as long as it does; NULL for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_error_get(error: *const vmt_error) -> *const vmt_error_info {
    look(ptr::null(), || Ok(get(error)?.pointer()))
}

/// The stable name of a code, such as `not-found`; NULL if no such code exists. The text is static.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_code_name(code: vmt_code) -> *const c_char {
    text(ptr::null_mut(), || Ok(name_of(code).map(fixed)))
}
