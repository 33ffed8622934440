//! Folders: B+ trees of file names, sorted without regard to case.

use std::cmp::Ordering;

use super::record::{Reference, fix_up, kind};
use super::stream::Stream;
use super::{NtfsVolume, damaged};
use crate::error::{Error, ErrorKind, Result};
use crate::le;

/// The name of the attributes that make up a folder, in UTF-16LE.
const I30: &[u8] = b"$\0I\x003\x000\0";

/// A tree of this depth would hold more names than a volume can have files. It ends the walk of a tree that
/// refers to itself.
const MAX_DEPTH: usize = 32;

/// More names than this are not listed; each may take half a KiB.
const MAX_NAMES: usize = 1 << 18;

/// One bit per block; this many are enough for 8 million blocks.
const MAX_BITMAP: u64 = 1 << 20;

/// What a folder says of one of its files.
#[derive(Debug, Clone)]
#[allow(clippy::struct_field_names)] // the name itself is a part of what an index entry calls so
pub(super) struct Name {
    pub(super) reference: Reference,
    pub(super) name: Vec<u16>,
    /// An 8.3 name that another, longer name goes with.
    pub(super) is_short: bool,
    pub(super) folder: bool,
    pub(super) size: u64,
}

#[derive(Debug)]
pub(super) struct Index<'v> {
    volume: &'v NtfsVolume,
    root: Vec<u8>,
    blocks: Option<Stream>,
    bitmap: Vec<u8>,
    block: usize,
    /// The bytes that a block number counts in.
    unit: u64,
}

impl<'v> Index<'v> {
    /// The index of folder `number`.
    pub(super) fn open(volume: &'v NtfsVolume, number: u64) -> Result<Self> {
        let mut buf = Vec::new();
        let record = volume.record(number, &mut buf)?;
        let space = &volume.space;
        let root = volume
            .stream(record, number, kind::INDEX_ROOT, I30)?
            .ok_or_else(|| damaged(format!("record {number} is not a folder: it has no index of names")))?
            .read_all(space, u64::from(space.boot.record))?;
        let block = le::u32_at(&root, 8)
            .filter(|&block| (512..=65_536).contains(&block) && block.is_power_of_two())
            .ok_or_else(|| damaged(format!("the index blocks of record {number} have an impossible size")))?;
        let blocks = volume.stream(record, number, kind::INDEX_ALLOCATION, I30)?;
        let bitmap = match volume.stream(record, number, kind::BITMAP, I30)? {
            Some(bitmap) => bitmap.read_all(space, MAX_BITMAP)?,
            None => Vec::new(),
        };
        // Blocks smaller than a cluster are counted in 512 bytes (Linux-NTFS documentation, "Index record").
        let unit = if block < space.boot.cluster { 512 } else { u64::from(space.boot.cluster) };
        Ok(Self { volume, root, blocks, bitmap, block: block as usize, unit })
    }

    /// The file called `name`, which is in upper case.
    pub(super) fn find(&self, name: &[u16]) -> Result<Option<Name>> {
        let upcase = self.volume.upcase()?;
        let mut node = self.root_node()?.to_vec();
        for _ in 0..MAX_DEPTH {
            let mut below = None;
            for entry in Entries::new(&node) {
                let entry = entry?;
                let order = match &entry.name {
                    Some(found) => name.iter().copied().cmp(found.name.iter().map(|&unit| upcase.of(unit))),
                    None => Ordering::Less, // the end of the node is after every name
                };
                match order {
                    Ordering::Equal => return Ok(entry.name),
                    Ordering::Less => {
                        below = entry.below;
                        break;
                    }
                    Ordering::Greater => {}
                }
            }
            match below {
                Some(block) => node = self.block_node(block)?,
                None => return Ok(None),
            }
        }
        Err(damaged(format!("the index is more than {MAX_DEPTH} levels deep: it refers to itself")))
    }

    /// Every name, in the order of the blocks.
    ///
    /// The bitmap says which blocks are in use, so no reference is followed and none can lead in a circle.
    pub(super) fn names(&self) -> Result<Vec<Name>> {
        let mut names = Vec::new();
        collect(self.root_node()?, &mut names)?;
        let count = self.blocks.as_ref().map_or(0, |blocks| blocks.size() / self.block as u64);
        for block in 0..count.min(8 * self.bitmap.len() as u64) {
            if self.bitmap[(block / 8) as usize] >> (block % 8) & 1 == 1 {
                collect(&self.block_node(block * (self.block as u64 / self.unit))?, &mut names)?;
            }
        }
        Ok(names)
    }

    fn root_node(&self) -> Result<&[u8]> {
        entries_of(&self.root, 16).ok_or_else(|| damaged("the root of the index has impossible sizes"))
    }

    /// The entries of the block that is at `vcn`.
    fn block_node(&self, vcn: u64) -> Result<Vec<u8>> {
        let wrong = |what: &str| damaged(format!("index block {vcn}: {what}"));
        let blocks = self.blocks.as_ref().ok_or_else(|| wrong("the index has no blocks"))?;
        let mut bytes = vec![0; self.block];
        let offset = vcn.checked_mul(self.unit).ok_or_else(|| wrong("this block does not exist"))?;
        if blocks.read_at(&self.volume.space, &mut bytes, offset)? != bytes.len() {
            return Err(wrong("this block does not exist"));
        }
        if !bytes.starts_with(b"INDX") {
            return Err(wrong("it does not begin with INDX"));
        }
        fix_up(&mut bytes).map_err(wrong)?;
        if le::u64_at(&bytes, 16) != Some(vcn) {
            return Err(wrong("it has the number of another block"));
        }
        entries_of(&bytes, 24).map(<[u8]>::to_vec).ok_or_else(|| wrong("it has impossible sizes"))
    }
}

/// The entries of a node whose header is at `at`.
fn entries_of(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let header = bytes.get(at..)?;
    let (first, end) = (le::u32_at(header, 0)? as usize, le::u32_at(header, 4)? as usize);
    header.get(first..end)
}

fn collect(node: &[u8], names: &mut Vec<Name>) -> Result<()> {
    for entry in Entries::new(node) {
        names.extend(entry?.name);
        if names.len() > MAX_NAMES {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!("the folder has more than {MAX_NAMES} names"),
            ));
        }
    }
    Ok(())
}

/// An entry of a node. The last one has no name; any may have a block of lesser names below it.
struct Entry {
    name: Option<Name>,
    below: Option<u64>,
}

struct Entries<'a> {
    rest: &'a [u8],
    done: bool,
}

impl<'a> Entries<'a> {
    fn new(node: &'a [u8]) -> Self {
        Self { rest: node, done: false }
    }

    fn parse(&mut self) -> Option<Entry> {
        let length = usize::from(le::u16_at(self.rest, 8)?);
        let flags = le::u16_at(self.rest, 12)?;
        let entry = self.rest.get(..length).filter(|entry| entry.len() >= 16)?;
        self.rest = &self.rest[length..];
        self.done = flags & 2 != 0;
        let below = if flags & 1 == 0 { None } else { Some(le::u64_at(entry, length.checked_sub(8)?)?) };
        let name = if self.done { None } else { Some(name(entry)?) };
        Some(Entry { name, below })
    }
}

/// The key of an entry: a copy of the attribute $FILE_NAME.
fn name(entry: &[u8]) -> Option<Name> {
    let key = le::slice_at(entry, 16, usize::from(le::u16_at(entry, 10)?))?;
    let attributes = le::u32_at(key, 56)?;
    let units = le::slice_at(key, 66, 2 * usize::from(*key.get(64)?))?;
    Some(Name {
        reference: Reference::new(le::u64_at(entry, 0)?),
        name: units.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect(),
        is_short: *key.get(65)? == 2,
        folder: attributes & 0x1000_0000 != 0,
        size: le::u64_at(key, 48)?,
    })
}

impl Iterator for Entries<'_> {
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let entry = self.parse();
        if entry.is_none() {
            self.done = true;
        }
        Some(
            entry.ok_or_else(|| {
                damaged("a node of the index has an entry with impossible sizes, or no last one")
            }),
        )
    }
}
