//! Archives of templates, `.tar.gz`: packed and unpacked in parallel, holes never read, memory bounded, hostile input
//! refused.
//!
//! [`Archive`] is one that exists, at a path, a URL or in a [`ReadAt`](crate::source::ReadAt).
//! [`Template::pack`](crate::Template::pack) writes one as [`PackOptions`] say, and sums it up in a [`PackSummary`].
//! [`UnpackOptions`] and [`VerifyOptions`] control the other directions, [`UnpackLimits`] what a hostile archive may do.

mod entry;
mod folder;
mod header;
mod index;
mod level;
mod limits;
mod member;
mod member_reader;
mod names;
mod numbers;
mod ordered;
mod pack;
mod parser;
mod pax;
mod plan;
mod reader;
mod sparse;
mod stream;
mod summary;
mod unpack;
mod verify;
mod writer;
mod zeros;

pub use entry::ArchiveEntry;
pub(crate) use entry::{PackContent, PackEntries, PackEntry};
pub use level::Level;
pub use limits::UnpackLimits;
pub(crate) use names::{MAX_COMPONENT, reason_against};
pub use pack::PackOptions;
pub(crate) use pack::{pack, pack_to};
pub use reader::Archive;
pub(crate) use stream::{damaged, is_gzip, open_source, open_tapped};
pub use summary::PackSummary;
pub use unpack::UnpackOptions;
pub(crate) use unpack::unpack;
pub(crate) use verify::verify;
pub use verify::{Verified, VerifiedFile, VerifyOptions};
