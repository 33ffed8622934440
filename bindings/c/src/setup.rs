//! vmtemplate's own setup script, step by step.

use std::ffi::c_char;
use std::ptr;

use vmtemplate::script::{SetupFirewall, SetupInterface, SetupScript};

use crate::boundary::{
    Outcome, Slot, build, edit, free, give, handle, look, status, str_in, str_or_none, take,
};
use crate::error::{vmt_code, vmt_error};
use crate::script::vmt_script;

/// Makes a setup script for Windows. One thread at a time may use it.
pub struct vmt_setup(Slot<SetupScript>);
handle!(vmt_setup, SetupScript);

fn change(
    setup: *mut vmt_setup,
    err: *mut *mut vmt_error,
    change: impl FnOnce(SetupScript) -> Outcome<SetupScript>,
) -> vmt_code {
    status(err, || {
        let mut held = edit(setup)?;
        *held = change(held.clone())?;
        Ok(())
    })
}

/// Start with all steps, as in `vmt_script_default_windows()`. Returns NULL only for a bug in the library.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_setup_new() -> *mut vmt_setup {
    look(ptr::null_mut(), || Ok(give(SetupScript::windows())))
}

/// Leave a step out: `password`, `address`, `ipv6`, `name-servers`, `volume`, `activation`, `remote-desktop`,
/// `first-run` or `restart`.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_setup_without(
    setup: *mut vmt_setup,
    step: *const c_char,
    err: *mut *mut vmt_error,
) -> vmt_code {
    change(setup, err, |setup| Ok(setup.without(str_in(step, "step")?.parse()?)))
}

/// Set the account whose password is set. The default is `Administrator`.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_setup_administrator(
    setup: *mut vmt_setup,
    account: *const c_char,
    err: *mut *mut vmt_error,
) -> vmt_code {
    change(setup, err, |setup| Ok(setup.administrator(str_in(account, "account")?)))
}

/// Set the log file of the script. The default is `C:\setup.log`. `%NAME%` is replaced with an environment variable of
/// Windows.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_setup_log_file(
    setup: *mut vmt_setup,
    path: *const c_char,
    err: *mut *mut vmt_error,
) -> vmt_code {
    change(setup, err, |setup| Ok(setup.log_file(str_in(path, "path")?)))
}

/// Set the name of the network interface to set up. NULL, the default, is the first one that is connected.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_setup_interface(
    setup: *mut vmt_setup,
    name: *const c_char,
    err: *mut *mut vmt_error,
) -> vmt_code {
    change(setup, err, |setup| {
        let interface = match str_or_none(name, "name")? {
            Some(name) => SetupInterface::Named(name.to_owned()),
            None => SetupInterface::FirstConnected,
        };
        Ok(setup.interface(interface))
    })
}

/// Set whether the firewall is opened for Remote Desktop. The default is true.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_setup_open_firewall(
    setup: *mut vmt_setup,
    open: bool,
    err: *mut *mut vmt_error,
) -> vmt_code {
    let firewall = if open { SetupFirewall::OpenRemoteDesktop } else { SetupFirewall::Unchanged };
    change(setup, err, |setup| Ok(setup.firewall(firewall)))
}

/// Set whether the product key in `($PRODUCTKEY)` is installed before Windows is activated.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_setup_product_key(
    setup: *mut vmt_setup,
    used: bool,
    err: *mut *mut vmt_error,
) -> vmt_code {
    change(setup, err, |setup| Ok(setup.product_key(used)))
}

/// Make the script. This consumes `setup`, also if it fails.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_setup_build(setup: *mut vmt_setup, err: *mut *mut vmt_error) -> *mut vmt_script {
    build(err, || Ok(take(setup)?.build()?.into()))
}

/// Free a setup that was not built. NULL is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_setup_free(setup: *mut vmt_setup) {
    look((), || free(setup));
}
