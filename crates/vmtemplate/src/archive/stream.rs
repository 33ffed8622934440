//! Archives as files of bytes: opening them, and decompressing any gzip stream in order.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::rc::Rc;

use flate2::bufread::MultiGzDecoder;

use crate::error::{Error, ErrorKind, Result};
use crate::file::PositionedIo;

/// Open an archive and look at its first bytes.
pub(super) fn open_archive(path: &Path) -> Result<(File, u64)> {
    open_inner(path).map_err(|error| error.with_path(path))
}

fn open_inner(path: &Path) -> Result<(File, u64)> {
    let found = fs::metadata(path).map_err(|e| Error::io("cannot open the archive", e))?;
    if !found.is_file() {
        return Err(Error::new(
            ErrorKind::InvalidArchive,
            "this is not a file; a .tar.gz archive was expected",
        ));
    }
    let file = File::open(path).map_err(|e| Error::io("cannot open the archive", e))?;
    let mut start = [0; 6];
    let count = file.read_up_to(&mut start, 0).map_err(|e| Error::io("cannot read the archive", e))?;
    let (what, help) = match &start[..count] {
        [] => ("the file is empty", "make or fetch the archive again"),
        [0x1F, 0x8B, ..] => return Ok((file, found.len())),
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
pub(super) fn open_stream(file: &File, length: u64) -> (impl Read, Rc<Cell<u64>>) {
    open_tapped(file, length, |_| ())
}

/// The same, with all bytes of the archive shown to `tap` as they are read.
pub(super) fn open_tapped(file: &File, length: u64, tap: impl FnMut(&[u8])) -> (impl Read, Rc<Cell<u64>>) {
    let consumed = Rc::new(Cell::new(0));
    let source = Sequential { file, length, at: Rc::clone(&consumed), tap };
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

struct Sequential<'a, T> {
    file: &'a File,
    length: u64,
    at: Rc<Cell<u64>>,
    tap: T,
}

impl<T: FnMut(&[u8])> Read for Sequential<'_, T> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let at = self.at.get();
        let want = buf.len().min(usize::try_from(self.length - at).unwrap_or(usize::MAX));
        let count = self.file.read_up_to(&mut buf[..want], at)?;
        (self.tap)(&buf[..count]);
        self.at.set(at + count as u64);
        Ok(count)
    }
}
