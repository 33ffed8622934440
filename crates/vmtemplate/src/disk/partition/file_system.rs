//! Which file system a volume holds, by its first sector.

use super::super::DiskImage;
use crate::error::Result;
use crate::le;

/// A file system that its boot sector names.
///
/// ```
/// use vmtemplate::disk::FileSystem;
/// use vmtemplate::DiskImage;
///
/// let mut sector = vec![0; 512];
/// sector[3..11].copy_from_slice(b"NTFS    ");
/// sector[510..].copy_from_slice(&[0x55, 0xAA]);
/// assert_eq!(FileSystem::detect(&DiskImage::from_bytes(sector), 0)?, Some(FileSystem::Ntfs));
/// # Ok::<(), vmtemplate::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum FileSystem {
    /// NTFS.
    Ntfs,
    /// Any file system, encrypted by BitLocker.
    BitLocker,
    /// ReFS.
    Refs,
    /// exFAT.
    ExFat,
    /// FAT12, FAT16 or FAT32.
    Fat,
}

/// The identifiers of BitLocker as they are in a volume header: `{4967D63B-2E29-4AD8-8399-F6A339E3D001}`, and
/// `{92A84D3B-DD80-4D0E-9E4E-B1E3284EAED8}` where only the used space is encrypted.
const BITLOCKER: [[u8; 16]; 2] = [
    [0x3B, 0xD6, 0x67, 0x49, 0x29, 0x2E, 0xD8, 0x4A, 0x83, 0x99, 0xF6, 0xA3, 0x39, 0xE3, 0xD0, 0x01],
    [0x3B, 0x4D, 0xA8, 0x92, 0x80, 0xDD, 0x0E, 0x4D, 0x9E, 0x4E, 0xB1, 0xE3, 0x28, 0x4E, 0xAE, 0xD8],
];

impl FileSystem {
    /// The file system of the volume that begins at byte `offset`; `None` if its first sector names none of these,
    /// or lies past the end of the disk.
    ///
    /// ```
    /// # use vmtemplate::disk::FileSystem;
    /// # use vmtemplate::DiskImage;
    /// assert_eq!(FileSystem::detect(&DiskImage::from_bytes([0; 512]), 4096)?, None);
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn detect(disk: &DiskImage, offset: u64) -> Result<Option<Self>> {
        if offset.checked_add(512).is_none_or(|end| end > disk.size()) {
            return Ok(None);
        }
        Ok(Self::of(&disk.read_vec(offset, 512)?))
    }

    /// The file system that a boot sector names.
    pub(in crate::disk) fn of(sector: &[u8]) -> Option<Self> {
        // ReFS has no signature at the end of the sector (libyal, "Resilient File System", volume header).
        let name = le::array_at::<8>(sector, 3)?;
        if &name == b"ReFS\0\0\0\0" {
            return Some(Self::Refs);
        }
        if le::u16_at(sector, 510) != Some(0xAA55) {
            return None;
        }
        match &name {
            b"NTFS    " => Some(Self::Ntfs),
            b"-FVE-FS-" => Some(Self::BitLocker),
            // BitLocker To Go has the boot sector of a FAT volume, for readers on Windows XP, and its identifier behind
            // it (libyal, "BitLocker Drive Encryption (BDE) format specification", volume header of BitLocker To Go).
            b"MSWIN4.1" if BITLOCKER.contains(&le::array_at::<16>(sector, 424)?) => Some(Self::BitLocker),
            b"EXFAT   " => Some(Self::ExFat),
            // The name of a FAT volume is at 54, that of FAT32 at 82 (Microsoft, FAT specification 1.03).
            _ if le::array_at::<3>(sector, 54)? == *b"FAT" || le::array_at::<5>(sector, 82)? == *b"FAT32" => {
                Some(Self::Fat)
            }
            _ => None,
        }
    }
}
