//! Lists of files.

use std::ffi::c_char;
use std::ptr;

use vmtemplate::archive::{ArchiveEntry, VerifiedFile};
use vmtemplate::disk::NtfsEntry;

use crate::boundary::{AsStruct, Memory, Slot, Structs, free, get, handle, look};

/// The files of an archive, a template or a folder. It is immutable; any number of threads may use it.
pub struct vmt_files(Slot<Files>);
handle!(vmt_files, Files);

pub(crate) type Files = Structs<vmt_file>;

impl vmt_files {
    pub(crate) fn lent(entries: &[ArchiveEntry]) -> Self {
        Self(Slot::lent(Structs::of(entries)))
    }
}

/// A file or a folder.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vmt_file {
    /// Its name; in an archive, with `/` between folders.
    pub name: *const c_char,
    /// Its size in bytes.
    pub size: u64,
    /// Whether it is a folder. Lists of archives and templates contain files only.
    pub is_folder: bool,
    /// Its SHA-256 in hex if the archive was verified; NULL otherwise.
    pub sha256: *const c_char,
}

impl AsStruct for ArchiveEntry {
    type Struct = vmt_file;

    fn as_struct(&self, memory: &mut Memory) -> vmt_file {
        vmt_file { name: memory.text(&self.name), size: self.size, is_folder: false, sha256: ptr::null() }
    }
}

impl AsStruct for VerifiedFile {
    type Struct = vmt_file;

    fn as_struct(&self, memory: &mut Memory) -> vmt_file {
        let (name, sha256) = (memory.text(&self.name), memory.text(&self.sha256));
        vmt_file { name, size: self.size, is_folder: false, sha256 }
    }
}

impl AsStruct for NtfsEntry {
    type Struct = vmt_file;

    fn as_struct(&self, memory: &mut Memory) -> vmt_file {
        let (size, is_folder) = (self.size, self.is_folder);
        vmt_file { name: memory.text(&self.name), size, is_folder, sha256: ptr::null() }
    }
}

/// A file of the list, which lives as long as the list; NULL past the end.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_files_at(files: *const vmt_files, index: usize) -> *const vmt_file {
    look(ptr::null(), || Ok(get(files)?.at(index)))
}

/// Free a list. NULL, and a list that is part of a template or an archive, are ignored.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_files_free(files: *mut vmt_files) {
    look((), || free(files));
}
