//! What a repository says of its templates, and what becomes of archives that are damaged, linked or replaced.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use vmtemplate::{
    EntryOptions, ErrorKind, PackOptions, PublishOptions, PushOptions, Repository, RepositoryFormat,
    RepositoryVerifyOptions, Template,
};
use vmtemplate_workspace::{disk, noise};

fn template(name: &str, seed: u64) -> Template {
    let template = Template::builder(name).image(disk(&noise(seed, 1 << 16))).tag("windows");
    template.image_name(format!("{name}.hddimage")).template_version("5.1").build().unwrap()
}

/// A folder with the archives `a.tar.gz`, `b.tar.gz` and `c.tar.gz` of the templates `Windows-a`, `Windows-b` and
/// `Windows-c`, and a repository in `repo` with the first two.
fn work(format: RepositoryFormat) -> (TempDir, Repository) {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::create(folder.path().join("repo"), format).unwrap();
    for (seed, name) in ["a", "b", "c"].into_iter().enumerate() {
        let path = folder.path().join(format!("{name}.tar.gz"));
        let template = template(&format!("Windows-{name}"), seed as u64 + 1);
        template.pack(&path, &PackOptions::default()).unwrap();
        if name != "c" {
            repository.add(&path, &EntryOptions::default()).unwrap();
        }
    }
    (folder, repository)
}

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path).unwrap()
}

fn codes(repository: &Repository) -> Vec<&'static str> {
    let report = repository.verify(&RepositoryVerifyOptions::default()).unwrap();
    report.findings().iter().map(|finding| finding.rule().code).collect()
}

/// An archive that `damage` was done to.
fn damaged(path: &Path, damage: impl FnOnce(&mut Vec<u8>)) -> PathBuf {
    let mut bytes = fs::read(path).unwrap();
    damage(&mut bytes);
    fs::write(path, bytes).unwrap();
    path.to_owned()
}

#[test]
fn sync_keeps_what_is_said_of_a_damaged_archive_and_describes_the_others() {
    let damages: [fn(&mut Vec<u8>); 4] = [
        |bytes| bytes[1 << 15] ^= 1,
        |bytes| bytes.truncate(1 << 15),
        |bytes| bytes.extend(b"what stands behind the end"),
        Vec::clear,
    ];
    for damage in damages {
        for format in [RepositoryFormat::Vm6, RepositoryFormat::Vm5] {
            let (folder, repository) = work(format);
            let (description, sums) = (repository.description_path(), repository.folder().join("SHA256SUMS"));
            let before = (read(&description), read(&sums));
            damaged(&repository.folder().join("a.tar.gz"), damage);
            let synced = repository.sync(&PublishOptions::default()).unwrap();
            assert_eq!(synced.damaged.keys().collect::<Vec<_>>(), ["a.tar.gz"]);
            assert!(!synced.damaged["a.tar.gz"].is_empty());
            assert_eq!((synced.updated.len(), synced.missing.len()), (0, 0));
            assert_eq!((read(&description), read(&sums)), before);
            assert!(codes(&repository).contains(&"VMT0712"));
            // Another archive was replaced by hand, by one that is sound.
            fs::copy(folder.path().join("c.tar.gz"), repository.folder().join("b.tar.gz")).unwrap();
            let synced = repository.sync(&PublishOptions::default()).unwrap();
            assert_eq!((synced.updated.as_slice(), synced.damaged.len()), (&["b.tar.gz".to_owned()][..], 1));
            let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
            let after = read(&sums);
            assert_eq!(lines(&after)[0], lines(&before.1)[0], "that of a.tar.gz");
            assert_ne!(lines(&after)[1], lines(&before.1)[1], "that of b.tar.gz");
        }
    }
}

#[test]
fn a_linked_archive_goes_with_its_line_and_what_it_leads_to_stays() {
    let (folder, repository) = work(RepositoryFormat::Vm6);
    let (at, shelf) = (repository.folder(), folder.path().join("shelf"));
    fs::create_dir(&shelf).unwrap();
    for name in ["a.tar.gz", "metadata.json"] {
        fs::rename(at.join(name), shelf.join(name)).unwrap();
        symlink(shelf.join(name), at.join(name)).unwrap();
    }
    assert_eq!(codes(&repository), [""; 0]);
    repository.remove("Windows-a", &PublishOptions::default()).unwrap();
    assert!(fs::symlink_metadata(at.join("a.tar.gz")).is_err());
    assert!(shelf.join("a.tar.gz").exists());
    assert!(!read(at.join("SHA256SUMS")).contains("a.tar.gz"));
    assert!(fs::symlink_metadata(at.join("metadata.json")).unwrap().is_symlink());
    assert_eq!(codes(&repository), [""; 0]);
    // One that is replaced, one that leads nowhere, and one that is not there at all.
    for (name, link) in [("replaced", Some("a.tar.gz")), ("dangling", Some("nothing")), ("absent", None)] {
        let described = read(shelf.join("metadata.json"));
        fs::remove_file(at.join("b.tar.gz")).unwrap();
        if let Some(link) = link {
            symlink(shelf.join(link), at.join("b.tar.gz")).unwrap();
        }
        if name == "replaced" {
            let other = folder.path().join("c.tar.gz");
            let entry = repository.replace("Windows-b", other, &EntryOptions::default()).unwrap();
            fs::rename(at.join(entry.file_name), at.join("b.tar.gz")).unwrap();
            fs::write(shelf.join("metadata.json"), described).unwrap();
            assert!(read(at.join("SHA256SUMS")).lines().count() == 1, "{name}");
            continue;
        }
        fs::write(at.join("SHA256SUMS"), format!("{}  b.tar.gz\n", "0".repeat(64))).unwrap();
        repository.remove("Windows-b", &PublishOptions::default()).unwrap();
        assert_eq!(read(at.join("SHA256SUMS")), "", "{name}");
        assert!(fs::symlink_metadata(at.join("b.tar.gz")).is_err(), "{name}");
        assert_eq!(codes(&repository), [""; 0], "{name}");
        fs::write(shelf.join("metadata.json"), described).unwrap();
        fs::write(at.join("b.tar.gz"), "").unwrap();
    }
}

#[test]
fn a_link_in_the_folder_is_described_there_and_a_link_elsewhere_is_copied() {
    let (folder, repository) = work(RepositoryFormat::Vm6);
    let at = repository.folder();
    symlink(folder.path().join("c.tar.gz"), at.join("c.tar.gz")).unwrap();
    repository.add(at.join("c.tar.gz"), &EntryOptions::default()).unwrap();
    assert!(fs::symlink_metadata(at.join("c.tar.gz")).unwrap().is_symlink());
    let outside = folder.path().join("link.tar.gz");
    symlink(at.join("a.tar.gz"), &outside).unwrap();
    let options = EntryOptions {
        name: Some("Windows-d".into()),
        image_name: Some("d".into()),
        ..EntryOptions::default()
    };
    assert_eq!(repository.add(&outside, &options).unwrap().file_name, "link.tar.gz");
    assert!(at.join("link.tar.gz").is_file());
    assert!(codes(&repository).iter().all(|code| *code == "VMT0715"));
}

#[test]
fn adding_again_is_refused_or_replaces_as_it_is_asked_for() {
    let (folder, repository) = work(RepositoryFormat::Vm6);
    let archive = folder.path().join("c.tar.gz");
    let added = repository.add_or_replace(&archive, &EntryOptions::default()).unwrap();
    assert_eq!(added.file_name, "c.tar.gz");
    // The same once more changes nothing.
    let before = vmtemplate_workspace::tree(repository.folder());
    repository.add_or_replace(&archive, &EntryOptions::default()).unwrap();
    assert_eq!(vmtemplate_workspace::tree(repository.folder()), before);
    template("Windows-c", 9)
        .pack(&archive, &PackOptions { overwrite: true, ..PackOptions::default() })
        .unwrap();
    assert_eq!(
        repository.add(&archive, &EntryOptions::default()).unwrap_err().kind(),
        ErrorKind::AlreadyExists
    );
    let replaced = repository.add_or_replace(&archive, &EntryOptions::default()).unwrap();
    assert_ne!(replaced.file_name, "c.tar.gz");
    assert_eq!(repository.list().unwrap().len(), 3);
    assert!(!repository.folder().join("c.tar.gz").exists());
    // By the name that is given.
    let named = EntryOptions { name: Some("Windows-a".into()), ..EntryOptions::default() };
    let replaced = repository.add_or_replace(&archive, &named);
    assert_eq!(replaced.unwrap_err().kind(), ErrorKind::AlreadyExists, "the image name is that of Windows-c");
    let named = EntryOptions { image_name: Some("a".into()), ..named };
    repository.add_or_replace(&archive, &named).unwrap();
    assert_eq!(repository.list().unwrap().len(), 3);
}

#[test]
fn the_list_has_version_size_and_time_of_every_archive() {
    for format in [RepositoryFormat::Vm6, RepositoryFormat::Vm5] {
        let (_folder, repository) = work(format);
        let archive = fs::File::options().write(true).open(repository.folder().join("a.tar.gz")).unwrap();
        archive.set_modified(std::time::UNIX_EPOCH + Duration::from_secs(1_482_815_545)).unwrap();
        repository.sync(&PublishOptions::default()).unwrap();
        fs::write(repository.folder().join("b.tar.gz"), "no archive").unwrap();
        let entries = repository.list().unwrap();
        assert_eq!(entries[0].template_version.as_deref(), Some("5.1"));
        assert_eq!(entries[0].archive_size_mib, Some(1));
        assert_eq!(entries[0].modified_utc.as_deref(), Some("2016-12-27 05:12:25"));
        // What is not sound has a size and a time all the same, and what is not there has what is said of it.
        assert!(entries[1].modified_utc.is_some());
        fs::remove_file(repository.folder().join("b.tar.gz")).unwrap();
        let size = repository.list().unwrap()[1].archive_size_mib;
        assert_eq!(size, (format == RepositoryFormat::Vm6).then_some(1));
        // Nothing of it is written into the description.
        assert!(!read(repository.description_path()).contains("modified"));
    }
}

#[test]
fn keys_that_are_not_known_are_set_in_their_order_and_stay() {
    let (folder, repository) = work(RepositoryFormat::Vm6);
    let mut options = EntryOptions::default();
    options.set_keys(r#"{"z": 1.50e3, "os_group": "windows", "a": {"b": [true, null]}}"#).unwrap();
    let added = repository.add(folder.path().join("c.tar.gz"), &options).unwrap();
    assert_eq!(added.other["os_group"], "\"windows\"");
    let description = || read(repository.description_path());
    assert!(
        description().contains(
            "      \"archive_size_mib\": 1,\n      \"z\": 1.50e3,\n      \"os_group\": \"windows\",\n      \
             \"a\": {\"b\": [true, null]}\n    }\n  ]"
        ),
        "{}",
        description()
    );
    // One is changed, one is new, and the others stay, also when nothing is said of them.
    let mut options = EntryOptions::default();
    options.set_keys(r#"{"n": [], "os_group": "other"}"#).unwrap();
    let before = description();
    let replaced = repository.replace("Windows-c", folder.path().join("c.tar.gz"), &options).unwrap();
    let expected = before
        .replace("\"windows\",\n      \"a\"", "\"other\",\n      \"a\"")
        .replace("null]}", "null]},\n      \"n\": []");
    assert_eq!(description(), expected);
    let keys = ["a", "n", "os_group", "z"];
    assert_eq!(replaced.other.keys().collect::<Vec<_>>(), keys);
    repository.replace("Windows-c", folder.path().join("c.tar.gz"), &EntryOptions::default()).unwrap();
    assert_eq!(description(), expected);
    // And while packing.
    let mut push = PushOptions::default();
    push.entry.set_keys(r#"{"efi_boot": true}"#).unwrap();
    let pushed = repository.push(&template("Windows-d", 4), &push).unwrap();
    assert_eq!(pushed.entry.other, BTreeMap::from([("efi_boot".to_owned(), "true".to_owned())]));
    // The next template has its keys in the order of this one.
    assert!(description().ends_with("      \"efi_boot\": true\n    }\n  ]\n}\n"), "{}", description());
    assert_eq!(codes(&repository), [""; 0]);
}

#[test]
fn a_key_with_checks_of_its_own_and_what_is_no_json_are_refused_before_anything_is_written() {
    let (folder, repository) = work(RepositoryFormat::Vm6);
    let before = vmtemplate_workspace::tree(repository.folder());
    for (key, value) in [
        ("name", "\"x\""),
        ("file_name", "\"../x\""),
        ("archive_size_mib", "1"),
        ("os_group", "windows"),
        ("x", "1, \"name\": \"y\""),
        ("", "1"),
    ] {
        let set = vec![(key.to_owned(), value.to_owned())];
        let options = EntryOptions { set, ..EntryOptions::default() };
        for error in [
            repository.add(folder.path().join("c.tar.gz"), &options).unwrap_err(),
            repository.replace("Windows-a", folder.path().join("c.tar.gz"), &options).unwrap_err(),
            repository
                .push(
                    &template("Windows-d", 4),
                    &PushOptions { entry: options.clone(), ..PushOptions::default() },
                )
                .unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::InvalidValue, "{key}={value}: {error:#}");
            assert!(error.help().is_some(), "{key}={value}");
        }
        assert_eq!(vmtemplate_workspace::tree(repository.folder()), before, "{key}={value}");
    }
    let (folder, older) = work(RepositoryFormat::Vm5);
    let options = EntryOptions { set: vec![("x".into(), "1".into())], ..EntryOptions::default() };
    let error = older.add(folder.path().join("c.tar.gz"), &options).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidValue);
}

#[test]
fn the_least_version_of_a_product_is_described_and_what_was_written_by_hand_stays() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::create(folder.path().join("repo"), RepositoryFormat::Vm5).unwrap();
    let archive = |support: &str, seed: u64| {
        let source = folder.path().join(format!("{seed}"));
        fs::create_dir(&source).unwrap();
        fs::write(source.join("w.img"), noise(seed, 4096)).unwrap();
        fs::write(source.join("s.cmd"), "@echo off\r\n").unwrap();
        let metainfo = format!(
            "<doc><osname>Windows-10</osname><support>{support}</support><hddimage>w.img</hddimage>\
             <installdrive>s.cmd</installdrive></doc>"
        );
        fs::write(source.join("metainfo.xml"), metainfo).unwrap();
        let path = folder.path().join(format!("{seed}.tar.gz"));
        Template::open(&source).unwrap().pack(&path, &PackOptions::default()).unwrap();
        path
    };
    let replace = |support: &str, seed| {
        repository.replace("Windows-10", archive(support, seed), &EntryOptions::default()).unwrap()
    };
    let support = || {
        let text = read(repository.description_path());
        let (_, rest) = text.split_once("<support>").unwrap();
        rest.split_once("</support>").unwrap().0.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let first = archive("<elem version='5.4'>vmmgr</elem><elem>DCImgr</elem>", 1);
    let added = repository.add(first, &EntryOptions::default()).unwrap();
    assert_eq!(added.products, ["vmmgr:5.4", "DCImgr"]);
    assert_eq!(support(), "<elem version=\"5.4\">vmmgr</elem> <elem>DCImgr</elem>");
    // By hand: here it counts, and not in the template.
    let text = read(repository.description_path()).replace("<elem>DCImgr", "<elem version='5.100'>DCImgr");
    fs::write(repository.description_path(), text).unwrap();
    replace("<elem version='5.4.0'>vmmgr</elem><elem>DCImgr</elem>", 2);
    assert_eq!(support(), "<elem version=\"5.4\">vmmgr</elem> <elem version='5.100'>DCImgr</elem>");
    let replaced = replace("<elem version='5.6'>vmmgr</elem><elem version='6'>VEmgr</elem>", 3);
    assert_eq!(support(), "<elem version=\"5.6\">vmmgr</elem> <elem version=\"6\">VEmgr</elem>");
    assert_eq!(replaced.products, ["vmmgr:5.6", "VEmgr:6"]);
    // An archive that says nothing of it, and bringing in step, change nothing.
    let before = support();
    repository.replace("Windows-10", archive("", 4), &EntryOptions::default()).unwrap();
    repository.sync(&PublishOptions::default()).unwrap();
    assert_eq!(support(), before);
    // Where there was none, one is made, on lines of its own.
    let text = read(repository.description_path());
    let (start, rest) = text.split_once("    <support>").unwrap();
    let rest = rest.split_once("</support>\n").unwrap().1;
    fs::write(repository.description_path(), format!("{start}{rest}")).unwrap();
    replace("<elem version='7'>VMmgr</elem>", 5);
    let text = read(repository.description_path());
    let lines = "\n    <support>\n      <elem version=\"7\">VMmgr</elem>\n    </support>\n";
    assert!(text.contains(lines), "{text}");
    assert_eq!(codes(&repository), [""; 0]);
}

fn mode(path: impl AsRef<Path>) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: impl AsRef<Path>, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn new_files_take_the_mode_of_the_description_and_replaced_ones_keep_theirs() {
    let (folder, repository) = work(RepositoryFormat::Vm6);
    let at = repository.folder();
    let modes = |names: &[&str]| names.iter().map(|name| mode(at.join(name))).collect::<Vec<_>>();
    assert_eq!(mode(at), 0o755);
    let all = ["metadata.json", "SHA256SUMS", "a.tar.gz", ".vmtemplate-lock"];
    assert_eq!(modes(&all), [0o644; 4]);
    set_mode(at.join("metadata.json"), 0o640);
    set_mode(at.join("SHA256SUMS"), 0o664);
    fs::remove_file(at.join(".vmtemplate-lock")).unwrap();
    let archive = folder.path().join("c.tar.gz");
    set_mode(&archive, 0o600);
    repository.add(archive, &EntryOptions::default()).unwrap();
    assert_eq!(modes(&all), [0o640, 0o664, 0o644, 0o640]);
    assert_eq!(mode(at.join("c.tar.gz")), 0o640);
    let pushed = repository.push(&template("Windows-d", 7), &PushOptions::default()).unwrap();
    assert_eq!(mode(at.join(pushed.entry.file_name)), 0o640);
    repository.remove("Windows-b", &PublishOptions::default()).unwrap();
    assert_eq!(modes(&all), [0o640, 0o664, 0o644, 0o640]);
}
