//! What a disk contains.

use std::ffi::c_char;
use std::ptr;

use vmtemplate::report::WindowsInfo;

use crate::boundary::{Slot, Text, build, call, fixed, free, get, give, handle, json, look, text};
use crate::bytes::vmt_bytes;
use crate::error::vmt_error;
use crate::image::vmt_image;

/// Format, sizes, partitions and free space of a disk. It is immutable; any number of threads may use it.
pub struct vmt_disk_info(Slot<InfoValue>);
handle!(vmt_disk_info, InfoValue);

#[derive(Debug)]
pub(crate) struct InfoValue {
    info: vmtemplate::disk::DiskInfo,
    json: Text,
}

/// Read the partition table, the file systems and the block map of a disk. The JSON reports damage.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_image_info(image: *const vmt_image, err: *mut *mut vmt_error) -> *mut vmt_disk_info {
    build(err, || {
        let info = get(image)?.disk.info()?;
        Ok(InfoValue { json: Text::new(json(&info)?), info })
    })
}

/// The format, as `vmt_image_format()` gives it. The text is static.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_disk_info_format(info: *const vmt_disk_info) -> *const c_char {
    text(ptr::null_mut(), || Ok(Some(fixed(get(info)?.info.format))))
}

/// The size of the disk in bytes.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_disk_info_size(info: *const vmt_disk_info) -> u64 {
    look(0, || Ok(get(info)?.info.size))
}

/// The number of bytes that packing reads.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_disk_info_data(info: *const vmt_disk_info) -> u64 {
    look(0, || Ok(get(info)?.info.usage.data))
}

/// The number of bytes that the image records as zero.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_disk_info_holes(info: *const vmt_disk_info) -> u64 {
    look(0, || Ok(get(info)?.info.usage.holes))
}

/// The number of bytes that file systems mark free.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_disk_info_free_bytes(info: *const vmt_disk_info) -> u64 {
    look(0, || Ok(get(info)?.info.usage.free))
}

/// The number of partitions; 0 without a partition table.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_disk_info_partition_count(info: *const vmt_disk_info) -> usize {
    look(0, || Ok(get(info)?.info.partitions.as_ref().map_or(0, |table| table.partitions.len())))
}

/// Everything as JSON, as `vmtemplate disk --json` prints it, including partitions, volumes, and the reason if the free
/// space of a volume is kept.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_disk_info_json(info: *const vmt_disk_info, length: *mut usize) -> *const c_char {
    text(length, || Ok(Some(&get(info)?.json)))
}

/// Free it. NULL is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_disk_info_free(info: *mut vmt_disk_info) {
    look((), || free(info));
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
