//! That the firmware finds something to start.

use std::fmt;

use super::look::{Look, Seen, Unread};
use super::pe::Machine;
use super::volumes::{Volume, Volumes};
use super::windows::Windows;
use crate::disk::{FatVolume, FileSystem, Partition, PartitionScheme};
use crate::error::ErrorKind;
use crate::rules::{Finding, Place, image as rules};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Firmware {
    Bios,
    Uefi,
}

impl fmt::Display for Firmware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bios => "BIOS",
            Self::Uefi => "UEFI",
        })
    }
}

/// The firmware that the disk starts with, and the partition that it starts from.
///
/// A BIOS starts the active partition of an MBR, UEFI an EFI system partition, also one on an MBR disk (UEFI
/// specification 2.10, sections 5.2 and 13.3).
pub(super) fn firmware(volumes: &Volumes) -> Option<(Firmware, &Partition)> {
    let partitions = &volumes.table.partitions;
    let efi = || partitions.iter().find(|partition| partition.kind.is_efi_system());
    match volumes.table.scheme {
        PartitionScheme::Mbr => match partitions.iter().find(|partition| partition.active) {
            Some(active) => Some((Firmware::Bios, active)),
            None => efi().map(|partition| (Firmware::Uefi, partition)),
        },
        PartitionScheme::Gpt => efi().map(|partition| (Firmware::Uefi, partition)),
        PartitionScheme::None => None,
    }
}

pub(super) fn check(look: &Look<'_>, volumes: &Volumes) {
    let Some((firmware, partition)) = firmware(volumes) else {
        look.add(no_boot_partition(volumes).at(look.image()));
        return;
    };
    // What cannot be read is reported where it is tried.
    match firmware {
        Firmware::Bios => {
            check_code(look).ok();
            require(look, volumes, partition, &BIOS_FILES).ok();
        }
        Firmware::Uefi => {
            check_efi_files(look, volumes, partition).ok();
        }
    }
}

/// What is missing, and what can be done about it without starting the machine from this disk.
fn no_boot_partition(volumes: &Volumes) -> Finding {
    let iso = "start the machine from the Windows ISO, choose to repair it, open a command prompt, and run";
    let (message, fix) = match volumes.table.scheme {
        PartitionScheme::None => (
            "the disk has no partition table",
            "create the image again from the complete disk of the machine, not from one of its partitions"
                .to_owned(),
        ),
        PartitionScheme::Mbr => {
            let has_manager = |volume: &&Volume| volume.ntfs.file(BIOS_FILES[0]).is_ok();
            let manager = volumes.ntfs.iter().find(has_manager).and_then(|volume| volume.partition);
            let index = manager.map_or("N".to_owned(), |index| index.to_string());
            let which = if manager.is_some() { "" } else { ", where N is the one with the boot files" };
            (
                "no partition is marked active",
                format!("{iso}: diskpart with: select disk 0, select partition {index}, active{which}"),
            )
        }
        PartitionScheme::Gpt => (
            "the disk has a GPT, but no EFI system partition",
            format!(
                "{iso}: diskpart with: select disk 0, create partition efi size=100, format quick fs=fat32, assign \
                 letter=S and then bcdboot C:\\Windows /s S: /f UEFI; if the disk has no free space, shrink C: first"
            ),
        ),
    };
    Finding::new(rules::NO_BOOT_PARTITION, message).with_fix(fix)
}

/// The boot manager and its store of settings (Microsoft, "Boot Configuration Data": the store is `\Boot\BCD` on a BIOS,
/// `\EFI\Microsoft\Boot\BCD` on UEFI).
const BIOS_FILES: [&str; 2] = ["bootmgr", "Boot/BCD"];
const EFI_FILES: [&str; 2] = ["EFI/Microsoft/Boot/bootmgfw.efi", "EFI/Microsoft/Boot/BCD"];

/// The first 440 bytes of an MBR are code (Microsoft, "Disk Concepts": master boot record).
fn check_code(look: &Look<'_>) -> Seen<()> {
    let code = look.seen(look.image(), look.disk.read_vec(0, 440))?;
    if code.iter().all(|&byte| byte == 0) {
        look.report(
            rules::NO_BOOT_CODE,
            look.image(),
            "the first sector of the disk has a partition table, but no code",
        );
    }
    Ok(())
}

fn check_efi_files(look: &Look<'_>, volumes: &Volumes, partition: &Partition) -> Seen<()> {
    require(look, volumes, partition, &EFI_FILES)?;
    // UEFI specification 2.10, section 3.5.1.1: the names that are tried without a boot entry, by processor.
    let names = ["EFI/Boot/bootx64.efi", "EFI/Boot/bootaa64.efi", "EFI/Boot/bootia32.efi"];
    for name in names {
        if presence(look, volumes, partition, name)? == Presence::There {
            return Ok(());
        }
    }
    look.report(
        rules::FALLBACK_LOADER,
        Place { partition: Some(partition.index), path: Some(names[0].into()), ..look.image() },
        "the EFI system partition lacks the loader that a new machine looks for",
    );
    Ok(())
}

fn require(look: &Look<'_>, volumes: &Volumes, partition: &Partition, paths: &[&str]) -> Seen<()> {
    for path in paths {
        let message = match presence(look, volumes, partition, path)? {
            Presence::There => continue,
            Presence::Empty => "this file is empty",
            Presence::Missing => "the partition that the firmware starts from lacks this file",
        };
        let place = Place { partition: Some(partition.index), path: Some((*path).into()), ..look.image() };
        look.report(rules::BOOT_FILES, place, message);
    }
    Ok(())
}

#[derive(PartialEq)]
enum Presence {
    There,
    /// Without a byte in it.
    Empty,
    Missing,
}

fn presence(look: &Look<'_>, volumes: &Volumes, partition: &Partition, path: &str) -> Seen<Presence> {
    let place = Place { partition: Some(partition.index), ..look.image() };
    if let Some(volume) = volumes.volume(partition.index) {
        return Ok(match volume.file(look, path)? {
            Some(file) if file.size() == 0 && !file.is_folder() => Presence::Empty,
            Some(_) => Presence::There,
            None => Presence::Missing,
        });
    }
    let range = partition.range().unwrap_or_default();
    match look.seen(place.clone(), FileSystem::detect(look.disk, range.start))? {
        Some(FileSystem::Fat) => {
            let found = FatVolume::open(look.disk, range).and_then(|volume| volume.contains(path));
            Ok(if look.seen(place, found)? { Presence::There } else { Presence::Missing })
        }
        // Of damaged and encrypted volumes it was told.
        Some(FileSystem::Ntfs | FileSystem::BitLocker) => Err(Unread),
        _ => Ok(Presence::Missing),
    }
}

/// The loader that the boot manager hands over to.
pub(super) fn check_loader(look: &Look<'_>, volumes: &Volumes, windows: &Windows<'_>) {
    let Some((firmware, _)) = firmware(volumes) else { return };
    let path = match firmware {
        Firmware::Bios => "Windows/System32/winload.exe",
        Firmware::Uefi => "Windows/System32/winload.efi",
    };
    let Ok(file) = windows.volume.file(look, path) else { return };
    let fault = match file {
        None => format!("the disk starts with {firmware}, but this loader is missing"),
        Some(file) if file.size() == 0 => "this loader is empty".to_owned(),
        Some(file) => match (Machine::of(&file), windows.machine) {
            (Ok(None), _) => "this loader is not a program: it has no program header".to_owned(),
            (Ok(Some(found)), Some(wanted)) if found != wanted => {
                format!("this loader is for {found}, but Windows is for {wanted}")
            }
            (Ok(_), _) => return,
            // "Compact OS" keeps its bytes where they are not looked for; the boot manager finds them.
            (Err(error), _) if error.kind() == ErrorKind::Unsupported => return,
            (Err(error), _) => {
                look.unread(windows.volume.place(look, path), &error);
                return;
            }
        },
    };
    look.report(rules::NO_LOADER, windows.volume.place(look, path), fault);
}
