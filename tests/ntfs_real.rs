//! NTFS volumes that mkntfs makes and ntfs-3g fills. The tests compare everything they read with ntfs-3g.
//!
//! They need mkntfs, ntfs-3g, ntfsfix, ntfsinfo and setfattr, and permission to mount.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests fail as tests do

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use vmtemplate::DiskImage;
use vmtemplate::disk::{FreeSpaceOptions, KeptReason, NtfsVolume};
use vmtemplate_test_support::ntfs::*;
use vmtemplate_test_support::{skipped, tool};

/// Text that was only in deleted files.
const SECRET: &[u8] = b"this must not reach the customers";

/// Whether a volume can be made and mounted on this machine; prints what is missing.
fn can_mount() -> bool {
    let tools = ["mkntfs", "ntfs-3g", "ntfsfix", "ntfsinfo", "setfattr", "umount"];
    if tools.iter().any(|name| tool(name).is_none()) {
        return false;
    }
    if !Path::new("/dev/fuse").exists() {
        skipped("/dev/fuse is missing");
        return false;
    }
    true
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {text}");
    text
}

fn make_volume(path: &Path, size: u64, cluster: u32) {
    File::create(path).unwrap().set_len(size).unwrap();
    let mkntfs = tool("mkntfs").unwrap();
    run(Command::new(mkntfs)
        .args(["-q", "-F", "-Q", "-s", "512", "-L", "Made", "-c", &cluster.to_string()])
        .arg(path));
}

/// A mounted volume; unmounted when it is dropped.
struct Mount(PathBuf);

impl Mount {
    fn new(volume: &Path, folder: &Path, options: &str) -> Self {
        fs::create_dir_all(folder).unwrap();
        let options = format!("streams_interface=windows,compression,{options}");
        run(Command::new(tool("ntfs-3g").unwrap()).arg("-o").arg(options).arg(volume).arg(folder));
        Self(folder.to_owned())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let done = Command::new("umount").arg(&self.0).stderr(Stdio::inherit()).status();
        assert!(done.is_ok_and(|status| status.success()) || std::thread::panicking());
    }
}

/// Bytes that look random and do not repeat.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with(&mut next).flatten().take(length).collect()
}

/// Fill a volume with every kind of file, and delete some.
fn fill(mount: &Mount, cluster: usize) {
    let secret = SECRET.repeat(200 * cluster / SECRET.len());
    fs::write(mount.path("resident"), b"small").unwrap();
    fs::write(mount.path("file"), noise(1, 100_000)).unwrap();
    fs::write(mount.path("file:stream"), noise(2, 50_000)).unwrap();
    fs::hard_link(mount.path("file"), mount.path("link")).unwrap();

    let mut sparse = File::create(mount.path("sparse")).unwrap();
    for i in 0..40 {
        sparse.seek(SeekFrom::Start(i * 3 * cluster as u64 + 17)).unwrap();
        sparse.write_all(&noise(i, 300)).unwrap();
    }
    sparse.set_len(2_000_000).unwrap();
    drop(sparse);

    // LZNT1 is defined for clusters of at most 4 KiB.
    if cluster <= 4096 {
        fs::create_dir(mount.path("compressed")).unwrap();
        let attribute = ["-n", "system.ntfs_attrib_be", "-v", "0x00000810"];
        run(Command::new("setfattr").args(attribute).arg(mount.path("compressed")));
        for (name, length) in [("small", 5_000), ("units", 16 * cluster * 3), ("odd", 300_001)] {
            // Text, then random data, which does not compress, then a unit of zeros, which is a hole.
            let text: Vec<u8> =
                (0..).flat_map(|i| format!("line {i} of {}\n", i % 97).into_bytes()).take(length).collect();
            let content = [text, noise(5, 16 * cluster), vec![0; 32 * cluster], b"end".to_vec()].concat();
            fs::write(mount.path(&format!("compressed/{name}")), content).unwrap();
        }
    }

    for folder in 0..4 {
        fs::create_dir_all(mount.path(&format!("folder {folder}/Ünter"))).unwrap();
        for i in 0..60 {
            let name = format!("folder {folder}/Ünter/a rather long name, number {i}, Ж𝄞");
            fs::write(mount.path(&name), noise(folder * 100 + i, (i * i * 7 % 9000) as usize)).unwrap();
        }
    }

    // The volume is filled to the last cluster and some small files are removed: new files are then fragmented.
    // ntfs-3g fills several places in turn, so only every eighth leaves holes that do not touch.
    fs::create_dir(mount.path("fill")).unwrap();
    let small = noise(9, cluster.max(1024));
    for i in 0..2400 {
        fs::write(mount.path(&format!("fill/{i}")), &small).unwrap();
    }
    fill_up(&mount.path("rest"), &secret);
    for i in (0..2400).step_by(8) {
        fs::remove_file(mount.path(&format!("fill/{i}"))).unwrap();
    }
    // As many pieces as the mapping pairs of several records hold.
    let mut file = File::create(mount.path("in pieces")).unwrap();
    for piece in noise(11, 290 * small.len()).chunks(small.len()) {
        if file.write_all(piece).is_err() {
            break; // ntfs-3g keeps some of the last clusters for itself
        }
    }
    drop(file);
    fs::remove_file(mount.path("rest")).unwrap();
    for i in (1..2400).step_by(2) {
        fs::remove_file(mount.path(&format!("fill/{i}"))).unwrap();
    }
    fs::write(mount.path("deleted"), &secret).unwrap();
    File::open(mount.path("deleted")).unwrap().sync_all().unwrap();
    fs::remove_file(mount.path("deleted")).unwrap();
}

/// Write until the volume is full.
fn fill_up(path: &Path, piece: &[u8]) {
    let mut file = File::create(path).unwrap();
    while file.write_all(piece).is_ok() {}
    while file.write_all(&piece[..512]).is_ok() {}
}

/// Every file under `folder` by its path, with its content. Folders are listed with empty content.
fn live_files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fn visit(root: &Path, folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                visit(root, &path, files);
                files.insert(name, Vec::new());
            } else {
                files.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    let mut files = BTreeMap::new();
    visit(folder, folder, &mut files);
    if let Ok(stream) = fs::read(folder.join("file:stream")) {
        files.insert("file:stream".to_owned(), stream);
    }
    files
}

/// Every file under `folder` as this library reads it.
fn our_files(volume: &NtfsVolume) -> BTreeMap<String, Vec<u8>> {
    fn visit(volume: &NtfsVolume, folder: &str, files: &mut BTreeMap<String, Vec<u8>>) {
        for entry in volume.file(folder).unwrap().list().unwrap() {
            if folder.is_empty() && entry.name.starts_with('$') {
                continue;
            }
            let path = if folder.is_empty() { entry.name } else { format!("{folder}/{}", entry.name) };
            let mut content = Vec::new();
            if entry.is_folder {
                visit(volume, &path, files);
            } else {
                content = volume.file(&path).unwrap().read(1 << 30).unwrap();
            }
            files.insert(path, content);
        }
    }
    let mut files = BTreeMap::new();
    visit(volume, "", &mut files);
    if let Ok(stream) = volume.file("file:stream") {
        files.insert("file:stream".to_owned(), stream.read(1 << 20).unwrap());
    }
    files
}

fn assert_same(ours: &BTreeMap<String, Vec<u8>>, theirs: &BTreeMap<String, Vec<u8>>) {
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
    for (path, content) in ours {
        assert!(
            content == &theirs[path],
            "{path} differs ({} and {} bytes)",
            content.len(),
            theirs[path].len()
        );
    }
}

/// Write what must be read of `disk` into a sparse file.
fn write_raw(disk: &DiskImage, path: &Path) {
    let file = File::create(path).unwrap();
    file.set_len(disk.size()).unwrap();
    for extent in disk.extents().map(Result::unwrap).filter(|extent| extent.kind.must_be_read()) {
        file.write_all_at(&disk.read_vec(extent.offset, extent.length as usize).unwrap(), extent.offset)
            .unwrap();
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    // The first byte is searched for separately, because unoptimised code searches whole volumes.
    bytes.iter().enumerate().any(|(at, &byte)| byte == part[0] && bytes[at..].starts_with(part))
}

fn assert_sound(volume: &Path) {
    run(Command::new(tool("ntfsfix").unwrap()).arg("-n").arg(volume));
    let info = run(Command::new(tool("ntfsinfo").unwrap()).arg("-m").arg(volume));
    assert!(info.contains("Volume State") || info.contains("Volume Name"), "{info}");
}

#[test]
fn live_files_survive_and_deleted_ones_do_not() {
    if !can_mount() {
        return;
    }
    for (cluster, size) in [(512, 12 << 20), (1024, 16 << 20), (4096, 32 << 20), (65_536, 256 << 20)] {
        let folder = scratch();
        let (made, zeroed) = (folder.path().join("made.img"), folder.path().join("zeroed.img"));
        make_volume(&made, size, cluster);
        let mount = Mount::new(&made, &folder.path().join("mnt"), "rw");
        fill(&mount, cluster as usize);
        drop(mount);
        let mount = Mount::new(&made, &folder.path().join("mnt"), "ro");
        let files = live_files(&mount.0);
        drop(mount);
        assert!(files.len() > 500);

        let disk = DiskImage::open(&made).unwrap();
        let volume = NtfsVolume::open(&disk, 0..disk.size()).unwrap();
        assert_same(&our_files(&volume), &files);

        let (view, report) = disk.without_free_space(&FreeSpaceOptions::default()).unwrap();
        assert_eq!(report.volumes[0].kept, None, "clusters of {cluster} bytes");
        write_raw(&view, &zeroed);
        assert_sound(&made);
        assert_sound(&zeroed);
        let mount = Mount::new(&zeroed, &folder.path().join("mnt"), "ro");
        assert_same(&live_files(&mount.0), &files);
        drop(mount);

        assert!(contains(&fs::read(&made).unwrap(), SECRET));
        assert!(!contains(&fs::read(&zeroed).unwrap(), SECRET));
        let info = run(Command::new(tool("ntfsinfo").unwrap()).args(["-F", "/in pieces"]).arg(&made));
        assert!(info.contains("$ATTRIBUTE_LIST"), "the file is not in pieces: {info}");

        // ntfs-3g counts the free clusters too.
        let info = run(Command::new(tool("ntfsinfo").unwrap()).arg("-m").arg(&made));
        let free = info.lines().find_map(|line| line.trim().strip_prefix("Free Clusters:")).unwrap();
        let free: u64 = free.split_whitespace().next().unwrap().parse().unwrap();
        assert_eq!(report.dropped(), free * u64::from(cluster));
    }
}

#[test]
fn a_full_volume_has_nothing_to_leave_out() {
    if !can_mount() {
        return;
    }
    let folder = scratch();
    let made = folder.path().join("full.img");
    make_volume(&made, 8 << 20, 4096);
    let mount = Mount::new(&made, &folder.path().join("mnt"), "rw");
    fill_up(&mount.path("all"), &noise(3, 65_536));
    let files = live_files(&mount.0);
    drop(mount);
    let disk = DiskImage::open(&made).unwrap();
    let (view, report) = disk.without_free_space(&FreeSpaceOptions::default()).unwrap();
    assert_eq!(report.volumes[0].kept, None);
    assert!(report.dropped() < 8 * 4096, "{report:?}");
    assert_same(&our_files(&NtfsVolume::open(&view, 0..view.size()).unwrap()), &files);
}

#[test]
fn a_bit_flipped_for_any_owner_on_a_used_volume_keeps_it_whole() {
    if !can_mount() {
        return;
    }
    let folder = scratch();
    let made = folder.path().join("made.img");
    make_volume(&made, 12 << 20, 1024);
    let mount = Mount::new(&made, &folder.path().join("mnt"), "rw");
    fill(&mount, 1024);
    // So many pieces that the attribute list is nonresident.
    let pieces = File::create(mount.path("thousands of pieces")).unwrap();
    for i in 0..3000 {
        pieces.write_all_at(&noise(i, 1024), i * 2048).unwrap();
    }
    drop((pieces, mount));
    let image = Arc::new(fs::read(&made).unwrap());
    let mut owners = BTreeSet::new();
    for cluster in 0..image.len() / 1024 - 1 {
        let (byte, mask) = bitmap_bit(&image, cluster);
        if image[byte] & mask == 0 {
            continue;
        }
        let disk = Patched::disk(&image, vec![(byte, image[byte] & !mask)]);
        let (_, report) = disk.without_free_space(&FreeSpaceOptions::default()).unwrap();
        let kept = report.volumes[0].kept.as_ref().unwrap_or_else(|| panic!("cluster {cluster} was dropped"));
        assert_eq!(kept.reason, KeptReason::Inconsistent);
        let owner = kept.detail.split("attribute ").nth(1).and_then(|rest| rest.split(": ").next());
        owners.insert(owner.unwrap_or("boot").to_owned());
    }
    for owner in ["boot", r#"0x20 """#, r#"0x80 """#, r#"0x80 "stream""#, r#"0xa0 "$I30""#, r#"0xb0 """#] {
        assert!(owners.contains(owner), "{owner} is not among {owners:?}");
    }
}
