//! The tools that the tests compare with, and the disks that both read.

use std::fs;
use std::path::Path;
use std::process::Command;

use vmtemplate::DiskImage;
use vmtemplate::disk::ExtentKind;

/// Run a tool to its end; `words` is split at spaces, and each `@` in it is replaced with the next of `paths`.
pub(crate) fn run(tool: &str, words: &str, paths: &[&Path]) -> String {
    let mut paths = paths.iter();
    let mut command = Command::new(tool);
    for word in words.split_whitespace() {
        match word.split_once('@') {
            Some((before, after)) => {
                let path = paths.next().expect("a path for every @");
                command.arg(format!("{before}{}{after}", path.display()));
            }
            None => {
                command.arg(word);
            }
        }
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

pub(crate) fn qemu_img(words: &str, paths: &[&Path]) -> String {
    run("qemu-img", words, paths)
}

/// A small deterministic generator with a seed.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        // SplitMix64 (Steele, Lea, Flood 2014).
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub(crate) fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
    }
}

/// A disk with everything that matters to a reader: random data, text, written zeros, holes, odd boundaries.
pub(crate) fn pattern(size: usize) -> Vec<u8> {
    let mut disk = vec![0; size];
    let mut random = Random(size as u64);
    let mut at = 0;
    while at < size {
        let length = (512 * (1 + random.below(600)) as usize).min(size - at);
        let part = &mut disk[at..at + length];
        match random.below(4) {
            0 => random.fill(part),
            1 => part
                .iter_mut()
                .zip(b"all work and no play ".iter().cycle())
                .for_each(|(to, from)| *to = *from),
            _ => {} // zeros
        }
        at += length;
    }
    disk
}

/// Write a raw file that has holes where the disk has zeros.
pub(crate) fn write_sparse(path: &Path, disk: &[u8]) {
    use std::io::{Seek, SeekFrom, Write};
    let mut file = fs::File::create(path).unwrap();
    file.set_len(disk.len() as u64).unwrap();
    for (index, block) in disk.chunks(4096).enumerate() {
        if block.iter().any(|&b| b != 0) {
            file.seek(SeekFrom::Start(index as u64 * 4096)).unwrap();
            file.write_all(block).unwrap();
        }
    }
}

/// The whole disk, after checking that its map is complete and correct.
pub(crate) fn read_all(disk: &DiskImage) -> Vec<u8> {
    let whole = disk.read_vec(0, disk.size() as usize).unwrap();
    let mut end = 0;
    for extent in disk.extents() {
        let extent = extent.unwrap();
        assert_eq!(extent.offset, end, "the map has no gaps");
        end = extent.end();
        if extent.kind == ExtentKind::Zero {
            let bytes = &whole[extent.offset as usize..end as usize];
            assert!(bytes.iter().all(|&b| b == 0), "{extent:?} is not zeros");
        }
    }
    assert_eq!(end, disk.size());
    whole
}

/// The map of `qemu-img map`: a value for every 512 bytes, `true` for data.
pub(crate) fn qemu_map(words: &str, image: &Path, size: u64) -> Vec<bool> {
    let json = qemu_img(&format!("map --output=json {words} @"), &[image]);
    let mut map = vec![false; (size / 512) as usize];
    for entry in serde_json::from_str::<serde_json::Value>(&json).unwrap().as_array().unwrap() {
        let (start, length) = (entry["start"].as_u64().unwrap(), entry["length"].as_u64().unwrap());
        let data = entry["data"].as_bool().unwrap() && !entry["zero"].as_bool().unwrap();
        for sector in start / 512..((start + length) / 512).min(size / 512) {
            map[sector as usize] = data;
        }
    }
    map
}

pub(crate) fn our_map(disk: &DiskImage) -> Vec<bool> {
    let mut map = vec![false; (disk.size() / 512) as usize];
    for extent in disk.extents() {
        let extent = extent.unwrap();
        for sector in extent.offset / 512..extent.end() / 512 {
            map[sector as usize] = extent.kind == ExtentKind::Data;
        }
    }
    map
}
