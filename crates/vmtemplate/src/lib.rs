//! Builds, checks, packs and unpacks OS templates of VMmanager clusters, and reads only the blocks in use.
//!
//! A template is a disk image, a setup script and a metadata file (metainfo.xml) in a `.tar.gz` archive.
//!
//! ```
//! # let dir = std::env::temp_dir().join(format!("vmt-doc-crate-{}", std::process::id()));
//! # std::fs::create_dir_all(&dir).unwrap();
//! # let (image, archive) = (dir.join("win2019.raw"), dir.join("Windows-Server-2019.tar.gz"));
//! # std::fs::write(&image, vec![1; 4096]).unwrap();
//! use vmtemplate::archive::{PackOptions, UnpackOptions};
//! use vmtemplate::{Archive, Template};
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
//! The names that people start from are here; all others are in the module of their subject, which has a tour of its own.
//!
//! - [`template`]: [`Template::builder`] creates a [`Template`], [`Template::open`] opens an archive or a folder, and
//!   [`Template::pack`] writes an archive.
//! - [`archive`]: an [`Archive`] is listed, read, unpacked, verified and checked, without unpacking it first.
//! - [`metainfo`]: [`Metainfo`] is the metadata, read leniently and edited in place.
//! - [`macros`]: finding the macros of a script, what each stands for, and inserting values so that none of them becomes a
//!   command.
//! - [`script`]: [`Script`] is a setup script; [`SetupScript`](script::SetupScript) generates one for Windows, and
//!   [`FirstRunKit`](script::FirstRunKit) the files that run it in the guest. [`drive`] is the disk that carries it there.
//! - [`disk`]: [`DiskImage`] reads the virtual disk of an image of any format, and knows which parts of it must be read;
//!   partitions, NTFS volumes and registry hives inside it, and the free space that is left out.
//! - [`report`]: [`check()`], [`Template::check`] and [`Script::check`] report problems before a machine meets them, as a
//!   [`Report`] of findings, each of a rule with a stable code.
//! - [`repository`]: a [`Repository`] is a folder of archives and the file that describes them to the platform, locally or on
//!   a server.
//! - [`source`]: archives from anything that can be read at an offset. [`output`]: finding out before long work whether
//!   its result can be written. [`progress`]: [`Control`] reports the progress of long work and cancels it. [`error`]:
//!   [`Error`] says what went wrong, where, and how to fix it.
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

pub mod error;

mod access;
mod overwrite;
mod threads;

mod destination;
mod fail_points;
mod file;
mod leftovers;
pub mod output;
mod positions;
pub mod progress;
mod rules;
pub mod source;
mod sources;
#[cfg(test)]
mod steps;

mod remote;

pub mod disk;
pub mod macros;
pub mod metainfo;
pub mod script;

pub mod archive;
mod named;

mod check;
pub mod drive;
pub mod report;
pub mod template;

pub mod repository;

pub use archive::Archive;
pub use check::check;
pub use disk::DiskImage;
pub use error::{Error, ErrorKind, Result};
pub use metainfo::Metainfo;
pub use progress::Control;
pub use report::Report;
pub use repository::Repository;
pub use script::Script;
pub use template::Template;

/// The first program of the README, as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
