//! What each word of a command demands of the values in it.

use std::ops::Range;

use super::block::{Command, List, Printed, Redirect};
use super::commands::{DECLARATIONS, READS, Role, Stdin, roles};
use super::flows;
use super::parser::Parser;
use super::quote::Style;
use super::word::{Hole, UNKNOWN, Word};
use crate::macros::demand::{Demand, Refusal};
use crate::macros::follow::{What, word_by_word};

/// Ends of names of files that are run or read as code: scripts of the shell, and others.
const SHELL_FILES: [&str; 2] = [".sh", ".bash"];
const CODE_FILES: [&str; 6] = [".py", ".pl", ".rb", ".cmd", ".bat", ".ps1"];
/// Commands that print what they got, and those that print nothing of their arguments.
const COPIES: [&str; 2] = ["cat", "tee"];
pub(super) const FETCHED: &str = "what is fetched from there is run";
const FETCHES: [&str; 5] = ["curl", "wget", "fetch", "cat", "zcat"];

impl Parser<'_> {
    /// A command that is complete.
    pub(super) fn finish(&mut self, list: &mut List, command: &Command) {
        for word in &command.assignments {
            self.apply(word, &Role::Assignment, "");
        }
        let name = command.name().to_owned();
        let mut found = vec![Role::Argument; command.words.len()];
        let mut stdin = roles(&command.words, &mut found, self.is_bash).max(command.reads.clone());
        let mut reads = false;
        for (number, (word, role)) in command.words.iter().zip(&found).enumerate() {
            if *role == Role::Rest {
                reads |= self.rest(&command.words[number..], &name);
                break;
            }
            reads |= self.apply(word, role, &name);
            if number > 0 {
                self.flows.argument(word.subjects.clone(), &name);
            }
        }
        if reads {
            // A command in the script reads what this one gets.
            stdin = stdin.max(Stdin::Shell);
        }
        if command.torn {
            let demand = Demand::typed("some shells take `&>` for the end of the command before it");
            for word in command.words.iter().skip(1) {
                self.demand_of(&word.holes, &demand);
            }
        }
        self.variables(command);
        if command.closed.is_none() && !name.is_empty() {
            list.runs.push(name.clone());
        }
        list.runs.extend(
            command.words.iter().chain(&command.assignments).flat_map(|word| word.runs.iter().cloned()),
        );
        // A substitution in the command that reads a script gets the input of the command.
        if stdin == Stdin::Data && command.words.iter().chain(&command.assignments).any(|word| word.reads) {
            stdin = Stdin::Code;
        }
        self.redirects(command, &stdin, &name);
        let own = command.first_document.min(self.documents.len());
        for document in &mut self.documents[own..] {
            document.command.clone_from(&name);
            document.reader = document.reader.clone().max(stdin.clone());
        }
        if command.piped {
            self.flows.feeds(list.pipeline.0..command.first, &name);
        }
        let reads = stdin != Stdin::Data;
        let own_input =
            own < self.documents.len() || command.redirects.iter().any(|(kind, _)| *kind != Redirect::Output);
        if reads && !own_input {
            self.read_input(list, command, &stdin);
        }
        self.writes_code(list, command, &name);
        list.printed = printed(command, &found);
    }

    /// The variables that get what stands in the command.
    fn variables(&mut self, command: &Command) {
        let name = command.name();
        let declares = DECLARATIONS.contains(&name);
        let words = command.words.iter().skip(1).filter(|_| declares);
        for word in command.assignments.iter().chain(words) {
            let Some(variable) = word.assigned() else { continue };
            for subject in &mut self.subjects[word.subjects.clone()] {
                flows::add(subject, [variable]);
            }
            for run in &word.runs {
                self.flows.prints(run, vec![variable.to_owned()]);
            }
        }
        match name {
            "for" | "select" => {
                let Some(variable) = command.words.get(1).map(|word| word.text.clone()) else { return };
                if command.words.len() == 2 {
                    // Without a list the variable gets the parameters.
                    let at = self.at.min(self.bytes.len());
                    let mut parameters = Word::new(self.subjects.len());
                    let what = What::Variable(flows::PARAMETER.to_owned());
                    let subject = self.subject(&mut parameters, what, at..at, Style::Double);
                    flows::add(&mut self.subjects[subject], [variable.as_str()]);
                }
                let one = word_by_word(&variable);
                for word in command.words.iter().skip(3) {
                    let alone = word.text.len() == UNKNOWN.len_utf8();
                    for subject in &mut self.subjects[word.subjects.clone()] {
                        let is_cut = alone && subject.quoting.style == Style::Bare && name == "for";
                        flows::add(subject, [if is_cut { one.as_str() } else { variable.as_str() }]);
                    }
                    for run in &word.runs {
                        self.flows.prints(run, vec![variable.clone()]);
                    }
                }
            }
            "printf" if command.words.get(1).is_some_and(|word| word.text == "-v") => {
                let Some(variable) = command.words.get(2).map(|word| word.text.clone()) else { return };
                for word in command.words.iter().skip(3) {
                    for subject in &mut self.subjects[word.subjects.clone()] {
                        flows::add(subject, [variable.as_str()]);
                    }
                }
            }
            _ => {
                // Behind a prefix of assignments or options there may be one, too.
                if command.words.iter().any(|word| READS.contains(&word.text.as_str())) {
                    self.flows.read("");
                    for word in command.words.iter().skip(1) {
                        self.flows.read(&word.text);
                    }
                }
            }
        }
    }

    /// The targets of redirections, and what is read through them.
    fn redirects(&mut self, command: &Command, stdin: &Stdin, name: &str) {
        for (kind, word) in &command.redirects {
            if *kind == Redirect::Text {
                self.apply(word, &Role::One, name);
                let own = word.subjects.clone();
                self.flows.piped(own.clone(), "cat");
                self.flows.feeds(own, name);
                self.read_by(stdin, &word.text, &word.holes, &word.span);
                continue;
            }
            let demand = Demand::word(Refusal::from("it names the file that is written or read").or_write(
                "write the name of the file without the macro, and rename the file with `mv -- FILE ($NAME)`",
            ));
            let nested = word.text.starts_with(UNKNOWN) && word.holes.len() == 1 && word.holes[0].printed;
            if *kind == Redirect::Input && nested {
                // `< <(…)`
                self.flows.piped(word.subjects.clone(), ")");
                self.flows.feeds(word.subjects.clone(), name);
                self.read_by(stdin, &word.text, &word.holes, &word.span);
            } else {
                // What an interpreter reads from a file is run.
                let runs = *kind == Redirect::Input && *stdin > Stdin::Words;
                let demand = if runs { Demand::typed("the file that it names is run") } else { demand };
                self.apply(word, &Role::Must(demand), "");
            }
        }
        for word in command.words.iter().skip(1) {
            // `<(…)` as an argument is a file that the command may read.
            if word.holes.len() == 1 && word.holes[0].printed && word.text.len() == UNKNOWN.len_utf8() {
                self.flows.inputs(word.subjects.clone());
            }
        }
    }

    /// The input of the pipeline, or of what is around it, is read in this way.
    fn read_input(&mut self, list: &mut List, command: &Command, stdin: &Stdin) {
        if command.piped {
            let printed = list.printed.take();
            let from = if *stdin == Stdin::Words { list.pipeline.0.max(list.words) } else { list.pipeline.0 };
            self.taint(from..command.first, list.pipeline.1, stdin, printed.as_ref());
            // Once is enough.
            list.words = command.first;
            if *stdin > Stdin::Words {
                list.pipeline.0 = command.first;
            }
            return;
        }
        for number in (0..list.blocks.len()).rev() {
            let block = &mut list.blocks[number];
            if block.reads >= *stdin {
                return;
            }
            block.reads = block.reads.clone().max(stdin.clone());
            if let Some(function) = block.function.clone() {
                self.flows.function_reads_code(&function);
                return;
            }
            if block.piped {
                let (range, document) = (block.pipeline.0..block.first, block.pipeline.1);
                let printed = block.printed.take();
                self.taint(range, document, stdin, printed.as_ref());
                return;
            }
        }
        list.reads = list.reads.clone().max(stdin.clone());
    }

    /// All these subjects and the documents from this one on are read in this way. `printed` is what the last command
    /// prints, if it prints its words.
    fn taint(&mut self, subjects: Range<usize>, document: usize, stdin: &Stdin, printed: Option<&Printed>) {
        let first = document.min(self.documents.len());
        for document in &mut self.documents[first..] {
            document.reader = document.reader.clone().max(stdin.clone());
        }
        if let Some(printed) = printed {
            let holes = printed.holes.clone();
            self.read_by(stdin, &printed.text, &holes, &printed.span.clone());
        }
        let demand = match stdin {
            Stdin::Data => return,
            Stdin::Words => Demand::word("it becomes an argument of another command"),
            _ => Demand::typed("a command that reads it takes it for code"),
        };
        let address = Demand::word(FETCHED);
        let holes = printed.map(|printed| &*printed.holes).unwrap_or_default();
        for number in subjects {
            // Holes are in the order of the script.
            let next = holes.partition_point(|hole| hole.subjects.end <= number);
            if holes.get(next).is_some_and(|hole| hole.subjects.contains(&number)) {
                continue;
            }
            let subject = &mut self.subjects[number];
            let is_address = is_fetched(&subject.place);
            subject.demand(if is_address { &address } else { &demand });
        }
    }

    /// This text is what a command reads in this way.
    pub(super) fn read_by(&mut self, stdin: &Stdin, text: &str, holes: &[Hole], span: &Range<usize>) {
        match stdin {
            Stdin::Data => {}
            Stdin::Words => self.demand_of(holes, &Demand::word("it becomes an argument of another command")),
            Stdin::Foreign(language) => self.foreign_code(text, holes, &language.clone()),
            Stdin::Shell => {
                let reason = Refusal::from("a shell reads it as a script").or_write(
                    "let the script take it as a parameter: in a script for `sh -c`, write `$1`, and the macro behind \
                     the script, as `sh -c '… \"$1\"' sh ($NAME)`",
                );
                self.shell_code(text, holes, span, &reason);
            }
            Stdin::Code => {
                self.demand_of(holes, &Demand::typed("a command that reads it takes it for code"));
            }
        }
    }

    /// Whether the command writes to a file that is run later.
    fn writes_code(&mut self, list: &mut List, command: &Command, name: &str) {
        let targets =
            command.redirects.iter().filter(|(kind, _)| *kind == Redirect::Output).map(|(_, word)| word);
        let tee = command.words.iter().any(|word| word.command() == "tee");
        let files: Vec<String> = targets
            .chain(command.words.iter().skip(1).filter(|_| tee))
            .map(|word| word.text.to_ascii_lowercase())
            .collect();
        let ends =
            |endings: &[&str]| files.iter().any(|file| endings.iter().any(|ending| file.ends_with(ending)));
        let reader = if ends(&CODE_FILES) {
            Stdin::Code
        } else if ends(&SHELL_FILES) {
            Stdin::Shell
        } else {
            return;
        };
        let copies = COPIES.contains(&name) || tee;
        let reader = if copies || name == "echo" { reader } else { Stdin::Code };
        let own = printed_words(command);
        let first = if command.piped { list.pipeline.0 } else { command.first };
        let printed = if command.piped { list.printed.take() } else { own };
        // The name of the file is not in it.
        let end = if name == "echo" || copies || command.piped {
            command.redirects.iter().map(|(_, word)| word.subjects.start).min().unwrap_or(self.subjects.len())
        } else {
            self.subjects.len()
        };
        self.taint(
            first..end.max(first),
            list.pipeline.1.min(command.first_document),
            &reader,
            printed.as_ref(),
        );
    }

    /// The patterns of a `case`.
    pub(super) fn patterns(&mut self, words: &[Word]) {
        for word in words {
            self.apply(word, &Role::One, "case");
            for hole in word.holes.iter().filter(|hole| !hole.printed) {
                self.subjects[hole.subjects.start].quoting.reserved = true;
                self.subjects[hole.subjects.start].quoting.begins_argument = false;
            }
        }
    }

    /// An element of an array.
    pub(super) fn element(&mut self, word: &Word) {
        self.apply(word, &Role::Element, "");
    }

    /// Words that are read as one script, with spaces between them.
    fn rest(&mut self, words: &[Word], name: &str) -> bool {
        let mut text = String::new();
        let mut holes = Vec::new();
        for word in words {
            self.apply(word, &Role::Argument, name);
            if !text.is_empty() {
                text.push(' ');
            }
            holes.extend(word.holes.iter().map(|hole| Hole { at: hole.at + text.len(), ..hole.clone() }));
            text.push_str(&word.text);
        }
        let span =
            words.first().map_or(0, |word| word.span.start)..words.last().map_or(0, |word| word.span.end);
        self.shell_code(&text, &holes, &span, &code_reason(name)).reads
    }

    /// What the word demands in this role, of the command `name`. Whether it is a script that reads another one from
    /// the input of the command.
    fn apply(&mut self, word: &Word, role: &Role, name: &str) -> bool {
        for hole in &word.holes {
            self.apply_to(word, hole, role, name);
        }
        match role {
            Role::Shell => {
                return self.shell_code(&word.text, &word.holes, &word.span, &code_reason(name)).reads;
            }
            Role::Foreign(language) => self.foreign_code(&word.text, &word.holes, language),
            Role::Sed => self.sed_program(word, false),
            Role::Perl => self.sed_program(word, true),
            _ => {}
        }
        false
    }

    fn apply_to(&mut self, word: &Word, hole: &Hole, role: &Role, name: &str) {
        let demand = match role {
            Role::Name => Demand::nothing(
                Refusal::from("what stands here is run as a command")
                    .or_write("write the name of the command itself, and the macro behind it as an argument"),
            ),
            Role::Must(demand) => demand.clone(),
            Role::Assignment if hole.at < word.value_at() => {
                Demand::number("it is the subscript of an array, which the shell calculates")
            }
            _ => Demand::FREE_TEXT,
        };
        for subject in &mut self.subjects[hole.subjects.clone()] {
            subject.demand(&demand);
        }
        if hole.printed {
            return;
        }
        let assigns = *role == Role::Assignment;
        // The value of an assignment in front of a command is not split, of `export` it may be.
        let whole = assigns && !DECLARATIONS.contains(&name) || matches!(role, Role::One) && name == "case";
        let alone = word.text.len() == UNKNOWN.len_utf8();
        for subject in &mut self.subjects[hole.subjects.clone()] {
            let quotes = match subject.quoting.style {
                Style::Bare => "outside of quotes",
                Style::Single => "inside single quotes",
                _ => "inside double quotes",
            };
            subject.place = match name {
                _ if assigns => format!("{quotes}, in an assignment"),
                "" => quotes.to_owned(),
                name if name.contains(UNKNOWN) => {
                    format!("{quotes}, in an argument of a command in a variable")
                }
                name => format!("{quotes}, in an argument of `{name}`"),
            };
            let quoting = &mut subject.quoting;
            quoting.takes_words =
                alone && matches!(role, Role::Argument | Role::Escapes | Role::Element | Role::Parameter);
            quoting.begins_argument = hole.at == 0
                && !assigns
                && *role != Role::Name
                && name != "case"
                && !(name.is_empty() && *role == Role::Element);
            quoting.escapes = *role == Role::Escapes;
            quoting.test = *role == Role::Operand;
            quoting.whole = whole;
            quoting.reserved = name == "case";
            if *role == Role::Parameter && matches!(subject.what, What::Macro(_) | What::Variable(_)) {
                flows::add(subject, [flows::PARAMETER]);
            }
        }
    }
}

/// Whether this is the place of an argument of a command that prints what it fetches, and not its arguments.
pub(super) fn is_fetched(place: &str) -> bool {
    let command = place.strip_suffix('`').and_then(|place| place.rsplit('`').next());
    command.is_some_and(|name| FETCHES.contains(&name))
}

fn code_reason(name: &str) -> Refusal {
    Refusal::from(format!("`{name}` takes its arguments for commands or code")).or_write(
        "let the script take it as a parameter: write `$1` in the script, and the macro behind it, as \
         `sh -c '… \"$1\"' sh ($NAME)`",
    )
}

/// What the command prints, if it is one that prints its words.
fn printed(command: &Command, roles: &[Role]) -> Option<Printed> {
    let at = command.words.iter().position(|word| word.command() == "echo")?;
    (roles.get(at) == Some(&Role::Name)).then(|| join(&command.words[at + 1..]))
}

fn printed_words(command: &Command) -> Option<Printed> {
    (command.name() == "echo").then(|| join(&command.words[1..]))
}

fn join(words: &[Word]) -> Printed {
    let span = words.first().map_or(0, |word| word.span.start)..words.last().map_or(0, |word| word.span.end);
    let mut printed = Printed { text: String::new(), holes: Vec::new(), span };
    for word in words {
        if printed.text.is_empty() && word.text.starts_with('-') {
            continue;
        }
        if !printed.text.is_empty() {
            printed.text.push(' ');
        }
        let before = printed.text.len();
        printed.holes.extend(word.holes.iter().map(|hole| Hole { at: hole.at + before, ..hole.clone() }));
        printed.text.push_str(&word.text);
    }
    printed
}
