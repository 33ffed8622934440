//! How the bytes of a disk are used, and its free space.

use std::ffi::c_char;
use std::ptr;

use vmtemplate::disk::{FreeSpace, FreeSpaceOptions, FreeSpaceReport, Usage, VolumeFreeSpace};

use crate::boundary::{
    AsStruct, Memory, Slot, Structs, build, free, get, hand_out, handle, look, output, read, word,
};
use crate::control::{chosen, vmt_control};
use crate::error::vmt_error;
use crate::image::vmt_image;
use crate::script::flags;

/// What the bytes of a disk or of files are. Every byte is counted once, so the fields add up to the size.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vmt_usage {
    /// Bytes that are read and are not zeros. Where nothing was read yet: bytes that would have to be read.
    pub data: u64,
    /// Bytes that were read and turned out to be blocks of zeros.
    pub zeros: u64,
    /// Bytes that the image records as zero, and that are not read.
    pub holes: u64,
    /// Bytes that file systems mark free, and that are not read.
    pub free: u64,
}

pub(crate) const fn usage(usage: Usage) -> vmt_usage {
    let Usage { data, zeros, holes, free } = usage;
    vmt_usage { data, zeros, holes, free }
}

/// A volume of a disk, and its free space.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vmt_volume {
    /// The number of its partition; 0 if the whole disk is the volume.
    pub partition: u32,
    /// Its cluster size in bytes; 0 if the volume could not be opened.
    pub cluster_size: u32,
    /// The offset of the volume on the disk in bytes.
    pub offset: u64,
    /// The length of its partition in bytes.
    pub length: u64,
    /// Its label; NULL if the volume could not be opened.
    pub label: *const c_char,
    /// The number of bytes that are left out, including page files.
    pub dropped: u64,
    /// The number of bytes of page files among `dropped`.
    pub page_files: u64,
    /// The number of shadow copies (restore points). If free space is left out, they lose content.
    pub shadow_copies: u64,
    /// Why nothing of the volume is left out, such as `dirty`, `open-journal` or `hibernated`; NULL if its free space
    /// is left out.
    pub kept: *const c_char,
    /// A sentence about `kept`; NULL if that is NULL.
    pub detail: *const c_char,
}

impl AsStruct for VolumeFreeSpace {
    type Struct = vmt_volume;

    fn as_struct(&self, memory: &mut Memory) -> vmt_volume {
        vmt_volume {
            partition: self.partition.unwrap_or(0),
            cluster_size: self.cluster_size.unwrap_or(0),
            offset: self.offset,
            length: self.length,
            label: memory.text_or_null(self.label.as_ref()),
            dropped: self.dropped,
            page_files: self.page_files,
            shadow_copies: self.shadow_copies,
            kept: memory.text_or_null(self.kept.as_ref().map(|kept| word(&kept.reason))),
            detail: memory.text_or_null(self.kept.as_ref().map(|kept| &kept.detail)),
        }
    }
}

/// What became of the free space of a disk. It is immutable; any number of threads may use it.
pub struct vmt_free_space(Slot<Structs<vmt_free_space_info>>);
handle!(vmt_free_space, Structs<vmt_free_space_info>);

/// The volumes of a disk, and their free space.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vmt_free_space_info {
    /// The number of bytes that are left out, on all volumes together.
    pub dropped: u64,
    /// Why the partition table cannot be read, so that nothing is left out; NULL if it can be read.
    pub table_damage: *const c_char,
    /// The volumes of NTFS, BitLocker and ReFS, and the partitions of dynamic disks and Storage Spaces, in the order of
    /// the partition table.
    pub volumes: *const *const vmt_volume,
    /// The number of `volumes`.
    pub volume_count: usize,
    /// Everything as JSON, as it is in the output of `vmtemplate disk --json`.
    pub json: *const c_char,
}

impl AsStruct for FreeSpaceReport {
    type Struct = vmt_free_space_info;

    fn as_struct(&self, memory: &mut Memory) -> vmt_free_space_info {
        let (volumes, volume_count) = memory.structs(&self.volumes);
        let table_damage = memory.text_or_null(self.table_damage.as_ref());
        vmt_free_space_info {
            dropped: self.dropped(),
            table_damage,
            volumes,
            volume_count,
            json: memory.json(self),
        }
    }
}

/// Its parts, which live as long as it does; NULL for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_free_space_get(report: *const vmt_free_space) -> *const vmt_free_space_info {
    look(ptr::null(), || Ok(get(report)?.pointer()))
}

/// Free it. NULL is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_free_space_free(report: *mut vmt_free_space) {
    look((), || free(report));
}

/// Also read what file systems mark free.
pub const VMT_FREE_SPACE_KEEP: u32 = 1;
/// Also leave out the contents of page files.
pub const VMT_FREE_SPACE_DROP_PAGE_FILES: u32 = 2;

/// Options for skipping free space. Fields that are zero have their defaults.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vmt_free_space_options {
    /// `sizeof(vmt_free_space_options)`.
    pub struct_size: usize,
    /// A combination of `VMT_FREE_SPACE_` flags.
    pub flags: u32,
    /// Cancels the work; may be NULL.
    pub control: *const vmt_control,
}

/// The same disk, without reading what its NTFS volumes mark free. A volume that cannot be proved consistent is left
/// unchanged.
///
/// `*report`, unless `report` is NULL, receives what was left out, and why the free space of a volume was kept; free it
/// with `vmt_free_space_free()`.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_image_without_free_space(
    image: *const vmt_image,
    options: *const vmt_free_space_options,
    report: *mut *mut vmt_free_space,
    err: *mut *mut vmt_error,
) -> *mut vmt_image {
    output(report, ptr::null_mut());
    build(err, || {
        let options = read(options)?;
        let known = flags(options.flags, VMT_FREE_SPACE_KEEP | VMT_FREE_SPACE_DROP_PAGE_FILES)?;
        let (disk, found) = get(image)?.disk.without_free_space(&FreeSpaceOptions {
            free_space: free_space(known & VMT_FREE_SPACE_KEEP != 0),
            drop_page_files: known & VMT_FREE_SPACE_DROP_PAGE_FILES != 0,
            control: chosen(options.control)?,
        })?;
        hand_out(report, || Structs::one(&found));
        Ok(disk.into())
    })
}

pub(crate) const fn free_space(keep: bool) -> FreeSpace {
    if keep { FreeSpace::Keep } else { FreeSpace::Skip }
}
