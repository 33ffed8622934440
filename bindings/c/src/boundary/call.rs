//! The only entry to the library: errors become numbers and handles, panics become errors.

use std::ffi::c_char;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use super::handle::{Handle, give};
use super::plain::{hand_out, put};
use super::structs::Structs;
use super::text::{Text, put_length};
use crate::error::{VMT_OK, VMT_PANIC, code_of, vmt_code, vmt_error};

/// What went wrong in a call, before it becomes a `vmt_error`.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) code: vmt_code,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
    pub(crate) problems: Vec<Failure>,
    /// The library's own error, which has more than a message.
    pub(crate) library: Option<vmtemplate::Error>,
}

impl Failure {
    pub(crate) fn new(code: vmt_code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), help: None, problems: Vec::new(), library: None }
    }

    pub(crate) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl From<vmtemplate::Error> for Failure {
    fn from(error: vmtemplate::Error) -> Self {
        Self {
            code: code_of(error.kind()),
            message: error.message().to_owned(),
            help: error.help().map(str::to_owned),
            problems: error.problems().iter().cloned().map(Self::from).collect(),
            library: Some(error),
        }
    }
}

pub(crate) type Outcome<T> = Result<T, Failure>;

/// Run `body`; a panic in it becomes a failure. Every exported function calls this.
fn catch<R>(body: impl FnOnce() -> Outcome<R>) -> Outcome<R> {
    // Only this C program can see a value that a panic left half changed, and the error reports the panic.
    catch_unwind(AssertUnwindSafe(|| {
        #[cfg(feature = "test-panics")]
        if std::env::var_os("VMT_TEST_PANICS").is_some() {
            #[allow(clippy::panic)] // tests that a panic does not reach C
            std::panic::panic_any("a panic that a test asked for".to_owned());
        }
        body()
    }))
    .unwrap_or_else(|panic| {
        let message = panic.downcast_ref::<String>().map(String::as_str);
        let message = message.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
        let failure = Failure::new(VMT_PANIC, format!("a bug in the library: {message}"))
            .with_help("report it with the steps that led to it, and free the handles of this call");
        // A payload may panic when it is dropped; the message cannot.
        if !panic.is::<String>() && !panic.is::<&str>() {
            std::mem::forget(panic);
        }
        Err(failure)
    })
}

/// Run the body of a function that has an `err` argument; `failed` is its return value if it fails.
pub(crate) fn call<R>(err: *mut *mut vmt_error, failed: R, body: impl FnOnce() -> Outcome<R>) -> R {
    match catch(body) {
        Ok(value) => {
            put(err, ptr::null_mut());
            value
        }
        Err(failure) => {
            hand_out(err, || Structs::one(&failure));
            failed
        }
    }
}

/// Run the body of a function that makes a handle, or returns NULL if it fails.
pub(crate) fn build<H: Handle>(err: *mut *mut vmt_error, body: impl FnOnce() -> Outcome<H::Value>) -> *mut H {
    call(err, ptr::null_mut(), || body().map(give))
}

/// Run the body of a function that returns a code.
pub(crate) fn status(err: *mut *mut vmt_error, body: impl FnOnce() -> Outcome<()>) -> vmt_code {
    match catch(body) {
        Ok(()) => {
            put(err, ptr::null_mut());
            VMT_OK
        }
        Err(failure) => {
            let code = failure.code;
            hand_out(err, || Structs::one(&failure));
            code
        }
    }
}

/// Run the body of a getter, which has no `err` argument and returns `failed` if it fails.
pub(crate) fn look<R>(failed: R, body: impl FnOnce() -> Outcome<R>) -> R {
    catch(body).unwrap_or(failed)
}

/// Run the body of a getter of a text, which may not exist.
pub(crate) fn text<'a>(
    length: *mut usize,
    body: impl FnOnce() -> Outcome<Option<&'a Text>>,
) -> *const c_char {
    let text = look(None, body);
    put_length(length, text.map_or(0, Text::len));
    text.map_or(ptr::null(), Text::pointer)
}
