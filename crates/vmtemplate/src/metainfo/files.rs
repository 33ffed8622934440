//! metainfo.xml as a file.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::Metainfo;
use super::document::MAX_BYTES;
use crate::error::{Error, ErrorKind, Result};
use crate::file::read_stream_bounded;
use crate::output::{self, OutputOptions};
use crate::overwrite::Overwrite;

impl Metainfo {
    /// Reads a metainfo.xml from its file.
    ///
    /// # Errors
    ///
    /// Those of reading a file, and those of [`parse`](Self::parse) with the file's path.
    ///
    /// ```
    /// use vmtemplate::{ErrorKind, Metainfo};
    ///
    /// assert_eq!(Metainfo::from_file("/no/such/metainfo.xml").unwrap_err().kind(), ErrorKind::NotFound);
    /// ```
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let opened = File::open(path).map_err(cannot_read);
        opened.and_then(Self::from_reader).map_err(|error| error.with_path(path))
    }

    /// Reads a metainfo.xml from a stream, to its end.
    ///
    /// # Errors
    ///
    /// Those of reading a stream, and those of [`parse`](Self::parse).
    ///
    /// ```
    /// use vmtemplate::Metainfo;
    ///
    /// let stream = &b"<doc><osname>Windows-11</osname></doc>"[..]; // or std::io::stdin().lock()
    /// assert_eq!(Metainfo::from_reader(stream)?.os_name().as_deref(), Some("Windows-11"));
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn from_reader(reader: impl Read) -> Result<Self> {
        let bytes = read_stream_bounded(reader, MAX_BYTES).map_err(cannot_read)?;
        let bytes = bytes.ok_or_else(|| {
            Error::new(
                ErrorKind::LimitExceeded,
                format!("the file has more than {MAX_BYTES} bytes, the most that metainfo.xml may have"),
            )
        })?;
        Self::parse(&bytes)
    }

    /// Writes it to a file, which appears whole or not at all. A link stays one: the file that it leads to is replaced,
    /// and keeps its mode and its owner.
    ///
    /// # Errors
    ///
    /// `AlreadyExists` if the file is there and `overwrite` is false; those of writing a file.
    ///
    /// ```
    /// # let dir = std::env::temp_dir().join(format!("vmt-doc-metainfo-{}", std::process::id()));
    /// # std::fs::create_dir_all(&dir).unwrap();
    /// use vmtemplate::Metainfo;
    ///
    /// let path = dir.join("metainfo.xml");
    /// Metainfo::new("Windows-Server-2022")?.write_file(&path, vmtemplate::output::Overwrite::No)?;
    /// assert_eq!(Metainfo::from_file(&path)?.os_name().as_deref(), Some("Windows-Server-2022"));
    /// assert!(Metainfo::new("Windows-11")?.write_file(&path, vmtemplate::output::Overwrite::No).is_err());
    /// # std::fs::remove_dir_all(dir).unwrap();
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn write_file(&self, path: impl AsRef<Path>, overwrite: Overwrite) -> Result<()> {
        output::write_file(path.as_ref(), &self.to_bytes(), &OutputOptions::with_overwrite(overwrite))
    }
}

fn cannot_read(error: io::Error) -> Error {
    Error::io("cannot read the metadata", error)
}
