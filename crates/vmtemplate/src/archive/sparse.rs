//! The map of a sparse entry: which parts of the file are stored.

use super::header::BLOCK;
use super::numbers::{decimal, numeric};
use crate::error::{Error, ErrorKind, Result};

/// The most segments that a map may have: a fragmented image of terabytes has fewer.
const MAX_SEGMENTS: usize = 1 << 20;

/// A stored part of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) offset: u64,
    pub(super) length: u64,
}

fn bad_map(why: &str) -> Error {
    Error::new(ErrorKind::InvalidArchive, format!("the map of a sparse entry {why}"))
}

/// Fail unless `segments` ascend without overlap, end within `real_size`, and hold `stored` bytes together.
pub(super) fn check_segments(segments: &[Segment], real_size: u64, stored: u64) -> Result<()> {
    let (mut at, mut sum) = (0u64, 0u64);
    for segment in segments {
        let end = segment.offset.checked_add(segment.length).filter(|&end| end <= real_size);
        if segment.offset < at || end.is_none() {
            return Err(bad_map("is out of order or exceeds the end of the file"));
        }
        at = end.unwrap_or(at);
        sum += segment.length; // no more than `at`
    }
    if sum != stored {
        return Err(bad_map("does not match the stored size"));
    }
    Ok(())
}

/// The segments of one table of the old GNU form: pairs of numbers in fields of 12 bytes, ended by an empty one.
pub(super) fn push_gnu_table(table: &[u8], segments: &mut Vec<Segment>) -> Result<()> {
    for pair in table.chunks_exact(24) {
        if pair[0] == 0 {
            break;
        }
        let (Some(offset), Some(length)) = (numeric(&pair[..12]), numeric(&pair[12..])) else {
            return Err(bad_map("contains something that is not a number"));
        };
        push(segments, Segment { offset, length })?;
    }
    Ok(())
}

fn push(segments: &mut Vec<Segment>, segment: Segment) -> Result<()> {
    if segments.len() >= MAX_SEGMENTS {
        return Err(Error::new(ErrorKind::LimitExceeded, "a sparse entry has more than 1,048,576 parts"));
    }
    segments.push(segment);
    Ok(())
}

/// The map of form 1.0 that is before the stored bytes of a file of `real_size`.
///
/// A stretch of no bytes at the end states a hole that ends the file, as GNU tar writes it.
pub(super) fn map_blocks(segments: &[Segment], real_size: u64) -> Vec<u8> {
    let ends_with_hole = segments.last().is_none_or(|last| last.offset + last.length < real_size);
    let end = ends_with_hole.then_some(Segment { offset: real_size, length: 0 });
    let mut text = format!("{}\n", segments.len() + usize::from(ends_with_hole)).into_bytes();
    for segment in segments.iter().chain(&end) {
        text.extend_from_slice(format!("{}\n{}\n", segment.offset, segment.length).as_bytes());
    }
    text.resize(text.len().next_multiple_of(BLOCK), 0);
    text
}

/// Reads the map in front of the content of form 1.0: decimal lines, a count and then pairs, filled to whole blocks.
#[derive(Debug, Default)]
pub(super) struct MapReader {
    line: Vec<u8>,
    left: Option<u64>,
    offset: Option<u64>,
    segments: Vec<Segment>,
}

impl MapReader {
    /// Take one block. The segments come back with the last one.
    pub(super) fn block(&mut self, block: &[u8; BLOCK]) -> Result<Option<Vec<Segment>>> {
        for &byte in block {
            if byte != b'\n' {
                self.line.push(byte);
                if self.line.len() > 20 {
                    return Err(bad_map("contains something that is not a number"));
                }
                continue;
            }
            let number =
                decimal(&self.line).ok_or_else(|| bad_map("contains something that is not a number"))?;
            self.line.clear();
            match (self.left, self.offset.take()) {
                (None, _) => self.left = Some(number),
                (Some(_), None) => self.offset = Some(number),
                (Some(left), Some(offset)) => {
                    push(&mut self.segments, Segment { offset, length: number })?;
                    self.left = Some(left - 1);
                }
            }
            if self.left == Some(0) {
                return Ok(Some(std::mem::take(&mut self.segments)));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_must_ascend_and_add_up() {
        let map = [Segment { offset: 0, length: 2 }, Segment { offset: 8, length: 2 }];
        check_segments(&map, 10, 4).unwrap();
        assert!(check_segments(&map, 9, 4).is_err(), "past the end");
        assert!(check_segments(&map, 10, 5).is_err(), "another sum");
        assert!(check_segments(&[map[1], map[0]], 10, 4).is_err(), "out of order");
        assert!(check_segments(&[Segment { offset: u64::MAX, length: 2 }], u64::MAX, 2).is_err(), "overflow");
    }

    #[test]
    fn a_map_that_is_written_is_read_back() {
        for count in [0u64, 1, 5, 200] {
            let segments: Vec<_> = (0..count).map(|n| Segment { offset: n << 20, length: 4096 }).collect();
            let map = map_blocks(&segments, 1 << 40);
            assert!(map.len().is_multiple_of(BLOCK));
            let mut reader = MapReader::default();
            let mut read =
                map.chunks(BLOCK).find_map(|block| reader.block(block.try_into().unwrap()).unwrap());
            assert_eq!(read.as_mut().unwrap().pop(), Some(Segment { offset: 1 << 40, length: 0 }));
            assert_eq!(read.unwrap(), segments);
        }
        let full = map_blocks(&[Segment { offset: 0, length: 700 }], 700);
        assert_eq!(full.trim_ascii_end().split(|&b| b == b'\n').count(), 4);
    }

    #[test]
    fn a_map_in_the_content_is_read_over_block_bounds() {
        let mut blocks = b"60\n".to_vec();
        (0..60).for_each(|n| blocks.extend_from_slice(format!("{}\n100\n", n * 1_000_000).as_bytes()));
        blocks.resize(2 * BLOCK, 0);
        let mut reader = MapReader::default();
        assert!(reader.block(blocks[..BLOCK].try_into().unwrap()).unwrap().is_none());
        let segments = reader.block(blocks[BLOCK..].try_into().unwrap()).unwrap().unwrap();
        assert_eq!((segments.len(), segments[59].offset), (60, 59_000_000));
        assert!(MapReader::default().block(&[b'1'; BLOCK]).is_err());
    }
}
