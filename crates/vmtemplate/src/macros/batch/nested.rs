//! Commands that a command runs: `cmd /c …`, `start …`, the task of `schtasks /tr`, a program of PowerShell.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::rc::Rc;

use super::argv::{Argument, Piece};
use super::atoms::{Atom, Atoms, Located};
use super::commands::Runs;
use super::quote::Style;
use super::subject::{Place, Printed, Subject};
use super::{DelayedState, Item, Parser};
use crate::macros::demand::{Demand, Refusal};
use crate::macros::follow::{self, What};
use crate::macros::powershell::{self, PowerShellPlace};

/// Commands that run commands that run commands are followed so far.
const DEEPEST: usize = 4;

const AGAIN: &str = "another cmd.exe or program reads it as a part of a command";

const DIRECTLY: &str =
    "call the program directly, not through another one: there the value can be between quotes";

/// What a macro or variable is in the command that its command runs.
#[derive(Debug, Clone)]
pub(super) struct Inner {
    pub(super) place: String,
    pub(super) demand: Demand,
    pub(super) assigns: Rc<[String]>,
    pub(super) powershell: Option<Rc<PowerShellPlace>>,
    /// Quotes that cmd.exe does not see are around it: `\"…\"`.
    grouped: bool,
}

impl Inner {
    fn new(place: impl Into<String>, demand: Demand) -> Self {
        Self { place: place.into(), demand, assigns: Rc::default(), powershell: None, grouped: false }
    }

    /// Where its command has it.
    pub(super) fn place(&self) -> Place {
        let style = if self.grouped { Style::Text } else { Style::Word };
        let place = Place::new(style, self.place.clone(), self.demand.clone());
        Place { assigns: self.assigns.clone(), inner: self.powershell.clone(), ..place }
    }
}

/// By the number of the item.
pub(super) type Inners = HashMap<usize, Inner>;

/// What names a program is no value's to choose.
pub(super) fn names_a_program() -> Demand {
    Demand::nothing(
        Refusal::from("the text at this place is run as a command")
            .or_write("write the name of the command itself; a value can be one of its arguments"),
    )
}

impl Parser {
    /// What becomes of the arguments of a program that runs them, or a part of them, as `runs` says.
    pub(super) fn run_by(
        &mut self,
        items: &[Item],
        arguments: &[Argument],
        agreed: bool,
        runs: Runs,
    ) -> Inners {
        let behind = |from: usize| arguments.get(from..).unwrap_or_default();
        let pieces = |arguments: &[Argument]| -> Vec<Piece> {
            arguments.iter().flat_map(|argument| argument.pieces.iter().copied()).collect()
        };
        let mut inners = Inners::new();
        match runs {
            Runs::Nothing => {}
            Runs::Data => {
                for piece in pieces(arguments).iter().filter(|piece| piece.item.is_subject()) {
                    let demand = Demand::words("the program reads it in a language of its own");
                    inners.insert(piece.number, Inner::new("in text that a program reads", demand));
                }
            }
            Runs::Line { from, unquoted } => {
                let start = arguments.get(from).map_or(items.len(), |argument| argument.start);
                inners = self.line(items, start, unquoted);
            }
            Runs::Command(range) => {
                let list = joined(arguments.get(range).unwrap_or_default());
                inners = self.command_of(&list);
            }
            Runs::PowerShell(from) => {
                inners = self.powershell(&joined(behind(from)));
                let unsure = Demand::words("old and new programs read `\"\"` between quotes differently");
                let apart = Demand::words("PowerShell splits its arguments there");
                for piece in pieces(behind(from)) {
                    if let Some(inner) = inners.get_mut(&piece.number) {
                        if !agreed {
                            inner.demand = inner.demand.clone().max(unsure.clone());
                        }
                        inner.grouped = piece.grouped;
                        if piece.item.quoted && !piece.grouped {
                            inner.demand = inner.demand.clone().max(apart.clone());
                        }
                    }
                }
            }
            Runs::File(at) => {
                for piece in pieces(arguments.get(at..=at).unwrap_or_default())
                    .iter()
                    .filter(|piece| piece.item.is_subject())
                {
                    inners.insert(
                        piece.number,
                        Inner::new("in the name of a file that is run", names_a_program()),
                    );
                }
            }
            Runs::Code(from) => {
                for argument in behind(from) {
                    for (number, piece) in
                        argument.pieces.iter().enumerate().filter(|(_, piece)| piece.item.is_subject())
                    {
                        let demand = if number == 0 {
                            names_a_program()
                        } else {
                            Demand::words("the program interprets its arguments as code")
                        };
                        inners.insert(piece.number, Inner::new("in code of another language", demand));
                    }
                }
            }
        }
        inners
    }

    /// What becomes of the items from `start` on when they are read as a command; `unquoted` as in [`Runs::Line`].
    pub(super) fn line(&mut self, items: &[Item], start: usize, unquoted: bool) -> Inners {
        let first = (start..items.len()).find(|&at| !items[at].is_blank());
        let ends = match first {
            Some(first) if unquoted && items[first].is(b'"') => {
                [Some(first), items.iter().rposition(|item| item.is(b'"'))]
            }
            _ => [None; 2],
        };
        let kept = (start..items.len()).filter(|at| !ends.contains(&Some(*at)));
        self.command_of(&kept.map(|number| (number, items[number])).collect::<Vec<_>>())
    }

    fn command_of(&mut self, list: &[(usize, Item)]) -> Inners {
        let numbers: HashMap<Atom, usize> = list
            .iter()
            .filter(|(_, item)| item.is_subject())
            .map(|&(number, item)| (item.atom, number))
            .collect();
        if !list.iter().any(|(_, item)| item.may_matter()) {
            return Inners::new();
        }
        if self.depth >= DEEPEST {
            let demand = Demand::nothing("the commands here run one another too deeply to be followed");
            let inner = Inner::new("in a command that a command runs", demand);
            return numbers.into_values().map(|number| (number, inner.clone())).collect();
        }
        let mut inners = Inners::new();
        for subject in self.nested(list.iter().map(|(_, item)| *item)) {
            let Some(&number) = numbers.get(&subject.atom) else { continue };
            let again = Refusal::from(AGAIN).or_write(DIRECTLY);
            let again = match &subject.quoting.inner {
                // It is not quoted for PowerShell: in an expression a plain word would be a command.
                Some(place) => place.as_it_stands(AGAIN),
                None if subject.quoting.takes_words() => Demand::words(again),
                None => Demand::word(again),
            };
            let place = format!("in a command that a command runs, {}", subject.place);
            let demand = subject.demand.max(again);
            inners.insert(
                number,
                Inner { place, demand, assigns: subject.assigns, powershell: None, grouped: false },
            );
        }
        // What no command has, as behind an open parenthesis, could be one.
        for number in numbers.into_values() {
            inners
                .entry(number)
                .or_insert_with(|| Inner::new("in a command that a command runs", names_a_program()));
        }
        inners
    }

    /// The subjects of these items as a script of their own.
    fn nested(&mut self, items: impl Iterator<Item = Item>) -> Vec<Subject> {
        let list = items
            .map(|item| Located { atom: item.atom, at: item.at, stray: item.stray, doubt: item.doubt })
            .collect();
        let atoms = Atoms {
            list,
            variables: std::mem::take(&mut self.atoms.variables),
            inside: std::mem::take(&mut self.atoms.inside),
        };
        let mut parser = Self {
            programs: std::mem::take(&mut self.programs),
            loops: self.loops,
            depth: self.depth + 1,
            ..Self::new(atoms, DelayedState::fixed(self.delayed.now))
        };
        parser.run();
        self.atoms.variables = parser.atoms.variables;
        self.atoms.inside = parser.atoms.inside;
        self.programs = parser.programs;
        parser.subjects
    }

    /// What becomes of these items in a program of PowerShell. Its own variables are kept for later.
    fn powershell(&mut self, list: &[(usize, Item)]) -> Inners {
        let mut text = Vec::new();
        // Where each byte of the text is in the script, and which item each macro in it is.
        let mut origins = Vec::new();
        let mut subjects = Vec::new();
        let mut numbers = Vec::new();
        for &(number, item) in list {
            let start = text.len();
            match item.atom {
                Atom::Byte(byte) => text.push(byte),
                Atom::Newline => text.push(b' '),
                Atom::Macro(_) | Atom::Variable(_) => {
                    text.extend(b"($V)");
                    subjects.push(start..text.len());
                    numbers.push(number);
                }
            }
            origins.resize(text.len(), item.at as usize);
        }
        let mut inners = Inners::new();
        for subject in powershell::subjects(&text, &subjects, false) {
            let own = |name: &str| match name.strip_prefix("env:") {
                // What `set` sets is in the environment of what the script starts.
                Some(variable) => variable.to_owned(),
                None => format!("${name}"),
            };
            let assigns: Rc<[String]> = subject.assigns.iter().map(|name| own(name)).collect();
            match subject.what {
                What::Macro(at) => {
                    let inner = Inner {
                        place: format!("in a program of PowerShell, {}", subject.place),
                        demand: subject.demand,
                        assigns,
                        powershell: Some(Rc::new(subject.quoting)),
                        grouped: false,
                    };
                    inners.insert(numbers[at], inner);
                }
                What::Variable(name) => self.programs.push(follow::Subject {
                    what: What::Variable(own(&name)),
                    range: origins[subject.range.start]..origins[subject.range.end - 1] + 1,
                    place: subject.place,
                    demand: subject.demand,
                    quoting: subject.quoting.into(),
                    assigns,
                }),
            }
        }
        inners
    }

    /// What a macro or variable in these items must be if the text is run when it was printed.
    pub(super) fn printed(
        &mut self,
        items: &[Item],
        first: usize,
        targets: &[Range<usize>],
    ) -> HashMap<usize, Printed> {
        let mut is_text = vec![true; items.len()];
        for target in targets {
            is_text[target.clone()].fill(false);
            // The `>` before it.
            let is_operator =
                |item: &Item| !item.quoted && matches!(item.atom, Atom::Byte(b'<' | b'>' | b'&' | b' '));
            let operator = items[..target.start].iter().rev().take_while(|item| is_operator(item)).count();
            is_text[target.start - operator..target.start].fill(false);
        }
        let all: Vec<(usize, Item)> =
            (first..items.len()).filter(|&at| is_text[at]).map(|number| (number, items[number])).collect();
        if self.depth > 0 || !all.iter().any(|(_, item)| item.is_subject()) {
            return HashMap::new();
        }
        let batch = self.command_of(&all);
        let kept = self.programs.len();
        let powershell = self.powershell(&all);
        // They are those of another script.
        self.programs.truncate(kept);
        let plain = |inner: Option<&Inner>| {
            let Some(inner) = inner else { return names_a_program() };
            match &inner.powershell {
                Some(place) => {
                    inner.demand.clone().max(place.as_it_stands("it is PowerShell that is run later"))
                }
                None => inner.demand.clone(),
            }
        };
        let numbers: HashSet<usize> = batch.keys().copied().collect();
        numbers
            .into_iter()
            .map(|number| {
                let printed =
                    Printed { batch: plain(batch.get(&number)), powershell: plain(powershell.get(&number)) };
                (number, printed)
            })
            .collect()
    }
}

/// The arguments with a blank between them, each piece with the number of its item.
fn joined(arguments: &[Argument]) -> Vec<(usize, Item)> {
    let mut list = Vec::new();
    for argument in arguments {
        if let Some(piece) = argument.pieces.first()
            && !list.is_empty()
        {
            list.push((argument.start, Item { atom: Atom::Byte(b' '), ..piece.item }));
        }
        list.extend(argument.pieces.iter().map(|piece| (piece.number, piece.item)));
    }
    list
}
