//! GUIDs as GPT stores them.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, ErrorKind, Result};
use crate::shown::{Shown, short};

/// A GUID: the type or the identity of a GPT partition.
///
/// The first three fields are little-endian on disk (UEFI specification 2.10, appendix A).
///
/// ```
/// use vmtemplate::disk::Guid;
///
/// let efi = Guid::from_fields(0xC12A_7328, 0xF81F, 0x11D2, *b"\xBA\x4B\x00\xA0\xC9\x3E\xC9\x3B");
/// assert_eq!(efi.to_string(), "C12A7328-F81F-11D2-BA4B-00A0C93EC93B");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Guid([u8; 16]);

impl Guid {
    /// The GUID of 16 bytes as they are on disk.
    ///
    /// ```
    /// assert!(vmtemplate::disk::Guid::from_bytes([0; 16]).is_nil());
    /// ```
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The GUID of the four groups that its text shows; the last one holds the two groups at the end.
    ///
    /// ```
    /// let guid = vmtemplate::disk::Guid::from_fields(1, 2, 3, [4; 8]);
    /// assert_eq!(guid.to_string(), "00000001-0002-0003-0404-040404040404");
    /// ```
    pub const fn from_fields(a: u32, b: u16, c: u16, d: [u8; 8]) -> Self {
        let (a, b, c) = (a.to_le_bytes(), b.to_le_bytes(), c.to_le_bytes());
        Self([a[0], a[1], a[2], a[3], b[0], b[1], c[0], c[1], d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7]])
    }

    /// The 16 bytes as they are on disk.
    ///
    /// ```
    /// assert_eq!(vmtemplate::disk::Guid::from_fields(1, 0, 0, [0; 8]).as_bytes()[0], 1);
    /// ```
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Whether all bits are 0: as a type, an unused entry.
    ///
    /// ```
    /// assert!(!vmtemplate::disk::Guid::from_bytes([1; 16]).is_nil());
    /// ```
    pub fn is_nil(&self) -> bool {
        self.0 == [0; 16]
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a0, a1, a2, a3, b0, b1, c0, c1, d0, d1, tail @ ..] = self.0;
        let a = u32::from_le_bytes([a0, a1, a2, a3]);
        let (b, c) = (u16::from_le_bytes([b0, b1]), u16::from_le_bytes([c0, c1]));
        write!(f, "{a:08X}-{b:04X}-{c:04X}-{d0:02X}{d1:02X}-")?;
        tail.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

/// The text of a GUID, in upper or lower case: 8, 4, 4, 4 and 12 hexadecimal digits.
impl FromStr for Guid {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let invalid =
            || Error::new(ErrorKind::InvalidValue, format!("\"{}\" is not a GUID", Shown(short(text))));
        let groups: Vec<&str> = text.split('-').collect();
        let is_hex = |group: &&str| group.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12]) || !groups.iter().all(is_hex) {
            return Err(invalid());
        }
        // 32 digits are 128 bits.
        let all = u128::from_str_radix(&groups.concat(), 16).map_err(|_| invalid())?;
        let tail = ((all & u128::from(u64::MAX)) as u64).to_be_bytes();
        Ok(Self::from_fields((all >> 96) as u32, (all >> 80) as u16, (all >> 64) as u16, tail))
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Guid({self})")
    }
}

impl serde::Serialize for Guid {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
