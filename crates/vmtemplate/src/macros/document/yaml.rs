//! Scalars of YAML in a cloud-config.
//!
//! Only what a line shows to be a scalar is taken for one: `key: VALUE` or `- VALUE`, in no block of text and in nothing
//! that cloud-init runs. After the YAML specification 1.2.2, chapter 7.3.

use super::Line;
use crate::macros::catalogue::MacroKind;

/// Keys whose values are code, or may be a script.
const CODE: [&str; 10] = [
    "bootcmd",
    "cmd",
    "command",
    "condition",
    "content",
    "exec",
    "runcmd",
    "script",
    "user-data",
    "userdata",
];

/// How a macro is in a scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scalar {
    Whole,
    Single,
    Double,
}

/// The value as YAML must have it, if the macro is in a scalar that can hold it.
pub(super) fn written(bytes: &[u8], line: &Line<'_>, value: &str, kind: MacroKind) -> Option<String> {
    if value.chars().any(char::is_control) || !is_followed(&bytes[..line.start], line.before) {
        return None;
    }
    match scalar(line)? {
        // A size or a port is a number to cloud-init.
        Scalar::Whole if kind.is_typed() && is_number(value) => None,
        Scalar::Whole => Some(format!("'{}'", value.replace('\'', "''"))),
        Scalar::Single => Some(value.replace('\'', "''")),
        Scalar::Double => Some(value.replace('\\', "\\\\").replace('"', "\\\"")),
    }
}

fn is_number(value: &str) -> bool {
    !value.is_empty()
        && value.bytes().all(|b| b.is_ascii_digit())
        && (value == "0" || !value.starts_with('0'))
}

/// The scalar that the macro of this line is, or is in.
fn scalar(line: &Line<'_>) -> Option<Scalar> {
    let rest = behind_key(line.before)?;
    let ends = |after: &[u8]| after.is_empty() || after.starts_with(b" #") || after.starts_with(b"\t#");
    match rest {
        [] => ends(line.after).then_some(Scalar::Whole),
        [b'\'', inside @ ..] if !inside.contains(&b'\'') => {
            let end = line.after.iter().position(|&b| b == b'\'')?;
            ends(&line.after[end + 1..]).then_some(Scalar::Single)
        }
        [b'"', inside @ ..] if !inside.iter().any(|b| b"\"\\".contains(b)) => {
            let end = line.after.iter().position(|&b| b == b'"')?;
            (!line.after[..end].contains(&b'\\') && ends(&line.after[end + 1..])).then_some(Scalar::Double)
        }
        _ => None,
    }
}

/// What is behind the dashes and the key with which a line begins; nothing if there is neither.
fn behind_key(line: &[u8]) -> Option<&[u8]> {
    let (mut rest, mut found) = (line.trim_ascii_start(), false);
    while let Some(item) = rest.strip_prefix(b"- ") {
        (rest, found) = (item.trim_ascii_start(), true);
    }
    let length = key_length(rest);
    if length > 0
        && let Some(value) = rest[length..].strip_prefix(b": ")
    {
        (rest, found) = (value.trim_ascii_start(), true);
    }
    found.then_some(rest)
}

fn key_length(text: &[u8]) -> usize {
    text.iter().take_while(|b| b.is_ascii_alphanumeric() || b"_-./".contains(b)).count()
}

/// Where the content of a line begins, and that of what is behind its dashes.
fn indents(line: &[u8]) -> (usize, usize) {
    let outer = line.iter().take_while(|&&b| b == b' ').count();
    let mut inner = outer;
    while line[inner..].starts_with(b"- ") {
        inner += 2;
        inner += line[inner..].iter().take_while(|&&b| b == b' ').count();
    }
    (outer, inner)
}

/// Whether the lines before it leave no doubt that this line has entries of YAML, none of which is code.
fn is_followed(above: &[u8], line: &[u8]) -> bool {
    let is_code = |line: &[u8]| {
        let (_, inner) = indents(line);
        let key = &line[inner..inner + key_length(&line[inner..])];
        CODE.iter().any(|code| key.eq_ignore_ascii_case(code.as_bytes()))
    };
    let whole = behind_key(line).is_some_and(<[u8]>::is_empty);
    let is_text = |line: &[u8]| {
        let (_, inner) = indents(line);
        line[inner..].starts_with(b"content:")
    };
    // A file may be the value as a whole; in a part of it the value would be code of that file.
    if line.contains(&b'\t') || is_code(line) && !(whole && is_text(line)) {
        return false;
    }
    let mut most = indents(line).0 + usize::from(line.trim_ascii_start().starts_with(b"-"));
    for line in above.split(|&b| b == b'\n').rev() {
        let text = line.trim_ascii();
        if text.is_empty() {
            continue;
        }
        if text.starts_with(b"#") {
            if text.starts_with(b"## template:") {
                return false;
            }
            continue;
        }
        let odd = |quote: u8| text.iter().fold(false, |odd, &b| odd != (b == quote));
        let opens = |b: &u8| b"[{".contains(b);
        let closes = |b: &u8| b"]}".contains(b);
        let is_open = text.iter().filter(|b| opens(b)).count() > text.iter().filter(|b| closes(b)).count();
        if odd(b'"') || odd(b'\'') || is_open || text.ends_with(b",") {
            return false;
        }
        let (outer, _) = indents(line);
        if outer < most {
            most = outer + usize::from(text.starts_with(b"-"));
            let mut words = text.split(u8::is_ascii_whitespace);
            let is_block = words.any(|word| matches!(word.first(), Some(b'|' | b'>')));
            if line.contains(&b'\t') || is_code(line) || is_block {
                return false;
            }
        }
    }
    true
}
