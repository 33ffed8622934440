//! Whether an .xz is whole, without decompressing it: header, footer and index of every stream in it.
//!
//! The numbers in comments are the sections of "The .xz File Format", version 1.2.1. The index states the size of each
//! block, so that a file that was cut, or lacks a piece, is found out; a changed byte inside a block is not.

use crate::error::{Error, ErrorKind, Result};
use crate::source::ReadAt;

/// What an .xz begins with (2.1.1.1).
pub(super) const MAGIC: [u8; 6] = [0xFD, b'7', b'z', b'X', b'Z', 0];

/// Header and footer of a stream have as many bytes (2.1.1, 2.1.2).
const EDGE: u64 = 12;

/// The largest index that is read. An image of a terabyte has 32 KiB of it even in blocks of 64 MiB.
const MAX_INDEX: u64 = 64 << 20;

/// Streams one after the other in a file.
const MAX_STREAMS: usize = 10_000;

/// Check the file from its end on, and return how many bytes it holds unpacked.
pub(super) fn check(source: &dyn ReadAt) -> Result<u64> {
    let mut end = source.size();
    let mut content = 0_u64;
    for _ in 0..MAX_STREAMS {
        end = without_padding(source, end)?;
        let (start, held) = stream(source, end)?;
        content = content.saturating_add(held);
        if start == 0 {
            return Ok(content);
        }
        end = start;
    }
    Err(Error::new(ErrorKind::LimitExceeded, format!("the .xz has more than {MAX_STREAMS} streams")))
}

/// Zeros in fours may be behind a stream (2.2).
fn without_padding(source: &dyn ReadAt, mut end: u64) -> Result<u64> {
    while end >= 4 && read(source, end - 4, 4)? == [0; 4] {
        end -= 4;
    }
    Ok(end)
}

/// The stream that ends at `end`: where it begins, and how much it holds unpacked.
fn stream(source: &dyn ReadAt, end: u64) -> Result<(u64, u64)> {
    if end < 2 * EDGE {
        return Err(damaged("it ends within its first stream"));
    }
    let footer = read(source, end - EDGE, EDGE)?;
    if &footer[10..] != b"YZ" {
        return Err(damaged(
            "it does not end with the footer of an .xz: it was truncated, or something was appended",
        ));
    }
    if crc32fast::hash(&footer[4..10]) != le(&footer[..4]) {
        return Err(damaged("the checksum of the footer is wrong"));
    }
    let flags = &footer[8..10];
    // 2.1.2.2
    let index_size = (u64::from(le(&footer[4..8])) + 1) * 4;
    if index_size > MAX_INDEX || index_size + 2 * EDGE > end {
        return Err(damaged("its index is larger than the file"));
    }
    let index = read(source, end - EDGE - index_size, index_size)?;
    let (body, checksum) = index.split_at(index.len() - 4);
    if body.first() != Some(&0) || crc32fast::hash(body) != le(checksum) {
        return Err(damaged("the checksum of its index is wrong"));
    }
    let (blocks, content) = sizes(&body[1..]).ok_or_else(|| damaged("its index is malformed"))?;
    let start = (end - 2 * EDGE - index_size)
        .checked_sub(blocks)
        .ok_or_else(|| damaged("it is shorter than its index states"))?;
    let header = read(source, start, EDGE)?;
    // 2.1.1: the flags are those of the footer.
    if header[..6] != MAGIC || &header[6..8] != flags || crc32fast::hash(&header[6..8]) != le(&header[8..]) {
        return Err(damaged("its blocks do not have the lengths in its index, or its header is damaged"));
    }
    Ok((start, content))
}

/// The sizes of all blocks, in the file and unpacked (4.2, 4.3).
fn sizes(mut records: &[u8]) -> Option<(u64, u64)> {
    let count = number(&mut records)?;
    // A record has at least two bytes.
    if count > records.len() as u64 / 2 {
        return None;
    }
    let (mut blocks, mut content) = (0_u64, 0_u64);
    for _ in 0..count {
        let unpadded = number(&mut records)?;
        blocks = blocks.checked_add(unpadded.checked_next_multiple_of(4)?)?;
        content = content.checked_add(number(&mut records)?)?;
    }
    // 4.4
    (records.len() < 4 && records.iter().all(|&byte| byte == 0)).then_some((blocks, content))
}

/// Seven bits in each byte, the lowest first (1.2).
fn number(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for at in 0..9 {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7F) << (7 * at);
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn le(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |value, &byte| value << 8 | u32::from(byte))
}

fn read(source: &dyn ReadAt, offset: u64, length: u64) -> Result<Vec<u8>> {
    let mut bytes = vec![0; length as usize];
    source.read_at(&mut bytes, offset)?;
    Ok(bytes)
}

fn damaged(why: &str) -> Error {
    Error::new(ErrorKind::InvalidArchive, format!("the .xz is damaged: {why}"))
        .with_help("copy it again, and compare the checksums")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `printf hello | xz --check=crc32`, and an empty stream (`xz </dev/null`).
    fn hello() -> Vec<u8> {
        let mut bytes = vec![0xFD, b'7', b'z', b'X', b'Z', 0, 0, 1, 0x69, 0x22, 0xDE, 0x36];
        bytes.extend([2, 0, 0x21, 1, 0x16, 0, 0, 0, 0x74, 0x2F, 0xE5, 0xA3]); // block header
        bytes.extend(b"\x01\x00\x04hello\x00\x00\x00\x00"); // LZMA2, one chunk stored, end, padding
        bytes.extend([0x86, 0xA6, 0x10, 0x36]); // CRC32 of hello
        let mut index = vec![0, 1, 12 + 9 + 4, 5];
        let checksum = crc32fast::hash(&index);
        index.extend(checksum.to_le_bytes());
        bytes.extend(&index);
        let tail = [1, 0, 0, 0, 0, 1];
        bytes.extend(crc32fast::hash(&tail).to_le_bytes());
        bytes.extend(tail);
        bytes.extend(b"YZ");
        bytes
    }

    fn checked(bytes: &[u8]) -> Result<u64> {
        check(&bytes.to_vec())
    }

    #[test]
    fn whole_files_are_taken_with_several_streams_and_padding_too() {
        let one = hello();
        assert_eq!(checked(&one).unwrap(), 5);
        assert_eq!(checked(&[&one[..], &[0; 8], &one, &[0; 4]].concat()).unwrap(), 10);
    }

    #[test]
    fn a_cut_at_any_byte_and_a_piece_that_lacks_are_found() {
        let one = hello();
        for end in 0..one.len() {
            assert_eq!(checked(&one[..end]).unwrap_err().kind(), ErrorKind::InvalidArchive, "cut at {end}");
        }
        let mut lacking = one.clone();
        lacking.drain(20..24);
        assert!(checked(&lacking).is_err());
        let mut more = one.clone();
        more.push(b'\n');
        assert!(checked(&more).is_err());
    }

    #[test]
    fn sizes_that_pass_all_bounds_are_refused() {
        let mut many = vec![0xFF; 8];
        many.push(0x7F);
        assert_eq!(sizes(&many), None);
        let huge = [&[2][..], &many, &[0], &many, &[0]].concat();
        assert_eq!(sizes(&huge), None);
    }
}
