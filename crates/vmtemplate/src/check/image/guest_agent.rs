//! The QEMU guest agent: its service is called `qemu-ga` (QEMU, `qga/service-win32.h`), in either case.

use super::look::{Look, Seen};
use super::service::{self, Service};
use super::virtio;
use super::windows::Windows;
use crate::rules::image as rules;
use crate::shown::Shown;

/// Microsoft, "CurrentControlSet\Services subkey entries".
const AUTOMATIC_START: u32 = 2;

pub(super) fn check(look: &Look<'_>, windows: &Windows<'_>) {
    agent(look, windows).ok();
    virtio::require(look, windows, &virtio::SERIAL, rules::NO_SERIAL).ok();
}

fn agent(look: &Look<'_>, windows: &Windows<'_>) -> Seen<()> {
    let name = "QEMU-GA";
    let Some(service) = Service::find(look, windows, name)? else {
        let place = windows.system.place(&windows.control(&format!("Services\\{name}")));
        look.report(rules::NO_AGENT, place, "the service does not exist");
        return Ok(());
    };
    let place = || windows.system.place(&service.path);
    let command = service.image_path.as_deref().unwrap_or_default();
    if service::program(look, windows, command)?.is_none() {
        let message = match command {
            "" => "the service has no ImagePath, so it starts nothing".to_owned(),
            command => format!("the service starts `{}`, which does not exist", Shown(command)),
        };
        look.report(rules::AGENT_FILE, place(), message);
    }
    match service.start {
        Some(AUTOMATIC_START) => {}
        start => {
            let start = start.map_or("no Start".to_owned(), |start| format!("Start {start}"));
            look.report(
                rules::AGENT_START,
                place(),
                format!("the service has {start}; 2, automatic, was expected"),
            );
        }
    }
    Ok(())
}
