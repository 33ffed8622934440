//! The cells of a hive: pieces of bytes, found by their offset from the first bin.

use super::super::cache::Cache;
use super::super::ntfs::NtfsFile;
use super::damaged;
use crate::error::Result;
use crate::le;

/// An offset that means "there is none".
pub(super) const NONE: u32 = u32::MAX;

/// The length of the block that a hive begins with; the bins follow it.
pub(super) const BASE_BLOCK: u64 = 4096;

/// Bins are so long, or a multiple of it.
const BIN: u32 = 4096;

/// What one read of a file brings, and how many such pages are held: 4 MiB together.
const PAGE: u64 = 16 << 10;
const PAGES: usize = 256;

#[derive(Debug)]
pub(super) struct Cells<'a> {
    source: Source<'a>,
    /// The bytes of the bins.
    size: u32,
}

#[derive(Debug)]
enum Source<'a> {
    Bytes(Vec<u8>),
    File { file: NtfsFile<'a>, pages: Cache },
}

impl<'a> Cells<'a> {
    pub(super) fn of_bytes(bytes: Vec<u8>) -> Self {
        Self { source: Source::Bytes(bytes), size: 0 }
    }

    pub(super) fn of_file(file: NtfsFile<'a>) -> Self {
        Self { source: Source::File { file, pages: Cache::new(PAGES) }, size: 0 }
    }

    /// Take `size` bytes of bins as the hive, if they are there.
    pub(super) fn limit(&mut self, size: u32) -> Result<()> {
        let length = match &self.source {
            Source::Bytes(bytes) => bytes.len() as u64,
            Source::File { file, .. } => file.size(),
        };
        if size == 0 || !size.is_multiple_of(BIN) || u64::from(size) + BASE_BLOCK > length {
            return Err(damaged(format!(
                "the hive states {size} bytes of keys, which contradicts its file size of {length} bytes"
            )));
        }
        self.size = size;
        Ok(())
    }

    /// Fill `buf` with the bytes of the file from `at` on; how many there were before its end.
    pub(super) fn read_file(&self, mut buf: &mut [u8], mut at: u64) -> Result<usize> {
        #[cfg(test)]
        crate::steps::add(buf.len());
        let mut done = 0;
        while !buf.is_empty() {
            let page;
            let rest = match &self.source {
                Source::Bytes(bytes) => bytes.get(at as usize..).unwrap_or_default(),
                Source::File { file, pages } => {
                    page = pages.get(at / PAGE, || {
                        let mut page = vec![0; PAGE as usize];
                        let count = file.read_at(&mut page, at - at % PAGE)?;
                        page.truncate(count);
                        Ok(page)
                    })?;
                    page.get((at % PAGE) as usize..).unwrap_or_default()
                }
            };
            let count = rest.len().min(buf.len());
            if count == 0 {
                break;
            }
            let (now, later) = buf.split_at_mut(count);
            now.copy_from_slice(&rest[..count]);
            (buf, at, done) = (later, at + count as u64, done + count);
        }
        Ok(done)
    }

    /// How many bytes the cell at `offset` has room for.
    pub(super) fn length(&self, offset: u32) -> Result<u32> {
        // Cells are aligned to 8 bytes; the header of the first bin takes 32 bytes.
        if !offset.is_multiple_of(8) || !(32..self.size).contains(&offset) {
            return Err(damaged(format!("offset {offset:#x} of the hive is not a valid offset of a cell")));
        }
        let mut size = [0; 4];
        self.fill(&mut size, offset)?;
        // The size of a cell in use is negative and counts its own four bytes.
        let size = i32::from_le_bytes(size);
        if size >= 0 {
            return Err(damaged(format!(
                "the cell at {offset:#x} of the hive is free, but something refers to it"
            )));
        }
        let length = size.unsigned_abs();
        if length < 8 || length > self.size - offset {
            return Err(damaged(format!(
                "the cell at {offset:#x} of the hive has the impossible size {length}"
            )));
        }
        Ok(length - 4)
    }

    /// The bytes of the cell at `offset`, at most `max` of them.
    pub(super) fn read(&self, offset: u32, max: u32) -> Result<Vec<u8>> {
        let length = self.length(offset)?.min(max);
        let mut bytes = vec![0; length as usize];
        self.fill(&mut bytes, offset + 4)?;
        Ok(bytes)
    }

    /// `count` entries of `width` bytes that the cell at `offset` lists from its byte `skip` on.
    pub(super) fn read_list(&self, offset: u32, skip: u32, count: u32, width: u32) -> Result<Vec<u8>> {
        let length = u64::from(count) * u64::from(width);
        if u64::from(self.length(offset)?) < u64::from(skip) + length {
            return Err(damaged(format!(
                "the cell at {offset:#x} of the hive has no room for {count} entries"
            )));
        }
        let mut bytes = vec![0; length as usize];
        self.fill(&mut bytes, offset + 4 + skip)?;
        Ok(bytes)
    }

    fn fill(&self, buf: &mut [u8], offset: u32) -> Result<()> {
        let end = u64::from(offset) + buf.len() as u64;
        if end > u64::from(self.size) || self.read_file(buf, BASE_BLOCK + u64::from(offset))? != buf.len() {
            return Err(damaged(format!("something in the hive refers to byte {end:#x}, past its end")));
        }
        Ok(())
    }
}

/// The field at byte `at` of a record.
pub(super) fn field(record: &[u8], at: usize) -> Result<u32> {
    le::u32_at(record, at).ok_or_else(|| damaged("a record of the hive is truncated"))
}
