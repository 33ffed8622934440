//! An archive on its way into a repository.

use std::borrow::Cow;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Repository;
use super::contents::{Contents, HashingWriter, Reading, look_at};
use super::file_name::{check_file_name, named_after, without_query};
use super::options::EntryOptions;
use crate::archive::open_source;
use crate::error::{Error, ErrorKind, Result};
use crate::fail_points::fail_point;
use crate::metainfo::Metainfo;
use crate::progress::Control;
use crate::source::ReadAt;
use crate::threads::Threads;

/// An archive on its way into a repository.
pub(super) trait Arrival {
    /// The name that it will have there, unless that is taken.
    fn file_name(&self) -> &str;

    /// Whether it is in the folder of the repository already.
    fn is_in_place(&self) -> bool {
        false
    }

    /// About as many bytes as it may have.
    fn most_bytes(&self) -> u64;

    /// What it says at its start: kind and metadata.
    fn look(&self) -> Result<Contents>;

    /// What it is, as far as that is known before it is written. An archive that exists is verified.
    fn prove(&mut self) -> Result<Contents>;

    /// Write all of it, and return what it is, with its SHA-256.
    fn write(&mut self, to: &mut dyn Write) -> Result<Contents>;
}

/// An archive that exists.
pub(super) struct Incoming<'a> {
    options: &'a EntryOptions,
    source: Arc<dyn ReadAt>,
    /// What errors call it.
    path: PathBuf,
    file_name: String,
    is_in_place: bool,
    /// What it proved to be.
    proved: Option<Contents>,
}

impl<'a> Incoming<'a> {
    /// The archive at a path or a URL, which has its name there unless another one is asked for.
    pub(super) fn at(repository: &Repository, path: &Path, options: &'a EntryOptions) -> Result<Self> {
        options.validate()?;
        let is_in_place = repository.store.holds(path);
        let own = path.file_name().and_then(|name| name.to_str()).map(without_query);
        if is_in_place && options.file_name.is_some() && options.file_name.as_deref() != own {
            return Err(Error::new(
                ErrorKind::InvalidValue,
                "the archive is already in the repository under another name",
            )
            .with_path(path)
            .with_field("file_name")
            .with_help("omit --file-name (`file_name`)"));
        }
        let file_name = options.file_name.as_deref().or(own).unwrap_or_default().to_owned();
        check_file_name("file_name", &file_name)?;
        let (source, path) = (open_source(path)?, path.to_owned());
        Ok(Self { options, source, path, file_name, is_in_place, proved: None })
    }

    /// The archive that a source gives, which is called after its template unless a name is asked for. `replaces` is the
    /// template whose archive it replaces.
    pub(super) fn from_source(
        source: Arc<dyn ReadAt>,
        path: &Path,
        replaces: Option<&str>,
        options: &'a EntryOptions,
    ) -> Result<Self> {
        options.validate()?;
        let (path, file_name) = (path.to_owned(), options.file_name.clone().unwrap_or_default());
        let mut incoming = Self { options, source, path, file_name, is_in_place: false, proved: None };
        if options.file_name.is_none() {
            let first = incoming.look()?;
            let given = options.name.as_deref().or(replaces).map(Cow::Borrowed);
            let name = given.or_else(|| first.metainfo.as_ref()?.os_name());
            incoming.file_name = named_after(&name.ok_or_else(no_name)?, first.kind)?;
        }
        Ok(incoming)
    }

    /// The name of its template.
    pub(super) fn template(&self) -> Result<Option<String>> {
        if self.options.name.is_some() {
            return Ok(self.options.name.clone());
        }
        Ok(self.look()?.metainfo.as_ref().and_then(Metainfo::os_name).map(Cow::into_owned))
    }

    fn reading(&self, control: Control) -> Reading {
        Reading { limits: self.options.limits, threads: Threads::ALL, control }
    }
}

impl Arrival for Incoming<'_> {
    fn file_name(&self) -> &str {
        &self.file_name
    }

    fn is_in_place(&self) -> bool {
        self.is_in_place
    }

    fn most_bytes(&self) -> u64 {
        self.source.size()
    }

    fn look(&self) -> Result<Contents> {
        let control = Control { progress: None, ..self.options.publish.control.clone() };
        look_at(&self.source, &self.path, true, &self.reading(control))
    }

    fn prove(&mut self) -> Result<Contents> {
        let reading = self.reading(self.options.publish.control.clone());
        let contents = look_at(&self.source, &self.path, false, &reading)?;
        Ok(self.proved.insert(contents).clone())
    }

    /// What is written must be what was proved.
    fn write(&mut self, to: &mut dyn Write) -> Result<Contents> {
        let mut hashing = HashingWriter::new(to);
        copy(&self.source, &mut hashing, &self.options.publish.control)
            .map_err(|error| error.with_path(&self.path))?;
        fail_point!("archive-copied");
        let sha256 = Some(hashing.sha256());
        self.proved.clone().filter(|proved| proved.sha256 == sha256).ok_or_else(|| {
            Error::new(ErrorKind::SourceChanged, "the archive changed while it was published")
                .with_path(&self.path)
                .with_help("publish it again when no program is writing to it")
        })
    }
}

/// Copy all of the archive.
fn copy(archive: &dyn ReadAt, to: &mut impl Write, control: &Control) -> Result<()> {
    let total = archive.size();
    let mut buffer = vec![0; 1 << 20];
    let mut done = 0;
    while done < total {
        let count = (total - done).min(buffer.len() as u64) as usize;
        archive.read_at(&mut buffer[..count], done)?;
        to.write_all(&buffer[..count])
            .map_err(|error| Error::io("cannot write into the repository", error))?;
        done += count as u64;
        control.report(done, total)?;
    }
    Ok(())
}

/// An archive that states no name is published under one that is given.
pub(super) fn no_name() -> Error {
    Error::new(ErrorKind::InvalidValue, "the archive does not contain the template's name")
        .with_field("name")
        .with_help("give it with --name (`name`)")
}
