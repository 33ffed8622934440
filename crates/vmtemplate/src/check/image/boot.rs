//! That the firmware finds something to start.

use std::fmt;

use super::look::{Look, Seen, Unread};
use super::rules;
use super::volumes::Volumes;
use super::windows::Windows;
use crate::disk::{FatVolume, FileSystem, Partition, PartitionScheme};
use crate::finding::Place;

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
        let message = match volumes.table.scheme {
            PartitionScheme::None => "the disk has no partition table",
            PartitionScheme::Mbr => "no partition is marked active",
            PartitionScheme::Gpt => "the disk has a GPT, but no EFI system partition",
        };
        look.report(rules::NO_BOOT_PARTITION, look.image(), message);
        return;
    };
    // What cannot be read is told where it is tried.
    match firmware {
        Firmware::Bios => {
            check_code(look).ok();
            check_bios_files(look, volumes, partition).ok();
        }
        Firmware::Uefi => {
            check_efi_files(look, volumes, partition).ok();
        }
    }
}

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

/// `bootmgr` and its store of settings on the active partition (Microsoft, "Boot Configuration Data": the store is
/// `\Boot\BCD` on a BIOS, `\EFI\Microsoft\Boot\BCD` on UEFI).
fn check_bios_files(look: &Look<'_>, volumes: &Volumes, partition: &Partition) -> Seen<()> {
    require(look, volumes, partition, &["bootmgr", "Boot/BCD"])
}

fn check_efi_files(look: &Look<'_>, volumes: &Volumes, partition: &Partition) -> Seen<()> {
    require(look, volumes, partition, &["EFI/Microsoft/Boot/bootmgfw.efi", "EFI/Microsoft/Boot/BCD"])?;
    // UEFI specification 2.10, section 3.5.1.1: the names that are tried without a boot entry, by processor.
    let names = ["EFI/Boot/bootx64.efi", "EFI/Boot/bootaa64.efi", "EFI/Boot/bootia32.efi"];
    for name in names {
        if exists(look, volumes, partition, name)? {
            return Ok(());
        }
    }
    look.report(
        rules::FALLBACK_LOADER,
        Place { partition: Some(partition.index), path: Some(names[0].into()), ..look.image() },
        "the EFI system partition does not have the loader that a new machine looks for",
    );
    Ok(())
}

fn require(look: &Look<'_>, volumes: &Volumes, partition: &Partition, paths: &[&str]) -> Seen<()> {
    for path in paths {
        if !exists(look, volumes, partition, path)? {
            look.report(
                rules::BOOT_FILES,
                Place { partition: Some(partition.index), path: Some((*path).into()), ..look.image() },
                "the partition that the firmware starts from does not have this file",
            );
        }
    }
    Ok(())
}

fn exists(look: &Look<'_>, volumes: &Volumes, partition: &Partition, path: &str) -> Seen<bool> {
    let place = Place { partition: Some(partition.index), ..look.image() };
    if let Some(volume) = volumes.volume(partition.index) {
        return Ok(volume.file(look, path)?.is_some());
    }
    let range = partition.range().unwrap_or_default();
    match look.seen(place.clone(), FileSystem::detect(look.disk, range.start))? {
        Some(FileSystem::Fat) => {
            let found = FatVolume::open(look.disk, range).and_then(|volume| volume.contains(path));
            look.seen(place, found)
        }
        // Of damaged and encrypted volumes it was told.
        Some(FileSystem::Ntfs | FileSystem::BitLocker) => Err(Unread),
        _ => Ok(false),
    }
}

/// The loader that the boot manager hands over to.
pub(super) fn check_loader(look: &Look<'_>, volumes: &Volumes, windows: &Windows<'_>) {
    let Some((firmware, _)) = firmware(volumes) else { return };
    let path = match firmware {
        Firmware::Bios => "Windows/System32/winload.exe",
        Firmware::Uefi => "Windows/System32/winload.efi",
    };
    if let Ok(None) = windows.volume.file(look, path) {
        let place = windows.volume.place(look, path);
        look.report(
            rules::NO_LOADER,
            place,
            format!("the disk starts with {firmware}, but this loader is missing"),
        );
    }
}
