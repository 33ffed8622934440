//! Everything in a metainfo.xml that is wrong, at once.

use std::collections::HashSet;

use super::document::{ELEM, Node, ROOT};
use super::key::MetainfoKey as Key;
use super::support::Product;
use super::{Metainfo, value};
use crate::error::{Error, ErrorKind, Position};
use crate::shown::{quoted, short};

/// A file can be made of nothing but mistakes; nobody reads more of them than this.
const MAX_PROBLEMS: usize = 100;

impl Metainfo {
    /// Everything in it that is wrong, with line, column and element; nothing if it is in order. At most 100 problems.
    ///
    /// Wrong are: no operating system's name, values that are not what their element holds, file names that lead
    /// out of the template's folder, a type other than `ostemplate`, macros that are not written as `($NAME)`, list elements without a name,
    /// values with elements inside, and whatever is there twice. Unknown elements and attributes are not.
    ///
    /// ```
    /// use vmtemplate::Metainfo;
    ///
    /// let metainfo = Metainfo::parse(b"<doc>\n <osname/>\n <hddimage>/tmp/win.img</hddimage>\n</doc>")?;
    /// let problems: Vec<String> = metainfo.problems().iter().map(ToString::to_string).collect();
    /// assert_eq!(problems, [
    ///     "line 2, column 2: `osname`: found nothing; expected a name; the platform does not list a \
    ///      template without one",
    ///     "line 3, column 12: `hddimage`: found `/tmp/win.img`; expected the name of a file in the folder of \
    ///      metainfo.xml",
    /// ]);
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn problems(&self) -> Vec<Error> {
        let mut problems = Vec::new();
        if self.node(&Key::OsName).is_none() {
            problems.push(
                Error::new(
                    ErrorKind::InvalidMetainfo,
                    "`osname` is missing; the platform does not list a template without it",
                )
                .with_position(self.document.tag_position(ROOT))
                .with_field("osname")
                .with_help("add <osname>NAME</osname>"),
            );
        }
        let mut seen = HashSet::new();
        for node in self.document.children(ROOT) {
            if problems.len() >= MAX_PROBLEMS {
                break;
            }
            let name = self.document.name(node);
            let Some(key) = Key::of_element(name) else { continue };
            if !seen.insert(name) {
                problems.push(self.twice(node, name, name));
                continue;
            }
            match key {
                Key::Limit(_) => self.check_limits(node, &mut problems),
                Key::Support => self.check_support(node, &mut problems),
                Key::Macros => self.check_macros(node, &mut problems),
                key => self.check_value(&key, node, &mut problems),
            }
        }
        problems.truncate(MAX_PROBLEMS);
        problems
    }

    /// Where the tag of a value's element begins; that of the root if it does not exist.
    pub(crate) fn position_of(&self, key: &Key) -> Position {
        self.document.tag_position(self.node(key).unwrap_or(ROOT))
    }

    fn check_value(&self, key: &Key, node: Node, problems: &mut Vec<Error>) {
        if let Some(child) = self.document.children(node).next() {
            let message = format!("found the element {}; expected text", quoted(self.document.name(child)));
            problems.push(self.at(child, &key.to_string(), message));
        }
        match (self.canonical(key, node), key) {
            (Err(problem), _) => problems.push(problem),
            (Ok(text), Key::Type) if text != "ostemplate" => {
                problems.push(self.fault(key, node, &text, "`ostemplate`, the type of an OS template"));
            }
            (Ok(_), _) => {}
        }
    }

    fn check_limits(&self, list: Node, problems: &mut Vec<Error>) {
        let mut seen = HashSet::new();
        for node in self.document.named(list, ELEM) {
            if problems.len() >= MAX_PROBLEMS {
                return;
            }
            let Some(name) = self.document.attribute(node, "name").filter(|name| !name.is_empty()) else {
                problems.push(self.at(node, "limit", "the limit has no name; expected <elem name=\"…\">"));
                continue;
            };
            let key = Key::Limit(name.clone().into_owned());
            if seen.insert(name) {
                self.check_value(&key, node, problems);
            } else {
                problems.push(self.twice(node, &key.to_string(), &key.to_string()));
            }
        }
    }

    fn check_support(&self, list: Node, problems: &mut Vec<Error>) {
        let mut seen = HashSet::new();
        for node in self.document.named(list, ELEM) {
            if problems.len() >= MAX_PROBLEMS {
                return;
            }
            let product = self.document.value(node);
            if product.is_empty() {
                problems.push(self.fault(&Key::Support, node, "", "the name of a product, such as VMmgr"));
            } else if !seen.insert(Product::key(&product)) {
                problems.push(self.twice(node, "support", &product));
            }
            let version = self.document.attribute(node, "version");
            if let Some(version) =
                version.filter(|version| !version.starts_with(|c: char| c.is_ascii_digit()))
            {
                let message = format!("found the version {}; expected one such as 5.4.0", quoted(&version));
                problems.push(self.at(node, "support", message));
            }
        }
    }

    fn check_macros(&self, list: Node, problems: &mut Vec<Error>) {
        let mut seen = HashSet::new();
        for node in self.document.named(list, ELEM) {
            if problems.len() >= MAX_PROBLEMS {
                return;
            }
            let name = self.document.attribute(node, "name").unwrap_or_default();
            if !value::is_macro(&name) {
                let found = if name.is_empty() { "no name".to_owned() } else { quoted(&name) };
                let message = format!("found {found}; expected a macro in the form ($NAME)");
                problems
                    .push(self.at(node, "macro", message).with_help("write <elem name=\"($PRODUCTKEY)\"/>"));
            } else if let Some(again) = seen.replace(name) {
                problems.push(self.twice(node, "macro", &again));
            }
        }
    }

    fn twice(&self, node: Node, field: &str, name: &str) -> Error {
        self.at(node, field, format!("duplicate {}; only the first one counts", quoted(name)))
            .with_help("the platform may use either: remove one")
    }

    fn at(&self, node: Node, field: &str, message: impl Into<String>) -> Error {
        Error::new(ErrorKind::InvalidMetainfo, message)
            .with_position(self.document.tag_position(node))
            .with_field(short(field))
    }
}
