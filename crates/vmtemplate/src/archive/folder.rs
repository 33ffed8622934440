//! The files of an archive, made in a folder.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use super::entry::ArchiveEntry;
use super::parser::Sink;
use crate::error::{Error, ErrorKind, Result};
use crate::fail_points::fail_point;
use crate::file::PositionedIo;
use crate::output::OutputFolder;

pub(super) struct FolderSink {
    output: OutputFolder,
    /// The files that are asked for; `None` for all.
    only: Option<BTreeSet<String>>,
    /// Names at the root of the folder, looked up once.
    top: BTreeSet<String>,
    entries: Vec<ArchiveEntry>,
    current: Option<Current>,
    /// Files that workers may still write to.
    unsynced: Vec<Arc<File>>,
}

struct Current {
    name: Arc<str>,
    file: Arc<File>,
    shared: bool,
}

impl FolderSink {
    /// Into the folder at `path`, which may be new; `only` these files, or all where it is empty.
    pub(super) fn create(path: &Path, only: &[String]) -> Result<Self> {
        Ok(Self {
            output: OutputFolder::create(path)?,
            only: (!only.is_empty()).then(|| only.iter().cloned().collect()),
            top: BTreeSet::new(),
            entries: Vec::new(),
            current: None,
            unsynced: Vec::new(),
        })
    }

    /// The file that is being unpacked, for somebody who writes to it later; `None` where it is not asked for.
    pub(super) fn share(&mut self) -> Option<(Arc<str>, Arc<File>)> {
        let current = self.current.as_mut()?;
        current.shared = true;
        Some((Arc::clone(&current.name), Arc::clone(&current.file)))
    }

    /// Whether every file that was asked for by name is there, so that nothing more needs to be read.
    pub(super) fn has_all(&self) -> bool {
        self.current.is_none() && self.only.as_ref().is_some_and(BTreeSet::is_empty)
    }

    /// Give all files their place, the one named `last` after all others.
    pub(super) fn commit(self, last: &str) -> Result<Vec<ArchiveEntry>> {
        if let Some(missing) = self.only.as_ref().and_then(BTreeSet::first) {
            return Err(Error::new(ErrorKind::NotFound, "the archive has no such file").with_entry(missing));
        }
        for file in self.unsynced {
            sync(&file)?;
        }
        self.output.commit(last)?;
        Ok(self.entries)
    }

    /// Fail if something is in the folder where the file of this name would go.
    pub(super) fn refuse_existing(&mut self, name: &str) -> Result<()> {
        let top = name.split('/').next().unwrap_or(name);
        if self.top.insert(top.to_owned()) {
            self.output.refuse_existing(top)?;
        }
        Ok(())
    }

    fn make_folder(&self, name: &str) -> Result<()> {
        let path = self.output.staged(name);
        fs::create_dir_all(&path).map_err(|e| Error::io("cannot create a folder", e).with_path(path))
    }
}

impl Sink for FolderSink {
    fn folder(&mut self, name: &str) -> Result<()> {
        if self.only.is_some() {
            return Ok(());
        }
        self.refuse_existing(name)?;
        self.make_folder(name)
    }

    fn file(&mut self, name: &str, size: u64) -> Result<()> {
        if self.only.as_mut().is_some_and(|only| !only.remove(name)) {
            return Ok(());
        }
        self.refuse_existing(name)?;
        if let Some((parent, _)) = name.rsplit_once('/') {
            self.make_folder(parent)?;
        }
        let path = self.output.staged(name);
        let file = File::create_new(&path)
            .and_then(|file| file.set_len(size).map(|()| file))
            .map_err(|e| Error::io("cannot create a file", e).with_path(path))?;
        self.entries.push(ArchiveEntry { name: name.to_owned(), size });
        self.current = Some(Current { name: name.into(), file: Arc::new(file), shared: false });
        Ok(())
    }

    fn data(&mut self, offset: u64, bytes: &[u8]) -> Result<()> {
        let Some(current) = &self.current else { return Ok(()) };
        write(&current.file, bytes, offset)
    }

    fn end_file(&mut self) -> Result<()> {
        match self.current.take() {
            Some(Current { file, shared: true, .. }) => self.unsynced.push(file),
            Some(Current { file, shared: false, .. }) => sync(&file)?,
            None => {}
        }
        fail_point!("unpack-file-written");
        Ok(())
    }
}

pub(super) fn write(file: &File, bytes: &[u8], offset: u64) -> Result<()> {
    file.write_sparse_at(bytes, offset).map(drop).map_err(|e| Error::io("cannot write an unpacked file", e))
}

fn sync(file: &File) -> Result<()> {
    file.sync_all().map_err(|e| Error::io("cannot write an unpacked file to the disk", e))
}
