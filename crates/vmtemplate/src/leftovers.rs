//! Temporary files and folders of ours: which are in use, and which a killed run has left.
//!
//! Every one is locked as long as it is in use (`flock`, which ends with the process, however that ends). One that can
//! be locked is a leftover, and is removed while it is locked.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use tempfile::{NamedTempFile, TempDir};

/// What temporary files of this crate end with, so that people recognise them as well.
pub(crate) const SUFFIX: &str = ".vmtemplate-tmp";

/// Between prefix and suffix are as many letters and digits (the `tempfile` crate, `Builder::rand_bytes`).
const RANDOM: usize = 6;

/// Holds the lock until it is dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    /// `None` where the system or the file system knows no such locks: then nothing is ever taken for a leftover.
    _held: Option<File>,
}

/// Remove what killed runs have left in `folder` under names with this prefix. `before` is called for each.
///
/// Files that cannot be examined or removed are left alone: it harms nobody.
pub(crate) fn remove(folder: &Path, prefix: &OsStr, before: impl Fn(&Path)) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let Ok(kind) = entry.file_type() else { continue };
        if !is_ours(&entry.file_name(), prefix) || !(kind.is_dir() || kind.is_file()) {
            continue;
        }
        let path = entry.path();
        let Some(_lock) = lock(&path) else { continue };
        before(&path);
        if kind.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) }.ok();
    }
}

/// Remove the files that killed runs have left in `folder`, whatever they were to become.
pub(crate) fn remove_files(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let length = name.len().checked_sub(RANDOM + SUFFIX.len()).filter(|&length| length > 1);
        let prefix = length.and_then(|length| name.to_str()?.get(..length));
        // Hidden, and with a dot at the end: how temporary files are named. A folder may hold moves to be taken back.
        let ours = prefix.is_some_and(|prefix| {
            prefix.starts_with('.') && prefix.ends_with('.') && is_ours(&name, prefix.as_ref())
        });
        if ours && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            let path = entry.path();
            let Some(_lock) = lock(&path) else { continue };
            fs::remove_file(&path).ok();
        }
    }
}

fn is_ours(name: &OsStr, prefix: &OsStr) -> bool {
    name.as_encoded_bytes()
        .strip_prefix(prefix.as_encoded_bytes())
        .and_then(|rest| rest.strip_suffix(SUFFIX.as_bytes()))
        .is_some_and(|middle| middle.len() == RANDOM && middle.iter().all(u8::is_ascii_alphanumeric))
}

/// Make a temporary file or folder that no other run takes for a leftover.
pub(crate) fn create_locked<T: Temporary>(create: impl Fn() -> io::Result<T>) -> io::Result<(T, Lock)> {
    // Between its making and its locking another run may have removed it; twice in a row, hardly.
    for _ in 0..8 {
        let made = create()?;
        if !knows_locks(made.path()) {
            return Ok((made, Lock { _held: None }));
        }
        if let Some(held) = lock(made.path()) {
            return Ok((made, Lock { _held: Some(held) }));
        }
    }
    Err(io::Error::other("temporary files were removed as soon as they were made"))
}

pub(crate) trait Temporary {
    fn path(&self) -> &Path;
}

impl Temporary for NamedTempFile {
    fn path(&self) -> &Path {
        self.path()
    }
}

impl Temporary for TempDir {
    fn path(&self) -> &Path {
        self.path()
    }
}

/// The lock on what is at `path`; `None` where somebody holds it, or where it is gone.
#[cfg(unix)]
fn lock(path: &Path) -> Option<File> {
    use std::os::unix::fs::MetadataExt;
    let file = File::open(path).ok()?;
    file.try_lock().ok()?;
    // It may have been removed, or even replaced, between the opening and the locking; and what another user made
    // under such a name, in a folder that all may write to, is none of ours.
    let (held, there) = (file.metadata().ok()?, fs::symlink_metadata(path).ok()?);
    let same = (held.dev(), held.ino()) == (there.dev(), there.ino());
    (same && there.uid() == rustix::process::geteuid().as_raw()).then_some(file)
}

#[cfg(unix)]
fn knows_locks(path: &Path) -> bool {
    let tried = File::open(path).map(|file| file.try_lock());
    // Held by somebody else: a run that takes it for a leftover. Gone: the same.
    matches!(tried, Ok(Ok(()) | Err(fs::TryLockError::WouldBlock)))
        || matches!(&tried, Err(error) if error.kind() == io::ErrorKind::NotFound)
}

/// A lock on Windows keeps others from reading, and folders cannot be locked.
#[cfg(not(unix))]
fn lock(_path: &Path) -> Option<File> {
    None
}

#[cfg(not(unix))]
fn knows_locks(_path: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_this_crate_makes_are_ours() {
        let ours = |name: &str| is_ours(name.as_ref(), ".a.txt.".as_ref());
        assert!(ours(".a.txt.Ab12Cd.vmtemplate-tmp"));
        for other in [
            ".a.txt.vmtemplate-tmp",
            ".a.txt.Ab12.vmtemplate-tmp",
            ".a.txt.Ab-2Cd.vmtemplate-tmp",
            ".b.txt.Ab12Cd.vmtemplate-tmp",
            "a.txt.Ab12Cd.vmtemplate-tmp",
            ".a.txt.Ab12Cd.vmtemplate-tmp.bak",
        ] {
            assert!(!ours(other), "{other}");
        }
        let made = tempfile::Builder::new().prefix(".a.txt.").suffix(SUFFIX).tempfile().unwrap();
        assert!(ours(made.path().file_name().unwrap().to_str().unwrap()), "{}", made.path().display());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_with_such_a_name_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let kept = folder.path().join("kept");
        fs::create_dir(&kept).unwrap();
        let link = folder.path().join(".x.Ab12Cd.vmtemplate-tmp");
        std::os::unix::fs::symlink(&kept, &link).unwrap();
        remove(folder.path(), ".x.".as_ref(), |_| ());
        assert!(kept.is_dir() && fs::symlink_metadata(link).is_ok());
    }
}
