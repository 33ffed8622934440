//! Adding, replacing and removing templates.

use std::path::Path;
use std::sync::Arc;

use super::arrival::{Arrival, Incoming};
use super::contents::{Contents, sha256};
use super::entry::RepositoryEntry;
use super::file_name::{candidates, check_form, own_name};
use super::options::{EntryOptions, PublishOptions};
use super::store::{Found, Staged};
use super::{Repository, more_keys, reason_against_archive};
use crate::error::Result;
use crate::fail_points::fail_point;
use crate::source::ReadAt;

impl Repository {
    /// Copy an archive into the repository and describe it. An archive that is in the folder already is described
    /// where it is.
    ///
    /// It is verified first, so a damaged archive is not published. Name, tags and image name come from its
    /// metainfo.xml; an `.xz` and a template for LXD have none and need a name.
    ///
    /// # Errors
    ///
    /// [`AlreadyExists`](crate::ErrorKind::AlreadyExists) if the name, the file or the image name is taken;
    /// [`InvalidRepository`](crate::ErrorKind::InvalidRepository) if KVM and LXD would be mixed;
    /// [`Locked`](crate::ErrorKind::Locked) if another publisher does not finish in time; the error names that process;
    /// [`InvalidSignature`](crate::ErrorKind::InvalidSignature) if the repository is signed and no key was given; those of
    /// [`Archive::verify`](crate::Archive::verify). After an error the repository is unchanged.
    ///
    /// ```no_run
    /// use vmtemplate::metainfo::Tags;
    /// use vmtemplate::repository::EntryOptions;
    /// use vmtemplate::Repository;
    ///
    /// let options = EntryOptions { tags: Some(Tags::from("windows,gold")), ..EntryOptions::default() };
    /// let entry = Repository::open("/srv/repo")?.add("Windows-Server-2019.tar.gz", &options)?;
    /// println!("{} MiB", entry.archive_size_mib.unwrap_or(0));
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn add(&self, archive: impl AsRef<Path>, options: &EntryOptions) -> Result<RepositoryEntry> {
        self.publish(&mut Incoming::at(self, archive.as_ref(), options)?, None, options)
            .map(|published| published.entry)
    }

    /// The same for the archive that `source` gives, such as [`Spooled`](crate::source::Spooled) standard input. `name` is what
    /// errors call it. Unless [`file_name`](EntryOptions::file_name) is given, the archive is named after its template.
    ///
    /// # Errors
    ///
    /// Those of [`add`](Self::add).
    ///
    /// ```no_run
    /// use vmtemplate::repository::EntryOptions;
    /// use vmtemplate::source::Spooled;
    /// use vmtemplate::{Control, Repository};
    ///
    /// let archive = Spooled::read(std::io::stdin().lock(), &Control::default())?;
    /// Repository::open("/srv/repo")?.add_source(archive, "standard input", &EntryOptions::default())?;
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn add_source(
        &self,
        source: impl ReadAt + 'static,
        name: impl AsRef<Path>,
        options: &EntryOptions,
    ) -> Result<RepositoryEntry> {
        let mut incoming = Incoming::from_source(Arc::new(source), name.as_ref(), None, options)?;
        self.publish(&mut incoming, None, options).map(|published| published.entry)
    }

    /// [`add`](Self::add) the archive, or, if a template with its name exists, [`replace`](Self::replace) that one.
    ///
    /// # Errors
    ///
    /// Those of [`add`](Self::add) and of [`replace`](Self::replace).
    ///
    /// ```no_run
    /// use vmtemplate::repository::EntryOptions;
    /// use vmtemplate::Repository;
    ///
    /// // The same in every run of a pipeline, the first one included.
    /// Repository::open("/srv/repo")?.add_or_replace("Windows-Server-2019.tar.gz", &EntryOptions::default())?;
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn add_or_replace(
        &self,
        archive: impl AsRef<Path>,
        options: &EntryOptions,
    ) -> Result<RepositoryEntry> {
        self.add_or_replace_incoming(Incoming::at(self, archive.as_ref(), options)?, options)
    }

    /// The same for the archive that `source` gives, as in [`add_source`](Self::add_source).
    ///
    /// # Errors
    ///
    /// Those of [`add`](Self::add) and of [`replace`](Self::replace).
    ///
    /// ```no_run
    /// use vmtemplate::repository::EntryOptions;
    /// use vmtemplate::source::Spooled;
    /// use vmtemplate::{Control, Repository};
    ///
    /// let archive = Spooled::read(std::io::stdin().lock(), &Control::default())?;
    /// Repository::open("/srv/repo")?.add_or_replace_source(archive, "standard input", &EntryOptions::default())?;
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn add_or_replace_source(
        &self,
        source: impl ReadAt + 'static,
        name: impl AsRef<Path>,
        options: &EntryOptions,
    ) -> Result<RepositoryEntry> {
        let incoming = Incoming::from_source(Arc::new(source), name.as_ref(), None, options)?;
        self.add_or_replace_incoming(incoming, options)
    }

    fn add_or_replace_incoming(
        &self,
        mut incoming: Incoming<'_>,
        options: &EntryOptions,
    ) -> Result<RepositoryEntry> {
        let name = match incoming.template()? {
            Some(name) if self.described()?.iter().any(|entry| entry.name == name) => Some(name),
            _ => None,
        };
        self.publish(&mut incoming, name.as_deref(), options).map(|published| published.entry)
    }

    /// Replace the archive of the template `name`. Values come from the options, then from the metainfo.xml of the new
    /// archive; what neither gives stays unchanged in the description: the name, tags if the archive has none, and unknown
    /// keys. An image name stays, too, unless it is the one that came from the archive before.
    ///
    /// Two files cannot change in one step, so the new archive gets its own file name: the given one or its own, or, if that
    /// is in use, one with the first digits of its SHA-256. The description changes from
    /// the old file to the new one in one step, and then the old one is removed. Publishing the same archive again changes no file.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if the template does not exist; those of [`add`](Self::add).
    ///
    /// ```no_run
    /// use vmtemplate::repository::EntryOptions;
    /// use vmtemplate::Repository;
    ///
    /// let repository = Repository::open("/srv/repo")?;
    /// let entry = repository.replace("Windows-Server-2019", "march/w2019.tar.gz", &EntryOptions::default())?;
    /// println!("{}", entry.file_name); // w2019.tar.gz, or w2019-1f2e3d4c.tar.gz
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn replace(
        &self,
        name: &str,
        archive: impl AsRef<Path>,
        options: &EntryOptions,
    ) -> Result<RepositoryEntry> {
        self.publish(&mut Incoming::at(self, archive.as_ref(), options)?, Some(name), options)
            .map(|published| published.entry)
    }

    /// The same for the archive that `source` gives, as in [`add_source`](Self::add_source); `source_name` is what errors
    /// call it.
    ///
    /// # Errors
    ///
    /// Those of [`replace`](Self::replace).
    ///
    /// ```no_run
    /// use vmtemplate::repository::EntryOptions;
    /// use vmtemplate::source::Spooled;
    /// use vmtemplate::{Control, Repository};
    ///
    /// let archive = Spooled::read(std::io::stdin().lock(), &Control::default())?;
    /// let repository = Repository::open("/srv/repo")?;
    /// repository.replace_source("Windows-Server-2019", archive, "standard input", &EntryOptions::default())?;
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn replace_source(
        &self,
        name: &str,
        source: impl ReadAt + 'static,
        source_name: impl AsRef<Path>,
        options: &EntryOptions,
    ) -> Result<RepositoryEntry> {
        let source_name = source_name.as_ref();
        let mut incoming = Incoming::from_source(Arc::new(source), source_name, Some(name), options)?;
        self.publish(&mut incoming, Some(name), options).map(|published| published.entry)
    }

    /// Publish an archive that arrives: as a new template, or in the place of that of the template `replaces`.
    pub(super) fn publish(
        &self,
        arrival: &mut dyn Arrival,
        replaces: Option<&str>,
        options: &EntryOptions,
    ) -> Result<Published> {
        // Reported now, and not after an hour of copying.
        let held = self.check_publishable(arrival, replaces, options)?;
        let mut new = self.stage(arrival, held.as_ref(), options)?;
        let same = held.map_or(Ok(None), |held| self.find_same(&held, &new, options))?;
        let (wanted, kind) = (arrival.file_name(), new.contents.kind);
        let sha256 = new.contents.sha256.clone().unwrap_or_default();
        let entry = self.transaction(&options.publish, |transaction| {
            let entries = transaction.entries();
            let held = replaces.map(|name| self.find(&entries, name)).transpose()?;
            let (index, held) = held.unzip();
            let is_same =
                |held: &&RepositoryEntry| same.is_some() && self.store.known(&held.file_name) == same;
            let unchanged = held.as_ref().filter(is_same);
            // If the same bytes are there already, the copy is dropped.
            let mut file = new.file.as_mut().filter(|_| unchanged.is_none());
            let file_name = match (unchanged, &mut file) {
                (Some(held), _) => held.file_name.clone(),
                (None, None) => wanted.to_owned(),
                (None, Some(file)) => {
                    let mut names = candidates(wanted, older_name(held.as_ref(), options), &sha256, kind);
                    // Two templates must not share an archive. If no other name is left, the check below reports it.
                    names.sort_by_key(|name| entries.iter().any(|entry| entry.file_name == *name));
                    file.choose(&names)
                }
            };
            let mut entry = self.entry(&new.contents, &file_name, held.as_ref(), options)?;
            self.check_fits(&entries, &entry, kind, index)?;
            let more = more_keys::checked(&options.set, self.format())?;
            transaction.sums.set(&file_name, &sha256);
            if let Some(file) = file {
                file.place(transaction.session())?;
            } else if entries.iter().all(|entry| entry.file_name != file_name) {
                self.store.adopt(&file_name)?;
            }
            self.set_time(&mut entry)?;
            match index {
                Some(index) => transaction.description.update(index, entry, &more)?,
                None => transaction.description.add(&entry, &more)?,
            }
            if let Some(held) = held.filter(|held| held.file_name != file_name) {
                transaction.retire(&held.file_name)?;
            }
            transaction.publish()?;
            let mut entry = transaction.entries().swap_remove(index.unwrap_or(entries.len()));
            self.complete(&mut entry);
            Ok(entry)
        })?;
        Ok(Published { entry, sha256 })
    }

    /// Fail if the archive could not be published, as far as that is known beforehand. Returns the entry of the template
    /// whose archive it replaces.
    fn check_publishable(
        &self,
        arrival: &dyn Arrival,
        replaces: Option<&str>,
        options: &EntryOptions,
    ) -> Result<Option<RepositoryEntry>> {
        let (first, wanted) = (arrival.look()?, arrival.file_name());
        check_form(wanted, first.kind)?;
        let held = self.transaction(&options.publish, |transaction| {
            let entries = transaction.entries();
            let held = replaces.map(|name| self.find(&entries, name)).transpose()?;
            let (index, held) = held.unzip();
            // Unless it was asked for, the file name of what replaces another is chosen at the end.
            let asked = options.file_name.as_deref();
            let file_name = held.as_ref().map_or(wanted, |held| asked.unwrap_or(&held.file_name));
            let entry = self.entry(&first, file_name, held.as_ref(), options)?;
            self.check_fits(&entries, &entry, first.kind, index)?;
            Ok(held)
        })?;
        if arrival.is_in_place() {
            return Ok(held);
        }
        match &held {
            Some(held) if options.file_name.as_ref() == Some(&held.file_name) => {
                Err(own_name().with_path(self.store.path_of(&held.file_name)))
            }
            Some(_) => Ok(()),
            None => self.store.probe(wanted),
        }?;
        Ok(held)
    }

    /// Look at all of the archive, and write it into the repository, where nobody takes it for complete yet.
    fn stage(
        &self,
        arrival: &mut dyn Arrival,
        held: Option<&RepositoryEntry>,
        options: &EntryOptions,
    ) -> Result<NewArchive> {
        let contents = arrival.prove()?;
        if arrival.is_in_place() {
            return Ok(NewArchive { contents, file: None });
        }
        let digits = contents.sha256.unwrap_or_else(unique);
        let names = candidates(arrival.file_name(), older_name(held, options), &digits, contents.kind);
        let mut file = self.store.stage(&names, arrival.most_bytes(), &options.publish.control)?;
        let contents = arrival.write(&mut *file)?;
        file.finish()?;
        fail_point!("archive-staged");
        Ok(NewArchive { contents, file: Some(file) })
    }

    /// The archive of `held`, if it has the bytes of the new one and that costs no request to find out. It is compared by
    /// its bytes and not by SHA256SUMS: it may be replaced because it was damaged.
    fn find_same(
        &self,
        held: &RepositoryEntry,
        new: &NewArchive,
        options: &EntryOptions,
    ) -> Result<Option<Found>> {
        if new.file.is_none() || reason_against_archive(&held.file_name).is_some() {
            return Ok(None);
        }
        let found = self.store.known(&held.file_name);
        let Some(found) = found.filter(|found| found.size == new.contents.archive_bytes) else {
            return Ok(None);
        };
        let sha256 = self.store.archive(&held.file_name).and_then(|archive| {
            sha256(&archive, &options.publish.control)
                .map_err(|error| error.with_path(self.store.path_of(&held.file_name)))
        })?;
        Ok(Some(found).filter(|_| new.contents.sha256 == Some(sha256)))
    }

    /// Take the template `name` out of the description, and then remove its archive.
    ///
    /// If the disk is too full to write the new description, the archive is removed first to free space; for that moment
    /// the description names an archive that does not exist.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if the template does not exist;
    /// [`StorageFull`](crate::ErrorKind::StorageFull) if the disk is full and removing the archive frees no space;
    /// [`Locked`](crate::ErrorKind::Locked), [`InvalidSignature`](crate::ErrorKind::InvalidSignature) as for
    /// [`add`](Self::add).
    ///
    /// ```no_run
    /// use vmtemplate::repository::PublishOptions;
    /// use vmtemplate::Repository;
    ///
    /// Repository::open("/srv/repo")?.remove("Windows-Server-2012", &PublishOptions::default())?;
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn remove(&self, name: &str, options: &PublishOptions) -> Result<RepositoryEntry> {
        self.transaction(options, |transaction| {
            let (index, held) = self.find(&transaction.entries(), name)?;
            transaction.retire(&held.file_name)?;
            transaction.description.remove(index)?;
            transaction.publish_without(&held.file_name)?;
            Ok(held)
        })
    }
}

/// What was published.
pub(super) struct Published {
    /// What the description says now.
    pub(super) entry: RepositoryEntry,
    pub(super) sha256: String,
}

/// An archive that is ready to get its place.
struct NewArchive {
    contents: Contents,
    /// `None` if it is in its place already.
    file: Option<Box<dyn Staged>>,
}

/// The name that the new archive may be named after, unless a name was asked for.
fn older_name<'a>(held: Option<&'a RepositoryEntry>, options: &EntryOptions) -> Option<&'a str> {
    held.filter(|_| options.file_name.is_none()).map(|held| &*held.file_name)
}

/// Digits for the name of an archive whose checksum is not known yet.
fn unique() -> String {
    use std::hash::{BuildHasher as _, RandomState};
    format!("{:016x}", RandomState::new().hash_one(std::process::id()))
}
