//! Kills the command at each of its fail points: between any two steps from creating a temporary file to renaming it.
//! The process ends itself at the point, so that no test depends on the clock.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;
use vmtemplate::Repository;
use vmtemplate::report::Severity;
use vmtemplate::repository::{PublicKey, RepositoryCheckOptions};
use vmtemplate_test_support::{said, tree};

/// The number of kills, spread over the points of all operations.
const KILLS: usize = 1000;

/// An operation and the state of the folder that it starts from.
struct Operation {
    name: &'static str,
    arguments: &'static [&'static str],
    /// How to prepare the folder, in addition to what all operations start from.
    prepare: fn(&Path),
    /// What a killed run may leave, and what the next run does with it.
    promise: Promise,
}

#[derive(Clone, Copy, PartialEq)]
enum Promise {
    /// Everything is as before the operation, or as after it.
    AllOrNothing,
    /// In a folder that existed before, the file that is named last shows that all files exist.
    Sign(&'static str),
    /// The repository describes only complete archives, and has a checksum for each of them.
    Repository,
    /// The same, and its signatures are valid.
    SignedRepository,
}

const OPERATIONS: [Operation; 12] = [
    Operation {
        name: "pack",
        arguments: &["pack", "t", "-o", "out/x.tar.gz"],
        prepare: |_| (),
        promise: Promise::AllOrNothing,
    },
    Operation {
        name: "pack over another archive",
        arguments: &["pack", "t", "-o", "out/x.tar.gz", "--force"],
        prepare: |at| fs::write(at.join("out/x.tar.gz"), "the archive of last month").unwrap(),
        promise: Promise::AllOrNothing,
    },
    Operation {
        name: "convert",
        arguments: &["convert", "t/w.raw", "out/w.raw"],
        prepare: |_| (),
        promise: Promise::AllOrNothing,
    },
    Operation {
        name: "unpack",
        arguments: &["unpack", "a.tar.gz", "out/t"],
        prepare: |_| (),
        promise: Promise::AllOrNothing,
    },
    Operation {
        name: "unpack into a folder with files",
        arguments: &["unpack", "a.tar.gz", "out"],
        prepare: |at| fs::write(at.join("out/mine"), "kept").unwrap(),
        promise: Promise::Sign("metainfo.xml"),
    },
    Operation {
        name: "add",
        arguments: &["repo", "add", "repo", "b.tar.gz", "--image-name", "b"],
        prepare: |_| (),
        promise: Promise::Repository,
    },
    Operation {
        name: "add to a signed repository",
        arguments: &["repo", "add", "signed", "b.tar.gz", "--image-name", "b", "--sign", "a.key"],
        prepare: |_| (),
        promise: Promise::SignedRepository,
    },
    Operation {
        name: "replace",
        arguments: &["repo", "replace", "repo", "Windows-a", "b.tar.gz", "--image-name", "a"],
        prepare: |_| (),
        promise: Promise::Repository,
    },
    Operation {
        name: "remove",
        arguments: &["repo", "remove", "repo", "Windows-a"],
        prepare: |_| (),
        promise: Promise::Repository,
    },
    Operation {
        name: "sync",
        arguments: &["repo", "sync", "repo"],
        // The checksums were lost.
        prepare: |at| {
            fs::write(at.join("repo/SHA256SUMS"), "").unwrap();
        },
        promise: Promise::Repository,
    },
    Operation {
        name: "push",
        arguments: &["repo", "push", "repo", "t", "--image-name", "t"],
        prepare: |_| (),
        promise: Promise::Repository,
    },
    Operation {
        name: "fetch",
        arguments: &["repo", "fetch", "repo", "Windows-a", "out"],
        prepare: |_| (),
        promise: Promise::AllOrNothing,
    },
];

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vmtemplate"));
    command.args(arguments).current_dir(folder);
    command
}

fn succeed(folder: &Path, arguments: &[&str]) {
    let output = command(folder, arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", said(&output));
}

/// What all operations start from: a template, two archives, a repository with one of them, and a signed copy of it.
fn folder() -> TempDir {
    let work = tempfile::tempdir().unwrap();
    let at = work.path();
    fs::create_dir(at.join("t")).unwrap();
    fs::create_dir(at.join("out")).unwrap();
    let disk = |seed: u32| (0..96 << 10_u32).map(|at| (at * 7 + seed * at / 3) as u8).collect::<Vec<_>>();
    fs::write(at.join("t/w.raw"), disk(3)).unwrap();
    fs::write(at.join("t/w.cmd"), "exit /b\r\n").unwrap();
    fs::write(
        at.join("t/metainfo.xml"),
        "<doc><osname>Windows-t</osname><hddimage>w.raw</hddimage><installdrive>w.cmd</installdrive></doc>",
    )
    .unwrap();
    for (seed, name) in [(1, "a"), (2, "b")] {
        fs::write(at.join("disk.raw"), disk(seed)).unwrap();
        let (name, out) = (format!("Windows-{name}"), format!("-o{name}.tar.gz"));
        succeed(at, &["build", "--no-check", "--name", &name, "--image", "disk.raw", &out]);
    }
    fs::remove_file(at.join("disk.raw")).unwrap();
    let made = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
    fs::write(at.join("a.key"), made.sk.to_box(None).unwrap().to_bytes()).unwrap();
    fs::write(at.join("a.pub"), made.pk.to_box().unwrap().to_bytes()).unwrap();
    succeed(at, &["repo", "init", "repo"]);
    succeed(at, &["repo", "init", "signed"]);
    succeed(at, &["repo", "add", "repo", "a.tar.gz", "--image-name", "a"]);
    succeed(at, &["repo", "add", "signed", "a.tar.gz", "--image-name", "a", "--sign", "a.key"]);
    work
}

/// A folder that an operation starts from. Only files that the operation may change are copied.
fn begin(operation: &Operation, base: &Path) -> TempDir {
    let work = tempfile::tempdir().unwrap();
    for (name, content) in tree(base) {
        let path = work.path().join(&name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    fs::create_dir_all(work.path().join("out")).unwrap();
    (operation.prepare)(work.path());
    work
}

/// Everything in the folder except the lock of a repository and the list of points. A signature contains the time at
/// which it was made, so only its existence is recorded; [`assert_sound`] verifies it.
fn state(at: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut state: BTreeMap<_, _> = tree(at).into_iter().collect();
    state.retain(|path, _| !path.ends_with(".vmtemplate-lock") && !path.ends_with("points"));
    for (path, content) in &mut state {
        if path.extension().is_some_and(|extension| extension == "minisig") {
            content.clear();
        }
    }
    state
}

/// The same without the files that a killed run leaves for the next run to remove.
fn visible(at: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let hidden =
        |path: &Path| path.components().any(|part| part.as_os_str().to_string_lossy().starts_with('.'));
    state(at).into_iter().filter(|(path, _)| !hidden(path)).collect()
}

/// Run the operation, list its points, and kill it at one of them.
fn run(operation: &Operation, at: &Path, kill_at: Option<usize>) -> (Output, Vec<String>) {
    let list = at.join("points");
    let mut command = command(at, operation.arguments);
    command.env("VMTEMPLATE_FAIL_POINTS", &list);
    if let Some(number) = kill_at {
        command.env("VMTEMPLATE_KILL_AT", number.to_string());
    }
    let output = command.output().unwrap();
    let points = fs::read_to_string(&list).unwrap_or_default().lines().map(str::to_owned).collect();
    fs::remove_file(&list).ok();
    (output, points)
}

/// Fail unless the repository is usable: no error, and no checksum without its file.
fn assert_sound(folder: &Path, public_key: Option<PublicKey>, when: &str) {
    let options = RepositoryCheckOptions { public_key, ..RepositoryCheckOptions::default() };
    let report = Repository::open(folder).and_then(|repository| repository.check(&options)).unwrap();
    let errors: Vec<_> = report.findings().iter().filter(|f| f.severity() == Severity::Error).collect();
    assert!(errors.is_empty(), "{when}: {errors:?}");
    if fs::read(folder.join("SHA256SUMS")).unwrap().is_empty() {
        // sha256sum refuses an empty list.
        return;
    }
    let check = Command::new("sha256sum")
        .args(["-c", "--quiet", "--strict", "SHA256SUMS"])
        .current_dir(folder)
        .output();
    let check = check.unwrap();
    assert!(check.status.success(), "{when}: {}", said(&check));
}

#[test]
fn a_run_that_is_killed_at_any_of_its_points_leaves_no_half_state() {
    let base = folder();
    let whole: Vec<_> = OPERATIONS
        .iter()
        .map(|operation| {
            let work = begin(operation, base.path());
            let before = visible(work.path());
            let (output, points) = run(operation, work.path(), None);
            assert!(output.status.success(), "{}: {}", operation.name, said(&output));
            assert!(points.len() >= 3, "{} passes only {points:?}", operation.name);
            (operation, before, state(work.path()), points)
        })
        .collect();
    let points: usize = whole.iter().map(|(.., points)| points.len()).sum();
    let rounds = KILLS.div_ceil(points);
    let mut kills: BTreeMap<(&str, String), usize> = BTreeMap::new();
    for round in 0..rounds {
        for (operation, before, after, points) in &whole {
            for number in 1..=points.len() {
                let work = begin(operation, base.path());
                let at = work.path();
                let (output, passed) = run(operation, at, Some(number));
                let when = format!(
                    "{} killed at point {number}, {:?}, in round {round}",
                    operation.name,
                    passed.last()
                );
                assert_eq!(output.status.signal(), Some(9), "{when}: {}", said(&output));
                assert_eq!(passed.len(), number, "{when}");
                *kills.entry((operation.name, passed[number - 1].clone())).or_default() += 1;
                let left = visible(at);
                match operation.promise {
                    Promise::AllOrNothing => {
                        assert!(left == *before || left == *after, "{when}: {:?}", left.keys());
                    }
                    Promise::Sign(sign) => {
                        let is_done = left.contains_key(&Path::new("out").join(sign));
                        assert!(!is_done || left == *after, "{when}: {:?}", left.keys());
                        assert!(
                            before.iter().all(|(name, content)| left.get(name) == Some(content)),
                            "{when}"
                        );
                    }
                    Promise::Repository => assert_sound(&at.join("repo"), None, &when),
                    Promise::SignedRepository => {
                        let key = PublicKey::from_file(at.join("a.pub")).unwrap();
                        assert_sound(&at.join("signed"), Some(key), &when);
                    }
                }
                // The next run does the work, or reports that it is done, and leaves no other files.
                let (again, _) = run(operation, at, None);
                if !again.status.success() {
                    let is_done = String::from_utf8_lossy(&again.stderr).contains("already")
                        || String::from_utf8_lossy(&again.stderr).contains("the repository has no template");
                    assert!(is_done, "{when}, and then: {}", said(&again));
                    match operation.promise {
                        Promise::Repository => succeed(at, &["repo", "sync", "repo"]),
                        // A signature may still have its temporary name, which the next publisher fixes.
                        Promise::SignedRepository => {
                            succeed(at, &["repo", "sync", "signed", "--sign", "a.key"]);
                        }
                        Promise::AllOrNothing | Promise::Sign(_) => assert!(visible(at) == *after, "{when}"),
                    }
                }
                assert_eq!(state(at).keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>(), "{when}");
                assert!(state(at) == *after, "{when}: the next run makes something else of it");
            }
        }
    }
    let total: usize = kills.values().sum();
    let names: BTreeSet<_> = kills.keys().map(|(_, point)| point.as_str()).collect();
    println!("{total} kills at {points} places of {} operations: {names:?}", OPERATIONS.len());
    assert!(total >= KILLS);
}
