//! Leaving out the free space of a disk: who owns clusters, which errors end the work, and what is reported.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use vmtemplate::disk::{
    DiskSource, Extent, ExtentKind, FreeSpaceOptions, FreeSpaceReport, KeptReason, VolumeFreeSpace,
};
use vmtemplate::progress::CancelToken;
use vmtemplate::report::{CheckOptions, Severity, WindowsInfo};
use vmtemplate::{Control, DiskImage, Error, ErrorKind, Report, Result, Template};
use vmtemplate_test_support::ntfs::*;
use vmtemplate_test_support::windows_disk::{BIOS, UEFI, WindowsDisk};

const MIB: usize = 1 << 20;

fn report(bytes: Vec<u8>) -> FreeSpaceReport {
    DiskImage::from_bytes(bytes).without_free_space(&FreeSpaceOptions::default()).unwrap().1
}

fn reasons(report: &FreeSpaceReport) -> Vec<Option<KeptReason>> {
    let reason = |volume: &VolumeFreeSpace| volume.kept.as_ref().map(|kept| kept.reason);
    report.volumes.iter().map(reason).collect()
}

/// A disk with two partitions of type 07, in each of them the sample volume.
fn two_volumes() -> Vec<u8> {
    let volume = sample(512);
    let mut disk = vec![0; 8 * MIB];
    disk[510..512].copy_from_slice(&[0x55, 0xAA]);
    for (slot, start) in [MIB, 4 * MIB].into_iter().enumerate() {
        let at = 446 + 16 * slot;
        disk[at + 4] = 7;
        disk[at + 8..at + 12].copy_from_slice(&(start as u32 / 512).to_le_bytes());
        disk[at + 12..at + 16].copy_from_slice(&(volume.len() as u32 / 512).to_le_bytes());
        disk[start..start + volume.len()].copy_from_slice(&volume);
    }
    disk
}

#[test]
fn one_hibernated_windows_keeps_every_volume_of_the_disk() {
    let disk = two_volumes();
    assert_eq!(reasons(&report(disk.clone())), [None, None]);
    let volume = &disk[MIB..3 * MIB];
    let hiberfil = first_cluster_of_record(volume, record_of(volume, "hiberfil.sys")) * 512;
    for start in [MIB, 4 * MIB] {
        let mut disk = disk.clone();
        disk[start + hiberfil..][..4].copy_from_slice(b"HIBR");
        let report = report(disk);
        assert_eq!(reasons(&report), [Some(KeptReason::Hibernated); 2]);
        assert_eq!(report.dropped(), 0);
        let number = if start == MIB { 1 } else { 2 };
        for volume in &report.volumes {
            let detail = &volume.kept.as_ref().unwrap().detail;
            assert!(detail.contains(&format!("hibernated on partition {number}")), "{detail}");
            assert!(detail.contains("powercfg /h off"), "{detail}");
        }
    }
    // A machine that has resumed is not hibernated.
    let mut disk = disk.clone();
    disk[MIB + hiberfil..][..4].copy_from_slice(b"wake");
    assert_eq!(reasons(&report(disk)), [None, None]);
}

#[test]
fn a_hibernated_windows_counts_whatever_its_own_volume_is_kept_for() {
    let mut disk = two_volumes();
    let volume = &disk[MIB..3 * MIB];
    let hiberfil = first_cluster_of_record(volume, record_of(volume, "hiberfil.sys")) * 512;
    disk[MIB + hiberfil..][..4].copy_from_slice(b"HIBR");
    disk[446 + 4] = 0x83;
    assert_eq!(reasons(&report(disk)), [Some(KeptReason::PartitionType), Some(KeptReason::Hibernated)]);
}

#[test]
fn a_place_that_may_hold_a_hibernated_windows_and_does_not_show_it_keeps_every_volume() {
    let whole = two_volumes();
    let volume = whole[MIB..3 * MIB].to_vec();
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut disk = whole.clone();
        change(&mut disk);
        report(disk)
    };
    let detail_of = |report: &FreeSpaceReport| {
        let kept = report.volumes.last().unwrap().kept.clone().unwrap();
        assert_eq!((kept.reason, report.dropped()), (KeptReason::Hibernated, 0), "{}", kept.detail);
        assert!(kept.detail.contains("powercfg /h off"), "{}", kept.detail);
        kept.detail
    };
    let zeros = vec![0; 64 << 10];
    for (at, bytes, says) in [
        (record_at(&volume, 0), &b"BAAD"[..], "unknown whether Windows is hibernated on partition 1"),
        (3, b"-FVE-FS-", "encrypted with BitLocker"),
        (0, &zeros[..512], "neither empty nor a known volume"),
        // The backup boot sector is left.
        (0, &zeros[..], "neither empty nor a known volume"),
    ] {
        let detail = detail_of(&with(&|disk| disk[MIB + at..][..bytes.len()].copy_from_slice(bytes)));
        assert!(detail.contains(says), "{detail}");
    }
    // After a broken chain of logical partitions.
    let detail = detail_of(&with(&|disk| {
        disk[446 + 4] = 0x0F;
        disk[MIB + 510] = 0;
    }));
    assert!(detail.contains("bytes 1048576 to"), "{detail}");
    // The boot record of the chain is also the boot sector of a volume.
    detail_of(&with(&|disk| disk[446 + 4] = 0x0F));
    // Past the end of the disk.
    let detail = detail_of(&with(&|disk| disk[446 + 8..][..4].copy_from_slice(&u32::MAX.to_le_bytes())));
    assert!(detail.contains("partition 1"), "{detail}");

    // An unformatted partition contains no Windows, nor does another file system or a Linux partition.
    let empty = with(&|disk| disk[MIB..3 * MIB].fill(0));
    assert_eq!(reasons(&empty), [None]);
    let exfat = with(&|disk| disk[MIB + 3..][..8].copy_from_slice(b"EXFAT   "));
    assert_eq!(reasons(&exfat), [None]);
    // Older programs gave partitions of Linux the type of Windows.
    for (at, magic) in [
        (1080, &b"\x53\xEF"[..]),
        (0, b"XFSB"),
        (64 << 10 | 64, b"_BHRfS_M"),
        (0, b"LUKS\xBA\xBE"),
        (4086, b"SWAPSPACE2"),
    ] {
        let other = with(&|disk| {
            disk[MIB..3 * MIB].fill(0);
            disk[MIB + at..][..magic.len()].copy_from_slice(magic);
            disk[3 * MIB - 100..3 * MIB].fill(7);
        });
        assert_eq!(reasons(&other), [None], "{magic:?}");
        // What is left of such a volume is no sign of one, where a volume of Windows has its backup.
        detail_of(&with(&|disk| {
            disk[MIB..MIB + (64 << 10)].fill(0);
            disk[MIB + at..][..magic.len()].copy_from_slice(magic);
        }));
    }
    let linux = with(&|disk| {
        disk[446 + 4] = 0x83;
        disk[MIB..MIB + 512].fill(7);
    });
    assert_eq!(reasons(&linux), [None]);
}

#[test]
fn a_windows_that_is_hibernated_on_fat_keeps_every_volume() {
    let with = |kind: u8, name: &[u8; 11], magic: &[u8; 4]| {
        let mut disk = two_volumes();
        disk[446 + 4] = kind;
        let fat = &mut disk[MIB..3 * MIB];
        fat.fill(0);
        fat[..3].copy_from_slice(b"\xEB\x3C\x90");
        // 512 bytes a sector, one sector a cluster, one reserved; one table of 12 sectors; 16 entries in the root.
        fat[11..24].copy_from_slice(&[0, 2, 1, 1, 0, 1, 16, 0, 0, 16, 0xF8, 12, 0]);
        fat[54..62].copy_from_slice(b"FAT12   ");
        fat[510..512].copy_from_slice(&[0x55, 0xAA]);
        let (root, data) = (13 * 512, 14 * 512);
        fat[root..root + 11].copy_from_slice(name);
        fat[root + 11] = 0x06;
        fat[root + 26] = 2;
        fat[data..data + 4].copy_from_slice(magic);
        report(disk)
    };
    for kind in [0x07, 0x0B, 0x0C, 0x0E] {
        for magic in [b"hibr", b"HIBR", b"\x81\x81xp"] {
            let report = with(kind, b"HIBERFILSYS", magic);
            assert_eq!((reasons(&report).last(), report.dropped()), (Some(&Some(KeptReason::Hibernated)), 0));
        }
        for (name, magic) in
            [(b"HIBERFILSYS", b"wake"), (b"HIBERFILSYS", b"\0\0\0\0"), (b"HIBERFILBAK", b"hibr")]
        {
            assert_eq!(reasons(&with(kind, name, magic)).last(), Some(&None), "{kind:x}");
        }
    }
}

#[test]
fn a_page_of_the_journal_that_was_written_in_part_is_no_sign_of_a_clean_volume() {
    let volume = two_volumes()[MIB..3 * MIB].to_vec();
    let log = first_cluster_of(&volume, 2) * 512;
    let of_journal = |pages: [&[u8]; 2]| {
        let mut disk = two_volumes();
        disk[MIB + log..][..8192].copy_from_slice(&pages.concat());
        let reasons = reasons(&report(disk));
        assert_eq!(reasons[1], None);
        reasons[0]
    };
    let (clean, blank, erased) = (journal_page(1), vec![0; 4096], vec![0xFF; 4096]);
    let mut torn = journal_page(2);
    torn[4094] ^= 1;
    let mut bad = journal_page(2);
    bad[..4].copy_from_slice(b"BAAD");
    for pages in [[&clean, &clean], [&clean, &blank], [&clean, &erased], [&erased, &clean]] {
        assert_eq!(of_journal(pages.map(Vec::as_slice)), None);
    }
    for damaged in [&torn, &bad, &vec![7; 4096]] {
        for pages in [[&clean, damaged], [damaged, &clean]] {
            assert_eq!(of_journal(pages.map(Vec::as_slice)), Some(KeptReason::OpenJournal));
        }
    }
}

#[test]
fn what_belongs_to_a_larger_whole_is_kept_and_named() {
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut disk = two_volumes();
        change(&mut disk);
        report(disk)
    };
    let both = |reason| vec![Some(reason), Some(reason)];
    for (bytes, at, reason, says) in [
        (
            &b"PRIVHEAD"[..],
            6 * 512,
            KeptReason::DynamicDisk,
            "the disk has the private header of a dynamic disk at byte 3072",
        ),
        (b"PRIVHEAD", 8 * MIB - 512, KeptReason::DynamicDisk, "prepare the image on a basic disk"),
        (b"\x42", 446 + 4, KeptReason::DynamicDisk, "partition 1 has the type Windows dynamic disk (42)"),
        (b"\xE7", 446 + 4, KeptReason::StorageSpaces, "partition 1 has the type Windows storage spaces (E7)"),
        (b"SPACEDB ", 4096, KeptReason::StorageSpaces, "the database of Storage Spaces"),
        (b"LABELONE", 512, KeptReason::Lvm, "wipefs"),
        (b"Intel Raid ISM Cfg Sig. ", 8 * MIB - 1024, KeptReason::Raid, "Intel Matrix RAID"),
        (b"\x83\x74\x02\x6D", 8 * MIB - 4096 + 60, KeptReason::Raid, "the metadata of DRBD"),
        (b"_BHRfS_M", (64 << 10) + 64, KeptReason::Raid, "the superblock of btrfs"),
        (
            b"\x0C\xB1\xBA\0\0\0\0\0",
            8 * MIB - (128 << 10) + 5 * 1024,
            KeptReason::Raid,
            "the uberblocks of ZFS",
        ),
        (b"\0\0\0\0\0\xBA\xB1\x0C", (128 << 10) + 1024, KeptReason::Raid, "the uberblocks of ZFS"),
    ] {
        let report = with(&|disk| disk[at..at + bytes.len()].copy_from_slice(bytes));
        assert_eq!(reasons(&report), both(reason), "{says}");
        assert_eq!(report.dropped(), 0);
        let detail = &report.volumes[0].kept.as_ref().unwrap().detail;
        assert!(detail.contains(says), "{detail}");
    }
    let report = with(&|disk| disk[2 * MIB..][..4].copy_from_slice(b"\x0D\xD0\x01\xC0"));
    assert_eq!(reasons(&report), [Some(KeptReason::Raid), None], "VMFS in a partition of its own");
    // A physical volume in a partition does not affect the other partition.
    let report = with(&|disk| disk[4 * MIB + 512..][..8].copy_from_slice(b"LABELONE"));
    assert_eq!(reasons(&report), [None, Some(KeptReason::Lvm)]);
    // Partitions of pools are listed, even if a volume begins in them.
    let report = with(&|disk| {
        disk[446 + 4] = 0x42;
        disk[MIB..MIB + 512].fill(0);
    });
    assert_eq!(reasons(&report), both(KeptReason::DynamicDisk));
    let report = with(&|disk| disk[MIB + 3..MIB + 11].copy_from_slice(b"ReFS\0\0\0\0"));
    assert_eq!(reasons(&report), [Some(KeptReason::Refs), None]);
}

#[test]
fn a_volume_without_a_partition_table_must_end_where_it_says() {
    let volume = sample(512);
    let at = volume.len() - 512;
    assert_eq!(reasons(&report(volume.clone())), [None]);
    // Data after the volume does not belong to its clusters.
    assert_eq!(reasons(&report([volume.clone(), vec![7; MIB]].concat())), [None]);
    // The first part of a volume that continues elsewhere, followed by other data.
    let mut part = volume.clone();
    part[at..].fill(7);
    assert_eq!(reasons(&report(part)), [Some(KeptReason::Unpartitioned)]);
    // A partition table over the boot code.
    let mut table = volume;
    table[446..510].fill(0);
    table[450] = 7;
    table[454] = 64;
    table[458] = 64;
    assert_eq!(reasons(&report(table)), [Some(KeptReason::DoubtfulTable)]);
}

/// A disk that fails with its own error after a number of reads.
#[derive(Debug)]
struct Failing {
    bytes: Arc<Vec<u8>>,
    /// The number of reads that still succeed.
    left: AtomicU64,
    how: How,
}

#[derive(Debug, Clone)]
enum How {
    Io(io::ErrorKind),
    Cancel(CancelToken),
}

impl DiskSource for Failing {
    fn format(&self) -> &'static str {
        "raw"
    }

    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<()> {
        if self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_err() {
            match &self.how {
                How::Io(kind) => return Err(Error::io("cannot read the disk", (*kind).into())),
                How::Cancel(cancel) => cancel.cancel(),
            }
        }
        buf.copy_from_slice(&self.bytes[offset as usize..offset as usize + buf.len()]);
        Ok(())
    }

    fn extent_at(&self, offset: u64) -> Result<Extent> {
        Ok(Extent { offset, length: self.size() - offset, kind: ExtentKind::Data })
    }
}

/// Do `work` on a disk that fails after 0, 1, 2 … reads, and expect that error each time.
fn every_failure_is_told(bytes: Vec<u8>, work: impl Fn(&DiskImage) -> Option<Error>) {
    const MANY: u64 = 1 << 40;
    let bytes = Arc::new(bytes);
    let run = |left, kind| {
        let source =
            Arc::new(Failing { bytes: bytes.clone(), left: AtomicU64::new(left), how: How::Io(kind) });
        let error = work(&DiskImage::from_source(source.clone()));
        (left - source.left.load(Ordering::Relaxed), error)
    };
    let (reads, error) = run(MANY, io::ErrorKind::Other);
    assert!(error.is_none() && reads > 50, "{reads} reads: {error:?}");
    for left in (0..reads).step_by(1 + reads as usize / 400) {
        for (kind, expected) in [
            (io::ErrorKind::ConnectionReset, ErrorKind::Network),
            (io::ErrorKind::TimedOut, ErrorKind::Network),
            (io::ErrorKind::NotFound, ErrorKind::SourceChanged),
        ] {
            let (_, error) = run(left, kind);
            assert_eq!(
                error.map(|error| error.kind()),
                Some(expected),
                "{kind} after {left} of {reads} reads"
            );
        }
    }
}

#[test]
fn a_connection_that_drops_and_a_source_that_disappears_end_the_proof() {
    let options = FreeSpaceOptions { drop_page_files: true, ..FreeSpaceOptions::default() };
    every_failure_is_told(two_volumes(), |disk| disk.without_free_space(&options).err());
    every_failure_is_told(two_volumes(), |disk| disk.info().err());
    every_failure_is_told(UEFI.disk().bytes, |disk| disk.info().err());
}

#[test]
fn a_connection_that_drops_and_a_source_that_disappears_end_a_check() {
    for base in [BIOS, UEFI] {
        every_failure_is_told(base.disk().bytes, |disk| {
            let template = Template::builder("Windows-Server-2019").image(disk.clone()).build();
            template.and_then(|template| template.check(&CheckOptions::default())).err()
        });
        every_failure_is_told(base.disk().bytes, |disk| WindowsInfo::read(disk).err());
    }
}

#[test]
fn a_proof_that_is_cancelled_is_cancelled() {
    let bytes = Arc::new(two_volumes());
    for left in 0..20 {
        let cancel = CancelToken::new();
        let how = How::Cancel(cancel.clone());
        let source = Failing { bytes: bytes.clone(), left: AtomicU64::new(left), how };
        let control = Control { cancel, ..Control::default() };
        let options = FreeSpaceOptions { control, ..FreeSpaceOptions::default() };
        let error = DiskImage::from_source(Arc::new(source)).without_free_space(&options).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled, "after {left} reads");
    }
}

#[test]
fn a_sector_that_cannot_be_read_keeps_the_volume_and_ends_nothing() {
    let bytes = Arc::new(two_volumes());
    let how = How::Io(io::ErrorKind::Other);
    let source = Arc::new(Failing { bytes, left: AtomicU64::new(60), how });
    let (_, report) =
        DiskImage::from_source(source).without_free_space(&FreeSpaceOptions::default()).unwrap();
    assert!(report.volumes.iter().all(|volume| volume.kept.is_some()), "{report:?}");
}

fn check(disk: WindowsDisk) -> Report {
    let template = Template::builder("Windows-Server-2019").image(disk.image()).build().unwrap();
    template.check(&CheckOptions::default()).unwrap()
}

fn severity_of(report: &Report, code: &str) -> Option<Severity> {
    report
        .findings()
        .iter()
        .find(|finding| finding.rule().code == code)
        .map(vmtemplate::report::Finding::severity)
}

#[test]
fn a_dynamic_disk_and_storage_spaces_are_errors_of_a_windows_template() {
    for (kind, code) in [(0x42, "VMT0310"), (0xE7, "VMT0311")] {
        for entry in 0..2 {
            let mut disk = BIOS.disk();
            disk.bytes[446 + 16 * entry + 4] = kind;
            let report = check(disk);
            assert_eq!(severity_of(&report, code), Some(Severity::Error), "{report:?}");
        }
    }
    // The remains of an earlier use may not be a pool.
    let mut disk = BIOS.disk();
    disk.bytes[6 * 512..][..8].copy_from_slice(b"PRIVHEAD");
    assert_eq!(severity_of(&check(disk), "VMT0310"), Some(Severity::Warning));
    // No Windows is expected, and none is found.
    let mut disk = two_volumes();
    disk[446 + 4] = 0x42;
    let template = Template::builder("Debian-12").image(DiskImage::from_bytes(disk)).build().unwrap();
    assert_eq!(severity_of(&template.check(&CheckOptions::default()).unwrap(), "VMT0310"), None);
}

/// Names as Windows 10 gives them: the catalogue, and two stores.
const STORES: [&str; 3] = [
    "{3808876b-c176-4e48-b7ae-04046e6cc752}",
    "{4bd48d1c-6bd0-11ec-8b2a-000c29a1b2c3}{3808876b-c176-4e48-b7ae-04046e6cc752}",
    "{6E3F9B60-6BD0-11EC-8B2A-000C29A1B2C3}{3808876B-C176-4E48-B7AE-04046E6CC752}",
];

#[test]
fn shadow_copies_are_counted_and_told_with_the_command_that_removes_them() {
    let mut disk = BIOS.disk();
    let made = disk.mount_system_volume(|root| {
        let folder = root.join("System Volume Information");
        std::fs::create_dir(&folder).unwrap();
        for name in STORES {
            std::fs::write(folder.join(name), noise(5000)).unwrap();
        }
        std::fs::write(folder.join("tracking.log"), "").unwrap();
    });
    if !made {
        return;
    }
    let report = report(disk.bytes.clone());
    let volume = report.volumes.last().unwrap();
    assert_eq!((volume.shadow_copies, volume.kept.as_ref()), (2, None));
    assert!(volume.dropped > 0, "the free clusters are left out all the same");
    assert_eq!(report.volumes[0].shadow_copies, 0);

    let checked = check(disk);
    let finding = checked.findings().iter().find(|finding| finding.rule().code == "VMT0648").unwrap();
    assert_eq!(finding.severity(), Severity::Warning);
    assert!(finding.message().contains("2 shadow copies"), "{finding}");
    assert!(finding.fix().contains("vssadmin delete shadows /all"), "{}", finding.fix());
}

fn noise(length: usize) -> Vec<u8> {
    vmtemplate_test_support::noise(7, length)
}
