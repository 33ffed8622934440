//! The lists of subkeys: `lf`, `lh`, `li`, and `ri` over these.

use std::collections::HashSet;

use super::cells::{Cells, field};
use super::{damaged, names};
use crate::error::{Error, ErrorKind, Result};

/// More subkeys than this are not listed. The largest keys of Windows have some tens of thousands.
const MAX_SUBKEYS: usize = 1 << 18;

/// The subkeys that may have this name, or all of them: the offsets of their cells.
pub(super) fn offsets(cells: &Cells<'_>, list: u32, name: Option<&str>) -> Result<Vec<u32>> {
    // The hints in the lists only rule out names that are ASCII.
    let name = name.filter(|name| name.is_ascii());
    let mut offsets = Vec::new();
    let mut seen = HashSet::new();
    let mut total = 0;
    let mut add = |list: u32, leaf: Leaf| {
        total += leaf.count as usize;
        if total > MAX_SUBKEYS {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!("a key of the hive has more than {MAX_SUBKEYS} subkeys"),
            ));
        }
        for entry in leaf.entries(cells, list)?.chunks_exact(leaf.width as usize) {
            if name.is_none_or(|name| leaf.may_be(entry, name)) {
                let key = field(entry, 0)?;
                if !seen.insert(key) {
                    return Err(damaged(format!("the key at {key:#x} of the hive is listed twice")));
                }
                offsets.push(key);
            }
        }
        Ok(())
    };
    match Header::read(cells, list)? {
        Header::Leaf(leaf) => add(list, leaf)?,
        Header::Root(count) => {
            let mut lists = HashSet::new();
            for entry in cells.read_list(list, 4, count, 4)?.chunks_exact(4) {
                let list = field(entry, 0)?;
                // A root is over leaves only (the specification, "Index root", note 1), each of its own.
                match Header::read(cells, list)? {
                    Header::Leaf(leaf) if lists.insert(list) => add(list, leaf)?,
                    _ => {
                        return Err(damaged(format!(
                            "the list of subkeys at {list:#x} of the hive contains itself"
                        )));
                    }
                }
            }
        }
    }
    Ok(offsets)
}

enum Header {
    Leaf(Leaf),
    Root(u32),
}

struct Leaf {
    hint: Hint,
    count: u32,
    width: u32,
}

enum Hint {
    None,
    /// The first four characters of the name.
    Start,
    Hash,
}

impl Header {
    fn read(cells: &Cells<'_>, list: u32) -> Result<Self> {
        let header = field(&cells.read(list, 4)?, 0)?;
        let count = header >> 16;
        Ok(match &(header as u16).to_le_bytes() {
            b"li" => Self::Leaf(Leaf { hint: Hint::None, count, width: 4 }),
            b"lf" => Self::Leaf(Leaf { hint: Hint::Start, count, width: 8 }),
            b"lh" => Self::Leaf(Leaf { hint: Hint::Hash, count, width: 8 }),
            b"ri" => Self::Root(count),
            _ => return Err(damaged(format!("the hive has no list of subkeys at {list:#x}"))),
        })
    }
}

impl Leaf {
    fn entries(&self, cells: &Cells<'_>, list: u32) -> Result<Vec<u8>> {
        cells.read_list(list, 4, self.count, self.width)
    }

    /// Whether the hint of an entry allows this name, which is ASCII.
    fn may_be(&self, entry: &[u8], name: &str) -> bool {
        let hint = entry.get(4..8).unwrap_or_default();
        match self.hint {
            Hint::None => true,
            Hint::Hash => hint == names::hash(name).to_le_bytes(),
            // A name that is not Latin-1 has no hint but zeros; a short one is padded with them.
            Hint::Start => {
                let mut start = [0; 4];
                let length = name.len().min(4);
                start[..length].copy_from_slice(&name.as_bytes()[..length]);
                hint == [0; 4] || hint.eq_ignore_ascii_case(&start)
            }
        }
    }
}
