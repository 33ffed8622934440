//! The entries of a repository's description.

use std::ffi::c_char;
use std::ptr;

use vmtemplate::repository::RepositoryEntry;

use crate::boundary::{AsStruct, Memory, Slot, Structs, free, get, handle, look, word};

/// Templates of a repository, as the description has them. It is immutable; any number of threads may use it.
pub struct vmt_entries(Slot<Structs<vmt_entry>>);
handle!(vmt_entries, Structs<vmt_entry>);

/// What the description of a repository says about a template.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vmt_entry {
    /// The name that users see.
    pub name: *const c_char,
    /// The tags, separated by commas.
    pub tags: *const c_char,
    /// The file name of the archive.
    pub file_name: *const c_char,
    /// The kind of template, by the file name of its archive: `kvm-template`, `kvm-image` or `lxd`.
    pub kind: *const c_char,
    /// The operating system family, as `vmt_os_family()` returns it; NULL for none.
    pub family: *const c_char,
    /// The name from which the node derives the name of the image file; NULL if the description has none.
    pub image_name: *const c_char,
    /// The partition that grows with the disk; NULL if the description has none.
    pub expand: *const c_char,
    /// The name of the network device; NULL if the description has none.
    pub network_device: *const c_char,
    /// The version of the template; NULL if neither the description nor the archive has one.
    pub version: *const c_char,
    /// The modification time of the archive in UTC, as `YYYY-MM-DD hh:mm:ss`; NULL if it is not known.
    pub modified: *const c_char,
    /// The size of the archive in MiB; 0 if it is not known.
    pub archive_size_mib: u64,
    /// The minimum disk size in MiB; 0 if the description has none.
    pub disk_mib: u64,
    /// The minimum memory in MiB; 0 if the description has none.
    pub memory_mib: u64,
    /// The entry as JSON, including keys that this library does not know.
    pub json: *const c_char,
}

impl AsStruct for RepositoryEntry {
    type Struct = vmt_entry;

    fn as_struct(&self, memory: &mut Memory) -> vmt_entry {
        vmt_entry {
            name: memory.text(&self.name),
            tags: memory.text(self.tags.to_string()),
            file_name: memory.text(&self.file_name),
            kind: memory.text(word(&self.kind())),
            family: memory.text_or_null(self.family().map(|family| family.to_string())),
            image_name: memory.text_or_null(self.image_name.as_ref()),
            expand: memory.text_or_null(self.expand.as_ref()),
            network_device: memory.text_or_null(self.network_device.as_ref()),
            version: memory.text_or_null(self.template_version.as_ref()),
            modified: memory.text_or_null(self.modified_utc.as_ref()),
            archive_size_mib: self.archive_size_mib.unwrap_or(0),
            disk_mib: self.hdd_mib_required.unwrap_or(0),
            memory_mib: self.min_ram_mib.unwrap_or(0),
            json: memory.json(self),
        }
    }
}

/// An entry of the list, which lives as long as the list; NULL past the end.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_entries_at(entries: *const vmt_entries, index: usize) -> *const vmt_entry {
    look(ptr::null(), || Ok(get(entries)?.at(index)))
}

/// Free a list. NULL is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_entries_free(entries: *mut vmt_entries) {
    look((), || free(entries));
}
