//! Files that are no disks: containers, archives and images of formats that are not read. They are refused by name,
//! with what to do instead, lest one be packed as a raw disk that no machine starts from.
//!
//! Content decides, and a raw disk may hold any bytes. A signature therefore counts only where a disk that a machine
//! starts from cannot have it: at the start, where such a disk has boot code or zeros, or, further in, together with
//! what contradicts a disk. A short signature, and text, prove nothing alone: what follows has to confirm it, and the
//! first sector must not be one of a disk. A caller that knows better opens the file as raw.

mod packed;
mod text;

use super::{DiskImage, FileSystem, PartitionTable};
use crate::error::{Error, ErrorKind, Result};
use crate::le;

/// How many of the first bytes of a file say what it is.
pub(super) const HEAD: u64 = 4096;
/// How many of its last bytes do: the footer of a VHD and the trailer of a DMG have as many.
pub(super) const TAIL: u64 = 512;

/// The first bytes of a file and its last ones.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ends<'a> {
    pub(super) head: &'a [u8],
    pub(super) tail: &'a [u8],
    /// The size of the whole file.
    pub(super) size: u64,
}

impl Ends<'_> {
    /// Whether the file begins as a disk does: with a boot sector, a volume, or a GPT that lacks its protective MBR.
    fn begin_as_disk(&self) -> bool {
        le::u16_at(self.head, 510) == Some(0xAA55)
            || FileSystem::of(self.head).is_some()
            || le::slice_at(self.head, 512, 8) == Some(b"EFI PART")
    }
}

/// A kind of file that is not read as a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Foreign {
    /// What it is, with its article.
    pub(super) name: &'static str,
    /// What to do instead.
    pub(super) help: &'static str,
}

const CONVERT: &str = "convert it first: `qemu-img convert -O qcow2 IMAGE NEW.qcow2`";
const INSTALL: &str = "it contains an installation, not a disk: install from it in a virtual machine, shut that \
                       machine down, and give its disk";
const EWF: &str = "export the disk: `ewfexport -t NEW -f raw IMAGE`";
const FETCH: &str = "it is not the disk image: give the right file, or download the image again";
const DECRYPT_DMG: &str = "convert it on a Mac: `hdiutil convert IMAGE -format UDTO -o NEW`";

/// What is at the very start of a file, its name, and the way out. The signatures are those of the tools' own
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
        "it contains files, not a disk: give the image of the complete disk",
    ),
    (b"AFF10\r\n\0", "a forensic image (AFF)", "convert it first: `affconvert -r IMAGE`"),
    (
        b"\0ntfsclone-image",
        "an image of ntfsclone",
        "restore it into a partition of a disk: `ntfsclone --restore-image`, then give that complete disk",
    ),
    (
        b"partclone-image",
        "an image of partclone",
        "restore it into a partition of a disk: `partclone.restore`, then give that complete disk",
    ),
    (
        b"PaRtImAgE-VoLuMe",
        "an image of Partimage",
        "restore it into a partition of a disk: `partimage restore`, then give that complete disk",
    ),
    (
        b"FsArCh_",
        "an archive of FSArchiver",
        "restore it into a partition of a disk: `fsarchiver restfs`, then give that complete disk",
    ),
    (b"\x3a\xff\x26\xed", "an Android sparse image", "convert it first: `simg2img IMAGE NEW.raw`"),
    (
        b"LUKS\xba\xbe",
        "a volume encrypted with LUKS",
        "open it (`cryptsetup open IMAGE NAME`), and give the device /dev/mapper/NAME",
    ),
    (b"MSWIM\0\0\0", "a Windows image of files (WIM or ESD)", INSTALL),
    (b"WLPWM\0\0\0", "a Windows image of files (WIM)", INSTALL),
    (b"\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0", "a raw image of a CD (BIN)", INSTALL),
    (
        b"hsqs",
        "a squashfs file system",
        "it contains files, not a disk: `unsquashfs IMAGE`, and give the disk image in it",
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
    (b"070707", "a cpio archive", "unpack it first: `cpio -id < IMAGE`"),
    (b"PK\x05\x06", "an empty zip file", "it is empty: create the zip file again, or download it again"),
    (b"\xff\x06\0\0sNaPpY", "a Snappy file", "unpack it first: `snzip -dc IMAGE > NEW.raw`"),
    (b"LRZI\0", "an lrzip file", "unpack it first: `lrzip -d -o NEW.raw IMAGE`"),
    (
        b"Salted__",
        "a file encrypted with OpenSSL",
        "decrypt it first: `openssl enc -d -in IMAGE -out NEW.raw`, with the cipher of its encryption",
    ),
    (b"age-encryption.org/v1\n", "a file encrypted with age", "decrypt it first: `age -d -o NEW.raw IMAGE`"),
    (b"-----BEGIN PGP MESSAGE", "a file encrypted with PGP", "decrypt it first: `gpg -d -o NEW.raw IMAGE`"),
    (b"encrcdsa", "an encrypted disk image of macOS (DMG)", DECRYPT_DMG),
    (b"%PDF-", "a PDF document", FETCH),
    (b"\x89PNG\r\n\x1a\n", "a picture (PNG)", FETCH),
    (b"SQLite format 3\0", "an SQLite database", FETCH),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an OLE file, such as an .msi or a document", FETCH),
    (b"\xed\xab\xee\xdb\x03", "an RPM package", "unpack it first: `rpm2cpio IMAGE | cpio -id`"),
    (b"d8:announce", "a torrent file", "download the image that it describes with a BitTorrent client"),
    (b"d13:announce-list", "a torrent file", "download the image that it describes with a BitTorrent client"),
];

const ISO: Foreign = Foreign { name: "an ISO image of a CD or DVD", help: INSTALL };
const DMG: Foreign = Foreign {
    name: "a disk image of macOS (DMG)",
    help: "convert it first: `qemu-img convert -f dmg -O qcow2 IMAGE NEW.qcow2`, or `dmg2img IMAGE NEW.raw`",
};
const VDI: Foreign = Foreign { name: "a VDI image", help: CONVERT };
const ELF: Foreign = Foreign { name: "a program of Linux or another Unix (ELF)", help: FETCH };
const PE: Foreign = Foreign { name: "a program of Windows (PE)", help: FETCH };

/// Whether a file is no disk, by the signatures at its ends.
pub(super) fn by_ends(ends: &Ends<'_>) -> Option<Foreign> {
    let head = ends.head;
    if let Some(&(_, name, help)) = AT_START.iter().find(|(magic, ..)| head.starts_with(magic)) {
        return Some(Foreign { name, help });
    }
    if le::slice_at(head, 0x40, 4) == Some(b"\x7f\x10\xda\xbe") {
        return Some(VDI);
    }
    // The trailer of a DMG: its magic, version 4 and its own length of 512 (libyal, "Apple Universal Disk Image").
    if ends.tail.starts_with(b"koly\0\0\0\x04\0\0\x02\0") {
        return Some(DMG);
    }
    if ends.begin_as_disk() {
        return None;
    }
    packed::of(head).or_else(|| program(head))
}

/// Whether a file is a text, and so no disk. Ask for the formats of images first: the descriptor of a VMDK is a text.
pub(super) fn by_text(ends: &Ends<'_>) -> Option<Foreign> {
    if ends.begin_as_disk() { None } else { text::of(ends) }
}

/// Whether a file that may be a script is known to be something else, by its first bytes.
pub(super) fn of_no_script(head: &[u8]) -> Option<Foreign> {
    let head = &head[..head.len().min(HEAD as usize)];
    // Of whole sectors, so that no text counts by being one.
    let ends = Ends { head, tail: &[], size: 0 };
    by_ends(&ends).or_else(|| by_text(&ends)).filter(|found| !text::MAY_BE_SCRIPTS.contains(found))
}

/// A program, by more than the two or four letters that it begins with.
fn program(head: &[u8]) -> Option<Foreign> {
    // The class, the order of bytes and the version (System V ABI, "ELF Identification").
    if let Some(&[b'\x7f', b'E', b'L', b'F', 1 | 2, 1 | 2, 1]) = head.first_chunk::<7>() {
        return Some(ELF);
    }
    // The header of DOS says where that of Windows is (Microsoft, "PE Format").
    let header = le::u32_at(head, 0x3C)? as usize;
    (head.starts_with(b"MZ") && le::slice_at(head, header, 4) == Some(b"PE\0\0")).then_some(PE)
}

/// The error for a file that is no disk.
pub(super) fn refused(Foreign { name, help }: Foreign) -> Error {
    Error::new(ErrorKind::Unsupported, format!("this is {name}, which cannot be read as a disk")).with_help(
        format!(
            "{help}. If it is a raw disk that only begins or ends like one, open it as raw: `--format raw` (`format`)"
        ),
    )
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
        let ends = Ends { head, tail, size: 4096 };
        by_ends(&ends).or_else(|| by_text(&ends)).map(|found| found.name)
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
            assert_ne!(name(&magic[..magic.len() - 1], b""), Some(*expected), "{expected}, cut");
        }
    }

    #[test]
    fn a_program_is_known_by_the_header_that_its_first_letters_announce() {
        assert_eq!(name(b"\x7fELF\x02\x01\x01\0", b""), Some(ELF.name));
        assert_eq!(name(b"\x7fELF\x03\x01\x01\0", b""), None);
        for (header, at, is_program) in [(0x80, 0x80, true), (0xF00, 0xF00, true), (0x80, 0x84, false)] {
            let mut head = vec![0; 4096];
            head[..2].copy_from_slice(b"MZ");
            head[0x3C..0x3E].copy_from_slice(&u16::to_le_bytes(header));
            head[at..at + 4].copy_from_slice(b"PE\0\0");
            assert_eq!(name(&head, b"").is_some(), is_program, "{header:#x}");
            // A kernel of Linux begins like a program, and starts from its first sector.
            head[510..512].copy_from_slice(&[0x55, 0xAA]);
            assert_eq!(name(&head, b""), None);
        }
    }

    #[test]
    fn what_boots_is_a_disk_whatever_weak_signature_it_begins_with() {
        // The MBRs of Windows, GRUB and syslinux, the boot sectors of NTFS and FAT, an empty disk.
        let starts: [&[u8]; 6] = [
            b"\x33\xc0\x8e\xd0\xbc\0\x7c",
            b"\xeb\x63\x90\x10\x8e\xd0",
            b"\xfa\xb8\0\x10\x8e\xd0",
            b"\xeb\x52\x90NTFS    ",
            b"\xeb\x58\x90MSDOS5.0",
            b"\0\0\0\0",
        ];
        let weak: [&[u8]; 10] = [
            b"\x1f\x9d\x90\0\0",
            b"]\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff\0",
            b"\x50\x2a\x4d\x18\0\0\0\0",
            b"BZh91AY&SY",
            b"#!/bin/sh\n",
            b"\x7fELF\x02\x01\x01",
            b"{\"a\": 1}",
            b"<html>",
            b"<?xml version",
            b"version https://git-lfs.github.com/spec/v1\n",
        ];
        for start in starts.into_iter().chain(weak) {
            let mut head = vec![0; 4096];
            head[..start.len()].copy_from_slice(start);
            head[510..512].copy_from_slice(&[0x55, 0xAA]);
            assert_eq!(name(&head, &head[..512]), None, "{start:?}");
            // A GPT whose protective MBR is gone.
            head[510..512].fill(0);
            head[512..520].copy_from_slice(b"EFI PART");
            assert_eq!(name(&head, &head[..512]), None, "{start:?}");
        }
        for start in weak {
            assert!(name(start, start).is_some(), "{start:?}");
        }
        for start in starts {
            assert_eq!(name(start, start), None, "{start:?}");
        }
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
