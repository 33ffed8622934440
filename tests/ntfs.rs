//! NTFS volumes through the public API: reading them, and leaving their free space out.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

use std::collections::BTreeSet;
use std::sync::Arc;

use vmtemplate::disk::{
    ExtentKind, FreeSpace, FreeSpaceOptions, FreeSpaceReport, Hibernation, KeptReason, NtfsFolder,
    NtfsVolume, VolumeFreeSpace,
};
use vmtemplate::{DiskImage, ErrorKind};
use vmtemplate_test_support::ntfs::*;

fn open(disk: &DiskImage) -> NtfsVolume {
    NtfsVolume::open(disk, 0..disk.size()).unwrap()
}

fn without_free_space(disk: &DiskImage) -> (DiskImage, FreeSpaceReport) {
    disk.without_free_space(&FreeSpaceOptions::default()).unwrap()
}

/// The report of the only volume.
fn volume(disk: &DiskImage) -> VolumeFreeSpace {
    let (_, report) = without_free_space(disk);
    assert_eq!(report.volumes.len(), 1, "{report:?}");
    report.volumes[0].clone()
}

fn reason(disk: &DiskImage) -> Option<KeptReason> {
    volume(disk).kept.map(|kept| kept.reason)
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn every_kind_of_file_of_the_samples_is_read() {
    for cluster in CLUSTER_SIZES {
        let disk = DiskImage::from_bytes(sample(cluster));
        let volume = open(&disk);
        assert_eq!(volume.label(), format!("Small {cluster}"));
        assert_eq!((volume.version(), volume.cluster_size()), ((3, 1), cluster));
        assert!(!volume.is_dirty());
        assert!(volume.has_clean_journal().unwrap());
        assert_eq!(volume.hibernation().unwrap(), Hibernation::None);
        let read = |path: &str| volume.file(path).unwrap().read(4 << 20).unwrap();
        assert_eq!(read("resident.txt"), seq(1, 20));
        assert_eq!(read("resident.txt:note"), seq(100, 120));
        assert_eq!(read("plain.bin"), blocks(1, 250));
        assert_eq!(read("hard link.bin"), blocks(1, 250));
        assert_eq!(read("plain.bin:long stream"), blocks(500, 540));
        assert_eq!(read("empty"), b"");
        assert_eq!(read("Ordner äöü/Straße Ж.TXT"), seq(7, 9));
        assert_eq!(read("compressed/text.txt"), [seq(1, 3000), blocks(1, 400)].concat());
        let mut sparse = vec![0; 300_000];
        sparse[100_000..][..30 * 256].copy_from_slice(&blocks(1, 30));
        assert_eq!(read("sparse.bin"), sparse);
        let mut fragmented = Vec::new();
        for i in (0..700).step_by(2) {
            fragmented.resize(i * cluster as usize, 0);
            fragmented.extend(blocks(i, i));
        }
        assert_eq!(read("fragmented.bin"), fragmented);
    }
}

#[test]
fn a_file_is_read_from_any_offset_in_any_length() {
    let disk = DiskImage::from_bytes(sample(4096));
    let volume = open(&disk);
    for path in ["resident.txt", "plain.bin", "compressed/text.txt", "sparse.bin", "fragmented.bin"] {
        let file = volume.file(path).unwrap();
        let whole = file.read(4 << 20).unwrap();
        assert_eq!(file.size(), whole.len() as u64);
        for (offset, length) in
            [(0, 1), (1, 5000), (65_535, 2), (4095, 8194), (99_000, 2000), (whole.len() - 1, 100)]
        {
            let mut buf = vec![0xEE; length];
            let count = file.read_at(&mut buf, offset as u64).unwrap();
            let expected = whole.get(offset..).unwrap_or_default();
            assert_eq!(count, length.min(expected.len()), "{path} at {offset}");
            assert_eq!(buf[..count], expected[..count], "{path} at {offset}");
        }
        assert_eq!(file.read_at(&mut [0; 8], u64::MAX).unwrap(), 0);
    }
    let error = volume.file("plain.bin").unwrap().read(63_999).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    assert_eq!(error.entry(), Some("plain.bin"));
}

#[test]
fn paths_are_looked_up_without_regard_to_case() {
    let disk = DiskImage::from_bytes(sample(4096));
    let volume = open(&disk);
    for path in ["ORDNER ÄÖÜ\\straße ж.txt", "/ordner äÖü/STRAßE Ж.txt", "\\Ordner äöü\\\\Straße Ж.TXT"]
    {
        assert_eq!(volume.file(path).unwrap().size(), 6, "{path}");
    }
    for i in 1..=120 {
        assert!(volume.file(&format!("MANY/a Name that is rather long, number {i}")).unwrap().size() > 0);
    }
    for path in ["no", "many/no", "many/a name that is rather long, number 121", "plain.bin:no stream"] {
        assert_eq!(volume.file(path).unwrap_err().kind(), ErrorKind::NotFound, "{path}");
    }
    assert!(volume.file("").unwrap().is_folder());
    assert_eq!(volume.file("many").unwrap().read(10).unwrap_err().kind(), ErrorKind::InvalidValue);
    assert_eq!(volume.file("empty").unwrap().list().unwrap_err().kind(), ErrorKind::InvalidValue);
    assert_eq!(volume.file("empty/no").unwrap_err().kind(), ErrorKind::InvalidImage);
}

#[test]
fn folders_are_listed_from_their_root_and_their_blocks() {
    for cluster in CLUSTER_SIZES {
        let disk = DiskImage::from_bytes(sample(cluster));
        let volume = open(&disk);
        let names = |path| -> BTreeSet<String> {
            volume.file(path).unwrap().list().unwrap().into_iter().map(|entry| entry.name).collect()
        };
        let many = (1..=120).map(|i| format!("a name that is rather long, number {i}")).collect();
        assert_eq!(names("many"), many);
        let root = names("/");
        for name in ["$MFT", "Ordner äöü", "fragmented.bin", "hard link.bin"] {
            assert!(root.contains(name), "{root:?}");
        }
        assert!(!root.contains("secret.txt") && !root.contains("."), "{root:?}");
    }
}

#[test]
fn a_walk_lists_every_folder_once_and_each_before_those_inside_it() {
    let disk = DiskImage::from_bytes(sample(4096));
    let volume = open(&disk);
    let folders: Vec<NtfsFolder> = volume.walk("").collect::<Result<_, _>>().unwrap();
    assert_eq!(folders[0].path, "");
    assert!(folders[0].files.iter().any(|file| file.name == "plain.bin" && file.size == 250 * 256));
    let paths: Vec<&str> = folders.iter().map(|folder| folder.path.as_str()).collect();
    assert_eq!(paths.iter().collect::<BTreeSet<_>>().len(), paths.len());
    for (index, path) in paths.iter().enumerate().skip(1) {
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        assert!(paths[..index].contains(&parent), "{path} stands before {parent}");
    }
    let many: Vec<NtfsFolder> = volume.walk("\\Many/").collect::<Result<_, _>>().unwrap();
    assert_eq!(many.len(), 1);
    assert_eq!((many[0].path.as_str(), many[0].files.len()), ("Many", 120));
    assert_eq!(volume.walk("no").next().unwrap().unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(volume.walk("plain.bin").next().unwrap().unwrap_err().kind(), ErrorKind::InvalidValue);
}

#[test]
fn a_pattern_finds_files_by_their_names_without_regard_to_case() {
    let disk = DiskImage::from_bytes(sample(4096));
    let volume = open(&disk);
    let glob = |pattern: &str| volume.glob(pattern).unwrap();
    assert_eq!(glob("PLAIN.*"), ["plain.bin"]);
    assert_eq!(glob("ordner ???/*.txt"), ["Ordner äöü/Straße Ж.TXT"]);
    assert_eq!(glob("**\\STRASSE*"), Vec::<String>::new());
    assert_eq!(glob("**/straße*"), ["Ordner äöü/Straße Ж.TXT"]);
    assert_eq!(glob("**/many/*number 12"), ["many/a name that is rather long, number 12"]);
    assert_eq!(glob("many/**").len(), 120);
    // Each way to a file counts once.
    assert_eq!(glob("**/**/plain.bin"), ["plain.bin"]);
    let everything = glob("**");
    assert!(everything.contains(&"compressed/text.txt".into()));
    assert!(everything.is_sorted_by_key(|path| path.to_lowercase()));
    assert_eq!(glob("plain.bin/*"), Vec::<String>::new());
    assert_eq!(glob(""), [""]);
}

#[test]
fn what_is_past_the_initialized_size_reads_as_zeros() {
    let mut image = sample(4096);
    let data = attribute_at(&image, record_of(&image, "plain.bin"), 0x80, "");
    image[data + 56..data + 64].copy_from_slice(&1000u64.to_le_bytes());
    let disk = DiskImage::from_bytes(image);
    let mut expected = blocks(1, 250);
    expected[1000..].fill(0);
    assert_eq!(open(&disk).file("plain.bin").unwrap().read(1 << 20).unwrap(), expected);
}

#[test]
fn data_that_stand_elsewhere_or_are_encrypted_are_refused() {
    let mut image = sample(4096);
    let data = attribute_at(&image, record_of(&image, "plain.bin"), 0x80, "");
    image[data + 13] |= 0x40;
    let disk = DiskImage::from_bytes(image);
    let volume = open(&disk);
    for (path, what) in [("compact.dll", "Compact OS"), ("plain.bin", "EFS")] {
        let error = volume.file(path).unwrap().read(1 << 20).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.message().contains(what), "{error}");
        assert!(error.help().is_some());
        assert_eq!(
            volume.file(path).unwrap().read_at(&mut [0; 4], 0).unwrap_err().kind(),
            ErrorKind::Unsupported
        );
    }
}

#[test]
fn free_space_reads_as_zeros_and_all_else_as_before() {
    for cluster in CLUSTER_SIZES {
        let image = sample(cluster);
        let disk = DiskImage::from_bytes(image.clone());
        let (view, report) = without_free_space(&disk);
        let volume = &report.volumes[0];
        assert_eq!((volume.kept.as_ref(), volume.cluster_size), (None, Some(cluster)));
        let bytes = view.read_vec(0, image.len()).unwrap();

        let mut free = 0;
        for at in 0..image.len() / cluster as usize {
            let range = at * cluster as usize..(at + 1) * cluster as usize;
            let (byte, mask) = bitmap_bit(&image, at);
            // The last cluster contains the backup boot sector, and does not belong to the volume.
            if image[byte] & mask == 0 && at + 1 < image.len() / cluster as usize {
                assert!(bytes[range].iter().all(|&byte| byte == 0));
                free += u64::from(cluster);
            } else {
                assert_eq!(bytes[range.clone()], image[range]);
            }
        }
        assert!(free > 500_000);
        assert_eq!((volume.dropped, report.dropped()), (free, free));
        let extents = view.extents().collect::<Result<Vec<_>, _>>().unwrap();
        let of_free =
            extents.iter().filter(|extent| extent.kind == ExtentKind::Free).map(|extent| extent.length);
        assert_eq!(of_free.sum::<u64>(), free);
        assert_eq!(extents.iter().map(|extent| extent.length).sum::<u64>(), image.len() as u64);

        assert!(contains(&image, b"this stood in a deleted file"));
        assert!(!contains(&bytes, b"this stood in a deleted file"));

        // The view returns the same in pieces of any size and offset.
        let mut at = 0;
        for length in (1..).map(|i| i * 7919 % 20_000 + 1) {
            let length = length.min(bytes.len() - at);
            assert_eq!(view.read_vec(at as u64, length).unwrap(), bytes[at..at + length]);
            at += length;
            if at == bytes.len() {
                break;
            }
        }
    }
}

#[test]
fn keep_keeps_every_byte() {
    let image = sample(4096);
    let options =
        FreeSpaceOptions { free_space: FreeSpace::Keep, drop_page_files: true, ..Default::default() };
    let (view, report) = DiskImage::from_bytes(image.clone()).without_free_space(&options).unwrap();
    assert_eq!(view.read_vec(0, image.len()).unwrap(), image);
    assert!(report.volumes.is_empty());
}

#[test]
fn a_used_cluster_marked_free_keeps_the_volume_whole_whoever_owns_it() {
    let mut owners = BTreeSet::new();
    for cluster in CLUSTER_SIZES {
        let image = Arc::new(sample(cluster));
        let clusters = image.len() / cluster as usize - 1;
        for at in 0..clusters {
            let (byte, mask) = bitmap_bit(&image, at);
            if image[byte] & mask == 0 {
                continue;
            }
            let disk = Patched::disk(&image, vec![(byte, image[byte] & !mask)]);
            let kept =
                volume(&disk).kept.unwrap_or_else(|| panic!("cluster {at} of {cluster} bytes was dropped"));
            assert_eq!(kept.reason, KeptReason::Inconsistent, "{kept:?}");
            // "… MFT record 6: attribute 0x80 "": $Bitmap marks clusters of its run …"
            let detail = kept.detail.split(": $Bitmap marks clusters").next().unwrap_or_default();
            let owner = detail.find("MFT record").map_or("the boot sector", |at| &detail[at..]).to_owned();
            owners.insert(owner);
        }
    }
    for owner in [
        r#"MFT record 0: attribute 0x80 """#,     // $MFT
        r#"MFT record 0: attribute 0xb0 """#,     // its bitmap
        r#"MFT record 1: attribute 0x80 """#,     // $MFTMirr
        r#"MFT record 2: attribute 0x80 """#,     // $LogFile
        r#"MFT record 4: attribute 0x80 """#,     // $AttrDef
        r#"MFT record 5: attribute 0xa0 "$I30""#, // the root
        r#"MFT record 6: attribute 0x80 """#,     // $Bitmap
        r#"MFT record 10: attribute 0x80 """#,    // $UpCase
        r#""$SDS""#,
        r#""long stream""#,
        "boot sector",
    ] {
        assert!(owners.iter().any(|found| found.contains(owner)), "{owner} is not among {owners:#?}");
    }
}

#[test]
fn a_volume_that_windows_has_not_let_go_of_stays_whole() {
    let image = sample(4096);
    let log = first_cluster_of(&image, 2) * 4096;
    let flags = attribute_at(&image, record_at(&image, 3), 0x70, "") + 24 + 10;
    let hiberfil = first_cluster_of_record(&image, record_of(&image, "hiberfil.sys")) * 4096;
    let with = |at: usize, bytes: &[u8]| {
        let mut image = image.clone();
        image[at..at + bytes.len()].copy_from_slice(bytes);
        DiskImage::from_bytes(image)
    };
    assert_eq!(reason(&with(0, &[])), None);

    assert_eq!(reason(&with(flags, &[1, 0])), Some(KeptReason::Dirty));
    assert_eq!(reason(&with(flags, &[0, 0x40])), Some(KeptReason::Dirty));
    assert_eq!(reason(&with(flags, &[0, 0x80])), None, "chkdsk was there once");

    for (magic, hibernation) in [
        (b"HIBR", Hibernation::Hibernated),
        (b"hibr", Hibernation::Hibernated),
        (b"RSTR", Hibernation::Hibernated),
        (b"\x81\x81XP", Hibernation::Hibernated),
        (b"WAKE", Hibernation::Resumed),
        (b"wake", Hibernation::Resumed),
    ] {
        let disk = with(hiberfil, magic);
        assert_eq!(open(&disk).hibernation().unwrap(), hibernation);
        let expected = (hibernation == Hibernation::Hibernated).then_some(KeptReason::Hibernated);
        assert_eq!(reason(&disk), expected, "{magic:?}");
    }

    // The newer of two restart pages counts: clients in use without the mark of a clean volume.
    for (older, newer, expected) in [
        ((0xFFFF, 0), (0xFFFF, 0), None),
        ((0, 0), (0xFFFF, 0), None),
        ((0, 0), (0, 2), None),
        ((0xFFFF, 2), (0, 0), Some(KeptReason::OpenJournal)),
    ] {
        let pages = [restart_page(7, older.0, older.1), restart_page(9, newer.0, newer.1)];
        assert_eq!(reason(&with(log, &pages.concat())), expected, "{older:?} {newer:?}");
        let pages = [restart_page(9, newer.0, newer.1), restart_page(7, older.0, older.1)];
        assert_eq!(reason(&with(log, &pages.concat())), expected, "{older:?} {newer:?}");
    }
    // A version of 2.0 or above means a mounted volume, whatever the flags say.
    for (major, expected) in
        [(1, None), (2, Some(KeptReason::OpenJournal)), (3, Some(KeptReason::OpenJournal))]
    {
        let newer = [restart_page(7, 0xFFFF, 2), of_version(major, restart_page(9, 0xFFFF, 2))].concat();
        assert_eq!(reason(&with(log, &newer)), expected, "version {major}");
        assert_eq!(open(&with(log, &newer)).has_clean_journal().unwrap(), expected.is_none());
        // An older page is ignored; of two pages of the same age, the less certain one counts.
        let older = [of_version(major, restart_page(7, 0xFFFF, 2)), restart_page(9, 0xFFFF, 2)].concat();
        assert_eq!(reason(&with(log, &older)), None, "version {major}");
        let alike = [of_version(major, restart_page(9, 0xFFFF, 2)), restart_page(9, 0xFFFF, 2)].concat();
        assert_eq!(reason(&with(log, &alike)), expected, "version {major}");
    }
    assert_eq!(reason(&with(log, &[0; 8192])), Some(KeptReason::OpenJournal), "no restart page at all");

    assert_eq!(reason(&with(3, b"-FVE-FS-")), Some(KeptReason::Unsupported));
}

#[test]
fn a_cloud_file_is_read_where_its_data_are_on_the_disk() {
    for cluster in CLUSTER_SIZES {
        let mut image = sample(cluster);
        let record = record_of(&image, "compact.dll");
        let point = attribute_at(&image, record, 0xC0, "");
        let tag = point + u16_at(&image, point + 20);
        // IO_REPARSE_TAG_CLOUD_6.
        image[tag..tag + 4].copy_from_slice(&0x9000_601A_u32.to_le_bytes());
        let read = |image: &[u8]| {
            let volume = open(&DiskImage::from_bytes(image.to_vec()));
            volume.file("compact.dll").unwrap().read(1 << 20)
        };
        let error = read(&image).unwrap_err();
        assert!(error.message().contains("stored in a cloud"), "{error}");

        // It gets data: clusters of another file instead of the hole.
        let data = attribute_at(&image, record, 0x80, "");
        let pairs = data + u16_at(&image, data + 32);
        let first = first_cluster_of_record(&image, record_of(&image, "plain.bin")) as u16;
        let count = 5000_u32.div_ceil(cluster) as u8;
        image[pairs..pairs + 2].copy_from_slice(&[0x21, count]);
        image[pairs + 2..pairs + 4].copy_from_slice(&first.to_le_bytes());
        image[pairs + 4] = 0;
        image[data + 56..data + 64].copy_from_slice(&5000_u64.to_le_bytes());
        assert_eq!(read(&image).unwrap(), blocks(1, 250)[..5000]);

        // Windows marks a file that is only partly on the disk: FILE_ATTRIBUTE_OFFLINE.
        let information = attribute_at(&image, record, 0x10, "");
        let attributes = information + u16_at(&image, information + 20) + 32;
        image[attributes + 1] |= 0x10;
        assert_eq!(read(&image).unwrap_err().kind(), ErrorKind::Unsupported);
    }
}

#[test]
fn a_colon_is_a_part_of_a_name_where_a_file_is_called_so() {
    let units = |name: &str| name.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    for cluster in CLUSTER_SIZES {
        let mut image = sample(cluster);
        let (from, to) = (units("plain.bin"), units("plain:bin"));
        let places: Vec<_> =
            image.windows(from.len()).enumerate().filter(|(_, window)| *window == from).collect();
        let places: Vec<usize> = places.into_iter().map(|(at, _)| at).collect();
        for at in places {
            image[at..at + to.len()].copy_from_slice(&to);
        }
        let disk = DiskImage::from_bytes(image);
        let volume = open(&disk);
        let read = |path: &str| volume.file(path).unwrap().read(1 << 20).unwrap();
        assert_eq!(read("plain:bin"), blocks(1, 250));
        assert_eq!(read("PLAIN:BIN"), blocks(1, 250));
        assert_eq!(read("plain:bin:long stream"), blocks(500, 540));
        assert_eq!(read("resident.txt:note"), seq(100, 120));
        let colons = ":".repeat(1 << 12);
        for path in ["plain", "plain:other", "plain:bin:other", "resident.txt:note/x", &colons] {
            assert_eq!(volume.file(path).unwrap_err().kind(), ErrorKind::NotFound, "{path:.20}");
        }
    }
}

fn of_version(major: u8, mut page: Vec<u8>) -> Vec<u8> {
    page[28] = major;
    page
}

/// A page of $LogFile with its update sequence applied.
fn restart_page(lsn: u64, clients: u16, flags: u16) -> Vec<u8> {
    let mut page = vec![0; 4096];
    page[..4].copy_from_slice(b"RSTR");
    page[4..6].copy_from_slice(&30u16.to_le_bytes());
    page[6..8].copy_from_slice(&9u16.to_le_bytes());
    page[16..20].copy_from_slice(&4096u32.to_le_bytes());
    page[20..24].copy_from_slice(&4096u32.to_le_bytes());
    page[24..26].copy_from_slice(&48u16.to_le_bytes());
    page[48..56].copy_from_slice(&lsn.to_le_bytes());
    page[60..62].copy_from_slice(&clients.to_le_bytes());
    page[62..64].copy_from_slice(&flags.to_le_bytes());
    for at in std::iter::once(30).chain((510..4096).step_by(512)) {
        page[at..at + 2].copy_from_slice(&[3, 0]);
    }
    page
}

#[test]
fn page_files_are_left_out_on_request_only() {
    let image = sample(4096);
    let disk = DiskImage::from_bytes(image.clone());
    let (view, report) = without_free_space(&disk);
    assert_eq!(report.volumes[0].page_files, 0);
    assert!(contains(&view.read_vec(0, image.len()).unwrap(), b"memory of the master"));

    let options = FreeSpaceOptions { drop_page_files: true, ..FreeSpaceOptions::default() };
    let (view, without) = disk.without_free_space(&options).unwrap();
    assert_eq!(without.volumes[0].page_files, (8 + 3) * 4096);
    assert_eq!(without.dropped(), report.dropped() + (8 + 3) * 4096);
    assert!(!contains(&view.read_vec(0, image.len()).unwrap(), b"memory of the master"));
    let volume = open(&view);
    assert_eq!(volume.file("pagefile.sys").unwrap().read(1 << 20).unwrap(), vec![0; 30_000]);
    assert_eq!(volume.file("plain.bin").unwrap().read(1 << 20).unwrap(), blocks(1, 250));
}

/// A disk with an MBR whose entries are start and length in bytes, and the volume at each of `places`.
fn partitioned(size: usize, entries: &[(usize, usize)], volume: &[u8], places: &[usize]) -> Vec<u8> {
    let mut disk = vec![0xDD; size];
    disk[..512].fill(0);
    disk[510..512].copy_from_slice(&[0x55, 0xAA]);
    for (slot, (start, length)) in entries.iter().enumerate() {
        let at = 446 + 16 * slot;
        disk[at + 4] = 7;
        disk[at + 8..at + 12].copy_from_slice(&(*start as u32 / 512).to_le_bytes());
        disk[at + 12..at + 16].copy_from_slice(&(*length as u32 / 512).to_le_bytes());
    }
    for &place in places {
        disk[place..place + volume.len()].copy_from_slice(volume);
    }
    disk
}

#[test]
fn only_the_inside_of_partitions_is_left_out() {
    let image = sample(512);
    let (size, mib) = (image.len(), 1 << 20);
    let disk = partitioned(8 * mib, &[(mib, size), (5 * mib, size + 4096)], &image, &[mib, 5 * mib]);
    let (view, report) = without_free_space(&DiskImage::from_bytes(disk.clone()));
    assert_eq!(report.volumes.len(), 2);
    assert_eq!(report.volumes.iter().map(|volume| volume.partition).collect::<Vec<_>>(), [Some(1), Some(2)]);
    assert!(report.volumes.iter().all(|volume| volume.kept.is_none() && volume.dropped > 500_000));
    let bytes = view.read_vec(0, disk.len()).unwrap();
    for outside in [0..mib, mib + size..5 * mib, 5 * mib + size..8 * mib] {
        assert_eq!(bytes[outside.clone()], disk[outside]);
    }
    assert!(!contains(&bytes, b"this stood in a deleted file"));
}

#[test]
fn volumes_that_share_bytes_stay_whole() {
    let image = sample(512);
    let (size, mib) = (image.len(), 1 << 20);
    let disk = partitioned(8 * mib, &[(mib, size), (2 * mib, size)], &image, &[mib]);
    assert_eq!(reason(&DiskImage::from_bytes(disk)), Some(KeptReason::Overlapping));
    // A partition that is shorter than its volume, and a disk that is.
    let disk = partitioned(8 * mib, &[(mib, size - 4096)], &image, &[mib]);
    assert_eq!(reason(&DiskImage::from_bytes(disk)), Some(KeptReason::OutsidePartition));
    let mut disk = partitioned(8 * mib, &[(mib, size)], &image, &[mib]);
    disk.truncate(2 * mib);
    assert_eq!(reason(&DiskImage::from_bytes(disk)), Some(KeptReason::OutsidePartition));
}

#[test]
fn bad_clusters_belong_to_the_stream_that_lists_them() {
    // Three bad clusters in the hole that is $BadClus:$Bad.
    let mut image = sample(4096);
    let clusters = image.len() / 4096 - 1;
    let bad = (0..clusters - 3)
        .find(|&at| (at..at + 3).all(|at| image[bitmap_bit(&image, at).0] & bitmap_bit(&image, at).1 == 0))
        .unwrap();
    let record = record_at(&image, 8);
    let stream = attribute_at(&image, record, 0x80, "$Bad");
    let (pairs, end) = (stream + u16_at(&image, stream + 32), stream + u32_at(&image, stream + 4));
    let [hole, lcn, rest] = [bad, bad, clusters - bad - 3].map(|n| (n as u16).to_le_bytes());
    let new = [
        [&[0x02][..], &hole].concat(),
        [&[0x22, 3, 0][..], &lcn].concat(),
        [&[0x02][..], &rest, &[0]].concat(),
    ];
    let new = new.concat();
    // The record grows by a multiple of eight, including the end mark.
    let grown = (pairs + new.len()).next_multiple_of(8).max(end) - end;
    image.copy_within(end..end + 8, end + grown);
    image[pairs..pairs + new.len()].copy_from_slice(&new);
    for (at, by) in [(stream + 4, grown), (record + 24, grown)] {
        let value = (u32_at(&image, at) + by) as u32;
        image[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }
    let kept = volume(&DiskImage::from_bytes(image.clone())).kept.unwrap();
    assert!(kept.detail.contains(r#"MFT record 8: attribute 0x80 "$Bad": $Bitmap marks"#), "{kept:?}");
    for at in bad..bad + 3 {
        let (byte, mask) = bitmap_bit(&image, at);
        image[byte] |= mask;
    }
    let volume = volume(&DiskImage::from_bytes(image));
    assert_eq!(volume.kept, None);
    assert!(volume.dropped > 0);
}
