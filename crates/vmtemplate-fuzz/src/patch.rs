//! Small inputs for large disks: a sample, and the changes to it.
//!
//! A fuzzer is fast with a hundred bytes and slow with thirty million, most of them zeros. The input of a target that
//! reads disks is therefore a list of patches: each has a position (3 bytes), a length (the lower half of 1 byte), and
//! up to 16 bytes. Positions count only the sectors of the sample that are not zero, where a change matters.

use std::io::Read;
use std::ops::Range;
use std::sync::Arc;

use vmtemplate::disk::{DiskSource, Extent, ExtentKind};
use vmtemplate::{DiskImage, Error, Result};

const SECTOR: usize = 512;

/// A sample, and its sectors that are not zero.
#[derive(Debug)]
pub(crate) struct Sample {
    bytes: Vec<u8>,
    live: Vec<u32>,
}

impl Sample {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        let live = bytes.chunks(SECTOR).zip(0..).filter(|(sector, _)| sector.iter().any(|&b| b != 0));
        let live = live.map(|(_, number)| number).collect();
        Self { bytes, live }
    }

    /// Decompress a sample.
    pub(crate) fn from_gzip(packed: &[u8]) -> Self {
        let mut bytes = Vec::new();
        flate2::read::GzDecoder::new(packed).read_to_end(&mut bytes).unwrap();
        Self::new(bytes)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Parse the patches in `input`.
    pub(crate) fn patches(&self, mut input: &[u8]) -> Vec<(usize, Vec<u8>)> {
        let mut patches = Vec::new();
        while let [a, b, c, length, rest @ ..] = input {
            let place = usize::from(*a) | usize::from(*b) << 8 | usize::from(*c) << 16;
            let sector = self.live[place / SECTOR % self.live.len()] as usize;
            let at = sector * SECTOR + place % SECTOR;
            let length = (usize::from(*length & 15) + 1).min(rest.len()).min(self.bytes.len() - at);
            patches.push((at, rest[..length].to_vec()));
            input = &rest[length..];
        }
        patches
    }

    /// The input that writes `bytes` to `at`, which must be in a sector that is not zero.
    pub(crate) fn seed(&self, at: usize, bytes: &[u8]) -> Vec<u8> {
        let mut seed = Vec::new();
        for (number, part) in bytes.chunks(16).enumerate() {
            let at = at + 16 * number;
            let sector = self.live.binary_search(&((at / SECTOR) as u32)).unwrap();
            let place = sector * SECTOR + at % SECTOR;
            seed.extend_from_slice(&(place as u32).to_le_bytes()[..3]);
            seed.push(part.len() as u8 - 1);
            seed.extend_from_slice(part);
        }
        seed
    }

    /// The patched sample.
    pub(crate) fn patched(&self, input: &[u8]) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        for (at, patch) in self.patches(input) {
            bytes[at..at + patch.len()].copy_from_slice(&patch);
        }
        bytes
    }
}

/// A disk that is a patched part of a sample, without copying the sample.
#[derive(Debug)]
struct Patched {
    sample: &'static Sample,
    range: Range<usize>,
    patches: Vec<(usize, Vec<u8>)>,
}

/// The disk in `range` of a sample; the positions of patches count from the start of the sample.
pub(crate) fn disk(
    sample: &'static Sample,
    range: Range<usize>,
    patches: Vec<(usize, Vec<u8>)>,
) -> DiskImage {
    DiskImage::from_source(Arc::new(Patched { sample, range, patches }))
}

impl DiskSource for Patched {
    fn format(&self) -> &'static str {
        "raw"
    }

    fn size(&self) -> u64 {
        self.range.len() as u64
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<()> {
        let start = self.range.start + offset as usize;
        let end = start + buf.len();
        let eof = || Error::io("a read past the end of the disk", std::io::ErrorKind::UnexpectedEof.into());
        buf.copy_from_slice(self.sample.bytes[..self.range.end].get(start..end).ok_or_else(eof)?);
        for (at, patch) in &self.patches {
            let (from, to) = ((*at).max(start), (at + patch.len()).min(end));
            if from < to {
                buf[from - start..to - start].copy_from_slice(&patch[from - at..to - at]);
            }
        }
        Ok(())
    }

    fn extent_at(&self, offset: u64) -> Result<Extent> {
        Ok(Extent { offset, length: self.size() - offset, kind: ExtentKind::Data })
    }
}
