//! Where every member of an archive begins: written at its end, and read back from there.
//!
//! Index members are empty and carry records of 8 bytes in their extra fields: the length of a member (u32), and the
//! length of its content (u32) with the highest bit set where it is a member of zeros. The footer is the last member,
//! always [`FOOTER`] bytes long; its payload is the offset of the first index member (u64), the number of records
//! (u64), the bytes of content in all (u64), and the CRC-32 of all records (u32), then 4 bytes 0.

use super::member::{HEADER, Header, Kind, TRAILER, empty_member};
use super::member_reader::{Members, member_at, read};
use crate::error::{Error, ErrorKind, Result};
use crate::file::is_zero;
use crate::le;
use crate::source::ReadAt;

const RECORD: usize = 8;
/// As many records as the 65,535 bytes of an extra field hold beside the subfield's fixed start.
const RECORDS_PER_MEMBER: usize = (65_535 - 16) / RECORD;
const FOOTER_PAYLOAD: usize = 32;
/// What an empty member ends with: an empty deflate stream of two bytes, CRC-32 and ISIZE.
const DEFLATED: usize = 2 + TRAILER;
/// An empty member's deflate stream.
const EMPTY: usize = 2;
pub(super) const FOOTER: usize = HEADER + FOOTER_PAYLOAD + EMPTY + TRAILER;
const ZEROS: u32 = 1 << 31;

/// The most members that are kept in memory: 16 TiB of data, or as many zeros as anybody likes.
const MAX_MEMBERS: u64 = 1 << 24;

/// Collects the records while an archive is written.
#[derive(Debug, Default)]
pub(super) struct IndexWriter {
    records: Vec<u8>,
    members: u64,
    length: u64,
    content: u64,
}

impl IndexWriter {
    pub(super) fn add(&mut self, kind: Kind, length: u32, content: u32) {
        let flag = if kind == Kind::Zeros { ZEROS } else { 0 };
        self.records.extend_from_slice(&length.to_le_bytes());
        self.records.extend_from_slice(&(content | flag).to_le_bytes());
        self.members += 1;
        self.length += u64::from(length);
        self.content += u64::from(content);
    }

    /// The index members and the footer, one by one.
    pub(super) fn members(&self) -> impl Iterator<Item = Vec<u8>> {
        let mut footer = Vec::with_capacity(FOOTER_PAYLOAD);
        for number in [self.length, self.members, self.content, u64::from(crc32fast::hash(&self.records))] {
            footer.extend_from_slice(&number.to_le_bytes());
        }
        self.records
            .chunks(RECORDS_PER_MEMBER * RECORD)
            .map(|records| empty_member(Kind::Index, records))
            .chain(std::iter::once_with(move || empty_member(Kind::Footer, &footer)))
    }
}

/// A member, as the map knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Member {
    /// Where it begins in the archive.
    pub(super) at: u64,
    pub(super) header: Header,
    /// Where its content begins in the tar stream.
    pub(super) content_at: u64,
}

/// Where every member with content begins.
#[derive(Debug, Default)]
pub(super) struct MemberMap {
    /// Per member: its offset in the archive, and the offset of its content with the highest bit set for zeros.
    starts: Vec<(u64, u64)>,
    length: u64,
    content: u64,
}

const ZEROS_START: u64 = 1 << 63;

impl MemberMap {
    /// From the index at the end; `None` where there is none, or where it contradicts itself.
    pub(super) fn from_index(source: &dyn ReadAt) -> Result<Option<Self>> {
        let Some((footer_at, footer)) = find_footer(source)? else { return Ok(None) };
        let number = |n: usize| le::u64_in(&footer, HEADER + 8 * n);
        let [index_at, members, content, crc] = std::array::from_fn(number);
        // The numbers must fit each other before memory is reserved by them.
        let overhead = (HEADER + EMPTY + TRAILER) as u64;
        let expected = (members <= MAX_MEMBERS)
            .then(|| members * RECORD as u64 + members.div_ceil(RECORDS_PER_MEMBER as u64) * overhead);
        if index_at > footer_at || expected != Some(footer_at - index_at) {
            return Ok(None);
        }
        let mut map = Self { starts: Vec::with_capacity(members as usize), ..Self::default() };
        let mut hasher = crc32fast::Hasher::new();
        let mut at = index_at;
        while at < footer_at {
            let mut start = [0; HEADER];
            read(source, &mut start, at)?;
            let Some(header) = Header::parse(&start).filter(|h| h.kind == Kind::Index) else {
                return Ok(None);
            };
            let mut records = vec![0; header.payload as usize];
            if at + u64::from(header.length) > footer_at || !(header.payload as usize).is_multiple_of(RECORD)
            {
                return Ok(None);
            }
            read(source, &mut records, at + HEADER as u64)?;
            hasher.update(&records);
            for record in records.chunks_exact(RECORD) {
                let (length, content) = (le::u32_in(record, 0), le::u32_in(record, 4));
                if content & !ZEROS == 0 {
                    // It would hide a member: nobody looks at one that holds nothing.
                    return Ok(None);
                }
                map.push(length, content & !ZEROS, content & ZEROS != 0)?;
            }
            at += u64::from(header.length);
        }
        let agrees = map.length == index_at
            && map.content == content
            && map.starts.len() as u64 == members
            && u64::from(hasher.finalize()) == crc;
        Ok(agrees.then_some(map))
    }

    /// By stepping from member to member; `None` where the archive is not one of ours.
    pub(super) fn by_walking(source: &dyn ReadAt) -> Result<Option<Self>> {
        if member_at(source, 0)?.is_none() {
            return Ok(None);
        }
        let (mut map, mut members) = (Self::default(), Members::new(source));
        while let Some((_, header)) = members.next(|_| ())? {
            if matches!(header.kind, Kind::Data | Kind::Zeros) {
                map.push(header.length, header.content, header.kind == Kind::Zeros)?;
            }
        }
        Ok(Some(map))
    }

    fn push(&mut self, length: u32, content: u32, zeros: bool) -> Result<()> {
        if self.starts.len() as u64 >= MAX_MEMBERS {
            return Err(Error::new(ErrorKind::LimitExceeded, "the archive has more than 16,777,216 members"));
        }
        self.starts.push((self.length, self.content | if zeros { ZEROS_START } else { 0 }));
        self.length += u64::from(length);
        self.content += u64::from(content);
        Ok(())
    }

    /// Bytes of the tar stream.
    pub(super) fn content(&self) -> u64 {
        self.content
    }

    /// The member that holds byte `offset` of the tar stream.
    pub(super) fn find(&self, offset: u64) -> Option<Member> {
        if offset >= self.content {
            return None;
        }
        let number =
            self.starts.partition_point(|&(_, content)| content & !ZEROS_START <= offset).checked_sub(1)?;
        let &(at, content_at) = self.starts.get(number)?;
        let (end, content_end) = self
            .starts
            .get(number + 1)
            .map_or((self.length, self.content), |&(at, content)| (at, content & !ZEROS_START));
        let zeros = content_at & ZEROS_START != 0;
        let content_at = content_at & !ZEROS_START;
        Some(Member {
            at,
            header: Header {
                kind: if zeros { Kind::Zeros } else { Kind::Data },
                length: u32::try_from(end - at).ok()?,
                content: u32::try_from(content_end - content_at).ok()?,
                payload: 0,
            },
            content_at,
        })
    }
}

/// How far from the end of the file a footer is looked for, where zeros are behind it: further than any block that a
/// device or a tape fills. Behind more of them the members are walked.
const MAX_PADDING: u64 = 1 << 20;

/// The footer, and where it begins; `None` where the archive does not end with one, and with zeros at most behind it.
fn find_footer(source: &dyn ReadAt) -> Result<Option<(u64, [u8; FOOTER])>> {
    let Some(mut at) = source.size().checked_sub(FOOTER as u64) else { return Ok(None) };
    let mut footer = [0; FOOTER];
    read(source, &mut footer, at)?;
    // The deflate stream `03 00`, CRC-32 and ISIZE: its last byte that is not zero is the tenth from its end.
    let zeros = FOOTER - DEFLATED;
    if is_zero(&footer[zeros..]) {
        let length = source.size().min(MAX_PADDING);
        let mut tail = vec![0; length as usize];
        read(source, &mut tail, source.size() - length)?;
        let last = tail.iter().rposition(|&byte| byte != 0);
        let Some(start) = last.and_then(|last| (last + DEFLATED).checked_sub(FOOTER)) else {
            return Ok(None);
        };
        let Some(found) = tail.get(start..).and_then(<[u8]>::first_chunk) else { return Ok(None) };
        (at, footer) = (source.size() - length + start as u64, *found);
    }
    let header = footer.first_chunk().and_then(Header::parse);
    let is_footer =
        header.is_some_and(|header| header.kind == Kind::Footer && header.payload as usize == FOOTER_PAYLOAD);
    Ok(is_footer.then_some((at, footer)))
}

#[cfg(test)]
mod tests {
    use super::super::level::Level;
    use super::super::member::Packer;
    use super::super::zeros::zero_member;
    use super::*;

    fn archive(members: u32, with_index: bool) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut index = IndexWriter::default();
        let mut packer = Packer::new(Level::FASTEST);
        for n in 1..=members {
            let member =
                if n % 3 == 0 { zero_member(n) } else { packer.member(&vec![n as u8; n as usize]).unwrap() };
            let kind = if n % 3 == 0 { Kind::Zeros } else { Kind::Data };
            index.add(kind, member.len() as u32, n);
            bytes.extend_from_slice(&member);
        }
        if with_index {
            index.members().for_each(|member| bytes.extend_from_slice(&member));
        }
        bytes
    }

    #[test]
    fn the_index_tells_what_walking_finds() {
        for members in [1, 2, 3, 50] {
            let bytes = archive(members, true);
            let read = MemberMap::from_index(&bytes).unwrap().unwrap();
            let walked = MemberMap::by_walking(&bytes).unwrap().unwrap();
            assert_eq!(
                (&read.starts, read.length, read.content),
                (&walked.starts, walked.length, walked.content)
            );
            for offset in 0..read.content() {
                let member = read.find(offset).unwrap();
                assert!(
                    offset >= member.content_at
                        && offset - member.content_at < u64::from(member.header.content)
                );
                let header = member_at(&bytes, member.at).unwrap().unwrap();
                assert_eq!(header, member.header);
            }
            assert_eq!(read.find(read.content()), None);
        }
    }

    #[test]
    fn an_index_of_several_members_is_read() {
        let members = RECORDS_PER_MEMBER as u64 * 2 + 5;
        let mut index = IndexWriter::default();
        (0..members).for_each(|_| index.add(Kind::Data, 40, 3));
        let mut bytes = vec![0; members as usize * 40];
        index.members().for_each(|member| bytes.extend_from_slice(&member));
        let map = MemberMap::from_index(&bytes).unwrap().unwrap();
        assert_eq!((map.starts.len() as u64, map.content()), (members, 3 * members));
    }

    #[test]
    fn an_index_that_lies_is_not_taken() {
        let mut bytes = archive(20, true);
        let index_bytes = 20 * RECORD + HEADER + EMPTY + TRAILER + FOOTER;
        let mut refused = 0;
        for at in bytes.len() - index_bytes..bytes.len() {
            bytes[at] ^= 0x10;
            // Bytes that the index does not use (the deflate streams, MTIME …) may change; the map may not.
            match MemberMap::from_index(&bytes) {
                Ok(Some(map)) => assert_eq!((map.starts.len(), map.content()), (20, 210)),
                Ok(None) | Err(_) => refused += 1,
            }
            bytes[at] ^= 0x10;
        }
        assert!(refused > 20 * RECORD, "{refused}");
        assert!(MemberMap::from_index(&archive(20, false)).unwrap().is_none());
    }

    #[test]
    fn a_cut_or_a_foreign_byte_is_found_by_walking() {
        let mut bytes = archive(20, false);
        bytes.pop();
        let error = MemberMap::by_walking(&bytes).unwrap_err();
        assert!(error.message().contains("ends in the middle"), "{error}");
        let second = member_at(&bytes, 0).unwrap().unwrap().length;
        bytes[second as usize] = b'x';
        let error = MemberMap::by_walking(&bytes).unwrap_err();
        assert!(error.message().contains(&format!("damaged at offset {second}")), "{error}");
    }
}
