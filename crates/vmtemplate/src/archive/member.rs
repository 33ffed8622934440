//! One gzip member of an archive of ours.
//!
//! Every member is an ordinary gzip member (RFC 1952) whose extra field holds one subfield that says how long the
//! member is and what it holds, so that a reader can step from member to member without decompressing:
//!
//! | offset | bytes | meaning |
//! | --- | --- | --- |
//! | 0 | `1f 8b 08 04` | gzip, deflate, FEXTRA |
//! | 4 | `00 00 00 00` | MTIME: none |
//! | 8 | `00 ff` | XFL, OS unknown |
//! | 10 | u16 | XLEN, the length of the extra field: 16 + payload |
//! | 12 | `VM` | the subfield's identification |
//! | 14 | u16 | the subfield's length: 12 + payload |
//! | 16 | u8 | format version, 1 |
//! | 17 | u8 | kind: 0 data, 1 zeros, 2 index, 3 footer |
//! | 18 | u16 | 0 |
//! | 20 | u32 | length of the whole member in bytes |
//! | 24 | u32 | length of its content, decompressed |
//! | 28 | | payload (index and footer only), then the deflate stream, CRC-32 and ISIZE |
//!
//! All numbers are little-endian.

use libdeflater::{Compressor, DecompressionError, Decompressor};

use super::level::Level;
use crate::error::{Error, ErrorKind, Result};
use crate::le;

/// The content of one data member, and the grid that image content is cut by.
///
/// Members of 1 MiB cost a tenth of a percent of ratio against one stream, and keep every buffer small.
pub(super) const CHUNK: usize = 1 << 20;

/// The largest content of a data member that a reader must be ready for: what bounds its buffers.
pub(super) const MAX_DATA: u32 = 4 << 20;

/// The most zeros that one member stands for: it keeps the number of members of an empty terabyte in the thousands.
pub(super) const MAX_ZEROS: u32 = 1 << 30;

pub(super) const HEADER: usize = 28;
pub(super) const TRAILER: usize = 8;
const VERSION: u8 = 1;
const SUBFIELD: [u8; 2] = *b"VM";
const FIXED_SUBFIELD: usize = 12;

/// What a member holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Data = 0,
    /// Nothing but zeros, in the one form that [`zero_member`](super::zeros::zero_member) makes.
    Zeros = 1,
    /// Empty; the payload says where members begin.
    Index = 2,
    /// Empty, the last; the payload says where the index begins.
    Footer = 3,
}

/// The fixed start of a member of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: Kind,
    /// Bytes of the member in the archive.
    pub(super) length: u32,
    /// Bytes of its content.
    pub(super) content: u32,
    /// Bytes of payload behind the fixed start.
    pub(super) payload: u16,
}

impl Header {
    /// Read the first [`HEADER`] bytes of a member; `None` where it is not one of ours.
    pub(super) fn parse(bytes: &[u8; HEADER]) -> Option<Self> {
        let ours = bytes[..4] == [0x1F, 0x8B, 8, 4]
            && bytes[12..14] == SUBFIELD
            && bytes[16] == VERSION
            && le::u16_in(bytes, 10) == le::u16_in(bytes, 14).wrapping_add(4);
        let payload = le::u16_in(bytes, 14).checked_sub(FIXED_SUBFIELD as u16)?;
        if !ours {
            return None;
        }
        let kind = match bytes[17] {
            0 => Kind::Data,
            1 => Kind::Zeros,
            2 => Kind::Index,
            3 => Kind::Footer,
            _ => return None,
        };
        let (length, content) = (le::u32_in(bytes, 20), le::u32_in(bytes, 24));
        let (most_content, most_deflated) = match kind {
            // Deflate cannot grow its input by more than a few bytes per block.
            Kind::Data => (MAX_DATA, 1024 + content as usize + content as usize / 64),
            // 258 zeros in two bits, and the rest of them at two bits each (see `zero_member`).
            Kind::Zeros => (MAX_ZEROS, 256 + content as usize / 1000),
            Kind::Index | Kind::Footer => (0, 1024),
        };
        let fixed = HEADER + payload as usize + TRAILER;
        let plausible = content <= most_content
            && (content > 0 || kind != Kind::Zeros)
            && (fixed..=fixed + most_deflated).contains(&(length as usize));
        plausible.then_some(Self { kind, length, content, payload })
    }

    pub(super) fn write(self, out: &mut Vec<u8>) {
        let subfield = FIXED_SUBFIELD as u16 + self.payload;
        out.extend_from_slice(&[0x1F, 0x8B, 8, 4, 0, 0, 0, 0, 0, 0xFF]);
        out.extend_from_slice(&(subfield + 4).to_le_bytes());
        out.extend_from_slice(&SUBFIELD);
        out.extend_from_slice(&subfield.to_le_bytes());
        out.extend_from_slice(&[VERSION, self.kind as u8, 0, 0]);
        out.extend_from_slice(&self.length.to_le_bytes());
        out.extend_from_slice(&self.content.to_le_bytes());
    }
}

/// Makes members; one for each thread.
pub(super) struct Packer {
    compressor: Compressor,
    /// Room for a member that does not get smaller; kept, so that it is not cleared for each.
    room: Vec<u8>,
}

impl Packer {
    pub(super) fn new(level: Level) -> Self {
        Self { compressor: Compressor::new(level.for_libdeflate()), room: Vec::new() }
    }

    /// `content` as one data member.
    pub(super) fn member(&mut self, content: &[u8]) -> Result<Vec<u8>> {
        self.room.resize(self.compressor.deflate_compress_bound(content.len()), 0);
        let deflated = self
            .compressor
            .deflate_compress(content, &mut self.room)
            .map_err(|e| Error::new(ErrorKind::Io, "the compressor refused a chunk").caused_by(e))?;
        let length = HEADER + deflated + TRAILER;
        let mut out = Vec::with_capacity(length);
        Header { kind: Kind::Data, length: length as u32, content: content.len() as u32, payload: 0 }
            .write(&mut out);
        out.extend_from_slice(&self.room[..deflated]);
        out.extend_from_slice(&crc32fast::hash(content).to_le_bytes());
        out.extend_from_slice(&(content.len() as u32).to_le_bytes());
        Ok(out)
    }
}

/// An empty member that carries `payload` in its extra field. Readers of gzip see nothing of it.
pub(super) fn empty_member(kind: Kind, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER + payload.len() + 2 + TRAILER);
    let length = (out.capacity()) as u32;
    Header { kind, length, content: 0, payload: payload.len() as u16 }.write(&mut out);
    out.extend_from_slice(payload);
    // A final block with the fixed codes that holds nothing but its end (RFC 1951, 3.2.6); CRC-32 and ISIZE are 0.
    out.extend_from_slice(&[0x03, 0x00]);
    out.extend_from_slice(&[0; TRAILER]);
    out
}

/// Opens members; one for each thread.
pub(super) struct Unpacker(Decompressor);

impl Default for Unpacker {
    fn default() -> Self {
        Self(Decompressor::new())
    }
}

impl Unpacker {
    /// The content of a whole member into `out`, whose length is what the header states. CRC-32 and ISIZE are checked.
    pub(super) fn content(&mut self, member: &[u8], out: &mut [u8]) -> Result<()> {
        let damaged = |message: String| Error::new(ErrorKind::InvalidArchive, message);
        match self.0.gzip_decompress(member, out) {
            Ok(length) if length == out.len() => Ok(()),
            Ok(length) => {
                Err(damaged(format!("a member states {} bytes of content, but contains {length}", out.len())))
            }
            Err(DecompressionError::InsufficientSpace) => {
                Err(damaged(format!("a member states {} bytes of content, but contains more", out.len())))
            }
            Err(DecompressionError::BadData) => {
                Err(damaged("a member is damaged: its deflate stream, CRC-32 or length is wrong".into()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn gunzip(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        flate2::read::MultiGzDecoder::new(bytes).read_to_end(&mut out).unwrap();
        out
    }

    fn header_of(member: &[u8]) -> Header {
        Header::parse(member[..HEADER].try_into().unwrap()).unwrap()
    }

    #[test]
    fn a_member_is_ordinary_gzip_and_states_its_lengths() {
        let content: Vec<u8> = (0..100_000u32).flat_map(u32::to_le_bytes).collect();
        let member = Packer::new(Level::DEFAULT).member(&content).unwrap();
        assert_eq!(gunzip(&member), content);
        let header = header_of(&member);
        assert_eq!((header.kind, header.length as usize), (Kind::Data, member.len()));
        assert_eq!((header.content as usize, header.payload), (content.len(), 0));
        let mut back = vec![0; content.len()];
        Unpacker::default().content(&member, &mut back).unwrap();
        assert_eq!(back, content);
    }

    #[test]
    fn an_empty_member_carries_a_payload_that_gzip_does_not_see() {
        let member = empty_member(Kind::Index, b"where the members begin");
        assert_eq!(gunzip(&member), b"");
        let header = header_of(&member);
        assert_eq!((header.kind, header.length as usize, header.payload), (Kind::Index, member.len(), 23));
        assert_eq!(&member[HEADER..HEADER + 23], b"where the members begin");
    }

    #[test]
    fn a_length_that_lies_or_a_flipped_bit_is_found() {
        let content = vec![b'a'; 5000];
        let member = Packer::new(Level::FASTEST).member(&content).unwrap();
        let mut unpacker = Unpacker::default();
        for stated in [4999, 5001] {
            let error = unpacker.content(&member, &mut vec![0; stated]).unwrap_err();
            assert!(error.message().contains(&format!("states {stated} bytes")), "{error}");
        }
        for at in HEADER..member.len() {
            let mut broken = member.clone();
            broken[at] ^= 4;
            let mut out = vec![0; 5000];
            // A flip in the padding bits behind the last block may go unseen, but never give other content.
            if unpacker.content(&broken, &mut out).is_ok() {
                assert_eq!(out, content, "flipped byte {at}");
            }
        }
    }

    #[test]
    fn headers_of_other_writers_and_absurd_lengths_are_not_ours() {
        let member = Packer::new(Level::FASTEST).member(b"x").unwrap();
        let good: [u8; HEADER] = member[..HEADER].try_into().unwrap();
        assert!(Header::parse(&good).is_some());
        for (at, value) in [(0, 0), (3, 0), (12, b'B'), (16, 2), (17, 9), (10, 15), (14, 3), (20, 7), (23, 1)]
        {
            let mut changed = good;
            changed[at] = value;
            assert_eq!(Header::parse(&changed), None, "byte {at} set to {value}");
        }
        let mut huge = good;
        huge[24..28].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(Header::parse(&huge), None);
        let mut zeros = good;
        zeros[17] = Kind::Zeros as u8;
        assert!(Header::parse(&zeros).is_some_and(|header| header.content == 1));
        zeros[24] = 0;
        assert_eq!(Header::parse(&zeros), None, "no zeros at all");
    }
}
