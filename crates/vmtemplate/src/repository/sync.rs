//! Bringing a description in step with archives that were changed by hand.

use std::collections::HashMap;

use super::change::{MIB, State};
use super::contents::{Reading, look_at};
use super::entry::RepositoryEntry;
use super::format::RepositoryFormat;
use super::options::{PublishOptions, Synced};
use super::store::Store;
use super::{Repository, reason_against_archive};
use crate::archive::UnpackLimits;
use crate::error::{Error, ErrorKind, Result};
use crate::threads::Threads;

/// The SHA-256 of an archive that is sound, or why it is not.
type Proof = std::result::Result<String, String>;

impl Repository {
    /// Bring sizes, times and checksums in step with the archives, after somebody changed files by hand.
    ///
    /// All archives are read and proved, as [`add`](Self::add) proves them. One that is not sound, or not there, keeps what
    /// is said of it, its checksum included, and is reported; the others are brought in step. Lines of SHA256SUMS whose
    /// file is neither there nor described are removed.
    ///
    /// # Errors
    ///
    /// [`Cancelled`](ErrorKind::Cancelled); [`Locked`](ErrorKind::Locked),
    /// [`InvalidSignature`](ErrorKind::InvalidSignature) as for [`add`](Self::add).
    ///
    /// ```no_run
    /// use vmtemplate::{PublishOptions, Repository};
    ///
    /// let synced = Repository::open("/srv/repo")?.sync(&PublishOptions::default())?;
    /// for name in synced.missing {
    ///     eprintln!("{name} is not there");
    /// }
    /// for (name, reason) in synced.damaged {
    ///     eprintln!("{name}: {reason}");
    /// }
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn sync(&self, options: &PublishOptions) -> Result<Synced> {
        if let Store::Remote(folder) = &self.store {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "only a repository in a local folder can be synchronised",
            )
            .with_path(folder.url())
            .with_help("replace the templates whose archives changed, one by one"));
        }
        // Read before the lock is taken, so that nobody waits for it; what changed since is read again.
        let mut known = HashMap::new();
        for entry in self.described()? {
            if let Some(state) = self.state_of(&entry)
                && !known.contains_key(&entry.file_name)
            {
                let proof = self.prove(&entry, options)?;
                known.insert(entry.file_name, (state, proof));
            }
        }
        self.change(options, |change| {
            let mut synced = Synced::default();
            let before = change.sums.to_bytes();
            let mut newer_entries = Vec::new();
            for (index, entry) in change.entries().into_iter().enumerate() {
                let Some(state) = self.state_of(&entry) else {
                    let name = entry.file_name.clone();
                    if let Some(why) = reason_against_archive(&name).filter(|_| !name.is_empty()) {
                        synced.damaged.insert(name, format!("the file name {why}"));
                    } else if self.store.leads_to_data(&name)? {
                        // A folder, a device or a pipe.
                        let reason = self.prove(&entry, options)?.err().unwrap_or_default();
                        synced.damaged.insert(name, reason);
                    } else if !name.is_empty() {
                        synced.missing.push(name);
                    }
                    continue;
                };
                let proof = match known.get(&entry.file_name) {
                    Some((then, proof)) if *then == state => proof.clone(),
                    _ => self.prove(&entry, options)?,
                };
                let sha256 = match proof {
                    Ok(sha256) => sha256,
                    Err(reason) => {
                        synced.damaged.insert(entry.file_name, reason);
                        continue;
                    }
                };
                let mut newer = entry.clone();
                if self.format() == RepositoryFormat::Vm6 {
                    newer.archive_size_mib = Some(state.length.div_ceil(MIB));
                }
                self.set_time(&mut newer)?;
                if newer != entry || change.sums.get(&entry.file_name) != Some(&sha256) {
                    synced.updated.push(entry.file_name.clone());
                }
                change.sums.set(&entry.file_name, &sha256);
                if newer != entry {
                    newer_entries.push((index, newer));
                }
            }
            change.description.update_all(&newer_entries)?;
            // The checksum of an archive that is described and not there proves it when it comes back. If a description
            // cannot be read, nobody can say which ones those are.
            let named = self.named().ok();
            let is_named = |name: &str| named.as_ref().is_none_or(|named| named.contains(name));
            // A link that leads nowhere holds no bytes that a checksum could be of.
            let gone = |name: &&str| !self.folder().join(name).exists() && !is_named(name);
            for name in change.sums.names().filter(gone).map(str::to_owned).collect::<Vec<_>>() {
                change.sums.remove(&name);
            }
            let is_changed = !synced.updated.is_empty() || change.sums.to_bytes() != before;
            if is_changed || options.key.is_some() {
                change.publish()?;
            }
            Ok(synced)
        })
    }

    /// The state of the archive that the entry names, if there is one.
    fn state_of(&self, entry: &RepositoryEntry) -> Option<State> {
        if reason_against_archive(&entry.file_name).is_some() {
            return None;
        }
        State::of(&self.folder().join(&entry.file_name))
    }

    fn prove(&self, entry: &RepositoryEntry, options: &PublishOptions) -> Result<Proof> {
        let path = self.store.path_of(&entry.file_name);
        let verify = Reading {
            limits: UnpackLimits::default(),
            threads: Threads::ALL,
            control: options.control.clone(),
        };
        let looked =
            self.store.archive(&entry.file_name).and_then(|archive| look_at(&archive, &path, false, &verify));
        match looked {
            Ok(contents) => Ok(Ok(contents.sha256.unwrap_or_default())),
            Err(error) if error.ends_the_work() => Err(error),
            Err(error) => Ok(Err(error.message().to_owned())),
        }
    }
}
