//! Signs that a disk or a partition is a part of something larger, which shares its clusters out in its own way.
//!
//! Sources of places and magics: the Linux kernel's `block/partitions/ldm.h` after the documentation of the Linux-NTFS
//! project for the Logical Disk Manager; util-linux, `libblkid/src/superblocks`, for RAID and LVM; mdadm, `md_p.h`,
//! for Linux RAID; SNIA, "Common RAID Disk Data Format Specification". The signs are looked for where a member has
//! them, whatever the type of the partition: types are often left as they were.

use std::ops::Range;

use super::super::DiskImage;
use super::{PartitionScheme, PartitionTable};
use crate::error::Result;
use crate::le;

/// Sectors of the formats below, whatever the disk has.
const SECTOR: u64 = 512;

/// The database of the Logical Disk Manager, in sectors.
const LDM_DATABASE: u64 = 2048;
/// The private headers: from the start of the disk, and from the start of the database.
const LDM_FIRST: u64 = 6;
const LDM_BACKUPS: [u64; 2] = [1856, 2047];

/// Where Promise FastTrak controllers put their block, in sectors from the end.
const PROMISE: [u64; 13] = [63, 255, 256, 16, 399, 591, 675, 735, 911, 974, 991, 951, 3087];

/// Magics of controllers: sectors from the end of the disk, bytes from there, and what is there.
const CONTROLLERS: &[(u64, usize, &[u8], &str)] = &[
    (2, 0, b"Intel Raid ISM Cfg Sig. ", "Intel Matrix RAID"),
    (1, 0, b"\xDE\x11\xDE\x11", "DDF RAID"),
    (1, 0, b"\x11\xDE\x11\xDE", "DDF RAID"),
    (257, 0, b"\xDE\x11\xDE\x11", "DDF RAID"),
    (257, 0, b"\x11\xDE\x11\xDE", "DDF RAID"),
    (1, 0, b"$XIDE$", "LSI MegaRAID"),
    (2, 0, b"NVIDIA  ", "NVIDIA RAID"),
    (1, 0, b"\x37\xFC\x4D\x1E", "Adaptec RAID"),
    (1, 0x60, b"\0\0\0\x2F", "Silicon Image RAID"),
    (11, 0, b"\xF3\x16\x78\x5A", "HighPoint RAID"),
    (11, 0, b"\xFD\x16\x78\x5A", "HighPoint RAID"),
    // JMicron ("JM") and VIA (55 AA) have two bytes to be known by, and the sums behind them are of few bits.
];

/// Magics of what shares disks and partitions out, where each has them, counted from the start: `vmfs.c`, `bcache.c`,
/// `btrfs.c` and `stratis.c` of libblkid. Left out is what has two bytes to be known by, the file systems ext among it:
/// those bytes may be anybody's.
const SHARED: &[(u64, &[u8], &str)] = &[
    (1 << 20, b"\x0D\xD0\x01\xC0", "a VMFS volume"),
    (4096 + 24, b"\xC6\x85\x73\xF6\x4E\x1A\x45\xCA\x82\x65\xF5\x7F\x48\xBA\x6D\x81", "bcache"),
    (4096 + 24, b"\xC6\x85\x73\xF6\x66\xCE\x90\xA9\xD9\x6A\x60\xCF\x80\x3D\xF7\xEF", "bcachefs"),
    ((64 << 10) + 64, b"_BHRfS_M", "btrfs"),
    (512 + 4, b"!Stra0tis\x86\xFF\x02^\x41rh", "Stratis"),
    (9 * 512 + 4, b"!Stra0tis\x86\xFF\x02^\x41rh", "Stratis"),
];

/// A label of ZFS; two are at the start and two at the end. Its second half is an array of uberblocks, at least 1 KiB
/// each (`zfs.c` of libblkid).
const ZFS_LABEL: u64 = 256 << 10;
const ZFS_MAGIC: u64 = 0x00BA_B10C;

/// What a disk or partition can be a part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pool {
    DynamicDisk,
    StorageSpaces,
    Raid,
    Lvm,
    /// What else combines disks, mirrors them, or keeps its own files on them: DRBD, bcache, ZFS, btrfs.
    Shared,
}

/// One sign of it.
#[derive(Debug, Clone)]
pub(crate) struct PoolSign {
    pub(crate) pool: Pool,
    /// The partition that has it; `None` for one of the disk itself.
    pub(crate) partition: Option<u32>,
    /// What was found, and where: "partition 1 is of type …".
    pub(crate) evidence: String,
    /// The partition table says so, and not only bytes that an earlier use of the disk may have left.
    pub(crate) is_stated: bool,
}

impl PoolSign {
    /// Whether the volume in this partition may be a part of the pool. Dynamic disks and Storage Spaces have the
    /// whole disk, and what a partition was before means nothing there.
    pub(crate) fn concerns(&self, partition: Option<u32>) -> bool {
        self.partition.is_none()
            || self.partition == partition
            || matches!(self.pool, Pool::DynamicDisk | Pool::StorageSpaces)
    }
}

impl PartitionTable {
    /// Every sign on the disk, those of the table first.
    pub(crate) fn pools(&self, disk: &DiskImage) -> Result<Vec<PoolSign>> {
        let mut signs = Vec::new();
        let every = self.partitions.iter().map(|partition| (Some(partition.index), partition));
        // What a second table says is no partition of the first, but as much of a sign.
        for (index, partition) in every.chain(self.rivals.iter().map(|rival| (None, rival))) {
            let pool = match partition.kind {
                kind if kind.is_dynamic_disk() => Pool::DynamicDisk,
                kind if kind.is_storage_spaces() => Pool::StorageSpaces,
                _ => continue,
            };
            let evidence = format!("partition {} has the type {}", partition.index, partition.kind);
            signs.push(PoolSign { pool, partition: index, evidence, is_stated: true });
        }
        let mut found = Search { disk, partition: None, range: 0..disk.size(), signs };
        found.look_for_ldm(LDM_FIRST * u64::from(self.sector_size))?;
        found.look_for_databases(u64::from(self.sector_size))?;
        found.look_for_controllers()?;
        found.look_at_both_ends()?;
        for partition in self.partitions.iter().filter(|partition| !partition.kind.is_extended()) {
            let Some(range) = partition.range() else { continue };
            found.range = range.start.min(disk.size())..range.end.min(disk.size());
            found.partition = Some(partition.index);
            // On a GPT disk the database is a partition, which ends with a private header.
            if self.scheme == PartitionScheme::Gpt {
                found.look_for_databases(u64::from(self.sector_size))?;
            }
            found.look_at_both_ends()?;
        }
        Ok(found.signs)
    }
}

/// What is looked through, a disk or partition, and the signs found so far.
struct Search<'a> {
    disk: &'a DiskImage,
    partition: Option<u32>,
    range: Range<u64>,
    signs: Vec<PoolSign>,
}

impl Search<'_> {
    fn length(&self) -> u64 {
        self.range.end - self.range.start
    }

    /// `N` bytes from `at` on, counted from the start; `None` where there are not as many.
    fn bytes<const N: usize>(&self, at: u64) -> Result<Option<[u8; N]>> {
        if at.checked_add(N as u64).is_none_or(|end| end > self.length()) {
            return Ok(None);
        }
        let mut bytes = [0; N];
        self.disk.read_at(&mut bytes, self.range.start + at)?;
        Ok(Some(bytes))
    }

    fn add(&mut self, pool: Pool, at: u64, what: &str) {
        let whose =
            self.partition.map_or_else(|| "the disk".to_owned(), |number| format!("partition {number}"));
        let evidence = format!("{whose} has {what} at byte {}", self.range.start + at);
        self.signs.push(PoolSign { pool, partition: self.partition, evidence, is_stated: false });
    }

    fn look_for_ldm(&mut self, at: u64) -> Result<()> {
        if self.bytes(at)? == Some(*b"PRIVHEAD") {
            self.add(Pool::DynamicDisk, at, "the private header of a dynamic disk");
        }
        Ok(())
    }

    /// The backups of the private header, in a database that ends where the disk or partition does.
    fn look_for_databases(&mut self, sector: u64) -> Result<()> {
        let sectors = self.length() / sector;
        let Some(database) = sectors.checked_sub(LDM_DATABASE) else { return Ok(()) };
        LDM_BACKUPS.iter().try_for_each(|backup| self.look_for_ldm((database + backup) * sector))
    }

    /// Controllers combine whole disks, and write at their ends.
    fn look_for_controllers(&mut self) -> Result<()> {
        let sectors = self.length() / SECTOR;
        for &(from_end, within, magic, name) in CONTROLLERS {
            let Some(at) = sectors.checked_sub(from_end).map(|sector| sector * SECTOR) else { continue };
            let Some(sector) = self.bytes::<512>(at)? else { continue };
            if sector[within..].starts_with(magic) {
                self.add(Pool::Raid, at, &format!("the metadata of {name}"));
            }
        }
        for from_end in PROMISE {
            let Some(at) = sectors.checked_sub(from_end).map(|sector| sector * SECTOR) else { continue };
            if self.bytes(at)? == Some(*b"Promise Technology, Inc.") {
                self.add(Pool::Raid, at, "the metadata of Promise FastTrak RAID");
            }
        }
        Ok(())
    }

    /// What is at the start or the end of a disk or of a partition alike.
    fn look_at_both_ends(&mut self) -> Result<()> {
        for at in [0, 4096] {
            if self.bytes(at)? == Some(*b"SPACEDB ") {
                self.add(Pool::StorageSpaces, at, "the database of Storage Spaces");
            }
        }
        // A label of LVM2 is in one of the first four sectors (lvm2, `lib/label/label.h`).
        for sector in 0..4 {
            if self.bytes(sector * SECTOR)? == Some(*b"LABELONE") {
                self.add(Pool::Lvm, sector * SECTOR, "the label of an LVM physical volume");
            }
        }
        // Bytes 4640 on belong to HighPoint 37x.
        if let Some([low, 0x16, 0x78, 0x5A]) = self.bytes(4640)?
            && matches!(low, 0xF0 | 0xF3 | 0xFD)
        {
            self.add(Pool::Raid, 4608, "the metadata of HighPoint RAID");
        }
        self.look_for_md()?;
        self.look_for_shares()
    }

    fn look_for_shares(&mut self) -> Result<()> {
        for &(at, magic, name) in SHARED {
            if let Some(bytes) = self.bytes::<16>(at)?
                && bytes.starts_with(magic)
            {
                self.add(Pool::Shared, at, &format!("the superblock of {name}"));
            }
        }
        // The last block of 4 KiB: DRBD 8.3, 8.4 and 9 (`drbd.c` of libblkid).
        if let Some(at) = (self.length() & !0xFFF).checked_sub(4096 - 60)
            && let Some([0x83, 0x74, 0x02, 0x6B..=0x6D]) = self.bytes(at)?
        {
            self.add(Pool::Shared, at, "the metadata of DRBD");
        }
        let Some(end) = (self.length() & !(ZFS_LABEL - 1)).checked_sub(2 * ZFS_LABEL) else { return Ok(()) };
        for label in [0, ZFS_LABEL, end, end + ZFS_LABEL] {
            // Only the magics are read: the whole of four labels is more than all else that is looked at.
            for at in (label + ZFS_LABEL / 2..label + ZFS_LABEL).step_by(1024) {
                let Some(magic) = self.bytes::<8>(at)? else { continue };
                if [u64::from_le_bytes(magic), u64::from_be_bytes(magic)].contains(&ZFS_MAGIC) {
                    self.add(Pool::Shared, at, "the uberblocks of ZFS");
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The superblocks of Linux RAID: 1.1 at the start, 1.2 at 4 KiB, 1.0 and 0.90 near the end.
    fn look_for_md(&mut self) -> Result<()> {
        let length = self.length();
        let near_end = (length & !0xFFF).checked_sub(0x2000);
        for at in [Some(0), Some(4096), near_end].into_iter().flatten() {
            let Some(block) = self.bytes::<256>(at)? else { continue };
            // A block says where it is. That tells a disk from a partition that ends with it.
            if le::u32_at(&block, 0) == Some(0xA92B_4EFC)
                && le::u32_at(&block, 4) == Some(1)
                && le::u64_at(&block, 144) == Some(at / SECTOR)
            {
                self.add(Pool::Raid, at, "a superblock of Linux RAID");
            }
        }
        // Version 0.90 is in the byte order of the machine that wrote it.
        let Some(at) = (length & !0xFFFF).checked_sub(0x1_0000) else { return Ok(()) };
        if let Some(block) = self.bytes::<8>(at)?
            && matches!(block, [0xFC, 0x4E, 0x2B, 0xA9, 0, 0, 0, 0] | [0xA9, 0x2B, 0x4E, 0xFC, 0, 0, 0, 0])
        {
            self.add(Pool::Raid, at, "a superblock of Linux RAID");
        }
        Ok(())
    }
}
