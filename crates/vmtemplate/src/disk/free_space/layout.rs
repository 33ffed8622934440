//! Whose the clusters of a volume are, as far as the disk around it states.

use std::ops::Range;

use super::super::DiskImage;
use super::super::partition::{Partition, PartitionScheme, PartitionTable, Pool, PoolSign, overlap};
use super::{KeptReason, KeptVolume};
use crate::error::Result;

/// The partition table, and what says that the disk belongs to something larger.
pub(super) struct Layout {
    size: u64,
    table: PartitionTable,
    pools: Vec<PoolSign>,
}

/// Where a volume may be: a partition, or the whole disk if it has no table.
pub(super) struct Place {
    pub(super) partition: Option<u32>,
    pub(super) offset: u64,
    pub(super) length: u64,
    /// The table says that the partition is one of a dynamic disk or of Storage Spaces: worth naming, whatever is in it.
    pub(super) is_pooled: bool,
}

/// Where a Windows may be.
pub(super) struct Haunt {
    /// As people call it.
    pub(super) name: String,
    pub(super) start: u64,
    /// `None` if it is past 2^64.
    pub(super) end: Option<u64>,
    /// It has a type that Windows gives to its volumes.
    pub(super) suits_windows: bool,
    /// Volumes may begin anywhere in it.
    pub(super) may_be_divided: bool,
}

impl Haunt {
    /// Where it ends, or the disk does.
    pub(super) fn end_on(&self, disk: &DiskImage) -> u64 {
        self.end.map_or(disk.size(), |end| end.min(disk.size()))
    }
}

impl Layout {
    pub(super) fn read(disk: &DiskImage) -> Result<Self> {
        let table = PartitionTable::read(disk)?;
        let pools = table.pools(disk)?;
        Ok(Self { size: disk.size(), table, pools })
    }

    pub(super) fn places(&self) -> Vec<Place> {
        if self.table.scheme == PartitionScheme::None {
            return vec![Place { partition: None, offset: 0, length: self.size, is_pooled: false }];
        }
        let partitions = self.table.partitions.iter().filter(|partition| !partition.kind.is_extended());
        let place = |partition: &Partition| Place {
            partition: Some(partition.index),
            offset: partition.offset,
            length: partition.length,
            is_pooled: partition.kind.is_dynamic_disk() || partition.kind.is_storage_spaces(),
        };
        partitions.map(place).collect()
    }

    /// Why the clusters at a place may belong to something else than the volume that begins there.
    pub(super) fn reason_against(&self, place: &Place) -> Option<KeptVolume> {
        if let Some(sign) = self.pools.iter().find(|sign| sign.concerns(place.partition)) {
            return Some(reason_of(sign));
        }
        let range = place.offset..place.offset.saturating_add(place.length);
        let partition = self.table.partitions.iter().find(|own| Some(own.index) == place.partition);
        if let Some(other) = partition.and_then(|own| self.shares_bytes(own, &range)) {
            let detail = format!("it shares bytes with {other}: correct the partition table");
            return Some(KeptVolume::new(KeptReason::Overlapping, detail));
        }
        if self.table.doubtful.iter().any(|doubtful| overlap(doubtful, &range)) {
            let detail = "the partition table may not describe everything at this place: correct it with a \
                          partitioning tool, on a copy of the disk";
            return Some(KeptVolume::new(KeptReason::DoubtfulTable, detail));
        }
        let rivals = || self.table.rivals.iter().filter(|rival| overlaps(rival, &range));
        if let Some(rival) = rivals().find(|rival| rival.range().as_ref() != Some(&range)) {
            let detail = format!(
                "a second partition table of the disk, or an entry that is out of bounds, has partition {} of type {} \
                 over a part of it: remove the wrong table or entry, with a partitioning tool, on a copy of the disk",
                rival.index, rival.kind
            );
            return Some(KeptVolume::new(KeptReason::DoubtfulTable, detail));
        }
        let mut kinds = partition.into_iter().chain(rivals()).map(|partition| partition.kind);
        if let Some(kind) = kinds.find(|kind| !kind.has_its_own_clusters()) {
            let detail = format!(
                "its partition has the type {kind}, which is not a type for a basic volume of Windows"
            );
            return Some(KeptVolume::new(KeptReason::PartitionType, detail));
        }
        if range.end > self.size {
            let detail = format!(
                "its partition ends at byte {}, but the disk ends at {}: the image is truncated",
                range.end, self.size
            );
            return Some(KeptVolume::new(KeptReason::OutsidePartition, detail));
        }
        None
    }

    /// Every place where a Windows may be, whether it is a partition of the table or not.
    pub(super) fn haunts(&self) -> Vec<Haunt> {
        let own = self.table.partitions.iter().filter(|partition| !partition.kind.is_extended());
        let own = own.map(|partition| Haunt {
            name: format!("partition {}", partition.index),
            start: partition.offset,
            end: partition.range().map(|range| range.end),
            suits_windows: partition.kind.has_its_own_clusters(),
            may_be_divided: false,
        });
        let rivals = self.table.rivals.iter().map(|rival| Haunt {
            name: format!("partition {} of a second table or of an entry that is out of bounds", rival.index),
            start: rival.offset,
            end: rival.range().map(|range| range.end),
            suits_windows: rival.kind.has_its_own_clusters(),
            may_be_divided: rival.kind.is_extended(),
        });
        let doubtful = self.table.doubtful.iter().map(|range| Haunt {
            name: format!(
                "bytes {} to {}, which the partition table may not describe completely",
                range.start, range.end
            ),
            start: range.start,
            end: Some(range.end),
            suits_windows: true,
            may_be_divided: true,
        });
        own.chain(rivals).chain(doubtful).collect()
    }

    /// What else has bytes of `range`, which is that of `own`.
    fn shares_bytes(&self, own: &Partition, range: &Range<u64>) -> Option<String> {
        if self.table.reserved.iter().any(|reserved| overlap(reserved, range)) {
            return Some("the partition table".to_owned());
        }
        // Logical partitions are numbered from 5 and are in their container.
        let is_logical = self.table.scheme == PartitionScheme::Mbr && own.index >= 5;
        let others = self
            .table
            .partitions
            .iter()
            .filter(|other| other.index != own.index && !(is_logical && other.kind.is_extended()));
        let other = others.into_iter().find(|other| overlaps(other, range))?;
        Some(format!("partition {}", other.index))
    }
}

/// Whether a partition has bytes of `range`. One that ends past all numbers may.
fn overlaps(partition: &Partition, range: &Range<u64>) -> bool {
    partition.range().is_none_or(|other| overlap(&other, range))
}

fn reason_of(sign: &PoolSign) -> KeptVolume {
    let evidence = &sign.evidence;
    let (reason, what) = match sign.pool {
        Pool::DynamicDisk => (
            KeptReason::DynamicDisk,
            "a dynamic disk, on which a volume may have clusters anywhere: prepare the image on a basic disk",
        ),
        Pool::StorageSpaces => (
            KeptReason::StorageSpaces,
            "a disk of Storage Spaces, on which a volume may have clusters anywhere: prepare the image on a basic disk",
        ),
        Pool::Raid => (
            KeptReason::Raid,
            "a member of a RAID: use the image of the assembled volume, or remove what an old RAID left with wipefs",
        ),
        Pool::Lvm => (
            KeptReason::Lvm,
            "a physical volume of LVM: use the image of the logical volume, or remove what an old LVM left with wipefs",
        ),
        Pool::Shared => (
            KeptReason::Raid,
            "managed by another system than Windows: use the image of the volume that Windows has there, or remove \
             what an earlier use of the disk left with wipefs",
        ),
    };
    KeptVolume::new(reason, format!("{evidence}, so this is {what}"))
}
