//! The disk as it reads when free clusters are zeros.

use std::path::PathBuf;

use super::super::ntfs::ClusterSet;
use super::super::{DiskImage, DiskSource, Extent, ExtentKind};
use crate::error::Result;

/// The free clusters of a volume at byte `start` of the disk.
#[derive(Debug)]
pub(super) struct Area {
    pub(super) start: u64,
    pub(super) clusters: u64,
    pub(super) cluster: u64,
    pub(super) free: ClusterSet,
}

impl Area {
    fn end(&self) -> u64 {
        self.start + self.clusters * self.cluster
    }
}

/// A disk whose free areas read as zeros.
#[derive(Debug)]
pub(super) struct View {
    disk: DiskImage,
    /// In order, without overlaps.
    areas: Vec<Area>,
}

impl View {
    /// No two of `areas` share a byte.
    pub(super) fn new(disk: DiskImage, mut areas: Vec<Area>) -> Self {
        areas.sort_by_key(|area| area.start);
        Self { disk, areas }
    }

    /// Whether `offset` is free, and where that ends.
    fn stretch(&self, offset: u64) -> (bool, u64) {
        let next = self.areas.partition_point(|area| area.end() <= offset);
        match self.areas.get(next) {
            None => (false, self.disk.size()),
            Some(area) if offset < area.start => (false, area.start),
            Some(area) => {
                let cluster = (offset - area.start) / area.cluster;
                let (free, count) = area.free.stretch(cluster);
                (free, area.start + (cluster + count) * area.cluster)
            }
        }
    }
}

impl DiskSource for View {
    fn format(&self) -> &'static str {
        self.disk.format()
    }

    fn size(&self) -> u64 {
        self.disk.size()
    }

    fn read_at(&self, mut buf: &mut [u8], mut offset: u64) -> Result<()> {
        while !buf.is_empty() {
            let (free, end) = self.stretch(offset);
            let (part, rest) = buf.split_at_mut((end - offset).min(buf.len() as u64) as usize);
            if free {
                part.fill(0);
            } else {
                self.disk.read_at(part, offset)?;
            }
            offset += part.len() as u64;
            buf = rest;
        }
        Ok(())
    }

    fn extent_at(&self, offset: u64) -> Result<Extent> {
        let (free, end) = self.stretch(offset);
        let extent = self.disk.extent_at(offset)?;
        let kind = if free && extent.kind.must_be_read() { ExtentKind::Free } else { extent.kind };
        Ok(Extent { offset, length: extent.length.min(end - offset), kind })
    }

    fn verify_unchanged(&self) -> Result<()> {
        self.disk.verify_unchanged()
    }

    fn files(&self) -> Vec<PathBuf> {
        self.disk.files()
    }
}
