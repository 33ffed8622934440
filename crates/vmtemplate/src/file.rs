//! A file that several threads read and write at offsets.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

#[cfg(unix)]
fn read_at(file: &File, buf: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buf, offset)
}

#[cfg(windows)]
fn read_at(file: &File, buf: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buf, offset)
}

#[cfg(unix)]
fn write_at(file: &File, buf: &[u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::write_at(file, buf, offset)
}

#[cfg(windows)]
fn write_at(file: &File, buf: &[u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_write(file, buf, offset)
}

/// Positioned reads and writes; the position of the file itself does not matter.
pub(crate) trait PositionedIo {
    /// Fill as much of `buf` as the file has, and return how much that was.
    fn read_up_to(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;

    fn write_all_at(&self, buf: &[u8], offset: u64) -> io::Result<()>;

    /// Write `buf` into a part of the file that holds zeros: whole blocks of zeros are left out and stay holes.
    /// Tells how many bytes were written.
    fn write_sparse_at(&self, buf: &[u8], offset: u64) -> io::Result<u64>;
}

impl PositionedIo for File {
    fn read_up_to(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut done = 0;
        while done < buf.len() {
            match read_at(self, &mut buf[done..], offset + done as u64) {
                Ok(0) => break,
                Ok(read) => done += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    fn write_all_at(&self, mut buf: &[u8], mut offset: u64) -> io::Result<()> {
        while !buf.is_empty() {
            match write_at(self, buf, offset) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    buf = &buf[written..];
                    offset += written as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn write_sparse_at(&self, buf: &[u8], offset: u64) -> io::Result<u64> {
        let mut written = 0;
        let mut start = 0; // of the run that is not zeros
        let mut at = 0;
        while at < buf.len() {
            // Blocks are those of the file and not of the buffer, so that a hole really is one.
            let into = ((offset + at as u64) % BLOCK as u64) as usize;
            let end = buf.len().min(at + BLOCK - into);
            if is_zero(&buf[at..end]) {
                self.write_all_at(&buf[start..at], offset + start as u64)?;
                written += at - start;
                start = end;
            }
            at = end;
        }
        self.write_all_at(&buf[start..], offset + start as u64)?;
        Ok((written + buf.len() - start) as u64)
    }
}

/// The grain in which zeros are looked for: what file systems allocate.
const BLOCK: usize = 4096;

/// The bytes of a small file; `None` if it has more than `max`, of which no more is read.
///
/// A named pipe or a device states no size, so the reading itself is bounded.
pub(crate) fn read_bounded(path: &Path, max: usize) -> io::Result<Option<Vec<u8>>> {
    read_stream_bounded(File::open(path)?, max)
}

/// The same of a stream.
pub(crate) fn read_stream_bounded(stream: impl Read, max: usize) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    stream.take(max as u64 + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() <= max).then_some(bytes))
}

/// The first bytes of a file, `max` at most; none of what is no file, such as a block device, or a pipe, which would not
/// give them again.
pub(crate) fn head(path: &Path, max: u64) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    if fs::metadata(path)?.is_file() {
        File::open(path)?.take(max).read_to_end(&mut head)?;
    }
    Ok(head)
}

#[cfg(not(any(unix, windows)))]
compile_error!("vmtemplate reads and writes files at offsets, which needs a Unix or Windows system");

/// Whether all bytes are zero, at the speed of memory.
pub(crate) fn is_zero(bytes: &[u8]) -> bool {
    // Folded in blocks without an early exit, which the compiler turns into vector code.
    bytes.chunks(4096).all(|block| block.iter().fold(0, |all, &byte| all | byte) == 0)
}

/// Whether both paths lead to one file or block device, through links and by hard links as well. What cannot be looked at
/// is no such, nor is a terminal or a pipe.
pub(crate) fn is_same_file(one: &Path, other: &Path) -> bool {
    #[cfg(unix)]
    let id = |path: &Path| {
        use std::os::unix::fs::{FileTypeExt, MetadataExt};
        let found = fs::metadata(path).ok()?;
        if found.file_type().is_block_device() {
            return Some((true, found.rdev(), 0)); // it may have several nodes
        }
        found.is_file().then(|| (false, found.dev(), found.ino()))
    };
    #[cfg(not(unix))]
    let id = |path: &Path| fs::canonicalize(path).ok();
    id(one).is_some_and(|one| id(other) == Some(one))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_are_told_from_a_single_byte_anywhere() {
        let mut bytes = vec![0; 10_000];
        assert!(is_zero(&bytes));
        for at in [0, 4095, 4096, 9_999] {
            bytes[at] = 1;
            assert!(!is_zero(&bytes), "byte {at}");
            bytes[at] = 0;
        }
    }

    #[test]
    fn sparse_writes_give_the_same_bytes_at_every_alignment() {
        let mut content = vec![0; 40_000];
        for at in [0, 4095, 8192, 20_000, 39_999] {
            content[at] = 9;
        }
        for offset in [0, 1, 511, 4096, 5000] {
            let file = tempfile::tempfile().unwrap();
            file.set_len(offset + 40_000).unwrap();
            file.write_sparse_at(&content, offset).unwrap();
            let mut back = vec![1; 40_001];
            assert_eq!(file.read_up_to(&mut back, offset).unwrap(), 40_000);
            assert_eq!(back[..40_000], content);
        }
    }

    #[test]
    fn only_whole_blocks_of_the_file_are_left_out() {
        let file = tempfile::tempfile().unwrap();
        let mut content = vec![0; 30_000];
        content[0] = 1; // in the block 0..4096 of the file
        content[20_000] = 2; // at 20,100 of the file: in the block 16,384..20,480
        content[29_999] = 3; // at 30,099: in the block from 28,672 on, of which the buffer has 1,428 bytes
        let written = file.write_sparse_at(&content, 100).unwrap();
        assert_eq!(written, (4096 - 100) + 4096 + (30_100 - 28_672));
    }
}
