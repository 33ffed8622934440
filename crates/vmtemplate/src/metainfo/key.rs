//! The names of what metainfo.xml holds.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, ErrorKind, Result};
use crate::shown::quoted;

macro_rules! keys {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// One value of metainfo.xml, named as its element is.
        ///
        /// It is what [`Metainfo::get`](crate::Metainfo::get), [`Metainfo::set`](crate::Metainfo::set) and
        /// [`Metainfo::remove`](crate::Metainfo::remove) take, and the KEY of `--set KEY=VALUE` on the command line.
        ///
        /// ```
        /// use vmtemplate::metainfo::MetainfoKey;
        ///
        /// let key: MetainfoKey = "limit.mem".parse()?;
        /// assert_eq!(key, MetainfoKey::Limit("mem".into()));
        /// assert_eq!(key.to_string(), "limit.mem");
        ///
        /// let error = "osnam".parse::<MetainfoKey>().unwrap_err();
        /// assert!(error.help().unwrap().contains("did you mean `osname`?"));
        /// # Ok::<(), vmtemplate::Error>(())
        /// ```
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum MetainfoKey {
            /// `limit.NAME`: one limit, `<limit><elem name="NAME">`. See [`Limits`](crate::metainfo::Limits).
            Limit(String),
            $($(#[$doc])* $variant,)*
        }

        impl MetainfoKey {
            /// Every key but the limits, in the order in which the elements are written.
            const NAMED: &[(Self, &'static str)] = &[$((Self::$variant, $name),)*];
        }
    };
}

// The order is that of the guide's example; what is not in it is behind.
keys! {
    /// `osname`: the name of the operating system. Without it the template is invisible.
    OsName = "osname",
    /// `support`: the products that can use the template, `VMmgr,DCImgr:5.4`. See [`Support`](crate::metainfo::Support).
    Support = "support",
    /// `tags`: words by commas. See [`Tags`](crate::metainfo::Tags).
    Tags = "tags",
    /// `version`: the version of the template, any text.
    Version = "version",
    /// `hddimage`: the disk image, by its path from the folder of metainfo.xml.
    ImageFile = "hddimage",
    /// `rebootcount`: the reboots after which the operating system counts as installed; 1 if it is missing.
    RebootCount = "rebootcount",
    /// `type`: `ostemplate` for the template of an operating system.
    Type = "type",
    /// `installdrive`: the setup script, by its path from the folder of metainfo.xml.
    ScriptFile = "installdrive",
    /// `virtiodisk`: `yes` if the system has drivers for virtio disks.
    VirtioDisk = "virtiodisk",
    /// `virtionet`: `yes` if the system has drivers for virtio network cards.
    VirtioNet = "virtionet",
    /// `macro`: the macros that the platform passes to the template, `($PRODUCTKEY)`, by commas.
    Macros = "macro",
    /// `illegal_password_characters`: characters that a password must not have.
    IllegalPasswordCharacters = "illegal_password_characters",
    /// `sshpublickey`: `yes` if the template takes public SSH keys. See [`SshPublicKey`](crate::metainfo::SshPublicKey).
    SshPublicKey = "sshpublickey",
    /// `chpasswd_method`: how a password is changed; the platform writes it into an installed template.
    PasswordMethod = "chpasswd_method",
    /// `date`: `YYYY-MM-DD hh:mm:ss`; the platform writes it into an installed template.
    Date = "date",
    /// `install_result`: `ok` or `0` if it went well; the platform writes it into an installed template.
    InstallResult = "install_result",
    /// `image`, of a template that installs over the network (VMmanager 5), as are all that follow.
    NetworkImage = "image",
    /// `kernel`: the kernel that is booted for the installation.
    Kernel = "kernel",
    /// `initrd`: its initial RAM disk.
    Initrd = "initrd",
    /// `kernelcommand`: its command line.
    KernelCommand = "kernelcommand",
    /// `installcfg`: the answer file of the installer.
    InstallConfig = "installcfg",
    /// `nfsshare`: whether or what is shared over NFS.
    NfsShare = "nfsshare",
    /// `sharedir`: the folder that is shared.
    ShareDir = "sharedir",
    /// `samba`: whether or what is shared over SMB.
    Samba = "samba",
    /// `loader`: the boot loader.
    Loader = "loader",
    /// `tempipv4`: whether a temporary IPv4 address is needed for the installation.
    TemporaryIpv4 = "tempipv4",
    /// `up_mem_on_install`: memory for the time of the installation.
    InstallMemory = "up_mem_on_install",
    /// `pxelinuxcfg`: the configuration of PXELINUX, the loader.
    PxeConfig = "pxelinuxcfg",
}

impl MetainfoKey {
    /// The keys of elements that are plain text of network-install templates.
    pub(super) const NETWORK_INSTALL: [Self; 12] = [
        Self::NetworkImage,
        Self::Kernel,
        Self::Initrd,
        Self::KernelCommand,
        Self::InstallConfig,
        Self::NfsShare,
        Self::ShareDir,
        Self::Samba,
        Self::Loader,
        Self::TemporaryIpv4,
        Self::InstallMemory,
        Self::PxeConfig,
    ];

    /// The name of the element of the root that holds it.
    pub(super) fn element(&self) -> &'static str {
        Self::NAMED.iter().find(|(key, _)| key == self).map_or("limit", |&(_, name)| name)
    }

    /// The key of an element of the root; for the limits, one without a name.
    pub(super) fn of_element(name: &str) -> Option<Self> {
        if name == "limit" {
            return Some(Self::Limit(String::new()));
        }
        Self::NAMED.iter().find(|&&(_, known)| known == name).map(|(key, _)| key.clone())
    }

    /// The names of all elements of the root that have a key, in the order in which they are written.
    pub(super) fn elements() -> impl Iterator<Item = &'static str> {
        let mut names: Vec<_> = Self::NAMED.iter().map(|&(_, name)| name).collect();
        names.insert(1, "limit");
        names.into_iter()
    }
}

impl fmt::Display for MetainfoKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Limit(name) => write!(f, "limit.{name}"),
            _ => f.write_str(self.element()),
        }
    }
}

impl FromStr for MetainfoKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if let Some(name) = text.strip_prefix("limit.").filter(|name| !name.is_empty()) {
            return Ok(Self::Limit(name.to_owned()));
        }
        if let Some((key, _)) = Self::NAMED.iter().find(|&&(_, name)| name == text) {
            return Ok(key.clone());
        }
        let known = || {
            let limits = ["limit.mem", "limit.disk", "limit.ipv4", "limit.ipv6"];
            limits.into_iter().chain(Self::NAMED.iter().map(|&(_, name)| name))
        };
        let lower: String = text.chars().take(40).collect::<String>().to_lowercase();
        let nearest = known().map(|name| (distance(&lower, name), name)).min();
        let mut help = match nearest {
            Some((distance, name)) if distance <= 2 => format!("did you mean `{name}`? "),
            _ => String::new(),
        };
        help.push_str("known are ");
        help.push_str(&known().collect::<Vec<_>>().join(", "));
        help.push_str(", and limit.NAME for any other limit");
        Err(Error::new(ErrorKind::InvalidValue, format!("{} is not a key of metainfo.xml", quoted(text)))
            .with_help(help))
    }
}

/// How many characters must be added, dropped or changed to get from one word to the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, &to) in b.iter().enumerate() {
            let changed = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_read_back_from_what_it_is_shown_as() {
        for (key, name) in MetainfoKey::NAMED {
            assert_eq!(key.to_string(), *name);
            assert_eq!(name.parse::<MetainfoKey>().unwrap(), *key);
            assert_eq!(MetainfoKey::of_element(name).as_ref(), Some(key));
        }
        let limit = MetainfoKey::Limit("a.b".into());
        assert_eq!(limit.to_string().parse::<MetainfoKey>().unwrap(), limit);
    }

    #[test]
    fn an_unknown_key_is_told_with_the_nearest_and_all_that_are_known() {
        for (text, nearest) in
            [("limit.men", None), ("os_name", Some("osname")), ("TAGS", Some("tags")), ("zzzzzzzzz", None)]
        {
            match (text.parse::<MetainfoKey>(), nearest) {
                (Ok(key), None) => assert_eq!(key, MetainfoKey::Limit("men".into())),
                (Err(error), nearest) => {
                    let help = error.help().unwrap();
                    assert_eq!(help.contains("did you mean"), nearest.is_some(), "{help}");
                    assert!(
                        nearest.is_none_or(|name| help.contains(&format!("did you mean `{name}`?"))),
                        "{help}"
                    );
                    assert!(help.contains("limit.disk, ") && help.contains("virtionet"), "{help}");
                }
                (Ok(key), Some(_)) => panic!("{text} was taken for {key}"),
            }
        }
        for text in ["", "limit", "limit.", "mem"] {
            assert!(text.parse::<MetainfoKey>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_distance_of_words_counts_characters_added_dropped_and_changed() {
        for (a, b, steps) in
            [("", "abc", 3), ("abc", "abc", 0), ("kitten", "sitting", 3), ("flaw", "lawn", 2)]
        {
            assert_eq!(distance(a, b), steps, "{a} {b}");
        }
    }
}
