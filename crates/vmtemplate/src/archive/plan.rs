//! What an archive will hold, as pieces that can be compressed one by one.

use std::ops::Range;

use super::entry::{PackContent, PackEntry};
use super::header::{BLOCK, file_header, folder_header, padding, sparse_header};
use super::member::CHUNK;
use super::sparse::{Segment, map_blocks};
use super::summary::PackSummary;
use crate::disk::{DiskImage, Extent, ExtentKind};
use crate::error::{Error, ErrorKind, Result};
use crate::file::is_zero;

/// The content of one member to be.
pub(super) enum Piece {
    Bytes(Vec<u8>),
    /// Parts of an image, and zeros around them.
    Disk {
        disk: DiskImage,
        length: usize,
        parts: Vec<Part>,
    },
    /// Zeros that nobody needs to look at.
    Zeros(u64),
}

/// Bytes of an image, and where in the piece they are.
pub(super) struct Part {
    into: usize,
    range: Range<u64>,
}

pub(super) struct Planned {
    pub(super) piece: Piece,
    /// By how much of the files' bytes the work has come further when this piece is done.
    pub(super) passes: u64,
}

impl Piece {
    fn header(bytes: Vec<u8>) -> Planned {
        Planned { piece: Self::Bytes(bytes), passes: 0 }
    }
}

/// The content of a piece that was read, and how much of it came from the image.
pub(super) enum Content<'b> {
    Bytes(&'b [u8]),
    Zeros { length: u64, read: u64 },
}

impl Piece {
    /// Read what there is to read, and look whether it is all zeros.
    pub(super) fn read<'b>(&'b self, buffer: &'b mut Vec<u8>) -> Result<Content<'b>> {
        match self {
            Self::Zeros(length) => Ok(Content::Zeros { length: *length, read: 0 }),
            Self::Bytes(bytes) => Ok(Content::Bytes(bytes)),
            Self::Disk { disk, length, parts } => {
                buffer.resize(CHUNK, 0);
                let content = &mut buffer[..*length];
                let (mut done, mut read) = (0, 0);
                for Part { into, range } in parts {
                    let end = into + (range.end - range.start) as usize;
                    content[done..*into].fill(0);
                    disk.read_at(&mut content[*into..end], range.start)?;
                    read += range.end - range.start;
                    done = end;
                }
                content[done..].fill(0);
                Ok(if is_zero(content) {
                    Content::Zeros { length: *length as u64, read }
                } else {
                    Content::Bytes(content)
                })
            }
        }
    }
}

/// The whole tar stream as pieces, made as they are needed.
pub(super) struct Plan<'a> {
    entries: std::slice::Iter<'a, PackEntry>,
    mtime: u64,
    sparse: bool,
    /// Headers, small files and padding, up to the next image.
    pending: Vec<u8>,
    image: Option<ImagePlan<'a>>,
    ended: bool,
    /// Bytes of all files.
    pub(super) total: u64,
    pub(super) summary: PackSummary,
}

impl<'a> Plan<'a> {
    pub(super) fn new(entries: &'a [PackEntry], mtime: u64, sparse: bool) -> Result<Self> {
        let total = entries
            .iter()
            .map(|entry| match &entry.content {
                PackContent::Folder => 0,
                PackContent::Bytes(bytes) => bytes.len() as u64,
                PackContent::Disk(disk) => disk.size(),
            })
            .try_fold(0u64, u64::checked_add)
            .ok_or_else(|| Error::new(ErrorKind::LimitExceeded, "the files have more than 2^64 bytes"))?;
        Ok(Self {
            entries: entries.iter(),
            mtime,
            sparse,
            pending: Vec::new(),
            image: None,
            ended: false,
            total,
            summary: PackSummary { content_bytes: total, ..PackSummary::default() },
        })
    }

    pub(super) fn next(&mut self) -> Result<Option<Planned>> {
        loop {
            if self.pending.len() >= CHUNK {
                let rest = self.pending.split_off(CHUNK);
                return Ok(Some(Piece::header(std::mem::replace(&mut self.pending, rest))));
            }
            if self.image.is_some() || self.ended {
                if !self.pending.is_empty() {
                    return Ok(Some(Piece::header(std::mem::take(&mut self.pending))));
                }
                let Some(image) = &mut self.image else { return Ok(None) };
                if let Some(planned) = image.next(&mut self.summary)? {
                    return Ok(Some(planned));
                }
                self.pending.resize(padding(image.stored), 0);
                self.image = None;
            }
            if let Some(entry) = self.entries.next() {
                self.begin(entry)?;
            } else {
                // Two blocks of zeros end an archive (POSIX, ustar).
                self.pending.resize(self.pending.len() + 2 * BLOCK, 0);
                self.ended = true;
            }
        }
    }

    fn begin(&mut self, entry: &'a PackEntry) -> Result<()> {
        match &entry.content {
            PackContent::Folder => {
                self.pending.extend_from_slice(&folder_header(&format!("{}/", entry.name), self.mtime)?);
            }
            PackContent::Bytes(bytes) => {
                self.pending.extend_from_slice(&file_header(&entry.name, bytes.len() as u64, self.mtime)?);
                self.pending.extend_from_slice(bytes);
                self.pending.resize(self.pending.len() + padding(bytes.len() as u64), 0);
                self.summary.usage.data += bytes.len() as u64;
            }
            PackContent::Disk(disk) => {
                let size = disk.size();
                let mut image = ImagePlan::new(disk);
                if self.sparse {
                    let segments = stored_segments(disk, &mut self.summary)?;
                    let map = map_blocks(&segments, size);
                    image.stored = segments.iter().map(|segment| segment.length).sum();
                    let stored = image.stored + map.len() as u64;
                    self.pending.extend_from_slice(&sparse_header(&entry.name, size, stored, self.mtime)?);
                    self.pending.extend_from_slice(&map);
                    image.segments = Some(segments.into_iter());
                } else {
                    self.pending.extend_from_slice(&file_header(&entry.name, size, self.mtime)?);
                }
                self.image = Some(image);
            }
        }
        Ok(())
    }
}

/// An image on its way into the stream.
///
/// Its content is cut by a grid of [`CHUNK`] from its own start, so that the pieces depend on the bytes of the disk
/// and not on where its extents begin.
struct ImagePlan<'a> {
    disk: &'a DiskImage,
    at: u64,
    extent: Extent,
    /// Bytes that go into the stream.
    stored: u64,
    /// Of a sparse entry: the stretches that are stored, less what is done.
    segments: Option<std::vec::IntoIter<Segment>>,
    /// What is left of the stretch that was begun.
    begun: Option<Segment>,
}

impl<'a> ImagePlan<'a> {
    fn new(disk: &'a DiskImage) -> Self {
        Self {
            disk,
            at: 0,
            extent: Extent { offset: 0, length: 0, kind: ExtentKind::Zero },
            stored: disk.size(),
            segments: None,
            begun: None,
        }
    }

    fn next(&mut self, summary: &mut PackSummary) -> Result<Option<Planned>> {
        if self.segments.is_some() { self.next_stored() } else { self.next_chunk(summary) }
    }

    /// The extent that the position is in.
    fn extent(&mut self) -> Result<Extent> {
        if self.extent.end() <= self.at {
            self.extent = self.disk.extent_at(self.at)?;
        }
        Ok(self.extent)
    }

    fn next_chunk(&mut self, summary: &mut PackSummary) -> Result<Option<Planned>> {
        let size = self.disk.size();
        let start = self.at;
        if start >= size {
            return Ok(None);
        }
        let end = size.min(start + CHUNK as u64);
        let mut parts = Vec::new();
        while self.at < end {
            let extent = self.extent()?;
            let mut stop = extent.end().min(end);
            if self.at == start && !extent.kind.must_be_read() {
                // Whole chunks that need no look are passed in one step; the end of the disk is no whole chunk.
                let whole = (extent.end() - start) / CHUNK as u64 * CHUNK as u64;
                stop = stop.max(start + whole);
            }
            summary.usage.count(extent.kind, stop - self.at);
            if extent.kind.must_be_read() {
                parts.push(Part { into: (self.at - start) as usize, range: self.at..stop });
            }
            self.at = stop;
        }
        Ok(Some(self.planned(parts, self.at - start, self.at - start)))
    }

    /// Of a sparse entry, whose gaps are not in the stream: as many stretches as fill a piece.
    fn next_stored(&mut self) -> Result<Option<Planned>> {
        let (mut parts, mut length, start) = (Vec::new(), 0, self.at);
        while length < CHUNK as u64 {
            let next = self.begun.take().or_else(|| self.segments.as_mut().and_then(Iterator::next));
            let Some(segment) = next else { break };
            let taken = segment.length.min(CHUNK as u64 - length);
            if taken < segment.length {
                self.begun = Some(Segment { offset: segment.offset + taken, length: segment.length - taken });
            }
            self.at = segment.offset;
            while self.at < segment.offset + taken {
                let extent = self.extent()?;
                let stop = extent.end().min(segment.offset + taken);
                // A short gap that is stored for the sake of a short map is zeros, and still not read.
                if extent.kind.must_be_read() {
                    let into = (length + self.at - segment.offset) as usize;
                    parts.push(Part { into, range: self.at..stop });
                }
                self.at = stop;
            }
            length += taken;
        }
        Ok((length > 0).then(|| self.planned(parts, length, self.at - start)))
    }

    fn planned(&self, parts: Vec<Part>, length: u64, passes: u64) -> Planned {
        let piece = if parts.is_empty() {
            Piece::Zeros(length)
        } else {
            Piece::Disk { disk: self.disk.clone(), length: length as usize, parts }
        };
        Planned { piece, passes }
    }
}

/// Holes shorter than this are not worth their place in the map of a sparse entry.
const SHORT_HOLE: u64 = 64 << 10;
/// What file systems allocate: a hole that is not aligned to it is none.
const ALIGNMENT: u64 = 4096;
/// The most stretches of a map: a million lines of it would be slower to read than what they save.
const MAX_STORED: usize = 1 << 16;

/// The stretches of an image that a sparse entry stores. What the image says of all others goes into `summary`.
fn stored_segments(disk: &DiskImage, summary: &mut PackSummary) -> Result<Vec<Segment>> {
    let mut segments: Vec<Segment> = Vec::new();
    let mut short = SHORT_HOLE;
    let mut at = 0;
    while at < disk.size() {
        let extent = disk.extent_at(at)?;
        summary.usage.count(extent.kind, extent.length);
        at = extent.end();
        if !extent.kind.must_be_read() {
            continue;
        }
        let start = extent.offset / ALIGNMENT * ALIGNMENT;
        let end = at.next_multiple_of(ALIGNMENT).min(disk.size());
        join(&mut segments, Segment { offset: start, length: end - start }, short);
        if segments.len() > MAX_STORED {
            // Longer holes are stored, until half of the stretches are left.
            while segments.len() > MAX_STORED / 2 {
                short *= 2;
                for segment in std::mem::take(&mut segments) {
                    join(&mut segments, segment, short);
                }
            }
        }
    }
    Ok(segments)
}

/// Add a stretch, or make the last one longer if the hole between them is `short`.
fn join(segments: &mut Vec<Segment>, next: Segment, short: u64) {
    match segments.last_mut() {
        Some(last) if next.offset < last.offset + last.length + short => {
            last.length = (next.offset + next.length).max(last.offset + last.length) - last.offset;
        }
        _ => segments.push(next),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_are_joined_over_short_holes_and_never_overlap() {
        let mut segments = Vec::new();
        for (offset, length) in [(0, 4096), (4096, 8192), (8192, 1 << 20), (2 << 20, 4096), (3 << 20, 4096)] {
            join(&mut segments, Segment { offset, length }, SHORT_HOLE);
        }
        let expected = [(0, 8192 + (1 << 20)), (2 << 20, 4096), (3 << 20, 4096)];
        assert_eq!(segments.iter().map(|s| (s.offset, s.length)).collect::<Vec<_>>(), expected);
    }
}
