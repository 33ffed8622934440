//! Raw image files and block devices.

use std::fs::{self, File, FileType};
use std::io::{Seek, SeekFrom};
use std::path::Path;
use std::time::SystemTime;

use super::{DiskSource, Extent, ExtentKind};
use crate::error::{Error, ErrorKind, Result};

/// The bytes of the file are the bytes of the disk.
#[derive(Debug)]
pub(super) struct RawFile {
    file: PositionedFile,
    size: u64,
    /// When the file was last written, where it is a regular file: block devices do not tell.
    modified: Option<SystemTime>,
}

impl RawFile {
    pub(super) fn open(path: &Path) -> Result<Self> {
        // Ask before opening: to open a pipe would wait for its writer.
        let kind = fs::metadata(path).map_err(|e| Error::io("cannot open the disk image", e))?.file_type();
        if !kind.is_file() && !is_block_device(kind) {
            let found = if kind.is_dir() { "a folder" } else { "neither a file nor a block device" };
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("this is {found}; a disk image is a raw file or a block device"),
            )
            .with_help("give the path of the image file, or of the device such as /dev/vg/disk"));
        }
        let mut file = File::open(path).map_err(|e| Error::io("cannot open the disk image", e))?;
        // A block device has no length in its metadata, but both can be sought to the end.
        let size = file
            .seek(SeekFrom::End(0))
            .map_err(|e| Error::io("cannot find the size of the disk image", e))?;
        if size == 0 {
            return Err(Error::new(ErrorKind::InvalidImage, "the disk image is empty (0 bytes)"));
        }
        let modified = if kind.is_file() { file.metadata().and_then(|m| m.modified()).ok() } else { None };
        Ok(Self { file: PositionedFile::new(file), size, modified })
    }
}

impl DiskSource for RawFile {
    fn format(&self) -> &'static str {
        "raw"
    }

    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<()> {
        let mut done = 0;
        while done < buf.len() {
            let at = offset + done as u64;
            match self.file.read_at(&mut buf[done..], at) {
                Ok(0) => {
                    return Err(Error::new(
                        ErrorKind::ImageChanged,
                        format!(
                            "the disk image had {} bytes when it was opened and now ends at {at}",
                            self.size
                        ),
                    )
                    .with_help(
                        "shut the virtual machine down, or work on a copy of its disk, and try again",
                    ));
                }
                Ok(read) => done += read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => {
                    return Err(Error::io(format!("cannot read the disk image at offset {at}"), error));
                }
            }
        }
        Ok(())
    }

    fn extent_at(&self, offset: u64) -> Result<Extent> {
        self.file.extent_at(offset, self.size)
    }

    fn verify_unchanged(&self) -> Result<()> {
        let Some(modified) = self.modified else { return Ok(()) };
        let now =
            self.file.get().metadata().map_err(|e| Error::io("cannot look at the disk image again", e))?;
        if now.len() == self.size && now.modified().ok() == Some(modified) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::ImageChanged, "the disk image was written to while it was read")
            .with_help("shut the virtual machine down, or work on a copy of its disk, and try again"))
    }
}

#[cfg(unix)]
fn is_block_device(kind: FileType) -> bool {
    std::os::unix::fs::FileTypeExt::is_block_device(&kind)
}

#[cfg(not(unix))]
fn is_block_device(_kind: FileType) -> bool {
    false
}

/// A file that is read at offsets by several threads.
#[derive(Debug)]
struct PositionedFile(File);

impl PositionedFile {
    fn new(file: File) -> Self {
        Self(file)
    }

    fn get(&self) -> &File {
        &self.0
    }

    #[cfg(unix)]
    fn read_at(&self, buf: &mut [u8], offset: u64) -> std::io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(&self.0, buf, offset)
    }

    #[cfg(windows)]
    fn read_at(&self, buf: &mut [u8], offset: u64) -> std::io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(&self.0, buf, offset)
    }

    /// Ask the file system what stands at `offset`.
    ///
    /// The position of the file moves, which nothing here depends on: all reads name their offset.
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
    fn extent_at(&self, offset: u64, size: u64) -> Result<Extent> {
        use rustix::fs::{SeekFrom, seek};
        use rustix::io::Errno;

        let to_end = |kind| Ok(Extent { offset, length: size - offset, kind });
        match seek(&self.0, SeekFrom::Data(offset)) {
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
        match seek(&self.0, SeekFrom::Hole(offset)) {
            Ok(hole) if hole > offset => {
                Ok(Extent { offset, length: hole.min(size) - offset, kind: ExtentKind::Data })
            }
            // The file changed between the two questions: reading tells the truth.
            _ => to_end(ExtentKind::Data),
        }
    }

    /// No map is to be had here: the image is read whole.
    #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
    fn extent_at(&self, offset: u64, size: u64) -> Result<Extent> {
        Ok(Extent { offset, length: size - offset, kind: ExtentKind::Data })
    }
}

#[cfg(not(any(unix, windows)))]
compile_error!("vmtemplate reads disk images at offsets, which needs a Unix or Windows system");
