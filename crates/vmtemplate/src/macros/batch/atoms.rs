//! The first phase of cmd.exe: variables of the form %NAME% are found in each line before anything else is.

use std::ops::Range;

use crate::macros::find::MacroUse;
use crate::macros::follow::any_with;

/// Longer names of variables and programs are distinguished only by their beginnings.
pub(super) const LONGEST_NAME: usize = 100;

/// What a line is made of when cmd.exe begins to look for commands in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Atom {
    Byte(u8),
    Newline,
    /// A macro, by its number.
    Macro(usize),
    /// An expansion of a variable, by its number.
    Variable(usize),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Located {
    pub(super) atom: Atom,
    /// Where it is in the script.
    pub(super) at: u32,
    /// An unpaired `%`, or a `%NAME:…%` that falls apart when the variable is not defined, is before it in the
    /// line: a further `%` may not be what it seems.
    pub(super) stray: bool,
    /// Such an expansion has quotes or operators in it: whether this is inside quotes cannot be determined.
    pub(super) doubt: bool,
}

/// An expansion of a variable.
#[derive(Debug, Clone)]
pub(super) struct Variable {
    /// In lower case; `%%i` for the variable of a loop, `%%~` for one of them with a modifier, `%1` for any argument.
    pub(super) name: String,
    /// Where it is written.
    pub(super) range: Range<usize>,
    /// A part of it is taken, or something in it replaced.
    pub(super) modified: bool,
    /// What is taken or put in brings no `"` that the value does not have.
    pub(super) quoteless: bool,
    /// It is expanded after commands, quotes and words were found: `!NAME!` and `%%i`.
    pub(super) late: bool,
}

#[derive(Debug, Default)]
pub(super) struct Atoms {
    pub(super) list: Vec<Located>,
    pub(super) variables: Vec<Variable>,
    /// For each macro, whether it is between the signs of an expansion.
    pub(super) inside: Vec<bool>,
}

/// Cut a script into atoms. `delayed` is whether `!NAME!` may be an expansion in it.
pub(super) fn cut(bytes: &[u8], uses: &[MacroUse], delayed: bool) -> Atoms {
    let mut cutter = Cutter {
        bytes,
        uses,
        delayed,
        next: 0,
        done: Atoms { inside: vec![false; uses.len()], ..Atoms::default() },
        stray: false,
        doubt: false,
    };
    let mut start = if bytes.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
    while start <= bytes.len() {
        let end = bytes[start..].iter().position(|&b| b == b'\n').map_or(bytes.len(), |at| start + at);
        (cutter.stray, cutter.doubt) = (false, false);
        cutter.line(start, end);
        cutter.push(Atom::Newline, end);
        start = end + 1;
    }
    cutter.done
}

struct Cutter<'s> {
    bytes: &'s [u8],
    uses: &'s [MacroUse],
    delayed: bool,
    /// The macro that comes next.
    next: usize,
    done: Atoms,
    stray: bool,
    doubt: bool,
}

impl Cutter<'_> {
    fn push(&mut self, atom: Atom, at: usize) {
        let at = u32::try_from(at).unwrap_or(u32::MAX);
        self.done.list.push(Located { atom, at, stray: self.stray, doubt: self.doubt });
    }

    fn variable(&mut self, name: &[u8], range: Range<usize>, modified: bool, late: bool) {
        self.push(Atom::Variable(self.done.variables.len()), range.start);
        let name = String::from_utf8_lossy(name).chars().take(LONGEST_NAME).collect();
        self.done.variables.push(Variable { name, range, modified, quoteless: false, late });
    }

    /// The macros that begin before `end` are inside an expansion.
    fn swallow(&mut self, end: usize) -> bool {
        let before = self.next;
        while self.uses.get(self.next).is_some_and(|found| found.range.start < end) {
            self.done.inside[self.next] = true;
            self.push(Atom::Macro(self.next), self.uses[self.next].range.start);
            self.next += 1;
        }
        self.next > before
    }

    fn line(&mut self, mut at: usize, end: usize) {
        // Whether there is another sign is asked once for each line, so that a line of them stays linear.
        let last_percent = self.bytes[at..end].iter().rposition(|&b| b == b'%').map(|found| at + found);
        let last_bang = self.bytes[at..end].iter().rposition(|&b| b == b'!').map(|found| at + found);
        while at < end {
            if let Some(found) = self.uses.get(self.next).filter(|found| found.range.start == at) {
                let to = found.range.end;
                self.push(Atom::Macro(self.next), at);
                self.next += 1;
                at = to;
                continue;
            }
            match self.bytes[at] {
                // They go before commands are looked for.
                b'\r' => at += 1,
                b'%' => at = self.percent(at, end, last_percent.is_some_and(|last| last > at)),
                b'!' if self.delayed => at = self.bang(at, end, last_bang.is_some_and(|last| last > at)),
                byte => {
                    self.push(Atom::Byte(byte), at);
                    at += 1;
                }
            }
        }
    }

    fn percent(&mut self, at: usize, end: usize, has_another: bool) -> usize {
        let rest = &self.bytes[at + 1..end];
        let run = |bytes: &[u8], is: fn(&u8) -> bool| bytes.iter().take_while(|b| is(b)).count();
        match rest.first() {
            Some(b'%') => {
                let after = &rest[1..];
                // `call` reads %%NAME%% once more, as %NAME%.
                let name = run(after, |b| b.is_ascii_alphanumeric() || *b == b'_');
                let (prefix, rest_of_it) = after.split_at(name);
                let lower = String::from_utf8_lossy(prefix).to_ascii_lowercase();
                if name > 0 && (rest_of_it.starts_with(b"%%") || rest_of_it.starts_with(b":")) {
                    self.variable(lower.as_bytes(), at..at + 2 + name, true, false);
                } else if let Some(inner) = rest_of_it.strip_prefix(b"%") {
                    // And %%LIST_%NAME%%% as the variable whose name ends as %NAME% says.
                    let inner = inner.strip_prefix(b"%").unwrap_or(inner);
                    if inner.first().is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_') {
                        self.variable(any_with(&lower).as_bytes(), at..at + 2 + name, true, false);
                    }
                }
                match after.first() {
                    Some(b'~') => self.variable(b"%%~", at..at + 3, true, true),
                    Some(&letter) if letter.is_ascii_graphic() && !b"%\"()".contains(&letter) => {
                        self.variable(&[b'%', b'%', letter], at..at + 3, false, true);
                    }
                    _ => {
                        self.push(Atom::Byte(b'%'), at);
                        return at + 2;
                    }
                }
                at + 3
            }
            Some(b'*' | b'0'..=b'9') => {
                self.variable(b"%1", at..at + 2, false, false);
                at + 2
            }
            _ => {
                if rest.first() == Some(&b'~') {
                    let letters = 1 + run(&rest[1..], u8::is_ascii_alphabetic);
                    if rest.get(letters).is_some_and(u8::is_ascii_digit) {
                        self.variable(b"%1", at..at + 2 + letters, true, false);
                        return at + 2 + letters;
                    }
                }
                let close = has_another.then(|| rest.iter().position(|&b| b == b'%')).flatten();
                let Some(close) = close else {
                    self.stray = true;
                    return at + 1;
                };
                let body = &rest[..close];
                let colon = body.iter().position(|&b| b == b':');
                let lower = body[..colon.unwrap_or(close)].to_ascii_lowercase();
                let to = at + 1 + close;
                self.variable(&lower, at..to + 1, colon.is_some(), false);
                // `%NAME:from,length%` or `%NAME:old=new%`.
                let quoteless = !body.iter().skip_while(|&&b| b != b'=').any(|&b| b == b'"');
                let variable = self.done.variables.len() - 1;
                let swallowed = self.swallow(to);
                self.done.variables[variable].quoteless = quoteless && !swallowed;
                if let Some(colon) = colon {
                    self.stray = true;
                    self.doubt |= swallowed || body[colon..].iter().any(|b| b"\"&|<>^()!".contains(b));
                }
                to + 1
            }
        }
    }

    fn bang(&mut self, at: usize, end: usize, has_another: bool) -> usize {
        let rest = &self.bytes[at + 1..end];
        let name = rest.iter().take_while(|b| b.is_ascii_alphanumeric() || b"_.#$@-".contains(b)).count();
        let lower = rest[..name].to_ascii_lowercase();
        match rest.get(name) {
            Some(b'!') if name > 0 => {
                self.variable(&lower, at..at + name + 2, false, true);
                at + name + 2
            }
            Some(b':') if name > 0 && has_another => {
                self.variable(&lower, at..at + name + 1, true, true);
                if self.uses.get(self.next).is_some_and(|found| found.range.start < end)
                    && let Some(close) = rest.iter().position(|&b| b == b'!')
                {
                    let from = self.next;
                    let inside =
                        self.uses[from..].iter().take_while(|found| found.range.start < at + 1 + close);
                    let count = inside.count();
                    self.done.inside[from..from + count].fill(true);
                }
                at + name + 1
            }
            // `!LIST[%%i]!`, `!%NAME%!`: which variable it is depends on another one.
            Some(b'%' | b'[') if has_another => {
                let is_name = |b: &u8| b.is_ascii_alphanumeric() || b"_.#$@-%[]~+".contains(b);
                let close = rest.iter().take_while(|b| is_name(b)).count();
                if rest.get(close) == Some(&b'!') && rest[..close].contains(&b'%') {
                    let known = rest[..close].iter().position(|&b| b == b'%').unwrap_or_default();
                    let prefix = String::from_utf8_lossy(&rest[..known]).to_ascii_lowercase();
                    self.variable(any_with(&prefix).as_bytes(), at..at + close + 2, false, true);
                    self.line(at + 1, at + 1 + close);
                    return at + close + 2;
                }
                self.push(Atom::Byte(b'!'), at);
                at + 1
            }
            _ => {
                self.push(Atom::Byte(b'!'), at);
                at + 1
            }
        }
    }
}
