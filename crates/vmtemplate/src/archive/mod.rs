//! Packing and unpacking `.tar.gz`: members in parallel, holes never read, memory bounded, hostile input refused.

mod folder;
mod header;
mod index;
mod limits;
mod member;
mod names;
mod ordered;
mod pack;
mod parser;
mod pax;
mod plan;
mod reader;
mod sparse;
mod stream;
mod unpack;
mod verify;
mod writer;
mod zeros;

pub use limits::UnpackLimits;
pub(crate) use names::{MAX_COMPONENT, reason_against};
pub(crate) use pack::{PackContent, PackEntries, PackEntry, pack, pack_to};
pub use pack::{PackOptions, PackSummary};
pub use reader::Archive;
pub(crate) use stream::{damaged, open_source, open_tapped};
pub(crate) use unpack::unpack;
pub use unpack::{ArchiveEntry, UnpackOptions};
pub(crate) use verify::verify;
pub use verify::{Verified, VerifiedFile, VerifyOptions};
