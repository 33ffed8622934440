//! A raw disk in memory.

use super::{DiskSource, Extent, ExtentKind};
use crate::error::{Error, ErrorKind, Result};

#[derive(Debug)]
pub(super) struct Memory(Vec<u8>);

impl Memory {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl DiskSource for Memory {
    fn format(&self) -> &'static str {
        "raw"
    }

    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<()> {
        let start = offset as usize;
        let bytes = self
            .0
            .get(start..start + buf.len())
            .ok_or_else(|| Error::new(ErrorKind::InvalidValue, "a range past the end of the disk"))?;
        buf.copy_from_slice(bytes);
        Ok(())
    }

    fn extent_at(&self, offset: u64) -> Result<Extent> {
        Ok(Extent { offset, length: self.size() - offset, kind: ExtentKind::Data })
    }
}
