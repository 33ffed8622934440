//! vmtemplate's own setup script.

use std::ffi::c_char;

use vmtemplate::script::{SetupFirewall, SetupInterface, SetupScript};

use crate::boundary::{Outcome, build, list_in, read, str_or_none};
use crate::error::vmt_error;
use crate::script::{flags, vmt_script};

/// Do not open the firewall for Remote Desktop.
pub const VMT_SETUP_KEEP_FIREWALL: u32 = 1;
/// Do not install the product key in `($PRODUCTKEY)` before Windows is activated.
pub const VMT_SETUP_KEEP_PRODUCT_KEY: u32 = 2;

/// Options for vmtemplate's own setup script. Fields that are zero have their defaults.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vmt_setup_options {
    /// `sizeof(vmt_setup_options)`.
    pub struct_size: usize,
    /// A combination of `VMT_SETUP_` flags.
    pub flags: u32,
    /// Steps to leave out, `without_count` of them: `password`, `address`, `ipv6`, `name-servers`, `volume`,
    /// `activation`, `remote-desktop`, `first-run` or `restart`.
    pub without: *const *const c_char,
    /// The number of `without`.
    pub without_count: usize,
    /// The account whose password is set; `Administrator` for NULL.
    pub administrator: *const c_char,
    /// The log file of the script; `C:\setup.log` for NULL. `%NAME%` is replaced with an environment variable of
    /// Windows.
    pub log_file: *const c_char,
    /// The name of the network interface to set up. NULL sets up the first one that is connected.
    pub network_interface: *const c_char,
}

fn setup(options: *const vmt_setup_options) -> Outcome<SetupScript> {
    let options = read(options)?;
    let known = flags(options.flags, VMT_SETUP_KEEP_FIREWALL | VMT_SETUP_KEEP_PRODUCT_KEY)?;
    let mut setup = SetupScript::windows().product_key(known & VMT_SETUP_KEEP_PRODUCT_KEY == 0);
    if known & VMT_SETUP_KEEP_FIREWALL != 0 {
        setup = setup.firewall(SetupFirewall::Unchanged);
    }
    for step in list_in(options.without, options.without_count, "without")? {
        setup = setup.without(step.parse()?);
    }
    if let Some(account) = str_or_none(options.administrator, "administrator")? {
        setup = setup.administrator(account);
    }
    if let Some(path) = str_or_none(options.log_file, "log_file")? {
        setup = setup.log_file(path);
    }
    if let Some(name) = str_or_none(options.network_interface, "network_interface")? {
        setup = setup.interface(SetupInterface::Named(name.to_owned()));
    }
    Ok(setup)
}

/// Make vmtemplate's own setup script for Windows. `options`, which may be NULL, leave steps out or change them.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_script_windows(
    options: *const vmt_setup_options,
    err: *mut *mut vmt_error,
) -> *mut vmt_script {
    build(err, || Ok(setup(options)?.build()?.into()))
}
