//! Hostile NTFS volumes: structures changed by hand, each for one attack, and many random changes.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests fail as tests do

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use vmtemplate::disk::{FreeSpaceOptions, KeptReason, NtfsVolume};
use vmtemplate::{DiskImage, ErrorKind};
use vmtemplate_test_support::ntfs::*;

/// More than any call reads of the sample volumes: several times their size.
const BUDGET: u64 = 64 << 20;

fn put(image: &mut [u8], at: usize, bytes: &[u8]) {
    image[at..at + bytes.len()].copy_from_slice(bytes);
}

fn disk(image: Vec<u8>) -> DiskImage {
    Patched::with_budget(&Arc::new(image), Vec::new(), BUDGET)
}

fn open(disk: &DiskImage) -> vmtemplate::Result<NtfsVolume> {
    NtfsVolume::open(disk, 0..disk.size())
}

/// Fail unless the free space of the volume is kept, with a detail that contains `why`.
fn assert_kept(image: Vec<u8>, why: &str) {
    let (_, report) = disk(image).without_free_space(&FreeSpaceOptions::default()).unwrap();
    let kept = report.volumes[0].kept.as_ref().unwrap_or_else(|| panic!("not kept, but: {why}"));
    assert_eq!(kept.reason, KeptReason::Inconsistent, "{kept:?}");
    assert!(kept.detail.contains(why), "{kept:?} does not say {why:?}");
}

/// The position of the first index block of the folder `many`.
fn index_block_of_many(image: &[u8]) -> usize {
    let allocation = attribute_at(image, record_of(image, "many"), 0xA0, "$I30");
    first_cluster_of_attribute(image, allocation) * cluster_size(image)
}

#[test]
fn an_index_that_refers_to_itself_ends() {
    let mut image = sample(4096);
    let block = index_block_of_many(&image);
    // The first entry of the block gets a child block: the block itself, in which its names are searched for again.
    let entry = block + 24 + u32_at(&image, block + 24);
    let length = u16_at(&image, entry + 8);
    image[entry + 12] |= 1;
    put(&mut image, entry + length - 8, &0u64.to_le_bytes());
    let disk = disk(image);
    let error = open(&disk).unwrap().file("many/A").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidImage);
    assert!(error.message().contains("refers to itself"), "{error}");
    // A listing follows no references.
    assert!(open(&disk).unwrap().file("many").unwrap().list().is_ok());
}

#[test]
fn a_walk_through_a_folder_that_is_inside_itself_ends() {
    let mut image = sample(4096);
    let many = record_of(&image, "many");
    let block = index_block_of_many(&image);
    // The first entry of the folder becomes a folder, and refers to the folder that it is in.
    let entry = block + 24 + u32_at(&image, block + 24);
    let number = u32_at(&image, many + 44) as u64 | (u16_at(&image, many + 16) as u64) << 48;
    put(&mut image, entry, &number.to_le_bytes());
    let flags = u32_at(&image, entry + 16 + 56) as u32 | 0x1000_0000;
    put(&mut image, entry + 16 + 56, &flags.to_le_bytes());
    let disk = disk(image);
    let volume = open(&disk).unwrap();
    let walked: Vec<_> = volume.walk("many").collect();
    assert_eq!(walked.len(), 2);
    assert_eq!(walked[0].as_ref().unwrap().folders.len(), 1);
    let error = walked[1].as_ref().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidImage);
    assert!(error.message().contains("inside itself"), "{error}");
    assert_eq!(volume.glob("**/no").unwrap_err().kind(), ErrorKind::InvalidImage);
}

#[test]
fn index_blocks_that_stand_for_each_other_are_refused() {
    let mut image = sample(4096);
    let block = index_block_of_many(&image);
    image[block + 16] = 9; // the number that the block gives itself
    let disk = disk(image);
    let volume = open(&disk).unwrap();
    for error in [volume.file("many").unwrap().list().unwrap_err(), volume.file("many/a").unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::InvalidImage);
        assert!(error.message().contains("has the number of another"), "{error}");
    }
}

#[test]
fn an_attribute_list_that_leads_nowhere_is_refused() {
    let good = sample(4096);
    let record = record_of(&good, "fragmented.bin");
    let list = attribute_at(&good, record, 0x20, "");
    let value = first_cluster_of_attribute(&good, list) * 4096;
    // The last entry is a piece of the data. It refers to a record of another file; to one that does not exist; to the
    // record itself, which does not have the piece.
    let mut entry = value;
    while entry + u16_at(&good, entry + 4) < value + u32_at(&good, list + 48) {
        entry += u16_at(&good, entry + 4);
    }
    assert_eq!(u32_at(&good, entry), 0x80);
    let own = u32_at(&good, record + 44) as u64;
    let sequence = u16_at(&good, record + 16) as u64;
    for (reference, why) in [
        (5 | 5 << 48, "which does not belong to it"),
        (0x7FFF_FFFF, "past the end of the MFT"),
        (own | sequence << 48, "names an attribute that record"),
    ] {
        let mut image = good.clone();
        put(&mut image, entry + 16, &u64::to_le_bytes(reference));
        let error = open(&disk(image.clone())).unwrap().file("fragmented.bin").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidImage);
        assert!(error.message().contains(why), "{error}");
        assert_kept(image, why);
    }
    // An entry without length would cause an endless loop.
    let mut image = good.clone();
    put(&mut image, value + 4, &[0, 0]);
    assert_kept(image, "an entry with impossible sizes");
}

#[test]
fn an_attribute_without_length_ends_the_record() {
    let mut image = sample(4096);
    let at = attribute_at(&image, record_of(&image, "plain.bin"), 0x80, "");
    put(&mut image, at + 4, &[0; 4]);
    assert_kept(image, "an attribute with impossible sizes");
}

#[test]
fn runs_that_overflow_or_leave_the_volume_are_refused() {
    let good = sample(4096);
    let record = record_of(&good, "plain.bin");
    let data = attribute_at(&good, record, 0x80, "");
    let pairs = data + u16_at(&good, data + 32);
    for bad in [
        &[0x11, 0x10, 0xFF][..],                    // before the first cluster
        &[0x21, 0x10, 0xF8, 0x7F],                  // past the last one
        &[0x11, 0x00, 0x10],                        // no length
        &[0x71, 0x10, 1, 1, 1, 1, 1],               // far away
        &[0x07, 255, 255, 255, 255, 255, 255, 127], // a hole of 2^55 clusters
    ] {
        let mut image = good.clone();
        put(&mut image, pairs, bad);
        let error = open(&disk(image.clone())).unwrap().file("plain.bin").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidImage, "{bad:x?}");
        assert_kept(image, "its mapping pairs contradict themselves or leave the volume");
    }
    // Fewer clusters than the size needs: a part that is not mapped cannot be proved.
    let mut image = good.clone();
    put(&mut image, data + 48, &(1u64 << 40).to_le_bytes());
    assert_kept(image, "of a stream are mapped");
}

#[test]
fn clusters_with_two_owners_keep_the_volume_whole() {
    let good = sample(4096);
    let (plain, other) = (record_of(&good, "plain.bin"), record_of(&good, "swapfile.sys"));
    let stolen = first_cluster_of_record(&good, plain) as u16;
    let data = attribute_at(&good, other, 0x80, "");
    let pairs = data + u16_at(&good, data + 32);
    let mut image = good.clone();
    put(&mut image, pairs, &[0x21, 3, stolen as u8, (stolen >> 8) as u8, 0]);
    assert_kept(image, "has clusters of another run");
}

#[test]
fn records_that_are_torn_or_misplaced_keep_the_volume_whole() {
    let good = sample(4096);
    let record = record_of(&good, "plain.bin");
    let with = |at: usize, byte: u8| {
        let mut image = good.clone();
        image[at] ^= byte;
        image
    };
    assert_kept(with(record + 510, 1), "it was written only in part");
    assert_kept(with(record + 44, 1), "it has the number of another record");
    assert_kept(with(record, 1), "it should be in use, but is not");
    assert_kept(with(record_at(&good, 2) + 22, 1), "MFT record 2: it");
    assert_kept(with(record_at(&good, 6), 1), "MFT record 6");
    // $Bitmap ends before the volume does.
    let bitmap = attribute_at(&good, record_at(&good, 6), 0x80, "");
    let mut image = good.clone();
    put(&mut image, bitmap + 56, &64u64.to_le_bytes());
    assert_kept(image, "$Bitmap does not cover");
}

#[test]
fn sizes_in_the_boot_sector_are_bounded() {
    let good = sample(4096);
    for (at, bytes) in [
        (11, &[0, 0][..]), // bytes per sector
        (11, &[1, 2]),
        (11, &[0, 0x80]),
        (13, &[0]), // sectors per cluster
        (13, &[3]),
        (13, &[0x80 + 1]), // 2^127
        (13, &[0xF0]),     // 2^16 sectors of 512 bytes: 32 MiB
        (40, &[0xFF; 8]),  // sectors
        (40, &[0; 8]),
        (40, &[0, 0, 0, 0, 1]),
        (48, &[0xFF; 8]), // the MFT
        (48, &[0; 8]),
        (64, &[0x7F]), // clusters per record
        (64, &[0x80]), // 2^128 bytes
        (64, &[0xE0]), // 2^32 bytes
        (510, &[0, 0]),
    ] {
        let mut image = good.clone();
        put(&mut image, at, bytes);
        let error = open(&disk(image)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidImage, "{bytes:?} at {at}");
    }
}

/// A small deterministic number generator.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}

/// Offsets of structures: boot sector, records, index blocks, bitmaps.
fn structures(image: &[u8]) -> Vec<std::ops::Range<usize>> {
    let mut ranges = vec![0..80, 510..512];
    for at in (0..image.len()).step_by(512) {
        if image[at..].starts_with(b"FILE") {
            ranges.push(at..at + u32_at(image, at + 24).min(1024));
            // Headers and the first attributes more often than the rest.
            ranges.push(at..at + 0x98);
        } else if image[at..].starts_with(b"INDX") {
            ranges.push(at..at + 0x180);
        }
    }
    for number in [0, 6] {
        let bitmap = first_cluster_of(image, number) * cluster_size(image);
        ranges.push(bitmap..bitmap + 64);
    }
    ranges
}

/// Call everything on a volume, and return the number of files that were read.
fn exercise(disk: &DiskImage) -> usize {
    let (view, report) = disk.without_free_space(&FreeSpaceOptions::default()).unwrap();
    let Ok(volume) = open(disk) else {
        assert_eq!(report.dropped(), 0);
        return 0;
    };
    volume.hibernation().ok();
    volume.has_clean_journal().ok();
    // Nothing that is needed may be left out.
    let lean = (report.dropped() > 0).then(|| open(&view).unwrap());
    let mut read = 0;
    for folder in ["", "many", "ordner äöü", "COMPRESSED"] {
        let Ok(entries) = volume.file(folder).and_then(|folder| folder.list()) else { continue };
        for entry in entries.iter().filter(|entry| !entry.is_folder).take(24) {
            let path = format!("{folder}/{}", entry.name);
            let Ok(content) = volume.file(&path).and_then(|file| file.read(1 << 20)) else { continue };
            read += 1;
            if let Some(lean) = &lean {
                let same = lean.file(&path).unwrap().read(1 << 20).unwrap() == content;
                assert!(same, "{path} lost something: {report:?}");
            }
        }
    }
    for path in
        ["resident.txt:note", "plain.bin:long stream", "many/a name that is rather long, number 77", "no"]
    {
        volume.file(path).and_then(|file| file.read(1 << 20)).ok();
    }
    read
}

#[test]
fn twenty_thousand_mutated_volumes_give_errors_or_data() {
    let bases: Vec<_> = CLUSTER_SIZES.iter().map(|&cluster| Arc::new(sample(cluster))).collect();
    let places: Vec<_> = bases.iter().map(|base| structures(base)).collect();
    let (next, readable) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = || {
        loop {
            let round = next.fetch_add(1, Ordering::Relaxed);
            if round >= 20_000 {
                break;
            }
            let mut random = Random(round as u64);
            random.below(2);
            let base = &bases[round % bases.len()];
            let places = &places[round % bases.len()];
            let mut patches = Vec::new();
            for _ in 0..=random.below(3) {
                let range = &places[random.below(places.len())];
                let at = range.start + random.below(range.len());
                for offset in 0..1 << random.below(4) {
                    let old = base[(at + offset).min(base.len() - 1)];
                    let new = [
                        0,
                        1,
                        0x7F,
                        0x80,
                        0xFF,
                        old.wrapping_add(1),
                        old ^ 1 << random.below(8),
                        random.below(256) as u8,
                    ];
                    patches.push((at + offset, new[random.below(new.len())]));
                }
            }
            let disk = Patched::with_budget(base, patches.clone(), BUDGET);
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| exercise(&disk)));
            let read = outcome.unwrap_or_else(|_| panic!("round {round}: {patches:x?}"));
            readable.fetch_add(usize::from(read > 0), Ordering::Relaxed);
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    // Most mutations leave readable files, so the run reaches deep code.
    let readable = readable.into_inner();
    assert!(readable > 10_000, "{readable}");
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        let kib: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
        assert!(kib < 256 << 10, "{kib} KiB of memory at the peak");
    }
}
