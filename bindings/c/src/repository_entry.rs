//! The entries of a repository's description.

use std::ffi::c_char;
use std::ptr;

use vmtemplate::repository::RepositoryEntry;

use crate::boundary::{Outcome, Slot, Text, fixed, free, get, handle, json, look, named, text, word};

/// Templates of a repository, as the description has them. It is immutable; any number of threads may use it.
pub struct vmt_entries(Slot<Entries>);
handle!(vmt_entries, Entries);

#[derive(Debug)]
pub(crate) struct Entries(Vec<EntryValue>);

#[derive(Debug)]
struct EntryValue {
    entry: RepositoryEntry,
    name: Text,
    tags: Text,
    file_name: Text,
    image_name: Option<Text>,
    version: Option<Text>,
    modified: Option<Text>,
    json: Text,
}

impl Entries {
    pub(crate) fn new(entries: impl IntoIterator<Item = RepositoryEntry>) -> Outcome<Self> {
        let value = |entry: RepositoryEntry| -> Outcome<EntryValue> {
            Ok(EntryValue {
                name: Text::new(&entry.name),
                tags: Text::new(entry.tags.to_string()),
                file_name: Text::new(&entry.file_name),
                image_name: entry.image_name.as_ref().map(Text::new),
                version: entry.template_version.as_ref().map(Text::new),
                modified: entry.modified_utc.as_ref().map(Text::new),
                json: Text::new(json(&entry)?),
                entry,
            })
        };
        Ok(Self(entries.into_iter().map(value).collect::<Outcome<_>>()?))
    }
}

fn part(
    entries: *const vmt_entries,
    index: usize,
    length: *mut usize,
    see: impl FnOnce(&EntryValue) -> Option<&Text>,
) -> *const c_char {
    text(length, || Ok(get(entries)?.0.get(index).and_then(see)))
}

/// The number of templates.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_entries_count(entries: *const vmt_entries) -> usize {
    look(0, || Ok(get(entries)?.0.len()))
}

/// The name that users see; NULL past the end.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_entries_name(
    entries: *const vmt_entries,
    index: usize,
    length: *mut usize,
) -> *const c_char {
    part(entries, index, length, |entry| Some(&entry.name))
}

/// The tags, separated by commas; NULL past the end.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_entries_tags(
    entries: *const vmt_entries,
    index: usize,
    length: *mut usize,
) -> *const c_char {
    part(entries, index, length, |entry| Some(&entry.tags))
}

/// The file name of the archive; NULL past the end.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_entries_file_name(
    entries: *const vmt_entries,
    index: usize,
    length: *mut usize,
) -> *const c_char {
    part(entries, index, length, |entry| Some(&entry.file_name))
}

/// The name from which the node derives the name of the image file; NULL if the description has none.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_entries_image_name(
    entries: *const vmt_entries,
    index: usize,
    length: *mut usize,
) -> *const c_char {
    part(entries, index, length, |entry| entry.image_name.as_ref())
}

/// The version of the template; NULL if neither the description nor the archive has one.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_entries_version(
    entries: *const vmt_entries,
    index: usize,
    length: *mut usize,
) -> *const c_char {
    part(entries, index, length, |entry| entry.version.as_ref())
}

/// The modification time of the archive in UTC, as `YYYY-MM-DD hh:mm:ss`; NULL if it is not known.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_entries_modified(
    entries: *const vmt_entries,
    index: usize,
    length: *mut usize,
) -> *const c_char {
    part(entries, index, length, |entry| entry.modified.as_ref())
}

/// The size of the archive in MiB; 0 if the description does not have it.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_entries_archive_size_mib(entries: *const vmt_entries, index: usize) -> u64 {
    look(0, || Ok(get(entries)?.0.get(index).and_then(|value| value.entry.archive_size_mib).unwrap_or(0)))
}

/// The operating system family, as `vmt_os_family()` returns it; NULL for none. The text is static.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_entries_family(entries: *const vmt_entries, index: usize) -> *const c_char {
    text(ptr::null_mut(), || Ok(get(entries)?.0.get(index).and_then(|value| value.entry.family()).map(named)))
}

/// The kind of template, by the file name of its archive: `kvm-template`, `kvm-image` or `lxd`; NULL past the end. The
/// text is static.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_entries_kind(entries: *const vmt_entries, index: usize) -> *const c_char {
    text(ptr::null_mut(), || {
        let Some(value) = get(entries)?.0.get(index) else { return Ok(None) };
        Ok(word(&value.entry.kind())?.map(|kind| fixed(&kind)))
    })
}

/// The entry as JSON, including keys that this library does not know; NULL past the end.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_entries_json(
    entries: *const vmt_entries,
    index: usize,
    length: *mut usize,
) -> *const c_char {
    part(entries, index, length, |entry| Some(&entry.json))
}

/// Free a list. NULL is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_entries_free(entries: *mut vmt_entries) {
    look((), || free(entries));
}
