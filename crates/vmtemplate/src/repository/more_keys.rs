//! Keys of an entry that the platform has and this library does not know.

use super::format::RepositoryFormat;
use super::json::{Json, Kind, ROOT};
use super::style::KEYS;
use crate::error::{Error, ErrorKind, Result};
use crate::shown::{Shown, quoted, short};

/// The members of a JSON object, each with its value unchanged there.
pub(super) fn read(object: &str) -> Result<Vec<(String, String)>> {
    let json = parse(object).map_err(|error| error.with_field("set"))?;
    if json.kind(ROOT) != Kind::Object {
        return Err(refused("set", format!("found {}; expected a JSON object", json.kind(ROOT).name()))
            .with_help("write the keys as {\"KEY\": VALUE, …}"));
    }
    Ok(json.children(ROOT).map(|node| (json.key(node).into_owned(), json.raw(node).to_owned())).collect())
}

/// The keys as an entry gets them; fails unless all of them may be set.
pub(super) fn checked(keys: &[(String, String)], format: RepositoryFormat) -> Result<Vec<(String, String)>> {
    if format != RepositoryFormat::Vm6 && !keys.is_empty() {
        return Err(refused("set", format!("{} is not JSON, so its keys cannot be set", format.file_name()))
            .with_help("omit the key, and add an element to the file by hand"));
    }
    let mut done: Vec<(String, String)> = Vec::with_capacity(keys.len());
    for (key, value) in keys {
        let shown = Shown(short(key)).to_string();
        if key.is_empty() {
            return Err(refused("set", "the key is empty").with_help("give the key as KEY=JSON"));
        }
        if KEYS.contains(&&**key) {
            let help = match &**key {
                "archive_size_mib" => "remove it: the size comes from the archive".to_owned(),
                "hdd_mib_required" | "min_ram_mib" => {
                    "use --requirements (`requirements`), which takes them from the limits of the template"
                        .to_owned()
                }
                "tags" => "use --tag (`tags`)".to_owned(),
                known => format!("use its own option, --{}", known.replace('_', "-")),
            };
            return Err(refused(key, format!("the key `{shown}` has an option of its own")).with_help(help));
        }
        if done.iter().any(|(other, _)| other == key) {
            return Err(refused(key, format!("duplicate key `{shown}`")).with_help("remove one of the two"));
        }
        let json = parse(value).map_err(|error| error.with_field(key))?;
        done.push((key.clone(), json.raw(ROOT).to_owned()));
    }
    Ok(done)
}

fn parse(text: &str) -> Result<Json> {
    Json::parse(text.as_bytes()).map_err(|error| {
        let mut refused =
            Error::new(ErrorKind::InvalidValue, format!("{} is not valid JSON: {}", quoted(text), error.message()));
        if let Some(position) = error.position() {
            refused = refused.with_position(position);
        }
        refused.with_help(
            "write text in double quotes, as in \"windows\", and numbers, true, false and null without quotes",
        )
    })
}

fn refused(key: &str, message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidValue, message).with_field(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked_one(key: &str, value: &str) -> Result<Vec<(String, String)>> {
        checked(&[(key.to_owned(), value.to_owned())], RepositoryFormat::Vm6)
    }

    #[test]
    fn values_keep_their_text_and_keys_their_order() {
        let text = " {\"z\": 1.50e3, \"a\\u0041\" : {\"b\":[ ]}}";
        let keys = read(text).unwrap();
        let expected =
            [("z", "1.50e3"), ("aA", "{\"b\":[ ]}")].map(|(key, value)| (key.into(), value.into()));
        assert_eq!(keys, expected);
        assert_eq!(checked(&keys, RepositoryFormat::Vm6).unwrap(), expected);
        assert_eq!(checked_one("x", "\n true ").unwrap()[0].1, "true");
    }

    #[test]
    fn known_keys_and_what_is_no_json_are_refused_with_the_way_out() {
        for key in KEYS {
            let error = checked_one(key, "1").unwrap_err();
            assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidValue, Some(key)));
            assert!(error.help().is_some());
        }
        for (key, value) in
            [("", "1"), ("os_group", "windows"), ("x", ""), ("x", "1, \"name\": 2"), ("x", "01")]
        {
            let error = checked_one(key, value).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidValue, "{key}={value}");
            assert!(error.help().is_some(), "{key}={value}");
        }
        let twice = [("x".to_owned(), "1".to_owned()), ("x".to_owned(), "2".to_owned())];
        assert!(checked(&twice, RepositoryFormat::Vm6).is_err());
        assert!(checked(&twice[..1], RepositoryFormat::Vm5).is_err());
        assert!(checked(&[], RepositoryFormat::Vm5).is_ok());
        for text in ["[1]", "1", "{\"a\": 1,}", "{\"a\": 1, \"a\": 2}", ""] {
            assert_eq!(read(text).unwrap_err().kind(), ErrorKind::InvalidValue, "{text}");
        }
    }
}
