//! Packing and unpacking `.tar.gz`: members in parallel, holes never read, memory bounded, hostile input refused.

mod header;
mod index;
mod member;
mod names;
mod pack;
mod parser;
mod pax;
mod reader;
mod sparse;
mod stream;
mod unpack;
mod zeros;

pub(crate) use names::reason_against;
pub(crate) use pack::{PackContent, PackEntry, pack};
pub use pack::{PackOptions, PackSummary};
pub use reader::Archive;
pub(crate) use unpack::unpack;
pub use unpack::{ArchiveEntry, UnpackLimits, UnpackOptions};
