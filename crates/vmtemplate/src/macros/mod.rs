//! Macros: the places `($NAME)` in a setup script that the platform fills in for each machine.

mod batch;
mod catalogue;
mod demand;
mod document;
mod endings;
mod evidence;
mod find;
mod follow;
mod known;
mod language;
mod languages;
mod name;
mod options;
mod place;
mod posix;
mod powershell;
mod render;
mod told;
mod value;
mod values;

pub use catalogue::{MacroInfo, MacroKind};
pub(crate) use find::{Characters, find_in_bytes};
pub use find::{FindMacros, MacroUse, find_macros};
pub(crate) use known::{KnownMacros, is_styled};
pub use language::ScriptLanguage;
pub(crate) use languages::macro_places;
pub use name::MacroName;
pub use options::{MissingValue, RenderOptions};
pub(crate) use place::MacroPlace;
pub(crate) use render::{LONGEST_LINE, Source, render};
pub(crate) use told::Told;
pub use value::MacroValue;
pub use values::MacroValues;
