//! Where in a script a macro stands, and what a value must be to stand there.

use super::catalogue::{MacroInfo, MacroKind};
use super::demand::{Demand, Plain, Refusal};
use super::find::MacroUse;
use super::language::ScriptLanguage;
use super::{batch, posix, powershell};
use crate::error::Position;

/// A use of a macro and the place that it stands in.
#[derive(Debug, Clone)]
pub(crate) struct MacroPlace {
    /// The use.
    pub(crate) found: MacroUse,
    /// The place in words, behind "the macro stands": "inside double quotes, in an argument of `net`".
    pub(crate) place: String,
    /// What a value must be here.
    pub(super) demand: Demand,
    /// How it is written here.
    pub(super) quoting: Quoting,
    /// The places where a variable that holds the value is expanded.
    pub(super) later: std::rc::Rc<[Later]>,
}

/// How the language writes a value at a place.
#[derive(Debug, Clone)]
pub(super) enum Quoting {
    Batch(batch::BatchPlace),
    PowerShell(powershell::PowerShellPlace),
    Posix(posix::PosixPlace),
    /// In no way.
    Unknown,
}

/// A place where a variable is expanded that holds the value of a macro.
#[derive(Debug, Clone)]
pub(super) struct Later {
    /// The variable as the script writes it: `%KEY%`.
    pub(super) variable: String,
    pub(super) position: Position,
    pub(super) demand: Demand,
    pub(super) quoting: Quoting,
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
                None => later.quoting.never_expanded_safely()?.to_owned(),
            };
            Some(format!("`{}` in line {}: {reason}", later.variable, later.position.line))
        })
    }

    /// Whether the macro takes free text, so that [`never_safe`](Self::never_safe) matters for it.
    pub(crate) fn is_free_text(&self) -> bool {
        !kind_of(self.found.name.name()).is_typed()
    }
}

impl Quoting {
    /// Why a variable that is expanded here carries no free text, if so.
    fn never_expanded_safely(&self) -> Option<&'static str> {
        match self {
            Self::Batch(place) => place.never_expanded_safely(),
            Self::PowerShell(_) | Self::Posix(_) | Self::Unknown => None,
        }
    }

    /// The value as the script must have it, or why it cannot stand there. `plain` is what it means without quotes; of
    /// several plain words each place says whether it takes them as they are.
    pub(super) fn quote(&self, value: &str, plain: Plain) -> Result<String, Refusal> {
        match self {
            Self::Batch(place) => place.quote(value, plain),
            Self::PowerShell(place) => place.quote(value, plain),
            Self::Posix(place) => place.quote(value, plain),
            Self::Unknown => Err("its place cannot be told".into()),
        }
    }

    /// Fail unless a variable that is expanded here may hold this value.
    pub(super) fn expanded(&self, value: &str, plain: Plain) -> Result<(), Refusal> {
        match self {
            Self::Batch(place) => place.expanded(value, plain),
            Self::PowerShell(place) => place.expanded(value, plain),
            Self::Posix(place) => place.expanded(value, plain),
            Self::Unknown => Err("its place cannot be told".into()),
        }
    }
}

/// The kind of the values of a macro; unknown ones take any text.
pub(super) fn kind_of(name: &str) -> MacroKind {
    MacroInfo::lookup(name).map_or(MacroKind::Text, |info| info.kind)
}

/// The place of each of these uses of macros in the bytes of a script, in their order.
///
/// The bytes must not be UTF-16. `utf8` is whether columns are counted in UTF-8. For the lint: [`MacroPlace::place`] says
/// where it is, and [`MacroPlace::never_safe`] why no quoting helps there, if so.
/// [`Script`](crate::Script) calls this for a script.
pub(crate) fn macro_places(
    bytes: &[u8],
    utf8: bool,
    language: ScriptLanguage,
    uses: Vec<MacroUse>,
) -> Vec<MacroPlace> {
    if uses.is_empty() {
        return Vec::new();
    }
    match language {
        ScriptLanguage::Batch => batch::places(bytes, utf8, uses),
        ScriptLanguage::PowerShell => powershell::places(bytes, utf8, uses),
        ScriptLanguage::Posix => posix::places(bytes, utf8, uses),
        // Files of answers have no commands, and no places.
        ScriptLanguage::Preseed | ScriptLanguage::Kickstart | ScriptLanguage::CloudConfig => Vec::new(),
    }
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
    String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).chars().take(40).collect()
}
