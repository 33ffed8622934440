//! Hyper-V's VHDX, fixed and dynamic (Microsoft, \[MS-VHDX\] "Virtual Hard Disk v2 File Format").

use std::sync::Arc;

use super::blocks::{BlockMap, Blocks, Place, Run};
use super::file::ImageFile;
use super::opener::Opener;
use super::tables::Tables;
use super::{DiskSource, invalid, unsupported};
use crate::error::{Error, Result};
use crate::le;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// The two copies of the header and of the region table (2.2).
const HEADERS: [u64; 2] = [64 * KIB, 128 * KIB];
const HEADER: usize = 4096;
const REGION_TABLES: [u64; 2] = [192 * KIB, 256 * KIB];
const REGION_TABLE: usize = 64 << 10;
const MAX_ENTRIES: usize = 2047;

/// GUIDs as they are in the file: the first three fields are little-endian.
type Guid = [u8; 16];

const fn guid(a: u32, b: u16, c: u16, d: [u8; 8]) -> Guid {
    let (a, b, c) = (a.to_le_bytes(), b.to_le_bytes(), c.to_le_bytes());
    [a[0], a[1], a[2], a[3], b[0], b[1], c[0], c[1], d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7]]
}

// Regions (2.2.3.2).
const BAT: Guid = guid(0x2DC2_7766, 0xF623, 0x4200, [0x9D, 0x64, 0x11, 0x5E, 0x9B, 0xFD, 0x4A, 0x08]);
const METADATA: Guid = guid(0x8B7C_A206, 0x4790, 0x4B9A, [0xB8, 0xFE, 0x57, 0x5F, 0x05, 0x0F, 0x88, 0x6E]);
// Metadata items (2.6.2).
const FILE_PARAMETERS: Guid =
    guid(0xCAA1_6737, 0xFA36, 0x4D43, [0xB3, 0xB6, 0x33, 0xF0, 0xAA, 0x44, 0xE7, 0x6B]);
const DISK_SIZE: Guid = guid(0x2FA5_4224, 0xCD1B, 0x4876, [0xB2, 0x11, 0x5D, 0xBE, 0xD8, 0x3B, 0xF4, 0xB8]);
const DISK_ID: Guid = guid(0xBECA_12AB, 0xB2E6, 0x4523, [0x93, 0xEF, 0xC3, 0x09, 0xE0, 0x00, 0xC7, 0x46]);
const LOGICAL_SECTOR: Guid =
    guid(0x8141_BF1D, 0xA96F, 0x4709, [0xBA, 0x47, 0xF2, 0x33, 0xA8, 0xFA, 0xAB, 0x5F]);
const PHYSICAL_SECTOR: Guid =
    guid(0xCDA3_48C7, 0x445D, 0x4471, [0x9C, 0xC9, 0xE9, 0x88, 0x52, 0x51, 0xC5, 0x56]);
const PARENT: Guid = guid(0xA8D3_5F2D, 0xB30B, 0x454D, [0xAB, 0xF7, 0xD3, 0xD8, 0x48, 0x34, 0xAB, 0x0C]);

/// "Required": a reader that does not know the region or item must not open the file.
const REGION_REQUIRED: u32 = 1;
const ITEM_REQUIRED: u32 = 1 << 2;
/// The file parameters say that there is a parent.
const HAS_PARENT: u32 = 1 << 1;

#[derive(Debug)]
struct Vhdx {
    file: ImageFile,
    size: u64,
    bat: u64,
    block_size: u64,
    /// Blocks of data between two entries for a sector bitmap (2.5).
    chunk_ratio: u64,
    tables: Tables,
}

pub(super) fn open(file: ImageFile, opener: &Opener<'_>) -> Result<Arc<dyn DiskSource>> {
    if file.read_array(0)? != *b"vhdxfile" {
        return Err(invalid("the file does not begin with the magic of VHDX"));
    }
    check_header(&file)?;
    let regions = Regions::read(&file)?;
    let metadata = Metadata::read(&file, &regions)?;
    let Metadata { size, block_size, logical_sector } = metadata;
    opener.options.check_size(size)?;
    if size % logical_sector != 0 {
        return Err(invalid(format!(
            "a disk of {size} bytes, which are not whole sectors of {logical_sector}"
        )));
    }
    let chunk_ratio = (1 << 23) * logical_sector / block_size;
    let blocks = size.div_ceil(block_size);
    // The last chunk needs no bitmap behind it: a disk without a parent never reads one.
    let entries = blocks + (blocks - 1) / chunk_ratio;
    if regions.bat.length / 8 < entries {
        return Err(invalid(format!(
            "the block allocation table has {} entries; a disk of {size} bytes needs {entries}",
            regions.bat.length / 8
        )));
    }
    let bat = regions.bat.offset;
    Ok(Arc::new(Blocks::new(Vhdx { file, size, bat, block_size, chunk_ratio, tables: Tables::new() })))
}

/// The valid header with the higher sequence number is the current one (2.2.2.1). Its log must be empty.
fn check_header(file: &ImageFile) -> Result<()> {
    let mut current: Option<[u8; HEADER]> = None;
    for at in HEADERS {
        let header: [u8; HEADER] = file.read_array(at)?;
        let valid = header.starts_with(b"head") && check_sum(&header);
        if valid && current.as_ref().is_none_or(|current| le::u64_in(&header, 8) > le::u64_in(current, 8)) {
            current = Some(header);
        }
    }
    let Some(header) = current else {
        return Err(invalid("neither of the two VHDX headers has a valid checksum")
            .with_help("the image is damaged: copy it again from its source"));
    };
    match le::u16_in(&header, 66) {
        1 => {}
        version => return Err(unsupported(format!("version {version} of VHDX; version 1 is read"))),
    }
    if header[48..64] != [0; 16] {
        return Err(unsupported("the VHDX was not closed: its log contains writes that have not been applied")
            .with_help("shut the virtual machine down; if it is down, replay the log on a copy: `qemu-img check -r all IMAGE`"));
    }
    Ok(())
}

/// A place in the file.
#[derive(Debug, Clone, Copy)]
struct Region {
    offset: u64,
    length: u64,
}

#[derive(Debug)]
struct Regions {
    bat: Region,
    metadata: Region,
}

impl Regions {
    fn read(file: &ImageFile) -> Result<Self> {
        for at in REGION_TABLES {
            let table = file.read_vec(at, REGION_TABLE)?;
            if table.starts_with(b"regi") && check_sum(&table) {
                return Self::parse(file, &table);
            }
        }
        Err(invalid("neither of the two region tables has a valid checksum")
            .with_help("the image is damaged: copy it again from its source"))
    }

    fn parse(file: &ImageFile, table: &[u8]) -> Result<Self> {
        let (mut bat, mut metadata) = (None, None);
        for entry in table[16..].chunks_exact(32).take(entry_count(le::u32_in(table, 8), "region table")?) {
            let region = Region { offset: le::u64_in(entry, 16), length: u64::from(le::u32_in(entry, 24)) };
            let slot = match entry.first_chunk() {
                Some(&BAT) => &mut bat,
                Some(&METADATA) => &mut metadata,
                _ if le::u32_in(entry, 28) & REGION_REQUIRED != 0 => {
                    return Err(unsupported("the VHDX has a region that is required but unknown"));
                }
                _ => continue,
            };
            if region.offset < MIB || !region.offset.is_multiple_of(MIB) {
                return Err(invalid(format!(
                    "a region at offset {}; a multiple of 1 MiB was expected",
                    region.offset
                )));
            }
            file.check(region.offset, region.length)?;
            if slot.replace(region).is_some() {
                return Err(invalid("the region table names a region twice"));
            }
        }
        match (bat, metadata) {
            (Some(bat), Some(metadata)) => Ok(Self { bat, metadata }),
            _ => Err(invalid("the region table names no block allocation table, or no metadata")),
        }
    }
}

/// What of the metadata is needed to read. Each is within the bounds of the specification.
#[derive(Debug)]
struct Metadata {
    size: u64,
    block_size: u64,
    logical_sector: u64,
}

impl Metadata {
    fn read(file: &ImageFile, regions: &Regions) -> Result<Self> {
        let region = regions.metadata;
        let table = file.read_vec(region.offset, REGION_TABLE.min(region.length as usize))?;
        if table.len() < REGION_TABLE || !table.starts_with(b"metadata") {
            return Err(invalid("the metadata table is missing"));
        }
        let (mut parameters, mut size, mut logical_sector) = (None, None, None);
        let count = entry_count(u32::from(le::u16_in(&table, 10)), "metadata table")?;
        for entry in table[32..].chunks_exact(32).take(count) {
            let (offset, length, flags) =
                (le::u32_in(entry, 16), le::u32_in(entry, 20), le::u32_in(entry, 24));
            let (slot, expected) = match entry.first_chunk() {
                Some(&FILE_PARAMETERS) => (&mut parameters, 8),
                Some(&DISK_SIZE) => (&mut size, 8),
                Some(&LOGICAL_SECTOR) => (&mut logical_sector, 4),
                Some(&(DISK_ID | PHYSICAL_SECTOR)) => continue,
                Some(&PARENT) => return Err(differencing()),
                _ if flags & ITEM_REQUIRED != 0 => {
                    return Err(unsupported("the VHDX has a metadata item that is required but unknown"));
                }
                _ => continue,
            };
            let (offset, length) = (u64::from(offset), u64::from(length));
            if length != expected || offset < REGION_TABLE as u64 || offset + length > region.length {
                return Err(invalid(format!("a metadata item of {length} bytes at offset {offset}")));
            }
            let mut value = [0; 8];
            file.read_at(&mut value[..expected as usize], region.offset + offset)?;
            if slot.replace(u64::from_le_bytes(value)).is_some() {
                return Err(invalid("the metadata table has an item twice"));
            }
        }
        let (Some(parameters), Some(size), Some(logical_sector)) = (parameters, size, logical_sector) else {
            return Err(invalid(
                "the block size, the disk size or the sector size is missing in the metadata",
            ));
        };
        // Block size in the lower half, flags in the upper one (2.6.2.1).
        let (block_size, flags) = (parameters & 0xFFFF_FFFF, (parameters >> 32) as u32);
        if flags & HAS_PARENT != 0 {
            return Err(differencing());
        }
        if !block_size.is_power_of_two() || !(MIB..=256 * MIB).contains(&block_size) {
            return Err(invalid(format!(
                "blocks of {block_size} bytes; a power of two from 1 MiB to 256 MiB was expected"
            )));
        }
        if !matches!(logical_sector, 512 | 4096) {
            return Err(invalid(format!("sectors of {logical_sector} bytes; 512 or 4096 was expected")));
        }
        Ok(Self { size, block_size, logical_sector })
    }
}

fn entry_count(count: u32, what: &str) -> Result<usize> {
    match count as usize {
        count if count <= MAX_ENTRIES => Ok(count),
        count => Err(invalid(format!("{count} entries in the {what}; at most {MAX_ENTRIES} are possible"))),
    }
}

impl BlockMap for Vhdx {
    fn format(&self) -> &'static str {
        "vhdx"
    }

    fn size(&self) -> u64 {
        self.size
    }

    fn data(&self) -> &ImageFile {
        &self.file
    }

    fn run_at(&self, offset: u64) -> Result<Run> {
        let (block, within) = (offset / self.block_size, offset % self.block_size);
        // After every `chunk_ratio` blocks is an entry for their sector bitmap.
        let at = self.bat + (block + block / self.chunk_ratio) * 8;
        let blocks = self.size.div_ceil(self.block_size) - block;
        let to_bitmap = self.chunk_ratio - block % self.chunk_ratio;
        let entries = self.tables.entries(&self.file, at, at + blocks.min(to_bitmap) * 8, 8)?;
        Run::of_entries(&entries, self.block_size, within, |entry| place(le::u64_in(entry, 0)))
    }
}

/// Where the block of an entry of the block allocation table is (2.5.1).
fn place(entry: u64) -> Result<Place> {
    let at = entry >> 20 << 20;
    match entry & 7 {
        // NOT_PRESENT, UNDEFINED, ZERO, and UNMAPPED as it is numbered and was in drafts: QEMU reads zeros, too.
        0..=3 | 5 => Ok(Place::Zero),
        6 if at >= MIB => Ok(Place::Stored(at)), // FULLY_PRESENT; the first MiB is the headers'
        6 => Err(invalid("a block within the headers")),
        7 => Err(invalid("a partially present block in a VHDX that has no parent")),
        state => Err(invalid(format!("a block of the unknown state {state}"))),
    }
}

/// CRC-32C of a structure, in its bytes 4 to 8 and counted as zeros there.
fn check_sum(bytes: &[u8]) -> bool {
    let crc = crc32c(crc32c(crc32c(!0, &bytes[..4]), &[0; 4]), &bytes[8..]);
    !crc == le::u32_in(bytes, 4)
}

/// The Castagnoli polynomial, reflected. 16 KiB a table would bring nothing: 136 KiB of headers are summed.
fn crc32c(crc: u32, bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut index = 0;
        while index < 256 {
            let (mut crc, mut bit) = (index as u32, 0);
            while bit < 8 {
                crc = if crc & 1 == 0 { crc >> 1 } else { crc >> 1 ^ 0x82F6_3B78 };
                bit += 1;
            }
            table[index] = crc;
            index += 1;
        }
        table
    };
    bytes.iter().fold(crc, |crc, &byte| TABLE[((crc ^ u32::from(byte)) & 0xFF) as usize] ^ crc >> 8)
}

fn differencing() -> Error {
    unsupported("a differencing VHDX, which contains only what differs from its parent")
        .with_help("merge it into its parent: `Merge-VHD` of Hyper-V")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_rfc_3720() {
        // RFC 3720, B.4: 32 bytes of zeros, and of ones.
        assert_eq!(!crc32c(!0, &[0; 32]), 0x8A91_36AA);
        assert_eq!(!crc32c(!0, &[0xFF; 32]), 0x62A8_AB43);
    }
}
