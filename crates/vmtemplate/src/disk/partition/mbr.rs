//! The master boot record and the chain of extended boot records.

use std::collections::BTreeSet;
use std::ops::Range;

use super::super::DiskImage;
use super::{Partition, PartitionKind, PartitionScheme, PartitionTable};
use crate::error::Result;
use crate::le;

/// More logical partitions than any system numbers; it bounds the walk of a hostile chain.
const MAX_LOGICAL: usize = 128;

/// Where the four entries of 16 bytes begin.
const FIRST_ENTRY: usize = 446;

/// An entry of a boot record. Start and length count sectors.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    flag: u8,
    kind: u8,
    start: u32,
    length: u32,
}

impl Entry {
    pub(super) fn is_empty(&self) -> bool {
        self.kind == 0 || self.length == 0
    }

    /// Whether it says "this disk has a GPT" (UEFI specification 2.10, section 5.2.3).
    pub(super) fn is_protective(&self) -> bool {
        self.kind == 0xEE
    }

    /// The last sector that it covers.
    pub(super) fn last(&self) -> u64 {
        (u64::from(self.start) + u64::from(self.length)).saturating_sub(1)
    }

    fn kind(&self) -> PartitionKind {
        PartitionKind::Mbr(self.kind)
    }

    /// Its bytes, if sector numbers count from `base`.
    fn range(&self, base: u64, sector: u64) -> Range<u64> {
        let start = base + u64::from(self.start);
        start * sector..(start + u64::from(self.length)) * sector
    }

    fn partition(&self, index: u32, base: u64, sector: u64) -> Partition {
        Partition {
            index,
            // Two 32-bit numbers and a sector of at most 4096 bytes: no overflow.
            offset: (base + u64::from(self.start)) * sector,
            length: u64::from(self.length) * sector,
            kind: self.kind(),
            name: String::new(),
            active: self.flag == 0x80,
            id: None,
        }
    }
}

/// The four entries of a boot record; `None` if the sector is not one.
///
/// Code or text in the place of the entries shows by a flag that is neither 0 nor 0x80, as the kernel checks it.
pub(super) fn entries(sector: &[u8]) -> Option<[Entry; 4]> {
    if le::u16_at(sector, 510)? != 0xAA55 {
        return None;
    }
    let mut entries = [Entry { flag: 0, kind: 0, start: 0, length: 0 }; 4];
    for (slot, entry) in entries.iter_mut().enumerate() {
        let bytes = le::array_at::<16>(sector, FIRST_ENTRY + 16 * slot)?;
        *entry = Entry {
            flag: bytes[0],
            kind: bytes[4],
            start: le::u32_at(&bytes, 8)?,
            length: le::u32_at(&bytes, 12)?,
        };
        if entry.flag & 0x7F != 0 {
            return None;
        }
    }
    Some(entries)
}

pub(super) fn read(disk: &DiskImage, first: &[u8], entries: &[Entry; 4]) -> Result<PartitionTable> {
    let sector = sector_size(disk, entries)?;
    let signature = le::u32_at(first, 440).filter(|&signature| signature != 0);
    let mut table = PartitionTable {
        scheme: PartitionScheme::Mbr,
        sector_size: sector as u32,
        disk_id: signature.map(|signature| format!("{signature:08X}")),
        reserved: std::iter::once(0..sector).collect(),
        ..PartitionTable::none()
    };
    let mut extended = None;
    for (index, entry) in (1..).zip(entries).filter(|(_, entry)| !entry.is_empty()) {
        table.partitions.push(entry.partition(index, 0, sector));
        if entry.kind().is_extended() {
            if extended.is_none() {
                extended = Some(*entry);
            } else {
                table
                    .warnings
                    .push(format!("partition {index} is a second extended partition, and was not read"));
                table.doubtful.push(entry.range(0, sector));
            }
        }
    }
    if let Some(container) = extended
        && !read_logical(disk, container, sector, &mut table)?
    {
        table.doubtful.push(container.range(0, sector));
    }
    Ok(table)
}

/// Walk the chain of extended boot records: each holds one logical partition, counted from the record itself, and
/// the place of the next record, counted from the start of the container. Whether the chain was read to its end, and
/// every partition of it is in the table and in the container.
fn read_logical(disk: &DiskImage, container: Entry, sector: u64, table: &mut PartitionTable) -> Result<bool> {
    let base = u64::from(container.start);
    let end = base + u64::from(container.length);
    let mut at = base;
    let mut seen = BTreeSet::new();
    let mut is_whole = true;
    loop {
        if !seen.insert(at) {
            table.warnings.push(format!("the chain of logical partitions loops at sector {at}"));
            return Ok(false);
        }
        if seen.len() > MAX_LOGICAL {
            table.warnings.push(format!(
                "the disk has more than {MAX_LOGICAL} logical partitions; the rest is ignored"
            ));
            return Ok(false);
        }
        if at < base || at >= end || (at + 1) * sector > disk.size() {
            table
                .warnings
                .push(format!("the chain of logical partitions leaves its container at sector {at}"));
            return Ok(false);
        }
        let record = disk.read_vec(at * sector, 512)?;
        // Partitioning tools leave what a volume had there before. It may be a volume still.
        is_whole &= super::FileSystem::of(&record).is_none();
        let Some(entries) = entries(&record) else {
            table.warnings.push(format!("the chain of logical partitions is broken at sector {at}"));
            return Ok(false);
        };
        table.reserved.push(at * sector..(at + 1) * sector);
        // Partition and link may be in any slot; usually they are the first two.
        let is_logical = |entry: &&Entry| !entry.is_empty() && !entry.kind().is_extended();
        is_whole &= entries.iter().filter(is_logical).count() <= 1;
        is_whole &= entries.iter().filter(|entry| entry.kind().is_extended()).count() <= 1;
        // Of more than one, which the systems take is their own affair.
        table.doubtful.extend(entries.iter().filter(is_logical).skip(1).map(|other| other.range(at, sector)));
        let links = entries.iter().filter(|entry| entry.kind().is_extended());
        table.doubtful.extend(links.skip(1).map(|other| other.range(base, sector)));
        if let Some(logical) = entries.iter().find(is_logical) {
            let place = logical.range(at, sector);
            is_whole &= place.start > at * sector && place.end <= end * sector;
            let index = 5 + table.partitions.iter().filter(|partition| partition.index >= 5).count() as u32;
            table.partitions.push(logical.partition(index, at, sector));
        }
        match entries.iter().find(|entry| entry.kind().is_extended()) {
            Some(link) if link.start != 0 => at = base + u64::from(link.start),
            _ => return Ok(is_whole),
        }
    }
}

/// What an MBR states beside the entry that says "this disk has a GPT".
pub(super) fn beside_protective(entries: &[Entry; 4], sector: u32) -> impl Iterator<Item = Partition> {
    let stated = (1..).zip(entries).filter(|(_, entry)| !entry.is_empty() && !entry.is_protective());
    stated.map(move |(index, entry)| entry.partition(index, 0, u64::from(sector)))
}

/// The unit of the table. It is not stated: 4096 only if a partition counted so begins with a boot sector that
/// says 4096 bytes per sector, and none counted in 512 begins with a boot sector.
fn sector_size(disk: &DiskImage, entries: &[Entry; 4]) -> Result<u64> {
    let mut found = 512;
    for entry in entries.iter().filter(|entry| !entry.is_empty() && !entry.kind().is_extended()) {
        if boot_sector_size(disk, u64::from(entry.start) * 512)?.is_some() {
            return Ok(512);
        }
        if boot_sector_size(disk, u64::from(entry.start) * 4096)? == Some(4096) {
            found = 4096;
        }
    }
    Ok(found)
}

/// The bytes per sector that a FAT or NTFS boot sector at `offset` states; `None` if there is none.
fn boot_sector_size(disk: &DiskImage, offset: u64) -> Result<Option<u16>> {
    match super::FileSystem::detect(disk, offset)? {
        Some(_) => Ok(le::u16_at(&disk.read_vec(offset, 512)?, 11)),
        None => Ok(None),
    }
}
