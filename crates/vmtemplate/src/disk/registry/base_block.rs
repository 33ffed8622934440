//! The first block of a hive: what it is, and whether it was written to its end.

use super::cells::{BASE_BLOCK, Cells};
use super::damaged;
use crate::error::{Error, ErrorKind, Result};
use crate::le;

/// The bytes that the checksum covers, and where it is.
const CHECKED: usize = 508;

#[derive(Debug)]
pub(super) struct BaseBlock {
    pub(super) primary_sequence: u32,
    pub(super) secondary_sequence: u32,
    /// The cell of the root key.
    pub(super) root: u32,
    /// The bytes of the bins.
    pub(super) data_size: u32,
}

impl BaseBlock {
    pub(super) fn read(cells: &Cells<'_>) -> Result<Self> {
        let mut block = [0; CHECKED + 4];
        if cells.read_file(&mut block, 0)? < block.len() {
            return Err(damaged(format!("a registry hive of less than {BASE_BLOCK} bytes")));
        }
        let field = |at| le::u32_at(&block, at).unwrap_or_default();
        if !block.starts_with(b"regf") {
            return Err(damaged("it is not a registry hive: it does not begin with \"regf\""));
        }
        match field(28) {
            0 => {}
            // 1 and 2 are logs up to Windows 8, 6 is one since Windows 8.1 (the specification, "Format of transaction log files").
            1 | 2 | 6 => {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    "this is the transaction log of a registry hive, not the hive",
                )
                .with_help("give the file of the same name without .LOG1 or .LOG2"));
            }
            kind => return Err(damaged(format!("a registry file of the unknown kind {kind}"))),
        }
        // Versions 1.3 to 1.6 are those of Windows NT 4.0 to 11.
        let version = (field(20), field(24));
        if version.0 != 1 || !(3..=6).contains(&version.1) || field(32) != 1 {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("a registry hive of version {}.{} (format {})", version.0, version.1, field(32)),
            ));
        }
        if checksum(&block) != field(CHECKED) {
            return Err(damaged(
                "the checksum of the hive's first block is wrong: it was written only in part",
            ));
        }
        Ok(Self {
            primary_sequence: field(4),
            secondary_sequence: field(8),
            root: field(36),
            data_size: field(40),
        })
    }
}

/// The specification, "Base block", note 2. Windows writes neither 0 nor -1: they would be mistaken for no checksum.
pub(super) fn checksum(block: &[u8]) -> u32 {
    let words = block[..CHECKED].chunks_exact(4).map(|word| le::u32_at(word, 0).unwrap_or_default());
    match words.fold(0, |sum, word| sum ^ word) {
        0 => 1,
        u32::MAX => u32::MAX - 1,
        sum => sum,
    }
}
