//! The storage of a repository: a local folder, or one on a server.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use crate::archive::open_source;
use crate::error::{Error, ErrorKind, Result};
use crate::file::read_bounded;
use crate::progress::Control;
use crate::remote::{Location, RemoteFolder};
use crate::source::ReadAt;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Store {
    Folder(PathBuf),
    Remote(RemoteFolder),
}

impl Store {
    pub(super) fn of(path: &Path) -> Result<Self> {
        Ok(match Location::of(path)? {
            Location::Path(path) => Self::Folder(path),
            Location::Url(url) => Self::Remote(RemoteFolder::open(&url)?),
        })
    }

    /// The folder as messages call it.
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Folder(path) => path,
            Self::Remote(folder) => folder.url().as_ref(),
        }
    }

    pub(super) fn path_of(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Whether a file is there, a link that leads nowhere included.
    pub(super) fn is_there(&self, name: &str) -> Result<bool> {
        match self {
            Self::Folder(path) => Ok(is_there(&path.join(name))),
            Self::Remote(folder) => Ok(folder.modified(name)?.is_some()),
        }
    }

    /// The same, but a link that leads nowhere is no file.
    pub(super) fn leads_to_data(&self, name: &str) -> Result<bool> {
        match self {
            Self::Folder(path) => Ok(path.join(name).exists()),
            Self::Remote(_) => self.is_there(name),
        }
    }

    /// The bytes of a small file; `None` if it does not exist.
    pub(super) fn read(&self, name: &str, max: usize) -> Result<Option<Vec<u8>>> {
        match self {
            Self::Folder(path) => read_if_there(&path.join(name), max),
            Self::Remote(folder) => Ok(folder.get(name, max)?.map(|(bytes, _)| bytes)),
        }
    }

    /// An archive for reading at any offset.
    pub(super) fn archive(&self, name: &str) -> Result<Arc<dyn ReadAt>> {
        match self {
            Self::Folder(path) => open_source(&path.join(name)),
            Self::Remote(folder) => folder.source(name),
        }
    }

    /// All of an archive in order, from a server that gives no parts of it. `take` gets the bytes, and how many there are
    /// in all, or 0. Gives their number.
    pub(super) fn whole(
        &self,
        name: &str,
        control: &Control,
        take: &mut dyn FnMut(&[u8], u64) -> Result<()>,
    ) -> Result<u64> {
        match self {
            Self::Folder(path) => {
                Err(Error::new(ErrorKind::Unsupported, "this file can only be read in parts")
                    .with_path(path.join(name)))
            }
            Self::Remote(folder) => folder.whole(name, control, take),
        }
    }

    /// The names of the files in the folder, sorted; `None` where they cannot be listed.
    pub(super) fn names(&self) -> Result<Option<Vec<String>>> {
        let mut names: Vec<String> = match self {
            Self::Folder(path) => fs::read_dir(path)
                .map_err(|error| Error::io("cannot list the folder", error).with_path(path))?
                .flatten()
                .filter_map(|entry| entry.file_name().into_string().ok())
                .collect(),
            Self::Remote(folder) => match folder.files()? {
                Some(files) => files.into_iter().map(|file| file.name).collect(),
                None => return Ok(None),
            },
        };
        names.sort();
        Ok(Some(names))
    }

    /// When a file was last changed.
    pub(super) fn modified(&self, name: &str) -> Result<SystemTime> {
        match self {
            Self::Folder(path) => {
                let path = path.join(name);
                let found = fs::metadata(&path).and_then(|found| found.modified());
                found.map_err(|error| Error::io("cannot examine the archive", error).with_path(path))
            }
            Self::Remote(folder) => folder.modified(name)?.ok_or_else(|| {
                Error::new(ErrorKind::NotFound, "the archive does not exist").with_path(self.path_of(name))
            }),
        }
    }
}

/// The bytes of a file, if it is there.
pub(super) fn read_if_there(path: &Path, max: usize) -> Result<Option<Vec<u8>>> {
    match read_bounded(path, max) {
        Ok(Some(bytes)) => Ok(Some(bytes)),
        Ok(None) => {
            let message = format!("the file has more than {max} bytes");
            Err(Error::new(ErrorKind::LimitExceeded, message).with_path(path))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("cannot read the file", error).with_path(path)),
    }
}

/// Whether there is a file, a link that leads nowhere included.
pub(super) fn is_there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}
