//! Variables that are set, names that go on, and variables that are read by their names.

use std::ops::Range;
use std::rc::Rc;

use super::Subject;
use super::quote::PowerShellPlace;
use crate::macros::demand::Demand;
use crate::macros::follow::{ANY, What};

/// What gives the value of a variable by its name: cmdlets, their aliases, drives, and methods of .NET.
const BY_NAME: [&[u8]; 7] = [
    b"get-variable",
    b"gv ",
    b"variable:",
    b"env:",
    b"getenvironmentvariable",
    b"expandenvironmentvariables",
    b"psvariable",
];
/// Of more such places each is taken for one in every statement behind it.
const MOST_BY_NAME: usize = 1000;

/// Where a script reads variables by their names, in order.
pub(super) fn read_by_name(bytes: &[u8]) -> Vec<usize> {
    let text = bytes.to_ascii_lowercase();
    let begins = |at: usize| at.checked_sub(1).map(|before| text[before]);
    let is_read = |at: &usize| {
        let is_word = BY_NAME.iter().any(|word| text[*at..].starts_with(word));
        // `$env:NAME` and `${env:NAME}` are read as they are.
        is_word
            && begins(*at).is_none_or(|before| !before.is_ascii_alphanumeric() && !b"$-_".contains(&before))
            && !text[..*at].ends_with(b"${")
    };
    let mut found: Vec<usize> = (0..text.len()).filter(is_read).take(MOST_BY_NAME).collect();
    if found.len() == MOST_BY_NAME {
        let last = found[MOST_BY_NAME - 1];
        found.extend(last..text.len());
    }
    found
}

/// The value of a variable whose name is not known, in the statement at `range`.
pub(super) fn of_any_name(range: Range<usize>, demand: Demand, assigns: Rc<[String]>) -> Subject {
    Subject {
        what: What::Variable(ANY.to_owned()),
        range,
        place: "by the name of a variable".to_owned(),
        demand,
        quoting: PowerShellPlace::unread(),
        assigns,
    }
}

/// Whether a variable without braces ends here, of whose name a letter would be a part: `$a`, or a lone `$`.
pub(super) fn extends_variable(bytes: &[u8], at: usize) -> bool {
    let is_name = |b: &u8| b.is_ascii_alphanumeric() || b"_:".contains(b);
    let name = bytes[..at].iter().rev().take(200).take_while(|b| is_name(b)).count();
    let sign = (at - name).checked_sub(1);
    sign.is_some_and(|sign| {
        bytes[sign] == b'$' && sign.checked_sub(1).is_none_or(|before| bytes[before] != b'`')
    })
}

/// What makes the variable before `text` one that is set: ` =`, `.a[0] +=`, `, $b =`, or the ` in` of a loop. The other
/// variables that are set with it, and how far it is to the value.
pub(super) fn target(text: &[u8]) -> Option<(Vec<String>, usize)> {
    let mut rest = text;
    let mut others = Vec::new();
    loop {
        rest = rest.trim_ascii_start();
        let name = |from: &[u8]| from.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
        match rest {
            [b'.', member @ ..] if name(member) > 0 => rest = &member[name(member)..],
            [b'[', index @ ..] => {
                let is_plain = |b: &u8| b.is_ascii_alphanumeric() || b"_'\" -".contains(b);
                let length = index.iter().take_while(|b| is_plain(b)).count();
                rest = index[length..].strip_prefix(b"]")?;
            }
            [b',', next @ ..] => {
                let next = next.trim_ascii_start().strip_prefix(b"$")?;
                let length = name(next);
                others.push(String::from_utf8_lossy(&next[..length]).to_ascii_lowercase());
                rest = &next[length..];
            }
            _ => break,
        }
    }
    let operators = [&b"="[..], b"+=", b"-=", b"*=", b"/=", b"%=", b"??="];
    let rest = match operators.iter().find_map(|operator| rest.strip_prefix(*operator)) {
        Some(rest) => rest,
        None if rest.get(..2).is_some_and(|word| word.eq_ignore_ascii_case(b"in")) => rest[2..]
            .first()
            .is_none_or(|b| b.is_ascii_whitespace() || b"($'\"@".contains(b))
            .then(|| &rest[2..])?,
        None => return None,
    };
    Some((others, text.len() - rest.len()))
}

/// The variable of which a method is called, where its parenthesis comes next: `list` of `$list.Add`.
pub(super) fn receiver(before: &[u8]) -> Option<String> {
    let name = |text: &[u8]| {
        text.iter().rev().take(200).take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count()
    };
    let method = name(before);
    let before = before[..before.len() - method].strip_suffix(b".").filter(|_| method > 0)?;
    let variable = name(before);
    let (rest, name) = before.split_at(before.len() - variable);
    (variable > 0 && rest.ends_with(b"$")).then(|| String::from_utf8_lossy(name).to_ascii_lowercase())
}
