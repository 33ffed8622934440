//! Verification returns the checksums of an intact archive, and finds damage at every place.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use vmtemplate::archive::{PackOptions, UnpackOptions, Verified, VerifyOptions};
use vmtemplate::progress::Threads;
use vmtemplate::{ErrorKind, Template};
use vmtemplate_test_support::{disk, has_tool, noise, run, sample_disk, unpack_archive, verify_archive};

fn verify(path: &Path) -> vmtemplate::Result<Verified> {
    verify_archive(path, &VerifyOptions::default())
}

/// A template whose image has data, holes, and an odd end; as `plain.tar.gz` and `sparse.tar.gz`, and unpacked in
/// `files`.
fn packed() -> TempDir {
    let work = tempfile::tempdir().unwrap();
    let mut image = sample_disk();
    image.extend(noise(1, 3 << 20));
    image.extend(vec![0; (5 << 20) + 512]);
    let template =
        Template::builder("Windows-10").image(disk(&image)).image_name("w.hddimage").build().unwrap();
    for (name, sparse) in [("plain.tar.gz", false), ("sparse.tar.gz", true)] {
        template.pack(work.path().join(name), &PackOptions { sparse, ..PackOptions::default() }).unwrap();
    }
    unpack_archive(work.path().join("plain.tar.gz"), work.path().join("files"), &UnpackOptions::default())
        .unwrap();
    work
}

fn sha256sum(path: &Path) -> String {
    let out = String::from_utf8(run("sha256sum", [path]).stdout).unwrap();
    out.split(' ').next().unwrap().to_owned()
}

#[test]
fn the_checksums_are_those_of_sha256sum_for_archives_of_ours_and_of_others() {
    if !has_tool("sha256sum") {
        return;
    }
    let work = packed();
    let files = work.path().join("files");
    let foreign: Vec<PathBuf> =
        [("gnu.tar.gz", "--format=gnu"), ("sparse-gnu.tar.gz", "-S"), ("posix.tar.gz", "--format=posix")]
            .into_iter()
            .map(|(name, option)| {
                let path = work.path().join(name);
                let arguments = [option.as_ref(), "-czf".as_ref(), path.as_os_str(), "-C".as_ref()];
                run("tar", arguments.into_iter().chain([files.as_os_str(), ".".as_ref()]));
                path
            })
            .collect();
    let ours = ["plain.tar.gz", "sparse.tar.gz"].map(|name| work.path().join(name));
    for (path, is_ours) in
        ours.iter().map(|path| (path, true)).chain(foreign.iter().map(|path| (path, false)))
    {
        let verified = verify(path).unwrap();
        assert_eq!(verified.sha256, sha256sum(path), "{}", path.display());
        assert_eq!(verified.archive_bytes, fs::metadata(path).unwrap().len());
        assert_eq!(verified.has_index, is_ours, "{}", path.display());
        assert_eq!(verified.files.len(), 3);
        for file in &verified.files {
            assert_eq!(file.sha256, sha256sum(&files.join(&file.name)), "{}: {}", path.display(), file.name);
            assert_eq!(file.size, fs::metadata(files.join(&file.name)).unwrap().len());
        }
    }
}

#[test]
fn any_number_of_threads_gives_the_same_answer() {
    let work = packed();
    let path = work.path().join("plain.tar.gz");
    let expected = verify(&path).unwrap();
    for threads in [1, 2, 8] {
        let options = VerifyOptions { threads: Threads::new(threads), ..VerifyOptions::default() };
        assert_eq!(verify_archive(&path, &options).unwrap(), expected);
    }
}

#[test]
fn a_byte_changed_anywhere_is_found() {
    let work = packed();
    let whole = fs::read(work.path().join("plain.tar.gz")).unwrap();
    let path = work.path().join("damaged.tar.gz");
    fs::write(&path, &whole).unwrap();
    let sound = verify(&path).unwrap();
    // The last bytes are the index: every byte of it is tried.
    let places = (0..whole.len()).step_by(9973).chain(whole.len() - 300..whole.len());
    for at in places {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x11;
        fs::write(&path, &damaged).unwrap();
        match verify(&path) {
            Err(error) => assert!(
                matches!(
                    error.kind(),
                    ErrorKind::InvalidArchive
                        | ErrorKind::InvalidMetainfo
                        | ErrorKind::UnsafeArchive
                        | ErrorKind::LimitExceeded
                ),
                "byte {at}: {error:#}"
            ),
            // The padding bits after the last block of a member have no meaning; only the archive's checksum differs.
            Ok(verified) => {
                assert_eq!(verified.files, sound.files, "byte {at}");
                assert_ne!(verified.sha256, sound.sha256, "byte {at}");
            }
        }
    }
    for cut in [1, 69, 70, 71, 500] {
        fs::write(&path, &whole[..whole.len() - cut]).unwrap();
        let error = verify(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArchive, "cut by {cut}: {error:#}");
    }
}

#[test]
fn an_index_that_lies_is_found_though_unpacking_can_do_without_it() {
    let work = packed();
    let mut bytes = fs::read(work.path().join("plain.tar.gz")).unwrap();
    // In the footer, the number of members (docs/archive-format.md): the members themselves are intact.
    let footer = bytes.len() - 70 + 28;
    bytes[footer + 8] ^= 1;
    let path = work.path().join("lying.tar.gz");
    fs::write(&path, &bytes).unwrap();
    unpack_archive(&path, work.path().join("out"), &UnpackOptions::default()).unwrap();
    let error = verify(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArchive);
    assert!(error.message().contains("index"), "{error}");
}

#[test]
fn a_sound_archive_that_is_no_whole_template_is_told_for_what_it_lacks() {
    let work = packed();
    let files = work.path().join("files");
    let path = work.path().join("t.tar.gz");
    let pack = |names: &[&str]| {
        let arguments = ["czf".as_ref(), path.as_os_str(), "-C".as_ref(), files.as_os_str()];
        run("tar", arguments.into_iter().chain(names.iter().map(AsRef::as_ref)));
        verify(&path).unwrap_err()
    };
    let error = pack(&["w.hddimage", "setup.cmd"]);
    assert_eq!(error.kind(), ErrorKind::InvalidTemplate);
    assert!(error.message().contains("metainfo.xml"), "{error}");
    let error = pack(&["metainfo.xml"]);
    let fields: Vec<_> = error.problems().iter().filter_map(|problem| problem.field()).collect();
    assert_eq!(fields, ["installdrive", "hddimage"]);
    fs::rename(files.join("w.hddimage"), files.join("W.HDDIMAGE")).unwrap();
    let error = pack(&["metainfo.xml", "setup.cmd", "W.HDDIMAGE"]);
    assert!(error.to_string().contains("`w.hddimage` does not exist"), "{error}");
    fs::write(files.join("metainfo.xml"), "<doc><osname>").unwrap();
    let error = pack(&["metainfo.xml", "setup.cmd"]);
    assert_eq!((error.kind(), error.entry()), (ErrorKind::InvalidMetainfo, Some("metainfo.xml")));
}
