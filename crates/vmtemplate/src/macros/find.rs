use std::ops::Range;

use super::name::{MacroName, is_name, is_name_byte};
use crate::error::Position;

/// One use of a macro in a text.
///
/// ```
/// use vmtemplate::error::Position;
/// use vmtemplate::macros::find_macros;
///
/// let text = "net user x ($PASS)\r\necho ($IP)";
/// let uses: Vec<_> = find_macros(text).collect();
/// assert_eq!(uses[1].name.name(), "IP");
/// assert_eq!(&text[uses[1].range.clone()], "($IP)");
/// assert_eq!(uses[1].position, Position { line: 2, column: 6 });
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct MacroUse {
    /// Which macro it is.
    pub name: MacroName,
    /// The bytes of the text that it takes, from `(` to `)`.
    pub range: Range<usize>,
    /// Where its `(` is.
    pub position: Position,
}

/// Everything in a text that is spelled as a macro, in order.
///
/// That is `($NAME)` with a [`MacroName`] in it, known or not. What is cut off or empty, as `($IP` and `($)`, is none, and
/// so is what has other characters, as `($a.b)`. Rendering replaces the names of the
/// [catalogue](crate::macros::MacroInfo::catalogue), those that metainfo.xml declares, and those that have a value; in PowerShell
/// the others are expressions.
///
/// ```
/// let names: Vec<_> = vmtemplate::macros::find_macros("($IP)/($NETMASK) ($)").map(|m| m.name.to_string()).collect();
/// assert_eq!(names, ["($IP)", "($NETMASK)"]);
/// ```
pub fn find_macros(text: &str) -> FindMacros<'_> {
    FindMacros {
        bytes: text.as_bytes(),
        at: 0,
        position: Position { line: 1, column: 1 },
        characters: Characters::Utf8,
    }
}

/// The same for the bytes of a script. A byte order mark is no column.
pub(crate) fn find_in_bytes(bytes: &[u8], characters: Characters) -> FindMacros<'_> {
    let mark: &[u8] = match characters {
        Characters::Utf8 => b"\xEF\xBB\xBF",
        Characters::Utf16Le => b"\xFF\xFE",
        Characters::Utf16Be => b"\xFE\xFF",
        Characters::Bytes => b"",
    };
    let at = if bytes.starts_with(mark) { mark.len() } else { 0 };
    FindMacros { bytes, at, position: Position { line: 1, column: 1 }, characters }
}

/// How characters are stored, as far as finding macros and counting columns goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Characters {
    Utf8,
    /// A code page: one column for each byte.
    Bytes,
    Utf16Le,
    Utf16Be,
}

/// The iterator that [`find_macros`] returns.
///
/// ```
/// let mut macros = vmtemplate::macros::find_macros("no macro here");
/// assert!(macros.next().is_none());
/// ```
#[derive(Debug, Clone)]
pub struct FindMacros<'t> {
    bytes: &'t [u8],
    /// How far the text was looked at; `position` is the place of this byte.
    at: usize,
    position: Position,
    characters: Characters,
}

impl FindMacros<'_> {
    /// How many bytes the character of a macro takes.
    fn width(&self) -> usize {
        match self.characters {
            Characters::Utf8 | Characters::Bytes => 1,
            Characters::Utf16Le | Characters::Utf16Be => 2,
        }
    }

    /// The ASCII character at this byte; zero for all others.
    fn ascii(&self, at: usize) -> u8 {
        let pair = |which: usize| match self.bytes.get(at..at + 2) {
            Some(pair) if pair[1 - which] == 0 => pair[which],
            _ => 0,
        };
        match self.characters {
            Characters::Utf8 | Characters::Bytes => self.bytes.get(at).copied().unwrap_or_default(),
            Characters::Utf16Le => pair(0),
            Characters::Utf16Be => pair(1),
        }
    }

    /// Whether a character begins at this byte, and does not go on there.
    fn begins(&self, at: usize) -> bool {
        match self.characters {
            Characters::Utf8 => self.bytes[at] & 0xC0 != 0x80,
            Characters::Bytes => true,
            // The second half of a pair of surrogates is of the same character.
            Characters::Utf16Le => self.bytes.get(at + 1).is_none_or(|high| high & 0xFC != 0xDC),
            Characters::Utf16Be => self.bytes[at] & 0xFC != 0xDC,
        }
    }

    /// Move on to byte `to`. Each byte is passed once, so that a megabyte of macros stays linear.
    fn advance(&mut self, to: usize) {
        while self.at < to {
            if self.ascii(self.at) == b'\n' {
                self.position = Position { line: self.position.line + 1, column: 1 };
            } else if self.begins(self.at) {
                self.position.column += 1;
            }
            self.at += self.width();
        }
        self.at = to;
    }
}

impl Iterator for FindMacros<'_> {
    type Item = MacroUse;

    fn next(&mut self) -> Option<MacroUse> {
        let width = self.width();
        let mut start = self.at;
        while start + width < self.bytes.len() {
            if self.ascii(start) != b'(' || self.ascii(start + width) != b'$' {
                start += width;
                continue;
            }
            let from = start + 2 * width;
            let mut name = Vec::new();
            let mut end = from;
            while is_name_byte(self.ascii(end)) {
                // One more than a name may have is enough to see that this is none.
                if name.len() <= MacroName::MAX_LENGTH {
                    name.push(self.ascii(end));
                }
                end += width;
            }
            if self.ascii(end) == b')' && is_name(&name) {
                self.advance(start);
                let position = self.position;
                self.advance(end + width);
                return Some(MacroUse {
                    name: MacroName::checked(&name),
                    range: start..end + width,
                    position,
                });
            }
            start = end;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names(text: &str) -> Vec<String> {
        find_macros(text).map(|found| found.name.name().to_owned()).collect()
    }

    #[test]
    fn what_is_cut_off_or_empty_is_no_macro() {
        assert_eq!(names("($IP ($) () ($ IP) (IP) ($1) ($a.b) ($"), Vec::<String>::new());
        assert_eq!(names("($($IP)"), ["IP"]);
        assert_eq!(names("(($IP))"), ["IP"]);
        assert_eq!(names("($IP($MASK)"), ["MASK"]);
    }

    #[test]
    fn line_and_column_count_characters() {
        let text = "Grüße ($A)\r\n\r\n($B)($C)";
        let places: Vec<_> = find_macros(text).map(|m| (m.position.line, m.position.column)).collect();
        assert_eq!(places, [(1, 7), (3, 1), (3, 5)]);
        for found in find_macros(text) {
            assert_eq!(found.position, Position::of_offset(text, found.range.start));
        }
    }

    #[test]
    fn a_megabyte_of_macros_is_found_in_linear_time() {
        let text = "($A)".repeat(1 << 18);
        assert_eq!(find_macros(&text).count(), 1 << 18);
        let text = "($".repeat(1 << 19);
        assert_eq!(find_macros(&text).count(), 0);
        let text = format!("($A{}", "A".repeat(1 << 20));
        assert_eq!(find_macros(&text).count(), 0);
    }

    #[test]
    fn macros_of_utf_16_are_found_with_the_bytes_and_columns_that_they_have() {
        let text = "\u{1F40E}\u{4E00} ($IP)\r\n($A)($28)";
        for (characters, mark) in [(Characters::Utf16Le, [0xFF, 0xFE]), (Characters::Utf16Be, [0xFE, 0xFF])] {
            let to_bytes = if mark[0] == 0xFF { u16::to_le_bytes } else { u16::to_be_bytes };
            let mut bytes = mark.to_vec();
            bytes.extend(text.encode_utf16().flat_map(to_bytes));
            bytes.push(b'('); // the half of a character
            let found: Vec<_> = find_in_bytes(&bytes, characters)
                .map(|found| {
                    (found.name.name().to_owned(), found.range, found.position.line, found.position.column)
                })
                .collect();
            assert_eq!(found, [("IP".to_owned(), 10..20, 1, 4), ("A".to_owned(), 24..32, 2, 1)]);
        }
        // A character whose bytes are those of `($`, low byte first.
        assert_eq!(find_in_bytes(b"\xFF\xFE($I\0P\0)\0", Characters::Utf16Le).count(), 0);
    }

    proptest! {
        #[test]
        fn every_range_is_the_spelling_of_its_name(text in "(\\(\\$|[A-Z]{1,3}|\\)|[ \n\rä]){0,40}") {
            let mut end = 0;
            for found in find_macros(&text) {
                prop_assert!(found.range.start >= end);
                end = found.range.end;
                prop_assert_eq!(&text[found.range.clone()], found.name.to_string());
                prop_assert_eq!(found.position, Position::of_offset(&text, found.range.start));
            }
        }
    }
}
