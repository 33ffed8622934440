//! The rules of the image: what is read from inside the disk.

mod boot;
mod extend;
mod firewall;
mod first_run;
mod guest_agent;
mod language;
mod look;
mod pe;
mod policy;
mod pool;
mod registry;
mod release;
mod remains;
mod remote;
mod script;
mod service;
mod shutdown;
mod space;
mod task;
mod virtio;
mod volumes;
mod windows;

use self::look::Look;
use self::volumes::Volumes;
use self::windows::Windows;
use super::ImageContext;
use crate::disk::DiskImage;
use crate::error::Result;
use crate::rules::{Finding, Severity, image as rules};

pub use windows::WindowsInfo;

/// Look into the disk, and check what is found.
pub(super) fn check_image(disk: &DiskImage, context: &ImageContext<'_>) -> Result<Vec<Finding>> {
    let look = Look::new(disk, context);
    let Ok(volumes) = Volumes::find(&look) else { return look.findings() };
    let system = volumes.system(&look);
    if look.has_ended() {
        return look.findings();
    }
    if system.is_none() && !is_called_windows(context) {
        let message = "the disk contains no Windows, and the template's name does not mention one: its content was not \
                       checked";
        look.add(Finding::new(rules::NO_WINDOWS, message).at(look.image()).with_severity(Severity::Note));
        return look.findings();
    }
    boot::check(&look, &volumes);
    shutdown::check_volumes(&look, &volumes);
    pool::check(&look, &volumes);
    let Some(system) = system else {
        if !volumes.is_hidden && !look.has_unread_image() {
            look.report(
                rules::NO_WINDOWS,
                look.image(),
                "no volume of this disk has a folder Windows\\System32\\config",
            );
        }
        return look.findings();
    };
    let windows = Windows::open(&look, system);
    report_windows(&look, &windows, &volumes);
    boot::check_loader(&look, &volumes, &windows);
    let checks: &[fn(&Look<'_>, &Windows<'_>)] = &[
        shutdown::check,
        windows::check,
        virtio::check,
        guest_agent::check,
        first_run::check,
        policy::check,
        remote::check,
        remains::check,
    ];
    for check in checks {
        if look.has_ended() {
            return look.findings();
        }
        check(&look, &windows);
    }
    extend::check(&look, &volumes, &windows);
    space::check(&look, &volumes);
    look.findings()
}

/// Whether the template is for Windows, as far as its name states: the platform takes the family from there. An image alone
/// is taken for one of Windows.
fn is_called_windows(context: &ImageContext<'_>) -> bool {
    let name = context.metainfo.and_then(crate::metainfo::Metainfo::os_name);
    name.is_none_or(|name| name.to_lowercase().contains("windows"))
}

/// Report which Windows it is.
fn report_windows(look: &Look<'_>, windows: &Windows<'_>, volumes: &Volumes) {
    if windows.software.content.is_none() {
        return;
    }
    let mut text = windows.info.to_string();
    if let Some((firmware, _)) = boot::firmware(volumes) {
        text = format!("{text}, starts with {firmware}");
    }
    match windows.info.image_state.as_deref() {
        Some("IMAGE_STATE_COMPLETE") => text.push_str(", not generalized"),
        Some(state) if state.starts_with("IMAGE_STATE_GENERALIZE") => {
            text.push_str(", generalized by Sysprep");
        }
        _ => {}
    }
    look.report(rules::WINDOWS, windows.volume.place(look, ""), text);
}
