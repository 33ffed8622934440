//! Bringing a description in step with archives that were changed by hand.

use std::collections::HashMap;

use super::contents::{Reading, look_at};
use super::entry::RepositoryEntry;
use super::format::RepositoryFormat;
use super::new_entry::MIB;
use super::options::{PublishOptions, Synced};
use super::store::Found;
use super::{Repository, reason_against_archive};
use crate::archive::UnpackLimits;
use crate::error::Result;
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
    /// [`Cancelled`](crate::ErrorKind::Cancelled); [`Locked`](crate::ErrorKind::Locked),
    /// [`InvalidSignature`](crate::ErrorKind::InvalidSignature) as for [`add`](Self::add).
    ///
    /// ```no_run
    /// use vmtemplate::repository::PublishOptions;
    /// use vmtemplate::Repository;
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
        self.store.check_editable()?;
        // Read before the lock is taken, so that nobody waits for it; what changed since is read again.
        let mut known = HashMap::new();
        for entry in self.described()? {
            if let Some(found) = self.known(&entry)
                && !known.contains_key(&entry.file_name)
            {
                let proof = self.prove(&entry, options)?;
                known.insert(entry.file_name, (found, proof));
            }
        }
        self.transaction(options, |transaction| {
            let mut synced = Synced::default();
            let before = transaction.sums.to_bytes();
            let mut newer_entries = Vec::new();
            for (index, entry) in transaction.entries().into_iter().enumerate() {
                let Some(found) = self.known(&entry) else {
                    let name = entry.file_name.clone();
                    if let Some(why) = reason_against_archive(&name).filter(|_| !name.is_empty()) {
                        synced.damaged.insert(name, format!("the file name {why}"));
                    } else if self.store.head(&name)?.is_some() {
                        // A folder, a device or a pipe.
                        let reason = self.prove(&entry, options)?.err().unwrap_or_default();
                        synced.damaged.insert(name, reason);
                    } else if !name.is_empty() {
                        synced.missing.push(name);
                    }
                    continue;
                };
                let proof = match known.get(&entry.file_name) {
                    Some((then, proof)) if *then == found => proof.clone(),
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
                    newer.archive_size_mib = Some(found.size.div_ceil(MIB));
                }
                self.set_time(&mut newer)?;
                if newer != entry || transaction.sums.get(&entry.file_name) != Some(&sha256) {
                    synced.updated.push(entry.file_name.clone());
                }
                transaction.sums.set(&entry.file_name, &sha256);
                if newer != entry {
                    newer_entries.push((index, newer));
                }
            }
            transaction.description.update_all(&newer_entries)?;
            // The checksum of an archive that is described and not there proves it when it comes back. If a description
            // cannot be read, nobody can say which ones those are.
            let named = self.named().ok();
            let is_named = |name: &str| named.as_ref().is_none_or(|named| named.contains(name));
            // A link that leads nowhere holds no bytes that a checksum could be of.
            let gone = |name: &&str| self.store.head(name).is_ok_and(|f| f.is_none()) && !is_named(name);
            for name in transaction.sums.names().filter(gone).map(str::to_owned).collect::<Vec<_>>() {
                transaction.sums.remove(&name);
            }
            let is_changed = !synced.updated.is_empty() || transaction.sums.to_bytes() != before;
            if is_changed || options.key.is_some() {
                transaction.publish()?;
            }
            Ok(synced)
        })
    }

    /// What is known of the archive that the entry names, if there is one.
    fn known(&self, entry: &RepositoryEntry) -> Option<Found> {
        if reason_against_archive(&entry.file_name).is_some() {
            return None;
        }
        self.store.known(&entry.file_name)
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
