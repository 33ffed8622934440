//! Limits for the content of an archive.

use crate::error::{Error, ErrorKind, Result};

/// Bounds on what an archive may hold. The defaults let an image of 2 TiB and more pass.
///
/// ```
/// let limits = vmtemplate::archive::UnpackLimits { total_size: 100 << 30, ..Default::default() };
/// assert_eq!(limits.entries, 1000);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UnpackLimits {
    /// Files and folders; 1000 unless set. Most templates have three files.
    pub entries: u64,
    /// Bytes of all files together, holes included; 16 TiB unless set.
    pub total_size: u64,
    /// Bytes of the name of one file or folder; 255 unless set, which is what every usual file system takes.
    pub name_length: usize,
    /// Folders inside folders; 16 unless set.
    pub path_depth: usize,
    /// Bytes of the tar stream for each byte of the archive, from its start to any place; 1100 unless set. One layer
    /// of deflate reaches 1032 on zeros, which is what an empty disk is.
    pub ratio: u64,
    /// Headers that describe the next entry (long names, PAX records) in a row; 8 unless set. Tools write three.
    pub header_chain: u32,
    /// Bytes of one such header; 1 MiB unless set.
    pub header_size: u64,
}

impl Default for UnpackLimits {
    fn default() -> Self {
        Self {
            entries: 1000,
            total_size: 16 << 40,
            name_length: 255,
            path_depth: 16,
            ratio: 1100,
            header_chain: 8,
            header_size: 1 << 20,
        }
    }
}

/// Archives below this are small whatever their ratio.
const RATIO_FREE: u64 = 1 << 20;

impl UnpackLimits {
    /// Fail if `tar` bytes of the stream came out of `archive` bytes and that is too much.
    pub(super) fn check_ratio(&self, tar: u64, archive: u64) -> Result<()> {
        if tar.saturating_sub(RATIO_FREE) <= archive.saturating_mul(self.ratio) {
            return Ok(());
        }
        Err(exceeded(format!(
            "{archive} bytes of the archive unpack to {tar} bytes, more than {} times as many",
            self.ratio
        ))
        .with_help("if you trust the archive, raise the limit `ratio`"))
    }
}

pub(super) fn exceeded(message: String) -> Error {
    Error::new(ErrorKind::LimitExceeded, message)
}
