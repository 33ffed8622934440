//! What is found of each macro and each variable.

use std::ops::Range;
use std::rc::Rc;

use super::atoms::{Atom, Atoms, Variable};
use super::quote::{BatchPlace, Beside, Style};
use super::{Item, Parser, is_redirection};
use crate::macros::demand::Demand;
use crate::macros::find::MacroUse;
use crate::macros::follow::{self, What};
use crate::macros::place::Quoting;
use crate::macros::powershell::PowerShellPlace;

const DOUBT: &str = "a variable before it in the line may end or begin quotes";
pub(super) const PIPED: &str = "another cmd.exe reads both sides of a `|`";

/// Something whose place matters: a macro, or a variable that may hold the value of one.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    pub(super) atom: Atom,
    pub(super) place: String,
    pub(super) demand: Demand,
    pub(super) quoting: BatchPlace,
    /// The variables that get the value here.
    pub(super) assigns: Rc<[String]>,
    /// What it must be if the text that its command prints is run.
    pub(super) printed: Printed,
    /// It names the command.
    pub(super) names: bool,
}

/// What a macro in the text that `echo` prints must be if that text is run later.
#[derive(Debug, Clone)]
pub(super) struct Printed {
    pub(super) batch: Demand,
    pub(super) powershell: Demand,
}

/// What reads a text that is run later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    Batch,
    PowerShell,
}

impl Default for Printed {
    /// What other programs print is not known.
    fn default() -> Self {
        let unknown = || Demand::typed("what the program prints is run");
        Self { batch: unknown(), powershell: unknown() }
    }
}

impl Printed {
    pub(super) fn read_by(&self, reader: Reader) -> &Demand {
        match reader {
            Reader::Batch => &self.batch,
            Reader::PowerShell => &self.powershell,
        }
    }
}

/// Where a command has one of its items.
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools)] // each is one fact about the place
pub(super) struct Place {
    pub(super) style: Style,
    pub(super) text: String,
    pub(super) demand: Demand,
    /// A program cuts it by the rules of argv.
    pub(super) argv: bool,
    /// cmd.exe itself takes it.
    pub(super) internal: bool,
    /// It is the first text of `echo`.
    pub(super) begins_echo: bool,
    /// It is where `if` looks for `not`, `exist` and the like.
    pub(super) begins_condition: bool,
    /// The variable that it is put into gets the quotes behind it as well.
    pub(super) holds_quotes: bool,
    pub(super) assigns: Rc<[String]>,
    pub(super) printed: Printed,
    /// It is a part of a PowerShell program, in this place.
    pub(super) inner: Option<Rc<PowerShellPlace>>,
    /// It names the command.
    pub(super) names: bool,
}

impl Place {
    pub(super) fn new(style: Style, text: impl Into<String>, demand: Demand) -> Self {
        Self {
            style,
            text: text.into(),
            demand,
            argv: false,
            internal: false,
            begins_echo: false,
            begins_condition: false,
            holds_quotes: false,
            assigns: Rc::default(),
            printed: Printed::default(),
            inner: None,
            names: false,
        }
    }

    /// Whether it is an argument in a variable that may be run.
    pub(super) fn holds_command(&self) -> bool {
        self.assigns.iter().any(|name| name.ends_with(ARGUMENT))
    }
}

/// The variable of this name when the value of the macro is an argument in what it holds: `set CMD=net user ($X)`.
pub(super) fn with_argument(variable: &str) -> String {
    format!("{variable}{ARGUMENT}")
}

/// No name of a variable has it.
const ARGUMENT: char = '\0';

/// The subject for that variable, where this is one of a variable.
pub(super) fn twin(subject: &follow::Subject<Quoting>) -> Option<follow::Subject<Quoting>> {
    let What::Variable(name) = &subject.what else { return None };
    Some(follow::Subject {
        what: What::Variable(with_argument(name)),
        range: subject.range.clone(),
        place: subject.place.clone(),
        demand: subject.demand.clone(),
        quoting: subject.quoting.clone(),
        assigns: subject.assigns.clone(),
    })
}

impl Subject {
    /// The same variable if what it holds has the value as an argument. Then `%CMD%` is a command that is not the value's
    /// to choose.
    pub(super) fn as_argument(&self, atoms: &Atoms) -> Option<follow::Subject<Quoting>> {
        let mut subject = twin(&self.clone().followed(atoms, &[])?)?;
        let is_whole = matches!(self.atom, Atom::Variable(number) if !atoms.variables[number].modified);
        if self.names && is_whole {
            subject.demand = Demand::words("the variable holds a command, of which it is an argument");
        }
        Some(subject)
    }

    /// It as all languages have it.
    pub(super) fn followed(self, atoms: &Atoms, uses: &[MacroUse]) -> Option<follow::Subject<Quoting>> {
        let (what, range): (What, Range<usize>) = match self.atom {
            Atom::Macro(number) => (What::Macro(number), uses.get(number)?.range.clone()),
            Atom::Variable(number) => {
                let variable = &atoms.variables[number];
                (What::Variable(variable.name.clone()), variable.range.clone())
            }
            Atom::Byte(_) | Atom::Newline => return None,
        };
        let Self { place, demand, quoting, assigns, .. } = self;
        Some(follow::Subject { what, range, place, demand, quoting: quoting.into(), assigns })
    }

    /// It must be this as well.
    pub(super) fn demand(&mut self, demand: &Demand) {
        if self.demand < *demand {
            self.demand = demand.clone();
        }
    }
}

/// What is asked for each of the subjects of a command, and found once.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Facts {
    bang: bool,
    subjects: usize,
}

impl Facts {
    pub(super) fn of(items: &[Item], variables: &[Variable]) -> Self {
        let bang = items.iter().any(|item| match item.atom {
            Atom::Byte(byte) => byte == b'!',
            Atom::Variable(number) => variables[number].late && !variables[number].name.starts_with("%%"),
            Atom::Macro(_) | Atom::Newline => false,
        });
        Self { bang, subjects: items.iter().filter(|item| item.is_subject()).count() }
    }
}

impl Parser {
    /// Every subject of these items gets this place.
    pub(super) fn mark_all(&mut self, items: &[Item], place: &str, demand: &Demand, assigns: &Rc<[String]>) {
        self.facts = Facts::of(items, &self.atoms.variables);
        for number in (0..items.len()).filter(|&number| items[number].is_subject()) {
            let place = Place::new(Style::Text, place, demand.clone());
            self.mark(items, number, Place { assigns: Rc::clone(assigns), ..place });
        }
    }

    /// Item `number` of the command `items` is in this place.
    pub(super) fn mark(&mut self, items: &[Item], number: usize, place: Place) {
        let item = items[number];
        let beside = |item: Option<&Item>| match item {
            None => Beside::Open,
            Some(item) if item.is_blank() || is_redirection(item) => Beside::Open,
            Some(item) => match item.atom {
                Atom::Byte(b'"') => Beside::Quote,
                Atom::Byte(b'\\') => Beside::Backslash,
                Atom::Byte(_) | Atom::Newline => Beside::Other,
                Atom::Macro(_) | Atom::Variable(_) => Beside::Anything,
            },
        };
        let before = number.checked_sub(1).and_then(|at| items.get(at));
        let after = items.get(number + 1);
        let begins_word = match before {
            None => true,
            Some(item) if item.is_blank() => true,
            Some(quote) if quote.is(b'"') && !quote.escaped => {
                number.checked_sub(2).and_then(|at| items.get(at)).is_none_or(Item::is_blank)
            }
            Some(_) => false,
        };
        let demand = self.demand_here(item, &place);
        let Place {
            style,
            text,
            argv,
            internal,
            begins_echo,
            begins_condition,
            holds_quotes,
            assigns,
            printed,
            inner,
            names,
            ..
        } = place;
        let quoting = BatchPlace {
            style: if item.quoted && style != Style::Comment { Style::Quoted } else { style },
            delayed: self.delayed.now,
            argv,
            // PowerShell joins its arguments to one text, in which none is an option of powershell.exe.
            begins_word: begins_word && inner.is_none(),
            before: beside(before),
            after: beside(after),
            stray: item.stray,
            in_for: self.loops > 0,
            bang: self.facts.bang,
            // Another macro may have a `!` in its value.
            variable: self.facts.subjects > 1,
            before_redirection: !item.quoted && after.is_some_and(is_redirection),
            begins_echo,
            begins_condition,
            internal,
            holds_quotes,
            late: matches!(item.atom, Atom::Variable(variable) if self.atoms.variables[variable].late),
            inner,
        };
        self.subjects.push(Subject {
            atom: item.atom,
            place: text,
            demand,
            quoting,
            assigns,
            printed,
            names,
        });
    }

    /// What the value of this item must be, by its place and by what is before it in the line.
    fn demand_here(&self, item: Item, place: &Place) -> Demand {
        let mut demand = place.demand.clone();
        let mut also = |other: Demand| demand = std::mem::replace(&mut demand, Demand::FREE_TEXT).max(other);
        if matches!(item.atom, Atom::Macro(found) if self.atoms.inside[found]) {
            also(Demand::typed("it is between the signs of an expansion"));
        }
        // Between quotes, a part of a value without quotes is text. As an argument it might begin or end otherwise.
        let is_text = |variable: &Variable| item.quoted && !place.argv && variable.quoteless;
        if matches!(item.atom, Atom::Variable(variable) if self.atoms.variables[variable].modified
            && !is_text(&self.atoms.variables[variable]))
        {
            also(Demand::words("only a part of it is taken, or something replaced in it"));
        }
        if item.doubt && place.style != Style::Comment {
            also(Demand::words(DOUBT));
        }
        if item.escaped {
            also(Demand::words("a `^` before it changes its first character"));
        }
        if self.frames.iter().any(|frame| frame.piped) {
            also(Demand::words(PIPED));
        }
        demand
    }
}
