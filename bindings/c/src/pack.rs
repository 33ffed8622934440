//! Options and result of packing.

use std::ffi::c_char;
use std::ptr;

use vmtemplate::archive::{Level, PackOptions, PackSummary};
use vmtemplate::progress::Threads;

use crate::boundary::{AsStruct, Memory, Outcome, Slot, Structs, free, get, handle, look, read};
use crate::control::{chosen, vmt_control};
use crate::free_space::{free_space, usage, vmt_usage, vmt_volume};
use crate::script::flags;

/// Replace an existing archive.
pub const VMT_PACK_OVERWRITE: u32 = 1;
/// Do not store the holes of the image, for nodes that unpack with GNU tar or bsdtar.
pub const VMT_PACK_SPARSE: u32 = 2;
/// Also pack what file systems mark free.
pub const VMT_PACK_KEEP_FREE_SPACE: u32 = 4;
/// Also leave out the contents of page files.
pub const VMT_PACK_DROP_PAGE_FILES: u32 = 8;
/// Use `mtime` as the time of the entries, instead of `SOURCE_DATE_EPOCH` or a fixed time.
pub const VMT_PACK_MTIME: u32 = 16;
/// Use `level` as the compression level, instead of the default.
pub const VMT_PACK_LEVEL: u32 = 32;

/// Options for packing a template. Fields that are zero have their defaults.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vmt_pack_options {
    /// `sizeof(vmt_pack_options)`.
    pub struct_size: usize,
    /// A combination of `VMT_PACK_` flags.
    pub flags: u32,
    /// The compression level from 1 to 12; used with `VMT_PACK_LEVEL`.
    pub level: i32,
    /// Threads that compress; 0 means one per CPU.
    pub threads: u32,
    /// The time of the entries in seconds since 1970; used with `VMT_PACK_MTIME`.
    pub mtime: u64,
    /// Reports progress and cancels the work; may be NULL.
    pub control: *const vmt_control,
}

pub(crate) fn pack_options(options: *const vmt_pack_options) -> Outcome<PackOptions> {
    let options = read(options)?;
    let known = flags(
        options.flags,
        VMT_PACK_OVERWRITE
            | VMT_PACK_SPARSE
            | VMT_PACK_KEEP_FREE_SPACE
            | VMT_PACK_DROP_PAGE_FILES
            | VMT_PACK_MTIME
            | VMT_PACK_LEVEL,
    )?;
    let has = |flag| known & flag != 0;
    Ok(PackOptions {
        level: if has(VMT_PACK_LEVEL) { Level::new(options.level)? } else { Level::DEFAULT },
        threads: Threads::new(options.threads as usize),
        mtime: has(VMT_PACK_MTIME).then_some(options.mtime),
        overwrite: has(VMT_PACK_OVERWRITE).into(),
        free_space: free_space(has(VMT_PACK_KEEP_FREE_SPACE)),
        drop_page_files: has(VMT_PACK_DROP_PAGE_FILES),
        sparse: has(VMT_PACK_SPARSE),
        control: chosen(options.control)?,
    })
}

/// The result of packing. It is immutable; any number of threads may use it.
pub struct vmt_packed(Slot<Structs<vmt_packed_info>>);
handle!(vmt_packed, Structs<vmt_packed_info>);

/// What packing read and wrote.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vmt_packed_info {
    /// The size of the archive in bytes.
    pub archive_bytes: u64,
    /// The size of all files in the archive in bytes.
    pub content_bytes: u64,
    /// What these bytes are. `data` and `zeros` were read, the others not.
    pub usage: vmt_usage,
    /// Files that were not packed, because the metadata does not name them. A slash follows the name of a whole folder.
    pub left_behind: *const *const c_char,
    /// The number of `left_behind`; at most 1000.
    pub left_behind_count: usize,
    /// Files, besides image and script, that the metadata names and that do not exist, such as `pxelinuxcfg: pxe.cfg`.
    pub missing: *const *const c_char,
    /// The number of `missing`.
    pub missing_count: usize,
    /// The volumes whose free space matters, as in `vmt_free_space_info`.
    pub volumes: *const *const vmt_volume,
    /// The number of `volumes`.
    pub volume_count: usize,
    /// Everything as JSON, as `vmtemplate pack --json` prints it.
    pub json: *const c_char,
}

impl AsStruct for PackSummary {
    type Struct = vmt_packed_info;

    fn as_struct(&self, memory: &mut Memory) -> vmt_packed_info {
        let (left_behind, left_behind_count) = memory.texts(&self.left_behind);
        let (missing, missing_count) = memory.texts(&self.missing);
        let (volumes, volume_count) = memory.structs(&self.free_space.volumes);
        vmt_packed_info {
            archive_bytes: self.archive_bytes,
            content_bytes: self.content_bytes,
            usage: usage(self.usage),
            left_behind,
            left_behind_count,
            missing,
            missing_count,
            volumes,
            volume_count,
            json: memory.json(self),
        }
    }
}

/// Its parts, which live as long as it does; NULL for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_packed_get(packed: *const vmt_packed) -> *const vmt_packed_info {
    look(ptr::null(), || Ok(get(packed)?.pointer()))
}

/// Free it. NULL is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_packed_free(packed: *mut vmt_packed) {
    look((), || free(packed));
}
