use std::borrow::Cow;
use std::fmt;

use crate::macros::Characters;

/// How the characters of a script are stored.
///
/// `cmd.exe` reads a batch file in the OEM code page of the machine: ASCII is the same in all of them, anything else
/// depends on the machine; a byte order mark is taken for characters of the first command, and UTF-16 does not
/// run at all. PowerShell reads UTF-16 behind a byte order mark.
///
/// ```
/// use vmtemplate::script::ScriptEncoding;
/// use vmtemplate::Script;
///
/// assert_eq!(Script::from_text("echo Größe").encoding(), ScriptEncoding::Utf8);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ScriptEncoding {
    /// ASCII only: the same in every code page.
    Ascii,
    /// UTF-8 without a byte order mark.
    Utf8,
    /// UTF-8 behind the byte order mark `EF BB BF`.
    Utf8Bom,
    /// UTF-16, low byte first, with or without the mark `FF FE`.
    Utf16Le,
    /// UTF-16, high byte first, with or without the mark `FE FF`.
    Utf16Be,
    /// An 8-bit code page (OEM or ANSI); which one, the bytes do not tell.
    Unknown8bit,
}

/// Whether these are characters of four bytes, with a byte order mark or without one.
pub(super) fn is_utf32(bytes: &[u8]) -> bool {
    // In text of a script three of four bytes are zeros, as in no other encoding.
    let has_zeros_but_at = |place: usize| {
        let of_one = |one: &[u8]| (0..4).all(|at| (one[at] == 0) == (at != place));
        bytes.len() >= 8 && bytes.chunks_exact(4).take(16).all(of_one)
    };
    bytes.starts_with(b"\xFF\xFE\0\0")
        || bytes.starts_with(b"\0\0\xFE\xFF")
        || has_zeros_but_at(0)
        || has_zeros_but_at(3)
}

pub(super) const UTF8_BOM: &[u8] = b"\xEF\xBB\xBF";

impl ScriptEncoding {
    pub(super) fn detect(bytes: &[u8]) -> Self {
        if bytes.starts_with(UTF8_BOM) && std::str::from_utf8(bytes).is_ok() {
            Self::Utf8Bom
        } else if bytes.starts_with(b"\xFF\xFE") || zeros_stand_at(bytes, 1) {
            Self::Utf16Le
        } else if bytes.starts_with(b"\xFE\xFF") || zeros_stand_at(bytes, 0) {
            Self::Utf16Be
        } else if bytes.is_ascii() {
            Self::Ascii
        } else if std::str::from_utf8(bytes).is_ok() {
            Self::Utf8
        } else {
            Self::Unknown8bit
        }
    }

    pub(super) fn is_utf8(self) -> bool {
        matches!(self, Self::Ascii | Self::Utf8 | Self::Utf8Bom)
    }

    pub(crate) fn is_utf16(self) -> bool {
        matches!(self, Self::Utf16Le | Self::Utf16Be)
    }

    /// How macros are found in it.
    pub(super) fn characters(self) -> Characters {
        match self {
            Self::Ascii | Self::Utf8 | Self::Utf8Bom => Characters::Utf8,
            Self::Utf16Le => Characters::Utf16Le,
            Self::Utf16Be => Characters::Utf16Be,
            Self::Unknown8bit => Characters::Bytes,
        }
    }

    pub(super) fn decode(self, bytes: &[u8]) -> Cow<'_, str> {
        match self {
            Self::Ascii | Self::Utf8 | Self::Utf8Bom => {
                String::from_utf8_lossy(bytes.strip_prefix(UTF8_BOM).unwrap_or(bytes))
            }
            Self::Utf16Le => encoding_rs::UTF_16LE.decode_with_bom_removal(bytes).0,
            Self::Utf16Be => encoding_rs::UTF_16BE.decode_with_bom_removal(bytes).0,
            Self::Unknown8bit => bytes
                .iter()
                .map(|&byte| if byte.is_ascii() { char::from(byte) } else { char::REPLACEMENT_CHARACTER })
                .collect(),
        }
    }
}

/// Whether the text looks like UTF-16 without a mark: of each pair at the front, the byte at `which` is zero and the
/// other is not.
fn zeros_stand_at(bytes: &[u8], which: usize) -> bool {
    let mut pairs = bytes[..bytes.len().min(64)].chunks_exact(2).peekable();
    pairs.peek().is_some() && pairs.all(|pair| pair[which] == 0 && pair[1 - which] != 0)
}

impl fmt::Display for ScriptEncoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ascii => "ASCII",
            Self::Utf8 => "UTF-8",
            Self::Utf8Bom => "UTF-8 with a byte order mark",
            Self::Utf16Le => "UTF-16, little-endian",
            Self::Utf16Be => "UTF-16, big-endian",
            Self::Unknown8bit => "an 8-bit code page",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_of_four_bytes_are_told_from_those_of_two() {
        let text = "@echo off\r\n";
        let wide =
            |bytes: fn(u32) -> [u8; 4]| text.chars().flat_map(|c| bytes(u32::from(c))).collect::<Vec<_>>();
        for bytes in [wide(u32::to_le_bytes), wide(u32::to_be_bytes), b"\xFF\xFE\0\0e\0\0\0".to_vec()] {
            assert!(is_utf32(&bytes));
        }
        let two: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in [&two[..], text.as_bytes(), b"", b"\xFF\xFEe\0c\0"] {
            assert!(!is_utf32(bytes));
        }
    }

    #[test]
    fn every_encoding_is_recognised_and_decoded() {
        for (bytes, encoding, text) in [
            (&b""[..], ScriptEncoding::Ascii, ""),
            (b"rem", ScriptEncoding::Ascii, "rem"),
            (b"\xC3\xA4", ScriptEncoding::Utf8, "ä"),
            (b"\xEF\xBB\xBFrem", ScriptEncoding::Utf8Bom, "rem"),
            (b"\xFF\xFEr\0\xE4\0", ScriptEncoding::Utf16Le, "rä"),
            (b"\xFE\xFF\0r\0\xE4", ScriptEncoding::Utf16Be, "rä"),
            (b"r\0e\0m\0", ScriptEncoding::Utf16Le, "rem"),
            (b"\0r\0e\0m", ScriptEncoding::Utf16Be, "rem"),
            (b"\xE4 \xF6", ScriptEncoding::Unknown8bit, "\u{FFFD} \u{FFFD}"),
            (b"\xEF\xBB\xBF\xE4", ScriptEncoding::Unknown8bit, "\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}"),
            // Padding behind a script does not make it UTF-16.
            (b"re\0\0\0\0", ScriptEncoding::Ascii, "re\0\0\0\0"),
        ] {
            assert_eq!(ScriptEncoding::detect(bytes), encoding, "{bytes:?}");
            assert_eq!(encoding.decode(bytes), text, "{bytes:?}");
        }
    }
}
