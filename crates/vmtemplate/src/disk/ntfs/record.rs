//! Records of the MFT, and the attributes in them.

use super::runs::{MAX_VCN, MappingPairs};
use crate::le;

/// The stride of update sequence numbers; 512 whatever the sector size (`NTFS_BLOCK_SIZE` of ntfs-3g).
const STRIDE: usize = 512;

/// Attribute types (Linux-NTFS documentation, "$AttrDef").
pub(super) mod kind {
    pub(in super::super) const STANDARD_INFORMATION: u32 = 0x10;
    pub(in super::super) const ATTRIBUTE_LIST: u32 = 0x20;
    pub(in super::super) const VOLUME_NAME: u32 = 0x60;
    pub(in super::super) const VOLUME_INFORMATION: u32 = 0x70;
    pub(in super::super) const DATA: u32 = 0x80;
    pub(in super::super) const INDEX_ROOT: u32 = 0x90;
    pub(in super::super) const INDEX_ALLOCATION: u32 = 0xA0;
    pub(in super::super) const BITMAP: u32 = 0xB0;
    pub(in super::super) const REPARSE_POINT: u32 = 0xC0;
}

/// Numbers of the records that every volume has.
pub(super) mod number {
    pub(in super::super) const MFT: u64 = 0;
    pub(in super::super) const LOG_FILE: u64 = 2;
    pub(in super::super) const VOLUME: u64 = 3;
    pub(in super::super) const ROOT: u64 = 5;
    pub(in super::super) const BITMAP: u64 = 6;
    pub(in super::super) const UPCASE: u64 = 10;
}

/// Why a block with update sequence numbers is not usable.
pub(super) type Flaw = &'static str;

/// Undo the update sequence of a block: the last two bytes of each 512 were replaced before writing, so that a torn
/// write shows (Linux-NTFS documentation, "Fixup").
pub(super) fn fix_up(block: &mut [u8]) -> Result<(), Flaw> {
    let flaw = "the update sequence array has an impossible place or size";
    let offset = usize::from(le::u16_at(block, 4).ok_or(flaw)?);
    let count = usize::from(le::u16_at(block, 6).ok_or(flaw)?);
    let strides = block.len() / STRIDE;
    // The array must not reach the bytes that it stands for.
    if count != strides + 1 || offset % 2 != 0 || offset < 8 || offset + 2 * count > STRIDE - 2 {
        return Err(flaw);
    }
    let number = [block[offset], block[offset + 1]];
    for stride in 0..strides {
        let at = (stride + 1) * STRIDE - 2;
        if block[at..at + 2] != number {
            return Err("the update sequence numbers differ: it was written only in part");
        }
        let saved = offset + 2 + 2 * stride;
        block.copy_within(saved..saved + 2, at);
    }
    Ok(())
}

/// The number of a record and how often it was used: a reference to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Reference(u64);

impl Reference {
    pub(super) fn new(raw: u64) -> Self {
        Self(raw)
    }

    /// The number of the record.
    pub(super) fn number(self) -> u64 {
        self.0 & 0xFFFF_FFFF_FFFF
    }

    pub(super) fn sequence(self) -> u16 {
        (self.0 >> 48) as u16
    }
}

/// A record of the MFT, fixed up and in use. Borrows the buffer that it was read into.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'a> {
    bytes: &'a [u8],
    pub(super) sequence: u16,
    /// Whether it is a folder.
    pub(super) folder: bool,
    /// The record that this one extends; its number is 0 for a base record, for $MFT is extended by none but itself.
    pub(super) base: Reference,
}

impl<'a> Record<'a> {
    /// Undo the update sequence of `bytes` and take it as a record; `None` if the record is not in use.
    pub(super) fn parse(bytes: &'a mut [u8]) -> Result<Option<Self>, Flaw> {
        if !bytes.starts_with(b"FILE") {
            return Err("it does not begin with FILE");
        }
        fix_up(bytes)?;
        Self::fields(bytes).ok_or("its header has impossible sizes")
    }

    #[allow(clippy::option_option)] // impossible, not in use, in use
    fn fields(bytes: &'a [u8]) -> Option<Option<Self>> {
        let flags = le::u16_at(bytes, 22)?;
        if flags & 1 == 0 {
            return Some(None);
        }
        let used = le::u32_at(bytes, 24)? as usize;
        let first = usize::from(le::u16_at(bytes, 20)?);
        if first < 42 || !first.is_multiple_of(8) || first >= used {
            return None;
        }
        Some(Some(Self {
            bytes: bytes.get(..used)?,
            sequence: le::u16_at(bytes, 16)?,
            folder: flags & 2 != 0,
            base: Reference::new(le::u64_at(bytes, 32)?),
        }))
    }

    /// The attributes, in order. An error ends them.
    pub(super) fn attributes(self) -> Attributes<'a> {
        let at = le::u16_at(self.bytes, 20).map_or(0, usize::from);
        Attributes { bytes: self.bytes, at, done: false }
    }

    /// The number that the record gives itself; records from before NTFS 3.1 do not.
    pub(super) fn own_number(self) -> Option<u32> {
        if le::u16_at(self.bytes, 4)? < 48 { None } else { le::u32_at(self.bytes, 44) }
    }

    /// The first attribute of this type and name that is in this very record.
    pub(super) fn find(self, kind: u32, name: &[u8]) -> Result<Option<Attribute<'a>>, Flaw> {
        for attribute in self.attributes() {
            let attribute = attribute?;
            if attribute.kind == kind && attribute.name == name {
                return Ok(Some(attribute));
            }
        }
        Ok(None)
    }
}

/// The attributes of a record, from [`Record::attributes`].
#[derive(Debug)]
pub(super) struct Attributes<'a> {
    bytes: &'a [u8],
    at: usize,
    done: bool,
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Result<Attribute<'a>, Flaw>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        if le::u32_at(rest, 0) == Some(u32::MAX) {
            return None;
        }
        let attribute = Attribute::parse(rest);
        match &attribute {
            Some(found) => self.at += found.length,
            None => self.done = true,
        }
        Some(attribute.ok_or("it has an attribute with impossible sizes, or no end mark"))
    }
}

/// An attribute, or one piece of an attribute whose runs need several records.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attribute<'a> {
    pub(super) kind: u32,
    /// The name unchanged: UTF-16LE.
    pub(super) name: &'a [u8],
    /// 0x0001 compressed, 0x4000 encrypted, 0x8000 sparse.
    pub(super) flags: u16,
    pub(super) instance: u16,
    pub(super) value: Value<'a>,
    length: usize,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Value<'a> {
    Resident(&'a [u8]),
    Runs(Mapped<'a>),
}

/// The value of an attribute that is in clusters.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mapped<'a> {
    /// The first cluster of the stream that this piece maps.
    pub(super) first: u64,
    /// One past the last.
    pub(super) end: u64,
    pairs: &'a [u8],
    /// The clusters of a compression unit as a power of two; 0 if not compressed.
    pub(super) unit: u8,
    pub(super) size: u64,
    pub(super) initialized: u64,
}

impl<'a> Mapped<'a> {
    pub(super) fn pairs(&self, clusters: u64) -> MappingPairs<'a> {
        MappingPairs::new(self.pairs, self.first, clusters)
    }
}

impl<'a> Attribute<'a> {
    fn parse(rest: &'a [u8]) -> Option<Self> {
        let length = le::u32_at(rest, 4)? as usize;
        if length < 24 || !length.is_multiple_of(8) {
            return None;
        }
        let bytes = rest.get(..length)?;
        let name = le::slice_at(bytes, usize::from(le::u16_at(bytes, 10)?), 2 * usize::from(bytes[9]))?;
        let value = match bytes[8] {
            0 => {
                let size = le::u32_at(bytes, 16)? as usize;
                Value::Resident(le::slice_at(bytes, usize::from(le::u16_at(bytes, 20)?), size)?)
            }
            1 => {
                let first = le::u64_at(bytes, 16)?;
                // An empty stream says -1 for its last cluster.
                let end = le::u64_at(bytes, 24)?.wrapping_add(1);
                let (allocated, size, initialized) =
                    (le::u64_at(bytes, 40)?, le::u64_at(bytes, 48)?, le::u64_at(bytes, 56)?);
                if end < first || end > MAX_VCN || allocated > i64::MAX as u64 || size > i64::MAX as u64 {
                    return None;
                }
                let pairs = bytes.get(usize::from(le::u16_at(bytes, 32)?)..)?;
                Value::Runs(Mapped { first, end, pairs, unit: bytes[34], size, initialized })
            }
            _ => return None,
        };
        Some(Self {
            kind: le::u32_at(bytes, 0)?,
            name,
            flags: le::u16_at(bytes, 12)?,
            instance: le::u16_at(bytes, 14)?,
            value,
            length,
        })
    }
}

/// The entries of an attribute list: where the pieces of a file's attributes are. An error ends them.
pub(super) fn list_entries(mut bytes: &[u8]) -> impl Iterator<Item = Result<ListEntry<'_>, Flaw>> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let (entry, rest) =
            ListEntry::parse(bytes).map_or((None, &[][..]), |(entry, rest)| (Some(entry), rest));
        bytes = rest;
        Some(entry.ok_or("its attribute list has an entry with impossible sizes"))
    })
}

#[derive(Debug, Clone, Copy)]
pub(super) struct ListEntry<'a> {
    pub(super) kind: u32,
    pub(super) name: &'a [u8],
    /// The first cluster of the stream that the piece maps.
    pub(super) first: u64,
    pub(super) record: Reference,
    pub(super) instance: u16,
}

impl<'a> ListEntry<'a> {
    fn parse(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let length = usize::from(le::u16_at(bytes, 4)?);
        if length < 26 {
            return None;
        }
        let (entry, rest) = bytes.split_at_checked(length)?;
        let name = le::slice_at(entry, usize::from(entry[7]), 2 * usize::from(entry[6]))?;
        let parsed = Self {
            kind: le::u32_at(entry, 0)?,
            name,
            first: le::u64_at(entry, 8)?,
            record: Reference::new(le::u64_at(entry, 16)?),
            instance: le::u16_at(entry, 24)?,
        };
        Some((parsed, rest))
    }
}
