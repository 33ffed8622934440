//! Adding, replacing and removing templates.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use super::contents::{self, Contents, sha256};
use super::entry::{RepositoryEntry, TemplateKind};
use super::file_name::{check_file_name, check_form, own_name, staging_name, with_hash};
use super::format::RepositoryFormat;
use super::incoming::{Incoming, no_name};
use super::options::{EntryOptions, PublishOptions, check_text};
use super::publish::Staged;
use super::store::Store;
use super::store::is_there;
use super::{Repository, more_keys, reason_against_archive};
use crate::civil;
use crate::error::{Error, ErrorKind, Result};
use crate::metainfo::{Metainfo, Tags};
use crate::output::inode;
use crate::source::ReadAt;

pub(super) const MIB: u64 = 1 << 20;

impl Repository {
    /// Copy an archive into the repository and describe it. An archive that is in the folder already is described
    /// where it is.
    ///
    /// It is verified first, so a damaged archive is not published. Name, tags and image name come from its
    /// metainfo.xml; an `.xz` and a template for LXD have none and need a name.
    ///
    /// # Errors
    ///
    /// [`AlreadyExists`](ErrorKind::AlreadyExists) if the name, the file or the image name is taken;
    /// [`InvalidRepository`](ErrorKind::InvalidRepository) if KVM and LXD would be mixed;
    /// [`Locked`](ErrorKind::Locked) if another publisher does not finish in time; the error names that process;
    /// [`InvalidSignature`](ErrorKind::InvalidSignature) if the repository is signed and no key was given; those of
    /// [`Archive::verify`](crate::Archive::verify). After an error the repository is unchanged.
    ///
    /// ```no_run
    /// use vmtemplate::{EntryOptions, Repository, Tags};
    ///
    /// let options = EntryOptions { tags: Some(Tags::from("windows,gold")), ..EntryOptions::default() };
    /// let entry = Repository::open("/srv/repo")?.add("Windows-Server-2019.tar.gz", &options)?;
    /// println!("{} MiB", entry.archive_size_mib.unwrap_or(0));
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn add(&self, archive: impl AsRef<Path>, options: &EntryOptions) -> Result<RepositoryEntry> {
        self.add_incoming(&Incoming::at(self, archive.as_ref(), options)?, options)
    }

    /// The same for the archive that `source` gives, such as [`Spooled`](crate::Spooled) standard input. `name` is what
    /// errors call it. Unless [`file_name`](EntryOptions::file_name) is given, the archive is named after its template.
    ///
    /// # Errors
    ///
    /// Those of [`add`](Self::add).
    ///
    /// ```no_run
    /// use vmtemplate::{Control, EntryOptions, Repository, Spooled};
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
        let incoming = Incoming::from_source(Arc::new(source), name.as_ref(), None, options)?;
        self.add_incoming(&incoming, options)
    }

    fn add_incoming(&self, incoming: &Incoming, options: &EntryOptions) -> Result<RepositoryEntry> {
        if let Store::Remote(folder) = &self.store {
            return self.add_remote(folder, incoming, None, options);
        }
        // Told now, and not after an hour of copying.
        self.check_new(&incoming.look(options)?, &incoming.file_name, options)?;
        self.add_staged(Staged::new(self, incoming, &incoming.file_name, options)?, options)
    }

    /// Fail if an archive of this content could not be added.
    pub(super) fn check_new(&self, first: &Contents, file_name: &str, options: &EntryOptions) -> Result<()> {
        check_form(file_name, first.kind)?;
        let entry = self.entry(first, file_name, None, options)?;
        self.change(&options.publish, |change| self.check_fits(&change.entries(), &entry, first.kind, None))
    }

    /// Give a new archive its place, and describe it.
    pub(super) fn add_staged(&self, staged: Staged, options: &EntryOptions) -> Result<RepositoryEntry> {
        self.change(&options.publish, |change| {
            let kind = staged.contents.kind;
            let file_name = staged.file_name.clone();
            let mut entry = self.entry(&staged.contents, &file_name, None, options)?;
            self.check_fits(&change.entries(), &entry, kind, None)?;
            change.sums.set(&file_name, &staged.sha256);
            change.place(staged)?;
            self.set_time(&mut entry)?;
            change.description.add(&entry, &more_keys::checked(&options.set, self.format())?)?;
            change.publish()?;
            self.complete(&mut entry);
            Ok(entry)
        })
    }

    /// [`add`](Self::add) the archive, or, if a template with its name exists, [`replace`](Self::replace) that one.
    ///
    /// # Errors
    ///
    /// Those of [`add`](Self::add) and of [`replace`](Self::replace).
    ///
    /// ```no_run
    /// use vmtemplate::{EntryOptions, Repository};
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
        self.add_or_replace_incoming(&Incoming::at(self, archive.as_ref(), options)?, options)
    }

    /// The same for the archive that `source` gives, as in [`add_source`](Self::add_source).
    ///
    /// # Errors
    ///
    /// Those of [`add`](Self::add) and of [`replace`](Self::replace).
    ///
    /// ```no_run
    /// use vmtemplate::{Control, EntryOptions, Repository, Spooled};
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
        self.add_or_replace_incoming(&incoming, options)
    }

    fn add_or_replace_incoming(
        &self,
        incoming: &Incoming,
        options: &EntryOptions,
    ) -> Result<RepositoryEntry> {
        match incoming.template(options)? {
            Some(name) if self.described()?.iter().any(|entry| entry.name == name) => {
                self.replace_incoming(&name, incoming, options)
            }
            _ => self.add_incoming(incoming, options),
        }
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
    /// [`NotFound`](ErrorKind::NotFound) if the template does not exist; those of [`add`](Self::add).
    ///
    /// ```no_run
    /// use vmtemplate::{EntryOptions, Repository};
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
        self.replace_incoming(name, &Incoming::at(self, archive.as_ref(), options)?, options)
    }

    /// The same for the archive that `source` gives, as in [`add_source`](Self::add_source); `source_name` is what errors
    /// call it.
    ///
    /// # Errors
    ///
    /// Those of [`replace`](Self::replace).
    ///
    /// ```no_run
    /// use vmtemplate::{Control, EntryOptions, Repository, Spooled};
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
        let incoming = Incoming::from_source(Arc::new(source), source_name.as_ref(), Some(name), options)?;
        self.replace_incoming(name, &incoming, options)
    }

    fn replace_incoming(
        &self,
        name: &str,
        incoming: &Incoming,
        options: &EntryOptions,
    ) -> Result<RepositoryEntry> {
        if let Store::Remote(folder) = &self.store {
            return self.add_remote(folder, incoming, Some(name), options);
        }
        let (wanted, holds) = (&incoming.file_name, incoming.is_in_place);
        let staging = self.check_newer(name, &incoming.look(options)?, wanted, holds, options)?;
        let staging = staging.filter(|_| !holds).unwrap_or_else(|| wanted.clone());
        self.replace_staged(name, Staged::new(self, incoming, &staging, options)?, wanted, options)
    }

    /// Fail if an archive of this content could not take the place of that of `name`. Gives a file name that nobody has,
    /// for the time until the checksum is known.
    pub(super) fn check_newer(
        &self,
        name: &str,
        first: &Contents,
        wanted: &str,
        is_in_place: bool,
        options: &EntryOptions,
    ) -> Result<Option<String>> {
        check_form(wanted, first.kind)?;
        let held = self.change(&options.publish, |change| {
            let (index, held) = self.find(&change.entries(), name)?;
            // Unless it was asked for, the file name is chosen at the end.
            let file_name = options.file_name.as_deref().unwrap_or(&held.file_name);
            let entry = self.entry(first, file_name, Some(&held), options)?;
            self.check_fits(&change.entries(), &entry, first.kind, Some(index))?;
            Ok(held)
        })?;
        if options.file_name.as_ref() == Some(&held.file_name) && !is_in_place {
            return Err(own_name());
        }
        Ok((0..1000).map(|number| staging_name(number, wanted)).find(|name| self.is_free(name)))
    }

    fn is_free(&self, file_name: &str) -> bool {
        !is_there(&self.folder().join(file_name))
    }

    /// Give the newer archive its place, describe it, and let the older one go.
    pub(super) fn replace_staged(
        &self,
        name: &str,
        mut staged: Staged,
        wanted: &str,
        options: &EntryOptions,
    ) -> Result<RepositoryEntry> {
        let (_, held) = self.find(&self.described()?, name)?;
        // By its bytes and not by SHA256SUMS: the archive may be replaced because it was damaged.
        let is_safe = reason_against_archive(&held.file_name).is_none();
        let same = State::of(&self.folder().join(&held.file_name)).filter(|state| {
            is_safe && !staged.is_in_place() && state.length == staged.contents.archive_bytes
        });
        let same = match same {
            Some(state) if self.sha256_of(&held.file_name, &options.publish)? == staged.sha256 => Some(state),
            _ => None,
        };
        self.change(&options.publish, |change| {
            let (index, held) = self.find(&change.entries(), name)?;
            let kind = staged.contents.kind;
            if !staged.is_in_place() {
                let names = change.entries().into_iter().map(|entry| entry.file_name).collect::<Vec<_>>();
                if same.is_some() && State::of(&self.folder().join(&held.file_name)) == same {
                    staged.drop_copy(&held.file_name);
                } else {
                    let hashed = |name: &str, digits| with_hash(name, &staged.sha256, digits);
                    let others = [hashed(wanted, 8), hashed(&held.file_name, 8), hashed(wanted, 16)];
                    let others = others.into_iter().filter(|_| options.file_name.is_none());
                    let mut names = std::iter::once(wanted.to_owned()).chain(others).filter(|name| {
                        self.is_free(name) && !names.contains(name) && check_form(name, kind).is_ok()
                    });
                    let name = names.next().unwrap_or_else(|| wanted.to_owned());
                    staged.rename(self, name);
                }
            }
            let file_name = staged.file_name.clone();
            let mut entry = self.entry(&staged.contents, &file_name, Some(&held), options)?;
            self.check_fits(&change.entries(), &entry, kind, Some(index))?;
            change.sums.set(&file_name, &staged.sha256);
            change.place(staged)?;
            self.set_time(&mut entry)?;
            let more = more_keys::checked(&options.set, self.format())?;
            change.description.update(index, entry, &more)?;
            if file_name != held.file_name {
                change.retire(&held.file_name)?;
            }
            change.publish()?;
            let mut entry = change.entries().swap_remove(index);
            self.complete(&mut entry);
            Ok(entry)
        })
    }

    /// Take the template `name` out of the description, and then remove its archive.
    ///
    /// If the disk is too full to write the new description, the archive is removed first to free space; for that moment
    /// the description names an archive that does not exist.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) if the template does not exist; [`StorageFull`](ErrorKind::StorageFull) if the disk is
    /// full and removing the archive frees no space; [`Locked`](ErrorKind::Locked),
    /// [`InvalidSignature`](ErrorKind::InvalidSignature) as for [`add`](Self::add).
    ///
    /// ```no_run
    /// use vmtemplate::{PublishOptions, Repository};
    ///
    /// Repository::open("/srv/repo")?.remove("Windows-Server-2012", &PublishOptions::default())?;
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn remove(&self, name: &str, options: &PublishOptions) -> Result<RepositoryEntry> {
        if let Store::Remote(folder) = &self.store {
            return self.remove_remote(folder, name, options);
        }
        self.change(options, |change| {
            let (index, held) = self.find(&change.entries(), name)?;
            change.retire(&held.file_name)?;
            change.description.remove(index)?;
            change.publish_without(&held.file_name)?;
            Ok(held)
        })
    }

    pub(super) fn sha256_of(&self, file_name: &str, options: &PublishOptions) -> Result<String> {
        let archive = self.store.archive(file_name)?;
        sha256(&archive, &options.control).map_err(|error| error.with_path(self.store.path_of(file_name)))
    }

    /// What the description will say.
    pub(super) fn entry(
        &self,
        contents: &Contents,
        file_name: &str,
        held: Option<&RepositoryEntry>,
        options: &EntryOptions,
    ) -> Result<RepositoryEntry> {
        let more = more_keys::checked(&options.set, self.format())?;
        let metainfo = contents.metainfo.as_ref();
        let name = options.name.clone().or_else(|| held.map(|held| held.name.clone()));
        let name = name.map_or_else(|| stated_name(metainfo), Ok)?;
        let tags = options.tags.clone().map_or_else(|| stated_tags(metainfo), |tags| Ok(Some(tags)))?;
        let mut entry = RepositoryEntry {
            name,
            tags: tags.or_else(|| held.map(|held| held.tags.clone())).unwrap_or_default(),
            file_name: file_name.to_owned(),
            other: more.into_iter().collect(),
            ..RepositoryEntry::default()
        };
        if self.format() == RepositoryFormat::Vm5 {
            entry.template_version = metainfo.and_then(|m| Some(m.template_version()?.into_owned()));
            let own = metainfo.and_then(|m| Some(m.template_type()?.into_owned()));
            let held = held.and_then(|held| held.template_type.clone());
            entry.template_type = own.or(held).or_else(|| metainfo.map(|_| "ostemplate".to_owned()));
            entry.products = metainfo.map(Metainfo::support_texts).unwrap_or_default();
            return Ok(entry);
        }
        entry.archive_size_mib = Some(contents.archive_bytes.div_ceil(MIB));
        entry.expand.clone_from(&options.expand);
        entry.network_device.clone_from(&options.network_device);
        entry.image_name.clone_from(&options.image_name);
        if contents.kind == TemplateKind::Lxd {
            let keys = [("image_name", &entry.image_name), ("expand", &entry.expand)];
            let keys = keys.into_iter().chain([("network_device", &entry.network_device)]);
            if let Some((key, _)) = keys.into_iter().find(|(_, value)| value.is_some()) {
                return Err(Error::new(ErrorKind::InvalidValue, "a template for LXD has no such key")
                    .with_field(key)
                    .with_help("remove it"));
            }
        } else if entry.image_name.is_none() {
            let own = metainfo.and_then(own_image_name);
            let kept = held.filter(|held| {
                held.image_name.is_some() && (own.is_none() || !self.has_own_image_name(held))
            });
            entry.image_name = if let Some(held) = kept {
                held.image_name.clone()
            } else {
                let name = own.unwrap_or_else(|| file_name.trim_end_matches(".xz").to_owned());
                check_file_name("image_name", &name)?;
                Some(name)
            };
        }
        if options.requirements {
            let limits = metainfo.map(Metainfo::limits).transpose()?.unwrap_or_default();
            entry.min_ram_mib = limits.memory_mib;
            // The limit is in MB. A disk must hold the image in any case.
            let disk = limits.disk_mb.map(|mb| mb.saturating_mul(1_000_000).div_ceil(MIB));
            entry.hdd_mib_required = disk.max(contents.image_bytes.map(|bytes| bytes.div_ceil(MIB)));
        }
        Ok(entry)
    }

    /// Whether the image name is the one that comes from the archive, and not the publisher's. What cannot be found out
    /// counts as the publisher's.
    fn has_own_image_name(&self, held: &RepositoryEntry) -> bool {
        if reason_against_archive(&held.file_name).is_some() {
            return false;
        }
        let archive = self.store.archive(&held.file_name).ok();
        let own = archive.and_then(|archive| own_image_name(&contents::first_metainfo(&archive)?));
        own == held.image_name
    }

    /// The time of the archive, which VMmanager 5 goes by.
    pub(super) fn set_time(&self, entry: &mut RepositoryEntry) -> Result<()> {
        if self.format() == RepositoryFormat::Vm5 {
            entry.modified_utc = Some(self.time_of(&entry.file_name)?);
        }
        Ok(())
    }

    pub(super) fn time_of(&self, file_name: &str) -> Result<String> {
        self.store.modified(file_name).map(civil::utc)
    }
}

fn stated_name(metainfo: Option<&Metainfo>) -> Result<String> {
    let name = metainfo.and_then(Metainfo::os_name).filter(|name| !name.trim().is_empty());
    let name = name.ok_or_else(no_name)?;
    check_text("name", &name)?;
    Ok(name.into_owned())
}

/// An archive without tags states nothing of them.
fn stated_tags(metainfo: Option<&Metainfo>) -> Result<Option<Tags>> {
    let tags = metainfo.map(Metainfo::tags).filter(|tags| !tags.is_empty());
    tags.iter().flat_map(Tags::iter).try_for_each(|tag| check_text("tags", tag))?;
    Ok(tags)
}

/// What the image on a node is called after, whatever folder of the template it is in.
fn own_image_name(metainfo: &Metainfo) -> Option<String> {
    Some(metainfo.image_file()?.rsplit('/').next()?.to_owned())
}

/// The values that show that a file changed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct State {
    inode: u64,
    pub(super) length: u64,
    modified: Option<SystemTime>,
}

impl State {
    pub(super) fn of(path: &Path) -> Option<Self> {
        let found = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
        Some(Self { inode: inode(&found), length: found.len(), modified: found.modified().ok() })
    }
}
