//! A check of an archive reads the image in place. It runs in a separate process, which is measured.

#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests fail as tests do

use std::fs::File;
use std::io::Write;

use vmtemplate::archive::PackOptions;
use vmtemplate::disk::FreeSpace;
use vmtemplate::output::Overwrite;
use vmtemplate::report::CheckOptions;
use vmtemplate::{Report, Template};
use vmtemplate_test_support::{noise, proc_self};

/// The size of incompressible data in the image besides Windows, in MiB.
const MORE: u64 = 192;

fn of_the_image(report: &Report) -> Vec<String> {
    let findings =
        report.findings().iter().filter(|finding| ("VMT0300".."VMT0700").contains(&finding.rule().code));
    findings.map(ToString::to_string).collect()
}

#[test]
fn a_check_of_an_archive_reads_a_small_part_of_it_in_place() {
    let folder = tempfile::tempdir().unwrap();
    let (image, archive) = (folder.path().join("win.raw"), folder.path().join("win.tar.gz"));
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/windows-bios.raw.gz");
    let mut disk = File::create(&image).unwrap();
    std::io::copy(&mut flate2::read::GzDecoder::new(File::open(fixture).unwrap()), &mut disk).unwrap();
    // After the last partition, which no rule reads.
    for mib in 0..MORE {
        disk.write_all(&noise(mib, 1 << 20)).unwrap();
    }
    drop(disk);
    let template = Template::builder("Windows-Server-2019").image_path(&image).memory_mib(2048).ipv4(true);
    let template = template.tag("windows").build().unwrap();
    let before = of_the_image(&template.check(&CheckOptions::default()).unwrap());
    assert_eq!(before.len(), 1, "{before:#?}");
    assert!(before[0].contains("[VMT0501]"), "{before:#?}");
    // An image alone is checked like the image of a template.
    let alone = of_the_image(&vmtemplate::check(&image, &CheckOptions::default()).unwrap());
    assert!(alone.len() == 1 && alone[0].starts_with("win.raw, partition 2: note [VMT0501]"), "{alone:#?}");
    for free_space in [FreeSpace::Skip, FreeSpace::Keep] {
        let options = PackOptions { free_space, overwrite: Overwrite::Yes, ..PackOptions::default() };
        template.pack(&archive, &options).unwrap();
        let size = archive.metadata().unwrap().len();
        assert!(size > MORE << 20);

        let read = proc_self("io", "rchar");
        let report = Template::open(&archive).unwrap().check(&CheckOptions::default()).unwrap();
        let read = proc_self("io", "rchar") - read;
        assert_eq!(of_the_image(&report), before, "{free_space:?}");
        assert_eq!(of_the_image(&vmtemplate::check(&archive, &CheckOptions::default()).unwrap()), before);
        assert!(read < size / 20, "{read} of {size} bytes were read");
    }
    // This includes packing.
    let peak = proc_self("status", "VmHWM");
    assert!(peak < 64 << 10, "{peak} KiB at the peak");
}
