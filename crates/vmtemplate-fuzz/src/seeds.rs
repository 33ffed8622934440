//! The seeds in `corpus/`: small inputs that differ in kind.

use super::build::{entry, gzip, header, member, pax};
use super::targets::archive::{members, packed};
use super::targets::{image, script, text, windows};

/// The seeds of a target by name. `make-corpus` writes them.
#[must_use]
pub fn seeds(target: &str) -> Vec<(&'static str, Vec<u8>)> {
    match target {
        "archive" => archives(),
        "index" => indexes(),
        // Checksums fixed, and members cut at odd positions.
        "tar" => streams().into_iter().map(|(name, bytes)| (name, [vec![7], bytes].concat())).collect(),
        _ => [image::seeds, windows::seeds, text::seeds, script::seeds]
            .into_iter()
            .find_map(|seeds| seeds(target))
            .unwrap_or_default(),
    }
}

fn archives() -> Vec<(&'static str, Vec<u8>)> {
    let plain =
        [entry(b"metainfo.xml", b'0', b"<doc/>"), entry(b"a/image", b'0', &[5; 700]), vec![0; 1024]].concat();
    let whole = packed();
    let without_index = members().0.to_vec();
    let cut: Vec<u8> = plain.chunks(600).flat_map(|part| member(0, &[], part)).collect();
    vec![
        ("empty", Vec::new()),
        ("gzip-of-nothing", gzip(&[])),
        ("members-cut-off", whole[..whole.len() / 2].to_vec()),
        ("members-of-600-bytes", cut),
        ("members-with-index", whole),
        ("members-without-index", without_index),
        ("plain", gzip(&plain)),
        ("two-gzip-members", [gzip(&plain[..1000]), gzip(&plain[1000..])].concat()),
    ]
}

fn indexes() -> Vec<(&'static str, Vec<u8>)> {
    let tail = packed()[members().0.len()..].to_vec();
    // One index member: its records begin after the 28 bytes of its header.
    let count = u64::from_le_bytes(tail[tail.len() - 70 + 36..][..8].try_into().unwrap()) as usize;
    let records = &tail[28..28 + 8 * count];
    let mut all_zeros = records.to_vec();
    all_zeros.chunks_exact_mut(8).for_each(|record| record[7] |= 0x80);
    let joined = records[..8].iter().chain(&records[16..]).copied().collect::<Vec<_>>();
    vec![
        ("as-it-is", [vec![0], tail.clone()].concat()),
        ("footer-alone", [vec![0], tail[tail.len() - 70..].to_vec()].concat()),
        ("none", vec![0]),
        ("record-left-out", [vec![2], joined].concat()),
        ("records", [vec![1], records.to_vec()].concat()),
        ("records-all-of-zeros", [vec![1], all_zeros].concat()),
        ("twice", [vec![0], tail.clone(), tail].concat()),
    ]
}

fn streams() -> Vec<(&'static str, Vec<u8>)> {
    let end = vec![0; 1024];
    let long = [b"folder/".to_vec(), vec![b'n'; 150]].concat();
    let sparse_1_0 = {
        let records = [
            pax("GNU.sparse.major", "1"),
            pax("GNU.sparse.minor", "0"),
            pax("GNU.sparse.name", "image"),
            pax("GNU.sparse.realsize", "100000"),
        ];
        let mut map = b"2\n512\n600\n99000\n1000\n".to_vec();
        map.resize(512, 0);
        [entry(b"x", b'x', &records.concat()), entry(b"y", b'0', &[map, vec![9; 1600]].concat()), end.clone()]
    };
    let sparse_0_1 = {
        let records = [
            pax("GNU.sparse.size", "5000"),
            pax("GNU.sparse.numblocks", "1"),
            pax("GNU.sparse.map", "1000,512"),
        ];
        [entry(b"x", b'x', &records.concat()), entry(b"image", b'0', &[9; 512]), end.clone()]
    };
    let sparse_0_0 = {
        let records = [
            pax("GNU.sparse.size", "5000"),
            pax("GNU.sparse.offset", "1000"),
            pax("GNU.sparse.numbytes", "512"),
        ];
        [entry(b"x", b'x', &records.concat()), entry(b"image", b'0', &[9; 512]), end.clone()]
    };
    let old_gnu = {
        let mut block = header(b"image", b'S', 512);
        block[257..265].copy_from_slice(b"ustar  \0");
        block[386..398].copy_from_slice(b"00000002000\0");
        block[398..410].copy_from_slice(b"00000001000\0");
        block[482] = 1;
        block[483..495].copy_from_slice(b"00000010000\0");
        let mut table = vec![0; 512];
        table[..12].copy_from_slice(b"00000010000\0");
        table[12..24].copy_from_slice(b"00000000000\0");
        [block.to_vec(), table, vec![9; 512], end.clone()]
    };
    let large = {
        let mut block = header(b"image", b'0', 0);
        block[124..136].copy_from_slice(&[0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0]);
        [block.to_vec(), vec![1; 512]]
    };
    vec![
        ("device", [entry(b"disk", b'3', b""), end.clone()].concat()),
        ("duplicate", [entry(b"Image", b'0', b"1"), entry(b"image", b'0', b"2"), end.clone()].concat()),
        ("empty-file", [entry(b"empty", b'0', b""), end.clone()].concat()),
        ("end-alone", end.clone()),
        ("file", [entry(b"image", b'0', b"content"), end.clone()].concat()),
        (
            "folders",
            [
                entry(b"./", b'5', b""),
                entry(b"a/b/", b'5', b""),
                entry(b"a/b/c", b'0', &[1; 513]),
                end.clone(),
            ]
            .concat(),
        ),
        ("larger-than-8-gib", large.concat()),
        ("leads-out", [entry(b"../image", b'0', b"x"), end.clone()].concat()),
        ("link", [entry(b"image", b'2', b""), end.clone()].concat()),
        (
            "long-name-gnu",
            [
                entry(b"././@LongLink", b'L', &[&long[..], b"\0"].concat()),
                entry(&long, b'0', b"x"),
                end.clone(),
            ]
            .concat(),
        ),
        (
            "long-name-pax",
            [
                entry(b"x", b'x', &pax("path", &String::from_utf8_lossy(&long))),
                entry(&long, b'0', b"x"),
                end.clone(),
            ]
            .concat(),
        ),
        ("size-in-pax", [entry(b"x", b'x', &pax("size", "3")), entry(b"image", b'0', b"abc"), end].concat()),
        ("sparse-0.0", sparse_0_0.concat()),
        ("sparse-0.1", sparse_0_1.concat()),
        ("sparse-1.0", sparse_1_0.concat()),
        ("sparse-old-gnu", old_gnu.concat()),
        ("without-end", entry(b"image", b'0', b"content")),
    ]
}
