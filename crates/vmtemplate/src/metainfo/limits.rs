//! What a VM must have for a template.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The limits of a template. The platform does not create a VM that misses one of them.
///
/// Its JSON form has the same names; what is not set is left out.
///
/// ```
/// use vmtemplate::metainfo::{AddressFamily, Limits, VmSpec};
///
/// let limits = Limits { memory_mib: Some(2048), ipv6: Some(false), ..Limits::default() };
/// let vm = VmSpec { memory_mib: 1024, disk_mb: 20_000, primary_address: AddressFamily::Ipv6 };
/// let unmet: Vec<String> = limits.unmet(&vm).iter().map(ToString::to_string).collect();
/// assert_eq!(unmet, [
///     "the VM's primary address is an IPv6 address, which the template does not support",
///     "the VM has 1024 MiB of memory; the template needs at least 2048 MiB",
/// ]);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// `ipv4`: whether the primary address of the VM may be an IPv4 address. Not set: it may.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipv4: Option<bool>,
    /// `ipv6`: whether the primary address of the VM may be an IPv6 address. Not set: it may.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipv6: Option<bool>,
    /// `mem`: the least memory, in MiB (2^20 bytes).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_mib: Option<u64>,
    /// `disk`: the least size of the disk, in MB (10^6 bytes).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk_mb: Option<u64>,
    /// Limits of any other name, as text. What they mean is not known, and [`Limits::unmet`] passes over them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub other: BTreeMap<String, String>,
}

/// The family of the address that a VM is reached at first.
///
/// ```
/// use vmtemplate::metainfo::AddressFamily;
///
/// assert_eq!(AddressFamily::Ipv4.to_string(), "IPv4");
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AddressFamily {
    /// An IPv4 address.
    #[default]
    Ipv4,
    /// An IPv6 address.
    Ipv6,
}

impl fmt::Display for AddressFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ipv4 => "IPv4",
            Self::Ipv6 => "IPv6",
        })
    }
}

/// The VM that a template is meant for.
///
/// ```
/// use vmtemplate::metainfo::{AddressFamily, VmSpec};
///
/// let vm = VmSpec { memory_mib: 4096, disk_mb: 40_000, primary_address: AddressFamily::Ipv4 };
/// assert_eq!(VmSpec { primary_address: AddressFamily::default(), ..vm }, vm);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct VmSpec {
    /// Its memory, in MiB (2^20 bytes).
    pub memory_mib: u64,
    /// The size of its disk, in MB (10^6 bytes).
    pub disk_mb: u64,
    /// The family of its first address: the one that the platform gives it when it is created, and that the macro
    /// `($IP)` stands for. Addresses that it gets besides do not matter for a limit.
    #[serde(default)]
    pub primary_address: AddressFamily,
}

/// A limit that a VM misses.
///
/// ```
/// use vmtemplate::metainfo::UnmetLimit;
///
/// let miss = UnmetLimit::Disk { found_mb: 10_000, required_mb: 15_000 };
/// assert_eq!(miss.to_string(), "the VM has a disk of 10000 MB; the template needs at least 15000 MB");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "limit")]
#[non_exhaustive]
pub enum UnmetLimit {
    /// The template does not support a primary address of this family.
    PrimaryAddress {
        /// The family that the VM has.
        found: AddressFamily,
    },
    /// There is too little memory.
    Memory {
        /// What the VM has, in MiB.
        found_mib: u64,
        /// What the template needs, in MiB.
        required_mib: u64,
    },
    /// The disk is too small.
    Disk {
        /// What the VM has, in MB.
        found_mb: u64,
        /// What the template needs, in MB.
        required_mb: u64,
    },
}

impl fmt::Display for UnmetLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PrimaryAddress { found } => {
                write!(
                    f,
                    "the VM's primary address is an {found} address, which the template does not support"
                )
            }
            Self::Memory { found_mib, required_mib } => {
                write!(
                    f,
                    "the VM has {found_mib} MiB of memory; the template needs at least {required_mib} MiB"
                )
            }
            Self::Disk { found_mb, required_mb } => {
                write!(f, "the VM has a disk of {found_mb} MB; the template needs at least {required_mb} MB")
            }
        }
    }
}

impl Limits {
    /// Take what `newer` states; what is `None` in it stays as it is.
    pub(crate) fn update(&mut self, newer: Self) {
        self.ipv4 = newer.ipv4.or(self.ipv4);
        self.ipv6 = newer.ipv6.or(self.ipv6);
        self.memory_mib = newer.memory_mib.or(self.memory_mib);
        self.disk_mb = newer.disk_mb.or(self.disk_mb);
        self.other.extend(newer.other);
    }

    /// Every limit that the VM misses; none if the template can be installed on it.
    ///
    /// ```
    /// use vmtemplate::metainfo::{Limits, UnmetLimit, VmSpec};
    ///
    /// let limits = Limits { disk_mb: Some(15_000), ..Limits::default() };
    /// let vm = VmSpec { memory_mib: 1024, disk_mb: 10_000, ..VmSpec::default() };
    /// assert_eq!(limits.unmet(&vm), [UnmetLimit::Disk { found_mb: 10_000, required_mb: 15_000 }]);
    /// ```
    pub fn unmet(&self, vm: &VmSpec) -> Vec<UnmetLimit> {
        let mut unmet = Vec::new();
        let family = match vm.primary_address {
            AddressFamily::Ipv4 => self.ipv4,
            AddressFamily::Ipv6 => self.ipv6,
        };
        if family == Some(false) {
            unmet.push(UnmetLimit::PrimaryAddress { found: vm.primary_address });
        }
        if let Some(required_mib) = self.memory_mib.filter(|&required| vm.memory_mib < required) {
            unmet.push(UnmetLimit::Memory { found_mib: vm.memory_mib, required_mib });
        }
        if let Some(required_mb) = self.disk_mb.filter(|&required| vm.disk_mb < required) {
            unmet.push(UnmetLimit::Disk { found_mb: vm.disk_mb, required_mb });
        }
        unmet
    }

    /// The limits as names and texts, in the order in which they are written.
    pub(super) fn to_pairs(&self) -> Vec<(&str, String)> {
        let word = |allowed| if allowed { "yes" } else { "no" }.to_owned();
        let known = [
            ("ipv4", self.ipv4.map(word)),
            ("ipv6", self.ipv6.map(word)),
            ("mem", self.memory_mib.map(|mib| mib.to_string())),
            ("disk", self.disk_mb.map(|mb| mb.to_string())),
        ];
        let known = known.into_iter().filter_map(|(name, value)| Some((name, value?)));
        known.chain(self.other.iter().map(|(name, value)| (name.as_str(), value.clone()))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VM: VmSpec = VmSpec { memory_mib: 1024, disk_mb: 15_000, primary_address: AddressFamily::Ipv4 };

    #[test]
    fn a_vm_that_has_exactly_what_is_needed_misses_nothing() {
        let limits = Limits {
            ipv4: Some(true),
            ipv6: Some(false),
            memory_mib: Some(1024),
            disk_mb: Some(15_000),
            other: BTreeMap::from([("cores".into(), "64".into())]),
        };
        assert_eq!(limits.unmet(&VM), []);
        assert_eq!(Limits::default().unmet(&VmSpec::default()), []);
    }

    #[test]
    fn every_limit_that_is_missed_is_told() {
        let limits = Limits {
            ipv4: Some(false),
            memory_mib: Some(1025),
            disk_mb: Some(u64::MAX),
            ..Limits::default()
        };
        assert_eq!(
            limits.unmet(&VM),
            [
                UnmetLimit::PrimaryAddress { found: AddressFamily::Ipv4 },
                UnmetLimit::Memory { found_mib: 1024, required_mib: 1025 },
                UnmetLimit::Disk { found_mb: 15_000, required_mb: u64::MAX },
            ]
        );
    }

    #[test]
    fn only_the_family_of_the_primary_address_counts() {
        let limits = Limits { ipv4: Some(false), ipv6: Some(true), ..Limits::default() };
        assert_eq!(limits.unmet(&VmSpec { primary_address: AddressFamily::Ipv6, ..VM }), []);
        assert_eq!(limits.unmet(&VM).len(), 1);
    }
}
