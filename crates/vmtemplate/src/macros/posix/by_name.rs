//! Variables that are read by their names, without an expansion.

use std::ops::Range;
use std::rc::Rc;

use super::Subject;
use super::block::Command;
use super::commands::DECLARATIONS;
use super::flows;
use super::parser::Parser;
use super::quote::{PosixPlace, Style};
use super::word::{Word, is_name};
use crate::macros::demand::Demand;
use crate::macros::follow::{ANY, What};

/// More names of variables in a program of another language are not followed.
const MOST_NAMES: usize = 1000;
/// Words with which programs read their environment.
const READ_ENVIRONMENT: [&str; 3] = ["ENV", "environ", "getenv"];

impl Parser<'_> {
    /// What a command shows or refers to of variables whose values are not in it.
    pub(super) fn by_name(&mut self, command: &Command) {
        let Some(first) = command.words.first() else { return };
        let options = || command.words[1..].iter().filter(|word| word.text.starts_with('-'));
        let has = |letter: char| options().any(|word| word.text.contains(letter));
        let span = first.span.clone();
        match command.name() {
            "printenv" | "envsubst" => self.variable(ANY, span, Demand::FREE_TEXT, [].into()),
            "env" | "set" if command.words.len() == 1 => {
                self.variable(ANY, span, Demand::FREE_TEXT, [].into());
            }
            name if DECLARATIONS.contains(&name) && (has('p') || command.words.len() == 1) => {
                self.variable(ANY, span, Demand::FREE_TEXT, [].into());
            }
            // `declare -n NAME=OTHER`
            name if DECLARATIONS.contains(&name) && has('n') => {
                for word in &command.words[1..] {
                    let Some(name) = word.assigned() else { continue };
                    let value = &word.text[word.value_at()..];
                    let other = if is_name(value) { value } else { ANY };
                    let assigns = Rc::from([name.to_owned()]);
                    self.variable(other, word.span.clone(), Demand::FREE_TEXT, assigns);
                }
            }
            _ => {}
        }
    }

    /// A program of another language demands this of the variables of its environment: of all names in it, if it reads
    /// some.
    pub(super) fn environment(&mut self, program: &Word, demand: &Demand) {
        if !READ_ENVIRONMENT.iter().any(|word| program.text.contains(word)) {
            return;
        }
        let words = program.text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        for name in words.filter(|word| is_name(word)).take(MOST_NAMES) {
            self.variable(name, program.span.clone(), demand.clone(), [].into());
        }
    }

    /// The variables that the shell itself sets from what is in the command: `$_` from its last word, `BASH_REMATCH` from
    /// what a pattern matched.
    pub(super) fn set_by_shell(&mut self, command: &Command) {
        if command.words.iter().any(|word| word.text == "=~") {
            for number in command.words.iter().flat_map(|word| word.subjects.clone()) {
                flows::add(&mut self.subjects[number], ["BASH_REMATCH"]);
            }
        }
        if self.reads_last_word
            && let Some(word) = command.words.last()
        {
            for number in word.subjects.clone() {
                flows::add(&mut self.subjects[number], ["_"]);
            }
        }
    }

    /// A use of a variable that is not written as an expansion.
    fn variable(&mut self, name: &str, range: Range<usize>, demand: Demand, assigns: Rc<[String]>) {
        self.subjects.push(Subject {
            what: What::Variable(name.to_owned()),
            range,
            place: "by its name".to_owned(),
            demand,
            quoting: PosixPlace::new(Style::Raw),
            assigns,
        });
    }
}
