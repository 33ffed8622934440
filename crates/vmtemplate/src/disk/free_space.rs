//! Leaving out what the NTFS volumes of a disk mark free.

use std::sync::Arc;

use super::ntfs::{ClusterSet, Hibernation, NtfsVolume};
use super::partition::{FileSystem, PartitionScheme, PartitionTable, overlap};
use super::{DiskImage, DiskSource, Extent, ExtentKind};
use crate::error::{Error, ErrorKind, Result};
use crate::progress::Control;

/// What becomes of the space that a volume does not use.
///
/// ```
/// assert_eq!(vmtemplate::FreeSpace::default(), vmtemplate::FreeSpace::Skip);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FreeSpace {
    /// Free clusters of consistent NTFS volumes read as zeros: what was deleted does not reach the customers.
    #[default]
    Skip,
    /// Every byte stays as it is.
    Keep,
}

/// How free space is left out, for [`DiskImage::without_free_space`].
///
/// ```
/// use vmtemplate::{FreeSpace, FreeSpaceOptions};
///
/// let options = FreeSpaceOptions { drop_page_files: true, ..FreeSpaceOptions::default() };
/// assert_eq!(options.free_space, FreeSpace::Skip);
/// ```
#[derive(Debug, Clone, Default)]
pub struct FreeSpaceOptions {
    /// Whether free space is left out at all.
    pub free_space: FreeSpace,
    /// Leave out the contents of `pagefile.sys` and `swapfile.sys` as well: Windows does not read them after a start.
    /// Without effect with [`FreeSpace::Keep`].
    pub drop_page_files: bool,
    /// Stops the work.
    pub control: Control,
}

/// What was left out, and what was kept for which reason.
///
/// ```
/// use vmtemplate::{DiskImage, FreeSpaceOptions};
///
/// let disk = DiskImage::from_bytes(vec![7; 4096]);
/// let (disk, report) = disk.without_free_space(&FreeSpaceOptions::default())?;
/// assert_eq!(report.dropped(), 0); // there is no NTFS volume
/// assert_eq!(disk.read_vec(0, 1)?, [7]);
/// # Ok::<(), vmtemplate::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
#[non_exhaustive]
pub struct FreeSpaceReport {
    /// What was asked for.
    pub free_space: FreeSpace,
    /// Why no volume was looked for: the partition table is not readable.
    pub table_damage: Option<String>,
    /// The NTFS and BitLocker volumes, in the order of the partition table. Volumes of other file systems are kept
    /// as they are and not listed.
    pub volumes: Vec<VolumeFreeSpace>,
}

impl FreeSpaceReport {
    /// How many bytes read as zeros now that did not have to before, on all volumes together.
    ///
    /// ```
    /// assert_eq!(vmtemplate::FreeSpaceReport::default().dropped(), 0);
    /// ```
    pub fn dropped(&self) -> u64 {
        self.volumes.iter().map(|volume| volume.dropped).sum()
    }
}

/// The free space of one volume.
///
/// ```
/// # use vmtemplate::VolumeFreeSpace;
/// fn show(volume: &VolumeFreeSpace) -> String {
///     match &volume.kept {
///         Some(kept) => format!("{}: kept whole, {}", volume.offset, kept.detail),
///         None => format!("{}: {} bytes left out", volume.offset, volume.dropped),
///     }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
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
    /// Why nothing was left out.
    pub kept: Option<KeptWhole>,
}

/// Why a volume was kept whole.
///
/// ```
/// # use vmtemplate::{KeptReason, KeptWhole};
/// fn needs_a_clean_shutdown(kept: &KeptWhole) -> bool {
///     matches!(kept.reason, KeptReason::Dirty | KeptReason::OpenJournal | KeptReason::Hibernated)
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct KeptWhole {
    /// As a program asks it.
    pub reason: KeptReason,
    /// For people: what was found, and what to do about it.
    pub detail: String,
}

/// Why a volume was kept whole, as a program asks it.
///
/// ```
/// let json = serde_json::to_string(&vmtemplate::KeptReason::OpenJournal).unwrap();
/// assert_eq!(json, r#""open-journal""#);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum KeptReason {
    /// Windows will check the volume at its next start.
    Dirty,
    /// The journal holds changes that have not reached the volume: the machine was not shut down.
    OpenJournal,
    /// Windows is hibernated, or was shut down by Fast Startup.
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
}

impl KeptWhole {
    fn new(reason: KeptReason, detail: &str) -> Self {
        Self { reason, detail: detail.to_owned() }
    }

    /// The reason that an error is; errors that end the whole work stay errors.
    fn of(error: Error) -> Result<Self> {
        let reason = match error.kind() {
            ErrorKind::Cancelled | ErrorKind::ImageChanged => return Err(error),
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

impl DiskImage {
    /// The same disk with the free space of its NTFS volumes read as zeros.
    ///
    /// Nothing is copied: the result is a view of this image, and its map says [`ExtentKind::Free`] where this one
    /// says [`ExtentKind::Data`]. Only clusters that a volume's own `$Bitmap` marks free are left out, and only after
    /// the volume is proved consistent: every run of every file in use lies in clusters marked used, and no two
    /// share one. A volume that is dirty, hibernated, was not shut down, or contradicts itself stays whole, and the
    /// report says why. So do other file systems, and space outside the partitions.
    ///
    /// Shadow copies ("previous versions", restore points) that the volume may hold rely on free clusters and are
    /// lost.
    ///
    /// It takes one bit of memory per cluster, twice while a volume is proved: 64 MiB for 1 TiB of 4 KiB clusters
    /// in all, 256 MiB at most. Larger volumes stay whole.
    ///
    /// # Errors
    ///
    /// [`Cancelled`](ErrorKind::Cancelled) and [`ImageChanged`](ErrorKind::ImageChanged); every other trouble with a
    /// volume is a reason to keep it whole.
    ///
    /// ```no_run
    /// use vmtemplate::{DiskImage, FreeSpaceOptions};
    ///
    /// let disk = DiskImage::open("windows.raw")?;
    /// let (disk, report) = disk.without_free_space(&FreeSpaceOptions::default())?;
    /// for volume in &report.volumes {
    ///     match &volume.kept {
    ///         Some(kept) => println!("{:?} is packed whole: {}", volume.label, kept.detail),
    ///         None => println!("{:?}: {} bytes of free space left out", volume.label, volume.dropped),
    ///     }
    /// }
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn without_free_space(&self, options: &FreeSpaceOptions) -> Result<(Self, FreeSpaceReport)> {
        let mut report = FreeSpaceReport { free_space: options.free_space, ..FreeSpaceReport::default() };
        if options.free_space == FreeSpace::Keep {
            return Ok((self.clone(), report));
        }
        let table = match PartitionTable::read(self) {
            Ok(table) => table,
            Err(error) => {
                report.table_damage = Some(KeptWhole::of(error)?.detail);
                return Ok((self.clone(), report));
            }
        };
        let mut areas: Vec<Area> = Vec::new();
        for (partition, offset, length) in candidates(self, &table) {
            let end = offset.saturating_add(length).min(self.size());
            if !matches!(FileSystem::detect(self, offset), Ok(Some(FileSystem::Ntfs | FileSystem::BitLocker)))
            {
                continue;
            }
            let mut volume = VolumeFreeSpace {
                partition,
                offset,
                length,
                label: None,
                cluster_size: None,
                dropped: 0,
                page_files: 0,
                kept: None,
            };
            let found = if shares_bytes(&table, partition, offset, end) {
                let detail = "it shares bytes with another partition or with the partition table";
                Ok(Err(KeptWhole::new(KeptReason::Overlapping, detail)))
            } else {
                free_area(self, offset..end, &areas, options, &mut volume)
            };
            match found.or_else(|error| KeptWhole::of(error).map(Err))? {
                Ok(area) => areas.push(area),
                Err(kept) => volume.kept = Some(kept),
            }
            report.volumes.push(volume);
        }
        areas.sort_by_key(|area| area.start);
        let view = Self { source: Arc::new(View { disk: self.clone(), areas }), path: self.path.clone() };
        Ok((view, report))
    }
}

/// Where volumes may stand: the partitions, or the whole disk if it has none.
fn candidates(disk: &DiskImage, table: &PartitionTable) -> Vec<(Option<u32>, u64, u64)> {
    if table.scheme == PartitionScheme::None {
        return vec![(None, 0, disk.size())];
    }
    let partitions = table.partitions.iter().filter(|partition| !partition.kind.is_extended());
    partitions.map(|partition| (Some(partition.index), partition.offset, partition.length)).collect()
}

fn shares_bytes(table: &PartitionTable, partition: Option<u32>, start: u64, end: u64) -> bool {
    let range = start..end;
    table.reserved.iter().any(|reserved| overlap(reserved, &range))
        || table.partitions.iter().any(|other| {
            Some(other.index) != partition
                && !other.kind.is_extended()
                && other.range().is_none_or(|other| overlap(&other, &range))
        })
}

/// The free clusters of the volume at `range`, or why they are not told. What is learnt goes into `volume`.
fn free_area(
    disk: &DiskImage,
    range: std::ops::Range<u64>,
    areas: &[Area],
    options: &FreeSpaceOptions,
    volume: &mut VolumeFreeSpace,
) -> Result<Result<Area, KeptWhole>> {
    let kept = |reason, detail: &str| Ok(Err(KeptWhole::new(reason, detail)));
    let ntfs = NtfsVolume::open(disk, range.clone())?;
    volume.label = Some(ntfs.label().to_owned());
    volume.cluster_size = Some(ntfs.cluster_size());
    if ntfs.is_dirty() {
        return kept(
            KeptReason::Dirty,
            "Windows marked it dirty: start the virtual machine, let chkdsk finish, and shut it down",
        );
    }
    if !ntfs.has_clean_journal()? {
        return kept(
            KeptReason::OpenJournal,
            "its journal is open: the virtual machine was not shut down; start it and shut it down",
        );
    }
    if ntfs.hibernation()? == Hibernation::Hibernated {
        return kept(
            KeptReason::Hibernated,
            "Windows is hibernated, or was shut down by Fast Startup: run powercfg /h off inside the virtual machine, then shut it down",
        );
    }
    // The bitmaps of all volumes stay in memory as long as the view is in use.
    let clusters: u64 = areas.iter().map(|area| area.clusters).sum();
    if clusters + ntfs.clusters() > super::ntfs::MAX_CLUSTERS {
        return kept(
            KeptReason::TooLarge,
            "the volumes of the disk have more clusters than are kept in memory",
        );
    }
    let mut free = ntfs.prove_free(&options.control)?;
    let of_free = free.count();
    if options.drop_page_files {
        for name in ["pagefile.sys", "swapfile.sys"] {
            for (lcn, length) in ntfs.whole_runs(name)? {
                // The proof showed that no other file has these clusters.
                free.insert(lcn, length);
            }
        }
    }
    let cluster = u64::from(ntfs.cluster_size());
    volume.dropped = free.count() * cluster;
    volume.page_files = (free.count() - of_free) * cluster;
    Ok(Ok(Area { start: range.start, clusters: ntfs.clusters(), cluster, free }))
}

/// The free clusters of a volume at byte `start` of the disk.
#[derive(Debug)]
struct Area {
    start: u64,
    clusters: u64,
    cluster: u64,
    free: ClusterSet,
}

impl Area {
    fn end(&self) -> u64 {
        self.start + self.clusters * self.cluster
    }
}

/// A disk whose free areas read as zeros.
#[derive(Debug)]
struct View {
    disk: DiskImage,
    /// In order, without overlaps.
    areas: Vec<Area>,
}

impl View {
    /// Whether `offset` is free, and where that ends.
    fn stretch(&self, offset: u64) -> (bool, u64) {
        let next = self.areas.partition_point(|area| area.end() <= offset);
        match self.areas.get(next) {
            None => (false, self.disk.size()),
            Some(area) if offset < area.start => (false, area.start),
            Some(area) => {
                let cluster = (offset - area.start) / area.cluster;
                let (free, count) = area.free.stretch(cluster);
                (free, area.start + (cluster + count) * area.cluster)
            }
        }
    }
}

impl DiskSource for View {
    fn format(&self) -> &'static str {
        self.disk.format()
    }

    fn size(&self) -> u64 {
        self.disk.size()
    }

    fn read_at(&self, mut buf: &mut [u8], mut offset: u64) -> Result<()> {
        while !buf.is_empty() {
            let (free, end) = self.stretch(offset);
            let (part, rest) = buf.split_at_mut((end - offset).min(buf.len() as u64) as usize);
            if free {
                part.fill(0);
            } else {
                self.disk.read_at(part, offset)?;
            }
            offset += part.len() as u64;
            buf = rest;
        }
        Ok(())
    }

    fn extent_at(&self, offset: u64) -> Result<Extent> {
        let (free, end) = self.stretch(offset);
        let extent = self.disk.extent_at(offset)?;
        let kind = if free && extent.kind.must_be_read() { ExtentKind::Free } else { extent.kind };
        Ok(Extent { offset, length: extent.length.min(end - offset), kind })
    }

    fn verify_unchanged(&self) -> Result<()> {
        self.disk.verify_unchanged()
    }
}
