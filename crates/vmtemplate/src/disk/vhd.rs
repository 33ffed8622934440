//! Virtual PC's VHD, fixed and dynamic (Microsoft, "Virtual Hard Disk Image Format Specification" 1.0).

use std::sync::Arc;

use super::be;
use super::blocks::{BlockMap, Blocks, Place, Run};
use super::file::ImageFile;
use super::opener::Opener;
use super::tables::Tables;
use super::{DiskSource, invalid, unsupported};
use crate::error::Result;

const SECTOR: u64 = 512;
/// The footer, and the copy of it that a dynamic image begins with.
const FOOTER: usize = 512;
/// The header of a dynamic image, behind the copy of the footer.
const HEADER: usize = 1024;
/// An entry of the block allocation table for a block that the file does not have.
const UNALLOCATED: u32 = 0xFFFF_FFFF;

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
            file.check(0, size.saturating_add(FOOTER as u64))?;
            None
        }
        DYNAMIC => Some(Table::read(&file, be::u64_in(&footer, 16), size)?),
        DIFFERENCING => {
            return Err(unsupported("a differencing VHD, which holds only what differs from its parent")
                .with_help("merge it into its parent: `Merge-VHD`, or convert the newest of the chain with Hyper-V's `Convert-VHD`"));
        }
        other => return Err(invalid(format!("disk type {other}; 2 (fixed) and 3 (dynamic) are read"))),
    };
    Ok(Arc::new(Blocks::new(Vhd { file, size, blocks, tables: Tables::new() })))
}

/// The copy at the front, which only a dynamic image has, else the one at the end.
fn read_footer(file: &ImageFile) -> Result<[u8; FOOTER]> {
    let head: [u8; FOOTER] = file.read_array(0)?;
    let footer = if head.starts_with(b"conectix") {
        head
    } else {
        file.read_array(file.size().saturating_sub(FOOTER as u64))?
    };
    if !footer.starts_with(b"conectix") {
        return Err(invalid("there is no VHD footer at the end of the file"));
    }
    check_sum(&footer, 64, "footer")?;
    Ok(footer)
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
            return Err(invalid(format!("there is no dynamic disk header at offset {at}")));
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
            return Err(invalid(format!("the block allocation table stands at the odd offset {offset}")));
        }
        file.check(offset, needed * 4)?; // `needed` is at most 2^32 - 1
        Ok(Self { offset, block_size, bitmap: (block_size / SECTOR).div_ceil(8).next_multiple_of(SECTOR) })
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
        // The sector bitmap tells which sectors were ever written. It is not asked, as QEMU does not: to trust a
        // bitmap that its writer left empty would turn data into zeros; a sector never written holds zeros anyway.
        Run::of_entries(&entries, table.block_size, within, |entry| {
            Ok(match be::u32_in(entry, 0) {
                UNALLOCATED => Place::Zero,
                sector => Place::Stored(u64::from(sector) * SECTOR + table.bitmap),
            })
        })
    }
}
