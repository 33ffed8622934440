//! The stream of `rbd export-diff`, versions 1 and 2 (Ceph, doc/dev/rbd-diff.rst).

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::sync::Arc;

use super::super::file::{ImageFile, extent_of};
use super::super::opener::OpenOptions;
use super::super::raw::RawDisk;
use super::super::{DiskSource, invalid, unsupported};
use crate::error::{Error, Result};
use crate::file::PositionedIo;
use crate::source::spool::{CHUNK, read_failed, temporary_file, write_failed};

/// The length of the magic.
pub(in super::super) const MAGIC: usize = 12;

/// The version of the diff that a stream begins with.
pub(in super::super) fn diff_version(magic: &[u8]) -> Option<u8> {
    match magic {
        b"rbd diff v1\n" => Some(1),
        b"rbd diff v2\n" => Some(2),
        _ => None,
    }
}

/// Build the disk from a diff against nothing, behind its magic, in a temporary file.
pub(in super::super) fn spool_diff(
    reader: &mut dyn Read,
    version: u8,
    options: &OpenOptions,
) -> Result<Arc<dyn DiskSource>> {
    let mut records = Records { reader: BufReader::new(reader), version };
    let mut spool = None;
    loop {
        let tag = records.array::<1>()?[0];
        // Version 2 states the length of what follows, so that a record of a new kind can be passed over.
        let length = match (version, tag) {
            (2, b'a'..=b'd' | b'f'..=b'z') => Some(records.number()?),
            _ => None,
        };
        match tag {
            b'e' => break,
            b'f' => {
                return Err(unsupported("the diff begins at a snapshot, so it contains only later changes")
                    .with_help("export the whole image: `rbd export-diff` without `--from-snap`"));
            }
            b's' => {
                records.expect(length, 8)?;
                let size = records.number()?;
                options.check_size(size)?;
                if spool.is_some() {
                    return Err(invalid("the diff states a size twice"));
                }
                spool = Some(Spool::new(size, options)?);
            }
            b'w' | b'z' => {
                let (offset, count) = (records.number()?, records.number()?);
                records.expect(length, if tag == b'w' { count.saturating_add(16) } else { 16 })?;
                let Some(spool) = &mut spool else {
                    return Err(invalid("the diff has data before it states the size of the disk"));
                };
                spool.check(offset, count)?;
                if tag == b'w' {
                    spool.write(&mut records.reader, offset, count, options)?;
                } else {
                    spool.zero(offset, count)?;
                }
                options.control.report(offset + count, spool.size)?;
            }
            b't' => {
                // The name of the snapshot that was exported.
                let length =
                    length.map_or_else(|| records.array().map(|n| u64::from(u32::from_le_bytes(n))), Ok)?;
                records.pass(length)?;
            }
            other => match length {
                Some(length) => records.pass(length)?,
                None => {
                    return Err(invalid(format!("the diff has an unknown record ({:?})", char::from(other))));
                }
            },
        }
    }
    let spool = spool.ok_or_else(|| invalid("the diff does not state the size of the disk"))?;
    Ok(Arc::new(RawDisk::new(ImageFile::unnamed(spool.file)?)))
}

struct Records<'a> {
    reader: BufReader<&'a mut dyn Read>,
    version: u8,
}

impl Records<'_> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.reader.read_exact(&mut bytes).map_err(cut_off)?;
        Ok(bytes)
    }

    fn number(&mut self) -> Result<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// Check the length that a record of version 2 states of itself.
    fn expect(&self, stated: Option<u64>, expected: u64) -> Result<()> {
        match stated {
            Some(stated) if stated != expected => {
                Err(invalid(format!("a record of the diff states {stated} bytes; {expected} were expected")))
            }
            None if self.version == 2 => Err(invalid("a record of the diff has no length")),
            _ => Ok(()),
        }
    }

    fn pass(&mut self, length: u64) -> Result<()> {
        let passed = io::copy(&mut (&mut self.reader).take(length), &mut io::sink()).map_err(read_failed)?;
        if passed < length { Err(cut_off(io::ErrorKind::UnexpectedEof.into())) } else { Ok(()) }
    }
}

/// The stream ended where it must not, or could not be read.
fn cut_off(error: io::Error) -> Error {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return invalid("the diff ends before its end record")
            .with_help("the export was truncated: run it again");
    }
    read_failed(error)
}

/// The disk as far as it has come.
struct Spool {
    file: File,
    size: u64,
    /// The end of what was written. Records come in ascending order, save for images striped over several objects:
    /// behind it, the file still holds nothing but zeros.
    high: u64,
    /// What may yet be overwritten with zeros. Records that overlap again and again would never end.
    patience: u64,
}

impl Spool {
    fn new(size: u64, options: &OpenOptions) -> Result<Self> {
        let file = temporary_file(options.temporary_folder.as_deref())?;
        file.set_len(size).map_err(write_failed)?;
        Ok(Self { file, size, high: 0, patience: 0 })
    }

    fn check(&self, offset: u64, count: u64) -> Result<()> {
        if offset.checked_add(count).is_some_and(|end| end <= self.size) {
            return Ok(());
        }
        Err(invalid(format!(
            "a record for {count} bytes at offset {offset} of a disk of {} bytes",
            self.size
        )))
    }

    fn write(&mut self, reader: &mut dyn Read, offset: u64, count: u64, options: &OpenOptions) -> Result<()> {
        let mut buf = vec![0; CHUNK.min(count as usize)];
        let mut done = 0;
        while done < count {
            options.control.stop_if_cancelled()?;
            let part = (buf.len() as u64).min(count - done) as usize;
            let part = &mut buf[..part];
            reader.read_exact(part).map_err(cut_off)?;
            let at = offset + done;
            // Where something may be already, zeros are to be written, too.
            if at < self.high {
                self.file.write_all_at(part, at)
            } else {
                self.file.write_sparse_at(part, at).map(drop)
            }
            .map_err(write_failed)?;
            done += part.len() as u64;
        }
        self.high = self.high.max(offset + count);
        self.patience += count;
        Ok(())
    }

    fn zero(&mut self, offset: u64, count: u64) -> Result<()> {
        let end = (offset + count).min(self.high);
        // A record may share a block of the file system with its neighbours.
        self.patience += 2 * 4096;
        let mut at = offset;
        while at < end {
            let extent = extent_of(&self.file, at, self.size)?;
            let next = extent.end().min(end);
            if extent.kind.must_be_read() {
                let Some(patience) = self.patience.checked_sub(next - at) else {
                    return Err(invalid("the records of the diff overlap too often"));
                };
                self.patience = patience;
                io::copy(&mut io::repeat(0).take(next - at), &mut At { file: &self.file, at })
                    .map_err(write_failed)?;
            }
            at = next;
        }
        Ok(())
    }
}

/// A writer at an offset.
struct At<'a> {
    file: &'a File,
    at: u64,
}

impl io::Write for At<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.file.write_all_at(buf, self.at)?;
        self.at += buf.len() as u64;
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
