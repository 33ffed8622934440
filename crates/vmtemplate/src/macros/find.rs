use std::ops::Range;

use super::name::{MacroName, is_name, is_name_byte};
use crate::error::Position;

/// One use of a macro in a text.
///
/// ```
/// use vmtemplate::{Position, find_macros};
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
    /// Where its `(` stands.
    pub position: Position,
}

/// Every macro of a text, in order.
///
/// A macro is `($NAME)` with a [`MacroName`] in it, known or not. What is cut off or empty, as `($IP` and `($)`, is
/// none, and so is what has other characters, as `($a.b)`.
///
/// ```
/// let names: Vec<_> = vmtemplate::find_macros("($IP)/($NETMASK) ($)").map(|m| m.name.to_string()).collect();
/// assert_eq!(names, ["($IP)", "($NETMASK)"]);
/// ```
pub fn find_macros(text: &str) -> FindMacros<'_> {
    FindMacros { bytes: text.as_bytes(), at: 0, position: Position { line: 1, column: 1 }, utf8: true }
}

/// The same for the bytes of a script: one column for each byte if they are not UTF-8, none for a byte order mark.
pub(crate) fn find_in_bytes(bytes: &[u8], utf8: bool) -> FindMacros<'_> {
    let at = if utf8 && bytes.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
    FindMacros { bytes, at, position: Position { line: 1, column: 1 }, utf8 }
}

/// The iterator that [`find_macros`] returns.
///
/// ```
/// let mut macros = vmtemplate::find_macros("no macro here");
/// assert!(macros.next().is_none());
/// ```
#[derive(Debug, Clone)]
pub struct FindMacros<'t> {
    bytes: &'t [u8],
    /// How far the text was looked at; `position` is the place of this byte.
    at: usize,
    position: Position,
    utf8: bool,
}

impl FindMacros<'_> {
    /// Move on to byte `to`. Each byte is passed once, so that a megabyte of macros stays linear.
    fn advance(&mut self, to: usize) {
        for &byte in &self.bytes[self.at..to] {
            if byte == b'\n' {
                self.position = Position { line: self.position.line + 1, column: 1 };
            } else if !self.utf8 || byte & 0xC0 != 0x80 {
                self.position.column += 1;
            }
        }
        self.at = to;
    }
}

impl Iterator for FindMacros<'_> {
    type Item = MacroUse;

    fn next(&mut self) -> Option<MacroUse> {
        let mut from = self.at;
        loop {
            let start = from + self.bytes[from..].windows(2).position(|two| two == b"($")?;
            let name = start + 2;
            let length = self.bytes[name..].iter().take_while(|&&b| is_name_byte(b)).count();
            let end = name + length;
            if self.bytes.get(end) == Some(&b')') && is_name(&self.bytes[name..end]) {
                self.advance(start);
                let position = self.position;
                self.advance(end + 1);
                return Some(MacroUse {
                    name: MacroName::checked(&self.bytes[name..end]),
                    range: start..end + 1,
                    position,
                });
            }
            from = end;
        }
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
