//! The store of a repository: files by their names, in a local folder or on a server.
//!
//! Callers state what must hold, and never ask which store they have. The four verbs `get`, `put`, `delete` and `list`
//! are those of object storage. The rest of [`Store`] is what a folder can do beyond them, such as locking out other
//! publishers, and what costs nothing in a folder and a request on a server.

mod folder;
mod lock;
#[cfg(feature = "remote")]
mod remote;

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use self::folder::FolderStore;
#[cfg(feature = "remote")]
use self::remote::RemoteStore;
use crate::error::{Error, ErrorKind, Result};
use crate::progress::Control;
use crate::remote::Location;
use crate::source::ReadAt;

pub(super) use crate::remote::{Precondition, Version};

/// The store at a path or URL.
pub(super) fn open(path: &Path) -> Result<Arc<dyn Store>> {
    Ok(match Location::of(path)? {
        Location::Path(path) => Arc::new(FolderStore::new(path)),
        #[cfg(feature = "remote")]
        Location::Url(url) => Arc::new(RemoteStore::open(&url)?),
        #[cfg(not(feature = "remote"))]
        Location::Url(url) => return Err(crate::remote::unsupported(&url)),
    })
}

/// Where a repository is kept.
pub(super) trait Store: fmt::Debug + Send + Sync {
    /// The folder, or its URL without credentials.
    fn path(&self) -> &Path;

    fn path_of(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// The same store, whose new files take the mode and the owner of the file `model`, if files have these.
    fn like(&self, model: &'static str) -> Arc<dyn Store>;

    /// Make the folder, which may exist, with its first file, which may not.
    fn create(&self, name: &str, bytes: &[u8]) -> Result<()>;

    // The four verbs.

    /// The bytes of a small file; `None` if it does not exist.
    fn get(&self, name: &str, max: usize) -> Result<Option<(Vec<u8>, Version)>>;

    /// Write a small file in one step, and return its version; `None` if the precondition does not hold.
    fn put(&self, name: &str, bytes: &[u8], precondition: Precondition<'_>) -> Result<Option<Version>>;

    /// Remove a file; one that does not exist is no error.
    fn delete(&self, name: &str) -> Result<()>;

    /// The names of the files, sorted; `None` where they cannot be listed.
    fn list(&self) -> Result<Option<Vec<String>>>;

    // What needs more than one of them.

    /// Begin to publish. In a folder, other publishers wait until the session ends. In object storage they do not, and
    /// [`put`](Self::put) notices what they changed.
    fn begin(&self, timeout: Duration, control: &Control) -> Result<Box<dyn Session>>;

    /// Begin an archive of at most about `most` bytes. A store that cannot rename files claims the first of these names that
    /// is free.
    fn stage(&self, names: &[String], most: u64, control: &Control) -> Result<Box<dyn Staged>>;

    /// Give the file `from`, which has these bytes, the name `to`; returns what [`put`](Self::put) returns. A store that
    /// cannot rename files writes the bytes again and keeps `from`.
    fn rename(
        &self,
        from: &str,
        to: &str,
        bytes: &[u8],
        precondition: Precondition<'_>,
    ) -> Result<Option<Version>>;

    /// Give a file that was in the store before it was described the mode and owner of a new one.
    fn adopt(&self, _name: &str) -> Result<()> {
        Ok(())
    }

    // Questions. The store answers them, so that nobody asks which one it is.

    /// Whether a file exists, a dangling link included.
    fn exists(&self, name: &str) -> Result<bool>;

    /// What is known of a file, through links, without reading it; `None` if it does not exist.
    fn head(&self, name: &str) -> Result<Option<Found>>;

    /// The same for a regular file, if no request is needed to find out.
    fn known(&self, _name: &str) -> Option<Found> {
        None
    }

    /// Sizes and times of those of these files that [`known`](Self::known) says nothing about. Files that cannot be
    /// examined are left out.
    fn look_up(&self, _names: &[&str]) -> Vec<(String, Found)> {
        Vec::new()
    }

    /// An archive for reading at any offset.
    fn archive(&self, name: &str) -> Result<Arc<dyn ReadAt>>;

    /// All bytes of an archive in order, from a server that does not send parts of it. `take` gets the bytes and their
    /// total number, which is 0 if the server does not state it. Returns their number.
    fn whole(
        &self,
        name: &str,
        _control: &Control,
        _take: &mut dyn FnMut(&[u8], u64) -> Result<()>,
    ) -> Result<u64> {
        Err(Error::new(ErrorKind::Unsupported, "this file can only be read in parts")
            .with_path(self.path_of(name)))
    }

    /// Whether the file at this path is in the store. A link there that leads elsewhere is in the store; a link elsewhere
    /// that leads there is not.
    fn holds(&self, _path: &Path) -> bool {
        false
    }

    /// The mode and the owner of a file, if files have these. The folder itself has the name "".
    #[cfg(unix)]
    fn attributes(&self, _name: &str) -> Option<std::fs::Metadata> {
        None
    }

    /// Fail now if a new archive could not get this name, as far as the store knows without writing.
    fn probe(&self, _name: &str) -> Result<()> {
        Ok(())
    }

    /// Whether removing the file gives others room on its disk.
    fn frees_room(&self, _name: &str) -> bool {
        false
    }

    /// Fail unless archives can be changed by hand here, and the description be brought in step afterwards.
    fn check_editable(&self) -> Result<()> {
        Ok(())
    }

    /// For how long neither of the two signatures of a file may fit it while it is published; `None` if one always fits.
    fn signature_delay(&self) -> Option<Duration> {
        None
    }
}

/// What is known of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) size: u64,
    /// When it was last changed; the beginning of all times if that is not stated.
    pub(super) modified: SystemTime,
    pub(super) version: Version,
    /// Distinguishes the file from another one of its name; 0 on a server.
    pub(super) inode: u64,
}

/// One publisher at work. It notes which archives it is about to add and to remove. In the end, those that no description
/// names are removed: by this publisher, or, if it was killed and its notes outlive it, by the next one.
pub(super) trait Session {
    /// Note an archive before it gets its name. `inode` distinguishes it from others of that name.
    fn intend_to_add(&mut self, file_name: &str, inode: u64) -> Result<()>;

    /// Note an archive before the description stops naming it; `false` if it does not exist.
    fn intend_to_remove(&mut self, file_name: &str) -> Result<bool>;

    /// Somebody else changed the description: forget what was to be removed, because that is decided again.
    fn begin_again(&mut self) {}

    /// The description is published.
    fn published(&mut self) {}

    /// The archives that were noted, if they are still the same files.
    fn intended(&self) -> Vec<String>;

    /// All that was noted is done or undone.
    fn settled(&mut self) -> Result<()>;

    /// The work failed, and undoing it failed too. No description names these archives.
    fn give_up(&mut self, _undescribed: &[String]) {}

    /// What to do if the work succeeded, but settling it failed.
    fn help(&self) -> &'static str;

    fn release(self: Box<Self>) -> Result<()>;
}

/// An archive that is being written. Dropped before it is placed, it leaves no trace.
pub(super) trait Staged: Write {
    /// All of it is written.
    fn finish(&mut self) -> Result<()>;

    /// Choose the first of these names that is free, or else the first. An archive that has a name already keeps it.
    fn choose(&mut self, names: &[String]) -> String;

    /// Give it the name that was chosen. From now on the session is responsible for it.
    fn place(&mut self, session: &mut dyn Session) -> Result<()>;
}
