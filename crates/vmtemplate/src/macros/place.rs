//! Where in a script a macro is, and what a value must be to be there.

use std::fmt;
use std::ops::Deref;
use std::rc::Rc;

use super::catalogue::{MacroInfo, MacroKind};
use super::demand::{Demand, Plain, Refusal};
use super::find::MacroUse;
use crate::error::Position;
use crate::shown::short;

/// A use of a macro and the place that it is in.
#[derive(Debug, Clone)]
pub(crate) struct MacroPlace {
    /// The use.
    pub(crate) found: MacroUse,
    /// The place in words, behind "the macro is": "inside double quotes, in an argument of `net`".
    pub(crate) place: String,
    /// What a value must be here.
    pub(super) demand: Demand,
    /// How it is written here.
    pub(super) quoting: Quoting,
    /// The places where a variable that holds the value is expanded.
    pub(super) later: Rc<[Later]>,
}

/// How a language writes a value at a place.
pub(super) trait Quote: fmt::Debug {
    /// The value as the script must have it, or why it cannot be there. `plain` is what it means without quotes; of
    /// several plain words each place says whether it takes them as they are.
    fn quote(&self, value: &str, plain: Plain) -> Result<String, Refusal>;

    /// Fail unless a variable that is expanded here may hold this value.
    fn expanded(&self, value: &str, plain: Plain) -> Result<(), Refusal>;

    /// Why a variable that is expanded here carries no free text, if so.
    fn never_expanded_safely(&self) -> Option<&'static str> {
        None
    }
}

/// The quoting of a place, in whatever language.
#[derive(Debug, Clone)]
pub(super) struct Quoting(Rc<dyn Quote>);

impl<Q: Quote + 'static> From<Q> for Quoting {
    fn from(place: Q) -> Self {
        Self(Rc::new(place))
    }
}

impl Deref for Quoting {
    type Target = dyn Quote;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

/// A place that is not known: no value can be written there.
#[derive(Debug)]
pub(super) struct Unknown;

impl Quote for Unknown {
    fn quote(&self, _value: &str, _plain: Plain) -> Result<String, Refusal> {
        Err(UNKNOWN.into())
    }

    fn expanded(&self, _value: &str, _plain: Plain) -> Result<(), Refusal> {
        Err(UNKNOWN.into())
    }
}

const UNKNOWN: &str = "its place in the script is unknown";

/// A place where a variable is expanded that holds the value of a macro.
#[derive(Debug, Clone)]
pub(super) struct Later {
    /// The variable as the script writes it: `%KEY%`.
    pub(super) variable: String,
    pub(super) position: Position,
    pub(super) demand: Demand,
    /// How the language reads it there, if that counts.
    pub(super) quoting: Option<Quoting>,
    /// A loop goes over the words of the value, so that only one of them is expanded here at a time.
    pub(super) one_word: bool,
}

impl MacroPlace {
    /// Why no quoting makes free text safe here, if so: every value that is not harmless by itself is refused.
    pub(crate) fn never_safe(&self) -> Option<String> {
        if let Some(reason) = self.demand.reason() {
            return Some(reason.to_owned());
        }
        self.later.iter().find_map(|later| {
            let reason = match later.demand.reason() {
                Some(reason) => reason.to_owned(),
                None => later.quoting.as_ref()?.never_expanded_safely()?.to_owned(),
            };
            Some(format!("`{}` in line {}: {reason}", later.variable, later.position.line))
        })
    }

    /// Whether the macro takes free text, so that [`never_safe`](Self::never_safe) matters for it.
    pub(crate) fn is_free_text(&self) -> bool {
        !kind_of(self.found.name.name()).is_typed()
    }
}

/// The kind of the values of a macro; unknown ones take any text.
pub(super) fn kind_of(name: &str) -> MacroKind {
    MacroInfo::lookup(name).map_or(MacroKind::Text, |info| info.kind)
}

/// The position of each of these offsets, which ascend, in one pass.
pub(super) fn positions(bytes: &[u8], utf8: bool, offsets: impl IntoIterator<Item = usize>) -> Vec<Position> {
    let mut at = if utf8 && bytes.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
    let mut position = Position { line: 1, column: 1 };
    offsets
        .into_iter()
        .map(|offset| {
            while at < offset.min(bytes.len()) {
                if bytes[at] == b'\n' {
                    position = Position { line: position.line + 1, column: 1 };
                } else if !utf8 || bytes[at] & 0xC0 != 0x80 {
                    position.column += 1;
                }
                at += 1;
            }
            position
        })
        .collect()
}

/// A piece of the script as messages show it.
pub(super) fn shown(bytes: &[u8]) -> String {
    // No more than that is shown of it.
    short(&String::from_utf8_lossy(&bytes[..bytes.len().min(400)])).into_owned()
}
