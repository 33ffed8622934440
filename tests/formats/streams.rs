//! Images from a stream: raw, in a format, and from Ceph.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use vmtemplate::disk::{ExtentKind, OpenOptions};
use vmtemplate::progress::CancelToken;
use vmtemplate::{Control, DiskImage, ErrorKind};
use vmtemplate_test_support::has_tool;

use super::tools::{Random, our_map, pattern, qemu_img, read_all, write_sparse};

/// A reader that returns a few bytes at a time, as a pipe does.
struct Short<'a>(&'a [u8], Random);

impl Read for Short<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.1.below(10) == 0 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let length = (1 + self.1.below(5000) as usize).min(buf.len());
        self.0.read(&mut buf[..length])
    }
}

fn from(stream: &[u8]) -> vmtemplate::Result<DiskImage> {
    DiskImage::from_stream(Short(stream, Random(3)), &OpenOptions::default())
}

/// A stream of `rbd export-diff`, record by record (Ceph, doc/dev/rbd-diff.rst).
struct Diff(u8, Vec<u8>);

impl Diff {
    fn new(version: u8) -> Self {
        Self(version, format!("rbd diff v{version}\n").into_bytes())
    }

    fn record(mut self, tag: u8, parts: &[&[u8]]) -> Self {
        let content = parts.concat();
        self.1.push(tag);
        if self.0 == 2 {
            self.1.extend((content.len() as u64).to_le_bytes());
        }
        self.1.extend(content);
        self
    }

    fn name(self, tag: u8, name: &str) -> Self {
        let length = (name.len() as u32).to_le_bytes();
        self.record(tag, &[&length, name.as_bytes()])
    }

    fn size(self, size: u64) -> Self {
        self.record(b's', &[&size.to_le_bytes()])
    }

    fn data(self, offset: u64, data: &[u8]) -> Self {
        self.record(b'w', &[&offset.to_le_bytes(), &(data.len() as u64).to_le_bytes(), data])
    }

    fn zero(self, offset: u64, length: u64) -> Self {
        self.record(b'z', &[&offset.to_le_bytes(), &length.to_le_bytes()])
    }

    fn end(mut self) -> Vec<u8> {
        self.1.push(b'e');
        self.1
    }
}

#[test]
fn a_raw_stream_is_kept_with_its_zeros_left_out() {
    let mut bytes = pattern(3_000_000);
    bytes[1_000_000..2_000_000].fill(0);
    let disk = from(&bytes).unwrap();
    assert_eq!(disk.format(), "raw");
    assert_eq!(read_all(&disk), bytes);
    let hole = our_map(&disk)[1_048_576 / 512..1_966_080 / 512].iter().all(|&data| !data);
    assert!(hole, "a million zeros are a hole of the temporary file");
}

#[test]
fn a_stream_may_hold_an_image_of_another_format() {
    if !has_tool("qemu-img") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (raw, image) = (folder.path().join("a.raw"), folder.path().join("a.qcow2"));
    write_sparse(&raw, &pattern(2 << 20));
    qemu_img("convert -f raw -O qcow2 @ @", &[&raw, &image]);
    let disk = from(&fs::read(&image).unwrap()).unwrap();
    assert_eq!(disk.format(), "qcow2");
    assert_eq!(read_all(&disk), pattern(2 << 20));

    // A stream has no folder for files that the image refers to.
    let over = folder.path().join("over.qcow2");
    qemu_img("create -q -f qcow2 -b @ -F qcow2 @", &[&image, &over]);
    let allowed = OpenOptions { backing_files: Some(folder.path().to_owned()), ..OpenOptions::default() };
    for options in [allowed, OpenOptions::default()] {
        let error = DiskImage::from_stream(&fs::read(&over).unwrap()[..], &options).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:#}");
        assert_eq!(error.help(), Some("open the image as a file"), "{error:#}");
    }
}

#[test]
fn both_versions_of_a_diff_become_the_disk() {
    let noise = pattern(100_000);
    for version in [1, 2] {
        let stream = Diff::new(version)
            .name(b't', "snapshot")
            .size(1 << 20)
            .data(0, b"boot")
            .zero(4, 4092)
            .data(123_457, &noise)
            .zero(300_000, 500_000)
            .data((1 << 20) - 3, b"end")
            .end();
        let disk = from(&stream).unwrap();
        let mut expected = vec![0; 1 << 20];
        expected[..4].copy_from_slice(b"boot");
        expected[123_457..223_457].copy_from_slice(&noise);
        expected[(1 << 20) - 3..].copy_from_slice(b"end");
        assert_eq!(read_all(&disk), expected, "version {version}");
        let extents: Vec<_> = disk.extents().map(|extent| extent.unwrap().kind).collect();
        assert!(extents.contains(&ExtentKind::Zero), "what is not in the diff is a hole");

        // The same from a file.
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), &stream).unwrap();
        assert_eq!(read_all(&DiskImage::open(file.path()).unwrap()), expected);
    }
}

#[test]
fn the_records_of_a_striped_image_may_come_in_any_order() {
    let noise = pattern(50_000);
    let stream = Diff::new(1)
        .size(300_000)
        .data(200_000, &noise)
        .data(10_000, &noise)
        .zero(60_000, 140_000)
        .zero(5_000, 5_000)
        .data(20_000, &vec![0; 20_000]) // over what was there
        .zero(210_000, 10_000)
        .end();
    let mut expected = vec![0; 300_000];
    expected[200_000..250_000].copy_from_slice(&noise);
    expected[10_000..60_000].copy_from_slice(&noise);
    expected[20_000..40_000].fill(0);
    expected[210_000..220_000].fill(0);
    assert_eq!(read_all(&from(&stream).unwrap()), expected);
}

#[test]
fn a_record_of_a_kind_to_come_is_passed_over_in_version_2_and_refused_in_version_1() {
    let stream = |version| Diff::new(version).size(512).record(b'p', &[&[1]]).data(0, b"x").end();
    assert_eq!(from(&stream(2)).unwrap().read_vec(0, 1).unwrap(), b"x");
    assert_eq!(from(&stream(1)).unwrap_err().kind(), ErrorKind::InvalidImage);
}

#[test]
fn a_diff_that_is_cut_off_or_contradicts_itself_is_refused() {
    for version in [1, 2] {
        let whole = Diff::new(version).name(b't', "s").size(8192).data(0, &[1; 100]).zero(4096, 4096).end();
        for length in 12..whole.len() {
            let error = from(&whole[..length]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidImage, "{length} bytes: {error:#}");
        }
        let cases: [(&str, Vec<u8>, ErrorKind); 8] = [
            ("no size", Diff::new(version).end(), ErrorKind::InvalidImage),
            ("data first", Diff::new(version).data(0, b"x").size(512).end(), ErrorKind::InvalidImage),
            ("two sizes", Diff::new(version).size(512).size(512).end(), ErrorKind::InvalidImage),
            ("past the end", Diff::new(version).size(512).data(510, b"abc").end(), ErrorKind::InvalidImage),
            (
                "zeros past the end",
                Diff::new(version).size(512).zero(u64::MAX, 2).end(),
                ErrorKind::InvalidImage,
            ),
            ("a disk of 2^63 bytes", Diff::new(version).size(1 << 63).end(), ErrorKind::LimitExceeded),
            ("no disk", Diff::new(version).size(0).end(), ErrorKind::InvalidImage),
            ("a base", Diff::new(version).name(b'f', "old").size(512).end(), ErrorKind::Unsupported),
        ];
        for (what, stream, kind) in cases {
            let error = from(&stream).unwrap_err();
            assert_eq!(error.kind(), kind, "{what}: {error:#}");
        }
    }
    // A record of version 2 with a wrong length.
    let mut lying = Diff::new(2).size(512).end();
    lying[13] = 9;
    assert_eq!(from(&lying).unwrap_err().kind(), ErrorKind::InvalidImage);
}

#[test]
fn zeros_over_the_same_data_again_and_again_come_to_an_end() {
    // Each repetition of 17 bytes of the stream would write 4 MiB.
    let mut diff = Diff::new(1).size(4 << 20).data(0, &vec![1; 4 << 20]);
    for _ in 0..10_000 {
        diff = diff.zero(0, 4 << 20);
    }
    let error = from(&diff.end()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidImage, "{error:#}");
}

#[test]
fn a_stream_without_end_is_stopped_at_the_bound() {
    let options = OpenOptions { max_size: 3 << 20, ..OpenOptions::default() };
    let error = DiskImage::from_stream(io::repeat(0), &options).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error:#}");
    assert_eq!(from(b"").unwrap_err().kind(), ErrorKind::InvalidImage);
}

#[test]
fn a_stream_can_be_cancelled_from_its_progress() {
    let cancel = CancelToken::new();
    let stop = cancel.clone();
    let control = Control {
        cancel,
        ..Control::on_progress(move |p| {
            if p.bytes > 5 << 20 {
                stop.cancel();
            }
        })
    };
    let options = OpenOptions { control, ..OpenOptions::default() };
    let error = DiskImage::from_stream(io::repeat(1), &options).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
}

#[test]
fn an_export_of_format_2_is_refused_and_not_taken_for_a_disk() {
    let error = from(b"rbd image v2\nand so on").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.help().unwrap().contains("--export-format"), "{error:#}");
}

fn ceph() -> OpenOptions {
    let program = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/bin/rbd-stand-in");
    OpenOptions { rbd_program: Some(program), ..OpenOptions::default() }
}

#[test]
#[cfg(unix)]
fn an_image_of_a_ceph_cluster_is_read_through_the_command_rbd() {
    for spec in ["rbd:test/disk", "rbd:test/disk@snap", "rbd:test/loud"] {
        let disk = DiskImage::open_with(spec, &ceph()).unwrap();
        assert_eq!((disk.size(), disk.path()), (8192, Some(Path::new(spec))));
        assert_eq!(read_all(&disk)[4096..4101], *b"boot\0");
    }
}

#[test]
#[cfg(unix)]
fn a_failure_of_rbd_is_told_in_its_own_words() {
    for (spec, words) in [
        ("rbd:test/missing", "error opening image missing"),
        ("rbd:test/broken", "Input/output error"),
        ("rbd:test/late", "no message"),
    ] {
        let error = DiskImage::open_with(spec, &ceph()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io, "{error:#}");
        assert!(error.message().contains(words), "{error:#}");
        assert_eq!(error.path(), Some(Path::new(spec)));
    }
    let error = DiskImage::open_with("rbd:test/short", &ceph()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidImage, "{error:#}");

    let missing = OpenOptions { rbd_program: Some("/no/such/rbd".into()), ..OpenOptions::default() };
    let error = DiskImage::open_with("rbd:test/disk", &missing).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.help().unwrap().contains("ceph-common"), "{error:#}");
    let error = DiskImage::open_with("rbd:test/-x", &ceph()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidValue);
}

#[test]
#[cfg(unix)]
fn a_silent_rbd_is_ended_with_its_children_when_the_work_is_cancelled() {
    let options = ceph();
    let cancel = options.control.cancel.clone();
    let begun = Instant::now();
    thread::spawn(move || {
        thread::sleep(Duration::from_millis(300));
        cancel.cancel();
    });
    let error = DiskImage::open_with("rbd:test/silent", &options).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error:#}");
    assert!(begun.elapsed() < Duration::from_secs(5), "it took {:?}", begun.elapsed());
}
