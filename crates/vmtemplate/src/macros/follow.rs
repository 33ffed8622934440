//! What a script does with variables that hold the value of a macro.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::rc::Rc;

use super::demand::Demand;
use super::find::MacroUse;
use super::place::{Later, MacroPlace, Quoting, Unknown, positions, shown};

/// More places than this are not followed one by one.
const MOST_PLACES: usize = 200;

/// Something whose place matters. `Q` is how the language quotes there.
#[derive(Debug)]
pub(super) struct Subject<Q> {
    pub(super) what: What,
    pub(super) range: Range<usize>,
    pub(super) place: String,
    pub(super) demand: Demand,
    pub(super) quoting: Q,
    /// The variables that get the value here.
    pub(super) assigns: Rc<[String]>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// A macro, by its number.
    Macro(usize),
    /// The expansion of a variable, which may hold the value of a macro.
    Variable(String),
}

/// The name of an expansion that may be one of any variable, such as `${!NAME}`.
pub(super) const ANY: &str = "\u{5}";

/// The name under which a variable of a loop is assigned to that gets the words of a value one by one.
pub(super) fn word_by_word(variable: &str) -> String {
    format!("{variable}{WORD}")
}

/// No name of a variable has it.
const WORD: char = '\u{1}';

/// The variable that stands for what this function prints.
pub(super) fn output(function: &str) -> String {
    format!("{function}{}", OUTPUTS[0])
}

/// The variable that stands for what is in this file.
pub(super) fn content(file: &str) -> String {
    format!("{file}{}", OUTPUTS[1])
}

/// At the end of the names of what is printed by functions, and of what is in files.
const OUTPUTS: [char; 2] = ['\u{3}', '\u{4}'];

impl<Q> Subject<Q> {
    /// It must be this as well.
    pub(super) fn demand(&mut self, demand: &Demand) {
        if self.demand < *demand {
            self.demand = demand.clone();
        }
    }
}

/// The place of every use, with what becomes of the variables that get its value.
pub(super) fn follow<Q: Clone + Into<Quoting>>(
    bytes: &[u8],
    utf8: bool,
    subjects: &[Subject<Q>],
    uses: Vec<MacroUse>,
) -> Vec<MacroPlace> {
    let mut by_name: HashMap<&str, Vec<&Subject<Q>>> = HashMap::new();
    let mut by_macro: Vec<Option<&Subject<Q>>> = vec![None; uses.len()];
    for subject in subjects {
        match &subject.what {
            What::Macro(number) => by_macro[*number] = Some(subject),
            What::Variable(name) => by_name.entry(name).or_default().push(subject),
        }
    }
    // Subjects come in the order of the script, apart from those inside an expansion, which share its line.
    let mut order: Vec<usize> = subjects.iter().map(|subject| subject.range.start).collect();
    order.sort_unstable();
    let sorted = positions(bytes, utf8, order.iter().copied());
    let later_at = |subject: &Subject<Q>, number: usize, one_word: bool| Later {
        variable: shown(&bytes[subject.range.clone()]),
        position: sorted[order.binary_search(&subject.range.start).unwrap_or(0)],
        demand: if number < MOST_PLACES {
            subject.demand.clone()
        } else {
            Demand::words("the variable is used in too many places".to_owned())
        },
        quoting: subject.quoting.clone().into(),
        one_word,
    };
    let places_of = |assigned: &[String]| -> Rc<[Later]> {
        let mut later = Vec::new();
        let mut seen = HashSet::new();
        let names = |assigned: &'_ [String], one_word: bool| -> Vec<_> {
            let name = |name: &String| match name.strip_suffix(WORD) {
                Some(name) => (name.to_owned(), true),
                None => (name.clone(), one_word),
            };
            assigned.iter().map(name).collect()
        };
        let mut open = names(assigned, false);
        while let Some((name, one_word)) = open.pop() {
            if !seen.insert((name.clone(), one_word)) {
                continue;
            }
            // Values reach an expansion of any variable from variables alone, not from files and functions.
            let any = (!name.ends_with(OUTPUTS)).then_some(ANY);
            let expansions =
                [Some(name.as_str()), any].into_iter().flatten().filter_map(|name| by_name.get(name));
            for subject in expansions.flatten() {
                open.extend(names(&subject.assigns, one_word));
                if name.ends_with(OUTPUTS) && subject.demand == Demand::FREE_TEXT {
                    // No expansion is there, so that nothing but what gets it can matter.
                    continue;
                }
                later.push(later_at(subject, later.len(), one_word));
                if later.len() > MOST_PLACES {
                    return later.into();
                }
            }
        }
        later.into()
    };
    let mut followed: HashMap<&[String], Rc<[Later]>> = HashMap::new();
    uses.into_iter()
        .zip(by_macro)
        .map(|(found, subject)| match subject {
            Some(subject) => MacroPlace {
                found,
                place: subject.place.clone(),
                demand: subject.demand.clone(),
                quoting: subject.quoting.clone().into(),
                later: followed
                    .entry(&subject.assigns)
                    .or_insert_with(|| places_of(&subject.assigns))
                    .clone(),
            },
            // Every macro is in some command or comment. Should one not be, it is refused.
            None => MacroPlace {
                found,
                place: "outside of any command".to_owned(),
                demand: Demand::nothing("its place in the script is unknown".to_owned()),
                quoting: Unknown.into(),
                later: [].into(),
            },
        })
        .collect()
}
