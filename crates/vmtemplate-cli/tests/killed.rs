//! Kills the command at any moment: the output is either the old one or the complete new one.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How often each command is killed.
const ROUNDS: u32 = 24;

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vmtemplate"));
    command.args(arguments).current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn succeed(folder: &Path, arguments: &[&str]) -> Duration {
    let begun = Instant::now();
    assert!(command(folder, arguments).status().unwrap().success(), "{arguments:?}");
    begun.elapsed()
}

/// Start the command and kill it (SIGKILL) after `delay`, if it is still running.
fn kill_after(folder: &Path, arguments: &[&str], delay: Duration) {
    let mut child = command(folder, arguments).spawn().unwrap();
    thread::sleep(delay);
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Moments spread over the time that the work takes, and a little longer; the same in every run on one machine.
fn moments(whole: Duration) -> impl Iterator<Item = Duration> {
    let mut state = 0x9E37_79B9_u32;
    (0..ROUNDS).map(move |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223); // Numerical Recipes
        whole.mul_f64(f64::from(state >> 8) / f64::from(1 << 24) * 1.2)
    })
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// A folder with the template `t` and its archive `t.tar.gz`: enough data that the work takes a while.
fn work() -> TempDir {
    let work = tempfile::tempdir().unwrap();
    let mut disk = vec![0; 24 << 20];
    let mut state = 1u64;
    for word in disk.chunks_exact_mut(8) {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        word[..5].copy_from_slice(&state.to_be_bytes()[..5]);
    }
    fs::create_dir(work.path().join("t")).unwrap();
    fs::write(work.path().join("t/w.raw"), disk).unwrap();
    fs::write(work.path().join("t/w.cmd"), "exit /b\r\n").unwrap();
    fs::write(
        work.path().join("t/metainfo.xml"),
        "<doc><osname>Windows-10</osname><hddimage>w.raw</hddimage><installdrive>w.cmd</installdrive></doc>",
    )
    .unwrap();
    succeed(work.path(), &["pack", "t", "-o", "t.tar.gz"]);
    work
}

#[test]
fn a_killed_pack_leaves_the_old_archive_or_the_whole_new_one() {
    let work = work();
    let pack = ["pack", "t", "-o", "out/x.tar.gz", "--force"];
    let (out, archive) = (work.path().join("out"), work.path().join("out/x.tar.gz"));
    fs::create_dir(&out).unwrap();
    let whole = succeed(work.path(), &pack);
    let new = fs::read(&archive).unwrap();
    let mut killed_early = 0;
    for delay in moments(whole) {
        fs::write(&archive, "the archive of last month").unwrap();
        kill_after(work.path(), &pack, delay);
        let found = fs::read(&archive).unwrap();
        assert!(found == b"the archive of last month" || found == new, "killed after {delay:?}");
        killed_early += u32::from(found != new);
    }
    assert!(killed_early > ROUNDS / 4, "only {killed_early} runs were killed before they were done");
    succeed(work.path(), &pack);
    assert_eq!(names(&out), ["x.tar.gz"], "the next run cleans up");
    assert!(fs::read(&archive).unwrap() == new);
}

#[test]
fn a_killed_unpack_leaves_no_folder_or_the_whole_one() {
    let work = work();
    let unpack = ["unpack", "t.tar.gz", "out/t"];
    let (out, target) = (work.path().join("out"), work.path().join("out/t"));
    fs::create_dir(&out).unwrap();
    let whole = succeed(work.path(), &unpack);
    let image = fs::read(target.join("w.raw")).unwrap();
    let mut killed_early = 0;
    for delay in moments(whole) {
        fs::remove_dir_all(&target).ok();
        kill_after(work.path(), &unpack, delay);
        killed_early += u32::from(!target.exists());
        if target.exists() {
            assert_eq!(names(&target), ["metainfo.xml", "w.cmd", "w.raw"], "killed after {delay:?}");
            assert!(fs::read(target.join("w.raw")).unwrap() == image, "killed after {delay:?}");
        }
    }
    assert!(killed_early > ROUNDS / 4, "only {killed_early} runs were killed before they were done");
    fs::remove_dir_all(&target).ok();
    succeed(work.path(), &unpack);
    assert_eq!(names(&out), ["t"], "the next run cleans up");
}

#[test]
fn a_killed_unpack_into_a_folder_that_is_there_is_whole_or_begun_anew() {
    let work = work();
    let unpack = ["unpack", "t.tar.gz", "out"];
    let out = work.path().join("out");
    let files = ["metainfo.xml", "w.cmd", "w.raw"];
    let image = fs::read(work.path().join("t/w.raw")).unwrap();
    fs::create_dir(&out).unwrap();
    fs::write(out.join("mine"), "kept").unwrap();
    let whole = succeed(work.path(), &unpack);
    for delay in moments(whole) {
        for name in files {
            fs::remove_file(out.join(name)).unwrap();
        }
        kill_after(work.path(), &unpack, delay);
        if out.join("metainfo.xml").exists() {
            // metainfo.xml is written last, so all other files exist.
            assert!(fs::read(out.join("w.raw")).unwrap() == image, "killed after {delay:?}");
            assert!(out.join("w.cmd").exists(), "killed after {delay:?}");
        } else {
            succeed(work.path(), &unpack);
        }
        assert_eq!(fs::read(out.join("mine")).unwrap(), b"kept");
    }
    for name in files {
        fs::remove_file(out.join(name)).unwrap();
    }
    succeed(work.path(), &unpack);
    assert_eq!(names(&out), ["metainfo.xml", "mine", "w.cmd", "w.raw"], "the next run cleans up");
}
