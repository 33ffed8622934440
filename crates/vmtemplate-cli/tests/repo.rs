//! Many concurrent publishers that are killed at any moment, and a reader that reads all the time.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use vmtemplate_test_support::said;

const PUBLISHERS: usize = 8;
const ARCHIVES: usize = 25;

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vmtemplate"));
    command.args(arguments).current_dir(folder);
    command
}

/// A folder with small archives `a0.tar.gz` … that differ, and an empty repository `repo`.
fn work(archives: usize) -> TempDir {
    let work = tempfile::tempdir().unwrap();
    for number in 0..archives {
        let disk: Vec<u8> = (0..64 * 1024_u32).map(|at| (at * 7 + number as u32 * at / 3) as u8).collect();
        fs::write(work.path().join("disk.raw"), disk).unwrap();
        let name = format!("Windows-{number}");
        let archive = format!("-oa{number}.tar.gz");
        let mut built =
            command(work.path(), &["build", "--no-check", "--name", &name, "--image", "disk.raw", &archive]);
        assert!(built.output().unwrap().status.success());
    }
    let made = command(work.path(), &["repo", "init", "repo"]).output().unwrap();
    assert!(made.status.success(), "{}", said(&made));
    work
}

/// Numbers that are the same in every run (Numerical Recipes).
struct Random(u32);

impl Random {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) % bound
    }
}

enum Ended {
    Well,
    Killed,
    Refused(String),
}

/// Run the command, and kill it (SIGKILL) after `delay` if it is still running.
fn run(folder: &Path, arguments: &[&str], delay: Option<Duration>) -> Ended {
    let child = command(folder, arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.unwrap();
    if let Some(delay) = delay {
        thread::sleep(delay);
        child.kill().ok();
    }
    let output = child.wait_with_output().unwrap();
    match output.status.code() {
        Some(0) => Ended::Well,
        None => Ended::Killed,
        Some(_) => Ended::Refused(said(&output)),
    }
}

/// The templates of the description as a reader over HTTP sees them, each with its archive. Fails if the description is
/// not JSON, or if an archive is incomplete. `sums` are the checksums of all archives that are ever published.
fn look(repo: &Path, sums: &HashMap<Vec<u8>, String>) -> BTreeSet<String> {
    let read = || fs::read(repo.join("metadata.json")).unwrap();
    loop {
        let bytes = read();
        let description: Value = serde_json::from_slice(&bytes).expect("the description is JSON");
        let entries = description["os"].as_array().expect("it has templates");
        let mut names = BTreeSet::new();
        let mut is_stale = false;
        for entry in entries {
            let file = entry["file_name"].as_str().unwrap();
            match fs::read(repo.join(file)) {
                Ok(archive) => assert!(sums.contains_key(&archive), "{file} is incomplete"),
                // It was removed after the description was read, and the description no longer names it.
                Err(_) => is_stale = true,
            }
            assert!(names.insert(entry["name"].as_str().unwrap().to_owned()), "{entry} is described twice");
        }
        if !is_stale {
            return names;
        }
        assert!(read() != bytes, "the description names an archive that does not exist");
    }
}

#[test]
fn publishers_that_are_killed_lose_nothing_and_readers_see_only_what_is_whole() {
    let begun = Instant::now();
    // Archives to publish, and some to replace others with.
    let work = work(16);
    let repo = work.path().join("repo");
    let sums: HashMap<Vec<u8>, String> = (0..16)
        .map(|number| format!("a{number}.tar.gz"))
        .map(|name| (fs::read(work.path().join(&name)).unwrap(), name))
        .collect();
    assert_eq!(sums.len(), 16);
    let (published, removed) = (Mutex::new(BTreeSet::new()), Mutex::new(BTreeSet::new()));
    let (kills, looks, done) = (Kills::default(), AtomicUsize::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        let publishers: Vec<_> = (0..PUBLISHERS)
            .map(|publisher| {
                let (work, published, removed, kills) = (work.path(), &published, &removed, &kills);
                scope.spawn(move || {
                    let mut random = Random(publisher as u32 * 7919 + 1);
                    for number in 0..ARCHIVES {
                        let name = format!("Windows-{publisher}-{number}");
                        let archive = format!("a{}.tar.gz", random.below(16));
                        let file = format!("--file-name={name}.tar.gz");
                        let (named, image) = (format!("--name={name}"), format!("--image-name={name}"));
                        let add = ["repo", "add", "repo", &archive, &named, &file, &image];
                        publish(work, &add, &mut random, kills);
                        published.lock().unwrap().insert(name.clone());
                        if number % 5 == 1 {
                            let other = format!("a{}.tar.gz", random.below(16));
                            let image = format!("--image-name={name}");
                            let replace = ["repo", "replace", "repo", &name, &other, &image];
                            publish(work, &replace, &mut random, kills);
                        }
                        if number % 5 == 3 {
                            // It may or may not be described from now on.
                            published.lock().unwrap().remove(&name);
                            publish(work, &["repo", "remove", "repo", &name], &mut random, kills);
                            removed.lock().unwrap().insert(name);
                        }
                    }
                })
            })
            .collect();
        let reader = scope.spawn(|| {
            while !done.load(Ordering::Acquire) {
                // The reader must see what was published before it read, unless it is being removed at the same time.
                let before = published.lock().unwrap().clone();
                let gone = removed.lock().unwrap().clone();
                let seen = look(&repo, &sums);
                let still = published.lock().unwrap().clone();
                let lost: Vec<_> = before.intersection(&still).filter(|name| !seen.contains(*name)).collect();
                assert!(lost.is_empty(), "{lost:?} were reported as published, and do not exist");
                assert!(seen.is_disjoint(&gone), "a removed template is still described");
                looks.fetch_add(1, Ordering::Relaxed);
            }
        });
        // The reader must end even if a publisher fails.
        let failed = publishers.into_iter().map(std::thread::ScopedJoinHandle::join).find(Result::is_err);
        done.store(true, Ordering::Release);
        reader.join().unwrap();
        failed.map(Result::unwrap);
    });
    let published = published.into_inner().unwrap();
    assert_eq!(published.len(), PUBLISHERS * ARCHIVES * 4 / 5);
    assert_eq!(look(&repo, &sums), published);
    // Another publisher removes what the last killed one left.
    assert!(matches!(run(work.path(), &["repo", "sync", "repo"], None), Ended::Well));
    let verified = command(work.path(), &["repo", "verify", "repo"]).output().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&verified.stdout).lines().last(),
        Some("repo: 160 warnings"),
        "{}",
        said(&verified)
    );
    assert!(verified.status.success());
    let mut check = Command::new("sha256sum");
    check.args(["-c", "--quiet", "--strict", "SHA256SUMS"]).current_dir(&repo);
    if let Ok(check) = check.output() {
        assert!(check.status.success(), "{}", said(&check));
    }
    let files = fs::read_dir(&repo).unwrap().count();
    assert_eq!(files, published.len() + 3, "archives, description, checksums, lock, and no leftovers");
    let (kills, looks) = (kills.count.into_inner(), looks.into_inner());
    println!("{kills} kills, {looks} looks, {:.1} s", begun.elapsed().as_secs_f64());
    assert!(kills > PUBLISHERS * ARCHIVES / 4, "only {kills} were killed before they were done");
    assert!(looks > 20, "the reader looked only {looks} times");
}

/// The number of killed runs, and the time that a run takes that is not killed, including waiting for others. Kills are
/// spread over that time, so that they do not depend on the speed of the machine.
struct Kills {
    count: AtomicUsize,
    micros: AtomicU32,
}

impl Default for Kills {
    fn default() -> Self {
        Self { count: AtomicUsize::new(0), micros: AtomicU32::new(20_000) }
    }
}

/// Run the command until it reports success; a killed run may have succeeded without reporting it.
fn publish(work: &Path, arguments: &[&str], random: &mut Random, kills: &Kills) {
    let mut was_killed = false;
    for attempt in 0.. {
        // The first attempts are often killed, at moments spread over the time that they take.
        let kill = attempt < 3 && random.below(2) == 0;
        let usual = kills.micros.load(Ordering::Relaxed);
        let delay = kill.then(|| Duration::from_micros(u64::from(random.below(usual))));
        let begun = Instant::now();
        match run(work, arguments, delay) {
            Ended::Well => {
                let took = u32::try_from(begun.elapsed().as_micros()).unwrap_or(usual);
                kills.micros.store(usual.saturating_mul(3).saturating_add(took) / 4 + 1, Ordering::Relaxed);
                return;
            }
            Ended::Killed => {
                was_killed = true;
                kills.count.fetch_add(1, Ordering::Relaxed);
            }
            Ended::Refused(why) => {
                let is_done = match arguments[1] {
                    "add" => why.contains("already"),
                    "remove" => why.contains("the repository has no template"),
                    _ => false,
                };
                assert!(was_killed && is_done, "{arguments:?}: {why}");
                return;
            }
        }
    }
}

/// What a command printed, without the times of archives.
fn said_any_time(output: &Output) -> String {
    let is_time = |text: &str| {
        text.len() == 19
            && text.bytes().all(|byte| byte.is_ascii_digit() || b"- :".contains(&byte))
            && text.as_bytes()[10] == b' '
    };
    let mut text = said(output);
    let times: Vec<String> =
        text.char_indices().filter_map(|(at, _)| text.get(at..at + 19)).map(str::to_owned).collect();
    for time in times.into_iter().filter(|time| is_time(time)) {
        text = text.replace(&time, "TIME");
    }
    text
}

#[test]
fn a_repository_from_the_command_line() {
    let work = work(2);
    let at = work.path();
    let output = |arguments: &[&str]| command(at, arguments).output().unwrap();
    insta::assert_snapshot!(said_any_time(&output(&[
        "repo",
        "add",
        "repo",
        "a0.tar.gz",
        "--tag",
        "windows",
        "--tag",
        "w0"
    ])));
    insta::assert_snapshot!(said(&output(&["repo", "add", "repo", "a0.tar.gz"])));
    assert!(output(&["repo", "add", "repo", "a1.tar.gz", "--image-name", "w1"]).status.success());
    insta::assert_snapshot!(said_any_time(&output(&["repo", "list", "repo"])));
    insta::assert_snapshot!(said_any_time(&output(&["repo", "list", "repo", "--json"])));
    insta::assert_snapshot!(said(&output(&["repo", "verify", "repo"])));
    insta::assert_snapshot!(said(&output(&["repo", "remove", "repo", "Windows-0"])));
    fs::remove_file(at.join("repo/a1.tar.gz")).unwrap();
    insta::assert_snapshot!(said(&output(&["repo", "verify", "repo", "--json"])));
    insta::assert_snapshot!(said(&output(&["repo", "sync", "repo"])));
    insta::assert_snapshot!(said(&output(&["repo", "list", "nowhere"])));
    assert_eq!(output(&["repo", "init", "five", "--format", "vm5"]).status.code(), Some(0));
    assert_eq!(output(&["repo", "add", "five", "a0.tar.gz"]).status.code(), Some(0));
    assert!(
        fs::read_to_string(at.join("five/metadata.xml")).unwrap().contains("<filename>a0.tar.gz</filename>")
    );
}

/// The description of `repo`.
fn description(at: &Path) -> Value {
    serde_json::from_slice(&fs::read(at.join("repo/metadata.json")).unwrap()).unwrap()
}

#[test]
fn keys_are_set_and_templates_replaced_from_the_command_line() {
    let work = work(2);
    let at = work.path();
    let output = |arguments: &[&str]| command(at, arguments).output().unwrap();
    let set = ["--set", "os_group=\"windows\"", "--set", "efi_boot=true"];
    let add = |archive: &'static str, more: &[&str]| {
        output(&[&["repo", "add", "repo", archive, "--name", "Windows-0"], more].concat())
    };
    assert!(add("a0.tar.gz", &set).status.success());
    assert!(add("a0.tar.gz", &["--replace"]).status.success());
    assert_eq!(add("a1.tar.gz", &[]).status.code(), Some(1));
    let replaced = add("a1.tar.gz", &["--replace", "--set", "os_group=null"]);
    assert!(replaced.status.success(), "{}", said(&replaced));
    let held = description(at);
    assert_eq!(held["os"].as_array().unwrap().len(), 1);
    assert_eq!((&held["os"][0]["os_group"], &held["os"][0]["efi_boot"]), (&Value::Null, &Value::Bool(true)));
    assert_eq!(held["os"][0]["file_name"], "a1.tar.gz");
    for (wrong, code) in [("name=\"x\"", 1), ("os_group=windows", 1), ("=1", 1), ("efi_boot", 2)] {
        let refused = add("a0.tar.gz", &["--replace", "--set", wrong]);
        assert_eq!(refused.status.code(), Some(code), "{wrong}: {}", said(&refused));
        assert_eq!(description(at), held, "{wrong}");
    }
}

#[test]
fn a_damaged_archive_is_reported_by_sync_and_makes_it_fail() {
    let work = work(2);
    let at = work.path();
    let output = |arguments: &[&str]| command(at, arguments).output().unwrap();
    assert!(output(&["repo", "add", "repo", "a0.tar.gz"]).status.success());
    assert!(output(&["repo", "add", "repo", "a1.tar.gz", "--image-name", "w1"]).status.success());
    let mut bytes = fs::read(at.join("repo/a0.tar.gz")).unwrap();
    bytes.extend(b"after the end");
    fs::write(at.join("repo/a0.tar.gz"), bytes).unwrap();
    let before = (description(at), fs::read(at.join("repo/SHA256SUMS")).unwrap());
    let synced = output(&["repo", "sync", "repo"]);
    assert_eq!(synced.status.code(), Some(1));
    let text = String::from_utf8(synced.stdout).unwrap();
    assert!(text.starts_with("damaged a0.tar.gz: ") && text.lines().count() == 1, "{text}");
    let synced = output(&["repo", "sync", "repo", "--json"]);
    assert_eq!(synced.status.code(), Some(1));
    let json: Value = serde_json::from_slice(&synced.stdout).unwrap();
    assert!(json["damaged"]["a0.tar.gz"].is_string(), "{json}");
    assert_eq!((description(at), fs::read(at.join("repo/SHA256SUMS")).unwrap()), before);
}

#[test]
fn a_missing_archive_is_reported_by_sync_and_makes_it_fail() {
    let work = work(2);
    let at = work.path();
    let output = |arguments: &[&str]| command(at, arguments).output().unwrap();
    assert!(output(&["repo", "add", "repo", "a0.tar.gz"]).status.success());
    assert!(output(&["repo", "add", "repo", "a1.tar.gz", "--image-name", "w1"]).status.success());
    let before = (description(at), fs::read(at.join("repo/SHA256SUMS")).unwrap());
    fs::remove_file(at.join("repo/a0.tar.gz")).unwrap();
    let synced = output(&["repo", "sync", "repo"]);
    assert_eq!(synced.status.code(), output(&["repo", "verify", "repo"]).status.code());
    assert_eq!(synced.status.code(), Some(1));
    let text = String::from_utf8(synced.stdout).unwrap();
    assert!(text.starts_with("missing a0.tar.gz: ") && text.lines().count() == 1, "{text}");
    let synced = output(&["repo", "sync", "repo", "--json"]);
    assert_eq!(synced.status.code(), Some(1));
    let json: Value = serde_json::from_slice(&synced.stdout).unwrap();
    assert_eq!(json["missing"], serde_json::json!(["a0.tar.gz"]));
    assert_eq!((description(at), fs::read(at.join("repo/SHA256SUMS")).unwrap()), before);
    assert!(output(&["repo", "remove", "repo", "Windows-0"]).status.success());
    assert_eq!(output(&["repo", "sync", "repo"]).status.code(), Some(0));
    assert!(!fs::read_to_string(at.join("repo/SHA256SUMS")).unwrap().contains("a0.tar.gz"));
}

#[test]
fn an_archive_on_standard_input_is_published_under_the_name_of_its_template() {
    let work = work(2);
    let at = work.path();
    let piped = |arguments: &[&str], archive: &str| {
        let input = fs::File::open(at.join(archive)).unwrap();
        command(at, arguments).stdin(input).output().unwrap()
    };
    let added = piped(&["repo", "add", "repo", "-"], "a0.tar.gz");
    assert!(added.status.success(), "{}", said(&added));
    assert_eq!(description(at)["os"][0]["file_name"], "Windows-0.tar.gz");
    let published =
        || fs::read(at.join("repo").join(description(at)["os"][0]["file_name"].as_str().unwrap()));
    assert_eq!(published().unwrap(), fs::read(at.join("a0.tar.gz")).unwrap());
    assert!(piped(&["repo", "add", "repo", "-", "--replace"], "a0.tar.gz").status.success());
    let replaced =
        piped(&["repo", "replace", "repo", "Windows-0", "-", "--file-name", "w.tar.gz"], "a1.tar.gz");
    assert!(replaced.status.success(), "{}", said(&replaced));
    assert_eq!(description(at)["os"][0]["file_name"], "w.tar.gz");
    assert_eq!(published().unwrap(), fs::read(at.join("a1.tar.gz")).unwrap());
    // Wrong options are reported before standard input is read, and problems of its content name it.
    let held = description(at);
    for (arguments, archive, expected) in [
        (["repo", "add", "repo", "-", "--image-name", "../x"], "disk.raw", "image name `../x`"),
        (["repo", "add", "repo", "-", "--name", "Windows-9"], "disk.raw", "standard input"),
    ] {
        let refused = piped(&arguments, archive);
        assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
        assert!(said(&refused).contains(expected), "{}", said(&refused));
        assert_eq!(description(at), held);
    }
}

#[test]
fn what_is_published_under_any_umask_can_be_read_by_everybody() {
    use std::os::unix::fs::PermissionsExt;
    let work = work(2);
    let at = work.path();
    fs::remove_dir_all(at.join("repo")).unwrap();
    let closed = |arguments: &[&str]| {
        let mut shell = Command::new("sh");
        shell.args(["-c", "umask 077; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_vmtemplate")]);
        let output = shell.args(arguments).current_dir(at).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let modes = || -> BTreeSet<u32> {
        let files = fs::read_dir(at.join("repo")).unwrap().map(|entry| entry.unwrap().metadata().unwrap());
        files.map(|found| found.permissions().mode() & 0o7777).collect()
    };
    closed(&["repo", "init", "repo"]);
    assert_eq!(fs::metadata(at.join("repo")).unwrap().permissions().mode() & 0o7777, 0o755);
    closed(&["repo", "add", "repo", "a0.tar.gz"]);
    closed(&["repo", "replace", "repo", "Windows-0", "a1.tar.gz"]);
    closed(&["repo", "sync", "repo"]);
    assert_eq!(modes(), BTreeSet::from([0o644]));
    assert_eq!(closed(&["repo", "verify", "repo"]).lines().last(), Some("repo: 1 warning"), "the other name");
    for file in ["metadata.json", "SHA256SUMS", "a1.tar.gz"] {
        fs::set_permissions(at.join("repo").join(file), fs::Permissions::from_mode(0o600)).unwrap();
    }
    let verified = closed(&["repo", "verify", "repo"]);
    assert_eq!(verified.matches("VMT0724").count(), 3, "{verified}");
    assert!(verified.contains("`chmod a+r 'repo/metadata.json'`"), "{verified}");
}
