//! Streams, kept in a temporary file without a name so that they can be read at any offset.

use std::env;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};
use crate::file::PositionedIo;
use crate::progress::Control;
use crate::source::{FileSource, ReadAt};

/// Bytes that are taken from a stream in one go.
pub(crate) const CHUNK: usize = 1 << 20;

/// The most bytes of a stream that are kept unless the caller says otherwise: more than any image has.
pub(crate) const MAX_SIZE: u64 = 64 << 40;

/// A stream that was read to its end, such as an archive on standard input, kept in a temporary file without a name.
///
/// Blocks of zeros take no room in the file, which is in the folder that the variable `TMPDIR` names, and without
/// one in `/var/tmp`.
///
/// ```
/// use vmtemplate::archive::PackOptions;
/// use vmtemplate::source::Spooled;
/// use vmtemplate::{Archive, Control, DiskImage, Template};
///
/// # let template = Template::builder("Windows-10").image(DiskImage::from_bytes([7; 512])).build()?;
/// # let mut archive = Vec::new();
/// # template.pack_to(&mut archive, &PackOptions::default())?;
/// # let stream = &archive[..];
/// let spooled = Spooled::read(stream, &Control::default())?; // of std::io::stdin().lock(), say
/// let template = Archive::from_source(spooled, "standard input")?.template()?;
/// assert_eq!(template.metainfo().os_name().as_deref(), Some("Windows-10"));
/// # Ok::<(), vmtemplate::Error>(())
/// ```
#[derive(Debug)]
pub struct Spooled(FileSource);

impl Spooled {
    /// Read `reader` to its end. Cancelling takes effect when it next returns.
    ///
    /// # Errors
    ///
    /// [`Io`](ErrorKind::Io) and [`StorageFull`](ErrorKind::StorageFull) from reading the stream and writing the
    /// temporary file; [`Cancelled`](ErrorKind::Cancelled).
    ///
    /// ```
    /// use vmtemplate::source::{ReadAt, Spooled};
    /// use vmtemplate::Control;
    ///
    /// assert_eq!(Spooled::read(&b"abc"[..], &Control::default())?.size(), 3);
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn read(mut reader: impl Read, control: &Control) -> Result<Self> {
        let (file, size) = spool(&mut reader, None, MAX_SIZE, control)?;
        Ok(Self(FileSource::of(file, size)))
    }
}

impl ReadAt for Spooled {
    fn size(&self) -> u64 {
        self.0.size()
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<()> {
        self.0.read_at(buf, offset)
    }
}

/// Keep a stream as it is, in a temporary file in `folder`; gives its size as well.
pub(crate) fn spool(
    reader: &mut dyn Read,
    folder: Option<&Path>,
    max_size: u64,
    control: &Control,
) -> Result<(File, u64)> {
    let file = temporary_file(folder)?;
    let mut buf = vec![0; CHUNK];
    let mut size = 0;
    loop {
        control.report(size, 0)?;
        let read = fill(reader, &mut buf)?;
        if size + read as u64 > max_size {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!("the stream has more than {max_size} bytes"),
            )
            .with_help(
                "if you trust the stream, raise `max_size`, or save the stream as a file and open that",
            ));
        }
        file.write_sparse_at(&buf[..read], size).map_err(write_failed)?;
        size += read as u64;
        if read < buf.len() {
            break;
        }
    }
    file.set_len(size).map_err(write_failed)?;
    Ok((file, size))
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

pub(crate) fn temporary_file(folder: Option<&Path>) -> Result<File> {
    let folder = folder.map_or_else(default_folder, Path::to_owned);
    tempfile::tempfile_in(&folder)
        .map_err(|e| Error::io("cannot create a temporary file", e).with_path(folder))
}

/// A disk image is large, and `/tmp` is often kept in memory: `/var/tmp` is the place for it (Filesystem Hierarchy
/// Standard 3.0, 5.15), unless the user says otherwise.
fn default_folder() -> PathBuf {
    let var_tmp = Path::new("/var/tmp");
    if env::var_os("TMPDIR").is_none() && var_tmp.is_dir() { var_tmp.to_owned() } else { env::temp_dir() }
}

pub(crate) fn read_failed(error: io::Error) -> Error {
    Error::io("cannot read the stream", error)
}

pub(crate) fn write_failed(error: io::Error) -> Error {
    Error::io("cannot write the stream to a temporary file", error)
        .with_help("choose a folder with more space (the variable `TMPDIR`, or `temporary_folder`)")
}
