//! A large, mostly empty disk, in a separate process whose memory is measured.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt};

use vmtemplate::archive::{PackOptions, UnpackOptions};
use vmtemplate::disk::ExtentKind;
use vmtemplate::{DiskImage, Template};
use vmtemplate_test_support::{noise, proc_self, unpack_archive};

const MIB: u64 = 1 << 20;
const SIZE: u64 = 20 << 30;

#[test]
fn twenty_gib_with_64_mib_of_data_are_packed_and_unpacked_without_being_read_or_written_whole() {
    let work = tempfile::tempdir().unwrap();
    let raw = work.path().join("disk.raw");
    let file = File::create(&raw).unwrap();
    file.set_len(SIZE).unwrap();
    let places: Vec<u64> = (0..16).map(|n| n * (SIZE / 16) / 4096 * 4096).collect();
    for &at in &places {
        file.write_all_at(&noise(at, 4 << 20), at).unwrap();
    }
    drop(file);
    let io = || (proc_self("io", "rchar"), proc_self("io", "wchar"));

    let before = io();
    let template = Template::builder("Windows-Server-2019").image_path(&raw).build().unwrap();
    let archive = work.path().join("t.tar.gz");
    let summary = template.pack(&archive, &PackOptions::default()).unwrap();
    let packed = io();
    assert_eq!(summary.content_bytes, SIZE + summary.usage.read() - 64 * MIB);
    assert!(summary.usage.holes >= SIZE - 65 * MIB, "{summary:?}");
    assert!(packed.0 - before.0 < 66 * MIB, "{} bytes read for packing", packed.0 - before.0);
    // Random data does not compress, and 20 GiB of zeros take 20 MiB of deflate.
    assert!(packed.1 - before.1 < 86 * MIB, "{} bytes written for packing", packed.1 - before.1);

    // Opening reads metadata and script, and finds the image through the index.
    assert_eq!(Template::open(&archive).unwrap().image().unwrap().size(), SIZE);
    let opened = io();
    assert!(opened.0 - packed.0 < 64 << 10, "{} bytes read for opening", opened.0 - packed.0);

    unpack_archive(&archive, work.path().join("out"), &UnpackOptions::default()).unwrap();
    let unpacked = io();
    let image = work.path().join("out/disk.hddimage");
    let found = fs::metadata(&image).unwrap();
    assert_eq!(found.len(), SIZE);
    assert!(found.blocks() * 512 < 66 * MIB, "{} bytes on the disk", found.blocks() * 512);
    assert!(unpacked.0 - opened.0 < 90 * MIB, "{} bytes read for unpacking", unpacked.0 - opened.0);
    assert!(unpacked.1 - packed.1 < 66 * MIB, "{} bytes written for unpacking", unpacked.1 - packed.1);

    let (one, two) = (DiskImage::open(&raw).unwrap(), DiskImage::open(&image).unwrap());
    for &at in &places {
        assert!(one.read_vec(at, 4 << 20).unwrap() == two.read_vec(at, 4 << 20).unwrap(), "at {at}");
    }
    let data: u64 =
        two.extents().map(Result::unwrap).filter(|e| e.kind == ExtentKind::Data).map(|e| e.length).sum();
    assert!(data < 66 * MIB);

    let peak = proc_self("status", "VmHWM") / 1024;
    assert!(peak < 64, "{peak} MiB of memory at the peak");
}
