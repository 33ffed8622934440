//! The files of an archive: those that are in it, and those that go into one.

use crate::disk::{DiskImage, FreeSpaceReport};

/// A file in an archive.
///
/// ```
/// let entry = vmtemplate::archive::ArchiveEntry { name: "metainfo.xml".into(), size: 512 };
/// assert_eq!(entry.size, 512);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ArchiveEntry {
    /// Its name, with `/` between folders.
    pub name: String,
    /// Its size in bytes, holes included.
    pub size: u64,
}

/// What goes into an archive, and what became of the free space of the image.
#[derive(Debug)]
pub(crate) struct PackEntries {
    pub(crate) entries: Vec<PackEntry>,
    pub(crate) free_space: FreeSpaceReport,
}

/// A file that goes into an archive.
#[derive(Debug)]
pub(crate) struct PackEntry {
    pub(crate) name: String,
    pub(crate) content: PackContent,
}

#[derive(Debug)]
pub(crate) enum PackContent {
    /// A folder that has nothing in it.
    Folder,
    Bytes(Vec<u8>),
    Disk(DiskImage),
}
