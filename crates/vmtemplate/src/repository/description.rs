//! The file that describes a repository, of either form.

use super::entry::RepositoryEntry;
use super::format::RepositoryFormat;
use super::json;
use super::metadata_json::{MetadataJson, Problem};
use super::metadata_xml::MetadataXml;
use super::store::Store;
use crate::error::{Error, ErrorKind, Result};

#[derive(Debug, Clone)]
pub(super) enum Description {
    Json(MetadataJson),
    Xml(MetadataXml),
}

impl Description {
    pub(super) fn parse(format: RepositoryFormat, bytes: &[u8]) -> Result<Self> {
        match format {
            RepositoryFormat::Vm6 => MetadataJson::parse(bytes).map(Self::Json),
            RepositoryFormat::Vm5 => MetadataXml::parse(bytes).map(Self::Xml),
        }
    }

    /// The description that is there.
    pub(super) fn read(store: &dyn Store, format: RepositoryFormat) -> Result<Self> {
        let bytes = read_description(store, format)?;
        Self::parse(format, &bytes).map_err(|error| error.with_path(store.path_of(format.file_name())))
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Json(json) => json.to_bytes(),
            Self::Xml(xml) => xml.to_bytes(),
        }
    }

    pub(super) fn entries(&self) -> Vec<RepositoryEntry> {
        match self {
            Self::Json(json) => json.entries(),
            Self::Xml(xml) => xml.entries(),
        }
    }

    pub(super) fn problems(&self) -> Vec<Problem> {
        match self {
            Self::Json(json) => json.problems(),
            Self::Xml(xml) => xml.problems(),
        }
    }

    /// Put a template at the end, with `more` keys that are not known. metadata.xml has none of these.
    pub(super) fn add(&mut self, entry: &RepositoryEntry, more: &[(String, String)]) -> Result<()> {
        match self {
            Self::Json(json) => json.add(entry, more),
            Self::Xml(xml) => xml.add(entry),
        }
    }

    /// Set what `entry` has to say of the template at `index`, and `more` keys.
    pub(super) fn update(
        &mut self,
        index: usize,
        entry: RepositoryEntry,
        more: &[(String, String)],
    ) -> Result<()> {
        match self {
            Self::Json(json) => json.update(&[(index, entry)], more),
            Self::Xml(xml) => xml.update(&[(index, entry)]),
        }
    }

    /// Set what these entries have to say of the templates at their indexes: one edit of the text, however many.
    pub(super) fn update_all(&mut self, entries: &[(usize, RepositoryEntry)]) -> Result<()> {
        match self {
            Self::Json(json) => json.update(entries, &[]),
            Self::Xml(xml) => xml.update(entries),
        }
    }

    pub(super) fn remove(&mut self, index: usize) -> Result<()> {
        match self {
            Self::Json(json) => json.remove(index),
            Self::Xml(xml) => xml.remove(index),
        }
    }
}

pub(super) fn read_description(store: &dyn Store, format: RepositoryFormat) -> Result<Vec<u8>> {
    let read = store.get(format.file_name(), json::MAX_BYTES)?;
    read.map(|(bytes, _)| bytes).ok_or_else(|| no_description(store, format))
}

pub(super) fn no_description(store: &dyn Store, format: RepositoryFormat) -> Error {
    Error::new(ErrorKind::NotFound, "the repository has no description")
        .with_path(store.path_of(format.file_name()))
        .with_help("create a repository there: `vmtemplate repo init FOLDER`")
}
