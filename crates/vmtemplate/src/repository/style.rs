//! How the templates of a metadata.json are written: white space, order of keys, escapes.

use std::borrow::Cow;

use super::entry::RepositoryEntry;
use super::json::{escaped, quote};
use crate::metainfo::Tags;

/// The keys whose meaning is known, in the order in which a new entry has them.
pub(super) const KEYS: [&str; 9] = [
    "name",
    "tags",
    "file_name",
    "image_name",
    "expand",
    "network_device",
    "archive_size_mib",
    "hdd_mib_required",
    "min_ram_mib",
];

/// The white space that a line begins with.
pub(super) fn indent(line: &str) -> &str {
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

/// What separates elements, from what is before the first one.
pub(super) fn with_comma(open: &str) -> String {
    format!(",{}", if open.is_empty() || open.contains('\n') { open } else { " " })
}

/// How objects and lists are written. Separators hold the comma, as it may be at the begin of a line, too.
#[derive(Debug, Clone)]
pub(super) struct Style {
    /// What is before a template that is the first one, before one that follows another, and behind the last one.
    pub(super) before_first: String,
    pub(super) before_next: String,
    pub(super) after_last: String,
    pub(super) open: String,
    pub(super) between: String,
    pub(super) close: String,
    pub(super) colon: String,
    /// Open, between and close of the list of tags.
    pub(super) list: (String, String, String),
    pub(super) tags_as_text: bool,
    pub(super) ascii: bool,
}

impl Style {
    /// An object with its keys in the order of `order`.
    pub(super) fn object(&self, members: &[(Cow<'_, str>, String)], order: &[String]) -> String {
        let mut members: Vec<_> = members.iter().collect();
        members.sort_by_key(|(key, _)| order.iter().position(|held| held == key).unwrap_or(order.len()));
        let members: Vec<String> = members
            .iter()
            .map(|(key, value)| format!("{}{}{value}", quote(key, self.ascii), self.colon))
            .collect();
        format!("{{{}{}{}}}", self.open, members.join(&self.between), self.close)
    }

    pub(super) fn tags(&self, tags: &Tags) -> String {
        if self.tags_as_text {
            return quote(&tags.to_string(), self.ascii);
        }
        if tags.is_empty() {
            return "[]".to_owned();
        }
        let tags: Vec<String> = tags.iter().map(|tag| quote(tag, self.ascii)).collect();
        let (open, between, close) = &self.list;
        format!("[{open}{}{close}]", tags.join(between))
    }
}

/// Keys and values of an entry as they are written, and `more` of them behind those that are known.
pub(super) fn members<'a>(
    entry: &RepositoryEntry,
    more: &'a [(String, String)],
    style: &Style,
) -> Vec<(Cow<'a, str>, String)> {
    let text = |value: &Option<String>| value.as_ref().map(|text| quote(text, style.ascii));
    let number = |value: Option<u64>| value.map(|number| number.to_string());
    let values = [
        Some(quote(&entry.name, style.ascii)),
        Some(style.tags(&entry.tags)),
        Some(quote(&entry.file_name, style.ascii)),
        text(&entry.image_name),
        text(&entry.expand),
        text(&entry.network_device),
        number(entry.archive_size_mib),
        number(entry.hdd_mib_required),
        number(entry.min_ram_mib),
    ];
    let known = KEYS.into_iter().zip(values).filter_map(|(key, value)| Some((key.into(), value?)));
    let more = more
        .iter()
        .map(|(key, value)| (key.into(), if style.ascii { escaped(value) } else { value.clone() }));
    known.chain(more).collect()
}
