//! Files that are no disks: containers, archives and images of formats that are not read. They are refused by name,
//! with what to do instead, lest one be packed as a raw disk that no machine starts from.
//!
//! Content decides, and a raw disk may hold any bytes. A signature therefore counts only where a disk that a machine
//! starts from cannot have it: at the start, where such a disk has boot code or zeros, or, further in, together with
//! what contradicts a disk. Whoever knows better opens the file as raw.

use super::{DiskImage, FileSystem, PartitionTable};
use crate::error::Result;
use crate::le;

/// A kind of file that is not read as a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Foreign {
    /// What it is, with its article.
    pub(super) name: &'static str,
    /// What to do instead.
    pub(super) help: &'static str,
}

const CONVERT: &str = "convert it first: `qemu-img convert -O qcow2 IMAGE NEW.qcow2`";
const INSTALL: &str = "it holds an installation and not a disk: install from it in a virtual machine, shut that machine down, and give its disk";
const EWF: &str = "export the disk: `ewfexport -t NEW -f raw IMAGE`";
const XML: &str = "give the disk image that it describes";
const PAGE: &str = "what was downloaded is a page and not the file: fetch the image again";

/// What stands at the very start of a file, its name, and the way out. The signatures are those of the tools' own
/// documentation and of the database of `file`.
const AT_START: &[(&[u8], &str, &str)] = &[
    (b"QFI\xfb\0\0\0\x01", "a qcow image of version 1", CONVERT),
    (b"QED\0", "a QED image", CONVERT),
    (b"COWD", "a VMDK redo log of ESX (COWD)", CONVERT),
    (
        b"\xbe\xba\xfe\xca\0\0\0\0",
        "the data of a snapshot of ESXi (SESparse)",
        "consolidate the snapshots, or clone the disk by its descriptor: `vmkfstools -i IMAGE.vmdk NEW.vmdk`, or `qemu-img convert -O qcow2 IMAGE.vmdk NEW.qcow2`",
    ),
    (
        b"WithoutFreeSpace",
        "a Parallels image",
        "convert it first: `qemu-img convert -f parallels -O qcow2 IMAGE NEW.qcow2`",
    ),
    (
        b"WithouFreSpacExt",
        "a Parallels image",
        "convert it first: `qemu-img convert -f parallels -O qcow2 IMAGE NEW.qcow2`",
    ),
    (
        b"Bochs Virtual HD Image",
        "a Bochs image",
        "convert it first: `qemu-img convert -f bochs -O qcow2 IMAGE NEW.qcow2`",
    ),
    (
        b"#!/bin/sh\n#V2.0 Format\nmodprobe cloop",
        "a cloop image",
        "convert it first: `qemu-img convert -f cloop -O qcow2 IMAGE NEW.qcow2`",
    ),
    (
        b"rbd image v2\n",
        "an `rbd export` of export format 2",
        "export without `--export-format 2`, or with `rbd export-diff`",
    ),
    (
        b"VMA\0",
        "a backup of Proxmox (VMA)",
        "extract the disk: `vma extract IMAGE FOLDER`, then give the .raw file in the folder",
    ),
    (b"EVF\x09\x0d\x0a\xff\0", "a forensic image (E01)", EWF),
    (b"EVF2\r\n\x81\0", "a forensic image (Ex01)", EWF),
    (
        b"LVF\x09\x0d\x0a\xff\0",
        "a forensic container of files (L01)",
        "it holds files and not a disk: give the image of the whole disk",
    ),
    (b"AFF10\r\n\0", "a forensic image (AFF)", "convert it first: `affconvert -r IMAGE`"),
    (
        b"\0ntfsclone-image",
        "an image of ntfsclone",
        "restore it into a partition of a disk: `ntfsclone --restore-image`, then give that whole disk",
    ),
    (
        b"partclone-image",
        "an image of partclone",
        "restore it into a partition of a disk: `partclone.restore`, then give that whole disk",
    ),
    (
        b"PaRtImAgE-VoLuMe",
        "an image of Partimage",
        "restore it into a partition of a disk: `partimage restore`, then give that whole disk",
    ),
    (
        b"FsArCh_",
        "an archive of FSArchiver",
        "restore it into a partition of a disk: `fsarchiver restfs`, then give that whole disk",
    ),
    (b"\x3a\xff\x26\xed", "an Android sparse image", "convert it first: `simg2img IMAGE NEW.raw`"),
    (
        b"LUKS\xba\xbe",
        "a volume that LUKS encrypts",
        "open it (`cryptsetup open IMAGE NAME`), and give the device /dev/mapper/NAME",
    ),
    (b"MSWIM\0\0\0", "a Windows image of files (WIM or ESD)", INSTALL),
    (b"WLPWM\0\0\0", "a Windows image of files (WIM)", INSTALL),
    (b"\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0", "a raw image of a CD (BIN)", INSTALL),
    (
        b"hsqs",
        "a squashfs file system",
        "it holds files and not a disk: `unsquashfs IMAGE`, and give the disk image in it",
    ),
    (
        b"\x1f\x8b\x08",
        "a gzip file",
        "unpack it first: `gzip -dc IMAGE > NEW.raw`; if a .tar is in it, `tar xzf IMAGE`",
    ),
    (b"\xfd7zXZ\0", "an xz file", "unpack it first: `xz -dc IMAGE > NEW.raw`"),
    (b"\x28\xb5\x2f\xfd", "a zstd file", "unpack it first: `zstd -dc IMAGE > NEW.raw`"),
    (b"\x04\x22\x4d\x18", "an LZ4 file", "unpack it first: `lz4 -dc IMAGE > NEW.raw`"),
    (b"\x02\x21\x4c\x18", "an LZ4 file", "unpack it first: `lz4 -dc IMAGE > NEW.raw`"),
    (b"LZIP\x01", "an lzip file", "unpack it first: `lzip -dc IMAGE > NEW.raw`"),
    (b"\x89LZO\0\r\n\x1a\n", "an lzop file", "unpack it first: `lzop -dc IMAGE > NEW.raw`"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z file", "unpack it first: `7z x IMAGE`"),
    (b"PK\x03\x04", "a zip file", "unpack it first: `unzip IMAGE`"),
    (b"Rar!\x1a\x07", "a RAR file", "unpack it first: `unrar x IMAGE`"),
    (b"MSCF\0\0\0\0", "a cabinet file (CAB)", "unpack it first: `cabextract IMAGE`"),
    (b"!<arch>\n", "an ar archive", "unpack it first: `ar x IMAGE`"),
    (b"070701", "a cpio archive", "unpack it first: `cpio -id < IMAGE`"),
    (b"070702", "a cpio archive", "unpack it first: `cpio -id < IMAGE`"),
    (b"<?xml", "an XML file", XML),
    (b"\xef\xbb\xbf<?xml", "an XML file", XML),
    (b"<!DOCTYPE", "a web page", PAGE),
    (b"<!doctype", "a web page", PAGE),
    (b"<html", "a web page", PAGE),
];

const OVA: Foreign = Foreign {
    name: "an OVA, a tar archive of a machine",
    help: "unpack it (`tar xf IMAGE`), and give the .vmdk file that was in it",
};
const TAR: Foreign = Foreign {
    name: "a tar archive",
    help: "unpack it (`tar xf IMAGE`), and give the disk image that was in it",
};
const ISO: Foreign = Foreign { name: "an ISO image of a CD or DVD", help: INSTALL };
const DMG: Foreign = Foreign {
    name: "a disk image of macOS (DMG)",
    help: "convert it first: `qemu-img convert -f dmg -O qcow2 IMAGE NEW.qcow2`, or `dmg2img IMAGE NEW.raw`",
};
const VDI: Foreign = Foreign { name: "a VDI image", help: CONVERT };
const BZIP2: Foreign = Foreign { name: "a bzip2 file", help: "unpack it first: `bzip2 -dc IMAGE > NEW.raw`" };
const LZMA: Foreign = Foreign { name: "an lzma file", help: "unpack it first: `xz -dc IMAGE > NEW.raw`" };

/// Whether a file is no disk, by its first and its last 512 bytes.
pub(super) fn by_ends(head: &[u8], tail: &[u8]) -> Option<Foreign> {
    if let Some(&(_, name, help)) = AT_START.iter().find(|(magic, ..)| head.starts_with(magic)) {
        return Some(Foreign { name, help });
    }
    if le::slice_at(head, 0x40, 4) == Some(b"\x7f\x10\xda\xbe") {
        return Some(VDI);
    }
    if is_bzip2(head) {
        return Some(BZIP2);
    }
    if is_lzma(head) {
        return Some(LZMA);
    }
    if is_tar(head) {
        let name = head.split(|&byte| byte == 0).next().unwrap_or_default().to_ascii_lowercase();
        return Some(if name.ends_with(b".ovf") { OVA } else { TAR });
    }
    // The trailer of a DMG: its magic, version 4 and its own length of 512 (libyal, "Apple Universal Disk Image").
    tail.starts_with(b"koly\0\0\0\x04\0\0\x02\0").then_some(DMG)
}

/// The size of its blocks, and the magic of the first of them, or of the end of a file without any.
fn is_bzip2(head: &[u8]) -> bool {
    head.starts_with(b"BZh")
        && head.get(3).is_some_and(|level| (b'1'..=b'9').contains(level))
        && le::array_at::<6>(head, 4).is_some_and(|magic| {
            magic == *b"\x31\x41\x59\x26\x53\x59" || magic == *b"\x17\x72\x45\x38\x50\x90"
        })
}

/// The usual properties, a dictionary of a power of two, and a length that is not known, as `lzma` writes it: the
/// format has no magic.
fn is_lzma(head: &[u8]) -> bool {
    head.starts_with(&[0x5d])
        && le::u32_at(head, 1).is_some_and(|size| size.is_power_of_two() && size >= 1 << 12)
        && le::u64_at(head, 5) == Some(u64::MAX)
}

/// POSIX's and GNU's magic. In the first sector of a disk the same place is boot code, but that sector ends with a
/// signature, where the header of a tar entry is filled with zeros.
fn is_tar(head: &[u8]) -> bool {
    le::slice_at(head, 257, 5) == Some(b"ustar")
        && le::array_at::<1>(head, 262).is_some_and(|end| end == [0] || end == *b" ")
        && le::u16_at(head, 510) != Some(0xAA55)
}

/// Where the descriptors of the volume begin on a CD: in its sector 16.
const DESCRIPTORS: u64 = 16 * 2048;

/// Whether a disk, read as raw, is an ISO image: ISO 9660, or UDF alone.
///
/// The 32 KiB before the descriptors are the system's, so that a disk with a partition table can have them as well. It
/// has them for one of two reasons. The image was made to start from a USB stick too ("isohybrid"): a partition holds
/// the descriptors. Or an ISO was once written to the disk, and what Windows put in front of its first partition left
/// them there: no partition holds them, and the disk is a disk.
pub(super) fn by_volume(disk: &DiskImage) -> Result<Option<Foreign>> {
    // Two sectors of a CD: UDF alone has its second descriptor in the second.
    if disk.size() < DESCRIPTORS + 4096 {
        let tail = disk.size().saturating_sub(DESCRIPTORS);
        if tail < 8 {
            return Ok(None);
        }
        let start = disk.read_vec(DESCRIPTORS, 8)?;
        return Ok((start[1..6] == *b"CD001").then_some(ISO));
    }
    let sectors = disk.read_vec(DESCRIPTORS, 4096)?;
    let id = |sector: usize| le::array_at::<5>(&sectors, sector * 2048 + 1).unwrap_or_default();
    let is_udf = id(0) == *b"BEA01" && (id(1) == *b"NSR02" || id(1) == *b"NSR03");
    if id(0) != *b"CD001" && !is_udf {
        return Ok(None);
    }
    let holds = |range: std::ops::Range<u64>| range.contains(&DESCRIPTORS);
    // A volume without a partition table may have any bytes of its files there.
    let is_disk = FileSystem::detect(disk, 0)?.is_some()
        || PartitionTable::read(disk).is_ok_and(|table| {
            !table.partitions.is_empty()
                && !table.partitions.iter().any(|partition| partition.range().is_some_and(holds))
        });
    Ok((!is_disk).then_some(ISO))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(head: &[u8], tail: &[u8]) -> Option<&'static str> {
        by_ends(head, tail).map(|found| found.name)
    }

    #[test]
    fn every_signature_is_found_at_the_start_and_nowhere_else() {
        for (magic, expected, help) in AT_START {
            let mut head = vec![0; 512];
            head[..magic.len()].copy_from_slice(magic);
            assert_eq!(name(&head, b""), Some(*expected));
            assert!(!help.is_empty());
            head.rotate_right(16);
            assert_eq!(name(&head, b""), None, "{expected} at 16");
            assert_eq!(name(&magic[..magic.len() - 1], b""), None, "{expected}, cut");
        }
    }

    #[test]
    fn a_tar_is_told_from_boot_code_that_holds_its_magic() {
        let mut head = vec![0; 512];
        head[..6].copy_from_slice(b"vm.ovf");
        head[257..263].copy_from_slice(b"ustar\0");
        assert_eq!(name(&head, b""), Some(OVA.name));
        head[..6].copy_from_slice(b"a.vmdk");
        assert_eq!(name(&head, b""), Some(TAR.name));
        head[510..].copy_from_slice(&[0x55, 0xAA]);
        assert_eq!(name(&head, b""), None);
    }

    #[test]
    fn weak_beginnings_of_packed_files_need_what_follows_them() {
        assert_eq!(name(b"BZh91AY&SY\0\0", b""), Some(BZIP2.name));
        assert_eq!(name(b"BZh9 and boot code", b""), None);
        assert_eq!(name(b"]\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff\0", b""), Some(LZMA.name));
        assert_eq!(name(b"]\0\0\x80\0\x90\x90\x90\x90\x90\x90\x90\x90\0", b""), None);
    }

    #[test]
    fn a_dmg_is_known_by_its_last_512_bytes() {
        assert_eq!(name(&[0; 512], b"koly\0\0\0\x04\0\0\x02\0"), Some(DMG.name));
        assert_eq!(name(&[0; 512], b"koly is a fish"), None);
    }

    /// A disk of 1 MiB with the descriptor of a CD, and one MBR partition.
    fn with_descriptor(partition: Option<(u32, u32)>, id: [u8; 5]) -> DiskImage {
        let mut disk = vec![0; 1 << 20];
        disk[0x8000] = 1;
        disk[0x8001..0x8006].copy_from_slice(&id);
        disk[0x8801..0x8806].copy_from_slice(b"NSR02");
        if let Some((start, length)) = partition {
            disk[446 + 4] = 7;
            disk[446 + 8..446 + 12].copy_from_slice(&start.to_le_bytes());
            disk[446 + 12..446 + 16].copy_from_slice(&length.to_le_bytes());
            disk[510..512].copy_from_slice(&[0x55, 0xAA]);
        }
        DiskImage::from_bytes(disk)
    }

    #[test]
    fn an_iso_is_told_from_a_disk_to_which_one_was_once_written() {
        for id in [*b"CD001", *b"BEA01"] {
            for (partition, is_iso) in [
                (None, true),
                (Some((0, 2048)), true), // made by isohybrid
                (Some((64, 1024)), true),
                (Some((1024, 1024)), false), // remains in front of the first partition
            ] {
                let found = by_volume(&with_descriptor(partition, id)).unwrap();
                assert_eq!(found.is_some(), is_iso, "{partition:?}");
            }
        }
        assert_eq!(by_volume(&with_descriptor(None, *b"CD002")).unwrap(), None);
        assert_eq!(by_volume(&DiskImage::from_bytes([0; 512])).unwrap(), None);
    }
}
