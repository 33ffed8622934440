//! Talking to servers: one runtime for all of it, retries, time limits, and errors that say what to do.

use std::error::Error as StdError;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use object_store::aws::AmazonS3Builder;
use object_store::http::HttpBuilder;
use object_store::{
    BackoffConfig, ClientOptions, Error as StoreError, HeaderMap, HeaderValue, ObjectStore, RetryConfig,
};
use tokio::runtime::Runtime;
use url::Url;

use super::lengthless;
use crate::error::{Error, ErrorKind, Result};
use crate::progress::Control;
use crate::shown::Shown;
use crate::threads;

/// How long to wait for a connection, and for the next bytes of an answer.
const CONNECT: Duration = Duration::from_secs(10);
const ANSWER: Duration = Duration::from_mins(1);

/// A server that is busy, or a connection that was cut: asked again after a tenth of a second, and then ever later.
const RETRIES: usize = 5;

/// How often a caller is asked whether to go on.
const GLANCE: Duration = Duration::from_millis(50);

/// The store of a URL, and what its names begin with.
pub(super) fn connect(url: &str) -> Result<(Arc<dyn ObjectStore>, String)> {
    let refused = |message: String| {
        Error::new(ErrorKind::InvalidValue, message)
            .with_path(without_secrets(url))
            .with_help("give a URL such as https://host/repo/ or s3://bucket/repo")
    };
    let mut parsed = Url::parse(url).map_err(|error| refused(format!("the URL is malformed: {error}")))?;
    if parsed.host_str().is_none_or(str::is_empty) {
        return Err(refused("the URL does not name a server".into()));
    }
    // rustls wants to be told whose cryptography to use; a program that has chosen keeps its choice.
    rustls::crypto::ring::default_provider().install_default().ok();
    let retry = RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(5),
            base: 2.0,
        },
        max_retries: RETRIES,
        retry_timeout: Duration::from_mins(2),
    };
    let options = ClientOptions::new()
        .with_connect_timeout(CONNECT)
        .with_read_timeout(ANSWER)
        .with_timeout_disabled()
        .with_user_agent(HeaderValue::from_static(concat!("vmtemplate/", env!("CARGO_PKG_VERSION"))));
    if parsed.scheme() == "s3" {
        let bucket = parsed.host_str().unwrap_or_default().to_owned();
        // AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT and so on.
        let mut builder = AmazonS3Builder::from_env().with_bucket_name(bucket).with_retry(retry);
        if std::env::var("AWS_ALLOW_HTTP").is_ok_and(|value| value.eq_ignore_ascii_case("true")) {
            builder = builder.with_client_options(options.with_allow_http(true));
        } else {
            builder = builder.with_client_options(options);
        }
        let store = builder.build().map_err(|error| failed(&error, url))?;
        return Ok((Arc::new(store), parsed.path().trim_matches('/').to_owned()));
    }
    let mut headers = HeaderMap::new();
    if !parsed.username().is_empty() {
        if let Some(value) = basic(&parsed) {
            headers.insert("authorization", value);
        }
        parsed.set_username("").and_then(|()| parsed.set_password(None)).ok();
    }
    let path = parsed.path().trim_end_matches('/').to_owned();
    parsed.set_path(&path);
    parsed.set_fragment(None);
    let store = HttpBuilder::new()
        .with_url(parsed.as_str())
        .with_http_connector(lengthless::Connector)
        .with_retry(retry)
        .with_client_options(options.with_allow_http(true).with_default_headers(headers))
        .build()
        .map_err(|error| failed(&error, url))?;
    Ok((Arc::new(store), String::new()))
}

/// RFC 7617, 2.
fn basic(url: &Url) -> Option<HeaderValue> {
    let decoded = |text| percent_encoding::percent_decode_str(text).collect::<Vec<u8>>();
    let pair = [decoded(url.username()), decoded(url.password().unwrap_or_default())].join(&b':');
    let mut value = HeaderValue::from_str(&format!("Basic {}", BASE64.encode(pair))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The URL as messages show it: a password is nobody's business, nor is what signs a URL.
pub(super) fn without_secrets(url: &str) -> String {
    match Url::parse(url) {
        Ok(mut parsed) => {
            parsed.set_password(None).and_then(|()| parsed.set_username("")).ok();
            parsed.set_query(None);
            parsed.to_string()
        }
        Err(_) => "the URL".to_owned(),
    }
}

fn runtime() -> Result<&'static Runtime> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    static BEGINNING: Mutex<()> = Mutex::new(());
    if let Some(made) = RUNTIME.get() {
        return Ok(made);
    }
    let _turn = BEGINNING.lock().unwrap_or_else(PoisonError::into_inner);
    if RUNTIME.get().is_none() {
        // A failure is not kept: the next call may find room for threads.
        RUNTIME.set(new_runtime()?).ok();
    }
    RUNTIME.get().ok_or_else(|| no_threads("the runtime has stopped"))
}

/// Threads that talk to servers, and one more that asks for the addresses of host names.
const WORKERS: usize = 2;

fn new_runtime() -> Result<Runtime> {
    // tokio panics where it cannot start a thread, so that whether it can is found out beforehand.
    let startable = startable_threads(WORKERS + 1);
    if startable < 2 {
        return Err(no_threads("the system cannot start more threads"));
    }
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(startable - 1).thread_name("vmtemplate-net").enable_all();
    // Somebody else may have started threads since.
    match catch_unwind(AssertUnwindSafe(|| builder.build())) {
        Ok(made) => made.map_err(|error| no_threads(&error.to_string())),
        Err(_) => Err(no_threads("the system cannot start more threads")),
    }
}

fn no_threads(why: &str) -> Error {
    Error::new(ErrorKind::Io, format!("cannot start the threads that talk to servers: {why}"))
        .with_help("raise the limit of processes (`ulimit -u`, or the pids limit of the container)")
}

/// How many of `most` threads the system starts beside those that run.
fn startable_threads(most: usize) -> usize {
    let gate = Mutex::new(());
    let held = gate.lock();
    thread::scope(|scope| {
        let wait = || drop(gate.lock());
        let count = (0..most).take_while(|_| threads::spawn(scope, Box::new(wait))).count();
        drop(held);
        count
    })
}

/// An answer that is on its way.
#[derive(Debug)]
pub(super) struct Pending<T> {
    answer: Receiver<T>,
    task: tokio::task::JoinHandle<()>,
}

/// Begin to ask. The caller may itself be a thread of some runtime: nothing blocks there but a channel.
pub(super) fn begin<T: Send + 'static>(
    asking: impl Future<Output = T> + Send + 'static,
) -> Result<Pending<T>> {
    let (reply, answer) = sync_channel(1);
    let task = runtime()?.spawn(async move {
        // Nobody listens if the work was given up.
        reply.send(asking.await).ok();
    });
    Ok(Pending { answer, task })
}

impl<T> Pending<T> {
    /// Wait for it, or until the caller wants no more.
    pub(super) fn wait(self, control: Option<&Control>) -> Result<T> {
        loop {
            match self.answer.recv_timeout(GLANCE) {
                Ok(answer) => return Ok(answer),
                Err(RecvTimeoutError::Timeout) => {
                    if let Some(control) = control {
                        control.stop_if_cancelled()?;
                    }
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Error::new(ErrorKind::Network, "the connection thread stopped unexpectedly"));
                }
            }
        }
    }
}

impl<T> Drop for Pending<T> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Ask, and wait for the answer.
pub(super) fn ask<T: Send + 'static>(
    url: &str,
    control: Option<&Control>,
    asking: impl Future<Output = Result<T, StoreError>> + Send + 'static,
) -> Result<T> {
    begin(asking)?.wait(control)?.map_err(|error| failed(&error, url))
}

/// The error as this crate states it.
pub(super) fn failed(error: &StoreError, url: &str) -> Error {
    let (kind, message, help) = match error {
        StoreError::NotFound { .. } => {
            (ErrorKind::NotFound, "the server has no such file", "correct the URL")
        }
        StoreError::PermissionDenied { .. } => (
            ErrorKind::PermissionDenied,
            "the server denies access",
            "use credentials with access: in the URL for HTTP, in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for S3",
        ),
        StoreError::Unauthenticated { .. } => (
            ErrorKind::PermissionDenied,
            "the server requires authentication",
            "give the credentials: in the URL for HTTP, in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for S3",
        ),
        StoreError::AlreadyExists { .. } => {
            (ErrorKind::AlreadyExists, "the file already exists", "choose another name, or remove it")
        }
        StoreError::Precondition { .. } | StoreError::NotModified { .. } => {
            (ErrorKind::SourceChanged, "the file on the server changed while it was read", "try again")
        }
        StoreError::NotSupported { .. } => (
            ErrorKind::Unsupported,
            "the server sends only complete files, not parts of them",
            "download the file first: `vmtemplate repo fetch URL NAME FOLDER`",
        ),
        StoreError::NotImplemented { .. } => (
            ErrorKind::Unsupported,
            "this server cannot be written to safely: it offers no way to detect other publishers",
            "publish into the folder that it serves, or to object storage (s3://)",
        ),
        StoreError::InvalidPath { .. } => {
            (ErrorKind::InvalidValue, "the URL is malformed", "give a URL without empty parts, `.` and `..`")
        }
        _ => (
            ErrorKind::Network,
            "the server cannot be reached, or did not answer as it should",
            "check the URL and that the server is running, then try again",
        ),
    };
    Error::new(kind, message).caused_by(Cause::of(error)).with_path(without_secrets(url)).with_help(help)
}

/// What went wrong at the bottom. The layers above it repeat it, and a server's page of HTML is of no use to anybody.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Cause(String);

impl Cause {
    /// The most characters of it that are shown.
    const MOST: usize = 200;

    fn of(error: &StoreError) -> Self {
        let mut bottom: &dyn StdError = error;
        while let Some(source) = bottom.source() {
            bottom = source;
        }
        let text = bottom.to_string();
        let line = text.lines().next().unwrap_or_default();
        let line = line.split_once(": <").map_or(line, |(line, _)| line);
        // It comes from a server, and may want to steer the terminal.
        Self(Shown(line.chars().take(Self::MOST).collect::<String>()).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_sent_and_not_shown() {
        let url = Url::parse("https://me:p%40ss@host/repo").unwrap();
        assert_eq!(basic(&url).unwrap(), "Basic bWU6cEBzcw=="); // printf me:p@ss | base64
        let shown = without_secrets("https://me:p%40ss@host/repo/x?X-Amz-Signature=1");
        assert_eq!(shown, "https://host/repo/x");
    }

    #[test]
    fn urls_without_a_server_are_refused() {
        for url in ["https://", "s3:///x", "https://[::1"] {
            assert_eq!(connect(url).unwrap_err().kind(), ErrorKind::InvalidValue, "{url}");
        }
    }

    #[test]
    fn a_cancelled_caller_waits_no_longer() {
        let control = Control::default();
        control.cancel.cancel();
        let error = ask::<()>("https://host", Some(&control), std::future::pending()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
    }

    #[test]
    fn what_a_server_says_is_cut_and_escaped() {
        let said = |text: &str| {
            let error = StoreError::Generic { store: "HTTP", source: text.to_owned().into() };
            Cause::of(&error).to_string()
        };
        assert_eq!(said("status code: 503 Busy: <html>\n<body>\u{1b}[31m"), "status code: 503 Busy");
        assert_eq!(said("a\u{1b}[31mb\nc"), "a\\u{1b}[31mb");
        assert_eq!(said(&"x".repeat(1000)).len(), 200);
    }

    #[test]
    fn threads_of_a_runtime_may_ask() {
        let other = tokio::runtime::Builder::new_multi_thread().build().unwrap();
        let answer = other.block_on(async { begin(async { 7 }).unwrap().wait(None).unwrap() });
        assert_eq!(answer, 7);
    }
}
