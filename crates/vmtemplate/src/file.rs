//! A file that several threads read and write at offsets.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Positioned reads and writes; the position of the file itself does not matter.
#[derive(Debug)]
pub(crate) struct PositionedFile(File);

impl PositionedFile {
    pub(crate) fn new(file: File) -> Self {
        Self(file)
    }

    pub(crate) fn get(&self) -> &File {
        &self.0
    }

    #[cfg(unix)]
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(&self.0, buf, offset)
    }

    #[cfg(windows)]
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(&self.0, buf, offset)
    }

    #[cfg(unix)]
    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::write_at(&self.0, buf, offset)
    }

    #[cfg(windows)]
    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_write(&self.0, buf, offset)
    }

    /// Fill as much of `buf` as the file has, and tell how much that was.
    pub(crate) fn read_up_to(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut done = 0;
        while done < buf.len() {
            match self.read_at(&mut buf[done..], offset + done as u64) {
                Ok(0) => break,
                Ok(read) => done += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    pub(crate) fn write_all_at(&self, mut buf: &[u8], mut offset: u64) -> io::Result<()> {
        while !buf.is_empty() {
            match self.write_at(buf, offset) {
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

    /// Write `buf` into a part of the file that was never written to: blocks of zeros stay holes.
    pub(crate) fn write_sparse_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        const BLOCK: usize = 4096;
        let mut start = 0;
        while start < buf.len() {
            // Blocks are those of the file and not of the buffer, so that a hole really is one.
            let block_end = |at: usize| {
                let into = ((offset + at as u64) % BLOCK as u64) as usize;
                buf.len().min(at + BLOCK - into)
            };
            let mut end = block_end(start);
            if is_zero(&buf[start..end]) {
                start = end;
                continue;
            }
            while end < buf.len() && !is_zero(&buf[end..block_end(end)]) {
                end = block_end(end);
            }
            self.write_all_at(&buf[start..end], offset + start as u64)?;
            start = end;
        }
        Ok(())
    }
}

/// The bytes of a small file; `None` if it has more than `max`, of which no more is read.
///
/// A named pipe or a device states no size, so the reading itself is bounded.
pub(crate) fn read_bounded(path: &Path, max: usize) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(max as u64 + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() <= max).then_some(bytes))
}

#[cfg(not(any(unix, windows)))]
compile_error!("vmtemplate reads and writes files at offsets, which needs a Unix or Windows system");

/// Whether all bytes are zero, at the speed of memory.
pub(crate) fn is_zero(bytes: &[u8]) -> bool {
    // Folded in blocks without an early exit, which the compiler turns into vector code.
    bytes.chunks(4096).all(|block| block.iter().fold(0, |all, &byte| all | byte) == 0)
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
            let file = PositionedFile::new(tempfile::tempfile().unwrap());
            file.get().set_len(offset + 40_000).unwrap();
            file.write_sparse_at(&content, offset).unwrap();
            let mut back = vec![1; 40_001];
            assert_eq!(file.read_up_to(&mut back, offset).unwrap(), 40_000);
            assert_eq!(back[..40_000], content);
        }
    }
}
