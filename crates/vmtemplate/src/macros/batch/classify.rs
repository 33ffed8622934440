//! Which place of a command an item is in.

use std::collections::HashMap;
use std::rc::Rc;

use super::argv;
use super::atoms::{Atom, LONGEST_NAME};
use super::commands::{Runs, Takes, is_internal, runs, takes};
use super::nested::{Inners, names_a_program};
use super::quote::Style;
use super::subject::{Facts, Place, Printed, Reader, with_argument};
use super::{Item, Parser, is_redirection};
use crate::macros::demand::{Demand, Refusal};
use crate::macros::endings;

impl Parser {
    /// An operand of `if`, of this sort. `begins` is whether `if` looks for `not`, `exist` and the like here.
    pub(super) fn operand_of_if(&mut self, items: &[Item], operand: Operand, begins: bool) {
        self.facts = Facts::of(items, &self.atoms.variables);
        for number in (0..items.len()).filter(|&number| items[number].is_subject()) {
            let is_late = matches!(items[number].atom, Atom::Variable(at) if self.atoms.variables[at].late);
            let demand = match operand {
                Operand::Number => Demand::number("`if` compares it with a number"),
                Operand::Comparison => Demand::nothing("it would name the comparison"),
                Operand::Name if !items[number].quoted => Demand::word("`if` takes one word here"),
                Operand::Text if is_late && !items[number].quoted => {
                    Demand::words("a space or an operator in it would end the condition")
                }
                Operand::Text | Operand::Name => Demand::FREE_TEXT,
            };
            let quotes = if items[number].quoted { "inside double quotes" } else { "outside quotes" };
            let place = Place::new(Style::Operand, format!("{quotes}, in the condition of `if`"), demand);
            let internal = !items[number].quoted;
            self.mark(items, number, Place { begins_condition: begins && number == 0, internal, ..place });
        }
    }

    /// A simple command: its name, its arguments, its redirections.
    #[allow(clippy::too_many_lines)] // one command after the other, as cmd.exe looks at them
    pub(super) fn classify(&mut self, items: &[Item]) {
        let targets = redirections(items);
        let start = behind_redirections(items, &targets);
        let end = items[start..].iter().position(Item::is_blank).map_or(items.len(), |at| start + at);
        if targets.first().is_some_and(|first| first.start < start) && begins_construction(&items[start..]) {
            let demand = Demand::nothing(
                Refusal::from("a block, `if`, `for` or `rem` after a redirection cannot be followed")
                    .or_write("write the redirection after it"),
            );
            self.mark_all(items, "after a redirection", &demand, &Rc::default());
            return;
        }
        let name = self.name(&items[start..end]);
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
        self.note_files(items, start..end, &name, &targets);
        let written = self.written(items, &targets);
        let element = self.frame().element;
        self.write(element, &written);
        let reader = self.reader_of(items, &targets);
        if let Some(reader) = reader {
            self.taint_element("it is written to a file that is run later", reader);
        }
        if self.frames.iter().any(|frame| frame.piped) {
            let reader = match &name {
                Name::Program(program) if is_powershell(program) => Some(Reader::PowerShell),
                Name::Program(program) if takes(program) == Takes::Code => Some(Reader::Batch),
                Name::Unknown => Some(Reader::Batch),
                _ => None,
            };
            if let Some(reader) = reader {
                self.taint_element("it is piped into a program that interprets it as code", reader);
                self.run_shown(items);
            }
        }
        self.remember_shown(items);
        if !items.iter().any(Item::may_matter) {
            return;
        }
        let command = match &name {
            Name::Internal(name) if name == "set" => {
                let assignment = Assignment::of(items, start + 3);
                let kept = self.programs.len();
                let held = match &assignment {
                    Assignment::Plain { equals, .. } => self.printed(items, equals + 1, &targets),
                    _ => HashMap::new(),
                };
                if self.name_file(items, start + 3) {
                    // The file is run where the variable is, and not because a variable names it.
                    self.programs.truncate(kept);
                }
                Known::Set { assignment, held }
            }
            Name::Internal(name) if name == "call" => self.called(items, start + 4),
            Name::Internal(name) if name == "echo" => Known::Echo {
                first: (end..items.len()).find(|&at| !items[at].is_blank()).unwrap_or(items.len()),
                printed: self.printed(items, end, &targets),
            },
            Name::Internal(name) if name == "start" => Known::Runs(self.started(items, start + 5, name)),
            Name::Program(name) => Known::Runs(self.started(items, end, name)),
            _ => Known::Other,
        };
        self.facts = Facts::of(items, &self.atoms.variables);
        let mut in_target = vec![false; items.len()];
        for target in &targets {
            in_target[target.clone()].fill(true);
        }
        let odd_quote = odd_quotes(items);
        let own = self.subjects.len();
        for number in (0..items.len()).filter(|&number| items[number].is_subject()) {
            let quotes = if items[number].quoted { "inside double quotes" } else { "outside quotes" };
            let inside_name = number < end;
            let place = match &name {
                _ if in_target[number] => {
                    let reason = Refusal::from("it names the file that is written or read")
                        .or_write("write the name of the file itself, and the value into the file");
                    Place::new(Style::Text, format!("{quotes}, in a redirection"), Demand::word(reason))
                }
                Name::Internal(name) => internal_place(items, number, name, inside_name, &command),
                _ if inside_name => {
                    let place = format!("{quotes}, where a command begins");
                    Place { names: true, ..Place::new(Style::Text, place, names_a_program()) }
                }
                Name::Program(program) => {
                    let odd = odd_quote.is_some_and(|at| at < number);
                    argument_place(items, number, program, odd, &command)
                }
                Name::Unknown => {
                    let reason = "a variable names the command, which may be any";
                    // It may be one that runs its first argument, or what is behind an option.
                    let demand = if may_be_run(&items[end..number]) {
                        Demand::typed(reason)
                    } else {
                        Demand::words(reason)
                    };
                    Place::new(Style::Word, format!("{quotes}, in an argument"), demand)
                }
            };
            self.holds_commands |= place.holds_command();
            self.mark(items, number, place);
        }
        self.write(own, &written);
        if let Some(reader) = reader {
            self.taint(own, "it is written to a file that is run later", reader);
        }
    }

    /// Everything since the beginning of the command or block is code for something.
    fn taint_element(&mut self, reason: &'static str, reader: Reader) {
        let from = self.frame().element;
        self.taint(from, reason, reader);
    }

    /// What the commands of the subjects from this one on print is run.
    fn taint(&mut self, from: usize, reason: &'static str, reader: Reader) {
        for subject in &mut self.subjects[from..] {
            let demand = subject.printed.read_by(reader).clone().because(reason);
            subject.demand(&demand);
        }
    }

    /// Keep the name of a variable that holds the name of a file of code.
    fn remember_code_file(&mut self, items: &[Item], start: usize, name: &Name) {
        if matches!(name, Name::Internal(name) if name == "set")
            && let Some(reader) = reader_of_file(&plain_text(items))
            && let Assignment::Plain { variable, .. } = Assignment::of(items, start + 3)
        {
            self.code_files.extend(variable.iter().map(|name| (name.clone(), reader)));
        }
    }

    /// What runs one of these targets of a redirection later, if something does.
    fn reader_of(&self, items: &[Item], targets: &[std::ops::Range<usize>]) -> Option<Reader> {
        targets.iter().find_map(|target| {
            let target = &items[target.clone()];
            reader_of_file(&plain_text(target)).or_else(|| {
                target.iter().find_map(|item| match item.atom {
                    Atom::Variable(number) => {
                        self.code_files.get(&self.atoms.variables[number].name).copied()
                    }
                    _ => None,
                })
            })
        })
    }

    /// What `start` or a program runs of its arguments, which begin at item `from` or behind it.
    fn started(&mut self, items: &[Item], from: usize, program: &str) -> Started {
        let (arguments, agreed) = argv::cut(items, from);
        let runs = runs(program, &arguments);
        let mut inners = self.run_by(items, &arguments, agreed, runs.clone());
        if program.strip_suffix(".exe").unwrap_or(program) == "perl" {
            let demand = Demand::typed("Perl interprets a `@` in a string as a list");
            for inner in inners.values_mut() {
                inner.demand = inner.demand.clone().max(demand.clone());
            }
        }
        // The arguments of a file that is run are those behind it.
        let free = match runs {
            Runs::Nothing => Some(0),
            Runs::File(at) => arguments.get(at + 1).map(|argument| argument.start),
            _ => None,
        };
        Started { inners, free }
    }

    /// What `call` calls, which begins at item `start` or behind it.
    fn called(&mut self, items: &[Item], start: usize) -> Known {
        let first = (start..items.len()).find(|&at| !items[at].is_blank()).unwrap_or(items.len());
        let last = (first..items.len()).find(|&at| items[at].is_blank()).unwrap_or(items.len());
        // What is called gets its arguments as %1, %2, …; `call set NAME=…` sets a variable.
        let mut assigns = vec!["%1".to_owned()];
        if matches!(self.name(&items[first..last]), Name::Internal(name) if name == "set") {
            assigns.extend(variable_of(items, last));
        }
        // A label is no command.
        let is_label = items.get(first).is_some_and(|item| item.is(b':'));
        let inners = if is_label { Inners::new() } else { self.line(items, first, false) };
        Known::Call { last, inners, assigns: assigns.into() }
    }

    /// The command that these items, which hold no blank, name.
    fn name(&self, word: &[Item]) -> Name {
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
        let mut atoms = word.iter().filter(|item| !item.is(b'"')).map(|item| item.atom);
        if let (Some(Atom::Variable(number)), None) = (atoms.next(), atoms.next())
            && self.atoms.variables[number].name == "comspec"
        {
            return Name::Program("cmd".to_owned());
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

/// What is known of the arguments of a command.
#[derive(Debug)]
enum Known {
    Set {
        assignment: Assignment,
        /// What the value is if what the variable holds is run.
        held: HashMap<usize, Printed>,
    },
    Call {
        /// Behind the command that is called.
        last: usize,
        inners: Inners,
        assigns: Rc<[String]>,
    },
    Echo {
        /// The first item of the text.
        first: usize,
        printed: HashMap<usize, Printed>,
    },
    Runs(Started),
    Other,
}

/// What a command runs of its arguments.
#[derive(Debug)]
struct Started {
    inners: Inners,
    /// From this item on, its arguments are like those of any other program.
    free: Option<usize>,
}

/// What `if` makes of an operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operand {
    Text,
    Number,
    /// The name of a file or variable.
    Name,
    /// `EQU`, `NEQ`, …
    Comparison,
}

#[derive(Debug)]
pub(super) enum Name {
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

/// Whether a program that runs other programs may run what is behind these items.
fn may_be_run(before: &[Item]) -> bool {
    let near = &before[before.len().saturating_sub(LONGEST_NAME)..];
    let text = plain_text(near);
    let ends_open = near.last().is_none_or(|item| item.is_blank() || item.is(b'"'));
    let word = text.trim_end_matches([' ', '\t', '"']).rsplit([' ', '\t']).next().unwrap_or_default();
    !ends_open || word.is_empty() || word.starts_with(['/', '-', '"'])
}

/// What runs a file of this name, in lower case, if something does.
pub(super) fn reader_of_file(name: &str) -> Option<Reader> {
    // These tell the registry what to run.
    const REGISTRY: &[&str] = &[".reg"];
    let name = name.trim_end_matches(['"', ' ', '\t']);
    if endings::is_any(name, &[endings::POWERSHELL]) {
        return Some(Reader::PowerShell);
    }
    endings::is_any(name, &[endings::WINDOWS, endings::SHELL, REGISTRY]).then_some(Reader::Batch)
}

fn is_powershell(program: &str) -> bool {
    matches!(program.strip_suffix(".exe").unwrap_or(program), "powershell" | "pwsh")
}

/// The place of an argument of a command that cmd.exe has itself.
fn internal_place(items: &[Item], number: usize, name: &str, inside_name: bool, command: &Known) -> Place {
    let quotes = if items[number].quoted { "inside double quotes" } else { "outside quotes" };
    let text = format!("{quotes}, in an argument of `{name}`");
    match (name, command) {
        ("set", Known::Set { assignment: Assignment::Plain { variable, equals }, held }) => {
            let demand = if number < *equals {
                Demand::nothing("it would name the variable that is set")
            } else {
                Demand::FREE_TEXT
            };
            let place = Place::new(Style::Text, format!("{quotes}, in an assignment"), demand);
            let is_argument = held.get(&number).is_some_and(|held| held.batch.takes_word());
            let assigns = if is_argument {
                variable.iter().map(|name| with_argument(name)).collect()
            } else {
                variable.clone()
            };
            let is_quote = |item: &Item| item.is(b'"');
            let holds_quotes = items.get(number + 1).is_some_and(is_quote)
                && !items[..(*equals).min(items.len())].iter().any(is_quote);
            Place { internal: true, assigns, holds_quotes, ..place }
        }
        ("set", Known::Set { assignment, .. }) => {
            let demand = match assignment {
                Assignment::Question => Demand::words("`set /p` shows it as a prompt"),
                _ => Demand::number("`set /a` interprets it as a formula"),
            };
            Place::new(Style::Text, format!("{quotes}, in an assignment"), demand)
        }
        ("echo", Known::Echo { first, printed }) if !inside_name => {
            let place = Place::new(Style::Text, text, Demand::FREE_TEXT);
            let printed = printed.get(&number).cloned().unwrap_or_default();
            Place { internal: true, begins_echo: *first == number, printed, ..place }
        }
        ("title", _) if !inside_name => {
            Place { internal: true, ..Place::new(Style::Text, text, Demand::FREE_TEXT) }
        }
        ("call", Known::Call { last, inners, assigns }) => {
            const AGAIN: &str = "`call` reads the line a second time";
            let help =
                "put the value into a variable with `set \"NAME=($X)\"`, and use `%NAME%` in what is called";
            let (demand, assigns) = match inners.get(&number) {
                _ if number < *last => (names_a_program(), assigns.clone()),
                Some(inner) => {
                    let all = assigns.iter().chain(&*inner.assigns).cloned().collect();
                    (inner.demand.clone().because(AGAIN), all)
                }
                None => (Demand::words(Refusal::from(AGAIN).or_write(help)), assigns.clone()),
            };
            Place { assigns, ..Place::new(Style::Word, text, demand) }
        }
        ("start", Known::Runs(started)) => match started.inners.get(&number) {
            Some(inner) => inner.place(),
            None => {
                Place::new(Style::Word, text, Demand::word("`start` interprets it as one of its options"))
            }
        },
        ("assoc" | "ftype" | "path" | "prompt", _) => {
            Place::new(Style::Word, text, Demand::typed(format!("`{name}` changes what later commands do")))
        }
        _ => {
            let reason =
                format!("`{name}` interprets it as names, options and patterns of files, not as text");
            Place::new(Style::Word, text, Demand::word(reason))
        }
    }
}

/// The place of an argument of a program.
fn argument_place(items: &[Item], number: usize, program: &str, odd: bool, command: &Known) -> Place {
    let quoted = items[number].quoted;
    let text = match (quoted, number.checked_sub(1).is_none_or(|at| items[at].is_blank())) {
        (true, _) => format!("inside double quotes, in an argument of `{program}`"),
        (false, true) => format!("as a word in the arguments of `{program}`"),
        (false, false) => format!("outside quotes, in an argument of `{program}`"),
    };
    let Known::Runs(started) = command else { return Place::new(Style::Word, text, Demand::FREE_TEXT) };
    if let Some(inner) = started.inners.get(&number) {
        return Place { argv: true, ..inner.place() };
    }
    let is_free = started.free.is_some_and(|from| number >= from);
    let demand = match takes(program) {
        Takes::Code if !is_free => Demand::words(format!("`{program}` interprets its arguments as code")),
        Takes::Argv | Takes::Internal | Takes::Code if odd => Demand::words(
            "quotes before it are doubled or follow a `\\` or `^`, so cmd.exe and the program split the line at \
             different places",
        ),
        Takes::Argv | Takes::Internal | Takes::Code => Demand::FREE_TEXT,
        Takes::Batch => Demand::words(
            Refusal::from(format!("`{program}` is a batch file, which reads its arguments once more"))
                .or_write(
                    "put the value into a variable with `set \"NAME=($X)\"`, and use that in the batch file",
                ),
        ),
        Takes::Unknown => {
            let reason = format!("`{program}` may be a batch file, which reads its arguments once more");
            let help = format!("write `{program}.exe` if it is a program");
            Demand::words(Refusal::from(reason).or_write(help))
        }
    };
    let assigns = if takes(program) == Takes::Batch { ["%1".to_owned()].into() } else { Rc::default() };
    Place { argv: true, assigns, ..Place::new(Style::Word, text, demand) }
}

/// Where the names of files are that `<` and `>` lead to.
fn redirections(items: &[Item]) -> Vec<std::ops::Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < items.len() {
        if !is_redirection(&items[at]) {
            at += 1;
            continue;
        }
        while at < items.len() && (is_redirection(&items[at]) || items[at].is(b'&')) {
            at += 1;
        }
        while at < items.len() && items[at].is_separator() {
            at += 1;
        }
        let start = at;
        while at < items.len() && !items[at].is_separator() && !is_redirection(&items[at]) {
            at += 1;
        }
        found.push(start..at);
    }
    found
}

/// Where a command begins: its redirections may be before its name, with the number of a stream before each.
fn behind_redirections(items: &[Item], targets: &[std::ops::Range<usize>]) -> usize {
    let next = |from: usize| (from..items.len()).find(|&at| !items[at].is_separator()).unwrap_or(items.len());
    let mut start = next(0);
    for target in targets.iter().filter(|target| target.start <= items.len()) {
        let operator = &items[start.min(target.start)..target.start];
        let is_number = operator.len() > 1
            && matches!(operator[0].atom, Atom::Byte(b'0'..=b'9'))
            && is_redirection(&operator[1]);
        let is_first = operator
            .iter()
            .skip(usize::from(is_number))
            .all(|item| is_redirection(item) || item.is(b'&') || item.is_separator());
        if operator.is_empty() || !is_first {
            break;
        }
        start = next(target.end);
    }
    start
}

/// How many items are before a block if these are its redirections. Items are atoms only where no `^` is among them.
pub(super) fn before_block(items: &[Item]) -> Option<usize> {
    let start = behind_redirections(items, &redirections(items));
    let before = items.get(..start).filter(|before| !before.is_empty())?;
    (items.get(start)?.is(b'(') && !before.iter().any(|item| item.escaped)).then_some(start)
}

/// Whether these items, which follow a redirection, are more than a simple command.
fn begins_construction(items: &[Item]) -> bool {
    let text = plain_text(&items[..items.len().min(4)]);
    let is_word = |word: &str| {
        text.strip_prefix(word).is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
    };
    text.starts_with(['(', ':', '@']) || ["if", "for", "rem"].into_iter().any(is_word)
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
