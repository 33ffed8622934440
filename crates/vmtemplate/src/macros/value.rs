use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::catalogue::{MacroInfo, MacroKind};
use super::name::MacroName;
use crate::error::{Error, ErrorKind, Result};
use crate::shown::quoted;

/// A value on its way to a macro.
///
/// It comes from a typed value of Rust or from text; which texts a macro takes is checked when it is set in
/// [`MacroValues`](crate::macros::MacroValues). Its `Debug` form does not show the text, which may be a password.
///
/// ```
/// use std::net::{IpAddr, Ipv4Addr};
/// use vmtemplate::macros::MacroValue;
///
/// let server = Ipv4Addr::new(192, 0, 2, 53);
/// assert_eq!(MacroValue::from(server).as_str(), "192.0.2.53");
/// assert_eq!(MacroValue::from(vec![IpAddr::from(server), "2001:db8::53".parse().unwrap()]).as_str(), "192.0.2.53 2001:db8::53");
/// assert_eq!(MacroValue::from(true).as_str(), "true");
/// assert_eq!(format!("{:?}", MacroValue::from("s3cret")), "MacroValue(6 characters)");
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct MacroValue {
    text: String,
    /// Where each item of a list but the first begins: what is before it depends on the macro.
    items: Vec<usize>,
}

impl MacroValue {
    /// The longest value, in bytes. The longest one known, a few public SSH keys, has some thousands.
    ///
    /// ```
    /// use vmtemplate::macros::{MacroValue, MacroValues};
    ///
    /// let long = "x".repeat(MacroValue::MAX_LENGTH + 1);
    /// assert!(MacroValues::new().set("PASS", long).is_err());
    /// ```
    pub const MAX_LENGTH: usize = 32 << 10;

    /// Several values in one, as the platform writes lists: separated by spaces, and public SSH keys by lines.
    ///
    /// ```
    /// use vmtemplate::macros::{MacroValue, MacroValues};
    ///
    /// let servers = MacroValue::list(["192.0.2.53", "192.0.2.54"]);
    /// assert_eq!(servers.as_str(), "192.0.2.53 192.0.2.54");
    ///
    /// let keys = MacroValue::list(["ssh-ed25519 AAAA a", "ssh-ed25519 BBBB b"]);
    /// let values = MacroValues::new().with("SSHPUBKEYS", keys)?;
    /// assert_eq!(values.get("SSHPUBKEYS"), Some("ssh-ed25519 AAAA a\nssh-ed25519 BBBB b"));
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn list(items: impl IntoIterator<Item = impl fmt::Display>) -> Self {
        let mut value = Self::from("");
        for (number, item) in items.into_iter().enumerate() {
            if number > 0 {
                value.text.push(' ');
                value.items.push(value.text.len());
            }
            value.text.push_str(&item.to_string());
        }
        value
    }

    /// The text as it replaces the macro.
    ///
    /// ```
    /// assert_eq!(vmtemplate::macros::MacroValue::from(24_u8).as_str(), "24");
    /// ```
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The value as the macro of this name has it: a list with its separators, lines with LF between them.
    pub(super) fn for_macro(self, name: &MacroName) -> Self {
        let mut text = self.text;
        if kind_of(name) == MacroKind::SshKeys {
            for &at in &self.items {
                text.replace_range(at - 1..at, "\n");
            }
            // The file that the keys come from ends with an LF, and may have CRs of Windows and empty lines.
            text = text.lines().filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n");
        }
        Self { text, items: Vec::new() }
    }

    /// Fail unless this may be the value of `name`.
    pub(super) fn check(&self, name: &MacroName) -> Result<()> {
        let kind = kind_of(name);
        self.reason_against(kind).map_or(Ok(()), |(found, help)| {
            let message = format!("{found}; expected {}", kind.expected());
            Err(Error::new(ErrorKind::InvalidValue, message).with_field(name.to_string()).with_help(help))
        })
    }

    /// What is wrong with it for a macro of this kind, and how to fix it.
    fn reason_against(&self, kind: MacroKind) -> Option<(String, &'static str)> {
        let text = self.as_str();
        if text.len() > Self::MAX_LENGTH {
            let found = format!("the value has {} bytes, more than {}", text.len(), Self::MAX_LENGTH);
            return Some((found, "give a shorter value"));
        }
        for (control, named) in [('\0', "NUL"), ('\r', "CR"), ('\n', "LF")] {
            if text.contains(control) && !(control == '\n' && kind == MacroKind::SshKeys) {
                let found = format!("the value contains a {named}");
                return Some((found, "a value is one line; remove it"));
            }
        }
        // The platform leaves what the machine does not have empty.
        if text.is_empty() || kind.accepts(text) {
            return None;
        }
        let found = if kind.is_secret() {
            format!("the value has another form ({} characters)", text.chars().count())
        } else {
            format!("found {}", quoted(text))
        };
        Some((found, kind.help()))
    }
}

impl fmt::Debug for MacroValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MacroValue({} characters)", self.text.chars().count())
    }
}

impl From<&str> for MacroValue {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<String> for MacroValue {
    fn from(text: String) -> Self {
        Self { text, items: Vec::new() }
    }
}

impl<T: fmt::Display> From<Vec<T>> for MacroValue {
    fn from(items: Vec<T>) -> Self {
        Self::list(items)
    }
}

macro_rules! displayed {
    ($($type:ty),*) => {
        $(impl From<$type> for MacroValue {
            fn from(value: $type) -> Self {
                value.to_string().into()
            }
        })*
    };
}

fn kind_of(name: &MacroName) -> MacroKind {
    MacroInfo::lookup(name.name()).map_or(MacroKind::Text, |info| info.kind)
}

displayed!(IpAddr, Ipv4Addr, Ipv6Addr, bool, u8, u16, u32, u64);

impl MacroKind {
    /// Whether a value of this kind must not show up in messages.
    pub(super) fn is_secret(self) -> bool {
        matches!(self, Self::Password | Self::PasswordHash | Self::ProductKey | Self::Text)
    }

    /// Whether values of this kind have one form only, in which no interpreter sees anything but a word (or, in
    /// lists, words).
    pub(super) fn is_typed(self) -> bool {
        use MacroKind as K;
        matches!(
            self,
            K::Address
                | K::AddressV4
                | K::AddressV6
                | K::AddressList
                | K::AddressListV4
                | K::AddressListV6
                | K::Netmask
                | K::NetmaskV4
                | K::PrefixLengthV6
                | K::ProductKey
                | K::Boolean
                | K::Number
                | K::RaidLevel
        )
    }

    fn accepts(self, text: &str) -> bool {
        let is_v4 = |text: &str| text.parse::<Ipv4Addr>().is_ok();
        let is_v6 = |text: &str| text.parse::<Ipv6Addr>().is_ok();
        let all = |accepts: &dyn Fn(&str) -> bool| text.split(' ').all(accepts);
        match self {
            Self::Address => text.parse::<IpAddr>().is_ok(),
            Self::AddressV4 => is_v4(text),
            Self::AddressV6 => is_v6(text),
            Self::AddressList => all(&|item| is_v4(item) || is_v6(item)),
            Self::AddressListV4 => all(&is_v4),
            Self::AddressListV6 => all(&is_v6),
            Self::Netmask => is_mask(text) || is_number(text, 128),
            Self::NetmaskV4 => is_mask(text) || is_number(text, 32),
            Self::PrefixLengthV6 => is_number(text, 128),
            Self::HostName => is_host_name(text),
            Self::TimeZone => {
                text.starts_with(|c: char| c.is_ascii_alphabetic())
                    && text.len() <= 64
                    && text.bytes().all(|b| b.is_ascii_alphanumeric() || b" ._+-/".contains(&b))
            }
            Self::PasswordHash => text.bytes().all(|b| b.is_ascii_graphic() && b != b':'),
            Self::ProductKey => {
                let mut groups = 0;
                text.split('-').all(|group| {
                    groups += 1;
                    group.len() == 5 && group.bytes().all(|b| b.is_ascii_alphanumeric())
                }) && groups == 5
            }
            Self::Url => is_url(text),
            Self::Boolean => matches!(text, "true" | "false"),
            Self::Number => is_number(text, u64::MAX),
            Self::RaidLevel => RAID_LEVELS.contains(&text),
            // sshd(8), "AUTHORIZED_KEYS FILE FORMAT": options may be before the type of a key.
            Self::SshKeys => {
                text.split('\n').all(|line| ["ssh-", "ecdsa-", "sk-"].iter().any(|kind| line.contains(kind)))
            }
            Self::Password | Self::Text => true,
        }
    }

    const fn expected(self) -> &'static str {
        match self {
            Self::Address => "an IPv4 or IPv6 address",
            Self::AddressV4 => "an IPv4 address",
            Self::AddressV6 => "an IPv6 address",
            Self::AddressList => "addresses, separated by single spaces",
            Self::AddressListV4 => "IPv4 addresses, separated by single spaces",
            Self::AddressListV6 => "IPv6 addresses, separated by single spaces",
            Self::Netmask => "a mask such as 255.255.255.0, or a prefix length from 0 to 128",
            Self::NetmaskV4 => "a mask such as 255.255.255.0, or a prefix length from 0 to 32",
            Self::PrefixLengthV6 => "a prefix length from 0 to 128",
            Self::HostName => "labels of letters, digits and `-`, joined by dots",
            Self::TimeZone => "the name of a time zone",
            Self::Password => "a password of one line",
            Self::PasswordHash => "a crypt(3) hash",
            Self::ProductKey => "five groups of five letters and digits, joined by `-`",
            Self::Url => "a URL with its scheme",
            Self::Boolean => "`true` or `false`",
            Self::Number => "a whole number in digits",
            Self::RaidLevel => "`raid_0`, `raid_1`, `raid_5`, `raid_10` or `no_raid`",
            Self::SshKeys => "public SSH keys, one to a line",
            Self::Text => "text of one line",
        }
    }

    const fn help(self) -> &'static str {
        match self {
            Self::Address => "write it as 192.0.2.10 or 2001:db8::10, without prefix length and zone",
            Self::AddressV4 => "write it as 192.0.2.10, without prefix length",
            Self::AddressV6 => "write it as 2001:db8::10, without prefix length and zone",
            Self::AddressList | Self::AddressListV4 | Self::AddressListV6 => {
                "write the addresses one after the other with a space between, without prefix lengths"
            }
            Self::Netmask | Self::NetmaskV4 => "write it as 255.255.255.0 or as 24, without a slash",
            Self::PrefixLengthV6 => "write it as 64, without a slash",
            Self::HostName => "write it as server.example.com",
            Self::TimeZone => "write it as Europe/Madrid",
            Self::PasswordHash => "write it as in /etc/shadow, such as $6$…",
            Self::ProductKey => "write it as XXXXX-XXXXX-XXXXX-XXXXX-XXXXX",
            Self::Url => "write it as https://example.com/path, and other characters as %XX",
            Self::Boolean => "write `true` or `false`, in lower case",
            Self::Number => "write it in digits, without a unit",
            Self::RaidLevel => "write one of these, or nothing if it does not matter",
            Self::SshKeys => "write them as in authorized_keys, such as `ssh-ed25519 AAAA… comment`",
            Self::Password | Self::Text => "give another value",
        }
    }
}

/// As the vendor's own templates compare them.
const RAID_LEVELS: [&str; 5] = ["raid_0", "raid_1", "raid_5", "raid_10", "no_raid"];

/// Ones, then zeros.
fn is_mask(text: &str) -> bool {
    text.parse::<Ipv4Addr>()
        .is_ok_and(|mask| (!u32::from(mask)).wrapping_add(1).is_power_of_two() || mask.is_unspecified())
}

fn is_number(text: &str, most: u64) -> bool {
    text.bytes().all(|b| b.is_ascii_digit()) && text.parse::<u64>().is_ok_and(|number| number <= most)
}

fn is_host_name(text: &str) -> bool {
    text.len() <= 253
        && text.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        })
}

/// A scheme, and then only characters that RFC 3986 lets into a URL.
fn is_url(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, rest)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
            && !rest.is_empty()
            && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&b))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_takes_its_own_values_and_no_others() {
        use MacroKind as K;
        for (kind, right, wrong) in [
            (
                K::Address,
                &["192.0.2.1", "::1"][..],
                &["192.0.2.1/24", "fe80::1%eth0", "1.2.3", "a", " ::1"][..],
            ),
            (K::AddressV4, &["0.0.0.0"], &["::1", "1.2.3.04", "1.2.3.4 "]),
            (K::AddressV6, &["2001:db8::"], &["1.2.3.4"]),
            (K::AddressList, &["1.2.3.4", "1.2.3.4 ::1"], &["1.2.3.4  ::1", "1.2.3.4,::1", " "]),
            (K::AddressListV4, &["1.2.3.4 1.2.3.5"], &["1.2.3.4 ::1"]),
            (K::AddressListV6, &["::1 ::2"], &["1.2.3.4 ::1"]),
            (
                K::Netmask,
                &["255.255.255.0", "0.0.0.0", "24", "128"],
                &["255.0.255.0", "0.0.0.255", "129", "/24"],
            ),
            (K::NetmaskV4, &["255.255.255.255", "255.255.254.0", "32"], &["33", "::"]),
            (K::PrefixLengthV6, &["64"], &["255.255.255.0", "+64"]),
            (K::HostName, &["a", "web-1.example.com"], &["-a", "a-", "a..b", "a_b", "a&b", "a b"]),
            (K::TimeZone, &["Europe/Madrid", "Etc/GMT+1"], &["/etc", "a&b", "-x"]),
            (K::PasswordHash, &["$6$ab$cd./"], &["a b", "a:b", "ä"]),
            (
                K::ProductKey,
                &["AAAAA-BBBBB-CCCCC-DDDDD-12345"],
                &["AAAAA-BBBBB", "AAAAA-BBBBB-CCCCC-DDDDD-1234&"],
            ),
            (K::Url, &["https://example.com/a?b=c&d"], &["example.com", "http://a b", "http://a\"", "://x"]),
            (K::Boolean, &["true", "false"], &["True", "yes"]),
            (K::Number, &["0", "20480"], &["-1", "1 000", "0x10", "99999999999999999999"]),
            (K::RaidLevel, &["raid_10", "no_raid"], &["raid_6", "RAID_1", "1"]),
            (
                K::SshKeys,
                &["ssh-ed25519 AAAA me", "ssh-rsa A a\ncommand=\"x\" ecdsa-sha2-nistp256 B b"],
                &["me", "ssh-rsa A a\nme", "ssh-rsa A a\n\nssh-rsa B b"],
            ),
            (K::Text, &["anything & more"], &[]),
        ] {
            for value in right {
                assert!(MacroValue::from(*value).reason_against(kind).is_none(), "{kind:?} {value:?}");
            }
            for value in wrong {
                assert!(MacroValue::from(*value).reason_against(kind).is_some(), "{kind:?} {value:?}");
            }
            assert!(MacroValue::from("").reason_against(kind).is_none(), "{kind:?} may be empty");
            for control in ["a\0", "a\rb", "\n"] {
                assert!(MacroValue::from(control).reason_against(kind).is_some(), "{kind:?} {control:?}");
            }
        }
    }

    #[test]
    fn keys_are_lines_however_they_come() {
        let name = MacroName::new("SSHPUBKEYS").unwrap();
        let lines = "ssh-rsa A a\nssh-rsa B b";
        for value in [
            MacroValue::from(lines),
            "ssh-rsa A a\r\nssh-rsa B b\r\n".into(),
            vec!["ssh-rsa A a", "ssh-rsa B b"].into(),
            vec!["ssh-rsa A a\n", "ssh-rsa B b\n"].into(),
        ] {
            let value = value.for_macro(&name);
            assert!(value.check(&name).is_ok());
            assert_eq!(value.as_str(), lines);
        }
    }

    #[test]
    fn a_message_never_has_the_text_of_a_secret() {
        for name in ["PASS", "PASS_CRYPT", "PRODUCTKEY", "SOME_TOKEN"] {
            let error = MacroValue::from("s3cret\n").check(&MacroName::new(name).unwrap()).unwrap_err();
            assert!(!format!("{error:#?} {error:#}").contains("s3cret"), "{name}");
        }
    }
}
