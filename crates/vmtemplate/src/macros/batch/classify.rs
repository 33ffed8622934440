//! Which place of a command an item stands in.

use std::rc::Rc;

use super::atoms::{LONGEST_NAME, Variable};
use super::commands::{Takes, is_internal, takes};
use super::{Atom, BatchPlace, Beside, Demand, Item, Parser, Style, Subject};

const DOUBT: &str = "a variable before it in the line may end or begin quotes";
const PIPED: &str = "both sides of a `|` are read by a further cmd.exe";

impl Parser {
    /// Every subject of these items gets this place.
    pub(super) fn mark_all(&mut self, items: &[Item], place: &str, demand: &Demand, assigns: &Rc<[String]>) {
        self.facts = Facts::of(items, &self.atoms.variables);
        for number in 0..items.len() {
            if items[number].is_subject() {
                self.mark(items, number, Style::Text, place.to_owned(), demand.clone(), false);
                if let Some(subject) = self.subjects.last_mut() {
                    subject.assigns = assigns.clone();
                }
            }
        }
    }

    /// Item `number` of the command `items` stands in this place.
    pub(super) fn mark(
        &mut self,
        items: &[Item],
        number: usize,
        style: Style,
        place: String,
        mut demand: Demand,
        argv: bool,
    ) {
        let item = items[number];
        let beside = |item: Option<&Item>| match item {
            None => Beside::Open,
            Some(item) if item.is_blank() => Beside::Open,
            Some(item) => match item.atom {
                Atom::Byte(b'"') => Beside::Quote,
                Atom::Byte(b'\\') => Beside::Backslash,
                Atom::Byte(b'<' | b'>') if !item.quoted && !item.escaped => Beside::Open,
                Atom::Byte(_) | Atom::Newline => Beside::Other,
                Atom::Macro(_) | Atom::Variable(_) => Beside::Anything,
            },
        };
        let before = number.checked_sub(1).and_then(|at| items.get(at));
        let after = items.get(number + 1);
        let begins_word = match before {
            None => true,
            Some(item) if item.is_blank() => true,
            Some(quote) if quote.is(b'"') && !quote.escaped => {
                number.checked_sub(2).and_then(|at| items.get(at)).is_none_or(Item::is_blank)
            }
            Some(_) => false,
        };
        let late = match item.atom {
            Atom::Variable(variable) => self.atoms.variables[variable].late,
            _ => false,
        };
        if matches!(item.atom, Atom::Macro(found) if self.atoms.inside[found]) {
            demand = demand.max(Demand::typed("it stands between the signs of an expansion".to_owned()));
        }
        // Between quotes, a part of a value without quotes is text. As an argument it might begin or end otherwise.
        let is_text = |variable: &Variable| item.quoted && !argv && variable.quoteless;
        if matches!(item.atom, Atom::Variable(variable) if self.atoms.variables[variable].modified
            && !is_text(&self.atoms.variables[variable]))
        {
            demand = demand
                .max(Demand::words("only a part of it is taken, or something replaced in it".to_owned()));
        }
        if item.doubt && style != Style::Comment {
            demand = demand.max(Demand::words(DOUBT.to_owned()));
        }
        if item.escaped {
            demand = demand
                .max(Demand::words("a `^` stands before it and changes its first character".to_owned()));
        }
        let quoting = BatchPlace {
            style: if item.quoted && style != Style::Comment { Style::Quoted } else { style },
            delayed: self.delayed.now,
            argv,
            begins_word,
            before: beside(before),
            after: beside(after),
            stray: item.stray,
            in_for: self.loops > 0,
            bang: self.facts.bang,
            // Another macro may have a `!` in its value.
            variable: self.facts.subjects > 1,
            before_redirection: !item.quoted
                && after.is_some_and(|item| {
                    matches!(item.atom, Atom::Byte(b'<' | b'>')) && !item.quoted && !item.escaped
                }),
            begins_echo: false,
            internal: false,
            late,
        };
        let piped = self.frames.iter().any(|frame| frame.piped);
        self.subjects.push(Subject {
            atom: item.atom,
            piped,
            place,
            demand,
            quoting,
            assigns: Rc::default(),
        });
    }

    pub(super) fn operand_of_if(&mut self, items: &[Item]) {
        self.facts = Facts::of(items, &self.atoms.variables);
        for number in 0..items.len() {
            if !items[number].is_subject() {
                continue;
            }
            if items[number].quoted {
                let place = "inside double quotes, in the condition of `if`".to_owned();
                self.mark(items, number, Style::Quoted, place, Demand::FREE_TEXT, false);
            } else {
                let demand = Demand::words("a space or an operator in it would end the condition".to_owned());
                let place = "outside of quotes, in the condition of `if`".to_owned();
                self.mark(items, number, Style::Text, place, demand, false);
            }
        }
    }

    /// A simple command: its name, its arguments, its redirections.
    pub(super) fn classify(&mut self, items: &[Item]) {
        let targets = redirections(items);
        let start = items.iter().position(|item| !item.is_blank()).unwrap_or(items.len());
        let end = items[start..].iter().position(Item::is_blank).map_or(items.len(), |at| start + at);
        let name = Self::name(&items[start..end]);
        if let Name::Internal(internal) = &name {
            let text: String = plain_text(items);
            match internal.as_str() {
                "setlocal" => {
                    let conditional = self.is_conditional();
                    let (on, off) = (text.contains("enabledelayed"), text.contains("disabledelayed"));
                    self.delayed.setlocal(on, off, conditional);
                }
                "endlocal" => {
                    let conditional = self.is_conditional();
                    self.delayed.endlocal(conditional);
                }
                _ => {}
            }
        }
        self.remember_code_file(items, start, &name);
        let runs_later = self.writes_code(items, &targets);
        if runs_later {
            self.taint_element("it is written to a file that is run later");
        }
        if self.frames.iter().any(|frame| frame.piped)
            && (matches!(&name, Name::Program(program) if takes(program) == Takes::Code)
                || matches!(name, Name::Unknown))
        {
            self.taint_element("it is piped into a program that takes it for code");
        }
        if !items.iter().any(Item::is_subject) {
            return;
        }
        self.facts = Facts::of(items, &self.atoms.variables);
        let command = match &name {
            Name::Internal(name) if name == "set" => Known::Set(Assignment::of(items, start + 3)),
            Name::Internal(name) if name == "call" => Self::called(items, start + 4),
            _ => Known::Other {
                first: (end..items.len()).find(|&at| !items[at].is_blank()).unwrap_or(items.len()),
            },
        };
        let mut in_target = vec![false; items.len()];
        for target in &targets {
            in_target[target.clone()].fill(true);
        }
        let odd_quote = odd_quotes(items);
        let own = self.subjects.len();
        for number in 0..items.len() {
            if !items[number].is_subject() {
                continue;
            }
            let quotes = if items[number].quoted { "inside double quotes" } else { "outside of quotes" };
            if in_target[number] {
                let demand = Demand::words("it names the file that is written or read".to_owned());
                self.mark(items, number, Style::Text, format!("{quotes}, in a redirection"), demand, false);
                continue;
            }
            let inside_name = number < end;
            match &name {
                Name::Internal(name) => {
                    self.classify_internal(items, number, name, inside_name, &command);
                }
                _ if inside_name => {
                    let demand = Demand::nothing("what stands here is run as a command".to_owned());
                    self.mark(
                        items,
                        number,
                        Style::Text,
                        format!("{quotes}, where a command begins"),
                        demand,
                        false,
                    );
                }
                Name::Program(program) => {
                    let odd = odd_quote.is_some_and(|at| at < number);
                    self.classify_argument(items, number, program, odd);
                }
                Name::Unknown => {
                    let demand = Demand::typed("a variable names the command, which may be any".to_owned());
                    let place = format!("{quotes}, in an argument");
                    self.mark(items, number, Style::Word, place, demand, false);
                }
            }
        }
        if runs_later {
            let demand = Demand::typed("it is written to a file that is run later".to_owned());
            for subject in &mut self.subjects[own..] {
                subject.demand = subject.demand.clone().max(demand.clone());
            }
        }
    }

    /// Everything since the beginning of the command or block is code for something.
    fn taint_element(&mut self, reason: &str) {
        let from = self.frame().element;
        let demand = Demand::typed(reason.to_owned());
        for subject in &mut self.subjects[from..] {
            subject.demand = subject.demand.clone().max(demand.clone());
        }
    }

    /// Keep the name of a variable that holds the name of a file of code.
    fn remember_code_file(&mut self, items: &[Item], start: usize, name: &Name) {
        if matches!(name, Name::Internal(name) if name == "set")
            && is_code_file(&plain_text(items))
            && let Assignment::Plain { variable, .. } = Assignment::of(items, start + 3)
        {
            self.code_files.extend(variable.iter().cloned());
        }
    }

    /// Whether one of these targets is a file that is run as code.
    fn writes_code(&self, items: &[Item], targets: &[std::ops::Range<usize>]) -> bool {
        targets.iter().any(|target| {
            let target = &items[target.clone()];
            is_code_file(&plain_text(target))
                || target.iter().any(|item| match item.atom {
                    Atom::Variable(number) => self.code_files.contains(&self.atoms.variables[number].name),
                    _ => false,
                })
        })
    }

    fn classify_internal(
        &mut self,
        items: &[Item],
        number: usize,
        name: &str,
        inside_name: bool,
        command: &Known,
    ) {
        let quotes = if items[number].quoted { "inside double quotes" } else { "outside of quotes" };
        let place = format!("{quotes}, in an argument of `{name}`");
        let harmless = |reason: &str| Demand::words(reason.to_owned());
        match name {
            "set" => {
                let Known::Set(assignment) = command else { return };
                let place = format!("{quotes}, in an assignment");
                let demand = match assignment {
                    Assignment::Calculation => Demand::typed("`set /a` takes it for a formula".to_owned()),
                    Assignment::Question => harmless("`set /p` shows it as a question"),
                    Assignment::Plain { equals, .. } if number < *equals => {
                        Demand::nothing("it would name the variable that is set".to_owned())
                    }
                    Assignment::Plain { .. } => Demand::FREE_TEXT,
                };
                self.mark(items, number, Style::Text, place, demand, false);
                if let (Assignment::Plain { variable, .. }, Some(subject)) =
                    (assignment, self.subjects.last_mut())
                {
                    subject.assigns = variable.clone();
                    subject.quoting.internal = true;
                }
            }
            "echo" if !inside_name => {
                self.mark(items, number, Style::Text, place, Demand::FREE_TEXT, false);
                let first = matches!(command, Known::Other { first } if *first == number);
                if let Some(subject) = self.subjects.last_mut() {
                    subject.quoting.internal = true;
                    subject.quoting.begins_echo = first;
                }
            }
            "call" => {
                let Known::Call { last, demand, assigns } = command else { return };
                let demand = if number < *last {
                    Demand::nothing("what stands here is run as a command".to_owned())
                } else {
                    demand.clone()
                };
                self.mark(items, number, Style::Word, place, demand, false);
                if let Some(subject) = self.subjects.last_mut() {
                    subject.assigns = assigns.clone();
                }
            }
            "start" => {
                let demand = Demand::typed("`start` runs its arguments as a command".to_owned());
                self.mark(items, number, Style::Word, place, demand, false);
            }
            "assoc" | "ftype" | "path" | "prompt" => {
                let demand = Demand::typed(format!("`{name}` changes what later commands do"));
                self.mark(items, number, Style::Word, place, demand, false);
            }
            _ => {
                let reason =
                    format!("`{name}` takes it for names, options and patterns of files, not as text");
                self.mark(items, number, Style::Word, place, Demand::words(reason), false);
            }
        }
    }

    fn classify_argument(&mut self, items: &[Item], number: usize, program: &str, odd: bool) {
        let quoted = items[number].quoted;
        let place = match (quoted, number.checked_sub(1).is_none_or(|at| items[at].is_blank())) {
            (true, _) => format!("inside double quotes, in an argument of `{program}`"),
            (false, true) => format!("as a word in the arguments of `{program}`"),
            (false, false) => format!("outside of quotes, in an argument of `{program}`"),
        };
        let demand = match takes(program) {
            Takes::Code => Demand::typed(format!("`{program}` takes its arguments for code")),
            Takes::Argv | Takes::Internal if program.starts_with("schtasks") && follows(items, number, "/tr") => {
                Demand::typed("the task runs it as a command".to_owned())
            }
            Takes::Argv | Takes::Internal if odd => {
                Demand::words("quotes before it are doubled or behind a `\\` or `^`, so that cmd.exe and the program cut the line at different places".to_owned())
            }
            Takes::Argv | Takes::Internal => Demand::FREE_TEXT,
            Takes::Batch => Demand::words(format!("`{program}` is a batch file, which reads its arguments once more")),
            Takes::Unknown => Demand::words(format!(
                "`{program}` may be a batch file, which reads its arguments once more (write `{program}.exe` if it is a program)"
            )),
        };
        self.mark(items, number, Style::Word, place, demand, true);
        if let Some(subject) = self.subjects.last_mut()
            && takes(program) == Takes::Batch
        {
            subject.assigns = ["%1".to_owned()].into();
        }
    }

    /// What `call` calls, which begins at item `start` or behind it.
    fn called(items: &[Item], start: usize) -> Known {
        let first = (start..items.len()).find(|&at| !items[at].is_blank()).unwrap_or(items.len());
        let last = (first..items.len()).find(|&at| items[at].is_blank()).unwrap_or(items.len());
        // What is called gets its arguments as %1, %2, …; `call set NAME=…` sets a variable.
        let mut assigns = vec!["%1".to_owned()];
        let demand = match Self::name(&items[first..last]) {
            Name::Program(name) if takes(&name) == Takes::Code => {
                Demand::typed(format!("`{name}` takes its arguments for code"))
            }
            Name::Internal(name) if name == "start" => {
                Demand::typed("`start` runs its arguments as a command".to_owned())
            }
            Name::Unknown => Demand::typed("a variable names the command, which may be any".to_owned()),
            name => {
                if matches!(name, Name::Internal(name) if name == "set") {
                    assigns.extend(variable_of(items, last));
                }
                Demand::words("`call` reads the line a second time".to_owned())
            }
        };
        Known::Call { last, demand, assigns: assigns.into() }
    }

    /// The command that these items, which hold no blank, name.
    fn name(word: &[Item]) -> Name {
        let letters = word
            .iter()
            .take_while(|i| matches!(i.atom, Atom::Byte(b) if b.is_ascii_alphabetic() && !i.quoted))
            .count();
        let text: String = plain_text(&word[..letters]);
        if is_internal(&text) {
            let next = word.get(letters).map(|item| item.atom);
            let ends = match next {
                None => true,
                Some(Atom::Byte(b'.')) => !word[letters + 1..]
                    .iter()
                    .any(|item| matches!(item.atom, Atom::Byte(b) if b.is_ascii_alphanumeric())),
                Some(Atom::Byte(byte)) => b":/\\[]+=,;(\"<>".contains(&byte),
                Some(_) => false,
            };
            if ends {
                return Name::Internal(text);
            }
        }
        if word.iter().any(|item| matches!(item.atom, Atom::Macro(_))) {
            return Name::Unknown;
        }
        let after_folder = word.iter().rposition(|i| i.is(b'\\') || i.is(b'/')).map_or(0, |at| at + 1);
        let base = &word[after_folder..];
        let base =
            &base[..base.iter().position(|i| (i.is(b'<') || i.is(b'>')) && !i.quoted).unwrap_or(base.len())];
        if base.iter().any(Item::is_subject) {
            return Name::Unknown;
        }
        let text: String = plain_text(base).chars().filter(|&c| c != '"').collect();
        if text.is_empty() || text.len() > LONGEST_NAME { Name::Unknown } else { Name::Program(text) }
    }
}

/// What is asked for each of the subjects of a command, and found once.
#[derive(Debug, Default)]
pub(super) struct Facts {
    bang: bool,
    subjects: usize,
}

impl Facts {
    fn of(items: &[Item], variables: &[Variable]) -> Self {
        let bang = items.iter().any(|item| match item.atom {
            Atom::Byte(byte) => byte == b'!',
            Atom::Variable(number) => variables[number].late && !variables[number].name.starts_with("%%"),
            Atom::Macro(_) | Atom::Newline => false,
        });
        Self { bang, subjects: items.iter().filter(|item| item.is_subject()).count() }
    }
}

/// What is known of the arguments of a command.
#[derive(Debug)]
enum Known {
    Set(Assignment),
    Call {
        /// Behind the command that is called.
        last: usize,
        demand: Demand,
        assigns: Rc<[String]>,
    },
    Other {
        /// The first item of the arguments.
        first: usize,
    },
}

#[derive(Debug)]
enum Name {
    Internal(String),
    Program(String),
    Unknown,
}

/// What `set` sets.
#[derive(Debug)]
enum Assignment {
    Plain {
        variable: Rc<[String]>,
        /// The item that is the `=`.
        equals: usize,
    },
    Calculation,
    Question,
}

impl Assignment {
    /// The one that the items from `start` on are.
    fn of(items: &[Item], start: usize) -> Self {
        let rest = items.get(start..).unwrap_or_default();
        let text: String = plain_text(rest);
        let trimmed = text.trim_start_matches([' ', '\t', '"']);
        if trimmed.starts_with("/a") {
            return Self::Calculation;
        }
        if trimmed.starts_with("/p") {
            return Self::Question;
        }
        let equals = rest.iter().position(|item| item.is(b'=')).map_or(items.len(), |at| start + at);
        Self::Plain { variable: [name_before(items, start, equals)].into(), equals }
    }
}

fn name_before(items: &[Item], start: usize, equals: usize) -> String {
    let text = plain_text(&items[start.min(equals)..equals]);
    shortened(text.trim_start_matches([' ', '\t', '"']), LONGEST_NAME)
}

/// The first characters of a name, so that many places of a long one do not take much memory.
fn shortened(name: &str, length: usize) -> String {
    name.chars().take(length).collect()
}

/// The variable that `call set NAME=…` sets; `from` is behind the word `set`.
fn variable_of(items: &[Item], from: usize) -> Option<String> {
    let equals = items.get(from..)?.iter().position(|item| item.is(b'='))? + from;
    Some(name_before(items, from, equals))
}

/// The plain characters, in lower case.
fn plain_text(items: &[Item]) -> String {
    items
        .iter()
        .filter_map(|item| match item.atom {
            Atom::Byte(byte) => Some(char::from(byte.to_ascii_lowercase())),
            _ => None,
        })
        .collect()
}

/// Whether a file of this name, in lower case, is run by something.
fn is_code_file(name: &str) -> bool {
    const ENDS: [&str; 8] = [".cmd", ".bat", ".ps1", ".vbs", ".js", ".reg", ".sh", ".wsf"];
    let name = name.trim_end_matches(['"', ' ', '\t']);
    ENDS.iter().any(|end| name.ends_with(end))
}

/// Where the names of files stand that `<` and `>` lead to.
fn redirections(items: &[Item]) -> Vec<std::ops::Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < items.len() {
        let is_operator = |item: &Item| (item.is(b'<') || item.is(b'>')) && !item.quoted && !item.escaped;
        if !is_operator(&items[at]) {
            at += 1;
            continue;
        }
        while at < items.len() && (is_operator(&items[at]) || items[at].is(b'&')) {
            at += 1;
        }
        while at < items.len() && items[at].is_blank() {
            at += 1;
        }
        let start = at;
        while at < items.len() && !items[at].is_blank() && !is_operator(&items[at]) {
            at += 1;
        }
        found.push(start..at);
    }
    found
}

/// The first quote that a program sees otherwise than cmd.exe does.
fn odd_quotes(items: &[Item]) -> Option<usize> {
    let is_quote = |at: usize| items.get(at).is_some_and(|item| item.is(b'"'));
    (0..items.len()).find(|&at| {
        let before = at.checked_sub(1);
        is_quote(at)
            && (items[at].escaped
                || before.is_some_and(|before| items[before].is(b'\\'))
                || (before.is_some_and(is_quote)
                    && !(at.checked_sub(2).is_none_or(|at| items[at].is_blank())
                        && items.get(at + 1).is_none_or(Item::is_blank))))
    })
}

/// Whether the word before that of item `number` is this one.
fn follows(items: &[Item], number: usize, word: &str) -> bool {
    // A word of its own or in quotes; what is further away is not looked at.
    let near = &items[number.saturating_sub(64)..number];
    let start = near.iter().rposition(Item::is_blank).unwrap_or(0);
    let text = plain_text(&near[..start]);
    text.trim_end().split([' ', '\t']).next_back() == Some(word)
}

/// A pipe counts more than what was found before it was seen.
pub(super) fn piped(demand: Demand) -> Demand {
    demand.max(Demand::words(PIPED.to_owned()))
}
