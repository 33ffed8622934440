//! The command as a user meets it: output, exit status, messages.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

fn vmtemplate(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vmtemplate"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("SOURCE_DATE_EPOCH")
        .output()
        .unwrap()
}

/// What a command printed, without the parts that differ between machines.
fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    format!(
        "exit {}\n--- stdout\n{}--- stderr\n{}",
        output.status.code().unwrap(),
        text(&output.stdout),
        text(&output.stderr)
    )
}

/// A folder with a small disk and a script with LF line ends.
fn work() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut disk = vec![0; 3 << 20];
    disk[..512].fill(0x55);
    fs::write(folder.path().join("win2019.raw"), disk).unwrap();
    fs::write(folder.path().join("windows.cmd"), "@echo off\nnet user Administrator ($PASS)\n").unwrap();
    folder
}

/// Without the check, because the small disk does not contain Windows.
const BUILD: [&str; 23] = [
    "build",
    "--name",
    "Windows-Server-2019",
    "--image",
    "win2019.raw",
    "--script",
    "windows.cmd",
    "--memory-mib",
    "1024",
    "--ipv4",
    "yes",
    "--ipv6",
    "no",
    "--tag",
    "windows",
    "--tag",
    "windows2019",
    "--template-version",
    "5",
    "--macro",
    "($PRODUCTKEY)",
    "--no-check",
    "-oW.tar.gz",
];

#[test]
fn build_inspect_unpack_and_pack_again() {
    let folder = work();
    let at = folder.path();
    let built = vmtemplate(at, &BUILD);
    assert_eq!(built.status.code(), Some(0), "{}", said(&built));
    insta::assert_snapshot!(said(&vmtemplate(at, &["inspect", "W.tar.gz"])));
    insta::assert_snapshot!(said(&vmtemplate(at, &["inspect", "W.tar.gz", "--json"])));
    insta::assert_snapshot!(said(&vmtemplate(at, &["unpack", "W.tar.gz", "out"])), @"
    exit 0
    --- stdout
    out/metainfo.xml (601 B)
    out/windows.cmd (43 B)
    out/win2019.hddimage (3.00 MiB)
    --- stderr
    ");
    assert_eq!(
        fs::read(at.join("out/windows.cmd")).unwrap(),
        b"@echo off\r\nnet user Administrator ($PASS)\r\n"
    );
    assert!(fs::read(at.join("out/win2019.hddimage")).unwrap() == fs::read(at.join("win2019.raw")).unwrap());
    let packed = vmtemplate(at, &["pack", "out", "-o", "again.tar.gz", "--json"]);
    let summary: serde_json::Value = serde_json::from_slice(&packed.stdout).unwrap();
    assert_eq!(summary["content_bytes"], 3 * (1 << 20) + 601 + 43);
    assert!(fs::read(at.join("again.tar.gz")).unwrap() == fs::read(at.join("W.tar.gz")).unwrap());
}

#[test]
fn the_time_of_the_entries_follows_source_date_epoch() {
    let folder = work();
    let run = |epoch: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vmtemplate"));
        command.args(BUILD).arg("--force").current_dir(folder.path()).env("SOURCE_DATE_EPOCH", epoch);
        let output = command.output().unwrap();
        (output.status.code(), said(&output), fs::read(folder.path().join("W.tar.gz")).ok())
    };
    let (one, two) = (run("1600000000"), run("1700000000"));
    assert!(one.2.is_some() && one.2 != two.2);
    assert!(run("1600000000").2 == one.2);
    let (code, said, _) = run("yesterday");
    assert_eq!(code, Some(1));
    assert!(said.contains("`SOURCE_DATE_EPOCH`: `yesterday` is not a number of seconds"), "{said}");
}

#[test]
fn every_problem_is_printed_with_its_cause_and_its_fix() {
    let folder = work();
    let output = vmtemplate(
        folder.path(),
        &[
            "build",
            "--name",
            "W",
            "--image",
            "no.raw",
            "--tag",
            "a,b",
            "--macro",
            "PRODUCTKEY",
            "-o",
            "x.tar.gz",
        ],
    );
    insta::assert_snapshot!(said(&output), @r"
    exit 1
    --- stdout
    --- stderr
    error: the template cannot be built: 3 problems
      - no.raw: `image`: cannot open the disk image
        caused by: No such file or directory (os error 2)
      - `tags`: `a,b` is not a tag: a comma separates tags
        help: give each tag with a --tag (`tag`) of its own
      - `macro`: `PRODUCTKEY` is not a macro: `($NAME)` was expected
        help: write it as `($PRODUCTKEY)`
    ");
    assert!(!folder.path().join("x.tar.gz").exists());
}

#[test]
fn an_output_that_is_there_is_kept_without_force() {
    let folder = work();
    assert_eq!(vmtemplate(folder.path(), &BUILD).status.code(), Some(0));
    let before = fs::read(folder.path().join("W.tar.gz")).unwrap();
    insta::assert_snapshot!(said(&vmtemplate(folder.path(), &BUILD)), @r"
    exit 1
    --- stdout
    --- stderr
    error: W.tar.gz: the output already exists
      help: choose another name, remove it, or use --force (`overwrite`)
    ");
    assert!(fs::read(folder.path().join("W.tar.gz")).unwrap() == before);
    let forced: Vec<_> = BUILD.into_iter().chain(["--force", "--level", "9"]).collect();
    assert_eq!(vmtemplate(folder.path(), &forced).status.code(), Some(0));
}

#[test]
fn metainfo_is_edited_in_place_and_keeps_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("metainfo.xml");
    let text = "<doc>\n\t<!-- kept -->\n\t<osname>A</osname>\n\t<limit>\n\t\t<elem name='mem'>512</elem>\n\t</limit>\n</doc>";
    fs::write(&path, text).unwrap();
    let output = vmtemplate(folder.path(), &["metainfo", "metainfo.xml", "--set", "limit.mem=2048"]);
    assert_eq!(String::from_utf8(output.stdout).unwrap(), text.replace("512", "2048"));
    assert_eq!(fs::read_to_string(&path).unwrap(), text, "without -o the file stays");
    let set =
        ["metainfo", "metainfo.xml", "--set", "limit.mem=2048", "--set", "osname=B", "-o", "metainfo.xml"];
    assert_eq!(vmtemplate(folder.path(), &set).status.code(), Some(0));
    assert_eq!(fs::read_to_string(&path).unwrap(), text.replace("512", "2048").replace(">A<", ">B<"));
    // Another file is not overwritten without --force.
    fs::write(folder.path().join("other.xml"), "mine").unwrap();
    let other = ["metainfo", "metainfo.xml", "--set", "osname=C", "-o", "other.xml"];
    assert_eq!(vmtemplate(folder.path(), &other).status.code(), Some(1));
    assert_eq!(fs::read_to_string(folder.path().join("other.xml")).unwrap(), "mine");
}

#[test]
fn metainfo_refuses_what_a_key_cannot_hold() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("metainfo.xml"), "<doc><osname>A</osname></doc>").unwrap();
    for (set, code, says) in [
        ("limit.mem=much", 1, "expected a number of MiB"),
        ("virtionet=perhaps", 1, "yes"),
        ("osnam=B", 2, "did you mean `osname`?"),
        ("osname", 2, "expected KEY=VALUE"),
    ] {
        let output = vmtemplate(folder.path(), &["metainfo", "metainfo.xml", "--set", set]);
        assert_eq!(output.status.code(), Some(code), "{set}: {}", said(&output));
        assert!(said(&output).contains(says), "{set}: {}", said(&output));
    }
    fs::write(folder.path().join("metainfo.xml"), "<doc>\n  <osname>A</doc>").unwrap();
    let output = vmtemplate(folder.path(), &["metainfo", "metainfo.xml"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).starts_with("exit 1\n--- stdout\n--- stderr\nerror: metainfo.xml:2:"),
        "{}",
        said(&output)
    );
}

#[test]
fn wrong_usage_and_refusals_have_different_statuses() {
    let folder = work();
    for arguments in [&["bild"][..], &["build", "--name", "W"], &["inspect"], &["build", "--ipv4", "maybe"]] {
        assert_eq!(vmtemplate(folder.path(), arguments).status.code(), Some(2), "{arguments:?}");
    }
    for arguments in
        [&["inspect", "no.tar.gz"][..], &["unpack", "win2019.raw", "out"], &["pack", ".", "-o", "x"]]
    {
        let output = vmtemplate(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(output.stdout.is_empty());
        assert!(String::from_utf8_lossy(&output.stderr).starts_with("error: "), "{}", said(&output));
    }
}

#[test]
fn a_number_that_does_not_parse_is_answered_with_what_the_option_expects() {
    let folder = work();
    let packs = ["--threads", "--level"];
    let builds = ["--memory-mib", "--disk-mb", "--reboot-count", "--threads", "--level"];
    let commands: [(&[&str], &[&str]); 6] = [
        (&["build", "--name", "W", "--image", "win2019.raw", "-o", "W.tar.gz"], &builds),
        (&["pack", ".", "-o", "W.tar.gz"], &packs),
        (&["unpack", "W.tar.gz", "out"], &["--threads"]),
        (&["verify", "W.tar.gz"], &["--threads"]),
        (&["repo", "push", "repo", "."], &["--threads", "--level", "--lock-timeout"]),
        (&["repo", "sync", "repo"], &["--lock-timeout"]),
    ];
    let expected = |option: &str| match option {
        "--memory-mib" => format!("the memory in MiB without a unit, a whole number from 1 to {}", u64::MAX),
        "--disk-mb" => format!("the disk size in MB without a unit, a whole number from 1 to {}", u64::MAX),
        "--reboot-count" => format!("a number of restarts, a whole number from 0 to {}", u32::MAX),
        "--threads" => format!("a number of threads, a whole number from 1 to {}", usize::MAX),
        "--level" => "a compression level, a whole number from 1 to 12".to_owned(),
        _ => format!("a time in seconds without a unit, a whole number from 0 to {}", u64::MAX),
    };
    for (command, options) in commands {
        for option in options {
            for found in ["4G", "", "1.5", "٣", "99999999999999999999"] {
                let assignment = format!("{option}={found}");
                let arguments = [command, &[assignment.as_str()]].concat();
                let output = vmtemplate(folder.path(), &arguments);
                let text = String::from_utf8_lossy(&output.stderr);
                assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
                let first = text.lines().next().unwrap();
                assert!(
                    first.starts_with(&format!("error: invalid value '{found}' for '{option} <")),
                    "{text}"
                );
                assert!(first.ends_with(&format!("': expected {}", expected(option))), "{text}");
            }
        }
    }
    let none = vmtemplate(folder.path(), &["unpack", "W.tar.gz", "out", "--threads", "0"]);
    assert!(String::from_utf8_lossy(&none.stderr).contains(&expected("--threads")), "{}", said(&none));
}

#[test]
fn a_name_that_an_option_does_not_take_is_answered_with_the_names_that_it_takes() {
    let folder = work();
    let commands: [(&[&str], &str, &str); 6] = [
        (&["disk", "win2019.raw"], "--format", "raw qcow2 vhdx vmdk vhd"),
        (&["render", "windows.cmd"], "--missing", "platform error parens empty keep"),
        (&["render", "windows.cmd"], "--language", "batch powershell posix preseed kickstart cloud-config"),
        (&["drive", "windows.cmd", "-o", "drive.img"], "--padding", "blank-lines zeros"),
        (&["script", "windows"], "--without", "password address ipv6 restart"),
        (&["repo", "init", "repo"], "--format", "vm6 vm5"),
    ];
    for (command, option, names) in commands {
        let output = vmtemplate(folder.path(), &[command, &[option, "foo"]].concat());
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{command:?}: {text}");
        let first = text.lines().next().unwrap();
        assert!(first.starts_with(&format!("error: invalid value 'foo' for '{option} <")), "{text}");
        assert!(names.split(' ').all(|name| first.contains(name)), "{text}");
    }
}

#[test]
fn help_explains_each_command_and_option() {
    let folder = tempfile::tempdir().unwrap();
    for command in ["build", "pack", "inspect", "unpack", "disk", "convert", "metainfo", "lint", "check"] {
        let help = said(&vmtemplate(folder.path(), &[command, "--help"]));
        assert!(help.starts_with("exit 0"), "{help}");
        let options = help.lines().filter(|line| line.trim_start().starts_with('-')).count();
        assert!(options >= 2 && help.len() > 300, "{help}");
    }
    let help = said(&vmtemplate(folder.path(), &["--help"]));
    assert!(help.contains("Examples:") && help.contains("Exit status:"));
}

const LINTED: &str = "@echo off\r\nsetlocal EnableDelayedExpansion\r\nnet user Administrator ($PASS) /y\r\n\
    if \"%1\" == \"\" (\r\n\tpause & rem \u{1b}[2J\r\necho ($NAMESERVR) >> C:\\setup.log\r\nexit /b 0\r\n";

#[test]
fn lint_prints_as_a_compiler_does() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::write(at.join("windows.cmd"), LINTED).unwrap();
    fs::write(at.join("good.cmd"), vmtemplate::Script::default_windows().bytes()).unwrap();
    let xml = "<doc>\n<macro><elem name='($COLOUR)'/></macro>\n<rebootcount>0</rebootcount></doc>";
    fs::write(at.join("metainfo.xml"), xml).unwrap();
    let output = vmtemplate(at, &["lint", "windows.cmd"]);
    assert!(!said(&output).contains('\u{1b}'), "what is in a script does not steer the terminal");
    insta::assert_snapshot!(said(&output));
    insta::assert_snapshot!(said(&vmtemplate(at, &["lint", "windows.cmd", "--metainfo", "metainfo.xml"])));
    insta::assert_snapshot!(said(&vmtemplate(at, &["lint", "good.cmd"])), @r"
    exit 0
    --- stdout
    good.cmd: no findings
    --- stderr
    ");
    let json = vmtemplate(at, &["lint", "windows.cmd", "--json"]);
    assert_eq!(json.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(report["findings"][0]["where"]["file"], "windows.cmd");
}

#[test]
fn check_groups_by_file_explains_allows_and_denies() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let xml = "<?xml version='1.0'?>\n<doc>\n  <osname>Windows-10</osname>\n  <limit>\n    <elem name='mem'>2 GiB</elem>\n  \
               </limit>\n  <support><elem>VMmgr</elem></support>\n  <tags>windows</tags>\n  <version>1</version>\n  \
               <hddimage>W10.hddimage</hddimage>\n  <type>ostemplate</type>\n  <installdrive>w10.cmd</installdrive>\n  \
               <virtiodisk>yes</virtiodisk>\n  <virtionet>yes</virtionet>\n</doc>\n";
    fs::write(at.join("metainfo.xml"), xml).unwrap();
    fs::write(at.join("w10.hddimage"), [0; 512]).unwrap();
    let script = "@echo off\r\nnet user Administrator \"($PASS)\"\r\nschtasks /Delete /TN vmmgr_firstrun /F\r\n\
                  shutdown /r /t 5\r\nexit /b 0\r\n";
    fs::write(at.join("w10.cmd"), script).unwrap();
    let output = vmtemplate(at, &["check", "."]);
    insta::assert_snapshot!(said(&output));
    // The script alone has no error.
    assert_eq!(vmtemplate(at, &["check", "w10.cmd"]).status.code(), Some(0));
    assert_eq!(vmtemplate(at, &["check", "w10.cmd", "--deny", "warnings"]).status.code(), Some(1));
    let allowed = ["check", "w10.cmd", "--deny", "warnings", "--allow", "vmt0232", "--sarif"];
    let output = vmtemplate(at, &allowed);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let sarif: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(sarif["runs"][0]["results"], serde_json::json!([]));
    insta::assert_snapshot!(said(&vmtemplate(at, &["check", "--explain", "vmt0232"])));
    for wrong in [&["check"][..], &["check", ".", "--allow", "VMT9"], &["check", ".", "--json", "--sarif"]] {
        assert_eq!(vmtemplate(at, wrong).status.code(), Some(2), "{wrong:?}");
    }
    assert_eq!(vmtemplate(at, &["check", "no"]).status.code(), Some(1));
}

#[test]
fn build_packs_nothing_that_has_errors() {
    let folder = work();
    let at = folder.path();
    let checked: Vec<_> = BUILD.into_iter().filter(|&argument| argument != "--no-check").collect();
    let output = vmtemplate(at, &checked);
    assert_eq!(output.status.code(), Some(1));
    let printed = said(&output);
    assert!(printed.contains("error[VMT0241]") && printed.contains("--no-check"), "{printed}");
    assert!(!at.join("W.tar.gz").exists());
    assert_eq!(vmtemplate(at, &BUILD).status.code(), Some(0));
}

/// A disk with an MBR and one partition that is not an NTFS volume.
fn partitioned() -> Vec<u8> {
    let mut disk = vec![0; 2 << 20];
    disk[510..512].copy_from_slice(&[0x55, 0xAA]);
    disk[446] = 0x80;
    disk[450] = 0x07;
    disk[454..458].copy_from_slice(&2048u32.to_le_bytes());
    disk[458..462].copy_from_slice(&2048u32.to_le_bytes());
    disk
}

#[test]
fn disk_tells_what_an_image_holds() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("disk.raw"), partitioned()).unwrap();
    insta::assert_snapshot!(said(&vmtemplate(folder.path(), &["disk", "disk.raw"])));
    let json = vmtemplate(folder.path(), &["disk", "disk.raw", "--json"]);
    let info: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((&info["format"], &info["size"]), (&"raw".into(), &(2 << 20).into()));
    assert_eq!(info["partitions"]["partitions"][0]["offset"], 1 << 20);
}

#[test]
fn disk_and_convert_name_a_dynamic_disk_and_leave_nothing_of_it_out() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let mut disk = partitioned();
    disk[450] = 0x42;
    fs::write(at.join("disk.raw"), &disk).unwrap();
    let named = "the free space of partition 1 is kept: partition 1 has the type Windows dynamic disk (42)";
    for arguments in [&["disk", "disk.raw"][..], &["convert", "disk.raw", "out.raw"]] {
        let printed = said(&vmtemplate(at, arguments));
        assert!(
            printed.contains(named) && printed.contains("prepare the image on a basic disk"),
            "{printed}"
        );
    }
    assert!(fs::read(at.join("out.raw")).unwrap() == disk);
    let printed = said(&vmtemplate(at, &["check", "disk.raw"]));
    assert!(printed.contains("error[VMT0310]") && printed.contains("basic disk"), "{printed}");
    let json = vmtemplate(at, &["disk", "disk.raw", "--json"]);
    let info: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    let volume = &info["free_space"]["volumes"][0];
    assert_eq!((&volume["kept"]["reason"], &volume["shadow_copies"]), (&"dynamic-disk".into(), &0.into()));
}

#[test]
fn convert_and_build_take_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let disk = partitioned();
    fs::write(at.join("disk.raw"), &disk).unwrap();
    let piped = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_vmtemplate"))
            .args(arguments)
            .current_dir(at)
            .stdin(fs::File::open(at.join("disk.raw")).unwrap())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    };
    piped(&["convert", "-", "out.raw"]);
    assert!(fs::read(at.join("out.raw")).unwrap() == disk);
    let build = ["build", "--name", "W", "--image", "-", "--image-name", "w.hddimage", "--no-check"];
    piped(&[&build[..], &["-o", "w.tar.gz"]].concat());
    piped(&["unpack", "w.tar.gz", "out"]);
    assert!(fs::read(at.join("out/w.hddimage")).unwrap() == disk);
    let again = vmtemplate(at, &["convert", "disk.raw", "out.raw", "--json"]);
    assert_eq!(again.status.code(), Some(1), "what is there is kept");
    let forced = vmtemplate(at, &["convert", "disk.raw", "out.raw", "--json", "--force"]);
    let summary: serde_json::Value = serde_json::from_slice(&forced.stdout).unwrap();
    assert_eq!(summary["size"], 2 << 20);
}

/// Ctrl-C in the middle of the work removes the temporary file and keeps the old output.
#[cfg(unix)]
#[test]
fn an_interrupt_leaves_nothing_half_written() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    // Random data, so that packing takes a while.
    let mut state = 1u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    })
    .take(128 << 20)
    .collect();
    fs::write(at.join("disk.raw"), noise).unwrap();
    fs::write(at.join("t.tar.gz"), "old").unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_vmtemplate"))
        .args(["build", "--name", "W", "--image", "disk.raw", "-o", "t.tar.gz", "--force", "--level", "12"])
        .arg("--no-check")
        .current_dir(at)
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let temporary =
        || fs::read_dir(at).unwrap().any(|e| e.unwrap().file_name().to_str().unwrap().ends_with("-tmp"));
    while !temporary() {
        assert!(child.try_wait().unwrap().is_none(), "it was done before it could be interrupted");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert!(
        Command::new("sh").args(["-c", &format!("kill -INT {}", child.id())]).status().unwrap().success()
    );
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("error: "), "{}", said(&output));
    assert!(!temporary());
    assert_eq!(fs::read(at.join("t.tar.gz")).unwrap(), b"old");
}

#[test]
fn our_setup_script_is_printed_without_the_steps_that_are_left_out() {
    let work = work();
    let all = vmtemplate(work.path(), &["script", "windows"]);
    assert!(all.status.success() && all.stdout.ends_with(b"\r\n"));
    let text = String::from_utf8(all.stdout).unwrap();
    assert!(text.contains("shutdown /r") && text.contains("($PRODUCTKEY)"));
    let less = vmtemplate(
        work.path(),
        &["script", "windows", "--without", "restart", "--without", "activation", "-o", "setup.cmd"],
    );
    assert_eq!(said(&less), "exit 0\n--- stdout\n--- stderr\n");
    let text = fs::read_to_string(work.path().join("setup.cmd")).unwrap();
    assert!(!text.contains("shutdown /r") && !text.contains("($PRODUCTKEY)"));
    let wrong = vmtemplate(work.path(), &["script", "windows", "--without", "sleep"]);
    assert_eq!(wrong.status.code(), Some(2));
    let refused = vmtemplate(work.path(), &["script", "windows", "--administrator", "a/b"]);
    assert_eq!(refused.status.code(), Some(1));
}

#[test]
fn the_first_run_kit_is_written_as_a_folder_and_as_a_cd_image() {
    let work = work();
    fs::write(work.path().join("dd.exe"), "MZ").unwrap();
    let arguments = ["firstrun", "kit", "--dd", "dd.exe", "--iso", "kit.iso"];
    let done = vmtemplate(work.path(), &arguments);
    assert_eq!(said(&done), "exit 0\n--- stdout\n--- stderr\n");
    let mut names: Vec<_> = fs::read_dir(work.path().join("kit"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["dd.exe", "ddwrap.cmd", "firstrun.cmd", "firstrun.ps1", "prepare.cmd"]);
    assert_eq!(&fs::read(work.path().join("kit.iso")).unwrap()[0x8001..0x8006], b"CD001");
    assert_eq!(vmtemplate(work.path(), &arguments).status.code(), Some(1));
}

#[test]
fn a_cd_image_that_cannot_be_written_leaves_no_folder_either() {
    let work = work();
    let at = work.path();
    fs::write(at.join("kit.iso"), "old").unwrap();
    for iso in ["kit.iso", "no/such/folder.iso"] {
        let refused = vmtemplate(at, &["firstrun", "kit", "--iso", iso]);
        assert_eq!(refused.status.code(), Some(1), "{iso}");
        assert!(!at.join("kit").exists(), "{iso}");
    }
    // Conversely, a folder that cannot be written leaves no CD image.
    fs::create_dir(at.join("full")).unwrap();
    fs::write(at.join("full/prepare.cmd"), "old").unwrap();
    let refused = vmtemplate(at, &["firstrun", "full", "--iso", "new.iso"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(!at.join("new.iso").exists());
    assert_eq!(fs::read_dir(at.join("full")).unwrap().count(), 1);

    let done = vmtemplate(at, &["firstrun", "kit", "--iso", "kit.iso", "--force"]);
    assert_eq!(said(&done), "exit 0\n--- stdout\n--- stderr\n");
    let inside = vmtemplate(at, &["firstrun", "new", "--iso", "new/kit.iso"]);
    assert_eq!(said(&inside), "exit 0\n--- stdout\n--- stderr\n");
    assert_eq!(fs::read(at.join("new/kit.iso")).unwrap(), fs::read(at.join("kit.iso")).unwrap());
}

#[test]
fn the_install_drive_holds_the_rendered_script() {
    let work = work();
    let arguments = ["drive", "windows.cmd", "--set", "PASS=a&b", "-o", "drive.img"];
    assert_eq!(said(&vmtemplate(work.path(), &arguments)), "exit 0\n--- stdout\n--- stderr\n");
    let drive = fs::read(work.path().join("drive.img")).unwrap();
    assert_eq!(drive.len(), 1_048_576);
    assert!(drive.starts_with(b"@echo off\nnet user Administrator \"a&b\"\n\n"));
    assert_eq!(vmtemplate(work.path(), &arguments).status.code(), Some(1));
    let rendered = vmtemplate(work.path(), &["drive", "windows.cmd", "-o", "other.img"]);
    assert_eq!(rendered.status.code(), Some(1));
    assert!(!work.path().join("other.img").exists());
}

#[test]
fn the_language_of_a_script_is_told_or_asked_for() {
    let folder = work();
    let at = folder.path();
    fs::write(at.join("setup"), "echo ($PASS)\n").unwrap();
    let render = ["render", "setup", "--set", "PASS=a b"];
    let refused = vmtemplate(at, &render);
    assert_eq!(refused.status.code(), Some(1));
    assert!(said(&refused).contains("`--language batch`"), "{}", said(&refused));
    let rendered = vmtemplate(at, &[&render[..], &["--language", "posix"]].concat());
    assert_eq!(rendered.stdout, b"echo 'a b'\n");
    fs::write(at.join("setup.ps1"), "echo ($PASS)\n").unwrap();
    let rendered = vmtemplate(at, &["render", "setup.ps1", "--set", "PASS=a b"]);
    assert_eq!(rendered.stdout, b"echo 'a b'\n");
    for command in ["lint", "check"] {
        assert!(said(&vmtemplate(at, &[command, "setup"])).contains("warning[VMT0209]"), "{command}");
        let printed = said(&vmtemplate(at, &[command, "setup", "--language", "posix"]));
        assert!(printed.contains("no findings"), "{printed}");
        assert_eq!(vmtemplate(at, &[command, "setup", "--language", "basic"]).status.code(), Some(2));
    }
}

#[test]
fn a_macro_without_a_value_becomes_what_was_asked_for_and_other_names_stay() {
    let folder = work();
    let at = folder.path();
    fs::write(at.join("setup.ps1"), "if ($nic) { '($HOSTNAME)' }\n").unwrap();
    for (missing, expected) in [
        ("platform", "if ($nic) { '' }\n"),
        ("empty", "if ($nic) { '' }\n"),
        ("parens", "if ($nic) { '()' }\n"),
        ("keep", "if ($nic) { '($HOSTNAME)' }\n"),
    ] {
        let rendered = vmtemplate(at, &["render", "setup.ps1", "--missing", missing]);
        assert_eq!(String::from_utf8_lossy(&rendered.stdout), expected, "{missing}");
    }
    assert_eq!(vmtemplate(at, &["render", "setup.ps1"]).status.code(), Some(1));
    let given = vmtemplate(at, &["render", "setup.ps1", "--set", "HOSTNAME=web"]);
    assert_eq!(given.stdout, b"if ($nic) { 'web' }\n");
    // The file of values as Windows PowerShell writes it.
    let wide: Vec<u8> = "\u{FEFF}{\"HOSTNAME\": \"web\"}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(at.join("values.json"), wide).unwrap();
    let given = vmtemplate(at, &["render", "setup.ps1", "--values", "values.json"]);
    assert_eq!(given.stdout, b"if ($nic) { 'web' }\n");
}

#[test]
fn render_quotes_values_refuses_others_and_writes_all_or_nothing() {
    let folder = work();
    let at = folder.path();
    let pass = ["render", "windows.cmd", "--set", "PASS=a & b"];
    insta::assert_snapshot!(said(&vmtemplate(at, &pass)), @r#"
    exit 0
    --- stdout
    @echo off
    net user Administrator "a & b"
    --- stderr
    "#);
    let raw = said(&vmtemplate(at, &[&pass[..], &["--as-platform"]].concat()));
    assert!(raw.contains("Administrator a & b\n"), "{raw}");
    let kept = said(&vmtemplate(at, &["render", "windows.cmd", "--missing", "keep"]));
    assert!(kept.contains("Administrator ($PASS)\n"), "{kept}");

    // The template in a folder, whose metainfo.xml restricts passwords.
    fs::write(
        at.join("metainfo.xml"),
        "<doc><osname>W</osname><installdrive>windows.cmd</installdrive>\
         <illegal_password_characters>&amp;</illegal_password_characters></doc>",
    )
    .unwrap();
    fs::write(at.join("values.json"), r#"{"PASS": "a & b"}"#).unwrap();
    let refused = vmtemplate(at, &["render", ".", "--values", "values.json", "-o", "out.cmd"]);
    assert!(said(&refused).contains("the password contains `&`"), "{}", said(&refused));
    assert_eq!(refused.status.code(), Some(1));
    assert!(!at.join("out.cmd").exists());
    let given = ["render", ".", "--values", "values.json", "--set", "PASS=new", "-o", "out.cmd"];
    assert_eq!(vmtemplate(at, &given).status.code(), Some(0));
    assert_eq!(fs::read(at.join("out.cmd")).unwrap(), b"@echo off\nnet user Administrator new\n");
    assert_eq!(vmtemplate(at, &given).status.code(), Some(1), "what is there is kept");
    assert_eq!(vmtemplate(at, &[&given[..], &["--force"]].concat()).status.code(), Some(0));
    // A missing value, a value of the wrong kind, and text that is not an assignment.
    for wrong in [
        &["render", "windows.cmd"][..],
        &["render", "windows.cmd", "--set", "IP=here"],
        &["render", "windows.cmd", "--set", "PASS"],
    ] {
        let refused = vmtemplate(at, wrong);
        assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
        assert!(refused.stdout.is_empty());
    }
    assert_eq!(vmtemplate(at, &["render", "windows.cmd", "--missing", "x"]).status.code(), Some(2));
}
