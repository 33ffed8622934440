//! Registry hives, read only.
//!
//! The format is that of Maxim Suhanov, "Windows registry file format specification" (github.com/msuhanov/regf), which
//! the comments here call "the specification".

mod base_block;
mod cells;
mod key;
mod names;
mod subkeys;
mod value;

use self::base_block::BaseBlock;
use self::cells::Cells;
use super::ntfs::NtfsFile;
use crate::error::{Error, ErrorKind, Result};

pub use key::RegistryKey;
pub use value::{RegistryType, RegistryValue};

/// The longest path that is followed: Windows allows 512 keys below each other (Microsoft, "Registry element size
/// limits").
const MAX_DEPTH: usize = 512;

/// A registry hive, as Windows keeps it in a file: `Windows\System32\config\SOFTWARE`.
///
/// It is read without trust: every offset is checked against the hive, a key must say that it stands below the key that
/// lists it, so that no walk runs in a circle, and no stated number takes memory without bound. Of a hive in a file only
/// the parts that are asked for are read.
///
/// Changes that Windows has noted in a transaction log and not yet carried over are not seen;
/// [`is_clean`](Self::is_clean) tells whether there can be any.
///
/// ```no_run
/// use vmtemplate::{DiskImage, NtfsVolume, RegistryHive};
///
/// let disk = DiskImage::open("volume.raw")?;
/// let volume = NtfsVolume::open(&disk, 0..disk.size())?;
/// let hive = RegistryHive::open(volume.file(r"Windows\System32\config\SOFTWARE")?)?;
/// if let Some(key) = hive.key(r"Microsoft\Windows NT\CurrentVersion")? {
///     println!("{:?}", key.string("ProductName")?);
/// }
/// # Ok::<(), vmtemplate::Error>(())
/// ```
#[derive(Debug)]
pub struct RegistryHive<'a> {
    cells: Cells<'a>,
    base: BaseBlock,
}

/// What the hive states is impossible.
fn damaged(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidImage, what)
        .with_help("start the virtual machine, shut it down, and try again")
}

impl<'a> RegistryHive<'a> {
    /// The hive of these bytes.
    ///
    /// # Errors
    ///
    /// [`InvalidImage`](ErrorKind::InvalidImage) if it is no hive or a damaged one, and
    /// [`Unsupported`](ErrorKind::Unsupported) for a transaction log and for versions that Windows does not write.
    ///
    /// ```
    /// use vmtemplate::{ErrorKind, RegistryHive};
    ///
    /// let error = RegistryHive::from_bytes(*b"no hive").unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::InvalidImage);
    /// ```
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Result<RegistryHive<'static>> {
        RegistryHive::over(Cells::of_bytes(bytes.into()))
    }

    /// The hive in a file of an NTFS volume. A few MiB of it are held in memory at most.
    ///
    /// # Errors
    ///
    /// As [`from_bytes`](Self::from_bytes), and what reading the file gives.
    ///
    /// ```no_run
    /// # use vmtemplate::{NtfsVolume, RegistryHive};
    /// # fn example(volume: &NtfsVolume) -> vmtemplate::Result<()> {
    /// let hive = RegistryHive::open(volume.file(r"Windows\System32\config\SYSTEM")?)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn open(file: NtfsFile<'a>) -> Result<Self> {
        Self::over(Cells::of_file(file))
    }

    fn over(mut cells: Cells<'a>) -> Result<Self> {
        let base = BaseBlock::read(&cells)?;
        cells.limit(base.data_size)?;
        Ok(Self { cells, base })
    }

    /// Whether every change has reached the hive. If not, some may stand in the transaction logs beside it only.
    ///
    /// ```no_run
    /// # use vmtemplate::RegistryHive;
    /// # fn example(hive: &RegistryHive<'_>) {
    /// if !hive.is_clean() {
    ///     println!("Windows was not shut down properly");
    /// }
    /// # }
    /// ```
    pub fn is_clean(&self) -> bool {
        // The specification, "Dirty state of a hive".
        self.base.primary_sequence == self.base.secondary_sequence
    }

    /// The key that all others stand below.
    ///
    /// ```no_run
    /// # use vmtemplate::RegistryHive;
    /// # fn example(hive: &RegistryHive<'_>) -> vmtemplate::Result<()> {
    /// for key in hive.root()?.subkeys()? {
    ///     println!("{}", key.name());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn root(&self) -> Result<RegistryKey<'_>> {
        RegistryKey::read(self, self.base.root, None)
    }

    /// Look a key up by its path, without regard to case; `None` if there is none. An empty path is the root.
    ///
    /// # Errors
    ///
    /// [`InvalidImage`](ErrorKind::InvalidImage) for damage, [`InvalidValue`](ErrorKind::InvalidValue) for a path of more
    /// than 512 names.
    ///
    /// ```no_run
    /// # use vmtemplate::RegistryHive;
    /// # fn example(hive: &RegistryHive<'_>) -> vmtemplate::Result<()> {
    /// let agent = hive.key(r"ControlSet001\Services\QEMU-GA")?;
    /// assert!(agent.is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub fn key(&self, path: &str) -> Result<Option<RegistryKey<'_>>> {
        let mut key = self.root()?;
        for (depth, name) in path.split('\\').filter(|name| !name.is_empty()).enumerate() {
            if depth == MAX_DEPTH {
                return Err(Error::new(
                    ErrorKind::InvalidValue,
                    format!("a path of more than {MAX_DEPTH} keys was asked for"),
                ));
            }
            match key.subkey(name)? {
                Some(below) => key = below,
                None => return Ok(None),
            }
        }
        Ok(Some(key))
    }
}
