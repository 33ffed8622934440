//! The family of the operating system, as the platform takes it from a template's name.

use std::fmt;

/// The family of an operating system: by it the platform chooses how a machine gets its addresses.
///
/// ```
/// use vmtemplate::metainfo::OsFamily;
///
/// assert_eq!(OsFamily::of_template_name("Windows-Server-2019"), Some(OsFamily::Windows));
/// assert_eq!(OsFamily::of_template_name("AlmaLinux-9").unwrap().to_string(), "redhat-based");
/// assert_eq!(OsFamily::of_template_name("TinyCore"), None); // its machines get no addresses
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum OsFamily {
    /// AlmaLinux, CentOS, Fedora, Oracle Linux, Red Hat, Rocky Linux.
    RedHat,
    /// Debian, Ubuntu.
    Debian,
    /// FreeBSD.
    FreeBsd,
    /// Windows.
    Windows,
}

/// The vendor's article "OS templates repositories", in its order.
const PARTS: [(&str, OsFamily); 10] = [
    ("alma", OsFamily::RedHat),
    ("centos", OsFamily::RedHat),
    ("fedora", OsFamily::RedHat),
    ("oracle", OsFamily::RedHat),
    ("redhat", OsFamily::RedHat),
    ("rocky", OsFamily::RedHat),
    ("debian", OsFamily::Debian),
    ("ubuntu", OsFamily::Debian),
    ("freebsd", OsFamily::FreeBsd),
    ("windows", OsFamily::Windows),
];

impl OsFamily {
    /// The family that the platform takes from the name of a template; `None` where the name states none.
    ///
    /// Upper and lower case are the same. A name that states two families is taken for the first in the vendor's list.
    ///
    /// ```
    /// # use vmtemplate::metainfo::OsFamily;
    /// assert_eq!(OsFamily::of_template_name("my UBUNTU 24.04"), Some(OsFamily::Debian));
    /// ```
    pub fn of_template_name(name: &str) -> Option<Self> {
        let name = name.to_lowercase();
        PARTS.iter().find(|(part, _)| name.contains(part)).map(|&(_, family)| family)
    }

    /// The parts of a name that identify the family, as messages list them.
    pub(crate) fn parts_of_names() -> String {
        PARTS.map(|(part, _)| part).join(", ")
    }
}

/// As the platform calls the way in which addresses are set.
impl fmt::Display for OsFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RedHat => "redhat-based",
            Self::Debian => "debian-based",
            Self::FreeBsd => "freebsd-based",
            Self::Windows => "Windows",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::OsFamily;
    use crate::rules::repository::FAMILY;

    #[test]
    fn the_rule_for_names_lists_what_the_platform_looks_for() {
        let parts = OsFamily::parts_of_names();
        assert!(FAMILY.fix.contains(&parts), "{parts}");
        assert!(parts.split(", ").all(|part| OsFamily::of_template_name(part).is_some()));
    }
}
