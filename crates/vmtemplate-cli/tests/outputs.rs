//! What commands write to and read from: devices, links, streams, and outputs that already exist.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

use std::fs;
use std::io::Write;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use vmtemplate_test_support::{has_tool, is_root, run, said};

const BIN: &str = env!("CARGO_BIN_EXE_vmtemplate");

fn vmtemplate(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(BIN).args(arguments).current_dir(folder).output().unwrap()
}

fn succeeds(folder: &Path, arguments: &[&str]) -> Output {
    let output = vmtemplate(folder, arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", said(&output));
    output
}

/// Run the command with the file `input` on standard input, through a pipe.
fn fed(folder: &Path, input: &str, arguments: &[&str]) -> Output {
    let bytes = fs::read(folder.join(input)).unwrap();
    let mut child = Command::new(BIN)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let feeder = std::thread::spawn(move || stdin.write_all(&bytes).ok());
    let output = child.wait_with_output().unwrap();
    feeder.join().unwrap();
    output
}

/// A folder with a disk, a script, values, a template's folder and its archive.
fn work() -> TempDir {
    let work = tempfile::tempdir().unwrap();
    let at = work.path();
    let mut disk = vec![0; 1 << 20];
    disk[..5000].fill(0x55);
    fs::write(at.join("w.raw"), disk).unwrap();
    fs::write(at.join("setup.cmd"), "@echo off\r\nnet user Administrator ($PASS)\r\n").unwrap();
    fs::write(at.join("values.json"), r#"{"PASS": "s3cret"}"#).unwrap();
    succeeds(
        at,
        &["build", "--name", "W", "--image", "w.raw", "--script", "setup.cmd", "--no-check", "-ot.tar.gz"],
    );
    succeeds(at, &["unpack", "t.tar.gz", "fold"]);
    work
}

fn mode(path: impl AsRef<Path>) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Every command that writes a file, without the path and without `--force`.
const WRITING: [&[&str]; 6] = [
    &["pack", "fold", "-o"],
    &["convert", "w.raw"],
    &["render", "setup.cmd", "--values", "values.json", "-o"],
    &["drive", "setup.cmd", "--values", "values.json", "-o"],
    &["script", "windows", "-o"],
    &["metainfo", "fold/metainfo.xml", "--set", "version=6", "-o"],
];

#[test]
fn a_folder_where_a_file_is_expected_is_refused_with_the_way_out() {
    let work = TempDir::new().unwrap();
    fs::create_dir(work.path().join("d")).unwrap();
    fs::write(work.path().join("disk.raw"), [7; 512]).unwrap();
    for (arguments, way_out) in [
        (&["lint", "d"][..], "give the path of a file in it"),
        (&["metainfo", "d"], "give the path of a file in it"),
        (&["verify", "d"], "pack the folder first"),
        (&["unpack", "d", "out"], "pack the folder first"),
        (&["convert", "disk.raw", "no/such.raw"], "create the folder `no` first"),
    ] {
        let output = vmtemplate(work.path(), arguments);
        assert!(!output.status.success(), "{arguments:?}");
        assert!(said(&output).contains(way_out), "{arguments:?}: {}", said(&output));
    }
}

#[test]
fn a_device_is_written_to_and_never_replaced_by_a_file() {
    if !is_root() {
        return;
    }
    let work = work();
    let at = work.path();
    fs::create_dir(at.join("d")).unwrap();
    // A device that works like /dev/null and that no other program needs.
    run("mknod", [at.join("d/null").to_str().unwrap(), "c", "1", "3"]);
    for command in WRITING {
        for force in [&[][..], &["--force"]] {
            succeeds(at, &[command, &["d/null"], force].concat());
            assert!(fs::metadata(at.join("d/null")).unwrap().file_type().is_char_device(), "{command:?}");
            assert_eq!(names(&at.join("d")), ["null"], "{command:?}");
        }
    }
}

#[test]
fn a_named_pipe_gets_what_a_file_would_hold() {
    let work = work();
    let at = work.path();
    run("mkfifo", [at.join("pipe")]);
    for command in WRITING {
        succeeds(at, &[command, &["file"]].concat());
        let pipe = at.join("pipe");
        let reader = std::thread::spawn(move || fs::read(pipe).unwrap());
        succeeds(at, &[command, &["pipe"]].concat());
        assert!(reader.join().unwrap() == fs::read(at.join("file")).unwrap(), "{command:?}");
        assert!(fs::metadata(at.join("pipe")).unwrap().file_type().is_fifo());
        fs::remove_file(at.join("file")).unwrap();
    }
}

#[test]
fn a_link_stays_a_link_for_every_command_that_writes() {
    let work = work();
    let at = work.path();
    fs::create_dir(at.join("elsewhere")).unwrap();
    for command in WRITING {
        fs::write(at.join("elsewhere/file"), "old").unwrap();
        fs::set_permissions(at.join("elsewhere/file"), PermissionsExt::from_mode(0o640)).unwrap();
        symlink("elsewhere/file", at.join("link")).unwrap();
        let kept = vmtemplate(at, &[command, &["link"]].concat());
        assert_eq!(kept.status.code(), Some(1), "{command:?}");
        assert_eq!(fs::read(at.join("elsewhere/file")).unwrap(), b"old");
        succeeds(at, &[command, &["link", "--force"]].concat());
        assert!(fs::symlink_metadata(at.join("link")).unwrap().is_symlink(), "{command:?}");
        assert_ne!(fs::read(at.join("elsewhere/file")).unwrap(), b"old", "{command:?}");
        assert_eq!(mode(at.join("link")), 0o640, "a file that is replaced keeps its mode: {command:?}");
        assert_eq!(names(&at.join("elsewhere")), ["file"]);
        fs::remove_file(at.join("link")).unwrap();
    }
}

#[test]
fn what_holds_a_password_is_made_for_its_owner_alone() {
    let work = work();
    let at = work.path();
    fs::write(at.join("plain"), "").unwrap();
    for command in WRITING {
        succeeds(at, &[command, &["new"]].concat());
        let is_secret = matches!(command[0], "render" | "drive");
        assert_eq!(
            mode(at.join("new")),
            if is_secret { 0o600 } else { mode(at.join("plain")) },
            "{command:?}"
        );
        fs::remove_file(at.join("new")).unwrap();
    }
}

#[test]
fn a_file_that_is_replaced_keeps_its_owner() {
    if !is_root() {
        return;
    }
    let work = work();
    let at = work.path();
    fs::write(at.join("theirs"), "").unwrap();
    std::os::unix::fs::chown(at.join("theirs"), Some(65534), Some(65534)).unwrap();
    for command in WRITING {
        succeeds(at, &[command, &["theirs", "--force"]].concat());
        let found = fs::metadata(at.join("theirs")).unwrap();
        assert_eq!((found.uid(), found.gid()), (65534, 65534), "{command:?}");
    }
}

#[test]
fn a_fetch_keeps_links_and_modes_and_replaces_no_pipe() {
    let work = work();
    let at = work.path();
    succeeds(at, &["repo", "init", "repo"]);
    succeeds(at, &["repo", "push", "repo", "fold"]);
    fs::create_dir(at.join("here")).unwrap();
    fs::create_dir(at.join("elsewhere")).unwrap();
    fs::write(at.join("elsewhere/file"), "old").unwrap();
    fs::set_permissions(at.join("elsewhere/file"), PermissionsExt::from_mode(0o640)).unwrap();
    symlink("../elsewhere/file", at.join("here/W.tar.gz")).unwrap();
    succeeds(at, &["repo", "fetch", "repo", "W", "here", "--force"]);
    assert!(fs::symlink_metadata(at.join("here/W.tar.gz")).unwrap().is_symlink());
    assert!(fs::read(at.join("elsewhere/file")).unwrap() == fs::read(at.join("repo/W.tar.gz")).unwrap());
    assert_eq!(mode(at.join("elsewhere/file")), 0o640);
    fs::remove_file(at.join("here/W.tar.gz")).unwrap();
    run("mkfifo", [at.join("here/W.tar.gz")]);
    let refused = vmtemplate(at, &["repo", "fetch", "repo", "W", "here", "--force"]);
    assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
    assert!(fs::metadata(at.join("here/W.tar.gz")).unwrap().file_type().is_fifo());
}

#[test]
fn a_hyphen_is_standard_output_in_every_command_that_writes() {
    let work = work();
    let at = work.path();
    for command in WRITING {
        succeeds(at, &[command, &["file"]].concat());
        let output = succeeds(at, &[command, &["-"]].concat());
        assert!(output.stdout == fs::read(at.join("file")).unwrap(), "{command:?}");
        fs::remove_file(at.join("file")).unwrap();
    }
    let built =
        succeeds(at, &["build", "--name", "W", "--image", "w.raw", "--no-check", "--json", "-o", "-"]);
    assert!(built.stdout.starts_with(b"\x1F\x8B"));
    let summary: serde_json::Value = serde_json::from_slice(&built.stderr).unwrap();
    assert_eq!(summary["archive_bytes"], built.stdout.len());
    let iso = succeeds(at, &["firstrun", "kit", "--iso", "-"]).stdout;
    assert_eq!(&iso[0x8001..0x8006], b"CD001");
    assert!(!at.join("-").exists());
}

#[test]
fn a_hyphen_is_standard_input_in_every_command_that_reads() {
    let work = work();
    let at = work.path();
    let render = ["render", "setup.cmd", "--values", "values.json"];
    let cases: [(&str, &[&str], &[&str]); 13] = [
        ("t.tar.gz", &["inspect", "-"], &["inspect", "t.tar.gz"]),
        ("t.tar.gz", &["verify", "-", "--json"], &["verify", "t.tar.gz", "--json"]),
        ("t.tar.gz", &["check", "-", "--json"], &["check", "t.tar.gz", "--json"]),
        ("w.raw", &["check", "-", "--json"], &["check", "w.raw", "--json"]),
        ("setup.cmd", &["lint", "-", "--json"], &["lint", "setup.cmd", "--json"]),
        (
            "fold/metainfo.xml",
            &["lint", "setup.cmd", "--metainfo", "-"],
            &["lint", "setup.cmd", "--metainfo", "fold/metainfo.xml"],
        ),
        ("fold/metainfo.xml", &["metainfo", "-"], &["metainfo", "fold/metainfo.xml"]),
        (
            "fold/metainfo.xml",
            &["metainfo", "-", "--set", "version=7"],
            &["metainfo", "fold/metainfo.xml", "--set", "version=7"],
        ),
        ("setup.cmd", &["render", "-", "--values", "values.json"], &render),
        ("t.tar.gz", &["render", "-", "--values", "values.json"], &render),
        ("values.json", &["render", "setup.cmd", "--values", "-"], &render),
        ("w.raw", &["convert", "-", "-"], &["convert", "w.raw", "-"]),
        ("t.tar.gz", &["pack", "-", "-o", "-"], &["pack", "fold", "-o", "-"]),
    ];
    for (input, by_stream, by_path) in cases {
        let (streamed, plain) = (fed(at, input, by_stream), vmtemplate(at, by_path));
        assert_eq!(streamed.status.code(), plain.status.code(), "{by_stream:?}: {}", said(&streamed));
        let name = Path::new(input).file_name().unwrap().to_str().unwrap();
        let text = |output: &Output| {
            let text = String::from_utf8_lossy(&output.stdout);
            text.replace("standard input", "INPUT").replace(input, "INPUT").replace(name, "INPUT")
        };
        assert_eq!(text(&streamed), text(&plain), "{by_stream:?}");
    }
    let unpacked = fed(at, "t.tar.gz", &["unpack", "-", "again"]);
    assert_eq!(unpacked.status.code(), Some(0), "{}", said(&unpacked));
    assert_eq!(names(&at.join("again")), names(&at.join("fold")));
    let twice = fed(at, "values.json", &["render", "-", "--values", "-"]);
    assert_eq!(twice.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&twice.stderr).contains("two arguments are `-`"), "{}", said(&twice));
}

/// A file that the shell has opened for redirection is appended to, never replaced or overwritten.
#[test]
fn a_descriptor_as_output_goes_behind_what_is_in_its_file() {
    let work = work();
    let at = work.path();
    if !Path::new("/proc/self/fd/1").exists() {
        return;
    }
    for output in ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "/dev/fd/7"] {
        fs::write(at.join("log"), "begun\n").unwrap();
        let script = format!("exec 7>>log; {BIN} script windows --force -o {output} >>log; echo done >>log");
        let status = Command::new("sh").args(["-c", &script]).current_dir(at).status().unwrap();
        assert!(status.success());
        let log = fs::read_to_string(at.join("log")).unwrap();
        assert!(log.starts_with("begun\n@echo off") && log.ends_with("done\n"), "{output}: {log:.80}");
    }
}

#[test]
fn an_output_in_the_way_or_without_a_folder_is_reported_before_the_work() {
    let work = work();
    let at = work.path();
    fs::write(at.join("there"), "old").unwrap();
    fs::create_dir(at.join("folder")).unwrap();
    for (output, expected) in [
        ("there", "there: the output already exists"),
        ("no/such", "no/such: cannot create a file beside the output"),
        ("folder", "folder: the output is a folder"),
        ("new/", "new/: the output is a folder"),
    ] {
        // The image on standard input is empty, which would be reported if it were read before the output is probed.
        // The template that build makes has errors, which the check would report.
        for command in [
            &["convert", "-", output][..],
            &["build", "--name", "W", "--image", "w.raw", "-o", output],
            &["build", "--name", "W", "--image", "-", "-o", output],
            &["pack", "-", "-o", output],
            &["drive", "-", "-o", output],
            &["render", "-", "-o", output],
            &["metainfo", "-", "--set", "version=6", "-o", output],
            &["firstrun", "kit", "--iso", output],
        ] {
            let refused = vmtemplate(at, command);
            assert_eq!(refused.status.code(), Some(1), "{command:?}: {}", said(&refused));
            let text = String::from_utf8_lossy(&refused.stderr);
            assert!(text.starts_with(&format!("error: {expected}")), "{command:?}: {text}");
        }
    }
    assert_eq!(fs::read(at.join("there")).unwrap(), b"old");
    assert!(!at.join("kit").exists());
}

#[test]
fn a_bad_option_is_reported_before_the_image_is_read() {
    let work = work();
    let at = work.path();
    let build = ["build", "--name", "W", "--image", "-", "-o", "new.tar.gz"];
    for (more, expected) in [
        (&["--level", "99"][..], "level"),
        (&["--script", "no-such.cmd"], "no-such.cmd"),
        (&["--metainfo", "no-such.xml"], "no-such.xml"),
        (&["--tag", "a,b"], "tags"),
    ] {
        let refused = vmtemplate(at, &[&build[..], more].concat());
        let text = String::from_utf8_lossy(&refused.stderr);
        assert_eq!(refused.status.code(), Some(1), "{more:?}: {text}");
        assert!(text.contains(expected) && !text.contains("VMT0"), "{more:?}: {text}");
        assert!(!text.contains("stream") && !text.contains("empty"), "the image was not read: {text}");
    }
    succeeds(at, &["repo", "init", "repo"]);
    let refused = vmtemplate(at, &["repo", "push", "repo", "no-such", "--level", "99"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("level"), "{}", said(&refused));
}

/// As on gcsfuse, s3fs, rclone and some NFS.
#[test]
fn archives_and_files_get_their_names_where_there_is_no_careful_rename_and_no_link() {
    if !has_tool("strace") {
        return;
    }
    let work = work();
    let at = work.path();
    succeeds(at, &["repo", "init", "repo"]);
    for command in [
        &["pack", "fold", "-o", "new.tar.gz"][..],
        &["unpack", "t.tar.gz", "new"],
        &["convert", "w.raw", "new.raw"],
        &["drive", "setup.cmd", "--values", "values.json", "-o", "drive.img"],
        &["firstrun", "kit", "--iso", "kit.iso"],
        &["repo", "push", "repo", "fold"],
        &["repo", "fetch", "repo", "W", "fetched"],
    ] {
        let strace = |errno: &str| {
            Command::new("strace")
                .args(["-f", "-q", "-o", "/dev/null", "-e", "trace=renameat2,linkat"])
                .args(["-e", &format!("inject=renameat2:error={errno}"), "-e", "inject=linkat:error=EPERM"])
                .arg(BIN)
                .args(command)
                .current_dir(at)
                .output()
                .unwrap()
        };
        let done = strace("EINVAL");
        assert_eq!(done.status.code(), Some(0), "{command:?}: {}", said(&done));
        // An existing file is kept nevertheless.
        let kept = strace("ENOTSUP");
        let is_there_already = kept.status.code() == Some(1);
        assert!(is_there_already || command[..2] == ["repo", "fetch"], "{command:?}: {}", said(&kept));
    }
    assert!(fs::read(at.join("new.tar.gz")).unwrap() == fs::read(at.join("t.tar.gz")).unwrap());
    assert!(names(at).iter().all(|name| !name.ends_with("-tmp")), "{:?}", names(at));
}

/// For example in a container that has reached its pids limit, or for a user that has reached `ulimit -u`.
#[test]
fn where_no_thread_can_be_started_every_command_works_in_the_one_it_has() {
    if !has_tool("prlimit") {
        return;
    }
    let work = work();
    let at = work.path();
    let is_root = fs::metadata("/proc/self").is_ok_and(|found| found.uid() == 0);
    // The limit does not apply to root. Another user must be able to read the program and its input.
    let program = at.join("vmtemplate");
    fs::copy(BIN, &program).unwrap();
    fs::set_permissions(at, PermissionsExt::from_mode(0o777)).unwrap();
    let limited = |arguments: &[&str]| {
        let mut command = Command::new("prlimit");
        command.arg("--nproc=1:1").arg(&program).args(arguments).current_dir(at);
        if is_root {
            command.uid(65534).gid(65534);
        }
        command.output().unwrap()
    };
    for command in [
        &["verify", "t.tar.gz"][..],
        &["unpack", "t.tar.gz", "un"],
        &["pack", "fold", "-o", "new.tar.gz"],
        &["convert", "w.raw", "new.raw"],
        &["inspect", "t.tar.gz"],
        &["disk", "w.raw"],
        &["repo", "init", "repo"],
        &["repo", "push", "repo", "fold"],
        &["repo", "add", "repo", "new.tar.gz", "--name", "Second", "--image-name", "second.hddimage"],
        &["repo", "verify", "repo"],
        &["repo", "fetch", "repo", "W", "fetched"],
    ] {
        let done = limited(command);
        assert_eq!(done.status.code(), Some(0), "{command:?}: {}", said(&done));
    }
    assert!(fs::read(at.join("new.tar.gz")).unwrap() == fs::read(at.join("t.tar.gz")).unwrap());
    let checked = limited(&["check", "t.tar.gz"]);
    assert_eq!(
        checked.status.code(),
        vmtemplate(at, &["check", "t.tar.gz"]).status.code(),
        "{}",
        said(&checked)
    );
    for command in [&["repo", "list", "http://127.0.0.1:9/"][..], &["disk", "rbd:pool/image"]] {
        let refused = limited(command);
        assert_eq!(refused.status.code(), Some(1), "{command:?}: {}", said(&refused));
        assert!(refused.stderr.starts_with(b"error: "), "{command:?}: {}", said(&refused));
    }
}

#[test]
fn an_archive_never_takes_the_place_of_a_file_that_it_is_made_of() {
    let work = work();
    let at = work.path();
    fs::hard_link(at.join("fold/w.hddimage"), at.join("linked.raw")).unwrap();
    symlink("fold/metainfo.xml", at.join("link.xml")).unwrap();
    let before = (fs::read(at.join("w.raw")).unwrap(), vmtemplate_test_support::tree(&at.join("fold")));
    let build = ["build", "--name", "W", "--image", "w.raw", "--no-check", "--force", "-ow.raw"];
    for arguments in [
        &build[..],
        &["pack", "fold", "--force", "-ofold/w.hddimage"],
        &["pack", "fold", "--force", "-ofold/setup.cmd"],
        &["pack", "fold", "--force", "-olinked.raw"],
        &["pack", "fold", "--force", "-olink.xml"],
    ] {
        let output = vmtemplate(at, arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", said(&output));
        assert!(said(&output).contains("that the template is made of"), "{}", said(&output));
    }
    assert!(before == (fs::read(at.join("w.raw")).unwrap(), vmtemplate_test_support::tree(&at.join("fold"))));
}

/// A qcow2 of version 2 without allocated clusters (QEMU, docs/interop/qcow2.rst): header, refcounts, L1 table.
fn qcow2_over(backing: &str, size: u64) -> Vec<u8> {
    const CLUSTER: u64 = 1 << 16;
    let mut image = vec![0; 3 * CLUSTER as usize];
    let mut put = |at: usize, bytes: &[u8]| image[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, b"QFI\xfb\0\0\0\x02");
    put(8, &512_u64.to_be_bytes()); // the name of the backing file
    put(16, &(backing.len() as u32).to_be_bytes());
    put(20, &16_u32.to_be_bytes());
    put(24, &size.to_be_bytes());
    put(36, &1_u32.to_be_bytes());
    put(40, &(2 * CLUSTER).to_be_bytes());
    put(48, &CLUSTER.to_be_bytes());
    put(56, &1_u32.to_be_bytes());
    put(512, backing.as_bytes());
    image
}

#[test]
fn no_output_takes_the_place_of_a_file_that_is_read_for_it() {
    let work = work();
    let at = work.path();
    let raw = fs::read(at.join("w.raw")).unwrap();
    // A qcow2 over a raw disk, without allocated clusters: everything is read from the backing file.
    fs::write(at.join("over.qcow2"), qcow2_over("w.raw", raw.len() as u64)).unwrap();
    fs::write(
        at.join("flat.vmdk"),
        format!(
            "# Disk DescriptorFile\nversion=1\nCID=1\nparentCID=ffffffff\nRW {} FLAT \"w.raw\" 0\n",
            raw.len() / 512
        ),
    )
    .unwrap();
    fs::hard_link(at.join("w.raw"), at.join("linked.raw")).unwrap();
    symlink("over.qcow2", at.join("link.qcow2")).unwrap();
    let build = |image: &str, output: &str| {
        format!(
            "build --name W --image {image} --backing-files . --script fold/setup.cmd --no-check --force -o {output}"
        )
    };
    for command in [
        "convert over.qcow2 w.raw --backing-files . --force".to_owned(),
        "convert over.qcow2 linked.raw --backing-files . --force".to_owned(),
        "convert over.qcow2 link.qcow2 --backing-files . --force".to_owned(),
        "convert flat.vmdk w.raw --backing-files . --force".to_owned(),
        "convert flat.vmdk flat.vmdk --backing-files . --force".to_owned(),
        "convert w.raw linked.raw --force".to_owned(),
        build("over.qcow2", "w.raw"),
        build("flat.vmdk", "linked.raw"),
        build("w.raw", "fold/setup.cmd"),
        "drive fold --set PASS=s3cret --force -o fold/w.hddimage".to_owned(),
        "drive fold --set PASS=s3cret --force -o fold/metainfo.xml".to_owned(),
        "drive fold --set PASS=s3cret --force -o fold/setup.cmd".to_owned(),
        "drive fold/setup.cmd --set PASS=s3cret --force -o fold/setup.cmd".to_owned(),
        "render fold --set PASS=s3cret --force -o fold/w.hddimage".to_owned(),
        "render fold/setup.cmd --set PASS=s3cret --force -o fold/setup.cmd".to_owned(),
    ] {
        let before = vmtemplate_test_support::tree(at);
        let arguments: Vec<&str> = command.split_whitespace().collect();
        let output = vmtemplate(at, &arguments);
        assert_eq!(output.status.code(), Some(1), "{command}: {}", said(&output));
        assert!(said(&output).contains("the output is a file that the"), "{command}: {}", said(&output));
        assert!(vmtemplate_test_support::tree(at) == before, "{command}");
    }
    // Other files in the folder may be replaced.
    fs::write(at.join("fold/drive.img"), "").unwrap();
    succeeds(at, &["drive", "fold", "--set", "PASS=s3cret", "--force", "-ofold/drive.img"]);
    assert_eq!(fs::metadata(at.join("fold/drive.img")).unwrap().len(), 1 << 20);
}

#[test]
fn a_signal_ends_a_command_that_waits_for_a_pipe() {
    let work = work();
    let at = work.path();
    run("mkfifo", [at.join("pipe")]);
    for signals in [1, 2] {
        let mut child = Command::new(BIN)
            .args(["convert", "w.raw", "pipe"])
            .current_dir(at)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // No program reads from the pipe, so opening it blocks.
        std::thread::sleep(Duration::from_millis(500));
        assert!(child.try_wait().unwrap().is_none());
        for _ in 0..signals {
            run("sh", ["-c", &format!("kill -TERM {}", child.id())]);
            std::thread::sleep(Duration::from_millis(100));
        }
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            // Far longer than it may take, even on a busy machine.
            if begun.elapsed() > Duration::from_mins(1) {
                child.kill().unwrap();
                panic!("it does not end after {signals} signals");
            }
            std::thread::sleep(Duration::from_millis(50));
        };
        assert_eq!(status.code(), Some(130), "{status:?}");
    }
}
