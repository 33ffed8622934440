//! A disk like that of a master VM: partitioned, NTFS, real executables and libraries, deleted files, mostly empty.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use vmtemplate::DiskImage;
use vmtemplate::disk::PartitionTable;
use vmtemplate_test_support::run;

use super::MIB;

/// The start of the partition: 1 MiB, as modern installers place it.
const PARTITION: u64 = MIB;
/// Larger files would make the sizes too coarse.
const LARGEST: u64 = 64 * MIB;

/// The sizes of a disk and its contents, in MiB.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    pub whole: u64,
    pub live: u64,
    pub deleted: u64,
}

/// The tools that making a disk needs and that are not installed.
pub(crate) fn missing() -> Vec<String> {
    let mut missing: Vec<_> = ["mkntfs", "ntfs-3g", "losetup", "umount"]
        .into_iter()
        .filter(|name| !super::rivals::is_installed(name))
        .map(String::from)
        .collect();
    let uid = Command::new("id").arg("-u").output().unwrap().stdout;
    if uid.trim_ascii() != b"0" {
        missing.push("root".into());
    }
    missing
}

/// A disk with one empty NTFS volume.
pub(crate) fn create(path: &Path, whole: u64) {
    let disk = File::create(path).unwrap();
    disk.set_len(whole * MIB).unwrap();
    let sectors = u32::try_from((whole * MIB - PARTITION) / 512).unwrap();
    let start = u32::try_from(PARTITION / 512).unwrap();
    // An MBR with one active entry of type 7, by sector numbers alone.
    let mut mbr = [0; 512];
    mbr[440..444].copy_from_slice(b"VMT1");
    mbr[446..454].copy_from_slice(&[0x80, 0xFE, 0xFF, 0xFF, 0x07, 0xFE, 0xFF, 0xFF]);
    mbr[454..458].copy_from_slice(&start.to_le_bytes());
    mbr[458..462].copy_from_slice(&sectors.to_le_bytes());
    mbr[510..].copy_from_slice(&[0x55, 0xAA]);
    disk.write_all_at(&mbr, 0).unwrap();
    let device = Loop::attach(path, PARTITION, whole * MIB - PARTITION);
    let geometry = ["--partition-start", "2048", "--sectors-per-track", "63", "--heads", "255"];
    run(
        "mkntfs",
        ["--quiet", "--quick", "--force"].iter().chain(&geometry).copied().chain([device.0.as_str()]),
    );
}

/// A disk of this size with its files; deleted files are written between those that stay. The Windows files that a
/// check reads are copied from the disk of the tests.
pub(crate) fn make(path: &Path, size: Size) {
    let unfinished = path.with_extension("unfinished");
    create(&unfinished, size.whole);
    let (mut live, mut deleted) = (Files::find(), Files::find());
    {
        let mount = Mount::of_volume(&unfinished, PARTITION, size.whole * MIB - PARTITION, "rw");
        copy_windows(&mount.0);
        let steps = 16;
        for step in 0..steps {
            live.copy(&mount.0.join("Windows"), (step + 1) * size.live * MIB / steps);
            deleted.copy(&mount.0.join("Temp"), (step + 1) * size.deleted * MIB / steps);
        }
        if mount.0.join("Temp").exists() {
            fs::remove_dir_all(mount.0.join("Temp")).unwrap();
        }
    }
    File::open(&unfinished).unwrap().sync_all().unwrap();
    fs::rename(&unfinished, path).unwrap();
}

fn copy_windows(into: &Path) {
    let packed = include_bytes!("../../tests/fixtures/windows-bios.raw.gz");
    let mut disk = tempfile::NamedTempFile::new().unwrap();
    std::io::copy(&mut flate2::read::GzDecoder::new(&packed[..]), disk.as_file_mut()).unwrap();
    let table = PartitionTable::read(&DiskImage::open(disk.path()).unwrap()).unwrap();
    let windows = table.partitions.iter().max_by_key(|partition| partition.length).unwrap();
    let mount = Mount::of_volume(disk.path(), windows.offset, windows.length, "ro");
    run("cp", ["-r".as_ref(), "-T".as_ref(), mount.0.as_os_str(), into.as_os_str()]);
}

/// Add live files to a disk that `create` made, up to `live` MiB in all.
pub(crate) fn grow(path: &Path, files: &mut Files, live: u64) {
    let length = fs::metadata(path).unwrap().len();
    let mount = Mount::of_volume(path, PARTITION, length - PARTITION, "rw");
    files.copy(&mount.0.join("Windows"), live * MIB);
}

/// The executables and libraries of this machine, those of wine first, repeated endlessly.
pub(crate) struct Files {
    paths: Vec<PathBuf>,
    next: usize,
    copied: u64,
}

impl Files {
    pub(crate) fn find() -> Self {
        let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
        let mut paths = Vec::new();
        // The folder of wine's libraries, which are PE files, differs between distributions.
        for folder in ["/usr/lib/x86_64-linux-gnu/wine", "/usr/lib/wine", "/usr/lib64/wine", "/opt/wine"] {
            walk(Path::new(folder), b"MZ", &mut paths);
        }
        for folder in [Path::new("/usr/lib"), &home.join(".rustup"), Path::new("/usr/bin")] {
            walk(folder, b"\x7FELF", &mut paths);
        }
        assert!(!paths.is_empty(), "no executables were found to fill a disk with");
        Self { paths, next: 0, copied: 0 }
    }

    /// Copy files into `folder` until `bytes` have been copied in all.
    fn copy(&mut self, folder: &Path, bytes: u64) {
        while self.copied < bytes {
            let (round, number) = (self.next / self.paths.len(), self.next % self.paths.len());
            self.next += 1;
            // About as many files in a folder as System32 has.
            let folder = folder.join(format!("{round}-{}", number / 2000));
            fs::create_dir_all(&folder).unwrap();
            let path = &self.paths[number];
            let name = path.file_name().unwrap().to_string_lossy().replace([':', '*', '?'], "_");
            self.copied += fs::copy(path, folder.join(format!("{number}-{name}"))).unwrap();
        }
    }
}

fn walk(folder: &Path, magic: &[u8], paths: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut entries: Vec<_> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    entries.sort();
    for path in entries {
        let Ok(found) = fs::symlink_metadata(&path) else { continue };
        if found.is_dir() {
            walk(&path, magic, paths);
        } else if found.is_file() && found.len() <= LARGEST {
            let mut start = vec![0; magic.len()];
            let read = File::open(&path).and_then(|mut file| file.read_exact(&mut start));
            if read.is_ok() && start == magic {
                paths.push(path);
            }
        }
    }
}

/// A loop device over a part of a file.
struct Loop(String);

impl Loop {
    fn attach(path: &Path, offset: u64, length: u64) -> Self {
        let words = ["--find", "--show"].map(String::from).into_iter().chain([
            format!("--offset={offset}"),
            format!("--sizelimit={length}"),
            path.display().to_string(),
        ]);
        Self(String::from_utf8(run("losetup", words).stdout).unwrap().trim().to_owned())
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        run("losetup", ["--detach", &self.0]);
    }
}

/// A volume of a disk, mounted; unmounted when it is dropped.
pub(crate) struct Mount(pub PathBuf, #[allow(dead_code)] Loop, #[allow(dead_code)] tempfile::TempDir);

impl Mount {
    pub(crate) fn of_volume(disk: &Path, offset: u64, length: u64, mode: &str) -> Self {
        let device = Loop::attach(disk, offset, length);
        let folder = tempfile::tempdir().unwrap();
        run("ntfs-3g", ["-o", &format!("{mode},big_writes"), &device.0, folder.path().to_str().unwrap()]);
        Self(folder.path().to_owned(), device, folder)
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        run("umount", [&self.0]);
    }
}
