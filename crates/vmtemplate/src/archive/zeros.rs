//! Members of zeros: built, not compressed, and recognised byte by byte.

use super::member::{CHUNK, HEADER, Header, Kind, MAX_ZEROS, TRAILER};
use super::member_reader::read;
use crate::error::{Error, ErrorKind, Result};
use crate::source::ReadAt;
use std::borrow::Cow;

/// The contents that runs of zeros are cut into, largest first.
///
/// The smallest is the chunk.
pub(super) const ZERO_SIZES: [u32; 4] = [MAX_ZEROS, 64 << 20, 8 << 20, CHUNK as u32];

/// The member that stands for `content` zeros. `content` is not 0 ([`Header::parse`] sees to that).
///
/// Its deflate stream is one block with three codes, chosen so that the body is zero bits: the literal 0 once, then
/// "258 bytes from distance 1" as often as it fits at two bits each, then the literal for what is left.
/// Deflate cannot say it shorter: 258 bytes in 2 bits is its bound of 1032 to 1.
pub(super) fn zero_member(content: u32) -> Vec<u8> {
    let mut bits = BitWriter::default();
    bits.write(1, 1); // the final block
    bits.write(0b10, 2); // with codes of its own (RFC 1951, 3.2.7)
    bits.write(286 - 257, 5); // literal and length codes up to 285
    bits.write(0, 5); // one distance code
    bits.write(18 - 4, 4); // 18 lengths of the codes that spell code lengths, in the order of 3.2.7:
    for length in [0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 2] {
        bits.write(length, 3); // "18: run of zeros" is `0`, "1" is `10`, "2" is `11`
    }
    let [run, one, two] = [(0b0, 1), (0b01, 2), (0b11, 2)]; // codes go in with their first bit lowest
    bits.code(two); // literal 0: two bits
    for zeros in [138, 117] {
        bits.code(run);
        bits.write(zeros - 11, 7); // literals 1 to 255: none
    }
    bits.code(two); // 256, end of block: two bits
    bits.code(run);
    bits.write(28 - 11, 7); // 257 to 284: none
    bits.code(one); // 285, a match of 258: one bit
    bits.code(one); // distance code 0, distance 1: one bit
    // From these lengths follow the codes: a match is `0` and its distance `0`, the literal 0 is `10`, the end `11`.
    let [literal, end] = [(0b01, 2), (0b11, 2)];
    let left = content - 1;
    bits.code(literal);
    bits.zeros(2 * u64::from(left / 258));
    for _ in 0..left % 258 {
        bits.code(literal);
    }
    bits.code(end);
    let deflated = bits.finish();

    let length = (HEADER + deflated.len() + TRAILER) as u32;
    let mut out = Vec::with_capacity(length as usize);
    Header { kind: Kind::Zeros, length, content, payload: 0 }.write(&mut out);
    out.extend_from_slice(&deflated);
    out.extend_from_slice(&crc_of_zeros(content).to_le_bytes());
    out.extend_from_slice(&content.to_le_bytes());
    out
}

/// CRC-32 of `length` zeros, by doubling.
fn crc_of_zeros(length: u32) -> u32 {
    let mut all = crc32fast::Hasher::new();
    let mut power = crc32fast::Hasher::new();
    power.update(&[0]);
    for bit in 0..u32::BITS {
        if length >> bit & 1 == 1 {
            all.combine(&power);
        }
        let half = power.clone();
        power.combine(&half);
    }
    all.finalize()
}

/// The zero members of all sizes, made once and written as often as they are needed.
pub(super) struct ZeroMembers(Vec<(u32, Vec<u8>)>);

impl ZeroMembers {
    pub(super) fn new() -> Self {
        Self(ZERO_SIZES.into_iter().map(|size| (size, zero_member(size))).collect())
    }

    /// The members that stand for `length` zeros, largest first, each with the zeros it holds.
    /// `length` is a multiple of the smallest size.
    pub(super) fn for_run(&self, mut length: u64) -> impl Iterator<Item = (u32, &[u8])> {
        std::iter::from_fn(move || {
            let (size, member) = self.0.iter().find(|(size, _)| u64::from(*size) <= length)?;
            length -= u64::from(*size);
            Some((*size, member.as_slice()))
        })
    }

    /// The member for as many zeros as the header states.
    fn expected(&self, header: Header) -> Cow<'_, [u8]> {
        match self.0.iter().find(|(size, _)| *size == header.content) {
            Some((_, member)) => member.into(),
            None => zero_member(header.content).into(),
        }
    }

    /// Fail unless the member at `at` is, byte for byte, the one for as many zeros as its header states.
    ///
    /// So a member of zeros never needs to be decompressed, and cannot claim zeros that it does not hold.
    pub(super) fn verify(&self, archive: &dyn ReadAt, at: u64, header: Header) -> Result<()> {
        let expected = self.expected(header);
        let mut found = [0; 1 << 14];
        let mut holds = expected.len() == header.length as usize;
        for (number, part) in expected.chunks(found.len()).enumerate() {
            let found = &mut found[..part.len()];
            if holds {
                read(archive, found, at + ((number as u64) << 14))?;
                holds = found == part;
            }
        }
        if holds { Ok(()) } else { Err(not_zeros(at)) }
    }

    /// The same for a member that was read.
    pub(super) fn check(&self, member: &[u8], at: u64, header: Header) -> Result<()> {
        if *self.expected(header) == *member { Ok(()) } else { Err(not_zeros(at)) }
    }
}

fn not_zeros(at: u64) -> Error {
    Error::new(
        ErrorKind::InvalidArchive,
        format!("the archive is damaged at offset {at}: a member of zeros does not have the stated content"),
    )
    .with_help("create or download the archive again")
}

/// Bits in deflate's order: the first one lowest in its byte.
#[derive(Default)]
struct BitWriter {
    bytes: Vec<u8>,
    pending: u32,
    count: u32,
}

impl BitWriter {
    fn write(&mut self, value: u32, count: u32) {
        self.pending |= value << self.count;
        self.count += count;
        while self.count >= 8 {
            self.bytes.push(self.pending as u8);
            self.pending >>= 8;
            self.count -= 8;
        }
    }

    fn code(&mut self, (value, count): (u32, u32)) {
        self.write(value, count);
    }

    fn zeros(&mut self, mut count: u64) {
        let to_byte = count.min(u64::from((8 - self.count) % 8));
        self.write(0, to_byte as u32);
        count -= to_byte;
        self.bytes.resize(self.bytes.len() + (count / 8) as usize, 0);
        self.write(0, (count % 8) as u32);
    }

    fn finish(mut self) -> Vec<u8> {
        if self.count > 0 {
            self.bytes.push(self.pending as u8);
        }
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::super::member::Unpacker;
    use super::*;
    use crate::file::is_zero;
    use std::io::Read;

    fn header_of(member: &[u8]) -> Header {
        Header::parse(member[..HEADER].try_into().unwrap()).unwrap()
    }

    #[test]
    fn a_member_of_zeros_is_sound_for_two_decompressors_at_every_kind_of_length() {
        for content in [1, 2, 257, 258, 259, 260, 516, 517, 4096, 65_537, 1 << 20, (8 << 20) + 511] {
            let member = zero_member(content);
            let header = header_of(&member);
            assert_eq!((header.kind, header.content), (Kind::Zeros, content));
            assert_eq!(header.length as usize, member.len());
            let mut streamed = Vec::new();
            flate2::read::GzDecoder::new(&member[..]).read_to_end(&mut streamed).unwrap();
            assert!(streamed.len() == content as usize && is_zero(&streamed), "flate2 at {content}");
            let mut whole = vec![1; content as usize];
            Unpacker::default().content(&member, &mut whole).unwrap();
            assert!(is_zero(&whole), "libdeflate at {content}");
        }
    }

    #[test]
    fn a_gibibyte_of_zeros_is_within_a_hundred_bytes_of_what_deflate_can_do() {
        let member = zero_member(1 << 30);
        assert!(member.len() < (1 << 30) / 1032 + 100, "{}", member.len());
        let mut decoder = flate2::read::GzDecoder::new(&member[..]);
        let (mut buffer, mut count) = (vec![0; 1 << 20], 0);
        loop {
            // The decoder checks CRC-32 and ISIZE when it comes to the end.
            let read = decoder.read(&mut buffer).unwrap();
            if read == 0 {
                break;
            }
            assert!(is_zero(&buffer[..read]));
            count += read;
        }
        assert_eq!(count, 1 << 30);
    }

    #[test]
    fn zeros_become_as_few_members_as_the_sizes_allow() {
        let zeros = ZeroMembers::new();
        let run: Vec<_> = zeros.for_run((2048 + 64 + 8 + 8 + 1 + 1) << 20).collect();
        assert_eq!(run.iter().map(|run| run.0 >> 20).collect::<Vec<_>>(), [1024, 1024, 64, 8, 8, 1, 1]);
        assert!(run.iter().all(|&(size, member)| header_of(member).content == size));
    }

    #[test]
    fn a_member_that_claims_zeros_is_compared_to_its_last_byte() {
        let zeros = ZeroMembers::new();
        for content in [700, 8 << 20, 64 << 20] {
            let member = zero_member(content);
            let mut bytes = [&[0; 5], &*member].concat();
            zeros.verify(&bytes, 5, header_of(&member)).unwrap();
            for at in [HEADER, member.len() / 2, member.len() - 1] {
                bytes[5 + at] ^= 1;
                assert!(zeros.verify(&bytes, 5, header_of(&member)).is_err(), "byte {at} of {content}");
                bytes[5 + at] ^= 1;
            }
            let longer = Header { content: content + 1, ..header_of(&member) };
            assert!(zeros.verify(&bytes, 5, longer).is_err());
        }
    }
}
