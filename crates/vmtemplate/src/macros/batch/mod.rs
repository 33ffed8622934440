//! Where the macros of a batch file are.
//!
//! This follows the phases of cmd.exe closely enough to know, for each macro, whether it is inside quotes, in which
//! command, and what reads it afterwards. Where that cannot be determined, the place is one for harmless values only.

mod argv;
mod atoms;
mod classify;
mod commands;
mod files;
mod nested;
mod quote;
mod subject;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::rc::Rc;

use crate::macros::demand::{Demand, Refusal};
use crate::macros::find::MacroUse;
use crate::macros::follow::{self, follow, word_by_word};
use crate::macros::place::{MacroPlace, Quoting};

use atoms::{Atom, Atoms};
use classify::{Operand, before_block};
use nested::names_a_program;
use quote::{Delayed, Style};
use subject::{Facts, PIPED, Place, Reader, Subject};

/// Deeper blocks with redirections before them are not followed: each reads its line once more.
const MOST_FRAMES: usize = 50;

/// The place of each of these uses.
pub(super) fn places(bytes: &[u8], utf8: bool, uses: Vec<MacroUse>) -> Vec<MacroPlace> {
    let lower = bytes.to_ascii_lowercase();
    let has = |text: &[u8]| lower.windows(text.len()).any(|window| window == text);
    let can_enable = has(b"enabledelayedexpansion");
    let delayed = DelayedState {
        can_enable,
        can_disable: has(b"disabledelayedexpansion") || has(b"endlocal"),
        has_labels: lower.split(|&b| b == b'\n').map(<[u8]>::trim_ascii).any(is_label),
        now: Delayed::Off,
        pinned: false,
        stack: Vec::new(),
    };
    let mut parser = Parser::new(atoms::cut(bytes, &uses, can_enable), delayed);
    parser.run();
    parser.settle_files();
    let Parser { atoms, subjects, programs, holds_commands, .. } = parser;
    let mut all = programs;
    if holds_commands {
        // What PowerShell does with such a variable of the environment counts for it as well.
        let twins: Vec<_> = all.iter().filter_map(subject::twin).collect();
        all.extend(twins);
    }
    for subject in subjects {
        if holds_commands {
            all.extend(subject.as_argument(&atoms));
        }
        all.extend(subject.followed(&atoms, &uses));
    }
    follow(bytes, utf8, &all, uses)
}

fn is_label(line: &[u8]) -> bool {
    line.first() == Some(&b':') && line.get(1) != Some(&b':')
}

/// An open parenthesis, or the script itself.
#[derive(Debug, Default)]
struct Frame {
    /// The first subject of the commands that a `|` would join.
    element: usize,
    piped: bool,
    loops: usize,
    /// Those that are before the parenthesis; they mean the same behind it.
    redirections: Vec<Item>,
}

/// An atom unchanged in a command.
#[derive(Debug, Clone, Copy)]
#[allow(clippy::struct_excessive_bools)] // each is one fact about the place
struct Item {
    atom: Atom,
    /// Where it is in the script.
    at: u32,
    quoted: bool,
    /// A `^` is before it.
    escaped: bool,
    stray: bool,
    doubt: bool,
}

impl Item {
    fn is(&self, byte: u8) -> bool {
        self.atom == Atom::Byte(byte)
    }

    /// Whether it separates words.
    fn is_blank(&self) -> bool {
        !self.quoted && !self.escaped && matches!(self.atom, Atom::Byte(b' ' | b'\t'))
    }

    fn is_subject(&self) -> bool {
        matches!(self.atom, Atom::Macro(_) | Atom::Variable(_))
    }

    /// Whether it separates words for cmd.exe, which takes `,`, `;` and `=` for blanks.
    fn is_separator(&self) -> bool {
        !self.quoted && !self.escaped && matches!(self.atom, Atom::Byte(b' ' | b'\t' | b',' | b';' | b'='))
    }

    /// Whether it is one, or begins a variable of PowerShell.
    fn may_matter(&self) -> bool {
        self.is_subject() || self.is(b'$')
    }
}

/// Whether it is a `<` or `>` that leads to a file.
fn is_redirection(item: &Item) -> bool {
    matches!(item.atom, Atom::Byte(b'<' | b'>')) && !item.quoted && !item.escaped
}

/// Whether delayed expansion is on, as far as the text states.
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools)] // each is one fact about the script
struct DelayedState {
    can_enable: bool,
    can_disable: bool,
    has_labels: bool,
    now: Delayed,
    pinned: bool,
    stack: Vec<Delayed>,
}

impl DelayedState {
    /// A state that no command changes.
    fn fixed(now: Delayed) -> Self {
        let (can_enable, can_disable, has_labels) = (true, true, false);
        Self { can_enable, can_disable, has_labels, now, pinned: true, stack: Vec::new() }
    }

    fn pin(&mut self, state: Delayed) {
        (self.now, self.pinned) = (state, true);
    }

    fn setlocal(&mut self, enable: bool, disable: bool, conditional: bool) {
        if !self.can_enable || self.pinned {
            return;
        }
        if conditional || self.has_labels {
            // A jump may pass it by. The one case that is clear: it is on from the start to the end.
            if enable && !conditional && !self.can_disable {
                self.pin(Delayed::On);
            } else if enable || self.now != Delayed::Off {
                self.pin(Delayed::Unknown);
            }
            return;
        }
        self.stack.push(self.now);
        if enable {
            self.now = Delayed::On;
        } else if disable {
            self.now = Delayed::Off;
        }
    }

    fn endlocal(&mut self, conditional: bool) {
        if !self.can_enable || self.pinned {
            return;
        }
        if conditional || self.has_labels {
            self.pin(Delayed::Unknown);
        } else if let Some(before) = self.stack.pop() {
            self.now = before;
        }
    }

    /// From a label on, the script may have come from anywhere.
    fn label(&mut self) {
        if self.can_enable && !self.pinned {
            self.pin(Delayed::Unknown);
        }
    }
}

#[derive(Debug)]
struct Parser {
    atoms: Atoms,
    at: usize,
    subjects: Vec<Subject>,
    frames: Vec<Frame>,
    /// How many loops the current command is in.
    loops: usize,
    /// Whether the current line began with `if` or `for`.
    conditional: bool,
    delayed: DelayedState,
    facts: Facts,
    /// Variables that hold the name of a file that is run as code, and what runs it.
    code_files: HashMap<String, Reader>,
    /// What the script writes into files.
    files: Vec<files::Written>,
    /// Variables with the files that they name.
    named: Vec<(String, String)>,
    /// The variables that `set /p` asks for.
    questions: Vec<String>,
    /// The words of `type` in the command that is read, and the files that they name.
    shown: Vec<std::ops::Range<usize>>,
    shown_files: Vec<String>,
    /// The variables of the programs of PowerShell in the script, and those of the script in them.
    programs: Vec<follow::Subject<Quoting>>,
    /// Some variable has a macro as an argument of what may be a command.
    holds_commands: bool,
    /// How many commands this one is in.
    depth: usize,
}

/// A part of a command as [`Parser::operand`] reads it.
#[derive(Debug, Default)]
struct Word {
    items: Vec<Item>,
    /// Its plain characters, in lower case.
    text: String,
}

/// `for /f` sets no more variables (cmd.exe, `for /?`), and longer options are not read.
const MOST_TOKENS: u8 = 31;
const LONGEST_OPTIONS: usize = 300;

impl Parser {
    fn new(atoms: Atoms, delayed: DelayedState) -> Self {
        Self {
            atoms,
            at: 0,
            subjects: Vec::new(),
            frames: vec![Frame::default()],
            loops: 0,
            conditional: false,
            delayed,
            facts: Facts::default(),
            code_files: HashMap::new(),
            files: Vec::new(),
            named: Vec::new(),
            questions: Vec::new(),
            shown: Vec::new(),
            shown_files: Vec::new(),
            programs: Vec::new(),
            holds_commands: false,
            depth: 0,
        }
    }

    fn peek(&self, ahead: usize) -> Option<Atom> {
        self.atoms.list.get(self.at + ahead).map(|located| located.atom)
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        match self.peek(ahead) {
            Some(Atom::Byte(byte)) => Some(byte),
            _ => None,
        }
    }

    fn frame(&mut self) -> &mut Frame {
        if self.frames.is_empty() {
            self.frames.push(Frame::default());
        }
        let last = self.frames.len() - 1;
        &mut self.frames[last]
    }

    fn in_block(&self) -> bool {
        self.frames.len() > 1
    }

    fn is_conditional(&self) -> bool {
        self.conditional || self.in_block()
    }

    fn skip(&mut self, bytes: &[u8]) {
        while self.byte(0).is_some_and(|b| bytes.contains(&b)) {
            self.at += 1;
        }
    }

    /// What comes next is a new command, which no `|` joins to those before it.
    fn end_of_element(&mut self) {
        let element = self.subjects.len();
        self.shown_files.clear();
        let frame = self.frame();
        (frame.element, frame.piped) = (element, false);
    }

    fn run(&mut self) {
        loop {
            self.skip(b" \t,;=@");
            match self.peek(0) {
                None => return,
                Some(Atom::Newline) => {
                    self.at += 1;
                    self.end_of_element();
                    self.loops = self.frame().loops;
                    self.conditional &= self.in_block();
                }
                Some(Atom::Byte(b'(')) => self.open_block(Vec::new()),
                Some(Atom::Byte(b')')) if self.in_block() => {
                    self.at += 1;
                    let Frame { loops, redirections, .. } = self.frames.pop().unwrap_or_default();
                    self.loops = loops;
                    if !redirections.is_empty() {
                        self.classify(&redirections);
                    }
                    self.skip(b" \t");
                    if self.keyword("else") {
                        self.at += 4;
                    }
                }
                Some(Atom::Byte(b'&')) => {
                    self.at += 1;
                    self.end_of_element();
                }
                Some(Atom::Byte(b'|')) if self.byte(1) == Some(b'|') => {
                    self.at += 2;
                    self.end_of_element();
                }
                Some(Atom::Byte(b'|')) => {
                    self.at += 1;
                    let from = self.frame().element;
                    // Those behind the first pipe are reported when they are found.
                    if !std::mem::replace(&mut self.frame().piped, true) {
                        for subject in &mut self.subjects[from..] {
                            subject.demand(&Demand::words(PIPED));
                        }
                    }
                }
                Some(Atom::Byte(b':')) => self.label(),
                _ if self.keyword("rem") => self.comment(),
                _ if self.keyword("if") => self.condition(),
                _ if self.keyword("for") => self.for_loop(),
                _ => {
                    let before = self.at;
                    let items = self.simple();
                    match before_block(&items).filter(|_| self.frames.len() < MOST_FRAMES) {
                        Some(length) => {
                            self.at = before + length;
                            self.open_block(items[..length].to_vec());
                        }
                        None => self.classify(&items),
                    }
                }
            }
        }
    }

    /// The `(` at the cursor, behind these redirections.
    fn open_block(&mut self, redirections: Vec<Item>) {
        self.at += 1;
        let (element, loops) = (self.subjects.len(), self.loops);
        self.frames.push(Frame { element, piped: false, loops, redirections });
    }

    /// Whether this word, and not a longer one, comes next.
    fn keyword(&self, word: &str) -> bool {
        word.bytes()
            .enumerate()
            .all(|(i, b)| self.byte(i).is_some_and(|found| found.eq_ignore_ascii_case(&b)))
            && match self.peek(word.len()) {
                Some(Atom::Byte(b)) => !(b.is_ascii_alphanumeric() || b"_.-\\\"".contains(&b)),
                Some(Atom::Macro(_) | Atom::Variable(_)) => false,
                Some(Atom::Newline) | None => true,
            }
    }

    /// The atom at the cursor as an item; the cursor moves on.
    fn take(&mut self, quoted: bool, escaped: bool) -> Option<Item> {
        let located = *self.atoms.list.get(self.at)?;
        self.at += 1;
        let atoms::Located { atom, at, stray, doubt } = located;
        Some(Item { atom, at, quoted, escaped, stray, doubt })
    }

    /// A `^`, which also joins the next line.
    fn caret(&mut self) {
        self.at += 1;
        if self.peek(0) == Some(Atom::Newline) {
            self.at += 1;
        }
    }

    /// The items of a simple command, up to what ends it.
    fn simple(&mut self) -> Vec<Item> {
        let mut items = Vec::new();
        let (mut quoted, mut escaped) = (false, false);
        // A command has at least one item, so that nothing is looked at for ever.
        loop {
            match self.peek(0) {
                None | Some(Atom::Newline) => break,
                Some(Atom::Byte(b'"')) if !escaped => {
                    // The quotes themselves count as outside.
                    items.extend(self.take(false, false));
                    quoted = !quoted;
                    continue;
                }
                Some(Atom::Byte(b'^')) if !quoted && !escaped => {
                    self.caret();
                    escaped = true;
                    continue;
                }
                // `>&1` is a redirection to a stream.
                Some(Atom::Byte(b'&'))
                    if !quoted
                        && !escaped
                        && self.byte(1).is_some_and(|b| b.is_ascii_digit())
                        && items.last().is_some_and(is_redirection) =>
                {
                    items.extend(self.take(false, false));
                }
                Some(Atom::Byte(b'&' | b'|')) if !quoted && !escaped => break,
                Some(Atom::Byte(b')')) if !quoted && !escaped && self.in_block() => break,
                Some(_) => items.extend(self.take(quoted, escaped)),
            }
            escaped = false;
        }
        items
    }

    /// A word of `if` or `for`, in which parentheses are plain characters.
    fn operand(&mut self) -> Word {
        self.skip(b" \t,;=");
        let mut word = Word::default();
        let (mut quoted, mut escaped) = (false, false);
        loop {
            match self.peek(0) {
                None | Some(Atom::Newline) => break,
                Some(Atom::Byte(b'"')) if !escaped => {
                    quoted = !quoted;
                    word.items.extend(self.take(false, false));
                    word.text.push('"');
                    continue;
                }
                Some(Atom::Byte(b'^')) if !quoted && !escaped => {
                    self.caret();
                    escaped = true;
                    continue;
                }
                Some(Atom::Byte(b' ' | b'\t' | b',' | b';' | b'=' | b'&' | b'|' | b'<' | b'>'))
                    if !quoted && !escaped =>
                {
                    break;
                }
                Some(atom) => {
                    if let Atom::Byte(byte) = atom {
                        word.text.push(char::from(byte.to_ascii_lowercase()));
                    }
                    word.items.extend(self.take(quoted, escaped));
                }
            }
            escaped = false;
        }
        word
    }

    fn condition(&mut self) {
        self.at += 2;
        self.conditional = true;
        let mut word = self.operand();
        while matches!(word.text.as_str(), "/i" | "not") {
            word = self.operand();
        }
        let kind = match word.text.as_str() {
            "errorlevel" | "cmdextversion" => Operand::Number,
            "defined" | "exist" => Operand::Name,
            _ => {
                self.operand_of_if(&word.items, Operand::Text, true);
                self.skip(b" \t");
                if self.byte(0) != Some(b'=') {
                    // EQU, NEQ, …
                    let comparison = self.operand();
                    self.operand_of_if(&comparison.items, Operand::Comparison, false);
                }
                Operand::Text
            }
        };
        let operand = self.operand();
        self.operand_of_if(&operand.items, kind, false);
    }

    fn for_loop(&mut self) {
        self.at += 3;
        self.conditional = true;
        let mut options = Vec::new();
        let mut is_file = false;
        let mut letters = Vec::new();
        loop {
            self.skip(b" \t");
            let word = self.operand();
            if word.items.is_empty() || word.text == "in" {
                break;
            }
            is_file |= word.text.starts_with("/f");
            for item in &word.items {
                if let Atom::Variable(number) = item.atom {
                    letters.extend(
                        self.atoms.variables[number].name.strip_prefix("%%").and_then(|n| n.bytes().next()),
                    );
                }
            }
            // The variable is declared here, not expanded.
            let is_declared = matches!(word.items[..], [Item { atom: Atom::Variable(number), .. }]
                if self.atoms.variables[number].name.starts_with("%%"));
            if !is_declared {
                options.extend(word.items);
            }
        }
        self.mark_all(
            &options,
            "in the options of `for`",
            &Demand::words("they are read word by word"),
            &Rc::default(),
        );
        self.skip(b" \t");
        if self.byte(0) == Some(b'(') {
            self.at += 1;
            let set = self.set_of_for();
            let names = loop_variables(&letters, if is_file { tokens(&options) } else { 1 });
            let first = set.iter().find(|item| !item.is_blank()).map(|item| item.atom);
            if is_file && matches!(first, Some(Atom::Byte(b'\'' | b'`'))) {
                self.command_of_for(&set, &names);
            } else {
                let demand = Demand::words(
                    "`for` splits it into words and replaces `*` and `?` by file names".to_owned(),
                );
                self.facts = Facts::of(&set, &self.atoms.variables);
                let words: Rc<[String]> = names.iter().map(|name| word_by_word(name)).collect();
                for number in (0..set.len()).filter(|&number| set[number].is_subject()) {
                    let is_cut = !is_file && !set[number].quoted;
                    let assigns = Rc::clone(if is_cut { &words } else { &names });
                    let place = Place::new(Style::Text, "in the set of `for`", demand.clone());
                    self.mark(&set, number, Place { assigns, ..place });
                }
                if is_file {
                    self.read_set(&set, &names);
                }
            }
        }
        self.skip(b" \t");
        if self.keyword("do") {
            self.at += 2;
        }
        self.loops += 1;
    }

    /// The command between `'` or between backquotes that `for /f` runs.
    fn command_of_for(&mut self, set: &[Item], names: &Rc<[String]>) {
        let is_end = |item: &Item| item.is(b'\'') || item.is(b'`');
        let start = set.iter().position(is_end).map_or(0, |at| at + 1);
        let end = set.iter().rposition(is_end).filter(|&end| end >= start).unwrap_or(set.len());
        let inners = self.line(&set[..end], start, false);
        // Of `type FILE` they are the lines.
        self.read_set(&set[..end], names);
        self.read_shown_variables(&set[..end], start, names);
        self.facts = Facts::of(set, &self.atoms.variables);
        for number in (0..set.len()).filter(|&number| set[number].is_subject()) {
            let demand = inners.get(&number).map_or_else(names_a_program, |inner| inner.demand.clone());
            let demand =
                demand.max(Demand::words(Refusal::from("another cmd.exe reads it as a command").or_write(
                    "run the command before the loop with `> FILE`, and read that: `for /f … in (FILE)`",
                )));
            let place = Place::new(Style::Text, "in the command of `for /f`", demand);
            self.mark(set, number, Place { assigns: Rc::clone(names), ..place });
        }
    }

    /// What is between `(` and `)` behind `in`; it may go over several lines.
    fn set_of_for(&mut self) -> Vec<Item> {
        let mut items = Vec::new();
        let (mut quoted, mut escaped) = (false, false);
        loop {
            match self.peek(0) {
                None => break,
                Some(Atom::Newline) => {
                    quoted = false;
                    self.at += 1;
                }
                Some(Atom::Byte(b')')) if !quoted && !escaped => {
                    self.at += 1;
                    break;
                }
                Some(Atom::Byte(b'^')) if !quoted && !escaped => {
                    self.at += 1;
                    escaped = true;
                    continue;
                }
                Some(atom) => {
                    quoted ^= atom == Atom::Byte(b'"') && !escaped;
                    items.extend(self.take(quoted, escaped));
                }
            }
            escaped = false;
        }
        items
    }

    /// The rest of the line behind a label, or behind `::`.
    fn label(&mut self) {
        let is_comment = self.byte(1) == Some(b':');
        if !is_comment {
            self.delayed.label();
        }
        self.rest_of_line(0, is_comment);
    }

    fn comment(&mut self) {
        self.rest_of_line(3, true);
    }

    /// A comment or label: `skipped` atoms of its own, a first word that cmd.exe looks at, and a rest that it does not.
    fn rest_of_line(&mut self, skipped: usize, is_comment: bool) {
        let is_rem = skipped > 0;
        self.at += skipped;
        self.skip(b" \t");
        let mut items = Vec::new();
        while !matches!(self.peek(0), None | Some(Atom::Newline)) {
            items.extend(self.take(false, false));
        }
        let first = items.iter().position(Item::is_blank).unwrap_or(items.len());
        let (head, tail) = items.split_at(first);
        let (place, reason) = if is_comment {
            ("in the first word of a comment", "cmd.exe still interprets it")
        } else {
            ("in a label", "it decides where a jump leads")
        };
        let demand = if is_comment { Demand::words(reason) } else { Demand::word(reason) };
        self.mark_all(head, place, &demand, &Rc::default());
        let demand = if self.in_block() && !is_rem {
            Demand::words("a label or `::` inside parentheses does not end as a comment does")
        } else {
            Demand::FREE_TEXT
        };
        for (number, _) in tail.iter().enumerate().filter(|(_, item)| item.is_subject()) {
            self.mark(tail, number, Place::new(Style::Comment, "in a comment", demand.clone()));
        }
    }
}

/// How many variables `for /f` sets by these options: `"tokens=1,3-5*"` sets five, from the named one on.
fn tokens(options: &[Item]) -> u8 {
    let text: String = options
        .iter()
        .map(|item| match item.atom {
            Atom::Byte(byte) => char::from(byte.to_ascii_lowercase()),
            _ => char::REPLACEMENT_CHARACTER,
        })
        .filter(|&c| c != '^')
        .take(LONGEST_OPTIONS)
        .collect();
    if text.contains(char::REPLACEMENT_CHARACTER) || text.len() == LONGEST_OPTIONS {
        return MOST_TOKENS;
    }
    let Some((_, listed)) = text.split_once("tokens=") else { return 1 };
    let listed = listed.split([' ', '\t', '"']).next().unwrap_or_default();
    let number = |text: &str| text.parse::<u8>().ok();
    let count = |token: &str| match token.split_once('-') {
        Some((first, last)) => Some(number(last)?.saturating_sub(number(first)?).saturating_add(1)),
        None => number(token).map(|_| 1),
    };
    let rest = u8::from(listed.contains('*'));
    let tokens = listed.split([',', '*']).filter(|token| !token.is_empty());
    let all = tokens.map(count).try_fold(rest, |all, count| Some(all.saturating_add(count?)));
    all.unwrap_or(MOST_TOKENS).clamp(1, MOST_TOKENS)
}

/// The names under which the values of a set may come up in the body of a loop, which sets as many variables from each
/// of the named ones on.
fn loop_variables(letters: &[u8], count: u8) -> Rc<[String]> {
    let mut names = vec!["%%~".to_owned()];
    for &letter in letters {
        let last = letter.saturating_add(count - 1).min(b'~');
        names.extend((letter..=last).map(|letter| format!("%%{}", char::from(letter))));
    }
    names.sort_unstable();
    names.dedup();
    names.into()
}
