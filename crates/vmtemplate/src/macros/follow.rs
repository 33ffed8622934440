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

/// The name of an expansion that may be one of any variable that begins so, such as `!LIST[%%i]!`.
pub(super) fn any_with(prefix: &str) -> String {
    format!("{ANY}{prefix}")
}

/// Of more such prefixes each counts for every variable.
const MOST_PREFIXES: usize = 100;

/// The name under which a variable of a loop is assigned to that gets the words of a value one by one.
pub(super) fn word_by_word(variable: &str) -> String {
    format!("{variable}{WORD}")
}

/// The name under which a variable of a loop is assigned to that gets a part of a line `NAME=VALUE`, which the script
/// takes apart and compares before it goes on: only what runs the value there counts, not how it is quoted.
pub(super) fn part_of_line(variable: &str) -> String {
    format!("{variable}{PART}")
}

/// No name of a variable has one of these.
const WORD: char = '\u{1}';
const PART: char = '\u{6}';

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

/// A variable that holds the value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Held {
    name: String,
    /// One word of the value at a time.
    one_word: bool,
    /// A part of a line with it.
    is_part: bool,
}

impl Held {
    /// The variable of this name, which gets what one holds that has `one_word` of the value.
    fn of(name: &str, one_word: bool) -> Self {
        let (name, is_part) = name.strip_suffix(PART).map_or((name, false), |name| (name, true));
        let (name, is_word) = name.strip_suffix(WORD).map_or((name, false), |name| (name, true));
        Self { name: name.to_owned(), one_word: one_word || is_word, is_part }
    }
}

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
    let prefixes: Vec<(&str, Vec<&Subject<Q>>)> = by_name
        .extract_if(|name, _| name.starts_with(ANY))
        .map(|(name, all)| (&name[ANY.len()..], all))
        .collect();
    // Subjects come in the order of the script, apart from those inside an expansion, which share its line.
    let mut order: Vec<usize> = subjects.iter().map(|subject| subject.range.start).collect();
    order.sort_unstable();
    let sorted = positions(bytes, utf8, order.iter().copied());
    let later_at = |subject: &Subject<Q>, number: usize, held: &Held| Later {
        variable: shown(&bytes[subject.range.clone()]),
        position: sorted[order.binary_search(&subject.range.start).unwrap_or(0)],
        demand: if number < MOST_PLACES {
            subject.demand.clone()
        } else {
            Demand::words("the variable is used in too many places".to_owned())
        },
        quoting: (!held.is_part).then(|| subject.quoting.clone().into()),
        one_word: held.one_word,
    };
    let places_of = |assigned: &[String]| -> Rc<[Later]> {
        let mut later = Vec::new();
        let mut seen = HashSet::new();
        let mut open: Vec<Held> = assigned.iter().map(|name| Held::of(name, false)).collect();
        while let Some(held) = open.pop() {
            if !seen.insert(held.clone()) {
                continue;
            }
            let name = &held.name;
            // Values reach an expansion of any variable from variables alone, not from files and functions.
            let is_variable = !name.ends_with(OUTPUTS);
            let reaches =
                |prefix: &str| is_variable && (prefixes.len() > MOST_PREFIXES || name.starts_with(prefix));
            let any = prefixes.iter().filter(|(prefix, _)| reaches(prefix)).map(|(_, subjects)| subjects);
            for subject in by_name.get(name.as_str()).into_iter().chain(any).flatten() {
                open.extend(subject.assigns.iter().map(|name| Held::of(name, held.one_word)));
                if name.ends_with(OUTPUTS) && subject.demand == Demand::FREE_TEXT {
                    // No expansion is there, so that nothing but what gets it can matter.
                    continue;
                }
                later.push(later_at(subject, later.len(), &held));
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
