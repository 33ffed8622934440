//! Ten thousand disk layouts against an oracle: no live sector is dropped, and free sectors are.
//!
//! The oracle knows the owner of each sector because it writes it. It shares no code with the library: partition tables
//! and foreign metadata are written byte by byte, and free clusters are read from `$Bitmap` of the sample volumes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

use std::fmt::Write as _;
use std::process::Command;
use std::sync::Arc;

use vmtemplate::disk::{DiskSource, Extent, ExtentKind, FreeSpaceOptions};
use vmtemplate::{DiskImage, Result};
use vmtemplate_test_support::ntfs::*;
use vmtemplate_test_support::tool;

const LAYOUTS: u64 = 10_000;

/// 16 MiB, in sectors of 512 bytes.
const DISK: u64 = 32 << 10;
/// The volumes of the sample have 4096 clusters of a sector each, the backup boot sector among them.
const VOLUME: u64 = 4096;
/// Each volume is somewhere in its own part of the disk.
const SLOT: u64 = 9216;

/// Deterministic pseudo-random numbers.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize]
    }
}

/// The states of one volume: how Windows left it.
struct Samples {
    clean: Arc<Vec<u8>>,
    hibernated: Arc<Vec<u8>>,
    dirty: Arc<Vec<u8>>,
    /// The journal is of version 2.0, and says that it is clean.
    mounted: Arc<Vec<u8>>,
    /// The newer page of the journal was written only in part; the older one says that it is clean.
    torn: Arc<Vec<u8>>,
    /// Windows may be hibernated on these; it cannot be determined.
    unclear: Vec<Arc<Vec<u8>>>,
    /// These contain no Windows: an unformatted partition, and a FAT volume.
    harmless: Vec<Arc<Vec<u8>>>,
    /// Which sectors of the volume are free.
    free: Vec<bool>,
}

impl Samples {
    fn new() -> Self {
        let clean = sample(512);
        assert_eq!(clean.len() as u64, VOLUME * 512);
        let patched = |at: usize, bytes: &[u8]| {
            let mut image = clean.clone();
            image[at..at + bytes.len()].copy_from_slice(bytes);
            Arc::new(image)
        };
        let flags = attribute_at(&clean, record_at(&clean, 3), 0x70, "") + 24 + 10;
        let hiberfil = first_cluster_of_record(&clean, record_of(&clean, "hiberfil.sys")) * 512;
        let log = first_cluster_of(&clean, 2) * 512;
        // The last sector is not a cluster.
        let is_free = |cluster: usize| {
            let (byte, mask) = bitmap_bit(&clean, cluster);
            cluster + 1 < VOLUME as usize && clean[byte] & mask == 0
        };
        Self {
            hibernated: patched(hiberfil, b"HIBR"),
            dirty: patched(flags, &[1]),
            mounted: patched(log, &[journal_page(2), journal_page(2)].concat()),
            torn: {
                let mut newer = journal_page(2);
                newer[4094] ^= 1;
                patched(log, &[journal_page(1), newer].concat())
            },
            unclear: vec![
                patched(record_at(&clean, 0), b"BAAD"),
                patched(3, b"-FVE-FS-"),
                patched(0, &[0; 512]),
                patched(0, &[0; 64 << 10]),
            ],
            harmless: vec![Arc::new(vec![0; clean.len()]), {
                let mut fat = vec![0; clean.len()];
                // Sectors of 512 bytes, clusters of one, one table of 12 sectors, 16 entries in the root.
                fat[11..24].copy_from_slice(&[0, 2, 1, 1, 0, 1, 16, 0, 0, 0, 0xF8, 12, 0]);
                fat[19..21].copy_from_slice(&u16::try_from(clean.len() / 512).unwrap().to_le_bytes());
                fat[54..59].copy_from_slice(b"FAT12");
                fat[510..512].copy_from_slice(&[0x55, 0xAA]);
                Arc::new(fat)
            }],
            free: (0..VOLUME as usize).map(is_free).collect(),
            clean: Arc::new(clean.clone()),
        }
    }
}

/// A disk made of pieces; later ones overwrite earlier ones. The space between them has leftover data.
#[derive(Debug, Default)]
struct Pieces(Vec<Piece>);

/// The position of a piece, and its range of which bytes.
type Piece = (u64, Arc<Vec<u8>>, std::ops::Range<usize>);

impl Pieces {
    fn put(&mut self, at: u64, bytes: impl Into<Vec<u8>>) {
        let bytes = bytes.into();
        let length = bytes.len();
        self.0.push((at, Arc::new(bytes), 0..length));
    }
}

impl DiskSource for Pieces {
    fn format(&self) -> &'static str {
        "raw"
    }

    fn size(&self) -> u64 {
        DISK * 512
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<()> {
        buf.fill(0xDD);
        let end = offset + buf.len() as u64;
        for (at, bytes, part) in &self.0 {
            let (from, to) = ((*at).max(offset), (at + part.len() as u64).min(end));
            if from < to {
                let source = part.start + (from - at) as usize;
                buf[(from - offset) as usize..(to - offset) as usize]
                    .copy_from_slice(&bytes[source..source + (to - from) as usize]);
            }
        }
        Ok(())
    }

    fn extent_at(&self, offset: u64) -> Result<Extent> {
        Ok(Extent { offset, length: self.size() - offset, kind: ExtentKind::Data })
    }
}

/// A partition in a table, in sectors.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Entry {
    start: u64,
    length: u64,
    kind: u8,
    is_logical: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Scheme {
    Primary,
    Logical,
    Gpt,
    Bare,
}

/// How a volume differs from a plain one.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Twist {
    Plain,
    Hidden,
    Longer,
    /// Windows does not need the backup boot sector.
    OneSectorShort,
    Shorter,
    Shifted,
    OtherType,
    Dirty,
    Mounted,
    Torn,
    Hibernated,
    /// It cannot be opened, so it is unknown whether Windows is hibernated on it.
    Unclear,
    /// It is not an NTFS volume, and cannot be one.
    Harmless,
    /// The metadata of DRBD, bcache or Stratis.
    Shared,
    MdAtEnd,
    MdInside,
    Lvm,
    Overlapped,
    Nested,
    Enclosed,
    Twice,
    /// On a dynamic disk, the second half of the volume is elsewhere, and other data is in its place.
    Spanned,
}

/// Properties of the whole disk.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Whole {
    Nothing,
    PrivateHead,
    PrivateHeadAtEnd,
    DynamicType,
    Spaces,
    Controller,
    LvmOfDisk,
    /// A second table has the same entries as the first one.
    SameTable,
    /// It has another entry over the first volume.
    OtherTable,
    /// An entry outside the bounds of its table, in both copies or only in the backup, covers a part of the first
    /// volume.
    OutOfBounds,
    /// An entry ends before it begins.
    Reversed,
    /// The table in the last sector is not the one that the primary copy refers to as its backup.
    TableAtEnd,
    /// Another table counts sectors of 4096 bytes.
    TableOf4096,
    SecondExtended,
    BrokenChain,
    /// A boot record of the chain has two partitions.
    TwoLogical,
}

struct Layout {
    pieces: Pieces,
    /// Whether a sector may read as zeros: only a volume owns it, and marks it free.
    droppable: Vec<bool>,
    told: String,
}

fn guid(kind: u8) -> [u8; 16] {
    let text = match kind {
        0x07 | 0x17 => "a2a0d0ebe5b9334487c068b6b72699c7",
        0x27 => "a4bb94ded106404da16abfd50179d6ac",
        0x42 => "a0609baf3114624fbc683311714a69ad",
        0x43 => "aac808588f7ee04285d2e1e90434cfb3",
        0x8E => "79d3d6e607f5c244a23c238f2a3df928",
        0xE7 => "8faf5ce780f6ee4cafa3b001e56efc2d",
        _ => "af3dc60f838472478e793d69d8477de4",
    };
    std::array::from_fn(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
}

fn record(entries: &[(u8, u64, u64)]) -> Vec<u8> {
    let mut sector = vec![0; 512];
    for (slot, (kind, start, length)) in entries.iter().enumerate() {
        let at = 446 + 16 * slot;
        sector[at + 4] = *kind;
        sector[at + 8..at + 12].copy_from_slice(&(*start as u32).to_le_bytes());
        sector[at + 12..at + 16].copy_from_slice(&(*length as u32).to_le_bytes());
    }
    sector[510..].copy_from_slice(&[0x55, 0xAA]);
    sector
}

/// The position of a copy of a GPT, in sectors of this many bytes.
#[derive(Debug, Clone, Copy)]
struct Place {
    sector: u64,
    lba: u64,
    other: u64,
    table: u64,
}

const PRIMARY: Place = Place { sector: 512, lba: 1, other: DISK - 1, table: 2 };
const BACKUP: Place = Place { sector: 512, lba: DISK - 1, other: 1, table: DISK - 33 };

/// Both copies of a GPT, the second of `backup`.
fn put_gpt(pieces: &mut Pieces, primary: &[Entry], backup: &[Entry]) {
    put_copy(pieces, PRIMARY, primary);
    put_copy(pieces, BACKUP, backup);
}

fn put_copy(pieces: &mut Pieces, place: Place, entries: &[Entry]) {
    let Place { sector, lba, other, table: table_lba } = place;
    let mut table = vec![0; 128 * 128];
    for (slot, entry) in entries.iter().enumerate() {
        let place = &mut table[128 * slot..128 * (slot + 1)];
        place[..16].copy_from_slice(&guid(entry.kind));
        place[16] = slot as u8 + 1;
        place[32..40].copy_from_slice(&entry.start.to_le_bytes());
        // An entry without length ends before it begins.
        place[40..48].copy_from_slice(&(entry.start + entry.length - 1).to_le_bytes());
    }
    let mut header = vec![0; 512];
    header[..8].copy_from_slice(b"EFI PART");
    for (at, value) in [(8, 0x1_0000), (12, 92), (80, 128), (84, 128), (88, crc32fast::hash(&table))] {
        header[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }
    let last = DISK * 512 / sector - 34;
    for (at, value) in [(24, lba), (32, other), (40, 34), (48, last), (56, 7), (72, table_lba)] {
        header[at..at + 8].copy_from_slice(&u64::to_le_bytes(value));
    }
    let sum = crc32fast::hash(&header[..92]);
    header[16..20].copy_from_slice(&sum.to_le_bytes());
    pieces.put(lba * sector, header);
    pieces.put(table_lba * sector, table);
}

/// A superblock of Linux RAID 1.x at `at` of its device.
fn md_block(at: u64) -> Vec<u8> {
    let mut block = vec![0; 1024];
    block[..4].copy_from_slice(&0xA92B_4EFC_u32.to_le_bytes());
    block[4..8].copy_from_slice(&1u32.to_le_bytes());
    block[72..76].copy_from_slice(&1u32.to_le_bytes()); // level
    block[80..88].copy_from_slice(&2048u64.to_le_bytes()); // size
    block[92..96].copy_from_slice(&2u32.to_le_bytes()); // disks
    block[144..152].copy_from_slice(&(at / 512).to_le_bytes());
    // The sum of all words, folded; its own field counts as zero (mdadm, `calc_sb_1_csum`).
    let words =
        block[..256].chunks_exact(4).map(|word| u64::from(u32::from_le_bytes(word.try_into().unwrap())));
    let sum: u64 = words.sum();
    block[216..220].copy_from_slice(&((sum & 0xFFFF_FFFF) as u32 + (sum >> 32) as u32).to_le_bytes());
    block
}

/// A superblock of Linux RAID 0.90.
fn old_md_block() -> Vec<u8> {
    let mut block = vec![0; 4096];
    for (word, value) in [0xA92B_4EFC_u32, 0, 90, 0].into_iter().enumerate() {
        block[4 * word..4 * word + 4].copy_from_slice(&value.to_le_bytes());
    }
    block[32..36].copy_from_slice(&512u32.to_le_bytes()); // size in KiB
    block
}

fn lvm_label(sector: u64) -> Vec<u8> {
    let mut label = vec![0; 512];
    label[..8].copy_from_slice(b"LABELONE");
    label[8..16].copy_from_slice(&sector.to_le_bytes());
    label[20..24].copy_from_slice(&32u32.to_le_bytes());
    label[24..32].copy_from_slice(b"LVM2 001");
    // CRC-32 without its inversions, begun with 0xF597A6CF (lvm2, `lib/misc/crc.c`).
    let sum = label[20..].iter().fold(0xF597_A6CF_u32, |sum, &byte| {
        (0..8).fold(sum ^ u32::from(byte), |sum, _| sum >> 1 ^ if sum & 1 == 1 { 0xEDB8_8320 } else { 0 })
    });
    label[16..20].copy_from_slice(&sum.to_le_bytes());
    label
}

/// Build layout number `seed`.
#[allow(clippy::too_many_lines)] // one layout is told in one piece
fn generate(seed: u64, samples: &Samples) -> Layout {
    use {Scheme as S, Twist as T, Whole as W};
    let mut random = Random(seed ^ 0x5EED_0000);
    for _ in 0..4 {
        random.below(2);
    }
    let scheme =
        random.one_of(&[S::Primary, S::Primary, S::Logical, S::Logical, S::Gpt, S::Gpt, S::Gpt, S::Bare]);
    let count = if scheme == S::Bare { 1 } else { 1 + random.below(3) };
    let whole = if random.below(3) > 0 {
        W::Nothing
    } else {
        match scheme {
            S::Bare => random.one_of(&[W::PrivateHeadAtEnd, W::Controller, W::LvmOfDisk, W::OtherTable]),
            S::Gpt => random.one_of(&[
                W::PrivateHead,
                W::PrivateHeadAtEnd,
                W::DynamicType,
                W::Spaces,
                W::Controller,
                W::SameTable,
                W::OtherTable,
                W::OutOfBounds,
                W::OutOfBounds,
                W::Reversed,
                W::TableAtEnd,
                W::TableOf4096,
            ]),
            S::Primary => random.one_of(&[
                W::PrivateHead,
                W::PrivateHeadAtEnd,
                W::DynamicType,
                W::Spaces,
                W::Controller,
                W::LvmOfDisk,
                W::SameTable,
                W::OtherTable,
                W::SecondExtended,
            ]),
            S::Logical => random.one_of(&[
                W::PrivateHead,
                W::PrivateHeadAtEnd,
                W::DynamicType,
                W::Spaces,
                W::Controller,
                W::BrokenChain,
                W::TwoLogical,
                W::SecondExtended,
            ]),
        }
    };
    let mut pieces = Pieces::default();
    let mut droppable = vec![false; DISK as usize];
    let mut entries = Vec::new();
    let mut extra = None;
    let takes_extra = whole == W::Nothing;
    let mut told = format!("layout {seed}: {scheme:?}, {whole:?}");
    // Hazards that take every volume of the disk.
    let mut all_live = !matches!(
        whole,
        W::Nothing | W::SameTable | W::OtherTable | W::OutOfBounds | W::TableAtEnd | W::TableOf4096
    );
    for number in 0..count {
        let start = if scheme == S::Bare { 0 } else { 2048 + number * SLOT + random.below(1024) };
        let twist = match scheme {
            S::Bare => {
                random.one_of(&[T::Plain, T::Plain, T::Dirty, T::Mounted, T::Hibernated, T::MdInside, T::Lvm])
            }
            // Below 13 and where no case holds, it is plain.
            _ => match random.below(37) {
                13 => T::Hidden,
                14 | 15 => T::Longer,
                16 => T::OneSectorShort,
                17 => T::Shorter,
                18 => T::Shifted,
                19 => T::OtherType,
                20 => T::Dirty,
                21 => T::Mounted,
                22 => T::Hibernated,
                23 => T::MdAtEnd,
                24 => T::MdInside,
                25 => T::Lvm,
                // One more partition is all that fits into an MBR.
                26 if takes_extra && extra.is_none() => T::Overlapped,
                27 if takes_extra && extra.is_none() => T::Nested,
                28 if takes_extra && extra.is_none() => T::Enclosed,
                29 if takes_extra && extra.is_none() => T::Twice,
                30 => T::Spanned,
                31 => T::Torn,
                32 => T::Unclear,
                33 | 34 => T::Harmless,
                35 => T::Shared,
                _ => T::Plain,
            },
        };
        let _ = write!(told, ", {twist:?} at {start}");
        let is_logical = scheme == S::Logical && (number > 0 || count == 1);
        let mut entry = Entry { start, length: VOLUME, kind: 0x07, is_logical };
        let content = match twist {
            T::Dirty => &samples.dirty,
            T::Mounted => &samples.mounted,
            T::Torn => &samples.torn,
            T::Unclear => &samples.unclear[random.below(4) as usize],
            T::Harmless => &samples.harmless[random.below(2) as usize],
            T::Hibernated => &samples.hibernated,
            _ => &samples.clean,
        };
        let bytes = content.len();
        let mut is_live = false;
        pieces.0.push((start * 512, content.clone(), 0..bytes));
        match twist {
            T::Plain => {}
            T::Hidden => entry.kind = random.one_of(&[0x17, 0x27]),
            T::Longer => entry.length += 1 + random.below(1000),
            T::OneSectorShort => entry.length -= 1,
            T::Shorter => {
                entry.length -= 2 + random.below(3000);
                is_live = true;
            }
            T::Shifted => {
                // Where the partition begins, nothing shows which Windows may be there.
                entry.start += 1 + random.below(100);
                all_live = true;
            }
            T::OtherType => {
                entry.kind = random.one_of(&[0x83, 0x0C, 0x87, 0x8E, 0xFD, 0xAF, 0x01]);
                is_live = true;
            }
            T::Dirty | T::Mounted | T::Torn | T::Harmless => is_live = true,
            T::Hibernated | T::Unclear => all_live = true,
            T::Shared => {
                entry.length += random.below(300);
                let end = (entry.length * 512) & !0xFFF;
                let bcache = b"\xC6\x85\x73\xF6\x4E\x1A\x45\xCA\x82\x65\xF5\x7F\x48\xBA\x6D\x81";
                let (at, magic): (u64, &[u8]) = random.one_of(&[
                    (end - 4096 + 60, b"\x83\x74\x02\x6D" as &[u8]),
                    (end - 4096 + 60, b"\x83\x74\x02\x6B"),
                    (4096 + 24, bcache),
                    (516, b"!Stra0tis\x86\xFF\x02^\x41rh"),
                ]);
                pieces.put(start * 512 + at, magic);
                is_live = true;
            }
            T::MdAtEnd => {
                entry.length += 300 + random.below(200);
                let bytes = entry.length * 512;
                if random.below(2) == 0 {
                    let at = (bytes & !0xFFF) - 0x2000;
                    pieces.put(start * 512 + at, md_block(at));
                } else {
                    pieces.put(start * 512 + (bytes & !0xFFFF) - 0x1_0000, old_md_block());
                }
                is_live = true;
            }
            T::MdInside => {
                pieces.put(start * 512 + 4096, md_block(4096));
                is_live = true;
            }
            T::Lvm => {
                let sector = 1 + random.below(3);
                pieces.put((start + sector) * 512, lvm_label(sector));
                is_live = true;
            }
            T::Overlapped => {
                extra = Some(Entry { start: start + 1000, length: VOLUME, kind: 0x83, is_logical: false });
                is_live = true;
            }
            T::Nested => {
                // No Windows is there: nothing would show whether it is hibernated.
                let kind = random.one_of(&[0x07, 0x83]);
                extra = Some(Entry { start: start + 3000, length: 100, kind, is_logical: false });
                pieces.put((start + 3000) * 512, vec![0xEB; 512]);
                is_live = true;
                all_live |= kind == 0x07;
            }
            T::Enclosed => {
                extra = Some(Entry { start: start - 10, length: VOLUME + 20, kind: 0x0C, is_logical: false });
                is_live = true;
            }
            T::Twice => {
                extra = Some(Entry { is_logical: false, ..entry });
                is_live = true;
            }
            T::Spanned => {
                let half = bytes / 2;
                pieces.put(start * 512 + half as u64, vec![0xAA; bytes - half]);
                pieces.0.push(((start + VOLUME + 64) * 512, content.clone(), half..bytes));
                entry.kind = 0x42;
                entry.length = VOLUME + 2200;
                all_live = true;
            }
        }
        if !is_live {
            for (sector, free) in samples.free.iter().enumerate() {
                droppable[start as usize + sector] = *free;
            }
        }
        entries.push(entry);
    }
    let first = entries[0];
    let mut keep = |entry: &Entry| {
        let range = entry.start as usize..(entry.start + entry.length).min(DISK) as usize;
        droppable[range].fill(false);
    };
    let tail = Entry { start: 30_000, length: 500, kind: 0x42, is_logical: false };
    match whole {
        // The database of a GPT disk is a partition, here one whose type was changed.
        W::PrivateHead if scheme == S::Gpt => {
            let database = Entry { start: 29_000, length: 2048, kind: 0x83, is_logical: false };
            pieces.put((database.start + random.one_of(&[1856, 2047])) * 512, b"PRIVHEAD");
            extra = Some(database);
        }
        W::PrivateHead => pieces.put(6 * 512, b"PRIVHEAD"),
        W::PrivateHeadAtEnd => {
            let backup = random.one_of(&[1856, 2047]);
            pieces.put((DISK - 2048 + backup) * 512, b"PRIVHEAD");
        }
        W::DynamicType => extra = Some(Entry { kind: if scheme == S::Gpt { 0x43 } else { 0x42 }, ..tail }),
        W::Spaces => extra = Some(Entry { kind: 0xE7, ..tail }),
        W::Controller => {
            let (from_end, magic): (u64, &[u8]) = random.one_of(&[
                (2, b"Intel Raid ISM Cfg Sig. 1.3.00" as &[u8]),
                (1, b"\xDE\x11\xDE\x11"),
                (257, b"\xDE\x11\xDE\x11"),
                (63, b"Promise Technology, Inc."),
                (3087, b"Promise Technology, Inc."),
            ]);
            pieces.put((DISK - from_end) * 512, magic);
        }
        W::LvmOfDisk => pieces.put(512, lvm_label(1)),
        W::OtherTable if scheme == S::Bare => keep(&Entry { length: DISK, ..first }),
        // A partition for Windows in which no volume begins.
        W::OtherTable => {
            all_live |= matches!(first.kind, 0x07 | 0x17 | 0x27);
            keep(&first);
        }
        W::OutOfBounds => {
            let kind = random.one_of(&[0x07, 0x83]);
            extra = Some(Entry { start: 20, length: first.start + 500, kind, is_logical: false });
            all_live |= kind == 0x07;
            keep(&first);
        }
        W::Reversed => extra = Some(Entry { length: 0, ..tail }),
        W::TableAtEnd | W::TableOf4096 => keep(&first),
        W::SecondExtended => {
            // It covers the first volume.
            extra = Some(Entry {
                start: first.start - 5,
                length: first.length + 10,
                kind: 0x0F,
                is_logical: false,
            });
        }
        // A volume that the chain does not list may contain Windows.
        W::BrokenChain | W::TwoLogical | W::Nothing | W::SameTable => {}
    }
    if all_live {
        droppable.fill(false);
    }
    // The tables overwrite everything else.
    let rival = Entry { start: first.start + 100, ..first };
    let mbr = |entry: &Entry| (entry.kind, entry.start, entry.length);
    let mut listed = entries.clone();
    listed.extend(extra);
    match scheme {
        S::Bare => match (whole, random.below(2)) {
            (W::OtherTable, 0) => put_gpt(&mut pieces, &[tail], &[tail]),
            (W::OtherTable, _) => {
                let mut sector = samples.clean[..512].to_vec();
                sector[446..].copy_from_slice(&record(&[mbr(&tail)])[446..]);
                pieces.put(0, sector);
            }
            _ => {}
        },
        S::Gpt => {
            let mut protective = vec![(0xEE, 1, DISK - 1)];
            let mut backup = listed.clone();
            if matches!(whole, W::OutOfBounds | W::Reversed) && random.below(2) == 0 {
                listed.pop();
            }
            match (whole, random.below(2)) {
                (W::SameTable, _) => protective.push(mbr(&first)),
                (W::OtherTable, 0) => protective.push(mbr(&rival)),
                (W::OtherTable, _) => backup[0] = rival,
                _ => {}
            }
            pieces.put(0, record(&protective));
            let over = Entry { kind: 0x83, ..rival };
            match whole {
                W::TableAtEnd => {
                    put_copy(&mut pieces, BACKUP, &[over]);
                    let (lba, table) = (DISK - 40, DISK - 80);
                    put_copy(&mut pieces, Place { lba, table, ..BACKUP }, &backup);
                    put_copy(&mut pieces, Place { other: lba, ..PRIMARY }, &listed);
                }
                W::TableOf4096 => {
                    let place = Place { sector: 4096, lba: 1, other: DISK / 8 - 1, table: 2 };
                    let over = Entry { start: over.start / 8, length: over.length / 8, ..over };
                    put_copy(&mut pieces, place, &[over]);
                    put_copy(&mut pieces, BACKUP, &backup);
                    put_copy(&mut pieces, Place { table: 64, ..PRIMARY }, &listed);
                }
                _ => put_gpt(&mut pieces, &listed, &backup),
            }
            if matches!(whole, W::Controller | W::PrivateHeadAtEnd) {
                // The metadata of the whole disk was written last, so the second copy may be damaged.
                let is_sign = |piece: &Piece| piece.0 >= (DISK - 4096) * 512 && piece.1.len() < 100;
                let sign = pieces.0.iter().position(is_sign).unwrap();
                let sign = pieces.0.remove(sign);
                pieces.0.push(sign);
            }
        }
        S::Primary => {
            if matches!(whole, W::SameTable | W::OtherTable) {
                let other = if whole == W::SameTable { entries.clone() } else { vec![rival] };
                put_gpt(&mut pieces, &other, &other);
            }
            pieces.put(0, record(&listed.iter().map(mbr).collect::<Vec<_>>()));
        }
        S::Logical => {
            let logical: Vec<Entry> = entries.iter().filter(|entry| entry.is_logical).copied().collect();
            let places: Vec<u64> = logical.iter().map(|entry| entry.start - 63).collect();
            let end = logical.last().map_or(0, |entry| entry.start + entry.length);
            let mut table: Vec<_> = listed.iter().filter(|entry| !entry.is_logical).map(mbr).collect();
            // The container that is found first is the one that is read.
            let container = (random.one_of(&[0x05, 0x0F]), places[0], end - places[0]);
            let at = table.iter().position(|entry| entry.0 == 0x0F).unwrap_or(table.len());
            table.insert(at, container);
            pieces.put(0, record(&table));
            for (at, entry) in logical.iter().enumerate() {
                let mut chain = vec![(entry.kind, 63, entry.length)];
                if whole == W::TwoLogical {
                    chain.push((0x07, 70, 20));
                }
                if let Some(next) = places.get(at + 1) {
                    chain.push((0x05, next - places[0], logical[at + 1].length + 63));
                } else if whole == W::BrokenChain {
                    chain.push((0x05, random.one_of(&[DISK * 2, 30, entry.start - places[0] + 9]), 100));
                }
                pieces.put(places[at] * 512, record(&chain));
            }
        }
    }
    Layout { pieces, droppable, told }
}

/// Fail unless the library and the oracle agree on a layout; returns the number of dropped bytes.
fn compare(seed: u64, samples: &Samples) -> u64 {
    let Layout { pieces, droppable, told } = generate(seed, samples);
    let disk = DiskImage::from_source(Arc::new(pieces));
    let (view, report) = disk.without_free_space(&FreeSpaceOptions::default()).unwrap();
    let mut dropped = 0;
    for extent in view.extents().map(Result::unwrap).filter(|extent| extent.kind == ExtentKind::Free) {
        let sectors = extent.offset / 512..(extent.offset + extent.length) / 512;
        let live = sectors.clone().find(|&sector| !droppable[sector as usize]);
        assert_eq!(live, None, "{told}: a live sector was dropped: {report:#?}");
        dropped += extent.length;
    }
    let expected = droppable.iter().filter(|&&free| free).count() as u64 * 512;
    assert_eq!(dropped, expected, "{told}: free space was kept without need: {report:#?}");
    assert_eq!(report.dropped(), dropped, "{told}");
    if seed.is_multiple_of(100) {
        let (whole, left) = (
            disk.read_vec(0, disk.size() as usize).unwrap(),
            view.read_vec(0, disk.size() as usize).unwrap(),
        );
        for (sector, (whole, left)) in whole.chunks(512).zip(left.chunks(512)).enumerate() {
            assert!(droppable[sector] || whole == left, "{told}: sector {sector} reads otherwise");
        }
    }
    dropped
}

#[test]
fn ten_thousand_layouts_lose_nothing_alive_and_keep_nothing_without_need() {
    let samples = Samples::new();
    assert!(samples.free.iter().filter(|&&free| free).count() > 1000);
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let (mut some, mut none) = (0, 0);
    std::thread::scope(|scope| {
        let samples = &samples;
        let workers: Vec<_> = (0..threads)
            .map(|first| {
                scope.spawn(move || {
                    let seeds = (first..LAYOUTS).step_by(threads as usize);
                    seeds.fold((0, 0), |(some, none), seed| match compare(seed, samples) {
                        0 => (some, none + 1),
                        _ => (some + 1, none),
                    })
                })
            })
            .collect();
        for worker in workers {
            let (dropped, kept) = worker.join().unwrap();
            some += dropped;
            none += kept;
        }
    });
    assert!(some > 2000 && none > 2000, "{some} layouts lost free space, {none} were kept whole");
}

/// Linux tools recognise the metadata that the layouts write.
#[test]
fn the_planted_metadata_are_those_that_blkid_knows() {
    let Some(blkid) = tool("blkid") else { return };
    let folder = scratch();
    let length = 8 << 20;
    let near_end = (length & !0xFFF) - 0x2000;
    for (name, at, block, kind) in [
        ("md-1.2", 4096, md_block(4096), "linux_raid_member"),
        ("md-1.0", near_end, md_block(near_end), "linux_raid_member"),
        ("md-0.90", length - 0x1_0000, old_md_block(), "linux_raid_member"),
        ("lvm", 512, lvm_label(1), "LVM2_member"),
        ("imsm", length - 1024, b"Intel Raid ISM Cfg Sig. 1.3.00".to_vec(), "isw_raid_member"),
        ("promise", length - 63 * 512, b"Promise Technology, Inc.".to_vec(), "promise_fasttrack_raid_member"),
    ] {
        let path = folder.path().join(name);
        let mut disk = vec![0; length as usize];
        disk[at as usize..at as usize + block.len()].copy_from_slice(&block);
        std::fs::write(&path, disk).unwrap();
        let output =
            Command::new(&blkid).args(["-p", "-o", "value", "-s", "TYPE"]).arg(&path).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), kind, "{name}");
    }
}
