//! Publishing to object storage: while packing, concurrently with other publishers, and killed at any moment.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use vmtemplate_test_support::servers::S3;
use vmtemplate_test_support::{has_tool, noise, run, said};

const REPO: &str = "s3://bucket/os/repo";

struct Work {
    server: S3,
    folder: TempDir,
}

impl Work {
    /// A server with an empty repository, and a folder to work in.
    fn new() -> Option<Self> {
        let work = Self { server: S3::start()?, folder: tempfile::tempdir().unwrap() };
        work.done(&["repo", "init", REPO]);
        Some(work)
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vmtemplate"));
        command.args(arguments).current_dir(self.path()).envs(self.server.variables());
        command
    }

    fn output(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Run the command, which must succeed, and return what it printed.
    fn done(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        assert!(output.status.success(), "{arguments:?}\n{}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Run the command, which must fail, and return its standard error.
    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}\n{}", said(&output));
        String::from_utf8(output.stderr).unwrap()
    }

    /// A template folder with a disk of random data.
    fn template(&self, name: &str, seed: u64, length: usize) {
        let folder = self.path().join(name);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("w.img"), noise(seed, length)).unwrap();
        fs::write(folder.join("s.cmd"), "@echo off\r\n").unwrap();
        let metainfo = format!(
            "<doc><osname>Windows-{name}</osname><hddimage>w.img</hddimage><installdrive>s.cmd</installdrive></doc>"
        );
        fs::write(folder.join("metainfo.xml"), metainfo).unwrap();
    }

    /// The templates in the description, with their archives.
    fn list(&self) -> BTreeMap<String, String> {
        let entries: Value = serde_json::from_str(&self.done(&["repo", "list", REPO, "--json"])).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        entries
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| (text(&entry["name"]), text(&entry["file_name"])))
            .collect()
    }

    /// The codes of the findings of `repo verify`.
    fn codes(&self) -> BTreeSet<String> {
        let output = self.output(&["repo", "verify", REPO, "--json"]);
        let report: Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}\n{}", said(&output)));
        let findings = report["findings"].as_array().unwrap();
        findings.iter().map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
    }

    /// The names of the files in the repository.
    fn files(&self) -> BTreeSet<String> {
        let (_, answer) = self.server.ask("GET", "/bucket?list-type=2&prefix=os/repo/");
        let text = String::from_utf8(answer).unwrap();
        text.split("<Key>os/repo/").skip(1).map(|rest| rest.split('<').next().unwrap().to_owned()).collect()
    }

    /// The ETag of a file. For a multipart upload it ends with a hyphen and the number of parts.
    fn etag(&self, name: &str) -> String {
        let (status, answer) = self.server.ask("HEAD", &format!("/bucket/os/repo/{name}"));
        assert_eq!(status, 200);
        let text = String::from_utf8(answer).unwrap().to_lowercase();
        text.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap().trim_matches('"').to_owned()
    }
}

#[test]
fn a_template_is_sent_in_parts_while_it_is_packed_and_comes_back_the_same() {
    let Some(work) = Work::new() else { return };
    work.template("10", 1, 20 << 20);
    work.done(&["pack", "10", "-o", "local.tar.gz"]);
    let pushed: Value = serde_json::from_str(&work.done(&["repo", "push", REPO, "10", "--json"])).unwrap();
    assert_eq!(pushed["entry"]["file_name"], "Windows-10.tar.gz");
    // 20 MiB of incompressible data need three parts of up to 8 MiB.
    assert!(work.etag("Windows-10.tar.gz").ends_with("-3"));
    assert_eq!(work.codes(), BTreeSet::new());
    let fetched = work.done(&["repo", "fetch", REPO, "Windows-10", "here"]);
    assert!(fetched.starts_with(pushed["sha256"].as_str().unwrap()), "{fetched}");
    let local = fs::read(work.path().join("local.tar.gz")).unwrap();
    assert!(fs::read(work.path().join("here/Windows-10.tar.gz")).unwrap() == local);
    let shown = work.done(&["inspect", &format!("{REPO}/Windows-10.tar.gz"), "--json"]);
    assert_eq!(shown, work.done(&["inspect", "local.tar.gz", "--json"]));
    // No part of the archive was kept on this machine, and the bucket contains no other file.
    assert_eq!(work.files().len(), 3, "{:?}", work.files());
    assert!(work.refused(&["repo", "init", REPO]).contains("already contains a repository"));
    assert!(work.refused(&["repo", "push", REPO, "10"]).contains("Windows-10"));
}

#[test]
fn templates_in_object_storage_are_added_replaced_and_removed() {
    let Some(work) = Work::new() else { return };
    for (name, seed) in [("10", 1), ("11", 2)] {
        work.template(name, seed, 1 << 16);
        work.done(&["pack", name, "-o", &format!("{name}.tar.gz")]);
    }
    work.done(&["repo", "add", REPO, "10.tar.gz", "--image-name", "a"]);
    work.done(&["repo", "add", REPO, "11.tar.gz", "--image-name", "b"]);
    let refused = work.refused(&["repo", "add", REPO, "11.tar.gz", "--name", "x", "--image-name", "c"]);
    assert!(refused.contains("11.tar.gz"), "{refused}");
    // Replaced by another: readers see the old archive or the new one.
    work.done(&["repo", "replace", REPO, "Windows-10", "11.tar.gz"]);
    let list = work.list();
    assert!(list["Windows-10"].starts_with("11-"), "{list:?}");
    assert_eq!(list["Windows-11"], "11.tar.gz");
    assert!(!work.files().contains("10.tar.gz"), "{:?}", work.files());
    work.done(&["repo", "push", REPO, "11", "--replace", "--image-name", "b"]);
    assert_eq!(work.list()["Windows-11"], "Windows-11.tar.gz");
    work.done(&["repo", "remove", REPO, "Windows-10"]);
    let expected = ["SHA256SUMS", "Windows-11.tar.gz", "metadata.json"].map(String::from);
    assert_eq!(work.files(), BTreeSet::from(expected));
    assert_eq!(work.codes(), BTreeSet::new());
    assert!(work.refused(&["repo", "remove", REPO, "Windows-10"]).contains("Windows-10"));
    assert!(work.refused(&["repo", "sync", REPO]).contains("in a local folder"));
    // From one place to another, without a copy here.
    work.done(&["repo", "init", "s3://bucket/other"]);
    work.done(&["repo", "add", "s3://bucket/other", &format!("{REPO}/Windows-11.tar.gz")]);
    assert!(work.done(&["repo", "verify", "s3://bucket/other"]).contains("no findings"));
}

#[test]
fn what_others_wrote_into_the_description_stays_as_it_was() {
    let Some(work) = Work::new() else { return };
    work.template("10", 1, 1 << 16);
    let held = "{\n\t\"owner\": {\"mail\": \"ops@example.org\"},\n\t\"type\": \"os\",\n\t\"os\": [\n\t]\n}";
    let path = "/bucket/os/repo/metadata.json";
    let text = || {
        String::from_utf8(work.server.ask("GET", path).1)
            .unwrap()
            .split_once("\r\n\r\n")
            .unwrap()
            .1
            .to_owned()
    };
    assert_eq!(work.server.ask_with("PUT", path, held.as_bytes()).0, 200);
    work.done(&["repo", "push", REPO, "10"]);
    let now = text();
    assert!(now.starts_with(held.split_once("\n\t]").unwrap().0) && now.contains("Windows-10"), "{now}");
    work.done(&["repo", "remove", REPO, "Windows-10"]);
    assert_eq!(text(), held);
}

#[test]
fn concurrent_publishers_lose_nothing_of_each_other() {
    const PUBLISHERS: u64 = 6;
    const EACH: u64 = 3;
    let Some(work) = Work::new() else { return };
    for number in 0..PUBLISHERS * EACH {
        work.template(&number.to_string(), number + 1, 1 << 14);
    }
    thread::scope(|scope| {
        for publisher in 0..PUBLISHERS {
            let work = &work;
            scope.spawn(move || {
                for number in 0..EACH {
                    let name = (publisher * EACH + number).to_string();
                    let image = format!("image-{name}");
                    work.done(&["repo", "push", REPO, &name, "--image-name", &image]);
                }
            });
        }
    });
    let names: BTreeSet<_> = work.list().into_keys().collect();
    assert_eq!(names, (0..PUBLISHERS * EACH).map(|number| format!("Windows-{number}")).collect());
    assert_eq!(work.codes(), BTreeSet::new());
    // The publishers did collide: a write was refused because another publisher's write came first.
    let log = work.server.log();
    assert!(
        log.lines().any(|line| line.contains("PUT /bucket/os/repo/") && line.contains("\" 412")),
        "{log}"
    );
}

#[test]
fn publishers_that_are_killed_leave_a_repository_that_names_only_what_is_whole() {
    let Some(work) = Work::new() else { return };
    work.template("kept", 99, 1 << 14);
    work.done(&["repo", "push", REPO, "kept", "--image-name", "kept"]);
    let mut killed = 0;
    for number in 0..24_u64 {
        let name = number.to_string();
        work.template(&name, number + 1, 9 << 20);
        let image = format!("image-{name}");
        let mut push = work.command(&["repo", "push", REPO, &name, "--image-name", &image, "--level", "1"]);
        let mut child = push.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(Duration::from_millis(40 * number));
        child.kill().ok();
        let is_done = child.wait().unwrap().success();
        killed += u64::from(!is_done);
        let list = work.list();
        assert!(list.contains_key("Windows-kept"));
        assert!(
            !is_done || list.contains_key(&format!("Windows-{name}")),
            "{name} was reported as published"
        );
    }
    assert!(killed > 0, "nobody was killed");
    // A file that was left is not described: an empty file, or a complete archive.
    let codes = work.codes();
    assert!(codes.is_subset(&BTreeSet::from(["VMT0718".to_owned()])), "{codes:?}");
    // The error names the file that a killed publisher had claimed; another name is free.
    let list = work.list();
    let claimed =
        work.files().into_iter().find(|file| file.ends_with(".tar.gz") && !list.values().any(|f| f == file));
    if let Some(claimed) = claimed {
        let name = claimed.trim_start_matches("Windows-").trim_end_matches(".tar.gz");
        let image = format!("image-{name}");
        let refused = work.refused(&["repo", "push", REPO, name, "--image-name", &image]);
        assert!(refused.contains("no template refers to it") && refused.contains("help:"), "{refused}");
        work.done(&["repo", "push", REPO, name, "--image-name", &image, "--file-name", "again.tar.gz"]);
    }
}

#[test]
fn a_push_that_fails_takes_back_what_it_sent() {
    let Some(work) = Work::new() else { return };
    work.template("10", 1, 12 << 20);
    let before = work.files();
    // The image is truncated while it is read: packing fails after parts were sent.
    let image = work.path().join("10/w.img");
    let mut push = work.command(&["repo", "push", REPO, "10", "--threads", "1", "--level", "12"]);
    let mut child = push.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while work.files() == before && child.try_wait().unwrap().is_none() {
        thread::sleep(Duration::from_millis(5));
    }
    fs::File::options().write(true).open(image).unwrap().set_len(1000).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert_eq!(work.files(), before);
    let (_, uploads) = work.server.ask("GET", "/bucket?uploads");
    assert!(!String::from_utf8(uploads).unwrap().contains("<Upload>"));
}

#[test]
fn a_signed_repository_in_object_storage_stays_signed() {
    let Some(work) = Work::new() else { return };
    if !has_tool("minisign") {
        return;
    }
    let (public, secret) = (work.path().join("a.pub"), work.path().join("a.key"));
    let made = [public.as_os_str(), "-s".as_ref(), secret.as_os_str()];
    run("minisign", ["-G", "-W", "-p"].map(std::ffi::OsStr::new).into_iter().chain(made));
    for name in ["1", "2", "3"] {
        work.template(name, 1, 1 << 14);
    }
    let push = |name: &str| work.done(&["repo", "push", REPO, name, "--image-name", name, "--sign", "a.key"]);
    thread::scope(|scope| {
        for name in ["1", "2"] {
            let push = &push;
            scope.spawn(move || push(name));
        }
    });
    let verified = work.done(&["repo", "verify", REPO, "--public-key", "a.pub"]);
    assert!(verified.contains("no findings"), "{verified}");
    let refused = work.refused(&["repo", "push", REPO, "3", "--image-name", "3"]);
    assert!(refused.contains("signed"), "{refused}");
    work.done(&["repo", "fetch", REPO, "Windows-1", "here", "--public-key", "a.pub"]);
    work.done(&["repo", "remove", REPO, "Windows-1", "--sign", "a.key"]);
    let verified = work.done(&["repo", "verify", REPO, "--public-key", "a.pub"]);
    assert!(verified.contains("no findings"), "{verified}");
}

#[test]
fn a_push_that_is_killed_at_any_of_its_points_names_only_what_is_whole() {
    let Some(work) = Work::new() else { return };
    work.template("kept", 99, 1 << 14);
    work.done(&["repo", "push", REPO, "kept", "--image-name", "kept"]);
    let list = work.path().join("points");
    let push = |name: &str, kill_at: Option<usize>| {
        fs::remove_file(&list).ok();
        let mut push = work.command(&["repo", "push", REPO, name, "--image-name", name, "--threads", "1"]);
        push.env("VMTEMPLATE_FAIL_POINTS", &list);
        push.envs(kill_at.map(|number| ("VMTEMPLATE_KILL_AT", number.to_string())));
        let output = push.output().unwrap();
        let points = fs::read_to_string(&list).unwrap_or_default();
        (output, points.lines().map(str::to_owned).collect::<Vec<_>>())
    };
    work.template("whole", 98, 9 << 20);
    let (whole, points) = push("whole", None);
    assert!(whole.status.success(), "{}", said(&whole));
    // Packing works as it does into a folder; this test starts where the name is claimed.
    let numbers =
        points.iter().zip(1..).filter(|(point, _)| point.starts_with("remote-")).map(|(_, number)| number);
    let numbers: Vec<usize> = numbers.collect();
    assert!(numbers.len() >= 5, "{points:?}");
    for number in numbers {
        let name = format!("at-{number}");
        work.template(&name, number as u64, 9 << 20);
        let (killed, passed) = push(&name, Some(number));
        assert_eq!(killed.status.signal(), Some(9), "{}", said(&killed));
        assert_eq!(passed.len(), number);
        let is_described = passed.last().is_some_and(|point| point == "remote-described");
        let list = work.list();
        assert_eq!(list.contains_key(&format!("Windows-{name}")), is_described, "{passed:?}");
        assert!(list.contains_key("Windows-kept") && list.contains_key("Windows-whole"));
        let codes = work.codes();
        assert!(codes.is_subset(&BTreeSet::from(["VMT0718".to_owned()])), "{codes:?} after {passed:?}");
    }
}
