//! The results of all ways in which the library reads an archive.

use std::fs;
use std::num::NonZeroUsize;

use vmtemplate::archive::{UnpackLimits, UnpackOptions};
use vmtemplate::{Archive, Error, ErrorKind};

use crate::scratch::with_scratch;

/// Names and contents in the order of the archive.
pub(crate) type Files = Vec<(String, Vec<u8>)>;

/// Bounds that keep the output small enough to compare quickly.
const LIMITS: fn() -> UnpackLimits =
    || UnpackLimits { entries: 64, total_size: 4 << 20, ..UnpackLimits::default() };

/// The result of unpacking `bytes`. Everything that can be checked without a reference result is checked on the way.
pub(crate) fn of(bytes: &[u8]) -> Result<Files, ErrorKind> {
    let (path, folder) = with_scratch(|scratch| (scratch.join("archive"), scratch.join("out")));
    fs::write(&path, bytes).unwrap();
    let archive = Archive::open(&path).map(|archive| archive.with_limits(LIMITS()));
    let opened = archive.clone().and_then(|archive| archive.entries().map(drop).map(|()| archive.clone()));
    let threads = NonZeroUsize::new(1 + bytes.len() % 2);
    let options = UnpackOptions { threads: threads.into(), ..UnpackOptions::default() };
    let unpacked = archive.and_then(|archive| archive.unpack(&folder, &options));
    let outcome = match unpacked {
        Err(error) => {
            assert_kind(&error);
            Err(error.kind())
        }
        Ok(entries) => {
            let archive = opened.as_ref().unwrap_or_else(|error| panic!("unpacked, but not opened: {error}"));
            assert_eq!(archive.entries().unwrap(), entries, "opening and unpacking list different files");
            let files = entries.iter().map(|entry| {
                let content = fs::read(folder.join(&entry.name)).unwrap();
                assert_eq!(content.len() as u64, entry.size, "{}", entry.name);
                assert_read(archive, &entry.name, &content);
                (entry.name.clone(), content)
            });
            let files = files.collect();
            fs::remove_dir_all(&folder).unwrap();
            Ok(files)
        }
    };
    match opened {
        Err(error) => assert_kind(&error),
        // A damaged archive may be listed, but reading it ends without a panic.
        Ok(archive) if outcome.is_err() => {
            for entry in archive.entries().unwrap() {
                touch(&archive, &entry.name);
            }
        }
        Ok(_) => {}
    }
    let left: Vec<_> =
        fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(left, [path], "a file is left over");
    outcome
}

/// Fail unless a bad archive can cause `error`.
fn assert_kind(error: &Error) {
    let kinds = [
        ErrorKind::InvalidArchive,
        ErrorKind::UnsafeArchive,
        ErrorKind::LimitExceeded,
        ErrorKind::Unsupported,
    ];
    assert!(kinds.contains(&error.kind()), "an error of kind {}: {error}", error.kind());
}

/// Fail unless all ways to read a file return `content`.
fn assert_read(archive: &Archive, name: &str, content: &[u8]) {
    match archive.read(name) {
        Ok(read) => assert!(read == content, "{name}: reading it returns different content"),
        Err(error) => assert_kind(&error),
    }
    let disk = match archive.disk(name) {
        Ok(disk) => disk,
        Err(error) => return assert_kind(&error),
    };
    assert_eq!(disk.size(), content.len() as u64, "{name}: as a disk");
    // A wrong index is an error where it is noticed, and never different content. Its map cannot be trusted then.
    match disk.read_vec(0, content.len()) {
        Ok(read) => assert!(read == content, "{name}: as a disk, it has different content"),
        Err(error) => return assert_kind(&error),
    }
    let mut at = 0;
    for extent in disk.extents() {
        let extent = match extent {
            Ok(extent) => extent,
            Err(error) => return assert_kind(&error),
        };
        assert_eq!(extent.offset, at, "{name}: its map has a gap");
        let stretch = &content[at as usize..extent.end() as usize];
        let is_zero = stretch.iter().all(|&byte| byte == 0);
        assert!(extent.kind.must_be_read() || is_zero, "{name}: its map reports data as zeros");
        at = extent.end();
    }
    assert_eq!(at, content.len() as u64, "{name}: its map ends early");
}

fn touch(archive: &Archive, name: &str) {
    if let Err(error) = archive.read(name) {
        assert_kind(&error);
    }
    match archive.disk(name) {
        Err(error) => assert_kind(&error),
        Ok(disk) => {
            let mut buffer = vec![0; disk.size().min(1 << 20) as usize];
            if let Err(error) = disk.read_at(&mut buffer, 0) {
                assert_kind(&error);
            }
        }
    }
}
