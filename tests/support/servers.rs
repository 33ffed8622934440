//! Servers for tests: on 127.0.0.1, on a free port, and stopped with the test.

use std::fs;
use std::io::{BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::tool;

/// A port that is currently free.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap_or_else(|e| panic!("no free port: {e}"));
    listener.local_addr().unwrap_or_else(|e| panic!("no free port: {e}")).port()
}

/// Wait until a server listens on the port.
fn wait_for(port: u16, child: &mut Child) {
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if let Ok(Some(status)) = child.try_wait() {
            panic!("the server ended: {status}");
        }
        assert!(begun.elapsed() < Duration::from_mins(1), "the server does not listen");
        thread::sleep(Duration::from_millis(20));
    }
}

/// A process that ends with the test.
#[derive(Debug)]
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// nginx, which serves a folder.
#[derive(Debug)]
pub struct Nginx {
    _process: Process,
    port: u16,
    work: TempDir,
}

impl Nginx {
    /// Serve `folder`. `None`, with a message, if nginx is not installed. See [`tool`].
    ///
    /// # Panics
    ///
    /// If it does not start.
    #[must_use]
    pub fn serve(folder: &Path) -> Option<Self> {
        let nginx = tool("nginx")?;
        let work = tempfile::tempdir().unwrap_or_else(|e| panic!("no folder: {e}"));
        let port = free_port();
        let own = work.path().display();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|what| format!("{what}_temp_path {own}/{what};\n"))
            .concat();
        let configuration = format!(
            "daemon off;\nmaster_process off;\npid {own}/pid;\nerror_log {own}/error.log;\nevents {{}}\nhttp {{\n\
             {temporary}log_format sent '$request_method $uri $http_range $status $bytes_sent';\n\
             access_log {own}/access.log sent;\n\
             server {{ listen 127.0.0.1:{port}; root \"{}\"; }}\n}}\n",
            folder.display()
        );
        let path = work.path().join("nginx.conf");
        fs::write(&path, configuration).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let mut command = Command::new(nginx);
        command
            .arg("-p")
            .arg(work.path())
            .arg("-c")
            .arg(&path)
            .stdout(Stdio::null())
            .stderr(Stdio::inherit());
        let mut child = command.spawn().unwrap_or_else(|e| panic!("cannot start nginx: {e}"));
        wait_for(port, &mut child);
        Some(Self { _process: Process(child), port, work })
    }

    /// The URL of a served file or folder.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }

    /// The requests so far, one per line: method, path, range, status, and number of bytes sent.
    ///
    /// # Panics
    ///
    /// If the log does not exist.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        // nginx writes a line when a request ends, a moment after its client notices.
        thread::sleep(Duration::from_millis(100));
        let path = self.work.path().join("access.log");
        let log = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        log.lines().map(str::to_owned).collect()
    }

    /// The number of bytes sent so far, including headers.
    ///
    /// # Panics
    ///
    /// If the log is malformed.
    #[must_use]
    pub fn bytes_sent(&self) -> u64 {
        let count = |line: &String| line.rsplit(' ').next().and_then(|count| count.parse::<u64>().ok());
        self.requests().iter().map(|line| count(line).unwrap_or_else(|| panic!("{line}"))).sum()
    }
}

/// An S3 server (moto, of the Python package of that name) with an empty bucket `bucket`.
#[derive(Debug)]
pub struct S3 {
    _process: Process,
    port: u16,
    log: PathBuf,
    _work: TempDir,
}

impl S3 {
    /// `None`, with a message, if `moto_server` is not installed. See [`tool`].
    ///
    /// # Panics
    ///
    /// If it does not start.
    #[must_use]
    pub fn start() -> Option<Self> {
        let moto = tool("moto_server")?;
        let work = tempfile::tempdir().unwrap_or_else(|e| panic!("no folder: {e}"));
        let port = free_port();
        let log = work.path().join("log");
        let file = fs::File::create(&log).unwrap_or_else(|e| panic!("no log: {e}"));
        let mut command = Command::new(moto);
        command.args(["-H", "127.0.0.1", "-p", &port.to_string()]).stdout(Stdio::null()).stderr(file);
        let mut child = command.spawn().unwrap_or_else(|e| panic!("cannot start moto_server: {e}"));
        wait_for(port, &mut child);
        let server = Self { _process: Process(child), port, log, _work: work };
        let (status, _) = server.ask("PUT", "/bucket");
        assert_eq!(status, 200, "the bucket was not made");
        Some(server)
    }

    /// The environment variables by which a client finds it.
    #[must_use]
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ACCESS_KEY_ID", "key".into()),
            ("AWS_SECRET_ACCESS_KEY", "secret".into()),
            ("AWS_REGION", "us-east-1".into()),
            ("AWS_ENDPOINT", format!("http://127.0.0.1:{}", self.port)),
            ("AWS_ALLOW_HTTP", "true".into()),
        ]
    }

    /// A request without a body: the status and the whole answer.
    ///
    /// # Panics
    ///
    /// If the server does not answer.
    #[must_use]
    pub fn ask(&self, method: &str, path: &str) -> (u16, Vec<u8>) {
        self.ask_with(method, path, b"")
    }

    /// The same with a body.
    ///
    /// # Panics
    ///
    /// If the server does not answer.
    #[must_use]
    pub fn ask_with(&self, method: &str, path: &str, body: &[u8]) -> (u16, Vec<u8>) {
        // moto requires a signature, but does not verify it.
        let signature = "AWS4-HMAC-SHA256 Credential=key/20261124/us-east-1/s3/aws4_request, \
                         SignedHeaders=host, Signature=0";
        let ask = || -> std::io::Result<Vec<u8>> {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
            write!(
                stream,
                "{method} {path} HTTP/1.0\r\nHost: 127.0.0.1\r\nAuthorization: {signature}\r\n\
                 Content-Length: {}\r\n\r\n",
                body.len()
            )?;
            stream.write_all(body)?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer)?;
            Ok(answer)
        };
        let answer = ask().unwrap_or_else(|e| panic!("{method} {path}: {e}"));
        let status = std::str::from_utf8(answer.get(9..12).unwrap_or_default()).unwrap_or_default();
        (status.parse().unwrap_or_else(|_| panic!("{method} {path}: {status}")), answer)
    }

    /// The requests so far, as moto writes them.
    ///
    /// # Panics
    ///
    /// If the log does not exist.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_else(|e| panic!("no log: {e}"))
    }
}

/// A request of a client of [`Faulty`].
#[derive(Debug, Clone)]
pub struct Request {
    /// `GET`, `HEAD`.
    pub method: String,
    /// Without the first slash.
    pub path: String,
    /// First byte and end of the requested range; a first byte alone counts from the end.
    pub range: Option<(u64, Option<u64>)>,
    /// The condition `If-Match`.
    pub if_match: Option<String>,
    /// The number of the request, from 0.
    pub number: usize,
}

/// An answer of [`Faulty`].
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// The status, as `200 OK`.
    pub status: String,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// Close the connection after this many bytes of the body.
    pub cut: Option<usize>,
}

impl Answer {
    /// An answer without a body.
    #[must_use]
    pub fn status(status: &str) -> Self {
        let headers = vec![("Content-Length".to_owned(), "0".to_owned())];
        Self { status: status.to_owned(), headers, ..Self::default() }
    }

    /// The answer of a correct server that has `bytes` under this tag.
    #[must_use]
    pub fn file(request: &Request, bytes: &[u8], etag: &str) -> Self {
        let etag = format!("\"{etag}\"");
        if request.if_match.as_ref().is_some_and(|wanted| *wanted != etag) {
            return Self::status("412 Precondition Failed");
        }
        let size = bytes.len() as u64;
        let range = request.range.map(|(first, end)| match end {
            Some(end) => (first, end.min(size)),
            None => (size.saturating_sub(first), size),
        });
        let mut headers = vec![
            ("ETag".to_owned(), etag),
            ("Last-Modified".to_owned(), "Tue, 24 Nov 2026 10:00:00 GMT".to_owned()),
        ];
        let (status, body) = match range {
            Some((first, end)) if first >= end => return Self::status("416 Range Not Satisfiable"),
            Some((first, end)) => {
                headers.push(("Content-Range".to_owned(), format!("bytes {first}-{}/{size}", end - 1)));
                ("206 Partial Content", &bytes[first as usize..end as usize])
            }
            None => ("200 OK", bytes),
        };
        headers.push(("Content-Length".to_owned(), body.len().to_string()));
        let body = if request.method == "HEAD" { Vec::new() } else { body.to_vec() };
        Self { status: status.to_owned(), headers, body, cut: None }
    }

    /// The same in chunks, without a length (RFC 9112, 7.1).
    #[must_use]
    pub fn chunked(mut self, request: &Request) -> Self {
        self.headers.retain(|(name, _)| name != "Content-Length");
        self.headers.push(("Transfer-Encoding".to_owned(), "chunked".to_owned()));
        if request.method != "HEAD" {
            let chunks = self.body.chunks(10_000).chain([&[][..]]);
            self.body = chunks
                .flat_map(|chunk| [format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat())
                .collect();
        }
        self
    }

    /// The same without a length, ended by closing the connection (RFC 9112, 6.3).
    #[must_use]
    pub fn until_closed(mut self) -> Self {
        self.headers.retain(|(name, _)| name != "Content-Length");
        self.headers.push(("Connection".to_owned(), "close".to_owned()));
        self.cut = Some(self.body.len());
        self
    }

    /// The same with another value of a header.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(held, _)| held != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// A server whose answers the test chooses.
#[derive(Debug)]
pub struct Faulty {
    port: u16,
    is_over: Arc<AtomicBool>,
    requests: Arc<Mutex<Vec<Request>>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Faulty {
    /// Answer every request with the result of `answer`.
    ///
    /// # Panics
    ///
    /// If no port is free.
    pub fn serve(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap_or_else(|e| panic!("no free port: {e}"));
        let port = listener.local_addr().unwrap_or_else(|e| panic!("no port: {e}")).port();
        let is_over = Arc::new(AtomicBool::new(false));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (over, seen, answer, count) =
            (Arc::clone(&is_over), Arc::clone(&requests), Arc::new(answer), Arc::new(AtomicUsize::new(0)));
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let (seen, answer, count) = (Arc::clone(&seen), Arc::clone(&answer), Arc::clone(&count));
                // The thread ends with the connection, which ends with the client.
                thread::spawn(move || converse(stream, &*answer, &seen, &count));
            }
        });
        Self { port, is_over, requests, thread: Some(thread) }
    }

    /// The URL of a path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }

    /// The requests so far.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        TcpStream::connect(("127.0.0.1", self.port)).ok();
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

fn converse(
    stream: TcpStream,
    answer: &(dyn Fn(&Request) -> Answer + Send + Sync),
    seen: &Mutex<Vec<Request>>,
    count: &AtomicUsize,
) {
    let Ok(mut output) = stream.try_clone() else { return };
    let mut input = BufReader::new(stream);
    while let Some(mut request) = read_request(&mut input) {
        request.number = count.fetch_add(1, Ordering::SeqCst);
        seen.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
        let Answer { status, headers, body, cut } = answer(&request);
        let mut bytes = format!("HTTP/1.1 {status}\r\n").into_bytes();
        for (name, value) in headers {
            bytes.extend(format!("{name}: {value}\r\n").bytes());
        }
        bytes.extend(b"\r\n");
        bytes.extend(&body[..cut.unwrap_or(body.len()).min(body.len())]);
        if output.write_all(&bytes).is_err() || cut.is_some() {
            return;
        }
    }
}

fn read_request(input: &mut impl std::io::BufRead) -> Option<Request> {
    let mut line = || {
        let mut line = String::new();
        input.read_line(&mut line).ok().filter(|&read| read > 0).map(|_| line.trim_end().to_owned())
    };
    let first = line()?;
    let mut words = first.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.trim_start_matches('/').to_owned());
    let mut request = Request { method, path, range: None, if_match: None, number: 0 };
    loop {
        let line = line()?;
        if line.is_empty() {
            return Some(request);
        }
        let Some((name, value)) = line.split_once(':') else { continue };
        match name.to_ascii_lowercase().as_str() {
            "range" => request.range = range(value.trim()),
            "if-match" => request.if_match = Some(value.trim().to_owned()),
            _ => {}
        }
    }
}

/// `bytes=FIRST-LAST` and `bytes=-COUNT` (RFC 9110, 14.1.2).
fn range(value: &str) -> Option<(u64, Option<u64>)> {
    let (first, last) = value.strip_prefix("bytes=")?.split_once('-')?;
    if first.is_empty() {
        return Some((last.parse().ok()?, None));
    }
    let end = if last.is_empty() { u64::MAX } else { last.parse::<u64>().ok()? + 1 };
    Some((first.parse().ok()?, Some(end)))
}
