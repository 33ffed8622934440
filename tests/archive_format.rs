//! A reader written only from `docs/archive-format.md`, without this crate: the document is sufficient.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

use std::fs;
use std::io::Read;

use vmtemplate::Template;
use vmtemplate::archive::PackOptions;
use vmtemplate::disk::FreeSpace;
use vmtemplate_test_support::{disk, noise};

fn u16_at(bytes: &[u8], at: usize) -> usize {
    u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap()).into()
}

fn u32_at(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

fn u64_at(bytes: &[u8], at: usize) -> usize {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize
}

#[derive(Debug, PartialEq)]
struct Member {
    at: usize,
    kind: u8,
    length: usize,
    content: usize,
}

/// "A member": every field is as the table says.
fn member(archive: &[u8], at: usize) -> Member {
    let bytes = &archive[at..];
    let payload = u16_at(bytes, 10) - 16;
    assert_eq!(bytes[..4], [0x1F, 0x8B, 8, 4]);
    assert_eq!(bytes[4..10], [0, 0, 0, 0, 0, 0xFF]);
    assert_eq!(&bytes[12..14], b"VM");
    assert_eq!(u16_at(bytes, 14), 12 + payload);
    assert_eq!((bytes[16], &bytes[18..20]), (1, &[0, 0][..]));
    let found = Member { at, kind: bytes[17], length: u32_at(bytes, 20), content: u32_at(bytes, 24) };
    assert!(payload == 0 || found.kind >= 2);
    let (deflated, trailer) = (&bytes[28 + payload..found.length - 8], &bytes[found.length - 8..]);
    let mut content = Vec::new();
    flate2::read::DeflateDecoder::new(deflated).read_to_end(&mut content).unwrap();
    let mut crc = flate2::Crc::new();
    crc.update(&content);
    assert_eq!((u32_at(trailer, 0), u32_at(trailer, 4)), (crc.sum() as usize, content.len()));
    assert_eq!(content.len(), found.content);
    match found.kind {
        0 => assert!(content.len() <= 1 << 20),
        1 => assert!(content.iter().all(|&byte| byte == 0)),
        _ => assert_eq!(deflated, [3, 0]),
    }
    found
}

#[test]
fn the_members_the_index_and_the_footer_are_as_the_document_says() {
    let work = tempfile::tempdir().unwrap();
    let path = work.path().join("t.tar.gz");
    let mut image = noise(1, 3 << 20);
    image.resize((3 << 20) + (9 << 20) + 512, 0);
    image.extend(noise(2, 1 << 20));
    let template = Template::builder("Windows-10").image(disk(&image)).build().unwrap();
    let options = PackOptions { free_space: FreeSpace::Keep, ..PackOptions::default() };
    template.pack(&path, &options).unwrap();
    let archive = fs::read(path).unwrap();

    let mut members = Vec::new();
    let mut at = 0;
    while at < archive.len() {
        members.push(member(&archive, at));
        at += members.last().unwrap().length;
    }
    assert_eq!(at, archive.len());
    let kinds: Vec<u8> = members.iter().map(|member| member.kind).collect();
    // Headers; 3 MiB of data; 9 MiB of zeros as 8 + 1; two chunks that 1 MiB of data is spread over; the end.
    assert_eq!(kinds, [0, 0, 0, 0, 1, 1, 0, 0, 0, 2, 3]);
    let zeros: Vec<usize> = members.iter().filter(|m| m.kind == 1).map(|m| m.content).collect();
    assert_eq!(zeros, [8 << 20, 1 << 20]);

    let [.., index, footer] = &members[..] else { panic!() };
    assert_eq!(footer.length, 70);
    let number = |before_end: usize| u64_at(&archive, archive.len() - before_end);
    assert_eq!(number(42), index.at);
    assert_eq!(number(34), members.len() - 2);
    assert_eq!(number(26), members.iter().map(|member| member.content).sum::<usize>());
    let records = &archive[index.at + 28..index.at + 28 + 8 * (members.len() - 2)];
    let mut crc = flate2::Crc::new();
    crc.update(records);
    assert_eq!(number(18), crc.sum() as usize);
    assert_eq!(archive[archive.len() - 10..], [3, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    for (record, member) in records.chunks_exact(8).zip(&members) {
        let expected = member.content | usize::from(member.kind == 1) << 31;
        assert_eq!((u32_at(record, 0), u32_at(record, 4)), (member.length, expected));
    }
}

/// Bits in the order of deflate: the lowest of a byte first; the first bit of a code first.
#[derive(Default)]
struct Bits(Vec<bool>);

impl Bits {
    fn number(&mut self, value: usize, bits: usize) {
        self.0.extend((0..bits).map(|bit| value >> bit & 1 == 1));
    }
    fn code(&mut self, bits: &[u8]) {
        self.0.extend(bits.iter().map(|&bit| bit == 1));
    }
    fn bytes(&self) -> Vec<u8> {
        let byte = |bits: &[bool]| bits.iter().enumerate().map(|(n, &bit)| u8::from(bit) << n).sum();
        self.0.chunks(8).map(byte).collect()
    }
}

/// "Zeros members", word for word.
fn zeros(n: usize) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.number(1, 1);
    bits.number(2, 2);
    bits.number(29, 5);
    bits.number(0, 5);
    bits.number(14, 4);
    for symbol in [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1] {
        bits.number(
            match symbol {
                18 => 1,
                1 | 2 => 2,
                _ => 0,
            },
            3,
        );
    }
    let (eighteen, one, two): (&[u8], &[u8], &[u8]) = (&[0], &[1, 0], &[1, 1]);
    bits.code(two);
    for run in [138, 117] {
        bits.code(eighteen);
        bits.number(run - 11, 7);
    }
    bits.code(two);
    bits.code(eighteen);
    bits.number(28 - 11, 7);
    bits.code(one);
    bits.code(one);
    bits.code(&[1, 0]);
    (0..(n - 1) / 258).for_each(|_| bits.code(&[0, 0]));
    (0..(n - 1) % 258).for_each(|_| bits.code(&[1, 0]));
    bits.code(&[1, 1]);
    bits.bytes()
}

#[test]
fn a_member_of_zeros_is_made_from_the_document_alone() {
    let work = tempfile::tempdir().unwrap();
    let path = work.path().join("t.tar.gz");
    let mut image = vec![0; (10 << 20) + 512 * 7];
    image[0] = 1;
    let template = Template::builder("Windows-10").image(disk(&image)).build().unwrap();
    template.pack(&path, &PackOptions { free_space: FreeSpace::Keep, ..PackOptions::default() }).unwrap();
    let archive = fs::read(path).unwrap();
    let (mut at, mut seen) = (0, Vec::new());
    while at < archive.len() {
        let found = member(&archive, at);
        if found.kind == 1 {
            assert!(archive[at + 28..at + found.length - 8] == zeros(found.content), "{}", found.content);
            seen.push(found.content);
        }
        at += found.length;
    }
    assert_eq!(seen, [8 << 20, 1 << 20, 512 * 7]);
}
