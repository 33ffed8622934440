//! Macros: the places `($NAME)` in a setup script that the platform fills in for each machine.

mod catalogue;
mod find;
mod name;

pub use catalogue::{MacroInfo, MacroKind};
pub(crate) use find::find_in_bytes;
pub use find::{FindMacros, MacroUse, find_macros};
pub use name::MacroName;
