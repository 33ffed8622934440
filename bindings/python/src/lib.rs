//! The Python module `vmtemplate._native`: classes and functions that wrap the library and add no features.
//!
//! Plain values, enums and exceptions are Python classes in `python/vmtemplate/`; [`to_python`] builds them,
//! [`from_python`] reads them, and [`errors`] raises exceptions. Everything else is a class in this crate, one file for
//! each.
//! Classes are frozen, and mutable state is behind a lock, so threads may share every object.

// PyO3's macros require these: keyword arguments become many arguments, arguments are owned, and methods take `self`.
// `repr` in Python quotes paths, and lists in the documentation are Python lists.
#![allow(
    clippy::doc_link_with_quotes,
    clippy::fn_params_excessive_bools,
    clippy::needless_pass_by_value,
    clippy::too_many_arguments,
    clippy::unnecessary_debug_formatting,
    clippy::unused_self
)]

mod errors;
mod from_python;
mod run;
mod to_python;
mod values;
mod views;

mod archive;
mod cancel_token;
mod closable;
mod command;
mod disk_image;
mod first_run_kit;
mod functions;
mod install_drive;
mod keys;
mod macro_values;
mod metainfo;
mod ntfs;
mod registry;
mod repository;
mod script;
mod setup_script;
mod source;
mod template;

use pyo3::prelude::*;

#[pymodule]
mod _native {
    #[pymodule_export]
    use super::archive::Archive;
    #[pymodule_export]
    use super::cancel_token::CancelToken;
    #[pymodule_export]
    use super::command::run_command;
    #[pymodule_export]
    use super::disk_image::{DiskImage, ExtentIterator};
    #[pymodule_export]
    use super::errors::error_kinds;
    #[pymodule_export]
    use super::first_run_kit::FirstRunKit;
    #[pymodule_export]
    use super::functions::{
        all_rules, check, detect_file_system, entry_family, entry_kind, extent_end, find_macros,
        free_space_dropped, macro_bare_name, macro_catalogue, macro_lookup, macro_nearest, macro_text,
        os_family, parse_product, parse_product_version, partition_is_efi_system, partition_is_extended,
        partition_is_recovery, probe_output, progress_fraction, read_partition_table, read_windows_info,
        rule_by_code, support_allows, text, unmet_limits, usage_read, usage_total,
    };
    #[pymodule_export]
    use super::install_drive::InstallDrive;
    #[pymodule_export]
    use super::keys::{PublicKey, SigningKey};
    #[pymodule_export]
    use super::macro_values::MacroValues;
    #[pymodule_export]
    use super::metainfo::Metainfo;
    #[pymodule_export]
    use super::ntfs::{NtfsFile, NtfsVolume, NtfsWalk};
    #[pymodule_export]
    use super::registry::{RegistryHive, RegistryKey, RegistryValue};
    #[pymodule_export]
    use super::repository::Repository;
    #[pymodule_export]
    use super::script::Script;
    #[pymodule_export]
    use super::setup_script::SetupScript;
    #[pymodule_export]
    use super::template::Template;

    #[pymodule_export]
    #[allow(non_upper_case_globals)] // the name in Python
    const __version__: &str = env!("CARGO_PKG_VERSION");

    #[pymodule_export]
    const MAX_MACRO_NAME: usize = vmtemplate::macros::MacroName::MAX_LENGTH;
}
