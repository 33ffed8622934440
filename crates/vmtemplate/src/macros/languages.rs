//! The languages of scripts, each of which finds the places of macros in its own way.

use super::find::MacroUse;
use super::language::ScriptLanguage;
use super::place::MacroPlace;
use super::{batch, posix, powershell};

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
