//! What the installation left behind.

use super::look::{Look, Seen};
use super::windows::Windows;
use crate::disk::Hibernation;
use crate::rules::image as rules;
use crate::shown::Shown;

/// A page file smaller than this is not worth a word.
const LARGE_PAGE_FILE: u64 = 64 << 20;

/// Answer files are smaller.
const MAX_ANSWERS: u64 = 4 << 20;

/// Where answer files are left (Microsoft, "Windows Setup automation overview": implicit answer file search; and the
/// place of the media on a disk that was copied from it).
const ANSWERS: [&str; 6] = [
    "unattend.xml",
    "autounattend.xml",
    "Windows/Panther/unattend.xml",
    "Windows/Panther/Unattend/unattend.xml",
    "Windows/System32/Sysprep/unattend.xml",
    "Windows/System32/Sysprep/Panther/unattend.xml",
];

pub(super) fn check(look: &Look<'_>, windows: &Windows<'_>) {
    page_file(look, windows).ok();
    hibernation_file(look, windows).ok();
    for path in ANSWERS {
        answers(look, windows, path).ok();
    }
    crash_dumps(look, windows).ok();
    let path = "vmmgr/vmmgr.cmd";
    if let Ok(Some(_)) = windows.volume.file(look, path) {
        look.report(
            rules::SCRIPT_LEFT,
            windows.volume.place(look, path),
            "the first run has already run here: its setup script remains",
        );
    }
    for path in ["Windows.old", "$WINDOWS.~BT"] {
        if let Ok(Some(_)) = windows.volume.file(look, path) {
            look.report(
                rules::WINDOWS_OLD,
                windows.volume.place(look, path),
                "an earlier Windows, or an update of it, remains",
            );
        }
    }
}

fn page_file(look: &Look<'_>, windows: &Windows<'_>) -> Seen<()> {
    let path = "pagefile.sys";
    let Some(file) = windows.volume.file(look, path)? else { return Ok(()) };
    if file.size() >= LARGE_PAGE_FILE {
        let set = windows.control(r"Control\Session Manager\Memory Management");
        // Microsoft, "Memory Management registry keys": path, least and most MiB; "?:" and no sizes: Windows decides.
        let set = windows.system.strings(look, &set, "PagingFiles")?.unwrap_or_default();
        let set = set.first().map_or(String::new(), |set| format!("; it is set to \"{}\"", Shown(set)));
        let message = format!("the page file has {} MiB{set}", file.size() >> 20);
        look.report(rules::PAGE_FILE, windows.volume.place(look, path), message);
    }
    Ok(())
}

fn hibernation_file(look: &Look<'_>, windows: &Windows<'_>) -> Seen<()> {
    let path = "hiberfil.sys";
    let Some(file) = windows.volume.file(look, path)? else { return Ok(()) };
    let place = windows.volume.place(look, path);
    // Of one that holds a memory it was told.
    if look.seen(place.clone(), windows.volume.ntfs.hibernation())? != Hibernation::Hibernated {
        let message = format!("the hibernation file has {} MiB", file.size() >> 20);
        look.report(rules::HIBERNATION_FILE, place, message);
    }
    Ok(())
}

fn answers(look: &Look<'_>, windows: &Windows<'_>, path: &str) -> Seen<()> {
    let Some(bytes) = windows.volume.read(look, path, MAX_ANSWERS)? else { return Ok(()) };
    let text = crate::script::Script::from_bytes(bytes).text().to_lowercase();
    if has_password(&text) {
        look.report(
            rules::PASSWORD_LEFT,
            windows.volume.place(look, path),
            "the answer file contains a password",
        );
    }
    Ok(())
}

/// Whether one of the elements that hold passwords has a value. Setup overwrites those that it has used with
/// `*SENSITIVE*DATA*DELETED*` (Microsoft, "Hide sensitive data in an answer file").
fn has_password(text: &str) -> bool {
    ["administratorpassword", "password"].iter().any(|name| {
        text.split(&format!("<{name}>")).skip(1).any(|rest| {
            let inside = rest.split(&format!("</{name}>")).next().unwrap_or_default();
            let value = match inside.split_once("<value>") {
                Some((_, value)) => value.split("</value>").next().unwrap_or_default(),
                None if inside.contains('<') => "", // <Value/>, or other elements
                None => inside,
            };
            !value.trim().is_empty() && !value.contains("*sensitive*data*deleted*")
        })
    })
}

/// Microsoft, "System failure and recovery options": the places of the dumps as Windows sets them.
fn crash_dumps(look: &Look<'_>, windows: &Windows<'_>) -> Seen<()> {
    let path = "Windows/MEMORY.DMP";
    if let Some(file) = windows.volume.file(look, path)? {
        let message = format!("a memory dump remains: {} MiB", file.size() >> 20);
        look.report(rules::CRASH_DUMP, windows.volume.place(look, path), message);
    }
    let path = "Windows/Minidump";
    if let Some(folder) = windows.volume.file(look, path)?.filter(crate::disk::NtfsFile::is_folder) {
        let dumps = look.seen(windows.volume.place(look, path), folder.list())?;
        let dumps = dumps.iter().filter(|entry| entry.name.to_lowercase().ends_with(".dmp")).count();
        if dumps > 0 {
            look.report(
                rules::CRASH_DUMP,
                windows.volume.place(look, path),
                format!("{dumps} small crash dumps remain"),
            );
        }
    }
    Ok(())
}
