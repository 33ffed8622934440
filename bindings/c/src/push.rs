//! Packing templates directly into a repository.

use std::ffi::c_char;
use std::ptr;

use vmtemplate::repository::{PushOptions, Pushed};

use crate::boundary::{AsStruct, Memory, Slot, Structs, build, free, get, handle, look, read};
use crate::error::vmt_error;
use crate::pack::{pack_options, vmt_pack_options, vmt_packed_info};
use crate::repository::{VMT_ENTRY_REPLACE, entry_flags, entry_options, vmt_entry_options, vmt_repository};
use crate::repository_entry::vmt_entry;
use crate::template::vmt_template;

/// The result of packing a template into a repository. It is immutable; any number of threads may use it.
pub struct vmt_pushed(Slot<Structs<vmt_pushed_info>>);
handle!(vmt_pushed, Structs<vmt_pushed_info>);

/// A template that was packed into a repository.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vmt_pushed_info {
    /// What the description now says about the template.
    pub entry: *const vmt_entry,
    /// What packing read and wrote.
    pub packed: *const vmt_packed_info,
    /// The SHA-256 of the archive, in hex.
    pub sha256: *const c_char,
    /// Everything as JSON, as `vmtemplate repo push --json` prints it.
    pub json: *const c_char,
}

impl AsStruct for Pushed {
    type Struct = vmt_pushed_info;

    fn as_struct(&self, memory: &mut Memory) -> vmt_pushed_info {
        vmt_pushed_info {
            entry: memory.structure(&self.entry),
            packed: memory.structure(&self.pack),
            sha256: memory.text(&self.sha256),
            json: memory.json(self),
        }
    }
}

/// Pack a template directly into the repository, and describe it. With `VMT_ENTRY_REPLACE` it replaces the template
/// with the same name, if one exists. Both options may be NULL.
///
/// Fails as `vmt_template_pack()` and `vmt_repository_add()` do.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_repository_push(
    repository: *const vmt_repository,
    template: *const vmt_template,
    pack: *const vmt_pack_options,
    entry: *const vmt_entry_options,
    err: *mut *mut vmt_error,
) -> *mut vmt_pushed {
    build(err, || {
        let replace = entry_flags(&read(entry)?)? & VMT_ENTRY_REPLACE != 0;
        let options = PushOptions { pack: pack_options(pack)?, entry: entry_options(entry)?, replace };
        Ok(Structs::one(&get(repository)?.repository.push(&get(template)?.template, &options)?))
    })
}

/// Its parts, which live as long as it does; NULL for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_pushed_get(pushed: *const vmt_pushed) -> *const vmt_pushed_info {
    look(ptr::null(), || Ok(get(pushed)?.pointer()))
}

/// Free it. NULL is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_pushed_free(pushed: *mut vmt_pushed) {
    look((), || free(pushed));
}
