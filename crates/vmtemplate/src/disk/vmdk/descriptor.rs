//! The descriptor of a VMDK: the text that says which extents a disk has (VMware, "Virtual Disk Format 5.0").

use super::super::{invalid, unsupported};
use crate::error::{Error, ErrorKind, Result};
use crate::shown::Shown;

/// The longest descriptor that is read, in bytes. VMware's are below 20 KiB.
pub(super) const MAX_LENGTH: u64 = 1 << 20;
/// The most extents of one disk: 8 TiB in pieces of 2 GB.
const MAX_EXTENTS: usize = 4096;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Descriptor {
    pub(super) extents: Vec<Extent>,
}

/// One line such as `RW 8323072 SPARSE "disk-s001.vmdk"`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) sectors: u64,
    pub(super) kind: Kind,
    pub(super) name: String,
    /// Where a flat extent begins in its file, in sectors.
    pub(super) offset: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Sparse,
    Flat,
    Zero,
}

impl Descriptor {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self> {
        // An embedded descriptor is padded with zeros.
        let text = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
        let text = String::from_utf8_lossy(text);
        let mut extents = Vec::new();
        for line in text.lines().map(str::trim) {
            if let Some((key, value)) = line.split_once('=') {
                if key.trim().eq_ignore_ascii_case("parentCID")
                    && !value.trim().eq_ignore_ascii_case("ffffffff")
                {
                    return Err(Error::new(
                        ErrorKind::Unsupported,
                        "a VMDK with a parent, which holds only what differs from it",
                    )
                    .with_help("consolidate the snapshots, or clone the disk: `vmware-vdiskmanager -r IMAGE -t 0 NEW.vmdk`"));
                }
            } else if let Some(extent) = Extent::parse(line)? {
                if extents.len() == MAX_EXTENTS {
                    return Err(Error::new(
                        ErrorKind::LimitExceeded,
                        format!("the descriptor names more than {MAX_EXTENTS} extents"),
                    ));
                }
                extents.push(extent);
            }
        }
        if extents.is_empty() {
            return Err(invalid("the descriptor names no extents"));
        }
        Ok(Self { extents })
    }
}

impl Extent {
    /// `None` for a line that does not describe an extent.
    fn parse(line: &str) -> Result<Option<Self>> {
        let (head, name, tail) = match line.split_once('"') {
            Some((head, rest)) => {
                let Some((name, tail)) = rest.split_once('"') else { return Ok(None) };
                (head, name, tail)
            }
            None => (line, "", ""),
        };
        let mut words = head.split_whitespace();
        let (access, sectors, kind) = (words.next(), words.next(), words.next());
        match access {
            Some("RW" | "RDONLY") => {}
            Some("NOACCESS") => return Err(unsupported("an extent that may not be accessed")),
            _ => return Ok(None),
        }
        let Some(sectors) = sectors.and_then(|word| word.parse::<u64>().ok()) else {
            return Err(invalid(format!("an extent of unknown length: `{}`", Shown(start(line)))));
        };
        let kind = match kind {
            Some("SPARSE") => Kind::Sparse,
            Some("FLAT" | "VMFS") => Kind::Flat,
            Some("ZERO") => Kind::Zero,
            other => {
                return Err(unsupported(format!(
                    "an extent of type `{}`",
                    Shown(start(other.unwrap_or_default()))
                ))
                .with_help("clone the disk to another type: `qemu-img convert -O qcow2 IMAGE NEW.qcow2`"));
            }
        };
        let offset = match tail.split_whitespace().next() {
            None => 0,
            Some(word) => word
                .parse()
                .map_err(|_| invalid(format!("an extent at an unknown offset: `{}`", Shown(start(line)))))?,
        };
        // The folder is the descriptor's own: nothing is to be reached elsewhere.
        let plain = !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\\', ':']);
        if !plain && kind != Kind::Zero {
            return Err(unsupported(format!(
                "an extent in `{}`; a plain file name was expected",
                Shown(start(name))
            ))
            .with_help("put the extents beside the descriptor, and name them without a folder"));
        }
        Ok(Some(Self { sectors, kind, name: name.to_owned(), offset }))
    }
}

/// As much of a hostile text as belongs into a message.
fn start(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extents_are_found_among_the_other_lines() {
        let text = "# Disk DescriptorFile\nversion=1\nCID=12345678\nparentCID=ffffffff\ncreateType=\"custom\"\r\n\
                    RW 8 SPARSE \"a disk.vmdk\"\r\nRDONLY 16 FLAT \"b.vmdk\" 128\nRW 4 ZERO\nddb.adapterType = \"ide\"\n\0junk";
        let extent =
            |sectors, kind, name: &str, offset| Extent { sectors, kind, name: name.to_owned(), offset };
        assert_eq!(
            Descriptor::parse(text.as_bytes()).unwrap().extents,
            [
                extent(8, Kind::Sparse, "a disk.vmdk", 0),
                extent(16, Kind::Flat, "b.vmdk", 128),
                extent(4, Kind::Zero, "", 0),
            ]
        );
    }

    #[test]
    fn what_cannot_be_read_is_refused_and_not_left_out() {
        for (text, kind) in [
            ("parentCID=1234abcd\nRW 8 FLAT \"a\"", ErrorKind::Unsupported),
            ("RW 8 VMFSSPARSE \"a\"", ErrorKind::Unsupported),
            ("NOACCESS 8 FLAT \"a\"", ErrorKind::Unsupported),
            ("RW 8 FLAT \"../a\"", ErrorKind::Unsupported),
            ("RW 8 FLAT \"C:\\a\"", ErrorKind::Unsupported),
            ("RW 8 FLAT \"..\"", ErrorKind::Unsupported),
            ("RW 99999999999999999999 FLAT \"a\"", ErrorKind::InvalidImage),
            ("RW 8 FLAT \"a\" x", ErrorKind::InvalidImage),
            ("version=1\n", ErrorKind::InvalidImage),
        ] {
            assert_eq!(Descriptor::parse(text.as_bytes()).unwrap_err().kind(), kind, "{text}");
        }
        let many = "RW 8 ZERO\n".repeat(MAX_EXTENTS + 1);
        assert_eq!(Descriptor::parse(many.as_bytes()).unwrap_err().kind(), ErrorKind::LimitExceeded);
    }
}
