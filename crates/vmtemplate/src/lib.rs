//! OS templates of VMmanager clusters: built, checked, packed, unpacked and published.

mod error;

mod output;
mod progress;

mod disk;

pub use disk::{DiskImage, DiskSource, Extent, ExtentKind, Extents};
pub use disk::{FileSystem, Guid, Partition, PartitionKind, PartitionScheme, PartitionTable};
pub use disk::{FreeSpace, FreeSpaceOptions, FreeSpaceReport, KeptReason, KeptWhole, VolumeFreeSpace};
pub use disk::{Hibernation, NtfsEntry, NtfsFile, NtfsVolume};
pub use error::{Error, ErrorKind, Position, Result};
pub use progress::{CancelToken, Control, Progress, ProgressFn};
