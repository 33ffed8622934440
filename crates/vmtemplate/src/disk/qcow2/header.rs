//! The header of a qcow2 image, with its extensions (QEMU, docs/interop/qcow2.rst).

use super::super::be;
use super::super::file::ImageFile;
use super::super::opener::OpenOptions;
use super::super::{invalid, unsupported};
use crate::error::Result;

/// Incompatible features, by bit.
const DIRTY: u64 = 1;
const CORRUPT: u64 = 1 << 1;
const EXTERNAL_DATA: u64 = 1 << 2;
const COMPRESSION_TYPE: u64 = 1 << 3;
const EXTENDED_L2: u64 = 1 << 4;
const KNOWN: u64 = DIRTY | CORRUPT | EXTERNAL_DATA | COMPRESSION_TYPE | EXTENDED_L2;

/// Header extensions, by type.
const END_OF_EXTENSIONS: u32 = 0;
const BACKING_FORMAT: u32 = 0xE279_2ACA;
const DATA_FILE_NAME: u32 = 0x4441_5441;

/// The longest name of a backing file that the specification allows, in bytes.
const MAX_NAME: u32 = 1023;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    Deflate,
    Zstd,
}

/// What of the header is needed to read.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) version: u32,
    pub(super) cluster_bits: u32,
    pub(super) size: u64,
    pub(super) l1_offset: u64,
    /// Entries of the L1 table that the disk needs.
    pub(super) l1_entries: u64,
    pub(super) compression: Compression,
    /// Entries of the L2 tables have 16 bytes, of which 8 tell of the 32 parts of the cluster.
    pub(super) extended_l2: bool,
    pub(super) backing: Option<Backing>,
    /// The file that holds the clusters, by name.
    pub(super) data_file: Option<String>,
}

#[derive(Debug)]
pub(super) struct Backing {
    pub(super) name: String,
    pub(super) format: Option<String>,
}

impl Header {
    pub(super) fn read(file: &ImageFile, options: &OpenOptions) -> Result<Self> {
        // The first 72 bytes are those of version 2; zeros where a short file or version 2 has no more.
        let mut head = [0; 112];
        let present = file.size().min(112) as usize;
        if present < 72 {
            return Err(invalid(format!("the file ends at {present}, within the header of a qcow2 image")));
        }
        file.read_at(&mut head[..present], 0)?;
        if !head.starts_with(b"QFI\xfb") {
            return Err(invalid("the file does not begin with the magic of qcow2"));
        }
        let version = be::u32_in(&head, 4);
        if !matches!(version, 2 | 3) {
            return Err(unsupported(format!("version {version} of qcow2; versions 2 and 3 are read")));
        }
        let cluster_bits = be::u32_in(&head, 20);
        if !(9..=21).contains(&cluster_bits) {
            return Err(invalid(format!("a cluster of 2^{cluster_bits} bytes; 2^9 to 2^21 are possible")));
        }
        let cluster = 1 << cluster_bits;
        let header_length = if version == 2 { 72 } else { be::u32_in(&head, 100) };
        if version == 3
            && (header_length < 104 || header_length % 8 != 0 || u64::from(header_length) > cluster)
        {
            return Err(invalid(format!("a header of {header_length} bytes")));
        }
        let features = if version == 2 { 0 } else { be::u64_in(&head, 72) };
        check_features(features)?;
        match be::u32_in(&head, 32) {
            0 => {}
            method => {
                let name = ["", "AES", "LUKS"].get(method as usize).copied().unwrap_or("an unknown method");
                return Err(unsupported(format!("the image is encrypted ({name})")).with_help(
                    "decrypt it: `qemu-img convert --object secret,… --image-opts … -O qcow2 NEW.qcow2`",
                ));
            }
        }
        let compression = match if features & COMPRESSION_TYPE == 0 { 0 } else { head[104] } {
            0 => Compression::Deflate,
            1 => Compression::Zstd,
            other => {
                return Err(unsupported(format!("compression type {other}; 0 (zlib) and 1 (zstd) are read"))
                    .with_help("convert it: `qemu-img convert -O qcow2 IMAGE NEW.qcow2`"));
            }
        };
        let size = be::u64_in(&head, 24);
        options.check_size(size)?;
        let extended_l2 = features & EXTENDED_L2 != 0;
        let (l1_offset, l1_entries) = check_l1(file, &head, cluster_bits, size, extended_l2)?;

        let backing_offset = be::u64_in(&head, 8);
        let extensions_end = if backing_offset == 0 { cluster } else { backing_offset.min(cluster) };
        let extensions = Extensions::read(file, u64::from(header_length), extensions_end)?;
        let backing = match backing_offset {
            0 => None,
            offset => {
                let length = be::u32_in(&head, 16);
                if length == 0 || length > MAX_NAME || offset > cluster - u64::from(length).min(cluster) {
                    return Err(invalid(format!(
                        "a backing file's name of {length} bytes at offset {offset}"
                    )));
                }
                let name = text(file.read_vec(offset, length as usize)?, "the name of the backing file")?;
                Some(Backing { name, format: extensions.backing_format })
            }
        };
        let data_file = match (features & EXTERNAL_DATA != 0, extensions.data_file) {
            (false, _) => None,
            (true, Some(name)) => Some(name),
            (true, None) => {
                return Err(invalid("the clusters are in another file, which the image does not name"));
            }
        };
        Ok(Self {
            version,
            cluster_bits,
            size,
            l1_offset,
            l1_entries,
            compression,
            extended_l2,
            backing,
            data_file,
        })
    }
}

fn check_features(features: u64) -> Result<()> {
    let repair = "repair a copy of it: `qemu-img check -r all IMAGE`";
    if features & CORRUPT != 0 {
        return Err(invalid("the image is marked corrupt").with_help(repair));
    }
    if features & DIRTY != 0 {
        return Err(unsupported("the image is marked dirty: it was not closed, or is still in use")
            .with_help(format!("shut the virtual machine down; if it is down, {repair}")));
    }
    if features & !KNOWN != 0 {
        return Err(unsupported(format!("the image uses unknown incompatible features ({:#x})", features & !KNOWN))
            .with_help("convert it with the program that made it: `qemu-img convert -O qcow2 -o compat=1.1 IMAGE NEW.qcow2`"));
    }
    Ok(())
}

/// The offset of the L1 table and the entries that are needed: it must cover the disk and lie within the file.
fn check_l1(
    file: &ImageFile,
    head: &[u8],
    cluster_bits: u32,
    size: u64,
    extended_l2: bool,
) -> Result<(u64, u64)> {
    if extended_l2 && cluster_bits < 14 {
        return Err(invalid(format!(
            "extended L2 entries with clusters of 2^{cluster_bits} bytes; 2^14 is the least"
        )));
    }
    let l2_bits = cluster_bits - if extended_l2 { 4 } else { 3 };
    let (entries, offset) = (u64::from(be::u32_in(head, 36)), be::u64_in(head, 40));
    let needed = size.div_ceil(1 << (cluster_bits + l2_bits));
    if entries < needed {
        return Err(invalid(format!(
            "the L1 table has {entries} entries; a disk of {size} bytes needs {needed}"
        ))
        .with_help("the image is damaged: examine it with `qemu-img check`"));
    }
    if offset % (1 << cluster_bits) != 0 || offset == 0 {
        return Err(invalid(format!("the L1 table is at the misaligned offset {offset}")));
    }
    file.check(offset, needed * 8)?; // both are below 2^56
    Ok((offset, needed))
}

/// The extensions that are needed to read.
#[derive(Debug, Default)]
struct Extensions {
    backing_format: Option<String>,
    data_file: Option<String>,
}

impl Extensions {
    fn read(file: &ImageFile, mut at: u64, end: u64) -> Result<Self> {
        let mut found = Self::default();
        while at + 8 <= end {
            let head: [u8; 8] = match file.read_array(at) {
                Ok(head) => head,
                // A small image may end within its first cluster.
                Err(_) if at + 8 > file.size() => break,
                Err(error) => return Err(error),
            };
            let (kind, length) = (be::u32_in(&head, 0), u64::from(be::u32_in(&head, 4)));
            at += 8;
            if kind == END_OF_EXTENSIONS {
                break;
            }
            if length > end - at {
                return Err(invalid(format!(
                    "a header extension of {length} bytes at offset {at} exceeds the header"
                )));
            }
            let string = |what| {
                if length > u64::from(MAX_NAME) {
                    return Err(invalid(format!("{what} has {length} bytes")));
                }
                text(file.read_vec(at, length as usize)?, what).map(Some)
            };
            match kind {
                BACKING_FORMAT => found.backing_format = string("the format of the backing file")?,
                DATA_FILE_NAME => found.data_file = string("the name of the data file")?,
                _ => {}
            }
            at += length.next_multiple_of(8);
        }
        Ok(found)
    }
}

fn text(bytes: Vec<u8>, what: &str) -> Result<String> {
    String::from_utf8(bytes).map_err(|_| invalid(format!("{what} is not UTF-8 text")))
}
