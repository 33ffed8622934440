//! The tables of an image format, read page by page.

use std::sync::Arc;

use super::cache::Cache;
use super::file::ImageFile;
use crate::error::{Error, ErrorKind, Result};

/// Bytes of a page: what one read of a table brings.
const PAGE: u64 = 16 * 1024;

/// The longest directory of tables, in bytes: QEMU's own bound on the L1 table of a qcow2.
#[cfg(any(feature = "qcow2", feature = "vmdk"))]
const MAX_DIRECTORY: u64 = 32 << 20;

/// The tables of an image (block addresses), read page by page: at most 4 MiB are held, whatever their size.
#[derive(Debug)]
pub(super) struct Tables(Cache);

impl Tables {
    pub(super) fn new() -> Self {
        Self(Cache::new(256))
    }

    /// The entries of `width` bytes from offset `at` of the file on: at least one, at most up to `end`.
    pub(super) fn entries(&self, file: &ImageFile, at: u64, end: u64, width: usize) -> Result<Entries> {
        file.check(at, width as u64)?;
        let start = at - at % PAGE;
        let page = self.0.get(at / PAGE, || file.read_vec(start, PAGE.min(file.size() - start) as usize))?;
        let (from, to) = ((at - start) as usize, ((end - start) as usize).min(page.len()));
        if to < from + width {
            // The tables of every format begin at a multiple of the width, so no entry lies across two pages.
            return Err(Error::new(
                ErrorKind::InvalidImage,
                format!("a table entry at the misaligned offset {at}"),
            ));
        }
        Ok(Entries { page, from, to, width })
    }

    /// Fail if a directory of `entries` entries of `width` bytes at `at` points to more tables of `table` bytes than
    /// the file has room for.
    ///
    /// Each table has a place of its own. A small file in which one table serves for all would else state a map of many
    /// TiB, cut into single blocks, that takes hours to walk.
    #[cfg(any(feature = "qcow2", feature = "vmdk"))]
    pub(super) fn check_directory(
        &self,
        file: &ImageFile,
        at: u64,
        entries: u64,
        width: usize,
        table: u64,
        is_table: impl Fn(&[u8]) -> bool,
    ) -> Result<()> {
        let end = at.saturating_add(entries.saturating_mul(width as u64));
        if end - at > MAX_DIRECTORY {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!("a directory of tables of {} bytes; at most {MAX_DIRECTORY} are read", end - at),
            ));
        }
        let (mut next, mut tables) = (at, 0_u64);
        while next < end {
            let page = self.entries(file, next, end, width)?;
            tables += page.iter().filter(|entry| is_table(entry)).count() as u64;
            next += (page.iter().count() * width) as u64;
        }
        if tables.saturating_mul(table) <= file.size() {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::InvalidImage,
            format!(
                "the image refers to {tables} tables of {table} bytes, more than its file of {} bytes holds",
                file.size()
            ),
        ))
    }

    /// The one entry at `at`.
    pub(super) fn entry<const N: usize>(&self, file: &ImageFile, at: u64) -> Result<[u8; N]> {
        let entries = self.entries(file, at, at.saturating_add(N as u64), N)?;
        let mut entry = [0; N];
        entry.copy_from_slice(entries.first());
        Ok(entry)
    }
}

/// A stretch of a table.
pub(super) struct Entries {
    page: Arc<[u8]>,
    from: usize,
    to: usize,
    width: usize,
}

impl Entries {
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.page[self.from..self.to].chunks_exact(self.width)
    }

    /// The first entry; there is always one.
    pub(super) fn first(&self) -> &[u8] {
        &self.page[self.from..self.from + self.width]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_table_is_read_to_the_end_of_a_page_of_the_table_or_of_the_file_and_not_past_it() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&vec![1; PAGE as usize + 20]).unwrap();
        let file = ImageFile::unnamed(file).unwrap();
        let tables = Tables::new();
        let count = |at, end| tables.entries(&file, at, end, 8).map(|entries| entries.iter().count());
        assert_eq!(count(PAGE - 16, PAGE + 16).unwrap(), 2);
        assert_eq!(count(0, 24).unwrap(), 3);
        assert_eq!(count(PAGE, u64::MAX).unwrap(), 2);
        assert_eq!(count(PAGE + 16, u64::MAX).unwrap_err().kind(), ErrorKind::InvalidImage);
        assert_eq!(count(PAGE - 4, u64::MAX).unwrap_err().kind(), ErrorKind::InvalidImage);
        assert_eq!(count(u64::MAX - 3, u64::MAX).unwrap_err().kind(), ErrorKind::InvalidImage);
    }
}
