//! A repository in object storage, where nothing can be locked and nothing renamed.
//!
//! Several publishers work at once. Small files are written on the condition that they are still what was read, so that
//! a publisher that was overtaken notices. An archive's name is claimed by an empty file that is written only where there
//! is none. A publisher that is killed leaves what nobody describes: an empty file, or an archive.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::{Found, Precondition, Session, Staged, Store, Version};
use crate::error::{Error, ErrorKind, Result};
use crate::fail_points::fail_point;
use crate::progress::Control;
use crate::remote::{Listed, RemoteFolder, Upload};
use crate::source::ReadAt;

/// A server is asked about no more files than this; a question takes some milliseconds.
const MOST_ASKED: usize = 1000;

/// How long the signature of a file may come after it.
const SIGNING: Duration = Duration::from_millis(200);

#[derive(Debug, Clone)]
pub(super) struct RemoteStore {
    folder: RemoteFolder,
}

impl RemoteStore {
    pub(super) fn open(url: &str) -> Result<Self> {
        Ok(Self { folder: RemoteFolder::open(url)? })
    }

    /// Take the first of these names that nobody has.
    fn claim(&self, names: &[String]) -> Result<String> {
        for name in names {
            if self.folder.put(name, b"", Precondition::Absent)?.is_some() {
                fail_point!("remote-name-claimed");
                return Ok(name.clone());
            }
        }
        let first = names.first().map(String::as_str).unwrap_or_default();
        Err(Error::new(ErrorKind::AlreadyExists, "a file with this name exists, but no template refers to it")
            .with_path(self.path_of(first))
            .with_help(
                "another publisher is uploading it, or was interrupted: wait, remove the file, or give another name \
                 with --file-name (`file_name`)",
            ))
    }
}

fn found(listed: &Listed, version: Version) -> Found {
    Found { size: listed.size, modified: listed.modified, version, inode: 0 }
}

impl Store for RemoteStore {
    fn path(&self) -> &Path {
        self.folder.url().as_ref()
    }

    fn like(&self, _model: &'static str) -> Arc<dyn Store> {
        Arc::new(self.clone())
    }

    fn create(&self, name: &str, bytes: &[u8]) -> Result<()> {
        if self.folder.put(name, bytes, Precondition::Absent)?.is_some() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::AlreadyExists, "the folder already contains a repository")
            .with_path(self.path_of(name))
            .with_help("open it, or choose another folder"))
    }

    fn get(&self, name: &str, max: usize) -> Result<Option<(Vec<u8>, Version)>> {
        self.folder.get(name, max)
    }

    fn put(&self, name: &str, bytes: &[u8], precondition: Precondition<'_>) -> Result<Option<Version>> {
        fail_point!("remote-file-ready");
        self.folder.put(name, bytes, precondition)
    }

    fn delete(&self, name: &str) -> Result<()> {
        fail_point!("remote-file-retired");
        self.folder.delete(name)
    }

    fn list(&self) -> Result<Option<Vec<String>>> {
        let files = self.folder.files()?;
        Ok(files.map(|files| {
            let mut names: Vec<_> = files.into_iter().map(|file| file.name).collect();
            names.sort();
            names
        }))
    }

    fn begin(&self, _timeout: Duration, control: &Control) -> Result<Box<dyn Session>> {
        control.stop_if_cancelled()?;
        self.folder.check_writable()?;
        Ok(Box::new(RemoteSession { folder: self.folder.clone(), added: None, removed: None }))
    }

    fn stage(&self, names: &[String], most: u64, control: &Control) -> Result<Box<dyn Staged>> {
        let name = self.claim(names)?;
        let mut staged = RemoteStaged { folder: self.folder.clone(), is_placed: false, upload: None, name };
        staged.upload = Some(self.folder.upload(&staged.name, most, control)?);
        Ok(Box::new(staged))
    }

    fn rename(
        &self,
        _from: &str,
        to: &str,
        bytes: &[u8],
        precondition: Precondition<'_>,
    ) -> Result<Option<Version>> {
        self.put(to, bytes, precondition)
    }

    fn exists(&self, name: &str) -> Result<bool> {
        Ok(self.folder.head(name)?.is_some())
    }

    fn head(&self, name: &str) -> Result<Option<Found>> {
        Ok(self.folder.head(name)?.map(|(listed, version)| found(&listed, version)))
    }

    fn look_up(&self, names: &[&str]) -> Vec<(String, Found)> {
        if names.len() > MOST_ASKED {
            return Vec::new();
        }
        // Somebody who may read the description is not always allowed to examine other files.
        let files = self.folder.look_up(names).unwrap_or_default();
        files
            .into_iter()
            .map(|file| {
                let found = found(&file, Version::default());
                (file.name, found)
            })
            .collect()
    }

    fn archive(&self, name: &str) -> Result<Arc<dyn ReadAt>> {
        self.folder.source(name)
    }

    fn whole(
        &self,
        name: &str,
        control: &Control,
        take: &mut dyn FnMut(&[u8], u64) -> Result<()>,
    ) -> Result<u64> {
        self.folder.whole(name, control, take)
    }

    fn check_editable(&self) -> Result<()> {
        Err(Error::new(ErrorKind::Unsupported, "only a repository in a local folder can be synchronised")
            .with_path(self.path())
            .with_help("replace the templates whose archives changed, one by one"))
    }

    fn signature_delay(&self) -> Option<Duration> {
        Some(SIGNING)
    }
}

/// One of several publishers. Its notes end with it.
struct RemoteSession {
    folder: RemoteFolder,
    added: Option<String>,
    removed: Option<String>,
}

impl Session for RemoteSession {
    fn intend_to_add(&mut self, file_name: &str, _inode: u64) -> Result<()> {
        self.added = Some(file_name.to_owned());
        Ok(())
    }

    fn intend_to_remove(&mut self, file_name: &str) -> Result<bool> {
        self.removed = Some(file_name.to_owned());
        Ok(true)
    }

    fn begin_again(&mut self) {
        self.removed = None;
    }

    /// If a description stops naming the archive from now on, another publisher did that, and removes the archive.
    fn published(&mut self) {
        fail_point!("remote-described");
        self.added = None;
    }

    fn intended(&self) -> Vec<String> {
        self.added.iter().chain(&self.removed).cloned().collect()
    }

    fn settled(&mut self) -> Result<()> {
        Ok(())
    }

    /// No later publisher knows of these archives. If a checksum stays without its file, `verify` reports it.
    fn give_up(&mut self, undescribed: &[String]) {
        for name in undescribed {
            self.folder.delete(name).ok();
        }
    }

    fn help(&self) -> &'static str {
        "the description has been changed; remove the archive that it no longer names by hand"
    }

    fn release(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

/// An archive that is sent while it is made, under a name that was claimed.
struct RemoteStaged {
    folder: RemoteFolder,
    name: String,
    /// `None` after the end.
    upload: Option<Upload>,
    is_placed: bool,
}

impl Staged for RemoteStaged {
    fn finish(&mut self) -> Result<()> {
        fail_point!("remote-parts-sent");
        self.upload.take().map_or(Ok(()), Upload::finish)?;
        fail_point!("remote-archive-sent");
        Ok(())
    }

    fn choose(&mut self, _names: &[String]) -> String {
        self.name.clone()
    }

    fn place(&mut self, session: &mut dyn Session) -> Result<()> {
        session.intend_to_add(&self.name, 0)?;
        self.is_placed = true;
        Ok(())
    }
}

impl Write for RemoteStaged {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match &mut self.upload {
            Some(upload) => upload.write(buf),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// No description can name the archive yet, because its name was claimed.
impl Drop for RemoteStaged {
    fn drop(&mut self) {
        self.upload = None;
        if !self.is_placed {
            // The error that led here is reported, not this one; `verify` reports what is left.
            self.folder.delete(&self.name).ok();
        }
    }
}
