//! Macros: the places `($NAME)` in a setup script that the platform fills in for each machine.
//!
//! [`find_macros`] finds them, [`MacroInfo`] is the catalogue of those that the platform knows, and [`MacroValues`] are what
//! is inserted by [`Script::render`](crate::Script::render) and [`Template::render`](crate::Template::render), quoted for
//! the place where each stands; [`RenderOptions`] control how.

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
