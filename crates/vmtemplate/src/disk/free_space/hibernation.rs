//! Whether a Windows on the disk is hibernated, as far as that can be determined.

use super::super::DiskImage;
use super::super::fat::FatVolume;
use super::super::ntfs::{Hibernation, NtfsVolume};
use super::super::partition::FileSystem;
use super::layout::{Haunt, Layout};
use super::{Found, KeptReason, KeptVolume};
use crate::error::Result;

const HELP: &str = "run powercfg /h off inside the virtual machine, then shut it down";

/// The bytes at the start of a volume that formatting writes into, whatever the sizes: the boot loader, and behind it
/// the first records of the MFT or their mirror, which Windows puts into cluster 2. And the superblocks of other systems.
const START: u64 = 68 << 10;
/// The largest sector, which holds the backup boot sector at the end of a volume.
const END: u64 = 4096;

/// Why no volume of the disk may be touched, if a Windows on it is hibernated: it may have had all volumes open, and goes
/// on with what it remembers of them. A place that may hold a Windows and does not show is taken for one that does.
pub(super) fn reason_to_keep_all(
    disk: &DiskImage,
    layout: &Layout,
    found: &mut [Found],
) -> Result<Option<KeptVolume>> {
    let mut hibernated = None;
    let mut unclear = None;
    for Found { volume, ntfs } in found.iter_mut() {
        let Some(ntfs) = ntfs else { continue };
        let place = volume.place();
        match ntfs.hibernation() {
            Ok(Hibernation::Hibernated) => hibernated = Some(is_hibernated(&place)),
            Ok(_) => {}
            Err(error) => {
                let kept = KeptVolume::of(error)?;
                unclear.get_or_insert_with(|| is_unclear(&place, &kept.detail));
                volume.kept.get_or_insert(kept);
            }
        }
    }
    for haunt in layout.haunts() {
        let is_opened = |found: &Found| found.ntfs.as_ref().is_some_and(|ntfs| ntfs.offset() == haunt.start);
        if !haunt.may_be_divided && found.iter().any(is_opened) {
            continue;
        }
        match look_into(disk, &haunt)? {
            Sight::NoWindows => {}
            Sight::Hibernated => hibernated = Some(is_hibernated(&haunt.name)),
            Sight::Unclear(why) => _ = unclear.get_or_insert_with(|| is_unclear(&haunt.name, &why)),
        }
    }
    Ok(hibernated.or(unclear))
}

fn is_hibernated(place: &str) -> KeptVolume {
    let detail = format!("Windows is hibernated on {place}, or was shut down by Fast Startup: {HELP}");
    KeptVolume::new(KeptReason::Hibernated, detail)
}

fn is_unclear(place: &str, why: &str) -> KeptVolume {
    let detail = format!("it is unknown whether Windows is hibernated on {place} ({why}): {HELP}");
    KeptVolume::new(KeptReason::Hibernated, detail)
}

/// What a place shows of a Windows.
enum Sight {
    /// There is none, or it is not hibernated.
    NoWindows,
    Hibernated,
    /// It cannot be determined, for this reason.
    Unclear(String),
}

/// Look for a hibernated Windows where no volume was opened yet.
fn look_into(disk: &DiskImage, haunt: &Haunt) -> Result<Sight> {
    if haunt.may_be_divided {
        return Ok(Sight::Unclear("volumes may begin anywhere in it".to_owned()));
    }
    let looked = match FileSystem::detect(disk, haunt.start) {
        Ok(Some(FileSystem::ExFat | FileSystem::Refs)) => return Ok(Sight::NoWindows),
        // Windows 2000 and XP may be installed on FAT.
        Ok(Some(FileSystem::Fat)) => FatVolume::open(disk, haunt.start..haunt.end_on(disk))
            .and_then(|fat| fat.first_bytes("hiberfil.sys"))
            .map(|magic| magic.map_or(Hibernation::None, Hibernation::of)),
        Ok(Some(FileSystem::Ntfs | FileSystem::BitLocker)) => {
            NtfsVolume::open(disk, haunt.start..disk.size()).and_then(|ntfs| ntfs.hibernation())
        }
        Ok(None) if !haunt.suits_windows => return Ok(Sight::NoWindows),
        Ok(None) => match holds_no_windows(disk, haunt) {
            Ok(true) => return Ok(Sight::NoWindows),
            Ok(false) => {
                let why = "it is neither empty nor a known volume";
                return Ok(Sight::Unclear(why.to_owned()));
            }
            Err(error) => Err(error),
        },
        Err(error) => Err(error),
    };
    Ok(match looked {
        Ok(Hibernation::Hibernated) => Sight::Hibernated,
        Ok(_) => Sight::NoWindows,
        Err(error) => Sight::Unclear(KeptVolume::of(error)?.detail),
    })
}

/// What other systems write at the start of their volumes, and where: ext2 to ext4 (ext4(5), `s_magic`), XFS, btrfs, F2FS,
/// JFS, ReiserFS, LUKS, and swap space of 4 KiB pages (blkid's list of magics).
const OTHERS: [(usize, &[u8]); 11] = [
    (1080, b"\x53\xEF"),
    (0, b"XFSB"),
    (65_600, b"_BHRfS_M"),
    (1024, b"\x10\x20\xF5\xF2"),
    (32_768, b"JFS1"),
    (65_588, b"ReIsErFs"),
    (65_588, b"ReIsEr2Fs"),
    (65_588, b"ReIsEr3Fs"),
    (0, b"LUKS\xBA\xBE"),
    (4086, b"SWAPSPACE2"),
    (4086, b"SWAP-SPACE"),
];

/// Whether a place was never formatted, its ends being zeros, or holds a volume of another system, under a type that
/// Windows gives to its own: older programs gave it to those of Linux as well. A volume of Windows whose boot sector
/// alone was lost has its backup at the end.
fn holds_no_windows(disk: &DiskImage, haunt: &Haunt) -> Result<bool> {
    let Some(end) = haunt.end.filter(|&end| end <= disk.size()) else { return Ok(false) };
    let length = end.saturating_sub(haunt.start);
    let first = disk.read_vec(haunt.start, length.min(START) as usize)?;
    let tail = length.min(END);
    let last = disk.read_vec(end - tail, tail as usize)?;
    let is_other =
        |&(at, magic): &(usize, &[u8])| first.get(at..).is_some_and(|from| from.starts_with(magic));
    let has_backup = last.chunks(512).any(|sector| FileSystem::of(sector).is_some());
    let is_empty = first.iter().chain(&last).all(|&byte| byte == 0);
    Ok(is_empty || (!has_backup && OTHERS.iter().any(is_other)))
}
