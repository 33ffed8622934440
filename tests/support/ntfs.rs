//! Helpers of the NTFS tests: sample volumes, patched views of them, and positions of structures in them.

// A failure here fails the calling test.
#![allow(clippy::unwrap_used, clippy::panic, clippy::missing_panics_doc)]

use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use vmtemplate::disk::{DiskSource, Extent, ExtentKind};
use vmtemplate::{DiskImage, Error, Result};

/// The cluster sizes of the sample volumes.
pub const CLUSTER_SIZES: [u32; 2] = [512, 4096];

/// The sample volume with clusters of this size, `$UpCase` filled in.
pub fn sample(cluster: u32) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../fixtures/small-{cluster}.ntfs.gz"));
    let mut image = Vec::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_end(&mut image).unwrap();
    let upcase = first_cluster_of(&image, 10) * cluster as usize;
    for unit in 0..=u16::MAX {
        let folded = char::from_u32(u32::from(unit)).map_or(unit, |c| {
            let mut upper = c.to_uppercase();
            match (upper.next(), upper.next()) {
                (Some(one), None) => u16::try_from(u32::from(one)).unwrap_or(unit),
                _ => unit,
            }
        });
        image[upcase + 2 * usize::from(unit)..][..2].copy_from_slice(&folded.to_le_bytes());
    }
    image
}

/// What `blocks first last` of the generator writes.
pub fn blocks(first: usize, last: usize) -> Vec<u8> {
    (first..=last).flat_map(|i| format!("{i:<256}").into_bytes()).collect()
}

/// What `seq first last` writes.
pub fn seq(first: usize, last: usize) -> Vec<u8> {
    (first..=last).flat_map(|i| format!("{i}\n").into_bytes()).collect()
}

/// The number of two bytes at `at`.
pub fn u16_at(image: &[u8], at: usize) -> usize {
    usize::from(u16::from_le_bytes(image[at..at + 2].try_into().unwrap()))
}

/// The number of four bytes at `at`.
pub fn u32_at(image: &[u8], at: usize) -> usize {
    u32::from_le_bytes(image[at..at + 4].try_into().unwrap()) as usize
}

/// The cluster size in the boot sector.
pub fn cluster_size(image: &[u8]) -> usize {
    u16_at(image, 11) * usize::from(image[13])
}

/// The offset of record `number`, on a volume whose MFT is contiguous up to there.
pub fn record_at(image: &[u8], number: usize) -> usize {
    u32_at(image, 48) * cluster_size(image) + number * 1024
}

/// The offset of the base record of the file called `name` (ASCII).
pub fn record_of(image: &[u8], name: &str) -> usize {
    let wanted: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let in_use = |&at: &usize| image[at..].starts_with(b"FILE") && u16_at(image, at + 22) & 1 == 1;
    let records = || (0..image.len()).step_by(512).filter(in_use);
    let has_name = |&at: &usize| image[at..at + 1024].windows(wanted.len()).any(|window| window == wanted);
    let found = records().find(has_name).unwrap();
    // The name may be in an extension record of the file.
    match u32_at(image, found + 32) {
        0 => found,
        base => records().find(|&at| u32_at(image, at + 44) == base).unwrap(),
    }
}

/// The offset of the first attribute with this type and name (ASCII) in the record at `record`.
pub fn attribute_at(image: &[u8], record: usize, kind: usize, name: &str) -> usize {
    let mut at = record + u16_at(image, record + 20);
    loop {
        assert_ne!(u32_at(image, at), 0xFFFF_FFFF, "no attribute {kind:#x} {name:?}");
        let start = at + u16_at(image, at + 10);
        let found: String = (0..usize::from(image[at + 9])).map(|i| image[start + 2 * i] as char).collect();
        if u32_at(image, at) == kind && found == name {
            return at;
        }
        at += u32_at(image, at + 4);
    }
}

/// The first cluster of the unnamed data of record `number`.
pub fn first_cluster_of(image: &[u8], number: usize) -> usize {
    first_cluster_of_record(image, record_at(image, number))
}

/// The first cluster of the unnamed data of the record at `record`.
pub fn first_cluster_of_record(image: &[u8], record: usize) -> usize {
    first_cluster_of_attribute(image, attribute_at(image, record, 0x80, ""))
}

/// The first cluster of the attribute at `attribute`.
pub fn first_cluster_of_attribute(image: &[u8], attribute: usize) -> usize {
    assert_eq!(image[attribute + 8], 1, "the value stands in its record");
    let pairs = attribute + u16_at(image, attribute + 32);
    let (length_size, lcn_size) = (usize::from(image[pairs] & 15), usize::from(image[pairs] >> 4));
    image[pairs + 1 + length_size..][..lcn_size]
        .iter()
        .rev()
        .fold(0, |lcn, &byte| lcn << 8 | usize::from(byte))
}

/// The position of the bit of `cluster`: byte and mask.
pub fn bitmap_bit(image: &[u8], cluster: usize) -> (usize, u8) {
    (first_cluster_of(image, 6) * cluster_size(image) + cluster / 8, 1 << (cluster % 8))
}

/// A disk in memory with some bytes replaced, which counts reads and fails when a budget is exceeded.
#[derive(Debug)]
pub struct Patched {
    /// The bytes.
    pub base: Arc<Vec<u8>>,
    /// The offsets of replaced bytes, and their values.
    pub patches: Vec<(usize, u8)>,
    /// The number of bytes that may still be read; each read costs 64 additional bytes.
    pub budget: AtomicU64,
}

impl Patched {
    /// The disk with these patches, without a budget.
    pub fn disk(base: &Arc<Vec<u8>>, patches: Vec<(usize, u8)>) -> DiskImage {
        Self::with_budget(base, patches, u64::MAX)
    }

    /// The disk with these patches, of which at most `budget` bytes may be read.
    pub fn with_budget(base: &Arc<Vec<u8>>, patches: Vec<(usize, u8)>, budget: u64) -> DiskImage {
        DiskImage::from_source(Arc::new(Self { base: base.clone(), patches, budget: budget.into() }))
    }
}

impl DiskSource for Patched {
    fn format(&self) -> &'static str {
        "raw"
    }

    fn size(&self) -> u64 {
        self.base.len() as u64
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<()> {
        // A call costs something too, so that an endless loop of small reads is detected soon.
        let cost = buf.len() as u64 + 64;
        let spend = |left: u64| left.checked_sub(cost);
        let within = self.budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend).is_ok();
        assert!(within, "the read budget is used up: something does not end");
        let start = usize::try_from(offset).unwrap();
        let source = self.base.get(start..start + buf.len()).ok_or_else(|| {
            Error::io("a read past the end of the disk", std::io::ErrorKind::UnexpectedEof.into())
        })?;
        buf.copy_from_slice(source);
        for &(at, byte) in &self.patches {
            if (start..start + buf.len()).contains(&at) {
                buf[at - start] = byte;
            }
        }
        Ok(())
    }

    fn extent_at(&self, offset: u64) -> Result<Extent> {
        Ok(Extent { offset, length: self.size() - offset, kind: ExtentKind::Data })
    }
}

/// A folder for the files of one test, removed at its end.
pub fn scratch() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// A page of `$LogFile` of this major version, without clients and with the flag of a clean volume.
pub fn journal_page(major: u16) -> Vec<u8> {
    let mut page = vec![0; 4096];
    let fields: [(usize, &[u8]); 10] = [
        (0, b"RSTR"),
        (4, &30u16.to_le_bytes()),
        (6, &9u16.to_le_bytes()),
        (16, &4096u32.to_le_bytes()),
        (20, &4096u32.to_le_bytes()),
        (24, &48u16.to_le_bytes()),
        (28, &major.to_le_bytes()),
        (48, &7u64.to_le_bytes()),
        (60, &u16::MAX.to_le_bytes()),
        (62, &2u16.to_le_bytes()),
    ];
    for (at, bytes) in fields {
        page[at..at + bytes.len()].copy_from_slice(bytes);
    }
    for at in std::iter::once(30).chain((510..4096).step_by(512)) {
        page[at..at + 2].copy_from_slice(&[3, 0]);
    }
    page
}
