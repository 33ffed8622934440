//! The partitions of the disk and the NTFS volumes in them.

use super::look::{Look, Seen, Unread};
use crate::disk::{FileSystem, NtfsFile, NtfsVolume, Partition, PartitionScheme, PartitionTable, PoolSign};
use crate::error::ErrorKind;
use crate::rules::{Place, image as rules};

/// The hive that a volume has if Windows is installed on it.
const SYSTEM: &str = "Windows/System32/config/SYSTEM";

/// Where the hives are; it stays when they are deleted.
const CONFIG: &str = "Windows/System32/config";

pub(super) struct Volumes {
    pub(super) table: PartitionTable,
    pub(super) ntfs: Vec<Volume>,
    /// The partitions of ReFS volumes; `None` for one that has the whole disk.
    pub(super) refs: Vec<Option<u32>>,
    /// What says that the disk or a partition is a part of something larger.
    pub(super) pools: Vec<PoolSign>,
    /// There are volumes that could not be looked into.
    pub(super) is_hidden: bool,
}

pub(super) struct Volume {
    /// The number of its partition; `None` if the whole disk is the volume.
    pub(super) partition: Option<u32>,
    pub(super) ntfs: NtfsVolume,
}

impl Volumes {
    pub(super) fn find(look: &Look<'_>) -> Seen<Self> {
        let table = PartitionTable::read(look.disk).map_err(|error| {
            if error.ends_the_work() || look.is_of_the_disk(&error) {
                return look.unread(look.image(), &error);
            }
            look.report(rules::TABLE, look.image(), error.message());
            Unread
        })?;
        for warning in &table.warnings {
            look.report(rules::TABLE, look.image(), warning.as_str());
        }
        for note in &table.notes {
            look.report(rules::BACKUP_TABLE, look.image(), note.as_str());
        }
        let pools = look.seen(look.image(), table.pools(look.disk))?;
        let mut volumes = Self { table, ntfs: Vec::new(), refs: Vec::new(), pools, is_hidden: false };
        if volumes.table.scheme == PartitionScheme::None {
            volumes.add(look, None, 0..look.disk.size());
        }
        for partition in volumes.table.partitions.clone() {
            let range = partition.range().filter(|range| range.end <= look.disk.size());
            if let Some(range) = range.filter(|_| !partition.kind.is_extended()) {
                if partition.kind.is_dynamic_disk() || partition.kind.is_storage_spaces() {
                    // What begins there may go on anywhere. The rules of pools report it.
                    volumes.is_hidden = true;
                } else {
                    volumes.add(look, Some(partition.index), range);
                }
            }
        }
        Ok(volumes)
    }

    fn add(&mut self, look: &Look<'_>, partition: Option<u32>, range: std::ops::Range<u64>) {
        let place = || Place { partition, ..look.image() };
        match look.seen(place(), FileSystem::detect(look.disk, range.start)) {
            Ok(Some(FileSystem::BitLocker)) => {
                look.report(
                    rules::BITLOCKER,
                    place(),
                    "the volume is encrypted with BitLocker; nothing in it was checked",
                );
                self.is_hidden = true;
            }
            Ok(Some(FileSystem::Ntfs)) => match look.seen(place(), NtfsVolume::open(look.disk, range)) {
                Ok(ntfs) => self.ntfs.push(Volume { partition, ntfs }),
                Err(Unread) => self.is_hidden = true,
            },
            Ok(Some(FileSystem::Refs)) => {
                self.refs.push(partition);
                self.is_hidden = true;
            }
            Ok(_) => {}
            Err(Unread) => self.is_hidden = true,
        }
    }

    /// The volume on which Windows is installed: one with its registry, or at least with the folder of it.
    pub(super) fn system(&self, look: &Look<'_>) -> Option<&Volume> {
        let has = |path: &'static str| {
            move |volume: &&Volume| match volume.ntfs.file(path) {
                Ok(_) => true,
                Err(error) => {
                    // A damaged volume is none with Windows on it, and the rules of volumes report what it is.
                    if error.ends_the_work() || look.is_of_the_disk(&error) {
                        look.unread(look.image(), &error);
                    }
                    false
                }
            }
        };
        self.ntfs.iter().find(has(SYSTEM)).or_else(|| self.ntfs.iter().find(has(CONFIG)))
    }

    /// The same volume alone.
    pub(super) fn into_system(self, look: &Look<'_>) -> Option<NtfsVolume> {
        let partition = self.system(look)?.partition;
        self.ntfs.into_iter().find(|volume| volume.partition == partition).map(|volume| volume.ntfs)
    }

    pub(super) fn partition(&self, index: u32) -> Option<&Partition> {
        self.table.partitions.iter().find(|partition| partition.index == index)
    }

    /// The NTFS volume in a partition.
    pub(super) fn volume(&self, index: u32) -> Option<&Volume> {
        self.ntfs.iter().find(|volume| volume.partition == Some(index))
    }
}

impl Volume {
    pub(super) fn place(&self, look: &Look<'_>, path: &str) -> Place {
        let path = Some(path.to_owned()).filter(|path| !path.is_empty());
        Place { partition: self.partition, path, ..look.image() }
    }

    /// A file or folder, if it is there.
    pub(super) fn file(&self, look: &Look<'_>, path: &str) -> Seen<Option<NtfsFile<'_>>> {
        match self.ntfs.file(path) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(look.unread(self.place(look, path), &error)),
        }
    }

    /// The content of a file of at most `max` bytes, if it is there.
    pub(super) fn read(&self, look: &Look<'_>, path: &str, max: u64) -> Seen<Option<Vec<u8>>> {
        match self.file(look, path)? {
            Some(file) => look.seen(self.place(look, path), file.read(max)).map(Some),
            None => Ok(None),
        }
    }
}
