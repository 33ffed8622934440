//! Archives as files of bytes: opening them, and decompressing any gzip stream in order.

use std::cell::Cell;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use flate2::bufread::MultiGzDecoder;

use crate::error::{Error, ErrorKind, Result};
use crate::remote::{self, Location};
use crate::source::{FileSource, InOrder, ReadAt};

/// Open an archive and look at its first bytes.
pub(super) fn open_archive(path: &Path) -> Result<Arc<dyn ReadAt>> {
    let source = open_source(path)?;
    check_start(&*source).map_err(|error| error.with_path(path))?;
    Ok(source)
}

/// Open the file at a path or URL, whatever it is.
pub(crate) fn open_source(path: &Path) -> Result<Arc<dyn ReadAt>> {
    let path = match Location::of(path)? {
        Location::Url(url) => return remote::open_file(&url),
        Location::Path(path) => path,
    };
    match FileSource::open(&path) {
        Ok(Some(file)) => Ok(Arc::new(file)),
        Ok(None) => {
            let message = "this is not a file; a .tar.gz archive was expected";
            Err(Error::new(ErrorKind::InvalidArchive, message).with_path(path))
        }
        Err(error) => Err(Error::io("cannot open the archive", error).with_path(path)),
    }
}

/// Fail unless the archive begins as a gzip file does.
pub(super) fn check_start(source: &dyn ReadAt) -> Result<()> {
    let mut start = [0; 6];
    let count = source.size().min(start.len() as u64) as usize;
    source.read_at(&mut start[..count], 0)?;
    let (what, help) = match &start[..count] {
        [] => ("the file is empty", "make or fetch the archive again"),
        [0x1F, 0x8B, ..] => return Ok(()),
        [0xFD, b'7', b'z', b'X', b'Z', 0] => (
            "this is an .xz archive",
            "unpack it with `tar xJf` and pack the folder: templates of Windows are .tar.gz",
        ),
        [0x28, 0xB5, 0x2F, 0xFD, ..] => {
            ("this is a Zstandard archive", "unpack it with `tar --zstd -xf` and pack the folder")
        }
        [b'P', b'K', 3, 4, ..] => ("this is a .zip archive", "unpack it with `unzip` and pack the folder"),
        _ => ("this is no gzip file", "give a template as `vmtemplate pack` or `tar czf` makes it"),
    };
    Err(Error::new(ErrorKind::InvalidArchive, format!("{what}; a .tar.gz archive was expected"))
        .with_help(help))
}

/// The decompressed stream, and how much of the archive it has consumed so far.
pub(super) fn open_stream(source: &dyn ReadAt) -> (impl Read, Rc<Cell<u64>>) {
    open_tapped(source, |_| ())
}

/// The same, with all bytes of the archive shown to `tap` as they are read.
pub(super) fn open_tapped(source: &dyn ReadAt, tap: impl FnMut(&[u8])) -> (impl Read, Rc<Cell<u64>>) {
    let consumed = Rc::new(Cell::new(0));
    let source = Tapped { inner: InOrder::new(source), consumed: Rc::clone(&consumed), tap };
    (MultiGzDecoder::new(BufReader::with_capacity(1 << 18, source)), consumed)
}

/// An error of the decompressor, or one that came through it.
pub(super) fn damaged(error: io::Error, at: u64) -> Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            let what = if error.kind() == io::ErrorKind::UnexpectedEof { "cut off" } else { "damaged" };
            Error::new(ErrorKind::InvalidArchive, format!("the archive is {what} before offset {at}"))
                .caused_by(error)
                .with_help("make or fetch the archive again")
        }
        _ => Error::io(format!("cannot read the archive near offset {at}"), error),
    }
}

struct Tapped<'a, T> {
    inner: InOrder<'a>,
    consumed: Rc<Cell<u64>>,
    tap: T,
}

impl<T: FnMut(&[u8])> Read for Tapped<'_, T> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buf)?;
        (self.tap)(&buf[..count]);
        self.consumed.set(self.consumed.get() + count as u64);
        Ok(count)
    }
}
