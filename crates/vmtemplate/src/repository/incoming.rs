//! An archive on its way into a repository.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Repository;
use super::contents::{Contents, Reading, look_at};
use super::file_name::{check_file_name, end_of, named_after, without_query};
use super::options::EntryOptions;
use crate::archive::open_source;
use crate::error::{Error, ErrorKind, Result};
use crate::metainfo::Metainfo;
use crate::progress::Control;
use crate::source::ReadAt;
use crate::threads::Threads;

/// An archive on its way into a repository.
pub(super) struct Incoming {
    pub(super) source: Arc<dyn ReadAt>,
    /// What errors call it.
    pub(super) path: PathBuf,
    /// The name that it is to have in the repository.
    pub(super) file_name: String,
    /// It is in the folder of the repository already.
    pub(super) is_in_place: bool,
}

impl Incoming {
    /// The archive at a path or a URL, which has its name there unless another one is asked for.
    pub(super) fn at(repository: &Repository, path: &Path, options: &EntryOptions) -> Result<Self> {
        options.validate()?;
        let is_in_place = repository.holds(path);
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
        Ok(Self { source: open_source(path)?, path: path.to_owned(), file_name, is_in_place })
    }

    /// The archive that a source gives, which is called after its template unless a name is asked for. `replaces` is the
    /// template whose archive it replaces.
    pub(super) fn from_source(
        source: Arc<dyn ReadAt>,
        path: &Path,
        replaces: Option<&str>,
        options: &EntryOptions,
    ) -> Result<Self> {
        options.validate()?;
        let path = path.to_owned();
        let mut incoming = Self { source, path, file_name: String::new(), is_in_place: false };
        incoming.file_name = if let Some(name) = &options.file_name {
            name.clone()
        } else {
            let first = incoming.look(options)?;
            let given = options.name.as_deref().or(replaces).map(Cow::Borrowed);
            let name = given.or_else(|| first.metainfo.as_ref()?.os_name());
            named_after(&name.ok_or_else(no_name)?, end_of(first.kind), options.file_name.as_deref())?
        };
        Ok(incoming)
    }

    /// What states its kind and its name.
    pub(super) fn look(&self, options: &EntryOptions) -> Result<Contents> {
        look_at(&self.source, &self.path, true, &verify_options(options))
    }

    /// All of it.
    pub(super) fn prove(&self, options: &EntryOptions) -> Result<Contents> {
        look_at(&self.source, &self.path, false, &verify_options(options))
    }

    /// The name of its template.
    pub(super) fn template(&self, options: &EntryOptions) -> Result<Option<String>> {
        if options.name.is_some() {
            return Ok(options.name.clone());
        }
        Ok(self.look(options)?.metainfo.as_ref().and_then(Metainfo::os_name).map(Cow::into_owned))
    }
}

/// An archive that states no name is published under one that is given.
pub(super) fn no_name() -> Error {
    Error::new(ErrorKind::InvalidValue, "the archive does not contain the template's name")
        .with_field("name")
        .with_help("give it with --name (`name`)")
}

fn verify_options(options: &EntryOptions) -> Reading {
    Reading {
        limits: options.limits,
        threads: Threads::ALL,
        control: Control { progress: None, ..options.publish.control.clone() },
    }
}
