//! Changes a repository so that concurrent readers only see complete files.
//!
//! An archive is in its place before SHA256SUMS and then the description name it, and goes after both have ceased
//! to. Each of these steps is a rename. What is about to be done is noted in the lock file before it is begun, so that
//! the next publisher can end what a killed one has left.

use std::collections::HashSet;
use std::fs;
use std::io::Write;
use std::path::Path;

use super::contents::{self, Contents, HashingWriter, Reading, look_at};
use super::description::Description;
use super::entry::{RepositoryEntry, TemplateKind};
use super::format::RepositoryFormat;
use super::incoming::Incoming;
use super::lock::PublishLock;
use super::options::{EntryOptions, PublishOptions};
use super::signature::{self, SigningKey};
use super::store::read_if_there;
use super::sums::{self, Sums};
use super::{Repository, reason_against_archive};
use crate::access::Access;
use crate::archive::{PackOptions, PackSummary};
use crate::error::{Error, ErrorKind, Result};
use crate::fail_points::fail_point;
use crate::leftovers;
use crate::output::{self, OutputFile, OutputOptions, inode, sync_folder};
use crate::overwrite::Overwrite;
use crate::shown::Shown;
use crate::source::ReadAt;
use crate::template::Template;
use crate::threads::Threads;

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
        let mut lock = PublishLock::acquire(folder, &self.access(), options.lock_timeout, &options.control)?;
        let key = options.key.as_ref();
        if key.is_none() {
            self.refuse_if_signed()?;
        }
        self.settle(&mut lock, key)?;
        leftovers::remove_files(folder);
        let description = Description::read(&self.store, self.format())?;
        let sums = self.read_sums()?;
        let mut change = Change { repository: self, lock, key, description, sums };
        let done = work(&mut change);
        let settled = self.settle(&mut change.lock, key).and_then(|()| change.lock.release());
        match (done, settled) {
            (Ok(done), Ok(())) => Ok(done),
            (Err(error), _) => Err(error),
            (Ok(_), Err(error)) => {
                Err(error.with_help("the description has been changed; the next publisher cleans up"))
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
        let written = self.write_sums(&sums, key);
        // On a full disk the archives, which nobody describes, make the room for the checksums of the others.
        let is_late = written.as_ref().is_err_and(|error| error.kind() == ErrorKind::StorageFull);
        if !is_late {
            written?;
        }
        for name in &doomed {
            let path = self.folder().join(name);
            fs::remove_file(&path)
                .map_err(|error| Error::io("cannot remove the archive", error).with_path(path))?;
            fail_point!("archive-removed");
        }
        if is_late {
            self.write_sums(&sums, key)?;
        }
        sync_folder(self.folder());
        lock.settled()
    }

    /// The archives that are described, for either generation of the platform.
    pub(super) fn named(&self) -> Result<HashSet<String>> {
        let mut named = HashSet::new();
        for format in [RepositoryFormat::Vm6, RepositoryFormat::Vm5] {
            if format == self.format() || self.store.is_there(format.file_name())? {
                let description = Description::read(&self.store, format)?;
                named.extend(description.entries().into_iter().map(|entry| entry.file_name));
            }
        }
        Ok(named)
    }

    pub(super) fn read_sums(&self) -> Result<Sums> {
        let bytes = self.store.read(sums::NAME, sums::MAX_BYTES)?;
        Ok(Sums::parse(&bytes.unwrap_or_default()))
    }

    fn write_sums(&self, sums: &Sums, key: Option<&SigningKey>) -> Result<()> {
        let path = self.folder().join(sums::NAME);
        let bytes = sums.to_bytes();
        let held = read_if_there(&path, sums::MAX_BYTES)?;
        if held.unwrap_or_default() == bytes && key.is_none() {
            return Ok(());
        }
        self.put(sums::NAME, &bytes, key)
    }

    /// Replace a file. Its signature is there beforehand under a second name, so that one of the two fits at any time.
    fn put(&self, name: &str, bytes: &[u8], key: Option<&SigningKey>) -> Result<()> {
        let (next, final_name) = signature_names(name);
        let (next, signature) = (self.folder().join(next), self.folder().join(final_name));
        let options = OutputOptions::with_overwrite(Overwrite::Yes).access(self.access());
        if let Some(key) = key {
            let signed = key.sign(name, bytes)?;
            // It takes the place of the signature that is there.
            let access = fs::metadata(&signature).map_or(self.access(), Access::Like);
            output::write_file(&next, signed.as_bytes(), &options.clone().access(access))?;
        }
        output::write_file(&self.folder().join(name), bytes, &options)?;
        if key.is_some() {
            fs::rename(&next, &signature).map_err(|error| {
                Error::io("cannot rename the signature to its final name", error).with_path(&signature)
            })?;
            fail_point!("signature-named");
        }
        Ok(())
    }

    pub(super) fn refuse_if_signed(&self) -> Result<()> {
        for name in [self.format().file_name(), sums::NAME] {
            let signature = signature_names(name).1;
            if self.store.is_there(&signature)? {
                let path = self.store.path_of(&signature);
                return Err(Error::new(
                    ErrorKind::InvalidSignature,
                    "the repository is signed; publishing without a key would invalidate its signatures",
                )
                .with_path(path)
                .with_help("give the key with --sign (`sign`), or remove the signatures (*.minisig) first"));
            }
        }
        Ok(())
    }
}

/// Where the signature of a file is: while the file is being replaced, and else.
pub(super) fn signature_names(name: &str) -> (String, String) {
    (format!("{name}.next{}", signature::SUFFIX), format!("{name}{}", signature::SUFFIX))
}

impl Change<'_> {
    pub(super) fn entries(&self) -> Vec<RepositoryEntry> {
        self.description.entries()
    }

    /// Give the archive its place. From now on, unless it becomes described, it is removed again.
    pub(super) fn place(&mut self, staged: Staged) -> Result<()> {
        let Some(output) = staged.output else {
            let is_new = || self.entries().iter().all(|entry| entry.file_name != staged.file_name);
            if staged.was_in_place && is_new() {
                self.open_to_readers(&staged.file_name)?;
            }
            return Ok(());
        };
        let found = fs::metadata(output.temporary_path())
            .map_err(|error| Error::io("cannot examine the copied archive", error))?;
        self.lock.intend(&staged.file_name, inode(&found))?;
        output.commit()
    }

    /// Give an archive that stood in the folder before it was described the mode and owner that it would have been copied
    /// with. What a link leads to is not the repository's.
    fn open_to_readers(&self, file_name: &str) -> Result<()> {
        let path = self.repository.folder().join(file_name);
        if !fs::symlink_metadata(&path).is_ok_and(|found| found.is_file()) {
            return Ok(());
        }
        let access = self.repository.access();
        let done = fs::File::open(&path).and_then(|file| access.apply_to_other(&file));
        done.map_err(|error| {
            Error::io("cannot set the mode of the archive to that of the description", error)
                .with_path(path)
                .with_help("ask its owner to run: `chmod --reference=DESCRIPTION ARCHIVE`")
        })
    }

    /// Note that the archive is to go as soon as nobody describes it, and its checksum with it. Of an archive that is a
    /// link, the link goes; what it leads to is not the repository's.
    pub(super) fn retire(&mut self, file_name: &str) -> Result<()> {
        if reason_against_archive(file_name).is_some() {
            return Ok(());
        }
        match fs::symlink_metadata(self.repository.folder().join(file_name)) {
            Ok(found) if found.is_file() || found.is_symlink() => {
                self.lock.intend_to_remove(file_name, inode(&found))
            }
            // There is no file that the checksum could be of.
            _ => {
                self.sums.remove(file_name);
                Ok(())
            }
        }
    }

    /// Publish the checksums, and then the description.
    pub(super) fn publish(&mut self) -> Result<()> {
        self.repository.write_sums(&self.sums, self.key)?;
        fail_point!("sums-published");
        let bytes = self.description.to_bytes();
        self.repository.put(self.repository.format().file_name(), &bytes, self.key)
    }
}

impl Change<'_> {
    /// Publish the description without the template whose archive this was. Where the disk has no room for it, removing
    /// the archive first makes some.
    pub(super) fn publish_without(&mut self, file_name: &str) -> Result<()> {
        let full = match self.publish() {
            Err(error) if error.kind() == ErrorKind::StorageFull => error,
            done => return done,
        };
        let path = self.repository.folder().join(file_name);
        if self.is_named(file_name) || reason_against_archive(file_name).is_some() || !frees_room(&path) {
            let message =
                "the disk has no space for the new description, and removing the archive does not free any";
            return Err(Error::new(ErrorKind::StorageFull, message)
                .with_path(self.repository.description_path())
                .with_help("nothing was changed: free some space on the disk, and remove the template again")
                .caused_by(full));
        }
        fs::remove_file(&path)
            .map_err(|error| Error::io("cannot remove the archive", error).with_path(&path))?;
        fail_point!("archive-removed-first");
        self.sums.remove(file_name);
        self.publish().map_err(|error| {
            let message = "the archive was removed, but the description still names it";
            Error::new(error.kind(), message)
                .with_path(self.repository.description_path())
                .with_help("free some space on the disk, and remove the template again")
                .caused_by(error)
        })
    }

    /// Whether a description will name the archive.
    fn is_named(&self, file_name: &str) -> bool {
        let others = [RepositoryFormat::Vm6, RepositoryFormat::Vm5]
            .into_iter()
            .filter(|&format| format != self.repository.format());
        let is_in = |description: &Description| {
            description.entries().iter().any(|entry| entry.file_name == file_name)
        };
        let store = &self.repository.store;
        is_in(&self.description)
            || others.into_iter().any(|format| match store.is_there(format.file_name()) {
                Ok(false) => false,
                _ => Description::read(store, format).map_or(true, |description| is_in(&description)),
            })
    }
}

/// Whether removing this file gives its disk room: not a link, nor one of several names of the same file.
fn frees_room(path: &Path) -> bool {
    let Ok(found) = fs::symlink_metadata(path) else { return false };
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        found.is_file() && found.nlink() == 1 && found.blocks() > 0
    }
    #[cfg(not(unix))]
    {
        found.is_file() && found.len() > 0
    }
}

/// An archive that is ready to get its place.
pub(super) struct Staged {
    pub(super) file_name: String,
    pub(super) contents: Contents,
    pub(super) sha256: String,
    /// `None` if it is in its place already.
    output: Option<OutputFile>,
    /// It stood in its place before it was published.
    was_in_place: bool,
}

/// A file that is new in the repository.
fn new_file(repository: &Repository, file_name: &str) -> Result<OutputFile> {
    let options = OutputOptions::default().access(repository.access());
    OutputFile::create(&repository.folder().join(file_name), &options)
}

impl Staged {
    /// Look at all of the archive, and copy it into the repository under a temporary name.
    pub(super) fn new(
        repository: &Repository,
        incoming: &Incoming,
        file_name: &str,
        options: &EntryOptions,
    ) -> Result<Self> {
        let verify = Reading {
            limits: options.limits,
            threads: Threads::ALL,
            control: options.publish.control.clone(),
        };
        let Incoming { source, path, is_in_place, .. } = incoming;
        // Before the archive is read, which takes long: what is in the way is reported now.
        let mut output = if *is_in_place { None } else { Some(new_file(repository, file_name)?) };
        let contents = look_at(source, path, false, &verify)?;
        let sha256 = contents.sha256.clone().unwrap_or_default();
        if let Some(output) = &mut output {
            let copied = copy(source, output.file(), options).map_err(|error| error.with_path(path))?;
            if sha256 != copied {
                return Err(changed_meanwhile(path));
            }
            fail_point!("archive-copied");
        }
        Ok(Self { file_name: file_name.to_owned(), contents, sha256, output, was_in_place: *is_in_place })
    }

    /// Pack a template into the repository, under a temporary name.
    pub(super) fn packed(
        repository: &Repository,
        template: &Template,
        file_name: &str,
        options: &PackOptions,
    ) -> Result<(Self, PackSummary)> {
        let mut output = new_file(repository, file_name)?;
        let mut hashing = HashingWriter::new(output.file());
        let summary = template.pack_to(&mut hashing, options)?;
        let sha256 = hashing.sha256();
        fail_point!("archive-packed");
        let contents = Contents::of_template(template, summary.archive_bytes, &sha256);
        let output = Some(output);
        let file_name = file_name.to_owned();
        Ok((Self { file_name, contents, sha256, output, was_in_place: false }, summary))
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

pub(super) fn changed_meanwhile(archive: &Path) -> Error {
    Error::new(ErrorKind::SourceChanged, "the archive changed while it was published")
        .with_path(archive)
        .with_help("publish it again when no program is writing to it")
}

/// Copy all of the archive, and give its SHA-256.
pub(super) fn copy(archive: &dyn ReadAt, to: &mut impl Write, options: &EntryOptions) -> Result<String> {
    let total = archive.size();
    let mut hashing = HashingWriter::new(to);
    let mut buffer = vec![0; 1 << 20];
    let mut done = 0;
    while done < total {
        let count = (total - done).min(buffer.len() as u64) as usize;
        archive.read_at(&mut buffer[..count], done)?;
        hashing
            .write_all(&buffer[..count])
            .map_err(|error| Error::io("cannot write into the repository", error))?;
        done += count as u64;
        options.publish.control.report(done, total)?;
    }
    Ok(hashing.sha256())
}

impl Repository {
    /// The place of the template `name` in the description.
    pub(super) fn find(&self, entries: &[RepositoryEntry], name: &str) -> Result<(usize, RepositoryEntry)> {
        let mut found = entries.iter().enumerate().filter(|(_, entry)| entry.name == name);
        match (found.next(), found.next()) {
            (Some((index, entry)), None) => Ok((index, entry.clone())),
            (None, _) => Err(Error::new(
                ErrorKind::NotFound,
                format!("the repository has no template `{}`", Shown(&name)),
            )
            .with_path(self.description_path())
            .with_help("`vmtemplate repo list FOLDER` lists the names")),
            (Some(_), Some(_)) => Err(Error::new(
                ErrorKind::InvalidRepository,
                format!("the repository has two templates `{}`", Shown(&name)),
            )
            .with_path(self.description_path())
            .with_help("rename one of them in the file")),
        }
    }

    /// Fail if `entry` cannot be beside the others; `except` is the place of the one that it replaces.
    pub(super) fn check_fits(
        &self,
        entries: &[RepositoryEntry],
        entry: &RepositoryEntry,
        kind: TemplateKind,
        except: Option<usize>,
    ) -> Result<()> {
        let refuse = |error_kind, message: String, help: &str| {
            Err(Error::new(error_kind, message).with_path(self.description_path()).with_help(help))
        };
        for (index, other) in entries.iter().enumerate() {
            if Some(index) == except {
                continue;
            }
            let name = Shown(&other.name);
            if other.name == entry.name {
                let message = format!("the template `{name}` already exists");
                return refuse(
                    ErrorKind::AlreadyExists,
                    message,
                    "replace it with --replace (`add_or_replace`), or give \
                    another name with --name (`name`)",
                );
            }
            if other.file_name == entry.file_name {
                let message =
                    format!("the template `{name}` already uses the archive {}", Shown(&other.file_name));
                return refuse(
                    ErrorKind::AlreadyExists,
                    message,
                    "give another name with --file-name (`file_name`)",
                );
            }
            if entry.image_name.is_some() && other.image_name == entry.image_name {
                let image = Shown(entry.image_name.as_deref().unwrap_or_default());
                let message = format!("the template `{name}` already has the image name `{image}`");
                return refuse(
                    ErrorKind::AlreadyExists,
                    message,
                    "give another name with --image-name (`image_name`)",
                );
            }
            if (self.kind_of(other) == TemplateKind::Lxd) != (kind == TemplateKind::Lxd) {
                let (ours, theirs) = if kind == TemplateKind::Lxd { ("LXD", "KVM") } else { ("KVM", "LXD") };
                let message = format!("this template is for {ours}, and `{name}` for {theirs}");
                return refuse(ErrorKind::InvalidRepository, message, "use a repository for each kind");
            }
        }
        Ok(())
    }

    /// The kind of a template that is described; its archive decides where the description leaves it open.
    pub(super) fn kind_of(&self, entry: &RepositoryEntry) -> TemplateKind {
        let kind = entry.kind();
        if kind != TemplateKind::Lxd || reason_against_archive(&entry.file_name).is_some() {
            return kind;
        }
        match self.store.archive(&entry.file_name) {
            Ok(archive) if !contents::is_lxd(&archive) => TemplateKind::KvmTemplate,
            _ => kind,
        }
    }
}
