use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use crate::error::{Error, ErrorKind, Result};
use crate::shown::quoted;

/// The name of a macro, such as `IP`, which a script spells `($IP)`.
///
/// A name begins with an ASCII letter or `_`, goes on with letters, digits and `_`, and has 1 to
/// [`MacroName::MAX_LENGTH`] characters. Upper and lower case differ: the platform knows `($IPv4)` and does not
/// know `($IPV4)`.
///
/// It parses from the whole spelling only and prints as it: a name without its parentheses is what people write
/// by mistake, and the platform does not replace it.
///
/// ```
/// use vmtemplate::macros::MacroName;
///
/// let name: MacroName = "($PRODUCTKEY)".parse()?;
/// assert_eq!(name.name(), "PRODUCTKEY");
/// assert_eq!(name.to_string(), "($PRODUCTKEY)");
/// assert!("PRODUCTKEY".parse::<MacroName>().unwrap_err().help().unwrap().contains("($PRODUCTKEY)"));
/// # Ok::<(), vmtemplate::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct MacroName(String);

impl MacroName {
    /// The longest name, in characters. The longest known one, `AFTER_INSTALL_SCRIPT_HTTPSv4`, has 28.
    ///
    /// ```
    /// assert!(vmtemplate::macros::MacroName::new("X".repeat(vmtemplate::macros::MacroName::MAX_LENGTH)).is_ok());
    /// ```
    pub const MAX_LENGTH: usize = 64;

    /// The macro of this bare name, without `($` and `)`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidMacro`] if it is empty, too long, or has other characters than those of a name.
    ///
    /// ```
    /// use vmtemplate::macros::MacroName;
    ///
    /// assert_eq!(MacroName::new("IP")?.to_string(), "($IP)");
    /// assert!(MacroName::new("MY-KEY").is_err());
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn new(name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        if is_name(name.as_bytes()) {
            return Ok(Self(name));
        }
        Err(Error::new(
            ErrorKind::InvalidMacro,
            format!(
                "{} is not the name of a macro: 1 to 64 ASCII letters, digits and `_`, no digit first",
                quoted(&name)
            ),
        ))
    }

    /// The bare name, without `($` and `)`.
    ///
    /// ```
    /// assert_eq!(vmtemplate::macros::MacroName::new("IP")?.name(), "IP");
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn name(&self) -> &str {
        &self.0
    }

    /// A name whose bytes were checked with [`is_name`].
    pub(super) fn checked(bytes: &[u8]) -> Self {
        Self(bytes.iter().map(|&byte| char::from(byte)).collect())
    }
}

/// Whether these bytes may be between `($` and `)`.
pub(super) fn is_name(bytes: &[u8]) -> bool {
    bytes.len() <= MacroName::MAX_LENGTH
        && bytes.first().is_some_and(|b| !b.is_ascii_digit())
        && bytes.iter().copied().all(is_name_byte)
}

pub(super) fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

impl FromStr for MacroName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if let Some(name) = text.strip_prefix("($").and_then(|rest| rest.strip_suffix(')'))
            && is_name(name.as_bytes())
        {
            return Ok(Self(name.to_owned()));
        }
        let error = Error::new(
            ErrorKind::InvalidMacro,
            format!("{} is not a macro: `($NAME)` was expected", quoted(text)),
        );
        // `IP`, `(IP)`, `$IP`, `%IP%`, `($IP` and the like have one meaning.
        let bare = text.trim_matches(|c: char| !c.is_ascii() || !is_name_byte(c as u8));
        Err(if is_name(bare.as_bytes()) {
            error.with_help(format!("write it as `(${bare})`"))
        } else {
            error.with_help(
                "write the complete macro, for example `($PRODUCTKEY)`: letters, digits and `_` only",
            )
        })
    }
}

impl fmt::Display for MacroName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "(${})", self.0)
    }
}

/// Names are found in maps by their bare text.
impl Borrow<str> for MacroName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for MacroName {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

// Not derived: a serializer that has classes for values, as that of the Python module, needs the name of the type.
impl serde::Serialize for MacroName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct("MacroName", &self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_spelling_parses() {
        assert_eq!("($IPv4ALIASES)".parse::<MacroName>().unwrap().name(), "IPv4ALIASES");
        for wrong in [
            "", "IP", "(IP)", "$IP", "($IP", "$IP)", "($)", "($ IP)", "($IP )", " ($IP)", "($1P)", "($IP-4)",
            "($Ü)",
        ] {
            let error = wrong.parse::<MacroName>().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidMacro, "{wrong}");
            assert!(error.help().unwrap().contains("($"), "{wrong}");
        }
    }

    #[test]
    fn the_help_shows_the_spelling_that_was_meant() {
        for near in ["IP", "(IP)", "$IP", "($IP", "%IP%", "${IP}", " ($IP) "] {
            assert_eq!(near.parse::<MacroName>().unwrap_err().help(), Some("write it as `($IP)`"), "{near}");
        }
    }

    #[test]
    fn a_message_neither_grows_with_its_input_nor_steers_a_terminal() {
        let error = format!("\u{1b}[2J{}", "x".repeat(100_000)).parse::<MacroName>().unwrap_err();
        assert!(error.message().len() < 200);
        assert!(!error.message().contains('\u{1b}'));
    }

    #[test]
    fn a_name_is_serialized_as_it_is_spelt() {
        let name = MacroName::new("PASS").unwrap();
        assert_eq!(serde_json::to_string(&name).unwrap(), "\"($PASS)\"");
        assert_eq!(serde_json::from_str::<MacroName>("\"($PASS)\"").unwrap(), name);
        assert!(serde_json::from_str::<MacroName>("\"PASS\"").is_err());
    }
}
