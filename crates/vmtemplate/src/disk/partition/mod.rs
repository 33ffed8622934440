//! Partition tables: MBR with logical partitions, and GPT.

mod file_system;
mod gpt;
mod guid;
mod kind;
mod mbr;
mod pool;
#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::Range;

use super::DiskImage;
use crate::error::Result;

pub use file_system::FileSystem;
pub use guid::Guid;
pub use kind::PartitionKind;
pub(crate) use pool::{Pool, PoolSign};

/// How a disk is divided.
///
/// ```
/// assert_eq!(serde_json::to_string(&vmtemplate::disk::PartitionScheme::Gpt).unwrap(), r#""gpt""#);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum PartitionScheme {
    /// No table: one volume over the whole disk, or an empty disk.
    None,
    /// A master boot record.
    Mbr,
    /// A GUID partition table.
    Gpt,
}

impl fmt::Display for PartitionScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Mbr => "MBR",
            Self::Gpt => "GPT",
        })
    }
}

/// The partitions of a disk.
///
/// ```
/// use vmtemplate::disk::{PartitionKind, PartitionScheme, PartitionTable};
/// use vmtemplate::DiskImage;
///
/// let mut disk = vec![0; 1 << 20];
/// disk[510..512].copy_from_slice(&[0x55, 0xAA]);
/// disk[446] = 0x80; // active
/// disk[450] = 0x07; // NTFS
/// disk[454..458].copy_from_slice(&8u32.to_le_bytes()); // first sector
/// disk[458..462].copy_from_slice(&64u32.to_le_bytes()); // sectors
///
/// let table = PartitionTable::read(&DiskImage::from_bytes(disk))?;
/// assert_eq!(table.scheme, PartitionScheme::Mbr);
/// let partition = &table.partitions[0];
/// assert!(partition.active);
/// assert_eq!(partition.kind, PartitionKind::Mbr(7));
/// assert_eq!(partition.range(), Some(4096..36864));
/// # Ok::<(), vmtemplate::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct PartitionTable {
    /// How the disk is divided.
    pub scheme: PartitionScheme,
    /// The unit of the table in bytes: 512 or 4096.
    pub sector_size: u32,
    /// The GUID of a GPT disk, or the signature of an MBR disk as eight hex digits.
    pub disk_id: Option<String>,
    /// The partitions in the order of the table: the primary ones of an MBR, then the logical ones.
    pub partitions: Vec<Partition>,
    /// What is wrong with the table, and did not keep it from being read.
    pub warnings: Vec<String>,
    /// How the table deviates from what its specification asks for, where firmware and systems take it as it is: the
    /// backup of a GPT that is not in the last sector, because the disk was enlarged.
    pub notes: Vec<String>,
    /// Where the table itself is, in bytes of the disk: no volume may reach into it.
    #[serde(skip)]
    pub(super) reserved: Vec<Range<u64>>,
    /// Where the table does not say what is there, though something may.
    #[serde(skip)]
    pub(super) doubtful: Vec<Range<u64>>,
    /// The partitions that are stated as well, and are not among `partitions`: by another table of the same disk, or by
    /// an entry that is not within the bounds that its own table has.
    #[serde(skip)]
    pub(super) rivals: Vec<Partition>,
}

/// One partition.
///
/// ```
/// # use vmtemplate::disk::Partition;
/// fn show(partition: &Partition) -> String {
///     format!("{}: {} bytes, {}", partition.index, partition.length, partition.kind)
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Partition {
    /// Its number as the systems count: the place in the table from 1; logical partitions from 5.
    pub index: u32,
    /// Where it begins, in bytes of the disk.
    pub offset: u64,
    /// How long it is, in bytes. The table may state more than the disk has.
    pub length: u64,
    /// What it is for.
    pub kind: PartitionKind,
    /// The name that a GPT gives it; empty otherwise.
    pub name: String,
    /// The active flag of an MBR, or "legacy BIOS bootable" of a GPT.
    pub active: bool,
    /// Its own GUID on a GPT disk.
    pub id: Option<Guid>,
}

impl Partition {
    /// Its bytes as a range; `None` if the end is past 2^64.
    ///
    /// ```
    /// # use vmtemplate::disk::Partition;
    /// fn fits(partition: &Partition, disk_size: u64) -> bool {
    ///     partition.range().is_some_and(|range| range.end <= disk_size)
    /// }
    /// ```
    pub fn range(&self) -> Option<Range<u64>> {
        Some(self.offset..self.offset.checked_add(self.length)?)
    }
}

/// Whether two ranges share a byte.
pub(super) fn overlap(a: &Range<u64>, b: &Range<u64>) -> bool {
    a.start < b.end && b.start < a.end
}

impl PartitionTable {
    /// Read the table of `disk`.
    ///
    /// A GPT is read from its backup if the primary one is damaged, and checksums are checked. A boot sector of a
    /// file system at the start of the disk means that there is no table: the disk is one volume.
    ///
    /// # Errors
    ///
    /// [`InvalidImage`](crate::ErrorKind::InvalidImage) if the disk says that it has a GPT and both copies are damaged;
    /// otherwise what reading the disk gives. Lesser damage is reported in [`warnings`](PartitionTable::warnings).
    ///
    /// ```
    /// use vmtemplate::disk::{PartitionScheme, PartitionTable};
    /// use vmtemplate::DiskImage;
    ///
    /// let table = PartitionTable::read(&DiskImage::from_bytes([0; 4096]))?;
    /// assert_eq!(table.scheme, PartitionScheme::None);
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn read(disk: &DiskImage) -> Result<Self> {
        let first = if disk.size() < 512 { Vec::new() } else { disk.read_vec(0, 512)? };
        let entries = mbr::entries(&first);
        let protective = entries.as_ref().and_then(|all| all.iter().find(|entry| entry.is_protective()));
        let protective = protective.map(mbr::Entry::last);
        let bare_volume = FileSystem::of(&first).is_some();
        let empty = entries.as_ref().is_none_or(|all| all.iter().all(mbr::Entry::is_empty));
        let mut table = if protective.is_some() || (empty && !bare_volume) {
            let mut table = gpt::read(disk, protective)?.unwrap_or_else(Self::none);
            // A hybrid MBR, by which Windows goes and not by the GPT. Most repeat what the GPT says.
            if let Some(entries) = &entries {
                table.rivals.extend(mbr::beside_protective(entries, table.sector_size));
            }
            table
        } else if let (Some(entries), false) = (entries, bare_volume) {
            let mut table = mbr::read(disk, &first, &entries)?;
            if let Some(gpt) = gpt::read(disk, None)? {
                table.rivals.extend(gpt.partitions.into_iter().chain(gpt.rivals));
                table.doubtful.extend(gpt.doubtful);
            }
            table
        } else {
            let mut table = Self::none();
            // Partitioning tools leave the boot code of a volume that had the whole disk before.
            if !empty || gpt::read(disk, None)?.is_some() {
                table.doubtful.push(0..disk.size());
            }
            table
        };
        table.warn_of_impossible_places(disk.size());
        Ok(table)
    }

    fn none() -> Self {
        Self {
            scheme: PartitionScheme::None,
            sector_size: 512,
            disk_id: None,
            partitions: Vec::new(),
            warnings: Vec::new(),
            notes: Vec::new(),
            reserved: Vec::new(),
            doubtful: Vec::new(),
            rivals: Vec::new(),
        }
    }

    fn warn_of_impossible_places(&mut self, disk_size: u64) {
        for (at, partition) in self.partitions.iter().enumerate() {
            let index = partition.index;
            let Some(range) = partition.range().filter(|range| range.end <= disk_size) else {
                self.warnings
                    .push(format!("partition {index} ends past the end of the disk ({disk_size} bytes)"));
                continue;
            };
            if self.reserved.iter().any(|reserved| overlap(&range, reserved)) && !partition.kind.is_extended()
            {
                self.warnings.push(format!("partition {index} covers a part of the partition table"));
            }
            // One is enough: a hostile table could state millions of pairs.
            let overlaps = |other: &&Partition| {
                let nested = partition.kind.is_extended() || other.kind.is_extended();
                !nested && other.range().is_some_and(|other| overlap(&range, &other))
            };
            if let Some(other) = self.partitions[at + 1..].iter().find(overlaps) {
                self.warnings.push(format!("partitions {index} and {} overlap", other.index));
            }
        }
    }
}
