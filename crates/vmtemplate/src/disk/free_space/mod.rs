//! Leaving out what the NTFS volumes of a disk mark free.

mod hibernation;
mod layout;
mod report;
mod view;

use std::sync::Arc;

use self::layout::{Layout, Place};
use self::view::{Area, View};
use super::DiskImage;
use super::ntfs::NtfsVolume;
use super::partition::FileSystem;
use crate::error::Result;
use crate::progress::Control;

pub use report::{FreeSpaceReport, KeptReason, KeptVolume, VolumeFreeSpace};

/// What becomes of the space that a volume does not use.
///
/// ```
/// assert_eq!(vmtemplate::disk::FreeSpace::default(), vmtemplate::disk::FreeSpace::Skip);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
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
/// use vmtemplate::disk::{FreeSpace, FreeSpaceOptions};
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

impl DiskImage {
    /// The same disk with the free space of its NTFS volumes read as zeros.
    ///
    /// Nothing is copied: the result is a view of this image. Its map says [`ExtentKind::Free`](crate::disk::ExtentKind::Free)
    /// where this one says [`ExtentKind::Data`](crate::disk::ExtentKind::Data). Only clusters that a volume's own `$Bitmap`
    /// marks free are left out, and only after
    /// the volume is proved consistent: every run of every file in use lies in clusters marked used, and no two
    /// share one. A volume that is dirty, was not shut down, or contradicts itself stays whole, and the report says why.
    /// So do all volumes of a disk on which a Windows is hibernated, which may have had them all open, or on which a
    /// place that may hold a Windows cannot be looked into; and so do other file systems, and space outside the
    /// partitions.
    ///
    /// Whether the clusters are the volume's own is decided by what is known to be so. The partition must be of a type
    /// for basic volumes of Windows, hold all of the volume, and share no byte with another partition, with a partition
    /// table, or with what a second table of the disk states. Nothing on the disk may say that it belongs to a larger
    /// whole: a dynamic disk, Storage Spaces, a RAID, LVM. On a disk without a partition table the volume has the disk
    /// for itself if its backup boot sector is where the boot sector says.
    ///
    /// Shadow copies ("previous versions", restore points) rely on free clusters and lose their content;
    /// [`VolumeFreeSpace::shadow_copies`] counts them.
    ///
    /// It takes one bit of memory per cluster, twice while a volume is proved: 64 MiB for 1 TiB of 4 KiB clusters
    /// in all, 256 MiB at most. Larger volumes stay whole.
    ///
    /// # Errors
    ///
    /// [`Cancelled`](crate::ErrorKind::Cancelled), [`SourceChanged`](crate::ErrorKind::SourceChanged) and
    /// [`Network`](crate::ErrorKind::Network); every other trouble with a volume is a reason to keep it whole.
    ///
    /// ```no_run
    /// use vmtemplate::disk::FreeSpaceOptions;
    /// use vmtemplate::DiskImage;
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
        let layout = match Layout::read(self) {
            Ok(layout) => layout,
            Err(error) => {
                report.table_damage = Some(KeptVolume::of(error)?.detail);
                return Ok((self.clone(), report));
            }
        };
        let mut found = Vec::new();
        for place in layout.places() {
            options.control.stop_if_cancelled()?;
            found.extend(Found::at(self, &layout, &place)?);
        }
        let hibernated = hibernation::reason_to_keep_all(self, &layout, &mut found)?;
        let mut areas: Vec<Area> = Vec::new();
        for mut found in found {
            if let (Some(ntfs), None) = (&found.ntfs, &found.volume.kept) {
                let free = free_area(ntfs, hibernated.as_ref(), &areas, options, &mut found.volume);
                match free.or_else(|error| KeptVolume::of(error).map(Err))? {
                    Ok(area) => areas.push(area),
                    Err(kept) => found.volume.kept = Some(kept),
                }
            }
            report.volumes.push(found.volume);
        }
        let view = Self { source: Arc::new(View::new(self.clone(), areas)), path: self.path.clone() };
        Ok((view, report))
    }
}

/// A volume, and what the report will say of it.
struct Found {
    volume: VolumeFreeSpace,
    /// If it can be opened, though it may have to be kept.
    ntfs: Option<NtfsVolume>,
}

impl Found {
    /// The volume at a place; `None` if there is none that the report lists.
    fn at(disk: &DiskImage, layout: &Layout, place: &Place) -> Result<Option<Self>> {
        let mut volume = VolumeFreeSpace {
            partition: place.partition,
            offset: place.offset,
            length: place.length,
            label: None,
            cluster_size: None,
            dropped: 0,
            page_files: 0,
            shadow_copies: 0,
            kept: None,
        };
        let system = match FileSystem::detect(disk, place.offset) {
            Ok(system) => system,
            Err(error) => {
                volume.kept = Some(KeptVolume::of(error)?);
                return Ok(Some(Self { volume, ntfs: None }));
            }
        };
        volume.kept = layout.reason_against(place);
        match system {
            Some(FileSystem::Ntfs | FileSystem::BitLocker) => {}
            Some(FileSystem::Refs) => {
                volume.kept.get_or_insert_with(|| {
                    KeptVolume::new(KeptReason::Refs, "it is a ReFS volume, whose free space is not known")
                });
                return Ok(Some(Self { volume, ntfs: None }));
            }
            _ => return Ok(place.is_pooled.then_some(Self { volume, ntfs: None })),
        }
        // The partition may be shorter. What Windows left on the volume counts for the whole disk all the same.
        let ntfs = match NtfsVolume::open(disk, place.offset..disk.size()) {
            Ok(ntfs) => ntfs,
            Err(error) => {
                let kept = KeptVolume::of(error)?;
                volume.kept.get_or_insert(kept);
                return Ok(Some(Self { volume, ntfs: None }));
            }
        };
        volume.label = Some(ntfs.label().to_owned());
        volume.cluster_size = Some(ntfs.cluster_size());
        if volume.kept.is_none() {
            volume.kept = reason_against_bounds(place, &ntfs)?;
        }
        match ntfs.shadow_copies() {
            Ok(count) => volume.shadow_copies = count,
            Err(error) => {
                let kept = KeptVolume::of(error)?;
                volume.kept.get_or_insert(kept);
            }
        }
        Ok(Some(Self { volume, ntfs: Some(ntfs) }))
    }
}

/// Why a volume may have clusters that are not its own, by where it ends.
fn reason_against_bounds(place: &Place, ntfs: &NtfsVolume) -> Result<Option<KeptVolume>> {
    let needed = ntfs.clusters() * u64::from(ntfs.cluster_size());
    if needed > place.length {
        let detail = format!(
            "its clusters take {needed} bytes, but its partition has {}: what follows the partition does not belong to \
             the volume; create the image again from the complete disk, or correct the partition table",
            place.length
        );
        return Ok(Some(KeptVolume::new(KeptReason::OutsidePartition, detail)));
    }
    // A volume that goes on elsewhere, such as one of a dynamic disk of which this is a part, ends elsewhere.
    if place.partition.is_none() && !ntfs.has_backup_boot_sector()? {
        let detail = "the disk has no partition table, and no backup boot sector at the end of the volume, so the \
                      volume may continue on another disk; use the image of the complete disk";
        return Ok(Some(KeptVolume::new(KeptReason::Unpartitioned, detail)));
    }
    Ok(None)
}

/// The free clusters of a volume, or why they are not known. What is learnt goes into `volume`.
fn free_area(
    ntfs: &NtfsVolume,
    hibernated: Option<&KeptVolume>,
    areas: &[Area],
    options: &FreeSpaceOptions,
    volume: &mut VolumeFreeSpace,
) -> Result<Result<Area, KeptVolume>> {
    let kept = |reason, detail: &str| Ok(Err(KeptVolume::new(reason, detail)));
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
    if let Some(reason) = hibernated {
        return Ok(Err(reason.clone()));
    }
    // The bitmaps of all volumes stay in memory as long as the view is in use.
    let clusters: u64 = areas.iter().map(|area| area.clusters).sum();
    if clusters + ntfs.clusters() > super::ntfs::MAX_CLUSTERS {
        return kept(
            KeptReason::TooLarge,
            "the volumes of the disk have too many clusters to keep in memory",
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
    Ok(Ok(Area { start: ntfs.offset(), clusters: ntfs.clusters(), cluster, free }))
}
