//! Which parts of a disk hold data.

use std::ops::Range;

/// The kind of content of a stretch of a disk.
///
/// ```
/// use vmtemplate::disk::ExtentKind;
///
/// assert!(ExtentKind::Data.must_be_read());
/// assert!(!ExtentKind::Zero.must_be_read());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ExtentKind {
    /// Bytes that must be read to be known.
    Data,
    /// Zeros by the map of the image: a hole of a sparse file, an unallocated cluster of a qcow2.
    Zero,
    /// Clusters that the file system marks free, read as zeros because free space is left out.
    Free,
}

impl ExtentKind {
    /// Whether the bytes are known only after reading them. All other kinds read as zeros.
    ///
    /// ```
    /// assert!(!vmtemplate::disk::ExtentKind::Free.must_be_read());
    /// ```
    pub const fn must_be_read(self) -> bool {
        matches!(self, Self::Data)
    }
}

/// A stretch of a disk of one kind. Offsets and lengths are in bytes of the virtual disk.
///
/// ```
/// use vmtemplate::disk::{Extent, ExtentKind};
///
/// let extent = Extent { offset: 4096, length: 512, kind: ExtentKind::Data };
/// assert_eq!(extent.range(), 4096..4608);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Extent {
    /// Where it begins.
    pub offset: u64,
    /// How long it is; never 0.
    pub length: u64,
    /// What is there.
    pub kind: ExtentKind,
}

impl Extent {
    /// The first byte after it.
    ///
    /// ```
    /// # use vmtemplate::disk::{Extent, ExtentKind};
    /// assert_eq!(Extent { offset: 512, length: 512, kind: ExtentKind::Zero }.end(), 1024);
    /// ```
    pub const fn end(&self) -> u64 {
        self.offset + self.length
    }

    /// Its bytes as a range.
    ///
    /// ```
    /// # use vmtemplate::disk::{Extent, ExtentKind};
    /// assert_eq!(Extent { offset: 0, length: 512, kind: ExtentKind::Zero }.range(), 0..512);
    /// ```
    pub const fn range(&self) -> Range<u64> {
        self.offset..self.end()
    }
}
