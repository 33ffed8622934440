//! The functions of a script: what they are called with is in their parameters.

use std::collections::{BTreeSet, HashSet};
use std::ops::Range;
use std::rc::Rc;

use super::Subject;
use crate::macros::demand::Demand;

/// More parameters than this are not followed one by one.
const MOST_PARAMETERS: usize = 50;

/// What a function finds its arguments and its input in without naming them.
const AUTOMATIC: [&str; 5] = ["_", "args", "input", "psboundparameters", "psitem"];

#[derive(Debug)]
pub(super) struct Functions {
    names: HashSet<String>,
    parameters: BTreeSet<String>,
    /// The subjects of statements that call one.
    calls: Vec<Range<usize>>,
}

impl Functions {
    /// Those of a script; a call may be before the definition.
    pub(super) fn of(bytes: &[u8]) -> Self {
        let lower = bytes.to_ascii_lowercase();
        let names = defined(&lower).map(|(name, _)| name.to_owned()).collect();
        Self { names, parameters: AUTOMATIC.map(str::to_owned).into(), calls: Vec::new() }
    }

    pub(super) fn parameter(&mut self, name: &str) {
        if self.parameters.len() <= MOST_PARAMETERS {
            self.parameters.insert(name.to_owned());
        }
    }

    /// A statement, in lower case, with its subjects. Functions that it defines count as called in it if they are named
    /// once more.
    pub(super) fn statement(&mut self, text: &[u8], subjects: Range<usize>) {
        if self.names.is_empty() || subjects.is_empty() {
            return;
        }
        let definitions: HashSet<usize> = defined(text).map(|(_, number)| number).collect();
        let calls = words(text)
            .enumerate()
            .any(|(number, word)| self.names.contains(word) && !definitions.contains(&number));
        if calls {
            self.calls.push(subjects);
        }
    }

    /// What these subjects are is handed to a block, which finds it in its parameters or in `$_`.
    pub(super) fn call(&mut self, subjects: Range<usize>) {
        if !subjects.is_empty() {
            self.calls.push(subjects);
        }
    }

    /// Give the arguments of calls to the parameters.
    pub(super) fn settle(&self, subjects: &mut [Subject]) {
        let parameters: Vec<String> = self.parameters.iter().cloned().collect();
        let only: Rc<[String]> = parameters.clone().into();
        let mut is_given = vec![false; subjects.len()];
        for range in &self.calls {
            is_given[range.clone()].fill(true);
        }
        for (subject, _) in subjects.iter_mut().zip(is_given).filter(|(_, is_given)| *is_given) {
            if parameters.len() > MOST_PARAMETERS {
                let reason = "it is passed to a function, and the script has too many parameters".to_owned();
                subject.demand(&Demand::words(reason));
            } else if subject.assigns.is_empty() {
                subject.assigns = Rc::clone(&only);
            } else {
                subject.assigns = subject.assigns.iter().chain(&parameters).cloned().collect();
            }
        }
    }
}

/// Whether the script has classes, whose methods are not followed.
pub(super) fn has_classes(bytes: &[u8]) -> bool {
    let begins = |line: &[u8]| line.get(..6).is_some_and(|word| word.eq_ignore_ascii_case(b"class "));
    bytes.split(|&b| b == b'\n').any(|line| begins(line.trim_ascii_start()))
}

fn words(text: &[u8]) -> impl Iterator<Item = &str> {
    text.split(|b| !(b.is_ascii_alphanumeric() || b"-_.".contains(b) || !b.is_ascii()))
        .filter(|word| !word.is_empty())
        .map(|word| std::str::from_utf8(word).unwrap_or_default())
}

/// The functions that a text in lower case defines, each with the number of its word.
fn defined(text: &[u8]) -> impl Iterator<Item = (&str, usize)> {
    let mut is_next = false;
    words(text).enumerate().filter_map(move |(number, word)| match word {
        "function" | "filter" | "workflow" => {
            is_next = true;
            None
        }
        "global" | "local" | "private" | "script" => None,
        name if is_next => {
            is_next = false;
            Some((name, number))
        }
        _ => None,
    })
}
