//! What a template holds beside metainfo.xml, the image and the script.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::archive::{Archive, ArchiveEntry, PackContent, PackEntry};
use crate::disk::{DiskImage, ImageFormat, OpenOptions};
use crate::error::{Error, ErrorKind, Result};
use crate::file::read_bounded;
use crate::metainfo::Metainfo;
use crate::named::{self, FolderContents, Named};

/// Files up to this size are packed out of memory; larger ones are read while they are packed.
const SMALL: u64 = 64 << 10;

/// The files that metainfo.xml names beside the two, and what it does not name.
#[derive(Debug, Default)]
pub(super) struct Rest {
    /// By name, which is their order in an archive.
    files: BTreeMap<String, File>,
    empty_folders: Vec<String>,
    pub(super) left_behind: Vec<String>,
    /// What is named and not there: `pxelinuxcfg: pxe.cfg`.
    pub(super) missing: Vec<String>,
}

#[derive(Debug)]
struct File {
    size: u64,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Path(PathBuf),
    Disk(DiskImage),
    Bytes(Vec<u8>),
    /// In the archive of another tool, which can only be read from its start.
    OutOfReach,
}

impl Rest {
    /// Of a template that is made of its metadata alone: all that is named is missing.
    pub(super) fn of_metainfo(metainfo: &Metainfo) -> Self {
        let mut rest = Self::default();
        rest.find_missing(metainfo);
        rest
    }

    pub(super) fn of_folder(folder: &Path, metainfo: &Metainfo) -> Result<Self> {
        let contents = FolderContents::read(folder, metainfo)?;
        let files = contents.files.into_iter();
        let mut rest = Self {
            files: files
                .map(|file| (file.name, File { size: file.size, content: Content::Path(file.path) }))
                .collect(),
            empty_folders: contents.empty_folders,
            left_behind: contents.left_behind,
            missing: Vec::new(),
        };
        rest.remove_the_two(metainfo);
        rest.find_missing(metainfo);
        Ok(rest)
    }

    pub(super) fn of_archive(archive: &Archive, metainfo: &Metainfo) -> Result<Self> {
        let entries = archive.entries()?;
        let named: Vec<Named> = named::others(metainfo).into_iter().filter_map(Result::ok).collect();
        let mut rest = Self { left_behind: named::unnamed(metainfo, entries), ..Self::default() };
        for entry in entries.iter().filter(|entry| named.iter().any(|named| named.holds(&entry.name))) {
            let content = match archive.disk(&entry.name) {
                Ok(disk) => Content::Disk(disk),
                Err(_) => archive.read(&entry.name).map_or(Content::OutOfReach, Content::Bytes),
            };
            rest.files.insert(entry.name.clone(), File { size: entry.size, content });
        }
        rest.remove_the_two(metainfo);
        rest.find_missing(metainfo);
        Ok(rest)
    }

    /// The image or the script may be named by another element as well, or lie in the folder that one names.
    fn remove_the_two(&mut self, metainfo: &Metainfo) {
        for name in [named::image_name(metainfo), named::script_name(metainfo)] {
            if let Ok(Some(name)) = name {
                self.files.remove(&name);
            }
        }
        self.files.remove(named::METAINFO);
    }

    fn find_missing(&mut self, metainfo: &Metainfo) {
        let two = [named::image_name(metainfo), named::script_name(metainfo)];
        let two: Vec<String> = two.into_iter().filter_map(|name| name.ok()?).collect();
        let named = named::others(metainfo).into_iter().filter_map(Result::ok);
        let missing = named.filter(|named| {
            let all = self.files.keys().chain(&self.empty_folders).chain(&two);
            named.is_needed && !all.into_iter().any(|name| named.holds(name))
        });
        self.missing = missing.map(|named| format!("{}: {}", named.key, named.name)).collect();
    }

    pub(super) fn files(&self) -> impl Iterator<Item = ArchiveEntry> {
        self.files.iter().map(|(name, file)| ArchiveEntry { name: name.clone(), size: file.size })
    }

    /// All of it, ready to be packed.
    pub(super) fn pack_entries(&self) -> Result<Vec<PackEntry>> {
        let folders = self.empty_folders.iter();
        let mut entries: Vec<PackEntry> =
            folders.map(|name| PackEntry { name: name.clone(), content: PackContent::Folder }).collect();
        for (name, file) in &self.files {
            let content = file.pack_content().map_err(|error| error.with_entry(name))?;
            entries.push(PackEntry { name: name.clone(), content });
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }
}

impl File {
    fn pack_content(&self) -> Result<PackContent> {
        match &self.content {
            Content::Bytes(bytes) => Ok(PackContent::Bytes(bytes.clone())),
            Content::Disk(disk) if self.size <= SMALL => {
                disk.read_vec(0, self.size as usize).map(PackContent::Bytes)
            }
            Content::Disk(disk) => Ok(PackContent::Disk(disk.clone())),
            Content::Path(path) if self.size <= SMALL => {
                let failed = |error| Error::io("cannot read a file of the template", error).with_path(path);
                let bytes = read_bounded(path, SMALL as usize).map_err(failed)?;
                bytes.map(PackContent::Bytes).ok_or_else(|| {
                    Error::new(ErrorKind::SourceChanged, "the file grew while the template was packed")
                        .with_path(path)
                        .with_help("pack the folder again when no program is writing to it")
                })
            }
            Content::Path(path) => {
                // Its bytes as they are, whatever it is: an ISO image is one of the things that are shared.
                let options = OpenOptions { format: Some(ImageFormat::Raw), ..OpenOptions::default() };
                DiskImage::open_with(path, &options).map(PackContent::Disk)
            }
            Content::OutOfReach => Err(Error::new(
                ErrorKind::Unsupported,
                "this archive was made by another tool, and this file can only be read from its start",
            )
            .with_help("unpack it first, and use the folder")),
        }
    }
}
