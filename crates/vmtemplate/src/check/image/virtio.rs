//! The virtio drivers.
//!
//! The names are those of the virtio-win project; a service has the name of its driver. `Start` is 0 for what the boot
//! loader loads (Microsoft, "CurrentControlSet\Services subkey entries").

use super::look::{Look, Seen};
use super::pe::Machine;
use super::rules;
use super::windows::Windows;

const BOOT_START: u32 = 0;

pub(super) fn check(look: &Look<'_>, windows: &Windows<'_>) {
    // A template that does not claim virtio disks or networks may do without.
    let claims = |claim: fn(&crate::metainfo::Metainfo) -> bool| look.context.metainfo.is_none_or(claim);
    if claims(crate::metainfo::Metainfo::virtio_disk) {
        disk(look, windows).ok();
    }
    if claims(crate::metainfo::Metainfo::virtio_net) {
        network(look, windows).ok();
    }
    if let Ok(false) = is_present(look, windows, "balloon") {
        let place = windows.volume.place(look, &path("balloon"));
        look.report(rules::NO_BALLOON, place, "the driver is missing");
    }
}

fn path(driver: &str) -> String {
    format!("Windows/System32/drivers/{driver}.sys")
}

/// Whether the file of a driver is there; one for another processor is told.
pub(super) fn is_present(look: &Look<'_>, windows: &Windows<'_>, driver: &str) -> Seen<bool> {
    let path = path(driver);
    let Some(file) = windows.volume.file(look, &path)? else { return Ok(false) };
    let place = || windows.volume.place(look, &path);
    let machine = look.seen(place(), Machine::of(&file))?;
    match (machine, windows.machine) {
        (None, _) => look.report(
            rules::DRIVER_MACHINE,
            place(),
            "the file is no driver: it has no header of a program",
        ),
        (Some(found), Some(wanted)) if found != wanted => {
            let message = format!("the driver is made for {found}, and Windows for {wanted}");
            look.report(rules::DRIVER_MACHINE, place(), message);
        }
        _ => {}
    }
    Ok(true)
}

fn disk(look: &Look<'_>, windows: &Windows<'_>) -> Seen<()> {
    let mut present = Vec::new();
    for driver in ["viostor", "vioscsi"] {
        if is_present(look, windows, driver)? {
            present.push(driver);
        }
    }
    let Some(first) = present.first() else {
        let place = windows.volume.place(look, "Windows/System32/drivers");
        look.report(rules::NO_DISK_DRIVER, place, "neither viostor.sys nor vioscsi.sys is there");
        return Ok(());
    };
    let mut starts = Vec::new();
    for driver in &present {
        let service = windows.control(&format!("Services\\{driver}"));
        starts.push(windows.system.u32(look, &service, "Start")?);
    }
    if !starts.contains(&Some(BOOT_START)) {
        let found: Vec<String> =
            present.iter().zip(&starts).map(|(driver, start)| describe(driver, *start)).collect();
        let place = windows.system.place(&windows.control(&format!("Services\\{first}")));
        let message = format!("{}; 0, started by the boot loader, was expected", found.join(", "));
        look.report(rules::DISK_DRIVER_START, place, message);
    }
    Ok(())
}

fn describe(driver: &str, start: Option<u32>) -> String {
    match start {
        Some(start) => format!("the service {driver} has Start {start}"),
        None => format!("the driver {driver} has no service"),
    }
}

fn network(look: &Look<'_>, windows: &Windows<'_>) -> Seen<()> {
    let service = windows.control(r"Services\netkvm");
    if !is_present(look, windows, "netkvm")? {
        let place = windows.volume.place(look, &path("netkvm"));
        look.report(rules::NO_NETWORK_DRIVER, place, "the driver is missing");
    } else if windows.system.key(look, &service)?.is_none() {
        let message = "the driver is there, but has no service: it was copied, not installed";
        look.report(rules::NO_NETWORK_DRIVER, windows.system.place(&service), message);
    }
    Ok(())
}
