//! What became of the free space of a disk.

use super::FreeSpace;
use crate::error::{Error, ErrorKind, Result};

/// What was left out, and what was kept for which reason.
///
/// ```
/// use vmtemplate::disk::FreeSpaceOptions;
/// use vmtemplate::DiskImage;
///
/// let disk = DiskImage::from_bytes(vec![7; 4096]);
/// let (disk, report) = disk.without_free_space(&FreeSpaceOptions::default())?;
/// assert_eq!(report.dropped(), 0); // there is no NTFS volume
/// assert_eq!(disk.read_vec(0, 1)?, [7]);
/// # Ok::<(), vmtemplate::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct FreeSpaceReport {
    /// What was asked for.
    pub free_space: FreeSpace,
    /// Why no volume was looked for: the partition table is not readable.
    pub table_damage: Option<String>,
    /// The NTFS, BitLocker and ReFS volumes and the partitions of dynamic disks and Storage Spaces, in the order of the
    /// partition table. Volumes of other file systems are kept as they are and not listed.
    pub volumes: Vec<VolumeFreeSpace>,
}

impl FreeSpaceReport {
    /// How many bytes read as zeros now that did not have to before, on all volumes together.
    ///
    /// ```
    /// assert_eq!(vmtemplate::disk::FreeSpaceReport::default().dropped(), 0);
    /// ```
    pub fn dropped(&self) -> u64 {
        self.volumes.iter().map(|volume| volume.dropped).sum()
    }
}

/// The free space of one volume.
///
/// ```
/// # use vmtemplate::disk::VolumeFreeSpace;
/// fn show(volume: &VolumeFreeSpace) -> String {
///     match &volume.kept {
///         Some(kept) => format!("{}: kept whole, {}", volume.offset, kept.detail),
///         None => format!("{}: {} bytes left out", volume.offset, volume.dropped),
///     }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct VolumeFreeSpace {
    /// The number of its partition; `None` if the whole disk is the volume.
    pub partition: Option<u32>,
    /// Where it begins, in bytes of the disk.
    pub offset: u64,
    /// How long its partition is, in bytes.
    pub length: u64,
    /// Its label, if the volume could be opened.
    pub label: Option<String>,
    /// Bytes per cluster, if the volume could be opened.
    pub cluster_size: Option<u32>,
    /// The bytes that were left out, page files included.
    pub dropped: u64,
    /// The bytes of page files among them.
    pub page_files: u64,
    /// How many shadow copies (restore points, "previous versions") the volume holds. A shadow copy consists of old
    /// contents of clusters that changed, and of all other clusters as they are: what was deleted since is in free ones.
    /// Where free space is left out, a shadow copy can still be listed, but its content is no longer whole.
    pub shadow_copies: u64,
    /// Why nothing was left out.
    pub kept: Option<KeptVolume>,
}

/// Why a volume was kept whole.
///
/// ```
/// # use vmtemplate::disk::{KeptReason, KeptVolume};
/// fn needs_a_clean_shutdown(kept: &KeptVolume) -> bool {
///     matches!(kept.reason, KeptReason::Dirty | KeptReason::OpenJournal | KeptReason::Hibernated)
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct KeptVolume {
    /// As a program asks it.
    pub reason: KeptReason,
    /// For people: what was found, and what to do about it.
    pub detail: String,
}

/// Why a volume was kept whole, as a program asks it.
///
/// ```
/// let json = serde_json::to_string(&vmtemplate::disk::KeptReason::OpenJournal).unwrap();
/// assert_eq!(json, r#""open-journal""#);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum KeptReason {
    /// Windows will check the volume at its next start.
    Dirty,
    /// The journal holds changes that have not reached the volume, or is that of a mounted volume: the machine was not
    /// shut down.
    OpenJournal,
    /// Windows is hibernated, or was shut down by Fast Startup, on this volume or on another one of the disk, or whether
    /// it is cannot be determined, because a place that may hold it does not show what is there.
    Hibernated,
    /// Structures of the volume contradict each other.
    Inconsistent,
    /// The volume shares bytes with another partition or with the partition table.
    Overlapping,
    /// The volume is encrypted, or uses a feature that is not known.
    Unsupported,
    /// The volume is larger than the proof has bounds for.
    TooLarge,
    /// The disk image could not be read there.
    Unreadable,
    /// The partition is of a type that does not say that its clusters are its own.
    PartitionType,
    /// The volume is larger than its partition, or the partition ends past the disk.
    OutsidePartition,
    /// The disk has no partition table, and the end of the volume is not where its start says.
    Unpartitioned,
    /// The partition table is damaged there, or a second table of the disk contradicts it.
    DoubtfulTable,
    /// The disk is, or was, a dynamic disk of Windows: its clusters may belong to any volume of the disk group.
    DynamicDisk,
    /// The disk is a part of a pool of Windows Storage Spaces.
    StorageSpaces,
    /// The disk or partition is, or was, a member of a RAID or of what else combines disks or mirrors them.
    Raid,
    /// The disk or partition is, or was, a physical volume of LVM.
    Lvm,
    /// The volume is ReFS, which is not read.
    Refs,
}

impl KeptVolume {
    pub(super) fn new(reason: KeptReason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }

    /// The reason that an error is; errors that end the whole work stay errors.
    pub(super) fn of(error: Error) -> Result<Self> {
        if error.ends_the_work() {
            return Err(error);
        }
        let reason = match error.kind() {
            ErrorKind::InvalidImage | ErrorKind::NotFound | ErrorKind::InvalidValue => {
                KeptReason::Inconsistent
            }
            ErrorKind::Unsupported => KeptReason::Unsupported,
            ErrorKind::LimitExceeded => KeptReason::TooLarge,
            _ => KeptReason::Unreadable,
        };
        Ok(Self { reason, detail: format!("{error:#}") })
    }
}

impl VolumeFreeSpace {
    /// What people call the place: the partition, or the disk.
    pub(super) fn place(&self) -> String {
        self.partition.map_or_else(|| "the disk".to_owned(), |number| format!("partition {number}"))
    }
}
