//! Changes a repository so that concurrent readers only see complete files, and no publisher loses what another wrote.
//!
//! An archive is in its place before SHA256SUMS and then the description name it, and goes after both have ceased
//! to. What is about to be done is noted in the session before it is begun, so that what a failed publisher has left can
//! be removed: where notes outlive a publisher that is killed, by the next one.

use std::collections::HashSet;
use std::thread;
use std::time::{Duration, Instant};

use super::description::{Description, no_description};
use super::entry::RepositoryEntry;
use super::format::RepositoryFormat;
use super::options::PublishOptions;
use super::signature::{SigningKey, signature_names};
use super::store::{Precondition, Session, Store, Version};
use super::sums::{self, Sums};
use super::{Repository, json, reason_against_archive};
use crate::error::{Error, ErrorKind, Result};
use crate::fail_points::fail_point;

/// The first pause of a publisher that was overtaken.
const PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The repository while one publisher changes it.
pub(super) struct Transaction<'a> {
    repository: &'a Repository,
    options: &'a PublishOptions,
    session: Box<dyn Session>,
    pub(super) description: Description,
    pub(super) sums: Sums,
    /// The two files as they were read.
    held_description: Held,
    held_sums: Held,
    /// Somebody else changed one of them since.
    is_overtaken: bool,
}

impl Repository {
    /// Clean up after killed publishers, then do `work` on the current description and checksums. If somebody else changes
    /// them before they are published, `work` is done again on the newer ones.
    pub(super) fn transaction<T>(
        &self,
        options: &PublishOptions,
        mut work: impl FnMut(&mut Transaction<'_>) -> Result<T>,
    ) -> Result<T> {
        let mut transaction = Transaction::begin(self, options)?;
        let mut patience = Patience::new(options.lock_timeout);
        let done = loop {
            match work(&mut transaction) {
                Err(_) if transaction.is_overtaken && patience.wait() => {}
                done => break done,
            }
            if let Err(error) = options.control.stop_if_cancelled().and_then(|()| transaction.begin_again()) {
                break Err(error);
            }
        };
        transaction.end(done)
    }

    /// The archives that are described, for either generation of the platform.
    pub(super) fn named(&self) -> Result<HashSet<String>> {
        let descriptions = [Some(Description::read(&*self.store, self.format())?), self.other_description()?];
        let entries = descriptions.iter().flatten().flat_map(Description::entries);
        Ok(entries.map(|entry| entry.file_name).collect())
    }

    /// The description for the other generation of the platform, if there is one.
    fn other_description(&self) -> Result<Option<Description>> {
        let format = match self.format() {
            RepositoryFormat::Vm6 => RepositoryFormat::Vm5,
            RepositoryFormat::Vm5 => RepositoryFormat::Vm6,
        };
        let exists = self.store.exists(format.file_name())?;
        exists.then(|| Description::read(&*self.store, format)).transpose()
    }

    pub(super) fn read_sums(&self) -> Result<Sums> {
        let read = self.store.get(sums::NAME, sums::MAX_BYTES)?;
        Ok(Sums::parse(&read.map(|(bytes, _)| bytes).unwrap_or_default()))
    }

    fn refuse_if_signed(&self) -> Result<()> {
        for name in [self.format().file_name(), sums::NAME] {
            let signature = signature_names(name).1;
            if self.store.exists(&signature)? {
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

impl<'a> Transaction<'a> {
    fn begin(repository: &'a Repository, options: &'a PublishOptions) -> Result<Self> {
        let session = repository.store.begin(options.lock_timeout, &options.control)?;
        if options.key.is_none() {
            repository.refuse_if_signed()?;
        }
        let (held_description, description) = read_description(repository, options)?;
        let (held_sums, sums) = read_sums(repository, options)?;
        let is_overtaken = false;
        let mut transaction = Self {
            repository,
            options,
            session,
            description,
            sums,
            held_description,
            held_sums,
            is_overtaken,
        };
        if transaction.settle(false)? {
            transaction.begin_again()?;
        }
        Ok(transaction)
    }

    fn begin_again(&mut self) -> Result<()> {
        self.session.begin_again();
        (self.held_description, self.description) = read_description(self.repository, self.options)?;
        (self.held_sums, self.sums) = read_sums(self.repository, self.options)?;
        self.is_overtaken = false;
        Ok(())
    }

    fn end<T>(mut self, done: Result<T>) -> Result<T> {
        let settled = self.settle(done.is_err());
        let help = self.session.help();
        match (done, settled.and_then(|_| self.session.release())) {
            (Ok(done), Ok(())) => Ok(done),
            (Err(error), _) => Err(error),
            (Ok(_), Err(error)) => Err(error.with_help(help)),
        }
    }

    pub(super) fn entries(&self) -> Vec<RepositoryEntry> {
        self.description.entries()
    }

    /// The session, for an archive that is about to get its place.
    pub(super) fn session(&mut self) -> &mut dyn Session {
        &mut *self.session
    }

    /// Note that the archive is to go as soon as nobody describes it, and its checksum with it.
    pub(super) fn retire(&mut self, file_name: &str) -> Result<()> {
        if reason_against_archive(file_name).is_none() && !self.session.intend_to_remove(file_name)? {
            // There is no file that the checksum could be of.
            self.sums.remove(file_name);
        }
        Ok(())
    }

    /// Publish the checksums, and then the description.
    pub(super) fn publish(&mut self) -> Result<()> {
        let (store, key) = (&*self.repository.store, self.options.key.as_ref());
        if !self.held_sums.replace(store, &self.sums.to_bytes(), key)? {
            return Err(self.overtaken(sums::NAME));
        }
        fail_point!("sums-published");
        if !self.held_description.replace(store, &self.description.to_bytes(), key)? {
            return Err(self.overtaken(self.repository.format().file_name()));
        }
        self.session.published();
        Ok(())
    }

    fn overtaken(&mut self, name: &str) -> Error {
        self.is_overtaken = true;
        let timeout = self.options.lock_timeout;
        Error::new(ErrorKind::Locked, format!("other publishers kept changing it for {timeout:?}"))
            .with_path(self.repository.store.path_of(name))
            .with_help(
                "try again when they have finished, or wait longer with --lock-timeout (`lock_timeout`)",
            )
    }

    /// Publish the description without the template whose archive this was. Where the disk has no room for it, removing
    /// the archive first makes some.
    pub(super) fn publish_without(&mut self, file_name: &str) -> Result<()> {
        let full = match self.publish() {
            Err(error) if error.kind() == ErrorKind::StorageFull => error,
            done => return done,
        };
        let store = &self.repository.store;
        let is_kept = self.is_named(file_name) || reason_against_archive(file_name).is_some();
        if is_kept || !store.frees_room(file_name) {
            let message =
                "the disk has no space for the new description, and removing the archive does not free any";
            return Err(Error::new(ErrorKind::StorageFull, message)
                .with_path(self.repository.description_path())
                .with_help("nothing was changed: free some space on the disk, and remove the template again")
                .caused_by(full));
        }
        store.delete(file_name)?;
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

    /// Whether a description will name the archive. One that cannot be read may.
    fn is_named(&self, file_name: &str) -> bool {
        let Ok(other) = self.repository.other_description() else { return true };
        let entries = [Some(&self.description), other.as_ref()].into_iter().flatten();
        entries.flat_map(Description::entries).any(|entry| entry.file_name == file_name)
    }

    /// Remove the archives that somebody was about to add or to remove, and that no description names. Returns whether there
    /// were any.
    fn settle(&mut self, has_failed: bool) -> Result<bool> {
        let mut intended = self.session.intended();
        if !intended.is_empty() {
            let named = self.repository.named()?;
            intended.retain(|name| !named.contains(name));
        }
        if let Err(error) = self.remove(&intended) {
            if has_failed {
                self.session.give_up(&intended);
            }
            return Err(error);
        }
        self.session.settled()?;
        Ok(!intended.is_empty())
    }

    /// Remove archives that no description names. At no time is there a checksum without its file.
    fn remove(&mut self, doomed: &[String]) -> Result<()> {
        if doomed.is_empty() {
            return Ok(());
        }
        let forgotten = self.forget(doomed);
        // On a full disk the archives make the room for the checksums of the others.
        let is_late = forgotten.as_ref().is_err_and(|error| error.kind() == ErrorKind::StorageFull);
        if !is_late {
            forgotten?;
        }
        for name in doomed {
            self.repository.store.delete(name)?;
            fail_point!("archive-removed");
        }
        if is_late { self.forget(doomed) } else { Ok(()) }
    }

    /// Remove the checksums of these archives.
    fn forget(&mut self, doomed: &[String]) -> Result<()> {
        let mut patience = Patience::new(self.options.lock_timeout);
        loop {
            let (mut held, mut newer) = read_sums(self.repository, self.options)?;
            for name in doomed {
                newer.remove(name);
            }
            if held.replace(&*self.repository.store, &newer.to_bytes(), self.options.key.as_ref())? {
                return Ok(());
            }
            if !patience.wait() {
                return Err(self.overtaken(sums::NAME));
            }
        }
    }
}

fn read_description(repository: &Repository, options: &PublishOptions) -> Result<(Held, Description)> {
    let (store, format) = (&*repository.store, repository.format());
    let held = Held::read(store, format.file_name(), json::MAX_BYTES, options)?;
    let bytes = held.bytes.as_deref().ok_or_else(|| no_description(store, format))?;
    let description = Description::parse(format, bytes)
        .map_err(|error| error.with_path(store.path_of(format.file_name())))?;
    Ok((held, description))
}

fn read_sums(repository: &Repository, options: &PublishOptions) -> Result<(Held, Sums)> {
    let held = Held::read(&*repository.store, sums::NAME, sums::MAX_BYTES, options)?;
    let sums = Sums::parse(held.bytes.as_deref().unwrap_or_default());
    Ok((held, sums))
}

/// A file as it was read, to be replaced if it is still the same.
struct Held {
    name: &'static str,
    max: usize,
    bytes: Option<Vec<u8>>,
    version: Option<Version>,
    /// The version of its signature, where it is signed.
    signature: Option<Version>,
}

impl Held {
    fn read(store: &dyn Store, name: &'static str, max: usize, options: &PublishOptions) -> Result<Self> {
        let mut signature = None;
        if options.key.is_some() {
            // Before the file, so that the signature of a later publisher is never replaced.
            signature = store.head(&signature_names(name).1)?.map(|found| found.version);
        }
        let (bytes, version) = store.get(name, max)?.unzip();
        Ok(Self { name, max, bytes, version, signature })
    }

    /// Replace the file, and sign it; `false` if it is another by now. Its signature is there beforehand under a second
    /// name, so that one of the two fits at any time.
    fn replace(&mut self, store: &dyn Store, bytes: &[u8], key: Option<&SigningKey>) -> Result<bool> {
        if key.is_none() && self.bytes.as_deref().unwrap_or_default() == bytes {
            return Ok(true);
        }
        let next = signature_names(self.name).0;
        let signature = key.map(|key| key.sign(self.name, bytes)).transpose()?;
        if let Some(signature) = &signature {
            store.put(&next, signature.as_bytes(), Precondition::None)?;
        }
        let precondition = Precondition::unchanged(self.version.as_ref());
        let written = match store.put(self.name, bytes, precondition)? {
            // An answer that got lost is asked for again, and then our own bytes are what is in the way.
            None => self.get_if(store, bytes)?,
            written => written,
        };
        if written.is_none() {
            return Ok(false);
        }
        self.version = written;
        self.bytes = Some(bytes.to_vec());
        signature.map_or(Ok(()), |signature| self.name_signature(store, bytes, &signature))?;
        Ok(true)
    }

    /// Give the signature its final name, unless a later publisher has done so for a newer file.
    fn name_signature(&mut self, store: &dyn Store, bytes: &[u8], signature: &str) -> Result<()> {
        let (next, last) = signature_names(self.name);
        loop {
            let precondition = Precondition::unchanged(self.signature.as_ref());
            let named = store.rename(&next, &last, signature.as_bytes(), precondition)?;
            if named.is_some() {
                self.signature = named;
                return Ok(());
            }
            if self.get_if(store, bytes)?.is_none() {
                return Ok(());
            }
            self.signature = store.head(&last)?.map(|found| found.version);
        }
    }

    /// The version of the file if it has these bytes.
    fn get_if(&self, store: &dyn Store, bytes: &[u8]) -> Result<Option<Version>> {
        let held = store.get(self.name, self.max)?;
        Ok(held.filter(|(held, _)| held == bytes).map(|(_, version)| version))
    }
}

/// How long a publisher that was overtaken tries again.
struct Patience {
    begun: Instant,
    limit: Duration,
    pause: Duration,
}

impl Patience {
    fn new(limit: Duration) -> Self {
        Self { begun: Instant::now(), limit, pause: PAUSE }
    }

    /// Wait a moment, longer each time; `false` if it has been long enough.
    fn wait(&mut self) -> bool {
        if self.begun.elapsed() > self.limit {
            return false;
        }
        thread::sleep(self.pause);
        self.pause = (2 * self.pause).min(LONGEST_PAUSE);
        true
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn repository(folder: &std::path::Path) -> Repository {
        Repository::create(folder, RepositoryFormat::Vm6).unwrap()
    }

    fn entry(name: &str) -> RepositoryEntry {
        RepositoryEntry { name: name.into(), file_name: format!("{name}.tar.gz"), ..Default::default() }
    }

    #[test]
    fn what_somebody_wrote_into_the_description_meanwhile_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let repository = repository(folder.path());
        let mut rounds = 0;
        let done = repository.transaction(&PublishOptions::default(), |transaction| {
            rounds += 1;
            if rounds == 1 {
                let text = fs::read_to_string(repository.description_path()).unwrap();
                let edited = text.replacen('{', "{\"owner\": \"ops\", ", 1);
                fs::write(repository.description_path(), edited).unwrap();
            }
            transaction.sums.set("Windows-1.tar.gz", &"a".repeat(64));
            transaction.description.add(&entry("Windows-1"), &[])?;
            transaction.publish()
        });
        done.unwrap();
        let text = fs::read_to_string(repository.description_path()).unwrap();
        assert!(rounds == 2 && text.contains("ops") && text.contains("Windows-1"), "{rounds} rounds: {text}");
        assert_eq!(repository.read_sums().unwrap().names().collect::<Vec<_>>(), ["Windows-1.tar.gz"]);
    }

    #[test]
    fn a_publisher_that_is_overtaken_for_too_long_gives_up() {
        let folder = tempfile::tempdir().unwrap();
        let repository = repository(folder.path());
        let options = PublishOptions { lock_timeout: Duration::ZERO, ..PublishOptions::default() };
        let mut rounds = 0;
        let done = repository.transaction(&options, |transaction| {
            rounds += 1;
            let text = fs::read_to_string(repository.description_path()).unwrap();
            fs::write(repository.description_path(), text + "\n").unwrap();
            transaction.description.add(&entry("Windows-1"), &[])?;
            transaction.publish()
        });
        assert_eq!((done.unwrap_err().kind(), rounds), (ErrorKind::Locked, 1));
        assert!(repository.list().unwrap().is_empty());
    }
}
