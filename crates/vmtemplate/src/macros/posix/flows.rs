//! How values get into variables without an assignment: as parameters of functions, and by `read`.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use super::Subject;
use super::files::Files;
use super::word::is_name;
use crate::macros::demand::Demand;
pub(super) use crate::macros::follow::{content, output};

/// The variable that stands for every parameter of the script.
pub(super) const PARAMETER: &str = "1";

/// The variable that stands for every parameter of this function.
pub(super) fn parameter(function: &str) -> String {
    format!("{function}\u{2}")
}

/// More variables than this are not followed one by one.
const MOST_READ: usize = 50;

/// Who calls whom is known at the end of the script only.
#[derive(Debug, Default)]
pub(super) struct Flows {
    /// The functions, and whether they read what they get for code.
    functions: HashMap<String, bool>,
    /// The arguments: subjects by their numbers, each with the command that it is for.
    arguments: Vec<(Range<usize>, String)>,
    /// The variables that `read` sets.
    read: BTreeSet<String>,
    /// The subjects that some `read` may read.
    inputs: Vec<Range<usize>>,
    /// What goes to this command, which may be a function.
    feeds: Vec<(Range<usize>, String)>,
    /// Commands whose output goes to a variable or another command, with the variables that get it.
    printing: Vec<(String, Vec<String>)>,
    /// The output of several commands goes to another one.
    groups: bool,
    pub(super) files: Files,
}

impl Flows {
    pub(super) fn function(&mut self, name: &str) {
        self.functions.entry(name.to_owned()).or_default();
        self.files.functions.insert(name.to_owned());
    }

    /// A command in the body of this function takes what it reads for code.
    pub(super) fn function_reads_code(&mut self, name: &str) {
        self.functions.insert(name.to_owned(), true);
    }

    /// A word behind `read`; without one it sets `REPLY`.
    pub(super) fn read(&mut self, word: &str) {
        self.read.insert("REPLY".to_owned());
        if is_name(word) && self.read.len() <= MOST_READ {
            self.read.insert(word.to_owned());
        }
    }

    /// These subjects are in what another command reads; a command of this name printed it.
    pub(super) fn piped(&mut self, subjects: Range<usize>, command: &str) {
        self.inputs.push(subjects);
        self.prints(command, Vec::new());
    }

    /// These subjects are in what some `read` may read.
    pub(super) fn inputs(&mut self, subjects: Range<usize>) {
        self.inputs.push(subjects);
    }

    /// These subjects are in what a command of this name reads.
    pub(super) fn feeds(&mut self, subjects: Range<usize>, command: &str) {
        if !subjects.is_empty() {
            self.feeds.push((subjects, command.to_owned()));
        }
    }

    /// These subjects are in an argument of this command.
    pub(super) fn argument(&mut self, subjects: Range<usize>, command: &str) {
        if !subjects.is_empty() {
            self.arguments.push((subjects, command.to_owned()));
        }
    }

    /// What this command prints, and if it is a function what all commands in it print, is read by another command or
    /// set to these variables.
    pub(super) fn prints(&mut self, command: &str, variables: Vec<String>) {
        // `{ …; } | …` and the like: their names are known here.
        self.groups |= matches!(command, "}" | ")" | "done" | "fi" | "esac");
        self.printing.push((command.to_owned(), variables));
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.printing.iter().map(|(name, _)| name.clone()).take(MOST_READ).collect()
    }

    /// What a script inside this one does, whose subjects have these places here.
    pub(super) fn absorb(&mut self, inner: Self, places: &[Range<usize>]) {
        let moved = |ranges: Vec<(Range<usize>, String)>| -> Vec<(Range<usize>, String)> {
            ranges
                .into_iter()
                .flat_map(|(range, name)| {
                    places[range].iter().map(move |place| (place.clone(), name.clone()))
                })
                .collect()
        };
        self.arguments.extend(moved(inner.arguments));
        self.feeds.extend(moved(inner.feeds));
        self.inputs.extend(inner.inputs.into_iter().flat_map(|range| places[range].iter().cloned()));
        for (name, reads) in inner.functions {
            *self.functions.entry(name).or_default() |= reads;
        }
        self.read.extend(inner.read);
        self.printing.extend(inner.printing);
        self.groups |= inner.groups;
        self.files.absorb(inner.files);
    }

    /// Give the subjects the variables that get their values in these ways.
    pub(super) fn settle(&mut self, subjects: &mut [Subject]) {
        for (command, variables) in &self.printing {
            if self.functions.contains_key(command) {
                self.groups = true;
                self.read.extend(variables.iter().take(MOST_READ + 1).cloned());
            }
        }
        let code = Demand::typed("a function interprets it as code");
        for (range, _) in self.feeds.iter().filter(|(_, name)| self.functions.get(name) == Some(&true)) {
            for subject in &mut subjects[range.clone()] {
                subject.demand(&code);
            }
        }
        for (range, command) in &self.arguments {
            if self.functions.contains_key(command) {
                let parameter = parameter(command);
                for subject in &mut subjects[range.clone()] {
                    add(subject, [parameter.as_str()]);
                }
            }
        }
        if self.read.is_empty() {
            return;
        }
        if self.groups {
            self.inputs.push(0..subjects.len());
        }
        let mut done = vec![false; subjects.len()];
        for number in self.inputs.iter().cloned().flatten() {
            if std::mem::replace(&mut done[number], true) {
                continue;
            }
            if self.read.len() > MOST_READ {
                let reason = "too many variables are read from the output";
                subjects[number].demand(&Demand::words(reason));
            } else {
                add(&mut subjects[number], self.read.iter().map(String::as_str));
            }
        }
    }
}

/// These variables get the value of the subject.
pub(super) fn add<'n>(subject: &mut Subject, names: impl IntoIterator<Item = &'n str>) {
    let mut all: BTreeSet<String> = subject.assigns.iter().cloned().collect();
    let before = all.len();
    all.extend(names.into_iter().map(str::to_owned));
    if all.len() != before {
        subject.assigns = all.into_iter().collect();
    }
}
