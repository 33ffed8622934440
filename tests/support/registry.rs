//! Registry hives written byte by byte, after Maxim Suhanov's "Windows registry file format specification".

// A failure here fails the calling test.
#![allow(clippy::unwrap_used, clippy::panic, clippy::missing_panics_doc)]

/// A key to write.
#[derive(Debug, Clone, Default)]
pub struct Key {
    /// Its name.
    pub name: String,
    /// The name, type and data of each value.
    pub values: Vec<(String, u32, Vec<u8>)>,
    /// Its subkeys.
    pub keys: Vec<Key>,
    /// The kind of its list of subkeys.
    pub list: List,
}

/// The kind of the list of subkeys.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum List {
    /// With the first characters of each name.
    Lf,
    /// With a hash of each name, as Windows writes it.
    #[default]
    Lh,
    /// With the offsets alone.
    Li,
    /// An `ri` over `lh` lists with this many keys each.
    Ri(usize),
}

/// A key without values.
pub fn key(name: &str, keys: Vec<Key>) -> Key {
    Key { name: name.into(), keys, ..Key::default() }
}

/// The text as little-endian UTF-16.
pub fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// The bytes of a hive with this root.
pub fn hive(root: &Key) -> Vec<u8> {
    let mut bins = Bins(vec![0; 32]);
    let security = bins.cell(&[b"sk\0\0".to_vec(), words(&[0, 0, 1, 20]), security()].concat());
    bins.patch(security + 8, &words(&[security, security]));
    let at = bins.key(root, u32::MAX, security, 0x2C);
    let used = bins.0.len();
    // The rest of the bin is one free cell.
    let size = (used + 8).next_multiple_of(4096);
    bins.0.resize(size, 0);
    bins.patch(used as u32, &words(&[(size - used) as u32]));
    bins.patch(0, &[b"hbin".to_vec(), words(&[0, size as u32])].concat());
    let mut bytes = vec![0; 4096];
    bytes[..4].copy_from_slice(b"regf");
    bytes[4..48].copy_from_slice(&words(&[1, 1, 0, 0, 1, 5, 0, 1, at, size as u32, 1]));
    bytes.extend(bins.0);
    seal(&mut bytes);
    bytes
}

/// Fix the checksum of the base block.
pub fn seal(hive: &mut [u8]) {
    let word = |chunk: &[u8]| u32::from_le_bytes(chunk.try_into().unwrap());
    let sum = match hive[..508].chunks_exact(4).map(word).fold(0, |sum, word| sum ^ word) {
        0 => 1,
        u32::MAX => u32::MAX - 1,
        sum => sum,
    };
    hive[508..512].copy_from_slice(&sum.to_le_bytes());
}

/// A security descriptor without owner and permissions.
fn security() -> Vec<u8> {
    [vec![1, 0, 0, 0x80], vec![0; 16]].concat()
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn halves(halves: &[usize]) -> Vec<u8> {
    halves.iter().flat_map(|&half| u16::try_from(half).unwrap().to_le_bytes()).collect()
}

/// A name and whether it is Latin-1.
fn encode(name: &str) -> (Vec<u8>, bool) {
    match name.chars().map(|c| u8::try_from(u32::from(c))).collect::<Result<Vec<_>, _>>() {
        Ok(latin1) => (latin1, true),
        Err(_) => (utf16(name), false),
    }
}

fn hash(name: &str) -> u32 {
    name.to_uppercase().encode_utf16().fold(0, |hash: u32, c| hash.wrapping_mul(37).wrapping_add(c.into()))
}

fn hint(name: &str) -> u32 {
    let (bytes, is_latin1) = encode(name);
    let mut hint = [0; 4];
    if is_latin1 {
        bytes.iter().zip(&mut hint).for_each(|(byte, slot)| *slot = *byte);
    }
    u32::from_le_bytes(hint)
}

struct Bins(Vec<u8>);

impl Bins {
    /// Add a cell with these bytes, and return its offset.
    fn cell(&mut self, bytes: &[u8]) -> u32 {
        let at = self.0.len();
        let size = (bytes.len() + 4).next_multiple_of(8);
        self.0.extend_from_slice(&(-i32::try_from(size).unwrap()).to_le_bytes());
        self.0.extend_from_slice(bytes);
        self.0.resize(at + size, 0);
        at as u32
    }

    fn patch(&mut self, at: u32, bytes: &[u8]) {
        self.0[at as usize..][..bytes.len()].copy_from_slice(bytes);
    }

    fn key(&mut self, key: &Key, parent: u32, security: u32, flags: usize) -> u32 {
        let (name, is_latin1) = encode(&key.name);
        let none = u32::MAX;
        let flags = if is_latin1 { flags } else { flags & !0x20 };
        let record = [
            b"nk".to_vec(),
            halves(&[flags]),
            words(&[0, 0, 0, parent, key.keys.len() as u32, 0, none, none, key.values.len() as u32, none]),
            words(&[security, none, 0, 0, 0, 0, 0]),
            halves(&[name.len(), 0]),
            name,
        ];
        let at = self.cell(&record.concat());
        let values: Vec<u32> = key.values.iter().map(|value| self.value(value)).collect();
        if !values.is_empty() {
            let list = self.cell(&words(&values));
            self.patch(at + 44, &words(&[list]));
        }
        let mut keys: Vec<&Key> = key.keys.iter().collect();
        keys.sort_by_key(|key| key.name.to_uppercase());
        let keys: Vec<(u32, &str)> =
            keys.iter().map(|below| (self.key(below, at, security, 0x20), below.name.as_str())).collect();
        if !keys.is_empty() {
            let list = self.list(&keys, key.list);
            self.patch(at + 32, &words(&[list]));
        }
        at
    }

    fn list(&mut self, keys: &[(u32, &str)], kind: List) -> u32 {
        let (magic, count, entries): (_, _, Vec<u8>) = match kind {
            List::Li => (b"li", keys.len(), keys.iter().flat_map(|(at, _)| words(&[*at])).collect()),
            List::Lf => {
                (b"lf", keys.len(), keys.iter().flat_map(|(at, name)| words(&[*at, hint(name)])).collect())
            }
            List::Lh => {
                (b"lh", keys.len(), keys.iter().flat_map(|(at, name)| words(&[*at, hash(name)])).collect())
            }
            List::Ri(each) => {
                let lists: Vec<u32> = keys.chunks(each).map(|part| self.list(part, List::Lh)).collect();
                (b"ri", lists.len(), words(&lists))
            }
        };
        self.cell(&[magic.to_vec(), halves(&[count]), entries].concat())
    }

    fn value(&mut self, (name, kind, data): &(String, u32, Vec<u8>)) -> u32 {
        let (name, is_latin1) = encode(name);
        let (size, place) = match data.len() {
            0..=4 => {
                let mut word = [0; 4];
                word[..data.len()].copy_from_slice(data);
                (data.len() as u32 | 1 << 31, u32::from_le_bytes(word))
            }
            5..=16_344 => (data.len() as u32, self.cell(data)),
            _ => {
                let segments: Vec<u32> = data.chunks(16_344).map(|part| self.cell(part)).collect();
                let list = self.cell(&words(&segments));
                let record = [b"db".to_vec(), halves(&[segments.len()]), words(&[list])].concat();
                (data.len() as u32, self.cell(&record))
            }
        };
        let record = [
            b"vk".to_vec(),
            halves(&[name.len()]),
            words(&[size, place, *kind]),
            halves(&[usize::from(is_latin1), 0]),
            name,
        ];
        self.cell(&record.concat())
    }
}
