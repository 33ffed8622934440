//! The encodings that metainfo.xml is read from and written back to.

use encoding_rs::Encoding;

use super::xml;
use crate::error::{Error, ErrorKind, Position, Result};

/// How a file turns characters into bytes. Reading and writing back is the identity for each of them.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Charset {
    Utf8 { bom: bool },
    Utf16 { big_endian: bool },
    SingleByte(Box<Table>),
}

/// A single-byte encoding.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Table {
    /// As the file declares it.
    name: String,
    /// The character of every byte; `None` where the encoding leaves the byte out.
    chars: [Option<char>; 256],
    /// The way back, sorted by character.
    bytes: Vec<(char, u8)>,
}

/// The file's text without its byte order mark, and how to write it back.
pub(super) fn decode(bytes: &[u8]) -> Result<(String, Charset)> {
    let (text, charset) = match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => (utf8(rest, "its byte order mark")?, Charset::Utf8 { bom: true }),
        [0xFF, 0xFE, rest @ ..] => (utf16(rest, u16::from_le_bytes)?, Charset::Utf16 { big_endian: false }),
        [0xFE, 0xFF, rest @ ..] => (utf16(rest, u16::from_be_bytes)?, Charset::Utf16 { big_endian: true }),
        [0, b'<', ..] | [b'<', 0, ..] => {
            return Err(fault("the file looks like UTF-16, but has no byte order mark")
                .with_position(Position { line: 1, column: 1 })
                .with_help("save it as UTF-8"));
        }
        _ => return decode_as_declared(bytes),
    };
    // A byte order mark decides; a declaration that contradicts it is a mistake somebody should know of.
    if let Some(declared) = xml::declared_encoding(&text)? {
        let label = text[declared.clone()].to_ascii_lowercase();
        let right = match charset {
            Charset::Utf16 { big_endian } => {
                label == "utf-16" || label == if big_endian { "utf-16be" } else { "utf-16le" }
            }
            _ => label == "utf-8",
        };
        if !right {
            return Err(fault(format!(
                "the declaration names `{label}`, but the byte order mark is that of {}",
                charset.name()
            ))
            .with_position(Position::of_offset(&text, declared.start))
            .with_help("correct the encoding in the first line, or remove the byte order mark"));
        }
    }
    Ok((text, charset))
}

/// Without a byte order mark the declaration decides, and without one it is UTF-8 (XML 1.0, 4.3.3).
fn decode_as_declared(bytes: &[u8]) -> Result<(String, Charset)> {
    // The declaration itself is ASCII in every encoding that is read here.
    let head: String = bytes.iter().take_while(|&&byte| byte != b'>').map(|&byte| char::from(byte)).collect();
    let Some(declared) = xml::declared_encoding(&(head + ">"))? else {
        return Ok((utf8(bytes, "an XML file that declares no encoding")?, Charset::Utf8 { bom: false }));
    };
    let label: String = bytes[declared.clone()].iter().map(|&byte| char::from(byte)).collect();
    if label.eq_ignore_ascii_case("utf-8") {
        return Ok((utf8(bytes, "the declaration in the first line")?, Charset::Utf8 { bom: false }));
    }
    let table = Table::of(&label).ok_or_else(|| {
        fault(format!(
            "the encoding `{label}` is not supported; expected UTF-8, UTF-16 with a byte order mark, or a \
             single-byte encoding such as windows-1251"
        ))
        .with_position(Position { line: 1, column: 1 + declared.start })
        .with_help("save the file as UTF-8, and declare encoding=\"UTF-8\" in its first line")
    })?;
    let mut text = String::with_capacity(bytes.len());
    for &byte in bytes {
        text.push(table.chars[usize::from(byte)].ok_or_else(|| undecodable(&text, byte, &table.name))?);
    }
    Ok((text, Charset::SingleByte(Box::new(table))))
}

fn utf8(bytes: &[u8], because: &str) -> Result<String> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => {
            let valid = &bytes[..error.valid_up_to()];
            Err(undecodable(&String::from_utf8_lossy(valid), bytes[valid.len()], "UTF-8").with_help(format!(
                "{because} makes it UTF-8: save the file as UTF-8, or declare its encoding"
            )))
        }
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let mut text = String::with_capacity(bytes.len());
    for decoded in char::decode_utf16(pairs.iter().map(|&pair| unit(pair))) {
        text.push(decoded.map_err(|error| {
            fault(format!(
                "the surrogate {:#06x} is unpaired, so the file is not UTF-16",
                error.unpaired_surrogate()
            ))
            .with_position(Position::of_offset(&text, text.len()))
        })?);
    }
    match rest {
        [] => Ok(text),
        _ => Err(fault("the file ends in the middle of a UTF-16 character")
            .with_position(Position::of_offset(&text, text.len()))),
    }
}

fn undecodable(before: &str, byte: u8, encoding: &str) -> Error {
    fault(format!("the byte {byte:#04x} is not {encoding}"))
        .with_position(Position::of_offset(before, before.len()))
        .with_help("save the file in the encoding that its first line declares")
}

fn fault(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidMetainfo, message)
}

impl Table {
    /// The table of a declared encoding, or `None` if it is unknown or needs several bytes for a character.
    fn of(label: &str) -> Option<Self> {
        let encoding = Encoding::for_label_no_replacement(label.as_bytes())?;
        if !encoding.is_single_byte() || encoding == encoding_rs::X_USER_DEFINED {
            return None;
        }
        // The Encoding Standard takes ASCII, ISO 8859-1, -9 and -11 for the code pages of Windows that extend them.
        // XML readers take a label at its word: there 0x80 to 0x9F are control characters, not letters.
        let label_is_windows = label.contains("125") || label.contains("874");
        let extended = [encoding_rs::WINDOWS_1252, encoding_rs::WINDOWS_1254, encoding_rs::WINDOWS_874];
        let is_iso = extended.contains(&encoding) && !label_is_windows;
        let is_ascii =
            ["us-ascii", "ascii", "ansi_x3.4-1968"].iter().any(|name| label.eq_ignore_ascii_case(name));
        let mut chars = [None; 256];
        for byte in 0..=u8::MAX {
            let decoded = encoding
                .decode_without_bom_handling_and_without_replacement(&[byte])
                .and_then(|text| text.chars().next());
            chars[usize::from(byte)] = match byte {
                0x80.. if is_ascii => None,
                0x80..=0x9F if is_iso => Some(char::from(byte)),
                // It also fills the gaps of these code pages with control characters; they are gaps.
                0x80..=0x9F if label_is_windows => decoded.filter(|c| !c.is_control()),
                _ => decoded,
            };
        }
        let mut bytes: Vec<_> =
            (0..=u8::MAX).filter_map(|byte| Some((chars[usize::from(byte)]?, byte))).collect();
        bytes.sort_unstable();
        Some(Self { name: label.to_owned(), chars, bytes })
    }

    fn byte_of(&self, c: char) -> Option<u8> {
        self.bytes.binary_search_by_key(&c, |&(held, _)| held).ok().map(|at| self.bytes[at].1)
    }
}

impl Charset {
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Utf8 { .. } => "UTF-8",
            Self::Utf16 { .. } => "UTF-16",
            Self::SingleByte(table) => &table.name,
        }
    }

    /// Whether the encoding has a byte sequence for the character.
    pub(super) fn holds(&self, c: char) -> bool {
        match self {
            Self::SingleByte(table) => table.byte_of(c).is_some(),
            _ => true,
        }
    }

    /// The bytes of the file. What the encoding does not hold was written as a reference before, see `escape`.
    pub(super) fn encode(&self, text: &str) -> Vec<u8> {
        match self {
            Self::Utf8 { bom: false } => text.as_bytes().to_vec(),
            Self::Utf8 { bom: true } => [b"\xEF\xBB\xBF", text.as_bytes()].concat(),
            Self::Utf16 { big_endian } => {
                let bytes = if *big_endian { u16::to_be_bytes } else { u16::to_le_bytes };
                std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(bytes).collect()
            }
            Self::SingleByte(table) => text.chars().filter_map(|c| table.byte_of(c)).collect(),
        }
    }
}

impl std::fmt::Debug for Charset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(label: &str, text: &[u8]) -> Vec<u8> {
        [format!("<?xml version='1.0' encoding='{label}'?>").as_bytes(), text].concat()
    }

    #[track_caller]
    fn refused(bytes: &[u8], position: &str, message: &str) {
        let error = decode(bytes).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidMetainfo);
        assert!(error.message().contains(message), "{error}");
        assert_eq!(error.position().unwrap().to_string(), position, "{error}");
        assert!(error.help().is_some() || message.contains("UTF-16"), "{error:?}");
    }

    #[test]
    fn every_byte_of_every_single_byte_encoding_comes_back_as_it_was() {
        let labels = [
            "windows-1250",
            "windows-1251",
            "windows-1252",
            "windows-1253",
            "windows-1254",
            "windows-1257",
            "windows-874",
            "iso-8859-1",
            "ISO-8859-2",
            "iso-8859-5",
            "iso-8859-9",
            "iso-8859-15",
            "koi8-r",
            "koi8-u",
            "IBM866",
            "cp1251",
            "macintosh",
            "us-ascii",
            "latin1",
        ];
        for label in labels {
            let mut held = 0;
            for byte in 0..=u8::MAX {
                let bytes = declared(label, &[byte]);
                if let Ok((text, charset)) = decode(&bytes) {
                    assert_eq!(charset.encode(&text), bytes, "{label} {byte:#04x}");
                    held += 1;
                }
            }
            assert!(held >= 128 + if label == "us-ascii" { 0 } else { 90 }, "{label} has {held} characters");
        }
    }

    #[test]
    fn a_label_of_iso_8859_is_not_taken_for_the_code_page_of_windows() {
        let last =
            |label: &str, byte: u8| decode(&declared(label, &[byte])).map(|(text, _)| text.chars().last());
        assert_eq!(last("windows-1252", 0x80).unwrap(), Some('€'));
        for label in ["iso-8859-1", "Latin1", "cp819", "iso-8859-9"] {
            assert_eq!(last(label, 0x80).unwrap(), Some('\u{80}'), "{label}");
        }
        assert!(last("us-ascii", 0x80).is_err());
        assert!(last("windows-1252", 0x81).is_err());
        assert_eq!(last("windows-1251", 0xC0).unwrap(), Some('А'));
    }

    #[test]
    fn bytes_that_are_not_in_the_encoding_are_refused_with_their_place() {
        refused(b"<doc>\n\xC3\xA4\xFF</doc>", "2:2", "the byte 0xff is not UTF-8");
        refused(b"<doc>\xC3", "1:6", "the byte 0xc3 is not UTF-8");
        refused(&declared("windows-1251", b"\n\xC0\x98"), "2:2", "the byte 0x98 is not windows-1251");
    }

    #[test]
    fn an_unknown_encoding_and_one_of_several_bytes_are_refused() {
        for label in [
            "shift_jis",
            "gbk",
            "big5",
            "utf-7",
            "x-user-defined",
            "replacement",
            "klingon",
            "UTF-32",
            "UTF-16",
        ] {
            refused(&declared(label, b"<doc/>"), "1:31", "is not supported");
        }
    }

    #[test]
    fn a_byte_order_mark_decides_and_may_not_be_contradicted() {
        let text = "<?xml version='1.0' encoding='UTF-16'?><doc>🙂</doc>";
        for big_endian in [false, true] {
            let charset = Charset::Utf16 { big_endian };
            let bytes = charset.encode(text);
            assert_eq!(decode(&bytes).unwrap(), (text.to_owned(), charset));
        }
        let bytes = [b"\xEF\xBB\xBF", declared("windows-1251", b"<doc/>").as_slice()].concat();
        refused(&bytes, "1:31", "names `windows-1251`, but the byte order mark is that of UTF-8");
    }

    #[test]
    fn broken_utf_16_is_refused() {
        refused(b"<\0d\0", "1:1", "no byte order mark");
        refused(b"\xFF\xFE<\0d", "1:2", "in the middle of a UTF-16 character");
        refused(b"\xFF\xFE<\0\0\xD8", "1:2", "is unpaired, so the file is not UTF-16");
    }
}
