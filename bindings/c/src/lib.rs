//! The C library of vmtemplate. `include/vmtemplate.h` is generated from this crate, and documents it for C.
//!
//! Each file contains one handle and its functions. They convert arguments and results; the library does the work.
//! `boundary` converts pointers to references, and errors and panics to numbers and handles.
//!
//! Cargo builds a static library from it, and install.sh links the shared library from that. It is not a Rust API: Rust
//! programs use the crate `vmtemplate`.

// The names follow C conventions.
#![allow(non_camel_case_types)]
// C passes raw pointers; `boundary` explains why each use of one is sound.
#![allow(clippy::not_unsafe_ptr_arg_deref)]

mod boundary;

// Public although nothing imports them, so that the lint for missing documentation covers what the header is made from.
pub mod archive;
pub mod bytes;
pub mod check;
pub mod control;
pub mod disk;
pub mod drive;
pub mod error;
pub mod fetched;
pub mod files;
pub mod first_run;
pub mod free_space;
pub mod hive;
pub mod image;
pub mod limits;
pub mod macros;
pub mod metainfo;
pub mod ntfs;
pub mod output;
pub mod pack;
pub mod push;
pub mod raw;
pub mod report;
pub mod repository;
pub mod repository_entry;
pub mod repository_keys;
pub mod rule;
pub mod script;
pub mod setup;
pub mod spec;
pub mod template;
pub mod values;
pub mod verified;
pub mod version;

use archive::{vmt_unpack_limits, vmt_unpack_options};
use check::vmt_check_options;
use fetched::vmt_fetch_options;
use free_space::vmt_free_space_options;
use image::{vmt_open_options, vmt_source};
use pack::vmt_pack_options;
use raw::vmt_write_raw_options;
use repository::{vmt_entry_options, vmt_publish_options, vmt_repository_check_options};
use script::{vmt_render_options, vmt_script_check_options};
use setup::vmt_setup_options;
use spec::vmt_template_spec;
use verified::vmt_verify_options;
