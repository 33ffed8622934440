//! Converting any disk to a raw file.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, symlink};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use vmtemplate::disk::{DiskSource, Extent, ExtentKind, RawSummary, WriteRawOptions};
use vmtemplate::output::Overwrite;
use vmtemplate::progress::{CancelToken, Threads};
use vmtemplate::{Control, DiskImage, Error, ErrorKind, Result};
use vmtemplate_test_support::has_tool;

use super::tools::{pattern, qemu_img, write_sparse};

fn names(folder: &std::path::Path) -> Vec<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Data, except a range of zeros by its map and a range of free clusters.
#[derive(Debug)]
struct Mixed {
    bytes: Vec<u8>,
    /// Reads from this offset on fail.
    broken_from: u64,
}

const MIB: u64 = 1 << 20;

impl DiskSource for Mixed {
    fn format(&self) -> &'static str {
        "mixed"
    }
    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }
    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<()> {
        assert!(!(3 * MIB..5 * MIB).contains(&offset), "what is known to be zeros is not read");
        if offset + buf.len() as u64 > self.broken_from {
            return Err(Error::io("a bad sector", std::io::ErrorKind::InvalidData.into()));
        }
        let at = offset as usize;
        buf.copy_from_slice(&self.bytes[at..at + buf.len()]);
        Ok(())
    }
    fn extent_at(&self, offset: u64) -> Result<Extent> {
        let (end, kind) = match offset / MIB {
            0..=2 => (3 * MIB, ExtentKind::Data),
            3 => (4 * MIB, ExtentKind::Zero),
            4 => (5 * MIB, ExtentKind::Free),
            _ => (self.size(), ExtentKind::Data),
        };
        Ok(Extent { offset, length: end - offset, kind })
    }
}

fn mixed(broken_from: u64) -> DiskImage {
    let mut bytes = vec![0; 9 * MIB as usize + 777];
    for (index, byte) in bytes.iter_mut().enumerate() {
        let zeros = (3 * MIB as usize..5 * MIB as usize).contains(&index) || index / 8192 % 3 == 0;
        *byte = if zeros { 0 } else { (index / 4096 % 255 + 1) as u8 };
    }
    DiskImage::from_source(Arc::new(Mixed { bytes, broken_from }))
}

#[test]
fn the_file_is_the_disk_and_the_summary_adds_up_with_any_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let disk = mixed(u64::MAX);
    let mut first: Option<RawSummary> = None;
    for threads in [0, 1, 2, 7, 1000] {
        let path = folder.path().join("out.raw");
        let options = WriteRawOptions {
            overwrite: Overwrite::Yes,
            threads: Threads::new(threads),
            ..WriteRawOptions::default()
        };
        let summary = disk.write_raw(&path, &options).unwrap();
        assert_eq!((summary.size, summary.usage.holes, summary.usage.free), (9 * MIB + 777, MIB, MIB));
        assert_eq!(summary.usage.total(), summary.size);
        assert!(summary.usage.data > 0 && summary.usage.zeros > 0, "{summary:?}");
        assert_eq!(*first.get_or_insert_with(|| summary.clone()), summary);

        let written = fs::read(&path).unwrap();
        assert_eq!(written.len() as u64, disk.size());
        assert!(written == disk_bytes(&disk));
        let allocated = fs::metadata(&path).unwrap().blocks() * 512;
        assert!(allocated <= summary.usage.data + 64 * 1024, "{allocated} bytes for {}", summary.usage.data);
    }
    assert_eq!(names(folder.path()), ["out.raw"]);
}

fn disk_bytes(disk: &DiskImage) -> Vec<u8> {
    let mut bytes = vec![0; disk.size() as usize];
    for extent in disk.extents().map(|extent| extent.unwrap()).filter(|extent| extent.kind.must_be_read()) {
        disk.read_at(&mut bytes[extent.offset as usize..extent.end() as usize], extent.offset).unwrap();
    }
    bytes
}

#[test]
fn an_image_is_written_as_qemu_img_writes_it() {
    if !has_tool("qemu-img") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let disk = pattern(20 << 20);
    write_sparse(&path("a.raw"), &disk);
    for (format, options) in [
        ("qcow2", "-c -o cluster_size=2M"),
        ("qcow2", "-o cluster_size=512"),
        ("vmdk", "-o subformat=streamOptimized"),
        ("vhdx", ""),
    ] {
        qemu_img(&format!("convert -f raw -O {format} {options} @ @"), &[&path("a.raw"), &path("image")]);
        qemu_img(&format!("convert -f {format} -O raw @ @"), &[&path("image"), &path("theirs.raw")]);
        let options = WriteRawOptions { overwrite: Overwrite::Yes, ..WriteRawOptions::default() };
        DiskImage::open(path("image")).unwrap().write_raw(path("ours.raw"), &options).unwrap();
        assert!(fs::read(path("ours.raw")).unwrap() == fs::read(path("theirs.raw")).unwrap(), "{format}");
        let allocated = |name| fs::metadata(path(name)).unwrap().blocks();
        assert!(allocated("ours.raw") <= allocated("theirs.raw") + 16, "{format}: as sparse as qemu-img's");
    }
}

#[test]
fn progress_goes_forward_to_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let last = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&last);
    let control = Control::on_progress(move |p| {
        assert_eq!(p.total, 9 * MIB + 777);
        assert!(seen.fetch_max(p.bytes, Ordering::SeqCst) <= p.bytes, "progress went back");
    });
    let options = WriteRawOptions { threads: Threads::new(3), control, ..WriteRawOptions::default() };
    mixed(u64::MAX).write_raw(folder.path().join("a.raw"), &options).unwrap();
    assert_eq!(last.load(Ordering::SeqCst), 9 * MIB + 777);
}

#[test]
fn a_failed_or_cancelled_call_leaves_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.raw");
    fs::write(&path, "old").unwrap();
    let cancel = CancelToken::new();
    let stop = cancel.clone();
    let control = Control {
        cancel,
        ..Control::on_progress(move |p| {
            if p.bytes > 0 {
                stop.cancel();
            }
        })
    };
    let options = WriteRawOptions { overwrite: Overwrite::Yes, ..WriteRawOptions::default() };
    let error = mixed(6 * MIB).write_raw(&path, &options).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io, "{error:#}");
    let options = WriteRawOptions { control, ..options };
    assert_eq!(mixed(u64::MAX).write_raw(&path, &options).unwrap_err().kind(), ErrorKind::Cancelled);
    let error = mixed(u64::MAX).write_raw(&path, &WriteRawOptions::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(names(folder.path()), ["out.raw"]);
}

#[test]
fn a_device_behind_a_link_is_written_to_and_its_node_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("volume"); // as /dev/vg/volume is a link to /dev/dm-0
    symlink("/dev/null", &link).unwrap();
    let options = WriteRawOptions { overwrite: Overwrite::Yes, ..WriteRawOptions::default() };
    assert_eq!(mixed(u64::MAX).write_raw(&link, &options).unwrap().size, mixed(u64::MAX).size());
    assert!(fs::metadata(&link).unwrap().file_type().is_char_device());
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
}

#[test]
fn an_image_that_is_written_to_meanwhile_gives_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let (source, out) = (folder.path().join("a.raw"), folder.path().join("out.raw"));
    fs::write(&source, vec![1; 6 << 20]).unwrap();
    let changed = source.clone();
    let control = Control::on_progress(move |p| {
        if p.bytes == 0 {
            let file = fs::OpenOptions::new().append(true).open(&changed).unwrap();
            file.set_len(7 << 20).unwrap();
        }
    });
    let options = WriteRawOptions { control, ..WriteRawOptions::default() };
    let error = DiskImage::open(&source).unwrap().write_raw(&out, &options).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SourceChanged, "{error:#}");
    assert!(!out.exists());
}
