//! What is on a disk.

use std::ffi::c_char;
use std::ptr;

use vmtemplate::disk::{DiskInfo, Partition};
use vmtemplate::report::WindowsInfo;

use crate::boundary::{
    AsStruct, Memory, Slot, Structs, Text, build, call, free, get, give, handle, json, look, word,
};
use crate::bytes::vmt_bytes;
use crate::error::vmt_error;
use crate::free_space::{usage, vmt_usage, vmt_volume};
use crate::image::vmt_image;

/// What is on a disk. It is immutable; any number of threads may use it.
pub struct vmt_disk(Slot<Structs<vmt_disk_info>>);
handle!(vmt_disk, Structs<vmt_disk_info>);

/// A partition of a disk.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vmt_partition {
    /// Its number, as operating systems count it.
    pub index: u32,
    /// Whether it has the active flag of an MBR, or "legacy BIOS bootable" of a GPT.
    pub is_active: bool,
    /// Its offset on the disk in bytes.
    pub offset: u64,
    /// Its length in bytes. The table may state more than the disk has.
    pub length: u64,
    /// Its type, such as `NTFS or exFAT (07)`.
    pub kind: *const c_char,
    /// The name that a GPT gives it; empty otherwise.
    pub name: *const c_char,
    /// Its own GUID on a GPT disk; NULL otherwise.
    pub id: *const c_char,
}

impl AsStruct for Partition {
    type Struct = vmt_partition;

    fn as_struct(&self, memory: &mut Memory) -> vmt_partition {
        vmt_partition {
            index: self.index,
            is_active: self.active,
            offset: self.offset,
            length: self.length,
            kind: memory.text(self.kind.to_string()),
            name: memory.text(&self.name),
            id: memory.text_or_null(self.id.map(|id| id.to_string())),
        }
    }
}

/// Format, size, partitions and free space of a disk.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vmt_disk_info {
    /// The format of the image, as in `vmt_image_info`.
    pub format: *const c_char,
    /// The size of the disk in bytes.
    pub size: u64,
    /// What these bytes are. Packing reads `data`.
    pub usage: vmt_usage,
    /// The kind of partition table: `mbr`, `gpt`, or `none` if one volume, or nothing, fills the disk. NULL if the
    /// table cannot be read.
    pub scheme: *const c_char,
    /// The unit of the partition table in bytes; 0 if the table cannot be read.
    pub sector_size: u32,
    /// The GUID of a GPT disk, or the signature of an MBR disk as eight hex digits; NULL if it has none.
    pub disk_id: *const c_char,
    /// The partitions in the order of the table.
    pub partitions: *const *const vmt_partition,
    /// The number of `partitions`.
    pub partition_count: usize,
    /// Problems of the partition table that did not keep it from being read.
    pub warnings: *const *const c_char,
    /// The number of `warnings`.
    pub warning_count: usize,
    /// Where the partition table deviates from its specification without harm.
    pub notes: *const *const c_char,
    /// The number of `notes`.
    pub note_count: usize,
    /// Why the partition table cannot be read; NULL if it can be read.
    pub table_damage: *const c_char,
    /// The volumes whose free space matters, as in `vmt_free_space_info`.
    pub volumes: *const *const vmt_volume,
    /// The number of `volumes`.
    pub volume_count: usize,
    /// Everything as JSON, as `vmtemplate disk --json` prints it.
    pub json: *const c_char,
}

impl AsStruct for DiskInfo {
    type Struct = vmt_disk_info;

    fn as_struct(&self, memory: &mut Memory) -> vmt_disk_info {
        let table = self.partitions.as_ref();
        let (partitions, partition_count) =
            memory.structs(table.into_iter().flat_map(|table| &table.partitions));
        let (warnings, warning_count) = memory.texts(table.into_iter().flat_map(|table| &table.warnings));
        let (notes, note_count) = memory.texts(table.into_iter().flat_map(|table| &table.notes));
        let (volumes, volume_count) = memory.structs(&self.free_space.volumes);
        vmt_disk_info {
            format: memory.text(self.format),
            size: self.size,
            usage: usage(self.usage),
            scheme: memory.text_or_null(table.map(|table| word(&table.scheme))),
            sector_size: table.map_or(0, |table| table.sector_size),
            disk_id: memory.text_or_null(table.and_then(|table| table.disk_id.as_ref())),
            partitions,
            partition_count,
            warnings,
            warning_count,
            notes,
            note_count,
            table_damage: memory.text_or_null(self.free_space.table_damage.as_ref()),
            volumes,
            volume_count,
            json: memory.json(self),
        }
    }
}

/// Read the partition table, the file systems and the block map of a disk. Damage is reported in the result.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_image_disk(image: *const vmt_image, err: *mut *mut vmt_error) -> *mut vmt_disk {
    build(err, || Ok(Structs::one(&get(image)?.disk.info()?)))
}

/// Its parts, which live as long as it does; NULL for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_disk_get(disk: *const vmt_disk) -> *const vmt_disk_info {
    look(ptr::null(), || Ok(get(disk)?.pointer()))
}

/// Free it. NULL is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_disk_free(disk: *mut vmt_disk) {
    look((), || free(disk));
}

/// Which Windows is installed on a disk, as JSON: `product`, `edition`, `version`, `build`, `architecture`, `language`
/// and other keys, if their values are known.
///
/// NULL if the disk contains no Windows; then `*err` is NULL too. Free the result with `vmt_bytes_free()`.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_image_windows(image: *const vmt_image, err: *mut *mut vmt_error) -> *mut vmt_bytes {
    call(err, ptr::null_mut(), || match WindowsInfo::read(&get(image)?.disk)? {
        Some(windows) => Ok(give(Text::new(json(&windows)?))),
        None => Ok(ptr::null_mut()),
    })
}
