//! Little-endian numbers at offsets of a buffer.
//!
//! Those of `…_at` are `None` past its end. Those of `…_in` are for a header whose length the caller knows: an offset
//! past it is a mistake of ours, and gives 0.

pub(crate) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    array_at(bytes, at).map(u16::from_le_bytes)
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    array_at(bytes, at).map(u32::from_le_bytes)
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    array_at(bytes, at).map(u64::from_le_bytes)
}

pub(crate) fn u16_in(header: &[u8], at: usize) -> u16 {
    u16_at(header, at).unwrap_or_default()
}

pub(crate) fn u32_in(header: &[u8], at: usize) -> u32 {
    u32_at(header, at).unwrap_or_default()
}

pub(crate) fn u64_in(header: &[u8], at: usize) -> u64 {
    u64_at(header, at).unwrap_or_default()
}

/// `N` bytes at `at`.
pub(crate) fn array_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// `length` bytes at `at`.
pub(crate) fn slice_at(bytes: &[u8], at: usize, length: usize) -> Option<&[u8]> {
    bytes.get(at..at.checked_add(length)?)
}

/// UTF-16LE text; what is not valid becomes U+FFFD, an odd last byte is left out.
pub(crate) fn utf16(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}
