//! Whether a server can read what it is to serve. Modes are those of Unix.
#![cfg(unix)]

use std::collections::HashSet;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::entry::RepositoryEntry;
use super::signature::signature_names;
use super::{Repository, reason_against_archive, sums};
use crate::rules::{Finding, Place, repository as rules};
use crate::shown::Shown;

/// The users that may read the repository, by the mode of its description.
#[derive(Clone, Copy)]
enum Readers {
    Everybody,
    /// Of this group.
    Group(u32),
    /// The description is closed to all but its owner. Others must be able to read the rest when it is opened.
    Anybody,
}

impl Readers {
    fn of(description: &Metadata) -> Self {
        match description.mode() {
            mode if mode & 0o004 != 0 => Self::Everybody,
            mode if mode & 0o040 != 0 => Self::Group(description.gid()),
            _ => Self::Anybody,
        }
    }

    /// Whether they have the right that has the value `right` for others: 4 to read, 1 to enter a folder.
    fn have(self, right: u32, found: &Metadata) -> bool {
        let (others, group) = (found.mode() & right != 0, found.mode() & right << 3 != 0);
        match self {
            Self::Everybody => others,
            Self::Group(gid) => others || (group && found.gid() == gid),
            Self::Anybody => others || group,
        }
    }
}

impl Repository {
    /// Files that the server cannot read if it runs as another user, as servers do. The platform gets 403 of it then.
    pub(super) fn check_readers(&self, entries: &[RepositoryEntry]) -> Vec<Finding> {
        let description = self.format().file_name();
        let Some(described) = self.store.attributes(description) else { return Vec::new() };
        let readers = Readers::of(&described);
        let mut findings = Vec::new();
        let mut check = |name: &str, right| {
            if let Some(found) = self.store.attributes(name)
                && !readers.have(right, &found)
            {
                findings.push(finding(name, &self.store.path_of(name), &found, readers));
            }
        };
        check("", 1);
        let archives = entries.iter().map(|entry| &*entry.file_name);
        let archives = archives.filter(|name| reason_against_archive(name).is_none());
        let signatures = [signature_names(description).1, signature_names(sums::NAME).1];
        let others = [description, sums::NAME, &signatures[0], &signatures[1]];
        let mut names: Vec<&str> = others.into_iter().chain(archives).collect();
        let mut seen = HashSet::new();
        names.retain(|name| seen.insert(*name));
        for name in names {
            check(name, 4);
        }
        findings
    }
}

fn finding(name: &str, path: &Path, found: &Metadata, readers: Readers) -> Finding {
    let mode = found.mode() & 0o7777;
    let (what, right) = if found.is_dir() { ("enter", "x") } else { ("read", "r") };
    let shown = Shown(if name.is_empty() { "the folder" } else { name });
    let (message, class) = match readers {
        Readers::Everybody => {
            (format!("some users who may read the description may not {what} {shown}"), "a")
        }
        Readers::Group(gid) => {
            (format!("the group {gid} may read the description, but may not {what} {shown}"), "g")
        }
        Readers::Anybody => (format!("only the owner may {what} {shown}"), "a"),
    };
    let quoted = path.display().to_string().replace('\'', r"'\''");
    Finding::new(rules::READERS, format!("{message}: its mode is {mode:04o}"))
        .with_fix(format!("allow others to {what} it: `chmod {class}+{right} '{quoted}'`"))
        .at(Place { file: Some(name.to_owned()).filter(|name| !name.is_empty()), ..Place::default() })
}
