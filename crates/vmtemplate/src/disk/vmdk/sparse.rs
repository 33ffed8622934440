//! Sparse extents: grains behind a directory of tables, as they are or compressed (VMware, "Virtual Disk Format 5.0").

use super::super::blocks::{BlockMap, Packed, Place, Run};
use super::super::file::ImageFile;
use super::super::tables::Tables;
use super::super::{invalid, unsupported};
use super::SECTOR;
use super::descriptor::MAX_LENGTH;
use crate::error::Result;
use crate::le;

/// Flags of the header.
const NEWLINES_CHECKED: u32 = 1;
const ZEROED_GRAINS: u32 = 1 << 2;
const COMPRESSED: u32 = 1 << 16;
const MARKERS: u32 = 1 << 17;

/// The directory's offset where it is known only at the end of the file, in a copy of the header.
const AT_END: u64 = u64::MAX;
/// That copy is in front of the last sector.
const FOOTER: u64 = 1024;
/// The marker in front of a compressed grain: its sector on the disk, and its length.
const MARKER: u64 = 12;
const GRAINS: std::ops::RangeInclusive<u64> = 4 << 10..=2 << 20;

#[derive(Debug)]
pub(super) struct SparseExtent {
    file: ImageFile,
    size: u64,
    grain: u64,
    directory: u64,
    /// Entries of a table of grains.
    table_entries: u64,
    zeroed_grains: bool,
    compressed: bool,
    /// Where the embedded descriptor is, and its length; a piece of a split disk has none.
    descriptor: Option<(u64, u64)>,
    tables: Tables,
}

impl SparseExtent {
    pub(super) fn read(file: ImageFile) -> Result<Self> {
        let mut header: [u8; SECTOR as usize] = file.read_array(0)?;
        check_header(&header)?;
        let descriptor = (bytes(le::u64_in(&header, 28))?, bytes(le::u64_in(&header, 36))?);
        if le::u64_in(&header, 56) == AT_END {
            header = file.read_array(file.size().saturating_sub(FOOTER))?;
            check_header(&header)?;
        }
        let flags = le::u32_in(&header, 8);
        let compressed = flags & COMPRESSED != 0;
        if compressed && (flags & MARKERS == 0 || le::u16_in(&header, 77) != 1) {
            return Err(unsupported("compressed grains without markers, or not compressed with deflate"));
        }
        let (size, grain) = (bytes(le::u64_in(&header, 12))?, bytes(le::u64_in(&header, 20))?);
        if !grain.is_power_of_two() || !GRAINS.contains(&grain) {
            return Err(invalid(format!(
                "grains of {grain} bytes; a power of two from 4 KiB to 2 MiB was expected"
            )));
        }
        let table_entries = u64::from(le::u32_in(&header, 44));
        if !(1..=512).contains(&table_entries) {
            return Err(invalid(format!("tables of {table_entries} grains; 512 was expected")));
        }
        let directory = bytes(le::u64_in(&header, 56))?;
        let needed = size.div_ceil(grain * table_entries);
        let tables = Tables::new();
        tables.check_directory(&file, directory, needed, 4, table_entries * 4, |entry| {
            le::u32_in(entry, 0) != 0
        })?;
        Ok(Self {
            file,
            size,
            grain,
            directory,
            table_entries,
            zeroed_grains: flags & ZEROED_GRAINS != 0,
            compressed,
            descriptor: (descriptor.0 != 0 && descriptor.1 != 0).then_some(descriptor),
            tables,
        })
    }

    pub(super) fn descriptor(&self) -> Result<Option<Vec<u8>>> {
        let Some((offset, length)) = self.descriptor else { return Ok(None) };
        if length > MAX_LENGTH {
            return Err(invalid(format!("a descriptor of {length} bytes; at most {MAX_LENGTH} are read")));
        }
        self.file.read_vec(offset, length as usize).map(Some)
    }
}

/// What must hold for the header, and for its copy at the end.
fn check_header(header: &[u8; SECTOR as usize]) -> Result<()> {
    if !header.starts_with(b"KDMV") {
        return Err(invalid("the header of a sparse VMDK is missing"));
    }
    match le::u32_in(header, 4) {
        1..=3 => {}
        version => return Err(unsupported(format!("version {version} of a sparse VMDK; 1 to 3 are read"))),
    }
    if le::u32_in(header, 8) & NEWLINES_CHECKED != 0 && header[73..77] != *b"\n \r\n" {
        return Err(invalid("the line ends in the header were changed: the file was transferred as text")
            .with_help("transfer it again, as binary"));
    }
    Ok(())
}

/// Sectors as bytes.
fn bytes(sectors: u64) -> Result<u64> {
    sectors
        .checked_mul(SECTOR)
        .ok_or_else(|| invalid(format!("{sectors} sectors exceed every possible size")))
}

impl BlockMap for SparseExtent {
    fn format(&self) -> &'static str {
        "vmdk"
    }

    fn size(&self) -> u64 {
        self.size
    }

    fn data(&self) -> &ImageFile {
        &self.file
    }

    fn packed_block_size(&self) -> usize {
        self.grain as usize
    }

    fn run_at(&self, offset: u64) -> Result<Run> {
        let covered = self.grain * self.table_entries;
        let entry = self.tables.entry(&self.file, self.directory + offset / covered * 4)?;
        let table = u64::from(u32::from_le_bytes(entry)) * SECTOR;
        if table == 0 {
            return Ok(Run { length: covered - offset % covered, place: Place::Zero });
        }
        let at = table + offset % covered / self.grain * 4;
        let entries = self.tables.entries(&self.file, at, table + self.table_entries * 4, 4)?;
        let mut begin = offset - offset % self.grain;
        Run::of_entries(&entries, self.grain, offset % self.grain, |entry| {
            let size = self.grain.min(self.size.saturating_sub(begin)) as usize;
            begin += self.grain;
            match u64::from(le::u32_in(entry, 0)) {
                0 => Ok(Place::Zero),
                1 if self.zeroed_grains => Ok(Place::Zero),
                sector if self.compressed => {
                    let at = sector * SECTOR;
                    self.file.check(at, MARKER)?;
                    Ok(Place::Packed(Packed { at, length: 0, size, skip: 0 }))
                }
                sector => Ok(Place::Stored(sector * SECTOR)),
            }
        })
    }

    fn unpack(&self, block: Packed, out: &mut [u8]) -> Result<()> {
        let marker: [u8; MARKER as usize] = self.file.read_array(block.at)?;
        let length = u64::from(le::u32_in(&marker, 8));
        // Deflate never adds more than a few bytes to what it cannot compress.
        if length > 2 * self.grain {
            return Err(invalid(format!("a compressed grain of {length} bytes")));
        }
        let packed = self.file.read_vec(block.at + MARKER, length as usize)?;
        // The last grain of the disk may be whole or cut in the file.
        let mut whole =
            if out.len() < self.grain as usize { vec![0; self.grain as usize] } else { Vec::new() };
        let target = if whole.is_empty() { &mut *out } else { &mut whole };
        let unpacked = libdeflater::Decompressor::new()
            .zlib_decompress(&packed, target)
            .map_err(|error| invalid("a compressed grain cannot be unpacked").caused_by(error))?;
        if unpacked < out.len() {
            return Err(invalid(format!(
                "a compressed grain unpacks to {unpacked} bytes instead of {}",
                out.len()
            )));
        }
        if !whole.is_empty() {
            out.copy_from_slice(&whole[..out.len()]);
        }
        Ok(())
    }
}
