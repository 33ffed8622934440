//! Where the macros of a PowerShell script stand, and how values are written there.
//!
//! After Microsoft, "about_Quoting_Rules", "about_Special_Characters" and "about_Parsing". PowerShell takes the
//! typographic quotes for plain ones, so they are doubled or escaped like them (language specification, 2.3.5.2).

mod functions;
mod quote;
#[cfg(test)]
mod tests;

use std::ops::Range;

use super::find::MacroUse;
use super::follow::{self, What, follow};
use super::place::{Demand, MacroPlace};

use functions::Functions;
pub(super) use quote::PowerShellPlace;
use quote::Style;

type Subject = follow::Subject<PowerShellPlace>;

/// What makes code of text, or runs what it is given.
const CODE: [&str; 28] = [
    "iex",
    "invoke-expression",
    "scriptblock",
    "invoke-command",
    "icm",
    "powershell",
    "pwsh",
    "cmd",
    "add-type",
    "start-process",
    "start",
    "saps",
    "start-job",
    "invoke-cimmethod",
    "invoke-wmimethod",
    "register-scheduledtask",
    "new-scheduledtaskaction",
    "set-alias",
    "new-alias",
    "new-service",
    "wsl",
    "bash",
    "invokescript",
    "new-variable",
    "nv",
    "set-variable",
    "setenvironmentvariable",
    "sv",
];
/// Those of them that are words of other sentences as well, and mean this as commands only.
const SHORT: [&str; 3] = ["nv", "start", "sv"];
/// More variables than this are not set by a statement that is followed.
const MOST_TARGETS: usize = 20;
/// Ends of names of files that are run later, or read their arguments again.
const CODE_FILES: [&str; 6] = [".ps1", ".psm1", ".cmd", ".bat", ".vbs", ".js"];

pub(super) fn places(bytes: &[u8], utf8: bool, uses: Vec<MacroUse>) -> Vec<MacroPlace> {
    let bom = bytes.starts_with(b"\xEF\xBB\xBF");
    let mut scanner = Scanner {
        bytes,
        uses: &uses,
        at: if bom { 3 } else { 0 },
        next: 0,
        stack: vec![Context::default()],
        unicode: bom || bytes.starts_with(b"#!"),
        subjects: Vec::new(),
        functions: Functions::of(bytes),
        doubt: functions::has_classes(bytes),
        statement: 0,
        statement_first: 0,
        statement_start: 0,
    };
    scanner.run();
    scanner.functions.settle(&mut scanner.subjects);
    let Scanner { subjects, .. } = scanner;
    follow(bytes, utf8, &subjects, uses)
}

/// The command that is being read, inside its parentheses or braces.
#[derive(Debug, Default)]
#[allow(clippy::struct_excessive_bools)] // each is one fact about the command
struct Context {
    /// Inside `"…"`, in which `$(` has opened another context.
    in_string: bool,
    closing: u8,
    /// The first word of the command, and whether it is complete.
    head: String,
    has_head: bool,
    /// The variables that are set in the statement.
    assigns: Vec<String>,
    /// These are the parameters of a function.
    is_parameters: bool,
    /// What is in it is run as code.
    code: bool,
}

impl Context {
    /// One more character of the first word. Of a long one only the beginning counts.
    fn push(&mut self, c: char) {
        if self.head.len() < 200 {
            self.head.push(c);
        }
    }
}

struct Scanner<'s> {
    bytes: &'s [u8],
    uses: &'s [MacroUse],
    at: usize,
    next: usize,
    stack: Vec<Context>,
    unicode: bool,
    subjects: Vec<Subject>,
    functions: Functions,
    doubt: bool,
    /// The first subject of the statement.
    statement: usize,
    /// The same, whatever became of it.
    statement_first: usize,
    /// Where it begins.
    statement_start: usize,
}

impl Scanner<'_> {
    fn byte(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    fn top(&mut self) -> &mut Context {
        if self.stack.is_empty() {
            self.stack.push(Context::default());
        }
        let last = self.stack.len() - 1;
        &mut self.stack[last]
    }

    fn at_macro(&self) -> bool {
        self.uses.get(self.next).is_some_and(|found| found.range.start == self.at)
    }

    fn run(&mut self) {
        while self.at < self.bytes.len() {
            if self.top().in_string {
                self.in_string();
            } else {
                self.in_code();
            }
        }
        self.stack.truncate(1);
        self.new_statement();
    }

    fn macro_here(&mut self, style: Style) {
        let number = self.next;
        let range = self.uses[number].range.clone();
        self.at = range.end;
        self.next += 1;
        self.subject(What::Macro(number), range, style);
    }

    fn subject(&mut self, what: What, range: Range<usize>, style: Style) {
        let is_macro = matches!(what, What::Macro(_));
        let before = range.start.checked_sub(1).map(|at| self.bytes[at]);
        let after = self.bytes.get(range.end).copied();
        let unicode = self.unicode;
        let doubt = self.doubt;
        let in_code = self.top().code;
        let context = self.top();
        let head = context.head.to_ascii_lowercase();
        let native = is_native(&head);
        let assigns = context.assigns.clone();
        let at_start = !context.has_head && head.is_empty();
        let in_head = !context.has_head;
        if is_macro {
            context.push('\u{FFFD}');
        }
        let demand = if style == Style::Comment {
            Demand::FreeText
        } else if doubt {
            Demand::Typed("what stands before it in the script is not followed here".to_owned())
        } else if before == Some(b'`') && style != Style::Single && style != Style::SingleHere {
            Demand::Harmless("a backquote stands before it and changes its first character".to_owned())
        } else if matches!(style, Style::Bare | Style::Joined)
            && is_macro
            && (in_head || head == "&" || head == ".")
        {
            // An assignment or a comparison has a value where another statement has its command.
            if at_start && !assigns.is_empty() {
                Demand::FreeText
            } else {
                Demand::Nothing("what stands here is run as a command".to_owned())
            }
        } else if in_code {
            Demand::Typed(CODE_REASON.to_owned())
        } else if head == "&" || head == "." {
            Demand::Typed("`&` and `.` run what follows them".to_owned())
        } else {
            Demand::FreeText
        };
        let place = match style {
            Style::Bare | Style::Joined => "outside of quotes",
            Style::Single => "inside single quotes",
            Style::Double => "inside double quotes",
            Style::SingleHere | Style::DoubleHere => "in a here-string",
            Style::Comment => "in a comment",
        };
        let quoting = PowerShellPlace {
            style,
            native,
            begins_word: before.is_none_or(|b| b.is_ascii_whitespace() || b"'\",(".contains(&b)),
            begins_line: before.is_none_or(|b| b == b'\n'),
            ends_line: after.is_none_or(|b| b == b'\r' || b == b'\n'),
            unicode,
        };
        self.subjects.push(Subject {
            what,
            range,
            place: place.to_owned(),
            demand,
            quoting,
            assigns: assigns.into(),
        });
    }

    /// A word or a string is complete.
    fn end_word(&mut self) {
        let context = self.top();
        if context.has_head || context.head.is_empty() {
            return;
        }
        if context.head == "&" || context.head == "." {
            return;
        }
        context.has_head = true;
        let head = context.head.to_ascii_lowercase();
        let base = head.rsplit(['\\', '/']).next().unwrap_or_default();
        let stem = base.strip_suffix(".exe").unwrap_or(base);
        if CODE.contains(&stem) || CODE_FILES.iter().any(|ending| stem.ends_with(ending)) {
            self.code();
        }
    }

    /// Everything in the current statement is run as code.
    fn code(&mut self) {
        let from = self.statement;
        for subject in &mut self.subjects[from..] {
            subject.demand(&Demand::Typed(CODE_REASON.to_owned()));
        }
        // Once is enough.
        self.statement = self.subjects.len();
        self.top().code = true;
    }

    fn new_command(&mut self) {
        self.end_word();
        let context = self.top();
        (context.head, context.has_head) = (String::new(), false);
    }

    fn new_statement(&mut self) {
        self.new_command();
        self.top().assigns.clear();
        if self.stack.len() == 1 {
            let text = self.bytes[self.statement_start..self.at.min(self.bytes.len())].to_ascii_lowercase();
            let is_code = text.split(|b| !(b.is_ascii_alphanumeric() || b"-_.".contains(b))).any(|word| {
                let word = std::str::from_utf8(word).unwrap_or_default();
                let stem = word.strip_suffix(".exe").unwrap_or(word);
                (!SHORT.contains(&stem) && CODE.contains(&stem))
                    || CODE_FILES.iter().any(|ending| word.ends_with(ending))
            });
            if is_code {
                self.code();
            }
            self.functions.statement(&text, self.statement_first..self.subjects.len());
            self.statement_first = self.subjects.len();
            self.top().code = false;
            self.statement = self.subjects.len();
            self.statement_start = self.at;
        }
    }

    fn open(&mut self, closing: u8, length: usize) {
        self.at += length;
        let (assigns, code) = (self.top().assigns.clone(), self.top().code);
        let is_parameters = closing == b')'
            && ["param", "function", "filter"].iter().any(|word| self.top().head.eq_ignore_ascii_case(word));
        self.stack.push(Context { closing, assigns, is_parameters, code, ..Context::default() });
    }

    fn close(&mut self) {
        self.end_word();
        self.at += 1;
        if self.stack.len() > 1 {
            self.stack.pop();
        }
        let context = self.top();
        if !context.has_head && !context.in_string {
            context.push('\u{FFFD}');
        }
    }

    fn variable(&mut self, style: Style) {
        let start = self.at;
        let braced = self.byte(1) == Some(b'{');
        let from = start + 1 + usize::from(braced);
        let name: String = self.bytes[from.min(self.bytes.len())..]
            .iter()
            .take_while(|b| b.is_ascii_alphanumeric() || **b == b'_' || **b == b':')
            .map(|b| char::from(b.to_ascii_lowercase()))
            .take(200)
            .collect();
        let mut end = from + name.len();
        if braced {
            self.doubt |= self.bytes.get(end) != Some(&b'}');
            end += 1;
        }
        self.at = end.min(self.bytes.len());
        // `$env:NAME` and `$script:NAME` are `NAME` here, wherever it lives.
        let bare = name.rsplit(':').next().unwrap_or_default().to_owned();
        if bare.is_empty() {
            return;
        }
        let is_string = style == Style::Double || style == Style::DoubleHere;
        if self.top().is_parameters {
            self.functions.parameter(&bare);
        }
        if !is_string && self.may_be_target() {
            let rest = &self.bytes[self.at..];
            if let Some((others, length)) = target(rest) {
                let context = self.top();
                context.assigns.push(bare);
                context.assigns.extend(others);
                context.head.clear();
                let many = context.assigns.len() > MOST_TARGETS;
                context.assigns.truncate(MOST_TARGETS);
                self.doubt |= many;
                self.at += length;
                return;
            }
            // `$a[$b] = …`: what stands between is read as well.
            let line = rest.split(|&b| b == b'\n').next().unwrap_or_default();
            if matches!(rest.first(), Some(b'[' | b'.')) && line.contains(&b'=') {
                let context = self.top();
                context.assigns.truncate(MOST_TARGETS);
                context.assigns.push(bare.clone());
            }
        }
        self.subject(What::Variable(bare), start..self.at, style);
        let context = self.top();
        if !is_string && !context.has_head {
            context.push('\u{FFFD}');
        }
    }

    /// Whether the variable that ends at the cursor is the first thing of its command, but for a cast.
    fn may_be_target(&self) -> bool {
        self.stack.last().is_some_and(|context| {
            let is_cast = context.head.starts_with('[') && context.head.ends_with(']');
            !context.has_head && (context.head.is_empty() || is_cast)
        })
    }

    fn in_string(&mut self) {
        if self.at_macro() {
            self.macro_here(Style::Double);
            return;
        }
        match self.byte(0) {
            Some(b'`') => {
                self.at += 1;
                if !self.at_macro() {
                    self.at += 1;
                }
            }
            Some(b'"') if self.byte(1) == Some(b'"') => self.at += 2,
            Some(b'"') => self.close(),
            Some(b'$') if self.byte(1) == Some(b'(') => self.open(b')', 2),
            Some(b'$') => self.variable_or_byte(Style::Double),
            Some(0xE2) => self.typographic(),
            _ => self.at += 1,
        }
    }

    fn variable_or_byte(&mut self, style: Style) {
        if matches!(self.byte(1), Some(b) if b.is_ascii_alphanumeric() || b == b'_' || b == b'{') {
            self.variable(style);
        } else {
            self.at += 1;
        }
    }

    /// A typographic quote of the script's own: which strings it begins and ends is not followed.
    fn typographic(&mut self) {
        let quotes = ["\u{2018}", "\u{2019}", "\u{201A}", "\u{201B}", "\u{201C}", "\u{201D}", "\u{201E}"];
        self.doubt |= quotes.iter().any(|quote| self.bytes[self.at..].starts_with(quote.as_bytes()));
        self.at += 1;
    }

    fn in_code(&mut self) {
        if self.at_macro() {
            let range = self.uses[self.next].range.clone();
            let before = range.start.checked_sub(1).map(|at| self.bytes[at]);
            let after = self.bytes.get(range.end).copied();
            let open =
                |b: Option<u8>, signs: &[u8]| b.is_none_or(|b| b.is_ascii_whitespace() || signs.contains(&b));
            let alone = open(before, b"=,(;{[|") && open(after, b",;)}]|");
            self.macro_here(if alone { Style::Bare } else { Style::Joined });
            return;
        }
        let Some(byte) = self.byte(0) else { return };
        let rest = &self.bytes[self.at..];
        match byte {
            b'`' if matches!(self.byte(1), Some(b'\r' | b'\n')) => {
                self.at += 2 + usize::from(rest.starts_with(b"`\r\n"));
            }
            b'`' => {
                self.at += 1;
                if !self.at_macro() {
                    self.at += 1;
                }
                self.top().push('`');
            }
            b'@' if rest.starts_with(b"@'") || rest.starts_with(b"@\"") => self.here_string(),
            b'\'' => self.single(),
            b'"' => {
                self.string_in_head();
                self.open(b'"', 1);
                self.top().in_string = true;
            }
            b'<' if rest.starts_with(b"<#") => {
                let end = rest
                    .windows(2)
                    .position(|two| two == b"#>")
                    .map_or(self.bytes.len(), |at| self.at + at + 2);
                self.comment(end);
            }
            b'#' if self.at == 0
                || matches!(
                    self.bytes[self.at - 1],
                    b' ' | b'\t' | b'\n' | b';' | b'{' | b'}' | b'(' | b')' | b'|'
                ) =>
            {
                let end = rest.iter().position(|&b| b == b'\n').map_or(self.bytes.len(), |at| self.at + at);
                self.comment(end);
            }
            b'$' if rest.starts_with(b"$(") => self.open(b')', 2),
            b'$' => self.variable_or_byte(Style::Bare),
            b'(' | b'{' => self.open(if byte == b'(' { b')' } else { b'}' }, 1),
            b')' | b'}' => {
                self.doubt |= self.stack.len() > 1 && self.top().closing != byte;
                self.close();
            }
            b'\n' | b';' => {
                self.at += 1;
                self.new_statement();
            }
            b'|' => {
                self.at += 1;
                self.new_command();
            }
            b'&' => {
                self.at += 1;
                self.new_command();
                "&".clone_into(&mut self.top().head);
            }
            b' ' | b'\t' | b'\r' => {
                self.at += 1;
                self.end_word();
            }
            0xE2 => self.typographic(),
            _ => {
                self.at += 1;
                let context = self.top();
                if !context.has_head {
                    context.push(char::from(byte));
                }
            }
        }
    }

    fn string_in_head(&mut self) {
        let context = self.top();
        if !context.has_head && context.head != "&" && context.head != "." {
            context.push('\u{FFFD}');
        }
    }

    fn single(&mut self) {
        self.string_in_head();
        self.at += 1;
        while self.at < self.bytes.len() {
            if self.at_macro() {
                self.macro_here(Style::Single);
            } else if self.byte(0) == Some(b'\'') {
                self.at += 1;
                if self.byte(0) != Some(b'\'') {
                    return;
                }
                self.at += 1;
            } else if self.byte(0) == Some(0xE2) {
                self.typographic();
            } else {
                self.at += 1;
            }
        }
    }

    fn comment(&mut self, end: usize) {
        while self.uses.get(self.next).is_some_and(|found| found.range.start < end) {
            self.macro_here(Style::Comment);
            let context = self.top();
            if context.head == "\u{FFFD}" {
                context.head.clear();
            }
        }
        self.at = end;
    }

    fn here_string(&mut self) {
        self.string_in_head();
        let quote = self.bytes[self.at + 1];
        let (style, end) = if quote == b'\'' {
            (Style::SingleHere, &b"\n'@"[..])
        } else {
            (Style::DoubleHere, &b"\n\"@"[..])
        };
        let rest = &self.bytes[self.at + 2..];
        let end = rest
            .windows(3)
            .position(|three| three == end)
            .map_or(self.bytes.len(), |at| self.at + 2 + at + 3);
        self.at += 2;
        while self.at < end {
            if self.at_macro() {
                self.macro_here(style);
            } else if quote == b'"' && self.byte(0) == Some(b'`') {
                self.at += 1;
                if !self.at_macro() {
                    self.at += 1;
                }
            } else if quote == b'"' && self.bytes[self.at..].starts_with(b"$(") {
                // What is in such a substitution is code again, and not followed.
                let close =
                    self.bytes[self.at..end].iter().position(|&b| b == b'\n').map_or(end, |at| self.at + at);
                let before = self.subjects.len();
                while self.uses.get(self.next).is_some_and(|found| found.range.start < close) {
                    self.macro_here(style);
                }
                for subject in &mut self.subjects[before..] {
                    subject.demand = Demand::Typed("it stands in a substitution in a here-string".to_owned());
                }
                self.doubt |= !self.bytes[self.at.min(close)..close].contains(&b')');
                self.at = self.at.max(close).max(self.at + 1);
            } else if quote == b'"' && self.byte(0) == Some(b'$') {
                self.variable_or_byte(style);
            } else {
                self.at += 1;
            }
        }
    }
}

const CODE_REASON: &str = "the statement takes it for a command or for code";

/// What makes the variable before `text` one that is set: ` =`, `.a[0] +=`, `, $b =`, or the ` in` of a loop. The other
/// variables that are set with it, and how far it is to the value.
fn target(text: &[u8]) -> Option<(Vec<String>, usize)> {
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

/// Whether a command of this name, in lower case, is a program: not a cmdlet, a keyword, an expression.
fn is_native(head: &str) -> bool {
    const WORDS: [&str; 22] = [
        "if", "elseif", "else", "while", "for", "foreach", "switch", "return", "throw", "param", "function",
        "try", "catch", "finally", "do", "until", "in", "echo", "write", "process", "begin", "end",
    ];
    let plain = head.bytes().next().is_some_and(|b| b.is_ascii_alphabetic());
    let cmdlet = head.split_once('-').is_some_and(|(verb, noun)| {
        !verb.is_empty() && !noun.is_empty() && head.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    });
    (plain && !cmdlet && !WORDS.contains(&head)) || head.strip_suffix(".exe").is_some()
}
