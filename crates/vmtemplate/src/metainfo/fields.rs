//! A metainfo.xml as plain values.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::accessors::SshPublicKey;
use super::key::MetainfoKey;
use super::{Limits, Metainfo, Support, Tags};
use crate::error::{Error, ErrorKind, Result};

/// Everything that a metainfo.xml says, as plain values; what is missing is `None` or empty.
///
/// Its JSON form has the same names. What is missing is left out when it is written, and may be left out when it is
/// read; a name that is not known is an error.
///
/// ```json
/// {
///   "os_name": "Windows-Server-2019",
///   "limits": { "ipv4": true, "ipv6": false, "memory_mib": 1024, "disk_mb": 15000 },
///   "support": [{ "name": "VMmgr", "min_version": "5.4.0" }],
///   "tags": ["windows", "windows2019"],
///   "template_version": "5",
///   "image_file": "win2019.hddimage",
///   "script_file": "windows.cmd",
///   "reboot_count": 1,
///   "template_type": "ostemplate",
///   "virtio_disk": true,
///   "virtio_net": true,
///   "declared_macros": ["($PRODUCTKEY)"]
/// }
/// ```
///
/// Descriptions and external addresses of network-install templates are not part of it; see
/// [`Metainfo::descriptions`] and [`Metainfo::external_urls`].
///
/// ```
/// use vmtemplate::metainfo::MetainfoFields;
/// use vmtemplate::Metainfo;
///
/// let fields = MetainfoFields { os_name: Some("Windows-Server-2022".into()), ..MetainfoFields::default() };
/// let metainfo = Metainfo::from_fields(&fields)?;
/// assert_eq!(metainfo.fields()?, fields);
/// # Ok::<(), vmtemplate::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MetainfoFields {
    /// The name of the operating system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub os_name: Option<String>,
    /// What a VM must have.
    pub limits: Limits,
    /// The products that can use the template.
    pub support: Support,
    /// The tags.
    pub tags: Tags,
    /// The version of the template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template_version: Option<String>,
    /// The file name of the disk image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_file: Option<String>,
    /// The file name of the setup script.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub script_file: Option<String>,
    /// The reboots after which the operating system counts as installed; 1 if nothing else is said.
    pub reboot_count: u32,
    /// `ostemplate` for an OS template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template_type: Option<String>,
    /// Whether the system has drivers for virtio disks.
    pub virtio_disk: bool,
    /// Whether the system has drivers for virtio network cards.
    pub virtio_net: bool,
    /// The macros that the platform passes to the template, as `($NAME)`.
    pub declared_macros: Vec<String>,
    /// The characters that a password must not have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub illegal_password_characters: Option<String>,
    /// Whether the template takes public SSH keys.
    #[serde(skip_serializing_if = "is_default")]
    pub ssh_public_key: SshPublicKey,
    /// How a password is changed, in an installed template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_method: Option<String>,
    /// The time of an installed template, `YYYY-MM-DD hh:mm:ss`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// The result of an installed template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub install_result: Option<String>,
    /// The elements of a network-install template by their names in the file: `kernel`, `initrd`, `nfsshare` ….
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub network_install: BTreeMap<String, String>,
}

impl Default for MetainfoFields {
    fn default() -> Self {
        Self {
            os_name: None,
            limits: Limits::default(),
            support: Support::default(),
            tags: Tags::default(),
            template_version: None,
            image_file: None,
            script_file: None,
            reboot_count: 1,
            template_type: None,
            virtio_disk: false,
            virtio_net: false,
            declared_macros: Vec::new(),
            illegal_password_characters: None,
            ssh_public_key: SshPublicKey::default(),
            password_method: None,
            date: None,
            install_result: None,
            network_install: BTreeMap::new(),
        }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Metainfo {
    /// Everything that it says, as plain values.
    ///
    /// # Errors
    ///
    /// `InvalidMetainfo` if a limit or the number of reboots is not what it must be.
    ///
    /// ```
    /// use vmtemplate::Metainfo;
    ///
    /// let fields = Metainfo::parse(b"<doc><osname>Windows</osname></doc>")?.fields()?;
    /// assert_eq!((fields.os_name.as_deref(), fields.reboot_count), (Some("Windows"), 1));
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn fields(&self) -> Result<MetainfoFields> {
        let text = |key: &MetainfoKey| self.text(key).map(std::borrow::Cow::into_owned);
        Ok(MetainfoFields {
            os_name: text(&MetainfoKey::OsName),
            limits: self.limits()?,
            support: self.support(),
            tags: self.tags(),
            template_version: text(&MetainfoKey::Version),
            image_file: text(&MetainfoKey::ImageFile),
            script_file: text(&MetainfoKey::ScriptFile),
            reboot_count: self.reboot_count()?,
            template_type: text(&MetainfoKey::Type),
            virtio_disk: self.virtio_disk(),
            virtio_net: self.virtio_net(),
            declared_macros: self.declared_macros(),
            illegal_password_characters: text(&MetainfoKey::IllegalPasswordCharacters),
            ssh_public_key: self.ssh_public_key(),
            password_method: text(&MetainfoKey::PasswordMethod),
            date: text(&MetainfoKey::Date),
            install_result: text(&MetainfoKey::InstallResult),
            network_install: MetainfoKey::NETWORK_INSTALL
                .iter()
                .filter_map(|key| Some((key.to_string(), text(key)?)))
                .collect(),
        })
    }

    /// A new file that says this, in the order of the guide's example.
    ///
    /// # Errors
    ///
    /// `InvalidValue` if a value is not what its element holds.
    ///
    /// ```
    /// use vmtemplate::metainfo::MetainfoFields;
    /// use vmtemplate::{ErrorKind, Metainfo};
    ///
    /// let fields = MetainfoFields { image_file: Some("../win.img".into()), ..MetainfoFields::default() };
    /// assert_eq!(Metainfo::from_fields(&fields).unwrap_err().kind(), ErrorKind::InvalidValue);
    /// ```
    pub fn from_fields(fields: &MetainfoFields) -> Result<Self> {
        let mut metainfo = Self::empty()?;
        let texts = [
            (MetainfoKey::OsName, &fields.os_name),
            (MetainfoKey::Version, &fields.template_version),
            (MetainfoKey::ImageFile, &fields.image_file),
            (MetainfoKey::Type, &fields.template_type),
            (MetainfoKey::ScriptFile, &fields.script_file),
            (MetainfoKey::IllegalPasswordCharacters, &fields.illegal_password_characters),
            (MetainfoKey::PasswordMethod, &fields.password_method),
            (MetainfoKey::Date, &fields.date),
            (MetainfoKey::InstallResult, &fields.install_result),
        ];
        for (key, text) in texts {
            if let Some(text) = text {
                metainfo.put(&key, text)?;
            }
        }
        for (name, text) in &fields.network_install {
            let key: MetainfoKey = name.parse()?;
            if !MetainfoKey::NETWORK_INSTALL.contains(&key) {
                return Err(
                    Error::new(ErrorKind::InvalidValue, "this element has its own field").with_field(name)
                );
            }
            metainfo.put(&key, text)?;
        }
        metainfo.set_limits(&fields.limits)?;
        metainfo.set_support(&fields.support)?;
        metainfo.set_tags(&fields.tags)?;
        metainfo.set_reboot_count(fields.reboot_count)?;
        metainfo.set_virtio_disk(fields.virtio_disk)?;
        metainfo.set_virtio_net(fields.virtio_net)?;
        metainfo.set_declared_macros(&fields.declared_macros)?;
        metainfo.set_ssh_public_key(fields.ssh_public_key)?;
        Ok(metainfo)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_form_has_units_in_its_names_and_leaves_out_what_is_not_there() {
        let metainfo = Metainfo::parse(
            b"<doc><osname>Windows-Server-2019</osname><limit><elem name='ipv4'>yes</elem><elem name='ipv6'>no</elem>\
              <elem name='mem'>1024</elem><elem name='disk'>15000</elem><elem name='cores'>2</elem></limit><support>\
              <elem version='5.4'>VMmgr</elem><elem>DCImgr</elem></support><tags>windows,windows2019</tags>\
              <version>5</version><hddimage>win2019.hddimage</hddimage><rebootcount>2</rebootcount>\
              <type>ostemplate</type><installdrive>windows.cmd</installdrive><virtiodisk>yes</virtiodisk>\
              <macro><elem name='($PRODUCTKEY)'/></macro><sshpublickey base64='yes'>yes</sshpublickey>\
              <illegal_password_characters>&amp;</illegal_password_characters><kernel>linux</kernel></doc>",
        );
        let fields = metainfo.unwrap().fields().unwrap();
        insta::assert_json_snapshot!(fields, @r#"
        {
          "os_name": "Windows-Server-2019",
          "limits": {
            "ipv4": true,
            "ipv6": false,
            "memory_mib": 1024,
            "disk_mb": 15000,
            "other": {
              "cores": "2"
            }
          },
          "support": [
            {
              "name": "VMmgr",
              "min_version": "5.4.0"
            },
            {
              "name": "DCImgr"
            }
          ],
          "tags": [
            "windows",
            "windows2019"
          ],
          "template_version": "5",
          "image_file": "win2019.hddimage",
          "script_file": "windows.cmd",
          "reboot_count": 2,
          "template_type": "ostemplate",
          "virtio_disk": true,
          "virtio_net": false,
          "declared_macros": [
            "($PRODUCTKEY)"
          ],
          "illegal_password_characters": "&",
          "ssh_public_key": {
            "accepted": true,
            "base64": true
          },
          "network_install": {
            "kernel": "linux"
          }
        }
        "#);
        insta::assert_json_snapshot!(MetainfoFields::default(), @r#"
        {
          "limits": {},
          "support": [],
          "tags": [],
          "reboot_count": 1,
          "virtio_disk": false,
          "virtio_net": false,
          "declared_macros": []
        }
        "#);
    }

    #[test]
    fn json_may_leave_out_everything_but_name_nothing_unknown() {
        assert_eq!(serde_json::from_str::<MetainfoFields>("{}").unwrap(), MetainfoFields::default());
        let fields: MetainfoFields = serde_json::from_str(r#"{"limits": {"memory_mib": 5}}"#).unwrap();
        assert_eq!(fields.limits.memory_mib, Some(5));
        assert!(serde_json::from_str::<MetainfoFields>(r#"{"os_nam": "A"}"#).is_err());
        assert!(serde_json::from_str::<MetainfoFields>(r#"{"limits": {"memory": 5}}"#).is_err());
    }

    #[test]
    fn an_element_with_a_field_of_its_own_is_not_taken_as_one_of_network_install() {
        let network_install = BTreeMap::from([("osname".to_owned(), "A".to_owned())]);
        let error = Metainfo::from_fields(&MetainfoFields { network_install, ..MetainfoFields::default() })
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidValue);
    }
}
