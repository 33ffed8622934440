//! One template as a repository describes it.

use std::collections::BTreeMap;

use crate::error::Position;
use crate::metainfo::{OsFamily, Tags};

/// What kind of machine a template is for.
///
/// ```
/// use vmtemplate::repository::RepositoryEntry;
/// use vmtemplate::repository::TemplateKind;
///
/// let mut entry = RepositoryEntry::default();
/// entry.file_name = "Debian-12.xz".into();
/// assert_eq!(entry.kind(), TemplateKind::KvmImage);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum TemplateKind {
    /// A `.tar.gz` with metainfo.xml, image and script, for KVM: Windows.
    KvmTemplate,
    /// An `.xz`, for KVM: Linux.
    KvmImage,
    /// A `.tar.gz` with the files of the system, for containers of LXD.
    Lxd,
}

/// One template as a repository describes it.
///
/// ```
/// # let dir = std::env::temp_dir().join(format!("vmt-doc-entry-{}", std::process::id()));
/// # std::fs::create_dir_all(&dir).unwrap();
/// std::fs::write(dir.join("metadata.json"), r#"{"type": "os", "os": [{
///     "name": "Windows-Server-2019", "tags": ["windows"], "file_name": "w2019.tar.gz", "efi_boot": true
/// }]}"#).unwrap();
///
/// let entry = vmtemplate::Repository::open(&dir)?.list()?.remove(0);
/// assert_eq!(entry.file_name, "w2019.tar.gz");
/// assert_eq!(entry.other["efi_boot"], "true");
/// # std::fs::remove_dir_all(dir).unwrap();
/// # Ok::<(), vmtemplate::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct RepositoryEntry {
    /// `name`, `osname`: the name that users see.
    pub name: String,
    /// `tags`: what scripts of the platform are offered by.
    pub tags: Tags,
    /// `file_name`, `filename`: the archive, beside the description; empty if the entry names none.
    pub file_name: String,
    /// `image_name`: what the image file on a node is called after. KVM only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_name: Option<String>,
    /// `expand`: the partition that grows with the disk, such as `/dev/sda2`. KVM only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expand: Option<String>,
    /// `network_device`: the name of the network device. KVM only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_device: Option<String>,
    /// `archive_size_mib`: the size of the archive in MiB, rounded up. Where the description does not say it,
    /// [`Repository::list`](crate::Repository::list) takes it from the archive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive_size_mib: Option<u64>,
    /// `hdd_mib_required`: the smallest disk, in MiB. The platform's API shows it; it is written only when asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hdd_mib_required: Option<u64>,
    /// `min_ram_mib`: the least memory, in MiB. As above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_ram_mib: Option<u64>,
    /// `version` (VMmanager 5). VMmanager 6 has no such key; [`Repository::list`](crate::Repository::list) takes it from the
    /// archive's metainfo.xml.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template_version: Option<String>,
    /// `type` (VMmanager 5).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template_type: Option<String>,
    /// `support`: the products that can use it, each as [`Product`](crate::metainfo::Product) reads it: `VMmgr`, or `VMmgr:5.4.0` with
    /// the least version (VMmanager 5).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub products: Vec<String>,
    /// `utcmtime`: when the archive changed, as `YYYY-MM-DD hh:mm:ss` in UTC (VMmanager 5). VMmanager 6 has no such key;
    /// [`Repository::list`](crate::Repository::list) takes it from the archive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modified_utc: Option<String>,
    /// `externals`: URLs of archives elsewhere (VMmanager 5).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
    /// All other keys, each with its value unchanged in the description.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub other: BTreeMap<String, String>,
    /// Where the entry begins in the description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
}

impl RepositoryEntry {
    /// The kind, as far as the description states: what only KVM has, or the name, tells a template for KVM from one for
    /// LXD.
    ///
    /// ```
    /// use vmtemplate::repository::{RepositoryEntry, TemplateKind};
    ///
    /// let mut entry = RepositoryEntry::default();
    /// (entry.name, entry.file_name) = ("Debian-12".into(), "debian12.tar.gz".into());
    /// assert_eq!(entry.kind(), TemplateKind::Lxd);
    /// entry.image_name = Some("debian12".into());
    /// assert_eq!(entry.kind(), TemplateKind::KvmTemplate);
    /// ```
    pub fn kind(&self) -> TemplateKind {
        let kvm = [&self.image_name, &self.expand, &self.network_device];
        if self.file_name.to_ascii_lowercase().ends_with(".xz") {
            TemplateKind::KvmImage
        } else if kvm.into_iter().any(Option::is_some)
            || !self.products.is_empty()
            || !self.urls.is_empty()
            || self.family() == Some(OsFamily::Windows)
        {
            TemplateKind::KvmTemplate
        } else {
            TemplateKind::Lxd
        }
    }

    /// The family of the operating system that the platform takes from the name.
    ///
    /// ```
    /// use vmtemplate::metainfo::OsFamily;
    /// use vmtemplate::repository::RepositoryEntry;
    ///
    /// let mut entry = RepositoryEntry::default();
    /// entry.name = "Rocky-9".into();
    /// assert_eq!(entry.family(), Some(OsFamily::RedHat));
    /// ```
    pub fn family(&self) -> Option<OsFamily> {
        OsFamily::of_template_name(&self.name)
    }
}
