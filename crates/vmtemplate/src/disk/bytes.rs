//! Integers in headers. The caller has a header of fixed size in hand: an offset outside it is a mistake of ours.

macro_rules! integers {
    ($($name:ident: $int:ident::$from:ident),* $(,)?) => {$(
        #[allow(dead_code)] // which of them are used depends on the formats built in
        pub(super) fn $name(bytes: &[u8], at: usize) -> $int {
            let mut array = [0; size_of::<$int>()];
            array.copy_from_slice(&bytes[at..at + size_of::<$int>()]);
            $int::$from(array)
        }
    )*};
}

integers! {
    be32: u32::from_be_bytes,
    be64: u64::from_be_bytes,
    le16: u16::from_le_bytes,
    le32: u32::from_le_bytes,
    le64: u64::from_le_bytes,
}
