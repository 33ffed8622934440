//! metadata.xml of VMmanager 5: read leniently, edited in place.
//!
//! The elements are those of the vendor's article "How to create an OS template repository" (VMmanager 5).

use std::collections::HashMap;

use super::entry::RepositoryEntry;
use super::json;
use super::metadata_json::Problem;
use crate::error::{Error, ErrorKind, Result};
use crate::metainfo::{Document, ELEM, Item, Node, Product, ROOT, Tags, indent_of};
use crate::shown::Shown;

const SIMPLE: [&str; 6] = ["osname", "tags", "version", "type", "filename", "utcmtime"];

/// The text of a metadata.xml.
#[derive(Debug, Clone)]
pub(super) struct MetadataXml {
    document: Document,
}

/// The reader of metainfo.xml takes this file for one.
#[allow(clippy::needless_pass_by_value)] // for `map_err`
fn renamed(error: Error) -> Error {
    let kind = match error.kind() {
        ErrorKind::InvalidMetainfo => ErrorKind::InvalidRepository,
        kind => kind,
    };
    let mut renamed = Error::new(kind, error.message());
    if let Some(position) = error.position() {
        renamed = renamed.with_position(position);
    }
    match error.help() {
        Some(help) => renamed.with_help(help),
        None => renamed,
    }
}

impl MetadataXml {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self> {
        Ok(Self { document: Document::parse_within(bytes, json::MAX_BYTES).map_err(renamed)? })
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        self.document.to_bytes()
    }

    fn nodes(&self) -> Vec<Node> {
        self.document.named(ROOT, ELEM).collect()
    }

    fn child(&self, elem: Node, name: &str) -> Option<Node> {
        self.document.named(elem, name).next()
    }

    fn text(&self, elem: Node, name: &str) -> Option<String> {
        self.child(elem, name).map(|node| self.document.value(node).into_owned())
    }

    pub(super) fn entries(&self) -> Vec<RepositoryEntry> {
        self.nodes().into_iter().map(|node| self.entry(node)).collect()
    }

    fn entry(&self, elem: Node) -> RepositoryEntry {
        let document = &self.document;
        let items = |name: &str| -> Vec<Node> {
            self.child(elem, name).map(|list| document.named(list, ELEM).collect()).unwrap_or_default()
        };
        let others = document.children(elem).filter(|&node| {
            let name = document.name(node);
            !SIMPLE.contains(&name) && name != "support" && name != "externals"
        });
        RepositoryEntry {
            name: self.text(elem, "osname").unwrap_or_default(),
            tags: Tags::from(&*self.text(elem, "tags").unwrap_or_default()),
            file_name: self.text(elem, "filename").unwrap_or_default(),
            template_version: self.text(elem, "version"),
            template_type: self.text(elem, "type"),
            modified_utc: self.text(elem, "utcmtime"),
            products: items("support").into_iter().map(|node| Product::text_of(document, node)).collect(),
            urls: items("externals").into_iter().filter_map(|node| self.text(node, "url")).collect(),
            other: others
                .map(|node| (document.name(node).to_owned(), document.value(node).into_owned()))
                .collect(),
            position: Some(document.tag_position(elem)),
            ..RepositoryEntry::default()
        }
    }

    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut tell = |node, message: String| {
            problems.push(Problem { position: self.document.position(node), message });
        };
        for elem in self.nodes() {
            if self.text(elem, "osname").is_none_or(|name| name.is_empty()) {
                tell(elem, "the template has no `osname`".to_owned());
            }
            let has_file = self.text(elem, "filename").is_some_and(|name| !name.is_empty());
            if !has_file && self.child(elem, "externals").is_none() {
                tell(elem, "the template has neither `filename` nor `externals`".to_owned());
            }
            for name in SIMPLE {
                if let Some(again) = self.document.named(elem, name).nth(1) {
                    tell(again, format!("duplicate element `{name}`"));
                }
            }
            if let Some(node) = self.child(elem, "utcmtime") {
                let time = self.document.value(node);
                if !is_time(&time) {
                    let found = Shown(&time);
                    tell(node, format!("`utcmtime` is `{found}`; expected YYYY-MM-DD hh:mm:ss, in UTC"));
                }
            }
        }
        problems
    }

    pub(super) fn add(&mut self, entry: &RepositoryEntry) -> Result<()> {
        let edit = self
            .document
            .add(&[ELEM], |separator| {
                let step = if separator.contains('\n') { indent_of(separator) } else { "" };
                let inner = if step.is_empty() { String::new() } else { format!("{separator}{step}") };
                let mut out = format!("<{ELEM}>");
                for (name, value) in values(entry) {
                    out += &inner;
                    out += &self.document.make_element(name, &value)?;
                    if name == "osname" && !entry.products.is_empty() {
                        out += &inner;
                        out += &self.make_support(&entry.products, &inner, step)?;
                    }
                }
                Ok(out + separator + &format!("</{ELEM}>"))
            })
            .map_err(renamed)?;
        self.document.apply(vec![edit]).map_err(renamed)
    }

    /// The element `support`; `line` begins its line, and `step` is the indent of what is inside another element.
    fn make_support(&self, products: &[String], line: &str, step: &str) -> Result<String> {
        let mut out = String::from("<support>");
        for product in products {
            out = out + line + step + &self.document.make_item(&item(product))?;
        }
        Ok(out + line + "</support>")
    }

    /// Set what these entries have to say of the templates at their indexes: all of it in one edit of the text.
    pub(super) fn update(&mut self, entries: &[(usize, RepositoryEntry)]) -> Result<()> {
        let nodes = self.nodes();
        let mut edits = Vec::new();
        for (index, entry) in entries {
            let elem = nodes[*index];
            let mut made = Vec::new();
            for (name, value) in values(entry) {
                if let Some(node) = self.child(elem, name) {
                    edits.extend(self.document.set_value(node, &value).map_err(renamed)?);
                } else {
                    made.push(self.document.make_element(name, &value).map_err(renamed)?);
                }
            }
            match self.child(elem, "support") {
                // What an archive does not say stays as it is described.
                _ if entry.products.is_empty() => {}
                Some(support) => {
                    let items = self.changed(support, &entry.products);
                    let key_of = |node| Some(Product::key(&self.document.value(node)));
                    edits.extend(self.document.set_list(support, &items, key_of).map_err(renamed)?);
                }
                None => {
                    let line = self.document.line_in(elem);
                    let step = indent_of(&self.document.line_in(ROOT)).to_owned();
                    let step = if line.contains('\n') { step } else { String::new() };
                    made.push(self.make_support(&entry.products, &line, &step).map_err(renamed)?);
                }
            }
            let last = self.document.children(elem).last();
            edits.extend(self.document.insert(elem, last, made));
        }
        self.document.apply(edits).map_err(renamed)
    }

    /// What the elements of `support` are to be. The least version counts in the description and not in the template, so
    /// that it may have been written there by hand: one that the template does not state stays, and so does one that
    /// means the same.
    fn changed(&self, support: Node, products: &[String]) -> Vec<Item> {
        let elements = self.document.named(support, ELEM);
        let held: HashMap<String, Product> = elements
            .map(|node| Product::from(&*Product::text_of(&self.document, node)))
            .map(|product| (Product::key(&product.name), product))
            .collect();
        let items = products.iter().map(|product| {
            let mut item = item(product);
            let version = Product::from(&**product).min_version;
            if held.get(&item.key).is_some_and(|held| held.min_version == version) {
                item.attributes.clear();
            }
            item
        });
        items.collect()
    }

    pub(super) fn remove(&mut self, index: usize) -> Result<()> {
        let edit = self.document.remove(self.nodes()[index]);
        self.document.apply(vec![edit]).map_err(renamed)
    }
}

/// A product, `NAME` or `NAME:VERSION`, as an element of `support`.
fn item(product: &str) -> Item {
    let (name, version) = match product.split_once(':') {
        Some((name, version)) => (name, Some(version)),
        None => (product, None),
    };
    let attributes = version.map(|version| ("version", Some(version.to_owned()))).into_iter().collect();
    Item { key: Product::key(name), attributes, text: Some(name.to_owned()) }
}

/// The simple elements of an entry, in the order of the article.
fn values(entry: &RepositoryEntry) -> Vec<(&'static str, String)> {
    let values = [
        Some(entry.name.clone()),
        Some(entry.tags.to_string()),
        entry.template_version.clone(),
        entry.template_type.clone(),
        Some(entry.file_name.clone()),
        entry.modified_utc.clone(),
    ];
    SIMPLE.into_iter().zip(values).filter_map(|(name, value)| Some((name, value?))).collect()
}

/// `YYYY-MM-DD hh:mm:ss`
fn is_time(text: &str) -> bool {
    text.len() == 19
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            10 => byte == b' ',
            13 | 16 => byte == b':',
            _ => byte.is_ascii_digit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n<doc>\r\n    <!-- ours -->\r\n    <elem create-metainfo=\"yes\">\r\n        <osname>Ubuntu &amp; co</osname>\r\n        <support>\r\n            <elem>VEmgr</elem>\r\n        </support>\r\n        <new>1</new>\r\n        <externals>\r\n            <elem>\r\n                <url>http://example.com/u.tar.gz</url>\r\n            </elem>\r\n        </externals>\r\n        <utcmtime>2016-11-27 05:08:59</utcmtime>\r\n    </elem>\r\n</doc>\r\n";

    fn entry() -> RepositoryEntry {
        RepositoryEntry {
            name: "Windows <10>".into(),
            tags: Tags::from("windows,w10"),
            file_name: "w10.tar.gz".into(),
            template_type: Some("ostemplate".into()),
            products: vec!["VMmgr".into(), "DCImgr".into()],
            modified_utc: Some("2026-01-02 03:04:05".into()),
            ..RepositoryEntry::default()
        }
    }

    #[test]
    fn templates_are_added_and_removed_with_their_lines() {
        let mut metadata = MetadataXml::parse(TEXT.as_bytes()).unwrap();
        let first = metadata.entries().remove(0);
        assert_eq!(first.name, "Ubuntu & co");
        assert_eq!(first.urls, ["http://example.com/u.tar.gz"]);
        assert_eq!(first.other["new"], "1");
        metadata.add(&entry()).unwrap();
        let lines = "    <elem>\r\n        <osname>Windows &lt;10&gt;</osname>\r\n        <support>\r\n            <elem>VMmgr</elem>\r\n            <elem>DCImgr</elem>\r\n        </support>\r\n        <tags>windows,w10</tags>\r\n        <type>ostemplate</type>\r\n        <filename>w10.tar.gz</filename>\r\n        <utcmtime>2026-01-02 03:04:05</utcmtime>\r\n    </elem>\r\n</doc>";
        let text = String::from_utf8(metadata.to_bytes()).unwrap();
        assert_eq!(text, TEXT.replace("</doc>", lines));
        assert_eq!(RepositoryEntry { position: None, ..metadata.entries().remove(1) }, entry());
        metadata.remove(1).unwrap();
        assert_eq!(String::from_utf8(metadata.to_bytes()).unwrap(), TEXT);
        metadata.remove(0).unwrap();
        assert!(metadata.entries().is_empty());
    }

    #[test]
    fn only_the_values_that_change_are_written() {
        let mut metadata = MetadataXml::parse(TEXT.as_bytes()).unwrap();
        metadata.add(&entry()).unwrap();
        let before = String::from_utf8(metadata.to_bytes()).unwrap();
        metadata.update(&[(1, entry())]).unwrap();
        assert_eq!(String::from_utf8(metadata.to_bytes()).unwrap(), before);
        let newer = RepositoryEntry { modified_utc: Some("2027-01-02 03:04:05".into()), ..entry() };
        metadata.update(&[(1, newer)]).unwrap();
        assert_eq!(String::from_utf8(metadata.to_bytes()).unwrap(), before.replace("2026", "2027"));
    }

    #[test]
    fn an_empty_repository_and_one_without_indents_get_templates_as_they_are_written() {
        let mut empty = MetadataXml::parse(super::super::RepositoryFormat::Vm5.empty().as_bytes()).unwrap();
        empty.add(&entry()).unwrap();
        let text = String::from_utf8(empty.to_bytes()).unwrap();
        assert!(text.contains("<doc>\n  <elem>\n    <osname>"), "{text}");
        assert!(text.ends_with("</utcmtime>\n  </elem>\n</doc>\n"), "{text}");
        let mut flat = MetadataXml::parse(b"<doc><elem><osname>A</osname></elem></doc>").unwrap();
        flat.add(&RepositoryEntry { products: Vec::new(), ..entry() }).unwrap();
        let text = String::from_utf8(flat.to_bytes()).unwrap();
        assert!(text.contains("</elem><elem><osname>Windows"), "{text}");
    }

    #[test]
    fn what_is_wrong_is_told_in_terms_of_a_repository() {
        let error = MetadataXml::parse(b"<doc><elem></doc>").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRepository);
        assert!(error.position().is_some());
        let metadata =
            MetadataXml::parse(b"<doc><elem><utcmtime>27.11.2016</utcmtime><tags/><tags/></elem></doc>")
                .unwrap();
        let told: Vec<String> = metadata.problems().into_iter().map(|problem| problem.message).collect();
        assert_eq!(told.len(), 4, "{told:?}");
        assert!(told[3].contains("27.11.2016"), "{told:?}");
    }
}
