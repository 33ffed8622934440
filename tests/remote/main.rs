//! Archives and repositories on servers: how much is transferred, and what happens when servers or connections fail.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

mod faults;
mod nginx;

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use vmtemplate::archive::PackOptions;
use vmtemplate::repository::{EntryOptions, PublishOptions, RepositoryFormat, SigningKey};
use vmtemplate::{Repository, Template};
use vmtemplate_test_support::{disk, noise};

/// A repository with the template `Windows-10`, whose archive has about `length` bytes.
struct Published {
    folder: TempDir,
    archive: Vec<u8>,
}

impl Published {
    fn new(length: usize) -> Self {
        Self::signed(length, None)
    }

    fn signed(length: usize, key: Option<SigningKey>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("Windows-10.tar.gz");
        let template =
            Template::builder("Windows-10").image(disk(&noise(5, length))).image_name("w.hddimage");
        template.build().unwrap().pack(&path, &PackOptions::default()).unwrap();
        let repository = Repository::create(folder.path().join("repo"), RepositoryFormat::Vm6).unwrap();
        let publish = PublishOptions { key, ..PublishOptions::default() };
        repository.add(&path, &EntryOptions { publish, ..EntryOptions::default() }).unwrap();
        Self { archive: fs::read(path).unwrap(), folder }
    }

    fn repo(&self) -> PathBuf {
        self.folder.path().join("repo")
    }

    fn file(&self, name: &str) -> Vec<u8> {
        fs::read(self.repo().join(name)).unwrap()
    }
}

/// The names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
