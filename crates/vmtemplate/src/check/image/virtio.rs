//! The virtio drivers.
//!
//! Names of files and services are those of the INF files of the virtio-win project (viostor.inx, vioscsi.inx,
//! netkvm-base.txt, vioser.inx, balloon.inx). Since 2024 the drivers for Windows 11 and Server 2025 run from the driver
//! store and are not copied to `System32\drivers` (kvm-guest-drivers-windows, `Driver.Common.props`: `DIRID` 13).

use super::look::{Look, Seen};
use super::pe::Machine;
use super::service::Service;
use super::windows::Windows;
use crate::rules::{Finding, Place, Rule, image as rules};

/// `Start` of what the boot loader loads, and of what is never started (Microsoft, "CurrentControlSet\Services subkey
/// entries").
const BOOT_START: u32 = 0;
const DISABLED: u32 = 4;

const STORE: &str = "Windows/System32/DriverStore/FileRepository";

pub(super) struct Driver {
    service: &'static str,
    /// The name of its files, without `.sys` and `.inf`.
    file: &'static str,
}

const VIOSTOR: Driver = Driver { service: "viostor", file: "viostor" };
const VIOSCSI: Driver = Driver { service: "vioscsi", file: "vioscsi" };
const NETKVM: Driver = Driver { service: "netkvm", file: "netkvm" };
const BALLOON: Driver = Driver { service: "BALLOON", file: "balloon" };
pub(super) const SERIAL: Driver = Driver { service: "VirtioSerial", file: "vioser" };

/// How far a driver is installed.
enum State {
    /// Its file is there, and a service starts it.
    Installed(Service),
    /// Its file is in `System32\drivers`, and nothing starts it.
    Copied,
    /// Its package is in the driver store: Windows installs it when it meets the device.
    Staged,
    /// Its file is not where it should be.
    Missing { place: Place, service: Option<Service> },
}

pub(super) fn check(look: &Look<'_>, windows: &Windows<'_>) {
    // A template that does not claim virtio disks or networks may do without.
    let claims = |claim: fn(&crate::metainfo::Metainfo) -> bool| look.context.metainfo.is_none_or(claim);
    if claims(crate::metainfo::Metainfo::virtio_disk) {
        disk(look, windows).ok();
    }
    if claims(crate::metainfo::Metainfo::virtio_net) {
        network(look, windows).ok();
    }
    require(look, windows, &BALLOON, rules::NO_BALLOON).ok();
}

/// Report a driver that is missing or disabled.
pub(super) fn require(
    look: &Look<'_>,
    windows: &Windows<'_>,
    driver: &Driver,
    rule: &'static Rule,
) -> Seen<()> {
    let state = state(look, windows, driver)?;
    report(look, windows, rule, state);
    Ok(())
}

fn report(look: &Look<'_>, windows: &Windows<'_>, rule: &'static Rule, state: State) {
    match state {
        State::Missing { place, service } => look.report(rule, place, missing(service.as_ref())),
        State::Installed(service) if service.effective_start() == Some(DISABLED) => {
            let message = format!("{}: it is disabled", describe_start(&service));
            look.report(rule, windows.system.place(&service.path), message);
        }
        _ => {}
    }
}

fn missing(service: Option<&Service>) -> String {
    match service {
        Some(service) => format!("the driver is missing; the service {} expects it here", service.name),
        None => "the driver is missing".to_owned(),
    }
}

fn state(look: &Look<'_>, windows: &Windows<'_>, driver: &Driver) -> Seen<State> {
    let usual = format!("Windows/System32/drivers/{}.sys", driver.file);
    let Some(service) = Service::find(look, windows, driver.service)? else {
        if is_there(look, windows, &usual)? {
            return Ok(State::Copied);
        }
        if staged(look, windows, driver)? {
            return Ok(State::Staged);
        }
        return Ok(State::Missing { place: windows.volume.place(look, &usual), service: None });
    };
    let path = service.driver_file(windows);
    // Where the service names no file on this volume, the driver has its usual one.
    let is_named = service.image_path.is_some() && path.is_some();
    for path in path.iter().chain(Some(&usual).filter(|_| !is_named)) {
        if is_there(look, windows, path)? {
            return Ok(State::Installed(service));
        }
    }
    let place = windows.volume.place(look, path.as_ref().filter(|_| is_named).unwrap_or(&usual));
    Ok(State::Missing { place, service: Some(service) })
}

/// Whether the driver store has the package of the driver, in a folder `NAME.inf_PROCESSOR_HASH`.
fn staged(look: &Look<'_>, windows: &Windows<'_>, driver: &Driver) -> Seen<bool> {
    let Some(store) = windows.volume.file(look, STORE)?.filter(crate::disk::NtfsFile::is_folder) else {
        return Ok(false);
    };
    let start = format!("{}.inf_", driver.file);
    for entry in look.seen(windows.volume.place(look, STORE), store.list())? {
        let is_package = entry.name.to_lowercase().starts_with(&start);
        if is_package && is_there(look, windows, &format!("{STORE}/{}/{}.sys", entry.name, driver.file))? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether the file of a driver is there; one for another processor is reported.
fn is_there(look: &Look<'_>, windows: &Windows<'_>, path: &str) -> Seen<bool> {
    let Some(file) = windows.volume.file(look, path)? else { return Ok(false) };
    let place = || windows.volume.place(look, path);
    let machine = look.seen(place(), Machine::of(&file))?;
    match (machine, windows.machine) {
        (None, _) => {
            look.report(rules::DRIVER_MACHINE, place(), "the file is not a driver: it has no program header");
        }
        (Some(found), Some(wanted)) if found != wanted => {
            let message = format!("the driver is for {found}, but Windows is for {wanted}");
            look.report(rules::DRIVER_MACHINE, place(), message);
        }
        _ => {}
    }
    Ok(true)
}

fn disk(look: &Look<'_>, windows: &Windows<'_>) -> Seen<()> {
    let (mut starts, mut elsewhere) = (Vec::new(), Vec::new());
    for driver in [VIOSTOR, VIOSCSI] {
        match state(look, windows, &driver)? {
            State::Installed(service) => starts.push((driver, Some(service))),
            State::Copied | State::Staged => starts.push((driver, None)),
            State::Missing { place, service: Some(_) } => elsewhere.push((driver, place)),
            State::Missing { .. } => {}
        }
    }
    let Some((first, service)) = starts.first() else {
        let mut message = "neither viostor.sys nor vioscsi.sys exists".to_owned();
        for (driver, place) in elsewhere {
            let path = place.path.unwrap_or_default().replace('/', "\\");
            let service = driver.service;
            message = format!("{message}; the service {service} starts {path}");
        }
        look.report(rules::NO_DISK_DRIVER, windows.volume.place(look, "Windows/System32/drivers"), message);
        return Ok(());
    };
    let is_started = |service: &Service| service.effective_start() == Some(BOOT_START);
    if starts.iter().any(|(_, service)| service.as_ref().is_some_and(is_started)) {
        return Ok(());
    }
    let found: Vec<String> = starts
        .iter()
        .map(|(driver, service)| match service {
            Some(service) => describe_start(service),
            None => format!("the driver {} has no service", driver.service),
        })
        .collect();
    let place = windows.system.place(&windows.control(&format!("Services\\{}", first.service)));
    let message = format!("{}; 0, start by the boot loader, was expected", found.join(", "));
    let finding = Finding::new(rules::DISK_DRIVER_START, message).at(place);
    let is_overridden = |service: &&Service| service.start == Some(BOOT_START);
    look.add(match service.as_ref().filter(is_overridden) {
        Some(service) => finding.with_fix(format!(
            "start the virtual machine once with a disk of connection type Virtio, so that Windows sets the driver up; or \
             run: reg delete HKLM\\SYSTEM\\CurrentControlSet\\Services\\{}\\StartOverride /f",
            service.name
        )),
        None => finding,
    });
    Ok(())
}

fn describe_start(service: &Service) -> String {
    let name = service.name;
    let start = service.start.map_or("no Start".to_owned(), |start| format!("Start {start}"));
    match service.start_override {
        Some(start_override) => {
            format!("the service {name} has {start}, and StartOverride makes that {start_override}")
        }
        None => format!("the service {name} has {start}"),
    }
}

fn network(look: &Look<'_>, windows: &Windows<'_>) -> Seen<()> {
    match state(look, windows, &NETKVM)? {
        State::Copied => {
            let service = windows.control(r"Services\netkvm");
            let message = "the driver file exists, but has no service: it was copied, not installed";
            look.report(rules::NO_NETWORK_DRIVER, windows.system.place(&service), message);
        }
        state => report(look, windows, rules::NO_NETWORK_DRIVER, state),
    }
    Ok(())
}
