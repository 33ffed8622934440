//! Failures in the middle of the work: a clear error, no partial output, and existing files are unchanged.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;
use vmtemplate::archive::{PackOptions, UnpackOptions};
use vmtemplate::disk::{DiskSource, Extent, ExtentKind};
use vmtemplate::output::Overwrite;
use vmtemplate::progress::CancelToken;
use vmtemplate::{Control, DiskImage, Error, ErrorKind, Result, Template};
use vmtemplate_test_support::{disk, is_root, noise, run, unpack_archive};

fn template(image: DiskImage) -> Template {
    Template::builder("Windows-Server-2019").image(image).image_name("disk.hddimage").build().unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A folder with an archive from an earlier run.
fn with_old_archive() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.tar.gz");
    fs::write(&path, "the archive of last month").unwrap();
    (folder, path)
}

/// Pack over the old archive, which must fail and leave the old archive unchanged and no other file.
fn failing_pack(image: DiskImage, options: PackOptions) -> Error {
    let (folder, path) = with_old_archive();
    let error =
        template(image).pack(&path, &PackOptions { overwrite: Overwrite::Yes, ..options }).unwrap_err();
    assert_eq!(fs::read(&path).unwrap(), b"the archive of last month");
    assert_eq!(names(folder.path()), ["t.tar.gz"]);
    error
}

#[test]
fn an_archive_that_is_there_is_kept_unless_replacing_is_asked_for() {
    let (folder, path) = with_old_archive();
    let error = template(disk(&[1; 512])).pack(&path, &PackOptions::default()).unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::AlreadyExists, Some(&*path)));
    assert!(error.help().unwrap().contains("--force (`overwrite`)"));
    assert_eq!(fs::read(&path).unwrap(), b"the archive of last month");
    template(disk(&[1; 512]))
        .pack(&path, &PackOptions { overwrite: Overwrite::Yes, ..PackOptions::default() })
        .unwrap();
    Template::open(&path).unwrap();
    assert_eq!(names(folder.path()), ["t.tar.gz"]);
}

/// A disk with an unreadable sector.
#[derive(Debug)]
struct BadSector;

impl DiskSource for BadSector {
    fn format(&self) -> &'static str {
        "raw"
    }
    fn size(&self) -> u64 {
        16 << 20
    }
    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<()> {
        if (offset..offset + buf.len() as u64).contains(&(9 << 20)) {
            return Err(Error::io("cannot read sector 18432", std::io::Error::from_raw_os_error(5)));
        }
        buf.fill(1);
        Ok(())
    }
    fn extent_at(&self, offset: u64) -> Result<Extent> {
        Ok(Extent { offset, length: self.size() - offset, kind: ExtentKind::Data })
    }
}

#[test]
fn an_unreadable_sector_is_named() {
    let error = failing_pack(DiskImage::from_source(Arc::new(BadSector)), PackOptions::default());
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.message().contains("sector 18432"), "{error}");
    assert!(format!("{error:#}").contains("os error 5"), "{error:#}");
}

#[test]
fn an_image_that_shrinks_while_it_is_read_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let raw = folder.path().join("disk.raw");
    fs::write(&raw, noise(1, 32 << 20)).unwrap();
    let image = DiskImage::open(&raw).unwrap();
    let control = Control::on_progress(move |progress| {
        if progress.bytes == 0 {
            File::options().write(true).open(&raw).unwrap().set_len(10 << 20).unwrap();
        }
    });
    let error = failing_pack(image, PackOptions { control, ..PackOptions::default() });
    assert_eq!(error.kind(), ErrorKind::SourceChanged);
    assert!(error.message().contains("33554432") && error.message().contains("10485760"), "{error}");
    assert!(error.path().unwrap().ends_with("disk.raw"));
}

#[test]
fn an_image_that_is_written_to_while_it_is_read_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let raw = folder.path().join("disk.raw");
    fs::write(&raw, noise(1, 8 << 20)).unwrap();
    let image = DiskImage::open(&raw).unwrap();
    let control = Control::on_progress(move |progress| {
        if progress.bytes == progress.total {
            let file = File::options().write(true).open(&raw).unwrap();
            file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
        }
    });
    let error = failing_pack(image, PackOptions { control, ..PackOptions::default() });
    assert_eq!(error.kind(), ErrorKind::SourceChanged);
}

fn cancel_half_way() -> Control {
    let cancel = CancelToken::new();
    let thrown = cancel.clone();
    let progress = Control::on_progress(move |progress| {
        if progress.bytes * 2 >= progress.total {
            thrown.cancel();
        }
    });
    Control { cancel, ..progress }
}

#[test]
fn packing_that_is_cancelled_half_way_leaves_nothing() {
    let control = cancel_half_way();
    let error = failing_pack(disk(&noise(1, 16 << 20)), PackOptions { control, ..PackOptions::default() });
    assert_eq!(error.kind(), ErrorKind::Cancelled);
}

#[test]
fn unpacking_that_is_cancelled_half_way_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.tar.gz");
    template(disk(&noise(1, 16 << 20))).pack(&path, &PackOptions::default()).unwrap();
    let control = cancel_half_way();
    let options = UnpackOptions { control, ..UnpackOptions::default() };
    let error = unpack_archive(&path, folder.path().join("out"), &options).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert_eq!(names(folder.path()), ["t.tar.gz"]);
    // Into an existing folder: its own files stay, and no file is added.
    let error = unpack_archive(&path, folder.path(), &options).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert_eq!(names(folder.path()), ["t.tar.gz"]);
}

#[test]
fn unpacking_writes_over_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.tar.gz");
    template(disk(&[1; 512])).pack(&path, &PackOptions::default()).unwrap();
    let target = folder.path().join("out");
    fs::create_dir(&target).unwrap();
    fs::write(target.join("metainfo.xml"), "mine").unwrap();
    let error = unpack_archive(&path, &target, &UnpackOptions::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert!(error.path().unwrap().ends_with("metainfo.xml"), "{error}");
    assert_eq!(names(&target), ["metainfo.xml"]);
    assert_eq!(fs::read(target.join("metainfo.xml")).unwrap(), b"mine");
}

#[test]
fn a_full_disk_is_told_and_leaves_nothing() {
    if !is_root() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("t.tar.gz");
    template(disk(&noise(1, 16 << 20))).pack(&archive, &PackOptions::default()).unwrap();
    let small = folder.path().join("small");
    fs::create_dir(&small).unwrap();
    run("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", small.to_str().unwrap()]);
    let results = std::panic::catch_unwind(|| {
        fs::write(small.join("old.tar.gz"), "the archive of last month").unwrap();
        let options = PackOptions { overwrite: Overwrite::Yes, ..PackOptions::default() };
        let packed = template(disk(&noise(2, 16 << 20))).pack(small.join("old.tar.gz"), &options);
        assert_eq!(fs::read(small.join("old.tar.gz")).unwrap(), b"the archive of last month");
        let unpacked = unpack_archive(&archive, small.join("out"), &UnpackOptions::default());
        (packed.unwrap_err(), unpacked.unwrap_err(), names(&small))
    });
    run("umount", [&small]);
    let (packed, unpacked, left) = results.unwrap();
    assert_eq!(packed.kind(), ErrorKind::StorageFull, "{packed}");
    assert!(packed.path().unwrap().ends_with("old.tar.gz") && packed.help().is_some());
    assert_eq!(unpacked.kind(), ErrorKind::StorageFull, "{unpacked}");
    assert_eq!(left, ["old.tar.gz"]);
}

#[test]
fn an_image_that_may_not_be_read_or_is_none_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.raw");
    fs::write(&empty, "").unwrap();
    for (path, kind) in [
        (folder.path(), ErrorKind::Unsupported),
        (Path::new("/dev/null"), ErrorKind::Unsupported),
        (&empty, ErrorKind::InvalidImage),
        (&folder.path().join("no.raw"), ErrorKind::NotFound),
    ] {
        let error = DiskImage::open(path).unwrap_err();
        assert_eq!((error.kind(), error.path()), (kind, Some(path)));
    }
}
