//! Builds, checks, packs and unpacks OS templates of VMmanager clusters, and reads only the blocks in use.
//!
//! A template is a disk image, a setup script and a metadata file (metainfo.xml) in a `.tar.gz` archive.
//!
//! ```
//! # let dir = std::env::temp_dir().join(format!("vmt-doc-crate-{}", std::process::id()));
//! # std::fs::create_dir_all(&dir).unwrap();
//! # let (image, archive) = (dir.join("win2019.raw"), dir.join("Windows-Server-2019.tar.gz"));
//! # std::fs::write(&image, vec![1; 4096]).unwrap();
//! use vmtemplate::{Archive, PackOptions, Template, UnpackOptions};
//!
//! let template = Template::builder("Windows-Server-2019")
//!     .image_path(&image) // raw, block device, qcow2, VHDX, VMDK, VHD
//!     .memory_mib(1024)
//!     .ipv4(true)
//!     .tags(["windows", "windows2019"])
//!     .declare_macro("($PRODUCTKEY)")
//!     .build()?; // reports every problem, not only the first
//! let summary = template.pack(&archive, &PackOptions::default())?;
//! println!("{} of {} bytes had to be read", summary.usage.read(), summary.content_bytes);
//!
//! let again = Template::open(&archive)?; // does not read the image
//! assert_eq!(again.metainfo().limits()?.memory_mib, Some(1024));
//! let files = Archive::open(&archive)?.unpack(dir.join("unpacked"), &UnpackOptions::default())?;
//! assert_eq!(files[0].name, "metainfo.xml");
//! # std::fs::remove_dir_all(dir).unwrap();
//! # Ok::<(), vmtemplate::Error>(())
//! ```
//!
//! # A tour
//!
//! - Start with [`Template`]: [`Template::builder`] creates one, [`Template::open`] opens an archive or a folder, and
//!   [`Template::pack`] writes an archive. [`Archive`] is one that exists: it is listed, read, unpacked, verified and
//!   checked.
//! - [`Metainfo`] is the metadata: read leniently, edited in place. [`Limits`], [`Support`] and [`Tags`] are its parts,
//!   [`MetainfoFields`] all of it as plain values.
//! - [`Script`] is the setup script, [`find_macros`] finds the macros in it, and [`MacroInfo`] describes each.
//!   [`Script::render`] and [`Template::render`] insert [`MacroValues`], quoted so that none of them becomes a command;
//!   [`RenderOptions`] controls how.
//! - [`SetupScript`] generates a setup script for Windows, [`FirstRunKit`] the files that run it in the guest, and
//!   [`InstallDrive`] is the disk that carries it there.
//! - [`DiskImage`] reads the virtual disk of an image of any format, and knows which parts of it must be read.
//!   [`PartitionTable`], [`NtfsVolume`] and [`RegistryHive`] look inside; [`DiskImage::without_free_space`] leaves out
//!   the clusters that the file systems mark free.
//! - [`Script::lint`], [`Template::check`] and [`check()`] report problems before a machine meets them: a [`Report`] of
//!   [`Finding`]s, each of a [`Rule`] with a stable code.
//! - [`Repository`] manages a folder of archives and the file that describes them to the platform, locally or on a server;
//!   [`Repository::push`] and [`Repository::fetch`] upload and download templates. Archives are read from a
//!   [`ReadAt`], and [`Spooled`] makes one from a stream.
//! - [`probe_output`], [`PackOptions::probe`] and [`TemplateBuilder::probe`] report, before any long work, problems that
//!   would otherwise appear at its end. A replaced file keeps its mode and its owner, and an output that is a link stays
//!   one.
//! - [`Control`] reports the progress of long work and cancels it. [`Error`] says what went wrong, where, and how to fix it.
//!
//! # What it does not do
//!
//! It does not install Windows, boot a machine, or change an image. The only image format it
//! writes is raw, and it packs only the files that metainfo.xml names.
//!
//! # Features
//!
//! `qcow2`, `vhdx`, `vmdk`, `vhd` and `rbd` are the image formats besides raw; all are on. A build without one of them still
//! recognises the format, and names it in its error. `sign` signs repositories, and is on; checking signatures needs no feature.
//! `remote` opens archives and repositories at `https://`, `http://` and `s3://` URLs wherever a path is taken, and
//! publishes to object storage; it is off, because of its dependencies.

mod civil;
mod digest;
mod le;
mod shown;

mod error;

mod access;
mod overwrite;

mod destination;
mod fail_points;
mod file;
mod leftovers;
mod output;
mod positions;
mod progress;
mod rules;
mod source;
mod sources;
mod spool;
#[cfg(test)]
mod steps;
mod threads;

mod remote;

mod disk;
mod macros;
mod metainfo;
mod script;

mod archive;
mod named;

mod check;
mod drive;
mod template;

mod repository;

pub use archive::{Archive, ArchiveEntry, Level, PackOptions, PackSummary, UnpackLimits, UnpackOptions};
pub use archive::{Verified, VerifiedFile, VerifyOptions};
pub use check::{CheckOptions, Sarif, WindowsInfo, check, check_stream};
pub use disk::{
    DiskImage, DiskInfo, DiskSource, Extent, ExtentKind, Extents, ImageFormat, OpenOptions, RawSummary,
    Usage, WriteRawOptions,
};
pub use disk::{FileSystem, Guid, Partition, PartitionKind, PartitionScheme, PartitionTable};
pub use disk::{FreeSpace, FreeSpaceOptions, FreeSpaceReport, KeptReason, KeptVolume, VolumeFreeSpace};
pub use disk::{Hibernation, NtfsEntry, NtfsFile, NtfsFolder, NtfsVolume, NtfsWalk};
pub use disk::{
    RegistryHive, RegistryKey, RegistryKeyPlace, RegistryType, RegistryValue, RegistryValuePlace,
};
pub use drive::{InstallDrive, Padding};
pub use error::{Error, ErrorKind, Position, Result};
pub use macros::{FindMacros, MacroInfo, MacroKind, MacroName, MacroUse, find_macros};
pub use macros::{MacroValue, MacroValues, MissingValue, RenderOptions, ScriptLanguage};
pub use metainfo::{
    AddressFamily, Description, Limits, Metainfo, MetainfoFields, MetainfoKey, OsFamily, Product,
    ProductVersion, SshPublicKey, Support, Tags, UnmetLimit, VmSpec,
};
pub use output::probe_output;
pub use overwrite::Overwrite;
pub use progress::{CancelToken, Control, Progress, ProgressFn};
pub use repository::{
    EntryOptions, FetchOptions, Fetched, PublicKey, PublishOptions, PushOptions, Pushed, Repository,
    RepositoryEntry, RepositoryFormat, RepositoryVerifyOptions, SigningKey, Synced, TemplateKind,
};
pub use rules::{Excerpt, Finding, Place, Report, Rule, Severity, Summary};
pub use script::{FirstRunKit, LineEnding, LintOptions, Script, ScriptEncoding};
pub use script::{SetupFirewall, SetupInterface, SetupScript, SetupStep};
pub use source::ReadAt;
pub use spool::Spooled;
pub use template::{ScriptInfo, Template, TemplateBuilder, TemplateInfo};
pub use threads::Threads;

/// The first program of the README, as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
