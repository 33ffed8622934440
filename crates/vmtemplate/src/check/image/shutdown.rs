//! That Windows was shut down, and has nothing left to do.

use super::look::{Look, Seen};
use super::volumes::Volumes;
use super::windows::Windows;
use crate::disk::Hibernation;
use crate::rules::image as rules;
use crate::shown::Shown;

pub(super) fn check_volumes(look: &Look<'_>, volumes: &Volumes) {
    for volume in &volumes.ntfs {
        let place = || volume.place(look, "");
        if volume.ntfs.is_dirty() {
            look.report(rules::DIRTY, place(), "the volume is marked to be checked at the next start");
        }
        if let Ok(false) = look.seen(place(), volume.ntfs.has_clean_journal()) {
            look.report(
                rules::JOURNAL,
                place(),
                "the journal contains changes that have not reached the volume",
            );
        }
        let place = volume.place(look, "hiberfil.sys");
        if let Ok(Hibernation::Hibernated) = look.seen(place.clone(), volume.ntfs.hibernation()) {
            look.report(rules::HIBERNATED, place, "the file contains the memory of a hibernated Windows");
        }
    }
}

pub(super) fn check(look: &Look<'_>, windows: &Windows<'_>) {
    for hive in [&windows.system, &windows.software, &windows.sam] {
        if hive.content.as_ref().is_some_and(|hive| !hive.is_clean()) {
            look.report(
                rules::UNCLEAN_HIVE,
                hive.file.clone(),
                "its two sequence numbers differ: it was not written completely",
            );
        }
    }
    fast_startup(look, windows).ok();
    updates(look, windows).ok();
    renames(look, windows).ok();
    setup_state(look, windows).ok();
}

/// Fast Startup is on where `HiberbootEnabled` is 1, the value behind the switch in the control panel, and hibernation is
/// not off: `powercfg /h off` switches both off (Microsoft, "Disable and re-enable hibernation").
fn fast_startup(look: &Look<'_>, windows: &Windows<'_>) -> Seen<()> {
    let path = windows.control(r"Control\Session Manager\Power");
    let is_on = windows.system.u32(look, &path, "HiberbootEnabled")? == Some(1);
    let power = windows.control(r"Control\Power");
    let can_hibernate = windows.system.u32(look, &power, "HibernateEnabled")? != Some(0);
    if is_on && can_hibernate {
        look.report(
            rules::FAST_STARTUP,
            windows.system.place(&path),
            "HiberbootEnabled is 1: Fast Startup is on",
        );
    }
    Ok(())
}

/// The keys that exist while a restart is due. No document promises them; the tools that ask whether a restart is pending
/// all look there.
fn updates(look: &Look<'_>, windows: &Windows<'_>) -> Seen<()> {
    for path in [
        r"Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending",
        r"Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\RebootRequired",
    ] {
        if windows.software.key(look, path)?.is_some() {
            let place = windows.software.place(path);
            look.report(rules::UPDATES, place, "Windows has an update to finish at its next start");
        }
    }
    Ok(())
}

/// Microsoft, "MoveFileEx": files to be replaced at a restart are in `PendingFileRenameOperations`.
fn renames(look: &Look<'_>, windows: &Windows<'_>) -> Seen<()> {
    let path = windows.control(r"Control\Session Manager");
    let name = "PendingFileRenameOperations";
    let pending = windows.system.strings(look, &path, name)?.unwrap_or_default();
    if let Some(first) = pending.first() {
        let message = format!("{name} names files to be replaced, first \"{}\"", Shown(first));
        look.report(rules::RENAMES, windows.system.place(&path), message);
    }
    Ok(())
}

/// Microsoft, "Windows Setup States".
fn setup_state(look: &Look<'_>, windows: &Windows<'_>) -> Seen<()> {
    let path = r"Microsoft\Windows\CurrentVersion\Setup\State";
    let Some(state) = windows.software.string(look, path, "ImageState")? else { return Ok(()) };
    let place = windows.software.place(path);
    match state.as_str() {
        "IMAGE_STATE_COMPLETE" => {}
        "IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE" | "IMAGE_STATE_SPECIALIZE_RESEAL_TO_OOBE" => {
            // Where Setup looks for answers (Microsoft, "Windows Setup automation overview": implicit answer file search):
            // what the registry names, and some folders.
            if windows.system.string(look, "Setup", "UnattendFile")?.is_some_and(|file| !file.is_empty()) {
                return Ok(());
            }
            for path in [
                "unattend.xml",
                "Windows/Panther/Unattend/unattend.xml",
                "Windows/Panther/unattend.xml",
                "Windows/System32/Sysprep/unattend.xml",
            ] {
                if windows.volume.file(look, path)?.is_some() {
                    return Ok(());
                }
            }
            look.report(
                rules::NO_ANSWERS,
                place,
                format!("Sysprep has run ({state}), but unattend.xml does not exist"),
            );
        }
        _ => look.report(rules::SETUP_STATE, place, format!("the state of Windows Setup is {state}")),
    }
    Ok(())
}
