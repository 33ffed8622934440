//! Where the macros of a PowerShell script are, and how values are written there.
//!
//! After Microsoft, "about_Quoting_Rules", "about_Special_Characters" and "about_Parsing". PowerShell takes the
//! typographic quotes for plain ones, so they are doubled or escaped like them (language specification, 2.3.5.2).

mod context;
mod environment;
mod files;
mod functions;
mod operators;
mod quote;
mod runs;
mod statement;
#[cfg(test)]
mod tests;
mod variables;

use std::ops::Range;

use super::demand::{Demand, Refusal};
use super::find::MacroUse;
use super::follow::{self, What, follow};
use super::place::MacroPlace;

use context::{Context, is_native};
use functions::Functions;
use operators::{begins_operator, is_replacement};
pub(super) use quote::PowerShellPlace;
use quote::Style;
use runs::Block;
use variables::{extends_variable, target};

pub(super) type Subject = follow::Subject<PowerShellPlace>;

/// What is in more blocks than this is not followed.
const MOST_BLOCKS: usize = 100;
/// More variables than this are not set by a statement that is followed.
const MOST_TARGETS: usize = 20;
pub(super) fn places(bytes: &[u8], utf8: bool, uses: Vec<MacroUse>) -> Vec<MacroPlace> {
    let unicode = bytes.starts_with(b"\xEF\xBB\xBF") || bytes.starts_with(b"#!");
    let ranges: Vec<Range<usize>> = uses.iter().map(|found| found.range.clone()).collect();
    follow(bytes, utf8, &subjects(bytes, &ranges, unicode), uses)
}

/// The subjects of a program with macros in these ranges. `unicode` is whether PowerShell knows that it is UTF-8.
pub(super) fn subjects(bytes: &[u8], uses: &[Range<usize>], unicode: bool) -> Vec<Subject> {
    // A byte order mark is not a part of the first word.
    let marked = bytes.strip_prefix(b"\xEF\xBB\xBF").map(|rest| [b"   ", rest].concat());
    let bytes = marked.as_deref().unwrap_or(bytes);
    let mut scanner = Scanner {
        bytes,
        uses,
        at: 0,
        next: 0,
        stack: vec![Context::default()],
        unicode,
        subjects: Vec::new(),
        named: Vec::new(),
        functions: Functions::of(bytes),
        doubt: functions::has_classes(bytes) || runs::renames(bytes),
        has_files: files::are_read(bytes),
        by_name: variables::read_by_name(bytes),
        blocks: vec![Block::default()],
        statement: 0,
        statement_start: 0,
    };
    scanner.run();
    scanner.functions.settle(&mut scanner.subjects);
    environment::add(bytes, uses, &mut scanner.subjects);
    scanner.subjects
}

#[allow(clippy::struct_excessive_bools)] // each is one fact about the script
struct Scanner<'s> {
    bytes: &'s [u8],
    uses: &'s [Range<usize>],
    at: usize,
    next: usize,
    stack: Vec<Context>,
    unicode: bool,
    subjects: Vec<Subject>,
    /// For each of them, whether it names what is run if its text is code.
    named: Vec<bool>,
    functions: Functions,
    doubt: bool,
    /// The script reads files, which it may have written.
    has_files: bool,
    /// Where the script reads variables by their names.
    by_name: Vec<usize>,
    /// The blocks that are open, the script first.
    blocks: Vec<Block>,
    /// The first subject of the statement of the script, and where it begins.
    statement: usize,
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
        self.is_macro(self.at)
    }

    fn is_macro(&self, at: usize) -> bool {
        self.uses.get(self.next).is_some_and(|found| found.start == at)
    }

    /// Whether the macro before this one ends here.
    fn follows_macro(&self) -> bool {
        self.next.checked_sub(1).is_some_and(|last| self.uses[last].end == self.at)
    }

    fn run(&mut self) {
        while self.at < self.bytes.len() {
            if self.top().in_string {
                self.in_string();
            } else {
                self.in_code();
            }
        }
        while self.blocks.len() > 1 {
            self.leave_block();
        }
        self.stack.truncate(1);
        self.new_statement();
    }

    fn macro_here(&mut self, style: Style) {
        let number = self.next;
        let range = self.uses[number].clone();
        self.at = range.end;
        self.next += 1;
        self.subject(What::Macro(number), range, style);
    }

    fn subject(&mut self, what: What, range: Range<usize>, style: Style) {
        let is_macro = matches!(what, What::Macro(_));
        let before = range.start.checked_sub(1).map(|at| self.bytes[at]);
        let after = self.bytes.get(range.end).copied();
        let unicode = self.unicode;
        let demand = self.demand_here(is_macro, &range, style);
        let is_named = self.is_named(range.start, style);
        let context = self.top();
        let native = is_native(&context.head.to_ascii_lowercase()) || (context.call && context.has_head);
        let assigns = context.assigns.clone();
        let argument = !context.is_expression();
        if is_macro && !context.has_head {
            context.push('\u{FFFD}');
        }
        let place = match style {
            Style::Bare | Style::Joined => "outside quotes",
            Style::Verbatim => "after `--%`",
            Style::Single => "inside single quotes",
            Style::Double => "inside double quotes",
            Style::SingleHere | Style::DoubleHere => "in a here-string",
            Style::Comment => "in a comment",
        };
        let replacement = is_replacement(&self.bytes[self.top().start.min(range.start)..range.start]);
        let ends_word = after.is_none_or(|b| b.is_ascii_whitespace() || b";)}|,".contains(&b));
        let quoting = PowerShellPlace {
            style,
            argument,
            ends_word,
            member: matches!(after, Some(b'.' | b'[')),
            native,
            replacement,
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
        self.named.push(is_named);
    }

    /// What a value must be here, as far as it is known before the statement ends.
    fn demand_here(&mut self, is_macro: bool, range: &Range<usize>, style: Style) -> Demand {
        let before = range.start.checked_sub(1).map(|at| self.bytes[at]);
        let (bytes, doubt) = (self.bytes, self.doubt);
        let context = self.top();
        let is_bare = matches!(style, Style::Bare | Style::Joined);
        let is_raw = matches!(style, Style::Single | Style::SingleHere | Style::Comment);
        if style == Style::Comment {
            Demand::FREE_TEXT
        } else if doubt {
            Demand::typed("the script before this place cannot be followed")
        } else if is_macro && !is_raw && extends_variable(bytes, range.start) {
            Demand::nothing(
                Refusal::from("it would become a part of the name of the variable before it")
                    .or_write("write the variable as `${NAME}`"),
            )
        } else if before == Some(b'`') && !matches!(style, Style::Single | Style::SingleHere) {
            Demand::words("a backquote before it changes its first character")
        } else if style == Style::Verbatim {
            Demand::words("PowerShell has no quotes after `--%`")
        } else if is_bare && is_macro && context.wants_parentheses() {
            Demand::nothing(
                Refusal::from(
                    "PowerShell requires parentheses there, and rendering removes those of the macro",
                )
                .or_write("write `(\"($NAME)\")`"),
            )
        } else if context.is_run || context.runs_next() {
            let reason = Refusal::from(if is_bare && is_macro {
                "the text at this place is run as a command"
            } else {
                CALL_REASON
            });
            Demand::nothing(reason.or_write("write the name of the command itself"))
        } else if is_bare && is_macro && !context.has_head {
            // An assignment or a table has a value where another statement has its command.
            let is_value = context.is_value || !context.assigns.is_empty();
            let is_compared = context.closing == b')' && begins_operator(&bytes[range.end..]);
            if context.is_expression() && (is_value || is_compared || !context.head.is_empty()) {
                Demand::FREE_TEXT
            } else if context.head.is_empty() && context.closing == b')' {
                Demand::number(
                    Refusal::from("the text at this place is run as a command")
                        .or_write("write quotes around it if it is a value"),
                )
            } else {
                Demand::nothing("the text at this place is run as a command")
            }
        } else {
            Demand::FREE_TEXT
        }
    }

    /// Whether it names what is run if the text in which it is is code.
    fn is_named(&mut self, at: usize, style: Style) -> bool {
        let bytes = self.bytes;
        let context = self.top();
        let string =
            if matches!(style, Style::Bare | Style::Joined | Style::Verbatim) { at } else { context.string };
        let command = runs::is_named_behind(&bytes[context.start.min(string)..string]);
        let inside = &bytes[string.min(at)..at];
        if inside.trim_ascii().is_empty() { command } else { runs::is_named_behind(inside) }
    }

    /// A word or a string is complete.
    fn end_word(&mut self) {
        let context = self.top();
        if context.has_head || context.head.is_empty() {
            return;
        }
        context.run_by_dot();
        if context.head.is_empty() {
            return;
        }
        context.has_head = true;
        let head = context.head.to_ascii_lowercase();
        let block = self.block();
        block.runs = block.runs.max(runs::of_word(&head, true));
    }

    fn open(&mut self, closing: u8, length: usize) {
        self.at += length;
        let (mut assigns, start) = (self.top().assigns.clone(), self.at);
        if closing == b')' && assigns.len() < MOST_TARGETS {
            // `$list.Add(…)` puts what is in the parentheses into the variable.
            assigns.extend(variables::receiver(&self.bytes[..(start - length).min(self.bytes.len())]));
        }
        let is_parameters = closing == b')'
            && ["param", "function", "filter"].iter().any(|word| self.top().head.eq_ignore_ascii_case(word));
        let is_run = closing == b')' && (self.top().is_run || self.top().runs_next());
        self.stack.push(Context {
            closing,
            assigns,
            is_parameters,
            is_run,
            start,
            string: start,
            ..Context::default()
        });
    }

    fn close(&mut self) {
        if !self.top().in_string {
            self.end_word();
        }
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
        // `$script:NAME` is `NAME` here, wherever it lives. What is in the environment cmd.exe may have put there.
        let bare = match name.strip_prefix("env:") {
            Some(variable) if !variable.is_empty() => name.clone(),
            _ => name.rsplit(':').next().unwrap_or_default().to_owned(),
        };
        if bare.is_empty() {
            return;
        }
        let is_string = style == Style::Double || style == Style::DoubleHere;
        self.top().run_by_dot();
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
            // `$a[$b] = …`: what is between is read as well.
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
            Some(b'$') if self.byte(1) == Some(b'(') && !self.is_macro(self.at + 1) => self.open(b')', 2),
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

    /// How the macro at the cursor is, outside of quotes.
    fn bare_style(&mut self) -> Style {
        let range = self.uses[self.next].clone();
        let before = range.start.checked_sub(1).map(|at| self.bytes[at]);
        let after = self.bytes.get(range.end).copied();
        let open =
            |b: Option<u8>, signs: &[u8]| b.is_none_or(|b| b.is_ascii_whitespace() || signs.contains(&b));
        let alone = if self.top().is_expression() {
            open(before, b"=,(;{[|+-*/%!<>]") && open(after, b",;)}]|+-*/%.[")
        } else {
            open(before, b"=,(;{[|") && open(after, b",;)}]|")
        };
        if alone { Style::Bare } else { Style::Joined }
    }

    fn in_code(&mut self) {
        if self.at_macro() {
            let style = self.bare_style();
            self.macro_here(style);
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
            // `cmd @a` has for its arguments what the variable holds.
            b'@' if rest.get(1).is_some_and(u8::is_ascii_alphabetic) && !self.top().is_expression() => {
                self.end_word();
                self.variable(Style::Bare);
            }
            b'\'' => self.single(),
            b'"' => {
                self.string_in_head();
                self.at += 1;
                let start = self.at;
                let context = self.top().in_string(start);
                self.stack.push(context);
            }
            b'<' if rest.starts_with(b"<#") => {
                let end = rest
                    .windows(2)
                    .position(|two| two == b"#>")
                    .map_or(self.bytes.len(), |at| self.at + at + 2);
                self.comment(end);
            }
            // In the middle of a word it is a character of the word, and a value begins one.
            b'#' if !self.follows_macro()
                && (self.at == 0
                    || matches!(
                        self.bytes[self.at - 1],
                        b' ' | b'\t' | b'\n' | b';' | b'{' | b'}' | b'(' | b')' | b'|'
                    )) =>
            {
                let end = rest.iter().position(|&b| b == b'\n').map_or(self.bytes.len(), |at| self.at + at);
                self.comment(end);
            }
            b'$' if rest.starts_with(b"$(") && !self.is_macro(self.at + 1) => self.open(b')', 2),
            b'$' => self.variable_or_byte(Style::Bare),
            b'(' => self.open(b')', 1),
            b'{' => self.open_block(),
            b')' | b'}' => {
                self.doubt |= self.stack.len() > 1 && self.top().closing != byte;
                if byte == b'}' { self.close_block() } else { self.close() }
            }
            b'=' if self.top().is_table => {
                self.at += 1;
                self.new_command();
                self.top().is_value = true;
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
                self.top().call = true;
            }
            b' ' | b'\t' | b'\r' => {
                self.at += 1;
                self.end_word();
                let rest = &self.bytes[self.at..];
                if rest.starts_with(b"--%")
                    && rest.get(3).is_none_or(u8::is_ascii_whitespace)
                    && !self.top().is_expression()
                {
                    self.verbatim();
                }
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

    /// What is behind `--%`: text as it is, up to a `|` or the end of the line.
    fn verbatim(&mut self) {
        let rest = &self.bytes[self.at..];
        let end = rest.iter().position(|b| b"\n|".contains(b)).map_or(self.bytes.len(), |at| self.at + at);
        while self.uses.get(self.next).is_some_and(|found| found.start < end) {
            self.macro_here(Style::Verbatim);
        }
        self.at = end;
    }

    fn string_in_head(&mut self) {
        let context = self.top();
        context.run_by_dot();
        if !context.has_head {
            context.push('\u{FFFD}');
        }
    }

    fn single(&mut self) {
        self.string_in_head();
        self.at += 1;
        self.top().string = self.at;
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
        while self.uses.get(self.next).is_some_and(|found| found.start < end) {
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
        self.top().string = self.at;
        while self.at < end {
            if self.at_macro() {
                self.macro_here(style);
            } else if quote == b'"' && self.byte(0) == Some(b'`') {
                self.at += 1;
                if !self.at_macro() {
                    self.at += 1;
                }
            } else if quote == b'"' && self.bytes[self.at..].starts_with(b"$(") && !self.is_macro(self.at + 1)
            {
                // What is in such a substitution is code again, and not followed.
                let close =
                    self.bytes[self.at..end].iter().position(|&b| b == b'\n').map_or(end, |at| self.at + at);
                let start = self.at + 2;
                let before = self.subjects.len();
                while self.uses.get(self.next).is_some_and(|found| found.start < close) {
                    self.macro_here(style);
                }
                for subject in &mut self.subjects[before..] {
                    let inside = &self.bytes[start.min(subject.range.start)..subject.range.start];
                    let reason = "it is in a substitution in a here-string";
                    subject.demand = if runs::is_named_behind(inside) {
                        Demand::typed(reason)
                    } else {
                        Demand::word(reason)
                    };
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

const CALL_REASON: &str = "`&` and `.` run what follows them";
const CODE_REASON: &str = "the statement interprets it as a command or as code";
