//! The result of packing an archive.

use crate::disk::{FreeSpaceReport, Usage};

/// The result of packing. All numbers are bytes.
///
/// ```
/// # let dir = std::env::temp_dir().join(format!("vmt-doc-summary-{}", std::process::id()));
/// # std::fs::create_dir_all(&dir).unwrap();
/// use vmtemplate::archive::PackOptions;
/// use vmtemplate::{DiskImage, Template};
///
/// let template = Template::builder("Windows-Server-2019")
///     .image(DiskImage::from_bytes(vec![0; 1 << 20]))
///     .build()?;
/// let summary = template.pack(dir.join("t.tar.gz"), &PackOptions::default())?;
/// assert_eq!(summary.usage.zeros, 1 << 20);
/// assert!(summary.archive_bytes < 10_000);
/// # std::fs::remove_dir_all(dir).unwrap();
/// # Ok::<(), vmtemplate::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct PackSummary {
    /// The size of the archive.
    pub archive_bytes: u64,
    /// The size of all files in it, as they will be unpacked: the total of `usage`.
    pub content_bytes: u64,
    /// What the bytes of these files are, and which of them had to be read.
    pub usage: Usage,
    /// The NTFS volumes of the image, and why the free space of one was kept.
    pub free_space: FreeSpaceReport,
    /// The files of the template's folder that metainfo.xml does not name, and that are not in the archive. A folder of
    /// which nothing is named is reported as one, with a slash at its end. At most 1000 are reported.
    pub left_behind: Vec<String>,
    /// The files that metainfo.xml names beside image and script, but that do not exist: `pxelinuxcfg: pxe.cfg`.
    pub missing: Vec<String>,
}
