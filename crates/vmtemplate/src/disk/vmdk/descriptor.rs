//! The descriptor of a VMDK: the text that says which extents a disk has (VMware, "Virtual Disk Format 5.0").

use encoding_rs::{Encoding, UTF_8};

use super::super::{invalid, unsupported};
use crate::error::{Error, ErrorKind, Result};
use crate::shown::{Shown, short};

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
        let text = decode(bytes.split(|&byte| byte == 0).next().unwrap_or_default())?;
        let mut extents = Vec::new();
        for line in text.lines().map(str::trim) {
            if let Some((key, value)) = line.split_once('=') {
                if key.trim().eq_ignore_ascii_case("parentCID")
                    && !value.trim().eq_ignore_ascii_case("ffffffff")
                {
                    return Err(Error::new(
                        ErrorKind::Unsupported,
                        "a VMDK with a parent, which contains only what differs from it",
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
            return Err(invalid(format!("an extent of unknown length: `{}`", Shown(short(line)))));
        };
        let kind = match kind {
            Some("SPARSE") => Kind::Sparse,
            Some("FLAT" | "VMFS") => Kind::Flat,
            Some("ZERO") => Kind::Zero,
            other => {
                return Err(unsupported(format!(
                    "an extent of type `{}`",
                    Shown(short(other.unwrap_or_default()))
                ))
                .with_help("clone the disk to another type: `qemu-img convert -O qcow2 IMAGE NEW.qcow2`"));
            }
        };
        let offset = match tail.split_whitespace().next() {
            None => 0,
            Some(word) => word
                .parse()
                .map_err(|_| invalid(format!("an extent at an unknown offset: `{}`", Shown(short(line)))))?,
        };
        if name.is_empty() && kind != Kind::Zero {
            return Err(invalid(format!("an extent without a file: `{}`", Shown(short(line)))));
        }
        Ok(Some(Self { sectors, kind, name: name.to_owned(), offset }))
    }
}

/// The text of a descriptor. Its line `encoding="windows-1251"` says how the names of the extents are written; without
/// one it is UTF-8, as all of it but these names is in every encoding.
fn decode(bytes: &[u8]) -> Result<String> {
    let value = |line: &[u8]| {
        let (key, value) = line.split_at_checked(line.iter().position(|&byte| byte == b'=')?)?;
        let value = value[1..].trim_ascii();
        let value = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value);
        key.trim_ascii().eq_ignore_ascii_case(b"encoding").then(|| value.to_vec())
    };
    let declared = bytes.split(|byte| matches!(byte, b'\n' | b'\r')).find_map(value);
    // All encodings that VMware writes hold ASCII as it is; the labels are those of the web (WHATWG, "Encoding").
    let encoding = match &declared {
        Some(label) => {
            Encoding::for_label_no_replacement(label).filter(|encoding| encoding.is_ascii_compatible())
        }
        None => Some(UTF_8),
    };
    let text = match encoding {
        Some(encoding) => encoding.decode_without_bom_handling_and_without_replacement(bytes),
        None => std::str::from_utf8(bytes).ok().map(Into::into),
    };
    text.map(|text| text.trim_start_matches('\u{feff}').to_owned()).ok_or_else(|| {
        let label = declared.as_deref().map_or("UTF-8".into(), String::from_utf8_lossy);
        invalid(format!("the descriptor is not text in {:?}, the encoding that it should be in", short(&label)))
            .with_help("correct its line `encoding=`: it names how the extents' file names are written, such as \"UTF-8\" or \"windows-1251\"")
    })
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
    fn the_names_of_extents_are_read_in_the_encoding_that_the_descriptor_declares() {
        let name =
            |bytes: &[u8]| Descriptor::parse(bytes).map(|descriptor| descriptor.extents[0].name.clone());
        let described = |encoding: &str, name: &[u8]| {
            let line = format!("# Disk DescriptorFile\r\n{encoding}\r\nRW 8 FLAT \"");
            [line.as_bytes(), name, b"\" 0\r\n"].concat()
        };
        let in_1251 = b"\xc4\xe8\xf1\xea-flat.vmdk";
        for encoding in ["encoding=\"windows-1251\"", "Encoding = windows-1251", "encoding=\"CP1251\""] {
            assert_eq!(name(&described(encoding, in_1251)).unwrap(), "Диск-flat.vmdk", "{encoding}");
        }
        let in_gbk = b"\xb4\xc5\xc5\xcc.vmdk";
        assert_eq!(name(&described("encoding=\"GBK\"", in_gbk)).unwrap(), "磁盘.vmdk");
        for encoding in ["encoding=\"UTF-8\"", "CID=1"] {
            assert_eq!(name(&described(encoding, "Диск.vmdk".as_bytes())).unwrap(), "Диск.vmdk");
            let error = name(&described(encoding, in_1251)).unwrap_err();
            assert!(error.help().unwrap().contains("encoding="), "{error:#}");
        }
        // An encoding that nobody knows does no harm to names that are ASCII.
        assert_eq!(name(&described("encoding=\"martian\"", b"a.vmdk")).unwrap(), "a.vmdk");
    }

    #[test]
    fn what_cannot_be_read_is_refused_and_not_left_out() {
        for (text, kind) in [
            ("parentCID=1234abcd\nRW 8 FLAT \"a\"", ErrorKind::Unsupported),
            ("RW 8 VMFSSPARSE \"a\"", ErrorKind::Unsupported),
            ("NOACCESS 8 FLAT \"a\"", ErrorKind::Unsupported),
            ("RW 8 FLAT \"\"", ErrorKind::InvalidImage),
            ("RW 8 SPARSE", ErrorKind::InvalidImage),
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
