//! Archives: any bytes, a wrong index, a tar stream.

use std::sync::OnceLock;

use vmtemplate::archive::PackOptions;
use vmtemplate::disk::FreeSpace;
use vmtemplate::{DiskImage, Script, Template};

use crate::build;
use crate::outcome::{self, Files};

/// Any bytes as an archive.
pub(crate) fn archive(bytes: &[u8]) {
    outcome::of(bytes).ok();
}

/// An archive made by vmtemplate with another index. Whatever the index says, reading returns the content of the
/// archive.
///
/// The first byte decides what the others are: the raw bytes after the members (0); the records of a consistent index
/// (1); or the same with the last record changed so that it also matches the length of the members (any other value).
pub(crate) fn index(bytes: &[u8]) {
    let (members, expected) = members();
    let Some((&mode, rest)) = bytes.split_first() else { return };
    let at = members.len() as u64;
    let tail = match mode {
        0 => rest.to_vec(),
        1 => build::index(rest, at),
        _ => {
            let mut records = rest[..rest.len() / 8 * 8].to_vec();
            let sum: u64 = records.chunks_exact(8).map(|r| u64::from(length(r))).sum();
            if let Some(last) = records.chunks_exact_mut(8).last() {
                let others = sum - u64::from(length(last));
                last[..4].copy_from_slice(&(at.saturating_sub(others) as u32).to_le_bytes());
            }
            build::index(&records, at)
        }
    };
    if let Ok(files) = outcome::of(&[members, &tail].concat()) {
        assert!(files == *expected, "an index changed the content that is read");
    }
}

fn length(record: &[u8]) -> u32 {
    u32::from_le_bytes(record[..4].try_into().unwrap())
}

/// The members of an archive without its index, and the files in it.
pub(crate) fn members() -> (&'static [u8], &'static Files) {
    static ARCHIVE: OnceLock<(Vec<u8>, Files)> = OnceLock::new();
    let (members, files) = ARCHIVE.get_or_init(|| {
        let bytes = packed();
        let files = outcome::of(&bytes).unwrap();
        // The footer is 70 bytes long, and its payload begins with the offset of the index.
        let footer = bytes.len() - 70;
        let index_at = u64::from_le_bytes(bytes[footer + 28..footer + 36].try_into().unwrap()) as usize;
        (bytes[..index_at].to_vec(), files)
    });
    (members, files)
}

/// A small archive made by vmtemplate: three files, data and zeros in the image.
pub(crate) fn packed() -> Vec<u8> {
    let mut image = vec![0; (3 << 20) + 512];
    image[..4].copy_from_slice(b"data");
    image[(1 << 20) - 100..1 << 20].fill(7);
    image[(3 << 20) + 511] = 1;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.tar.gz");
    let options = PackOptions { mtime: Some(0), free_space: FreeSpace::Keep, ..PackOptions::default() };
    Template::builder("Windows-Server-2019")
        .image(DiskImage::from_bytes(image))
        .image_name("win.hddimage")
        .script(Script::from_text("@echo off\r\n"))
        .script_name("windows.cmd")
        .build()
        .and_then(|template| template.pack(&path, &options))
        .unwrap();
    std::fs::read(path).unwrap()
}

/// A tar stream, compressed as another tool does and as vmtemplate does. Both archives have the same content.
///
/// The first byte is the length of vmtemplate's members in half blocks; if it is odd, the checksums of headers are
/// fixed.
pub(crate) fn tar(bytes: &[u8]) {
    let Some((&mode, rest)) = bytes.split_first() else { return };
    let mut stream = rest.to_vec();
    if mode & 1 == 1 {
        for block in stream.chunks_exact_mut(512).filter(|block| block[257..262] == *b"ustar") {
            build::sum(block);
        }
    }
    let theirs = outcome::of(&build::gzip(&stream));
    let cut = 256 * (1 + usize::from(mode >> 1));
    let members: Vec<u8> = stream.chunks(cut).flat_map(|part| build::member(0, &[], part)).collect();
    let ours = outcome::of(&members);
    assert!(
        stream.is_empty() || theirs == ours,
        "{:?} as one stream, {:?} as members",
        kind(&theirs),
        kind(&ours)
    );
}

fn kind(outcome: &Result<Files, vmtemplate::ErrorKind>) -> String {
    match outcome {
        Ok(files) => format!("{} files", files.len()),
        Err(kind) => kind.to_string(),
    }
}
