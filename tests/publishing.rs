//! The description of a repository, and what happens to archives that are damaged, linked or replaced.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use vmtemplate::archive::PackOptions;
use vmtemplate::metainfo::Tags;
use vmtemplate::output::Overwrite;
use vmtemplate::repository::{
    EntryOptions, PublishOptions, PushOptions, RepositoryCheckOptions, RepositoryFormat,
};
use vmtemplate::{ErrorKind, Repository, Template};
use vmtemplate_test_support::{disk, is_root, noise, run, skipped, tree};

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
    let report = repository.check(&RepositoryCheckOptions::default()).unwrap();
    report.findings().iter().map(|finding| finding.rule().code).collect()
}

/// An archive after `damage` was done to it.
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
            // Another archive was replaced by hand with an intact one.
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
fn sync_reports_what_is_missing_keeps_its_checksum_and_describes_the_others() {
    for format in [RepositoryFormat::Vm6, RepositoryFormat::Vm5] {
        let (folder, repository) = work(format);
        let at = repository.folder();
        let (description, sums) = (repository.description_path(), at.join("SHA256SUMS"));
        let sum_of_a = read(&sums).lines().next().unwrap().to_owned();
        let before = read(&description);
        fs::rename(at.join("a.tar.gz"), folder.path().join("away.tar.gz")).unwrap();
        fs::copy(folder.path().join("c.tar.gz"), at.join("b.tar.gz")).unwrap();
        let stale = format!("{}  deleted.tar.gz\n", "0".repeat(64));
        fs::File::options().append(true).open(&sums).unwrap().write_all(stale.as_bytes()).unwrap();
        let synced = repository.sync(&PublishOptions::default()).unwrap();
        assert_eq!((synced.missing, synced.updated), (vec!["a.tar.gz".into()], vec!["b.tar.gz".into()]));
        let text = read(&sums);
        assert!(text.contains(&sum_of_a) && !text.contains("deleted") && text.lines().count() == 2, "{text}");
        let entry = |text: &str| text.split_inclusive("Windows-b").next().unwrap().to_owned();
        assert_eq!(entry(&read(&description)), entry(&before), "that of a.tar.gz");
        // One cause is reported once.
        let found = codes(&repository);
        assert_eq!(found.iter().filter(|code| **code == "VMT0711").count(), 1, "{found:?}");
        assert!(!found.contains(&"VMT0721"), "{found:?}");
        // Another archive in its place is detected; the one that was published is accepted again.
        fs::copy(folder.path().join("c.tar.gz"), at.join("a.tar.gz")).unwrap();
        assert!(codes(&repository).contains(&"VMT0721"));
        fs::rename(folder.path().join("away.tar.gz"), at.join("a.tar.gz")).unwrap();
        assert!(!codes(&repository).iter().any(|code| ["VMT0711", "VMT0721"].contains(code)));
        assert!(repository.sync(&PublishOptions::default()).unwrap().missing.is_empty());
        // A file that is not an archive is not missing, but a dangling link is.
        fs::remove_file(at.join("a.tar.gz")).unwrap();
        fs::create_dir(at.join("a.tar.gz")).unwrap();
        fs::remove_file(at.join("b.tar.gz")).unwrap();
        symlink("nowhere", at.join("b.tar.gz")).unwrap();
        let synced = repository.sync(&PublishOptions::default()).unwrap();
        assert!(synced.damaged["a.tar.gz"].contains("not a file"), "{:?}", synced.damaged);
        assert_eq!(synced.missing, ["b.tar.gz"]);
        let found = codes(&repository);
        assert!(found.contains(&"VMT0712") && found.contains(&"VMT0711"), "{found:?}");
    }
}

#[test]
fn an_archive_from_a_stream_is_called_after_its_template() {
    let (folder, repository) = work(RepositoryFormat::Vm6);
    let archive = |name: &str| fs::read(folder.path().join(name)).unwrap();
    let add = |name: &str, options: &EntryOptions| repository.add_source(archive(name), "a stream", options);
    let plain = EntryOptions::default();
    let added = add("c.tar.gz", &plain).unwrap();
    assert_eq!((&*added.name, &*added.file_name), ("Windows-c", "Windows-c.tar.gz"));
    assert_eq!(fs::read(repository.folder().join("Windows-c.tar.gz")).unwrap(), archive("c.tar.gz"));
    assert_eq!(add("c.tar.gz", &plain).unwrap_err().kind(), ErrorKind::AlreadyExists);
    // Doing it again changes nothing.
    let before = tree(repository.folder());
    repository.add_or_replace_source(archive("c.tar.gz"), "a stream", &plain).unwrap();
    assert_eq!(tree(repository.folder()), before);
    let replaced = repository.replace_source("Windows-a", archive("c.tar.gz"), "a stream", &plain);
    assert_eq!(replaced.unwrap_err().kind(), ErrorKind::AlreadyExists, "the image name is that of Windows-c");
    let options = EntryOptions { image_name: Some("a".into()), ..EntryOptions::default() };
    let replaced = repository.replace_source("Windows-a", archive("c.tar.gz"), "a stream", &options).unwrap();
    assert_eq!((&*replaced.name, &*replaced.file_name), ("Windows-a", "Windows-a.tar.gz"));
    assert!(!repository.folder().join("a.tar.gz").exists());
    let named = EntryOptions {
        name: Some("Windows-d".into()),
        file_name: Some("d.tar.gz".into()),
        image_name: Some("d".into()),
        ..EntryOptions::default()
    };
    assert_eq!(add("b.tar.gz", &named).unwrap().file_name, "d.tar.gz");
    let before = tree(repository.folder());
    for (bytes, options) in [(archive("a.tar.gz")[..1000].to_vec(), &plain), (b"no archive".to_vec(), &named)]
    {
        let error = repository.add_source(bytes, "a stream", options).unwrap_err();
        assert_eq!(error.path(), Some("a stream".as_ref()), "{error:#}");
        assert_eq!(tree(repository.folder()), before, "{error:#}");
    }
}

#[test]
fn names_that_lead_elsewhere_are_refused_before_anything_is_written() {
    let (folder, repository) = work(RepositoryFormat::Vm6);
    let archive = folder.path().join("c.tar.gz");
    let before = tree(repository.folder());
    let long = "x".repeat(256);
    let names = [
        "",
        " ",
        ".",
        "..",
        "../x",
        "/x",
        "a/b",
        "a\\b",
        ".hidden",
        "a\nb",
        "a\0b",
        "a\u{1b}[2J",
        &long,
        "SHA256SUMS",
        "metadata.json",
        "metadata.xml",
        "metadata.json.minisig",
        "SHA256SUMS.minisig",
    ];
    for name in names {
        let given = || Some(name.to_owned());
        let mut cases = vec![
            ("image_name", EntryOptions { image_name: given(), ..EntryOptions::default() }),
            ("file_name", EntryOptions { file_name: given(), ..EntryOptions::default() }),
        ];
        if name.trim().is_empty() || name.chars().any(char::is_control) {
            cases.extend([
                ("name", EntryOptions { name: given(), ..EntryOptions::default() }),
                ("expand", EntryOptions { expand: given(), ..EntryOptions::default() }),
                ("network_device", EntryOptions { network_device: given(), ..EntryOptions::default() }),
            ]);
        }
        for (field, options) in cases {
            let push = PushOptions { entry: options.clone(), ..PushOptions::default() };
            for error in [
                options.validate().unwrap_err(),
                repository.add(&archive, &options).unwrap_err(),
                repository.add_or_replace(&archive, &options).unwrap_err(),
                repository.replace("Windows-a", &archive, &options).unwrap_err(),
                repository.add_source(fs::read(&archive).unwrap(), "-", &options).unwrap_err(),
                repository.push(&template("Windows-d", 4), &push).unwrap_err(),
            ] {
                let found = (error.kind(), error.field());
                assert_eq!(found, (ErrorKind::InvalidValue, Some(field)), "{name:?}: {error:#}");
                assert!(error.help().is_some() && !error.to_string().contains('\n'), "{name:?}: {error}");
            }
        }
        assert_eq!(tree(repository.folder()), before, "{name:?}");
    }
    // The same applies to a name from the archive; a given name replaces it.
    let hidden =
        Template::builder("Windows-e").image(disk(&noise(5, 4096))).image_name(".hidden").build().unwrap();
    let push = PushOptions::default();
    assert_eq!(repository.push(&hidden, &push).unwrap_err().field(), Some("image_name"));
    assert_eq!(tree(repository.folder()), before);
    let entry = EntryOptions { image_name: Some("e".into()), ..EntryOptions::default() };
    repository.push(&hidden, &PushOptions { entry, ..push }).unwrap();
    repository.remove("Windows-e", &PublishOptions::default()).unwrap();
    // And to a name that was written by hand.
    let text = read(repository.description_path());
    for name in ["../x", "..", "a\\nb"] {
        let changed = text.replacen("Windows-a.hddimage", name, 1);
        fs::write(repository.description_path(), changed).unwrap();
        assert_eq!(codes(&repository), ["VMT0702"], "{name}");
    }
    fs::write(repository.description_path(), text).unwrap();
    let tags = EntryOptions { tags: Some(Tags::from("a\u{7}b")), ..EntryOptions::default() };
    assert_eq!(repository.add(&archive, &tags).unwrap_err().field(), Some("tags"));
    // The longest possible name, also if digits are added to it.
    let longest = format!("{}.tar.gz", "x".repeat(248));
    let options = EntryOptions { file_name: Some(longest.clone()), ..EntryOptions::default() };
    assert_eq!(repository.add(&archive, &options).unwrap().file_name, longest);
    let other = folder.path().join(&longest);
    template("Windows-c", 9).pack(&other, &PackOptions::default()).unwrap();
    let replaced = repository.replace("Windows-c", &other, &EntryOptions::default()).unwrap();
    assert_eq!(replaced.file_name.len(), 255);
    assert_eq!(codes(&repository), [""; 0]);
}

#[test]
fn replacing_keeps_what_the_publisher_wrote_unless_the_archive_states_it() {
    let (folder, repository) = work(RepositoryFormat::Vm6);
    let archive = |tags: &[&str], image: &str, seed| {
        let template = Template::builder("Windows-a").image(disk(&noise(seed, 4096))).tags(tags.to_vec());
        let path = folder.path().join(format!("{seed}.tar.gz"));
        template.image_name(image).build().unwrap().pack(&path, &PackOptions::default()).unwrap();
        path
    };
    let edit = |from: &str, to: &str| {
        let text = read(repository.description_path());
        assert!(text.contains(from), "{text}");
        fs::write(repository.description_path(), text.replacen(from, to, 1)).unwrap();
    };
    let replace = |archive: &Path, options: &EntryOptions| {
        repository.replace("Windows-a", archive, options).unwrap();
        let entry = repository.list().unwrap().remove(0);
        (entry.tags.to_string(), entry.image_name.clone().unwrap(), entry)
    };
    let plain = EntryOptions::default();
    // A value from the archive changes with the next archive.
    let (_, image, _) = replace(&archive(&["windows"], "second.hddimage", 11), &plain);
    assert_eq!(image, "second.hddimage");
    edit("[\"windows\"]", "[\"gold\"]");
    edit(
        "\"second.hddimage\"",
        "\"mine\", \"expand\": \"/dev/sda2\", \"min_ram_mib\": 7, \"os_group\": \"x\"",
    );
    let (tags, image, entry) = replace(&archive(&[], "third.hddimage", 12), &plain);
    assert_eq!((&*tags, &*image), ("gold", "mine"));
    assert_eq!((entry.expand.as_deref(), entry.min_ram_mib), (Some("/dev/sda2"), Some(7)));
    assert_eq!(entry.other["os_group"], "\"x\"");
    let (tags, image, _) = replace(&archive(&["server"], "fourth.hddimage", 13), &plain);
    assert_eq!((&*tags, &*image), ("server", "mine"));
    let options = EntryOptions { tags: Some(Tags::from("t")), image_name: Some("i".into()), ..plain.clone() };
    let (tags, image, _) = replace(&archive(&["server"], "fifth.hddimage", 14), &options);
    assert_eq!((&*tags, &*image), ("t", "i"));
    // Without the archive, it is unknown where the name came from.
    let (_, _, entry) = replace(&archive(&["server"], "i", 15), &plain);
    fs::remove_file(repository.folder().join(entry.file_name)).unwrap();
    let (_, image, _) = replace(&archive(&["server"], "sixth.hddimage", 16), &plain);
    assert_eq!(image, "i");
    assert_eq!(codes(&repository), [""; 0]);
    // The option of `add` counts too: two templates may have the same image name.
    let shared = archive(&[], "Windows-b.hddimage", 17);
    let named =
        EntryOptions { name: Some("Windows-c".into()), image_name: Some("c".into()), ..plain.clone() };
    repository.add(&shared, &named).unwrap();
    let again = repository.replace("Windows-c", archive(&[], "Windows-b.hddimage", 18), &plain).unwrap();
    assert_eq!(again.image_name.as_deref(), Some("c"));

    let (folder, older) = work(RepositoryFormat::Vm5);
    let text = read(older.description_path());
    let (start, end) = (text.find("<type>").unwrap(), text.find("</type>").unwrap());
    fs::write(older.description_path(), format!("{}<type>mine{}", &text[..start], &text[end..])).unwrap();
    let source = folder.path().join("source");
    fs::create_dir(&source).unwrap();
    fs::write(source.join("w.img"), noise(19, 4096)).unwrap();
    fs::write(source.join("s.cmd"), "@echo off\r\n").unwrap();
    let metainfo =
        "<doc><osname>Windows-a</osname><hddimage>w.img</hddimage><installdrive>s.cmd</installdrive></doc>";
    fs::write(source.join("metainfo.xml"), metainfo).unwrap();
    let silent = folder.path().join("silent.tar.gz");
    Template::open(&source).unwrap().pack(&silent, &PackOptions::default()).unwrap();
    let replaced = older.replace("Windows-a", silent, &plain).unwrap();
    assert_eq!(replaced.tags.to_string(), "windows");
    assert_eq!(replaced.template_type.as_deref(), Some("mine"));
}

#[test]
fn a_template_is_removed_from_a_full_disk_or_nothing_changes() {
    const PAGE: usize = 4096;
    if !is_root() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let small = folder.path().join("small");
    fs::create_dir(&small).unwrap();
    let path = small.to_str().unwrap();
    let mut mount = std::process::Command::new("mount");
    if !mount
        .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs", path])
        .status()
        .is_ok_and(|ended| ended.success())
    {
        return skipped("it may not mount a tmpfs");
    }
    let done = std::panic::catch_unwind(|| {
        for (format, free) in [RepositoryFormat::Vm6, RepositoryFormat::Vm5]
            .into_iter()
            .flat_map(|format| (0..8).map(move |free| (format, free)))
        {
            let at = small.join("repo");
            let repository = Repository::create(&at, format).unwrap();
            for (seed, name) in [(1, "Windows-a"), (2, "Windows-b")] {
                repository.push(&template(name, seed), &PushOptions { ..PushOptions::default() }).unwrap();
            }
            // Checksums that need more space than the description.
            let line = format!("# {}\n", "x".repeat(2 * PAGE));
            let sums = at.join("SHA256SUMS");
            fs::write(&sums, read(&sums) + &line).unwrap();
            if free % 2 == 1 {
                fs::remove_file(at.join(".vmtemplate-lock")).unwrap();
            }
            let mut filler = fs::File::create(small.join("filler")).unwrap();
            while filler.write_all(&[1; PAGE]).is_ok() {}
            let length = filler.metadata().unwrap().len();
            filler.set_len(length - (free * PAGE) as u64).unwrap();
            // Removing a link to an archive elsewhere, or one of its two names, frees no space.
            let archive = at.join("Windows-a.tar.gz");
            for is_link in [true, false] {
                if free != 0 {
                    break;
                }
                let other = small.join("other.tar.gz");
                fs::rename(&archive, &other).unwrap();
                if is_link { symlink(&other, &archive) } else { fs::hard_link(&other, &archive) }.unwrap();
                let before = tree(&at);
                let error = repository.remove("Windows-a", &PublishOptions::default()).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::StorageFull, "{error:#}");
                assert!(error.help().unwrap().contains("nothing was changed"), "{error:#}");
                assert_eq!(tree(&at), before);
                fs::remove_file(&archive).unwrap();
                fs::rename(&other, &archive).unwrap();
            }
            repository.remove("Windows-a", &PublishOptions::default()).unwrap();
            assert_eq!(codes(&repository), [""; 0], "{format}, {free} pages free");
            let text = read(&sums);
            assert!(text.contains(&line) && text.contains("Windows-b") && !text.contains("Windows-a"));
            let expected = [".vmtemplate-lock", "SHA256SUMS", "Windows-b.tar.gz", format.file_name()];
            let mut names: Vec<_> =
                fs::read_dir(&at).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            names.sort();
            assert_eq!(names, expected, "{format}, {free} pages free");
            fs::remove_file(small.join("filler")).unwrap();
            fs::remove_dir_all(&at).unwrap();
        }
    });
    run("umount", [&small]);
    done.unwrap();
}

#[test]
fn a_linked_archive_is_read_where_it_leads_and_only_the_link_is_ever_removed() {
    let (folder, repository) = work(RepositoryFormat::Vm6);
    let (at, shelf) = (repository.folder(), folder.path().join("shelf"));
    fs::create_dir(&shelf).unwrap();
    let link = |seed: u64| {
        let name = format!("{seed}.tar.gz");
        template("Windows-c", seed).pack(shelf.join(&name), &PackOptions::default()).unwrap();
        set_mode(shelf.join(&name), 0o600);
        symlink(shelf.join(&name), at.join(&name)).unwrap();
        at.join(&name)
    };
    let is_link = |path: &Path| fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
    let plain = EntryOptions::default();
    // Added in place; the target of the link keeps its mode.
    let first = link(21);
    assert_eq!(repository.add(&first, &plain).unwrap().file_name, "21.tar.gz");
    assert!(is_link(&first));
    assert_eq!(mode(shelf.join("21.tar.gz")), 0o600);
    assert_eq!(codes(&repository), ["VMT0724"]);
    set_mode(shelf.join("21.tar.gz"), 0o644);
    // Replacing it with the same bytes changes nothing.
    fs::copy(shelf.join("21.tar.gz"), folder.path().join("same.tar.gz")).unwrap();
    repository.replace("Windows-c", folder.path().join("same.tar.gz"), &plain).unwrap();
    assert!(is_link(&first));
    // Replaced with another link: the first one is removed, its target is kept.
    let second = link(22);
    set_mode(shelf.join("22.tar.gz"), 0o644);
    assert_eq!(repository.replace("Windows-c", &second, &plain).unwrap().file_name, "22.tar.gz");
    assert!(is_link(&second) && !is_link(&first) && shelf.join("21.tar.gz").exists());
    assert_eq!(codes(&repository), [""; 0]);
    // Updated for its new target.
    fs::copy(shelf.join("21.tar.gz"), shelf.join("22.tar.gz")).unwrap();
    assert_eq!(repository.sync(&PublishOptions::default()).unwrap().updated, ["22.tar.gz"]);
    assert_eq!(codes(&repository), [""; 0]);
    damaged(&shelf.join("22.tar.gz"), |bytes| bytes.truncate(1000));
    assert!(repository.sync(&PublishOptions::default()).unwrap().damaged.contains_key("22.tar.gz"));
    // A copy replaces the link.
    let copied = repository.replace("Windows-c", folder.path().join("c.tar.gz"), &plain).unwrap();
    assert!(at.join(copied.file_name).is_file() && !is_link(&second) && shelf.join("22.tar.gz").exists());
    assert_eq!(codes(&repository), [""; 0]);
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
    // A link that is replaced, a dangling link, and a link that does not exist.
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
    // Doing it again changes nothing.
    let before = vmtemplate_test_support::tree(repository.folder());
    repository.add_or_replace(&archive, &EntryOptions::default()).unwrap();
    assert_eq!(vmtemplate_test_support::tree(repository.folder()), before);
    template("Windows-c", 9)
        .pack(&archive, &PackOptions { overwrite: Overwrite::Yes, ..PackOptions::default() })
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
        // A damaged archive still has a size and a time; the entry of a missing one is unchanged.
        assert!(entries[1].modified_utc.is_some());
        fs::remove_file(repository.folder().join("b.tar.gz")).unwrap();
        let size = repository.list().unwrap()[1].archive_size_mib;
        assert_eq!(size, (format == RepositoryFormat::Vm6).then_some(1));
        // None of this is written to the description.
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
    // One key is changed, one is new, and the others stay, also if no option names them.
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
    // The same while packing.
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
    let before = vmtemplate_test_support::tree(repository.folder());
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
        assert_eq!(vmtemplate_test_support::tree(repository.folder()), before, "{key}={value}");
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
    // Set by hand: the description counts, not the template.
    let text = read(repository.description_path()).replace("<elem>DCImgr", "<elem version='5.100'>DCImgr");
    fs::write(repository.description_path(), text).unwrap();
    replace("<elem version='5.4.0'>vmmgr</elem><elem>DCImgr</elem>", 2);
    assert_eq!(support(), "<elem version=\"5.4\">vmmgr</elem> <elem version='5.100'>DCImgr</elem>");
    let replaced = replace("<elem version='5.6'>vmmgr</elem><elem version='6'>VEmgr</elem>", 3);
    assert_eq!(support(), "<elem version=\"5.6\">vmmgr</elem> <elem version=\"6\">VEmgr</elem>");
    assert_eq!(replaced.products, ["vmmgr:5.6", "VEmgr:6"]);
    // An archive without the value, and `sync`, change nothing.
    let before = support();
    repository.replace("Windows-10", archive("", 4), &EntryOptions::default()).unwrap();
    repository.sync(&PublishOptions::default()).unwrap();
    assert_eq!(support(), before);
    // A missing element is added on separate lines.
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

#[test]
fn an_archive_that_was_in_the_folder_before_gets_the_mode_of_the_description() {
    for (described, expected) in [(0o644, 0o644), (0o640, 0o640)] {
        let (folder, repository) = work(RepositoryFormat::Vm6);
        let at = repository.folder();
        set_mode(at.join("metadata.json"), described);
        let place = |name: &str, seed| {
            template("Windows-c", seed).pack(at.join(name), &PackOptions::default()).unwrap();
            set_mode(at.join(name), 0o600);
            at.join(name)
        };
        repository.add(place("c.tar.gz", 31), &EntryOptions::default()).unwrap();
        assert_eq!(mode(at.join("c.tar.gz")), expected);
        repository.replace("Windows-c", place("d.tar.gz", 32), &EntryOptions::default()).unwrap();
        assert_eq!(mode(at.join("d.tar.gz")), expected);
        // An archive that is already described is not new.
        set_mode(at.join("d.tar.gz"), 0o664);
        repository.replace("Windows-c", at.join("d.tar.gz"), &EntryOptions::default()).unwrap();
        assert_eq!(mode(at.join("d.tar.gz")), 0o664);
        // A refused file keeps its mode.
        fs::copy(folder.path().join("a.tar.gz"), at.join("e.tar.gz")).unwrap();
        set_mode(at.join("e.tar.gz"), 0o600);
        repository.add(at.join("e.tar.gz"), &EntryOptions::default()).unwrap_err();
        assert_eq!(mode(at.join("e.tar.gz")), 0o600);
    }
}
