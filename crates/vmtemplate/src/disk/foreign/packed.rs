//! Archives and packed files whose signature is short, or that have none: what follows has to confirm it.

use super::Foreign;
use crate::le;

const OVA: Foreign = Foreign {
    name: "an OVA, a tar archive of a virtual machine",
    help: "unpack it (`tar xf IMAGE`), and give the .vmdk file in it",
};
const TAR: Foreign =
    Foreign { name: "a tar archive", help: "unpack it (`tar xf IMAGE`), and give the disk image in it" };
const BZIP2: Foreign = Foreign { name: "a bzip2 file", help: "unpack it first: `bzip2 -dc IMAGE > NEW.raw`" };
const COMPRESS: Foreign =
    Foreign { name: "a file of `compress` (.Z)", help: "unpack it first: `gzip -dc IMAGE > NEW.raw`" };
const LZMA: Foreign = Foreign { name: "an lzma file", help: "unpack it first: `xz -dc IMAGE > NEW.raw`" };
const ZSTD: Foreign = Foreign { name: "a zstd file", help: "unpack it first: `zstd -dc IMAGE > NEW.raw`" };
const LZ4: Foreign = Foreign { name: "an LZ4 file", help: "unpack it first: `lz4 -dc IMAGE > NEW.raw`" };
const ZIP_PART: Foreign = Foreign {
    name: "a part of a zip file that was split",
    help: "join the parts (`zip -s 0 IMAGE --out WHOLE.zip`), and unpack that: `unzip WHOLE.zip`",
};

/// The packed file that begins so. The caller has made sure that no boot sector does.
pub(super) fn of(head: &[u8]) -> Option<Foreign> {
    if is_bzip2(head) {
        Some(BZIP2)
    } else if is_lzma(head) {
        Some(LZMA)
    } else if is_compress(head) {
        Some(COMPRESS)
    } else if head.starts_with(b"PK\x07\x08PK\x03\x04") || head.starts_with(b"PK00PK\x03\x04") {
        // "Split and spanned ZIP files", and a file that was meant to be split and fitted into one part (PKWARE,
        // APPNOTE.TXT, 8.5.3 to 8.5.5).
        Some(ZIP_PART)
    } else if is_tar(head) {
        let name = head.split(|&byte| byte == 0).next().unwrap_or_default().to_ascii_lowercase();
        Some(if name.ends_with(b".ovf") { OVA } else { TAR })
    } else {
        frame(head)
    }
}

/// The size of its blocks, and the magic of the first of them, or of the end of a file without any.
fn is_bzip2(head: &[u8]) -> bool {
    head.starts_with(b"BZh")
        && head.get(3).is_some_and(|level| (b'1'..=b'9').contains(level))
        && le::array_at::<6>(head, 4).is_some_and(|magic| {
            magic == *b"\x31\x41\x59\x26\x53\x59" || magic == *b"\x17\x72\x45\x38\x50\x90"
        })
}

/// The format has no magic. Its header, as `xz` and `7z` recognise it too: properties that encoders use (the dictionary's
/// literal contexts vary, its positions do not), a dictionary of 2^n or 2^n + 2^(n-1) bytes, a length that is not known
/// or below 256 GiB, and the first byte of the range coder, which is zero (XZ Utils, lzma-file-format.txt).
fn is_lzma(head: &[u8]) -> bool {
    let Some(dictionary) = le::u32_at(head, 1).filter(|size| (1 << 12..=3 << 29).contains(size)) else {
        return false;
    };
    let is_usual = dictionary.is_power_of_two() || dictionary % 3 == 0 && (dictionary / 3).is_power_of_two();
    matches!(head[0], 0x5A..=0x5E)
        && is_usual
        && le::u64_at(head, 5).is_some_and(|size| size == u64::MAX || (1..1 << 38).contains(&size))
        && head.get(13) == Some(&0)
}

/// The third byte holds the largest width of the codes, of 9 to 16 bits, and two bits that are not in use; the first
/// code, of 9 bits, stands for a byte (ncompress, compress42.c).
fn is_compress(head: &[u8]) -> bool {
    matches!(*head, [0x1F, 0x9D, flags, _, code, ..]
        if (9..=16).contains(&(flags & 0x1F)) && flags & 0x60 == 0 && code & 1 == 0)
}

/// The header of the first file: with the magic of POSIX or GNU, or, in the form of Unix v7, which has none, with the
/// checksum that is right.
fn is_tar(head: &[u8]) -> bool {
    let Some(header) = head.first_chunk::<512>() else { return false };
    let magic = &header[257..263];
    if matches!(magic, b"ustar\0" | b"ustar ") {
        return true;
    }
    // Six octal digits, whose field counts as blanks. Some old writers took bytes for signed numbers (POSIX.1-1988,
    // "Extended tar Format"; GNU tar, "Checksumming Problems").
    let field = header[148..156].split(|&byte| byte == 0).next().unwrap_or_default().trim_ascii();
    let digits = std::str::from_utf8(field).ok().filter(|digits| digits.len() >= 3);
    let Some(stated) = digits.and_then(|digits| i64::from_str_radix(digits, 8).ok()) else { return false };
    let bytes =
        || header.iter().enumerate().map(|(at, &byte)| if (148..156).contains(&at) { b' ' } else { byte });
    header[0] != 0
        && (bytes().map(i64::from).sum::<i64>() == stated
            || bytes().map(|byte| i64::from(byte.cast_signed())).sum::<i64>() == stated)
}

/// A file that begins with a frame which decoders skip, as those of `pzstd` do, or with one of zstd before its version 0.8
/// (RFC 8878, 3.1.2; LZ4 frame format, "Skippable Frames").
fn frame(head: &[u8]) -> Option<Foreign> {
    match *head {
        [0x22..=0x27, 0xB5, 0x2F, 0xFD, ..] => Some(ZSTD),
        [0x50..=0x5F, 0x2A, 0x4D, 0x18, ..] => {
            let next = le::u32_at(head, 4)? as usize;
            let is_lz4 =
                next.checked_add(8).and_then(|next| le::slice_at(head, next, 4)) == Some(b"\x04\x22\x4d\x18");
            Some(if is_lz4 { LZ4 } else { ZSTD })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(head: &[u8]) -> Option<&'static str> {
        of(head).map(|found| found.name)
    }

    #[test]
    fn a_tar_is_known_by_its_magic_or_by_its_checksum() {
        let mut head = vec![0; 512];
        head[..6].copy_from_slice(b"vm.ovf");
        head[257..263].copy_from_slice(b"ustar\0");
        assert_eq!(name(&head), Some(OVA.name));
        head[..6].copy_from_slice(b"a.vmdk");
        assert_eq!(name(&head), Some(TAR.name));

        head[257..263].fill(0);
        assert_eq!(name(&head), None);
        head[0] = 0xE9; // as a signed number, another sum
        for signed in [false, true] {
            head[148..156].fill(b' ');
            let sum: i32 = head
                .iter()
                .map(|&byte| if signed { i32::from(byte.cast_signed()) } else { i32::from(byte) })
                .sum();
            head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
            assert_eq!(name(&head), Some(TAR.name), "{signed}");
        }
        head[100] ^= 1;
        assert_eq!(name(&head), None);
        assert_eq!(name(&head[..300]), None);
    }

    #[test]
    fn weak_beginnings_of_packed_files_need_what_follows_them() {
        for (head, expected) in [
            (&b"BZh91AY&SY\0\0"[..], Some(BZIP2)),
            (b"BZh9 and boot code", None),
            (b"]\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff\0", Some(LZMA)),
            (b"]\0\0\x80\0\0\0\0\x40\0\0\0\0\0", Some(LZMA)), // 1 GiB
            (b"]\0\0\xc0\0\0\0\0\x40\0\0\0\0\0", Some(LZMA)), // a dictionary of 12 MiB
            (b"]\0\0\xe0\0\0\0\0\x40\0\0\0\0\0", None),
            (b"]\0\0\x80\0\0\0\0\x40\0\0\0\0\x90", None),
            (b"]\0\0\x80\0\0\0\0\0\0\0\0\0\0", None),
            (b"]\0\0\x80\0\x90\x90\x90\x90\x90\x90\x90\x90\0", None),
            (b"\0\0\0\x80\0\0\0\0\x40\0\0\0\0\0", None),
            (b"\x1f\x9d\x90\x61\xc4", Some(COMPRESS)),
            (b"\x1f\x9d\x90\x61\xc5", None),
            (b"\x1f\x9d\xff\x61\xc4", None),
            (b"\x1f\x9d", None),
            (b"\x50\x2a\x4d\x18\x04\0\0\0\x99\0\0\0\x28\xb5\x2f\xfd", Some(ZSTD)),
            (b"\x5f\x2a\x4d\x18\x01\0\0\0\x99\x04\x22\x4d\x18", Some(LZ4)),
            (b"\x5f\x2a\x4d\x18\xff\xff\xff\xff", Some(ZSTD)),
            (b"\x60\x2a\x4d\x18\x01\0\0\0", None),
            (b"\x25\xb5\x2f\xfd", Some(ZSTD)),
            (b"PK\x07\x08PK\x03\x04", Some(ZIP_PART)),
            (b"PK\x07\x08\x90\x90\x90\x90", None),
        ] {
            assert_eq!(of(head), expected, "{head:x?}");
        }
    }
}
