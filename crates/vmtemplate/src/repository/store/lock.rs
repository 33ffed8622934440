//! One publisher at a time: a lock that ends with the process, and a note of whose it is and what it is about to do.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use crate::access::Access;
use crate::archive::reason_against;
use crate::civil;
use crate::error::{Error, ErrorKind, Result};
use crate::fail_points::fail_point;
use crate::progress::Control;
use crate::shown::Shown;

/// The file stays in the repository: were it removed, two publishers could hold locks on two files of this name.
pub(super) const NAME: &str = ".vmtemplate-lock";

/// The most bytes of the note that are read.
const MAX_NOTE: u64 = 64 << 10;

/// An archive that a publisher was about to put in place or to remove. Unless the description names it, it may go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Intent {
    pub(super) file_name: String,
    /// Somebody may have put another file of that name there since.
    pub(super) inode: u64,
}

/// The lock of a repository. It is held until it is dropped.
#[derive(Debug)]
pub(super) struct PublishLock {
    file: File,
    path: PathBuf,
    intents: Vec<Intent>,
}

impl PublishLock {
    /// Wait for the lock for at most `timeout`. What a killed holder was about to do is in the intents. A lock file that is
    /// new gets this `access`.
    pub(super) fn acquire(
        folder: &Path,
        access: &Access,
        timeout: Duration,
        control: &Control,
    ) -> Result<Self> {
        let path = folder.join(NAME);
        let begun = Instant::now();
        let mut pause = Duration::from_millis(2);
        let mut file = open(&path, access)?;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(fs::TryLockError::WouldBlock) if begun.elapsed() < timeout => {
                    control.stop_if_cancelled()?;
                    std::thread::sleep(pause.min(timeout.saturating_sub(begun.elapsed())));
                    pause = (pause * 2).min(Duration::from_millis(50));
                }
                Err(fs::TryLockError::WouldBlock) => return Err(held(&mut file, timeout).with_path(path)),
                Err(fs::TryLockError::Error(error)) => {
                    return Err(Error::io("cannot lock the repository", error).with_path(path));
                }
            }
        }
        let intents = parse(&read(&mut file).unwrap_or_default());
        let mut lock = Self { file, path, intents };
        fail_point!("lock-acquired");
        if_there_is_room(lock.write_note())?;
        Ok(lock)
    }

    pub(super) fn intents(&self) -> &[Intent] {
        &self.intents
    }

    /// Write down that the archive will be put in place or removed, before that is done.
    pub(super) fn intend(&mut self, file_name: &str, inode: u64) -> Result<()> {
        self.intents.push(Intent { file_name: file_name.to_owned(), inode });
        self.write_note()?;
        self.file.sync_data().map_err(|error| self.fault(error))?;
        fail_point!("lock-intent-noted");
        Ok(())
    }

    /// The same for an archive that is to be removed. On a full disk that is done without the note: killed in between, a
    /// publisher leaves an archive that nobody describes, which verifying reports.
    pub(super) fn intend_to_remove(&mut self, file_name: &str, inode: u64) -> Result<()> {
        if_there_is_room(self.intend(file_name, inode))
    }

    /// All that was intended is done or undone.
    pub(super) fn settled(&mut self) -> Result<()> {
        fail_point!("lock-settling");
        self.intents.clear();
        if_there_is_room(self.write_note())
    }

    /// The note is empty when nobody holds the lock.
    pub(super) fn release(self) -> Result<()> {
        fail_point!("lock-releasing");
        self.file.set_len(0).map_err(|error| self.fault(error))
    }

    fn write_note(&mut self) -> Result<()> {
        let since = civil::utc(SystemTime::now());
        let mut note = format!("pid {} on {}, since {since} UTC\n", std::process::id(), host());
        for Intent { file_name, inode } in &self.intents {
            let _ = writeln!(note, "{inode} {file_name}");
        }
        let write = |file: &mut File| -> io::Result<()> {
            file.rewind()?;
            file.write_all(note.as_bytes())?;
            fail_point!("lock-note-written");
            file.set_len(note.len() as u64)
        };
        write(&mut self.file).map_err(|error| self.fault(error))
    }

    fn fault(&self, error: io::Error) -> Error {
        Error::io("cannot write into the lock file", error).with_path(&self.path)
    }
}

/// Let what was not written on a full disk be: the lock itself needs no room.
fn if_there_is_room(written: Result<()>) -> Result<()> {
    written.or_else(|error| if error.kind() == ErrorKind::StorageFull { Ok(()) } else { Err(error) })
}

/// Every user who may write the description may be the next publisher, and the lock file that this one makes stays.
fn open(path: &Path, access: &Access) -> Result<File> {
    let mut options = File::options();
    options.read(true).write(true);
    let mut new = options.clone();
    new.create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut new, access.mode_at_first());
    let opened = match new.open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => options.open(path),
        // Where the file system has no modes, the lock works all the same.
        made => made.inspect(|file| drop(access.apply(file))),
    };
    opened.map_err(|error| Error::io("cannot open the lock file", error).with_path(path))
}

fn read(file: &mut File) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.take(MAX_NOTE).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// What the note says is about to be done; half a line, of a publisher killed while writing it, was not begun.
fn parse(note: &str) -> Vec<Intent> {
    note.split_inclusive('\n')
        .skip(1)
        .filter_map(|line| line.strip_suffix('\n')?.split_once(' '))
        .filter(|(_, name)| reason_against(name).is_none())
        .filter_map(|(inode, name)| Some(Intent { file_name: name.to_owned(), inode: inode.parse().ok()? }))
        .collect()
}

fn held(file: &mut File, timeout: Duration) -> Error {
    let note = read(file).unwrap_or_default();
    let owner: String = note.lines().next().unwrap_or_default().chars().take(200).collect();
    let owner = if owner.is_empty() { "another process".into() } else { Shown(&owner).to_string() };
    let message = format!("{owner} is publishing, and did not finish within {:.1} s", timeout.as_secs_f64());
    Error::new(ErrorKind::Locked, message).with_help(
        "try again later, or wait longer with --lock-timeout (`lock_timeout`); the lock disappears when that process \
         ends, even if it is killed",
    )
}

#[cfg(unix)]
fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(not(unix))]
fn host() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_else(|_| "this machine".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(50);

    #[test]
    fn a_second_publisher_is_told_who_the_first_one_is() {
        let folder = tempfile::tempdir().unwrap();
        let first = PublishLock::acquire(folder.path(), &Access::Umask, SOON, &Control::default()).unwrap();
        let error =
            PublishLock::acquire(folder.path(), &Access::Umask, SOON, &Control::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Locked);
        let owner = format!("pid {} on {}, since 2", std::process::id(), host());
        assert!(error.message().contains(&owner), "{error}");
        first.release().unwrap();
        assert_eq!(fs::read(folder.path().join(NAME)).unwrap(), b"");
        PublishLock::acquire(folder.path(), &Access::Umask, SOON, &Control::default()).unwrap();
    }

    #[test]
    fn waiting_ends_as_soon_as_it_is_cancelled() {
        let folder = tempfile::tempdir().unwrap();
        let _first = PublishLock::acquire(folder.path(), &Access::Umask, SOON, &Control::default()).unwrap();
        let control = Control::default();
        control.cancel.cancel();
        let error = PublishLock::acquire(folder.path(), &Access::Umask, Duration::from_mins(1), &control)
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
    }

    #[test]
    fn what_a_killed_publisher_intended_is_known_to_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let mut killed =
            PublishLock::acquire(folder.path(), &Access::Umask, SOON, &Control::default()).unwrap();
        killed.intend("a b.tar.gz", 7).unwrap();
        killed.intend("c.tar.gz", 8).unwrap();
        drop(killed);
        let next = PublishLock::acquire(folder.path(), &Access::Umask, SOON, &Control::default()).unwrap();
        let expected = [("a b.tar.gz", 7), ("c.tar.gz", 8)]
            .map(|(name, inode)| Intent { file_name: name.into(), inode });
        assert_eq!(next.intents(), expected);
        // And still to the one after that, until all is settled.
        drop(next);
        let mut next =
            PublishLock::acquire(folder.path(), &Access::Umask, SOON, &Control::default()).unwrap();
        assert_eq!(next.intents(), expected);
        next.settled().unwrap();
        drop(next);
        assert!(
            PublishLock::acquire(folder.path(), &Access::Umask, SOON, &Control::default())
                .unwrap()
                .intents()
                .is_empty()
        );
    }

    #[test]
    fn a_note_from_outside_leads_nowhere_else() {
        let note = "pid 1\n5 ../../etc/passwd\n6 /etc/passwd\nx y\n7 ok.tar.gz\n8 half.tar.g";
        assert_eq!(parse(note), [Intent { file_name: "ok.tar.gz".into(), inode: 7 }]);
    }
}
