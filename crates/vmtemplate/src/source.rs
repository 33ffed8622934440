//! Bytes that can be read at an offset: what archives are read from.
//!
//! A [`ReadAt`] is anything that can be read so; [`Spooled`] makes one from a stream.

pub(crate) mod spool;

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::file::PositionedIo;

pub use spool::Spooled;

/// Bytes that can be read anywhere, by several threads at once: a file, memory, a server that serves ranges.
///
/// [`Archive::from_source`](crate::Archive::from_source) opens an archive that comes from one.
///
/// ```
/// use vmtemplate::source::ReadAt;
/// use vmtemplate::{Archive, ErrorKind, Result};
///
/// /// A megabyte of zeros.
/// #[derive(Debug)]
/// struct Zeros;
///
/// impl ReadAt for Zeros {
///     fn size(&self) -> u64 { 1 << 20 }
///     fn read_at(&self, buf: &mut [u8], _offset: u64) -> Result<()> { buf.fill(0); Ok(()) }
/// }
///
/// let error = Archive::from_source(Zeros, "zeros").unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::InvalidArchive); // it is no gzip file
/// ```
pub trait ReadAt: Send + Sync + fmt::Debug {
    /// How many bytes there are. The number does not change.
    fn size(&self) -> u64;

    /// Fill `buf` with the bytes from `offset` on. Nothing behind [`size`](Self::size) is asked for.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<()>;
}

impl ReadAt for Vec<u8> {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<()> {
        let from = usize::try_from(offset).ok().and_then(|offset| self.get(offset..)?.get(..buf.len()));
        buf.copy_from_slice(from.ok_or_else(|| shorter(offset))?);
        Ok(())
    }
}

impl<T: ReadAt + ?Sized> ReadAt for Arc<T> {
    fn size(&self) -> u64 {
        (**self).size()
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<()> {
        (**self).read_at(buf, offset)
    }
}

/// A file of this machine.
#[derive(Debug)]
pub(crate) struct FileSource {
    file: File,
    size: u64,
}

impl FileSource {
    /// A file of this size.
    pub(crate) fn of(file: File, size: u64) -> Self {
        Self { file, size }
    }

    /// The file at `path`; `None` if something else is there, a named pipe for one, which would be waited for.
    pub(crate) fn open(path: &Path) -> io::Result<Option<Self>> {
        let found = fs::metadata(path)?;
        if !found.is_file() {
            return Ok(None);
        }
        Ok(Some(Self { file: File::open(path)?, size: found.len() }))
    }
}

impl ReadAt for FileSource {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<()> {
        let read = self
            .file
            .read_up_to(buf, offset)
            .map_err(|e| Error::io(format!("cannot read the file at offset {offset}"), e))?;
        if read < buf.len() { Err(shorter(offset)) } else { Ok(()) }
    }
}

fn shorter(offset: u64) -> Error {
    Error::new(
        ErrorKind::SourceChanged,
        format!("the file became shorter while it was read, at offset {offset}"),
    )
    .with_help("try again when no program is writing to the file")
}

/// The bytes of a source in their order, from the first on.
///
/// An error of the source comes out of [`Error::io`] as it was.
pub(crate) struct InOrder<'a> {
    source: &'a dyn ReadAt,
    at: u64,
}

impl<'a> InOrder<'a> {
    pub(crate) fn new(source: &'a dyn ReadAt) -> Self {
        Self { source, at: 0 }
    }
}

impl Read for InOrder<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.source.size() - self.at).unwrap_or(usize::MAX);
        let count = buf.len().min(left);
        self.source.read_at(&mut buf[..count], self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_read_in_order_to_its_end() {
        let bytes: Vec<u8> = (0..=255).collect();
        let mut read = Vec::new();
        InOrder::new(&bytes).read_to_end(&mut read).unwrap();
        assert_eq!(read, bytes);
    }

    #[test]
    fn an_error_of_the_source_comes_out_as_it_was() {
        #[derive(Debug)]
        struct Broken;
        impl ReadAt for Broken {
            fn size(&self) -> u64 {
                9
            }
            fn read_at(&self, _buf: &mut [u8], _offset: u64) -> Result<()> {
                Err(Error::new(ErrorKind::PermissionDenied, "not for you"))
            }
        }
        let error = InOrder::new(&Broken).read(&mut [0; 4]).unwrap_err();
        let error = Error::io("cannot read", error);
        assert_eq!((error.kind(), error.message()), (ErrorKind::PermissionDenied, "not for you"));
    }

    #[test]
    fn a_file_that_shrank_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, [7; 100]).unwrap();
        let source = FileSource::open(&path).unwrap().unwrap();
        fs::write(&path, [7; 50]).unwrap();
        assert!(source.read_at(&mut [0; 50], 0).is_ok());
        assert_eq!(source.read_at(&mut [0; 51], 0).unwrap_err().kind(), ErrorKind::SourceChanged);
        assert!(FileSource::open(folder.path()).unwrap().is_none());
    }
}
