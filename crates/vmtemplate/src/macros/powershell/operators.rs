//! Operators of expressions.

/// The operands of an operator are not looked at farther back than this.
const LONGEST_OPERAND: usize = 1000;

/// Whether what follows is what `-replace` or `[regex]::Replace` puts in, in which `$1` and `$&` stand for matches.
pub(super) fn is_replacement(before: &[u8]) -> bool {
    // In a longer command an operator further up is not looked for.
    let near =
        String::from_utf8_lossy(&before[before.len().saturating_sub(LONGEST_OPERAND)..]).to_ascii_lowercase();
    ["-replace", "-creplace", "-ireplace", "regex]::replace("]
        .iter()
        .filter_map(|operator| near.rfind(operator).map(|at| at + operator.len()))
        .max()
        .is_some_and(|at| near[at..].contains(','))
}

/// Whether an operator of an expression comes next, ` -eq`: what is before it is a value, not a command.
pub(super) fn begins_operator(text: &[u8]) -> bool {
    const OPERATORS: [&[u8]; 22] = [
        b"and",
        b"as",
        b"contains",
        b"eq",
        b"ge",
        b"gt",
        b"in",
        b"is",
        b"isnot",
        b"join",
        b"le",
        b"like",
        b"lt",
        b"match",
        b"ne",
        b"notcontains",
        b"notin",
        b"notlike",
        b"notmatch",
        b"or",
        b"replace",
        b"split",
    ];
    let Some(rest) = text.trim_ascii_start().strip_prefix(b"-") else { return false };
    let length = rest.iter().take_while(|b| b.is_ascii_alphabetic()).take(20).count();
    let word = rest[..length].to_ascii_lowercase();
    let plain = word.strip_prefix(b"c").or_else(|| word.strip_prefix(b"i")).unwrap_or(&word);
    OPERATORS.iter().any(|operator| *operator == word || *operator == plain)
}
