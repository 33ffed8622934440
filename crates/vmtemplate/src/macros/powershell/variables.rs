//! Variables that are set, and names that go on.

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
