//! Raw files and block devices.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;

use vmtemplate::DiskImage;
use vmtemplate::disk::{ExtentKind, WriteRawOptions};
use vmtemplate_test_support::has_tool;

use super::tools::{our_map, pattern, qemu_map, read_all, write_sparse};

#[test]
fn the_holes_of_a_raw_file_are_zeros_of_its_map() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.raw");
    let file = fs::File::create(&path).unwrap();
    file.set_len(4 << 20).unwrap();
    file.write_all_at(&vec![1; 65536], 1 << 20).unwrap();
    let disk = DiskImage::open(&path).unwrap();
    let map: Vec<_> = disk.extents().map(Result::unwrap).map(|e| (e.offset, e.length, e.kind)).collect();
    let (mib, data) = (1 << 20, 65536);
    assert_eq!(
        map,
        [
            (0, mib, ExtentKind::Zero),
            (mib, data, ExtentKind::Data),
            (mib + data, 3 * mib - data, ExtentKind::Zero)
        ]
    );
    if has_tool("qemu-img") {
        assert_eq!(our_map(&disk), qemu_map("-f raw", &path, disk.size()));
    }
}

/// A loop device, detached when it is dropped.
struct Loop(String);

impl Loop {
    fn over(path: &Path) -> Option<Self> {
        let output =
            Command::new("losetup").args(["--find", "--show", "--read-only"]).arg(path).output().ok()?;
        output.status.success().then(|| Self(String::from_utf8(output.stdout).unwrap().trim().to_owned()))
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        Command::new("losetup").args(["--detach", &self.0]).status().ok();
    }
}

#[test]
fn a_block_device_is_read_as_the_file_behind_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.raw");
    let bytes = pattern(3 << 20);
    write_sparse(&path, &bytes);
    let Some(device) = Loop::over(&path) else {
        eprintln!(
            "SKIPPED a_block_device_is_read_as_the_file_behind_it: no loop device is to be had (root only)"
        );
        return;
    };
    let disk = DiskImage::open(&device.0).unwrap();
    assert_eq!((disk.format(), disk.size()), ("raw", 3 << 20));
    assert!(read_all(&disk) == bytes);
    let out = folder.path().join("out.raw");
    disk.write_raw(&out, &WriteRawOptions::default()).unwrap();
    assert!(fs::read(&out).unwrap() == bytes);
}
