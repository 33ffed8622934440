//! For every rule for repositories, a repository that breaks only this rule.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use vmtemplate::archive::PackOptions;
use vmtemplate::report::Rule;
use vmtemplate::repository::{EntryOptions, PublishOptions, RepositoryCheckOptions, RepositoryFormat};
use vmtemplate::{Repository, Template};
use vmtemplate_test_support::{disk, noise, run};

/// `xz </dev/null`
const EMPTY_XZ: [u8; 32] =
    *b"\xFD7zXZ\0\0\x04\xE6\xD6\xB4\x46\0\0\0\0\x1C\xDF\x44\x21\x1F\xB6\xF3\x7D\x01\0\0\0\0\x04YZ";

/// A repository without findings, with the template `Windows-10` in `w.tar.gz`; the tests break it.
struct Draft {
    folder: TempDir,
    repository: Repository,
    options: RepositoryCheckOptions,
}

impl Draft {
    fn good(format: RepositoryFormat) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::create(folder.path().join("repo"), format).unwrap();
        let draft = Self { folder, repository, options: RepositoryCheckOptions::default() };
        let added = EntryOptions { file_name: Some("w.tar.gz".into()), ..EntryOptions::default() };
        draft.repository.add(draft.archive(1), &added).unwrap();
        draft
    }

    /// Another archive of the same template.
    fn archive(&self, seed: u64) -> PathBuf {
        let path = self.folder.path().join(format!("{seed}.tar.gz"));
        let template = Template::builder("Windows-10").image(disk(&noise(seed, 4096))).tag("windows");
        template.build().unwrap().pack(&path, &PackOptions::default()).unwrap();
        path
    }

    fn at(&self, name: &str) -> PathBuf {
        self.repository.folder().join(name)
    }

    /// Replace a part of a file, which must exist.
    fn edit(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.at(name)).unwrap();
        assert!(text.contains(from), "{from}: {text}");
        fs::write(self.at(name), text.replacen(from, to, 1)).unwrap();
    }

    /// Write an archive and describe it by hand, with its checksum.
    fn describe(&self, file_name: &str, bytes: Option<&[u8]>, entry: &str) {
        if let Some(bytes) = bytes {
            fs::write(self.at(file_name), bytes).unwrap();
            let sum = run("sha256sum", [self.at(file_name).to_str().unwrap()]).stdout;
            let line = format!("{}  {file_name}\n", std::str::from_utf8(&sum[..64]).unwrap());
            let sums = fs::read_to_string(self.at("SHA256SUMS")).unwrap();
            fs::write(self.at("SHA256SUMS"), sums + &line).unwrap();
        }
        self.edit("metadata.json", "\"os\": [", &format!("\"os\": [{entry},"));
    }

    /// A template for LXD.
    fn lxd(&self) -> Vec<u8> {
        let root = self.folder.path().join("lxd");
        fs::create_dir_all(root.join("rootfs/etc")).unwrap();
        fs::write(root.join("metadata.yaml"), "architecture: x86_64\n").unwrap();
        let path = self.folder.path().join("lxd.tar.gz");
        run("tar", ["czf", path.to_str().unwrap(), "-C", root.to_str().unwrap(), "."]);
        fs::read(path).unwrap()
    }

    fn mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.at(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn codes(&self) -> BTreeSet<&'static str> {
        let report = self.repository.check(&self.options).unwrap();
        for finding in report.findings() {
            assert!(!finding.message().is_empty() && !finding.fix().is_empty(), "{finding}");
        }
        report.findings().iter().map(|finding| finding.rule().code).collect()
    }
}

type Break = fn(&mut Draft);

/// A description of one more template in an .xz.
fn xz(name: &str, file: &str, image: &str) -> String {
    format!("{{\"name\": \"{name}\", \"file_name\": \"{file}\", \"image_name\": \"{image}\"}}")
}

/// The rule, and what breaks it.
const CASES: &[(&str, Break)] = &[
    ("VMT0701", |draft| draft.edit("metadata.json", "\"os\": [", "\"os\": [,")),
    ("VMT0702", |draft| draft.edit("metadata.json", "\"name\":", "\"expand\": 7, \"name\":")),
    ("VMT0703", |draft| {
        let named = |name: &str| Some(name.to_owned());
        let options = EntryOptions {
            name: named("Windows-9"),
            file_name: named("b.tar.gz"),
            image_name: named("b"),
            ..EntryOptions::default()
        };
        draft.repository.add(draft.archive(2), &options).unwrap();
        draft.edit("metadata.json", "Windows-9", "Windows-10");
    }),
    ("VMT0704", |draft| {
        draft.describe("d.xz", Some(&EMPTY_XZ), &xz("Debian-1", "d.xz", "1"));
        draft.describe("d.xz", None, &xz("Debian-2", "d.xz", "2"));
    }),
    ("VMT0705", |draft| {
        draft.describe("a.xz", Some(&EMPTY_XZ), &xz("Debian-1", "a.xz", "same"));
        draft.describe("b.xz", Some(&EMPTY_XZ), &xz("Debian-2", "b.xz", "same"));
    }),
    ("VMT0706", |draft| draft.describe("", None, &xz("Debian-1", "../d.xz", "1"))),
    ("VMT0707", |draft| draft.describe("t.xz", Some(&EMPTY_XZ), &xz("TinyCore", "t.xz", "1"))),
    ("VMT0708", |draft| {
        let lxd = draft.lxd();
        draft.describe("l.tar.gz", Some(&lxd), "{\"name\": \"Debian-1\", \"file_name\": \"l.tar.gz\"}");
    }),
    ("VMT0709", |draft| {
        let lxd = draft.lxd();
        let entry = "{\"name\": \"Debian-1\", \"expand\": \"/dev/sda1\", \"file_name\": \"l.tar.gz\"}";
        draft.repository.remove("Windows-10", &PublishOptions::default()).unwrap();
        draft.describe("l.tar.gz", Some(&lxd), entry);
        draft.edit("metadata.json", "},", "}");
    }),
    ("VMT0711", |draft| {
        fs::remove_file(draft.at("w.tar.gz")).unwrap();
        fs::write(draft.at("SHA256SUMS"), "").unwrap();
    }),
    ("VMT0712", |draft| {
        let bytes = fs::read(draft.at("w.tar.gz")).unwrap();
        fs::write(draft.at("w.tar.gz"), &bytes[..bytes.len() / 2]).unwrap();
    }),
    ("VMT0713", |draft| {
        fs::rename(draft.at("w.tar.gz"), draft.at("w.xz")).unwrap();
        draft.edit("metadata.json", "w.tar.gz", "w.xz");
        draft.edit("SHA256SUMS", "w.tar.gz", "w.xz");
    }),
    ("VMT0714", |draft| {
        draft.edit("metadata.json", "\"archive_size_mib\": 1", "\"archive_size_mib\": 2");
    }),
    ("VMT0715", |draft| draft.edit("metadata.json", "Windows-10", "Windows-11")),
    ("VMT0716", |draft| draft.edit("metadata.json", "\"tags\": [\"windows\"]", "\"tags\": []")),
    ("VMT0717", |draft| {
        *draft = Draft::good(RepositoryFormat::Vm5);
        draft.edit("metadata.xml", "<utcmtime>2", "<utcmtime>1");
    }),
    ("VMT0718", |draft| fs::write(draft.at("stray.xz"), "").unwrap()),
    ("VMT0721", |draft| {
        let sums = fs::read_to_string(draft.at("SHA256SUMS")).unwrap();
        fs::write(draft.at("SHA256SUMS"), "0".repeat(64) + &sums[64..]).unwrap();
    }),
    ("VMT0722", |draft| fs::write(draft.at("SHA256SUMS"), "").unwrap()),
    ("VMT0723", |draft| {
        let key = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
        draft.options.public_key = Some(key.parse().unwrap());
    }),
    ("VMT0724", |draft| draft.mode("w.tar.gz", 0o600)),
];

#[test]
fn every_rule_is_broken_by_its_case_alone() {
    for format in [RepositoryFormat::Vm6, RepositoryFormat::Vm5] {
        assert_eq!(Draft::good(format).codes(), BTreeSet::new());
    }
    for (code, break_it) in CASES {
        let mut draft = Draft::good(RepositoryFormat::Vm6);
        break_it(&mut draft);
        assert_eq!(draft.codes(), BTreeSet::from([*code]));
    }
}

#[test]
fn no_rule_is_without_a_case() {
    for rule in Rule::all().filter(|rule| rule.code.starts_with("VMT07")) {
        assert!(CASES.iter().any(|(code, _)| *code == rule.code), "{} has no case", rule.code);
    }
}

/// The files that are reported as not readable: each message begins with the name.
fn unreadable(draft: &Draft) -> Vec<String> {
    let report = draft.repository.check(&draft.options).unwrap();
    let mut files = Vec::new();
    for finding in report.findings() {
        assert_eq!(finding.rule().code, "VMT0724", "{finding}");
        assert!(finding.fix().contains("`chmod ") && finding.message().contains("mode is 0"), "{finding}");
        files.push(finding.place().file.clone().unwrap_or_default());
    }
    files
}

#[test]
fn who_may_read_the_description_may_read_all_that_it_is_served_with() {
    let draft = Draft::good(RepositoryFormat::Vm6);
    fs::write(draft.at("metadata.json.minisig"), "").unwrap();
    let files = ["SHA256SUMS", "metadata.json.minisig", "w.tar.gz"];
    for name in &files {
        draft.mode(name, 0o640);
    }
    assert_eq!(unreadable(&draft), files);
    // A repository that only a group may read is served by a member of the group.
    draft.mode("metadata.json", 0o640);
    assert_eq!(unreadable(&draft), [""; 0]);
    draft.mode("w.tar.gz", 0o600);
    assert_eq!(unreadable(&draft), ["w.tar.gz"]);
    // Everything was written with umask 077.
    files.iter().chain(&["metadata.json"]).for_each(|name| draft.mode(name, 0o600));
    assert_eq!(unreadable(&draft), ["metadata.json", "SHA256SUMS", "metadata.json.minisig", "w.tar.gz"]);
    files.iter().chain(&["metadata.json"]).for_each(|name| draft.mode(name, 0o644));
    draft.mode("", 0o744);
    assert_eq!(unreadable(&draft), [""]);
    draft.mode("", 0o711);
    assert_eq!(unreadable(&draft), [""; 0]);
    assert!(Path::new(&draft.at("w.tar.gz")).exists());
}
