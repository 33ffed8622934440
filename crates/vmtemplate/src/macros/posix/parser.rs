//! The script cut into commands and words.

use std::ops::Range;
use std::rc::Rc;

use super::Subject;
use super::block::{Block, BlockKind, Command, Document, List, Redirect};
use super::commands::Stdin;
use super::files::Files;
use super::flows::{self, Flows};
use super::quote::{PosixPlace, Style};
use super::word::{UNKNOWN, Word};
use crate::macros::demand::Demand;
use crate::macros::follow::What;

/// How deep substitutions are followed in each other.
const DEEPEST: usize = 50;
const DOUBT: &str = "shells read the script before this place in different ways";

#[allow(clippy::struct_excessive_bools)] // each is one fact about the script
pub(super) struct Parser<'s> {
    pub(super) bytes: &'s [u8],
    /// What is not known before the script runs: macros, and in code also what the shell around it puts in.
    pub(super) marks: &'s [Range<usize>],
    pub(super) at: usize,
    next: usize,
    depth: usize,
    /// How many scripts this one is in.
    pub(super) level: usize,
    /// Here-documents whose lines are still to come.
    pub(super) documents: Vec<Document>,
    pub(super) subjects: Vec<Subject>,
    pub(super) flows: Flows,
    /// Something came that shells read differently, or that is not followed here: from there on quotes are not known.
    pub(super) doubt: bool,
    /// The script names bash as its interpreter.
    pub(super) is_bash: bool,
    /// What an earlier reading of the script found out.
    pub(super) known: Rc<Files>,
    /// The functions whose bodies are around the cursor.
    pub(super) functions: Vec<String>,
    /// `exec` sends what commands print to a file that is run.
    pub(super) prints_code: bool,
    /// `$_` is in the script.
    pub(super) reads_last_word: bool,
}

/// What a script holds.
pub(super) struct Scan {
    pub(super) subjects: Vec<Subject>,
    pub(super) flows: Flows,
    /// How a command in it reads the input that the script gets.
    pub(super) reads: Stdin,
}

/// What ends a list of commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Script,
    Parenthesis,
}

impl<'s> Parser<'s> {
    pub(super) fn new(bytes: &'s [u8], marks: &'s [Range<usize>], level: usize) -> Self {
        let first = bytes.split(|&b| b == b'\n').next().unwrap_or_default();
        Self {
            bytes,
            marks,
            at: if bytes.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 },
            next: 0,
            depth: 0,
            level,
            documents: Vec::new(),
            subjects: Vec::new(),
            flows: Flows::default(),
            doubt: false,
            is_bash: first.starts_with(b"#!") && first.windows(4).any(|name| name == b"bash"),
            known: Rc::default(),
            functions: Vec::new(),
            prints_code: false,
            reads_last_word: bytes.windows(3).any(|three| {
                three == b"${_"
                    || (three.starts_with(b"$_") && !three[2].is_ascii_alphanumeric() && three[2] != b'_')
            }),
        }
    }

    pub(super) fn scan(mut self) -> Scan {
        let list = self.list(End::Script);
        self.flows.settle(&mut self.subjects);
        Scan { subjects: self.subjects, flows: self.flows, reads: list.reads }
    }

    pub(super) fn byte(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    pub(super) fn starts_with(&self, text: &[u8]) -> bool {
        self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(text))
    }

    /// Whether a mark is at the cursor.
    pub(super) fn at_mark(&self) -> bool {
        self.is_mark(self.at)
    }

    /// The next place, from the cursor on, of such a byte; the end if there is none.
    pub(super) fn find(&self, is: impl Fn(u8) -> bool) -> usize {
        self.bytes[self.at..].iter().position(|&byte| is(byte)).map_or(self.bytes.len(), |at| self.at + at)
    }

    /// The mark at the cursor, as a part of `word`; the cursor moves behind it.
    pub(super) fn mark(&mut self, word: &mut Word, style: Style) -> usize {
        let range = self.marks[self.next].clone();
        let what = What::Macro(self.next);
        self.next += 1;
        self.at = range.end;
        self.subject(word, what, range, style)
    }

    /// A piece of `word` whose place matters.
    pub(super) fn subject(
        &mut self,
        word: &mut Word,
        what: What,
        range: Range<usize>,
        style: Style,
    ) -> usize {
        let escaped = matches!(what, What::Macro(_))
            && !matches!(style, Style::Single | Style::Raw)
            && range.start.checked_sub(1).is_some_and(|at| self.bytes[at] == b'\\');
        let mut demand = Demand::FREE_TEXT;
        if escaped {
            demand = Demand::word("a `\\` before it changes its first character");
        }
        if self.doubt {
            demand = demand.max(Demand::typed(DOUBT));
        }
        let place = match style {
            Style::Bare => "outside quotes",
            Style::Single => "inside single quotes",
            Style::Double => "inside double quotes",
            Style::Document | Style::Raw => "in a here-document or comment",
        };
        let quoting = PosixPlace {
            before_redirection: matches!(self.bytes.get(range.end), Some(b'<' | b'>')),
            ..PosixPlace::new(style)
        };
        let number = self.subjects.len();
        word.hole(number..number + 1, false);
        self.subjects.push(Subject {
            what,
            range,
            place: place.to_owned(),
            demand,
            quoting,
            assigns: Rc::default(),
        });
        number
    }

    /// Give up on all marks before `end`, for this reason; the cursor moves there.
    pub(super) fn skip(&mut self, end: usize, demand: &Demand) {
        let mut word = Word::new(self.subjects.len());
        while self.marks.get(self.next).is_some_and(|mark| mark.start < end) {
            let subject = self.mark(&mut word, Style::Raw);
            self.subjects[subject].demand(demand);
        }
        self.at = self.at.max(end).min(self.bytes.len());
    }

    /// The commands in `(…)` or `$(…)`, whose opening the cursor is behind.
    pub(super) fn nested(&mut self) -> List {
        let documents = self.documents.len();
        let list = self.list(End::Parenthesis);
        // Shells do not agree on where the lines of a document are that began in a list which has ended.
        self.doubt |= self.documents.len() > documents;
        list
    }

    fn list(&mut self, end: End) -> List {
        let mut list = List::new(self.subjects.len(), self.documents.len());
        if !self.enter() {
            return list;
        }
        while let Some(byte) = self.byte(0) {
            if self.at_mark() {
                let word = self.word();
                self.take_word(&mut list, word);
                continue;
            }
            if list.command.in_brackets() && b"&|()<>\n".contains(&byte) {
                let length = 1 + usize::from(matches!(byte, b'&' | b'|') && self.byte(1) == Some(byte));
                let text = String::from_utf8_lossy(&self.bytes[self.at..self.at + length]).into_owned();
                self.at += length;
                list.command.words.push(Word::literal(&text, self.subjects.len()));
                continue;
            }
            match byte {
                b' ' | b'\t' | b'\r' => self.at += 1,
                b'\\' if self.byte(1) == Some(b'\n') => self.at += 2,
                b'\n' => {
                    if !list.in_patterns() && !list.command.awaits_in() {
                        self.end_command(&mut list, true);
                    }
                    self.at += 1;
                    self.read_documents();
                    self.renew(&mut list);
                }
                b'#' => self.comment(),
                b';' => self.semicolon(&mut list),
                b'&' if self.byte(1) == Some(b'>') => {
                    self.at += 1;
                    list.command.torn = !self.is_bash;
                }
                b'&' => {
                    self.end_command(&mut list, true);
                    self.at += 1 + usize::from(self.byte(1) == Some(b'&'));
                }
                b'|' if list.in_patterns() => self.at += 1,
                b'|' => self.bar(&mut list),
                b'(' => self.parenthesis(&mut list),
                b')' => {
                    self.at += 1;
                    if list.in_patterns() {
                        self.end_patterns(&mut list);
                    } else if end == End::Parenthesis {
                        break;
                    } else {
                        // More are closed than were opened.
                        self.doubt = true;
                    }
                }
                b'<' | b'>' if self.byte(1) != Some(b'(') || self.is_mark(self.at + 1) => {
                    self.redirection(&mut list);
                }
                _ => {
                    let word = self.word();
                    self.take_word(&mut list, word);
                }
            }
        }
        self.end_command(&mut list, true);
        self.leave();
        list
    }

    /// Go one substitution deeper. Too deep, all that is left of the script is given up.
    pub(super) fn enter(&mut self) -> bool {
        if self.depth >= DEEPEST {
            self.skip(self.bytes.len(), &Demand::nothing("substitutions are nested too deep before it"));
            return false;
        }
        self.depth += 1;
        true
    }

    pub(super) fn leave(&mut self) {
        self.depth -= 1;
    }

    fn comment(&mut self) {
        let end = self.find(|byte| byte == b'\n');
        let mut word = Word::new(self.subjects.len());
        while self.marks.get(self.next).is_some_and(|mark| mark.start < end) {
            let subject = self.mark(&mut word, Style::Raw);
            "in a comment".clone_into(&mut self.subjects[subject].place);
            self.subjects[subject].demand = Demand::FREE_TEXT;
        }
        self.at = end;
    }

    fn semicolon(&mut self, list: &mut List) {
        self.end_command(list, true);
        self.at += 1;
        if matches!(self.byte(0), Some(b';' | b'&')) {
            while matches!(self.byte(0), Some(b';' | b'&')) {
                self.at += 1;
            }
            match list.blocks.last_mut() {
                Some(block) if block.kind == BlockKind::Item => block.kind = BlockKind::Patterns,
                _ => self.doubt = true,
            }
        }
    }

    fn bar(&mut self, list: &mut List) {
        let is_or = self.byte(1) == Some(b'|');
        self.at += 1;
        if is_or {
            self.end_command(list, true);
            self.at += 1;
        } else {
            self.at += usize::from(self.byte(0) == Some(b'&'));
            self.end_command(list, false);
        }
    }

    /// A `(` that begins no word: a subshell, a calculation, a function, or what is before a pattern.
    fn parenthesis(&mut self, list: &mut List) {
        if list.in_patterns() {
            self.at += 1;
        } else if self.byte(1) == Some(b')') {
            // The definition of a function.
            self.at += 2;
            if let [word] = &list.command.words[..] {
                list.function = Some(word.text.clone());
                self.flows.function(&word.text);
            }
            list.command.words.clear();
        } else if self.byte(1) == Some(b'(') && matches!(list.command.name(), "" | "for") {
            self.at += 2;
            let mut word = Word::new(self.subjects.len());
            self.arithmetic(&mut word, &Style::Bare, 2);
        } else {
            // Behind a word it is a pattern of ksh and bash.
            self.doubt |= !list.command.is_empty();
            self.at += 1;
            let first = self.subjects.len();
            let function = list.function.take();
            self.functions.extend(function.clone());
            let inner = self.nested();
            if let Some(function) = function {
                self.end_function(&function, first);
            }
            let runs = inner.runs;
            list.runs.extend(runs);
            list.command.closed = Some(")");
            list.command.first = first.min(list.command.first);
            list.command.reads = inner.reads;
        }
    }

    /// Nothing was read yet of the command that is next.
    pub(super) fn renew(&self, list: &mut List) {
        if list.command.is_empty() && list.command.closed.is_none() {
            list.command.first = self.subjects.len();
            list.command.first_document = self.documents.len();
            if !list.command.piped {
                list.pipeline = (self.subjects.len(), self.documents.len());
            }
        }
    }

    fn end_command(&mut self, list: &mut List, ends_pipeline: bool) {
        let empty = list.command.is_empty() && list.command.closed.is_none();
        if empty && list.command.piped && ends_pipeline && self.byte(0) == Some(b'\n') {
            // The pipeline goes on in the next line.
            return;
        }
        let command = std::mem::take(&mut list.command);
        if !empty {
            self.finish(list, &command);
            if !ends_pipeline {
                self.flows.piped(command.first..self.subjects.len(), command.name());
            }
        }
        list.command.first = self.subjects.len();
        list.command.first_document = self.documents.len();
        list.command.piped = !ends_pipeline;
        if ends_pipeline {
            list.pipeline = (self.subjects.len(), self.documents.len());
            list.printed = None;
        }
    }

    fn take_word(&mut self, list: &mut List, word: Word) {
        if let Some(redirect) = list.command.redirect.take() {
            list.command.redirects.push((redirect, word));
            return;
        }
        if list.in_patterns() {
            if !word.quoted && word.text == "esac" {
                self.close(list, BlockKind::Patterns, "esac");
            } else {
                list.command.words.push(word);
            }
            return;
        }
        let command = &mut list.command;
        let begins = command.words.is_empty() && command.assignments.is_empty();
        if begins && !word.quoted && command.redirects.is_empty() && self.keyword(list, &word) {
            return;
        }
        let command = &mut list.command;
        // Behind a compound command there are redirections only.
        self.doubt |= command.closed.is_some();
        if command.words.is_empty() && command.timed && word.text.starts_with('-') {
            return;
        }
        if command.words.is_empty() && word.assigned().is_some() {
            command.assignments.push(word);
            return;
        }
        let is_digits = !word.text.is_empty() && word.text.bytes().all(|b| b.is_ascii_digit());
        if is_digits && !word.quoted && matches!(self.byte(0), Some(b'<' | b'>')) {
            // The number of a stream.
            return;
        }
        command.words.push(word);
        let words = &command.words;
        match (words[0].text.as_str(), words.len()) {
            ("function", 2) => {
                let name = words[1].text.clone();
                self.flows.function(&name);
                list.function = Some(name);
                list.command.words.clear();
            }
            ("for" | "select", 3) if words[2].text == "do" && !words[2].quoted => {
                list.command.words.pop();
                self.end_command(list, true);
            }
            ("case", 3) => {
                self.doubt |= words[2].text != "in" || words[2].quoted;
                let command = std::mem::take(&mut list.command);
                self.finish(list, &command);
                self.open(list, BlockKind::Patterns, &command);
                // The `)` behind a pattern may be taken for the end of the substitution around it.
                self.doubt |= self.depth > 1 && !self.pattern_is_opened();
            }
            _ => {}
        }
    }

    fn pattern_is_opened(&self) -> bool {
        self.bytes[self.at..].iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'(')
    }

    /// Whether the word is a keyword, which is done with then.
    fn keyword(&mut self, list: &mut List, word: &Word) -> bool {
        let kind = match word.text.as_str() {
            "if" => BlockKind::If,
            "{" => BlockKind::Brace,
            "while" | "until" => BlockKind::Loop,
            "for" | "select" => {
                let command = std::mem::take(&mut list.command);
                self.open(list, BlockKind::Loop, &command);
                list.command.words.push(word.clone());
                return true;
            }
            "then" | "else" | "elif" | "do" | "!" => {
                if list.command.closed.is_some() {
                    self.end_command(list, true);
                }
                return true;
            }
            "time" => {
                list.command.timed = true;
                return true;
            }
            "}" => return self.close(list, BlockKind::Brace, "}"),
            "fi" => return self.close(list, BlockKind::If, "fi"),
            "done" => return self.close(list, BlockKind::Loop, "done"),
            "esac" => return self.close(list, BlockKind::Item, "esac"),
            _ => return false,
        };
        let command = std::mem::take(&mut list.command);
        self.open(list, kind, &command);
        true
    }

    /// The body of the function is complete, which began at this subject: all in it may be what it prints.
    fn end_function(&mut self, function: &str, first: usize) {
        self.functions.pop();
        if self.functions.len() > DEEPEST {
            // All that is in it is in the functions around it as well.
            return;
        }
        let output = flows::output(function);
        for subject in &mut self.subjects[first..] {
            flows::add(subject, [output.as_str()]);
        }
    }

    /// The variable that stands for all parameters here.
    pub(super) fn parameter(&self) -> String {
        self.functions.last().map_or_else(|| flows::PARAMETER.to_owned(), |name| flows::parameter(name))
    }

    fn open(&mut self, list: &mut List, kind: BlockKind, command: &Command) {
        self.functions.extend(list.function.clone());
        list.blocks.push(Block {
            kind,
            pipeline: list.pipeline,
            printed: list.printed.take(),
            first: command.first,
            piped: command.piped,
            reads: Stdin::Data,
            function: list.function.take(),
        });
        let (subjects, documents) = (self.subjects.len(), self.documents.len());
        list.pipeline = (subjects, documents);
        list.command = Command { first: subjects, first_document: documents, ..Command::default() };
    }

    fn close(&mut self, list: &mut List, kind: BlockKind, keyword: &'static str) -> bool {
        if list.command.closed.is_some() {
            self.end_command(list, true);
        }
        match list.blocks.pop() {
            Some(block) if block.kind == kind => {
                if let Some(function) = &block.function {
                    self.end_function(function, block.first);
                }
                list.pipeline = block.pipeline;
                list.printed = block.printed;
                list.command = Command {
                    first: block.first,
                    first_document: self.documents.len(),
                    piped: block.piped,
                    closed: Some(keyword),
                    reads: if block.function.is_some() { Stdin::Data } else { block.reads },
                    ..Command::default()
                };
            }
            _ => self.doubt = true,
        }
        true
    }

    fn end_patterns(&mut self, list: &mut List) {
        let command = std::mem::take(&mut list.command);
        self.patterns(&command.words);
        if let Some(block) = list.blocks.last_mut() {
            block.kind = BlockKind::Item;
        }
        list.command.first = self.subjects.len();
        list.command.first_document = self.documents.len();
        list.pipeline = (self.subjects.len(), self.documents.len());
    }

    fn redirection(&mut self, list: &mut List) {
        if self.starts_with(b"<<") && self.byte(2) != Some(b'<') {
            self.open_document();
            return;
        }
        let kind = match (self.byte(0), self.starts_with(b"<<<")) {
            (_, true) => Redirect::Text,
            (Some(b'<'), _) if self.byte(1) != Some(b'>') => Redirect::Input,
            _ => Redirect::Output,
        };
        while matches!(self.byte(0), Some(b'<' | b'>' | b'&' | b'|'))
            && (self.byte(1) != Some(b'(') || self.is_mark(self.at + 1))
        {
            self.at += 1;
        }
        list.command.redirect = Some(kind);
    }

    /// Whether the next mark begins here.
    pub(super) fn is_mark(&self, at: usize) -> bool {
        self.marks.get(self.next).is_some_and(|mark| mark.start == at)
    }

    /// The word that begins at the cursor, which moves behind it.
    pub(super) fn word(&mut self) -> Word {
        let mut word = Word::new(self.subjects.len());
        let start = self.at;
        while let Some(byte) = self.byte(0) {
            if self.at_mark() {
                self.mark(&mut word, Style::Bare);
                continue;
            }
            match byte {
                b'<' | b'>'
                    if self.byte(1) == Some(b'(') && !self.is_mark(self.at + 1) && word.text.is_empty() =>
                {
                    self.substitution(&mut word, 2);
                }
                b'(' if word.text.ends_with('=') && word.assigned().is_some() && !word.quoted => {
                    self.array(&mut word);
                }
                b' ' | b'\t' | b'\r' | b'\n' | b';' | b'&' | b'|' | b'<' | b'>' | b')' => break,
                b'(' => {
                    // A pattern of ksh and bash, or the definition of a function.
                    self.doubt |= self.byte(1) != Some(b')');
                    break;
                }
                b'\\' => self.backslash(&mut word),
                b'\'' => self.single(&mut word),
                b'"' => self.double(&mut word),
                b'$' | b'`' => self.expansion(&mut word, &Style::Bare),
                _ => {
                    word.text.push(char::from(byte));
                    self.at += 1;
                }
            }
        }
        word.span = start..self.at.min(self.bytes.len());
        word
    }

    /// The elements of an array, from their `(` on.
    fn array(&mut self, word: &mut Word) {
        if !self.enter() {
            return;
        }
        self.at += 1;
        let from = self.subjects.len();
        while let Some(byte) = self.byte(0) {
            let element = match byte {
                _ if self.at_mark() => self.word(),
                b')' => {
                    self.at += 1;
                    break;
                }
                b' ' | b'\t' | b'\r' | b'\n' => {
                    self.at += 1;
                    continue;
                }
                b'#' => {
                    self.comment();
                    continue;
                }
                b';' | b'&' | b'|' | b'<' | b'>' | b'(' => {
                    self.doubt = true;
                    self.at += 1;
                    continue;
                }
                _ => self.word(),
            };
            self.element(&element);
            if let [hole] = &element.holes[..]
                && element.text.len() == UNKNOWN.len_utf8()
                && !hole.printed
                // `$'…'` without a value has none.
                && !hole.subjects.is_empty()
                && self.subjects[hole.subjects.start].quoting.style == Style::Bare
            {
                word.cut.push(hole.subjects.start);
            }
        }
        self.leave();
        word.hole(from..self.subjects.len(), true);
    }

    /// A backslash and what it is before; a mark there is left for its turn.
    pub(super) fn backslash(&mut self, word: &mut Word) {
        self.at += 1;
        word.quoted = true;
        if self.at_mark() {
            return;
        }
        match self.byte(0) {
            Some(b'\n') | None => {}
            Some(byte) => word.text.push(char::from(byte)),
        }
        self.at = (self.at + 1).min(self.bytes.len());
    }

    fn single(&mut self, word: &mut Word) {
        self.at += 1;
        word.quoted = true;
        while let Some(byte) = self.byte(0) {
            if self.at_mark() {
                self.mark(word, Style::Single);
                continue;
            }
            self.at += 1;
            if byte == b'\'' {
                break;
            }
            word.text.push(char::from(byte));
        }
    }

    pub(super) fn double(&mut self, word: &mut Word) {
        self.at += 1;
        word.quoted = true;
        while let Some(byte) = self.byte(0) {
            if self.at_mark() {
                self.mark(word, Style::Double);
                continue;
            }
            match byte {
                b'"' => {
                    self.at += 1;
                    break;
                }
                b'\\' => {
                    if !matches!(self.byte(1), Some(b'"' | b'\\' | b'$' | b'`' | b'\n')) {
                        word.text.push('\\');
                    }
                    self.backslash(word);
                }
                b'$' | b'`' => self.expansion(word, &Style::Double),
                _ => {
                    word.text.push(char::from(byte));
                    self.at += 1;
                }
            }
        }
    }
}
