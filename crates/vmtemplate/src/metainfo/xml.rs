//! The well-formed XML 1.0 that metainfo.xml is written in: no DTD, hence five entities and no more.
//!
//! quick-xml reads the markup and matches the tags; what it leaves unchecked of XML 1.0 (fifth edition) is checked
//! here. The numbers in comments are the sections of that text. No text is kept, only where each element begins and
//! ends, so that a document can be edited in place.

use std::ops::Range;

use quick_xml::Reader;
use quick_xml::errors::{Error as XmlError, IllFormedError, SyntaxError};
use quick_xml::events::Event;
use quick_xml::events::attributes::{AttrError, Attributes};

use super::chars::{is_char, is_name_char, is_name_start, is_space, reference};
use crate::error::{Error, ErrorKind, Position, Result};
use crate::shown::{quoted, short};

/// Elements inside elements; the platform's own files need four.
pub(super) const MAX_DEPTH: usize = 32;

/// The root of every metainfo.xml.
pub(super) const ROOT: &str = "doc";

/// One element, as offsets into the text. Elements are listed in document order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) name: Range<usize>,
    /// `<name …>` or `<name …/>`.
    pub(super) open: Range<usize>,
    /// `</name>`; empty, at the end of `open`, for `<name/>`.
    pub(super) close: Range<usize>,
    /// The index after the last element inside this one.
    pub(super) after: usize,
}

/// Reads a document and says where its elements are.
pub(super) fn read(text: &str) -> Result<Vec<Element>> {
    let mut tree = Tree::of(text);
    if let Some((at, c)) = text.char_indices().find(|&(_, c)| !is_char(c)) {
        return Err(tree
            .fault(at, format!("XML does not allow the character U+{:04X}", c as u32))
            .with_help("remove it; the file may be damaged, or not be XML at all"));
    }
    // quick-xml would pass over a second byte order mark, and count from behind it.
    if text.starts_with('\u{FEFF}') {
        return Err(tree.text_outside(0..text.find('<').unwrap_or(text.len())));
    }
    let mut reader = Reader::from_str(text);
    reader.config_mut().enable_all_checks(true);
    loop {
        let start = reader.buffer_position() as usize;
        let event =
            reader.read_event().map_err(|error| tree.not_xml(&error, start, reader.error_position()))?;
        let span = start..reader.buffer_position() as usize;
        match event {
            Event::Start(tag) => tree.start_tag(span, tag.name().as_ref().len(), false)?,
            Event::Empty(tag) => tree.start_tag(span, tag.name().as_ref().len(), true)?,
            Event::End(_) => tree.end_tag(span),
            Event::Text(data) => tree.character_data(span, &data)?,
            Event::GeneralRef(_) if tree.open.is_empty() => return Err(tree.text_outside(span)),
            Event::GeneralRef(name) if reference(&name).is_none() => {
                return Err(tree.unknown_reference(span.start));
            }
            Event::CData(_) if tree.open.is_empty() => {
                return Err(tree.fault(start, format!("a CDATA section outside <{ROOT}>")));
            }
            Event::DocType(_) => return Err(tree.dtd(start)),
            Event::Decl(_) if start == 0 => {
                tree.declaration(span.end)?;
            }
            Event::Decl(_) => return Err(tree.late_declaration(start)),
            // 2.6: no case of `xml` may be the target.
            Event::PI(instruction) => {
                let target = instruction.target();
                tree.check_name(
                    start + 2..start + 2 + target.len(),
                    "the target of a processing instruction",
                )?;
                if target.eq_ignore_ascii_case("xml") {
                    return Err(tree.late_declaration(start));
                }
            }
            Event::GeneralRef(_) | Event::CData(_) | Event::Comment(_) => {}
            Event::Eof => return tree.end(),
        }
    }
}

/// Where the value of `encoding` is in the XML declaration that the text begins with (2.8), if there is one.
pub(super) fn declared_encoding(text: &str) -> Result<Option<Range<usize>>> {
    let mut reader = Reader::from_str(text);
    match reader.read_event() {
        Ok(Event::Decl(_)) => Tree::of(text).declaration(reader.buffer_position() as usize),
        Err(error @ XmlError::Syntax(SyntaxError::UnclosedXmlDecl)) => {
            Err(Tree::of(text).not_xml(&error, 0, reader.error_position()))
        }
        _ => Ok(None),
    }
}

/// The attributes of a start tag that was read before: names and raw values, as offsets into `text`.
pub(super) fn attributes(
    text: &str,
    element: &Element,
) -> impl Iterator<Item = (Range<usize>, Range<usize>)> {
    let end = element.open.end - if element.close.is_empty() { "/>".len() } else { ">".len() };
    attribute_spans(text, element.name.end..end).flatten()
}

/// The attributes in a part of the text. The offsets in errors are into `text` as well.
fn attribute_spans(
    text: &str,
    within: Range<usize>,
) -> impl Iterator<Item = std::result::Result<(Range<usize>, Range<usize>), AttrError>> {
    Attributes::new(&text[..within.end], within.start)
        .map(|found| found.map(|held| (span_of(text, held.key.as_ref()), span_of(text, &held.value))))
}

/// Where a part of the text is in it.
fn span_of(text: &str, part: &str) -> Range<usize> {
    let start = part.as_ptr().addr() - text.as_ptr().addr();
    start..start + part.len()
}

/// A piece of the content of an element that is not an element.
pub(super) enum Piece {
    /// Character data with references.
    Text(Range<usize>),
    /// `<![CDATA[…]]>`: the section, and what it holds.
    Cdata(Range<usize>, Range<usize>),
    /// A comment or processing instruction.
    Aside(Range<usize>),
}

/// The piece that begins at `at`, in text that was read before; not for element tags. It ends before `end`.
pub(super) fn piece(text: &str, at: usize, end: usize) -> Piece {
    let rest = &text[at..end];
    if !rest.starts_with('<') {
        return Piece::Text(at..at + rest.find('<').unwrap_or(rest.len()));
    }
    let mut reader = Reader::from_str(rest);
    let event = reader.read_event();
    let span = at..at + reader.buffer_position() as usize;
    match event {
        Ok(Event::CData(held)) => Piece::Cdata(span, span_of(text, &held)),
        _ => Piece::Aside(span),
    }
}

/// What the XML declaration may hold, how it looks, and what is said of one that does not (2.8, 4.3.3).
type DeclarationPart = (&'static str, fn(&str) -> bool, &'static str);
const DECLARATION: [DeclarationPart; 3] = [
    ("version", is_version, "the XML version is not 1.0"),
    ("encoding", is_encoding_name, "this is not the name of an encoding"),
    ("standalone", |value| matches!(value, "yes" | "no"), "`standalone` is neither `yes` nor `no`"),
];

fn is_version(value: &str) -> bool {
    value
        .strip_prefix("1.")
        .is_some_and(|minor| !minor.is_empty() && minor.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_encoding_name(value: &str) -> bool {
    value.starts_with(|c: char| c.is_ascii_alphabetic())
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// The elements found so far.
struct Tree<'a> {
    text: &'a str,
    elements: Vec<Element>,
    /// The elements that are open, outermost first.
    open: Vec<usize>,
}

impl<'a> Tree<'a> {
    fn of(text: &'a str) -> Self {
        Self { text, elements: Vec::new(), open: Vec::new() }
    }

    fn start_tag(&mut self, span: Range<usize>, name_length: usize, is_empty: bool) -> Result<()> {
        let start = span.start;
        let name = start + 1..start + 1 + name_length;
        self.check_name(name.clone(), "an element name after `<`")?;
        if self.open.is_empty() && !self.elements.is_empty() {
            return Err(self.fault(start, format!("a second root element, after <{ROOT}> is closed")));
        }
        if self.elements.is_empty() && &self.text[name.clone()] != ROOT {
            let found = quoted(&self.text[name]);
            return Err(self.fault(start, format!("the root element is {found}; expected `{ROOT}`")));
        }
        if self.open.len() == MAX_DEPTH {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!("elements are nested more than {MAX_DEPTH} deep"),
            )
            .with_position(Position::of_offset(self.text, start))
            .with_field(short(&self.text[name])));
        }
        let within = name.end..span.end - if is_empty { "/>".len() } else { ">".len() };
        let index = self.elements.len();
        let close = span.end..span.end;
        self.elements.push(Element { name, open: span, close, after: index + 1 });
        self.open.push(index);
        for attribute in attribute_spans(self.text, within) {
            let (name, value) = attribute.map_err(|error| self.not_attributes(&error))?;
            self.check_spaced(&name)?;
            self.check_name(name, "an attribute, `>` or `/>`")?;
            self.check_value(value)?;
        }
        if is_empty {
            self.open.pop();
        }
        Ok(())
    }

    /// quick-xml has compared the names.
    fn end_tag(&mut self, span: Range<usize>) {
        let after = self.elements.len();
        if let Some(index) = self.open.pop() {
            self.elements[index].close = span;
            self.elements[index].after = after;
        }
    }

    /// 2.4: `]]>` is not part of it. Outside the root only white space may be.
    fn character_data(&self, span: Range<usize>, data: &str) -> Result<()> {
        if self.open.is_empty() && !data.trim_matches(is_space).is_empty() {
            return Err(self.text_outside(span));
        }
        match data.find("]]>") {
            Some(found) => Err(self
                .fault(span.start + found, "`]]>` is not allowed in text")
                .with_help("write it as `]]&gt;`")),
            None => Ok(()),
        }
    }

    fn end(self) -> Result<Vec<Element>> {
        let end = self.text.len();
        if let Some(&unclosed) = self.open.last() {
            let (name, line) = (quoted(self.name_of(unclosed)), self.line_of(unclosed));
            return Err(self
                .fault(end, format!("the file ends, but {name} of line {line} is not closed"))
                .with_help("the file may be truncated; add the missing end tags"));
        }
        if self.elements.is_empty() {
            return Err(self.fault(end, format!("the file has no element; expected <{ROOT}>")));
        }
        Ok(self.elements)
    }

    /// The XML declaration, which ends at `end` (2.8). Gives where the name of the encoding is.
    fn declaration(&self, end: usize) -> Result<Option<Range<usize>>> {
        let fault = |at, message| {
            self.fault(at, message)
                .with_help("begin the file with <?xml version=\"1.0\" encoding=\"UTF-8\"?>")
        };
        // The order is fixed, and only the first one is required.
        let mut parts = DECLARATION.iter();
        let (mut version, mut encoding) = (None, None);
        for attribute in attribute_spans(self.text, "<?xml".len()..end - "?>".len()) {
            let (name, value) = attribute.map_err(|error| self.not_attributes(&error))?;
            self.check_spaced(&name)?;
            let Some((part, is_right, wrong)) = parts.find(|(part, ..)| *part == &self.text[name.clone()])
            else {
                return Err(fault(
                    name.start,
                    "the XML declaration may contain only `version`, `encoding` and `standalone`, in this order",
                ));
            };
            if !is_right(&self.text[value.clone()]) {
                return Err(fault(value.start, wrong));
            }
            match *part {
                "version" => version = Some(value),
                "encoding" => encoding = Some(value),
                _ => {}
            }
        }
        if version.is_none() {
            return Err(fault(0, "the XML declaration has no `version`"));
        }
        Ok(encoding)
    }

    /// 2.3
    fn check_name(&self, name: Range<usize>, expected: &str) -> Result<()> {
        let mut chars = self.text[name.clone()].char_indices();
        match chars.find(|&(at, c)| !if at == 0 { is_name_start(c) } else { is_name_char(c) }) {
            Some((at, _)) => Err(self.expected(name.start + at, expected)),
            None if name.is_empty() => Err(self.expected(name.start, expected)),
            None => Ok(()),
        }
    }

    /// 3.1: white space is before each attribute.
    fn check_spaced(&self, name: &Range<usize>) -> Result<()> {
        if self.text[..name.start].ends_with(is_space) {
            return Ok(());
        }
        Err(self.expected(name.start, "white space before the next attribute"))
    }

    /// 3.1: no `<` is in a value, and its references are known.
    fn check_value(&self, value: Range<usize>) -> Result<()> {
        let raw = &self.text[value.clone()];
        if let Some(found) = raw.find('<') {
            return Err(self
                .fault(value.start + found, "`<` is not allowed in the value of an attribute")
                .with_help("write it as `&lt;`, or close the quote before it"));
        }
        for (at, _) in raw.match_indices('&') {
            if raw[at + 1..].split_once(';').and_then(|(name, _)| reference(name)).is_none() {
                return Err(self.unknown_reference(value.start + at));
            }
        }
        Ok(())
    }

    fn name_of(&self, index: usize) -> &'a str {
        &self.text[self.elements[index].name.clone()]
    }

    fn line_of(&self, index: usize) -> usize {
        Position::of_offset(self.text, self.elements[index].open.start).line
    }

    // Faults.

    /// What quick-xml refuses in the markup that begins at `start`, and the place that it gives.
    fn not_xml(&self, error: &XmlError, start: usize, place: u64) -> Error {
        let rest = &self.text[start..];
        let at = place as usize;
        match error {
            XmlError::Syntax(SyntaxError::UnclosedDoctype)
            | XmlError::IllFormed(IllFormedError::MissingDoctypeName) => self.dtd(start),
            // It states by one character what is begun.
            XmlError::Syntax(_)
                if rest.starts_with("<!") && !rest.starts_with("<!--") && !rest.starts_with("<![CDATA[") =>
            {
                self.fault(at, "found `<!`; expected a comment `<!-- … -->` or an element")
            }
            XmlError::Syntax(
                error @ (SyntaxError::UnclosedTag
                | SyntaxError::UnclosedSingleQuotedAttributeValue
                | SyntaxError::UnclosedDoubleQuotedAttributeValue),
            ) => {
                let name = rest[1..].split(is_space).next().unwrap_or_default();
                self.fault_at(at, error.to_string()).with_field(short(name))
            }
            XmlError::IllFormed(IllFormedError::UnclosedReference) => self.unknown_reference(at),
            // The place that it gives is wrong if the comment has a single `-` before.
            XmlError::IllFormed(IllFormedError::DoubleHyphenInComment) => {
                let inner = "<!--".len();
                let found = rest[inner..].find("--").unwrap_or_default();
                self.fault(start + inner + found, "`--` is not allowed inside a comment")
            }
            XmlError::IllFormed(IllFormedError::UnmatchedEndTag(found)) => {
                self.fault(at, format!("the end tag of {}, which was not opened", quoted(found)))
            }
            XmlError::IllFormed(IllFormedError::MismatchedEndTag { expected, found }) => {
                let line = self.open.last().map_or(1, |&index| self.line_of(index));
                let (found, expected) = (quoted(found), quoted(expected));
                let message = format!(
                    "found the end tag of {found}; expected that of {expected}, opened in line {line}"
                );
                self.fault(at, message)
            }
            other => self.fault(at, other.to_string()),
        }
    }

    fn not_attributes(&self, error: &AttrError) -> Error {
        match *error {
            AttrError::ExpectedEq(at) => self.expected(at, "`=` after the attribute's name"),
            AttrError::ExpectedValue(at) | AttrError::UnquotedValue(at) => {
                self.expected(at, "a value in quotes")
            }
            AttrError::ExpectedQuote(at, _) => self.fault(at, "the quote is not closed"),
            AttrError::Duplicated(at, _) => {
                let rest = &self.text[at..];
                let name = &rest[..rest.find(|c| c == '=' || is_space(c)).unwrap_or(rest.len())];
                self.fault(at, format!("duplicate attribute {}", quoted(name)))
            }
        }
    }

    fn unknown_reference(&self, at: usize) -> Error {
        let rest = &self.text[at..];
        let shown = &rest[..rest.find(|c| matches!(c, ';' | '<') || is_space(c)).unwrap_or(rest.len())];
        self.fault(
            at,
            format!("{} is not a known character reference", quoted(&format!("{};", short(shown)))),
        )
        .with_help("known are &amp; &lt; &gt; &quot; &apos; and &#N;; write a single & as &amp;")
    }

    /// At the first character that is no white space.
    fn text_outside(&self, span: Range<usize>) -> Error {
        let data = self.text[span.clone()].trim_start_matches(is_space);
        self.fault(span.end - data.len(), format!("text outside <{ROOT}>: {}", quoted(data.trim_end())))
    }

    fn dtd(&self, at: usize) -> Error {
        self.fault(at, "a DTD is not allowed")
            .with_help("remove <!DOCTYPE …>; write special characters as &amp; or &#N;")
    }

    fn late_declaration(&self, at: usize) -> Error {
        self.fault(at, "an XML declaration is allowed only at the very start of the file")
    }

    fn expected(&self, at: usize, what: &str) -> Error {
        let found = match self.text[at..].chars().next() {
            Some(c) => quoted(c.encode_utf8(&mut [0; 4])),
            None => "the end of the file".to_owned(),
        };
        self.fault(at, format!("found {found}; expected {what}"))
    }

    fn fault(&self, at: usize, message: impl Into<String>) -> Error {
        let error = self.fault_at(at, message);
        match self.open.last() {
            Some(&index) => error.with_field(short(self.name_of(index))),
            None => error,
        }
    }

    /// A fault that is not put down to the element that is open.
    fn fault_at(&self, at: usize, message: impl Into<String>) -> Error {
        Error::new(ErrorKind::InvalidMetainfo, message).with_position(Position::of_offset(self.text, at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(text: &str, position: &str, message: &str) {
        let error = read(text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidMetainfo, "{text}");
        assert!(error.message().contains(message), "{text}: {error}");
        assert_eq!(error.position().unwrap().to_string(), position, "{text}: {error}");
    }

    #[test]
    fn elements_are_found_where_they_are() {
        let text = "<doc>\n<a x='1'><b/></a ><!-- <c/> --><![CDATA[<d/>]]></doc>";
        let elements = read(text).unwrap();
        let parts: Vec<_> = elements
            .iter()
            .map(|e| (&text[e.name.clone()], &text[e.open.clone()], &text[e.close.clone()], e.after))
            .collect();
        assert_eq!(
            parts,
            [("doc", "<doc>", "</doc>", 3), ("a", "<a x='1'>", "</a >", 3), ("b", "<b/>", "", 3)]
        );
    }

    #[test]
    fn tags_that_do_not_match_are_refused() {
        refused("<doc>\n  <osname>A</osnam></doc>", "2:12", "expected that of `osname`, opened in line 2");
        refused("<doc></doc></doc>", "1:12", "which was not opened");
        refused("<doc>\n<a>", "2:4", "`a` of line 2 is not closed");
        refused(
            "<doc></doc x>",
            "1:6",
            "found the end tag of `doc x`; expected that of `doc`, opened in line 1",
        );
        refused("<doc></ doc>", "1:6", "expected that of `doc`");
    }

    #[test]
    fn there_is_one_root_and_it_is_doc_and_nothing_stands_around_it() {
        refused("", "1:1", "the file has no element; expected <doc>");
        refused("<!-- a -->\n", "2:1", "the file has no element");
        refused("<html></html>", "1:1", "the root element is `html`; expected `doc`");
        refused("<doc/>\n<doc/>", "2:1", "a second root element");
        refused("<doc/>\n x", "2:2", "text outside <doc>");
        refused("&amp;<doc/>", "1:1", "text outside <doc>");
        refused("<doc/><![CDATA[]]>", "1:7", "a CDATA section outside");
    }

    #[test]
    fn a_second_byte_order_mark_is_text_outside_the_root_and_inside_it_a_character() {
        refused("\u{FEFF}<doc/>", "1:1", "text outside <doc>");
        refused("\u{FEFF}\u{FEFF}", "1:1", "text outside <doc>");
        let text = "<doc>\u{FEFF}<![CDATA[a]]></doc>";
        assert!(read(text).is_ok());
        assert!(matches!(piece(text, 5, text.len()), Piece::Text(span) if span == (5..8)));
        assert!(
            matches!(piece(text, 8, text.len()), Piece::Cdata(span, held) if span == (8..21) && held == (17..18))
        );
    }

    #[test]
    fn attributes_are_quoted_apart_and_given_once() {
        refused("<doc a='1' a=\"2\"/>", "1:12", "duplicate attribute `a`");
        refused("<doc a=1/>", "1:8", "a value in quotes");
        refused("<doc a/>", "1:7", "`=`");
        refused("<doc a='1'b='2'/>", "1:11", "white space");
        refused("<doc>\n<a b='1/></doc>", "2:1", "attribute value not closed: `'` not found");
        assert_eq!(read("<doc><a b='1/></doc>").unwrap_err().field(), Some("a"));
        refused("<doc a='<'/>", "1:9", "`<` is not allowed in the value of an attribute");
        refused("<doc a='&b;'/>", "1:9", "`&b;`");
    }

    #[test]
    fn a_dtd_and_every_entity_but_the_five_are_refused() {
        // Without a DTD there is nothing to expand: neither a billion laughs nor a file of this machine.
        refused("<!DOCTYPE doc [<!ENTITY a 'aa'>]><doc>&a;</doc>", "1:1", "a DTD is not allowed");
        refused("<!DOCTYPE doc SYSTEM 'file:///etc/passwd'><doc/>", "1:1", "a DTD is not allowed");
        refused("<doc>&nbsp;</doc>", "1:6", "`&nbsp;`");
        refused("<doc>A & B</doc>", "1:8", "`&;`");
        refused("<doc>&amp</doc>", "1:6", "`&amp");
    }

    #[test]
    fn a_reference_to_what_is_no_character_is_refused() {
        for reference in [
            "&#0;",
            "&#x0;",
            "&#31;",
            "&#xD800;",
            "&#xFFFE;",
            "&#x110000;",
            "&#99999999999999999999;",
            "&#;",
            "&#x;",
            "&#X41;",
            "&#-1;",
            "&#+1;",
            "&#4a;",
        ] {
            refused(&format!("<doc>{reference}</doc>"), "1:6", "is not a known character reference");
        }
        assert!(read("<doc>&#9;&#x10FFFF;&#00000000000000000065;</doc>").is_ok());
    }

    #[test]
    fn what_ends_early_or_holds_its_own_end_is_refused() {
        refused("<doc><!-- a -- b --></doc>", "1:13", "`--`");
        refused("<doc><!-- a --->  </doc>", "1:13", "`--`");
        refused("<doc><!-- a-b-c\n-- --></doc>", "2:1", "`--`");
        refused("<doc><!-- a</doc>", "1:6", "comment not closed: `-->` not found");
        refused("<doc>]]></doc>", "1:6", "`]]>`");
        refused("<doc><![CDATA[a</doc>", "1:6", "CDATA not closed: `]]>` not found");
        refused("<doc><?a b</doc>", "1:6", "not closed");
        refused("<doc><?a b>", "1:6", "not closed");
        refused("<doc><a", "1:6", "tag not closed: `>` not found");
        refused("<doc><!a></doc>", "1:6", "expected a comment");
        refused("<doc><!-a--></doc>", "1:6", "expected a comment");
        refused("<doc><![cdata[]]></doc>", "1:6", "expected a comment");
        refused("<doc>< a/></doc>", "1:7", "expected an element name");
    }

    #[test]
    fn control_characters_and_noncharacters_are_refused() {
        for c in ['\0', '\u{1}', '\u{B}', '\u{1F}', '\u{FFFE}', '\u{FFFF}'] {
            refused(&format!("<doc>\nä{c}</doc>"), "2:2", "XML does not allow");
        }
        assert!(read("<doc>\t\r\n\u{7F}\u{85}\u{FFFD}\u{10FFFF}</doc>").is_ok());
    }

    #[test]
    fn the_declaration_stands_first_and_in_its_form() {
        assert!(read("<?xml version = '1.0'\n encoding=\"UTF-8\" standalone='no' ?><doc/>").is_ok());
        refused("\n<?xml version='1.0'?><doc/>", "2:1", "only at the very start");
        refused("<doc><?XML a?></doc>", "1:6", "only at the very start");
        refused("<?xml encoding='UTF-8'?><doc/>", "1:1", "no `version`");
        refused("<?xml version='1.0' standalone='no' encoding='UTF-8'?><doc/>", "1:37", "in this order");
        refused("<?xml version='2.0'?><doc/>", "1:16", "the XML version is not 1.0");
        refused("<?xml version='1.0' standalone='x'?><doc/>", "1:33", "neither `yes` nor `no`");
        refused("<?xml version='1.0' encoding='8'?><doc/>", "1:31", "not the name of an encoding");
        refused("<?xml version='1.0'encoding='UTF-8'?><doc/>", "1:20", "white space");
    }

    #[test]
    fn nesting_is_bounded() {
        let nested =
            |depth: usize| format!("<doc>{}{}</doc>", "<a>".repeat(depth - 1), "</a>".repeat(depth - 1));
        assert!(read(&nested(MAX_DEPTH)).is_ok());
        let error = read(&nested(MAX_DEPTH + 1)).unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::LimitExceeded, Some("a")));
    }

    #[test]
    fn what_a_file_says_is_shown_short_and_on_one_line() {
        let long = format!("<doc><{}></doc>", "n".repeat(100_000));
        assert!(read(&long).unwrap_err().to_string().len() < 400);
        assert_eq!(quoted("a\u{1b}[31m\n"), "`a\\u{1b}[31m\\n`");
    }

    #[test]
    fn a_tag_with_very_many_attributes_is_read_in_good_time() {
        let mut text = String::from("<doc");
        for number in 0..80_000 {
            text.push_str(" a");
            text.push_str(&number.to_string());
            text.push_str("=''");
        }
        assert_eq!(read(&(text + "/>")).unwrap().len(), 1);
    }
}
