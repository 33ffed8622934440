//! A strict reader of the XML 1.0 that metainfo.xml is written in: no DTD, hence five entities and no more.
//!
//! It keeps no text, only where each element begins and ends, so that a document can be edited in place.
//! What is refused is what XML 1.0 (fifth edition) calls not well-formed; the numbers in comments are its sections.

use std::collections::HashSet;
use std::ops::Range;

use super::escape::reference;
use crate::error::{Error, ErrorKind, Position, Result};

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

/// `<?xml …?>`.
pub(super) struct Declaration {
    pub(super) end: usize,
    pub(super) encoding: Option<Range<usize>>,
}

/// The white space of XML (2.3): no more than these four.
pub(super) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// A character that XML can hold at all (2.2).
pub(super) fn is_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

fn is_name_start(c: char) -> bool {
    matches!(c, ':' | 'A'..='Z' | '_' | 'a'..='z' | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}'
        | '\u{F8}'..='\u{2FF}' | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}'
        | '\u{2070}'..='\u{218F}' | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}'
        | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}' | '\u{10000}'..='\u{EFFFF}')
}

fn is_name_char(c: char) -> bool {
    is_name_start(c)
        || matches!(c, '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}

/// Text from outside as a message shows it: quoted, on one line, and short.
pub(super) fn quoted(text: &str) -> String {
    format!("`{}`", short(text).escape_debug())
}

/// The beginning of a text that may be long.
pub(super) fn short(text: &str) -> String {
    const SHOWN: usize = 60;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Reads a document and says where its elements are.
pub(super) fn read(text: &str) -> Result<Vec<Element>> {
    let mut reader = Reader { text, at: 0, elements: Vec::new(), open: Vec::new() };
    if let Some((at, c)) = text.char_indices().find(|&(_, c)| !is_char(c)) {
        return Err(reader
            .fault_at(at, format!("the character U+{:04X} may not stand in XML", c as u32))
            .with_help("remove it; the file may be damaged, or not be XML at all"));
    }
    if let Some(declaration) = declaration(text)? {
        reader.at = declaration.end;
    }
    reader.document()?;
    Ok(reader.elements)
}

/// The XML declaration that the text begins with (2.8), if it does.
pub(super) fn declaration(text: &str) -> Result<Option<Declaration>> {
    if !text.strip_prefix("<?xml").is_some_and(|rest| rest.starts_with(is_space)) {
        return Ok(None);
    }
    let mut reader = Reader { text, at: "<?xml".len(), elements: Vec::new(), open: Vec::new() };
    let mut found = Vec::new();
    loop {
        let spaced = reader.skip_space();
        if reader.eat("?>") {
            break;
        }
        let at = reader.at;
        if !spaced {
            return Err(reader.expected("white space or `?>` in the XML declaration"));
        }
        let name = reader.name("`version`, `encoding`, `standalone` or `?>`")?;
        let value = reader.attribute_value()?;
        found.push((name, value, at));
    }
    // The order is fixed, and only `version` is required.
    let mut rest = found.as_slice();
    let mut take = |wanted: &str| match rest {
        [(name, value, _), tail @ ..] if &text[name.clone()] == wanted => {
            rest = tail;
            Some(value.clone())
        }
        _ => None,
    };
    let (version, encoding, standalone) = (take("version"), take("encoding"), take("standalone"));
    let fault = |at: usize, message: &str| {
        reader
            .fault_at(at, message)
            .with_help("begin the file with <?xml version=\"1.0\" encoding=\"UTF-8\"?>")
    };
    if let Some((_, _, at)) = rest.first() {
        return Err(fault(
            *at,
            "the XML declaration may hold `version`, `encoding` and `standalone`, in this order",
        ));
    }
    let Some(version) = version else {
        return Err(fault(0, "the XML declaration has no `version`"));
    };
    if !text[version.clone()]
        .strip_prefix("1.")
        .is_some_and(|minor| !minor.is_empty() && minor.bytes().all(|byte| byte.is_ascii_digit()))
    {
        return Err(fault(version.start, "the XML version is not 1.0"));
    }
    if let Some(encoding) = &encoding {
        let label = &text[encoding.clone()];
        if !label.starts_with(|c: char| c.is_ascii_alphabetic())
            || !label.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        {
            return Err(fault(encoding.start, "this is not the name of an encoding"));
        }
    }
    if let Some(standalone) = standalone.filter(|value| !matches!(&text[value.clone()], "yes" | "no")) {
        return Err(fault(standalone.start, "`standalone` is neither `yes` nor `no`"));
    }
    Ok(Some(Declaration { end: reader.at, encoding }))
}

/// The attributes of a start tag that was read before: names and raw values, as offsets into `text`.
pub(super) fn attributes(text: &str, element: &Element) -> Vec<(Range<usize>, Range<usize>)> {
    let mut reader = Reader { text, at: element.name.end, elements: Vec::new(), open: Vec::new() };
    let mut found = Vec::new();
    while reader.skip_space() && reader.rest().starts_with(is_name_start) {
        let (Ok(name), Ok(value)) = (reader.name("an attribute"), reader.attribute_value()) else { break };
        found.push((name, value));
    }
    found
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
    let until = |mark: &str| rest.find(mark).map_or(end, |found| at + found + mark.len());
    if rest.starts_with("<![CDATA[") {
        let close = until("]]>");
        Piece::Cdata(at..close, at + "<![CDATA[".len()..close - "]]>".len())
    } else if let Some(comment) = rest.strip_prefix("<!--") {
        // Not `until`: `<!-->` is the beginning of a comment, and not all of it.
        Piece::Aside(at..comment.find("-->").map_or(end, |found| at + "<!--".len() + found + "-->".len()))
    } else if rest.starts_with("<?") {
        Piece::Aside(at..until("?>"))
    } else {
        Piece::Text(at..at + rest.find('<').unwrap_or(rest.len()))
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    elements: Vec<Element>,
    /// The elements that are open, outermost first.
    open: Vec<usize>,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn eat(&mut self, mark: &str) -> bool {
        let found = self.rest().starts_with(mark);
        if found {
            self.at += mark.len();
        }
        found
    }

    fn skip_space(&mut self) -> bool {
        let rest = self.rest();
        let trimmed = rest.trim_start_matches(is_space);
        self.at += rest.len() - trimmed.len();
        trimmed.len() < rest.len()
    }

    fn document(&mut self) -> Result<()> {
        while let Some(first) = self.rest().chars().next() {
            if first != '<' {
                self.character_data()?;
            } else if self.rest().starts_with("<!--") {
                self.comment()?;
            } else if self.rest().starts_with("<![CDATA[") {
                self.cdata()?;
            } else if self.rest().starts_with("<!DOCTYPE") {
                return Err(self
                    .fault("a DTD is not allowed in metainfo.xml")
                    .with_help("remove <!DOCTYPE …>; write special characters as &amp; or &#N;"));
            } else if self.rest().starts_with("<!") {
                return Err(self.expected("a comment `<!-- … -->` or an element after `<`"));
            } else if self.rest().starts_with("<?") {
                self.instruction()?;
            } else if self.eat("</") {
                self.end_tag()?;
            } else {
                self.start_tag()?;
            }
        }
        if let Some(&unclosed) = self.open.last() {
            let element = &self.elements[unclosed];
            let (name, opened) = (self.name_of(unclosed), Position::of_offset(self.text, element.open.start));
            return Err(self
                .fault(format!("the file ends, but {} of line {} is not closed", quoted(name), opened.line))
                .with_help("the file may be cut short; add the end tags that are missing"));
        }
        if self.elements.is_empty() {
            return Err(self.fault(format!("there is no element; expected <{ROOT}>")));
        }
        Ok(())
    }

    /// 2.4: references are known, and `]]>` is not part of it. Outside the root only white space may stand.
    fn character_data(&mut self) -> Result<()> {
        let rest = self.rest();
        let data = &rest[..rest.find('<').unwrap_or(rest.len())];
        if self.open.is_empty() {
            let space = data.len() - data.trim_start_matches(is_space).len();
            self.at += space;
            if space < data.len() {
                return Err(self.fault(format!("text outside <{ROOT}>: {}", quoted(data.trim()))));
            }
            return Ok(());
        }
        if let Some(found) = data.find("]]>") {
            return Err(self
                .fault_at(self.at + found, "`]]>` may not stand in text")
                .with_help("write it as `]]&gt;`"));
        }
        self.references(data)?;
        self.at += data.len();
        Ok(())
    }

    fn references(&self, data: &str) -> Result<()> {
        for (offset, _) in data.match_indices('&') {
            if reference(&data[offset..]).is_none() {
                let shown: String =
                    data[offset..].chars().take_while(|&c| c != ';' && !is_space(c)).collect();
                return Err(self
                    .fault_at(
                        self.at + offset,
                        format!("{} is not a character reference that is known here", quoted(&(shown + ";"))),
                    )
                    .with_help(
                        "known are &amp; &lt; &gt; &quot; &apos; and &#N;; write a single & as &amp;",
                    ));
            }
        }
        Ok(())
    }

    /// 2.5: `--` may not stand inside.
    fn comment(&mut self) -> Result<()> {
        let start = self.at;
        self.at += "<!--".len();
        let Some(found) = self.rest().find("--") else {
            return Err(self.fault_at(start, "the comment is not closed; expected `-->`"));
        };
        self.at += found;
        if !self.eat("-->") {
            return Err(self.fault("`--` may not stand inside a comment"));
        }
        Ok(())
    }

    fn cdata(&mut self) -> Result<()> {
        if self.open.is_empty() {
            return Err(self.fault(format!("a CDATA section outside <{ROOT}>")));
        }
        match self.rest().find("]]>") {
            Some(found) => self.at += found + "]]>".len(),
            None => return Err(self.fault("the CDATA section is not closed; expected `]]>`")),
        }
        Ok(())
    }

    /// 2.6: the target may not be `xml`, in any case.
    fn instruction(&mut self) -> Result<()> {
        let start = self.at;
        self.at += "<?".len();
        let target = self.name("the target of a processing instruction")?;
        if self.text[target].eq_ignore_ascii_case("xml") {
            return Err(
                self.fault_at(start, "an XML declaration may stand only at the very start of the file")
            );
        }
        if !self.rest().starts_with("?>") && !self.rest().starts_with(is_space) {
            return Err(self.expected("white space or `?>`"));
        }
        match self.rest().find("?>") {
            Some(found) => self.at += found + "?>".len(),
            None => {
                return Err(self.fault_at(start, "the processing instruction is not closed; expected `?>`"));
            }
        }
        Ok(())
    }

    fn start_tag(&mut self) -> Result<()> {
        let start = self.at;
        self.at += "<".len();
        let name = self.name("an element name after `<`")?;
        let root_is_read = self.open.is_empty() && !self.elements.is_empty();
        if root_is_read {
            return Err(self.fault_at(start, format!("a second root element, after <{ROOT}> is closed")));
        }
        if self.elements.is_empty() && &self.text[name.clone()] != ROOT {
            return Err(self.fault_at(
                start,
                format!("the root element is {}; expected `{ROOT}`", quoted(&self.text[name])),
            ));
        }
        if self.open.len() == MAX_DEPTH {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!("elements are nested more than {MAX_DEPTH} deep"),
            )
            .with_position(Position::of_offset(self.text, start))
            .with_field(short(&self.text[name])));
        }
        let index = self.elements.len();
        self.elements.push(Element { name, open: start..start, close: start..start, after: index + 1 });
        self.open.push(index);
        let mut seen = HashSet::new();
        let empty = loop {
            let spaced = self.skip_space();
            if self.eat(">") {
                break false;
            }
            if self.eat("/>") {
                break true;
            }
            if !spaced {
                return Err(self.expected("white space, `>` or `/>` in the tag"));
            }
            let at = self.at;
            let attribute = self.name("an attribute, `>` or `/>`")?;
            self.attribute_value()?;
            if !seen.insert(&self.text[attribute.clone()]) {
                return Err(self.fault_at(
                    at,
                    format!("the attribute {} is given twice", quoted(&self.text[attribute])),
                ));
            }
        };
        let element = &mut self.elements[index];
        element.open.end = self.at;
        if empty {
            element.close = self.at..self.at;
            self.open.pop();
        }
        Ok(())
    }

    fn end_tag(&mut self) -> Result<()> {
        let start = self.at - "</".len();
        let name = self.name("an element name after `</`")?;
        let found = &self.text[name];
        let Some(&index) = self.open.last() else {
            return Err(
                self.fault_at(start, format!("the end tag of {}, which was not opened", quoted(found)))
            );
        };
        let (expected, opened) = (self.name_of(index), self.elements[index].open.start);
        if found != expected {
            let line = Position::of_offset(self.text, opened).line;
            return Err(self.fault_at(
                start,
                format!(
                    "found the end tag of {}; expected that of {}, opened in line {line}",
                    quoted(found),
                    quoted(expected)
                ),
            ));
        }
        self.skip_space();
        if !self.eat(">") {
            return Err(self.expected("`>`"));
        }
        self.open.pop();
        let after = self.elements.len();
        let element = &mut self.elements[index];
        element.close = start..self.at;
        element.after = after;
        Ok(())
    }

    fn name(&mut self, expected: &str) -> Result<Range<usize>> {
        if !self.rest().starts_with(is_name_start) {
            return Err(self.expected(expected));
        }
        let rest = self.rest();
        let start = self.at;
        self.at += rest.find(|c| !is_name_char(c)).unwrap_or(rest.len());
        Ok(start..self.at)
    }

    /// `= "value"` with either quote (3.1); no `<` in it. Gives the raw value.
    fn attribute_value(&mut self) -> Result<Range<usize>> {
        self.skip_space();
        if !self.eat("=") {
            return Err(self.expected("`=` after the attribute's name"));
        }
        self.skip_space();
        let Some(quote @ ('"' | '\'')) = self.rest().chars().next() else {
            return Err(self.expected("a value in quotes"));
        };
        self.at += 1;
        let Some(length) = self.rest().find(quote) else {
            return Err(self.fault_at(self.at - 1, "the quote is not closed"));
        };
        let value = &self.rest()[..length];
        if let Some(found) = value.find('<') {
            return Err(self
                .fault_at(self.at + found, "`<` may not stand in an attribute's value")
                .with_help("write it as `&lt;`, or close the quote before it"));
        }
        self.references(value)?;
        let start = self.at;
        self.at += length + 1;
        Ok(start..start + length)
    }

    fn name_of(&self, index: usize) -> &'a str {
        &self.text[self.elements[index].name.clone()]
    }

    fn expected(&self, what: &str) -> Error {
        let found = match self.rest().chars().next() {
            Some(c) => quoted(c.encode_utf8(&mut [0; 4])),
            None => "the end of the file".to_owned(),
        };
        self.fault(format!("found {found}; expected {what}"))
    }

    fn fault(&self, message: impl Into<String>) -> Error {
        self.fault_at(self.at, message)
    }

    fn fault_at(&self, offset: usize, message: impl Into<String>) -> Error {
        let error = Error::new(ErrorKind::InvalidMetainfo, message)
            .with_position(Position::of_offset(self.text, offset));
        match self.open.last() {
            Some(&index) => error.with_field(short(self.name_of(index))),
            None => error,
        }
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
        refused("<doc></doc x>", "1:12", "expected `>`");
    }

    #[test]
    fn there_is_one_root_and_it_is_doc_and_nothing_stands_around_it() {
        refused("", "1:1", "there is no element; expected <doc>");
        refused("<!-- a -->\n", "2:1", "there is no element");
        refused("<html></html>", "1:1", "the root element is `html`; expected `doc`");
        refused("<doc/>\n<doc/>", "2:1", "a second root element");
        refused("<doc/>\n x", "2:2", "text outside <doc>");
        refused("&amp;<doc/>", "1:1", "text outside <doc>");
        refused("<doc/><![CDATA[]]>", "1:7", "a CDATA section outside");
    }

    #[test]
    fn attributes_are_quoted_apart_and_given_once() {
        refused("<doc a='1' a=\"2\"/>", "1:12", "the attribute `a` is given twice");
        refused("<doc a=1/>", "1:8", "a value in quotes");
        refused("<doc a/>", "1:7", "`=`");
        refused("<doc a='1'b='2'/>", "1:11", "white space");
        refused("<doc a='1/>", "1:8", "the quote is not closed");
        refused("<doc a='<'/>", "1:9", "`<` may not stand in an attribute's value");
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
            refused(&format!("<doc>{reference}</doc>"), "1:6", "is not a character reference");
        }
        assert!(read("<doc>&#9;&#x10FFFF;&#00000000000000000065;</doc>").is_ok());
    }

    #[test]
    fn what_ends_early_or_holds_its_own_end_is_refused() {
        refused("<doc><!-- a -- b --></doc>", "1:13", "`--`");
        refused("<doc><!-- a --->  </doc>", "1:13", "`--`");
        refused("<doc><!-- a</doc>", "1:6", "the comment is not closed");
        refused("<doc>]]></doc>", "1:6", "`]]>`");
        refused("<doc><![CDATA[a</doc>", "1:6", "not closed");
        refused("<doc><?a b</doc>", "1:6", "not closed");
        refused("<doc><!a></doc>", "1:6", "expected a comment");
        refused("<doc>< a/></doc>", "1:7", "expected an element name");
    }

    #[test]
    fn control_characters_and_noncharacters_are_refused() {
        for c in ['\0', '\u{1}', '\u{B}', '\u{1F}', '\u{FFFE}', '\u{FFFF}'] {
            refused(&format!("<doc>\nä{c}</doc>"), "2:2", "may not stand in XML");
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
