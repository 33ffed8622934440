//! Sparse entries: the holes of an image are not in the archive and are restored on the node.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use vmtemplate::archive::{PackOptions, UnpackOptions};
use vmtemplate::disk::{DiskSource, Extent, ExtentKind, FreeSpace};
use vmtemplate::{Archive, DiskImage, Result, Template};
use vmtemplate_test_support::{disk, has_tool, noise, run, sample_disk, unpack_archive};

/// A disk with data at these places, and an exact map of them.
#[derive(Debug)]
struct Islands {
    size: u64,
    /// Offset and length; the content is random.
    data: Vec<(u64, u64)>,
    kind_between: ExtentKind,
}

impl DiskSource for Islands {
    fn format(&self) -> &'static str {
        "islands"
    }
    fn size(&self) -> u64 {
        self.size
    }
    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<()> {
        let end = offset + buf.len() as u64;
        let island = self.data.iter().find(|(at, length)| *at <= offset && end <= at + length);
        let (at, length) = island.expect("only what the map tells to be data is read");
        buf.copy_from_slice(&noise(*at + 1, *length as usize)[(offset - at) as usize..(end - at) as usize]);
        Ok(())
    }
    fn extent_at(&self, offset: u64) -> Result<Extent> {
        for &(at, length) in &self.data {
            if offset < at {
                return Ok(Extent { offset, length: at - offset, kind: self.kind_between });
            }
            if offset < at + length {
                return Ok(Extent { offset, length: at + length - offset, kind: ExtentKind::Data });
            }
        }
        Ok(Extent { offset, length: self.size - offset, kind: self.kind_between })
    }
}

fn islands(size: u64, data: &[(u64, u64)]) -> DiskImage {
    let data = data.to_vec();
    DiskImage::from_source(Arc::new(Islands { size, data, kind_between: ExtentKind::Zero }))
}

fn pack_sparse(image: DiskImage, path: &Path) {
    let template =
        Template::builder("Windows-Server-2019").image(image).image_name("disk.hddimage").build().unwrap();
    let options = PackOptions { sparse: true, free_space: FreeSpace::Keep, ..PackOptions::default() };
    let summary = template.pack(path, &options).unwrap();
    assert_eq!(summary.content_bytes, summary.usage.total());
}

/// Whether the file has these bytes; it may be larger than memory, so islands and a sample of the rest are compared.
fn holds(path: &Path, size: u64, data: &[(u64, u64)]) -> bool {
    let back = DiskImage::open(path).unwrap();
    let islands_are_there = data
        .iter()
        .all(|&(at, length)| back.read_vec(at, length as usize).unwrap() == noise(at + 1, length as usize));
    // Everything else is a hole, rounded to blocks of the file system.
    let told: u64 =
        back.extents().map(Result::unwrap).filter(|e| e.kind == ExtentKind::Data).map(|e| e.length).sum();
    let most: u64 = data.iter().map(|(_, length)| length + (128 << 10)).sum();
    back.size() == size && islands_are_there && told <= most
}

/// A description of a disk, its size, and its islands by offset and length.
type Shape = (&'static str, u64, Vec<(u64, u64)>);

/// Disks whose maps end in all possible ways.
fn shapes() -> Vec<Shape> {
    vec![
        ("nothing but a hole", 10 << 20, vec![]),
        ("no hole at all", 3 << 20, vec![(0, 3 << 20)]),
        ("a hole at both ends", 64 << 20, vec![(5 << 20, 12_288)]),
        ("an odd end that is data", (64 << 20) + 512, vec![(0, 4096), (64 << 20, 512)]),
        ("short holes, which are stored", 1 << 20, (0..60).map(|n| (n * 16_384, 512)).collect()),
        ("a map of many blocks", 4 << 30, (0..2000).map(|n| (n * (2 << 20), 4096)).collect()),
        (
            "parts that pass the size of a member",
            64 << 20,
            vec![(4096, (5 << 20) + 4096), (30 << 20, 1 << 20)],
        ),
        ("20 GiB", 20 << 30, vec![(0, 4096), (9 << 30, 1 << 20), ((20 << 30) - 4096, 4096)]),
    ]
}

#[test]
fn gnu_tar_bsdtar_and_this_crate_restore_the_bytes_and_the_holes() {
    for (shape, size, data) in shapes() {
        let work = tempfile::tempdir().unwrap();
        let archive = work.path().join("t.tar.gz");
        pack_sparse(islands(size, &data), &archive);
        unpack_archive(&archive, work.path().join("ours"), &UnpackOptions::default()).unwrap();
        for tool in ["tar", "bsdtar"].into_iter().filter(|tool| has_tool(tool)) {
            let target = work.path().join(tool);
            fs::create_dir(&target).unwrap();
            let output = run(tool, ["xzf".as_ref(), archive.as_os_str(), "-C".as_ref(), target.as_os_str()]);
            assert!(output.stderr.is_empty(), "{tool} warns: {}", String::from_utf8_lossy(&output.stderr));
        }
        for who in ["ours", "tar", "bsdtar"].map(|who| work.path().join(who)) {
            if who.exists() {
                assert!(holds(&who.join("disk.hddimage"), size, &data), "{shape}: {}", who.display());
            }
        }
        // Python writes holes as zeros, so it need not try the large ones.
        if size < 1 << 30 && has_tool("python3") {
            let python = "import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2], **({'filter': 'data'} if hasattr(tarfile, 'data_filter') else {}))";
            let target = work.path().join("python");
            run("python3", ["-c".as_ref(), python.as_ref(), archive.as_os_str(), target.as_os_str()]);
            let same = fs::read(target.join("disk.hddimage")).unwrap()
                == fs::read(work.path().join("ours/disk.hddimage")).unwrap();
            assert!(same, "{shape}: Python's tarfile");
        }
    }
}

#[test]
fn a_sparse_archive_is_opened_read_and_packed_again_like_any_other() {
    for (shape, size, data) in shapes() {
        let work = tempfile::tempdir().unwrap();
        let (sparse, again) = (work.path().join("sparse.tar.gz"), work.path().join("again.tar.gz"));
        pack_sparse(islands(size, &data), &sparse);
        let archive = Archive::open(&sparse).unwrap();
        let inside = archive.disk("disk.hddimage").unwrap();
        assert_eq!(inside.size(), size, "{shape}");
        for &(at, length) in &data {
            assert!(
                inside.read_vec(at, length as usize).unwrap() == noise(at + 1, length as usize),
                "{shape}, at {at}"
            );
        }
        let options = PackOptions { free_space: FreeSpace::Keep, ..PackOptions::default() };
        Template::open(&sparse).unwrap().pack(&again, &options).unwrap();
        let plain = work.path().join("plain.tar.gz");
        Template::builder("Windows-Server-2019")
            .image(islands(size, &data))
            .image_name("disk.hddimage")
            .build()
            .unwrap()
            .pack(&plain, &options)
            .unwrap();
        assert!(fs::read(&again).unwrap() == fs::read(&plain).unwrap(), "{shape}");
    }
}

#[test]
fn what_is_free_between_stored_parts_is_neither_read_nor_stored() {
    // Holes this short are stored as zeros, to keep the map short. `Islands` fails if they are read.
    let data: Vec<(u64, u64)> = (0..200).map(|n| (n * 20_480, 4096)).collect();
    let source = Islands { size: 8 << 20, data: data.clone(), kind_between: ExtentKind::Free };
    let work = tempfile::tempdir().unwrap();
    let archive = work.path().join("t.tar.gz");
    pack_sparse(DiskImage::from_source(Arc::new(source)), &archive);
    unpack_archive(&archive, work.path().join("out"), &UnpackOptions::default()).unwrap();
    let bytes = fs::read(work.path().join("out/disk.hddimage")).unwrap();
    let mut expected = vec![0; 8 << 20];
    for (at, length) in data {
        expected[at as usize..(at + length) as usize].copy_from_slice(&noise(at + 1, length as usize));
    }
    assert!(bytes == expected);
}

#[test]
fn a_sparse_archive_of_zeros_is_a_few_kilobytes_whatever_the_size() {
    let work = tempfile::tempdir().unwrap();
    let (plain, sparse) = (work.path().join("plain.tar.gz"), work.path().join("sparse.tar.gz"));
    pack_sparse(islands(1 << 40, &[]), &sparse);
    assert!(fs::metadata(&sparse).unwrap().len() < 16 << 10);
    Template::builder("Windows-10")
        .image(islands(1 << 30, &[]))
        .build()
        .unwrap()
        .pack(&plain, &PackOptions { free_space: FreeSpace::Keep, ..PackOptions::default() })
        .unwrap();
    assert!(fs::metadata(&plain).unwrap().len() > 1_000_000, "without it a GiB of zeros is about a MiB");
}

#[test]
fn the_files_of_an_archive_can_be_unpacked_one_by_one() {
    let work = tempfile::tempdir().unwrap();
    let ours = work.path().join("ours.tar.gz");
    let template =
        Template::builder("Windows-10").image(disk(&sample_disk())).image_name("w.hddimage").build().unwrap();
    template.pack(&ours, &PackOptions::default()).unwrap();
    let whole = work.path().join("whole");
    unpack_archive(&ours, &whole, &UnpackOptions::default()).unwrap();
    let foreign = work.path().join("foreign.tar.gz");
    run("tar", ["czf".as_ref(), foreign.as_os_str(), "-C".as_ref(), whole.as_os_str(), ".".as_ref()]);
    for archive in [&ours, &foreign] {
        for name in ["metainfo.xml", "setup.cmd", "w.hddimage"] {
            let target = work.path().join("one");
            let options = UnpackOptions { only: vec![name.to_owned()], ..UnpackOptions::default() };
            let files = unpack_archive(archive, &target, &options).unwrap();
            assert_eq!(files.len(), 1);
            assert_eq!(fs::read_dir(&target).unwrap().count(), 1);
            assert!(fs::read(target.join(name)).unwrap() == fs::read(whole.join(name)).unwrap(), "{name}");
            fs::remove_dir_all(target).unwrap();
        }
        let only = vec!["metainfo.xml".to_owned(), "no.such".to_owned()];
        let error = unpack_archive(
            archive,
            work.path().join("none"),
            &UnpackOptions { only, ..UnpackOptions::default() },
        )
        .unwrap_err();
        assert_eq!((error.kind(), error.entry()), (vmtemplate::ErrorKind::NotFound, Some("no.such")));
        assert!(!work.path().join("none").exists());
    }
    // Holes of an image stay holes here too.
    let options = UnpackOptions { only: vec!["w.hddimage".into()], ..UnpackOptions::default() };
    unpack_archive(&ours, work.path().join("one"), &options).unwrap();
    let blocks = |folder: &str| fs::metadata(work.path().join(folder).join("w.hddimage")).unwrap().blocks();
    assert_eq!(blocks("one"), blocks("whole"));
}
