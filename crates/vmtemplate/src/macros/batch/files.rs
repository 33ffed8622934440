//! Files that a script writes and then reads or runs: what it wrote there may be the value of a macro.

use std::collections::HashSet;
use std::ops::Range;
use std::rc::Rc;

use super::argv;
use super::atoms::{Atom, LONGEST_NAME};
use super::classify::{Name, reader_of_file};
use super::commands::{Runs, Takes, runs, takes};
use super::nested::names_a_program;
use super::quote::BatchPlace;
use super::subject::Reader;
use super::{Item, Parser};
use crate::macros::demand::Demand;
use crate::macros::follow::{self, What, any_with, part_of_line};

/// No name of a variable begins with these.
const HELD: char = '\u{2}';
const RUN: char = '\u{3}';
/// More files than this in one command are not distinguished.
const MOST_FILES: usize = 20;

/// A value that goes to more variables and files than this is not followed into them.
const MOST_NAMES: usize = 100;

/// The "variable" that holds what is in a file.
fn held(file: &str) -> String {
    format!("{HELD}{file}")
}

/// The "variable" that is run when a file is.
fn run(file: &str) -> String {
    format!("{RUN}{file}")
}

/// What a script wrote into a file, by the numbers of the subjects.
#[derive(Debug)]
pub(super) struct Written {
    file: String,
    subjects: Range<usize>,
}

impl Parser {
    /// The files that a command reads or runs, before its own subjects are known.
    pub(super) fn note_files(
        &mut self,
        items: &[Item],
        command: Range<usize>,
        name: &Name,
        targets: &[Range<usize>],
    ) {
        let Range { start, end } = command;
        let inputs: Vec<Range<usize>> =
            targets.iter().filter(|target| is_behind(items, target, b'<')).cloned().collect();
        match name {
            Name::Internal(internal) => match internal.as_str() {
                "set" => {
                    self.name_file(items, start + 3);
                    if let Some(variable) = question(items, start + 3) {
                        self.questions.push(variable);
                        let asked = self.questions.last().cloned();
                        self.read(items, &inputs, &asked.into_iter().collect());
                    }
                }
                "call" | "start" => {
                    let is_label = items[end..].iter().find(|item| !item.is_blank());
                    if !is_label.is_some_and(|item| item.is(b':')) {
                        self.run_files(items, &words(items, end..items.len()));
                    }
                }
                "type" => self.shown.extend(words(items, end..items.len())),
                "copy" | "move" | "ren" | "rename" => {
                    let words = words(items, end..items.len());
                    if words.iter().any(|word| self.file(items, word).is_some_and(|f| is_code(&f))) {
                        self.run_files(items, &words);
                    }
                }
                _ => {}
            },
            Name::Program(program) => {
                let mut ran = words(items, start..end);
                let (arguments, _) = argv::cut(items, end);
                let behind = |from: usize| arguments.get(from).map_or(items.len(), |argument| argument.start);
                match runs(program, &arguments) {
                    Runs::Nothing | Runs::Data => {}
                    Runs::File(at) => ran.extend(words(items, behind(at)..behind(at + 1))),
                    Runs::Line { from, .. } | Runs::Code(from) => {
                        ran.extend(words(items, behind(from)..items.len()));
                    }
                    Runs::Command(range) => {
                        ran.extend(words(items, behind(range.start)..behind(range.end)));
                    }
                    Runs::PowerShell(from) => {
                        let text: String = arguments.iter().skip(from).map(|a| a.text.as_str()).collect();
                        if ["iex", "invoke-", "scriptblock", "& ", ". "].iter().any(|run| text.contains(run))
                        {
                            ran.extend(words(items, behind(from)..items.len()));
                        }
                    }
                }
                if takes(program) == Takes::Code {
                    ran.extend(inputs);
                }
                self.run_files(items, &ran);
            }
            // `(…) < FILE`: the questions of the block are answered from it.
            Name::Unknown if start >= items.len() => {
                let asked = self.questions.clone();
                self.read(items, &inputs, &asked.into());
            }
            Name::Unknown => {
                let mut ran = words(items, start..end);
                ran.extend(inputs);
                self.run_files(items, &ran);
            }
        }
    }

    /// What `type` has shown of these items is piped into a program that takes it for code.
    pub(super) fn run_shown(&mut self, items: &[Item]) {
        // They are in the command before, of which only the names are left.
        let shown = std::mem::take(&mut self.shown_files);
        let range = range_of(items);
        for file in shown {
            self.pseudo(run(&file), range.clone(), names_a_program(), &Rc::default());
        }
    }

    /// The names of the files that `type` shows in these items.
    pub(super) fn remember_shown(&mut self, items: &[Item]) {
        let shown = std::mem::take(&mut self.shown);
        let files: Vec<String> = shown.iter().filter_map(|word| self.file(items, word)).collect();
        self.shown_files.extend(files.into_iter().take(MOST_FILES));
    }

    /// These variables get what is in the files that these items name.
    pub(super) fn read_set(&mut self, items: &[Item], variables: &Rc<[String]>) {
        let words = words(items, 0..items.len());
        self.read(items, &words, variables);
    }

    /// These variables get what the variables hold that this `set` shows. `from` is where the command begins.
    pub(super) fn read_shown_variables(&mut self, items: &[Item], from: usize, variables: &Rc<[String]>) {
        let command: String = items[from.min(items.len())..]
            .iter()
            .map_while(|item| match item.atom {
                Atom::Byte(byte) => Some(char::from(byte.to_ascii_lowercase())),
                _ => None,
            })
            .skip_while(char::is_ascii_whitespace)
            .take(LONGEST_NAME)
            .collect();
        let Some(prefix) = command.strip_prefix("set") else { return };
        if prefix.is_empty() || prefix.starts_with([' ', '\t', '"']) {
            // An error message is thrown away behind it: `set NAME 2^>nul`.
            let prefix = prefix.trim_start_matches([' ', '\t', '"']);
            let prefix = prefix.split([' ', '\t', '"', '^', '|', '>']).next().unwrap_or_default();
            let parts = variables.iter().map(|name| part_of_line(name)).collect();
            self.pseudo(any_with(prefix), range_of(items), Demand::FREE_TEXT, &parts);
        }
    }

    fn read(&mut self, items: &[Item], files: &[Range<usize>], variables: &Rc<[String]>) {
        for word in files.iter().take(MOST_FILES) {
            let Some(file) = self.file(items, word) else { continue };
            self.pseudo(held(&file), range_of(&items[word.clone()]), Demand::FREE_TEXT, variables);
        }
    }

    fn run_files(&mut self, items: &[Item], files: &[Range<usize>]) {
        for word in files.iter().take(MOST_FILES) {
            if let Some(file) = self.file(items, word) {
                let range = range_of(&items[word.clone()]);
                self.pseudo(run(&file), range, names_a_program(), &Rc::default());
            }
        }
    }

    fn pseudo(&mut self, name: String, range: Range<usize>, demand: Demand, assigns: &Rc<[String]>) {
        self.programs.push(follow::Subject {
            what: What::Variable(name),
            range,
            place: "in a file that the script writes".to_owned(),
            demand,
            quoting: BatchPlace::unread().into(),
            assigns: Rc::clone(assigns),
        });
    }

    /// The files that `>` and `>>` of these items write.
    pub(super) fn written(&self, items: &[Item], targets: &[Range<usize>]) -> Vec<String> {
        let outputs = targets.iter().filter(|target| is_behind(items, target, b'>'));
        outputs.filter_map(|target| self.file(items, target)).take(MOST_FILES).collect()
    }

    /// The subjects from this one on are written to these files.
    pub(super) fn write(&mut self, from: usize, files: &[String]) {
        for file in files {
            let mut names = vec![held(file)];
            if self.depth > 0 {
                names.push(run(file));
            }
            for subject in &mut self.subjects[from..] {
                if subject.assigns.len() > MOST_NAMES {
                    subject.demand(&Demand::words("it is written to too many files"));
                    continue;
                }
                subject.assigns = subject.assigns.iter().chain(&names).cloned().collect();
            }
            if self.depth == 0 && from < self.subjects.len() {
                self.files.push(Written { file: file.clone(), subjects: from..self.subjects.len() });
            }
        }
    }

    /// `set "NEXT=%TEMP%\next.cmd"`: `%NEXT%` and `next.cmd` are one file, and what runs the one runs the other. `from`
    /// is behind the word `set`. Whether the value is such a name.
    pub(super) fn name_file(&mut self, items: &[Item], from: usize) -> bool {
        let Some(equals) = (from..items.len()).find(|&at| items[at].is(b'=')) else { return false };
        let value = equals + 1..items.len();
        let variable = std::iter::once('%')
            .chain(items[from..equals].iter().filter_map(|item| match item.atom {
                Atom::Byte(byte) if !b"\" \t".contains(&byte) => Some(char::from(byte.to_ascii_lowercase())),
                _ => None,
            }))
            .take(LONGEST_NAME)
            .collect::<String>();
        let is_word = !items[value.clone()].iter().any(|item| item.is_blank() && !item.quoted);
        let Some(file) = self.file(items, &value).filter(|file| is_word && *file != variable) else {
            return false;
        };
        if self.named.iter().any(|named| named.0 == variable && named.1 == file) {
            return true;
        }
        if self.named.len() >= MOST_NAMES {
            return false;
        }
        let range = range_of(items);
        for kind in [held, run] {
            for (one, other) in [(&variable, &file), (&file, &variable)] {
                self.pseudo(kind(one), range.clone(), Demand::FREE_TEXT, &Rc::from([kind(other)]));
            }
        }
        self.named.push((variable, file));
        true
    }

    /// What was written to files that are run is code, whatever the ending of their names.
    pub(super) fn settle_files(&mut self) {
        let ran: HashSet<&str> = self
            .programs
            .iter()
            .filter_map(|subject| match &subject.what {
                What::Variable(name) if subject.assigns.is_empty() => name.strip_prefix(RUN),
                _ => None,
            })
            .collect();
        let is_run = |written: &Written| self.names_of(&written.file).iter().any(|name| ran.contains(name));
        let run: Vec<bool> = self.files.iter().map(is_run).collect();
        for (Written { subjects, .. }, is_run) in std::mem::take(&mut self.files).into_iter().zip(run) {
            if is_run {
                for subject in &mut self.subjects[subjects] {
                    let demand = subject
                        .printed
                        .read_by(Reader::Batch)
                        .clone()
                        .because("it is written to a file that is run later");
                    subject.demand(&demand);
                }
            }
        }
    }

    /// All names of this file.
    fn names_of<'n>(&'n self, file: &'n str) -> Vec<&'n str> {
        let mut all = vec![file];
        let mut next = 0;
        while let Some(&file) = all.get(next) {
            for (variable, named) in &self.named {
                for (this, other) in [(variable, named), (named, variable)] {
                    if this == file && !all.contains(&other.as_str()) {
                        all.push(other);
                    }
                }
            }
            next += 1;
        }
        all
    }

    /// The name of a file without its folder, in lower case; one in a variable by the name of that.
    fn file(&self, items: &[Item], word: &Range<usize>) -> Option<String> {
        let items = items.get(word.clone())?;
        let base = items
            .iter()
            .rposition(|item| matches!(item.atom, Atom::Byte(b'\\' | b'/' | b':' | b' ')))
            .map_or(0, |at| at + 1);
        let mut name = String::new();
        for item in &items[base..] {
            match item.atom {
                Atom::Byte(byte) if b"\"'`()@".contains(&byte) => {}
                Atom::Byte(byte) => name.push(char::from(byte.to_ascii_lowercase())),
                // A log in `%LOG%` is not the script in `%NEXT%`: the same variable is the same file.
                Atom::Variable(number) => {
                    name.push('%');
                    name.push_str(&self.atoms.variables[number].name);
                }
                Atom::Macro(_) | Atom::Newline => {}
            }
        }
        name.truncate(name.char_indices().nth(LONGEST_NAME).map_or(name.len(), |(at, _)| at));
        match name.as_str() {
            "" | "nul" | "con" | "&1" | "&2" => None,
            _ => Some(name),
        }
    }
}

fn is_code(file: &str) -> bool {
    reader_of_file(file).is_some()
}

/// Whether this sign is the operator before the target.
fn is_behind(items: &[Item], target: &Range<usize>, sign: u8) -> bool {
    items[..target.start].iter().rev().find(|item| !item.is_blank()).is_some_and(|item| item.is(sign))
}

/// Where the words of these items are, be they in quotes or not.
fn words(items: &[Item], range: Range<usize>) -> Vec<Range<usize>> {
    let is_between =
        |at: &usize| matches!(items[*at].atom, Atom::Byte(b' ' | b'\t' | b',' | b';' | b'=' | b'+'));
    let mut found = Vec::new();
    let mut at = range.start;
    while at < range.end && found.len() < MOST_FILES {
        let end = (at..range.end).find(is_between).unwrap_or(range.end);
        if end > at {
            found.push(at..end);
        }
        at = end + 1;
    }
    found
}

/// The variable that `set /p` asks for; `from` is behind the word `set`.
fn question(items: &[Item], from: usize) -> Option<String> {
    let text: String = items
        .get(from..)?
        .iter()
        .map(|item| match item.atom {
            Atom::Byte(byte) => char::from(byte.to_ascii_lowercase()),
            _ => char::REPLACEMENT_CHARACTER,
        })
        .take(LONGEST_NAME * 2)
        .collect();
    let (name, _) = text.trim_start().strip_prefix("/p")?.split_once('=')?;
    Some(name.trim_start_matches([' ', '\t', '"']).to_owned())
}

/// The bytes of the script that these items are.
fn range_of(items: &[Item]) -> Range<usize> {
    let first = items.first().map_or(0, |item| item.at as usize);
    let last = items.last().map_or(first, |item| item.at as usize);
    first..last.max(first) + 1
}
