//! OS templates of VMmanager clusters: built, checked, packed, unpacked and published.

mod error;

mod file;
mod output;
mod progress;

mod disk;
mod macros;
mod metainfo;
mod script;

mod archive;
mod template;

pub use archive::{Archive, ArchiveEntry, PackOptions, PackSummary, UnpackLimits, UnpackOptions};
pub use disk::{
    DiskImage, DiskInfo, DiskSource, Extent, ExtentKind, Extents, ImageFormat, OpenOptions, RawSummary,
    WriteRawOptions,
};
pub use disk::{FileSystem, Guid, Partition, PartitionKind, PartitionScheme, PartitionTable};
pub use disk::{FreeSpace, FreeSpaceOptions, FreeSpaceReport, KeptReason, KeptWhole, VolumeFreeSpace};
pub use disk::{Hibernation, NtfsEntry, NtfsFile, NtfsVolume};
pub use error::{Error, ErrorKind, Position, Result};
pub use macros::{FindMacros, MacroInfo, MacroKind, MacroName, MacroUse, find_macros};
pub use metainfo::{
    AddressFamily, Description, LimitMiss, Limits, Metainfo, MetainfoFields, MetainfoKey, Product,
    ProductVersion, SshPublicKey, Support, Tags, VmSpec,
};
pub use progress::{CancelToken, Control, Progress, ProgressFn};
pub use script::{LineEnds, Script, ScriptEncoding};
pub use template::{ScriptInfo, Template, TemplateBuilder, TemplateInfo};
