//! Options and summary of packing.

use std::ffi::c_char;

use vmtemplate::archive::{Level, PackOptions, PackSummary};
use vmtemplate::progress::Threads;

use crate::boundary::{Outcome, Slot, Text, free, get, give, handle, json, look, output, read, text};
use crate::control::{chosen, vmt_control};
use crate::image::free_space;
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
    let known = flags(options.flags, (VMT_PACK_LEVEL << 1) - 1)?;
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

/// A summary of packing. It is immutable; any number of threads may use it.
pub struct vmt_pack_summary(Slot<SummaryValue>);
handle!(vmt_pack_summary, SummaryValue);

#[derive(Debug)]
pub(crate) struct SummaryValue {
    summary: PackSummary,
    left_behind: Vec<Text>,
    missing: Vec<Text>,
    json: Text,
}

/// Return the summary to C, if the caller wants it.
pub(crate) fn hand_out(place: *mut *mut vmt_pack_summary, summary: PackSummary) -> Outcome<()> {
    if !place.is_null() {
        let texts = |names: &[String]| names.iter().map(Text::new).collect();
        let (left_behind, missing) = (texts(&summary.left_behind), texts(&summary.missing));
        let json = Text::new(json(&summary)?);
        output(place, give(SummaryValue { summary, left_behind, missing, json }));
    }
    Ok(())
}

/// The size of the archive in bytes.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_pack_summary_archive_bytes(summary: *const vmt_pack_summary) -> u64 {
    look(0, || Ok(get(summary)?.summary.archive_bytes))
}

/// The size of all files in the archive in bytes.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_pack_summary_content_bytes(summary: *const vmt_pack_summary) -> u64 {
    look(0, || Ok(get(summary)?.summary.content_bytes))
}

/// The number of bytes that were read.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_pack_summary_data_read(summary: *const vmt_pack_summary) -> u64 {
    look(0, || Ok(get(summary)?.summary.usage.read()))
}

/// The number of bytes that were read and are all zero.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_pack_summary_zeros_found(summary: *const vmt_pack_summary) -> u64 {
    look(0, || Ok(get(summary)?.summary.usage.zeros))
}

/// The number of bytes that the image records as zero, and that were not read.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_pack_summary_holes(summary: *const vmt_pack_summary) -> u64 {
    look(0, || Ok(get(summary)?.summary.usage.holes))
}

/// The number of bytes that file systems mark free, and that were not read.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_pack_summary_free_bytes(summary: *const vmt_pack_summary) -> u64 {
    look(0, || Ok(get(summary)?.summary.usage.free))
}

/// The number of files that were not packed, because the metadata does not name them; at most 1000.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_pack_summary_left_behind_count(summary: *const vmt_pack_summary) -> usize {
    look(0, || Ok(get(summary)?.left_behind.len()))
}

/// The name of one of them; a slash follows the name of a whole folder. NULL past the end.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_pack_summary_left_behind(
    summary: *const vmt_pack_summary,
    index: usize,
    length: *mut usize,
) -> *const c_char {
    text(length, || Ok(get(summary)?.left_behind.get(index)))
}

/// The number of files, besides image and script, that the metadata names and that do not exist.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_pack_summary_missing_count(summary: *const vmt_pack_summary) -> usize {
    look(0, || Ok(get(summary)?.missing.len()))
}

/// One of them, such as `pxelinuxcfg: pxe.cfg`. NULL past the end.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_pack_summary_missing(
    summary: *const vmt_pack_summary,
    index: usize,
    length: *mut usize,
) -> *const c_char {
    text(length, || Ok(get(summary)?.missing.get(index)))
}

/// The whole summary as JSON, including the volumes, and the reason if the free space of one was kept.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_pack_summary_json(
    summary: *const vmt_pack_summary,
    length: *mut usize,
) -> *const c_char {
    text(length, || Ok(Some(&get(summary)?.json)))
}

/// Free it. NULL is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_pack_summary_free(summary: *mut vmt_pack_summary) {
    look((), || free(summary));
}
