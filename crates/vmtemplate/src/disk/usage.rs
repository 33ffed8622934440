//! What the bytes of a disk are, as every summary counts them.

use super::ExtentKind;

/// What the bytes of a disk, or of the files of an archive, are. Every byte is counted once, so [`total`](Self::total) is
/// the size of the whole.
///
/// ```
/// let usage = vmtemplate::disk::Usage { data: 4096, zeros: 512, holes: 1 << 20, free: 0 };
/// assert_eq!(usage.read(), 4608);
/// assert_eq!(usage.total(), 1_053_184);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Usage {
    /// Bytes that are read and hold something. Where nothing was read yet: bytes that would have to be read.
    pub data: u64,
    /// Bytes that were read and proved to be complete blocks of zeros.
    pub zeros: u64,
    /// Bytes that the map of the image records as zero, so that they are not read.
    pub holes: u64,
    /// Bytes that the file system in the image marks free, so that they are not read.
    pub free: u64,
}

impl Usage {
    /// The bytes that are read: `data` and `zeros`.
    ///
    /// ```
    /// assert_eq!(vmtemplate::disk::Usage { data: 2, zeros: 1, holes: 8, free: 0 }.read(), 3);
    /// ```
    pub const fn read(&self) -> u64 {
        self.data + self.zeros
    }

    /// All bytes.
    ///
    /// ```
    /// assert_eq!(vmtemplate::disk::Usage { data: 2, zeros: 1, holes: 8, free: 4 }.total(), 15);
    /// ```
    pub const fn total(&self) -> u64 {
        self.read() + self.holes + self.free
    }

    /// Count `length` bytes of an extent; those of data count as data.
    pub(crate) fn count(&mut self, kind: ExtentKind, length: u64) {
        *match kind {
            ExtentKind::Data => &mut self.data,
            ExtentKind::Zero => &mut self.holes,
            ExtentKind::Free => &mut self.free,
        } += length;
    }

    /// Of the bytes counted as data, `length` were read and proved to be zeros.
    pub(crate) fn found_zeros(&mut self, length: u64) {
        self.data -= length;
        self.zeros += length;
    }
}
