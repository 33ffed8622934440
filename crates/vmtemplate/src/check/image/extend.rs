//! That the setup script can grow the system volume.

use super::look::Look;
use super::script;
use super::volumes::Volumes;
use super::windows::Windows;
use crate::disk::{Partition, PartitionKind};
use crate::rules::{Finding, Place, image as rules};

pub(super) fn check(look: &Look<'_>, volumes: &Volumes, windows: &Windows<'_>) {
    let Some(system) = windows.volume.partition.and_then(|index| volumes.partition(index)) else { return };
    check_behind(look, volumes, system);
    check_volume(look, volumes, system);
}

/// Diskpart extends a volume into free space directly behind it and nowhere else (Microsoft, "diskpart extend").
fn check_behind(look: &Look<'_>, volumes: &Volumes, system: &Partition) {
    let behind =
        volumes.table.partitions.iter().filter(|other| other.offset > system.offset && other.length > 0);
    for other in behind.filter(|other| !other.kind.is_extended()) {
        let place = Place { partition: Some(other.index), ..look.image() };
        let (index, system) = (other.index, system.index);
        look.add(if other.kind.is_recovery() {
            // The installer of Windows 10, version 2004, and later puts it there (Microsoft, "UEFI/GPT-based hard drive
            // partitions": the recovery tools partition comes right after the Windows partition).
            Finding::new(
                rules::BEHIND,
                format!("the recovery partition {index} follows the system volume, which is partition {system}"),
            )
            .at(place)
            .with_fix(format!(
                "in the virtual machine, run: reagentc /disable and then diskpart with: select disk 0, select partition {index}, delete partition override"
            ))
        } else {
            Finding::new(
                rules::BEHIND,
                format!("partition {index}, {}, follows the system volume, which is partition {system}", other.kind),
            )
            .at(place)
        });
    }
}

/// `select volume N` in the script.
fn check_volume(look: &Look<'_>, volumes: &Volumes, system: &Partition) {
    let commands = script::commands(look);
    let selected = commands.iter().find_map(|line| {
        let (_, rest) = line.split_once("select volume")?;
        let number = rest.trim_start_matches([' ', '=']);
        number.split(|c: char| !c.is_ascii_digit()).next()?.parse::<usize>().ok()
    });
    let Some(selected) = selected else { return };
    // Diskpart counts the volumes that have letters or may get them before the hidden ones, and a CD drive, where there
    // is one, before all of them. That is what it shows on machines with one disk; no document promises it.
    let mut parts: Vec<&Partition> =
        volumes.table.partitions.iter().filter(|partition| is_volume(partition)).collect();
    parts.sort_by_key(|partition| partition.offset);
    let Some(number) = parts.iter().position(|partition| partition.index == system.index) else { return };
    if selected != number {
        let place = Place { partition: Some(system.index), ..look.image() };
        look.report(
            rules::WRONG_VOLUME,
            place,
            format!(
                "the script extends volume {selected}; the system volume is number {number}, or {} if the machine has \
                 a CD drive",
                number + 1
            ),
        );
    }
}

/// Whether diskpart lists it among the first.
fn is_volume(partition: &Partition) -> bool {
    match partition.kind {
        PartitionKind::Mbr(kind) => matches!(kind, 0x01 | 0x04 | 0x06 | 0x07 | 0x0B | 0x0C | 0x0E),
        PartitionKind::Gpt(_) => partition.kind.name() == Some("Microsoft basic data"),
    }
}
