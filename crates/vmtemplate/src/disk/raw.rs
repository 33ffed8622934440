//! Raw image files and block devices.

use std::path::{Path, PathBuf};

use super::file::ImageFile;
use super::{DiskSource, Extent};
use crate::error::Result;

/// The bytes of the file are the bytes of the disk.
#[derive(Debug)]
pub(super) struct RawDisk(ImageFile);

impl RawDisk {
    pub(super) fn new(file: ImageFile) -> Self {
        Self(file)
    }
}

impl DiskSource for RawDisk {
    fn format(&self) -> &'static str {
        "raw"
    }

    fn size(&self) -> u64 {
        self.0.size()
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<()> {
        self.0.read_at(buf, offset).map_err(|error| self.0.locate(error))
    }

    fn extent_at(&self, offset: u64) -> Result<Extent> {
        self.0.extent_at(offset).map_err(|error| self.0.locate(error))
    }

    fn verify_unchanged(&self) -> Result<()> {
        self.0.verify_unchanged()
    }

    fn files(&self) -> Vec<PathBuf> {
        self.0.path().map(Path::to_owned).into_iter().collect()
    }
}
