//! Helpers of the tests, examples and benches of this workspace.

// A failure here fails the calling test.
#![allow(clippy::panic)]

pub mod ntfs;
pub mod registry;
pub mod servers;
pub mod windows_disk;
#[cfg(unix)]
pub mod wine;

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use vmtemplate::archive::{ArchiveEntry, UnpackOptions, Verified, VerifyOptions};
use vmtemplate::{Archive, DiskImage};

/// The path of `tool`, if it is installed. If not, this reports by name that the calling test is skipped, or panics if
/// CI is set.
///
/// # Panics
///
/// In CI, which has every tool.
#[must_use]
pub fn tool(tool: &str) -> Option<PathBuf> {
    // File system tools are not in every user's PATH.
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&folders)
        .chain(["/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(tool))
        .find(|path| path.is_file());
    if found.is_none() {
        skipped(&format!("`{tool}` is not installed"));
    }
    found
}

/// Whether `tool` is installed. See [`tool`].
#[must_use]
pub fn has_tool(name: &str) -> bool {
    tool(name).is_some()
}

/// Whether the calling test runs as root. See [`tool`].
#[must_use]
pub fn is_root() -> bool {
    let uid = Command::new("id").arg("-u").output().map(|out| out.stdout).unwrap_or_default();
    let is_root = uid.trim_ascii() == b"0";
    if !is_root {
        skipped("it needs root");
    }
    is_root
}

/// List the archive at a path or URL.
pub fn list_archive(archive: impl AsRef<Path>) -> vmtemplate::Result<Vec<ArchiveEntry>> {
    Archive::open(archive)?.entries().map(<[_]>::to_vec)
}

/// Unpack the archive at a path or URL.
pub fn unpack_archive(
    archive: impl AsRef<Path>,
    folder: impl AsRef<Path>,
    options: &UnpackOptions,
) -> vmtemplate::Result<Vec<ArchiveEntry>> {
    Archive::open(archive)?.unpack(folder, options)
}

/// Verify the archive at a path or URL.
pub fn verify_archive(archive: impl AsRef<Path>, options: &VerifyOptions) -> vmtemplate::Result<Verified> {
    Archive::open(archive)?.verify(options)
}

/// Report that the calling test is skipped, bypassing the harness, which hides the output of passing tests.
///
/// # Panics
///
/// In CI, where nothing may be skipped.
pub fn skipped(why: &str) {
    // The test harness names the thread of a test after the test.
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    assert!(std::env::var_os("CI").is_none(), "{test}: {why}, and CI must not skip it");
    let line = format!("SKIPPED {test}: {why}\n");
    // The harness captures only what macros print, not standard error itself, which may be a file that must only grow.
    io::stderr().write_all(line.as_bytes()).ok();
    // The list that tests/run.sh prints at the end.
    if let Some(list) = std::env::var_os("VMTEMPLATE_SKIPPED")
        && let Ok(mut list) = fs::OpenOptions::new().append(true).create(true).open(list)
    {
        list.write_all(line.as_bytes()).ok();
    }
}

/// Run a tool; if it fails, panic with its output.
///
/// # Panics
///
/// If the tool cannot be started or fails.
pub fn run(tool: &str, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Output {
    let output =
        Command::new(tool).args(arguments).output().unwrap_or_else(|e| panic!("cannot run {tool}: {e}"));
    assert!(output.status.success(), "{tool} failed:\n{}", String::from_utf8_lossy(&output.stderr));
    output
}

/// The status and output of a command, for the message of a failing test.
#[must_use]
pub fn said(output: &Output) -> String {
    format!(
        "exit {:?}\n--- stdout\n{}--- stderr\n{}",
        output.status.code(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// Everything below `folder`, files by their paths and contents.
///
/// # Panics
///
/// If a file cannot be read.
#[must_use]
pub fn tree(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(current) = folders.pop() {
        for entry in fs::read_dir(&current).unwrap_or_else(|e| panic!("{}: {e}", current.display())) {
            let path = entry.unwrap_or_else(|e| panic!("{}: {e}", current.display())).path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
                files.push((path.strip_prefix(folder).unwrap_or(&path).to_owned(), bytes));
            }
        }
    }
    files.sort();
    files
}

/// `length` incompressible, deterministic bytes (xorshift).
#[must_use]
pub fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// The small disk of the fixtures: a partitioned disk with an NTFS volume.
///
/// # Panics
///
/// If the fixture is damaged.
#[must_use]
pub fn sample_disk() -> Vec<u8> {
    let packed = include_bytes!("../fixtures/sample-disk.raw.gz");
    let mut disk = Vec::new();
    flate2::read::GzDecoder::new(&packed[..])
        .read_to_end(&mut disk)
        .unwrap_or_else(|e| panic!("the fixture: {e}"));
    disk
}

/// A value of `/proc/self/NAME`, such as `VmHWM` (in kB) of `status` or `rchar` of `io`.
///
/// # Panics
///
/// If the file or the key does not exist.
#[must_use]
pub fn proc_self(file: &str, key: &str) -> u64 {
    let text =
        fs::read_to_string(format!("/proc/self/{file}")).unwrap_or_else(|e| panic!("/proc/self/{file}: {e}"));
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| *name == key)
        .and_then(|(_, value)| value.split_whitespace().next()?.parse().ok())
        .unwrap_or_else(|| panic!("/proc/self/{file} has no {key}"))
}

/// A disk in memory with these bytes.
#[must_use]
pub fn disk(bytes: &[u8]) -> DiskImage {
    DiskImage::from_bytes(bytes)
}
