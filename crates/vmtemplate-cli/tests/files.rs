//! Which files the command packs into an archive, and which images it accepts.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

fn vmtemplate(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vmtemplate")).args(arguments).current_dir(folder).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A folder `t` with a template that names more than its image and its script.
fn work() -> TempDir {
    let work = tempfile::tempdir().unwrap();
    let folder = work.path().join("t");
    fs::create_dir_all(folder.join("files/deep")).unwrap();
    let metainfo = "<doc><osname>Windows-10</osname><hddimage>images/w.img</hddimage>\
                    <installdrive>setup.cmd</installdrive><installcfg>unattend.xml</installcfg>\
                    <sharedir>files</sharedir><pxelinuxcfg>pxe.cfg</pxelinuxcfg></doc>";
    fs::create_dir(folder.join("images")).unwrap();
    for (name, bytes) in [
        ("metainfo.xml", metainfo.as_bytes()),
        ("images/w.img", &[1; 4096]),
        ("setup.cmd", b"rem\r\n"),
        ("unattend.xml", b"<unattend/>"),
        ("files/deep/a.txt", b"a"),
        ("notes.txt", b"n"),
    ] {
        fs::write(folder.join(name), bytes).unwrap();
    }
    work
}

#[test]
fn pack_takes_what_is_named_and_prints_what_is_left_behind_or_not_there() {
    let work = work();
    let packed = vmtemplate(work.path(), &["pack", "t", "-o", "t.tar.gz"]);
    let said = text(&packed.stdout);
    assert!(packed.status.success(), "{}", text(&packed.stderr));
    assert!(said.contains("left behind, metainfo.xml does not name it: notes.txt\n"), "{said}");
    assert!(said.contains("metainfo.xml names it, but it does not exist: pxelinuxcfg: pxe.cfg\n"), "{said}");
    let json = vmtemplate(work.path(), &["pack", "t", "-o", "t.tar.gz", "--force", "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["left_behind"], serde_json::json!(["notes.txt"]));
    assert_eq!(json["missing"], serde_json::json!(["pxelinuxcfg: pxe.cfg"]));
    let verified = text(&vmtemplate(work.path(), &["verify", "t.tar.gz"]).stdout);
    let names: Vec<_> = verified.lines().skip(1).map(|line| line.split("  ").nth(1).unwrap()).collect();
    assert_eq!(names, ["metainfo.xml", "setup.cmd", "files/deep/a.txt", "unattend.xml", "images/w.img"]);
}

#[test]
fn every_command_that_opens_an_image_refuses_a_container_and_takes_the_word_of_its_user() {
    let work = work();
    let image = work.path().join("t/images/w.img");
    let mut iso = vec![0; 1 << 20];
    iso[0x8000..0x8006].copy_from_slice(b"\x01CD001");
    fs::write(&image, &iso).unwrap();
    fs::write(work.path().join("w.img"), &iso).unwrap();
    let commands: [&[&str]; 5] = [
        &["disk", "w.img"],
        &["convert", "w.img", "out.raw", "--force"],
        &["check", "w.img"],
        &["build", "--name", "Windows-10", "--image", "w.img", "-o", "b.tar.gz", "--no-check", "--force"],
        &["pack", "t", "-o", "p.tar.gz", "--force"],
    ];
    for command in commands {
        let refused = vmtemplate(work.path(), command);
        let said = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(1), "{command:?}");
        assert!(said.contains("an ISO image") && said.contains("--format raw"), "{command:?}: {said}");
        let taken = vmtemplate(work.path(), &[command, &["--format", "raw"]].concat());
        let said = text(&taken.stderr);
        assert!(command[0] == "check" || taken.status.success(), "{command:?}: {said}");
        assert!(!said.contains("ISO"), "{command:?}: {said}");
    }
    assert!(fs::read(work.path().join("out.raw")).unwrap() == iso);
}

#[test]
fn check_opens_the_extents_of_a_descriptor_where_it_is_told_to() {
    let work = tempfile::tempdir().unwrap();
    fs::write(work.path().join("disk-flat.vmdk"), vec![0; 1 << 20]).unwrap();
    let descriptor = "# Disk DescriptorFile\r\nversion=1\r\nCID=1\r\nparentCID=ffffffff\r\n\
                      createType=\"monolithicFlat\"\r\nRW 2048 FLAT \"C:\\VMs\\disk-flat.vmdk\" 0\r\n";
    fs::write(work.path().join("disk.vmdk"), descriptor).unwrap();
    let refused = vmtemplate(work.path(), &["check", "disk.vmdk"]);
    assert!(text(&refused.stderr).contains("backing_files"), "{}", text(&refused.stderr));
    let checked = vmtemplate(work.path(), &["check", "disk.vmdk", "--backing-files", "."]);
    assert!(text(&checked.stdout).contains("VMT0301"), "{}", text(&checked.stdout));
}
