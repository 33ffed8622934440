//! Archives as files of bytes: opening them, and decompressing any gzip stream in order.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use flate2::bufread::GzDecoder;

use super::parser::{Parser, Sink};
use crate::disk::no_script;
use crate::error::{Error, ErrorKind, Result};
use crate::file::is_zero;
use crate::progress::Control;
use crate::remote::{self, Location};
use crate::source::{FileSource, InOrder, ReadAt};

/// As many of the first bytes of a file tell what it is that is no archive.
const HEAD: u64 = 4096;

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
            let error = Error::new(ErrorKind::InvalidArchive, message);
            let is_folder = path.is_dir();
            Err(if is_folder {
                error.with_help("pack the folder first: `vmtemplate pack FOLDER -o ARCHIVE`")
            } else {
                error
            }
            .with_path(path))
        }
        Err(error) => Err(Error::io("cannot open the archive", error).with_path(path)),
    }
}

/// What a gzip member begins with (RFC 1952, 2.3.1).
const GZIP: [u8; 2] = [0x1F, 0x8B];

/// Whether a file that begins with these bytes is a gzip file, and so the archive of a template.
pub(crate) fn is_gzip(head: &[u8]) -> bool {
    head.starts_with(&GZIP)
}

/// Fail unless the archive begins as a gzip file does.
pub(super) fn check_start(source: &dyn ReadAt) -> Result<()> {
    let mut start = [0; 6];
    let count = source.size().min(start.len() as u64) as usize;
    source.read_at(&mut start[..count], 0)?;
    let (what, help) = match &start[..count] {
        [] => ("the file is empty", "create or download the archive again"),
        start if is_gzip(start) => return Ok(()),
        [0xFD, b'7', b'z', b'X', b'Z', 0] => (
            "this is an .xz archive",
            "unpack it with `tar xJf` and pack the folder: Windows templates are .tar.gz",
        ),
        [0x28, 0xB5, 0x2F, 0xFD, ..] => {
            ("this is a Zstandard archive", "unpack it with `tar --zstd -xf` and pack the folder")
        }
        [b'P', b'K', 3, 4, ..] => ("this is a .zip archive", "unpack it with `unzip` and pack the folder"),
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => {
            ("this is a .bz2 archive", "unpack it with `tar xjf` and pack the folder")
        }
        [b'7', b'z', 0xBC, 0xAF, 0x27, 0x1C] => {
            ("this is a .7z archive", "unpack it with `7z x` and pack the folder")
        }
        _ => {
            let mut head = vec![0; source.size().min(HEAD) as usize];
            source.read_at(&mut head, 0)?;
            let what = no_script(&head)
                .map_or_else(|| "this is not a gzip file".to_owned(), |name| format!("this is {name}"));
            return Err(expected(&what, "give a template that `vmtemplate pack` or `tar czf` created"));
        }
    };
    Err(expected(what, help))
}

/// The error for a file that does not begin as an archive.
fn expected(found: &str, help: &str) -> Error {
    Error::new(ErrorKind::InvalidArchive, format!("{found}; a .tar.gz archive was expected")).with_help(help)
}

/// Decompress an archive in order and feed its tar stream to `parser`, to its end. All bytes of the archive are shown to
/// `tap` as they are read.
pub(super) fn feed_stream(
    source: &dyn ReadAt,
    parser: &mut Parser,
    sink: &mut dyn Sink,
    tap: impl FnMut(&[u8]),
    control: &Control,
) -> Result<()> {
    let (mut stream, consumed) = open_tapped(source, tap);
    let mut buffer = vec![0; 1 << 20];
    loop {
        let count = stream.read(&mut buffer).map_err(|error| damaged(error, consumed.get()))?;
        if count == 0 {
            return parser.finish();
        }
        parser.feed(&buffer[..count], sink)?;
        parser.check_ratio(0, consumed.get())?;
        control.report(consumed.get(), source.size())?;
    }
}

/// The decompressed stream, and how much of the archive it has consumed so far. All bytes of the archive are shown to `tap`
/// as they are read.
pub(crate) fn open_tapped(source: &dyn ReadAt, tap: impl FnMut(&[u8])) -> (impl Read, Rc<Cell<u64>>) {
    let consumed = Rc::new(Cell::new(0));
    let source = Tapped { inner: InOrder::new(source), consumed: Rc::clone(&consumed), tap };
    let members = GzipMembers {
        current: Some(GzDecoder::new(BufReader::with_capacity(1 << 18, source))),
        consumed: Rc::clone(&consumed),
    };
    (members, consumed)
}

/// The contents of all gzip members of a file, one after the other.
///
/// Behind the last one there may be zeros, with which tapes and block devices fill their last block; `gzip` takes them
/// in silence. Anything else there is no part of the archive, and an error: no reader would see it.
struct GzipMembers<R> {
    /// The member that is being read; `None` at the end.
    current: Option<GzDecoder<BufReader<R>>>,
    /// What the buffer has taken of the file.
    consumed: Rc<Cell<u64>>,
}

impl<R: Read> Read for GzipMembers<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        loop {
            let Some(member) = &mut self.current else { return Ok(0) };
            let count = member.read(buf)?;
            if count > 0 {
                return Ok(count);
            }
            let Some(mut source) = self.current.take().map(GzDecoder::into_inner) else { return Ok(0) };
            match source.fill_buf()?.first() {
                None => return Ok(0),
                Some(byte) if *byte == GZIP[0] => self.current = Some(GzDecoder::new(source)),
                Some(_) => {
                    let at = self.consumed.get() - source.buffer().len() as u64;
                    return self.pass_padding(source, at).map(|()| 0);
                }
            }
        }
    }
}

impl<R: Read> GzipMembers<R> {
    /// Read what is behind the last member, at `at`; fail unless it is zeros.
    fn pass_padding(&self, mut source: BufReader<R>, at: u64) -> io::Result<()> {
        let mut zeros = true;
        loop {
            let rest = source.fill_buf()?;
            let count = rest.len();
            if count == 0 {
                break;
            }
            zeros &= is_zero(rest);
            source.consume(count);
        }
        if zeros {
            Ok(())
        } else {
            Err(io::Error::other(Behind::Bytes { at, count: self.consumed.get() - at }))
        }
    }
}

/// Bytes behind the end of the gzip data that are no padding.
#[derive(Debug, Clone, Copy, thiserror::Error)]
pub(super) enum Behind {
    /// They begin as a gzip file does.
    #[error("a second archive of {count} bytes begins after the end of the first (offset {at})")]
    Archive { at: u64, count: u64 },
    #[error("the file has {count} bytes after the end of the gzip data (offset {at})")]
    Bytes { at: u64, count: u64 },
}

impl Behind {
    /// All from `at` on, which is a second archive.
    pub(super) fn all(source: &dyn ReadAt, at: u64) -> Self {
        Self::Archive { at, count: source.size().saturating_sub(at) }
    }

    /// What is behind the last member of an archive of ours, from `at` to its end: `None` where it is nothing but zeros.
    /// `tap` is shown all of it.
    pub(super) fn of(source: &dyn ReadAt, at: u64, mut tap: impl FnMut(&[u8])) -> Result<Option<Self>> {
        let count = source.size().saturating_sub(at);
        let (mut zeros, mut is_gzip) = (true, false);
        let mut done = 0;
        let mut buffer = vec![0; count.min(1 << 18) as usize];
        while done < count {
            let part = &mut buffer[..(count - done).min(1 << 18) as usize];
            source.read_at(part, at + done)?;
            tap(part);
            zeros &= is_zero(part);
            is_gzip |= done == 0 && self::is_gzip(part);
            done += part.len() as u64;
        }
        Ok(match (zeros, is_gzip) {
            (true, _) => None,
            (false, true) => Some(Self::Archive { at, count }),
            (false, false) => Some(Self::Bytes { at, count }),
        })
    }

    pub(super) fn error(self) -> Error {
        let (Self::Archive { at, .. } | Self::Bytes { at, .. }) = self;
        Error::new(ErrorKind::InvalidArchive, self.to_string()).with_help(format!(
            "if the first {at} bytes are the complete archive, truncate it there: `truncate -s {at} ARCHIVE`; otherwise \
             create or download it again",
        ))
    }
}

/// An error of the decompressor, or one that came through it.
pub(crate) fn damaged(error: io::Error, at: u64) -> Error {
    if let Some(behind) = error.get_ref().and_then(|inner| inner.downcast_ref::<Behind>()) {
        return behind.error();
    }
    match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            let what = if error.kind() == io::ErrorKind::UnexpectedEof { "cut off" } else { "damaged" };
            Error::new(ErrorKind::InvalidArchive, format!("the archive is {what} before offset {at}"))
                .caused_by(error)
                .with_help("create or download the archive again")
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
