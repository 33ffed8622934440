//! A summary of the content of a disk.

use super::{DiskImage, FreeSpaceOptions, FreeSpaceReport, PartitionTable, Usage};
use crate::error::{ErrorKind, Result};

/// What a disk holds, and what packing would read of it: the form of `vmtemplate disk --json`. Numbers are bytes.
///
/// ```
/// let info = vmtemplate::DiskImage::from_bytes(vec![7; 4096]).info()?;
/// assert_eq!((info.format, info.size, info.usage.data), ("raw", 4096, 4096));
/// # Ok::<(), vmtemplate::Error>(())
/// ```
#[derive(Debug, Clone, serde::Serialize)]
#[non_exhaustive]
pub struct DiskInfo {
    /// The format as `qemu-img` spells it.
    pub format: &'static str,
    /// The size of the virtual disk.
    pub size: u64,
    /// What packing would read, and what it would leave out. Nothing was read for it, so no zeros were found.
    pub usage: Usage,
    /// How the disk is divided; `None` if that cannot be determined, for the reason that `free_space` gives.
    pub partitions: Option<PartitionTable>,
    /// The NTFS volumes, and why the free space of one would be kept.
    pub free_space: FreeSpaceReport,
}

impl DiskImage {
    /// What the disk holds. Partition tables and the metadata of NTFS volumes are read, and nothing else.
    ///
    /// # Errors
    ///
    /// Those of reading the image. A damaged partition table or volume is reported in the result.
    ///
    /// ```
    /// use vmtemplate::disk::PartitionScheme;
    /// use vmtemplate::DiskImage;
    ///
    /// let info = DiskImage::from_bytes(vec![0; 1 << 20]).info()?;
    /// assert_eq!(info.partitions.unwrap().scheme, PartitionScheme::None);
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn info(&self) -> Result<DiskInfo> {
        let (disk, free_space) = self.without_free_space(&FreeSpaceOptions::default())?;
        let partitions = match PartitionTable::read(self) {
            Err(error) if error.kind() == ErrorKind::InvalidImage => None,
            table => Some(table?),
        };
        let mut usage = Usage::default();
        for extent in disk.extents() {
            let extent = extent?;
            usage.count(extent.kind, extent.length);
        }
        Ok(DiskInfo { format: self.format(), size: self.size(), usage, partitions, free_space })
    }
}
