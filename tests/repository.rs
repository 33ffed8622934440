//! Repositories from the view of publishers, readers and their tools.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;
use vmtemplate::archive::PackOptions;
use vmtemplate::metainfo::Tags;
use vmtemplate::output::Overwrite;
use vmtemplate::report::Severity;
use vmtemplate::repository::{
    EntryOptions, PublicKey, PublishOptions, RepositoryCheckOptions, RepositoryFormat, SigningKey,
    TemplateKind,
};
use vmtemplate::{ErrorKind, Repository, Template};
use vmtemplate_test_support::{disk, has_tool, noise, run, verify_archive};

/// A template archive in `folder` whose disk is `length` bytes of random data.
fn archive(folder: &Path, name: &str, length: usize) -> PathBuf {
    let path = folder.join(format!("{name}.tar.gz"));
    let seed = name.bytes().fold(length as u64, |seed, byte| seed.wrapping_mul(31) + u64::from(byte));
    let template = Template::builder(name)
        .image(disk(&noise(seed, length)))
        .image_name(format!("{name}.hddimage"))
        .memory_mib(1024)
        .disk_mb(15_000)
        .tags(["windows", "test"])
        .template_version("5");
    let options = PackOptions { overwrite: Overwrite::Yes, ..PackOptions::default() };
    template.build().unwrap().pack(&path, &options).unwrap();
    path
}

/// A folder for archives, and an empty repository in `repo`.
fn work(format: RepositoryFormat) -> (TempDir, Repository) {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::create(folder.path().join("repo"), format).unwrap();
    (folder, repository)
}

fn description(repository: &Repository) -> String {
    fs::read_to_string(repository.description_path()).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The codes of the findings, each with its severity.
/// The findings of a verification, sorted by code: their order is not specified.
fn codes(repository: &Repository) -> Vec<(&'static str, Severity)> {
    let report = repository.check(&RepositoryCheckOptions::default()).unwrap();
    let mut codes: Vec<_> =
        report.findings().iter().map(|finding| (finding.rule().code, finding.severity())).collect();
    codes.sort_unstable();
    codes
}

fn options() -> EntryOptions {
    EntryOptions::default()
}

#[test]
fn an_entry_says_what_the_archive_says() {
    let (folder, repository) = work(RepositoryFormat::Vm6);
    let archive = archive(folder.path(), "Windows-10", 1 << 20);
    assert!(fs::metadata(&archive).unwrap().len() > 1 << 20);
    let entry = repository.add(&archive, &options()).unwrap();
    assert_eq!(entry.kind(), TemplateKind::KvmTemplate);
    assert_eq!(
        description(&repository),
        "{\n  \"type\": \"os\",\n  \"os\": [\n    {\n      \"name\": \"Windows-10\",\n      \"tags\": [\"windows\", \"test\"],\n      \
         \"file_name\": \"Windows-10.tar.gz\",\n      \"image_name\": \"Windows-10.hddimage\",\n      \
         \"archive_size_mib\": 2\n    }\n  ]\n}\n"
    );
    assert_eq!(codes(&repository), []);
    let asked = EntryOptions {
        name: Some("Windows-11".into()),
        tags: Some(Tags::from("a")),
        file_name: Some("w11.tar.gz".into()),
        image_name: Some("w11".into()),
        expand: Some("/dev/sda2".into()),
        network_device: Some("eth0".into()),
        requirements: true,
        ..options()
    };
    repository.add(&archive, &asked).unwrap();
    let entry = repository.list().unwrap().remove(1);
    assert_eq!((&*entry.name, &*entry.file_name), ("Windows-11", "w11.tar.gz"));
    assert_eq!((entry.hdd_mib_required, entry.min_ram_mib), (Some(14_306), Some(1024)));
    assert_eq!((entry.expand.as_deref(), entry.network_device.as_deref()), (Some("/dev/sda2"), Some("eth0")));
}

#[test]
fn adding_and_removing_changes_only_the_lines_of_the_entry() {
    let (folder, repository) = work(RepositoryFormat::Vm6);
    let archive = archive(folder.path(), "Windows-10", 4096);
    fs::write(repository.folder().join("old.xz"), "").unwrap();
    let before = "{\r\n\t\"type\" : \"os\",\r\n\t\"platform\" : {\"a\":[1.0,2]},\r\n\t\"os\" : [\r\n\t\t{\r\n\t\t\t\"name\" : \"Debian-12\",\r\n\t\t\t\"os_group\" : null,\r\n\t\t\t\"file_name\" : \"old.xz\",\r\n\t\t\t\"archive_size_mib\" : 0,\r\n\t\t\t\"sizes\" : [1e3, 0.10]\r\n\t\t}\r\n\t]\r\n}";
    fs::write(repository.description_path(), before).unwrap();
    repository.add(&archive, &options()).unwrap();
    let after = description(&repository);
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let start = 10; // the bracket that ends the first entry, which gets a comma
    assert_eq!(new[..start], old[..start]);
    assert_eq!(new[start], "\t\t},");
    assert_eq!(new[new.len() - 2..], old[old.len() - 2..]);
    assert_eq!(
        new[start + 1..new.len() - 2],
        [
            "\t\t{",
            "\t\t\t\"name\" : \"Windows-10\",",
            "\t\t\t\"file_name\" : \"Windows-10.tar.gz\",",
            "\t\t\t\"archive_size_mib\" : 1,",
            "\t\t\t\"tags\" : [\"windows\", \"test\"],",
            "\t\t\t\"image_name\" : \"Windows-10.hddimage\"",
            "\t\t}"
        ]
    );
    repository.remove("Windows-10", &PublishOptions::default()).unwrap();
    assert_eq!(description(&repository), before);
    assert!(!repository.folder().join("Windows-10.tar.gz").exists());
}

#[test]
fn a_replaced_archive_has_a_file_name_of_its_own_and_the_old_one_goes() {
    let (folder, repository) = work(RepositoryFormat::Vm6);
    fs::create_dir(folder.path().join("first")).unwrap();
    let first = archive(&folder.path().join("first"), "Windows-10", 4096);
    repository.add(&first, &options()).unwrap();
    let edited = description(&repository).replace("\"name\"", "\"kms_supported\": true,\n      \"name\"");
    fs::write(repository.description_path(), &edited).unwrap();
    // The same archive again changes nothing.
    repository.replace("Windows-10", &first, &options()).unwrap();
    assert_eq!(description(&repository), edited);

    let second = archive(folder.path(), "Windows-10", 3 << 20);
    let entry = repository.replace("Windows-10", &second, &options()).unwrap();
    let sum = verify_archive(&second, &vmtemplate::archive::VerifyOptions::default()).unwrap().sha256;
    assert_eq!(entry.file_name, format!("Windows-10-{}.tar.gz", &sum[..8]));
    assert_eq!(
        description(&repository),
        edited
            .replace("Windows-10.tar.gz", &entry.file_name)
            .replace("\"archive_size_mib\": 1", "\"archive_size_mib\": 4")
    );
    let expected = [".vmtemplate-lock", "SHA256SUMS", &*entry.file_name, "metadata.json"];
    assert_eq!(names(repository.folder()), expected);
    assert_eq!(codes(&repository), []);
    // A damaged archive is replaced with the same bytes under a third name.
    let path = repository.folder().join(&entry.file_name);
    let mut bytes = fs::read(&path).unwrap();
    bytes[1 << 20] ^= 1;
    fs::write(&path, bytes).unwrap();
    fs::copy(&first, repository.folder().join("Windows-10.tar.gz")).unwrap();
    let again = repository.replace("Windows-10", &second, &options()).unwrap();
    assert_eq!(again.file_name, format!("Windows-10-{}.tar.gz", &sum[..16]));
    fs::remove_file(repository.folder().join("Windows-10.tar.gz")).unwrap();
    assert_eq!(codes(&repository), []);
    // Replaced again: the plain name is free again.
    assert_eq!(repository.replace("Windows-10", &first, &options()).unwrap().file_name, "Windows-10.tar.gz");
    let same = EntryOptions { file_name: Some("Windows-10.tar.gz".into()), ..options() };
    assert_eq!(repository.replace("Windows-10", &second, &same).unwrap_err().kind(), ErrorKind::InvalidValue);
    assert_eq!(repository.replace("Windows-9", &second, &options()).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(codes(&repository), []);
}

#[test]
fn what_is_refused_leaves_everything_as_it_was() {
    let (folder, repository) = work(RepositoryFormat::Vm6);
    let whole = archive(folder.path(), "Windows-10", 4096);
    repository.add(&whole, &options()).unwrap();
    let before = vmtemplate_test_support::tree(repository.folder());
    let cut = folder.path().join("cut.tar.gz");
    fs::write(&cut, &fs::read(&whole).unwrap()[..1500]).unwrap();
    let mut damaged = fs::read(archive(folder.path(), "Windows-11", 4 << 20)).unwrap();
    damaged[2 << 20] ^= 1;
    let flipped = folder.path().join("flipped.tar.gz");
    fs::write(&flipped, damaged).unwrap();
    let named = |name: &str| EntryOptions { name: Some(name.into()), ..options() };
    let file = |name: &str| EntryOptions { file_name: Some(name.into()), ..named("B") };
    let image = |name: &str| EntryOptions { image_name: Some(name.into()), ..file("b.tar.gz") };
    for (archive, options, kind) in [
        (&whole, options(), ErrorKind::AlreadyExists),
        (&whole, named("B"), ErrorKind::AlreadyExists),
        (&whole, file("b.tar.gz"), ErrorKind::AlreadyExists), // the image name
        (
            &whole,
            EntryOptions { image_name: Some("b".into()), ..file("../b.tar.gz") },
            ErrorKind::InvalidValue,
        ),
        (&whole, EntryOptions { image_name: Some("b".into()), ..file("b.zip") }, ErrorKind::InvalidValue),
        (&whole, EntryOptions { name: Some(String::new()), ..image("b") }, ErrorKind::InvalidValue),
        (&cut, image("b"), ErrorKind::InvalidArchive),
        (&flipped, image("b"), ErrorKind::InvalidArchive),
        (&folder.path().join("none.tar.gz"), options(), ErrorKind::NotFound),
    ] {
        let error = repository.add(archive, &options).unwrap_err();
        assert_eq!(error.kind(), kind, "{error:#}");
        assert_eq!(vmtemplate_test_support::tree(repository.folder()), before, "{error:#}");
    }
    repository.add(&whole, &image("b")).unwrap();
}

#[test]
fn linux_and_lxd_templates_are_told_apart_and_not_mixed() {
    if !has_tool("xz") {
        return;
    }
    let (folder, repository) = work(RepositoryFormat::Vm6);
    let at = folder.path();
    fs::write(at.join("Debian-12"), noise(5, 3 << 20)).unwrap();
    run("xz", ["-0", "-k", at.join("Debian-12").to_str().unwrap()]);
    let named = |name: &str| EntryOptions { name: Some(name.into()), ..options() };
    let error = repository.add(at.join("Debian-12.xz"), &options()).unwrap_err();
    assert_eq!(error.field(), Some("name"));
    let entry = repository.add(at.join("Debian-12.xz"), &named("Debian-12")).unwrap();
    assert_eq!((entry.kind(), entry.image_name.as_deref()), (TemplateKind::KvmImage, Some("Debian-12")));

    fs::create_dir_all(at.join("lxd/rootfs/etc")).unwrap();
    fs::write(at.join("lxd/metadata.yaml"), "architecture: x86_64\n").unwrap();
    std::os::unix::fs::symlink("/run/resolv.conf", at.join("lxd/rootfs/etc/resolv.conf")).unwrap();
    let lxd = at.join("Ubuntu-24.tar.gz");
    run("tar", ["czf", lxd.to_str().unwrap(), "-C", at.join("lxd").to_str().unwrap(), "."]);
    let error = repository.add(&lxd, &named("Ubuntu-24")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRepository, "{error:#}");
    assert!(error.message().contains("LXD"), "{error}");
    assert_eq!(codes(&repository), []);

    let other = Repository::create(at.join("lxd-repo"), RepositoryFormat::Vm6).unwrap();
    let entry = other.add(&lxd, &named("Ubuntu-24")).unwrap();
    assert_eq!((entry.kind(), entry.image_name), (TemplateKind::Lxd, None));
    let windows = archive(at, "Windows-10", 4096);
    assert_eq!(other.add(&windows, &options()).unwrap_err().kind(), ErrorKind::InvalidRepository);
    assert_eq!(codes(&other), []);
    // A user can write it by hand.
    fs::copy(at.join("Debian-12.xz"), other.folder().join("Debian-12.xz")).unwrap();
    let text = description(&other)
        .replace("    {", "    {\"name\": \"Debian-12\", \"file_name\": \"Debian-12.xz\"},\n    {");
    fs::write(other.description_path(), text.replace("\"tags\"", "\"expand\": \"/dev/sda1\", \"tags\""))
        .unwrap();
    other.sync(&PublishOptions::default()).unwrap();
    assert_eq!(codes(&other), [("VMT0708", Severity::Error), ("VMT0709", Severity::Warning)]);
    // A truncated .xz and a truncated .tar.gz are not published.
    for (name, file) in [("Debian-13", "Debian-12.xz"), ("Ubuntu-25", "Ubuntu-24.tar.gz")] {
        let bytes = fs::read(at.join(file)).unwrap();
        let cut = at.join(format!("cut-{file}"));
        fs::write(&cut, &bytes[..bytes.len() - 7]).unwrap();
        let error = repository.add(&cut, &named(name)).unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::InvalidArchive | ErrorKind::InvalidRepository),
            "{error:#}"
        );
    }
}

#[test]
fn sha256sum_accepts_the_checksums_at_every_step() {
    if !has_tool("sha256sum") {
        return;
    }
    let (folder, repository) = work(RepositoryFormat::Vm6);
    let accepted = || {
        let check = Command::new("sha256sum")
            .args(["--check", "--strict", "--quiet", "SHA256SUMS"])
            .current_dir(repository.folder())
            .output()
            .unwrap();
        check.status.success()
    };
    let mine = folder.path().join("repo/README");
    fs::write(&mine, "hello\n").unwrap();
    let line = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03 *README\n";
    fs::write(repository.folder().join("SHA256SUMS"), line).unwrap();
    for name in ["Windows-10", "Windows 11"] {
        repository.add(archive(folder.path(), name, 4096), &options()).unwrap();
        assert!(accepted());
    }
    repository.replace("Windows-10", archive(folder.path(), "Windows-10", 8192), &options()).unwrap();
    assert!(accepted());
    repository.remove("Windows-10", &PublishOptions::default()).unwrap();
    assert!(accepted());
    let sums = fs::read_to_string(repository.folder().join("SHA256SUMS")).unwrap();
    assert!(sums.starts_with(line) && sums.lines().count() == 2, "{sums}");
    fs::write(repository.folder().join("Windows 11.tar.gz"), "x").unwrap();
    assert!(!accepted());
    assert!(codes(&repository).contains(&("VMT0712", Severity::Error)));
}

#[test]
fn what_was_changed_by_hand_is_found_and_brought_in_step() {
    let (folder, repository) = work(RepositoryFormat::Vm6);
    for name in ["Windows-10", "Windows-11"] {
        repository.add(archive(folder.path(), name, 4096), &options()).unwrap();
    }
    let larger = archive(folder.path(), "Windows-10", 2 << 20);
    fs::copy(&larger, repository.folder().join("Windows-10.tar.gz")).unwrap();
    fs::remove_file(repository.folder().join("Windows-11.tar.gz")).unwrap();
    fs::write(repository.folder().join("stray.xz"), "").unwrap();
    assert_eq!(
        codes(&repository),
        [
            ("VMT0711", Severity::Error),
            ("VMT0714", Severity::Error),
            ("VMT0718", Severity::Note),
            ("VMT0721", Severity::Error),
        ]
    );
    let synced = repository.sync(&PublishOptions::default()).unwrap();
    assert_eq!(synced.updated, ["Windows-10.tar.gz"]);
    assert_eq!(synced.missing, ["Windows-11.tar.gz"]);
    assert_eq!(codes(&repository), [("VMT0711", Severity::Error), ("VMT0718", Severity::Note)]);
    let before = vmtemplate_test_support::tree(repository.folder());
    assert_eq!(repository.sync(&PublishOptions::default()).unwrap().updated, Vec::<String>::new());
    assert_eq!(vmtemplate_test_support::tree(repository.folder()), before);
}

#[test]
fn every_rule_of_the_description_has_something_to_say() {
    let (folder, repository) = work(RepositoryFormat::Vm6);
    let at = repository.folder();
    fs::copy(archive(folder.path(), "Windows-10", 4096), at.join("w.tar.gz")).unwrap();
    fs::copy(at.join("w.tar.gz"), at.join("v.xz")).unwrap();
    fs::write(
        repository.description_path(),
        r#"{"type": "iso", "os": [
            {"name": "Windows-10", "tags": ["windows", "test"], "file_name": "w.tar.gz", "image_name": "i"},
            {"name": "Windows-10", "tags": ["windows"], "file_name": "w.tar.gz", "image_name": "i"},
            {"name": "TinyCore", "tags": [], "file_name": "../etc/x.xz"},
            {"name": "Windows-12", "tags": [], "file_name": "SHA256SUMS"},
            {"name": "Windows-11", "tags": ["windows", "test"], "file_name": "v.xz"}
        ]}"#,
    )
    .unwrap();
    let mut found: Vec<_> = codes(&repository).into_iter().map(|(code, _)| code).collect();
    found.dedup();
    assert_eq!(
        found,
        [
            "VMT0702", "VMT0703", "VMT0704", "VMT0705", "VMT0706", "VMT0707", "VMT0713", "VMT0715",
            "VMT0716", "VMT0722"
        ]
    );
    fs::write(repository.description_path(), "{\"type\": \"os\",\n \"os\": [,]}").unwrap();
    let report = repository.check(&RepositoryCheckOptions::default()).unwrap();
    let finding = &report.findings()[0];
    assert_eq!(finding.rule().code, "VMT0701");
    assert_eq!(finding.place().to_string(), "metadata.json:2:9");
    assert_eq!(finding.excerpt().unwrap().line, " \"os\": [,]}");
    assert_eq!(repository.list().unwrap_err().kind(), ErrorKind::InvalidRepository);
}

#[test]
fn vmmanager_5_has_its_own_form_and_the_same_care() {
    let (folder, repository) = work(RepositoryFormat::Vm5);
    assert_eq!(Repository::open(repository.folder()).unwrap().format(), RepositoryFormat::Vm5);
    let first = archive(folder.path(), "Windows-10", 4096);
    repository.add(&first, &options()).unwrap();
    let stamp = "<utcmtime>";
    let text = description(&repository);
    let time = &text[text.find(stamp).unwrap() + stamp.len()..][..19];
    let file = repository.folder().join("Windows-10.tar.gz");
    let utc = run("date", ["-u", "-r", file.to_str().unwrap(), "+%F %T"]);
    assert_eq!(time, String::from_utf8(utc.stdout).unwrap().trim());
    assert_eq!(
        text.replace(time, "T"),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<doc>\n  <elem>\n    <osname>Windows-10</osname>\n    <support>\n      \
         <elem>VMmgr</elem>\n    </support>\n    <tags>windows,test</tags>\n    <version>5</version>\n    \
         <type>ostemplate</type>\n    <filename>Windows-10.tar.gz</filename>\n    <utcmtime>T</utcmtime>\n  </elem>\n</doc>\n"
    );
    assert_eq!(codes(&repository), []);
    let second = archive(folder.path(), "Windows-10", 8192);
    let entry = repository.replace("Windows-10", &second, &options()).unwrap();
    assert_ne!(entry.file_name, "Windows-10.tar.gz");
    assert_eq!(codes(&repository), []);
    let old = fs::File::options().write(true).open(repository.folder().join(&entry.file_name)).unwrap();
    old.set_modified(std::time::UNIX_EPOCH + Duration::from_secs(1_482_815_545)).unwrap();
    assert_eq!(codes(&repository), [("VMT0717", Severity::Note)]);
    repository.sync(&PublishOptions::default()).unwrap();
    assert!(description(&repository).contains("<utcmtime>2016-12-27 05:12:25</utcmtime>"));
    repository.remove("Windows-10", &PublishOptions::default()).unwrap();
    assert!(repository.list().unwrap().is_empty());
    // One folder can serve both formats if the caller requests it.
    let both = Repository::create(repository.folder(), RepositoryFormat::Vm6).unwrap();
    assert_eq!(Repository::open(both.folder()).unwrap().format(), RepositoryFormat::Vm6);
    let older = Repository::open_as(both.folder(), RepositoryFormat::Vm5).unwrap();
    let copied = both.folder().join("Windows-10.tar.gz");
    fs::copy(&first, &copied).unwrap();
    both.add(&copied, &options()).unwrap();
    older.add(&copied, &options()).unwrap();
    assert_eq!((codes(&both), codes(&older)), (Vec::new(), Vec::new()));
    older.remove("Windows-10", &PublishOptions::default()).unwrap();
    assert!(copied.exists(), "the other description still names it");
    assert_eq!(codes(&both), []);
}

#[test]
fn what_a_killed_publisher_left_verifies_and_is_cleaned_by_the_next() {
    let (folder, repository) = work(RepositoryFormat::Vm6);
    repository.add(archive(folder.path(), "Windows-10", 4096), &options()).unwrap();
    let at = repository.folder();
    // Killed after the archive and the checksum were written, before the archive was described.
    let orphan = at.join("Windows-11.tar.gz");
    fs::copy(archive(folder.path(), "Windows-11", 4096), &orphan).unwrap();
    let sum = verify_archive(&orphan, &vmtemplate::archive::VerifyOptions::default()).unwrap().sha256;
    let mut sums = fs::File::options().append(true).open(at.join("SHA256SUMS")).unwrap();
    writeln!(sums, "{sum}  Windows-11.tar.gz").unwrap();
    let inode = fs::metadata(&orphan).unwrap().ino();
    let described = fs::metadata(at.join("Windows-10.tar.gz")).unwrap().ino();
    let note =
        format!("pid 1 on here, since then\n{inode} Windows-11.tar.gz\n{described} Windows-10.tar.gz\n");
    fs::write(at.join(".vmtemplate-lock"), note).unwrap();
    fs::write(at.join(".Windows-12.tar.gz.Ab12Cd.vmtemplate-tmp"), "half").unwrap();
    fs::write(at.join("Windows-13.tar.gz"), "another's").unwrap();
    assert_eq!(codes(&repository), [("VMT0718", Severity::Note); 2]);

    repository.add(archive(folder.path(), "Windows-12", 4096), &options()).unwrap();
    assert_eq!(
        names(at),
        [
            ".vmtemplate-lock",
            "SHA256SUMS",
            "Windows-10.tar.gz",
            "Windows-12.tar.gz",
            "Windows-13.tar.gz",
            "metadata.json"
        ]
    );
    assert_eq!(fs::read(at.join(".vmtemplate-lock")).unwrap(), b"");
    assert!(!fs::read_to_string(at.join("SHA256SUMS")).unwrap().contains("Windows-11"));
    assert_eq!(codes(&repository), [("VMT0718", Severity::Note)]);
}

#[test]
fn a_file_that_took_the_place_of_a_leftover_is_kept() {
    let (folder, repository) = work(RepositoryFormat::Vm6);
    let at = repository.folder();
    fs::write(at.join("mine.tar.gz"), "mine").unwrap();
    let other = fs::metadata(at.join("mine.tar.gz")).unwrap().ino() + 1;
    fs::write(at.join(".vmtemplate-lock"), format!("pid 1\n{other} mine.tar.gz\n1 ../x\n")).unwrap();
    repository.add(archive(folder.path(), "Windows-10", 4096), &options()).unwrap();
    assert_eq!(fs::read(at.join("mine.tar.gz")).unwrap(), b"mine");
}

#[test]
fn who_waits_too_long_is_told_for_whom() {
    let (folder, repository) = work(RepositoryFormat::Vm6);
    let archive = archive(folder.path(), "Windows-10", 4096);
    let path = repository.folder().join(".vmtemplate-lock");
    fs::write(&path, "pid 4711 on build7, since 2026-03-01 10:00:00 UTC\n").unwrap();
    let held = fs::File::options().write(true).open(&path).unwrap();
    held.lock().unwrap();
    let publish = PublishOptions { lock_timeout: Duration::from_millis(100), ..PublishOptions::default() };
    let error = repository.add(&archive, &EntryOptions { publish, ..options() }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    assert!(error.message().contains("pid 4711 on build7, since 2026-03-01 10:00:00 UTC"), "{error}");
    drop(held);
    repository.add(&archive, &options()).unwrap();
}

#[test]
fn a_signed_repository_is_accepted_by_minisign_and_changed_only_with_the_key() {
    if !has_tool("minisign") {
        return;
    }
    let (folder, repository) = work(RepositoryFormat::Vm6);
    let at = folder.path();
    let (secret, public) = (at.join("k.key"), at.join("k.pub"));
    run("minisign", ["-G", "-W", "-p", public.to_str().unwrap(), "-s", secret.to_str().unwrap()]);
    let key = Some(SigningKey::from_file(&secret, None).unwrap());
    let publish = PublishOptions { key, ..PublishOptions::default() };
    let signed = EntryOptions { publish: publish.clone(), ..options() };
    let first = archive(at, "Windows-10", 4096);
    repository.add(&first, &signed).unwrap();
    let accepted = || {
        ["metadata.json", "SHA256SUMS"].iter().all(|file| {
            let file = repository.folder().join(file);
            let mut minisign = Command::new("minisign");
            minisign.args(["-V", "-q", "-p"]).arg(&public).arg("-m").arg(file);
            minisign.output().unwrap().status.success()
        })
    };
    assert!(accepted());
    let mode = |name: &str| fs::metadata(repository.folder().join(name)).unwrap().mode() & 0o777;
    assert_eq!((mode("metadata.json.minisig"), mode("SHA256SUMS.minisig")), (0o644, 0o644));
    let closed = std::os::unix::fs::PermissionsExt::from_mode(0o640);
    fs::set_permissions(repository.folder().join("metadata.json.minisig"), closed).unwrap();
    repository.sync(&publish).unwrap();
    assert_eq!((mode("metadata.json.minisig"), mode("SHA256SUMS.minisig")), (0o640, 0o644));
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    fs::set_permissions(repository.folder().join("metadata.json.minisig"), open).unwrap();
    let public_key = Some(PublicKey::from_file(&public).unwrap());
    let verify = RepositoryCheckOptions { public_key, ..RepositoryCheckOptions::default() };
    let found = || {
        let report = repository.check(&verify).unwrap();
        report.findings().iter().map(|f| (f.rule().code, f.place().to_string())).collect::<Vec<_>>()
    };
    assert_eq!(found(), []);
    let second = archive(at, "Windows-11", 4096);
    assert_eq!(repository.add(&second, &options()).unwrap_err().kind(), ErrorKind::InvalidSignature);
    assert!(accepted());
    repository.add(&second, &signed).unwrap();
    repository.remove("Windows-10", &publish).unwrap();
    assert!(accepted());
    assert_eq!(found(), []);
    let text = description(&repository);
    fs::write(repository.description_path(), text.replace("Windows-11\"", "Windows-1l\"")).unwrap();
    assert_eq!(found()[0], ("VMT0723", "metadata.json".to_owned()));
    // Killed between writing the description and the signature: the signature still has its temporary name.
    let (now, next) = ("metadata.json.minisig", "metadata.json.next.minisig");
    fs::write(repository.description_path(), &text).unwrap();
    fs::rename(repository.folder().join(now), repository.folder().join(next)).unwrap();
    fs::copy(repository.folder().join("SHA256SUMS.minisig"), repository.folder().join(now)).unwrap();
    assert_eq!(found(), []);
    repository.sync(&publish).unwrap();
    assert!(accepted() && !repository.folder().join(next).exists());
    // With a key with a password, made by minisign.
    let (secret, public) = (at.join("p.key"), at.join("p.pub"));
    let mut child = Command::new("minisign")
        .args(["-G", "-f", "-p", public.to_str().unwrap(), "-s", secret.to_str().unwrap()])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"secret\nsecret\n").unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(SigningKey::from_file(&secret, Some("wrong")).unwrap_err().kind(), ErrorKind::InvalidValue);
    SigningKey::from_file(&secret, Some("secret")).unwrap();
}

#[test]
fn an_entry_that_names_what_is_no_archive_takes_nothing_with_it() {
    let (folder, repository) = work(RepositoryFormat::Vm6);
    repository.add(archive(folder.path(), "Windows-10", 4096), &options()).unwrap();
    let outside = folder.path().join("outside.xz");
    fs::write(&outside, "mine").unwrap();
    let files = ["../outside.xz", "SHA256SUMS", "metadata.json", ".vmtemplate-lock", ""];
    for file in files {
        let evil = format!("\"os\": [{{\"name\": \"Evil\", \"file_name\": \"{file}\"}},");
        fs::write(repository.description_path(), description(&repository).replace("\"os\": [", &evil))
            .unwrap();
        let synced = repository.sync(&PublishOptions::default()).unwrap();
        assert_eq!(synced.updated, Vec::<String>::new(), "{file}");
        repository.remove("Evil", &PublishOptions::default()).unwrap();
        assert_eq!(codes(&repository), [], "{file}");
        assert_eq!(fs::read(&outside).unwrap(), b"mine");
    }
}

#[test]
fn a_link_or_pipe_that_is_described_is_not_waited_for() {
    let (folder, repository) = work(RepositoryFormat::Vm6);
    run("mkfifo", [repository.folder().join("p.tar.gz").to_str().unwrap()]);
    std::os::unix::fs::symlink("/dev/zero", repository.folder().join("z.tar.gz")).unwrap();
    let text = r#"{"type": "os", "os": [{"name": "Debian-1", "file_name": "p.tar.gz"},
        {"name": "Debian-2", "file_name": "z.tar.gz"}]}"#;
    fs::write(repository.description_path(), text).unwrap();
    assert_eq!(codes(&repository), [("VMT0712", Severity::Error); 2]);
    repository.add(archive(folder.path(), "Windows-10", 4096), &options()).unwrap_err();
    repository.sync(&PublishOptions::default()).unwrap();
}
