//! The QEMU guest agent: its service is called `qemu-ga` (QEMU, `qga/service-win32.h`), in either case.

use super::look::{Look, Seen};
use super::windows::Windows;
use super::{rules, virtio};

/// Microsoft, "CurrentControlSet\Services subkey entries".
const AUTOMATIC_START: u32 = 2;

pub(super) fn check(look: &Look<'_>, windows: &Windows<'_>) {
    service(look, windows).ok();
    if let Ok(false) = virtio::is_present(look, windows, "vioser") {
        let place = windows.volume.place(look, "Windows/System32/drivers/vioser.sys");
        look.report(rules::NO_SERIAL, place, "the driver is missing");
    }
}

fn service(look: &Look<'_>, windows: &Windows<'_>) -> Seen<()> {
    let path = windows.control(r"Services\QEMU-GA");
    let place = || windows.system.place(&path);
    if windows.system.key(look, &path)?.is_none() {
        look.report(rules::NO_AGENT, place(), "there is no such service");
        return Ok(());
    }
    let command = windows.system.string(look, &path, "ImagePath")?.unwrap_or_default();
    match path_of(&command) {
        Some(file) if windows.volume.file(look, &file)?.is_some() => {}
        _ => look.report(
            rules::AGENT_FILE,
            place(),
            format!("the service starts {command:?}, which is not there"),
        ),
    }
    match windows.system.u32(look, &path, "Start")? {
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

/// The program of a command line as a path on the system volume; `None` if it stands on another.
fn path_of(command: &str) -> Option<String> {
    let command = command.trim();
    let program = match command.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next()?,
        // Without quotes, a space ends it only behind the name of a program.
        None => match command.to_ascii_lowercase().find(".exe") {
            Some(at) => &command[..at + 4],
            None => command,
        },
    };
    let mut path = program.trim_start_matches(r"\??\").to_owned();
    for (variable, value) in [
        ("%systemroot%", r"C:\Windows"),
        ("%windir%", r"C:\Windows"),
        (r"\systemroot\", r"C:\Windows\"),
        ("%programfiles%", r"C:\Program Files"),
        ("%systemdrive%", "C:"),
    ] {
        if path.get(..variable.len()).is_some_and(|start| start.eq_ignore_ascii_case(variable)) {
            path.replace_range(..variable.len(), value);
        }
    }
    path.get(..3).filter(|drive| drive.eq_ignore_ascii_case(r"C:\"))?;
    Some(path[3..].replace('\\', "/"))
}
