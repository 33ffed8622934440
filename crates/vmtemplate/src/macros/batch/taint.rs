//! What a script does with variables that hold the value of a macro.

use std::collections::{HashMap, HashSet};

use super::atoms::{Atom, Atoms};
use super::classify::piped;
use super::{Demand, MacroPlace, MacroUse, Position, Quoting, Subject};
use crate::macros::place::{Later, shown};

/// More places than this are not followed one by one.
const MOST_PLACES: usize = 200;

/// The places of macros, with what becomes of the variables that get their values.
pub(super) fn assemble(
    bytes: &[u8],
    uses: Vec<MacroUse>,
    atoms: &Atoms,
    subjects: &[Subject],
    position: impl Fn(usize) -> Position,
) -> Vec<MacroPlace> {
    let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
    let mut by_macro: Vec<Option<usize>> = vec![None; uses.len()];
    for (number, subject) in subjects.iter().enumerate() {
        match subject.atom {
            Atom::Variable(variable) => {
                by_name.entry(&atoms.variables[variable].name).or_default().push(number);
            }
            Atom::Macro(found) => by_macro[found] = Some(number),
            Atom::Byte(_) | Atom::Newline => {}
        }
    }
    let follow = |assigned: &[String]| -> Vec<Later> {
        let mut later = Vec::new();
        let mut seen: HashSet<&str> = HashSet::new();
        let mut open: Vec<&str> = assigned.iter().map(String::as_str).collect();
        while let Some(name) = open.pop() {
            if !seen.insert(name) {
                continue;
            }
            for &number in by_name.get(name).map(Vec::as_slice).unwrap_or_default() {
                let subject = &subjects[number];
                open.extend(subject.assigns.iter().map(String::as_str));
                let Atom::Variable(variable) = subject.atom else { continue };
                let mut demand = subject.demand.clone();
                if subject.piped {
                    demand = piped(demand);
                }
                if later.len() == MOST_PLACES {
                    demand = Demand::Harmless("the variable is used in very many places".to_owned());
                }
                later.push(Later {
                    variable: shown(&bytes[atoms.variables[variable].range.clone()]),
                    position: position(subject.offset),
                    demand,
                    quoting: Quoting::Batch(subject.quoting.clone()),
                });
                if later.len() > MOST_PLACES {
                    return later;
                }
            }
        }
        later
    };
    let mut followed: HashMap<&[String], std::rc::Rc<[Later]>> = HashMap::new();
    uses.into_iter()
        .zip(by_macro)
        .map(|(found, number)| {
            let Some(subject) = number.map(|number| &subjects[number]) else {
                // Every macro is in some command or comment. Should one not be, it is refused.
                let demand = Demand::Nothing("its place cannot be told".to_owned());
                return MacroPlace {
                    found,
                    place: "in no command".to_owned(),
                    demand,
                    quoting: Quoting::Unknown,
                    later: [].into(),
                };
            };
            let later =
                followed.entry(&subject.assigns).or_insert_with(|| follow(&subject.assigns).into()).clone();
            let demand = if subject.piped { piped(subject.demand.clone()) } else { subject.demand.clone() };
            MacroPlace {
                found,
                place: subject.place.clone(),
                demand,
                quoting: Quoting::Batch(subject.quoting.clone()),
                later,
            }
        })
        .collect()
}
