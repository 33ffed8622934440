//! The description that lies in a template as metainfo.xml.
//!
//! [`Metainfo`] holds the file's text and edits it in place; [`MetainfoFields`] is all of it as plain values.
//! What the elements mean: the vendor's guide "Preparing the OS Windows template", and the platform's own template
//! reader (VMmanager 5 generation).

mod accessors;
mod chars;
mod document;
mod encoding;
mod escape;
mod fields;
mod files;
mod key;
mod limits;
mod macro_uses;
mod os_family;
mod problems;
mod support;
mod tags;
mod value;
mod xml;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

pub use accessors::{Description, SshPublicKey};
use document::Edit;
pub(crate) use document::{Document, ELEM, Item, Node, ROOT, indent_of};
pub use fields::MetainfoFields;
pub use key::MetainfoKey;
pub use limits::{AddressFamily, Limits, UnmetLimit, VmSpec};
pub use os_family::OsFamily;
pub use support::{Product, ProductVersion, Support};
pub use tags::Tags;

use crate::error::Result;

/// A metainfo.xml: the description of a template that the platform reads.
///
/// The file is edited, not rewritten: what a setter does not name keeps its bytes, be it order, indents, line ends,
/// comments, unknown elements and attributes, or the encoding. A value that is set to what it is changes nothing.
///
/// [`parse`](Self::parse) takes every well-formed file, whatever its values are. A getter reports the value that it
/// reads if it is no good, and [`problems`](Self::problems) reports all of them.
///
/// What the platform does with an element that is there twice is not known. Here the first one counts, for reading
/// and for setting, and [`problems`](Self::problems) reports the others.
///
/// White space around a value is layout; it is not part of the value, and stays when the value changes.
///
/// ```
/// use vmtemplate::metainfo::Limits;
/// use vmtemplate::Metainfo;
///
/// let mut metainfo = Metainfo::parse(b"<?xml version=\"1.0\"?>
/// <doc>
///   <!-- spring build -->
///   <osname>Windows-Server-2019</osname>
///   <limit>
///     <elem name=\"mem\">1024</elem>
///   </limit>
/// </doc>
/// ")?;
/// assert_eq!(metainfo.os_name().as_deref(), Some("Windows-Server-2019"));
/// assert_eq!(metainfo.limits()?.memory_mib, Some(1024));
///
/// metainfo.set_limits(&Limits { memory_mib: Some(2048), disk_mb: Some(15_000), ..Limits::default() })?;
/// metainfo.set_template_version("5")?;
/// assert_eq!(String::from_utf8(metainfo.to_bytes()).unwrap(), "<?xml version=\"1.0\"?>
/// <doc>
///   <!-- spring build -->
///   <osname>Windows-Server-2019</osname>
///   <limit>
///     <elem name=\"mem\">2048</elem>
///     <elem name=\"disk\">15000</elem>
///   </limit>
///   <version>5</version>
/// </doc>
/// ");
/// # Ok::<(), vmtemplate::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metainfo {
    document: Document,
}

impl Metainfo {
    /// A new description, in UTF-8: the name of the operating system, and that it is the template of one.
    ///
    /// # Errors
    ///
    /// `InvalidValue` if the name is empty or holds a control character.
    ///
    /// ```
    /// let metainfo = vmtemplate::Metainfo::new("Windows-Server-2022")?;
    /// assert_eq!(String::from_utf8(metainfo.to_bytes()).unwrap(), r#"<?xml version="1.0" encoding="UTF-8"?>
    /// <doc>
    ///   <osname>Windows-Server-2022</osname>
    ///   <type>ostemplate</type>
    /// </doc>
    /// "#);
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn new(os_name: &str) -> Result<Self> {
        let mut metainfo = Self::empty()?;
        metainfo.set_os_name(os_name)?;
        metainfo.set_template_type("ostemplate")?;
        Ok(metainfo)
    }

    fn empty() -> Result<Self> {
        Self::parse(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<doc>\n</doc>\n")
    }

    /// Reads a metainfo.xml.
    ///
    /// It must be XML 1.0 with the root element `doc`. It is read in the encoding of its byte order mark (UTF-8,
    /// UTF-16) or its declaration (UTF-8, or any single-byte encoding of the WHATWG Encoding Standard, windows-1251
    /// among them); UTF-8 if it has neither.
    ///
    /// # Errors
    ///
    /// `InvalidMetainfo` with line and column if it is not well-formed, has another root element, has a DTD, uses an
    /// entity other than the five of XML, or holds bytes that are not in its encoding; `LimitExceeded` if it is larger
    /// than 1 MiB or nested deeper than 32 elements.
    ///
    /// ```
    /// use vmtemplate::{ErrorKind, Metainfo};
    ///
    /// let error = Metainfo::parse(b"<doc>\n  <osname>A & B</osname>\n</doc>").unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::InvalidMetainfo);
    /// assert!(error.to_string().starts_with("line 2, column 13: `osname`: "));
    /// ```
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        Ok(Self { document: Document::parse(bytes)? })
    }

    /// The file, in its own encoding: the bytes that were read, but for what was set since.
    ///
    /// A character that the encoding does not have is written as a numeric reference, `&#8364;`.
    ///
    /// ```
    /// let bytes = b"<?xml version='1.0' encoding='windows-1251'?>\r\n<doc><osname>\xCE\xD1</osname></doc>";
    /// let metainfo = vmtemplate::Metainfo::parse(bytes)?;
    /// assert_eq!(metainfo.os_name().as_deref(), Some("ОС"));
    /// assert_eq!(metainfo.to_bytes(), bytes);
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn to_bytes(&self) -> Vec<u8> {
        self.document.to_bytes()
    }

    /// The text of a value, whatever it is; `None` if its element does not exist.
    ///
    /// Lists come in the form that [`set`](Self::set) takes.
    ///
    /// ```
    /// use vmtemplate::metainfo::MetainfoKey;
    /// use vmtemplate::Metainfo;
    ///
    /// let metainfo = Metainfo::parse(b"<doc><rebootcount>once</rebootcount></doc>")?;
    /// assert_eq!(metainfo.get(&MetainfoKey::RebootCount).as_deref(), Some("once"));
    /// assert_eq!(metainfo.get(&MetainfoKey::Tags), None);
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn get(&self, key: &MetainfoKey) -> Option<Cow<'_, str>> {
        let node = self.node(key)?;
        Some(match key {
            MetainfoKey::Support => self.support().to_string().into(),
            MetainfoKey::Macros => self.declared_macros().join(",").into(),
            _ => self.document.value(node),
        })
    }

    /// Sets a value from its text.
    ///
    /// White space around it is dropped, but for the illegal password characters. Products are separated by commas,
    /// each with its least version if there is one: `VMmgr:5.4,DCImgr`. So are macros: `($PRODUCTKEY),($MIRROR)`.
    ///
    /// # Errors
    ///
    /// `InvalidValue` if the value is not what the key holds, or holds a character that XML cannot hold;
    /// `LimitExceeded` if the file would be larger than 1 MiB.
    ///
    /// ```
    /// use vmtemplate::{ErrorKind, Metainfo};
    ///
    /// let mut metainfo = Metainfo::new("Windows-Server-2022")?;
    /// metainfo.set(&"limit.mem".parse()?, "2048")?;
    /// metainfo.set(&"tags".parse()?, "windows, windows2022")?;
    /// assert_eq!(metainfo.limits()?.memory_mib, Some(2048));
    ///
    /// let error = metainfo.set(&"limit.mem".parse()?, "2 GiB").unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::InvalidValue);
    /// assert_eq!(error.to_string(), "`limit.mem`: found `2 GiB`; expected a number of MiB, in digits");
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn set(&mut self, key: &MetainfoKey, text: &str) -> Result<()> {
        match key {
            MetainfoKey::Support => self.set_support(&text.into()),
            MetainfoKey::Macros => {
                let macros: Vec<_> = text.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
                self.set_declared_macros(&macros)
            }
            _ => self.put(key, text),
        }
    }

    /// Takes a value away, with its element; all of them, if it is there more than once. Tells whether it was there.
    ///
    /// ```
    /// use vmtemplate::metainfo::MetainfoKey;
    /// use vmtemplate::Metainfo;
    ///
    /// let mut metainfo = Metainfo::parse(b"<doc>\n  <tags>a</tags>\n  <version>5</version>\n</doc>\n")?;
    /// assert!(metainfo.remove(&MetainfoKey::Tags));
    /// assert!(!metainfo.remove(&MetainfoKey::Tags));
    /// assert_eq!(metainfo.to_bytes(), b"<doc>\n  <version>5</version>\n</doc>\n");
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn remove(&mut self, key: &MetainfoKey) -> bool {
        let edits: Vec<Edit> = match key {
            MetainfoKey::Limit(name) => {
                let list = self.document.named(ROOT, "limit").next();
                list.map(|list| self.limit_nodes(list, name).map(|node| self.document.remove(node)).collect())
                    .unwrap_or_default()
            }
            _ => self.document.named(ROOT, key.element()).map(|node| self.document.remove(node)).collect(),
        };
        // What is left of a well-formed document without an element is well-formed, and smaller.
        !edits.is_empty() && self.document.apply(edits).is_ok()
    }

    /// The element that holds a value: the first one of its name.
    fn node(&self, key: &MetainfoKey) -> Option<Node> {
        let element = self.document.named(ROOT, key.element()).next()?;
        match key {
            MetainfoKey::Limit(name) => self.limit_nodes(element, name).next(),
            _ => Some(element),
        }
    }

    fn limit_nodes<'a>(&'a self, list: Node, name: &'a str) -> impl Iterator<Item = Node> + 'a {
        self.document
            .named(list, ELEM)
            .filter(move |&node| self.document.attribute(node, "name").is_some_and(|found| found == name))
    }

    /// Sets a value that is the text of one element.
    fn put(&mut self, key: &MetainfoKey, text: &str) -> Result<()> {
        let value = value::accept(key, text)?;
        let edits = match (self.node(key), key) {
            (Some(node), _) => {
                // `01024` is 1024 already.
                if value::canonical(key, &self.document.value(node)).is_ok_and(|there| there == value) {
                    return Ok(());
                }
                self.document.set_value(node, &value)?
            }
            (None, MetainfoKey::Limit(name)) => {
                let item = Item {
                    key: name.clone(),
                    attributes: vec![("name", Some(name.clone()))],
                    text: Some(value),
                };
                match self.document.named(ROOT, "limit").next() {
                    Some(list) => self.document.append(list, &[item])?.into_iter().collect(),
                    None => vec![self.add_list("limit", &[item])?],
                }
            }
            (None, _) if value.is_empty() => return Ok(()),
            (None, _) => {
                let name = key.element();
                vec![self.document.add(&before(name), |_| self.document.make_element(name, &value))?]
            }
        };
        self.document.apply(edits)
    }

    fn add_list(&self, name: &str, items: &[Item]) -> Result<Edit> {
        self.document.add(&before(name), |separator| self.document.make_list(name, items, separator))
    }

    /// Makes a list what `items` says; `key_of` states which element that is there is which item.
    fn put_list(
        &mut self,
        name: &str,
        items: &[Item],
        key_of: impl Fn(&Document, Node) -> Option<String>,
    ) -> Result<()> {
        let edits = match self.document.named(ROOT, name).next() {
            Some(list) => self.document.set_list(list, items, |node| key_of(&self.document, node))?,
            None if items.is_empty() => return Ok(()),
            None => vec![self.add_list(name, items)?],
        };
        self.document.apply(edits)
    }
}

/// The elements that a new one is written behind.
fn before(name: &str) -> Vec<&'static str> {
    MetainfoKey::elements().take_while(|&other| other != name).collect()
}
