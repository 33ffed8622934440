//! Large inputs as small ones: a sample and what is changed in it.
//!
//! A fuzzer is quick with a hundred bytes and lost in thirty million, most of them zeros. So the input of a target that
//! reads disks is a list of patches: each a place (3 bytes), a length (1 byte, of which the lower half counts), and up
//! to 16 bytes. A place counts among those sectors of the sample that hold something, where a change matters.

use std::io::Read;
use std::ops::Range;
use std::sync::Arc;

use vmtemplate::{DiskImage, DiskSource, Error, Extent, ExtentKind, Result};

const SECTOR: usize = 512;

/// A sample and the sectors in it that are not zeros.
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

    /// The sample in a gzip file.
    pub(crate) fn from_gzip(packed: &[u8]) -> Self {
        let mut bytes = Vec::new();
        flate2::read::GzDecoder::new(packed).read_to_end(&mut bytes).unwrap();
        Self::new(bytes)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The patches that `input` lists.
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

    /// The input that puts `bytes` to `at`, which must be in a sector that holds something.
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

    /// The sample with the patches in it.
    pub(crate) fn patched(&self, input: &[u8]) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        for (at, patch) in self.patches(input) {
            bytes[at..at + patch.len()].copy_from_slice(&patch);
        }
        bytes
    }
}

/// A disk that is a part of a sample, with patches, which costs no copy of the sample.
#[derive(Debug)]
struct Patched {
    sample: &'static Sample,
    range: Range<usize>,
    patches: Vec<(usize, Vec<u8>)>,
}

/// The disk in `range` of a sample, with patches at places that count from the start of the sample.
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
