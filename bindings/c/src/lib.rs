//! The C library of vmtemplate. `include/vmtemplate.h` is made of this crate, and documents it for C.
//!
//! Each file holds one handle and its functions. They translate arguments and results, and the library does the work;
//! `boundary` is where pointers become references, and errors and panics become numbers and handles.
//!
//! It is built as a shared and a static library for C, and is no Rust API: Rust programs use the crate `vmtemplate`.

// The names are those of C.
#![allow(non_camel_case_types)]
// What C passes is a raw pointer; what keeps each use of one sound is told in `boundary`.
#![allow(clippy::not_unsafe_ptr_arg_deref)]

mod boundary;

mod archive;
mod builder;
mod bytes;
mod check;
mod control;
mod drive;
mod error;
mod fetched;
mod first_run;
mod image;
mod image_info;
mod limits;
mod macros;
mod metainfo;
mod output;
mod pack;
mod report;
mod repository;
mod repository_entry;
mod repository_keys;
mod rule;
mod script;
mod setup;
mod template;
mod values;
mod verified;
mod version;

use archive::{vmt_unpack_limits, vmt_unpack_options};
use check::vmt_check_options;
use fetched::vmt_fetch_options;
use image::{vmt_free_space_options, vmt_open_options, vmt_source, vmt_write_raw_options};
use pack::vmt_pack_options;
use repository::{vmt_entry_options, vmt_publish_options, vmt_repository_verify_options};
use script::{vmt_lint_options, vmt_render_options};
use verified::vmt_verify_options;
