//! The first-run kit: its scripts run in a real interpreter, and other programs read its CD image.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

use std::fs;
use std::path::Path;

use vmtemplate::output::Overwrite;
use vmtemplate::script::{FirstRunKit, LineEnding, ScriptEncoding};
use vmtemplate::{ErrorKind, Script};
use vmtemplate_test_support::{has_tool, noise, run, tree};

/// A file that is accepted as dd.exe.
fn dd() -> Vec<u8> {
    [b"MZ".to_vec(), noise(7, 5000)].concat()
}

fn kit_with_dd(folder: &Path) -> FirstRunKit {
    let path = folder.join("dd for windows.exe");
    fs::write(&path, dd()).unwrap();
    FirstRunKit::new().with_dd(&path).unwrap()
}

#[test]
fn every_script_is_ascii_with_windows_line_ends() {
    for (name, bytes) in FirstRunKit::new().files() {
        let script = Script::from_bytes(bytes);
        assert_eq!(
            (script.encoding(), script.line_ending()),
            (ScriptEncoding::Ascii, LineEnding::CrLf),
            "{name}"
        );
        assert!(script.macros().next().is_none(), "{name}");
        assert!(!script.text().contains("{VERSION}"), "{name}");
    }
}

#[test]
fn a_folder_gets_all_files_or_none() {
    let work = tempfile::tempdir().unwrap();
    let kit = kit_with_dd(work.path());
    let folder = work.path().join("vmmgr");
    kit.write(&folder).unwrap();
    let written = tree(&folder);
    let expected: Vec<_> = kit.files().into_iter().map(|(name, bytes)| (name.into(), bytes)).collect();
    assert_eq!(written, expected);

    let taken = work.path().join("taken");
    fs::create_dir(&taken).unwrap();
    fs::write(taken.join("ddwrap.cmd"), "mine").unwrap();
    assert_eq!(kit.write(&taken).unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(tree(&taken), [("ddwrap.cmd".into(), b"mine".to_vec())]);
}

#[test]
fn what_is_no_program_is_not_taken_for_dd() {
    let work = tempfile::tempdir().unwrap();
    let path = work.path().join("dd.exe");
    fs::write(&path, "PK\x03\x04").unwrap();
    let error = FirstRunKit::new().with_dd(&path).unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::InvalidValue, Some(path.as_path())));
    fs::File::create(&path).unwrap().set_len(FirstRunKit::MAX_DD_SIZE as u64 + 1).unwrap();
    assert_eq!(FirstRunKit::new().with_dd(&path).unwrap_err().kind(), ErrorKind::LimitExceeded);
}

#[test]
fn the_cd_image_is_read_by_bsdtar_and_isoinfo() {
    if !has_tool("bsdtar") || !has_tool("isoinfo") {
        return;
    }
    let work = tempfile::tempdir().unwrap();
    for kit in [FirstRunKit::new(), kit_with_dd(work.path())] {
        let image = work.path().join("kit.iso");
        kit.write_iso(&image, Overwrite::Yes).unwrap();
        assert_eq!(fs::metadata(&image).unwrap().len() % 2048, 0);
        let image = image.to_str().unwrap();

        // bsdtar uses the Joliet names.
        let folder = work.path().join("unpacked");
        fs::create_dir(&folder).unwrap();
        run("bsdtar", ["-xf", image, "-C", folder.to_str().unwrap()]);
        let files: Vec<_> = kit.files().into_iter().map(|(name, bytes)| (name.into(), bytes)).collect();
        assert_eq!(tree(&folder), files);
        fs::remove_dir_all(&folder).unwrap();

        for (name, bytes) in kit.files() {
            let joliet = run("isoinfo", ["-J", "-i", image, "-x", &format!("/{name}")]);
            assert!(joliet.stdout == bytes, "{name} by its Joliet name");
            let plain = format!("/{};1", name.to_uppercase());
            assert!(run("isoinfo", ["-i", image, "-x", &plain]).stdout == bytes, "{name} as {plain}");
        }
        let about = String::from_utf8(run("isoinfo", ["-d", "-i", image]).stdout).unwrap();
        assert!(
            about.contains("Volume id: VMTEMPLATE") && about.contains("Joliet with UCS level 3"),
            "{about}"
        );
    }
}

#[test]
fn the_same_files_give_the_same_cd_image() {
    let work = tempfile::tempdir().unwrap();
    let image = kit_with_dd(work.path()).iso();
    assert!(image == kit_with_dd(work.path()).iso());
    assert!(image != FirstRunKit::new().iso());
}

/// `dd --list` of "dd for windows" 0.6beta3: volumes, then devices, each with its size below it.
const LIST: &str = r"rawwrite dd for windows version 0.6beta3.
Written by John Newbigin <jn@it.swin.edu.au>
This program is covered by terms of the GPL Version 2.

Win32 Available Volume Information
\\.\Volume{11111111-2222-3333-4444-555555555555}\
  link to \\?\Device\HarddiskVolume2
  fixed media
  Mounted on \\.\c:

NT Block Device Objects
\\?\Device\CdRom0
  size is 2147483647 bytes
\\?\Device\Harddisk0\Partition0
  link to \\?\Device\Harddisk0\DR0
  Fixed hard disk media. Block size = 512
  size is 42949672960 bytes
\\?\Device\Harddisk0\Partition1
  link to \\?\Device\HarddiskVolume1
  Fixed hard disk media. Block size = 512
  size is 1048576 bytes
\\?\Device\Harddisk0\Partition2
  link to \\?\Device\HarddiskVolume2
\\?\Device\Harddisk1\Partition0
  link to \\?\Device\Harddisk1\DR1
  Fixed hard disk media. Block size = 512
  size is 1048576 bytes

Virtual input devices
 /dev/zero   (null data)
 /dev/random (pseudo-random data)
 -           (standard input)

Virtual output devices
 -           (standard output)
 /dev/null   (discard the data)
";

/// The loop of firstrun.ps1 with its patterns, which have the same meaning in Python.
const FIND: &str = r"
import re, sys
device, source = None, None
for line in sys.stdin.read().splitlines():
    if re.search(sys.argv[1], line): device = line.strip()
    elif re.search(sys.argv[2], line): device = None
    elif device and re.search(sys.argv[3], line): source = device
print(source or '')
";

#[test]
fn the_patterns_of_the_first_run_script_find_the_install_drive() {
    if !has_tool("python3") {
        return;
    }
    let files = FirstRunKit::new().files();
    let script = String::from_utf8(files[2].1.clone()).unwrap();
    let patterns: Vec<_> =
        script.split("-match '").skip(1).map(|rest| rest.split_once('\'').unwrap().0).collect();
    assert_eq!(patterns.len(), 3, "{script}");
    let work = tempfile::tempdir().unwrap();
    let find = |list: &str| {
        let path = work.path().join("list");
        fs::write(&path, list).unwrap();
        let output = std::process::Command::new("python3")
            .args(["-c", FIND])
            .args(&patterns)
            .stdin(fs::File::open(&path).unwrap())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let drive = r"\\?\Device\Harddisk1\Partition0";
    assert_eq!(find(LIST), drive);
    assert_eq!(find(&LIST.replace('\n', "\r\n")), drive);
    // A disk that does not report what it is.
    let short = LIST
        .replace("  link to \\\\?\\Device\\Harddisk1\\DR1\n  Fixed hard disk media. Block size = 512\n", "");
    assert!(short.len() < LIST.len());
    assert_eq!(find(&short), drive);
    // A partition of that size is not an install drive, nor is a disk whose size only ends with the same digits.
    let (before, _) = LIST.split_once(drive).unwrap();
    assert_eq!(find(before), "");
    assert_eq!(find(&LIST.replace("size is 1048576 bytes", "size is 11048576 bytes")), "");
}

#[cfg(unix)]
mod wine {
    use super::*;
    use vmtemplate_test_support::wine::{Call, Rule, Run, Wine};

    fn words(run: &Run) -> Vec<String> {
        run.calls.iter().map(Call::words).collect()
    }

    fn script(name: &str) -> Vec<u8> {
        FirstRunKit::new().files().into_iter().find(|(file, _)| *file == name).unwrap().1
    }

    fn machine() -> Option<Wine> {
        let wine = Wine::new()?;
        for command in ["net", "powershell", "schtasks"] {
            wine.stand_in(command, &[]);
        }
        Some(wine)
    }

    const PREPARE_CALLS: [&str; 3] = [
        "net session",
        "powershell -NoProfile -NonInteractive -Command Set-ExecutionPolicy -ExecutionPolicy RemoteSigned -Scope \
         LocalMachine -Force",
        "schtasks /Create /TN vmmgr_firstrun /TR C:\\vmmgr\\firstrun.cmd /SC ONSTART /RU SYSTEM /RL HIGHEST /F",
    ];

    #[test]
    fn prepare_does_the_whole_configuration_of_the_image() {
        let Some(wine) = machine() else { return };
        let kit = kit_with_dd(&wine.drive_c());
        kit.write(wine.path("C:\\my kit")).unwrap();
        fs::create_dir(wine.path("C:\\vmmgr")).unwrap();
        fs::write(wine.path("C:\\vmmgr\\vmmgr.cmd"), "rem of a test").unwrap();
        let run = wine.command(&wine.drive_c(), &["cmd", "/c", "C:\\my kit\\prepare.cmd"]);
        assert_eq!((run.code, words(&run)), (0, PREPARE_CALLS.map(str::to_owned).to_vec()), "{run:?}");
        let mut files: Vec<_> = kit.files().into_iter().map(|(name, bytes)| (name.into(), bytes)).collect();
        files.retain(|(name, _): &(std::path::PathBuf, _)| name != Path::new("prepare.cmd"));
        assert_eq!(tree(&wine.path("C:\\vmmgr")), files);
        assert!(!run.stdout.contains("FAILED"), "{}", run.stdout);
        insta::assert_snapshot!(run.stdout.replace("\r\n", "\n"));
    }

    #[test]
    fn prepare_may_stand_in_the_folder_itself() {
        let Some(wine) = machine() else { return };
        kit_with_dd(&wine.drive_c()).write(wine.path("C:\\vmmgr")).unwrap();
        let run = wine.command(&wine.drive_c(), &["cmd", "/c", "C:\\vmmgr\\prepare.cmd"]);
        assert_eq!((run.code, words(&run)), (0, PREPARE_CALLS.map(str::to_owned).to_vec()), "{run:?}");
        assert_eq!(tree(&wine.path("C:\\vmmgr")).len(), 5);
    }

    #[test]
    fn prepare_says_what_failed_and_does_the_rest() {
        let Some(wine) = machine() else { return };
        wine.stand_in("powershell", &[Rule::new("").exits(1)]);
        let run = wine.run_at("C:\\kit\\prepare.cmd", &script("prepare.cmd"), &[]);
        assert_eq!((run.code, words(&run)), (1, PREPARE_CALLS.map(str::to_owned).to_vec()));
        for line in [
            "FAILED: C:\\vmmgr\\firstrun.cmd could not be copied from C:\\kit\\",
            "FAILED: C:\\vmmgr\\dd.exe is not there.",
            "FAILED with exit code 1: scripts of PowerShell",
            "ok: the task vmmgr_firstrun",
            "NOT READY:",
        ] {
            assert!(run.stdout.contains(line), "{line:?} in:\n{}", run.stdout);
        }
    }

    #[test]
    fn prepare_does_nothing_for_one_who_is_no_administrator() {
        let Some(wine) = machine() else { return };
        wine.stand_in("net", &[Rule::new("session").exits(2)]);
        let run = wine.run_at("C:\\kit\\prepare.cmd", &script("prepare.cmd"), &[]);
        assert_eq!((run.code, words(&run)), (1, vec!["net session".to_owned()]));
        assert!(run.stdout.starts_with("FAILED: "), "{}", run.stdout);
        assert!(!wine.path("C:\\vmmgr").exists());
    }

    #[test]
    fn firstrun_runs_the_script_of_powershell() {
        let Some(wine) = machine() else { return };
        let run = wine.run_at("C:\\vmmgr\\firstrun.cmd", &script("firstrun.cmd"), &[]);
        assert_eq!(
            words(&run),
            [
                "powershell -NoProfile -NonInteractive -ExecutionPolicy RemoteSigned -File C:\\vmmgr\\firstrun.ps1"
            ]
        );
        assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", ""));
    }

    #[test]
    fn ddwrap_prints_the_list_of_disks_wherever_dd_prints_it() {
        let Some(wine) = machine() else { return };
        for rule in [Rule::new("--list").complains(LIST), Rule::new("--list").prints(LIST)] {
            wine.stand_in_at("C:\\vmmgr\\dd.exe", &[rule]);
            let run = wine.run_at("C:\\vmmgr\\ddwrap.cmd", &script("ddwrap.cmd"), &[]);
            assert_eq!((words(&run), run.stdout.as_str()), (vec!["dd --list".to_owned()], LIST));
        }
    }
}
