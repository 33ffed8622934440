//! Where the macros of a PowerShell script stand, and how values are written there.
//!
//! After Microsoft, "about_Quoting_Rules", "about_Special_Characters" and "about_Parsing". PowerShell takes the
//! typographic quotes for plain ones, so they are doubled or escaped like them (language specification, 2.3.5.2).

use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use super::find::MacroUse;
use super::place::{Demand, Later, MacroPlace, Quoting, positions, shown};

/// What PowerShell makes of the bytes at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    /// A word of its own, outside of quotes.
    Bare,
    /// A part of a word, outside of quotes.
    Joined,
    Single,
    Double,
    SingleHere,
    DoubleHere,
    Comment,
}

/// What decides how a value is written.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools)] // each is one fact about the place
pub(crate) struct PowerShellPlace {
    style: Style,
    /// It begins a word of a command that is not one of PowerShell, to which `"`, `\` and nothing are passed wrongly.
    native: bool,
    begins_word: bool,
    begins_line: bool,
    /// The file says that it is UTF-8. Without that, Windows PowerShell reads it in the machine's code page.
    unicode: bool,
}

const SINGLE_QUOTES: [char; 5] = ['\'', '\u{2018}', '\u{2019}', '\u{201A}', '\u{201B}'];
const DOUBLE_QUOTES: [char; 4] = ['"', '\u{201C}', '\u{201D}', '\u{201E}'];

impl PowerShellPlace {
    pub(super) fn quote(&self, value: &str, harmless: bool) -> Result<String, String> {
        if let Some(found) = value.chars().find(|&c| c.is_control() && c != '\t') {
            return Err(format!("it has the control character U+{:04X}", found as u32));
        }
        if !self.unicode && !value.is_ascii() {
            return Err("it is not ASCII, and without a byte order mark Windows PowerShell reads the script in the code \
                        page of the machine"
                .to_owned());
        }
        self.refuse_meaning(value)?;
        if harmless && (self.style != Style::Bare || is_number(value)) {
            return Ok(value.to_owned());
        }
        let doubled = |quotes: &[char]| {
            let mut text = String::with_capacity(value.len() + 8);
            for c in value.chars() {
                if quotes.contains(&c) {
                    text.push(c);
                }
                text.push(c);
            }
            text
        };
        let escaped = |special: &str| {
            let mut text = String::with_capacity(value.len() + 8);
            for c in value.chars() {
                if special.contains(c) {
                    text.push('`');
                }
                text.push(c);
            }
            text
        };
        match self.style {
            Style::Bare if self.native && value.is_empty() => Err(NATIVE_EMPTY.to_owned()),
            Style::Bare => Ok(format!("'{}'", doubled(&SINGLE_QUOTES))),
            Style::Joined if value.is_empty() => Ok(String::new()),
            Style::Joined => {
                Err("it is a part of a word outside of quotes; expected quotes around the word".to_owned())
            }
            Style::Single => Ok(doubled(&SINGLE_QUOTES)),
            Style::Double => Ok(escaped("`$\"\u{201C}\u{201D}\u{201E}")),
            Style::SingleHere | Style::DoubleHere if self.ends_here_string(value) => {
                Err("it ends the here-string where a line begins".to_owned())
            }
            Style::DoubleHere => Ok(escaped("`$")),
            Style::Comment if value.contains("#>") || value.ends_with('#') || value.starts_with('>') => {
                Err("it ends the comment".to_owned())
            }
            Style::SingleHere | Style::Comment => Ok(value.to_owned()),
        }
    }

    fn ends_here_string(&self, value: &str) -> bool {
        self.begins_line && value.starts_with(|c| SINGLE_QUOTES.contains(&c) || DOUBLE_QUOTES.contains(&c))
    }

    fn refuse_meaning(&self, value: &str) -> Result<(), String> {
        if !self.native || self.style == Style::Comment {
            return Ok(());
        }
        if self.begins_word && value.starts_with(['-', '/', '@']) {
            return Err(
                "it begins with `-`, `/` or `@` where a word begins, and so would be an option".to_owned()
            );
        }
        if value.contains(DOUBLE_QUOTES) || value.ends_with('\\') {
            return Err(
                "Windows PowerShell passes a `\"` and a `\\` at the end wrongly to programs".to_owned()
            );
        }
        Ok(())
    }

    pub(super) fn expanded(&self, value: &str, harmless: bool) -> Result<(), String> {
        if harmless {
            return Ok(());
        }
        if self.native && value.is_empty() {
            return Err(NATIVE_EMPTY.to_owned());
        }
        self.refuse_meaning(value)
    }
}

const NATIVE_EMPTY: &str = "it is empty, which Windows PowerShell does not pass to programs";

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// What makes code of text, or runs what it is given.
const CODE: [&str; 23] = [
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
];
/// Ends of names of files that are run later, or read their arguments again.
const CODE_FILES: [&str; 6] = [".ps1", ".psm1", ".cmd", ".bat", ".vbs", ".js"];

/// More places than this are not followed one by one.
const MOST_PLACES: usize = 200;

pub(super) fn places(bytes: &[u8], utf8: bool, uses: &[MacroUse]) -> Vec<MacroPlace> {
    let bom = bytes.starts_with(b"\xEF\xBB\xBF");
    let mut scanner = Scanner {
        bytes,
        uses,
        at: if bom { 3 } else { 0 },
        next: 0,
        stack: vec![Context::default()],
        unicode: bom || bytes.starts_with(b"#!"),
        subjects: Vec::new(),
        doubt: false,
        statement: 0,
        statement_start: 0,
    };
    scanner.run();
    let subjects = scanner.subjects;
    let mut order: Vec<usize> = subjects.iter().map(|subject| subject.range.start).collect();
    order.sort_unstable();
    let sorted = positions(bytes, utf8, order.iter().copied());
    let position = |offset: usize| sorted[order.binary_search(&offset).unwrap_or(0)];
    let mut by_name: HashMap<&str, Vec<Later>> = HashMap::new();
    let mut by_macro: Vec<Option<&Subject>> = vec![None; uses.len()];
    for subject in &subjects {
        if let Some(number) = subject.number {
            by_macro[number] = Some(subject);
            continue;
        }
        let later = by_name.entry(&subject.variable).or_default();
        if later.len() <= MOST_PLACES {
            later.push(Later {
                variable: shown(&bytes[subject.range.clone()]),
                position: position(subject.range.start),
                demand: if later.len() < MOST_PLACES {
                    subject.demand.clone()
                } else {
                    Demand::Harmless("the variable is used in very many places".to_owned())
                },
                quoting: Quoting::PowerShell(subject.quoting.clone()),
            });
        }
    }
    let by_name: HashMap<&str, Rc<[Later]>> =
        by_name.into_iter().map(|(name, later)| (name, later.into())).collect();
    uses.iter()
        .zip(by_macro)
        .map(|(found, subject)| match subject {
            Some(subject) => MacroPlace {
                found: found.clone(),
                place: subject.place.clone(),
                demand: subject.demand.clone(),
                quoting: Quoting::PowerShell(subject.quoting.clone()),
                later: by_name.get(subject.assigns.as_str()).cloned().unwrap_or_else(|| [].into()),
            },
            None => MacroPlace {
                found: found.clone(),
                place: "in no statement".to_owned(),
                demand: Demand::Nothing("its place cannot be told".to_owned()),
                quoting: Quoting::Unknown,
                later: [].into(),
            },
        })
        .collect()
}

#[derive(Debug)]
struct Subject {
    number: Option<usize>,
    variable: String,
    range: Range<usize>,
    place: String,
    demand: Demand,
    quoting: PowerShellPlace,
    /// The variable that is set in the statement; empty if none is.
    assigns: String,
}

/// The command that is being read, inside its parentheses or braces.
#[derive(Debug, Default)]
struct Context {
    /// Inside `"…"`, in which `$(` has opened another context.
    in_string: bool,
    closing: u8,
    /// The first word of the command, and whether it is complete.
    head: String,
    has_head: bool,
    assigns: String,
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
    doubt: bool,
    /// The first subject of the statement.
    statement: usize,
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
        self.subject(Some(number), String::new(), range, style);
    }

    fn subject(&mut self, number: Option<usize>, variable: String, range: Range<usize>, style: Style) {
        let before = range.start.checked_sub(1).map(|at| self.bytes[at]);
        let unicode = self.unicode;
        let doubt = self.doubt;
        let in_code = self.top().code;
        let context = self.top();
        let head = context.head.to_ascii_lowercase();
        let native = is_native(&head);
        let assigns = context.assigns.clone();
        let at_start = !context.has_head && head.is_empty();
        let in_head = !context.has_head;
        if number.is_some() {
            context.push('\u{FFFD}');
        }
        let demand = if style == Style::Comment {
            Demand::FreeText
        } else if doubt {
            Demand::Typed("what stands before it in the script is not followed here".to_owned())
        } else if before == Some(b'`') && style != Style::Single && style != Style::SingleHere {
            Demand::Harmless("a backquote stands before it and changes its first character".to_owned())
        } else if matches!(style, Style::Bare | Style::Joined)
            && number.is_some()
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
            unicode,
        };
        self.subjects.push(Subject {
            number,
            variable,
            range,
            place: place.to_owned(),
            demand,
            quoting,
            assigns,
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
            subject.demand = subject.demand.clone().max(Demand::Typed(CODE_REASON.to_owned()));
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
                (stem != "start" && CODE.contains(&stem))
                    || CODE_FILES.iter().any(|ending| word.ends_with(ending))
            });
            if is_code {
                self.code();
            }
            self.top().code = false;
            self.statement = self.subjects.len();
            self.statement_start = self.at;
        }
    }

    fn open(&mut self, closing: u8, length: usize) {
        self.at += length;
        let (assigns, code) = (self.top().assigns.clone(), self.top().code);
        self.stack.push(Context { closing, assigns, code, ..Context::default() });
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
        if !is_string {
            let rest = self.bytes[self.at..].trim_ascii_start();
            let assigns = rest.starts_with(b"=") || rest.starts_with(b"+=");
            let context = self.top();
            if assigns && context.head.is_empty() {
                context.assigns = bare;
                self.at += self.bytes[self.at..].iter().position(|&b| b == b'=').map_or(0, |at| at + 1);
                return;
            }
        }
        self.subject(None, bare, start..self.at, style);
        let context = self.top();
        if !is_string && !context.has_head {
            context.push('\u{FFFD}');
        }
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

#[cfg(test)]
mod tests {
    use super::super::options::{RenderOptions, ScriptLanguage};
    use super::super::values::MacroValues;
    use crate::script::Script;

    // PowerShell is not run by these tests: what they hold is what Microsoft's "about_Quoting_Rules" says.

    fn rendered(script: &str, value: &str) -> Result<String, String> {
        let script = Script::from_text(script);
        let mut values = MacroValues::new();
        for found in script.macros() {
            values.set(found.name.name(), value).map_err(|error| error.to_string())?;
        }
        let options =
            RenderOptions { language: Some(ScriptLanguage::PowerShell), ..RenderOptions::default() };
        match script.render(&values, &options) {
            Ok(script) => Ok(String::from_utf8_lossy(script.bytes()).into_owned()),
            Err(error) => Err(error.problems()[0].to_string()),
        }
    }

    #[test]
    fn values_are_written_for_their_place() {
        for (script, value, expected) in [
            ("$p = '($V)'", "it's $x", "$p = 'it''s $x'"),
            ("$p = \"($V)\"", "a\"b$c`d", "$p = \"a`\"b`$c``d\""),
            ("$p = ($V)", "a'b", "$p = 'a''b'"),
            ("$p = ($V)", "20480", "$p = 20480"),
            ("$p = ($V)", "", "$p = ''"),
            ("Set-Item -Value ($V) -Force", "-x;y", "Set-Item -Value '-x;y' -Force"),
            ("$p = @('($V)', ($V))", "a b", "$p = @('a b', 'a b')"),
            ("$p = @'\n($V)\n'@", "a'b$c", "$p = @'\na'b$c\n'@"),
            ("$p = @\"\n($V)\n\"@", "a\"b$c", "$p = @\"\na\"b`$c\n\"@"),
            ("Set-Item \"a $(Get-Item '($V)') b\"", "x'y", "Set-Item \"a $(Get-Item 'x''y') b\""),
            ("# it is ($V)", "a $(b)", "# it is a $(b)"),
            ("<# it is ($V) #>", "a", "<# it is a #>"),
            ("net user Administrator '($V)'", "a b", "net user Administrator 'a b'"),
            ("\u{feff}$p = '($V)'", "\u{2019}", "\u{feff}$p = '\u{2019}\u{2019}'"),
            ("\u{feff}$p = \"($V)\"", "\u{201d}", "\u{feff}$p = \"`\u{201d}\""),
            ("Get-Item https://($V)/x", "example.com", "Get-Item https://example.com/x"),
        ] {
            assert_eq!(rendered(script, value).as_deref(), Ok(expected), "{script:?} {value:?}");
        }
    }

    #[test]
    fn values_that_could_act_are_refused_with_the_reason() {
        for (script, value, reason) in [
            ("($V)", "x", "run as a command"),
            ("& ($V)", "x", "run as a command"),
            ("& '($V)'", "x", "run what follows"),
            ("if ($true) { ($V) }", "x", "run as a command"),
            ("Invoke-Expression '($V)'", "x", "for code"),
            ("'($V)' | iex", "x", "for code"),
            ("cmd /c \"echo ($V)\"", "x", "for code"),
            ("Start-Process ($V)", "x", "for code"),
            ("[scriptblock]::Create('($V)')", "x", "for code"),
            ("'($V)' | Set-Content C:\\x.ps1", "x", "for code"),
            ("$p = '($V)'\niex $p", "x", "`$p` in line 2"),
            ("$p = '($V)'\nnet user Administrator $p", "a\"b", "passes a `\"`"),
            ("$p = '($V)'\nnet user Administrator $p", "/add", "an option"),
            ("net user Administrator '($V)'", "/add", "an option"),
            ("net user Administrator '($V)'", "a\\", "passes a `\"`"),
            ("net user Administrator ($V)", "", "does not pass"),
            ("Get-Item a($V)b", "x y", "part of a word"),
            ("$p = '($V)'", "\u{e4}", "byte order mark"),
            ("$p = '($V)'", "a\u{1b}", "control character"),
            ("$p = \"`($V)\"", "$x", "changes its first character"),
            ("$p = @'\n($V)\n'@", "'@; x", "ends the here-string"),
            ("<# ($V) #>", "#> x", "ends the comment"),
            ("$p = \u{2018}a\u{2019}; $q = '($V)'", "x y", "not followed here"),
            ("$p = @\"\n$(x '($V)')\n\"@", "x y", "substitution in a here-string"),
        ] {
            let error = rendered(script, value).expect_err(&format!("{script:?} {value:?}"));
            assert!(error.contains(reason), "{script:?} {value:?}: {error}");
        }
    }
}
