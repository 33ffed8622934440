//! The small Windows disks of the fixtures, and functions that introduce one fault into them.

// A failure here fails the calling test.
#![allow(clippy::unwrap_used, clippy::panic, clippy::missing_panics_doc)]

use std::io::Read;
use std::path::Path;
use std::sync::OnceLock;

use crate::registry::{self, Key, utf16};
use crate::{has_tool, is_root, ntfs, run, skipped};
use vmtemplate::disk::{NtfsVolume, PartitionTable, RegistryHive, RegistryKey, RegistryType};
use vmtemplate::report::{CheckOptions, Finding, Rule};
use vmtemplate::{DiskImage, Report, Script, Template};

/// A fixture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Base(&'static str);

/// A disk that starts by BIOS.
pub const BIOS: Base = Base("windows-bios.raw.gz");
/// A disk that starts by UEFI.
pub const UEFI: Base = Base("windows-uefi.raw.gz");

impl Base {
    /// The disk of this fixture.
    pub fn disk(self) -> WindowsDisk {
        static DISKS: [OnceLock<Vec<u8>>; 2] = [OnceLock::new(), OnceLock::new()];
        let bytes = DISKS[usize::from(self == UEFI)].get_or_init(|| {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures").join(self.0);
            let mut bytes = Vec::new();
            flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_end(&mut bytes).unwrap();
            bytes
        });
        WindowsDisk { bytes: bytes.clone() }
    }
}

/// A disk with Windows, in memory.
pub struct WindowsDisk {
    /// All of it.
    pub bytes: Vec<u8>,
}

impl WindowsDisk {
    /// The disk as an image.
    pub fn image(self) -> DiskImage {
        DiskImage::from_bytes(self.bytes)
    }

    /// The current disk as an image.
    pub fn view(&self) -> DiskImage {
        DiskImage::from_bytes(self.bytes.clone())
    }

    /// The last partition: that of Windows.
    fn system_range(&self) -> std::ops::Range<usize> {
        let table = PartitionTable::read(&self.view()).unwrap();
        let range = table.partitions.last().unwrap().range().unwrap();
        range.start as usize..range.end as usize
    }

    fn read(&self, path: &str) -> Vec<u8> {
        let range = self.system_range();
        let disk = self.view();
        let volume = NtfsVolume::open(&disk, range.start as u64..range.end as u64).unwrap();
        volume.file(path).unwrap().read(16 << 20).unwrap()
    }

    /// Change bytes of the volume of Windows.
    pub fn patch_system_volume(&mut self, change: impl FnOnce(&mut [u8])) {
        let range = self.system_range();
        change(&mut self.bytes[range]);
    }

    /// Mount the volume of Windows with ntfs-3g and change it. Returns whether it could be mounted; if not, prints what
    /// is missing.
    pub fn mount_system_volume(&mut self, change: impl FnOnce(&Path)) -> bool {
        if !["ntfs-3g", "umount"].into_iter().all(has_tool) || !is_root() {
            return false;
        }
        if !Path::new("/dev/fuse").exists() {
            skipped("/dev/fuse is missing");
            return false;
        }
        let folder = ntfs::scratch();
        let (volume, root) = (folder.path().join("volume"), folder.path().join("root"));
        let range = self.system_range();
        std::fs::write(&volume, &self.bytes[range.clone()]).unwrap();
        std::fs::create_dir(&root).unwrap();
        run("ntfs-3g", [&volume, &root]);
        let changed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| change(&root)));
        run("umount", [&root]);
        changed.unwrap();
        self.bytes[range].copy_from_slice(&std::fs::read(&volume).unwrap());
        true
    }

    /// Rename a file or folder of an NTFS volume; the new name has the same length and the same position in the order.
    pub fn rename(&mut self, from: &str, to: &str) {
        let (from, to) = (utf16(from), utf16(to));
        assert_eq!(from.len(), to.len());
        let mut places = Vec::new();
        for at in (0..self.bytes.len()).step_by(512) {
            let length = match &self.bytes[at..at + 4] {
                b"FILE" => 1024,
                b"INDX" => 4096,
                _ => continue,
            };
            let end = (at + length).min(self.bytes.len());
            let windows = self.bytes[at..end].windows(from.len()).enumerate();
            // The length of a name in characters and its kind are before it.
            places.extend(
                windows
                    .filter(|(_, window)| *window == from)
                    .map(|(within, _)| at + within)
                    .filter(|&place| usize::from(self.bytes[place - 2]) == from.len() / 2),
            );
        }
        assert!(places.len() >= 2, "a name stands in its record and in its folder: {places:?}");
        for place in places {
            self.bytes[place..place + to.len()].copy_from_slice(&to);
        }
    }

    /// Rename a file of the EFI system partition; the new name has the same length.
    pub fn rename_fat(&mut self, from: &str, to: &str) {
        let short = |name: &str| {
            let (stem, extension) = name.split_once('.').unwrap();
            format!("{:<8}{:<3}", stem.to_uppercase(), extension.to_uppercase()).into_bytes()
        };
        // A long name is split into pieces of 5, 6 and 2 characters.
        let piece = |name: &str| utf16(&name.chars().skip(5).take(6).collect::<String>());
        let mut places = 0;
        for (from, to) in [(short(from), short(to)), (piece(from), piece(to))] {
            if from == to {
                continue;
            }
            while let Some(at) = self.bytes[..5 << 20].windows(from.len()).position(|window| window == from) {
                self.bytes[at..at + to.len()].copy_from_slice(&to);
                places += 1;
            }
        }
        assert!(places > 0, "{from}");
    }

    /// Replace every occurrence of some bytes in a file of Windows with bytes of the same length.
    pub fn patch_file(&mut self, path: &str, from: &[u8], to: &[u8]) {
        assert_eq!(from.len(), to.len());
        let content = self.read(path);
        let first = content.windows(from.len()).position(|window| window == from).unwrap();
        let mut wanted = content.clone();
        let mut at = first;
        while let Some(next) = wanted[at..].windows(from.len()).position(|window| window == from) {
            at += next;
            wanted[at..at + to.len()].copy_from_slice(to);
            at += to.len();
            if from == [0; 4] {
                break; // zeros: the first ones
            }
        }
        self.write(path, &content, &wanted);
    }

    /// Overwrite the content of a file in place with content of the same length.
    fn write(&mut self, path: &str, old: &[u8], new: &[u8]) {
        assert_eq!(old.len(), new.len());
        let system = self.system_range();
        let volume = &mut self.bytes[system];
        let record = record_named(volume, path.rsplit('/').next().unwrap());
        let data = ntfs::attribute_at(volume, record, 0x80, "");
        if volume[data + 8] == 0 {
            let at = data + ntfs::u16_at(volume, data + 20);
            for (offset, (old, new)) in old.iter().zip(new).enumerate().filter(|(_, (old, new))| old != new) {
                // The last two bytes of each sector of a record are in its update sequence.
                assert!((at + offset) % 512 < 510);
                assert_eq!(volume[at + offset], *old);
                volume[at + offset] = *new;
            }
        } else {
            let at = ntfs::first_cluster_of_record(volume, record) * 4096;
            assert!(&volume[at..at + old.len()] == old, "{path} stands in several pieces");
            volume[at..at + new.len()].copy_from_slice(new);
        }
        assert!(self.read(path) == new);
    }

    /// Change a hive: read it, change it as a tree, and write it back in place.
    pub fn registry(&mut self, name: &str, change: impl FnOnce(&mut Key)) {
        let path = format!("Windows/System32/config/{name}");
        let old = self.read(&path);
        let mut root = tree(&RegistryHive::from_bytes(old.clone()).unwrap().root().unwrap());
        change(&mut root);
        let mut new = registry::hive(&root);
        assert!(new.len() <= old.len(), "{name} has no room");
        new.resize(old.len(), 0);
        self.write(&path, &old, &new);
    }

    /// Make a resident file of Windows empty.
    pub fn empty_file(&mut self, name: &str) {
        self.patch_system_volume(|volume| empty(volume, name));
    }

    /// Make a hive look as if Windows was switched off while writing it.
    pub fn reopen_hive(&mut self, name: &str) {
        let path = format!("Windows/System32/config/{name}");
        let old = self.read(&path);
        let mut new = old.clone();
        new[4] += 1;
        registry::seal(&mut new);
        self.write(&path, &old, &new);
    }

    /// Add a partition of this type after all others of an MBR.
    pub fn add_partition_behind(&mut self, kind: u8) {
        let entry = 446 + 2 * 16;
        assert_eq!(self.bytes[entry + 4], 0);
        let end = (self.system_range().end / 512) as u32;
        self.bytes[entry + 4] = kind;
        self.bytes[entry + 8..entry + 12].copy_from_slice(&end.to_le_bytes());
        self.bytes[entry + 12..entry + 16].copy_from_slice(&64_u32.to_le_bytes());
    }

    /// Set the type of entry `entry` of a GPT to that of entry `other`, in both copies.
    pub fn set_gpt_kind(&mut self, entry: usize, other: usize) {
        let last = self.bytes.len() - 512;
        for header in [512, last] {
            let field = |bytes: &[u8], at: usize, length: usize| {
                bytes[header + at..][..length].iter().rev().fold(0, |n, &b| n << 8 | usize::from(b))
            };
            let table = field(&self.bytes, 72, 8) * 512;
            let length = field(&self.bytes, 80, 4) * field(&self.bytes, 84, 4);
            self.bytes.copy_within(table + other * 128..table + other * 128 + 16, table + entry * 128);
            let sum = crc32(&self.bytes[table..table + length]);
            self.bytes[header + 88..header + 92].copy_from_slice(&sum.to_le_bytes());
            self.bytes[header + 16..header + 20].fill(0);
            let sum = crc32(&self.bytes[header..header + 92]);
            self.bytes[header + 16..header + 20].copy_from_slice(&sum.to_le_bytes());
        }
    }
}

/// Make a resident file of this volume empty.
pub fn empty(volume: &mut [u8], name: &str) {
    let record = record_named(volume, name);
    let data = ntfs::attribute_at(volume, record, 0x80, "");
    assert_eq!(volume[data + 8], 0, "{name} stands in clusters");
    volume[data + 16..data + 20].fill(0);
}

/// The offset of the record of the file or folder with this name.
pub fn record_named(volume: &[u8], name: &str) -> usize {
    let name = utf16(name);
    let is_named = |&at: &usize| {
        if !volume[at..].starts_with(b"FILE") || ntfs::u16_at(volume, at + 22) & 1 == 0 {
            return false;
        }
        // The attributes before the name are skipped; a record may have no name, such as the first ones of a volume.
        let mut attribute = at + ntfs::u16_at(volume, at + 20);
        while ntfs::u32_at(volume, attribute) < 0x30 {
            attribute += ntfs::u32_at(volume, attribute + 4);
        }
        let value = attribute + ntfs::u16_at(volume, attribute + 20);
        ntfs::u32_at(volume, attribute) == 0x30
            && usize::from(volume[value + 64]) * 2 == name.len()
            && volume[value + 66..].starts_with(&name)
    };
    (0..volume.len()).step_by(512).find(is_named).unwrap()
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, &byte| {
        (0..8).fold(sum ^ u32::from(byte), |sum, _| sum >> 1 ^ if sum & 1 == 1 { 0xEDB8_8320 } else { 0 })
    })
}

fn tree(key: &RegistryKey<'_>) -> Key {
    let number = |kind| match kind {
        RegistryType::Other(number) => number,
        kind => (0..12).find(|&number| RegistryType::from(number) == kind).unwrap(),
    };
    let values = key.values().unwrap();
    Key {
        name: key.name().to_owned(),
        values: values.iter().map(|v| (v.name().to_owned(), number(v.kind()), v.data().unwrap())).collect(),
        keys: key.subkeys().unwrap().iter().map(tree).collect(),
        ..Key::default()
    }
}

/// The key at `path`, which is created if it does not exist.
fn at<'k>(root: &'k mut Key, path: &str) -> &'k mut Key {
    path.split('\\').fold(root, |key, name| {
        let index = key.keys.iter().position(|below| below.name == name).unwrap_or_else(|| {
            key.keys.push(registry::key(name, Vec::new()));
            key.keys.len() - 1
        });
        &mut key.keys[index]
    })
}

/// Add a key and its parents.
pub fn add(root: &mut Key, path: &str) {
    at(root, path);
}

/// Set a value, in a key that is added if it does not exist.
pub fn set(root: &mut Key, path: &str, name: &str, kind: u32, data: Vec<u8>) {
    let key = at(root, path);
    key.values.retain(|(known, _, _)| known != name);
    key.values.push((name.to_owned(), kind, data));
}

/// Set a value to a number.
pub fn set_u32(root: &mut Key, path: &str, name: &str, value: u32) {
    set(root, path, name, 4, value.to_le_bytes().to_vec());
}

/// Set a value to a text.
pub fn set_text(root: &mut Key, path: &str, name: &str, text: &str) {
    set(root, path, name, 1, utf16(&format!("{text}\0")));
}

/// Remove a key and its subkeys.
pub fn remove(root: &mut Key, path: &str) {
    let (parent, name) = path.rsplit_once('\\').unwrap();
    let parent = at(root, parent);
    let before = parent.keys.len();
    parent.keys.retain(|key| key.name != name);
    assert_eq!(parent.keys.len() + 1, before, "{path}");
}

/// The report of a check of a template with this disk.
pub fn check(disk: DiskImage, script: Option<&str>, memory_mib: u64) -> Report {
    let script = script.map_or_else(Script::default_windows, Script::from_text);
    let template = Template::builder("Windows-Server-2019")
        .image(disk)
        .script(script)
        .memory_mib(memory_mib)
        .ipv4(true)
        .tag("windows")
        .build()
        .unwrap();
    template.check(&CheckOptions::default()).unwrap()
}

/// The findings of the rules of the image, except the note that names the Windows.
pub fn findings(report: &Report) -> Vec<&Finding> {
    report
        .findings()
        .iter()
        .filter(|finding| is_of_the_image(finding.rule()) && finding.rule().code != "VMT0501")
        .collect()
}

/// Whether a rule concerns the contents of the image.
pub fn is_of_the_image(rule: &Rule) -> bool {
    ("VMT0300".."VMT0700").contains(&rule.code)
}
