//! The text of a metainfo.xml, and edits of it that leave every other byte alone.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::ops::Range;

use super::chars;
use super::encoding::{self, Charset};
use super::escape::{self, Place};
use super::xml::{self, Element, Piece};
use crate::error::{Error, ErrorKind, Position, Result};
use crate::positions::Positions;

/// The most bytes that a metainfo.xml may have. Those in use have about a thousand.
pub(super) const MAX_BYTES: usize = 1 << 20;

/// A well-formed document. The text is the truth; the elements say where in it things are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Document {
    text: String,
    charset: Charset,
    line_end: &'static str,
    elements: Vec<Element>,
    positions: Positions,
    /// The most bytes that it may have, also after an edit.
    max_bytes: usize,
}

/// An element, by its place in document order. It is good until the next edit.
pub(crate) type Node = usize;

/// The root element.
pub(crate) const ROOT: Node = 0;

/// The name of the elements of a list: `<limit><elem name="mem">`.
pub(crate) const ELEM: &str = "elem";

/// A piece of the text and what takes its place.
pub(crate) struct Edit {
    range: Range<usize>,
    with: String,
}

/// What an element of a list is to be.
pub(crate) struct Item {
    /// What makes it the same element as one that is there.
    pub(crate) key: String,
    /// Attributes with their values; `None` takes one away. Others are left alone.
    pub(crate) attributes: Vec<(&'static str, Option<String>)>,
    /// The text; `None` leaves it alone.
    pub(crate) text: Option<String>,
}

impl Document {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self> {
        Self::parse_within(bytes, MAX_BYTES)
    }

    /// A document that may have `max_bytes`.
    pub(crate) fn parse_within(bytes: &[u8], max_bytes: usize) -> Result<Self> {
        check_size(bytes.len(), max_bytes)?;
        let (text, charset) = encoding::decode(bytes)?;
        let elements = xml::read(&text)?;
        let line_end = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let positions = Positions::of(&text);
        Ok(Self { text, charset, line_end, elements, positions, max_bytes })
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        self.charset.encode(&self.text)
    }

    // Reading.

    /// The elements directly inside `parent`, in order.
    pub(crate) fn children(&self, parent: Node) -> impl Iterator<Item = Node> + '_ {
        let end = self.elements[parent].after;
        let mut next = parent + 1;
        std::iter::from_fn(move || {
            let node = next;
            #[cfg(test)]
            crate::steps::add(1);
            (node < end).then(|| {
                next = self.elements[node].after;
                node
            })
        })
    }

    /// Those of them that have this name.
    pub(crate) fn named<'a>(&'a self, parent: Node, name: &'a str) -> impl Iterator<Item = Node> + 'a {
        self.children(parent).filter(move |&node| self.name(node) == name)
    }

    pub(crate) fn name(&self, node: Node) -> &str {
        &self.text[self.elements[node].name.clone()]
    }

    /// The value of an attribute.
    pub(crate) fn attribute(&self, node: Node, name: &str) -> Option<Cow<'_, str>> {
        self.attribute_spans(node, name).map(|(_, value)| escape::unescape_attribute(&self.text[value]))
    }

    /// The values of all attributes, and the value.
    pub(crate) fn texts(&self, node: Node) -> Vec<Cow<'_, str>> {
        let attributes = xml::attributes(&self.text, &self.elements[node]);
        let mut texts: Vec<_> =
            attributes.map(|(_, value)| escape::unescape_attribute(&self.text[value])).collect();
        texts.push(self.value(node));
        texts
    }

    /// Where the attribute's name and its raw value are.
    fn attribute_spans(&self, node: Node, name: &str) -> Option<(Range<usize>, Range<usize>)> {
        let mut attributes = xml::attributes(&self.text, &self.elements[node]);
        attributes.find(|(span, _)| &self.text[span.clone()] == name)
    }

    /// The text directly inside an element. White space at its ends is layout and is left out, unless it is
    /// written as a reference or in a CDATA section.
    pub(crate) fn value(&self, node: Node) -> Cow<'_, str> {
        let pieces = self.pieces(node);
        if let [Piece::Text(span)] = pieces.as_slice() {
            return escape::unescape(self.text[span.clone()].trim_matches(chars::is_space));
        }
        let (mut out, mut kept) = (String::new(), 0);
        for piece in pieces {
            let (raw, is_literal) = match piece {
                Piece::Text(span) => (&self.text[span], true),
                Piece::Cdata(_, inner) => (&self.text[inner], false),
                Piece::Aside(_) => continue,
            };
            if !is_literal {
                // `&` is itself in a CDATA section; only line ends are put right.
                out.push_str(&raw.replace("\r\n", "\n").replace('\r', "\n"));
                kept = out.len();
                continue;
            }
            let raw = if kept == 0 { raw.trim_start_matches(chars::is_space) } else { raw };
            let solid = raw.trim_end_matches(chars::is_space);
            if !solid.is_empty() {
                out.push_str(&escape::unescape(solid));
                kept = out.len();
            }
            out.push_str(&escape::unescape(&raw[solid.len()..]));
        }
        out.truncate(kept);
        Cow::Owned(out)
    }

    /// Where the value begins, or the element, if it has none.
    pub(crate) fn position(&self, node: Node) -> Position {
        let content = self.content(node);
        let raw = &self.text[content.clone()];
        let space = raw.len() - raw.trim_start_matches(chars::is_space).len();
        let offset = if space < raw.len() { content.start + space } else { self.elements[node].open.start };
        self.positions.at(&self.text, offset)
    }

    /// Where the element's tag begins.
    pub(crate) fn tag_position(&self, node: Node) -> Position {
        self.positions.at(&self.text, self.elements[node].open.start)
    }

    fn content(&self, node: Node) -> Range<usize> {
        self.elements[node].open.end..self.elements[node].close.start
    }

    fn whole(&self, node: Node) -> Range<usize> {
        self.elements[node].open.start..self.elements[node].close.end
    }

    fn is_self_closing(&self, node: Node) -> bool {
        self.elements[node].close.is_empty()
    }

    /// What the content is made of, but for elements.
    fn pieces(&self, node: Node) -> Vec<Piece> {
        let content = self.content(node);
        let mut pieces = Vec::new();
        let mut at = content.start;
        let end = std::iter::once(content.end..content.end);
        for child in self.children(node).map(|child| self.whole(child)).chain(end) {
            while at < child.start {
                let piece = xml::piece(&self.text, at, child.start);
                at = match &piece {
                    Piece::Text(span) | Piece::Cdata(span, _) | Piece::Aside(span) => span.end,
                };
                pieces.push(piece);
            }
            at = child.end;
        }
        pieces
    }

    // Editing. Edits are made first and applied together: all of them, or none if one cannot be.

    pub(crate) fn apply(&mut self, mut edits: Vec<Edit>) -> Result<()> {
        if edits.is_empty() {
            return Ok(());
        }
        let text = splice(&self.text, 0..self.text.len(), &mut edits);
        check_size(self.charset.encode(&text).len(), self.max_bytes)?;
        self.elements = xml::read(&text)?;
        self.positions = Positions::of(&text);
        self.text = text;
        Ok(())
    }

    /// Makes `value` the element's text. Comments and elements inside stay, as does the white space around the value.
    pub(crate) fn set_value(&self, node: Node, value: &str) -> Result<Vec<Edit>> {
        if self.value(node) == value {
            return Ok(Vec::new());
        }
        let with = self.escape(value, Place::Text)?;
        if self.is_self_closing(node) {
            return Ok(vec![self.open_up(node, &with)]);
        }
        let content = self.content(node);
        let pieces = self.pieces(node);
        let mut spans: VecDeque<_> = pieces
            .iter()
            .filter_map(|piece| match piece {
                Piece::Cdata(span, _) => Some(span.clone()),
                Piece::Text(span) => {
                    let trimmed = trim(&self.text, span);
                    (!trimmed.is_empty()).then_some(trimmed)
                }
                Piece::Aside(_) => None,
            })
            .collect();
        let first = spans.pop_front().unwrap_or(match pieces.as_slice() {
            [Piece::Text(span)] if *span == content => content,
            _ => content.start..content.start,
        });
        let rest = spans.into_iter().map(|range| Edit { range, with: String::new() });
        Ok(std::iter::once(Edit { range: first, with }).chain(rest).collect())
    }

    /// Gives an attribute a value, or takes it away.
    pub(super) fn set_attribute(&self, node: Node, name: &str, value: Option<&str>) -> Result<Vec<Edit>> {
        let edit = match (value, self.attribute_spans(node, name)) {
            (None, None) => return Ok(Vec::new()),
            (Some(value), Some((_, span))) => {
                if escape::unescape_attribute(&self.text[span.clone()]) == value {
                    return Ok(Vec::new());
                }
                Edit { range: span, with: self.escape(value, Place::Attribute)? }
            }
            (Some(value), None) => {
                let end = self.elements[node].name.end;
                let with = format!(" {name}=\"{}\"", self.escape(value, Place::Attribute)?);
                Edit { range: end..end, with }
            }
            (None, Some((name, span))) => {
                let start = self.text[..name.start].trim_end_matches(chars::is_space).len();
                Edit { range: start..span.end + 1, with: String::new() }
            }
        };
        Ok(vec![edit])
    }

    /// Takes an element away, with the white space before it.
    pub(crate) fn remove(&self, node: Node) -> Edit {
        let whole = self.whole(node);
        Edit { range: whole.start - self.separator(node).len()..whole.end, with: String::new() }
    }

    /// Adds an element to the root: behind the last one of `before`, or at the end if there is none.
    /// `make` gets the white space that begins its line.
    pub(crate) fn add(&self, before: &[&str], make: impl FnOnce(&str) -> Result<String>) -> Result<Edit> {
        let mut neighbour = None;
        for child in self.children(ROOT) {
            if before.contains(&self.name(child)) {
                neighbour = Some(child);
            }
        }
        if let Some(neighbour) = neighbour.or_else(|| self.children(ROOT).last()) {
            let separator = self.line_of(ROOT, neighbour);
            return Ok(self.insert_after(neighbour, &[separator.to_owned() + &make(separator)?]));
        }
        let inner = self.inner_separator(ROOT);
        let element = make(&inner)?;
        Ok(self.insert_into_empty(ROOT, &[inner + &element]))
    }

    /// A list element with its items, as it is added to the root.
    pub(super) fn make_list(&self, name: &str, items: &[Item], separator: &str) -> Result<String> {
        let inner = if separator.contains('\n') {
            format!("{separator}{}", indent_of(separator))
        } else {
            String::new()
        };
        let mut out = format!("<{name}>");
        for item in items {
            out += &inner;
            out += &self.make_item(item)?;
        }
        Ok(out + separator + &format!("</{name}>"))
    }

    pub(crate) fn make_item(&self, item: &Item) -> Result<String> {
        let mut out = format!("<{ELEM}");
        for (name, value) in &item.attributes {
            if let Some(value) = value {
                out = out + " " + name + "=\"" + &self.escape(value, Place::Attribute)? + "\"";
            }
        }
        match &item.text {
            Some(text) => Ok(out + ">" + &self.escape(text, Place::Text)? + &format!("</{ELEM}>")),
            None => Ok(out + "/>"),
        }
    }

    /// A simple element as it is added to the root.
    pub(crate) fn make_element(&self, name: &str, value: &str) -> Result<String> {
        Ok(format!("<{name}>{}</{name}>", self.escape(value, Place::Text)?))
    }

    /// Makes the elements of a list those of `items`, in that order. `key_of` states the key of an element that is
    /// there; one without a key is not ours and stays. An element that is kept changes only where it differs.
    pub(crate) fn set_list(
        &self,
        list: Node,
        items: &[Item],
        key_of: impl Fn(Node) -> Option<String>,
    ) -> Result<Vec<Edit>> {
        let mut there: HashMap<String, VecDeque<Node>> = HashMap::new();
        for node in self.named(list, ELEM) {
            if let Some(key) = key_of(node) {
                there.entry(key).or_default().push_back(node);
            }
        }
        let mut edits = Vec::new();
        // The last element that stays where it is: what is new, or comes from farther up, goes behind it.
        let mut kept: Option<Node> = None;
        let mut pending: Vec<String> = Vec::new();
        for item in items {
            let found = there.get_mut(&item.key).and_then(|nodes| {
                let above = nodes.partition_point(|&node| kept.is_some_and(|kept| node < kept));
                nodes.remove(if above < nodes.len() { above } else { 0 })
            });
            match found {
                Some(node) if kept.is_none_or(|kept| node > kept) => {
                    edits.extend(self.insert(list, kept, std::mem::take(&mut pending)));
                    edits.extend(self.update(node, item)?);
                    kept = Some(node);
                }
                Some(node) => {
                    pending.push(splice(&self.text, self.whole(node), &mut self.update(node, item)?));
                    edits.push(self.remove(node));
                }
                None => pending.push(self.make_item(item)?),
            }
        }
        edits.extend(self.insert(list, kept, pending));
        edits.extend(there.into_values().flatten().map(|node| self.remove(node)));
        Ok(edits)
    }

    /// Adds items at the end of a list.
    pub(super) fn append(&self, list: Node, items: &[Item]) -> Result<Option<Edit>> {
        let made = items.iter().map(|item| self.make_item(item)).collect::<Result<_>>()?;
        Ok(self.insert(list, self.children(list).last(), made))
    }

    fn update(&self, node: Node, item: &Item) -> Result<Vec<Edit>> {
        let mut edits = Vec::new();
        for (name, value) in &item.attributes {
            edits.extend(self.set_attribute(node, name, value.as_deref())?);
        }
        if let Some(text) = &item.text {
            edits.extend(self.set_value(node, text)?);
        }
        Ok(edits)
    }

    /// Puts elements into a list: behind `kept`, or before all others.
    pub(crate) fn insert(&self, list: Node, kept: Option<Node>, made: Vec<String>) -> Option<Edit> {
        if made.is_empty() {
            return None;
        }
        let Some(neighbour) = kept.or_else(|| self.children(list).next()) else {
            let inner = self.inner_separator(list);
            let made: Vec<_> = made.into_iter().map(|made| inner.clone() + &made).collect();
            return Some(self.insert_into_empty(list, &made));
        };
        let separator = self.line_of(list, neighbour);
        let made: Vec<_> = made.into_iter().map(|made| separator.to_owned() + &made).collect();
        Some(if kept.is_some() {
            self.insert_after(neighbour, &made)
        } else {
            let at = self.elements[neighbour].open.start - self.separator(neighbour).len();
            Edit { range: at..at, with: made.concat() }
        })
    }

    /// A comment on the same line belongs to the element before it: what is new comes after.
    fn insert_after(&self, neighbour: Node, made: &[String]) -> Edit {
        let mut at = self.elements[neighbour].close.end;
        loop {
            let rest = &self.text[at..];
            let next = rest.trim_start_matches([' ', '\t']);
            let space = rest.len() - next.len();
            if !next.starts_with("<!--") {
                break;
            }
            let Piece::Aside(comment) = xml::piece(&self.text, at + space, self.text.len()) else { break };
            if self.text[comment.clone()].contains('\n') {
                break;
            }
            at = comment.end;
        }
        Edit { range: at..at, with: made.concat() }
    }

    fn insert_into_empty(&self, parent: Node, made: &[String]) -> Edit {
        let body = made.concat();
        let closing = if body.starts_with(['\r', '\n']) { self.outer_separator(parent) } else { "" };
        if self.is_self_closing(parent) {
            return self.open_up(parent, &(body + closing));
        }
        let content = self.content(parent);
        let end = content.start + self.text[content.clone()].trim_end_matches(chars::is_space).len();
        if self.text[end..content.end].contains('\n') {
            // The end tag has its line already.
            let line = end + self.text[end..content.end].rfind('\n').unwrap_or(0);
            let line = if self.text[..line].ends_with('\r') { line - 1 } else { line };
            return Edit { range: end..line.max(end), with: body };
        }
        Edit { range: end..content.end, with: body + closing }
    }

    /// `<name/>` becomes `<name>body</name>`.
    fn open_up(&self, node: Node, body: &str) -> Edit {
        let Element { name, open, .. } = &self.elements[node];
        let slash = open.end - "/>".len();
        let start = self.text[..slash].trim_end_matches(chars::is_space).len();
        Edit { range: start..open.end, with: format!(">{body}</{}>", &self.text[name.clone()]) }
    }

    /// The white space before an element, from the last line break on.
    fn separator(&self, node: Node) -> &str {
        let before = &self.text[..self.elements[node].open.start];
        let space = &before[before.trim_end_matches(chars::is_space).len()..];
        match space.rfind('\n') {
            Some(at) if space[..at].ends_with('\r') => &space[at - 1..],
            Some(at) => &space[at..],
            None => space,
        }
    }

    /// The separator for a new neighbour of `child`: its own, or that of the first one if only that begins a line.
    fn line_of(&self, parent: Node, child: Node) -> &str {
        let own = self.separator(child);
        if own.contains('\n') {
            return own;
        }
        self.children(parent)
            .next()
            .map(|first| self.separator(first))
            .filter(|first| first.contains('\n'))
            .unwrap_or(own)
    }

    /// The separator of the end tag of an element that gets its first child.
    fn outer_separator(&self, parent: Node) -> &str {
        if parent == ROOT { self.line_end } else { self.separator(parent) }
    }

    /// The white space that begins the line of another child of `parent`.
    pub(crate) fn line_in(&self, parent: Node) -> String {
        match self.children(parent).last() {
            Some(last) => self.line_of(parent, last).to_owned(),
            None => self.inner_separator(parent),
        }
    }

    /// The separator for the first child of an element.
    fn inner_separator(&self, parent: Node) -> String {
        let outer = self.outer_separator(parent);
        if parent == ROOT {
            format!("{outer}  ")
        } else if outer.contains('\n') {
            format!("{outer}{}", indent_of(outer))
        } else {
            String::new()
        }
    }

    fn escape(&self, value: &str, place: Place) -> Result<String> {
        escape::escape(value, place, &self.charset, self.line_end)
    }
}

fn check_size(bytes: usize, max_bytes: usize) -> Result<()> {
    if bytes <= max_bytes {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::LimitExceeded,
        format!("the file has {bytes} bytes; at most {max_bytes} are accepted"),
    )
    .with_help("metainfo.xml is a short description; check that this is the right file"))
}

/// The indent of an element of the root is the step from one level to the next.
pub(crate) fn indent_of(separator: &str) -> &str {
    separator.trim_start_matches(['\r', '\n'])
}

fn trim(text: &str, span: &Range<usize>) -> Range<usize> {
    let raw = &text[span.clone()];
    let start = span.start + raw.len() - raw.trim_start_matches(chars::is_space).len();
    start..start + raw.trim_matches(chars::is_space).len()
}

/// The part of `text` in `range`, edited.
fn splice(text: &str, range: Range<usize>, edits: &mut [Edit]) -> String {
    // Stable: what goes to the same place keeps its order.
    edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
    let mut out = String::with_capacity(range.len());
    let mut at = range.start;
    for edit in edits.iter() {
        out.push_str(&text[at..edit.range.start]);
        out.push_str(&edit.with);
        at = edit.range.end;
    }
    out.push_str(&text[at..range.end]);
    out
}
