//! All files that metainfo.xml names are packed and unpacked, but none from outside the folder.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use vmtemplate::archive::{PackOptions, PackSummary, UnpackOptions, VerifyOptions};
use vmtemplate::report::{CheckOptions, Severity};
use vmtemplate::{ErrorKind, Template, check};
use vmtemplate_test_support::{has_tool, noise, run, tree, unpack_archive, verify_archive};

/// A folder with these files and their parent folders; a name with a slash at its end is a folder.
fn folder(metainfo: &str, files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let metainfo = format!("<doc><osname>Windows-10</osname>{metainfo}</doc>");
    for (name, bytes) in files.iter().chain([&("metainfo.xml", metainfo.as_bytes())]) {
        let path = folder.path().join(name);
        if name.ends_with('/') {
            fs::create_dir_all(&path).unwrap();
        } else {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }
    folder
}

/// Pack the template, read the archive in every way, and unpack it: returns the unpacked files and the summary.
fn round_trip(folder: &Path) -> (Vec<(PathBuf, Vec<u8>)>, PackSummary) {
    let work = tempfile::tempdir().unwrap();
    let path = work.path().join("t.tar.gz");
    let template = Template::open(folder).unwrap();
    let summary = template.pack(&path, &PackOptions::default()).unwrap();
    let names = |template: &Template| {
        template.files().iter().map(|file| (file.name.clone(), file.size)).collect::<Vec<_>>()
    };
    let again = Template::open(&path).unwrap();
    assert_eq!(names(&again), names(&template), "folder and archive list the same files in the same order");
    let verified = verify_archive(&path, &VerifyOptions::default()).unwrap();
    let in_archive: Vec<_> = verified.files.iter().map(|file| (file.name.clone(), file.size)).collect();
    assert_eq!(in_archive, names(&template));
    // The same input gives the same bytes, from the folder and from the archive.
    let mut second = Vec::new();
    let packed_again = again.pack_to(&mut second, &PackOptions::default()).unwrap();
    assert_eq!(packed_again.left_behind, Vec::<String>::new());
    if template.files().iter().all(|file| file.size > 0) {
        assert!(second == fs::read(&path).unwrap());
    }
    let out = work.path().join("out");
    unpack_archive(&path, &out, &UnpackOptions::default()).unwrap();
    if has_tool("tar") {
        let theirs = work.path().join("theirs");
        fs::create_dir(&theirs).unwrap();
        run("tar", ["xzf".as_ref(), path.as_os_str(), "-C".as_ref(), theirs.as_os_str()]);
        assert_eq!(tree(&theirs), tree(&out));
    }
    assert!(!out.join("files/empty").exists() || out.join("files/empty").is_dir());
    (tree(&out), summary)
}

const WINDOWS: &str = "<hddimage>w.img</hddimage><installdrive>setup.cmd</installdrive>\
                       <installcfg>unattend.xml</installcfg><sharedir>files</sharedir>";

#[test]
fn every_file_that_is_named_is_packed_and_comes_back() {
    let large = noise(1, (2 << 20) + 77);
    let folder = folder(
        WINDOWS,
        &[
            ("w.img", &[1; 4096]),
            ("setup.cmd", b"rem\r\n"),
            ("unattend.xml", b"<unattend/>"),
            ("files/a.txt", b"a"),
            ("files/deep/er/b.txt", b"b"),
            ("files/large.bin", &large),
            ("files/nothing", b""),
            ("files/empty/", b""),
        ],
    );
    let (back, summary) = round_trip(folder.path());
    assert_eq!(back, tree(folder.path()));
    assert_eq!((summary.left_behind, summary.missing), (vec![], vec![]));
}

#[test]
fn the_order_is_metainfo_script_others_by_name_and_the_image() {
    let folder = folder(
        WINDOWS,
        &[
            ("w.img", &[1; 4096]),
            ("setup.cmd", b"rem\r\n"),
            ("unattend.xml", b"x"),
            ("files/b", b"b"),
            ("files/a", b"a"),
        ],
    );
    let template = Template::open(folder.path()).unwrap();
    let names: Vec<_> = template.files().iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["metainfo.xml", "setup.cmd", "files/a", "files/b", "unattend.xml", "w.img"]);
}

#[test]
fn image_and_script_may_be_in_folders_as_the_platform_joins_the_value() {
    let folder = folder(
        "<hddimage>./images//w.img</hddimage><installdrive>scripts/first/setup.cmd</installdrive>",
        &[("images/w.img", &[1; 4096]), ("scripts/first/setup.cmd", b"rem\r\n")],
    );
    let (back, summary) = round_trip(folder.path());
    assert_eq!(back, tree(folder.path()));
    assert_eq!(summary.left_behind, Vec::<String>::new());
    let report = check(folder.path(), &CheckOptions { skip_image: true, ..CheckOptions::default() }).unwrap();
    let wrong: Vec<_> = report.findings().iter().map(|finding| finding.rule().code).collect();
    assert!(
        !wrong.iter().any(|code| ["VMT0104", "VMT0151", "VMT0152", "VMT0158", "VMT0159"].contains(code)),
        "{wrong:?}"
    );
}

#[test]
fn a_template_that_installs_over_the_network_needs_no_image_and_no_script() {
    let metainfo = "<kernel>linux</kernel><initrd>boot/initrd.gz</initrd><installcfg>preseed.cfg</installcfg>\
                    <sharedir>files</sharedir><pxelinuxcfg>pxe.cfg</pxelinuxcfg>\
                    <nfsshare>yes</nfsshare><image>http://mirror.example.com/i</image>";
    let kernel = vec![1; 70_000];
    let files = [("linux", &kernel[..]), ("boot/initrd.gz", &[2; 10]), ("preseed.cfg", b"d-i")];
    let folder = folder(metainfo, &files);
    let (back, summary) = round_trip(folder.path());
    assert_eq!(back, tree(folder.path()));
    assert_eq!(summary.missing, ["pxelinuxcfg: pxe.cfg", "sharedir: files"]);
    let report = check(folder.path(), &CheckOptions::default()).unwrap();
    let package: Vec<_> = report
        .findings()
        .iter()
        .filter(|finding| finding.rule().code.starts_with("VMT015"))
        .map(|finding| (finding.rule().code, finding.severity()))
        .collect();
    assert_eq!(package, [("VMT0158", Severity::Error); 2]);
}

#[test]
fn what_nothing_names_is_left_behind_and_listed() {
    let folder = folder(
        WINDOWS,
        &[
            ("w.img", &[1; 4096]),
            ("setup.cmd", b"rem\r\n"),
            ("setup.cmd.orig", b"rem\r\n"),
            ("unattend.xml", b"x"),
            ("files/a", b"a"),
            (".git/objects/00/1", b"x"),
            ("notes.txt", b"n"),
        ],
    );
    let (back, summary) = round_trip(folder.path());
    assert_eq!(summary.left_behind, [".git/", "notes.txt", "setup.cmd.orig"]);
    assert_eq!(back.len(), 5);
}

#[test]
fn beside_the_image_in_a_folder_of_its_own_the_rest_is_listed_by_name() {
    let folder = folder(
        "<hddimage>images/w.img</hddimage><installdrive>setup.cmd</installdrive>",
        &[
            ("images/w.img", &[1; 4096]),
            ("images/w.qcow2", b"x"),
            ("images/old/v.img", b"x"),
            ("setup.cmd", b"rem"),
        ],
    );
    let (_, summary) = round_trip(folder.path());
    assert_eq!(summary.left_behind, ["images/old/", "images/w.qcow2"]);
}

#[test]
fn no_name_leads_out_of_the_folder() {
    let parent = tempfile::tempdir().unwrap();
    fs::write(parent.path().join("secret"), "secret").unwrap();
    for value in ["../secret", "a/../../secret", "/etc/passwd", "a\\..\\secret", "nul", "metainfo.xml"] {
        for element in
            ["hddimage", "installdrive", "installcfg", "kernel", "initrd", "pxelinuxcfg", "sharedir"]
        {
            let two = "<hddimage>w.img</hddimage><installdrive>setup.cmd</installdrive>";
            let metainfo = match two.find(element) {
                Some(_) => two.replace(
                    &format!(">{}</{element}", if element == "hddimage" { "w.img" } else { "setup.cmd" }),
                    &format!(">{value}</{element}"),
                ),
                None => format!("{two}<{element}>{value}</{element}>"),
            };
            let folder = folder(&metainfo, &[("w.img", &[1; 512]), ("setup.cmd", b"rem")]);
            let packed = Template::open(folder.path())
                .and_then(|template| template.pack_to(Vec::new(), &PackOptions::default()));
            let error = packed.unwrap_err();
            let problem = error.problems().first().unwrap_or(&error);
            assert_eq!(problem.kind(), ErrorKind::InvalidMetainfo, "{element} {value}: {error:#}");
            assert_eq!(problem.field(), Some(element), "{element} {value}");
        }
    }
}

#[cfg(unix)]
#[test]
fn links_are_followed_inside_the_folder_and_refused_where_they_lead_out_or_to_folders() {
    use std::os::unix::fs::symlink;
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "secret").unwrap();
    let make = || {
        folder(
            WINDOWS,
            &[("w.img", &[1; 4096]), ("setup.cmd", b"rem"), ("unattend.xml", b"x"), ("files/a", b"a")],
        )
    };
    let good = make();
    symlink("a", good.path().join("files/b")).unwrap();
    symlink("../setup.cmd", good.path().join("files/c")).unwrap();
    let (back, _) = round_trip(good.path());
    assert!(
        back.contains(&("files/b".into(), b"a".to_vec()))
            && back.contains(&("files/c".into(), b"rem".to_vec()))
    );

    let secret = outside.path().join("secret");
    let attacks: &[(&str, &Path)] = &[
        ("files/link", &secret),
        ("files/link", outside.path()),
        ("files/loop", Path::new("..")),
        ("unattend.xml", &secret),
        ("files", outside.path()),
        ("files/gone", Path::new("/no/such/file")),
    ];
    for (name, target) in attacks {
        let bad = make();
        let path = bad.path().join(name);
        if path.is_dir() {
            fs::remove_dir_all(&path).unwrap();
        } else {
            fs::remove_file(&path).ok();
        }
        symlink(target, &path).unwrap();
        let error = Template::open(bad.path()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidTemplate, "{name}: {error:#}");
        let report =
            check(bad.path(), &CheckOptions { skip_image: true, ..CheckOptions::default() }).unwrap();
        assert!(
            report.findings().iter().any(|finding| finding.rule().code == "VMT0159"),
            "{name}: {report:?}"
        );
    }
    // An image in a folder that is a link to another place.
    let bad = folder(
        "<hddimage>images/secret</hddimage><installdrive>setup.cmd</installdrive>",
        &[("setup.cmd", b"rem")],
    );
    symlink(outside.path(), bad.path().join("images")).unwrap();
    let error = Template::open(bad.path()).unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidTemplate, Some("hddimage")));
}

#[test]
fn what_no_reader_would_unpack_is_not_packed() {
    let two = [("w.img", &[1; 512][..]), ("setup.cmd", b"rem"), ("unattend.xml", b"x")];
    let many: Vec<String> = (0..1000).map(|number| format!("files/{number}")).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|name| (name.as_str(), &b"x"[..])).chain(two).collect();
    let folder_of_many = folder(WINDOWS, &many);
    let packed = Template::open(folder_of_many.path())
        .and_then(|template| template.pack_to(Vec::new(), &PackOptions::default()));
    assert!(packed.is_err());
    if cfg!(target_os = "linux") {
        let case = folder(WINDOWS, &[("files/A", b"x"), ("files/a", b"y"), two[0], two[1], two[2]]);
        let template = Template::open(case.path()).unwrap();
        let error = template.pack_to(Vec::new(), &PackOptions::default()).unwrap_err();
        assert!(error.message().contains("case"), "{error:#}");
    }
}
