use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::catalogue::{MacroInfo, MacroKind};
use super::name::MacroName;
use super::value::MacroValue;
use crate::error::{Error, ErrorKind, Result};
use crate::file::read_stream_bounded;

/// The values of macros, each checked against the kind of its macro.
///
/// A macro of the [catalogue](MacroInfo::catalogue) takes values of its [`MacroKind`]: an address is an address, a
/// product key is five groups. Any other macro takes text. No value has a NUL, a CR or an LF, but for public SSH keys, of
/// which each is a line; the empty one is taken for every macro, as the platform leaves empty what a machine does not
/// have. `Debug` does not show passwords.
///
/// ```
/// use std::net::Ipv4Addr;
/// use vmtemplate::macros::MacroValues;
///
/// let values = MacroValues::new()
///     .with("IP", Ipv4Addr::new(192, 0, 2, 10))?
///     .with("NETMASK", "255.255.255.0")?
///     .with("NAMESERVERS", vec![Ipv4Addr::new(192, 0, 2, 53), Ipv4Addr::new(192, 0, 2, 54)])?
///     .with("PASS", "correct & horse")?;
/// assert_eq!(values.get("NAMESERVERS"), Some("192.0.2.53 192.0.2.54"));
/// assert!(!format!("{values:?}").contains("horse"));
///
/// let error = MacroValues::new().with("GATEWAY", "192.0.2.1/24").unwrap_err();
/// assert_eq!(error.to_string(), "`($GATEWAY)`: found `192.0.2.1/24`; expected an IPv4 or IPv6 address");
/// # Ok::<(), vmtemplate::Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct MacroValues(BTreeMap<MacroName, MacroValue>);

impl MacroValues {
    /// No values yet.
    ///
    /// ```
    /// assert!(vmtemplate::macros::MacroValues::new().is_empty());
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Set the value of a macro, which is named `IP` or `($IP)`. An earlier value is replaced.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidValue`] if the macro does not take this value, and [`ErrorKind::InvalidMacro`] if it is
    /// no name of a macro. What was set before stays.
    ///
    /// ```
    /// use vmtemplate::macros::MacroValues;
    ///
    /// let mut values = MacroValues::new();
    /// values.set("($TMPIPv4)", false)?;
    /// assert!(values.set("TMPIPv4", "maybe").unwrap_err().help().unwrap().contains("`true`"));
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn set(&mut self, name: &str, value: impl Into<MacroValue>) -> Result<()> {
        let name = if name.starts_with('(') { name.parse()? } else { MacroName::new(name)? };
        let value = value.into().for_macro(&name);
        value.check(&name)?;
        self.0.insert(name, value);
        Ok(())
    }

    /// [`set`](Self::set), for values in a chain.
    ///
    /// ```
    /// let values = vmtemplate::macros::MacroValues::new().with("HOSTNAME", "web-1")?.with("VOL_SIZE_M", 20480_u32)?;
    /// assert_eq!(values.len(), 2);
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn with(mut self, name: &str, value: impl Into<MacroValue>) -> Result<Self> {
        self.set(name, value)?;
        Ok(self)
    }

    /// Set a value that is written `NAME=VALUE` or `($NAME)=VALUE`. Everything after the first `=` is the value.
    ///
    /// ```
    /// let mut values = vmtemplate::macros::MacroValues::new();
    /// values.assign("PASS=a=b")?;
    /// assert_eq!(values.get("PASS"), Some("a=b"));
    /// assert!(values.assign("PASS").is_err());
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn assign(&mut self, assignment: &str) -> Result<()> {
        let (name, value) = assignment.split_once('=').ok_or_else(|| {
            // What was given may be a password, and is not repeated.
            Error::new(ErrorKind::InvalidValue, "the `=` is missing; expected NAME=VALUE")
                .with_help("write it as IP=192.0.2.10; an empty value as NAME=")
        })?;
        self.set(name, value)
    }

    /// The values of a JSON object: strings, numbers, `true` and `false`; lists as strings or as arrays; `null` for
    /// no value. A byte order mark before it is skipped.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidValue`] with every value that its macro does not take, or if this is no such object.
    ///
    /// ```
    /// use vmtemplate::macros::MacroValues;
    ///
    /// let values = MacroValues::from_json(r#"{
    ///     "IP": "192.0.2.10", "NETMASK": 24, "TMPIPv4": false, "NAMESERVERS": ["192.0.2.53", "2001:db8::53"]
    /// }"#)?;
    /// assert_eq!(values.get("NAMESERVERS"), Some("192.0.2.53 2001:db8::53"));
    ///
    /// let error = MacroValues::from_json(r#"{"IP": "here", "GATEWAY": "there"}"#).unwrap_err();
    /// assert_eq!(error.problems().len(), 2);
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn from_json(json: &str) -> Result<Self> {
        let json = json.strip_prefix('\u{FEFF}').unwrap_or(json);
        let object: Object = serde_json::from_str(json).map_err(|error| {
            // The reader's own message may repeat a value.
            Error::new(ErrorKind::InvalidValue, "this is not a JSON object of macros and values")
                .with_position(crate::error::Position { line: error.line(), column: error.column().max(1) })
                .with_help(
                    r#"write it as {"IP": "192.0.2.10", "NAMESERVERS": ["192.0.2.53"]}, each name once"#,
                )
        })?;
        let mut values = Self::new();
        let problems: Vec<Error> =
            object.0.into_iter().filter_map(|(name, value)| values.set(&name, value).err()).collect();
        if problems.is_empty() {
            return Ok(values);
        }
        Err(Error::many(ErrorKind::InvalidValue, "values that do not fit their macros", problems))
    }

    /// [`from_json`](Self::from_json) of a file, of which at most 1 MiB is read: UTF-8, or UTF-16 with a byte order mark,
    /// which Windows PowerShell writes.
    ///
    /// ```
    /// use vmtemplate::macros::MacroValues;
    /// use vmtemplate::ErrorKind;
    ///
    /// assert_eq!(MacroValues::from_json_file("/no/such.json").unwrap_err().kind(), ErrorKind::NotFound);
    /// ```
    pub fn from_json_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let opened = File::open(path).map_err(|e| Error::io("cannot read the values", e));
        opened.and_then(Self::from_json_reader).map_err(|error| error.with_path(path))
    }

    /// [`from_json`](Self::from_json) of a stream, of which at most 1 MiB is read. It may begin with a byte order mark, as
    /// a file may.
    ///
    /// ```
    /// use vmtemplate::macros::MacroValues;
    ///
    /// let stream = &br#"{"IP": "192.0.2.10"}"#[..]; // or std::io::stdin().lock()
    /// assert_eq!(MacroValues::from_json_reader(stream)?.get("IP"), Some("192.0.2.10"));
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn from_json_reader(reader: impl Read) -> Result<Self> {
        let bytes =
            read_stream_bounded(reader, 1 << 20).map_err(|e| Error::io("cannot read the values", e))?;
        let bytes = bytes
            .ok_or_else(|| Error::new(ErrorKind::LimitExceeded, "the file of values is larger than 1 MiB"))?;
        Self::from_json(&text_of(&bytes)?)
    }

    /// Add all values of `others`, which replace existing ones.
    ///
    /// ```
    /// use vmtemplate::macros::MacroValues;
    ///
    /// let mut values = MacroValues::new().with("HOSTNAME", "a")?;
    /// values.extend(MacroValues::new().with("HOSTNAME", "b")?);
    /// assert_eq!(values.get("HOSTNAME"), Some("b"));
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// The value of the macro with this bare name.
    ///
    /// ```
    /// assert_eq!(vmtemplate::macros::MacroValues::new().get("IP"), None);
    /// ```
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(MacroValue::as_str)
    }

    /// The macros that have a value, by name.
    ///
    /// ```
    /// let values = vmtemplate::macros::MacroValues::new().with("IP", "192.0.2.10")?;
    /// assert_eq!(values.names().map(|name| name.name()).collect::<Vec<_>>(), ["IP"]);
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn names(&self) -> impl Iterator<Item = &MacroName> {
        self.0.keys()
    }

    /// How many macros have a value.
    ///
    /// ```
    /// assert_eq!(vmtemplate::macros::MacroValues::new().len(), 0);
    /// ```
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no macro has a value.
    ///
    /// ```
    /// assert!(vmtemplate::macros::MacroValues::default().is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for MacroValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for (name, value) in &self.0 {
            let kind = MacroInfo::lookup(name.name()).map_or(MacroKind::Text, |info| info.kind);
            let shown: &dyn fmt::Debug = if kind.is_secret() { value } else { &value.as_str() };
            map.entry(&format_args!("{name}"), shown);
        }
        map.finish()
    }
}

/// A JSON object with each name once, `null`s left out.
struct Object(Vec<(String, MacroValue)>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of macros and their values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut seen = std::collections::BTreeSet::new();
                let mut members = Vec::new();
                while let Some((name, Json(value))) = map.next_entry::<String, Json>()? {
                    let bare = name.strip_prefix("($").and_then(|n| n.strip_suffix(')')).unwrap_or(&name);
                    if !seen.insert(bare.to_owned()) {
                        return Err(A::Error::custom("duplicate name"));
                    }
                    members.extend(value.map(|value| (name, value)));
                }
                Ok(Object(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// The text of a file of values.
fn text_of(bytes: &[u8]) -> Result<std::borrow::Cow<'_, str>> {
    let wide = match bytes {
        [0xFF, 0xFE, ..] => Some(encoding_rs::UTF_16LE),
        [0xFE, 0xFF, ..] => Some(encoding_rs::UTF_16BE),
        _ => None,
    };
    if let Some(encoding) = wide {
        let text = encoding.decode_without_bom_handling_and_without_replacement(&bytes[2..]);
        return text.ok_or_else(|| {
            Error::new(ErrorKind::InvalidValue, "the file of values is damaged or truncated UTF-16")
                .with_help("create it again, in UTF-8")
        });
    }
    std::str::from_utf8(bytes).map(std::borrow::Cow::Borrowed).map_err(|error| {
        Error::new(
            ErrorKind::InvalidValue,
            "the file of values is not UTF-8; expected JSON in UTF-8, or in UTF-16 with a byte order mark",
        )
        .with_help("save it in UTF-8")
        .caused_by(error)
    })
}

/// One value of it.
struct Json(Option<MacroValue>);

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct One {
            in_array: bool,
        }
        impl<'de> Visitor<'de> for One {
            type Value = Json;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string, a whole number, true, false, null, or an array of these")
            }

            fn visit_str<E>(self, text: &str) -> Result<Json, E> {
                Ok(Json(Some(text.into())))
            }

            fn visit_bool<E>(self, answer: bool) -> Result<Json, E> {
                Ok(Json(Some(answer.into())))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
                Ok(Json(Some(number.into())))
            }

            fn visit_unit<E: serde::de::Error>(self) -> Result<Json, E> {
                if self.in_array { Err(E::custom("null in an array")) } else { Ok(Json(None)) }
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
                if self.in_array {
                    return Err(A::Error::custom("an array in an array"));
                }
                let mut texts: Vec<String> = Vec::new();
                while let Some(Item(text)) = items.next_element()? {
                    texts.push(text);
                }
                Ok(Json(Some(MacroValue::list(texts))))
            }
        }
        /// An element of an array.
        struct Item(String);
        impl<'de> Deserialize<'de> for Item {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let Json(value) = deserializer.deserialize_any(One { in_array: true })?;
                Ok(Item(value.map(|value| value.as_str().to_owned()).unwrap_or_default()))
            }
        }
        deserializer.deserialize_any(One { in_array: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_addresses_and_hides_passwords() {
        let values = MacroValues::new()
            .with("IP", "192.0.2.10")
            .and_then(|values| values.with("PASS", "s3cret"))
            .and_then(|values| values.with("MY_TOKEN", "s3cret"))
            .unwrap();
        assert_eq!(
            format!("{values:?}"),
            "{($IP): \"192.0.2.10\", ($MY_TOKEN): MacroValue(6 characters), ($PASS): MacroValue(6 characters)}"
        );
    }

    #[test]
    fn json_that_is_no_object_of_values_is_refused_without_repeating_it() {
        for wrong in [
            "",
            "[]",
            "s3cret",
            r#"{"PASS": {"a": "s3cret"}}"#,
            r#"{"PASS": 1.5}"#,
            r#"{"PASS": -1}"#,
            r#"{"PASS": "s3cret", "PASS": "s3cret"}"#,
            r#"{"IP": "::1", "($IP)": "::2"}"#,
            r#"{"PASS": [["s3cret"]]}"#,
            r#"{"PASS": [null]}"#,
            r#"{"PASS": "s3cret"} s3cret"#,
        ] {
            let error = MacroValues::from_json(wrong).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidValue, "{wrong}");
            assert!(!format!("{error:#} {error:?}").contains("s3cret"), "{wrong}");
        }
        let deep = format!("{}{}", r#"{"IP":"#, "[".repeat(100_000));
        assert!(MacroValues::from_json(&deep).is_err());
    }

    #[test]
    fn a_file_of_values_is_read_behind_every_byte_order_mark() {
        let json = r#"{"PASS": "größer"}"#;
        let le: Vec<u8> = json.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let be: Vec<u8> = json.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let file = tempfile::NamedTempFile::new().unwrap();
        for (mark, bytes) in [
            (&b""[..], json.as_bytes()),
            (b"\xEF\xBB\xBF", json.as_bytes()),
            (b"\xFF\xFE", &le),
            (b"\xFE\xFF", &be),
        ] {
            std::fs::write(file.path(), [mark, bytes].concat()).unwrap();
            let values = MacroValues::from_json_file(file.path()).unwrap();
            assert_eq!(values.get("PASS"), Some("größer"), "{mark:?}");
        }
        for wrong in [&b"\xFF\xFE{\0\""[..], b"\xE4", &le] {
            std::fs::write(file.path(), wrong).unwrap();
            let error = MacroValues::from_json_file(file.path()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidValue);
            assert!(error.help().is_some());
        }
    }

    #[test]
    fn json_gives_the_same_values_as_rust() {
        let json = r#"{"($IP)": "::1", "NETMASKv6": 64, "TMPIPv4": true, "IPv4ALIASES": [], "PASS": null}"#;
        let values = MacroValues::from_json(json).unwrap();
        let same = MacroValues::new()
            .with("IP", std::net::Ipv6Addr::LOCALHOST)
            .and_then(|values| values.with("NETMASKv6", 64_u8))
            .and_then(|values| values.with("TMPIPv4", true))
            .and_then(|values| values.with("IPv4ALIASES", ""))
            .unwrap();
        assert_eq!(values, same);
    }

    #[test]
    fn every_wrong_value_of_a_file_is_told_at_once() {
        let error = MacroValues::from_json(r#"{"IP": "a", "NO-NAME": "b", "HOSTNAME": "c&d"}"#).unwrap_err();
        let fields: Vec<_> = error.problems().iter().filter_map(Error::field).collect();
        assert_eq!(error.problems().len(), 3);
        assert_eq!(fields, ["($IP)", "($HOSTNAME)"]);
    }
}
