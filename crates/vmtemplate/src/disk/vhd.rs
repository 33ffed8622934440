//! Virtual PC's VHD, fixed and dynamic (Microsoft, "Virtual Hard Disk Image Format Specification" 1.0).

use std::sync::Arc;

use super::be;
use super::blocks::{BlockMap, Blocks, Place, Run};
use super::file::ImageFile;
use super::opener::{ImageFormat, Opener};
use super::tables::Tables;
use super::{DiskSource, invalid, unsupported};
use crate::error::{Error, Result};

const SECTOR: u64 = 512;
/// The footer, and the copy of it that a dynamic image begins with.
const FOOTER: usize = 512;
/// The footer of Virtual PC before 2004, whose reserved zeros are one fewer (the specification, "Hard Disk Footer Format").
const OLD_FOOTER: u64 = 511;
/// The header of a dynamic image, behind the copy of the footer.
const HEADER: usize = 1024;
/// An entry of the block allocation table for a block that the file does not have.
const UNALLOCATED: u32 = 0xFFFF_FFFF;

/// The entries that are looked at to find the last block: enough for 8 TiB in the usual blocks of 2 MiB, four times what
/// Hyper-V makes.
const MAX_LOOKED_AT: u64 = 1 << 22;

/// Disk types, of the footer.
const FIXED: u32 = 2;
const DYNAMIC: u32 = 3;
const DIFFERENCING: u32 = 4;

#[derive(Debug)]
struct Vhd {
    file: ImageFile,
    size: u64,
    blocks: Option<Table>,
    tables: Tables,
}

/// The block allocation table of a dynamic image.
#[derive(Debug)]
struct Table {
    offset: u64,
    /// How many entries the disk needs.
    entries: u64,
    block_size: u64,
    /// Bytes of the sector bitmap in front of every block, in whole sectors.
    bitmap: u64,
}

pub(super) fn open(file: ImageFile, opener: &Opener<'_>) -> Result<Arc<dyn DiskSource>> {
    // Only the footer says so: whatever is wrong with the image, it may be no VHD at all.
    let by_footer = !file.read_array::<8>(0)?.eq(b"conectix");
    let raw = "if it is a raw disk that only ends with the footer of a VHD, as one that was cut out of a VHD does, open it as raw: `--format raw`";
    open_inner(file, opener).map_err(|error| if by_footer { error.or_help(raw) } else { error })
}

fn open_inner(file: ImageFile, opener: &Opener<'_>) -> Result<Arc<dyn DiskSource>> {
    let footer = read_footer(&file)?;
    let size = virtual_size(&footer);
    opener.options.check_size(size)?;
    let blocks = match be::u32_in(&footer, 60) {
        FIXED => {
            file.check(0, size.saturating_add(OLD_FOOTER))?;
            None
        }
        DYNAMIC => {
            let table = Table::read(&file, be::u64_in(&footer, 16), size)?;
            // A caller who names the format gets what is left of a file that was cut off.
            if opener.options.format != Some(ImageFormat::Vhd) {
                table.check_end(&file)?;
            }
            Some(table)
        }
        DIFFERENCING => {
            return Err(unsupported("a differencing VHD, which contains only what differs from its parent")
                .with_help("merge it into its parent: `Merge-VHD`, or convert the newest of the chain with Hyper-V's `Convert-VHD`"));
        }
        other => return Err(invalid(format!("disk type {other}; 2 (fixed) and 3 (dynamic) are read"))),
    };
    Ok(Arc::new(Blocks::new(Vhd { file, size, blocks, tables: Tables::new() })))
}

/// The copy at the front, which only a dynamic image has, else the one at the end.
fn read_footer(file: &ImageFile) -> Result<[u8; FOOTER]> {
    let head: [u8; FOOTER] = file.read_array(0)?;
    let footer = if head.starts_with(b"conectix") { head } else { read_last(file)? };
    if !footer.starts_with(b"conectix") {
        return Err(invalid("the file does not end with a VHD footer"));
    }
    check_sum(&footer, 64, "footer")?;
    Ok(footer)
}

/// What is in the place of the footer at the end of the file: in the last sector, or behind the last whole one.
fn read_last(file: &ImageFile) -> Result<[u8; FOOTER]> {
    let length = match file.size() % SECTOR {
        0 => FOOTER,
        part => part as usize,
    };
    let mut footer = [0; FOOTER];
    file.read_at(&mut footer[..length], file.size().saturating_sub(length as u64))?;
    if footer.starts_with(b"conectix") && (length as u64) < OLD_FOOTER {
        return Err(cut_off(format!(
            "the file ends {length} bytes into the VHD footer, which has {FOOTER} bytes"
        )));
    }
    Ok(footer)
}

fn cut_off(message: String) -> Error {
    invalid(message).with_help("the file is truncated: copy it again from its source")
}

/// The size of the disk as Hyper-V and Azure take it: the field "current size".
///
/// QEMU's own images may be larger: it goes by the geometry, which older versions of it rounded up from that size.
fn virtual_size(footer: &[u8; FOOTER]) -> u64 {
    let size = be::u64_in(footer, 48);
    if &footer[28..32] != b"qemu" {
        return size;
    }
    let geometry = be::u32_in(footer, 56);
    let (cylinders, heads, sectors) = (geometry >> 16, geometry >> 8 & 0xFF, geometry & 0xFF);
    size.max(u64::from(cylinders) * u64::from(heads) * u64::from(sectors) * SECTOR)
}

/// The ones' complement of the sum of all bytes, the field itself counted as zeros.
fn check_sum(bytes: &[u8], field: usize, what: &str) -> Result<()> {
    let sum: u32 = bytes.iter().map(|&byte| u32::from(byte)).sum();
    let own: u32 = bytes[field..field + 4].iter().map(|&byte| u32::from(byte)).sum();
    let (expected, found) = (!(sum - own), be::u32_in(bytes, field));
    if found == expected {
        return Ok(());
    }
    Err(invalid(format!("the checksum of the {what} is {found:#010x}; its content gives {expected:#010x}"))
        .with_help("the image is damaged: copy it again from its source"))
}

impl Table {
    fn read(file: &ImageFile, at: u64, size: u64) -> Result<Self> {
        let header: [u8; HEADER] = file.read_array(at)?;
        if !header.starts_with(b"cxsparse") {
            return Err(invalid(format!("the file has no dynamic disk header at offset {at}")));
        }
        check_sum(&header, 36, "dynamic disk header")?;
        let (offset, entries, block_size) =
            (be::u64_in(&header, 16), be::u32_in(&header, 28), be::u32_in(&header, 32));
        if !block_size.is_power_of_two() || u64::from(block_size) < SECTOR {
            return Err(invalid(format!(
                "blocks of {block_size} bytes; a power of two of at least 512 was expected"
            )));
        }
        let block_size = u64::from(block_size);
        let needed = size.div_ceil(block_size);
        if u64::from(entries) < needed {
            return Err(invalid(format!(
                "the block allocation table has {entries} entries; a disk of {size} bytes needs {needed}"
            )));
        }
        if offset % SECTOR != 0 {
            return Err(invalid(format!("the block allocation table is at the misaligned offset {offset}")));
        }
        file.check(offset, needed * 4)?; // `needed` is at most 2^32 - 1
        let bitmap = (block_size / SECTOR).div_ceil(8).next_multiple_of(SECTOR);
        Ok(Self { offset, entries: needed, block_size, bitmap })
    }

    /// Fail if the file ends before its blocks do, or without the footer that is behind them: it was cut off. What is
    /// missing would be noticed when it is read, which may be hours later, or never.
    fn check_end(&self, file: &ImageFile) -> Result<()> {
        let is_footer = |bytes: &[u8]| bytes.starts_with(b"conectix");
        if is_footer(&read_last(file)?) {
            return Ok(());
        }
        let end = self.end(file)?;
        if end > file.size() {
            return Err(cut_off(format!(
                "the blocks of the VHD reach to byte {end} of its file, which ends at {}",
                file.size()
            )));
        }
        // A file that was copied to a device has the rest of the device behind its end.
        if file.size() - end >= FOOTER as u64 && is_footer(&file.read_array::<FOOTER>(end)?) {
            return Ok(());
        }
        Err(cut_off(format!("the VHD has no footer after its last block, which ends at byte {end}"))
            .or_help("to read it anyway, give its format: `--format vpc`"))
    }

    /// Where the last block or the table ends in the file, whichever is behind the other.
    fn end(&self, file: &ImageFile) -> Result<u64> {
        let mut end = self.offset + (self.entries * 4).next_multiple_of(SECTOR);
        let mut left = self.entries.min(MAX_LOOKED_AT) * 4;
        let mut at = self.offset;
        while left > 0 {
            let part = left.min(64 << 10);
            for entry in file.read_vec(at, part as usize)?.chunks_exact(4) {
                let sector = be::u32_in(entry, 0);
                if sector != UNALLOCATED {
                    end = end.max(u64::from(sector) * SECTOR + self.bitmap + self.block_size);
                }
            }
            at += part;
            left -= part;
        }
        Ok(end)
    }
}

impl BlockMap for Vhd {
    fn format(&self) -> &'static str {
        "vpc"
    }

    fn size(&self) -> u64 {
        self.size
    }

    fn data(&self) -> &ImageFile {
        &self.file
    }

    fn run_at(&self, offset: u64) -> Result<Run> {
        let Some(table) = &self.blocks else {
            return Ok(Run { length: self.size - offset, place: Place::Stored(offset) });
        };
        let (index, within) = (offset / table.block_size, offset % table.block_size);
        let blocks = self.size.div_ceil(table.block_size);
        let entries =
            self.tables.entries(&self.file, table.offset + index * 4, table.offset + blocks * 4, 4)?;
        // The sector bitmap states which sectors were ever written. It is not asked, as QEMU does not: to trust a
        // bitmap that its writer left empty would turn data into zeros; a sector never written holds zeros anyway.
        Run::of_entries(&entries, table.block_size, within, |entry| {
            Ok(match be::u32_in(entry, 0) {
                UNALLOCATED => Place::Zero,
                sector => Place::Stored(u64::from(sector) * SECTOR + table.bitmap),
            })
        })
    }
}
