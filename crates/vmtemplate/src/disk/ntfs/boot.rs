//! The boot sector: where everything begins, and the units that a volume counts in.

use std::ops::Range;

use super::super::DiskImage;
use super::damaged;
use crate::error::{Error, ErrorKind, Result};
use crate::le;

/// Clusters are at most 2 MiB (Windows 10 1709 and later; 64 KiB before).
const MAX_CLUSTER: u64 = 2 << 20;

/// The units of a volume, checked against each other and against the space that the volume has.
#[derive(Debug, Clone)]
pub(super) struct Boot {
    /// Bytes per sector.
    pub(super) sector: u32,
    /// Bytes per cluster.
    pub(super) cluster: u32,
    /// How many whole clusters the volume has.
    pub(super) clusters: u64,
    /// Bytes per record of the MFT.
    pub(super) record: u32,
    /// The first cluster of the MFT.
    pub(super) mft: u64,
    pub(super) serial: u64,
    /// The bytes of the volume: its sectors, and the backup boot sector behind them.
    pub(super) length: u64,
    /// Where the backup boot sector belongs, counted from the start of the volume.
    pub(super) backup: u64,
}

impl Boot {
    /// Read and check the boot sector of the volume that has the bytes `range` of the disk.
    ///
    /// Source of the layout: the NTFS documentation of the Linux-NTFS project, "$Boot", and `layout.h` of ntfs-3g.
    pub(super) fn read(disk: &DiskImage, range: &Range<u64>) -> Result<Self> {
        if range.start >= range.end || range.end > disk.size() || range.end - range.start < 512 {
            return Err(Error::new(
                ErrorKind::InvalidValue,
                format!("a volume cannot be at {range:?} of a disk of {} bytes", disk.size()),
            ));
        }
        let bytes = disk.read_vec(range.start, 512)?;
        match bytes.get(3..11) {
            Some(b"NTFS    ") => {}
            Some(b"-FVE-FS-") => {
                return Err(Error::new(ErrorKind::Unsupported, "the volume is encrypted with BitLocker")
                    .with_help("turn BitLocker off inside the virtual machine (manage-bde -off C:) and wait until the \
                                decryption has finished"));
            }
            _ => return Err(damaged("the boot sector does not name NTFS")),
        }
        Self::parse(&bytes, range.end - range.start)
            .ok_or_else(|| damaged("the boot sector has no end mark, or impossible sizes"))
    }

    fn parse(bytes: &[u8], room: u64) -> Option<Self> {
        if le::u16_at(bytes, 510)? != 0xAA55 {
            return None;
        }
        let sector = u64::from(le::u16_at(bytes, 11)?);
        if !(256..=4096).contains(&sector) || !sector.is_power_of_two() {
            return None;
        }
        // Above 128 the byte is the negative power of two.
        let per_cluster = match bytes[13] {
            count @ 0..=128 => u64::from(count),
            power => 1_u64.checked_shl(256 - u32::from(power)).filter(|&count| count <= MAX_CLUSTER)?,
        };
        let cluster = sector * per_cluster;
        if !per_cluster.is_power_of_two() || cluster > MAX_CLUSTER {
            return None;
        }
        // So is the size of a record, in clusters if it is positive.
        let record = match bytes[64].cast_signed() {
            count @ 1.. => cluster * u64::from(count.unsigned_abs()),
            power => 1_u64.checked_shl(u32::from(power.unsigned_abs()))?,
        };
        if !(512..=65_536).contains(&record) || !record.is_power_of_two() {
            return None;
        }
        let sectors = le::u64_at(bytes, 40)?;
        // The backup boot sector follows the last sector that is counted.
        let length = sectors.checked_add(1)?.checked_mul(sector)?;
        let clusters = sectors / per_cluster;
        let mft = le::u64_at(bytes, 48)?;
        // A partition may be one sector short: mkfs tools of old made the count that of the partition.
        if length - sector > room || clusters == 0 || mft == 0 || mft >= clusters {
            return None;
        }
        Some(Self {
            sector: sector as u32,
            cluster: cluster as u32,
            clusters,
            record: record as u32,
            mft,
            serial: le::u64_at(bytes, 72)?,
            length: length.min(room),
            backup: length - sector,
        })
    }

    /// Whether a boot sector of the volume with this serial number is at byte `at` of the disk.
    pub(super) fn is_at(disk: &DiskImage, at: u64, serial: u64) -> Result<bool> {
        if at.checked_add(512).is_none_or(|end| end > disk.size()) {
            return Ok(false);
        }
        let bytes = disk.read_vec(at, 512)?;
        Ok(bytes.get(3..11) == Some(b"NTFS    ") && le::u64_at(&bytes, 72) == Some(serial))
    }
}
