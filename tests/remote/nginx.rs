//! Tests with nginx as the server.

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};

use vmtemplate::archive::{Level, PackOptions, UnpackOptions, VerifyOptions};
use vmtemplate::disk::{DiskSource, Extent, ExtentKind};
use vmtemplate::output::Overwrite;
use vmtemplate::report::CheckOptions;
use vmtemplate::repository::{FetchOptions, PublicKey, RepositoryCheckOptions, SigningKey};
use vmtemplate::{Control, DiskImage, ErrorKind, Repository, Result, Template};
use vmtemplate_test_support::servers::Nginx;
use vmtemplate_test_support::{has_tool, noise, run, sample_disk, tree, unpack_archive, verify_archive};

use super::{Published, names};

/// An incompressible disk: deflate does not look back as far as a block.
#[derive(Debug)]
struct Noise {
    block: Vec<u8>,
    size: u64,
}

impl DiskSource for Noise {
    fn format(&self) -> &'static str {
        "noise"
    }

    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<()> {
        for (at, byte) in buf.iter_mut().enumerate() {
            *byte = self.block[(offset as usize + at) % self.block.len()];
        }
        Ok(())
    }

    fn extent_at(&self, offset: u64) -> Result<Extent> {
        Ok(Extent { offset, length: self.size - offset, kind: ExtentKind::Data })
    }
}

#[test]
fn inspecting_an_archive_of_a_gibibyte_moves_less_than_a_mebibyte() {
    let folder = tempfile::tempdir().unwrap();
    let Some(nginx) = Nginx::serve(folder.path()) else { return };
    let source = Noise { block: noise(1, 1 << 20), size: 1 << 30 };
    let disk = DiskImage::from_source(std::sync::Arc::new(source));
    let template = Template::builder("Windows-10").image(disk).image_name("w.hddimage").build().unwrap();
    let path = folder.path().join("large.tar.gz");
    let options = PackOptions { level: Level::FASTEST, ..PackOptions::default() };
    let summary = template.pack(&path, &options).unwrap();
    assert!(summary.archive_bytes > 1 << 30, "{}", summary.archive_bytes);

    let remote = Template::open(nginx.url("large.tar.gz")).unwrap();
    let shown = |template: &Template| serde_json::to_value(template.info().unwrap()).unwrap();
    assert_eq!(shown(&remote), shown(&Template::open(&path).unwrap()));
    assert!(nginx.bytes_sent() < 1 << 20, "{:#?}", nginx.requests());
    assert!(nginx.requests().len() <= 4, "{:#?}", nginx.requests());

    // Reading in the middle of the image fetches one member.
    let before = nginx.bytes_sent();
    let here = remote.image().unwrap().read_vec(700 << 20, 4096).unwrap();
    assert_eq!(here, noise(1, 1 << 20)[..4096]);
    assert!(nginx.bytes_sent() - before < 2 << 20, "{:#?}", nginx.requests());
}

#[test]
fn a_remote_archive_is_verified_unpacked_and_checked_as_a_local_one() {
    let folder = tempfile::tempdir().unwrap();
    let Some(nginx) = Nginx::serve(folder.path()) else { return };
    let path = folder.path().join("a b+ä~.tar.gz");
    let template =
        Template::builder("Windows-10").image(DiskImage::from_bytes(sample_disk())).image_name("w.hddimage");
    template.build().unwrap().pack(&path, &PackOptions::default()).unwrap();
    // Another tool's archive is one stream.
    run(
        "tar",
        ["-C", "/", "-czf"].map(String::from).into_iter().chain([
            folder.path().join("foreign.tar.gz").display().to_string(),
            "--transform=s,.*/,,".into(),
            folder.path().join("a b+ä~.tar.gz").display().to_string(),
        ]),
    );
    let url = nginx.url("a%20b+%C3%A4~.tar.gz");
    let verify = VerifyOptions::default();
    assert_eq!(verify_archive(&url, &verify).unwrap(), verify_archive(&path, &verify).unwrap());
    let check = CheckOptions::default();
    let found = |path: &dyn AsRef<std::path::Path>| {
        let report = vmtemplate::check(path.as_ref(), &check).unwrap();
        report.findings().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(found(&url), found(&path));
    assert!(!found(&url).is_empty());
    let unpacked = folder.path().join("unpacked");
    unpack_archive(&url, &unpacked, &UnpackOptions::default()).unwrap();
    let local = folder.path().join("local");
    unpack_archive(&path, &local, &UnpackOptions::default()).unwrap();
    assert!(tree(&unpacked) == tree(&local));
    let listed = vmtemplate::Archive::open(nginx.url("foreign.tar.gz")).unwrap();
    assert_eq!(listed.entries().unwrap()[0].name, "a b+ä~.tar.gz");
    let error = Template::open(nginx.url("none.tar.gz")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(error.path().unwrap().to_str().unwrap(), nginx.url("none.tar.gz"));
}

#[test]
fn verifying_a_remote_repository_quickly_moves_only_parts_of_it() {
    let published = Published::new(8 << 20);
    let Some(nginx) = Nginx::serve(&published.repo()) else { return };
    let repository = Repository::open(nginx.url("")).unwrap();
    assert_eq!(repository.list().unwrap(), Repository::open(published.repo()).unwrap().list().unwrap());
    let quick = RepositoryCheckOptions { quick: true, ..RepositoryCheckOptions::default() };
    assert!(repository.check(&quick).unwrap().findings().is_empty());
    assert!(nginx.bytes_sent() < 1 << 20, "{:#?}", nginx.requests());
    assert!(repository.check(&RepositoryCheckOptions::default()).unwrap().findings().is_empty());
    // A byte in the middle is changed.
    let path = published.repo().join("Windows-10.tar.gz");
    let mut bytes = published.archive.clone();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
    let report = repository.check(&RepositoryCheckOptions::default()).unwrap();
    let codes: Vec<_> = report.findings().iter().map(|finding| finding.rule().code).collect();
    assert_eq!(codes, ["VMT0712"]);
}

#[test]
fn a_fetch_that_was_stopped_goes_on_where_it_was() {
    let published = Published::new(40 << 20);
    let Some(nginx) = Nginx::serve(&published.repo()) else { return };
    let here = tempfile::tempdir().unwrap();
    let repository = Repository::open(nginx.url("")).unwrap();
    let fetch = |control| {
        let options = FetchOptions { control, ..FetchOptions::default() };
        repository.fetch("Windows-10", here.path(), &options)
    };
    let cancel = vmtemplate::progress::CancelToken::new();
    let (stop, reached) = (cancel.clone(), std::sync::Arc::new(AtomicU64::new(0)));
    let seen = std::sync::Arc::clone(&reached);
    let control = Control {
        cancel,
        ..Control::on_progress(move |progress| {
            seen.store(progress.bytes, Ordering::SeqCst);
            if progress.bytes > 20 << 20 {
                stop.cancel();
            }
        })
    };
    assert_eq!(fetch(control).unwrap_err().kind(), ErrorKind::Cancelled);
    assert!(!here.path().join("Windows-10.tar.gz").exists());
    let before = nginx.bytes_sent();
    let fetched = fetch(Control::default()).unwrap();
    assert_eq!(fetched.resumed_at, reached.load(Ordering::SeqCst));
    assert!(fetched.has_checksum);
    assert!(fs::read(&fetched.path).unwrap() == published.archive);
    assert_eq!(names(here.path()), ["Windows-10.tar.gz"]);
    let moved = nginx.bytes_sent() - before;
    assert!(moved < (published.archive.len() as u64 - fetched.resumed_at) + (1 << 20), "{moved}");
    // The third time, everything is already fetched.
    let before = nginx.bytes_sent();
    assert_eq!(fetch(Control::default()).unwrap().resumed_at, published.archive.len() as u64);
    assert!(nginx.bytes_sent() - before < 1 << 16);
}

#[test]
fn only_what_the_key_has_signed_is_fetched() {
    if !has_tool("minisign") {
        return;
    }
    let keys = tempfile::tempdir().unwrap();
    let (public, secret) = (keys.path().join("a.pub"), keys.path().join("a.key"));
    let made = [public.as_os_str(), "-s".as_ref(), secret.as_os_str()];
    run("minisign", ["-G", "-W", "-p"].map(std::ffi::OsStr::new).into_iter().chain(made));
    let published = Published::signed(1 << 20, Some(SigningKey::from_file(&secret, None).unwrap()));
    let Some(nginx) = Nginx::serve(&published.repo()) else { return };
    let here = tempfile::tempdir().unwrap();
    let options = FetchOptions {
        public_key: Some(PublicKey::from_file(&public).unwrap()),
        overwrite: Overwrite::Yes,
        ..FetchOptions::default()
    };
    let fetch = || Repository::open(nginx.url(""))?.fetch("Windows-10", here.path(), &options);
    fetch().unwrap();
    fs::remove_file(here.path().join("Windows-10.tar.gz")).unwrap();
    for name in ["metadata.json", "SHA256SUMS"] {
        let path = published.repo().join(name);
        let held = published.file(name);
        fs::write(&path, [&*held, b"\n"].concat()).unwrap();
        let error = fetch().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidSignature, "{name}");
        assert!(error.path().unwrap().ends_with(name), "{error}");
        fs::write(&path, held).unwrap();
        let signature = published.repo().join(format!("{name}.minisig"));
        let held = fs::read(&signature).unwrap();
        fs::remove_file(&signature).unwrap();
        assert_eq!(fetch().unwrap_err().kind(), ErrorKind::InvalidSignature, "{name}");
        fs::write(&signature, held).unwrap();
    }
    assert_eq!(names(here.path()), [""; 0]);
    fetch().unwrap();
}

#[test]
fn a_repository_over_http_is_not_written_to() {
    let published = Published::new(1 << 16);
    let Some(nginx) = Nginx::serve(&published.repo()) else { return };
    let repository = Repository::open(nginx.url("")).unwrap();
    let archive = published.folder.path().join("Windows-10.tar.gz");
    let error = repository.add(&archive, &vmtemplate::repository::EntryOptions::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let error =
        repository.remove("Windows-10", &vmtemplate::repository::PublishOptions::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(nginx.requests().iter().all(|line| line.starts_with("GET") || line.starts_with("HEAD")));
}
