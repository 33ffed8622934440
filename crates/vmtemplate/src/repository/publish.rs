//! Changing a repository so that whoever reads it meanwhile sees what is whole.
//!
//! An archive stands in its place before SHA256SUMS and then the description name it, and goes after both have ceased
//! to. Each of these steps is a rename. What is about to be done is noted in the lock file before it is begun, so that
//! the next publisher can end what a killed one has left.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::Repository;
use super::contents::{self, Contents, hex, look_at};
use super::description::{Description, is_there, read_if_there};
use super::entry::{RepositoryEntry, TemplateKind};
use super::format::RepositoryFormat;
use super::lock::PublishLock;
use super::options::{EntryOptions, PublishOptions};
use super::signature::{self, SigningKey};
use super::sums::{self, Sums};
use crate::archive::VerifyOptions;
use crate::error::{Error, ErrorKind, Result};
use crate::leftovers;
use crate::output::{self, OutputFile, inode, sync_folder};

/// The repository while it is changed: nobody else changes it.
pub(super) struct Change<'a> {
    repository: &'a Repository,
    lock: PublishLock,
    key: Option<&'a SigningKey>,
    pub(super) description: Description,
    pub(super) sums: Sums,
}

impl Repository {
    /// Do `work` as the only publisher, after what killed ones have left was cleaned up.
    pub(super) fn change<T>(
        &self,
        options: &PublishOptions,
        work: impl FnOnce(&mut Change<'_>) -> Result<T>,
    ) -> Result<T> {
        let folder = self.folder();
        let mut lock = PublishLock::acquire(folder, options.lock_timeout, &options.control)?;
        let key = options.key.as_ref();
        if key.is_none() {
            self.refuse_if_signed()?;
        }
        self.settle(&mut lock, key)?;
        leftovers::remove_files(folder);
        let (description, _) = Description::read(folder, self.format())?;
        let sums = self.read_sums()?;
        let mut change = Change { repository: self, lock, key, description, sums };
        let done = work(&mut change);
        let settled = self.settle(&mut change.lock, key).and_then(|()| change.lock.release());
        match (done, settled) {
            (Ok(done), Ok(())) => Ok(done),
            (Err(error), _) => Err(error),
            (Ok(_), Err(error)) => {
                Err(error.with_help("the description is changed; the next publisher cleans up the rest"))
            }
        }
    }

    /// Remove the archives that somebody was about to put in place or to remove, and that nobody describes.
    fn settle(&self, lock: &mut PublishLock, key: Option<&SigningKey>) -> Result<()> {
        if lock.intents().is_empty() {
            return Ok(());
        }
        let named = self.named()?;
        let doomed = lock.intents().iter().filter(|intent| {
            let found = fs::symlink_metadata(self.folder().join(&intent.file_name));
            !named.contains(&intent.file_name) && found.is_ok_and(|found| inode(&found) == intent.inode)
        });
        let doomed: Vec<String> = doomed.map(|intent| intent.file_name.clone()).collect();
        // At no time is there a checksum without its file.
        let mut sums = self.read_sums()?;
        for name in &doomed {
            sums.remove(name);
        }
        self.write_sums(&sums, key)?;
        for name in &doomed {
            let path = self.folder().join(name);
            fs::remove_file(&path)
                .map_err(|error| Error::io("cannot remove the archive", error).with_path(path))?;
        }
        sync_folder(self.folder());
        lock.settled()
    }

    /// The archives that are described, for either generation of the platform.
    pub(super) fn named(&self) -> Result<HashSet<String>> {
        let mut named = HashSet::new();
        for format in [RepositoryFormat::Vm6, RepositoryFormat::Vm5] {
            if format == self.format() || is_there(&self.folder().join(format.file_name())) {
                let (description, _) = Description::read(self.folder(), format)?;
                named.extend(description.entries().into_iter().map(|entry| entry.file_name));
            }
        }
        Ok(named)
    }

    pub(super) fn read_sums(&self) -> Result<Sums> {
        read_if_there(&self.folder().join(sums::NAME), sums::MAX_BYTES).map(|bytes| Sums::parse(&bytes))
    }

    fn write_sums(&self, sums: &Sums, key: Option<&SigningKey>) -> Result<()> {
        let path = self.folder().join(sums::NAME);
        let bytes = sums.to_bytes();
        let is_same =
            read_if_there(&path, sums::MAX_BYTES)? == bytes && (is_there(&path) || bytes.is_empty());
        if is_same && key.is_none() {
            return Ok(());
        }
        self.put(sums::NAME, &bytes, key)
    }

    /// Replace a file. Its signature is there beforehand under a second name, so that one of the two fits at any time.
    fn put(&self, name: &str, bytes: &[u8], key: Option<&SigningKey>) -> Result<()> {
        let (next, final_name) = signature_names(name);
        let (next, signature) = (self.folder().join(next), self.folder().join(final_name));
        if let Some(key) = key {
            output::write_file(&next, key.sign(name, bytes)?.as_bytes(), true)?;
        }
        output::write_file(&self.folder().join(name), bytes, true)?;
        if key.is_some() {
            fs::rename(&next, &signature).map_err(|error| {
                Error::io("cannot move the signature to its place", error).with_path(&signature)
            })?;
        }
        Ok(())
    }

    fn refuse_if_signed(&self) -> Result<()> {
        for name in [self.format().file_name(), sums::NAME] {
            let path = self.folder().join(signature_names(name).1);
            if is_there(&path) {
                return Err(Error::new(
                    ErrorKind::InvalidSignature,
                    "the repository is signed, and would not be any more",
                )
                .with_path(path)
                .with_help("give the key, or remove the signatures (*.minisig) first"));
            }
        }
        Ok(())
    }
}

/// Where the signature of a file stands: while the file is being replaced, and else.
pub(super) fn signature_names(name: &str) -> (String, String) {
    (format!("{name}.next{}", signature::SUFFIX), format!("{name}{}", signature::SUFFIX))
}

impl Change<'_> {
    pub(super) fn entries(&self) -> Vec<RepositoryEntry> {
        self.description.entries()
    }

    /// The place of the template `name` in the description.
    pub(super) fn find(&self, name: &str) -> Result<(usize, RepositoryEntry)> {
        let mut found = self.entries().into_iter().enumerate().filter(|(_, entry)| entry.name == name);
        match (found.next(), found.next()) {
            (Some(found), None) => Ok(found),
            (None, _) => Err(Error::new(
                ErrorKind::NotFound,
                format!("there is no template `{}` in the repository", name.escape_debug()),
            )
            .with_path(self.repository.description_path())
            .with_help("`vmtemplate repo list FOLDER` shows the names")),
            (Some(_), Some(_)) => Err(Error::new(
                ErrorKind::InvalidRepository,
                format!("there are two templates `{}` in the repository", name.escape_debug()),
            )
            .with_path(self.repository.description_path())
            .with_help("rename one of them in the file")),
        }
    }

    /// Fail if `entry` cannot stand beside the others; `except` is the place of the one that it replaces.
    pub(super) fn check_fits(
        &self,
        entry: &RepositoryEntry,
        kind: TemplateKind,
        except: Option<usize>,
    ) -> Result<()> {
        let refuse = |error_kind, message: String, help: &str| {
            Err(Error::new(error_kind, message).with_path(self.repository.description_path()).with_help(help))
        };
        for (index, other) in self.entries().into_iter().enumerate() {
            if Some(index) == except {
                continue;
            }
            let name = other.name.escape_debug();
            if other.name == entry.name {
                let message = format!("there is a template `{name}` already");
                return refuse(ErrorKind::AlreadyExists, message, "replace it, or give another name");
            }
            if other.file_name == entry.file_name {
                let message =
                    format!("the template `{name}` has the archive {}", other.file_name.escape_debug());
                return refuse(ErrorKind::AlreadyExists, message, "give another file name");
            }
            if entry.image_name.is_some() && other.image_name == entry.image_name {
                let image = entry.image_name.as_deref().unwrap_or_default().escape_debug();
                let message = format!("the template `{name}` has the image name `{image}` already");
                return refuse(ErrorKind::AlreadyExists, message, "give another image name");
            }
            if (self.repository.kind_of(&other) == TemplateKind::Lxd) != (kind == TemplateKind::Lxd) {
                let (ours, theirs) = if kind == TemplateKind::Lxd { ("LXD", "KVM") } else { ("KVM", "LXD") };
                let message = format!("this template is for {ours}, and `{name}` for {theirs}");
                return refuse(ErrorKind::InvalidRepository, message, "use a repository for each kind");
            }
        }
        Ok(())
    }

    /// Give the archive its place. From now on, unless it becomes described, it is removed again.
    pub(super) fn place(&mut self, staged: Staged) -> Result<()> {
        let Some(output) = staged.output else { return Ok(()) };
        let found = fs::metadata(output.temporary_path())
            .map_err(|error| Error::io("cannot look at what was copied", error))?;
        self.lock.intend(&staged.file_name, inode(&found))?;
        output.commit()
    }

    /// Note that the archive is to go as soon as nobody describes it.
    pub(super) fn retire(&mut self, file_name: &str) -> Result<()> {
        if crate::archive::reason_against(file_name).is_some() {
            return Ok(());
        }
        match fs::symlink_metadata(self.repository.folder().join(file_name)) {
            Ok(found) if found.is_file() => self.lock.intend(file_name, inode(&found)),
            _ => Ok(()),
        }
    }

    /// Publish the checksums, and then the description.
    pub(super) fn publish(&mut self) -> Result<()> {
        self.repository.write_sums(&self.sums, self.key)?;
        let bytes = self.description.to_bytes();
        self.repository.put(self.repository.format().file_name(), &bytes, self.key)
    }
}

/// An archive that is ready to get its place.
pub(super) struct Staged {
    pub(super) file_name: String,
    pub(super) contents: Contents,
    pub(super) sha256: String,
    /// `None` if it is in its place already.
    output: Option<OutputFile>,
}

impl Staged {
    /// Copy the archive into the repository under a temporary name, and look at all of the copy.
    pub(super) fn new(
        repository: &Repository,
        archive: &Path,
        file_name: &str,
        options: &EntryOptions,
    ) -> Result<Self> {
        let verify =
            VerifyOptions { limits: options.limits, threads: None, control: options.publish.control.clone() };
        if repository.holds(archive) {
            let contents = look_at(archive, false, &verify)?;
            let sha256 = contents.sha256.clone().unwrap_or_default();
            return Ok(Self { file_name: file_name.to_owned(), contents, sha256, output: None });
        }
        let mut output = OutputFile::create(&repository.folder().join(file_name), false)?;
        let copied = copy(archive, output.file(), options).map_err(|error| error.with_path(archive))?;
        let contents = look_at(output.temporary_path(), false, &verify)
            .map_err(|error| Error::new(error.kind(), error.to_string()).with_path(archive))?;
        let sha256 = contents.sha256.clone().unwrap_or_default();
        if sha256 != copied {
            return Err(Error::new(ErrorKind::Io, "the copy is not the same as the archive")
                .with_path(archive)
                .with_help("the disk or the memory of this machine may be bad"));
        }
        Ok(Self { file_name: file_name.to_owned(), contents, sha256, output: Some(output) })
    }

    /// Another name for it.
    pub(super) fn rename(&mut self, repository: &Repository, file_name: String) {
        if let Some(output) = &mut self.output {
            output.retarget(&repository.folder().join(&file_name));
            self.file_name = file_name;
        }
    }

    /// It has its place already, and keeps it.
    pub(super) fn is_in_place(&self) -> bool {
        self.output.is_none()
    }

    /// The same bytes are there already: the copy is dropped.
    pub(super) fn drop_copy(&mut self, file_name: &str) {
        self.output = None;
        file_name.clone_into(&mut self.file_name);
    }
}

/// Copy all of the archive, and give its SHA-256.
fn copy(archive: &Path, to: &mut File, options: &EntryOptions) -> Result<String> {
    let mut from = File::open(archive).map_err(|error| Error::io("cannot open the archive", error))?;
    let total = from.metadata().map_err(|error| Error::io("cannot look at the archive", error))?.len();
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut done = 0;
    loop {
        let read = from.read(&mut buffer).map_err(|error| Error::io("cannot read the archive", error))?;
        if read == 0 {
            return Ok(hex(hash));
        }
        hash.update(&buffer[..read]);
        to.write_all(&buffer[..read])
            .map_err(|error| Error::io("cannot write into the repository", error))?;
        done += read as u64;
        options.publish.control.report(done, total)?;
    }
}

impl Repository {
    /// The kind of a template that is described; its archive decides where the description leaves it open.
    pub(super) fn kind_of(&self, entry: &RepositoryEntry) -> TemplateKind {
        let kind = entry.kind();
        if kind != TemplateKind::Lxd || crate::archive::reason_against(&entry.file_name).is_some() {
            return kind;
        }
        match File::open(self.folder().join(&entry.file_name)) {
            Ok(file) if !contents::is_lxd(&file) => TemplateKind::KvmTemplate,
            _ => kind,
        }
    }
}
