//! What each word of a command demands of the values in it.

use std::ops::Range;

use super::Subject;
use super::block::{Command, List, Printed, Redirect};
use super::commands::{DECLARATIONS, READS, Role, Stdin, roles};
use super::files::file;
use super::flows;
use super::foreign::runs_commands;
use super::hooks;
use super::parser::Parser;
use super::quote::Style;
use super::word::{Hole, UNKNOWN, Word};
use crate::macros::demand::{Demand, Refusal};
use crate::macros::endings;
use crate::macros::follow::{What, word_by_word};

/// Commands that print what they got, and those that print nothing of their arguments.
const COPIES: [&str; 2] = ["cat", "tee"];
const FETCHED: &str = "what is fetched from there is run";
/// Commands that print what a server or a file holds, or what they calculate, and not their arguments.
const FETCHES: [&str; 6] = ["curl", "wget", "fetch", "cat", "zcat", "ipcalc"];
/// Commands that print what is in the files that they get.
const PRINTS_FILES: [&str; 24] = [
    "awk", "cat", "cut", "dd", "egrep", "fgrep", "fold", "gawk", "grep", "head", "mawk", "more", "nl",
    "paste", "rev", "sed", "sort", "strings", "tac", "tail", "tee", "tr", "uniq", "zcat",
];
/// Commands that make another file of one.
const COPIERS: [&str; 4] = ["cp", "install", "ln", "mv"];

impl Parser<'_> {
    /// A command that is complete.
    pub(super) fn finish(&mut self, list: &mut List, command: &Command) {
        for word in &command.assignments {
            self.apply(word, &Role::Assignment, "");
        }
        self.by_name(command);
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
            if let Role::File(reader, _) = role {
                let name = file(self.bytes, word);
                self.flows.files.runs(name, reader);
            } else if *role == Role::Name {
                let name = file(self.bytes, word);
                let is_bare = !word.text.contains(['/', UNKNOWN]);
                self.flows.files.command(name, is_bare);
            }
            if number > 0 {
                self.flows.argument(word.subjects.clone(), &name);
            }
        }
        if reads {
            // A command in the script reads what this one gets.
            stdin = stdin.max(Stdin::Shell);
        }
        stdin = stdin.max(self.programs(command, &found));
        if name == "exec" && command.words.len() == 1 {
            // What it opens any later command may read.
            stdin = Stdin::Code;
        }
        if command.torn {
            let demand = Demand::typed("some shells interpret `&>` as the end of the command before it");
            for word in command.words.iter().skip(1) {
                self.demand_of(&word.holes, &demand);
            }
        }
        self.variables(command, &found);
        self.set_by_shell(command);
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
        self.files(command, &found, &stdin);
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

    /// The variables that get what is in the command.
    fn variables(&mut self, command: &Command, roles: &[Role]) {
        let name = command.name();
        for (word, _) in command.words.iter().zip(roles).filter(|(_, role)| **role == Role::Assignment) {
            let Some(variable) = word.assigned() else { continue };
            for subject in &mut self.subjects[word.subjects.clone()] {
                flows::add(subject, [variable]);
            }
        }
        let declares = DECLARATIONS.contains(&name);
        let words = command.words.iter().skip(1).filter(|_| declares);
        for word in command.assignments.iter().chain(words) {
            let Some(variable) = word.assigned() else { continue };
            let one = word_by_word(variable);
            for number in word.subjects.clone() {
                let is_cut = word.cut.binary_search(&number).is_ok();
                flows::add(&mut self.subjects[number], [if is_cut { one.as_str() } else { variable }]);
            }
            let value = word.text.get(word.value_at()..).unwrap_or_default();
            let raw = file(self.bytes, word);
            if let Some((_, named)) = raw.split_once('=')
                && (value.contains('/') || !value.contains([UNKNOWN, ' ']))
                && !named.contains(['(', '`'])
            {
                self.flows.files.same(format!("${variable}"), named.to_owned());
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
                    let what = What::Variable(self.parameter());
                    let subject = self.subject(&mut parameters, what, at..at, Style::Double);
                    flows::add(&mut self.subjects[subject], [variable.as_str()]);
                }
                let one = word_by_word(&variable);
                for word in command.words.iter().skip(3) {
                    let item = file(self.bytes, word);
                    if word.text.contains('/') && !item.contains(['(', '`']) {
                        self.flows.files.same(format!("${variable}"), item);
                    }
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
            let from = if matches!(stdin, Stdin::OneByOne | Stdin::Words) {
                list.pipeline.0.max(list.words)
            } else {
                list.pipeline.0
            };
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
            // Some shells write `\n` of `echo` as it stands, others begin a line there.
            if let Some(other) = printed.unescaped() {
                self.read_by(stdin, &other.text, &other.holes, &other.span);
            }
        }
        let demand = match stdin {
            Stdin::Data => return,
            Stdin::OneByOne => Demand::words("it becomes arguments of another command"),
            Stdin::Words => Demand::word("it becomes an argument of another command"),
            _ => Demand::typed("a command that reads it interprets it as code"),
        };
        let holes = printed.map(|printed| &*printed.holes).unwrap_or_default();
        for number in subjects {
            // Holes are in the order of the script.
            let next = holes.partition_point(|hole| hole.subjects.end <= number);
            if holes.get(next).is_some_and(|hole| hole.subjects.contains(&number)) {
                continue;
            }
            let subject = &mut self.subjects[number];
            let demand = fetched(subject).unwrap_or_else(|| demand.clone());
            subject.demand(&demand);
        }
    }

    /// This text is what a command reads in this way.
    pub(super) fn read_by(&mut self, stdin: &Stdin, text: &str, holes: &[Hole], span: &Range<usize>) {
        match stdin {
            Stdin::Data => {}
            Stdin::OneByOne => {
                self.demand_of(holes, &Demand::words("it becomes arguments of another command"));
            }
            Stdin::Words => self.demand_of(holes, &Demand::word("it becomes an argument of another command")),
            Stdin::Foreign(language) => self.foreign_code(text, holes, &language.clone()),
            Stdin::Shell => {
                let reason = Refusal::from("a shell reads it as a script").or_write(
                    "write the macro itself there, as an argument of a command, in place of the variable or \
                     substitution that holds the value",
                );
                self.shell_code(text, holes, span, &reason, true);
            }
            Stdin::Code => {
                self.demand_of(holes, &Demand::typed("a command that reads it interprets it as code"));
            }
        }
    }

    /// A program of another language that runs commands may take them from anything that the command gets.
    fn programs(&mut self, command: &Command, roles: &[Role]) -> Stdin {
        let runs = |(word, role): (&Word, &Role)| match role {
            Role::Foreign(language) => runs_commands(language, &word.text),
            Role::Perl => runs_commands("perl", &word.text),
            _ => false,
        };
        let Some(program) = command.words.iter().zip(roles).position(runs) else { return Stdin::Data };
        let demand = Demand::typed("the program runs commands, and may interpret it as one");
        self.environment(&command.words[program], &demand);
        let others = command
            .words
            .iter()
            .zip(roles)
            .enumerate()
            .filter(|(number, (_, role))| *number > program || **role == Role::Assignment);
        for word in others.map(|(_, (word, _))| word).chain(&command.assignments) {
            for subject in &mut self.subjects[word.subjects.clone()] {
                subject.demand(&demand);
            }
        }
        Stdin::Code
    }

    /// What the command does with files: runs, copies and reads them.
    fn files(&mut self, command: &Command, roles: &[Role], stdin: &Stdin) {
        let at = roles.iter().rposition(|role| *role == Role::Name).unwrap_or(0);
        let words = command.words.get(at..).unwrap_or_default();
        let name = if command.closed.is_some() { "" } else { words.first().map_or("", Word::command) };
        let arguments: Vec<String> = words.iter().skip(1).map(|word| file(self.bytes, word)).collect();
        let operands = || arguments.iter().filter(|word| !word.starts_with('-'));
        if name == "chmod" && operands().next().is_some_and(|mode| makes_program(mode)) {
            operands().skip(1).for_each(|file| self.flows.files.runs(file.clone(), &Stdin::Shell));
        }
        if COPIERS.contains(&name)
            && let Some((target, sources)) = operands().collect::<Vec<_>>().split_last()
        {
            for source in sources {
                let inside = source.rsplit('/').next().unwrap_or_default();
                self.flows
                    .files
                    .same((*source).clone(), format!("{}/{inside}", target.trim_end_matches('/')));
                self.flows.files.same((*source).clone(), (*target).clone());
            }
        }
        let first = self.subjects.len();
        for (kind, word) in &command.redirects {
            let name = file(self.bytes, word);
            if *kind == Redirect::Input && !name.starts_with(['<', '>']) {
                if *stdin > Stdin::Words {
                    self.flows.files.runs(name.clone(), stdin);
                }
                self.content(&name);
            }
        }
        let inputs = first..self.subjects.len();
        if *stdin > Stdin::OneByOne {
            let demand = Demand::typed("a command that reads it interprets it as code");
            self.subjects[inputs.clone()].iter_mut().for_each(|subject| subject.demand(&demand));
        }
        self.flows.inputs(inputs.clone());
        self.flows.feeds(inputs, command.name());
        if PRINTS_FILES.contains(&name) {
            let targets = self.written(command);
            for target in targets.iter().filter(|target| !target.starts_with(['&', '/']) || is_file(target)) {
                operands().for_each(|source| self.flows.files.same(source.clone(), target.clone()));
            }
            let first = self.subjects.len();
            for file in operands() {
                self.content(file.strip_prefix("if=").unwrap_or(file));
            }
            if *stdin == Stdin::Code {
                let demand = Demand::typed("a program that reads it may run it");
                self.subjects[first..].iter_mut().for_each(|subject| subject.demand(&demand));
            }
        }
        if self.known.functions.contains(command.name()) {
            self.stands_for(flows::output(command.name()));
        }
    }

    /// What is in this file is read here.
    fn content(&mut self, file: &str) {
        for file in self.known.clone().sources(file) {
            self.stands_for(flows::content(&file));
        }
    }

    fn stands_for(&mut self, variable: String) {
        let at = self.at.min(self.bytes.len());
        let mut word = Word::new(self.subjects.len());
        let subject = self.subject(&mut word, What::Variable(variable), at..at, Style::Double);
        self.subjects[subject].demand = Demand::FREE_TEXT;
    }

    /// The files that the command writes to.
    fn written(&self, command: &Command) -> Vec<String> {
        let outputs = command.redirects.iter().filter(|(kind, _)| *kind == Redirect::Output);
        let mut files: Vec<String> = outputs.map(|(_, word)| file(self.bytes, word)).collect();
        let words: Vec<String> = command.words.iter().map(|word| file(self.bytes, word)).collect();
        let at = |names: &[&str]| command.words.iter().position(|word| names.contains(&word.command()));
        let operands = |at: usize| words[at + 1..].iter().filter(|word| !word.starts_with('-'));
        if let Some(at) = at(&["tee"]) {
            files.extend(operands(at).cloned());
        }
        if at(&["dd"]).is_some() {
            files.extend(words.iter().filter_map(|word| word.strip_prefix("of=")).map(str::to_owned));
        }
        if at(&["install", "cp"]).is_some() && words.iter().any(|word| word == "/dev/stdin") {
            files.extend(words.last().cloned());
        }
        if let Some(at) = at(&["sed", "gsed", "perl"])
            && words[at + 1..].iter().any(|word| word.starts_with("-i") || word.starts_with("-pi"))
        {
            files.extend(operands(at).skip(1).cloned());
        }
        files.retain(|file| {
            !file.starts_with("/dev/")
                && !file.starts_with(['<', '>'])
                && !file.bytes().all(|b| b.is_ascii_digit() || b == b'-')
        });
        files
    }

    /// Whether the command writes to a file that is run later.
    fn writes_code(&mut self, list: &mut List, command: &Command, name: &str) {
        let files = self.written(command);
        let ends =
            |kinds: &[&[&str]]| files.iter().any(|file| endings::is_any(&file.to_ascii_lowercase(), kinds));
        for file in &files {
            self.flows.files.writes(file.clone());
        }
        let mut reader = files.iter().map(|file| self.known.reader(file)).max().unwrap_or_default();
        if ends(&[endings::OTHERS, endings::WINDOWS, endings::POWERSHELL]) || self.prints_code {
            reader = Stdin::Code;
        } else if ends(&[endings::SHELL]) {
            reader = reader.max(Stdin::Shell);
        }
        let tee = command.words.iter().any(|word| word.command() == "tee");
        let own = if command.closed.is_some() { None } else { printed_words(&command.words) };
        // What arrives in the file is in the script as it is.
        let copies = COPIES.contains(&name) || tee || own.is_some();
        let first = if command.piped { list.pipeline.0 } else { command.first };
        // The name of the file is not in it.
        let end = if copies || command.piped {
            command.redirects.iter().map(|(_, word)| word.subjects.start).min().unwrap_or(self.subjects.len())
        } else {
            self.subjects.len()
        };
        let document = list.pipeline.1.min(command.first_document).min(self.documents.len());
        let contents: Vec<String> = files.iter().map(|file| flows::content(file)).collect();
        if !contents.is_empty() {
            for subject in &mut self.subjects[first..end.max(first)] {
                flows::add(subject, contents.iter().map(String::as_str));
            }
            for document in &mut self.documents[document..] {
                document.files.extend(contents.iter().cloned());
            }
        }
        if name == "exec" && reader != Stdin::Data {
            self.prints_code = true;
        }
        if reader == Stdin::Data {
            return;
        }
        let reader = if copies { reader } else { Stdin::Code };
        let printed = if command.piped { list.printed.take() } else { own };
        self.taint(first..end.max(first), document, &reader, printed.as_ref());
    }

    /// The patterns of a `case`.
    pub(super) fn patterns(&mut self, words: &[Word]) {
        for word in words {
            self.apply(word, &Role::One, "case");
            for hole in word.holes.iter().filter(|hole| !hole.printed) {
                // `$'…'` without a value has none.
                if let Some(subject) = self.subjects[hole.subjects.clone()].first_mut() {
                    subject.quoting.reserved = true;
                    subject.quoting.begins_argument = false;
                }
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
        self.shell_code(&text, &holes, &span, &code_reason(name), true).reads
    }

    /// What the word demands in this role, of the command `name`. Whether it is a script that reads another one from
    /// the input of the command.
    fn apply(&mut self, word: &Word, role: &Role, name: &str) -> bool {
        for hole in &word.holes {
            self.apply_to(word, hole, role, name);
        }
        match role {
            Role::Shell => {
                return self.shell_code(&word.text, &word.holes, &word.span, &code_reason(name), true).reads;
            }
            Role::Foreign(language) => self.foreign_code(&word.text, &word.holes, language),
            Role::Sed => return self.sed_program(word, false),
            Role::Perl => return self.sed_program(word, true),
            _ => {}
        }
        false
    }

    fn apply_to(&mut self, word: &Word, hole: &Hole, role: &Role, name: &str) {
        let demand = match role {
            Role::Name => Demand::nothing(
                Refusal::from("the text at this place is run as a command")
                    .or_write("write the name of the command itself, and the macro after it as an argument"),
            ),
            Role::Must(demand) | Role::File(_, demand) => demand.clone(),
            Role::Assignment if hole.at < word.value_at() => {
                Demand::number("it is the subscript of an array, which the shell calculates")
            }
            Role::Assignment => word
                .assigned()
                .and_then(|name| hooks::in_variable(name, hole.at == word.value_at()))
                .unwrap_or(Demand::FREE_TEXT),
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
        let parameter = self.parameter();
        for subject in &mut self.subjects[hole.subjects.clone()] {
            let quotes = match subject.quoting.style {
                Style::Bare => "outside quotes",
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
            quoting.format = *role == Role::Format;
            quoting.alone = alone;
            quoting.test = *role == Role::Operand;
            quoting.whole = whole;
            quoting.reserved = name == "case";
            if *role == Role::Parameter && matches!(subject.what, What::Macro(_) | What::Variable(_)) {
                let is_cut = alone && quoting.style == Style::Bare && name == "set";
                for parameter in [flows::PARAMETER, parameter.as_str()] {
                    if is_cut {
                        flows::add(subject, [word_by_word(parameter).as_str()]);
                    } else {
                        flows::add(subject, [parameter]);
                    }
                }
            }
        }
    }
}

/// What a value demands whose place is an argument of a command that prints something else than its arguments, where
/// that is run. A whole address is for the caller to choose; a part of one would choose another server.
pub(super) fn fetched(subject: &Subject) -> Option<Demand> {
    let name = subject.place.strip_suffix('`').and_then(|place| place.rsplit('`').next())?;
    let is_address = subject.quoting.alone && matches!(name, "curl" | "wget" | "fetch");
    FETCHES.contains(&name).then(|| if is_address { Demand::FREE_TEXT } else { Demand::word(FETCHED) })
}

fn code_reason(name: &str) -> Refusal {
    let reason = Refusal::from(format!("`{name}` interprets its arguments as commands or code"));
    if matches!(name, "eval" | "trap") {
        return reason.or_write(format!(
            "assign it to a variable in a line before, as `value=($NAME)`, and write `{name} '… \"$value\"'` in single \
             quotes"
        ));
    }
    reason.or_write(
        "pass it to the script as a parameter: write `$1` in the script, and the macro after it, as `sh -c '… \"$1\"' \
         sh ($NAME)`",
    )
}

/// Whether a path is one of a file, and not of a device or a stream.
fn is_file(path: &str) -> bool {
    !["/dev/", "/proc/", "/sys/"].iter().any(|folder| path.starts_with(folder))
}

/// What the command prints, if it is one that prints its words.
fn printed(command: &Command, roles: &[Role]) -> Option<Printed> {
    let at = command.words.iter().position(|word| matches!(word.command(), "echo" | "printf"))?;
    (roles.get(at) == Some(&Role::Name)).then(|| printed_words(&command.words[at..]))?
}

/// What `echo`, or `printf` with one word, prints.
fn printed_words(words: &[Word]) -> Option<Printed> {
    match words {
        [name, words @ ..] if name.command() == "echo" => Some(join(words)),
        [name, format, word]
            if name.command() == "printf"
                && matches!(&*format.text, "%s" | "%s\\n")
                && format.holes.is_empty() =>
        {
            Some(join(std::slice::from_ref(word)))
        }
        _ => None,
    }
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

/// Whether `chmod` makes a program of a file with this mode.
fn makes_program(mode: &str) -> bool {
    let digits = mode.trim_start_matches('0');
    let octal = digits.len() >= 3 && digits.bytes().all(|b| b.is_ascii_digit());
    octal && digits.bytes().rev().take(3).any(|b| b % 2 == 1)
        || !octal && mode.contains('+') && mode.contains('x')
}
