//! A CD image of a few files: ISO 9660 with Joliet names, and nothing more.
//!
//! The formats: ECMA-119 (the sections are cited as §) and the Joliet specification of Microsoft. Everything is in
//! one folder. Times are 1980-01-01, so that the same files always give the same bytes.

const SECTOR: usize = 2048;
/// The first 16 sectors belong to the system (§6.2.1); then come two descriptors and their terminator.
const DESCRIPTORS: usize = 16;
const PATH_TABLES: usize = DESCRIPTORS + 3;
const ROOTS: usize = PATH_TABLES + 4;
const FILES: usize = ROOTS + 2;
/// The path table of a volume with one folder has one entry (§9.4).
const PATH_TABLE_SIZE: u32 = 10;
/// A directory record without its name (§9.1).
const RECORD: usize = 33;
/// The time of all that has one, as a directory record writes it (§9.1.5) and as a descriptor does (§8.4.26.1).
const TIME: [u8; 7] = [80, 1, 1, 0, 0, 0, 0];
const LONG_TIME: &[u8; 17] = b"1980010100000000\0";
const NO_TIME: &[u8; 17] = b"0000000000000000\0";

/// One file of the image; its name is one of 8.3 characters of ISO 9660, in any case.
pub(super) struct IsoFile<'b> {
    pub(super) name: &'static str,
    pub(super) bytes: &'b [u8],
}

/// The two trees of names.
#[derive(Clone, Copy, PartialEq)]
enum Tree {
    Iso,
    Joliet,
}

impl Tree {
    /// A name as this tree writes it: `FIRSTRUN.CMD;1`, or `firstrun.cmd` in UCS-2.
    fn name(self, name: &str) -> Vec<u8> {
        match self {
            Self::Iso => format!("{};1", name.to_ascii_uppercase()).into_bytes(),
            Self::Joliet => self.text(name),
        }
    }

    fn text(self, text: &str) -> Vec<u8> {
        match self {
            Self::Iso => text.as_bytes().to_vec(),
            Self::Joliet => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        }
    }

    fn root(self) -> usize {
        ROOTS + usize::from(self == Self::Joliet)
    }

    fn path_table(self) -> usize {
        PATH_TABLES + if self == Self::Joliet { 2 } else { 0 }
    }
}

/// The image of these files, whose names are sorted.
///
/// Names and number are the crate's own: they fit into one sector of records.
pub(super) fn image(volume: &str, files: &[IsoFile<'_>]) -> Vec<u8> {
    let sectors = FILES + files.iter().map(|file| file.bytes.len().div_ceil(SECTOR)).sum::<usize>();
    let mut image = vec![0; sectors * SECTOR];
    for (at, tree) in [(DESCRIPTORS, Tree::Iso), (DESCRIPTORS + 1, Tree::Joliet)] {
        put(&mut image, at, &descriptor(volume, tree, sectors));
        let root = tree.root() as u32;
        put(&mut image, tree.path_table(), &path_table(root.to_le_bytes(), 1u16.to_le_bytes()));
        put(&mut image, tree.path_table() + 1, &path_table(root.to_be_bytes(), 1u16.to_be_bytes()));
        // The folder itself and its parent are named 0 and 1 (§6.8.2.2).
        let mut records = record(tree.root(), SECTOR, true, &[0]);
        records.extend(record(tree.root(), SECTOR, true, &[1]));
        let mut at = FILES;
        for file in files {
            records.extend(record(at, file.bytes.len(), false, &tree.name(file.name)));
            at += file.bytes.len().div_ceil(SECTOR);
        }
        put(&mut image, tree.root(), &records);
    }
    put(&mut image, DESCRIPTORS + 2, b"\xFFCD001\x01");
    let mut at = FILES;
    for file in files {
        put(&mut image, at, file.bytes);
        at += file.bytes.len().div_ceil(SECTOR);
    }
    image
}

fn put(image: &mut [u8], sector: usize, bytes: &[u8]) {
    image[sector * SECTOR..][..bytes.len()].copy_from_slice(bytes);
}

/// A number in both byte orders (§7.3.3).
fn both32(number: u32) -> [u8; 8] {
    let mut both = [0; 8];
    both[..4].copy_from_slice(&number.to_le_bytes());
    both[4..].copy_from_slice(&number.to_be_bytes());
    both
}

/// The same for 16 bits (§7.2.3).
fn both16(number: u16) -> [u8; 4] {
    let ([a, b], [c, d]) = (number.to_le_bytes(), number.to_be_bytes());
    [a, b, c, d]
}

/// A directory record (§9.1): a file or folder and where it is.
fn record(sector: usize, size: usize, folder: bool, name: &[u8]) -> Vec<u8> {
    let length = (RECORD + name.len()).next_multiple_of(2);
    let mut record = vec![length as u8, 0];
    record.extend(both32(sector as u32));
    record.extend(both32(size as u32));
    record.extend(TIME);
    record.extend([if folder { 2 } else { 0 }, 0, 0]);
    record.extend(both16(1));
    record.push(name.len() as u8);
    record.extend(name);
    record.resize(length, 0);
    record
}

/// A path table with the root only (§9.4), in the byte order of its arguments.
fn path_table(root: [u8; 4], parent: [u8; 2]) -> Vec<u8> {
    [&[1, 0][..], &root, &parent, &[0, 0]].concat()
}

/// The descriptor of a tree (§8.4, §8.5).
fn descriptor(volume: &str, tree: Tree, sectors: usize) -> Vec<u8> {
    let joliet = tree == Tree::Joliet;
    let mut bytes = Vec::with_capacity(SECTOR);
    bytes.extend(if joliet { b"\x02CD001\x01\0" } else { b"\x01CD001\x01\0" });
    text(&mut bytes, tree, "", 32);
    text(&mut bytes, tree, volume, 32);
    bytes.extend([0; 8]);
    bytes.extend(both32(sectors as u32));
    // The escape sequence of UCS-2 level 3 says that this is Joliet.
    let mut escapes = [0; 32];
    if joliet {
        escapes[..3].copy_from_slice(b"%/E");
    }
    bytes.extend(escapes);
    bytes.extend(both16(1)); // volumes in the set
    bytes.extend(both16(1)); // which one this is
    bytes.extend(both16(SECTOR as u16));
    bytes.extend(both32(PATH_TABLE_SIZE));
    let table = tree.path_table() as u32;
    bytes.extend(table.to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend((table + 1).to_be_bytes());
    bytes.extend([0; 4]);
    bytes.extend(record(tree.root(), SECTOR, true, &[0]));
    // The set, publisher, preparer and application; then three files that describe them.
    for (what, length) in [("", 128), ("", 128), ("", 128), ("VMTEMPLATE", 128), ("", 37), ("", 37), ("", 37)]
    {
        text(&mut bytes, tree, what, length);
    }
    // Created, modified, expires, effective.
    for time in [LONG_TIME, LONG_TIME, NO_TIME, NO_TIME] {
        bytes.extend(time);
    }
    bytes.extend([1, 0]);
    bytes
}

/// A text filled up with spaces (§7.4.3.2); an odd byte at the end of a Joliet one is zero.
fn text(bytes: &mut Vec<u8>, tree: Tree, text: &str, length: usize) {
    let end = bytes.len() + length;
    bytes.extend(tree.text(text));
    let space = tree.text(" ");
    while bytes.len() + space.len() <= end {
        bytes.extend(&space);
    }
    bytes.resize(end, 0);
}
