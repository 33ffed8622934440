//! metadata.json of VMmanager 6: read leniently, edited in place.
//!
//! The keys and the form are those of the vendor's article "OS templates repositories".

use std::ops::Range;

use super::entry::RepositoryEntry;
use super::json::{Json, Kind, Node, ROOT, quote};
use super::style::{KEYS, Style, indent, members, with_comma};
use crate::error::{Error, ErrorKind, Position, Result};
use crate::metainfo::Tags;
use crate::shown::{Shown, short};

/// Something in the description that the platform cannot use.
pub(super) struct Problem {
    pub(super) position: Position,
    pub(super) message: String,
}

/// The text of a metadata.json and where its templates are.
#[derive(Debug, Clone)]
pub(super) struct MetadataJson {
    json: Json,
    /// The array of templates; `None` if the text is a single template without one.
    list: Option<Node>,
    /// Whether other characters than ASCII are written as escapes.
    ascii: bool,
}

impl MetadataJson {
    /// `{"type": "os", "os": […]}`; the older form without this wrapper: the array alone, or a single template.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self> {
        Self::of(Json::parse(bytes)?)
    }

    fn of(json: Json) -> Result<Self> {
        let wrong = |node, message: String| {
            Err(Error::new(ErrorKind::InvalidRepository, message)
                .with_position(json.position(node))
                .with_help(
                    "write the file as {\"type\": \"os\", \"os\": [ … ]}, with an object for each template",
                ))
        };
        let list = match (json.kind(ROOT), json.member(ROOT, "os")) {
            (Kind::Array, _) => Some(ROOT),
            (Kind::Object, Some(os)) if json.kind(os) == Kind::Array => Some(os),
            (Kind::Object, Some(os)) => {
                return wrong(os, format!("`os` is {}; expected an array", json.kind(os).name()));
            }
            (Kind::Object, None) if json.member(ROOT, "file_name").is_some() => None,
            (Kind::Object, None) => {
                return wrong(ROOT, "the array of templates, `os`, is missing".to_owned());
            }
            (kind, _) => return wrong(ROOT, format!("found {}; expected an object", kind.name())),
        };
        let ascii = json.text().is_ascii() && json.text().contains("\\u");
        Ok(Self { json, list, ascii })
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        self.json.text().as_bytes().to_vec()
    }

    fn nodes(&self) -> Vec<Node> {
        self.list.map_or_else(|| vec![ROOT], |list| self.json.children(list).collect())
    }

    pub(super) fn entries(&self) -> Vec<RepositoryEntry> {
        self.nodes().into_iter().map(|node| self.entry(node)).collect()
    }

    fn entry(&self, object: Node) -> RepositoryEntry {
        let json = &self.json;
        let text = |key| json.member(object, key).and_then(|node| Some(json.string(node)?.into_owned()));
        let number = |key| json.member(object, key).and_then(|node| json.integer(node));
        let mut entry = RepositoryEntry {
            name: text("name").unwrap_or_default(),
            tags: json.member(object, "tags").map(|node| self.tags(node)).unwrap_or_default(),
            file_name: text("file_name").unwrap_or_default(),
            image_name: text("image_name"),
            expand: text("expand"),
            network_device: text("network_device"),
            archive_size_mib: number("archive_size_mib"),
            hdd_mib_required: number("hdd_mib_required"),
            min_ram_mib: number("min_ram_mib"),
            position: Some(json.position(object)),
            ..RepositoryEntry::default()
        };
        if json.kind(object) == Kind::Object {
            let others = json.children(object).filter(|&node| !KEYS.contains(&&*json.key(node)));
            entry.other =
                others.map(|node| (json.key(node).into_owned(), json.raw(node).to_owned())).collect();
        }
        entry
    }

    /// An array of strings, or one string with commas.
    fn tags(&self, node: Node) -> Tags {
        match self.json.string(node) {
            Some(text) => Tags::from(&*text),
            None if self.json.kind(node) == Kind::Array => {
                self.json.children(node).filter_map(|tag| self.json.string(tag)).collect()
            }
            None => Tags::default(),
        }
    }

    /// Values that are not what their key holds.
    pub(super) fn problems(&self) -> Vec<Problem> {
        let json = &self.json;
        let mut problems = Vec::new();
        let mut tell =
            |node, message: String| problems.push(Problem { position: json.position(node), message });
        if self.list.is_some_and(|list| list != ROOT) {
            match json.member(ROOT, "type") {
                None => tell(ROOT, "`type` is missing; expected \"type\": \"os\"".to_owned()),
                Some(node) if json.string(node).is_some_and(|text| text == "os") => {}
                Some(node) => {
                    tell(node, format!("`type` is {}; expected \"os\"", Shown(short(json.raw(node)))));
                }
            }
        }
        for object in self.nodes() {
            if json.kind(object) != Kind::Object {
                tell(object, format!("found {}; expected an object", json.kind(object).name()));
                continue;
            }
            for key in ["name", "file_name"] {
                if json.member(object, key).is_none() {
                    tell(object, format!("the template has no `{key}`"));
                }
            }
            for node in json.children(object) {
                let key = json.key(node);
                let is_right = match &*key {
                    "name" | "file_name" => json.string(node).is_some_and(|text| !text.trim().is_empty()),
                    // It becomes the name of a file on every node.
                    "image_name" => json.string(node).is_some_and(|name| {
                        name != ".." && !name.contains(|c: char| c == '/' || c.is_control())
                    }),
                    "expand" | "network_device" => json.kind(node) == Kind::String,
                    "archive_size_mib" | "hdd_mib_required" | "min_ram_mib" => json.integer(node).is_some(),
                    "tags" => {
                        json.kind(node) == Kind::String
                            || (json.kind(node) == Kind::Array
                                && json.children(node).all(|tag| json.kind(tag) == Kind::String))
                    }
                    _ => true,
                };
                if !is_right {
                    let expected = match &*key {
                        "tags" => "an array of strings",
                        "archive_size_mib" | "hdd_mib_required" | "min_ram_mib" => "a whole number of MiB",
                        "name" | "file_name" => "a non-empty string",
                        "image_name" => "a plain file name",
                        _ => "a string",
                    };
                    let found = Shown(short(json.raw(node))).to_string();
                    tell(node, format!("`{key}` is {found}; expected {expected}"));
                }
            }
        }
        problems
    }

    /// Put a template at the end, written as its neighbour is. `more` are keys that are not known, with their values.
    pub(super) fn add(&mut self, entry: &RepositoryEntry, more: &[(String, String)]) -> Result<()> {
        let Some(list) = self.list else { return Err(self.single()) };
        let style = self.style(list);
        let object = style.object(&members(entry, more, &style), &self.model_keys(list));
        let edit = if let Some(neighbour) = self.json.children(list).last() {
            let end = self.json.span(neighbour).end;
            (end..end, style.before_next + &object)
        } else {
            let span = self.json.span(list);
            let inner = span.start + 1..span.end - 1;
            if self.json.text()[inner.clone()].contains('\n') {
                // The bracket at the end has its line already.
                (inner.start..inner.start, style.before_first + &object)
            } else {
                (inner, style.before_first + &object + &style.after_last)
            }
        };
        self.apply(vec![edit])
    }

    /// Set what these entries have to say of the templates at their indexes, and `more` keys of each; all else stays.
    pub(super) fn update(
        &mut self,
        entries: &[(usize, RepositoryEntry)],
        more: &[(String, String)],
    ) -> Result<()> {
        let nodes = self.nodes();
        let mut edits = Vec::new();
        for (index, entry) in entries {
            edits.extend(self.update_one(nodes[*index], entry, more)?);
        }
        self.apply(edits)
    }

    fn update_one(
        &self,
        object: Node,
        entry: &RepositoryEntry,
        more: &[(String, String)],
    ) -> Result<Vec<(Range<usize>, String)>> {
        if self.json.kind(object) != Kind::Object {
            return Err(Error::new(ErrorKind::InvalidRepository, "the template is not an object")
                .with_position(self.json.position(object)));
        }
        let Some(style) = self.object_style(object) else {
            // It is empty, and written as the others are.
            let style = self.style(self.list.unwrap_or(ROOT));
            return Ok(vec![(self.json.span(object), style.object(&members(entry, more, &style), &[]))]);
        };
        let held = self.entry(object);
        let mut edits = Vec::new();
        let last = self.json.children(object).last().unwrap_or(object);
        // A known key that is new is behind the known one before it, and any other at the end.
        let mut before = last;
        for (key, literal) in members(entry, more, &style) {
            let is_known = KEYS.contains(&&*key);
            if let Some(node) = self.json.member(object, &key) {
                before = if is_known { node } else { last };
                let is_same =
                    if is_known { same(&key, &held, entry) } else { self.json.raw(node) == literal };
                if !is_same {
                    let tags_as_text = self.json.kind(node) == Kind::String;
                    let style = Style { tags_as_text, ..style.clone() };
                    let with = if key == "tags" { style.tags(&entry.tags) } else { literal };
                    edits.push((self.json.span(node), with));
                }
            } else {
                let at = self.json.span(if is_known { before } else { last }).end;
                let name = quote(&key, style.ascii);
                edits.push((at..at, format!("{}{name}{}{literal}", style.between, style.colon)));
            }
        }
        Ok(edits)
    }

    /// Take the template at `index` away, with its lines.
    pub(super) fn remove(&mut self, index: usize) -> Result<()> {
        let Some(list) = self.list else { return Err(self.single()) };
        let nodes = self.nodes();
        let span = self.json.span(nodes[index]);
        let range = if let Some(&next) = nodes.get(index + 1) {
            span.start..self.json.span(next).start
        } else if index > 0 {
            self.json.span(nodes[index - 1]).end..span.end
        } else {
            let list = self.json.span(list);
            let tail = span.end..list.end - 1;
            let has_line = self.json.text()[tail.clone()].contains('\n');
            list.start + 1..if has_line { tail.start } else { tail.end }
        };
        self.apply(vec![(range, String::new())])
    }

    fn single(&self) -> Error {
        Error::new(
            ErrorKind::InvalidRepository,
            "the description is a single template; expected a list of templates",
        )
        .with_position(self.json.position(ROOT))
        .with_help("put it into {\"type\": \"os\", \"os\": [ … ]} first")
    }

    fn apply(&mut self, edits: Vec<(Range<usize>, String)>) -> Result<()> {
        if !edits.is_empty() {
            // Parsed again: whatever the edits are, what is published can be read.
            *self = Self::of(self.json.edited(edits)?)?;
        }
        Ok(())
    }

    /// The keys of the last template: a new one has them in the same order.
    fn model_keys(&self, list: Node) -> Vec<String> {
        let model = self.json.children(list).filter(|&node| self.json.kind(node) == Kind::Object).last();
        let keys = |node| self.json.children(node).map(|member| self.json.key(member).into_owned()).collect();
        model.map(keys).unwrap_or_default()
    }

    /// How the templates of the list are written, or, if there is none, how the text around it is.
    fn style(&self, list: Node) -> Style {
        let nodes: Vec<Node> = self.json.children(list).collect();
        let text = self.json.text();
        let model = nodes.iter().rev().copied().find(|&node| self.json.kind(node) == Kind::Object);
        let mut style =
            model.and_then(|node| self.object_style(node)).unwrap_or_else(|| self.derived_style(list));
        if let Some(&neighbour) = nodes.last() {
            let begin = self.json.span(list).start + 1;
            let last_start = self.json.span(neighbour).start;
            style.before_next = match nodes.len().checked_sub(2).map(|at| self.json.span(nodes[at]).end) {
                Some(end) => text[end..last_start].to_owned(),
                // `[{`, and then `}, {` unless there is no space anywhere.
                None if begin == last_start && style.between.len() > 1 => ", ".to_owned(),
                None => with_comma(&text[begin..last_start]),
            };
        }
        style
    }

    /// How an object is written; `None` for an empty one.
    fn object_style(&self, object: Node) -> Option<Style> {
        let json = &self.json;
        let text = json.text();
        let members: Vec<Node> = json.children(object).collect();
        let (&first, &last) = (members.first()?, members.last()?);
        let span = json.span(object);
        let open = text[span.start + 1..json.start(first)].to_owned();
        let between = match members.get(1) {
            Some(&second) => text[json.span(first).end..json.start(second)].to_owned(),
            None => with_comma(&open),
        };
        let tags = json.member(object, "tags");
        let in_tags = tags.and_then(|tags| {
            let items: Vec<Node> = json.children(tags).collect();
            let (&first, &last) = (items.first()?, items.last()?);
            let span = json.span(tags);
            let open = text[span.start + 1..json.span(first).start].to_owned();
            let between = match items.get(1) {
                Some(&second) => text[json.span(first).end..json.span(second).start].to_owned(),
                None => with_comma(&open),
            };
            Some((open, between, text[json.span(last).end..span.end - 1].to_owned()))
        });
        let spaced = if between.len() > 1 { ", " } else { "," };
        Some(Style {
            before_first: String::new(),
            before_next: ",".to_owned(),
            after_last: String::new(),
            between,
            close: text[json.span(last).end..span.end - 1].to_owned(),
            open,
            colon: json.colon(first)?.to_owned(),
            list: in_tags.unwrap_or_else(|| (String::new(), spaced.to_owned(), String::new())),
            tags_as_text: tags.is_some_and(|tags| json.kind(tags) == Kind::String),
            ascii: self.ascii,
        })
    }

    fn derived_style(&self, list: Node) -> Style {
        let text = self.json.text();
        let colon = self.json.children(ROOT).find_map(|node| self.json.colon(node)).unwrap_or(": ");
        let lines = text.trim().contains('\n') || list == ROOT;
        let space = if lines || colon.ends_with(' ') { " " } else { "" };
        let mut style = Style {
            before_first: String::new(),
            before_next: format!(",{space}"),
            after_last: String::new(),
            open: String::new(),
            between: format!(",{space}"),
            close: String::new(),
            colon: colon.to_owned(),
            list: (String::new(), format!(",{space}"), String::new()),
            tags_as_text: false,
            ascii: self.ascii,
        };
        if lines {
            let line_end = if text.contains("\r\n") { "\r\n" } else { "\n" };
            let at = self.json.start(list);
            let base = indent(&text[text[..at].rfind('\n').map_or(0, |at| at + 1)..]);
            let step = text.lines().map(indent).find(|indent| !indent.is_empty()).unwrap_or("  ");
            style.before_first = format!("{line_end}{base}{step}");
            style.before_next = with_comma(&style.before_first);
            style.after_last = format!("{line_end}{base}");
            style.open = format!("{line_end}{base}{step}{step}");
            style.between = with_comma(&style.open);
            style.close.clone_from(&style.before_first);
        }
        style
    }
}

/// Whether the value of this key is the same in both.
fn same(key: &str, a: &RepositoryEntry, b: &RepositoryEntry) -> bool {
    match key {
        "name" => a.name == b.name,
        "tags" => a.tags == b.tags,
        "file_name" => a.file_name == b.file_name,
        "image_name" => a.image_name == b.image_name,
        "expand" => a.expand == b.expand,
        "network_device" => a.network_device == b.network_device,
        "archive_size_mib" => a.archive_size_mib == b.archive_size_mib,
        "hdd_mib_required" => a.hdd_mib_required == b.hdd_mib_required,
        _ => a.min_ram_mib == b.min_ram_mib,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str) -> RepositoryEntry {
        RepositoryEntry {
            name: name.into(),
            tags: Tags::from("windows,w10"),
            file_name: format!("{name}.tar.gz"),
            archive_size_mib: Some(12),
            ..RepositoryEntry::default()
        }
    }

    fn added(text: &str) -> String {
        let mut metadata = MetadataJson::parse(text.as_bytes()).unwrap();
        let before = metadata.entries();
        metadata.add(&entry("N"), &[]).unwrap();
        let after = metadata.entries();
        assert_eq!(after.len(), before.len() + 1);
        for (before, after) in before.iter().zip(&after) {
            assert_eq!((&before.name, &before.other), (&after.name, &after.other));
        }
        let held = RepositoryEntry { position: None, ..after[before.len()].clone() };
        assert_eq!(held, entry("N"));
        String::from_utf8(metadata.to_bytes()).unwrap()
    }

    fn removed(text: &str, index: usize) -> String {
        let mut metadata = MetadataJson::parse(text.as_bytes()).unwrap();
        metadata.remove(index).unwrap();
        String::from_utf8(metadata.to_bytes()).unwrap()
    }

    /// A style, and the same with a template added.
    const STYLES: [(&str, &str); 10] = [
        (
            "{\n  \"type\": \"os\",\n  \"os\": [\n    {\n      \"name\": \"A\",\n      \"tags\": [\n        \"x\"\n      ],\n      \"file_name\": \"a.xz\",\n      \"efi\": 1.50e3\n    }\n  ]\n}\n",
            "{\n  \"type\": \"os\",\n  \"os\": [\n    {\n      \"name\": \"A\",\n      \"tags\": [\n        \"x\"\n      ],\n      \"file_name\": \"a.xz\",\n      \"efi\": 1.50e3\n    },\n    {\n      \"name\": \"N\",\n      \"tags\": [\n        \"windows\",\n        \"w10\"\n      ],\n      \"file_name\": \"N.tar.gz\",\n      \"archive_size_mib\": 12\n    }\n  ]\n}\n",
        ),
        // Tabs, CR LF, keys in another order, no line end at the end.
        (
            "{\r\n\t\"os\": [{\r\n\t\t\"file_name\": \"a.xz\",\r\n\t\t\"name\": \"A\",\r\n\t\t\"tags\": \"x,y\"\r\n\t}],\r\n\t\"type\": \"os\"\r\n}",
            "{\r\n\t\"os\": [{\r\n\t\t\"file_name\": \"a.xz\",\r\n\t\t\"name\": \"A\",\r\n\t\t\"tags\": \"x,y\"\r\n\t}, {\r\n\t\t\"file_name\": \"N.tar.gz\",\r\n\t\t\"name\": \"N\",\r\n\t\t\"tags\": \"windows,w10\",\r\n\t\t\"archive_size_mib\": 12\r\n\t}],\r\n\t\"type\": \"os\"\r\n}",
        ),
        // Without any white space.
        (
            "{\"type\":\"os\",\"os\":[{\"name\":\"A\",\"tags\":[\"x\",\"y\"],\"file_name\":\"a.xz\"},{\"name\":\"B\",\"tags\":[],\"file_name\":\"b.xz\"}]}",
            "{\"type\":\"os\",\"os\":[{\"name\":\"A\",\"tags\":[\"x\",\"y\"],\"file_name\":\"a.xz\"},{\"name\":\"B\",\"tags\":[],\"file_name\":\"b.xz\"},{\"name\":\"N\",\"tags\":[\"windows\",\"w10\"],\"file_name\":\"N.tar.gz\",\"archive_size_mib\":12}]}",
        ),
        // A line for each template, in the older form.
        (
            "[\n {\"name\": \"A\", \"tags\": [\"x\"], \"file_name\": \"a.xz\"},\n {\"name\": \"B\", \"file_name\": \"b.xz\"}\n]\n",
            "[\n {\"name\": \"A\", \"tags\": [\"x\"], \"file_name\": \"a.xz\"},\n {\"name\": \"B\", \"file_name\": \"b.xz\"},\n {\"name\": \"N\", \"file_name\": \"N.tar.gz\", \"tags\": [\"windows\", \"w10\"], \"archive_size_mib\": 12}\n]\n",
        ),
        // Commas at the begin of lines, and spaces before colons.
        (
            "[ { \"name\" : \"A\"\n  , \"tags\" : [ \"x\" ]\n  , \"file_name\" : \"a.xz\"\n  }\n, { \"name\" : \"B\"\n  , \"file_name\" : \"b.xz\"\n  }\n]\n",
            "[ { \"name\" : \"A\"\n  , \"tags\" : [ \"x\" ]\n  , \"file_name\" : \"a.xz\"\n  }\n, { \"name\" : \"B\"\n  , \"file_name\" : \"b.xz\"\n  }\n, { \"name\" : \"N\"\n  , \"file_name\" : \"N.tar.gz\"\n  , \"tags\" : [\"windows\", \"w10\"]\n  , \"archive_size_mib\" : 12\n  }\n]\n",
        ),
        // No template yet.
        (
            "{\n    \"type\": \"os\",\n    \"os\": [\n    ]\n}\n",
            "{\n    \"type\": \"os\",\n    \"os\": [\n        {\n            \"name\": \"N\",\n            \"tags\": [\"windows\", \"w10\"],\n            \"file_name\": \"N.tar.gz\",\n            \"archive_size_mib\": 12\n        }\n    ]\n}\n",
        ),
        (
            "{\n  \"os\": [],\n  \"type\": \"os\"\n}\n",
            "{\n  \"os\": [\n    {\n      \"name\": \"N\",\n      \"tags\": [\"windows\", \"w10\"],\n      \"file_name\": \"N.tar.gz\",\n      \"archive_size_mib\": 12\n    }\n  ],\n  \"type\": \"os\"\n}\n",
        ),
        (
            "{\"type\":\"os\",\"os\":[]}\n",
            "{\"type\":\"os\",\"os\":[{\"name\":\"N\",\"tags\":[\"windows\",\"w10\"],\"file_name\":\"N.tar.gz\",\"archive_size_mib\":12}]}\n",
        ),
        (
            "{\"type\": \"os\", \"os\": []}",
            "{\"type\": \"os\", \"os\": [{\"name\": \"N\", \"tags\": [\"windows\", \"w10\"], \"file_name\": \"N.tar.gz\", \"archive_size_mib\": 12}]}",
        ),
        (
            "[]\n",
            "[\n  {\n    \"name\": \"N\",\n    \"tags\": [\"windows\", \"w10\"],\n    \"file_name\": \"N.tar.gz\",\n    \"archive_size_mib\": 12\n  }\n]\n",
        ),
    ];

    #[test]
    fn a_template_is_added_as_the_others_are_written_and_nothing_else_changes() {
        for (before, after) in STYLES {
            assert_eq!(added(before), after);
        }
    }

    #[test]
    fn a_template_that_was_added_is_removed_without_a_trace() {
        for (before, after) in STYLES {
            let count = MetadataJson::parse(before.as_bytes()).unwrap().entries().len();
            let back = removed(after, count);
            // An empty list that got a line for its bracket keeps it.
            let expected = before.replace("\"os\": [],\n", "\"os\": [\n  ],\n").replace("[]\n", "[\n]\n");
            assert!(back == before || back == expected, "{back}");
        }
    }

    #[test]
    fn a_template_is_removed_with_its_lines_wherever_it_stands() {
        let line = |name: &str| format!("    {{\"name\": \"{name}\", \"file_name\": \"{name}.xz\"}}");
        let text = |lines: &[String]| {
            format!("{{\n  \"type\": \"os\",\n  \"os\": [\n{}\n  ]\n}}\n", lines.join(",\n"))
        };
        let all: Vec<String> = ["A", "B", "C"].map(line).to_vec();
        for index in 0..3 {
            let mut rest = all.clone();
            rest.remove(index);
            assert_eq!(removed(&text(&all), index), text(&rest));
        }
        assert_eq!(removed(&text(&all[..1]), 0), "{\n  \"type\": \"os\",\n  \"os\": [\n  ]\n}\n");
    }

    #[test]
    fn only_the_values_that_change_are_written() {
        let text = "[{\n  \"file_name\": \"a\\u002etar.gz\", \"x\": 1e2,\n  \"tags\": [\"windows\" , \"w10\"],\n  \"archive_size_mib\": 0,\n  \"name\": \"A\"}\n]";
        let mut metadata = MetadataJson::parse(text.as_bytes()).unwrap();
        let renamed = RepositoryEntry { file_name: "a.tar.gz".into(), ..entry("A") };
        metadata.update(&[(0, renamed)], &[]).unwrap();
        assert_eq!(String::from_utf8(metadata.to_bytes()).unwrap(), text.replace(": 0", ": 12"));
        let more = RepositoryEntry { min_ram_mib: Some(512), image_name: Some("i".into()), ..entry("B") };
        metadata.update(&[(0, more)], &[]).unwrap();
        assert_eq!(
            String::from_utf8(metadata.to_bytes()).unwrap(),
            "[{\n  \"file_name\": \"B.tar.gz\", \"image_name\": \"i\", \"x\": 1e2,\n  \"tags\": [\"windows\" , \"w10\"],\n  \"archive_size_mib\": 12, \"min_ram_mib\": 512,\n  \"name\": \"B\"}\n]"
        );
    }

    #[test]
    fn a_single_template_without_a_list_is_read_and_updated_and_not_joined_by_another() {
        let mut metadata = MetadataJson::parse(b"{\"name\": \"A\", \"file_name\": \"a.xz\"}").unwrap();
        assert_eq!(metadata.entries()[0].name, "A");
        assert_eq!(metadata.add(&entry("N"), &[]).unwrap_err().kind(), ErrorKind::InvalidRepository);
        assert!(metadata.remove(0).is_err());
        let untagged = RepositoryEntry { tags: Tags::default(), ..entry("A") };
        metadata.update(&[(0, untagged)], &[]).unwrap();
        let expected =
            "{\"name\": \"A\", \"tags\": [], \"file_name\": \"A.tar.gz\", \"archive_size_mib\": 12}";
        assert_eq!(String::from_utf8(metadata.to_bytes()).unwrap(), expected);
    }

    #[test]
    fn characters_beyond_ascii_are_written_as_the_file_writes_them() {
        let plain = "[{\"name\": \"Ü\", \"file_name\": \"a.xz\"}]";
        let escaped = "[{\"name\": \"\\u00dc\", \"file_name\": \"a.xz\"}]";
        for (text, written) in [(plain, "\"Ä\""), (escaped, "\"\\u00c4\"")] {
            let mut metadata = MetadataJson::parse(text.as_bytes()).unwrap();
            assert_eq!(metadata.entries()[0].name, "Ü");
            metadata.add(&entry("Ä"), &[]).unwrap();
            let text = String::from_utf8(metadata.to_bytes()).unwrap();
            assert!(text.contains(&format!("\"name\": {written}")), "{text}");
        }
    }

    #[test]
    fn other_forms_and_wrong_values_are_told_with_their_place() {
        for (text, word) in
            [("3", "a number"), ("{}", "`os`, is missing"), ("{\"os\": {}}", "`os` is an object")]
        {
            let error = MetadataJson::parse(text.as_bytes()).unwrap_err();
            assert!(error.message().contains(word), "{error}");
        }
        let text = "{\"type\": \"iso\", \"os\": [1, {\"name\": \"\", \"tags\": [1],\n\"archive_size_mib\": 1.5, \"expand\": null}]}";
        let problems = MetadataJson::parse(text.as_bytes()).unwrap().problems();
        let told: Vec<String> = problems.iter().map(|p| format!("{} {}", p.position, p.message)).collect();
        assert_eq!(
            told,
            [
                "1:10 `type` is \"iso\"; expected \"os\"",
                "1:24 found a number; expected an object",
                "1:27 the template has no `file_name`",
                "1:36 `name` is \"\"; expected a non-empty string",
                "1:48 `tags` is [1]; expected an array of strings",
                "2:21 `archive_size_mib` is 1.5; expected a whole number of MiB",
                "2:36 `expand` is null; expected a string",
            ]
        );
    }
}
