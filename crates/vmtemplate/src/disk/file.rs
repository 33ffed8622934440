//! The file or block device that an image is in, read at offsets by several threads.

use std::fs::{self, File, FileType};
#[cfg(feature = "rbd")]
use std::io;
use std::io::{Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::{Extent, ExtentKind};
use crate::error::{Error, ErrorKind, Result};
use crate::file::PositionedIo;

/// An open file with the size that it had when it was opened.
#[derive(Debug)]
pub(super) struct ImageFile {
    file: File,
    size: u64,
    /// When the file was last written, where it is a regular file: block devices do not tell.
    modified: Option<SystemTime>,
    /// `None` for a file without a name, as a spooled stream has.
    path: Option<PathBuf>,
}

impl ImageFile {
    pub(super) fn open(path: &Path) -> Result<Self> {
        Self::open_inner(path).map_err(|error| error.with_path(path))
    }

    fn open_inner(path: &Path) -> Result<Self> {
        // Ask before opening: to open a pipe would wait for its writer.
        let kind = fs::metadata(path).map_err(|e| Error::io("cannot open the disk image", e))?.file_type();
        if !kind.is_file() && !is_block_device(kind) {
            let found = if kind.is_dir() { "a folder" } else { "neither a file nor a block device" };
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("this is {found}; a disk image is a file or a block device"),
            )
            .with_help("give the path of the image file, or of the device such as /dev/vg/disk"));
        }
        let file = File::open(path).map_err(|e| Error::io("cannot open the disk image", e))?;
        Self::new(file, Some(path.to_owned()))
    }

    /// Over a file that has no name.
    pub(super) fn unnamed(file: File) -> Result<Self> {
        Self::new(file, None)
    }

    fn new(mut file: File, path: Option<PathBuf>) -> Result<Self> {
        // A block device has no length in its metadata, but both can be sought to the end.
        let size = file
            .seek(SeekFrom::End(0))
            .map_err(|e| Error::io("cannot find the size of the disk image", e))?;
        if size == 0 {
            return Err(Error::new(ErrorKind::InvalidImage, "the disk image is empty (0 bytes)"));
        }
        let modified = file.metadata().ok().filter(fs::Metadata::is_file).and_then(|m| m.modified().ok());
        Ok(Self { file, size, modified, path })
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    pub(super) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Name this file in an error that names none.
    pub(super) fn locate(&self, error: Error) -> Error {
        match &self.path {
            Some(path) => error.with_path(path),
            None => error,
        }
    }

    /// Fail if the image states a place that its file does not have: what is missing must not read as zeros.
    pub(super) fn check(&self, offset: u64, length: u64) -> Result<()> {
        if offset.checked_add(length).is_some_and(|end| end <= self.size) {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::InvalidImage,
            format!(
                "the image refers to {length} bytes at offset {offset} of its file, which ends at {}",
                self.size
            ),
        )
        .with_help(
            "the file is truncated or damaged: copy it again from its source, or examine it with `qemu-img \
                    check`",
        ))
    }

    /// Fill `buf` from `offset` of the file.
    pub(super) fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<()> {
        self.check(offset, buf.len() as u64)?;
        let read = self
            .file
            .read_up_to(buf, offset)
            .map_err(|e| Error::io(format!("cannot read the disk image at offset {offset}"), e))?;
        if read == buf.len() { Ok(()) } else { Err(self.shrunk(offset + read as u64)) }
    }

    fn shrunk(&self, now: u64) -> Error {
        changed(format!("the disk image had {} bytes when it was opened and now has {now}", self.size))
    }

    /// `length` bytes from `offset` on; nothing is reserved for bytes that the file does not have.
    #[cfg(any(feature = "qcow2", feature = "rbd", feature = "vhd", feature = "vhdx", feature = "vmdk"))]
    pub(super) fn read_vec(&self, offset: u64, length: usize) -> Result<Vec<u8>> {
        self.check(offset, length as u64)?;
        let mut buf = vec![0; length];
        self.read_at(&mut buf, offset)?;
        Ok(buf)
    }

    /// A structure of a fixed size.
    #[cfg(any(feature = "qcow2", feature = "rbd", feature = "vhd", feature = "vhdx", feature = "vmdk"))]
    pub(super) fn read_array<const N: usize>(&self, offset: u64) -> Result<[u8; N]> {
        let mut buf = [0; N];
        self.read_at(&mut buf, offset)?;
        Ok(buf)
    }

    pub(super) fn verify_unchanged(&self) -> Result<()> {
        let Some(modified) = self.modified else { return Ok(()) };
        let now = self.file.metadata().map_err(|e| Error::io("cannot examine the disk image again", e))?;
        if now.len() == self.size && now.modified().ok() == Some(modified) {
            return Ok(());
        }
        Err(self.locate(if now.len() == self.size {
            changed("the disk image was written to while it was read".to_owned())
        } else {
            self.shrunk(now.len())
        }))
    }

    /// What the file system says of the file from `offset` on. Past the end of the file is a hole to it: check first.
    pub(super) fn extent_at(&self, offset: u64) -> Result<Extent> {
        extent_of(&self.file, offset, self.size)
    }

    /// The bytes from `offset` on, in order.
    #[cfg(feature = "rbd")]
    pub(super) fn reader(&self, offset: u64) -> impl io::Read {
        Sequential { file: self, at: offset }
    }
}

/// Reads a file in order without its position, which others share.
#[cfg(feature = "rbd")]
struct Sequential<'a> {
    file: &'a ImageFile,
    at: u64,
}

#[cfg(feature = "rbd")]
impl io::Read for Sequential<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.file.file.read_up_to(buf, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

/// Ask the file system what is at `offset` of a file of `size` bytes.
///
/// The position of the file moves, which nothing here depends on: all reads name their offset.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
pub(super) fn extent_of(file: &File, offset: u64, size: u64) -> Result<Extent> {
    use rustix::fs::{SeekFrom, seek};
    use rustix::io::Errno;

    let to_end = |kind| Ok(Extent { offset, length: size - offset, kind });
    match seek(file, SeekFrom::Data(offset)) {
        // No data from here to the end.
        Err(Errno::NXIO) => return to_end(ExtentKind::Zero),
        // A block device, or a file system without a map.
        Err(Errno::INVAL | Errno::OPNOTSUPP) => return to_end(ExtentKind::Data),
        Err(error) => {
            return Err(Error::io(
                format!("cannot find the holes of the disk image at offset {offset}"),
                error.into(),
            ));
        }
        Ok(data) if data > offset => {
            return Ok(Extent { offset, length: data.min(size) - offset, kind: ExtentKind::Zero });
        }
        Ok(_) => {}
    }
    match seek(file, SeekFrom::Hole(offset)) {
        Ok(hole) if hole > offset => {
            Ok(Extent { offset, length: hole.min(size) - offset, kind: ExtentKind::Data })
        }
        // The file changed between the two questions: reading shows which is right.
        _ => to_end(ExtentKind::Data),
    }
}

/// No map is to be had here: the file is read whole.
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
pub(super) fn extent_of(_file: &File, offset: u64, size: u64) -> Result<Extent> {
    Ok(Extent { offset, length: size - offset, kind: ExtentKind::Data })
}

fn changed(message: String) -> Error {
    Error::new(ErrorKind::SourceChanged, message)
        .with_help("shut the virtual machine down, or work on a copy of its disk, and try again")
}

#[cfg(unix)]
fn is_block_device(kind: FileType) -> bool {
    std::os::unix::fs::FileTypeExt::is_block_device(&kind)
}

#[cfg(not(unix))]
fn is_block_device(_kind: FileType) -> bool {
    false
}
