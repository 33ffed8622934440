//! Big-endian numbers of a header whose length the caller knows: an offset past it is a mistake of ours, and gives 0.

use crate::le::array_at;

pub(super) fn u32_in(header: &[u8], at: usize) -> u32 {
    array_at(header, at).map(u32::from_be_bytes).unwrap_or_default()
}

pub(super) fn u64_in(header: &[u8], at: usize) -> u64 {
    array_at(header, at).map(u64::from_be_bytes).unwrap_or_default()
}
