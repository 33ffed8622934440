//! `%NAME%` and `!NAME!` in a script of PowerShell: a cmd.exe that the script starts reads what it put into `$env:NAME`.

use std::ops::Range;

use super::quote::PowerShellPlace;
use super::{Subject, runs};
use crate::macros::demand::{Demand, Refusal};
use crate::macros::follow::What;

/// Longer names are not looked for.
const LONGEST_NAME: usize = 200;

/// Add such uses of variables to the subjects of a script with macros in these ranges.
pub(super) fn add(bytes: &[u8], uses: &[Range<usize>], subjects: &mut Vec<Subject>) {
    let mut at = 0;
    while at < bytes.len() {
        let sign = bytes[at];
        if !matches!(sign, b'%' | b'!') {
            at += 1;
            continue;
        }
        let name: String = bytes[at + 1..]
            .iter()
            .take(LONGEST_NAME)
            .take_while(|b| b.is_ascii_alphanumeric() || b"_()".contains(b))
            .map(|b| char::from(b.to_ascii_lowercase()))
            .collect();
        let end = at + 1 + name.len();
        let is_variable = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            // `%NAME:a=b%` is a part of it, or a replacement in it.
            && bytes.get(end).is_some_and(|&after| after == sign || after == b':');
        let next = uses.partition_point(|found| found.end <= at);
        let is_macro = uses.get(next).is_some_and(|found| found.start < end);
        if is_variable && !is_macro {
            subjects.push(subject(bytes, at..end + 1, format!("env:{name}")));
            at = end + 1;
        } else {
            at += 1;
        }
    }
}

fn subject(bytes: &[u8], range: Range<usize>, name: String) -> Subject {
    let near = &bytes[range.start.saturating_sub(LONGEST_NAME)..range.start];
    let line = near.rsplit(|&b| b == b'\n').next().unwrap_or_default();
    let string = line.iter().rposition(|b| b"'\"".contains(b)).map_or(0, |at| at + 1);
    let inside = &line[string..];
    let text = if inside.trim_ascii().is_empty() { line } else { inside };
    let reason = Refusal::from("a cmd.exe that reads it there interprets the value");
    let demand = if runs::is_named_behind(text) {
        Demand::nothing(reason.or_write("write the name of the command itself"))
    } else {
        Demand::word(reason.or_write("call the program directly with `$env:NAME`, not through cmd"))
    };
    Subject {
        what: What::Variable(name),
        range,
        place: "in text that a cmd.exe may read".to_owned(),
        demand,
        quoting: PowerShellPlace::unread(),
        assigns: [].into(),
    }
}
