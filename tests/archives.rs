//! Archives and the real tools: other tools unpack ours, the library opens theirs and refuses hostile ones.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;
use vmtemplate::archive::{PackOptions, UnpackLimits, UnpackOptions, VerifyOptions};
use vmtemplate::disk::{DiskSource, Extent, ExtentKind, FreeSpace};
use vmtemplate::progress::Threads;
use vmtemplate::{Archive, DiskImage, Error, ErrorKind, Script, Template};
use vmtemplate_test_support::{
    disk, has_tool, list_archive, noise, run, sample_disk, tree, unpack_archive, verify_archive,
};

const SCRIPT: &str = "@echo off\r\necho ($IP)\r\n";

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn template(image: DiskImage) -> Template {
    Template::builder("Windows-Server-2019")
        .image(image)
        .image_name("win2019.hddimage")
        .script(Script::from_text(SCRIPT))
        .script_name("windows.cmd")
        .memory_mib(1024)
        .build()
        .unwrap()
}

/// A disk with every kind of chunk: data, data between holes, zeros, an odd end.
fn mixed_disk() -> Vec<u8> {
    let mut bytes = vec![0; (37 << 20) + 512 * 3];
    for (seed, at, length) in
        [(1, 0, 3 << 20), (2, (5 << 20) + 4096, 8192), (3, 20 << 20, 1), (4, 37 << 20, 512)]
    {
        bytes[at..at + length].copy_from_slice(&noise(seed, length));
    }
    bytes
}

/// Pack every byte, including free space.
fn pack(image: DiskImage, path: &Path) {
    let options = PackOptions { free_space: FreeSpace::Keep, ..PackOptions::default() };
    template(image).pack(path, &options).unwrap();
}

fn expected(image: &[u8]) -> Vec<(PathBuf, Vec<u8>)> {
    let metainfo = template(disk(image)).metainfo().to_bytes();
    vec![
        ("metainfo.xml".into(), metainfo),
        ("win2019.hddimage".into(), image.to_vec()),
        ("windows.cmd".into(), SCRIPT.into()),
    ]
}

fn unpack_error(archive: &Path) -> Error {
    let parent = folder();
    let target = parent.path().join("out");
    let error = unpack_archive(archive, &target, &UnpackOptions::default()).unwrap_err();
    assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0, "something was left behind");
    error
}

#[test]
fn every_tar_unpacks_our_archive_to_the_same_bytes() {
    let work = folder();
    let archive = work.path().join("t.tar.gz");
    let image = mixed_disk();
    pack(disk(&image), &archive);
    let python = "import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2], **({'filter': 'data'} if hasattr(tarfile, 'data_filter') else {}))";
    let tools: [(&str, &[&str]); 4] = [
        ("tar", &["xzf", "ARCHIVE", "-C", "FOLDER"]),
        ("bsdtar", &["xzf", "ARCHIVE", "-C", "FOLDER"]),
        ("busybox", &["tar", "xzf", "ARCHIVE", "-C", "FOLDER"]),
        ("python3", &["-c", python, "ARCHIVE", "FOLDER"]),
    ];
    for (tool, arguments) in tools {
        if !has_tool(tool) {
            continue;
        }
        let target = work.path().join(tool);
        fs::create_dir(&target).unwrap();
        let arguments = arguments.iter().map(|argument| match *argument {
            "ARCHIVE" => archive.as_os_str(),
            "FOLDER" => target.as_os_str(),
            other => other.as_ref(),
        });
        let output = run(tool, arguments);
        assert!(output.stderr.is_empty(), "{tool} warns: {}", String::from_utf8_lossy(&output.stderr));
        assert!(tree(&target) == expected(&image), "{tool} unpacked something else");
    }
    run("gzip", ["-t".as_ref(), archive.as_os_str()]);
}

#[test]
fn our_reader_opens_and_unpacks_the_archives_of_every_tar() {
    let work = folder();
    let source = work.path().join("source");
    fs::create_dir(&source).unwrap();
    let image = mixed_disk();
    for (name, bytes) in expected(&image) {
        let mut file = File::create(source.join(name)).unwrap();
        // Holes stay holes, so that the sparse formats contain some.
        file.set_len(bytes.len() as u64).unwrap();
        for (number, block) in
            bytes.chunks(4096).enumerate().filter(|(_, block)| block.iter().any(|&b| b != 0))
        {
            std::io::Seek::seek(&mut file, std::io::SeekFrom::Start(number as u64 * 4096)).unwrap();
            file.write_all(block).unwrap();
        }
    }
    let python = "import sys, tarfile; t = tarfile.open(sys.argv[1], 'w:gz', format=tarfile.PAX_FORMAT); \
                  t.add(sys.argv[2], '.')";
    let tools: [(&str, &[&str]); 9] = [
        ("tar", &["czf", "ARCHIVE", "-C", "FOLDER", "."]),
        (
            "tar",
            &[
                "--format=posix",
                "-czf",
                "ARCHIVE",
                "-C",
                "FOLDER",
                "metainfo.xml",
                "windows.cmd",
                "win2019.hddimage",
            ],
        ),
        ("tar", &["-Sczf", "ARCHIVE", "-C", "FOLDER", "."]),
        ("tar", &["-S", "--format=posix", "--sparse-version=1.0", "-czf", "ARCHIVE", "-C", "FOLDER", "."]),
        ("tar", &["-S", "--format=posix", "--sparse-version=0.1", "-czf", "ARCHIVE", "-C", "FOLDER", "."]),
        ("tar", &["-S", "--format=posix", "--sparse-version=0.0", "-czf", "ARCHIVE", "-C", "FOLDER", "."]),
        ("bsdtar", &["czf", "ARCHIVE", "-C", "FOLDER", "."]),
        ("busybox", &["tar", "czf", "ARCHIVE", "-C", "FOLDER", "."]),
        ("python3", &["-c", python, "ARCHIVE", "FOLDER"]),
    ];
    for (number, (tool, arguments)) in tools.into_iter().enumerate() {
        if !has_tool(tool) {
            continue;
        }
        let what = arguments.join(" ");
        let archive = work.path().join(format!("{number}.tar.gz"));
        run(
            tool,
            arguments.iter().map(|argument| match *argument {
                "ARCHIVE" => archive.as_os_str(),
                "FOLDER" => source.as_os_str(),
                other => other.as_ref(),
            }),
        );
        let opened = Template::open(&archive).unwrap_or_else(|e| panic!("{what}: {e:#}"));
        assert_eq!(opened.metainfo().os_name().as_deref(), Some("Windows-Server-2019"), "{what}");
        assert_eq!(opened.script().unwrap().bytes(), SCRIPT.as_bytes(), "{what}");
        assert_eq!(opened.files().iter().map(|file| file.size).max(), Some(image.len() as u64), "{what}");
        let target = work.path().join(number.to_string());
        unpack_archive(&archive, &target, &UnpackOptions::default())
            .unwrap_or_else(|e| panic!("{what}: {e:#}"));
        assert!(tree(&target) == expected(&image), "{what} was unpacked to something else");
        assert!(blocks(&target.join("win2019.hddimage")) < 8 << 20, "{what} was not unpacked sparse");
    }
}

#[cfg(unix)]
fn blocks(path: &Path) -> u64 {
    std::os::unix::fs::MetadataExt::blocks(&fs::metadata(path).unwrap()) * 512
}

#[test]
fn our_archive_comes_back_sparse_and_whole() {
    for image in [sample_disk(), mixed_disk(), vec![0; 512], vec![9; 100], noise(7, (1 << 20) + 1)] {
        let work = folder();
        let archive = work.path().join("t.tar.gz");
        pack(disk(&image), &archive);
        let files = unpack_archive(&archive, work.path().join("out"), &UnpackOptions::default()).unwrap();
        assert_eq!(
            files.iter().map(|file| file.name.as_str()).collect::<Vec<_>>(),
            ["metainfo.xml", "windows.cmd", "win2019.hddimage"]
        );
        assert!(tree(&work.path().join("out")) == expected(&image));
        let live = image.chunks(4096).filter(|block| block.iter().any(|&b| b != 0)).count() as u64 * 4096;
        assert!(blocks(&work.path().join("out/win2019.hddimage")) <= live + (64 << 10));
    }
}

/// A disk that reports its map in pieces of odd sizes, and some zeros as data.
#[derive(Debug)]
struct OddMap(Vec<u8>, u64);

impl DiskSource for OddMap {
    fn format(&self) -> &'static str {
        "odd"
    }
    fn size(&self) -> u64 {
        self.0.len() as u64
    }
    fn read_at(&self, buf: &mut [u8], offset: u64) -> vmtemplate::Result<()> {
        buf.copy_from_slice(&self.0[offset as usize..offset as usize + buf.len()]);
        Ok(())
    }
    fn extent_at(&self, offset: u64) -> vmtemplate::Result<Extent> {
        let length = (self.1 - offset % self.1).min(self.size() - offset);
        let part = &self.0[offset as usize..(offset + length) as usize];
        let is_zero = part.iter().all(|&b| b == 0) && !(offset / self.1).is_multiple_of(5);
        Ok(Extent { offset, length, kind: if is_zero { ExtentKind::Zero } else { ExtentKind::Data } })
    }
}

#[test]
fn the_same_disk_gives_the_same_bytes_whatever_its_map_and_the_threads() {
    let work = folder();
    let image = mixed_disk();
    let raw = work.path().join("disk.raw");
    fs::write(&raw, &image).unwrap();
    let mut disks = vec![disk(&image), DiskImage::open(&raw).unwrap()];
    for piece in [512, 4096 * 3, 70_001, 3 << 20] {
        disks.push(DiskImage::from_source(Arc::new(OddMap(image.clone(), piece))));
    }
    let mut archives = Vec::new();
    for (number, image) in disks.into_iter().enumerate() {
        for threads in [1, 2, 8] {
            let path = work.path().join(format!("{number}-{threads}.tar.gz"));
            let options = PackOptions { threads: Threads::new(threads), ..PackOptions::default() };
            let summary = template(image.clone()).pack(&path, &options).unwrap();
            assert_eq!(summary.content_bytes, summary.usage.total());
            archives.push(fs::read(path).unwrap());
        }
    }
    assert!(archives.iter().all(|archive| *archive == archives[0]));
}

#[test]
fn the_time_of_the_entries_is_fixed_or_given() {
    let work = folder();
    for (mtime, name) in [(None, "default"), (Some(1_700_000_000), "given")] {
        let path = work.path().join(name);
        template(disk(&[1; 512])).pack(&path, &PackOptions { mtime, ..PackOptions::default() }).unwrap();
        let mut archive = tar::Archive::new(flate2::read::MultiGzDecoder::new(File::open(&path).unwrap()));
        for entry in archive.entries().unwrap() {
            assert_eq!(entry.unwrap().header().mtime().unwrap(), mtime.unwrap_or(315_532_800));
        }
    }
}

#[test]
fn an_archive_of_ours_can_be_packed_again_and_read_anywhere() {
    let work = folder();
    let image = mixed_disk();
    let (first, second) = (work.path().join("1.tar.gz"), work.path().join("2.tar.gz"));
    pack(disk(&image), &first);
    let archive = Archive::open(&first).unwrap();
    let inside = archive.disk("win2019.hddimage").unwrap();
    assert_eq!(inside.size(), image.len() as u64);
    for (offset, length) in
        [(0, 512), ((3 << 20) - 7, 14), ((20 << 20) - 1, 3), (image.len() - 5, 5), (0, image.len())]
    {
        assert!(
            inside.read_vec(offset as u64, length).unwrap() == image[offset..offset + length],
            "at {offset}"
        );
    }
    let data: u64 =
        inside.extents().map(Result::unwrap).filter(|e| e.kind == ExtentKind::Data).map(|e| e.length).sum();
    assert!(data <= 6 << 20, "{data} bytes are said to be data");
    Template::open(&first).unwrap().pack(&second, &PackOptions::default()).unwrap();
    assert!(fs::read(&first).unwrap() == fs::read(&second).unwrap());
}

#[test]
fn an_archive_whose_index_is_gone_or_lies_is_read_by_its_members() {
    let work = folder();
    let path = work.path().join("t.tar.gz");
    pack(disk(&mixed_disk()), &path);
    let whole = fs::read(&path).unwrap();
    let list = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        list_archive(&path)
    };
    let entries = list(&whole).unwrap();
    // The footer is the last 70 bytes: without it there is no index.
    assert_eq!(list(&whole[..whole.len() - 70]).unwrap(), entries);
    // Every record of the index moves to the previous member: all sums stay correct, and the CRC-32 is fixed.
    let footer = whole.len() - 70 + 28;
    let index_at = u64::from_le_bytes(whole[footer..footer + 8].try_into().unwrap()) as usize;
    let members = u64::from_le_bytes(whole[footer + 8..footer + 16].try_into().unwrap()) as usize;
    let mut lying = whole.clone();
    let records = &mut lying[index_at + 28..index_at + 28 + 8 * members];
    records.rotate_left(8);
    let mut crc = flate2::Crc::new();
    crc.update(records);
    lying[footer + 24..footer + 28].copy_from_slice(&crc.sum().to_le_bytes());
    assert_eq!(list(&lying).unwrap(), entries);
    // An index that reports data as zeros, and is consistent otherwise, is detected when the data is read.
    let mut lying = whole.clone();
    lying[index_at + 28 + 8 + 7] |= 0x80; // the highest bit of the second record's content
    let mut crc = flate2::Crc::new();
    crc.update(&lying[index_at + 28..index_at + 28 + 8 * members]);
    lying[footer + 24..footer + 28].copy_from_slice(&crc.sum().to_le_bytes());
    assert_eq!(list(&lying).unwrap(), entries);
    let inside = Archive::open(&path).unwrap().disk("win2019.hddimage").unwrap();
    assert_eq!(inside.read_vec(0, 512).unwrap_err().kind(), ErrorKind::InvalidArchive);
    assert_eq!(inside.extents().next().unwrap().unwrap_err().kind(), ErrorKind::InvalidArchive);
    // The index of another archive, and an index that is damaged anywhere, are detected too.
    for at in (index_at..whole.len()).step_by(7) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0xFF;
        match list(&damaged) {
            Ok(found) => assert_eq!(found, entries, "byte {at}"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::InvalidArchive, "byte {at}"),
        }
    }
}

#[test]
fn hostile_entries_are_refused_and_leave_nothing() {
    let work = folder();
    let path = work.path().join("t.tar.gz");
    // Each row: the attack, the name and kind of the entry, and what the error must say.
    let attacks: [(&str, &[u8], tar::EntryType, &str); 12] = [
        ("out of the folder", b"../evil", tar::EntryType::Regular, ".."),
        ("out of the folder, below", b"a/../../evil", tar::EntryType::Regular, ".."),
        ("absolute", b"/tmp/evil", tar::EntryType::Regular, "absolute"),
        ("a drive", b"C:evil", tar::EntryType::Regular, ":"),
        ("a device of Windows", b"nul.txt", tar::EntryType::Regular, "device"),
        ("a trailing dot", b"metainfo.xml.", tar::EntryType::Regular, "dot"),
        ("a link to a file outside", b"link", tar::EntryType::Symlink, "symbolic link"),
        ("a hard link", b"link", tar::EntryType::Link, "hard link"),
        ("a character device", b"null", tar::EntryType::Char, "device"),
        ("a named pipe", b"pipe", tar::EntryType::Fifo, "named pipe"),
        ("the same name again", b"first", tar::EntryType::Regular, "two entries"),
        ("the same name in another case", b"FIRST", tar::EntryType::Regular, "two entries"),
    ];
    for (attack, name, kind, says) in attacks {
        let mut stream = Vec::new();
        for (name, kind) in [(&b"first"[..], tar::EntryType::Regular), (name, kind)] {
            let mut header = tar::Header::new_gnu();
            header.as_old_mut().name[..name.len()].copy_from_slice(name);
            header.set_entry_type(kind);
            header.set_mode(0o644);
            header.set_size(0);
            if matches!(kind, tar::EntryType::Symlink | tar::EntryType::Link) {
                header.set_link_name("/etc/passwd").unwrap();
            }
            header.set_cksum();
            stream.extend_from_slice(header.as_bytes());
        }
        stream.resize(stream.len() + 1024, 0);
        fs::write(&path, gzip(&stream)).unwrap();
        let error = unpack_error(&path);
        assert_eq!(error.kind(), ErrorKind::UnsafeArchive, "{attack}: {error}");
        assert!(error.message().contains(says), "{attack}: {error}");
        assert_eq!(list_archive(&path).unwrap_err().kind(), ErrorKind::UnsafeArchive, "{attack}");
    }
}

#[test]
fn a_bomb_of_entries_sizes_or_headers_is_stopped_by_its_limit() {
    let work = folder();
    let path = work.path().join("t.tar.gz");
    let header = |name: &str, kind: u8, size: u64| {
        let mut header = tar::Header::new_gnu();
        header.set_path(name).unwrap();
        header.set_entry_type(tar::EntryType::new(kind));
        header.set_mode(0o644);
        header.set_size(size);
        header.set_cksum();
        header.as_bytes().to_vec()
    };
    let many: Vec<u8> = (0..2000).flat_map(|n| header(&format!("{n}"), b'0', 0)).collect();
    let chain: Vec<u8> = (0..20).flat_map(|_| header("x", b'x', 0)).collect();
    for (attack, stream) in [
        ("a thousand entries and more", many),
        ("an image of 2^62 bytes", header("disk", b'0', 1 << 62)),
        ("a name of 1 GiB", header("././@LongLink", b'L', 1 << 30)),
        ("headers without end", chain),
    ] {
        fs::write(&path, gzip(&stream)).unwrap();
        assert_eq!(unpack_error(&path).kind(), ErrorKind::LimitExceeded, "{attack}");
    }
    let path = work.path().join("sound.tar.gz");
    pack(disk(&[1; 4096]), &path);
    let limits = UnpackLimits { total_size: 4000, ..UnpackLimits::default() };
    let archive = Archive::open(&path).unwrap().with_limits(limits);
    let error = archive.unpack(work.path().join("out"), &UnpackOptions::default()).unwrap_err();
    assert_eq!((error.kind(), error.entry()), (ErrorKind::LimitExceeded, Some("win2019.hddimage")));
}

#[test]
fn every_limit_holds_for_archives_of_ours_and_of_others_and_for_every_reader() {
    let work = folder();
    let ours = work.path().join("ours.tar.gz");
    pack(disk(&vec![0; 64 << 20]), &ours);
    let foreign = work.path().join("foreign.tar.gz");
    let mut stream = Vec::new();
    flate2::read::MultiGzDecoder::new(File::open(&ours).unwrap()).read_to_end(&mut stream).unwrap();
    fs::write(&foreign, gzip(&stream)).unwrap();
    let deep = work.path().join("deep.tar.gz");
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(0);
    header.set_mode(0o644);
    // The tar crate writes a name of more than 100 bytes as a preceding entry.
    builder.append_data(&mut header, format!("a/b/c/{}", "n".repeat(120)), &[][..]).unwrap();
    fs::write(&deep, gzip(&builder.into_inner().unwrap())).unwrap();

    let all = UnpackLimits::default();
    let cases: [(&Path, UnpackLimits, ErrorKind); 9] = [
        (&ours, UnpackLimits { entries: 2, ..all }, ErrorKind::LimitExceeded),
        (&foreign, UnpackLimits { entries: 2, ..all }, ErrorKind::LimitExceeded),
        (&ours, UnpackLimits { total_size: 1 << 20, ..all }, ErrorKind::LimitExceeded),
        (&ours, UnpackLimits { ratio: 500, ..all }, ErrorKind::LimitExceeded),
        (&foreign, UnpackLimits { ratio: 100, ..all }, ErrorKind::LimitExceeded),
        (&deep, UnpackLimits { name_length: 119, ..all }, ErrorKind::UnsafeArchive),
        (&deep, UnpackLimits { path_depth: 2, ..all }, ErrorKind::UnsafeArchive),
        (&deep, UnpackLimits { header_size: 120, ..all }, ErrorKind::LimitExceeded),
        (&deep, UnpackLimits { header_chain: 0, ..all }, ErrorKind::LimitExceeded),
    ];
    for (number, (path, limits, kind)) in cases.into_iter().enumerate() {
        let archive = Archive::open(path).unwrap().with_limits(limits);
        let error = archive.unpack(work.path().join("out"), &UnpackOptions::default()).unwrap_err();
        assert_eq!(error.kind(), kind, "unpack, case {number}: {error}");
        let error = archive.entries().unwrap_err();
        assert_eq!(error.kind(), kind, "list, case {number}: {error}");
        let error = archive.verify(&VerifyOptions::default()).unwrap_err();
        assert_eq!(error.kind(), kind, "verify, case {number}: {error}");
    }
    for path in [&ours, &foreign, &deep] {
        list_archive(path).unwrap();
    }
}

#[test]
fn a_truncated_or_damaged_archive_is_an_error_that_says_where() {
    let work = folder();
    let path = work.path().join("t.tar.gz");
    let image = noise(3, 3 << 20);
    pack(disk(&image), &path);
    let ours = fs::read(&path).unwrap();
    let foreign = {
        let mut stream = Vec::new();
        let mut builder = tar::Builder::new(&mut stream);
        let mut header = tar::Header::new_gnu();
        header.set_size(image.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, "win2019.hddimage", &image[..]).unwrap();
        builder.finish().unwrap();
        drop(builder);
        gzip(&stream)
    };
    for (whose, archive) in [("ours", &ours), ("foreign", &foreign)] {
        for cut in [1, 5, 100, archive.len() / 2] {
            fs::write(&path, &archive[..archive.len() - cut]).unwrap();
            // Without its last member, or a part of it, our archive lacks only the index: all files are complete.
            if whose == "ours"
                && cut <= 100
                && unpack_archive(&path, work.path().join("ok"), &UnpackOptions::default()).is_ok()
            {
                panic!("{whose}, cut by {cut}: the cut went unseen");
            }
            let error = unpack_error(&path);
            assert_eq!(error.kind(), ErrorKind::InvalidArchive, "{whose}, cut by {cut}: {error}");
            assert!(error.message().contains("offset"), "{whose}, cut by {cut}: {error}");
        }
        for at in (2000..archive.len() - 200).step_by(archive.len() / 40) {
            let mut flipped = archive.clone();
            flipped[at] ^= 0x20;
            fs::write(&path, &flipped).unwrap();
            let error = unpack_error(&path);
            assert_eq!(error.kind(), ErrorKind::InvalidArchive, "{whose}, byte {at}: {error:#}");
            assert!(error.message().contains("offset"), "{whose}, byte {at}: {error:#}");
            // The only checksum of another tool's archive may detect the damage after all files were read.
            let entry = error.entry();
            let known = entry == Some("win2019.hddimage") || (whose == "foreign" && entry.is_none());
            assert!(known, "{whose}, byte {at}: {error:#}");
            let error = verify_archive(&path, &VerifyOptions::default()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArchive, "{whose}, byte {at}: {error:#}");
            assert!(error.message().contains("offset"), "{whose}, byte {at}: {error:#}");
        }
    }
}

#[test]
fn a_file_that_is_no_archive_is_named_for_what_it_is() {
    let work = folder();
    let path = work.path().join("t.tar.gz");
    for (bytes, says) in [
        (&b""[..], "empty"),
        (b"\xfd7zXZ\0 and more", ".xz"),
        (b"\x28\xb5\x2f\xfd and more", "Zstandard"),
        (b"PK\x03\x04 and more", ".zip"),
        (b"metainfo.xml\0\0\0", "not a gzip"),
    ] {
        fs::write(&path, bytes).unwrap();
        let error = unpack_error(&path);
        assert_eq!(error.kind(), ErrorKind::InvalidArchive);
        assert!(error.message().contains(says), "{error}");
    }
    fs::write(&path, gzip(&noise(1, 2000))).unwrap();
    assert!(unpack_error(&path).message().contains("not a header"));
    assert_eq!(Archive::open(work.path()).unwrap_err().kind(), ErrorKind::InvalidArchive);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
