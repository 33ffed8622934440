//! Packing, and what it did.

use std::ffi::c_char;

use vmtemplate::{PackOptions, PackSummary};

use crate::archive::threads;
use crate::boundary::{Outcome, Slot, Text, free, get, give, handle, json, look, output, read, text};
use crate::control::{chosen, vmt_control};
use crate::image::free_space;
use crate::script::flags;

/// Replace an archive that is there.
pub const VMT_PACK_OVERWRITE: u32 = 1;
/// Leave the holes of the image out of the archive altogether, for nodes that unpack with GNU tar or bsdtar.
pub const VMT_PACK_SPARSE: u32 = 2;
/// Pack what the file systems mark free as well.
pub const VMT_PACK_KEEP_FREE_SPACE: u32 = 4;
/// Leave the contents of page files out too.
pub const VMT_PACK_DROP_PAGE_FILES: u32 = 8;
/// `mtime` is the time of the entries; without it `SOURCE_DATE_EPOCH` or a fixed time is.
pub const VMT_PACK_MTIME: u32 = 16;
/// `level` is the level; without it the default is.
pub const VMT_PACK_LEVEL: u32 = 32;

/// How a template is packed. Zeros are defaults.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vmt_pack_options {
    /// `sizeof(vmt_pack_options)`.
    pub struct_size: usize,
    /// The sum of `VMT_PACK_` numbers.
    pub flags: u32,
    /// How hard to compress, from 1 to 12, with `VMT_PACK_LEVEL`.
    pub level: i32,
    /// Threads that compress; 0 takes as many as the machine has.
    pub threads: u32,
    /// The time of the entries in seconds since 1970, with `VMT_PACK_MTIME`.
    pub mtime: u64,
    /// Watches and stops the work; may be NULL.
    pub control: *const vmt_control,
}

pub(crate) fn pack_options(options: *const vmt_pack_options) -> Outcome<PackOptions> {
    let options = read(options)?;
    let known = flags(options.flags, (VMT_PACK_LEVEL << 1) - 1)?;
    let has = |flag| known & flag != 0;
    Ok(PackOptions {
        level: if has(VMT_PACK_LEVEL) { options.level } else { PackOptions::DEFAULT_LEVEL },
        threads: threads(options.threads),
        mtime: has(VMT_PACK_MTIME).then_some(options.mtime),
        overwrite: has(VMT_PACK_OVERWRITE),
        free_space: free_space(has(VMT_PACK_KEEP_FREE_SPACE)),
        drop_page_files: has(VMT_PACK_DROP_PAGE_FILES),
        sparse: has(VMT_PACK_SPARSE),
        control: chosen(options.control)?,
    })
}

/// What packing did. It is never changed; many threads may look at it.
pub struct vmt_pack_summary(Slot<SummaryValue>);
handle!(vmt_pack_summary, SummaryValue);

#[derive(Debug)]
pub(crate) struct SummaryValue {
    summary: PackSummary,
    left_behind: Vec<Text>,
    missing: Vec<Text>,
    json: Text,
}

/// Give C the summary, if it wants one.
pub(crate) fn hand_out(place: *mut *mut vmt_pack_summary, summary: PackSummary) -> Outcome<()> {
    if !place.is_null() {
        let texts = |names: &[String]| names.iter().map(Text::new).collect();
        let (left_behind, missing) = (texts(&summary.left_behind), texts(&summary.missing));
        let json = Text::new(json(&summary)?);
        output(place, give(SummaryValue { summary, left_behind, missing, json }));
    }
    Ok(())
}

/// The bytes of the archive.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_pack_summary_archive_bytes(summary: *const vmt_pack_summary) -> u64 {
    look(0, || Ok(get(summary)?.summary.archive_bytes))
}

/// The bytes of all files in it.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_pack_summary_content_bytes(summary: *const vmt_pack_summary) -> u64 {
    look(0, || Ok(get(summary)?.summary.content_bytes))
}

/// The bytes that were read.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_pack_summary_data_read(summary: *const vmt_pack_summary) -> u64 {
    look(0, || Ok(get(summary)?.summary.data_read))
}

/// The bytes that were read and turned out to be zero.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_pack_summary_zeros_found(summary: *const vmt_pack_summary) -> u64 {
    look(0, || Ok(get(summary)?.summary.zeros_found))
}

/// The bytes that the image told to be zero, and that were not read.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_pack_summary_holes(summary: *const vmt_pack_summary) -> u64 {
    look(0, || Ok(get(summary)?.summary.holes))
}

/// The bytes that file systems mark free, and that were not read.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_pack_summary_free_bytes(summary: *const vmt_pack_summary) -> u64 {
    look(0, || Ok(get(summary)?.summary.free))
}

/// How many names of files were left behind, because the metadata does not name them; at most 1000.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_pack_summary_left_behind_count(summary: *const vmt_pack_summary) -> usize {
    look(0, || Ok(get(summary)?.left_behind.len()))
}

/// One of them; a folder of which nothing is named ends with a slash. NULL past the end.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_pack_summary_left_behind(
    summary: *const vmt_pack_summary,
    index: usize,
    length: *mut usize,
) -> *const c_char {
    text(length, || Ok(get(summary)?.left_behind.get(index)))
}

/// How many files the metadata names, beside image and script, that are not there.
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

/// All of it as JSON, with the volumes, and why one was kept whole.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_pack_summary_json(
    summary: *const vmt_pack_summary,
    length: *mut usize,
) -> *const c_char {
    text(length, || Ok(Some(&get(summary)?.json)))
}

/// Free it. NULL is taken.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_pack_summary_free(summary: *mut vmt_pack_summary) {
    look((), || free(summary));
}
