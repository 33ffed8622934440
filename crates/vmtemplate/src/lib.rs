//! OS templates of VMmanager clusters: built, checked, packed, unpacked and published.

mod error;

mod output;
mod progress;

mod disk;
mod metainfo;

pub use disk::{DiskImage, DiskSource, Extent, ExtentKind, Extents};
pub use error::{Error, ErrorKind, Position, Result};
pub use metainfo::{
    AddressFamily, Description, LimitMiss, Limits, Metainfo, MetainfoFields, MetainfoKey, Product,
    ProductVersion, SshPublicKey, Support, Tags, VmSpec,
};
pub use progress::{CancelToken, Control, Progress, ProgressFn};
