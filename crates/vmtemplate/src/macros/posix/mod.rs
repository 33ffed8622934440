//! Where the macros of a shell script stand, and how values are written there.
//!
//! After POSIX.1-2024, Shell Command Language, 2.2 (quoting), 2.3 (tokens), 2.7.4 (here-documents); what bash adds is
//! recognised and taken for a place of harmless values.

mod document;
mod flows;
mod quote;

use std::ops::Range;
use std::rc::Rc;

use super::demand::Demand;
use super::find::MacroUse;
use super::follow::{self, What, follow};
use super::place::MacroPlace;

use document::Document;
use flows::{Flows, PARAMETER};
pub(super) use quote::PosixPlace;
use quote::Style;

type Subject = follow::Subject<PosixPlace>;

/// Commands whose arguments are commands or code.
const CODE: [&str; 55] = [
    "ash", "awk", "bash", "batch", "builtin", "busybox", "chroot", "command", "coproc", "crontab", "csh",
    "dash", "doas", "docker", "ed", "env", "eval", "ex", "exec", "expect", "find", "flock", "gawk", "ksh",
    "lua", "mawk", "nice", "node", "nohup", "nsenter", "parallel", "perl", "php", "pwsh", "python",
    "python2", "python3", "ruby", "runuser", "sed", "setsid", "sh", "ssh", "stdbuf", "su", "sudo", "tclsh",
    "time", "timeout", "trap", "unshare", "vi", "watch", "xargs", "zsh",
];
/// Commands that name variables, files to run, or formats by their arguments.
const NAMES: [&str; 9] = [".", "alias", "getopts", "let", "read", "set", "source", "type", "unset"];
/// Commands that set variables from what they read.
const READS: [&str; 3] = ["mapfile", "read", "readarray"];
/// How deep substitutions are followed in each other.
const DEEPEST: usize = 50;
const DECLARATIONS: [&str; 5] = ["declare", "export", "local", "readonly", "typeset"];
const KEYWORDS: [&str; 12] =
    ["if", "then", "else", "elif", "do", "while", "until", "!", "{", "}", "fi", "done"];
/// Ends of names of files that are run or read as code.
const CODE_FILES: [&str; 8] = [".sh", ".bash", ".py", ".pl", ".rb", ".cmd", ".bat", ".ps1"];

const DOUBT: &str = "what stands before it in the script is not read in the same way by every shell";
const CODE_REASON: &str = "takes its arguments for commands or code";

pub(super) fn places(bytes: &[u8], utf8: bool, uses: Vec<MacroUse>) -> Vec<MacroPlace> {
    let mut scanner = Scanner {
        bytes,
        uses: &uses,
        at: if bytes.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 },
        next: 0,
        stack: vec![Context::new(Kind::Commands)],
        documents: Vec::new(),
        subjects: Vec::new(),
        flows: Flows::default(),
        doubt: false,
    };
    scanner.run();
    scanner.flows.settle(&mut scanner.subjects);
    let Scanner { subjects, .. } = scanner;
    follow(bytes, utf8, &subjects, uses)
}

#[derive(Debug, PartialEq, Eq, Clone, Copy)]
enum Kind {
    /// Commands up to the end or to a `)`.
    Commands,
    Double,
}

#[derive(Debug)]
#[allow(clippy::struct_excessive_bools)] // each is one fact about the command
struct Context {
    kind: Kind,
    /// The first subject of the pipeline that is being read.
    pipeline: usize,
    /// The first subject of the command that is being read.
    first: usize,
    /// How many words of the command are complete; assignments and redirections do not count.
    words: usize,
    name: String,
    /// The word that is being read, without quotes.
    word: String,
    in_word: bool,
    redirect: bool,
    list: bool,
    /// The variable of a `for`.
    loop_variable: String,
    /// What is printed in it is read by a command outside.
    is_input: bool,
    /// What becomes of all that the pipeline gets.
    code: Option<Demand>,
}

impl Context {
    fn new(kind: Kind) -> Self {
        Self {
            kind,
            pipeline: 0,
            first: 0,
            words: 0,
            name: String::new(),
            word: String::new(),
            in_word: false,
            redirect: false,
            list: false,
            loop_variable: String::new(),
            is_input: false,
            code: None,
        }
    }

    /// One more character of the word. Of a long one only the beginning counts.
    fn push(&mut self, c: char) {
        if self.word.len() < 200 {
            self.word.push(c);
        }
    }

    fn new_command(&mut self, first: usize) {
        *self = Self {
            pipeline: self.pipeline,
            first,
            is_input: self.is_input,
            code: self.code.take(),
            ..Self::new(self.kind)
        };
    }

    fn declares(&self) -> bool {
        DECLARATIONS.contains(&self.name.as_str())
    }

    /// The variable that the word which is being read assigns to.
    fn assigned(&self) -> Option<String> {
        if self.kind != Kind::Commands || !(self.words == 0 || self.declares()) {
            return None;
        }
        let name = self.word[..self.word.find('=')?].trim_end_matches('+');
        is_name(name).then(|| name.to_owned())
    }
}

struct Scanner<'s> {
    bytes: &'s [u8],
    uses: &'s [MacroUse],
    at: usize,
    next: usize,
    stack: Vec<Context>,
    documents: Vec<Document>,
    subjects: Vec<Subject>,
    flows: Flows,
    /// Something came that shells read differently, or that is not followed here: from there on quotes are not known.
    doubt: bool,
}

impl Scanner<'_> {
    fn byte(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    fn top(&mut self) -> &mut Context {
        if self.stack.is_empty() {
            self.stack.push(Context::new(Kind::Commands));
        }
        let last = self.stack.len() - 1;
        &mut self.stack[last]
    }

    /// The context of commands around the current one.
    fn commands(&mut self) -> &mut Context {
        let at = self.stack.iter().rposition(|context| context.kind == Kind::Commands).unwrap_or(0);
        if self.stack.is_empty() {
            self.stack.push(Context::new(Kind::Commands));
        }
        &mut self.stack[at]
    }

    fn run(&mut self) {
        while self.at < self.bytes.len() {
            if self.uses.get(self.next).is_some_and(|found| found.range.start == self.at) {
                let style = if self.top().kind == Kind::Double { Style::Double } else { Style::Bare };
                self.macro_here(style, None);
            } else if self.top().kind == Kind::Double {
                self.in_double();
            } else {
                self.in_commands();
            }
        }
    }

    /// The macro at the cursor; the cursor moves behind it.
    fn macro_here(&mut self, style: Style, demand: Option<Demand>) {
        let number = self.next;
        let range = self.uses[number].range.clone();
        self.at = range.end;
        self.next += 1;
        self.subject(What::Macro(number), range, style, demand);
        let commands = self.commands();
        commands.in_word = true;
        commands.push('\u{FFFD}');
    }

    /// All macros before `end` get this demand; the cursor moves there.
    fn macros_until(&mut self, end: usize, style: &Style, demand: &Demand) {
        while self.uses.get(self.next).is_some_and(|found| found.range.start < end) {
            self.macro_here(style.clone(), Some(demand.clone()));
        }
        self.at = self.at.max(end).min(self.bytes.len());
        self.commands().in_word = true;
    }

    fn subject(&mut self, what: What, range: Range<usize>, style: Style, demand: Option<Demand>) {
        let escaped =
            range.start.checked_sub(1).is_some_and(|at| self.bytes[at] == b'\\') && style != Style::Single;
        let after = self.bytes.get(range.end).copied();
        let commands = self.commands();
        let declares = commands.declares();
        let assigns = commands.assigned();
        let name = commands.name.clone();
        let own = if commands.redirect {
            Demand::words("it names the file that is written or read".to_owned())
        } else if commands.words == 0 && assigns.is_none() {
            Demand::nothing("what stands here is run as a command".to_owned())
        } else if commands.words > 0 && CODE.contains(&name.as_str()) {
            Demand::typed(format!("`{name}` {CODE_REASON}"))
        } else if NAMES.contains(&name.as_str()) || (declares && assigns.is_none()) {
            Demand::typed(format!("`{name}` takes its arguments for names"))
        } else if name == "for" && !commands.list {
            Demand::nothing("it would name the variable of a loop".to_owned())
        } else if name == "printf" && commands.words == 1 {
            Demand::words("`printf` takes its first argument for a format".to_owned())
        } else {
            Demand::FREE_TEXT
        };
        let mut demand = demand.map_or(own.clone(), |given| given.max(own));
        if matches!(style, Style::Raw | Style::Document) {
            demand = Demand::FREE_TEXT;
        }
        if escaped && matches!(what, What::Macro(_)) {
            demand = demand
                .max(Demand::words("a `\\` stands before it and changes its first character".to_owned()));
        }
        if self.doubt {
            demand = demand.max(Demand::typed(DOUBT.to_owned()));
        }
        let commands = self.commands();
        let quotes = match style {
            Style::Bare => "outside of quotes",
            Style::Single => "inside single quotes",
            Style::Double => "inside double quotes",
            Style::Document | Style::Raw => "in a here-document or comment",
        };
        let place = match (assigns.is_some(), name.is_empty()) {
            (true, _) => format!("{quotes}, in an assignment"),
            (false, true) => quotes.to_owned(),
            (false, false) => format!("{quotes}, in an argument of `{name}`"),
        };
        let quoting = PosixPlace {
            takes_words: commands.word.is_empty()
                && commands.words > 0
                && assigns.is_none()
                && !commands.redirect
                && !matches!(name.as_str(), "case" | "[" | "[[" | "test"),
            begins_argument: commands.word.is_empty()
                && commands.words > 0
                && !matches!(style, Style::Document | Style::Raw),
            echo: name == "echo" && !matches!(style, Style::Raw),
            test: matches!(name.as_str(), "[" | "[[" | "test"),
            before_redirection: matches!(after, Some(b'<' | b'>')),
            line: None,
            whole: assigns.is_some() && !declares,
            loses_tabs: false,
            style,
        };
        let assigns = self.variables_that_get_it();
        self.flows.note(&self.stack, self.subjects.len());
        self.subjects.push(Subject { what, range, place, demand, quoting, assigns });
    }

    /// The variables that get what stands at the cursor: `v=…`, `v=$(…)`, `for v in …`.
    fn variables_that_get_it(&self) -> Rc<[String]> {
        let around = self.stack.iter().rev().take(DEEPEST);
        let mut names: Vec<String> = around.clone().filter_map(Context::assigned).collect();
        let lists = around.filter(|context| context.list);
        names.extend(lists.map(|context| context.loop_variable.clone()));
        names.into()
    }

    /// Everything since the beginning of the pipeline is read as code.
    fn taint_pipeline(&mut self, reason: &str) {
        let demand = Demand::typed(reason.to_owned());
        let from = self.commands().pipeline;
        for subject in &mut self.subjects[from..] {
            subject.demand(&demand);
        }
        // Once is enough.
        let subjects = self.subjects.len();
        self.commands().pipeline = subjects;
        for document in &mut self.documents {
            document.demand = document.demand.clone().max(demand.clone());
        }
        self.commands().code = Some(demand);
    }

    fn end_word(&mut self) {
        let commands = self.commands();
        if !commands.in_word {
            return;
        }
        commands.in_word = false;
        let word = std::mem::take(&mut commands.word);
        if commands.redirect {
            commands.redirect = false;
            if CODE_FILES.iter().any(|ending| word.to_ascii_lowercase().ends_with(ending)) {
                self.taint_pipeline("it is written to a file that is run later");
            }
            return;
        }
        if commands.words == 0 {
            let is_assignment =
                word.split_once('=').is_some_and(|(name, _)| is_name(name.trim_end_matches('+')));
            if is_assignment || KEYWORDS.contains(&word.as_str()) {
                if matches!(word.as_str(), "}" | "fi" | "done" | "esac") {
                    // It ends a command, and what is behind it is of that command.
                    commands.name = word;
                }
                return;
            }
            word.rsplit('/').next().unwrap_or_default().clone_into(&mut commands.name);
            commands.words = 1;
            let name = commands.name.clone();
            if READS.contains(&name.as_str()) {
                self.flows.read("");
            }
            let variables = self.variables_that_get_it();
            if !variables.is_empty() {
                self.flows.prints(&name, variables.to_vec());
            }
            let commands = self.commands();
            if CODE.contains(&commands.name.as_str()) {
                let reason = format!("`{}` {CODE_REASON}", commands.name);
                self.taint_pipeline(&reason);
            }
            return;
        }
        commands.words += 1;
        let is_loop = matches!(commands.name.as_str(), "for" | "select");
        if is_loop && word == "in" {
            commands.list = true;
        } else if is_loop && commands.words == 2 {
            commands.loop_variable = word;
        } else if commands.name == "function" {
            self.flows.function(&word);
        } else if READS.contains(&commands.name.as_str()) {
            self.flows.read(&word);
        } else if commands.name == "case" && word == "in" {
            let subjects = self.subjects.len();
            self.commands().new_command(subjects);
            // The `)` behind a pattern may be taken for the end of the substitution around it.
            self.doubt |= self.stack.len() > 1;
        }
    }

    fn end_command(&mut self, ends_pipeline: bool) {
        self.end_word();
        let subjects = self.subjects.len();
        let commands = self.commands();
        commands.new_command(subjects);
        if ends_pipeline {
            commands.pipeline = subjects;
            commands.code = None;
        }
    }

    fn open(&mut self, kind: Kind, length: usize) {
        self.at += length;
        self.commands().in_word = true;
        let mut context = Context::new(kind);
        (context.pipeline, context.first) = (self.subjects.len(), self.subjects.len());
        self.stack.push(context);
        // What is nested deeper is not looked through for each subject.
        self.doubt |= self.stack.len() > DEEPEST;
    }

    fn in_double(&mut self) {
        match self.byte(0) {
            Some(b'"') => {
                self.stack.pop();
                self.at += 1;
            }
            Some(b'\\') => self.backslash(),
            Some(b'$' | b'`') => self.expansion(&Style::Double),
            Some(byte) => {
                self.commands().push(char::from(byte));
                self.at += 1;
            }
            None => {}
        }
    }

    /// A backslash and what it stands before; a macro there is left for its turn.
    fn backslash(&mut self) {
        self.at += 1;
        if self.uses.get(self.next).is_none_or(|found| found.range.start != self.at) {
            self.at += 1;
        }
        let commands = self.commands();
        commands.in_word = true;
        commands.push('\\');
    }

    fn in_commands(&mut self) {
        let Some(byte) = self.byte(0) else { return };
        match byte {
            b'\\' if self.byte(1) == Some(b'\n') => self.at += 2,
            b'\\' => self.backslash(),
            b'\'' => {
                self.at += 1;
                let end = self.find(|byte| byte == b'\'');
                self.commands().in_word = true;
                self.quoted_text(end);
                self.at = (end + 1).min(self.bytes.len());
            }
            b'"' => self.open(Kind::Double, 1),
            b'$' | b'`' => self.expansion(&Style::Bare),
            b' ' | b'\t' | b'\r' => {
                self.end_word();
                self.at += 1;
            }
            b'\n' => {
                self.end_command(true);
                self.at += 1;
                for document in std::mem::take(&mut self.documents) {
                    self.document(&document);
                }
            }
            b'#' if !self.commands().in_word => {
                let end = self.find(|byte| byte == b'\n');
                while self.uses.get(self.next).is_some_and(|found| found.range.start < end) {
                    self.macro_here(Style::Raw, None);
                }
                self.at = end;
                let commands = self.commands();
                (commands.in_word, commands.word) = (false, String::new());
            }
            b';' | b'&' => {
                // `&>` is a redirection of bash, and a command that ends all the same.
                self.end_command(true);
                self.at += 1;
            }
            b'|' => {
                let is_or = self.byte(1) == Some(b'|');
                if !is_or {
                    let before = self.bytes[..self.at].trim_ascii_end();
                    let closed = before.ends_with(b")");
                    self.end_word();
                    let commands = self.commands();
                    let name = if closed { ")".to_owned() } else { commands.name.clone() };
                    let first = commands.first;
                    self.flows.piped(first..self.subjects.len());
                    self.flows.prints(&name, Vec::new());
                }
                self.end_command(is_or);
                self.at += 1 + usize::from(is_or);
            }
            b'(' if self.byte(1) == Some(b')') => {
                // The definition of a function.
                self.at += 2;
                let commands = self.commands();
                let name = if commands.in_word { &commands.word } else { &commands.name }.clone();
                self.flows.function(&name);
                self.end_command(true);
            }
            b'(' if self.byte(1) == Some(b'(') && !self.commands().in_word => self.arithmetic(),
            b'(' => self.open(Kind::Commands, 1),
            b')' => {
                self.end_word();
                self.at += 1;
                if self.stack.len() > 1 {
                    self.stack.pop();
                } else {
                    self.end_command(true);
                }
            }
            b'<' | b'>' => self.redirection(),
            _ => {
                let commands = self.commands();
                commands.in_word = true;
                commands.push(char::from(byte));
                self.at += 1;
            }
        }
    }

    /// Text in single quotes up to `end`.
    fn quoted_text(&mut self, end: usize) {
        while self.at < end {
            if self.uses.get(self.next).is_some_and(|found| found.range.start == self.at) {
                self.macro_here(Style::Single, None);
            } else {
                let byte = self.bytes[self.at];
                self.commands().push(char::from(byte));
                self.at += 1;
            }
        }
    }

    /// The next place, from the cursor on, of such a byte that is in no macro; the end if there is none.
    fn find(&self, is: impl Fn(u8) -> bool) -> usize {
        self.bytes[self.at..].iter().position(|&byte| is(byte)).map_or(self.bytes.len(), |at| self.at + at)
    }

    fn arithmetic(&mut self) {
        let rest = &self.bytes[self.at..];
        let end =
            rest.windows(2).position(|two| two == b"))").map_or(self.bytes.len(), |at| self.at + at + 2);
        // A macro has a `)` of its own, and may stand right before the end.
        let end = if self.bytes.get(end) == Some(&b')') { end + 1 } else { end };
        self.doubt |= self.bytes[self.at..end].iter().any(|b| b"'\"\\`\n#{".contains(b));
        self.macros_until(end, &Style::Bare, &Demand::typed("it is a part of a calculation".to_owned()));
    }

    /// What begins with `$` or a backquote.
    fn expansion(&mut self, style: &Style) {
        let start = self.at;
        if self.byte(0) == Some(b'`') {
            let mut end = start + 1;
            while end < self.bytes.len() && self.bytes[end] != b'`' {
                end += 1 + usize::from(self.bytes[end] == b'\\');
            }
            self.doubt |=
                self.bytes[start..end.min(self.bytes.len())].contains(&b'"') && *style == Style::Double;
            let demand = Demand::typed("backquotes read quotes and backslashes once more".to_owned());
            self.macros_until(end + 1, style, &demand);
            return;
        }
        match self.byte(1) {
            Some(b'(') if self.byte(2) == Some(b'(') => {
                self.at += 1;
                self.arithmetic();
            }
            Some(b'(') => self.open(Kind::Commands, 2),
            Some(b'\'') if *style == Style::Bare => {
                let mut end = start + 2;
                while end < self.bytes.len() && self.bytes[end] != b'\'' {
                    end += 1 + usize::from(self.bytes[end] == b'\\');
                }
                self.doubt |= self.bytes[start..end.min(self.bytes.len())].contains(&b'\\');
                let demand = Demand::words("`$'…'` is not the same in every shell".to_owned());
                self.macros_until(end + 1, style, &demand);
            }
            Some(b'{') => {
                let (mut depth, mut end) = (0_usize, start + 1);
                while end < self.bytes.len() {
                    match self.bytes[end] {
                        b'{' => depth += 1,
                        b'}' => depth -= 1,
                        b'\\' => end += 1,
                        _ => {}
                    }
                    end += 1;
                    if depth == 0 {
                        break;
                    }
                }
                let end = end.min(self.bytes.len());
                self.doubt |= self.bytes[start..end].iter().any(|b| b"'\"\\`".contains(b));
                let (name, _) = self.variable_at(start + 2);
                if !name.is_empty() {
                    self.subject(What::Variable(name), start..end, style.clone(), None);
                }
                let demand = Demand::words("it is a part of an expansion".to_owned());
                self.macros_until(end, style, &demand);
                self.commands().word.push('\u{FFFD}');
            }
            _ => {
                let (name, length) = self.variable_at(start + 1);
                self.at += 1 + length;
                if !name.is_empty() {
                    self.subject(What::Variable(name), start..self.at, style.clone(), None);
                }
                let commands = self.commands();
                commands.in_word = true;
                commands.push('\u{FFFD}');
            }
        }
    }

    /// The variable whose name, or the parameter whose number, stands here, and how long that is.
    fn variable_at(&self, at: usize) -> (String, usize) {
        let name = self.name_at(at);
        match self.bytes.get(at) {
            Some(b'0'..=b'9' | b'@' | b'*') => (PARAMETER.to_owned(), 1),
            _ => (name.clone(), name.len()),
        }
    }

    fn name_at(&self, at: usize) -> String {
        let rest = self.bytes.get(at..).unwrap_or_default();
        rest.iter()
            .enumerate()
            .take_while(|(i, b)| b.is_ascii_alphabetic() || **b == b'_' || (*i > 0 && b.is_ascii_digit()))
            .map(|(_, &b)| char::from(b))
            .take(200)
            .collect()
    }

    fn redirection(&mut self) {
        let is_number = {
            let commands = self.commands();
            !commands.word.is_empty() && commands.word.bytes().all(|b| b.is_ascii_digit())
        };
        if is_number {
            let commands = self.commands();
            (commands.in_word, commands.word) = (false, String::new());
        }
        self.end_word();
        let here = self.bytes[self.at..].starts_with(b"<<") && self.byte(2) != Some(b'<');
        if here {
            self.open_document();
            return;
        }
        let is_text = self.bytes[self.at..].starts_with(b"<<<");
        while matches!(self.byte(0), Some(b'<' | b'>' | b'&' | b'|')) {
            self.at += 1;
        }
        if self.byte(0) == Some(b'(') {
            self.open(Kind::Commands, 1);
            self.top().is_input = true;
        } else {
            self.commands().redirect = !is_text;
        }
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .enumerate()
            .all(|(i, b)| b.is_ascii_alphabetic() || b == b'_' || (i > 0 && b.is_ascii_digit()))
}
