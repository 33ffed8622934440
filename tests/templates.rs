//! Building, opening and packing templates, as a program does.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

use std::fs;
use std::path::Path;

use vmtemplate::archive::PackOptions;
use vmtemplate::disk::{
    FreeSpace, FreeSpaceOptions, KeptReason, NtfsVolume, PartitionTable, WriteRawOptions,
};
use vmtemplate::metainfo::MetainfoKey;
use vmtemplate::output::Overwrite;
use vmtemplate::script::LineEnding;
use vmtemplate::template::TemplateBuilder;
use vmtemplate::{DiskImage, Error, ErrorKind, Metainfo, Script, Template};
use vmtemplate_test_support::{disk, has_tool, is_root, run, sample_disk};

fn fields(error: &Error) -> Vec<(ErrorKind, Option<&str>)> {
    error.problems().iter().map(|problem| (problem.kind(), problem.field())).collect()
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let error = Template::builder("")
        .image(disk(&vec![0; 3_000_000]))
        .disk_mb(2)
        .memory_mib(0)
        .tag("a,b")
        .declare_macro("PRODUCTKEY")
        .image_name("../disk.raw")
        .script_name("metainfo.xml")
        .script(Script::from_bytes(*b"\xFF\xFEe\0c\0h\0o\0"))
        .build()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidTemplate);
    assert_eq!(
        fields(&error),
        [
            (ErrorKind::InvalidTemplate, Some("script")),
            (ErrorKind::InvalidValue, Some("osname")),
            (ErrorKind::InvalidTemplate, Some("limit.mem")),
            (ErrorKind::InvalidTemplate, Some("limit.disk")),
            (ErrorKind::InvalidTemplate, Some("tags")),
            (ErrorKind::InvalidMacro, Some("macro")),
            (ErrorKind::InvalidMetainfo, Some("hddimage")),
            (ErrorKind::InvalidMetainfo, Some("installdrive")),
        ]
    );
    assert!(error.problems().iter().all(|problem| !problem.message().is_empty()));
}

#[test]
fn the_disk_limit_is_the_image_in_whole_mb_and_never_less() {
    for (bytes, mb) in [(512, 1), (1_000_000, 1), (1_000_001, 2), (15_000_000, 15)] {
        let build = |limit: Option<u64>| {
            let builder = Template::builder("Windows-10").image(disk(&vec![0; bytes]));
            limit
                .map_or_else(
                    || Template::builder("Windows-10").image(disk(&vec![0; bytes])),
                    |mb| builder.disk_mb(mb),
                )
                .build()
                .map(|template| template.metainfo().limits().unwrap().disk_mb)
        };
        assert_eq!(build(None).unwrap(), Some(mb));
        assert_eq!(build(Some(mb)).unwrap(), Some(mb));
        assert_eq!(build(Some(mb + 5)).unwrap(), Some(mb + 5));
        let error = build(Some(mb - 1)).unwrap_err();
        assert_eq!(fields(&error), [(ErrorKind::InvalidTemplate, Some("limit.disk"))]);
        assert!(error.to_string().contains(&bytes.to_string()), "{error}");
    }
}

const BASE: &str = "<?xml version='1.0'?>\r\n<doc>\r\n    <!-- ours -->\r\n    <osname>Windows-10</osname>\r\n    \
                    <unknown keep=\"me\"/>\r\n    <limit>\r\n        <elem name=\"disk\">20000</elem>\r\n    \
                    </limit>\r\n    <version>4</version>\r\n    <hddimage>w10.img</hddimage>\r\n    \
                    <installdrive>w10.cmd</installdrive>\r\n</doc>\r\n";

#[test]
fn a_base_keeps_every_byte_that_no_option_names() {
    let base = Metainfo::parse(BASE.as_bytes()).unwrap();
    let build =
        |builder: TemplateBuilder| builder.image(disk(&[0; 512])).build().unwrap().metainfo().to_bytes();
    let untouched = build(TemplateBuilder::from_metainfo(base.clone()));
    assert_eq!(String::from_utf8(untouched).unwrap(), BASE);
    let changed = build(TemplateBuilder::from_metainfo(base).template_version("5").name("Windows-11"));
    let expected =
        BASE.replace("<version>4<", "<version>5<").replace("<osname>Windows-10<", "<osname>Windows-11<");
    assert_eq!(String::from_utf8(changed).unwrap(), expected);
}

#[test]
fn a_base_whose_disk_limit_is_below_the_image_is_refused() {
    let base = Metainfo::parse(BASE.replace("20000", "1").as_bytes()).unwrap();
    let error = TemplateBuilder::from_metainfo(base).image(disk(&vec![0; 2_000_000])).build().unwrap_err();
    assert_eq!(fields(&error), [(ErrorKind::InvalidTemplate, Some("limit.disk"))]);
    assert!(error.problems()[0].help().unwrap().contains('2'));
}

#[test]
fn scripts_get_the_line_ends_that_their_interpreter_needs() {
    let script = |text: &str| {
        let template =
            Template::builder("Any").image(disk(&[0; 512])).script(Script::from_text(text)).build().unwrap();
        template.script().unwrap().bytes().to_vec()
    };
    assert_eq!(script("@echo off\necho 1\r\n"), b"@echo off\r\necho 1\r\n");
    assert_eq!(script("@echo off\r\n"), b"@echo off\r\n");
    assert_eq!(script("#!/bin/sh\necho 1\n"), b"#!/bin/sh\necho 1\n");
    let default = Template::builder("Windows-10").image(disk(&[0; 512])).build().unwrap();
    assert_eq!(default.script().unwrap().line_ending(), LineEnding::CrLf);
}

#[test]
fn the_names_of_image_and_script_follow_from_their_files() {
    let work = tempfile::tempdir().unwrap();
    let (image, script) = (work.path().join("Win 2019 (gold).qcow2.raw"), work.path().join("first-boot.cmd"));
    fs::write(&image, [1; 512]).unwrap();
    fs::write(&script, "rem\n").unwrap();
    let template = Template::builder("Windows").image_path(&image).script_path(&script).build().unwrap();
    let names: Vec<_> = template.files().iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["metainfo.xml", "first-boot.cmd", "Win-2019--gold-.qcow2.hddimage"]);
}

/// Write a template as a folder.
fn write_folder(folder: &Path, metainfo: &str) {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("metainfo.xml"), metainfo).unwrap();
    fs::write(folder.join("w10.img"), sample_disk()).unwrap();
    fs::write(folder.join("w10.cmd"), "rem\r\n").unwrap();
}

#[test]
fn a_folder_is_packed_as_it_stands_and_comes_back() {
    let work = tempfile::tempdir().unwrap();
    let folder = work.path().join("t");
    write_folder(&folder, BASE);
    let archive = work.path().join("t.tar.gz");
    let options = PackOptions { free_space: FreeSpace::Keep, ..PackOptions::default() };
    Template::open(&folder).unwrap().pack(&archive, &options).unwrap();
    let again = Template::open(&archive).unwrap();
    assert_eq!(again.metainfo().to_bytes(), BASE.as_bytes());
    assert_eq!(again.script().unwrap().bytes(), b"rem\r\n");
    assert!(again.image().unwrap().read_vec(0, sample_disk().len()).unwrap() == sample_disk());
}

#[test]
fn a_folder_with_something_missing_opens_but_is_not_packed() {
    let work = tempfile::tempdir().unwrap();
    let folder = work.path().join("t");
    write_folder(&folder, BASE);
    fs::remove_file(folder.join("w10.img")).unwrap();
    fs::remove_file(folder.join("w10.cmd")).unwrap();
    let template = Template::open(&folder).unwrap();
    let error = template.pack(work.path().join("t.tar.gz"), &PackOptions::default()).unwrap_err();
    assert_eq!(
        fields(&error),
        [(ErrorKind::InvalidTemplate, Some("installdrive")), (ErrorKind::InvalidTemplate, Some("hddimage"))]
    );
    assert!(!work.path().join("t.tar.gz").exists());
    fs::remove_file(folder.join("metainfo.xml")).unwrap();
    assert_eq!(Template::open(&folder).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn a_file_name_that_leads_elsewhere_is_refused() {
    let work = tempfile::tempdir().unwrap();
    for name in ["../w10.img", "/etc/passwd", "a\\b", "metainfo.xml", "nul"] {
        write_folder(work.path(), &BASE.replace("w10.img", name));
        let error = Template::open(work.path()).unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidMetainfo, Some("hddimage")), "{name}");
    }
}

#[test]
fn every_metainfo_that_is_built_is_accepted_by_xmllint() {
    if !has_tool("xmllint") {
        return;
    }
    let work = tempfile::tempdir().unwrap();
    let image = || DiskImage::from_bytes([0; 512]);
    let all = Template::builder("Windows & <Server> 'ü'")
        .image(image())
        .memory_mib(1024)
        .ipv4(true)
        .ipv6(false)
        .tags(["windows", "ä & ö"])
        .template_version("5 \"beta\"")
        .declare_macro("($PRODUCTKEY)")
        .support("VMmgr:5.45")
        .support("DCImgr")
        .reboot_count(2)
        .virtio_disk(false);
    let base = Metainfo::parse(BASE.as_bytes()).unwrap();
    let mut edited = base.clone();
    edited.set(&MetainfoKey::IllegalPasswordCharacters, "!@#$%^&*()<>").unwrap();
    for (number, builder) in [
        all,
        Template::builder("Windows-10").image(image()),
        TemplateBuilder::from_metainfo(base).image(image()).memory_mib(1).tag("x"),
        TemplateBuilder::from_metainfo(edited).image(image()),
    ]
    .into_iter()
    .enumerate()
    {
        let path = work.path().join(format!("{number}.xml"));
        builder.build().unwrap().metainfo().write_file(&path, Overwrite::No).unwrap();
        run("xmllint", ["--noout".as_ref(), path.as_os_str()]);
    }
}

#[test]
fn the_archive_of_another_tool_opens_and_says_what_it_cannot_do() {
    let work = tempfile::tempdir().unwrap();
    let folder = work.path().join("t");
    write_folder(&folder, BASE);
    let archive = work.path().join("t.tar.gz");
    run("tar", ["czf".as_ref(), archive.as_os_str(), "-C".as_ref(), folder.as_os_str(), ".".as_ref()]);
    let template = Template::open(&archive).unwrap();
    assert!(template.image().is_none());
    let error = template.pack(work.path().join("2.tar.gz"), &PackOptions::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.help().unwrap().contains("unpack"));
}

/// Text that is only in a deleted file of the sample disk.
const DELETED: &[u8] = b"\n510000\n510001\n";

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn what_was_deleted_on_the_master_vm_does_not_reach_the_archive() {
    let work = tempfile::tempdir().unwrap();
    let sample = sample_disk();
    assert!(contains(&sample, DELETED), "the sample has nothing to leave out");
    let pack = |name: &str, free_space: FreeSpace| {
        let path = work.path().join(name);
        let options = PackOptions { free_space, ..PackOptions::default() };
        let template =
            Template::builder("Windows").image(disk(&sample)).image_name("w.hddimage").build().unwrap();
        let summary = template.pack(&path, &options).unwrap();
        assert_eq!(summary.content_bytes, summary.usage.total());
        let image = Template::open(&path).unwrap().image().unwrap().clone();
        (summary, image)
    };
    let (summary, skipped) = pack("skip.tar.gz", FreeSpace::Skip);
    assert!(summary.usage.free > 40 << 20, "{summary:?}");
    assert_eq!(summary.free_space.volumes[0].kept, None);
    assert!(!contains(&skipped.read_vec(0, sample.len()).unwrap(), DELETED));
    // Every live file is the same.
    let read = |disk: &DiskImage| {
        let table = PartitionTable::read(disk).unwrap();
        let volume = NtfsVolume::open(disk, table.partitions[0].range().unwrap()).unwrap();
        ["vmmgr/firstrun.cmd", "Windows/numbers.txt", "Windows/System32/drivers/viostor.sys"]
            .map(|path| volume.file(path).unwrap().read(1 << 20).unwrap())
    };
    assert_eq!(read(&skipped), read(&disk(&sample)));
    assert!(read(&skipped)[1].ends_with(b"\n10000\n"));

    let (summary, kept) = pack("keep.tar.gz", FreeSpace::Keep);
    assert_eq!(summary.usage.free, 0);
    assert!(kept.read_vec(0, sample.len()).unwrap() == sample);
}

#[test]
fn a_raw_file_is_written_without_free_space_unless_it_is_to_be_kept() {
    let work = tempfile::tempdir().unwrap();
    let sample = sample_disk();
    let write = |free_space: FreeSpace| {
        let path = work.path().join(format!("{free_space:?}.raw"));
        let options = WriteRawOptions { free_space, ..WriteRawOptions::default() };
        let summary = disk(&sample).write_raw(&path, &options).unwrap();
        assert_eq!(summary.size, summary.usage.total());
        (summary, fs::read(path).unwrap())
    };
    let (summary, skipped) = write(FreeSpace::Skip);
    assert!(summary.usage.free > 40 << 20 && !contains(&skipped, DELETED), "{summary:?}");
    let (overlay, _) = disk(&sample).without_free_space(&FreeSpaceOptions::default()).unwrap();
    assert!(overlay.read_vec(0, sample.len()).unwrap() == skipped);
    assert!(write(FreeSpace::Keep).1 == sample);
}

#[test]
fn a_volume_that_was_not_shut_down_is_packed_whole_and_the_summary_says_why() {
    let work = tempfile::tempdir().unwrap();
    let mut sample = sample_disk();
    // The dirty flag of `$Volume`: the attribute of type 0x70 in record 3, whose flags are at byte 10 of its value.
    let volume = 1 << 20;
    let mft = u64::from_le_bytes(sample[volume + 48..volume + 56].try_into().unwrap()) as usize * 4096;
    let record = volume + mft + 3 * 1024;
    let mut at = record + usize::from(u16::from_le_bytes([sample[record + 20], sample[record + 21]]));
    while sample[at] != 0x70 {
        at += u32::from_le_bytes(sample[at + 4..at + 8].try_into().unwrap()) as usize;
    }
    let value = at + usize::from(u16::from_le_bytes([sample[at + 20], sample[at + 21]]));
    sample[value + 10] |= 1;
    let path = work.path().join("t.tar.gz");
    let template = Template::builder("Windows").image(disk(&sample)).build().unwrap();
    let summary = template.pack(&path, &PackOptions::default()).unwrap();
    assert_eq!(summary.usage.free, 0);
    let kept = summary.free_space.volumes[0].kept.as_ref().unwrap();
    assert_eq!(kept.reason, KeptReason::Dirty);
    assert!(Template::open(&path).unwrap().image().unwrap().read_vec(0, sample.len()).unwrap() == sample);
}

#[test]
fn one_disk_gives_one_archive_in_whatever_format_it_comes() {
    if !has_tool("qemu-img") {
        return;
    }
    let work = tempfile::tempdir().unwrap();
    let raw = work.path().join("disk.raw");
    fs::write(&raw, sample_disk()).unwrap();
    let pack = |image: &Path| {
        let out = image.with_extension("tar.gz");
        let template =
            Template::builder("Windows").image_path(image).image_name("w.hddimage").build().unwrap();
        template.pack(&out, &PackOptions { overwrite: Overwrite::Yes, ..PackOptions::default() }).unwrap();
        fs::read(out).unwrap()
    };
    let expected = pack(&raw);
    for format in ["qcow2", "vmdk", "vhdx", "vpc"] {
        let image = work.path().join(format!("disk.{format}"));
        // By default, qemu-img rounds the size of a VHD to cylinders, heads and sectors.
        let options: &[&str] = if format == "vpc" { &["-o", "force_size=on"] } else { &[] };
        let paths = [raw.to_str().unwrap(), image.to_str().unwrap()];
        let arguments = ["convert", "-f", "raw", "-O", format].into_iter();
        run("qemu-img", arguments.chain(options.iter().copied()).chain(paths));
        assert!(pack(&image) == expected, "{format}");
    }
    if is_root() && has_tool("losetup") {
        let device = run("losetup", ["--find", "--show", "--read-only", raw.to_str().unwrap()]).stdout;
        let device = Path::new(std::str::from_utf8(&device).unwrap().trim_end());
        let link = work.path().join("device.raw");
        std::os::unix::fs::symlink(device, &link).unwrap();
        let packed = std::panic::catch_unwind(|| pack(&link));
        run("losetup", ["--detach".as_ref(), device.as_os_str()]);
        assert!(packed.unwrap() == expected, "block device");
    }
}
