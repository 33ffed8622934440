//! JSON that is edited and not rewritten: where each value is in the text, and nothing else.
//!
//! Strict RFC 8259, and narrower in one thing: a key that an object has twice is refused, since readers differ in which
//! one they take.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

use crate::error::{Error, ErrorKind, Position, Result};
use crate::positions::Positions;
use crate::shown::{Shown, quoted};

/// The most bytes that a description may have: some forty thousand templates.
pub(super) const MAX_BYTES: usize = 16 << 20;

/// Values inside values; a description needs four.
const MAX_DEPTH: usize = 32;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Object,
    Array,
    String,
    Number,
    Bool,
    Null,
}

impl Kind {
    /// As a message names it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Object => "an object",
            Self::Array => "an array",
            Self::String => "a string",
            Self::Number => "a number",
            Self::Bool => "true or false",
            Self::Null => "null",
        }
    }
}

/// A value, by its place in document order. It is good until the next edit.
pub(super) type Node = usize;

/// The value that the text is.
pub(super) const ROOT: Node = 0;

#[derive(Debug, Clone)]
struct Value {
    kind: Kind,
    /// From the first to behind the last character.
    span: Range<usize>,
    /// Where the key is, with its quotes, if this is a member of an object.
    key: Option<Range<usize>>,
    /// The index after the last value inside this one.
    after: usize,
}

/// A text and where its values are.
#[derive(Debug, Clone)]
pub(super) struct Json {
    text: String,
    values: Vec<Value>,
    positions: Positions,
}

impl Json {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self> {
        if bytes.len() > MAX_BYTES {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!("the description has more than {MAX_BYTES} bytes"),
            ));
        }
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let sound = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
            fault(&sound, sound.len(), "the file is not UTF-8").with_help("save the file as UTF-8")
        })?;
        Self::of(text.to_owned())
    }

    fn of(text: String) -> Result<Self> {
        let mut scanner = Scanner { text: &text, at: 0, values: Vec::new() };
        if text.starts_with('\u{FEFF}') {
            return Err(scanner
                .fault("the file begins with a byte order mark, which JSON does not have")
                .with_help("save the file as UTF-8 without a byte order mark"));
        }
        scanner.space();
        scanner.value(None, 0)?;
        scanner.space();
        if scanner.at < text.len() {
            return Err(scanner.expected("the end of the file"));
        }
        let values = scanner.values;
        let positions = Positions::of(&text);
        Ok(Self { text, values, positions })
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn kind(&self, node: Node) -> Kind {
        self.values[node].kind
    }

    pub(super) fn span(&self, node: Node) -> Range<usize> {
        self.values[node].span.clone()
    }

    /// The text of the value unchanged.
    pub(super) fn raw(&self, node: Node) -> &str {
        &self.text[self.span(node)]
    }

    pub(super) fn position(&self, node: Node) -> Position {
        self.positions.at(&self.text, self.values[node].span.start)
    }

    /// Where the line of the key begins that has this value, if it is a member; where the value begins if not.
    pub(super) fn start(&self, node: Node) -> usize {
        self.values[node].key.as_ref().unwrap_or(&self.values[node].span).start
    }

    /// The values directly inside an array or object, in order.
    pub(super) fn children(&self, parent: Node) -> impl Iterator<Item = Node> + '_ {
        let end = self.values[parent].after;
        let mut next = parent + 1;
        std::iter::from_fn(move || {
            let node = next;
            #[cfg(test)]
            crate::steps::add(1);
            (node < end).then(|| {
                next = self.values[node].after;
                node
            })
        })
    }

    /// The key of a member; empty for what is none.
    pub(super) fn key(&self, node: Node) -> Cow<'_, str> {
        self.values[node].key.clone().map_or(Cow::Borrowed(""), |key| unescape(&self.text[key]))
    }

    /// What is between the key and the value: `: `.
    pub(super) fn colon(&self, node: Node) -> Option<&str> {
        let value = &self.values[node];
        value.key.as_ref().map(|key| &self.text[key.end..value.span.start])
    }

    /// The member of an object by its key.
    pub(super) fn member(&self, object: Node, key: &str) -> Option<Node> {
        if self.kind(object) != Kind::Object {
            return None;
        }
        self.children(object).find(|&node| self.key(node) == key)
    }

    /// The string, if it is one.
    pub(super) fn string(&self, node: Node) -> Option<Cow<'_, str>> {
        (self.kind(node) == Kind::String).then(|| unescape(self.raw(node)))
    }

    /// The number, if it is a whole one that is not negative.
    pub(super) fn integer(&self, node: Node) -> Option<u64> {
        if self.kind(node) == Kind::Number { self.raw(node).parse().ok() } else { None }
    }

    /// The same text with pieces of it replaced; it is read again, so that no edit makes it bad.
    pub(super) fn edited(&self, mut edits: Vec<(Range<usize>, String)>) -> Result<Self> {
        edits.sort_by_key(|(range, _)| (range.start, range.end));
        let mut text = String::with_capacity(self.text.len() + 256);
        let mut at = 0;
        for (range, with) in edits {
            text.push_str(&self.text[at..range.start]);
            text.push_str(&with);
            at = range.end;
        }
        text.push_str(&self.text[at..]);
        Self::parse(text.as_bytes())
    }
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    values: Vec<Value>,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn value(&mut self, key: Option<Range<usize>>, depth: usize) -> Result<()> {
        let start = self.at;
        let index = self.values.len();
        let placed = Value { kind: Kind::Null, span: start..start, key, after: index + 1 };
        self.values.push(placed);
        let kind = match self.peek() {
            Some(b'{' | b'[') if depth == MAX_DEPTH => {
                return Err(Error::new(
                    ErrorKind::LimitExceeded,
                    format!("values are nested more than {MAX_DEPTH} deep"),
                )
                .with_position(Position::of_offset(self.text, self.at)));
            }
            Some(b'{') => self.object(depth)?,
            Some(b'[') => self.array(depth)?,
            Some(b'"') => {
                self.string()?;
                Kind::String
            }
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ => self.word()?,
        };
        let after = self.values.len();
        let value = &mut self.values[index];
        (value.kind, value.span.end, value.after) = (kind, self.at, after);
        Ok(())
    }

    fn object(&mut self, depth: usize) -> Result<Kind> {
        let mut keys = HashSet::new();
        self.at += 1;
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Kind::Object);
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.expected("a key in double quotes"));
            }
            let start = self.at;
            self.string()?;
            let key = start..self.at;
            let name = unescape(&self.text[key.clone()]);
            if let Some(again) = keys.replace(name) {
                let message = format!("duplicate key {}", quoted(&again));
                return Err(fault(self.text, start, message).with_help("remove one of the two"));
            }
            self.space();
            if self.peek() != Some(b':') {
                return Err(self.expected("`:` after the key"));
            }
            self.at += 1;
            self.space();
            self.value(Some(key), depth + 1)?;
            if self.ends(b'}', "`,` or `}`")? {
                return Ok(Kind::Object);
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Kind> {
        self.at += 1;
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Kind::Array);
        }
        loop {
            self.value(None, depth + 1)?;
            if self.ends(b']', "`,` or `]`")? {
                return Ok(Kind::Array);
            }
        }
    }

    /// After a member or element: is it the last one?
    fn ends(&mut self, bracket: u8, expected: &str) -> Result<bool> {
        self.space();
        match self.peek() {
            Some(found) if found == bracket => {
                self.at += 1;
                Ok(true)
            }
            Some(b',') => {
                let comma = self.at;
                self.at += 1;
                self.space();
                if self.peek() == Some(bracket) {
                    let message = format!("a comma before `{}`", char::from(bracket));
                    return Err(fault(self.text, comma, message).with_help("remove the comma"));
                }
                Ok(false)
            }
            _ => Err(self.expected(expected)),
        }
    }

    fn string(&mut self) -> Result<()> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => self.escape()?,
                Some(0..=0x1F) => {
                    return Err(self
                        .fault("a control character or line break inside a string")
                        .with_help("write it as \\n or \\u000a, or close the quote before it"));
                }
                Some(_) => self.at += 1,
                None => return Err(fault(self.text, start, "the string is not closed")),
            }
        }
    }

    fn escape(&mut self) -> Result<()> {
        let rest = &self.text.as_bytes()[self.at + 1..];
        self.at += match rest.first() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
            Some(b'u') if rest.len() > 4 && rest[1..5].iter().all(u8::is_ascii_hexdigit) => 6,
            _ => return Err(self.fault("`\\` does not begin a JSON escape").with_help("write `\\\\`")),
        };
        Ok(())
    }

    fn number(&mut self) -> Result<Kind> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let first = self.at;
        self.digits()?;
        if self.text.as_bytes()[first] == b'0' && self.at > first + 1 {
            return Err(fault(self.text, first, "a number that begins with 0"));
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(Kind::Number)
    }

    fn digits(&mut self) -> Result<()> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start { Err(self.expected("a digit")) } else { Ok(()) }
    }

    fn word(&mut self) -> Result<Kind> {
        for (word, kind) in [("true", Kind::Bool), ("false", Kind::Bool), ("null", Kind::Null)] {
            if self.text[self.at..].starts_with(word) {
                self.at += word.len();
                return Ok(kind);
            }
        }
        Err(self.expected("a value"))
    }

    fn expected(&self, what: &str) -> Error {
        match self.text[self.at..].chars().next() {
            Some(found) => self.fault(format!("found `{}`; expected {what}", Shown(&found))),
            None => self.fault(format!("the file ends; expected {what}")),
        }
    }

    fn fault(&self, message: impl Into<String>) -> Error {
        fault(self.text, self.at, message)
    }
}

fn fault(text: &str, at: usize, message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidRepository, message).with_position(Position::of_offset(text, at))
}

/// What a string that was read before means. Half of a surrogate pair, which no text can hold, becomes U+FFFD.
fn unescape(quoted: &str) -> Cow<'_, str> {
    let inner = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    let mut units = Vec::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        let escaped = if c == '\\' { chars.next() } else { None };
        let meant = match escaped {
            None => c,
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => {
                let digits: String = chars.by_ref().take(4).collect();
                units.push(u16::from_str_radix(&digits, 16).unwrap_or(0xFFFD));
                continue;
            }
            Some(other) => other,
        };
        units.extend_from_slice(meant.encode_utf16(&mut [0; 2]));
    }
    Cow::Owned(String::from_utf16_lossy(&units))
}

/// The same value without any character beyond ASCII, which are in strings only.
pub(super) fn escaped(value: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out
}

/// A string as it is written; with `ascii`, without any other character.
pub(super) fn quote(text: &str, ascii: bool) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' || c == '\u{7f}' || (ascii && !c.is_ascii()) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_are_found_where_they_stand() {
        let json =
            Json::parse(b" {\"a\" : [1, -2.5e+3, \"x\\u0041\\n\"], \"b\":{}, \"c\": null}\r\n").unwrap();
        let members: Vec<_> = json.children(ROOT).map(|node| (json.key(node), json.raw(node))).collect();
        assert_eq!(
            members,
            [("a".into(), "[1, -2.5e+3, \"x\\u0041\\n\"]"), ("b".into(), "{}"), ("c".into(), "null")]
        );
        let list: Vec<_> = json.children(json.member(ROOT, "a").unwrap()).collect();
        assert_eq!(json.integer(list[0]), Some(1));
        assert_eq!(json.integer(list[1]), None);
        assert_eq!(json.string(list[2]).unwrap(), "xA\n");
        assert_eq!(json.colon(json.member(ROOT, "a").unwrap()), Some(" : "));
    }

    #[test]
    fn what_is_no_json_is_refused_with_its_place() {
        for (text, place, word) in [
            ("", "1:1", "ends"),
            ("{\"a\":1,}", "1:7", "comma"),
            ("[1,\n]", "1:3", "comma"),
            ("{'a':1}", "1:2", "double quotes"),
            ("[01]", "1:2", "begins with 0"),
            ("[1.]", "1:4", "digit"),
            ("[.5]", "1:2", "value"),
            ("[+1]", "1:2", "value"),
            ("[NaN]", "1:2", "value"),
            ("[1] 2", "1:5", "end of the file"),
            ("{\"a\":1,\n\"\\u0061\":2}", "2:1", "duplicate key"),
            ("[\"a\nb\"]", "1:4", "control"),
            ("[\"\\x\"]", "1:3", "escape"),
            ("[\"\\u12g4\"]", "1:3", "escape"),
            ("[\"abc", "1:2", "closed"),
            ("// c\n[]", "1:1", "value"),
            ("\u{feff}[]", "1:1", "byte order mark"),
            ("[1 2]", "1:4", "`,` or `]`"),
            ("{\"a\" 1}", "1:6", "`:`"),
            ("[\u{a0}1]", "1:2", "value"),
        ] {
            let error = Json::parse(text.as_bytes()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidRepository, "{text}");
            assert_eq!(error.position().unwrap().to_string(), place, "{text}: {error}");
            assert!(error.message().contains(word), "{text}: {error}");
        }
        assert!(Json::parse(b"[\"\xff\"]").unwrap_err().message().contains("UTF-8"));
        let deep = "[".repeat(MAX_DEPTH + 1) + &"]".repeat(MAX_DEPTH + 1);
        assert_eq!(Json::parse(deep.as_bytes()).unwrap_err().kind(), ErrorKind::LimitExceeded);
        assert!(Json::parse(&deep.as_bytes()[1..=2 * MAX_DEPTH]).is_ok());
        assert_eq!(Json::parse(&vec![b' '; MAX_BYTES + 1]).unwrap_err().kind(), ErrorKind::LimitExceeded);
    }

    #[test]
    fn strings_are_read_back_as_they_were_written() {
        for text in ["", "a\"b\\c/", "\n\r\t\u{8}\u{c}\u{0}\u{7f}", "Ü🙂", "\\u0041"] {
            for ascii in [false, true] {
                let quoted = quote(text, ascii);
                assert!(!ascii || quoted.is_ascii());
                let json = Json::parse(quoted.as_bytes()).unwrap();
                assert_eq!(json.string(ROOT).unwrap(), text);
            }
        }
        assert_eq!(Json::parse(br#""\ud83d\ude42 \ud800""#).unwrap().string(ROOT).unwrap(), "🙂 \u{fffd}");
    }

    proptest! {
        /// serde_json is the other reader; where it takes a text, it may only be for what we refuse on purpose.
        #[test]
        fn any_text_is_taken_or_refused_as_by_another_reader(text in r#"[\[\]{}",:0-9eE.+\- a\\untrlfs\n]{0,24}"#) {
            let ours = Json::parse(text.as_bytes());
            let theirs = serde_json::from_str::<serde::de::IgnoredAny>(&text);
            match ours {
                Ok(_) => prop_assert!(theirs.is_ok(), "{text}"),
                Err(error) => prop_assert!(
                    theirs.is_err() || error.message().contains("duplicate key") || text.contains("\\u"), "{text}: {error}"
                ),
            }
        }
    }
}
