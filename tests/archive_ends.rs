//! Data after the end of an archive: padding is ignored, and every reader reports anything else in the same way.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

use std::fs;
use std::io::Write;
use std::path::Path;

use vmtemplate::archive::{PackOptions, UnpackOptions, VerifyOptions};
use vmtemplate::{Archive, Error, ErrorKind, Template};
use vmtemplate_test_support::{disk, has_tool, list_archive, noise, run, unpack_archive, verify_archive};

fn ours() -> Vec<u8> {
    let image = [noise(1, 2 << 20), vec![0; 3 << 20]].concat();
    let template = Template::builder("Windows-10").image(disk(&image)).image_name("w.img").build().unwrap();
    let mut archive = Vec::new();
    template.pack_to(&mut archive, &PackOptions::default()).unwrap();
    archive
}

/// A tar stream made by another tool, with these files.
fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

const METAINFO: &[u8] = b"<doc><osname>Windows-10</osname><hddimage>w.img</hddimage>\
                          <installdrive>setup.cmd</installdrive></doc>";

fn first() -> Vec<u8> {
    tar(&[("metainfo.xml", METAINFO), ("setup.cmd", b"rem\r\n"), ("w.img", &[7; 4096])])
}

/// The results of all readers of an archive: list, open, verify and unpack, from a file and from a source.
fn readers(bytes: &[u8]) -> Vec<(&'static str, Option<Error>)> {
    let work = tempfile::tempdir().unwrap();
    let path = work.path().join("t.tar.gz");
    fs::write(&path, bytes).unwrap();
    let (unpack, verify) = (UnpackOptions::default(), VerifyOptions::default());
    let target = |name: &str| work.path().join(name);
    let said = vec![
        ("list", list_archive(&path).err()),
        (
            "list a source",
            Archive::from_source(bytes.to_vec(), "t").and_then(|a| a.entries().map(drop)).err(),
        ),
        ("open", Template::open(&path).err()),
        ("check", vmtemplate::check(&path, &vmtemplate::report::CheckOptions::default()).err()),
        ("verify", verify_archive(&path, &verify).err()),
        ("verify a source", Archive::from_source(bytes.to_vec(), "t").and_then(|a| a.verify(&verify)).err()),
        ("unpack", unpack_archive(&path, target("a"), &unpack).err()),
        (
            "unpack a source",
            Archive::from_source(bytes.to_vec(), "t").and_then(|a| a.unpack(target("b"), &unpack)).err(),
        ),
    ];
    for (reader, name) in [("unpack", "a"), ("unpack a source", "b")] {
        let failed = said.iter().any(|(who, error)| *who == reader && error.is_some());
        assert_eq!(target(name).exists(), !failed, "{reader}");
    }
    said
}

#[test]
fn zeros_behind_the_gzip_data_are_padding_for_every_reader() {
    let work = tempfile::tempdir().unwrap();
    for (whose, archive) in [("ours", ours()), ("foreign", gzip(&first()))] {
        for zeros in [1, 9, 10, 27, 512, 4096, 1 << 20, (1 << 20) + 512] {
            let padded = [archive.clone(), vec![0; zeros]].concat();
            for (reader, error) in readers(&padded) {
                assert!(error.is_none(), "{whose}, {zeros} zeros, {reader}: {error:?}");
            }
            let verified =
                Archive::from_source(padded.clone(), "t").unwrap().verify(&VerifyOptions::default()).unwrap();
            assert_eq!(verified.archive_bytes, padded.len() as u64);
            assert_eq!(verified.has_index, whose == "ours", "{zeros}");
            let path = work.path().join("t.tar.gz");
            fs::write(&path, &padded).unwrap();
            if has_tool("gzip") {
                run("gzip", ["-t".as_ref(), path.as_os_str()]);
            }
            if has_tool("sha256sum") {
                let sum = String::from_utf8(run("sha256sum", [&path]).stdout).unwrap();
                assert!(sum.starts_with(&verified.sha256), "{whose}, {zeros} zeros");
            }
        }
    }
}

#[test]
fn other_bytes_behind_the_gzip_data_are_counted_and_placed_by_every_reader() {
    for (whose, archive) in [("ours", ours()), ("foreign", gzip(&first()))] {
        for behind in [&b"garbage\n"[..], b"\0\0\0\0x", &[&[0; 4096][..], b"PK\x03\x04"].concat()] {
            let bytes = [archive.as_slice(), behind].concat();
            let expected = format!(
                "the file has {} bytes after the end of the gzip data (offset {})",
                behind.len(),
                archive.len()
            );
            for (reader, error) in readers(&bytes) {
                let error = error.unwrap_or_else(|| panic!("{whose}, {reader}: {behind:?} went unseen"));
                assert_eq!(error.kind(), ErrorKind::InvalidArchive, "{whose}, {reader}: {error:#}");
                assert_eq!(error.message(), expected, "{whose}, {reader}");
                assert!(error.help().unwrap().contains(&format!("truncate -s {}", archive.len())));
            }
        }
    }
}

#[test]
fn a_second_archive_or_bytes_behind_the_end_mark_are_reported_by_every_reader() {
    let two = tar(&[("second.img", &[1; 4096])]);
    let one = first();
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("two archives, each packed", [gzip(&one), gzip(&two)].concat(), "begins with `second.img`"),
        (
            "two streams, packed as one",
            gzip(&[one.clone(), two.clone()].concat()),
            "begins with `second.img`",
        ),
        ("bytes behind the mark", gzip(&[one.as_slice(), b"rest"].concat()), "other than padding"),
        ("bytes far behind it", gzip(&[one.as_slice(), &[0; 10240], b"x"].concat()), "other than padding"),
        ("ours behind another tool's", [gzip(&one), ours()].concat(), "begins with `metainfo.xml`"),
        ("ours twice", [ours(), ours()].concat(), "a second archive of"),
        ("another tool's behind ours", [ours(), gzip(&two)].concat(), "a second archive of"),
    ];
    for (what, bytes, says) in cases {
        for (reader, error) in readers(&bytes) {
            let error = error.unwrap_or_else(|| panic!("{what}, {reader}: it went unseen"));
            assert_eq!(error.kind(), ErrorKind::InvalidArchive, "{what}, {reader}: {error:#}");
            assert!(error.message().contains(says), "{what}, {reader}: {error:#}");
        }
    }
}

#[test]
fn records_of_every_tar_are_filled_and_that_is_no_finding() {
    if !has_tool("tar") {
        return;
    }
    let work = tempfile::tempdir().unwrap();
    let folder = work.path().join("t");
    Archive::from_source(gzip(&first()), "t").unwrap().unpack(&folder, &UnpackOptions::default()).unwrap();
    for factor in ["1", "20", "2000"] {
        let path = work.path().join(format!("{factor}.tar.gz"));
        let arguments = ["-b", factor, "-czf"].map(AsRef::<Path>::as_ref).into_iter();
        run("tar", arguments.chain([path.as_path(), "-C".as_ref(), &folder, ".".as_ref()]));
        for (reader, error) in readers(&fs::read(&path).unwrap()) {
            assert!(error.is_none(), "{factor}, {reader}: {error:?}");
        }
    }
}
