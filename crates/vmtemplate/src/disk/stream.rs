//! Images that come through a pipe: kept in a temporary file without a name, zeros left out.

use std::env;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::file::ImageFile;
use super::open::{OpenOptions, Opener, open_file};
use super::{DiskImage, DiskSource};
use crate::error::{Error, ErrorKind, Result};
use crate::file::PositionedIo;

/// Bytes that are taken from a stream in one go.
pub(super) const CHUNK: usize = 1 << 20;

impl DiskImage {
    /// Open an image that comes as a stream, such as `rbd export POOL/IMAGE -` on standard input.
    ///
    /// The stream is read to its end first, into a temporary file without a name in
    /// [`temporary_folder`](OpenOptions::temporary_folder), where blocks of zeros take no room. It may be an image of
    /// any format, and the output of `rbd export-diff` (of the whole image, not from a snapshot on), whose records say
    /// what is data. An image that names other files cannot come as a stream.
    ///
    /// Cancelling takes effect when the reader next returns.
    ///
    /// # Errors
    ///
    /// As [`DiskImage::open`]; [`Io`](ErrorKind::Io) and [`StorageFull`](ErrorKind::StorageFull) from reading the stream
    /// and writing the temporary file; [`Cancelled`](ErrorKind::Cancelled).
    ///
    /// ```
    /// use vmtemplate::{DiskImage, OpenOptions};
    ///
    /// let stream = &[7; 1024][..]; // or std::io::stdin().lock()
    /// let disk = DiskImage::from_stream(stream, &OpenOptions::default())?;
    /// assert_eq!(disk.size(), 1024);
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn from_stream(mut reader: impl Read, options: &OpenOptions) -> Result<Self> {
        open_stream(&mut reader, options).map(Self::from_source)
    }
}

fn open_stream(reader: &mut dyn Read, options: &OpenOptions) -> Result<Arc<dyn DiskSource>> {
    #[cfg(feature = "rbd")]
    let head = {
        use super::rbd;
        let mut head = Vec::new();
        reader.take(rbd::MAGIC as u64).read_to_end(&mut head).map_err(read_failed)?;
        if options.format.is_none()
            && let Some(version) = rbd::diff_version(&head)
        {
            return rbd::spool_diff(reader, version, options);
        }
        head
    };
    #[cfg(feature = "rbd")]
    let reader = &mut head.chain(reader);
    let file = spool_raw(reader, options)?;
    open_file(ImageFile::unnamed(file)?, options.format, &Opener::new(options, None))
}

/// Keep a stream as it is.
fn spool_raw(reader: &mut dyn Read, options: &OpenOptions) -> Result<File> {
    let file = temporary_file(options)?;
    let mut buf = vec![0; CHUNK];
    let mut size = 0;
    loop {
        options.control.report(size, 0)?;
        let read = fill(reader, &mut buf)?;
        if size + read as u64 > options.max_size {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!("the stream has more than {} bytes", options.max_size),
            )
            .with_help("if the stream can be trusted, raise `max_size`"));
        }
        file.write_sparse_at(&buf[..read], size).map_err(write_failed)?;
        size += read as u64;
        if read < buf.len() {
            break;
        }
    }
    file.set_len(size).map_err(write_failed)?;
    Ok(file)
}

/// Read until `buf` is full or the stream ends: a pipe hands out far less at once.
fn fill(reader: &mut dyn Read, buf: &mut [u8]) -> Result<usize> {
    let mut done = 0;
    while done < buf.len() {
        match reader.read(&mut buf[done..]) {
            Ok(0) => break,
            Ok(read) => done += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(read_failed(error)),
        }
    }
    Ok(done)
}

pub(super) fn temporary_file(options: &OpenOptions) -> Result<File> {
    let folder = options.temporary_folder.clone().unwrap_or_else(default_folder);
    tempfile::tempfile_in(&folder)
        .map_err(|e| Error::io("cannot create a temporary file", e).with_path(folder))
}

/// A disk image is large, and `/tmp` is often kept in memory: `/var/tmp` is the place for it (Filesystem Hierarchy
/// Standard 3.0, 5.15), unless the user says otherwise.
fn default_folder() -> PathBuf {
    let var_tmp = Path::new("/var/tmp");
    if env::var_os("TMPDIR").is_none() && var_tmp.is_dir() { var_tmp.to_owned() } else { env::temp_dir() }
}

pub(super) fn read_failed(error: io::Error) -> Error {
    Error::io("cannot read the stream", error)
}

pub(super) fn write_failed(error: io::Error) -> Error {
    Error::io("cannot keep the stream in a temporary file", error)
        .with_help("choose a folder with more room (`temporary_folder`)")
}
