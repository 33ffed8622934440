//! What a command makes of each of its words, and of what it reads.

use super::hooks;
use super::word::{UNKNOWN, Word};
use super::wrappers::{Wrapper, takes_word};
use crate::macros::demand::{Demand, Refusal};

/// What a word is to its command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Role {
    /// It names what is run.
    Name,
    /// Text, in an argument of its own.
    Argument,
    /// Text, which must be one word.
    One,
    /// An argument of a test, to which some words are operators.
    Operand,
    /// Text in which `\` begins an escape.
    Escapes,
    /// What it demands, one word.
    Must(Demand),
    /// It names a file, whose text the command runs; the reason says which command.
    File(Stdin, Demand),
    /// The format of `printf`.
    Format,
    /// A variable of this command: `A=value`, of `env` or of `export`.
    Assignment,
    /// A parameter of the code in the word before it, or of the shell itself.
    Parameter,
    /// The variables of a loop get it.
    Element,
    /// A script of the shell.
    Shell,
    /// A script of the shell together with all words behind it.
    Rest,
    /// A program of this other language.
    Foreign(String),
    /// A program of sed.
    Sed,
    /// A program of perl that changes lines, as one of sed does.
    Perl,
}

/// How a command reads its input.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stdin {
    /// As text, or not at all.
    #[default]
    Data,
    /// As more arguments of a command, one for each call.
    OneByOne,
    /// As more arguments of a command.
    Words,
    /// As a program of this other language.
    Foreign(String),
    /// As a script of the shell.
    Shell,
    /// In a way that is not followed: it may name what is run.
    Code,
}

const SHELLS: [&str; 10] = ["sh", "ash", "bash", "dash", "ksh", "ksh93", "mksh", "rbash", "yash", "zsh"];
/// Interpreters, with the options that take a program, and those that take another word.
const INTERPRETERS: [(&str, &str, &str); 17] = [
    ("perl", "eE", "IMm"),
    ("python", "c", "WXm"),
    ("python2", "c", "WXm"),
    ("python3", "c", "WXm"),
    ("ruby", "e", "IrC"),
    ("php", "rRBE", "dcf"),
    ("node", "ep", "r"),
    ("nodejs", "ep", "r"),
    ("lua", "e", "l"),
    ("tclsh", "", ""),
    ("expect", "c", ""),
    ("pwsh", "c", ""),
    ("mysql", "e", "uhPSD"),
    ("mariadb", "e", "uhPSD"),
    ("psql", "c", "Udhpvo"),
    ("sqlite3", "", ""),
    ("bc", "e", ""),
];
const AWKS: [&str; 5] = ["awk", "gawk", "mawk", "nawk", "original-awk"];
/// Commands whose words are read as code in ways that are not followed.
const OTHER_CODE: [&str; 23] = [
    "screen",
    "tmux",
    "lxc",
    "lxc-attach",
    "pct",
    "machinectl",
    "compgen",
    "csh",
    "tcsh",
    "guestfish",
    "alias",
    "at",
    "batch",
    "crontab",
    "ed",
    "ex",
    "vi",
    "vim",
    "docker",
    "podman",
    "kubectl",
    "parallel",
    "start-stop-daemon",
];
/// Options of libguestfs-tools whose values are commands, or programs of perl (virt-customize(1)).
const LIBGUESTFS_CODE: [&str; 5] = ["commands-from-file", "edit", "firstboot", "run", "sysprep"];
pub(super) const DECLARATIONS: [&str; 5] = ["declare", "export", "local", "readonly", "typeset"];
/// Commands that set variables from what they read.
pub(super) const READS: [&str; 3] = ["mapfile", "read", "readarray"];

/// How many commands that run another one are followed in each other.
const DEEPEST: usize = 8;

const CODE: &str = "interprets it as code";

/// Give each word its role, and say how the command reads its input. `is_bash` is whether no other shell runs it.
pub(super) fn roles(words: &[Word], roles: &mut [Role], is_bash: bool) -> Stdin {
    Reading { words, roles, is_bash }.command(0, 0)
}

struct Reading<'w> {
    words: &'w [Word],
    roles: &'w mut [Role],
    is_bash: bool,
}

impl Reading<'_> {
    fn text(&self, at: usize) -> &str {
        self.words.get(at).map_or("", |word| &word.text)
    }

    fn all(&mut self, from: usize, role: &Role) {
        for at in from..self.roles.len() {
            self.roles[at] = role.clone();
        }
    }

    /// The command whose name is word `at`, inside of as many others.
    fn command(&mut self, at: usize, depth: usize) -> Stdin {
        if at >= self.words.len() {
            return Stdin::Data;
        }
        self.roles[at] = Role::Name;
        let word = &self.words[at];
        let name = word.command().to_owned();
        self.all(at + 1, &Role::Argument);
        if name.contains(UNKNOWN) || depth >= DEEPEST {
            return self.unknown(at, depth);
        }
        if name == "flock" && self.has_option(at, 'c') || matches!(name.as_str(), "su" | "script") {
            return self.option_c(at);
        }
        if name == "runuser" {
            if !self.has_option(at, 'u') {
                return self.option_c(at);
            }
            let inner = self.skip_options(at + 1, |option| takes_word(option, "ugG", &["user", "group"]));
            return self.command(inner, depth + 1);
        }
        if let Some(wrapper) = Wrapper::lookup(&name) {
            return self.wrapped(at, wrapper, &name, depth);
        }
        if SHELLS.contains(&name.as_str()) {
            return self.shell(at);
        }
        if let Some((_, code, valued)) = INTERPRETERS.iter().find(|(other, ..)| *other == name) {
            return self.interpreter(at, &name, code, valued);
        }
        if AWKS.contains(&name.as_str()) {
            return self.awk(at, &name);
        }
        if OTHER_CODE.contains(&name.as_str()) {
            self.all(at + 1, &Role::Must(Demand::word(format!("`{name}` {CODE}"))));
            if matches!(name.as_str(), "at" | "batch" | "crontab") {
                for number in at + 1..self.words.len() {
                    let demand = Demand::word(format!("`{name}` {CODE}"));
                    self.set(number, Role::File(Stdin::Shell, demand));
                }
            }
            return if matches!(name.as_str(), "at" | "batch") { Stdin::Shell } else { Stdin::Code };
        }
        match name.as_str() {
            "eval" | "watch" => {
                let from = self.skip_options(at + 1, |option| takes_word(option, "n", &["interval"]));
                self.all(from, &Role::Rest);
            }
            "ssh" => {
                let host =
                    self.skip_options(at + 1, |option| takes_word(option, "bcDEeFIiJLlmOopQRSWwB", &[]));
                for option in at + 1..host {
                    self.set(option, Role::Must(Demand::word("an option of `ssh` may name a command")));
                }
                self.set(host, Role::One);
                self.all(host + 1, &Role::Rest);
                return if host + 1 < self.words.len() { Stdin::Data } else { Stdin::Shell };
            }
            "trap" => self.set(at + 1, Role::Shell),
            "." | "source" => {
                let demand = Demand::typed(format!("`{name}` runs the file that it names"));
                self.set(at + 1, Role::File(Stdin::Shell, demand));
                if is_input(self.text(at + 1)) {
                    return Stdin::Shell;
                }
            }
            "make" | "gmake" => return self.make(at),
            "virt-customize" | "virt-sysprep" | "virt-builder" => self.libguestfs(at, &name),
            "sed" | "gsed" => return self.sed(at),
            "find" => self.find(at, depth),
            "test" | "[" | "[[" => self.test(at, &name),
            "echo" => self.all(at + 1, &Role::Escapes),
            "printf" => self.printf(at),
            "set" => {
                let dashes = self.text(at + 1) == "--";
                self.all(at + 1, &Role::Parameter);
                if !dashes {
                    let reason = Refusal::from("`set` may interpret it as an option")
                        .or_write("write `set -- ` before the words, or put `--` before the first of them");
                    self.set(at + 1, Role::Must(Demand::word(reason)));
                }
            }
            "let" => self.all(at + 1, &Role::Must(Demand::number("`let` interprets it as a calculation"))),
            "getopts" | "unset" | "type" | "hash" | "enable" | "shopt" => {
                self.all(
                    at + 1,
                    &Role::Must(Demand::typed(format!("`{name}` interprets its arguments as names"))),
                );
            }
            "for" | "select" => {
                self.set(at + 1, Role::Must(Demand::nothing("it would name the variable of a loop")));
                self.all(at + 3, &Role::Element);
            }
            "case" => self.set(at + 1, Role::One),
            name if READS.contains(&name) => self.read(at, name),
            name if DECLARATIONS.contains(&name) => self.declaration(at, name),
            name => self.hooks(at, name),
        }
        Stdin::Data
    }

    fn hooks(&mut self, at: usize, name: &str) {
        for (number, demand) in hooks::in_options(name, &self.words[at + 1..]) {
            self.set(at + 1 + number, Role::Must(demand));
        }
    }

    /// Whether the input is the file that `make` follows.
    fn make(&self, at: usize) -> Stdin {
        let from_input = (at + 1..self.words.len()).any(|number| match self.text(number) {
            "-f" | "--file" | "--makefile" => is_input(self.text(number + 1)),
            option => matches!(option, "-f-" | "--file=-" | "--makefile=-"),
        });
        if from_input { Stdin::Code } else { Stdin::Data }
    }

    fn libguestfs(&mut self, at: usize, name: &str) {
        for number in at + 1..self.words.len() {
            let option = self.text(number).trim_start_matches('-');
            if LIBGUESTFS_CODE.iter().any(|code| option.starts_with(code)) {
                let own = usize::from(!option.contains('='));
                self.set(number + own, Role::Must(Demand::word(format!("`{name}` {CODE}"))));
            }
        }
    }

    fn set(&mut self, at: usize, role: Role) {
        if let Some(place) = self.roles.get_mut(at) {
            *place = role;
        }
    }

    /// A variable names the command: it may be any, and one that runs its arguments.
    fn unknown(&mut self, at: usize, depth: usize) -> Stdin {
        let reason = Refusal::from("a variable names the command, which may be any")
            .or_write("write the name of the command itself, in place of the variable");
        if depth >= DEEPEST {
            self.all(at + 1, &Role::Must(Demand::typed(reason)));
            return Stdin::Code;
        }
        let mut inner = at + 1;
        while self.text(inner).starts_with('-')
            || self.words.get(inner).is_some_and(|word| word.assigned().is_some())
        {
            inner += 1;
        }
        let options = (at + 1..inner).any(|number| self.text(number).starts_with('-'));
        let stdin = self.command(inner, depth + 1);
        if options {
            // The word behind the options may belong to the last of them.
            self.set(inner + 1, Role::Name);
        }
        for role in self.roles.iter_mut().skip(at + 1) {
            match role {
                Role::Shell
                | Role::Rest
                | Role::Foreign(_)
                | Role::Sed
                | Role::Perl
                | Role::File(..)
                | Role::Must(_) => {}
                Role::Name => *role = Role::Must(Demand::typed(reason.clone())),
                _ => *role = Role::Must(Demand::word(reason.clone())),
            }
        }
        let alone = self.text(at + 1).is_empty() || self.text(at + 1).starts_with('-');
        if alone { Stdin::Code } else { stdin }
    }

    /// The first word, from `at` on, that is no option and no value of one.
    fn skip_options(&mut self, mut at: usize, takes_word: impl Fn(&str) -> bool) -> usize {
        while at < self.words.len() {
            let option = self.text(at);
            if option == "--" {
                return at + 1;
            }
            if !option.starts_with(['-', '+']) || option == "-" {
                break;
            }
            let valued = takes_word(option);
            self.set(at, Role::One);
            if valued {
                self.set(at + 1, Role::One);
            }
            at += 1 + usize::from(valued);
        }
        // The last option may lack its word.
        at.min(self.words.len())
    }

    /// Whether one of the options is this letter, alone or with others.
    fn has_option(&self, at: usize, letter: char) -> bool {
        self.words[at + 1..].iter().any(|word| {
            word.text.starts_with('-') && !word.text.starts_with("--") && word.text.contains(letter)
        })
    }

    fn wrapped(&mut self, at: usize, wrapper: &Wrapper, name: &str, depth: usize) -> Stdin {
        if name == "command" && (self.text(at + 1) == "-v" || self.text(at + 1) == "-V") {
            return Stdin::Data;
        }
        if name == "env"
            && let Some(split) = (at + 1..self.words.len())
                .find(|&at| self.text(at).starts_with("-S") || self.text(at).starts_with("--split-string"))
        {
            self.all(split, &Role::Must(Demand::typed("`env -S` splits it into a command")));
            return Stdin::Data;
        }
        let mut inner = self.skip_options(at + 1, |option| wrapper.takes_word(option));
        for _ in 0..wrapper.operands {
            self.set(inner, Role::One);
            inner += 1;
        }
        while wrapper.assigns && self.words.get(inner).is_some_and(|word| word.assigned().is_some()) {
            self.set(inner, Role::Assignment);
            inner += 1;
        }
        let stdin = self.command(inner, depth + 1);
        let shell_of_its_own = name == "sudo" && (self.has_option(at, 's') || self.has_option(at, 'i'))
            || matches!(name, "chroot" | "arch-chroot" | "nsenter" | "unshare" | "systemd-nspawn");
        match name {
            // What it reads are more words for the command; alone they would name it.
            "xargs"
                if stdin == Stdin::Data && !self.runs_its_words(inner) && self.is_one_by_one(at, inner) =>
            {
                Stdin::OneByOne
            }
            "xargs" if inner >= self.words.len() => Stdin::Words,
            "xargs" if stdin == Stdin::Data && !self.runs_its_words(inner) => Stdin::Words,
            "xargs" => Stdin::Code,
            _ if inner >= self.words.len() && shell_of_its_own => Stdin::Shell,
            _ => stdin,
        }
    }

    /// Whether `xargs` calls its command once for each word.
    fn is_one_by_one(&self, at: usize, inner: usize) -> bool {
        (at + 1..inner.min(self.words.len())).any(|number| {
            matches!(self.text(number), "-n1" | "--max-args=1")
                || matches!(self.text(number), "-n" | "--max-args") && self.text(number + 1) == "1"
        })
    }

    /// Whether more words behind the command at `at` may be code.
    fn runs_its_words(&self, at: usize) -> bool {
        let Some(word) = self.words.get(at) else { return false };
        let name = word.command();
        name.contains(UNKNOWN)
            || Wrapper::lookup(name).is_some()
            || self.roles[at..].iter().any(|role| {
                matches!(role, Role::Shell | Role::Rest | Role::Foreign(_) | Role::Sed | Role::Perl)
            })
            || matches!(name, "eval" | "ssh" | "su" | "runuser" | "trap" | "source" | "." | "sed" | "find")
            || AWKS.contains(&name)
            || SHELLS.contains(&name)
    }

    /// `su`, `script`: the word behind `-c` is a script; without it the input is.
    fn option_c(&mut self, at: usize) -> Stdin {
        let mut found = false;
        for number in at + 1..self.words.len() {
            let word = self.text(number);
            if word.starts_with("--command=") {
                self.set(number, Role::Must(Demand::word("it is a script of the shell")));
                found = true;
            } else if word == "--command" || (takes_word(word, "c", &[]) && word.starts_with('-')) {
                self.set(number + 1, Role::Shell);
                found = true;
            } else if takes_word(word, "s", &["shell"]) && word.starts_with('-') {
                self.set(number + 1, Role::Must(Demand::typed("it names the shell that is run")));
            } else if self.roles[number] == Role::Argument {
                self.set(number, Role::One);
            }
        }
        if found { Stdin::Data } else { Stdin::Shell }
    }

    /// A shell: `-c` and a script, or the file of one, or its input.
    fn shell(&mut self, at: usize) -> Stdin {
        let mut number = at + 1;
        let mut inputs = false;
        while number < self.words.len() {
            let option = self.text(number).to_owned();
            if option == "--" || option == "-" {
                number += 1;
                break;
            }
            if !option.starts_with(['-', '+']) {
                break;
            }
            if option.starts_with("--") {
                if takes_word(&option, "", &["rcfile", "init-file"]) {
                    self.set(number + 1, Role::Must(Demand::typed("the shell runs the file that it names")));
                    number += 1;
                }
            } else if option.contains('c') && option.starts_with('-') {
                // Options may be between it and the script.
                let script = self.skip_options(number + 1, |option| takes_word(option, "oO", &[]));
                self.set(script, Role::Shell);
                self.all(script + 1, &Role::Parameter);
                return Stdin::Data;
            } else if takes_word(&option, "oO", &[]) {
                number += 1;
            }
            inputs |= option.contains('s') && !option.starts_with("--");
            number += 1;
        }
        if inputs || number >= self.words.len() {
            self.all(number, &Role::Parameter);
            return Stdin::Shell;
        }
        self.set(number, Role::File(Stdin::Shell, Demand::typed("the shell runs the file that it names")));
        if is_input(self.text(number)) { Stdin::Shell } else { Stdin::Data }
    }

    fn interpreter(&mut self, at: usize, name: &str, code: &str, valued: &str) -> Stdin {
        let sql = matches!(name, "mysql" | "mariadb" | "psql" | "sqlite3");
        let mut number = at + 1;
        let mut found = false;
        while number < self.words.len() {
            let option = self.text(number).to_owned();
            if !option.starts_with('-') || option == "-" || option == "--" {
                if sql {
                    // Names of databases are between the options.
                    number += 1;
                    continue;
                }
                break;
            }
            let long = option.strip_prefix("--").unwrap_or_default();
            if matches!(long, "execute" | "command" | "eval") || takes_word(&option, code, &[]) {
                let role = if name == "perl" && self.perl_loops(at) {
                    Role::Perl
                } else {
                    Role::Foreign(name.to_owned())
                };
                self.set(number + 1, role);
                found = true;
                number += 1;
            } else if ["execute=", "command=", "eval="].iter().any(|begin| long.starts_with(begin))
                || (option.len() > 2
                    && !option.starts_with("--")
                    && option[1..].starts_with(|c| code.contains(c)))
            {
                self.set(number, Role::Foreign(name.to_owned()));
                found = true;
            } else if takes_word(&option, valued, &["user", "host", "port", "database", "username", "dbname"])
            {
                number += 1;
            }
            number += 1;
        }
        if name == "sqlite3" {
            self.all(at + 2, &Role::Foreign(name.to_owned()));
            return if self.words.len() > at + 2 { Stdin::Data } else { Stdin::Foreign(name.to_owned()) };
        }
        if found {
            return Stdin::Data;
        }
        if !sql && number < self.words.len() && !matches!(self.text(number), "-" | "--") {
            let input = is_input(self.text(number));
            let demand = Demand::typed(format!("`{name}` runs the file that it names"));
            self.set(number, Role::File(Stdin::Foreign(name.to_owned()), demand));
            return if input { Stdin::Foreign(name.to_owned()) } else { Stdin::Data };
        }
        Stdin::Foreign(name.to_owned())
    }

    /// Whether perl has `-p` or `-n`, and so a program that changes lines.
    fn perl_loops(&self, at: usize) -> bool {
        self.has_option(at, 'p') || self.has_option(at, 'n')
    }

    fn awk(&mut self, at: usize, name: &str) -> Stdin {
        let mut number = at + 1;
        let mut stdin = Stdin::Data;
        let mut program = None;
        let mut variables = Vec::new();
        while number < self.words.len() {
            let option = self.text(number).to_owned();
            if !option.starts_with('-') || option == "-" || option == "--" {
                number += usize::from(option == "--");
                break;
            }
            if option == "-v" || option == "--assign" {
                variables.push(number + 1);
                number += 1;
            } else if option.starts_with("-v") || option.starts_with("--assign=") {
                variables.push(number);
            } else if option == "-f" || option == "--file" {
                let demand = Demand::typed("`awk` runs the file that it names");
                self.set(number + 1, Role::File(Stdin::Foreign(name.to_owned()), demand));
                program = Some(number + 1);
                if is_input(self.text(number + 1)) {
                    stdin = Stdin::Foreign(name.to_owned());
                }
                number += 1;
            } else if takes_word(&option, "F", &["field-separator"]) {
                self.set(number + 1, Role::Must(Demand::word("`awk` interprets it as a pattern")));
                number += 1;
            }
            number += 1;
        }
        if program.is_none() {
            self.set(number, Role::Foreign(name.to_owned()));
            program = Some(number);
            number += 1;
        }
        self.all(number, &Role::Must(Demand::word("`awk` interprets it as a file or a variable")));
        let text = program.map_or("", |at| self.text(at));
        let runs = ["system", "|", "getline", "@", "-f"].iter().any(|word| text.contains(word));
        for number in variables {
            let role = if runs {
                Role::Must(Demand::typed("the program of `awk` runs commands, and may run it"))
            } else {
                Role::Escapes
            };
            self.set(number, role);
        }
        stdin
    }

    fn sed(&mut self, at: usize) -> Stdin {
        let mut stdin = Stdin::Data;
        let mut number = at + 1;
        let mut found = false;
        let mut first = None;
        while number < self.words.len() {
            let option = self.text(number).to_owned();
            if !option.starts_with('-') || option == "-" {
                first = first.or(Some(number));
            } else if takes_word(&option, "e", &["expression"]) && !option.starts_with("-i") {
                self.set(number + 1, Role::Sed);
                found = true;
                number += 1;
            } else if option.starts_with("-e") || option.starts_with("--expression=") {
                self.set(number, Role::Sed);
                found = true;
            } else if takes_word(&option, "f", &["file"]) && !option.starts_with("-i") {
                self.set(number + 1, Role::Must(Demand::typed("`sed` runs the file that it names")));
                if is_input(self.text(number + 1)) {
                    stdin = Stdin::Code;
                }
                found = true;
                number += 1;
            } else if takes_word(&option, "l", &["line-length"]) && !option.starts_with("-i") {
                number += 1;
            }
            number += 1;
        }
        if let Some(first) = first.filter(|_| !found) {
            // Of BSD's `-i ''` the empty word is not the program.
            let first = if self.text(first).is_empty() { first + 1 } else { first };
            self.set(first, Role::Sed);
        }
        stdin
    }

    fn find(&mut self, at: usize, depth: usize) {
        self.all(at + 1, &Role::Operand);
        let mut number = at + 1;
        while number < self.words.len() {
            if matches!(self.text(number), "-exec" | "-execdir" | "-ok" | "-okdir") {
                let end = (number + 1..self.words.len())
                    .find(|&at| matches!(self.text(at), ";" | "+"))
                    .unwrap_or(self.words.len());
                let mut inner = Reading {
                    words: &self.words[..end],
                    roles: &mut self.roles[..end],
                    is_bash: self.is_bash,
                };
                inner.command(number + 1, depth + 1);
                for role in &mut self.roles[number + 1..end] {
                    if matches!(role, Role::Argument | Role::Escapes | Role::One) {
                        *role = Role::Operand;
                    }
                }
                number = end;
            }
            number += 1;
        }
    }

    fn test(&mut self, at: usize, name: &str) {
        self.all(at + 1, &Role::Operand);
        for number in at + 1..self.words.len() {
            match self.text(number) {
                "-eq" | "-ne" | "-lt" | "-le" | "-gt" | "-ge" => {
                    let demand = Demand::number("it is compared as a number, which some shells calculate");
                    self.set(number - 1, Role::Must(demand.clone()));
                    self.set(number + 1, Role::Must(demand));
                }
                "-v" | "-R" => self.set(number + 1, Role::Must(Demand::word("it names a variable"))),
                "<" | ">" if name == "[[" => {
                    self.set(number + 1, Role::Must(Demand::word("shells without `[[` write to this file")));
                }
                "||" if name == "[[" && !self.is_bash => {
                    let reason = Refusal::from("shells without `[[` run it as a command")
                        .or_write("begin the script with `#!/bin/bash`, or write `[ … ] || [ … ]`");
                    self.set(number + 1, Role::Must(Demand::typed(reason)));
                }
                _ => {}
            }
        }
    }

    fn printf(&mut self, at: usize) {
        let mut format = at + 1;
        if self.text(format) == "-v" {
            self.set(
                format + 1,
                Role::Must(Demand::typed("`printf -v` interprets it as the name of a variable")),
            );
            format += 2;
        }
        format += usize::from(self.text(format) == "--");
        if self.text(format).contains("%b") {
            self.all(format + 1, &Role::Escapes);
        }
        self.set(format, Role::Format);
    }

    fn read(&mut self, at: usize, name: &str) {
        let demand = Demand::typed(format!("`{name}` interprets its arguments as names"));
        self.all(at + 1, &Role::Must(demand));
        for number in at + 1..self.words.len() {
            if takes_word(self.text(number), "dinNptu", &[]) && self.text(number).starts_with('-') {
                self.set(number + 1, Role::One);
            }
        }
    }

    fn declaration(&mut self, at: usize, name: &str) {
        let options: String = self.words[at + 1..]
            .iter()
            .filter(|word| word.text.starts_with('-'))
            .map(|word| &*word.text)
            .collect();
        for number in at + 1..self.words.len() {
            let role = if self.words[number].assigned().is_none() {
                Role::Must(Demand::typed(format!("`{name}` interprets its arguments as names")))
            } else if options.contains('i') {
                Role::Must(Demand::number(format!("`{name} -i` interprets it as a calculation")))
            } else if options.contains('n') {
                Role::Must(Demand::typed(format!("`{name} -n` interprets it as the name of a variable")))
            } else if options.contains(['a', 'A']) {
                Role::Must(Demand::words(format!("`{name}` reads it as the elements of an array")))
            } else {
                Role::Assignment
            };
            self.set(number, role);
        }
    }
}

/// Whether a file of this name is what the command reads as its input.
fn is_input(name: &str) -> bool {
    name == "-" || name == "/dev/stdin" || name.starts_with("/dev/fd/") || name.starts_with("/proc/self/fd/")
}
