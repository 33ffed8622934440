//! Names of keys and values: Latin-1 where that suffices, else UTF-16; compared without regard to case.

use crate::le;

/// A name as it is stored.
pub(super) fn decode(bytes: &[u8], is_latin1: bool) -> String {
    if is_latin1 { bytes.iter().copied().map(char::from).collect() } else { le::utf16(bytes) }
}

/// Whether Windows takes two names for one.
pub(super) fn equal(a: &str, b: &str) -> bool {
    a.chars().map(upper).eq(b.chars().map(upper))
}

/// The upper case of a character, where it is a single character again, as in the tables of Windows.
fn upper(c: char) -> char {
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}

/// The hash that an `lh` list holds of a name (the specification, "Hash leaf"). Only for ASCII names: what the tables of
/// Windows make of others depends on its version.
pub(super) fn hash(name: &str) -> u32 {
    name.bytes()
        .fold(0, |hash: u32, byte| hash.wrapping_mul(37).wrapping_add(u32::from(byte.to_ascii_uppercase())))
}
