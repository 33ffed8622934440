//! Disk images: positioned reads of the virtual disk, the map of what must be read, and what is on it.
//!
//! [`DiskImage`] opens raw files, block devices, qcow2, VHDX, VMDK, VHD and Ceph images; a [`DiskSource`] adds another.
//! [`DiskImage::info`] sums up what it holds, [`DiskImage::extents`] lists the parts that must be read, and
//! [`DiskImage::without_free_space`] leaves out the clusters that its file systems mark free. [`PartitionTable`],
//! [`NtfsVolume`] and [`RegistryHive`] look inside.

#[cfg(any(feature = "qcow2", feature = "vhd"))]
mod be;
#[cfg(any(feature = "qcow2", feature = "rbd", feature = "vhd", feature = "vhdx", feature = "vmdk"))]
mod blocks;
mod cache;
mod convert;
mod extent;
mod fat;
mod file;
mod foreign;
mod free_space;
mod info;
mod memory;
mod ntfs;
mod open;
mod opener;
mod partition;
#[cfg(feature = "qcow2")]
mod qcow2;
mod raw;
#[cfg(feature = "rbd")]
mod rbd;
mod registry;
mod stream;
#[cfg(any(feature = "qcow2", feature = "rbd", feature = "vhd", feature = "vhdx", feature = "vmdk"))]
mod tables;
mod usage;
#[cfg(feature = "vhd")]
mod vhd;
#[cfg(feature = "vhdx")]
mod vhdx;
#[cfg(feature = "vmdk")]
mod vmdk;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::file::ImageFile;
use self::opener::Opener;
use crate::error::{Error, ErrorKind, Result};

pub(crate) use fat::FatVolume;

pub use convert::{RawSummary, WriteRawOptions};
pub use extent::{Extent, ExtentKind};
pub use free_space::{FreeSpace, FreeSpaceOptions, FreeSpaceReport, KeptReason, KeptVolume, VolumeFreeSpace};
pub use info::DiskInfo;
pub use ntfs::{Hibernation, NtfsEntry, NtfsFile, NtfsFolder, NtfsVolume, NtfsWalk};
pub(crate) use open::{foreign_content, no_script};
pub(crate) use opener::is_vmdk_descriptor;
pub use opener::{ImageFormat, OpenOptions};
pub use partition::{FileSystem, Guid, Partition, PartitionKind, PartitionScheme, PartitionTable};
pub(crate) use partition::{Pool, PoolSign};
pub use registry::{
    RegistryHive, RegistryKey, RegistryKeyPlace, RegistryType, RegistryValue, RegistryValuePlace,
};
pub use usage::Usage;

/// The interface between the image formats and everything that reads disks.
///
/// [`DiskImage`] checks every range before it asks, so an implementation may rely on
/// `offset + buf.len() <= size()` and on `offset < size()`. It must withstand hostile *content*:
/// no panic, no endless loop, no memory in proportion to a number that the image states.
///
/// ```
/// use std::sync::Arc;
/// use vmtemplate::disk::{DiskSource, Extent, ExtentKind};
/// use vmtemplate::{DiskImage, Result};
///
/// /// A disk that holds the byte 7 everywhere.
/// #[derive(Debug)]
/// struct Sevens;
///
/// impl DiskSource for Sevens {
///     fn format(&self) -> &'static str { "sevens" }
///     fn size(&self) -> u64 { 1024 }
///     fn read_at(&self, buf: &mut [u8], _offset: u64) -> Result<()> { buf.fill(7); Ok(()) }
///     fn extent_at(&self, offset: u64) -> Result<Extent> {
///         Ok(Extent { offset, length: 1024 - offset, kind: ExtentKind::Data })
///     }
/// }
///
/// let disk = DiskImage::from_source(Arc::new(Sevens));
/// assert_eq!(disk.read_vec(1000, 3)?, [7, 7, 7]);
/// # Ok::<(), vmtemplate::Error>(())
/// ```
pub trait DiskSource: Send + Sync + fmt::Debug {
    /// The name of the format as `qemu-img` spells it: `raw`, `qcow2`, …
    fn format(&self) -> &'static str;

    /// The size of the virtual disk in bytes. It does not change.
    fn size(&self) -> u64;

    /// Fill `buf` with the bytes of the virtual disk from `offset` on.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<()>;

    /// What is at `offset`: an extent that begins there and is not empty.
    ///
    /// It need not be the longest: [`DiskImage::extents`] joins neighbours of one kind.
    fn extent_at(&self, offset: u64) -> Result<Extent>;

    /// Fail if the image was written to since it was opened. The default implementation cannot detect it.
    fn verify_unchanged(&self) -> Result<()> {
        Ok(())
    }

    /// The files that the disk is read from: the image, its backing files, its extents. No output takes the place of one of
    /// them. The default knows of none.
    fn files(&self) -> Vec<PathBuf> {
        Vec::new()
    }
}

/// An open disk image, read-only. Clones share the open file.
///
/// ```
/// use vmtemplate::disk::ExtentKind;
/// use vmtemplate::DiskImage;
///
/// # let dir = std::env::temp_dir().join(format!("vmt-doc-disk-{}", std::process::id()));
/// # std::fs::create_dir_all(&dir).unwrap();
/// # let path = dir.join("disk.raw");
/// let file = std::fs::File::create(&path).unwrap();
/// file.set_len(1 << 20).unwrap(); // a sparse file: one hole
///
/// let disk = DiskImage::open(&path)?;
/// assert_eq!(disk.size(), 1 << 20);
/// assert_eq!(disk.read_vec(512, 4)?, [0, 0, 0, 0]);
/// for extent in disk.extents() {
///     println!("{:?}", extent?);
/// }
/// # std::fs::remove_dir_all(dir).unwrap();
/// # Ok::<(), vmtemplate::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct DiskImage {
    source: Arc<dyn DiskSource>,
    path: Option<PathBuf>,
}

impl DiskImage {
    /// Open an image file or a block device. Its format is recognised by content.
    ///
    /// `rbd:POOL/IMAGE` and `rbd:POOL/IMAGE@SNAPSHOT` stand for an image of a Ceph cluster. The installed command `rbd`
    /// exports it first, into a temporary file that takes as much room as the image has data. Export a snapshot, or
    /// shut the virtual machine down: `rbd` does not notice writes. A file whose name begins so is `./rbd:…`.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) and [`PermissionDenied`](ErrorKind::PermissionDenied) from the system;
    /// [`Unsupported`](ErrorKind::Unsupported) for a folder, a pipe or a character device, for a feature of a format
    /// that is not read, and for files named inside an image (see [`OpenOptions::backing_files`]);
    /// [`InvalidImage`](ErrorKind::InvalidImage) for an empty file and for one that contradicts its format;
    /// [`LimitExceeded`](ErrorKind::LimitExceeded) for a virtual disk of more than 64 TiB.
    ///
    /// ```
    /// use vmtemplate::{DiskImage, ErrorKind};
    ///
    /// assert_eq!(DiskImage::open("/").unwrap_err().kind(), ErrorKind::Unsupported);
    /// ```
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(path, &OpenOptions::default())
    }

    /// Like [`DiskImage::open`], with options such as the format and the folder of backing files.
    ///
    /// ```
    /// use vmtemplate::disk::OpenOptions;
    /// use vmtemplate::{DiskImage, ErrorKind};
    ///
    /// let options = OpenOptions { backing_files: Some("/srv/images".into()), ..OpenOptions::default() };
    /// let error = DiskImage::open_with("/srv/images/no-such.qcow2", &options).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::NotFound);
    /// ```
    pub fn open_with(path: impl AsRef<Path>, options: &OpenOptions) -> Result<Self> {
        let path = path.as_ref();
        if let Some(spec) = path.to_str().and_then(|path| path.strip_prefix("rbd:")) {
            let source = open::open_rbd(spec, options).map_err(|error| error.with_path(path))?;
            return Ok(Self { source, path: Some(path.to_owned()) });
        }
        let opener = Opener::new(options, Some(path));
        let source = ImageFile::open(path)
            .and_then(|file| open::open_file(file, options.format, &opener))
            .map_err(|error| error.with_path(path))?;
        Ok(Self { source, path: Some(path.to_owned()) })
    }

    /// A disk over any source of bytes.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use vmtemplate::disk::DiskSource;
    /// # use vmtemplate::DiskImage;
    /// fn over(source: Arc<dyn DiskSource>) -> DiskImage {
    ///     DiskImage::from_source(source)
    /// }
    /// ```
    pub fn from_source(source: Arc<dyn DiskSource>) -> Self {
        Self { source, path: None }
    }

    /// A raw disk in memory.
    ///
    /// ```
    /// let disk = vmtemplate::DiskImage::from_bytes(vec![1; 512]);
    /// assert_eq!(disk.size(), 512);
    /// assert_eq!(disk.format(), "raw");
    /// ```
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self::from_source(Arc::new(memory::Memory::new(bytes.into())))
    }

    /// The size of the virtual disk in bytes.
    ///
    /// ```
    /// assert_eq!(vmtemplate::DiskImage::from_bytes([0; 1024]).size(), 1024);
    /// ```
    pub fn size(&self) -> u64 {
        self.source.size()
    }

    /// The format as `qemu-img` spells it: `raw`, …
    ///
    /// ```
    /// assert_eq!(vmtemplate::DiskImage::from_bytes([0; 1024]).format(), "raw");
    /// ```
    pub fn format(&self) -> &'static str {
        self.source.format()
    }

    /// The path that it was opened by.
    ///
    /// ```
    /// assert_eq!(vmtemplate::DiskImage::from_bytes([0; 1024]).path(), None);
    /// ```
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Fill `buf` with the bytes of the virtual disk from `offset` on.
    ///
    /// # Errors
    ///
    /// [`InvalidValue`](ErrorKind::InvalidValue) when the range passes the end of the disk,
    /// [`SourceChanged`](ErrorKind::SourceChanged) when the file shrank since it was opened.
    ///
    /// ```
    /// let disk = vmtemplate::DiskImage::from_bytes(*b"abcd");
    /// let mut two = [0; 2];
    /// disk.read_at(&mut two, 1)?;
    /// assert_eq!(&two, b"bc");
    /// assert!(disk.read_at(&mut two, 3).is_err());
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<()> {
        let end = offset.checked_add(buf.len() as u64);
        if end.is_none_or(|end| end > self.size()) {
            return Err(self.locate(Error::new(
                ErrorKind::InvalidValue,
                format!(
                    "cannot read {} bytes at offset {offset}: the disk ends at {}",
                    buf.len(),
                    self.size()
                ),
            )));
        }
        if buf.is_empty() {
            return Ok(());
        }
        self.source.read_at(buf, offset).map_err(|error| self.locate(gone(error)))
    }

    /// `length` bytes from `offset` on, as a vector. For small structures: the caller bounds `length`.
    ///
    /// ```
    /// assert_eq!(vmtemplate::DiskImage::from_bytes(*b"abcd").read_vec(2, 2)?, b"cd");
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn read_vec(&self, offset: u64, length: usize) -> Result<Vec<u8>> {
        // Refuse before reserving: the length may come from the image.
        if length as u64 > self.size() {
            self.read_at(&mut [0], self.size())?;
        }
        let mut buf = vec![0; length];
        self.read_at(&mut buf, offset)?;
        Ok(buf)
    }

    /// The whole disk as extents: in order, without gaps, each of another kind than the one before.
    ///
    /// ```
    /// use vmtemplate::disk::ExtentKind;
    /// use vmtemplate::DiskImage;
    ///
    /// let disk = DiskImage::from_bytes(vec![5; 4096]);
    /// let map = disk.extents().collect::<Result<Vec<_>, _>>()?;
    /// assert_eq!(map.len(), 1);
    /// assert_eq!(map[0].kind, ExtentKind::Data);
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn extents(&self) -> Extents<'_> {
        Extents { disk: self, next: None, offset: 0 }
    }

    /// What is at `offset`: an extent that begins there and ends within the disk.
    pub(crate) fn extent_at(&self, offset: u64) -> Result<Extent> {
        let extent = self.source.extent_at(offset).map_err(|error| self.locate(gone(error)))?;
        let room = self.size() - offset;
        if extent.offset != offset || extent.length == 0 {
            return Err(self.locate(Error::new(
                ErrorKind::InvalidImage,
                format!("the extent map has no entry for offset {offset}"),
            )));
        }
        Ok(Extent { length: extent.length.min(room), ..extent })
    }

    /// Fail if the image was written to since it was opened.
    pub(crate) fn verify_unchanged(&self) -> Result<()> {
        self.source.verify_unchanged().map_err(|error| self.locate(error))
    }

    /// The files that the disk is read from.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        self.path.iter().cloned().chain(self.source.files()).collect()
    }

    fn locate(&self, error: Error) -> Error {
        match &self.path {
            Some(path) => error.with_path(path),
            None => error,
        }
    }
}

/// The image contradicts its format: what was found, and what was expected.
#[cfg(any(feature = "qcow2", feature = "rbd", feature = "vhd", feature = "vhdx", feature = "vmdk"))]
fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidImage, message)
}

/// A source that is no longer there has changed. Inside an image, "not found" means a file of a volume.
fn gone(error: Error) -> Error {
    if error.kind() != ErrorKind::NotFound {
        return error;
    }
    Error::new(ErrorKind::SourceChanged, "the disk image disappeared while it was read")
        .caused_by(error)
        .with_help("put the image back, or give its new path, and try again")
}

/// The image is valid, but uses a feature that is not supported.
#[cfg(any(feature = "qcow2", feature = "rbd", feature = "vhd", feature = "vhdx", feature = "vmdk"))]
fn unsupported(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Unsupported, message)
}

/// The extents of a disk, from [`DiskImage::extents`].
///
/// ```
/// let disk = vmtemplate::DiskImage::from_bytes([1; 512]);
/// assert_eq!(disk.extents().count(), 1);
/// ```
#[derive(Debug)]
pub struct Extents<'a> {
    disk: &'a DiskImage,
    /// An extent that was read ahead, to see whether it joins the one before.
    next: Option<Extent>,
    offset: u64,
}

impl Extents<'_> {
    fn pull(&mut self) -> Option<Result<Extent>> {
        if let Some(extent) = self.next.take() {
            return Some(Ok(extent));
        }
        if self.offset >= self.disk.size() {
            return None;
        }
        let extent = self.disk.extent_at(self.offset);
        // After an error there is nothing more to say.
        self.offset = extent.as_ref().map_or(self.disk.size(), Extent::end);
        Some(extent)
    }
}

impl Iterator for Extents<'_> {
    type Item = Result<Extent>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut current = match self.pull()? {
            Ok(extent) => extent,
            Err(error) => return Some(Err(error)),
        };
        while let Some(following) = self.pull() {
            match following {
                Ok(following) if following.kind == current.kind => current.length += following.length,
                Ok(following) => {
                    self.next = Some(following);
                    break;
                }
                Err(error) => return Some(Err(error)),
            }
        }
        Some(Ok(current))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A source that states its map as a list of lengths and kinds.
    #[derive(Debug)]
    struct Listed(Vec<(u64, ExtentKind)>);

    impl DiskSource for Listed {
        fn format(&self) -> &'static str {
            "listed"
        }
        fn size(&self) -> u64 {
            100
        }
        fn read_at(&self, buf: &mut [u8], _offset: u64) -> Result<()> {
            buf.fill(1);
            Ok(())
        }
        fn extent_at(&self, offset: u64) -> Result<Extent> {
            let mut start = 0;
            for &(length, kind) in &self.0 {
                if offset < start + length {
                    return Ok(Extent { offset, length: start + length - offset, kind });
                }
                start += length;
            }
            Ok(Extent { offset, length: 0, kind: ExtentKind::Data })
        }
    }

    fn map(list: &[(u64, ExtentKind)]) -> Result<Vec<(u64, u64, ExtentKind)>> {
        let disk = DiskImage::from_source(Arc::new(Listed(list.to_vec())));
        disk.extents().map(|extent| extent.map(|e| (e.offset, e.length, e.kind))).collect()
    }

    #[test]
    fn neighbours_of_one_kind_are_joined() {
        use ExtentKind::{Data, Free, Zero};
        let list = [(10, Data), (20, Data), (30, Zero), (5, Zero), (15, Free), (20, Data)];
        assert_eq!(map(&list).unwrap(), [(0, 30, Data), (30, 35, Zero), (65, 15, Free), (80, 20, Data)]);
    }

    #[test]
    fn an_extent_past_the_end_is_cut_and_an_empty_one_is_an_error() {
        use ExtentKind::{Data, Zero};
        assert_eq!(map(&[(50, Data), (500, Zero)]).unwrap(), [(0, 50, Data), (50, 50, Zero)]);
        let error = map(&[(50, Data)]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidImage);
        assert!(error.message().contains("offset 50"), "{error}");
    }

    #[test]
    fn a_length_larger_than_the_disk_is_refused_before_memory_is_reserved() {
        let disk = DiskImage::from_bytes([0; 16]);
        assert_eq!(disk.read_vec(0, usize::MAX).unwrap_err().kind(), ErrorKind::InvalidValue);
        assert_eq!(disk.read_vec(u64::MAX, 2).unwrap_err().kind(), ErrorKind::InvalidValue);
    }
}
