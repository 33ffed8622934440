//! Macros: the places `($NAME)` in a setup script that the platform fills in for each machine.

mod batch;
mod catalogue;
mod demand;
mod find;
mod follow;
mod name;
mod options;
mod place;
mod posix;
mod powershell;
mod render;
mod value;
mod values;

pub use catalogue::{MacroInfo, MacroKind};
pub(crate) use find::find_in_bytes;
pub use find::{FindMacros, MacroUse, find_macros};
pub use name::MacroName;
pub use options::{MissingValue, RenderOptions, ScriptLanguage};
pub(crate) use place::{MacroPlace, macro_places};
pub(crate) use render::{Source, render};
pub use value::MacroValue;
pub use values::MacroValues;
