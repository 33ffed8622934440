//! Values as they are written in XML, and back.

use std::borrow::Cow;

use quick_xml::escape::{resolve_xml_entity, unescape_with};

use super::chars::{is_char, is_space};
use super::encoding::Charset;
use crate::error::{Error, ErrorKind, Result};
use crate::shown::quoted;

/// Character data as a reader sees it: references replaced (4.4), line ends as LF (2.11).
pub(super) fn unescape(raw: &str) -> Cow<'_, str> {
    if raw.contains('\r') {
        let lines = raw.replace("\r\n", "\n").replace('\r', "\n");
        return Cow::Owned(unescape(&lines).into_owned());
    }
    // The references were checked when the file was read.
    unescape_with(raw, resolve_xml_entity).unwrap_or(Cow::Borrowed(raw))
}

/// An attribute's value as a reader sees it: literal white space is a space (3.3.3).
pub(super) fn unescape_attribute(raw: &str) -> Cow<'_, str> {
    if raw.contains(['\t', '\n', '\r']) {
        let spaced = raw.replace("\r\n", " ").replace(['\t', '\n', '\r'], " ");
        return Cow::Owned(unescape(&spaced).into_owned());
    }
    unescape(raw)
}

/// How a value is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Between tags; line breaks get the line end of the file.
    Text,
    /// Between quotes of either kind.
    Attribute,
}

/// A value as it is written into a file of this encoding: what it cannot hold becomes a numeric reference.
pub(super) fn escape(value: &str, place: Place, charset: &Charset, line_end: &str) -> Result<String> {
    let mut out = String::with_capacity(value.len());
    // White space at the ends of a text would be taken for layout.
    let solid =
        value.len() - value.trim_start_matches(is_space).len()..value.trim_end_matches(is_space).len();
    for (at, c) in value.char_indices() {
        if !is_char(c) {
            return Err(Error::new(
                ErrorKind::InvalidValue,
                format!(
                    "{} contains the character U+{:04X}, which XML does not allow",
                    quoted(value),
                    c as u32
                ),
            )
            .with_help("remove the control character"));
        }
        let is_layout = is_space(c)
            && match place {
                Place::Text => c == '\r' || !solid.contains(&at),
                Place::Attribute => c != ' ',
            };
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' if place == Place::Attribute => out.push_str("&quot;"),
            '\'' if place == Place::Attribute => out.push_str("&apos;"),
            _ if is_layout || !charset.holds(c) => {
                out.push_str("&#");
                out.push_str(&u32::from(c).to_string());
                out.push(';');
            }
            '\n' => out.push_str(line_end),
            _ => out.push(c),
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UTF_8: Charset = Charset::Utf8 { bom: false };

    #[test]
    fn references_are_replaced_and_line_ends_are_lf() {
        assert_eq!(unescape("&#65;&#x42;&lt;&gt;&amp;&quot;&apos;\r\n\r"), "AB<>&\"'\n\n");
        assert_eq!(unescape("&#13;&amp;lt;"), "\r&lt;");
        assert!(matches!(unescape("plain"), Cow::Borrowed("plain")));
    }

    #[test]
    fn literal_white_space_in_an_attribute_is_a_space() {
        assert_eq!(unescape_attribute("a\r\nb\tc\nd&#10;e"), "a b c d\ne");
    }

    #[test]
    fn what_is_escaped_is_read_back_as_it_was() {
        for value in ["", " ", "a<b>&\"'", "]]>", " a\n", "\t\r\n\r", "a b", "\u{85}\u{2028}🙂"] {
            let text = escape(value, Place::Text, &UTF_8, "\r\n").unwrap();
            assert_eq!(unescape(text.trim_matches(is_space)), value, "{text}");
            let attribute = escape(value, Place::Attribute, &UTF_8, "\r\n").unwrap();
            assert_eq!(unescape_attribute(&attribute), value, "{attribute}");
            assert!(!attribute.contains(['<', '"', '\'', '\n']), "{attribute}");
        }
    }

    #[test]
    fn a_character_that_xml_cannot_hold_is_refused_and_named() {
        for place in [Place::Text, Place::Attribute] {
            let error = escape("a\u{1b}", place, &UTF_8, "\n").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidValue);
            assert!(error.message().contains("U+001B"), "{error}");
        }
    }
}
