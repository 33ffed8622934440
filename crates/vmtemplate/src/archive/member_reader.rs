//! Reading the members of an archive of ours: one header after the other, and what a member holds.

use super::member::{HEADER, Header, Kind, Unpacker};
use super::stream::Behind;
use crate::error::{Error, ErrorKind, Result};
use crate::source::ReadAt;

/// The way from member to member, from the start of the archive to its end.
pub(super) struct Members<'a> {
    source: &'a dyn ReadAt,
    at: u64,
    /// The footer was the last member.
    ended: bool,
}

impl<'a> Members<'a> {
    pub(super) fn new(source: &'a dyn ReadAt) -> Self {
        Self { source, at: 0, ended: false }
    }

    /// Where the next member begins.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// The next member, and where it begins; `None` at the end of the archive, where zeros may follow. `tap` is shown what
    /// is no member.
    pub(super) fn next(&mut self, tap: impl FnMut(&[u8])) -> Result<Option<(u64, Header)>> {
        let at = self.at;
        if at >= self.source.size() {
            return Ok(None);
        }
        let Some(header) = member_at(self.source, at)? else {
            return match Behind::of(self.source, at, tap)? {
                None => Ok(None),
                Some(behind) if self.ended => Err(behind.error()),
                Some(_) => Err(not_a_member(at)),
            };
        };
        if self.ended {
            return Err(Behind::all(self.source, at).error());
        }
        self.at += u64::from(header.length);
        self.ended = header.kind == Kind::Footer;
        Ok(Some((at, header)))
    }
}

/// The header of the member at `at`; `None` where none of ours is there. The member ends within the file.
pub(super) fn member_at(source: &dyn ReadAt, at: u64) -> Result<Option<Header>> {
    let mut start = [0; HEADER];
    if source.size() - at < HEADER as u64 {
        return Ok(None);
    }
    read(source, &mut start, at)?;
    let Some(header) = Header::parse(&start) else { return Ok(None) };
    if at + u64::from(header.length) > source.size() {
        return Err(truncated(at));
    }
    Ok(Some(header))
}

fn truncated(at: u64) -> Error {
    Error::new(
        ErrorKind::InvalidArchive,
        format!("the archive ends in the middle of the member at offset {at}"),
    )
    .with_help("the file is truncated: create or download it again")
}

fn not_a_member(at: u64) -> Error {
    Error::new(
        ErrorKind::InvalidArchive,
        format!("the archive is damaged at offset {at}: a gzip member was expected there"),
    )
    .with_help("create or download the archive again")
}

/// Fill `buf` from the archive.
pub(super) fn read(source: &dyn ReadAt, buf: &mut [u8], at: u64) -> Result<()> {
    if at.checked_add(buf.len() as u64).is_none_or(|end| end > source.size()) {
        return Err(truncated(at));
    }
    source.read_at(buf, at)
}

/// What is needed to decompress members, kept from one to the next.
#[derive(Default)]
pub(super) struct MemberRoom {
    unpacker: Unpacker,
    member: Vec<u8>,
    content: Vec<u8>,
}

impl MemberRoom {
    /// The content of the member at `at`, checked against its CRC-32 and length.
    pub(super) fn content(&mut self, archive: &dyn ReadAt, at: u64, header: Header) -> Result<&[u8]> {
        self.member.resize(header.length as usize, 0);
        read(archive, &mut self.member, at)?;
        decompress(&mut self.unpacker, &self.member, &mut self.content, at, header)?;
        Ok(&self.content)
    }

    /// The same of a member that was read.
    pub(super) fn decompress(&mut self, member: &[u8], at: u64, header: Header) -> Result<&[u8]> {
        decompress(&mut self.unpacker, member, &mut self.content, at, header)?;
        Ok(&self.content)
    }
}

fn decompress(
    unpacker: &mut Unpacker,
    member: &[u8],
    content: &mut Vec<u8>,
    at: u64,
    header: Header,
) -> Result<()> {
    content.resize(header.content as usize, 0);
    unpacker.content(member, content).map_err(|error| {
        Error::new(ErrorKind::InvalidArchive, format!("the archive is damaged at offset {at}"))
            .caused_by(error)
            .with_help("create or download the archive again")
    })
}
