//! Builds archives byte by byte: gzip without compression, members as in `docs/archive-format.md`, and tar headers.

/// The largest stored block of deflate (RFC 1951, 3.2.4).
const STORED: usize = 65_535;

/// `content` as a deflate stream that is not compressed.
fn stored(content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let count = content.len().div_ceil(STORED).max(1);
    for number in 0..count {
        let part = &content[number * STORED..content.len().min((number + 1) * STORED)];
        let length = part.len() as u16;
        out.push(u8::from(number + 1 == count));
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&(!length).to_le_bytes());
        out.extend_from_slice(part);
    }
    out
}

fn trailer(content: &[u8]) -> [u8; 8] {
    let mut out = [0; 8];
    out[..4].copy_from_slice(&crc32fast::hash(content).to_le_bytes());
    out[4..].copy_from_slice(&(content.len() as u32).to_le_bytes());
    out
}

/// `content` as a gzip file made by another tool: one member without any field.
pub(crate) fn gzip(content: &[u8]) -> Vec<u8> {
    [&[0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3], &stored(content)[..], &trailer(content)].concat()
}

/// A member as vmtemplate writes it: of kind 0 (data), 2 (index) or 3 (footer).
pub(crate) fn member(kind: u8, payload: &[u8], content: &[u8]) -> Vec<u8> {
    let deflated = if content.is_empty() { vec![3, 0] } else { stored(content) };
    let subfield = 12 + payload.len() as u16;
    let length = 28 + payload.len() + deflated.len() + 8;
    let mut out = vec![0x1F, 0x8B, 8, 4, 0, 0, 0, 0, 0, 0xFF];
    out.extend_from_slice(&(subfield + 4).to_le_bytes());
    out.extend_from_slice(b"VM");
    out.extend_from_slice(&subfield.to_le_bytes());
    out.extend_from_slice(&[1, kind, 0, 0]);
    out.extend_from_slice(&(length as u32).to_le_bytes());
    out.extend_from_slice(&(content.len() as u32).to_le_bytes());
    out.extend_from_slice(payload);
    out.extend_from_slice(&deflated);
    out.extend_from_slice(&trailer(content));
    out
}

/// Index members and a footer for `records` that are consistent; the index begins at `index_at`.
pub(crate) fn index(records: &[u8], index_at: u64) -> Vec<u8> {
    let records = &records[..records.len() / 8 * 8];
    let mut out: Vec<u8> =
        records.chunks((65_535 - 16) / 8 * 8).flat_map(|part| member(2, part, &[])).collect();
    let content =
        |record: &[u8]| u64::from(u32::from_le_bytes(record[4..8].try_into().unwrap()) & !(1 << 31));
    let numbers = [
        index_at,
        records.len() as u64 / 8,
        records.chunks_exact(8).map(content).sum(),
        u64::from(crc32fast::hash(records)),
    ];
    out.extend(member(3, &numbers.map(u64::to_le_bytes).concat(), &[]));
    out
}

/// A tar header of 512 bytes with these fields.
pub(crate) fn header(name: &[u8], kind: u8, size: u64) -> [u8; 512] {
    let mut block = [0; 512];
    block[..name.len().min(100)].copy_from_slice(&name[..name.len().min(100)]);
    block[100..108].copy_from_slice(b"0000644\0");
    block[108..116].copy_from_slice(b"0000000\0");
    block[116..124].copy_from_slice(b"0000000\0");
    block[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    block[136..148].copy_from_slice(b"02263620000\0");
    block[156] = kind;
    block[257..265].copy_from_slice(b"ustar\x0000");
    sum(&mut block);
    block
}

/// Write the correct checksum into a tar header.
pub(crate) fn sum(block: &mut [u8]) {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

/// An entry: header, content, and the padding of its last block.
pub(crate) fn entry(name: &[u8], kind: u8, content: &[u8]) -> Vec<u8> {
    let mut out = header(name, kind, content.len() as u64).to_vec();
    out.extend_from_slice(content);
    out.resize(out.len().next_multiple_of(512), 0);
    out
}

/// A record of a PAX header (POSIX pax, "pax Extended Header").
pub(crate) fn pax(key: &str, value: &str) -> Vec<u8> {
    let rest = format!(" {key}={value}\n");
    let mut length = rest.len() + 1;
    while length != rest.len() + length.to_string().len() {
        length = rest.len() + length.to_string().len();
    }
    format!("{length}{rest}").into_bytes()
}
