//! QEMU's qcow2, versions 2 and 3 (QEMU, docs/interop/qcow2.rst). Read-only; internal snapshots are passed over.

mod header;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::header::{Compression, Header};
use super::be;
use super::blocks::{BlockMap, Blocks, Packed, Place, Run};
use super::file::ImageFile;
use super::open::open_file;
use super::opener::Opener;
use super::tables::Tables;
use super::{DiskSource, invalid};
use crate::error::{Error, Result};

/// Where an entry of an L1 or L2 table points: bits 9 to 55.
const OFFSET: u64 = 0x00FF_FFFF_FFFF_FE00;
/// An L2 entry of a compressed cluster.
const COMPRESSED: u64 = 1 << 62;
/// The cluster is used once; with an external data file it tells a cluster at offset 0 from none.
const COPIED: u64 = 1 << 63;
/// A standard L2 entry of a cluster that reads as zeros, whatever its offset.
const ZERO: u64 = 1;
/// The parts that a cluster has where L2 entries are extended.
const SUBCLUSTERS: u64 = 32;

/// The most that a window of zstd may be: QEMU's own have 2 MiB at most.
const ZSTD_WINDOW: u64 = 8 << 20;

#[derive(Debug)]
struct Qcow2 {
    file: ImageFile,
    header: Header,
    /// The file with the clusters, where it is another one.
    data: Option<ImageFile>,
    below: Option<Arc<dyn DiskSource>>,
    tables: Tables,
}

pub(super) fn open(file: ImageFile, opener: &Opener<'_>) -> Result<Arc<dyn DiskSource>> {
    let header = Header::read(&file, opener.options)?;
    let tables = Tables::new();
    let cluster = 1 << header.cluster_bits;
    tables.check_directory(&file, header.l1_offset, header.l1_entries, 8, cluster, |entry| {
        be::u64_in(entry, 0) & OFFSET != 0
    })?;
    let data = match &header.data_file {
        Some(name) => Some(opener.named(name, "data file", &file)?.0),
        None => None,
    };
    let below = match &header.backing {
        Some(backing) => {
            let (below, opener) = opener.named(&backing.name, "backing file", &file)?;
            let format = backing.format.as_deref().map(str::parse).transpose()?;
            Some(open_file(below, format, &opener)?)
        }
        None => None,
    };
    Ok(Arc::new(Blocks::new(Qcow2 { file, header, data, below, tables })))
}

impl Qcow2 {
    fn cluster_size(&self) -> u64 {
        1 << self.header.cluster_bits
    }

    fn unallocated(&self) -> Place {
        if self.below.is_some() { Place::Below } else { Place::Zero }
    }

    /// The place of a cluster, from its first byte on, by its L2 entry. For extended entries: where it is stored.
    fn place(&self, entry: u64) -> Result<Place> {
        if entry & COMPRESSED != 0 {
            return self.packed(entry);
        }
        if entry & ZERO != 0 && !self.header.extended_l2 {
            if self.header.version < 3 {
                return Err(invalid("an L2 entry of a zero cluster, which version 2 does not have"));
            }
            return Ok(Place::Zero);
        }
        match entry & OFFSET {
            0 if self.data.is_some() && entry & COPIED != 0 => Ok(Place::Stored(0)),
            0 => Ok(self.unallocated()),
            at if at % self.cluster_size() != 0 => {
                Err(invalid(format!("an L2 entry points to {at}, which is not the start of a cluster")))
            }
            at => Ok(Place::Stored(at)),
        }
    }

    /// "Compressed Clusters Descriptor" of the specification.
    fn packed(&self, entry: u64) -> Result<Place> {
        if self.data.is_some() {
            return Err(invalid("a compressed cluster in an image whose clusters are in another file"));
        }
        let offset_bits = 62 - (self.header.cluster_bits - 8);
        let at = entry & ((1 << offset_bits) - 1);
        let sectors = (entry & (COMPRESSED - 1)) >> offset_bits;
        let stated = (sectors + 1) * 512 - at % 512;
        // The last sector of a file need not be whole.
        let length = stated.min(self.file.size().saturating_sub(at)) as usize;
        self.file.check(at, 1)?;
        Ok(Place::Packed(Packed { at, length, size: self.cluster_size() as usize, skip: 0 }))
    }

    /// The run from `within` a cluster on, by an extended L2 entry: its parts are allocated, zero, or neither.
    fn subclusters(&self, entry: u64, bitmap: u64, within: u64) -> Result<Run> {
        let place = self.place(entry)?;
        if let Place::Packed(block) = place {
            let place = Place::Packed(Packed { skip: within as usize, ..block });
            return Ok(Run { length: self.cluster_size() - within, place });
        }
        let size = self.cluster_size() / SUBCLUSTERS;
        let kind = |part: u64| (bitmap >> part & 1, bitmap >> (part + 32) & 1);
        let first = within / size;
        let last = (first..SUBCLUSTERS).take_while(|&part| kind(part) == kind(first)).last().unwrap_or(first);
        let place = match (kind(first), place) {
            ((0, 0), _) => self.unallocated(),
            ((0, _), _) => Place::Zero,
            ((1, 0), Place::Stored(at)) => Place::Stored(at + within),
            _ => return Err(invalid("an extended L2 entry whose bitmap contradicts itself")),
        };
        Ok(Run { length: (last + 1) * size - within, place })
    }
}

impl BlockMap for Qcow2 {
    fn format(&self) -> &'static str {
        "qcow2"
    }

    fn size(&self) -> u64 {
        self.header.size
    }

    fn data(&self) -> &ImageFile {
        self.data.as_ref().unwrap_or(&self.file)
    }

    fn below(&self) -> Option<&dyn DiskSource> {
        self.below.as_deref()
    }

    fn packed_block_size(&self) -> usize {
        self.cluster_size() as usize
    }

    fn run_at(&self, offset: u64) -> Result<Run> {
        let cluster_bits = self.header.cluster_bits;
        let width: u64 = if self.header.extended_l2 { 16 } else { 8 };
        // A table has the size of a cluster; what it covers is below 2^39 bytes.
        let covered = (self.cluster_size() / width) << cluster_bits;
        let l1_entry = self.header.l1_offset + offset / covered * 8;
        let table = u64::from_be_bytes(self.tables.entry(&self.file, l1_entry)?) & OFFSET;
        if table == 0 {
            return Ok(Run { length: covered - offset % covered, place: self.unallocated() });
        }
        if !table.is_multiple_of(self.cluster_size()) {
            return Err(invalid(format!(
                "an L1 entry points to {table}, which is not the start of a cluster"
            )));
        }
        let at = table + ((offset % covered) >> cluster_bits) * width;
        let entries = self.tables.entries(&self.file, at, table + self.cluster_size(), width as usize)?;
        let within = offset % self.cluster_size();
        if self.header.extended_l2 {
            let entry = entries.first();
            return self.subclusters(be::u64_in(entry, 0), be::u64_in(entry, 8), within);
        }
        Run::of_entries(&entries, self.cluster_size(), within, |entry| self.place(be::u64_in(entry, 0)))
    }

    fn unpack(&self, block: Packed, out: &mut [u8]) -> Result<()> {
        let packed = self.file.read_vec(block.at, block.length)?;
        let unpacked = match self.header.compression {
            Compression::Deflate => {
                libdeflater::Decompressor::new().deflate_decompress(&packed, out).map_err(broken)?
            }
            Compression::Zstd => unpack_zstd(&packed, out)?,
        };
        if unpacked != out.len() {
            return Err(invalid(format!(
                "a compressed cluster unpacks to {unpacked} bytes instead of {}",
                out.len()
            )));
        }
        Ok(())
    }

    fn verify_unchanged(&self) -> Result<()> {
        self.file.verify_unchanged()?;
        self.data.iter().try_for_each(ImageFile::verify_unchanged)?;
        self.below.iter().try_for_each(|below| below.verify_unchanged())
    }

    fn files(&self) -> Vec<PathBuf> {
        let own = [Some(&self.file), self.data.as_ref()].into_iter().flatten();
        let own = own.filter_map(ImageFile::path).map(Path::to_owned);
        own.chain(self.below.iter().flat_map(|below| below.files())).collect()
    }
}

/// One frame, and behind it what else the last sector holds. Returns how much of `out` it fills.
fn unpack_zstd(mut packed: &[u8], out: &mut [u8]) -> Result<usize> {
    use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
    use std::io::Read;

    let mut decoder = FrameDecoder::new();
    decoder.set_max_window_size(ZSTD_WINDOW);
    decoder.init(&mut packed).map_err(broken)?;
    let mut done = 0;
    while done < out.len() && !decoder.is_finished() {
        decoder.decode_blocks(&mut packed, BlockDecodingStrategy::UptoBlocks(1)).map_err(broken)?;
        done += decoder.read(&mut out[done..]).map_err(broken)?;
    }
    // What the window held back comes out at the end.
    done += decoder.read(&mut out[done..]).map_err(broken)?;
    Ok(done)
}

fn broken(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    invalid("a compressed cluster cannot be unpacked").caused_by(error)
}
