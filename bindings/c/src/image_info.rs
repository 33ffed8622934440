//! What is on a disk.

use std::ffi::c_char;
use std::ptr;

use vmtemplate::WindowsInfo;

use crate::boundary::{Slot, Text, build, call, fixed, free, get, give, handle, json, look, text};
use crate::bytes::vmt_bytes;
use crate::error::vmt_error;
use crate::image::vmt_image;

/// Format, sizes, partitions and free space of a disk. It is never changed; many threads may look at it.
pub struct vmt_disk_info(Slot<InfoValue>);
handle!(vmt_disk_info, InfoValue);

#[derive(Debug)]
pub(crate) struct InfoValue {
    info: vmtemplate::DiskInfo,
    json: Text,
}

/// Look at a disk: its tables and file systems are read, and its map. Damage is told in the JSON.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_image_info(image: *const vmt_image, err: *mut *mut vmt_error) -> *mut vmt_disk_info {
    build(err, || {
        let info = get(image)?.disk.info()?;
        Ok(InfoValue { json: Text::new(json(&info)?), info })
    })
}

/// The format, as `vmt_image_format()` gives it. It lives for ever.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_disk_info_format(info: *const vmt_disk_info) -> *const c_char {
    text(ptr::null_mut(), || Ok(Some(fixed(get(info)?.info.format))))
}

/// The bytes of the disk.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_disk_info_size(info: *const vmt_disk_info) -> u64 {
    look(0, || Ok(get(info)?.info.size))
}

/// The bytes that packing reads.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_disk_info_data(info: *const vmt_disk_info) -> u64 {
    look(0, || Ok(get(info)?.info.data))
}

/// The bytes that the image tells to be zero.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_disk_info_holes(info: *const vmt_disk_info) -> u64 {
    look(0, || Ok(get(info)?.info.holes))
}

/// The bytes that file systems mark free.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_disk_info_free_bytes(info: *const vmt_disk_info) -> u64 {
    look(0, || Ok(get(info)?.info.free))
}

/// How many partitions there are; 0 without a table.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_disk_info_partition_count(info: *const vmt_disk_info) -> usize {
    look(0, || Ok(get(info)?.info.partitions.as_ref().map_or(0, |table| table.partitions.len())))
}

/// All of it as JSON, as `vmtemplate disk --json` prints it, with partitions, volumes and why one is kept whole.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_disk_info_json(info: *const vmt_disk_info, length: *mut usize) -> *const c_char {
    text(length, || Ok(Some(&get(info)?.json)))
}

/// Free it. NULL is taken.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_disk_info_free(info: *mut vmt_disk_info) {
    look((), || free(info));
}

/// Which Windows is installed on a disk, as JSON: `product`, `edition`, `version`, `build`, `architecture`, `language`
/// and others, as far as they are known.
///
/// NULL if there is none; then `*err` is NULL too. Free it with `vmt_bytes_free()`.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_image_windows(image: *const vmt_image, err: *mut *mut vmt_error) -> *mut vmt_bytes {
    call(err, ptr::null_mut(), || match WindowsInfo::read(&get(image)?.disk)? {
        Some(windows) => Ok(give(Text::new(json(&windows)?))),
        None => Ok(ptr::null_mut()),
    })
}
