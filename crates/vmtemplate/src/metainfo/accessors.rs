//! The typed getters and setters of [`Metainfo`].

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::document::{ELEM, Item, Node, ROOT};
use super::key::MetainfoKey as Key;
use super::limits::Limits;
use super::support::{Product, ProductVersion, Support};
use super::tags::Tags;
use super::{Metainfo, chars, value};
use crate::error::{Error, ErrorKind, Result};
use crate::shown::{quoted, short};

/// Whether a template takes public SSH keys, and how.
///
/// ```
/// use vmtemplate::metainfo::SshPublicKey;
/// use vmtemplate::Metainfo;
///
/// let metainfo = Metainfo::parse(b"<doc><sshpublickey base64='yes'>yes</sshpublickey></doc>")?;
/// assert_eq!(metainfo.ssh_public_key(), SshPublicKey { accepted: true, base64: true });
/// # Ok::<(), vmtemplate::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct SshPublicKey {
    /// The text of `sshpublickey` is `yes`.
    pub accepted: bool,
    /// Its attribute `base64` is `yes`: the keys are passed in base64.
    pub base64: bool,
}

/// A description of the template in one language.
///
/// ```
/// use vmtemplate::Metainfo;
///
/// let metainfo = Metainfo::parse(b"<doc><description lang='en'>A server</description></doc>")?;
/// let description = &metainfo.descriptions()[0];
/// assert_eq!((description.language.as_deref(), description.text.as_str()), (Some("en"), "A server"));
/// # Ok::<(), vmtemplate::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub struct Description {
    /// The attribute `lang`.
    pub language: Option<String>,
    /// The text.
    pub text: String,
}

macro_rules! texts {
    ($($(#[$doc:meta])* $key:ident $get:ident $set:ident $example:literal;)*) => {
        /// Values that are text. An element that is empty counts as not there.
        impl Metainfo {
            $(
                $(#[$doc])*
                ///
                /// ```
                #[doc = concat!("let mut metainfo = vmtemplate::Metainfo::new(\"Windows\")?;")]
                #[doc = concat!("metainfo.", stringify!($set), "(\"", $example, "\")?;")]
                #[doc = concat!("assert_eq!(metainfo.", stringify!($get), "().as_deref(), Some(\"", $example, "\"));")]
                /// # Ok::<(), vmtemplate::Error>(())
                /// ```
                pub fn $get(&self) -> Option<Cow<'_, str>> {
                    self.text(&Key::$key)
                }

                #[doc = concat!("Sets what [`", stringify!($get), "`](Self::", stringify!($get), ") reads.")]
                ///
                /// # Errors
                ///
                /// `InvalidValue` if it cannot hold this value; `LimitExceeded` if the file becomes larger than 1 MiB.
                ///
                /// ```
                #[doc = concat!("let mut metainfo = vmtemplate::Metainfo::new(\"Windows\")?;")]
                #[doc = concat!("metainfo.", stringify!($set), "(\"", $example, "\")?;")]
                #[doc = concat!("assert!(metainfo.", stringify!($set), "(\"\\u{1}\").is_err());")]
                /// # Ok::<(), vmtemplate::Error>(())
                /// ```
                pub fn $set(&mut self, text: &str) -> Result<()> {
                    self.put(&Key::$key, text)
                }
            )*
        }
    };
}

texts! {
    /// `osname`: the name of the operating system. A template without one is invisible to the platform.
    OsName os_name set_os_name "Windows-Server-2022";
    /// `version`: the version of the template; any text.
    Version template_version set_template_version "5.57";
    /// `hddimage`: the disk image, by its path from the folder of metainfo.xml.
    ///
    /// What is read may hold a path: a file says what it likes. [`problems`](Self::problems) reports that, and the setter
    /// refuses it.
    ImageFile image_file set_image_file "win2022.hddimage";
    /// `installdrive`: the setup script, by its path from the folder of metainfo.xml.
    ///
    /// What is read may hold a path: a file says what it likes. [`problems`](Self::problems) reports that, and the setter
    /// refuses it.
    ScriptFile script_file set_script_file "windows.cmd";
    /// `type`: `ostemplate` for the template of an operating system.
    Type template_type set_template_type "ostemplate";
    /// `illegal_password_characters`: the characters that a password must not have.
    IllegalPasswordCharacters illegal_password_characters set_illegal_password_characters "!@#$%^&*()";
    /// `chpasswd_method`: how a password is changed, as the platform writes it into an installed template.
    PasswordMethod password_method set_password_method "internal";
    /// `date`: the time that the platform writes into an installed template, `YYYY-MM-DD hh:mm:ss`.
    Date date set_date "2026-11-23 09:30:00";
    /// `install_result`: what the platform writes into an installed template; `ok` or `0` if it went well.
    InstallResult install_result set_install_result "ok";
}

impl Metainfo {
    /// The limits of the template.
    ///
    /// # Errors
    ///
    /// `InvalidMetainfo` if `mem` or `disk` is not a number, or `ipv4` or `ipv6` is neither `yes` nor `no`.
    ///
    /// ```
    /// use vmtemplate::Metainfo;
    ///
    /// let metainfo = Metainfo::parse(b"<doc><limit><elem name='mem'>1 GiB</elem></limit></doc>")?;
    /// let error = metainfo.limits().unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "line 1, column 30: `limit.mem`: found `1 GiB`; expected a number of MiB, in digits",
    /// );
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn limits(&self) -> Result<Limits> {
        let mut limits = Limits::default();
        let mut seen = HashSet::new();
        let Some(list) = self.document.named(ROOT, "limit").next() else { return Ok(limits) };
        for node in self.document.named(list, ELEM) {
            let Some(name) = self.document.attribute(node, "name") else { continue };
            let name = name.into_owned();
            if !seen.insert(name.clone()) {
                continue;
            }
            let text = self.canonical(&Key::Limit(name.clone()), node)?;
            match name.as_str() {
                "ipv4" => limits.ipv4 = Some(text == "yes"),
                "ipv6" => limits.ipv6 = Some(text == "yes"),
                "mem" => limits.memory_mib = text.parse().ok(),
                "disk" => limits.disk_mb = text.parse().ok(),
                _ => {
                    limits.other.insert(name, text);
                }
            }
        }
        Ok(limits)
    }

    /// Makes these the limits: what is not among them is taken away.
    ///
    /// # Errors
    ///
    /// `InvalidValue` if the name or text of another limit cannot be in XML, or if another limit has the name of one
    /// that has its own field.
    ///
    /// ```
    /// use vmtemplate::metainfo::Limits;
    /// use vmtemplate::Metainfo;
    ///
    /// let mut metainfo = Metainfo::new("Windows")?;
    /// let limits = Limits { ipv4: Some(true), memory_mib: Some(1024), ..Limits::default() };
    /// metainfo.set_limits(&limits)?;
    /// assert_eq!(metainfo.limits()?, limits);
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn set_limits(&mut self, limits: &Limits) -> Result<()> {
        if let Some(name) =
            ["ipv4", "ipv6", "mem", "disk"].iter().find(|&&name| limits.other.contains_key(name))
        {
            return Err(Error::new(ErrorKind::InvalidValue, "this limit has its own field")
                .with_field(format!("limit.{name}"))
                .with_help("set the field `ipv4`, `ipv6`, `memory_mib` or `disk_mb`"));
        }
        let mut pairs = limits.to_pairs();
        for (name, text) in &mut pairs {
            *text = value::accept(&Key::Limit((*name).to_owned()), text)?;
        }
        let item = |name: &str, text: String| Item {
            key: name.to_owned(),
            attributes: vec![("name", Some(name.to_owned()))],
            text: Some(text),
        };
        let Some(list) = self.document.named(ROOT, "limit").next() else {
            let items: Vec<_> = pairs.into_iter().map(|(name, text)| item(name, text)).collect();
            return self.put_list("limit", &items, |_, _| None);
        };
        // The order of limits means nothing: those that are there stay where they are, as do second ones of a name.
        let mut wanted: HashMap<&str, String> =
            pairs.iter().map(|(name, text)| (*name, text.clone())).collect();
        let mut seen = HashSet::new();
        let mut edits = Vec::new();
        for node in self.document.named(list, ELEM) {
            let Some(name) = self.document.attribute(node, "name") else { continue };
            if let Some(text) = wanted.remove(&*name) {
                let key = Key::Limit(name.clone().into_owned());
                if self.canonical(&key, node).ok().as_ref() != Some(&text) {
                    edits.extend(self.document.set_value(node, &text)?);
                }
            } else if !seen.contains(&*name) {
                edits.push(self.document.remove(node));
                continue;
            }
            seen.insert(name.into_owned());
        }
        let new: Vec<_> = pairs
            .into_iter()
            .filter(|(name, _)| wanted.contains_key(name))
            .map(|(name, text)| item(name, text))
            .collect();
        edits.extend(self.document.append(list, &new)?);
        self.document.apply(edits)
    }

    /// Sets one limit by the name that it has in the file: `mem`, `disk`, `ipv4`, `ipv6`, or another.
    ///
    /// # Errors
    ///
    /// `InvalidValue` if the text is not what this limit holds.
    ///
    /// ```
    /// let mut metainfo = vmtemplate::Metainfo::new("Windows")?;
    /// metainfo.set_limit("disk", "15000")?;
    /// assert_eq!(metainfo.limits()?.disk_mb, Some(15_000));
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn set_limit(&mut self, name: &str, text: &str) -> Result<()> {
        self.put(&Key::Limit(name.to_owned()), text)
    }

    /// `support`: the products that can use the template.
    ///
    /// ```
    /// use vmtemplate::Metainfo;
    ///
    /// let metainfo = Metainfo::parse(b"<doc><support><elem version='5.4.0'>VMmgr</elem></support></doc>")?;
    /// assert!(metainfo.support().allows("vmmgr", &"6".into()));
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn support(&self) -> Support {
        self.elems("support")
            .map(|node| Product {
                name: self.document.value(node).into_owned(),
                min_version: self.document.attribute(node, "version").map(|version| (&*version).into()),
            })
            .collect()
    }

    /// The same as texts, `NAME` or `NAME:VERSION`, with the versions as they are written.
    pub(crate) fn support_texts(&self) -> Vec<String> {
        self.elems("support").map(|node| Product::text_of(&self.document, node)).collect()
    }

    /// Makes these the products that can use the template.
    ///
    /// # Errors
    ///
    /// `InvalidValue` if a name is empty or holds a control character.
    ///
    /// ```
    /// let mut metainfo = vmtemplate::Metainfo::new("Windows")?;
    /// metainfo.set_support(&"VMmgr:5.4,DCImgr".into())?;
    /// assert_eq!(metainfo.support().products.len(), 2);
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn set_support(&mut self, support: &Support) -> Result<()> {
        // A version that is there and means the same is written as it was: 5.45 is 5.45.0.
        let mut versions: HashMap<(String, ProductVersion), String> = HashMap::new();
        for node in self.elems("support") {
            if let Some(text) = self.document.attribute(node, "version") {
                let version = ProductVersion::from(&*text);
                versions
                    .entry((Product::key(&self.document.value(node)), version))
                    .or_insert(text.into_owned());
            }
        }
        let mut items = Vec::new();
        for product in &support.products {
            let (name, key) = (product.name.trim(), Product::key(&product.name));
            if name.is_empty() {
                return Err(refused("support", &product.name, "the name of a product, such as VMmgr"));
            }
            let version = product.min_version.map(|version| {
                versions.get(&(key.clone(), version)).cloned().unwrap_or_else(|| version.to_string())
            });
            items.push(Item { key, attributes: vec![("version", version)], text: Some(name.to_owned()) });
        }
        self.put_list("support", &items, |document, node| Some(Product::key(&document.value(node))))
    }

    /// `tags`: the tags, in their order.
    ///
    /// ```
    /// let metainfo = vmtemplate::Metainfo::parse(b"<doc><tags>windows, windows2019</tags></doc>")?;
    /// assert!(metainfo.tags().contains("windows2019"));
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn tags(&self) -> Tags {
        self.node(&Key::Tags).map(|node| (&*self.document.value(node)).into()).unwrap_or_default()
    }

    /// Sets the tags.
    ///
    /// # Errors
    ///
    /// `InvalidValue` if one holds a control character.
    ///
    /// ```
    /// let mut metainfo = vmtemplate::Metainfo::new("Windows")?;
    /// metainfo.set_tags(&"windows,windows2022".into())?;
    /// assert_eq!(metainfo.tags().len(), 2);
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn set_tags(&mut self, tags: &Tags) -> Result<()> {
        self.put(&Key::Tags, &tags.to_string())
    }

    /// `rebootcount`: the reboots after which the operating system counts as installed; 1 if it does not exist.
    ///
    /// # Errors
    ///
    /// `InvalidMetainfo` if it is not a number.
    ///
    /// ```
    /// assert_eq!(vmtemplate::Metainfo::parse(b"<doc/>")?.reboot_count()?, 1);
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn reboot_count(&self) -> Result<u32> {
        let Some(node) = self.node(&Key::RebootCount) else { return Ok(1) };
        // What is canonical is a number that fits.
        self.canonical(&Key::RebootCount, node).map(|count| count.parse().unwrap_or(1))
    }

    /// Sets the number of reboots.
    ///
    /// ```
    /// let mut metainfo = vmtemplate::Metainfo::new("Windows")?;
    /// metainfo.set_reboot_count(2)?;
    /// assert_eq!(metainfo.reboot_count()?, 2);
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn set_reboot_count(&mut self, count: u32) -> Result<()> {
        self.put(&Key::RebootCount, &count.to_string())
    }

    /// `virtiodisk`: whether the system has drivers for virtio disks. `yes` means yes, all else means no.
    ///
    /// ```
    /// assert!(!vmtemplate::Metainfo::parse(b"<doc><virtiodisk>on</virtiodisk></doc>")?.virtio_disk());
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn virtio_disk(&self) -> bool {
        self.flag(&Key::VirtioDisk)
    }

    /// Sets whether the system has drivers for virtio disks.
    ///
    /// ```
    /// let mut metainfo = vmtemplate::Metainfo::new("Windows")?;
    /// metainfo.set_virtio_disk(true)?;
    /// assert!(metainfo.virtio_disk());
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn set_virtio_disk(&mut self, has_drivers: bool) -> Result<()> {
        self.set_flag(&Key::VirtioDisk, has_drivers)
    }

    /// `virtionet`: whether the system has drivers for virtio network cards. `yes` means yes, all else means no.
    ///
    /// ```
    /// assert!(vmtemplate::Metainfo::parse(b"<doc><virtionet>yes</virtionet></doc>")?.virtio_net());
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn virtio_net(&self) -> bool {
        self.flag(&Key::VirtioNet)
    }

    /// Sets whether the system has drivers for virtio network cards.
    ///
    /// ```
    /// let mut metainfo = vmtemplate::Metainfo::new("Windows")?;
    /// metainfo.set_virtio_net(true)?;
    /// assert!(metainfo.virtio_net());
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn set_virtio_net(&mut self, has_drivers: bool) -> Result<()> {
        self.set_flag(&Key::VirtioNet, has_drivers)
    }

    /// `macro`: the macros that the platform passes to the template, as written: `($PRODUCTKEY)`.
    ///
    /// ```
    /// use vmtemplate::Metainfo;
    ///
    /// let metainfo = Metainfo::parse(b"<doc><macro><elem name='($PRODUCTKEY)'/></macro></doc>")?;
    /// assert_eq!(metainfo.declared_macros(), ["($PRODUCTKEY)"]);
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn declared_macros(&self) -> Vec<String> {
        let names = self.elems("macro").filter_map(|node| self.document.attribute(node, "name"));
        names.map(Cow::into_owned).collect()
    }

    /// Makes these the macros that the platform passes to the template.
    ///
    /// # Errors
    ///
    /// `InvalidValue` if one is not written as `($NAME)`.
    ///
    /// ```
    /// let mut metainfo = vmtemplate::Metainfo::new("Windows")?;
    /// metainfo.set_declared_macros(&["($PRODUCTKEY)"])?;
    /// assert!(metainfo.set_declared_macros(&["PRODUCTKEY"]).is_err());
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn set_declared_macros(&mut self, macros: &[impl AsRef<str>]) -> Result<()> {
        let there: HashSet<String> = self.declared_macros().into_iter().collect();
        let mut items = Vec::new();
        for name in macros {
            let name = name.as_ref();
            if !value::is_macro(name) && !there.contains(name) {
                return Err(refused("macro", name, "a macro in the form ($NAME)"));
            }
            items.push(Item {
                key: name.to_owned(),
                attributes: vec![("name", Some(name.to_owned()))],
                text: None,
            });
        }
        self.put_list("macro", &items, |document, node| document.attribute(node, "name").map(Cow::into_owned))
    }

    /// `sshpublickey`: whether the template takes public SSH keys.
    ///
    /// ```
    /// assert!(!vmtemplate::Metainfo::parse(b"<doc/>")?.ssh_public_key().accepted);
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn ssh_public_key(&self) -> SshPublicKey {
        let node = self.node(&Key::SshPublicKey);
        SshPublicKey {
            accepted: self.flag(&Key::SshPublicKey),
            base64: node.is_some_and(|node| {
                self.document.attribute(node, "base64").is_some_and(|value| value.trim() == "yes")
            }),
        }
    }

    /// Sets whether the template takes public SSH keys, and how.
    ///
    /// ```
    /// use vmtemplate::metainfo::SshPublicKey;
    /// use vmtemplate::Metainfo;
    ///
    /// let mut metainfo = Metainfo::new("Windows")?;
    /// metainfo.set_ssh_public_key(SshPublicKey { accepted: true, base64: true })?;
    /// assert!(metainfo.ssh_public_key().base64);
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn set_ssh_public_key(&mut self, key: SshPublicKey) -> Result<()> {
        let before = self.ssh_public_key();
        if before == key {
            return Ok(());
        }
        let mut edited = self.clone();
        // Without the element there is nothing to carry the attribute.
        if before.accepted != key.accepted || edited.node(&Key::SshPublicKey).is_none() {
            edited.put(&Key::SshPublicKey, if key.accepted { "yes" } else { "no" })?;
        }
        if before.base64 != key.base64
            && let Some(node) = edited.node(&Key::SshPublicKey)
        {
            let edits = edited.document.set_attribute(node, "base64", key.base64.then_some("yes"))?;
            edited.document.apply(edits)?;
        }
        *self = edited;
        Ok(())
    }

    /// `description`: what the template is, in one or more languages.
    ///
    /// ```
    /// assert!(vmtemplate::Metainfo::parse(b"<doc/>")?.descriptions().is_empty());
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn descriptions(&self) -> Vec<Description> {
        self.document
            .named(ROOT, "description")
            .map(|node| Description {
                language: self.document.attribute(node, "lang").map(Cow::into_owned),
                text: self.document.value(node).into_owned(),
            })
            .collect()
    }

    /// `externals`: addresses of files that a network-install template fetches.
    ///
    /// ```
    /// use vmtemplate::Metainfo;
    ///
    /// let bytes = b"<doc><externals><elem><url>http://example.com/a</url></elem></externals></doc>";
    /// assert_eq!(Metainfo::parse(bytes)?.external_urls(), ["http://example.com/a"]);
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn external_urls(&self) -> Vec<String> {
        self.elems("externals")
            .flat_map(|node| self.document.named(node, "url"))
            .map(|node| self.document.value(node).into_owned())
            .collect()
    }

    /// The text of an element that is not empty.
    pub(super) fn text(&self, key: &Key) -> Option<Cow<'_, str>> {
        let text = match (self.document.value(self.node(key)?), key) {
            (text, Key::IllegalPasswordCharacters) => text,
            (Cow::Borrowed(text), _) => text.trim_matches(chars::is_space).into(),
            (Cow::Owned(text), _) => text.trim_matches(chars::is_space).to_owned().into(),
        };
        (!text.is_empty()).then_some(text)
    }

    /// The value of an element in the one form that it is written in.
    pub(super) fn canonical(&self, key: &Key, node: Node) -> Result<String> {
        let text = self.document.value(node);
        value::canonical(key, &text).map_err(|expected| self.fault(key, node, &text, expected))
    }

    pub(super) fn fault(&self, key: &Key, node: Node, found: &str, expected: &str) -> Error {
        let found = if found.is_empty() { "nothing".to_owned() } else { quoted(found) };
        Error::new(ErrorKind::InvalidMetainfo, format!("found {found}; expected {expected}"))
            .with_position(self.document.position(node))
            .with_field(short(&key.to_string()))
    }

    /// The elements of the first list of this name.
    pub(super) fn elems<'a>(&'a self, list: &'a str) -> impl Iterator<Item = Node> + 'a {
        let list = self.document.named(ROOT, list).next();
        list.into_iter().flat_map(|list| self.document.named(list, ELEM))
    }

    fn flag(&self, key: &Key) -> bool {
        self.node(key).is_some_and(|node| self.document.value(node) == "yes")
    }

    /// No is what a missing element means; it is not added to say so.
    fn set_flag(&mut self, key: &Key, on: bool) -> Result<()> {
        if self.flag(key) == on {
            return Ok(());
        }
        self.put(key, if on { "yes" } else { "no" })
    }
}

fn refused(field: &str, found: &str, expected: &str) -> Error {
    Error::new(ErrorKind::InvalidValue, format!("found {}; expected {expected}", quoted(found)))
        .with_field(field)
}
