//! Free space: how much there is, and how much of it holds old content.

use super::look::{Look, Seen, Unread};
use super::volumes::{Volume, Volumes};
use crate::disk::{DiskImage, Extent, ExtentKind};
use crate::error::Result;
use crate::rules::image as rules;

/// How much of the bitmap is read at once.
const PIECE: usize = 64 << 10;

/// Free clusters that are looked at, to tell how many of them hold something.
const SAMPLES: u64 = 32;

/// Ranges of free clusters that are kept to choose samples from.
const MAX_RANGES: usize = 1 << 16;

/// Less old content than this is not worth a word.
const WORTH_TELLING: u64 = 8 << 20;

/// A system volume has room to work in with this much, or with this part of it.
const ROOM: u64 = 2 << 30;
const ROOM_PERCENT: u64 = 5;

pub(super) fn check(look: &Look<'_>, volumes: &Volumes) {
    let system = volumes.system(look).map(|volume| volume.partition);
    for volume in &volumes.ntfs {
        let Ok(free) = Free::survey(look, volume) else { continue };
        let (size, place) = (volume.ntfs.size(), volume.place(look, ""));
        if system == Some(volume.partition) && free.bytes < ROOM && free.bytes < size / 100 * ROOM_PERCENT {
            let message = format!("{} MiB of {} MiB are free", free.bytes >> 20, size >> 20);
            look.report(rules::FREE_SPACE, place.clone(), message);
        }
        let Ok(old) = look.seen(place.clone(), free.old_content(look.disk, volume.ntfs.cluster_size()))
        else {
            continue;
        };
        if old >= WORTH_TELLING {
            let message = format!(
                "about {} MiB of the {} MiB of free clusters contain old data (estimated from {SAMPLES} of them)",
                old >> 20,
                free.bytes >> 20
            );
            look.report(rules::DELETED_DATA, place, message);
        }
    }
}

/// The free clusters of a volume.
struct Free {
    bytes: u64,
    /// Of these, the ones that the image has data for: the others read as zeros, and cost nothing.
    stored: u64,
    /// Where the stored ones are, as offset and length in bytes of the disk.
    ranges: Vec<(u64, u64)>,
}

impl Free {
    /// Only the bitmap and the map of the image are read.
    fn survey(look: &Look<'_>, volume: &Volume) -> Seen<Self> {
        let path = "$Bitmap";
        let Some(bitmap) = volume.file(look, path)? else { return Err(Unread) };
        let cluster = u64::from(volume.ntfs.cluster_size());
        let clusters = volume.ntfs.size() / cluster;
        let mut free = Self { bytes: 0, stored: 0, ranges: Vec::new() };
        let mut map = Map { disk: look.disk, extent: None };
        let mut piece = vec![0; PIECE];
        let mut run: Option<u64> = None; // where a run of free clusters began
        let mut at = 0;
        while at < clusters {
            let count = look.seen(volume.place(look, path), bitmap.read_at(&mut piece, at / 8))?;
            if count == 0 || look.context.control.cancel.is_cancelled() {
                return Err(Unread);
            }
            for &byte in &piece[..count] {
                // Whole bytes of one kind are the most by far.
                if !((byte == 0 && run.is_some()) || (byte == 0xFF && run.is_none())) {
                    for bit in 0..8 {
                        let is_free = byte >> bit & 1 == 0;
                        if is_free && run.is_none() {
                            run = Some(at + bit);
                        } else if let (false, Some(start)) = (is_free, run) {
                            run = None;
                            look.seen(
                                look.image(),
                                free.add(&mut map, volume, start, (at + bit).min(clusters)),
                            )?;
                        }
                    }
                }
                at += 8;
                if at >= clusters {
                    break;
                }
            }
        }
        if let Some(start) = run {
            look.seen(look.image(), free.add(&mut map, volume, start, clusters))?;
        }
        Ok(free)
    }

    /// Add the free clusters `start..end`.
    fn add(&mut self, map: &mut Map<'_>, volume: &Volume, start: u64, end: u64) -> Result<()> {
        if start >= end {
            return Ok(());
        }
        let cluster = u64::from(volume.ntfs.cluster_size());
        self.bytes += (end - start) * cluster;
        let base = volume.ntfs.offset();
        let (mut at, end) = (base + start * cluster, base + end * cluster);
        while at < end {
            let extent = map.at(at)?;
            let stop = extent.end().min(end);
            if extent.kind == ExtentKind::Data {
                self.stored += stop - at;
                if self.ranges.len() < MAX_RANGES {
                    self.ranges.push((at, stop - at));
                }
            }
            at = stop;
        }
        Ok(())
    }

    /// About how many bytes of the free clusters hold something: samples at even distances say which part of the stored
    /// ones does.
    fn old_content(&self, disk: &DiskImage, cluster: u32) -> Result<u64> {
        let known: u64 = self.ranges.iter().map(|(_, length)| length).sum();
        if self.stored < WORTH_TELLING || known == 0 {
            return Ok(0);
        }
        let mut buf = vec![0; cluster.min(4096) as usize];
        let (mut filled, mut passed, mut ranges) = (0, 0, self.ranges.iter());
        let mut range = ranges.next();
        for sample in 0..SAMPLES {
            let wanted = known / SAMPLES * sample + known / SAMPLES / 2;
            while let Some((_, length)) = range.filter(|(_, length)| passed + length <= wanted) {
                passed += length;
                range = ranges.next();
            }
            let Some((offset, length)) = range else { break };
            let within = (wanted - passed).min(length.saturating_sub(buf.len() as u64));
            let count = (buf.len() as u64).min(*length) as usize;
            disk.read_at(&mut buf[..count], offset + within / 512 * 512)?;
            filled += u64::from(buf[..count].iter().any(|&byte| byte != 0));
        }
        Ok(self.stored / SAMPLES * filled)
    }
}

/// The map of the image, one extent at a time.
struct Map<'a> {
    disk: &'a DiskImage,
    extent: Option<Extent>,
}

impl Map<'_> {
    /// The extent around `offset`.
    fn at(&mut self, offset: u64) -> Result<Extent> {
        match self.extent {
            Some(extent) if (extent.offset..extent.end()).contains(&offset) => Ok(extent),
            _ => {
                let extent = self.disk.extent_at(offset)?;
                self.extent = Some(extent);
                Ok(extent)
            }
        }
    }
}
