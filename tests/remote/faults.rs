//! Fetching from a server that fails: a fetch returns the correct file, or no file and the reason.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use vmtemplate::repository::{FetchOptions, Fetched};
use vmtemplate::{Error, ErrorKind, Repository, Result, Template};
use vmtemplate_test_support::noise;
use vmtemplate_test_support::servers::{Answer, Faulty, Request};

use super::{Published, names};

const ARCHIVE: &str = "Windows-10.tar.gz";

/// A server of `published` that answers with `fault` if that returns an answer.
fn serve(
    published: &Arc<Published>,
    fault: impl Fn(&Request, Answer) -> Answer + Send + Sync + 'static,
) -> Faulty {
    let published = Arc::clone(published);
    Faulty::serve(move |request| {
        let path = published.repo().join(&request.path);
        let Ok(bytes) = fs::read(path) else { return Answer::status("404 Not Found") };
        fault(request, Answer::file(request, &bytes, "one"))
    })
}

fn fetch(server: &Faulty, folder: &Path) -> Result<Fetched> {
    Repository::open(server.url(""))?.fetch("Windows-10", folder, &FetchOptions::default())
}

/// Deterministic pseudo-random numbers (xorshift).
fn random(seed: u64, number: usize) -> u64 {
    let bytes = noise(seed * 1000 + number as u64, 8);
    u64::from_le_bytes(bytes.try_into().unwrap())
}

#[test]
fn a_line_that_is_cut_anywhere_gives_the_right_file_in_the_end() {
    let published = Arc::new(Published::new(3 << 20));
    thread::scope(|scope| {
        for seed in 1..=24_u64 {
            let published = &published;
            scope.spawn(move || {
                // Two of three answers are truncated, including the description.
                let server = serve(published, move |request, answer| {
                    let random = random(seed, request.number);
                    let length = answer.body.len() as u64 + 1;
                    let cut = (!random.is_multiple_of(3)).then_some((random / 3 % length) as usize);
                    Answer { cut, ..answer }
                });
                let here = tempfile::tempdir().unwrap();
                for _ in 0..40 {
                    match fetch(&server, here.path()) {
                        Ok(fetched) => {
                            assert!(fs::read(fetched.path).unwrap() == published.archive, "seed {seed}");
                            assert_eq!(names(here.path()), [ARCHIVE], "seed {seed}");
                            return;
                        }
                        // Truncated too often: no file has the archive's name, and the next fetch resumes.
                        Err(error) => assert_eq!(error.kind(), ErrorKind::Network, "seed {seed}: {error:#}"),
                    }
                    assert!(!here.path().join(ARCHIVE).exists(), "seed {seed}");
                }
                panic!("seed {seed}: it never came");
            });
        }
    });
}

#[test]
fn a_server_that_went_away_is_told_and_what_came_is_kept() {
    let published = Arc::new(Published::new(20 << 20));
    let is_gone = Arc::new(AtomicBool::new(false));
    let gone = Arc::clone(&is_gone);
    let server = serve(&published, move |request, answer| {
        let is_late = request.range.is_some_and(|(first, end)| end.is_some() && first > 8 << 20);
        if is_late && !gone.load(Ordering::SeqCst) {
            return Answer { cut: Some(1000), ..answer };
        }
        answer
    });
    let here = tempfile::tempdir().unwrap();
    let error = fetch(&server, here.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network);
    assert!(error.help().is_some() && error.path().unwrap().ends_with(ARCHIVE), "{error:?}");
    assert!(!here.path().join(ARCHIVE).exists());
    is_gone.store(true, Ordering::SeqCst);
    let before = server.requests().len();
    let fetched = fetch(&server, here.path()).unwrap();
    assert!(fetched.resumed_at > 4 << 20, "{}", fetched.resumed_at);
    assert!(fs::read(fetched.path).unwrap() == published.archive);
    let again: Vec<_> =
        server.requests()[before..].iter().filter(|request| request.path == ARCHIVE).cloned().collect();
    let from = |request: &Request| request.range.filter(|range| range.1.is_some()).map(|range| range.0);
    assert!(again.iter().filter_map(from).all(|first| first >= fetched.resumed_at), "{again:?}");
}

#[test]
fn a_busy_server_is_asked_again() {
    let published = Arc::new(Published::new(1 << 20));
    let server = serve(&published, |request, answer| {
        if request.number.is_multiple_of(3) { answer } else { Answer::status("503 Service Unavailable") }
    });
    let here = tempfile::tempdir().unwrap();
    let fetched = fetch(&server, here.path()).unwrap();
    assert!(fs::read(fetched.path).unwrap() == published.archive);
}

#[test]
fn a_server_that_stays_busy_is_told() {
    let server = Faulty::serve(|_| Answer::status("503 Service Unavailable"));
    let error = Template::open(server.url("x.tar.gz")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network);
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("503"), "{cause}");
    assert!((2..20).contains(&server.requests().len()));
}

/// The error of a fetch from a server with this answer; fails if the fetch leaves a file.
fn refused(
    published: &Arc<Published>,
    fault: impl Fn(&Request, Answer) -> Answer + Send + Sync + 'static,
) -> Error {
    let server = serve(published, fault);
    let here = tempfile::tempdir().unwrap();
    let error = fetch(&server, here.path()).unwrap_err();
    assert!(!here.path().join(ARCHIVE).exists());
    assert!(error.help().is_some(), "{error:?}");
    error
}

fn is_archive(request: &Request) -> bool {
    request.path == ARCHIVE && request.method == "GET"
}

/// Whether a client sends requests after it has read the end of the file.
fn is_later(request: &Request) -> bool {
    is_archive(request) && request.range.is_some_and(|range| range.1.is_some())
}

#[test]
fn lengths_that_are_not_what_was_asked_for_are_refused() {
    let published = Arc::new(Published::new(1 << 20));
    let size = published.archive.len();
    // The server announces more than it sends; the connection stays open or is closed.
    let longer = move |request: &Request, answer: Answer| {
        if !is_later(request) {
            return answer;
        }
        let length = (answer.body.len() + 7).to_string();
        let cut = Some(answer.body.len());
        Answer { cut, ..answer.with("Content-Length", &length) }
    };
    // The server sends less than was requested, and says so.
    let shorter = move |request: &Request, mut answer: Answer| {
        if !is_later(request) {
            return answer;
        }
        answer.body.truncate(100);
        answer.with("Content-Length", "100")
    };
    // Another range than was requested.
    let elsewhere = move |request: &Request, answer: Answer| {
        if !is_later(request) {
            return answer;
        }
        answer.with("Content-Range", &format!("bytes 1-100/{size}"))
    };
    // The size of the file changes.
    let another = move |request: &Request, answer: Answer| match request.range {
        Some((first, Some(end))) if is_archive(request) => {
            answer.with("Content-Range", &format!("bytes {first}-{}/{}", end - 1, size + 1))
        }
        _ => answer,
    };
    assert_eq!(refused(&published, longer).kind(), ErrorKind::Network);
    assert_eq!(refused(&published, shorter).kind(), ErrorKind::Network);
    assert_eq!(refused(&published, elsewhere).kind(), ErrorKind::Network);
    assert_eq!(refused(&published, another).kind(), ErrorKind::SourceChanged);
}

#[test]
fn an_archive_that_is_replaced_while_it_is_fetched_is_told() {
    let published = Arc::new(Published::new(1 << 20));
    let other: Vec<u8> = published.archive.iter().map(|byte| byte ^ 1).collect();
    let newer = other.clone();
    let error =
        refused(
            &published,
            move |request, answer| {
                if is_later(request) { Answer::file(request, &newer, "two") } else { answer }
            },
        );
    assert_eq!(error.kind(), ErrorKind::SourceChanged);
    // A server without conditional requests sends the newer tag in its answers.
    let newer = other.clone();
    let error = refused(&published, move |request, answer| {
        let careless = Request { if_match: None, ..request.clone() };
        if is_later(request) { Answer::file(&careless, &newer, "two") } else { answer }
    });
    assert_eq!(error.kind(), ErrorKind::SourceChanged);
    // A server without tags sends the modification time of the file.
    let untagged = |answer: Answer, time: &str| {
        let mut answer = answer.with("Last-Modified", time);
        answer.headers.retain(|(name, _)| name != "ETag");
        answer
    };
    let error = refused(&published, move |request, answer| {
        if is_later(request) {
            untagged(Answer::file(request, &other, ""), "Tue, 24 Nov 2026 10:00:05 GMT")
        } else {
            untagged(answer, "Tue, 24 Nov 2026 10:00:00 GMT")
        }
    });
    assert_eq!(error.kind(), ErrorKind::SourceChanged);
}

#[test]
fn a_file_with_another_checksum_gets_no_name() {
    let published = Arc::new(Published::new(1 << 20));
    // The archive is intact, but another one.
    let other = Published::new(2 << 20);
    let error = refused(&published, move |request, answer| {
        if request.path == ARCHIVE { Answer::file(request, &other.archive, "one") } else { answer }
    });
    assert_eq!(error.kind(), ErrorKind::InvalidArchive);
    assert!(error.message().contains("SHA-256"), "{error}");
    // One byte of it is wrong.
    let mut damaged = published.archive.clone();
    damaged[1 << 19] ^= 4;
    let error = refused(&published, move |request, answer| {
        if request.path == ARCHIVE { Answer::file(request, &damaged, "one") } else { answer }
    });
    assert_eq!(error.kind(), ErrorKind::InvalidArchive);
}

#[test]
fn a_part_that_is_not_what_it_should_be_is_fetched_anew() {
    let published = Arc::new(Published::new(3 << 20));
    let is_gone = Arc::new(AtomicBool::new(true));
    let gone = Arc::clone(&is_gone);
    let server = serve(&published, move |request, answer| {
        let is_late = request.range.is_some_and(|(first, end)| end.is_some() && first >= 1 << 20);
        if is_late && gone.load(Ordering::SeqCst) { Answer::status("500 Oh") } else { answer }
    });
    let here = tempfile::tempdir().unwrap();
    fetch(&server, here.path()).unwrap_err();
    is_gone.store(false, Ordering::SeqCst);
    let part = here.path().join(&names(here.path())[0]);
    let length = fs::metadata(&part).unwrap().len() as usize;
    assert!(length > 0);
    // After a power failure the file has the right length, but not the right bytes.
    fs::write(&part, vec![0; length]).unwrap();
    let fetched = fetch(&server, here.path()).unwrap();
    assert!(fs::read(fetched.path).unwrap() == published.archive);
    assert_eq!(names(here.path()), [ARCHIVE]);
}

#[test]
fn a_server_without_ranges_is_told() {
    let published = Published::new(1 << 18);
    let server = Faulty::serve(move |request| {
        let whole = Request { range: None, ..request.clone() };
        Answer::file(&whole, &published.archive, "one")
    });
    let error = Template::open(server.url(ARCHIVE)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[test]
fn an_archive_is_fetched_from_a_server_without_ranges_as_well() {
    let published = Arc::new(Published::new(3 << 20));
    let whole = Arc::clone(&published);
    let is_cut = Arc::new(AtomicBool::new(true));
    let cut = Arc::clone(&is_cut);
    let server = Faulty::serve(move |request| {
        let Ok(bytes) = fs::read(whole.repo().join(&request.path)) else {
            return Answer::status("404 Not Found");
        };
        let answer = Answer::file(&Request { range: None, ..request.clone() }, &bytes, "one");
        let is_cut = request.path == ARCHIVE && cut.load(Ordering::SeqCst);
        Answer { cut: is_cut.then_some(1 << 20), ..answer }
    });
    let here = tempfile::tempdir().unwrap();
    assert_eq!(fetch(&server, here.path()).unwrap_err().kind(), ErrorKind::Network);
    assert!(!here.path().join(ARCHIVE).exists());
    is_cut.store(false, Ordering::SeqCst);
    let fetched = fetch(&server, here.path()).unwrap();
    assert!(fs::read(fetched.path).unwrap() == published.archive);
    assert_eq!(names(here.path()), [ARCHIVE]);
}

/// A server without lengths and ranges: each answer is the whole file, framed by `frame`.
fn lengthless(
    published: &Arc<Published>,
    frame: impl Fn(&Request, Answer) -> Answer + Send + Sync + 'static,
) -> Faulty {
    let published = Arc::clone(published);
    Faulty::serve(move |request| {
        let Ok(bytes) = fs::read(published.repo().join(&request.path)) else {
            return Answer::status("404 Not Found");
        };
        frame(request, Answer::file(&Request { range: None, ..request.clone() }, &bytes, "one"))
    })
}

#[test]
fn an_archive_is_fetched_from_a_server_that_states_no_length() {
    let published = Arc::new(Published::new(1 << 20));
    for server in [
        lengthless(&published, |request, answer| answer.chunked(request)),
        lengthless(&published, |_, answer| answer.until_closed()),
    ] {
        let here = tempfile::tempdir().unwrap();
        let fetched = fetch(&server, here.path()).unwrap();
        assert!(fs::read(fetched.path).unwrap() == published.archive && fetched.has_checksum);
        assert_eq!(fetched.archive_bytes, published.archive.len() as u64);
        assert_eq!(names(here.path()), [ARCHIVE]);
        assert_eq!(Repository::open(server.url("")).unwrap().list().unwrap().len(), 1);
    }
}

#[test]
fn parts_of_a_file_are_taken_from_a_server_that_states_no_length_of_them() {
    let published = Arc::new(Published::new(1 << 20));
    let server = serve(&published, |request, answer| answer.chunked(request));
    let here = tempfile::tempdir().unwrap();
    assert!(fs::read(fetch(&server, here.path()).unwrap().path).unwrap() == published.archive);
    assert_eq!(Template::open(server.url(ARCHIVE)).unwrap().metainfo().os_name().unwrap(), "Windows-10");
}

#[test]
fn an_answer_without_a_length_that_is_cut_gives_no_file() {
    let published = Arc::new(Published::new(1 << 20));
    let cut = |request: &Request, answer: Answer| {
        let cut = (request.path == ARCHIVE && request.method == "GET").then_some(1 << 19);
        Answer { cut: cut.or(answer.cut), ..answer }
    };
    for (server, kind) in [
        (
            lengthless(&published, move |request, answer| cut(request, answer.chunked(request))),
            ErrorKind::Network,
        ),
        // If nothing marks the end, a truncated answer looks like another archive.
        (
            lengthless(&published, move |request, answer| cut(request, answer.until_closed())),
            ErrorKind::InvalidArchive,
        ),
    ] {
        let here = tempfile::tempdir().unwrap();
        let error = fetch(&server, here.path()).unwrap_err();
        assert_eq!(error.kind(), kind, "{error:#}");
        assert!(!here.path().join(ARCHIVE).exists());
    }
}

#[test]
fn a_description_in_chunks_without_end_is_not_read_to_its_end() {
    let server = Faulty::serve(|request| {
        let body = vec![b' '; 20 << 20];
        Answer { status: "200 OK".into(), body, ..Answer::default() }.chunked(request)
    });
    let error = Repository::open(server.url("")).unwrap().list().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
}

#[cfg(unix)]
#[test]
fn a_link_in_the_place_of_the_part_is_not_followed() {
    let published = Arc::new(Published::new(1 << 16));
    let server = serve(&published, |_, answer| answer);
    let here = tempfile::tempdir().unwrap();
    let victim = here.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    let sums = String::from_utf8(published.file("SHA256SUMS")).unwrap();
    let part = format!(".{ARCHIVE}.{}.vmtemplate-part", &sums[..16]);
    std::os::unix::fs::symlink(&victim, here.path().join(part)).unwrap();
    fetch(&server, here.path()).unwrap_err();
    assert_eq!(fs::read(&victim).unwrap(), b"precious");
}

#[test]
fn hostile_descriptions_lead_nowhere_else() {
    for file_name in ["../x.tar.gz", "/etc/x.tar.gz", "a\\u0000.tar.gz", ".hidden.tar.gz", "SHA256SUMS"] {
        let text =
            format!(r#"{{"type": "os", "os": [{{"name": "Windows-10", "file_name": "{file_name}"}}]}}"#);
        let server = Faulty::serve(move |request| match request.path.as_str() {
            "metadata.json" => Answer::file(request, text.as_bytes(), "one"),
            _ => Answer::status("404 Not Found"),
        });
        let here = tempfile::tempdir().unwrap();
        let error = fetch(&server, here.path()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRepository, "{file_name}");
        let asked: Vec<_> = server.requests().into_iter().map(|request| request.path).collect();
        assert!(asked.iter().all(|path| !path.contains("tar.gz")), "{asked:?}");
        assert_eq!(names(here.path()), [""; 0]);
    }
}

#[test]
fn a_description_without_end_is_not_read_to_its_end() {
    let server = Faulty::serve(|request| {
        if request.method == "HEAD" {
            return Answer::file(request, b"{}", "one");
        }
        let body = vec![b' '; 20 << 20];
        let headers =
            vec![("Transfer-Encoding".into(), "identity".into()), ("ETag".into(), "\"one\"".into())];
        Answer { status: "200 OK".into(), headers, body, cut: Some(20 << 20) }
            .with("Content-Length", "20971520")
    });
    let error = Repository::open(server.url("")).unwrap().list().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
}
