//! How values get into variables without an assignment: as parameters of functions, and by `read`.

use std::collections::{BTreeSet, HashSet};
use std::ops::Range;

use super::{Context, DEEPEST, Kind, Subject};
use crate::macros::demand::Demand;

/// The variable that stands for every parameter of every function.
pub(super) const PARAMETER: &str = "1";

/// More variables than this are not followed one by one.
const MOST_READ: usize = 50;

/// Who calls whom is known at the end of the script only.
#[derive(Debug, Default)]
pub(super) struct Flows {
    functions: HashSet<String>,
    /// The arguments: subjects by their numbers, each with the command that it is for.
    arguments: Vec<(usize, String)>,
    /// The variables that `read` sets.
    read: BTreeSet<String>,
    /// The subjects that some `read` may read.
    inputs: Vec<usize>,
    /// Commands whose output goes to a variable or another command, with the variables that get it.
    printing: Vec<(String, Vec<String>)>,
    /// The output of several commands goes to another one.
    groups: bool,
}

impl Flows {
    pub(super) fn function(&mut self, name: &str) {
        self.functions.insert(name.to_owned());
    }

    /// A word behind `read`; without one it sets `REPLY`.
    pub(super) fn read(&mut self, word: &str) {
        self.read.insert("REPLY".to_owned());
        if super::is_name(word) && self.read.len() <= MOST_READ {
            self.read.insert(word.to_owned());
        }
    }

    /// These subjects are in what another command reads.
    pub(super) fn piped(&mut self, subjects: Range<usize>) {
        self.inputs.extend(subjects);
    }

    /// What this command prints, and if it is a function what all commands in it print, is read by another command or
    /// set to these variables.
    pub(super) fn prints(&mut self, command: &str, variables: Vec<String>) {
        // `{ …; } | …` and the like: their names are known here.
        self.groups |= matches!(command, "}" | ")" | "done" | "fi" | "esac");
        self.printing.push((command.to_owned(), variables));
    }

    /// A subject that is about to be added.
    pub(super) fn note(&mut self, stack: &[Context], subject: usize) {
        let commands = stack.iter().rev().find(|context| context.kind == Kind::Commands);
        if let Some(command) = commands.filter(|context| context.words > 0) {
            self.arguments.push((subject, command.name.clone()));
        }
        if stack.iter().rev().take(DEEPEST).any(|context| context.is_input) {
            self.inputs.push(subject);
        }
    }

    /// Give the subjects the variables that get their values in these ways.
    pub(super) fn settle(&mut self, subjects: &mut [Subject]) {
        for (command, variables) in &self.printing {
            if self.functions.contains(command) {
                self.groups = true;
                self.read.extend(variables.iter().take(MOST_READ + 1).cloned());
            }
        }
        if self.groups {
            self.inputs = (0..subjects.len()).collect();
        }
        for (number, command) in &self.arguments {
            if self.functions.contains(command) {
                add(&mut subjects[*number], [PARAMETER]);
            }
        }
        if self.read.is_empty() {
            return;
        }
        for &number in &self.inputs {
            if self.read.len() > MOST_READ {
                let reason = "very many variables are read from what is printed".to_owned();
                subjects[number].demand(&Demand::words(reason));
            } else {
                add(&mut subjects[number], self.read.iter().map(String::as_str));
            }
        }
    }
}

fn add<'n>(subject: &mut Subject, names: impl IntoIterator<Item = &'n str>) {
    let mut all: BTreeSet<String> = subject.assigns.iter().cloned().collect();
    all.extend(names.into_iter().map(str::to_owned));
    subject.assigns = all.into_iter().collect();
}
