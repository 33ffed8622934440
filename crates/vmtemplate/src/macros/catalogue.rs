use super::name::MacroName;

/// What the value of a macro is, and so what a renderer lets through.
///
/// ```
/// use vmtemplate::macros::{MacroInfo, MacroKind};
///
/// assert_eq!(MacroInfo::lookup("GATEWAYv4").unwrap().kind, MacroKind::AddressV4);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum MacroKind {
    /// An IPv4 or IPv6 address.
    Address,
    /// An IPv4 address.
    AddressV4,
    /// An IPv6 address.
    AddressV6,
    /// Addresses of either family, separated by spaces.
    AddressList,
    /// IPv4 addresses, separated by spaces.
    AddressListV4,
    /// IPv6 addresses, separated by spaces.
    AddressListV6,
    /// The mask of an address of either family: dotted (`255.255.255.0`) or a prefix length.
    Netmask,
    /// An IPv4 mask: dotted, or a prefix length from 0 to 32.
    NetmaskV4,
    /// An IPv6 prefix length from 0 to 128.
    PrefixLengthV6,
    /// A host name: labels of letters, digits and `-`, separated by dots.
    HostName,
    /// The name of a time zone, such as `Europe/Madrid`.
    TimeZone,
    /// A password, in clear.
    Password,
    /// The crypt(3) hash of a password.
    PasswordHash,
    /// A Windows product key: five groups of five letters and digits, joined by `-`.
    ProductKey,
    /// A URL with its scheme.
    Url,
    /// `true` or `false`.
    Boolean,
    /// A whole number, not negative.
    Number,
    /// How the disks are put together: `raid_0`, `raid_1`, `raid_5`, `raid_10` or `no_raid`.
    RaidLevel,
    /// SSH public keys, each on a line of its own.
    SshKeys,
    /// Any text of one line.
    Text,
}

/// What is known about one macro of the platform.
///
/// ```
/// use vmtemplate::macros::{MacroInfo, MacroKind};
///
/// let pass = MacroInfo::lookup("PASS").unwrap();
/// assert_eq!(pass.kind, MacroKind::Password);
/// assert_eq!(pass.to_name().to_string(), "($PASS)");
/// println!("{}: {}", pass.name, pass.meaning);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[non_exhaustive]
pub struct MacroInfo {
    /// The bare name, as in `($NAME)`.
    pub name: &'static str,
    /// What the value is.
    pub kind: MacroKind,
    /// What the value means, in one line.
    pub meaning: &'static str,
}

impl MacroInfo {
    /// Every macro that the platform is known to fill in.
    ///
    /// From the vendor's VMmanager 5 documentation of macros; `PRODUCTKEY` from the article on Windows templates
    /// of VMmanager 6; `HDD_RAID` and `DISK_LAYOUT_FILE` from the vendor's own templates. Others may exist, and a
    /// template may declare its own.
    ///
    /// ```
    /// for info in vmtemplate::macros::MacroInfo::catalogue() {
    ///     println!("{}: {}", info.to_name(), info.meaning);
    /// }
    /// ```
    pub const fn catalogue() -> &'static [Self] {
        CATALOGUE
    }

    /// The macro of this bare name. Case counts, as it does for the platform.
    ///
    /// ```
    /// use vmtemplate::macros::MacroInfo;
    ///
    /// assert!(MacroInfo::lookup("IPv6").is_some());
    /// assert!(MacroInfo::lookup("IPV6").is_none());
    /// ```
    pub fn lookup(name: &str) -> Option<&'static Self> {
        CATALOGUE.iter().find(|info| info.name == name)
    }

    /// The known macro that was probably meant by an unknown name.
    ///
    /// A difference of case alone always counts as near; otherwise one edit in three characters is allowed, and two
    /// at most.
    ///
    /// ```
    /// use vmtemplate::macros::MacroInfo;
    ///
    /// assert_eq!(MacroInfo::nearest("NAMESERVR").unwrap().name, "NAMESERVER");
    /// assert_eq!(MacroInfo::nearest("ip").unwrap().name, "IP");
    /// assert!(MacroInfo::nearest("COLOUR").is_none());
    /// ```
    pub fn nearest(name: &str) -> Option<&'static Self> {
        if name.len() > MacroName::MAX_LENGTH {
            return None;
        }
        let wanted = name.to_ascii_lowercase();
        let bound = (wanted.len() / 3).min(2);
        CATALOGUE
            .iter()
            .map(|info| (edit_distance(wanted.as_bytes(), info.name.to_ascii_lowercase().as_bytes()), info))
            .filter(|&(distance, _)| distance <= bound)
            .min_by_key(|&(distance, _)| distance)
            .map(|(_, info)| info)
    }

    /// The name as scripts spell it.
    ///
    /// ```
    /// assert_eq!(vmtemplate::macros::MacroInfo::lookup("IP").unwrap().to_name().to_string(), "($IP)");
    /// ```
    pub fn to_name(&self) -> MacroName {
        MacroName::checked(self.name.as_bytes())
    }
}

/// Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment).
pub(super) fn edit_distance(a: &[u8], b: &[u8]) -> usize {
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let substituted = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = substituted.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = least;
        }
    }
    rows[a.len()][b.len()]
}

const fn entry(name: &'static str, kind: MacroKind, meaning: &'static str) -> MacroInfo {
    MacroInfo { name, kind, meaning }
}

static CATALOGUE: &[MacroInfo] = {
    use MacroKind::{
        Address, AddressList, AddressListV4, AddressListV6, AddressV4, AddressV6, Boolean, HostName, Netmask,
        NetmaskV4, Number, Password, PasswordHash, PrefixLengthV6, ProductKey, RaidLevel, SshKeys, Text,
        TimeZone, Url,
    };
    &[
        entry("PASS", Password, "the password of the administrator, as plain text"),
        entry("PASS_CRYPT", PasswordHash, "the crypt(3) hash of that password"),
        entry("IP", Address, "the main address of the machine"),
        entry("IPv4", AddressV4, "the main IPv4 address"),
        entry("IPv6", AddressV6, "the main IPv6 address"),
        entry("IPv4ALIASES", AddressListV4, "further IPv4 addresses, separated by spaces"),
        entry("IPv6ALIASES", AddressListV6, "further IPv6 addresses, separated by spaces"),
        entry("NETMASK", Netmask, "the mask of the main address"),
        entry("NETMASKv4", NetmaskV4, "the mask of the main IPv4 address"),
        entry("NETMASKv6", PrefixLengthV6, "the prefix length of the main IPv6 address"),
        entry("GATEWAY", Address, "the default gateway of the main address"),
        entry("GATEWAYv4", AddressV4, "the default gateway for IPv4"),
        entry("GATEWAYv6", AddressV6, "the default gateway for IPv6"),
        entry("NEXTHOPIPv4", AddressV4, "the next hop for IPv4 if the subnet has no gateway"),
        entry("NEXTHOPIPv6", AddressV6, "the next hop for IPv6 if the subnet has no gateway"),
        entry("NAMESERVER", Address, "the first DNS server"),
        entry("NAMESERVERS", AddressList, "all DNS servers, separated by spaces"),
        entry("NAMESERVERv4", AddressV4, "the first DNS server with an IPv4 address"),
        entry("NAMESERVERv6", AddressV6, "the first DNS server with an IPv6 address"),
        entry("HOSTNAME", HostName, "the host name of the machine"),
        entry("TIMEZONE", TimeZone, "the time zone of the machine"),
        entry("SSHPUBKEYS", SshKeys, "the public keys that may log in by SSH, one to a line"),
        entry(
            "PRODUCTKEY",
            ProductKey,
            "the licence key; reaches the template only if metainfo.xml declares it",
        ),
        entry("TMPIPv4", Boolean, "whether the IPv4 address is temporary, used only during the installation"),
        entry("VOL_SIZE_M", Number, "the size of the main disk, in MB"),
        entry("HDD_RAID", RaidLevel, "how the disks are combined: `raid_1`, `no_raid` and the like"),
        entry("DISK_LAYOUT_FILE", Url, "the URL of a file that describes the partitions of the disks"),
        entry("MGR_NAME", Text, "the product that installs: `vmmgr` or `dcimgr`"),
        entry("MGR_VERSION", Text, "the version of the product that installs"),
        entry("MIRROR", Text, "the mirror that packages are downloaded from"),
        entry("FINISH", Url, "the URL to call when the installation is done"),
        entry("FINISHv4", Url, "the URL to call when the installation is done, over IPv4"),
        entry("FINISHv6", Url, "the URL to call when the installation is done, over IPv6"),
        entry("HTTPPROXYv4", Text, "the HTTP proxy for downloads, over IPv4"),
        entry("HTTPPROXYv6", Text, "the HTTP proxy for downloads, over IPv6"),
        entry("SHAREDIR_FILE", Text, "the location of the files that the template shares"),
        entry("SHAREDIR_FILEv4", Text, "the location of the files that the template shares, over IPv4"),
        entry("SHAREDIR_FILEv6", Text, "the location of the files that the template shares, over IPv6"),
        entry("OSINSTALLINFO_HTTP", Url, "the URL that receives reports of the installation"),
        entry("OSINSTALLINFO_HTTPv4", Url, "the URL that receives reports of the installation, over IPv4"),
        entry("OSINSTALLINFO_HTTPv6", Url, "the URL that receives reports of the installation, over IPv6"),
        entry("OSINSTALLINFO_HTTPS", Url, "the https URL that receives reports of the installation"),
        entry(
            "OSINSTALLINFO_HTTPSv4",
            Url,
            "the https URL that receives reports of the installation, over IPv4",
        ),
        entry(
            "OSINSTALLINFO_HTTPSv6",
            Url,
            "the https URL that receives reports of the installation, over IPv6",
        ),
        entry("AFTER_INSTALL_SCRIPT_HTTP", Url, "the URL of the script to run after the installation"),
        entry(
            "AFTER_INSTALL_SCRIPT_HTTPv4",
            Url,
            "the URL of the script to run after the installation, over IPv4",
        ),
        entry(
            "AFTER_INSTALL_SCRIPT_HTTPv6",
            Url,
            "the URL of the script to run after the installation, over IPv6",
        ),
        entry("AFTER_INSTALL_SCRIPT_HTTPS", Url, "the https URL of the script to run after the installation"),
        entry("AFTER_INSTALL_SCRIPT_HTTPSv4", Url, "the https URL of that script, over IPv4"),
        entry("AFTER_INSTALL_SCRIPT_HTTPSv6", Url, "the https URL of that script, over IPv6"),
    ]
};

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_catalogue_name_is_unique_and_a_name() {
        let mut seen = HashSet::new();
        for info in MacroInfo::catalogue() {
            assert!(MacroName::new(info.name).is_ok(), "{}", info.name);
            assert!(seen.insert(info.name), "{} stands twice", info.name);
            assert!(!info.meaning.ends_with('.') && info.meaning.len() < 100, "{}", info.name);
        }
        assert_eq!(seen.len(), 50);
    }

    #[test]
    fn the_nearest_name_is_the_one_that_was_meant() {
        for (written, meant) in [
            ("ip", "IP"),
            ("IPV4", "IPv4"),
            ("Nameservers", "NAMESERVERS"),
            ("NAMESERVERSS", "NAMESERVERS"),
            ("NETAMSK", "NETMASK"),
            ("PRODUCT_KEY", "PRODUCTKEY"),
            ("GATEWAYv5", "GATEWAYv4"),
            ("PASSS", "PASS"),
        ] {
            assert_eq!(MacroInfo::nearest(written).map(|info| info.name), Some(meant), "{written}");
        }
        for far in ["ID", "X", "USER", "LICENSE", &"N".repeat(10_000)] {
            assert!(MacroInfo::nearest(far).is_none(), "{far}");
        }
    }
}
