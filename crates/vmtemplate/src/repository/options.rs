//! How a repository is published to and verified.

use std::collections::BTreeMap;
use std::time::Duration;

use super::file_name::check_file_name;
use super::more_keys;
use super::signature::{PublicKey, SigningKey};
use crate::archive::UnpackLimits;
use crate::error::{Error, ErrorKind, Result};
use crate::metainfo::Tags;
use crate::progress::Control;
use crate::shown::Shown;
use crate::shown::short;
use crate::threads::Threads;

/// What every change of a repository needs.
///
/// ```
/// use std::time::Duration;
/// use vmtemplate::repository::PublishOptions;
///
/// let options = PublishOptions { lock_timeout: Duration::from_secs(5), ..PublishOptions::default() };
/// assert!(options.key.is_none());
/// ```
#[derive(Debug, Clone)]
pub struct PublishOptions {
    /// Sign the description and the checksums. A repository that is signed is changed only with a key.
    pub key: Option<SigningKey>,
    /// How long to wait for another publisher to end.
    pub lock_timeout: Duration,
    /// Reports progress and cancels. Progress counts bytes of the archive.
    pub control: Control,
}

impl Default for PublishOptions {
    fn default() -> Self {
        Self { key: None, lock_timeout: Duration::from_mins(1), control: Control::default() }
    }
}

/// What the description says of a template. What is `None` is taken from the archive.
///
/// ```
/// use vmtemplate::metainfo::Tags;
/// use vmtemplate::repository::EntryOptions;
///
/// let options = EntryOptions { tags: Some(Tags::from("windows,gold")), ..EntryOptions::default() };
/// assert!(!options.requirements);
/// ```
#[derive(Debug, Clone, Default)]
pub struct EntryOptions {
    /// The name that users see.
    pub name: Option<String>,
    /// The tags.
    pub tags: Option<Tags>,
    /// The name of the archive in the repository.
    pub file_name: Option<String>,
    /// What the image file on a node is called after. KVM only.
    pub image_name: Option<String>,
    /// The partition that grows with the disk. KVM only.
    pub expand: Option<String>,
    /// The name of the network device. KVM only.
    pub network_device: Option<String>,
    /// Write `hdd_mib_required` and `min_ram_mib` from the limits of the template. The platform's API shows them, but
    /// its documentation of the description does not have them.
    pub requirements: bool,
    /// Keys that the platform has and this library does not know, each with its value as JSON, in the order in which a new
    /// entry has them. metadata.json only; see [`set_keys`](Self::set_keys).
    pub set: Vec<(String, String)>,
    /// Limits for hostile archives.
    pub limits: UnpackLimits,
    /// Lock, signature, progress.
    pub publish: PublishOptions,
}

impl EntryOptions {
    /// Add the members of a JSON object to [`set`](Self::set), in their order.
    ///
    /// # Errors
    ///
    /// [`InvalidValue`](crate::ErrorKind::InvalidValue) if the text is no JSON object.
    ///
    /// ```
    /// let mut options = vmtemplate::repository::EntryOptions::default();
    /// options.set_keys(r#"{"os_group": "windows", "kms_supported": true}"#)?;
    /// assert_eq!(options.set[1], ("kms_supported".into(), "true".into()));
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn set_keys(&mut self, object: &str) -> Result<()> {
        self.set.extend(more_keys::read(object)?);
        Ok(())
    }

    /// Fail if a value that is given cannot be in a description: file and image name must be plain file names, and
    /// no text may be empty or hold control characters. Every operation that takes these options looks first; this is
    /// for what comes before it, such as reading a stream to its end.
    ///
    /// # Errors
    ///
    /// [`InvalidValue`](crate::ErrorKind::InvalidValue) with the field.
    ///
    /// ```
    /// use vmtemplate::repository::EntryOptions;
    ///
    /// let options = EntryOptions { image_name: Some("../w2019".into()), ..EntryOptions::default() };
    /// assert_eq!(options.validate().unwrap_err().field(), Some("image_name"));
    /// ```
    pub fn validate(&self) -> Result<()> {
        for (field, name) in [("file_name", &self.file_name), ("image_name", &self.image_name)] {
            name.as_ref().map_or(Ok(()), |name| check_file_name(field, name))?;
        }
        let texts =
            [("name", &self.name), ("expand", &self.expand), ("network_device", &self.network_device)];
        for (field, text) in texts {
            text.as_ref().map_or(Ok(()), |text| check_text(field, text))?;
        }
        self.tags.iter().flat_map(Tags::iter).try_for_each(|tag| check_text("tags", tag))
    }
}

/// Fail unless `text`, which is the value of `field`, can be on a line of a list and on a terminal.
pub(super) fn check_text(field: &str, text: &str) -> Result<()> {
    let what = field.replace('_', " ");
    let message = if text.trim().is_empty() {
        format!("the value of {what} is empty")
    } else if text.chars().any(char::is_control) {
        format!("`{}`, the value of {what}, contains a control character", Shown(short(text)))
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorKind::InvalidValue, message)
        .with_field(field)
        .with_help("give a single line of text"))
}

/// How a repository is verified.
///
/// ```
/// use vmtemplate::repository::RepositoryCheckOptions;
///
/// let options = RepositoryCheckOptions { quick: true, ..RepositoryCheckOptions::default() };
/// assert!(options.public_key.is_none());
/// ```
#[derive(Debug, Clone, Default)]
pub struct RepositoryCheckOptions {
    /// The description and the checksums must be signed by this key.
    pub public_key: Option<PublicKey>,
    /// Open the archives without reading them to their ends: no checksums.
    pub quick: bool,
    /// Limits for hostile archives.
    pub limits: UnpackLimits,
    /// Threads that decompress; `None` takes as many as the machine has.
    pub threads: Threads,
    /// Stops the work.
    pub control: Control,
}

/// What [`Repository::sync`](crate::Repository::sync) changed.
///
/// ```
/// assert!(vmtemplate::repository::Synced::default().missing.is_empty());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Synced {
    /// The archives whose size or checksum was rewritten.
    pub updated: Vec<String>,
    /// The archives that the description names and that do not exist. What is said of them stays as it was, so that they
    /// can be proved when they come back.
    pub missing: Vec<String>,
    /// The archives that are not sound, each with the reason. What is said of them stays as it was: a new checksum would
    /// make damage look like what was published.
    pub damaged: BTreeMap<String, String>,
}
