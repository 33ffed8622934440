//! What each value may be, and the one way in which it is written.

use super::chars::is_space;
use super::key::MetainfoKey;
use super::tags::Tags;
use crate::error::{Error, ErrorKind, Result};
use crate::shown::quoted;

/// The value as it is written, or what was expected instead.
pub(super) fn canonical(key: &MetainfoKey, text: &str) -> Result<String, &'static str> {
    let trimmed = text.trim_matches(is_space);
    match key {
        MetainfoKey::Limit(name) if name.is_empty() => Err("a limit with a name"),
        MetainfoKey::OsName if trimmed.is_empty() => {
            Err("a name; the platform does not list a template without one")
        }
        MetainfoKey::Limit(name) => match name.as_str() {
            "mem" => number(trimmed, u64::MAX).ok_or("a number of MiB, in digits"),
            "disk" => number(trimmed, u64::MAX).ok_or("a number of MB, in digits"),
            "ipv4" | "ipv6" => yes_no(trimmed),
            _ => Ok(trimmed.to_owned()),
        },
        MetainfoKey::RebootCount => {
            number(trimmed, u32::MAX.into()).ok_or("a number of reboots, in digits, at most 4294967295")
        }
        MetainfoKey::VirtioDisk | MetainfoKey::VirtioNet | MetainfoKey::SshPublicKey => yes_no(trimmed),
        MetainfoKey::ImageFile | MetainfoKey::ScriptFile => {
            // The platform joins it to the folder of the template.
            let is_name = !trimmed.starts_with('/')
                && trimmed.split('/').any(|part| !matches!(part, "" | "."))
                && !trimmed.ends_with('/')
                && !trimmed.split('/').any(|part| part == "..")
                && !trimmed.contains(|c: char| c == '\\' || c.is_control());
            is_name.then(|| trimmed.to_owned()).ok_or("the name of a file in the folder of metainfo.xml")
        }
        MetainfoKey::Date => {
            is_date(trimmed).then(|| trimmed.to_owned()).ok_or("a time as YYYY-MM-DD hh:mm:ss")
        }
        MetainfoKey::Tags => Ok(Tags::from(trimmed).to_string()),
        // A space may well be one of the characters.
        MetainfoKey::IllegalPasswordCharacters => Ok(text.to_owned()),
        _ => Ok(trimmed.to_owned()),
    }
}

/// The same, as an error about a value that a caller gave.
pub(super) fn accept(key: &MetainfoKey, text: &str) -> Result<String> {
    canonical(key, text).map_err(|expected| {
        Error::new(ErrorKind::InvalidValue, format!("found {}; expected {expected}", quoted(text)))
            .with_field(key.to_string())
    })
}

/// Whether this is a macro as it is declared: `($NAME)`.
pub(super) fn is_macro(text: &str) -> bool {
    text.strip_prefix("($").and_then(|rest| rest.strip_suffix(')')).is_some_and(|name| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

fn number(text: &str, most: u64) -> Option<String> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|&number: &u64| digits && number <= most).map(|number| number.to_string())
}

fn yes_no(text: &str) -> Result<String, &'static str> {
    match text {
        "yes" | "no" => Ok(text.to_owned()),
        _ => Err("`yes` or `no`"),
    }
}

fn is_date(text: &str) -> bool {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    shape == "0000-00-00 00:00:00"
}
