//! Where the macros of a shell script stand, and how values are written there.
//!
//! After POSIX.1-2024, Shell Command Language, 2.2 (quoting), 2.3 (tokens), 2.7.4 (here-documents); what bash adds is
//! recognised and taken for a place of harmless values.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::rc::Rc;

use super::find::MacroUse;
use super::place::{Demand, Later, MacroPlace, Quoting, positions, shown};

/// What the shell makes of the bytes at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Style {
    Bare,
    Single,
    Double,
    /// In a here-document whose delimiter is not quoted.
    Document,
    /// Nothing is special: a comment, or a here-document with a quoted delimiter.
    Raw,
}

/// What decides how a value is written.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools)] // each is one fact about the place
pub(crate) struct PosixPlace {
    style: Style,
    /// It begins an argument of a command.
    begins_argument: bool,
    /// `echo` of some shells takes `\` for more than a backslash.
    echo: bool,
    /// `test`, to which `!` and `(` mean something.
    test: bool,
    before_redirection: bool,
    /// The line of a here-document around the macro, and the delimiter that it must not become.
    line: Option<Rc<Line>>,
    /// A variable that is not split into words here.
    whole: bool,
    /// At the beginning of a line of a `<<-` here-document, which loses its tabs.
    loses_tabs: bool,
}

/// A line of a here-document around a macro.
#[derive(Debug)]
struct Line {
    before: Vec<u8>,
    after: Vec<u8>,
    /// What it must not become.
    delimiter: String,
}

impl PosixPlace {
    pub(super) fn quote(&self, value: &str, harmless: bool) -> Result<String, String> {
        self.refuse_meaning(value)?;
        if let Some(line) = &self.line {
            let whole = [line.before.as_slice(), value.as_bytes(), line.after.as_slice()].concat();
            if whole.trim_ascii_start() == line.delimiter.as_bytes() {
                return Err("it makes the line the end of the here-document".to_owned());
            }
        }
        if self.loses_tabs && value.starts_with('\t') {
            return Err("it begins with a tab, which `<<-` takes away".to_owned());
        }
        if self.style == Style::Document && value.contains(char::is_control) {
            return Err("it has a control character, which a here-document may not keep".to_owned());
        }
        if harmless && !(self.style == Style::Bare && (value.is_empty() || self.is_stream(value))) {
            return Ok(value.to_owned());
        }
        let escaped = |special: &str| {
            let mut text = String::with_capacity(value.len() + 8);
            for c in value.chars() {
                if special.contains(c) {
                    text.push('\\');
                }
                text.push(c);
            }
            text
        };
        Ok(match self.style {
            Style::Bare => format!("'{}'", value.replace('\'', r"'\''")),
            Style::Single => value.replace('\'', r"'\''"),
            Style::Double => escaped(r#"\$`""#),
            Style::Document => escaped(r"\$`"),
            Style::Raw => value.to_owned(),
        })
    }

    /// Whether a `<` or `>` behind it would take it for the number of a stream.
    fn is_stream(&self, value: &str) -> bool {
        self.before_redirection && value.bytes().all(|b| b.is_ascii_digit())
    }

    fn refuse_meaning(&self, value: &str) -> Result<(), String> {
        if self.begins_argument && value.starts_with('-') {
            return Err("it begins with `-` where a word begins, and so would be an option".to_owned());
        }
        if self.echo && value.contains('\\') {
            return Err(
                "it has a `\\`, which `echo` of some shells takes for the beginning of an escape (use \
                        `printf '%s\\n'`)"
                    .to_owned(),
            );
        }
        if self.test && self.begins_argument && matches!(value, "!" | "(" | ")") {
            return Err("`test` takes it for an operator".to_owned());
        }
        Ok(())
    }

    pub(super) fn expanded(&self, value: &str, harmless: bool) -> Result<(), String> {
        self.refuse_meaning(value)?;
        let splits = |b: u8| b" \t*?[\\".contains(&b);
        if !harmless
            && self.style == Style::Bare
            && !self.whole
            && (value.is_empty() || value.bytes().any(splits))
        {
            return Err(
                "it stands there outside of quotes, where the shell cuts it into words and looks for files"
                    .to_owned(),
            );
        }
        Ok(())
    }
}

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
const DECLARATIONS: [&str; 5] = ["declare", "export", "local", "readonly", "typeset"];
const KEYWORDS: [&str; 12] =
    ["if", "then", "else", "elif", "do", "while", "until", "!", "{", "}", "fi", "done"];
/// Ends of names of files that are run or read as code.
const CODE_FILES: [&str; 8] = [".sh", ".bash", ".py", ".pl", ".rb", ".cmd", ".bat", ".ps1"];

const DOUBT: &str = "what stands before it in the script is not read in the same way by every shell";
const CODE_REASON: &str = "takes its arguments for commands or code";

pub(super) fn places(bytes: &[u8], utf8: bool, uses: &[MacroUse]) -> Vec<MacroPlace> {
    let mut scanner = Scanner {
        bytes,
        uses,
        at: if bytes.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 },
        next: 0,
        stack: vec![Context::new(Kind::Commands)],
        documents: Vec::new(),
        subjects: Vec::new(),
        doubt: false,
    };
    scanner.run();
    assemble(bytes, utf8, &scanner.subjects, uses)
}

/// A macro or an expansion of a variable.
#[derive(Debug)]
struct Subject {
    /// The number of the macro; a variable has none.
    number: Option<usize>,
    variable: String,
    range: Range<usize>,
    place: String,
    demand: Demand,
    quoting: PosixPlace,
    assigns: Option<String>,
}

fn assemble(bytes: &[u8], utf8: bool, subjects: &[Subject], uses: &[MacroUse]) -> Vec<MacroPlace> {
    const MOST_PLACES: usize = 200;
    let mut order: Vec<usize> = subjects.iter().map(|subject| subject.range.start).collect();
    order.sort_unstable();
    let sorted = positions(bytes, utf8, order.iter().copied());
    let position = |offset: usize| sorted[order.binary_search(&offset).unwrap_or(0)];
    let mut by_name: HashMap<&str, Vec<&Subject>> = HashMap::new();
    let mut by_macro: Vec<Option<&Subject>> = vec![None; uses.len()];
    for subject in subjects {
        match subject.number {
            Some(number) => by_macro[number] = Some(subject),
            None => by_name.entry(&subject.variable).or_default().push(subject),
        }
    }
    let follow = |first: &str| -> Rc<[Later]> {
        let mut later = Vec::new();
        let mut seen = HashSet::new();
        let mut open = vec![first];
        while let Some(name) = open.pop() {
            if !seen.insert(name) {
                continue;
            }
            for subject in by_name.get(name).map(Vec::as_slice).unwrap_or_default() {
                open.extend(subject.assigns.as_deref());
                let demand = if later.len() == MOST_PLACES {
                    Demand::Harmless("the variable is used in very many places".to_owned())
                } else {
                    subject.demand.clone()
                };
                later.push(Later {
                    variable: shown(&bytes[subject.range.clone()]),
                    position: position(subject.range.start),
                    demand,
                    quoting: Quoting::Posix(subject.quoting.clone()),
                });
                if later.len() > MOST_PLACES {
                    return later.into();
                }
            }
        }
        later.into()
    };
    let mut followed: HashMap<&str, Rc<[Later]>> = HashMap::new();
    uses.iter()
        .zip(by_macro)
        .map(|(found, subject)| match subject {
            Some(subject) => MacroPlace {
                found: found.clone(),
                place: subject.place.clone(),
                demand: subject.demand.clone(),
                quoting: Quoting::Posix(subject.quoting.clone()),
                later: subject.assigns.as_deref().map_or_else(
                    || [].into(),
                    |name| followed.entry(name).or_insert_with(|| follow(name)).clone(),
                ),
            },
            None => MacroPlace {
                found: found.clone(),
                place: "in no command".to_owned(),
                demand: Demand::Nothing("its place cannot be told".to_owned()),
                quoting: Quoting::Unknown,
                later: [].into(),
            },
        })
        .collect()
}

#[derive(Debug, PartialEq, Eq, Clone, Copy)]
enum Kind {
    /// Commands up to the end or to a `)`.
    Commands,
    Double,
}

#[derive(Debug)]
struct Context {
    kind: Kind,
    /// The first subject of the pipeline that is being read.
    pipeline: usize,
    /// How many words of the command are complete; assignments and redirections do not count.
    words: usize,
    name: String,
    /// The word that is being read, without quotes.
    word: String,
    in_word: bool,
    redirect: bool,
    list: bool,
    /// What becomes of all that the pipeline gets.
    code: Option<Demand>,
}

impl Context {
    fn new(kind: Kind) -> Self {
        Self {
            kind,
            pipeline: 0,
            words: 0,
            name: String::new(),
            word: String::new(),
            in_word: false,
            redirect: false,
            list: false,
            code: None,
        }
    }

    /// One more character of the word. Of a long one only the beginning counts.
    fn push(&mut self, c: char) {
        if self.word.len() < 200 {
            self.word.push(c);
        }
    }

    fn new_command(&mut self) {
        *self = Self { pipeline: self.pipeline, code: self.code.take(), ..Self::new(self.kind) };
    }
}

#[derive(Debug)]
struct Document {
    delimiter: String,
    quoted: bool,
    strips_tabs: bool,
    demand: Demand,
}

struct Scanner<'s> {
    bytes: &'s [u8],
    uses: &'s [MacroUse],
    at: usize,
    next: usize,
    stack: Vec<Context>,
    documents: Vec<Document>,
    subjects: Vec<Subject>,
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
        self.subject(Some(number), String::new(), range, style, demand);
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

    fn subject(
        &mut self,
        number: Option<usize>,
        variable: String,
        range: Range<usize>,
        style: Style,
        demand: Option<Demand>,
    ) {
        let escaped =
            range.start.checked_sub(1).is_some_and(|at| self.bytes[at] == b'\\') && style != Style::Single;
        let after = self.bytes.get(range.end).copied();
        let commands = self.commands();
        let equals = commands.word.find('=');
        let assigned = equals
            .map(|at| commands.word[..at].trim_end_matches('+').to_owned())
            .filter(|name| is_name(name));
        let declares = DECLARATIONS.contains(&commands.name.as_str());
        let assigns = if commands.words == 0 || declares { assigned } else { None };
        let name = commands.name.clone();
        let own = if commands.redirect {
            Demand::Harmless("it names the file that is written or read".to_owned())
        } else if commands.words == 0 && assigns.is_none() {
            Demand::Nothing("what stands here is run as a command".to_owned())
        } else if commands.words > 0 && CODE.contains(&name.as_str()) {
            Demand::Typed(format!("`{name}` {CODE_REASON}"))
        } else if NAMES.contains(&name.as_str()) || (declares && assigns.is_none()) {
            Demand::Typed(format!("`{name}` takes its arguments for names"))
        } else if name == "for" && !commands.list {
            Demand::Nothing("it would name the variable of a loop".to_owned())
        } else if name == "printf" && commands.words == 1 {
            Demand::Harmless("`printf` takes its first argument for a format".to_owned())
        } else {
            Demand::FreeText
        };
        let mut demand = demand.map_or(own.clone(), |given| given.max(own));
        if matches!(style, Style::Raw | Style::Document) {
            demand = Demand::FreeText;
        }
        if escaped && number.is_some() {
            demand = demand
                .max(Demand::Harmless("a `\\` stands before it and changes its first character".to_owned()));
        }
        if self.doubt {
            demand = demand.max(Demand::Typed(DOUBT.to_owned()));
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
        self.subjects.push(Subject { number, variable, range, place, demand, quoting, assigns });
    }

    /// Everything since the beginning of the pipeline is read as code.
    fn taint_pipeline(&mut self, reason: &str) {
        let demand = Demand::Typed(reason.to_owned());
        let from = self.commands().pipeline;
        for subject in &mut self.subjects[from..] {
            subject.demand = subject.demand.clone().max(demand.clone());
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
                return;
            }
            word.rsplit('/').next().unwrap_or_default().clone_into(&mut commands.name);
            commands.words = 1;
            if CODE.contains(&commands.name.as_str()) {
                let reason = format!("`{}` {CODE_REASON}", commands.name);
                self.taint_pipeline(&reason);
            }
            return;
        }
        commands.words += 1;
        if commands.name == "for" && word == "in" {
            commands.list = true;
        } else if commands.name == "case" && word == "in" {
            commands.new_command();
            // The `)` behind a pattern may be taken for the end of the substitution around it.
            self.doubt |= self.stack.len() > 1;
        }
    }

    fn end_command(&mut self, ends_pipeline: bool) {
        self.end_word();
        let subjects = self.subjects.len();
        let commands = self.commands();
        commands.new_command();
        if ends_pipeline {
            commands.pipeline = subjects;
            commands.code = None;
        }
    }

    fn open(&mut self, kind: Kind, length: usize) {
        self.at += length;
        self.commands().in_word = true;
        let mut context = Context::new(kind);
        context.pipeline = self.subjects.len();
        self.stack.push(context);
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
                self.end_command(is_or);
                self.at += 1 + usize::from(is_or);
            }
            b'(' if self.byte(1) == Some(b')') => {
                // The definition of a function.
                self.at += 2;
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
        self.macros_until(end, &Style::Bare, &Demand::Typed("it is a part of a calculation".to_owned()));
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
            let demand = Demand::Typed("backquotes read quotes and backslashes once more".to_owned());
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
                let demand = Demand::Harmless("`$'…'` is not the same in every shell".to_owned());
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
                let name = self.name_at(start + 2);
                if !name.is_empty() {
                    self.subject(None, name, start..end, style.clone(), None);
                }
                let demand = Demand::Harmless("it is a part of an expansion".to_owned());
                self.macros_until(end, style, &demand);
                self.commands().word.push('\u{FFFD}');
            }
            _ => {
                let name = self.name_at(start + 1);
                self.at += 1 + name.len();
                if !name.is_empty() {
                    self.subject(None, name, start..self.at, style.clone(), None);
                }
                let commands = self.commands();
                commands.in_word = true;
                commands.push('\u{FFFD}');
            }
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
            self.at += 2;
            let strips_tabs = self.byte(0) == Some(b'-');
            self.at += usize::from(strips_tabs);
            while matches!(self.byte(0), Some(b' ' | b'\t')) {
                self.at += 1;
            }
            let start = self.at;
            let end = self.find(|byte| b" \t\r\n;&|<>()".contains(&byte));
            let raw = &self.bytes[start..end];
            let quoted = raw.iter().any(|b| b"'\"\\".contains(b));
            let delimiter =
                String::from_utf8_lossy(raw).chars().filter(|c| !matches!(c, '\'' | '"' | '\\')).collect();
            let commands = self.commands();
            let demand = commands.code.clone().unwrap_or(Demand::FreeText);
            self.at = end;
            self.doubt |= self.stack.len() > 1;
            self.documents.push(Document { delimiter, quoted, strips_tabs, demand });
            return;
        }
        let is_text = self.bytes[self.at..].starts_with(b"<<<");
        while matches!(self.byte(0), Some(b'<' | b'>' | b'&' | b'|')) {
            self.at += 1;
        }
        if self.byte(0) == Some(b'(') {
            self.open(Kind::Commands, 1);
        } else {
            self.commands().redirect = !is_text;
        }
    }

    /// The lines of a here-document, from the cursor on.
    fn document(&mut self, document: &Document) {
        loop {
            if self.at >= self.bytes.len() {
                return;
            }
            let start = self.at;
            let end = self.find(|byte| byte == b'\n');
            let tabs = if document.strips_tabs {
                self.bytes[start..end].iter().take_while(|&&b| b == b'\t').count()
            } else {
                0
            };
            if &self.bytes[start + tabs..end] == document.delimiter.as_bytes() {
                self.at = end;
                return;
            }
            let style = if document.quoted { Style::Raw } else { Style::Document };
            while self.at < end {
                if self.uses.get(self.next).is_some_and(|found| found.range.start == self.at) {
                    let range = self.uses[self.next].range.clone();
                    self.macro_here(style.clone(), None);
                    let escaped =
                        !document.quoted && range.start > start && self.bytes[range.start - 1] == b'\\';
                    if let Some(subject) = self.subjects.last_mut() {
                        subject.demand = subject.demand.clone().max(document.demand.clone());
                        if escaped {
                            let reason = "a `\\` stands before it and changes its first character".to_owned();
                            subject.demand = subject.demand.clone().max(Demand::Harmless(reason));
                        }
                        "in a here-document".clone_into(&mut subject.place);
                        // What is longer than the delimiter cannot become it.
                        let short = end - start - tabs - range.len() <= document.delimiter.len() + 80;
                        if short {
                            let line = Line {
                                before: self.bytes[start + tabs..range.start].to_vec(),
                                after: self.bytes[range.end..end].to_vec(),
                                delimiter: document.delimiter.clone(),
                            };
                            subject.quoting.line = Some(Rc::new(line));
                        }
                        subject.quoting.loses_tabs = document.strips_tabs && range.start == start + tabs;
                        subject.assigns = None;
                    }
                } else if !document.quoted && matches!(self.bytes[self.at], b'$' | b'`') {
                    let stop = match (self.bytes[self.at], self.byte(1)) {
                        (b'`', _) => Some(b'`'),
                        (_, Some(b'(')) => Some(b')'),
                        (_, Some(b'{')) => Some(b'}'),
                        _ => None,
                    };
                    if let Some(stop) = stop {
                        // Nested ones are taken to reach to the end of the line.
                        let to = self.bytes[self.at + 1..end].iter().rposition(|&b| b == stop);
                        let to = to.map_or(end, |at| self.at + 2 + at);
                        let demand =
                            Demand::Typed("it stands in a substitution in a here-document".to_owned());
                        let before = self.subjects.len();
                        self.macros_until(to, &style, &demand);
                        for subject in &mut self.subjects[before..] {
                            subject.demand = subject.demand.clone().max(demand.clone());
                        }
                    } else {
                        let from = self.at;
                        let name = self.name_at(from + 1);
                        self.at += 1 + name.len();
                        if !name.is_empty() {
                            self.subject(None, name, from..self.at, style.clone(), None);
                            if let Some(subject) = self.subjects.last_mut() {
                                subject.demand = subject.demand.clone().max(document.demand.clone());
                                subject.assigns = None;
                            }
                        }
                    }
                } else if !document.quoted && self.bytes[self.at] == b'\\' {
                    self.backslash();
                } else {
                    self.at += 1;
                }
            }
            self.at = (self.at.max(end) + 1).min(self.bytes.len());
            let commands = self.commands();
            (commands.in_word, commands.word) = (false, String::new());
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
