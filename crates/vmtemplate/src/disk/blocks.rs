//! What the formats with a block table have in common: runs of blocks become reads and extents.
//!
//! A format only answers where the bytes at an offset are ([`BlockMap::run_at`]). Joining runs, checking them against
//! the end of the file, unpacking and its cache, the disk below and the holes of the file itself are all here, once.

use std::fmt;
use std::path::{Path, PathBuf};
#[cfg(feature = "vmdk")]
use std::sync::Arc;

use super::cache::Cache;
use super::file::ImageFile;
use super::tables::Entries;
use super::{DiskSource, Extent, ExtentKind};
use crate::error::{Error, ErrorKind, Result};

/// Where the bytes of a stretch of the virtual disk are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Nowhere: they are zeros.
    Zero,
    /// In the file, as they are, from this offset on.
    Stored(u64),
    /// In the file, compressed as one block.
    Packed(Packed),
    /// In the backing image.
    Below,
}

impl Place {
    /// The place of the bytes that follow `length` bytes at this place, if it goes on.
    fn after(self, length: u64) -> Option<Self> {
        match self {
            Self::Stored(at) => at.checked_add(length).map(Self::Stored),
            Self::Packed(_) => None,
            Self::Zero | Self::Below => Some(self),
        }
    }
}

/// One compressed block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Packed {
    /// Where the compressed bytes are in the file.
    pub(super) at: u64,
    /// How many they are, where the table states; bounded by a small multiple of the block size.
    pub(super) length: usize,
    /// How many bytes of the disk it holds: a block, or less at the end of the disk.
    pub(super) size: usize,
    /// How far into the unpacked block the run begins.
    pub(super) skip: usize,
}

/// A stretch of the virtual disk whose bytes are in one place. Never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) length: u64,
    pub(super) place: Place,
}

impl Run {
    /// The run that begins `within` the block of the first entry, and goes on as far as the entries do.
    /// `place` states where the block of an entry begins.
    pub(super) fn of_entries(
        entries: &Entries,
        block_size: u64,
        within: u64,
        mut place: impl FnMut(&[u8]) -> Result<Place>,
    ) -> Result<Self> {
        let mut run = Self { length: block_size - within, place: Place::Zero };
        for (index, entry) in entries.iter().enumerate() {
            match (index, place(entry)?) {
                (0, Place::Packed(block)) => {
                    run.place = Place::Packed(Packed { skip: within as usize, ..block });
                    break;
                }
                (0, begin) => run.place = begin.after(within).unwrap_or(begin),
                (_, next) if run.place.after(run.length) == Some(next) => run.length += block_size,
                _ => break,
            }
        }
        Ok(run)
    }
}

/// A format with a block table.
pub(super) trait BlockMap: Send + Sync + fmt::Debug {
    /// As [`DiskSource::format`].
    fn format(&self) -> &'static str;

    /// As [`DiskSource::size`].
    fn size(&self) -> u64;

    /// The file that holds the blocks.
    fn data(&self) -> &ImageFile;

    /// Where the bytes from `offset` on are. The run may pass the end of the disk, and need not be the longest.
    fn run_at(&self, offset: u64) -> Result<Run>;

    /// The disk that shows where this one has nothing.
    fn below(&self) -> Option<&dyn DiskSource> {
        None
    }

    /// The size of a compressed block when it is unpacked.
    fn packed_block_size(&self) -> usize {
        1
    }

    /// Read and unpack one block into `out`, which has its size and must be filled.
    fn unpack(&self, _block: Packed, _out: &mut [u8]) -> Result<()> {
        Err(Error::new(ErrorKind::Unsupported, "this format has no compressed blocks"))
    }

    /// As [`DiskSource::verify_unchanged`], for every file of the image.
    fn verify_unchanged(&self) -> Result<()> {
        self.data().verify_unchanged()
    }

    /// As [`DiskSource::files`].
    fn files(&self) -> Vec<PathBuf> {
        self.data().path().map(Path::to_owned).into_iter().collect()
    }
}

/// How many runs are joined in one call: what bounds the work of a call on an empty disk of many TiB.
const MAX_JOINED: usize = 1024;

/// A disk over a block table.
#[derive(Debug)]
pub(super) struct Blocks<M> {
    map: M,
    /// Unpacked blocks, for readers that want them piece by piece. By their place in the file.
    unpacked: Cache,
}

impl<M: BlockMap> Blocks<M> {
    pub(super) fn new(map: M) -> Self {
        let slots = (8 * 1024 * 1024 / map.packed_block_size()).clamp(4, 64);
        Self { map, unpacked: Cache::new(slots) }
    }

    /// Cut a run at the end of the disk, and check it against the end of the file.
    fn check(&self, offset: u64, mut run: Run) -> Result<Run> {
        run.length = run.length.min(self.map.size() - offset);
        if let Place::Stored(at) = run.place {
            self.map.data().check(at, run.length)?;
        }
        Ok(run)
    }

    /// Lengthen the run at `offset` by what goes on where it ends, until it is `enough` long.
    fn join(&self, offset: u64, mut run: Run, enough: u64) -> Result<Run> {
        let enough = enough.min(self.map.size() - offset);
        for _ in 0..MAX_JOINED {
            let Some(place) = run.place.after(run.length).filter(|_| run.length < enough) else { break };
            let next = self.map.run_at(offset + run.length)?;
            if next.place != place {
                break;
            }
            run.length += next.length;
        }
        self.check(offset, run)
    }

    fn read_packed(&self, block: Packed, buf: &mut [u8]) -> Result<()> {
        if buf.len() == block.size {
            return self.map.unpack(block, buf);
        }
        let unpacked = self.unpacked.get(block.at, || {
            let mut out = vec![0; block.size];
            self.map.unpack(block, &mut out)?;
            Ok(out)
        })?;
        // Two entries that point to one block may differ in its size, in a damaged image only.
        let bytes = unpacked.get(block.skip..block.skip + buf.len()).ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidImage,
                "two table entries for one compressed block contradict each other",
            )
        })?;
        buf.copy_from_slice(bytes);
        Ok(())
    }

    fn read_inner(&self, mut buf: &mut [u8], mut offset: u64) -> Result<()> {
        while !buf.is_empty() {
            let run = self.join(offset, self.map.run_at(offset)?, buf.len() as u64)?;
            let length = run.length.min(buf.len() as u64) as usize;
            let (part, rest) = buf.split_at_mut(length);
            match run.place {
                Place::Zero => part.fill(0),
                Place::Stored(at) => self.map.data().read_at(part, at)?,
                Place::Packed(block) => self.read_packed(block, part)?,
                Place::Below => read_below(self.map.below(), part, offset)?,
            }
            buf = rest;
            offset += length as u64;
        }
        Ok(())
    }

    fn extent_inner(&self, offset: u64) -> Result<Extent> {
        let run = self.check(offset, self.map.run_at(offset)?)?;
        // What lies under the run is asked first: the run is then joined no further than that reaches, so that
        // a walk over the disk looks at every entry of the table once, however finely the lower layer is cut.
        let (length, kind) = match run.place {
            Place::Zero => (u64::MAX, ExtentKind::Zero),
            Place::Packed(_) => (run.length, ExtentKind::Data),
            Place::Stored(at) => {
                let under = self.map.data().extent_at(at)?;
                (under.length, under.kind)
            }
            Place::Below => match self.map.below() {
                Some(below) if offset < below.size() => {
                    let under = below.extent_at(offset)?;
                    (under.length.min(below.size() - offset), under.kind)
                }
                _ => (u64::MAX, ExtentKind::Zero),
            },
        };
        let run = self.join(offset, run, length)?;
        Ok(Extent { offset, length: run.length.min(length), kind })
    }
}

/// The backing disk may be shorter than the disk over it: it then goes on in zeros (qcow2 specification, "Backing files").
fn read_below(below: Option<&dyn DiskSource>, buf: &mut [u8], offset: u64) -> Result<()> {
    let room = below.map_or(0, |below| below.size().saturating_sub(offset));
    let (inside, outside) = buf.split_at_mut(room.min(buf.len() as u64) as usize);
    outside.fill(0);
    match below {
        Some(below) if !inside.is_empty() => below.read_at(inside, offset),
        _ => Ok(()),
    }
}

impl<M: BlockMap> DiskSource for Blocks<M> {
    fn format(&self) -> &'static str {
        self.map.format()
    }

    fn size(&self) -> u64 {
        self.map.size()
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<()> {
        self.read_inner(buf, offset).map_err(|error| self.map.data().locate(error))
    }

    fn extent_at(&self, offset: u64) -> Result<Extent> {
        self.extent_inner(offset).map_err(|error| self.map.data().locate(error))
    }

    fn verify_unchanged(&self) -> Result<()> {
        self.map.verify_unchanged()
    }

    fn files(&self) -> Vec<PathBuf> {
        self.map.files()
    }
}

/// Several disks one after the other: the extents of a split VMDK.
#[cfg(feature = "vmdk")]
#[derive(Debug)]
pub(super) struct Joined {
    format: &'static str,
    /// The file that names the parts.
    descriptor: Option<PathBuf>,
    /// Each part with the offset that it ends at.
    parts: Vec<(u64, Arc<dyn DiskSource>)>,
}

#[cfg(feature = "vmdk")]
impl Joined {
    /// The caller has checked that the sizes do not overflow.
    pub(super) fn new(
        format: &'static str,
        descriptor: Option<PathBuf>,
        parts: Vec<Arc<dyn DiskSource>>,
    ) -> Self {
        let mut end = 0;
        let parts = parts
            .into_iter()
            .map(|part| {
                end += part.size();
                (end, part)
            })
            .collect();
        Self { format, descriptor, parts }
    }

    /// The part that `offset` lies in, and how far into it.
    fn part(&self, offset: u64) -> Result<(&dyn DiskSource, u64)> {
        let index = self.parts.partition_point(|&(end, _)| end <= offset);
        let (end, part) = self
            .parts
            .get(index)
            .ok_or_else(|| Error::new(ErrorKind::InvalidValue, "an offset past the end of the disk"))?;
        Ok((&**part, offset - (end - part.size())))
    }
}

#[cfg(feature = "vmdk")]
impl DiskSource for Joined {
    fn format(&self) -> &'static str {
        self.format
    }

    fn size(&self) -> u64 {
        self.parts.last().map_or(0, |&(end, _)| end)
    }

    fn read_at(&self, mut buf: &mut [u8], mut offset: u64) -> Result<()> {
        while !buf.is_empty() {
            let (part, at) = self.part(offset)?;
            let length = (part.size() - at).min(buf.len() as u64) as usize;
            let (now, rest) = buf.split_at_mut(length);
            part.read_at(now, at)?;
            buf = rest;
            offset += length as u64;
        }
        Ok(())
    }

    fn extent_at(&self, offset: u64) -> Result<Extent> {
        let (part, at) = self.part(offset)?;
        let extent = part.extent_at(at)?;
        Ok(Extent { offset, length: extent.length.min(part.size() - at), kind: extent.kind })
    }

    fn verify_unchanged(&self) -> Result<()> {
        self.parts.iter().try_for_each(|(_, part)| part.verify_unchanged())
    }

    fn files(&self) -> Vec<PathBuf> {
        self.descriptor.iter().cloned().chain(self.parts.iter().flat_map(|(_, part)| part.files())).collect()
    }
}
