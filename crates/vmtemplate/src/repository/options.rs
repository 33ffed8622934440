//! How a repository is published to and verified.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::time::Duration;

use super::more_keys;
use super::signature::{PublicKey, SigningKey};
use crate::archive::UnpackLimits;
use crate::error::Result;
use crate::metainfo::Tags;
use crate::progress::Control;

/// What every change of a repository needs.
///
/// ```
/// use std::time::Duration;
/// use vmtemplate::PublishOptions;
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
    /// Watching and stopping. Progress counts bytes of the archive.
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
/// use vmtemplate::{EntryOptions, Tags};
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
    /// Bounds on hostile archives.
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
    /// let mut options = vmtemplate::EntryOptions::default();
    /// options.set_keys(r#"{"os_group": "windows", "kms_supported": true}"#)?;
    /// assert_eq!(options.set[1], ("kms_supported".into(), "true".into()));
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn set_keys(&mut self, object: &str) -> Result<()> {
        self.set.extend(more_keys::read(object)?);
        Ok(())
    }
}

/// How a repository is verified.
///
/// ```
/// use vmtemplate::RepositoryVerifyOptions;
///
/// let options = RepositoryVerifyOptions { quick: true, ..RepositoryVerifyOptions::default() };
/// assert!(options.public_key.is_none());
/// ```
#[derive(Debug, Clone, Default)]
pub struct RepositoryVerifyOptions {
    /// The description and the checksums must be signed by this key.
    pub public_key: Option<PublicKey>,
    /// Open the archives without reading them to their ends: no checksums.
    pub quick: bool,
    /// Bounds on hostile archives.
    pub limits: UnpackLimits,
    /// Threads that decompress; `None` takes as many as the machine has.
    pub threads: Option<NonZeroUsize>,
    /// Stops the work.
    pub control: Control,
}

/// What [`Repository::sync`](crate::Repository::sync) changed.
///
/// ```
/// assert!(vmtemplate::Synced::default().missing.is_empty());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Synced {
    /// The archives whose size or checksum was written anew.
    pub updated: Vec<String>,
    /// The archives that the description names and that are not there.
    pub missing: Vec<String>,
    /// The archives that are not sound, each with the reason. What is said of them stays as it was: a new checksum would
    /// make damage look like what was published.
    pub damaged: BTreeMap<String, String>,
}
