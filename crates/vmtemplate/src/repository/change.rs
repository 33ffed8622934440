//! Adding, replacing and removing templates.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use super::contents::{Contents, look_at, sha256};
use super::entry::{RepositoryEntry, TemplateKind};
use super::format::RepositoryFormat;
use super::options::{EntryOptions, PublishOptions};
use super::publish::Staged;
use super::store::Store;
use super::store::is_there;
use super::{Repository, more_keys, reason_against_archive};
use crate::archive::{VerifyOptions, open_source};
use crate::civil;
use crate::error::{Error, ErrorKind, Result};
use crate::output::inode;
use crate::shown::Shown;

pub(super) const MIB: u64 = 1 << 20;

impl Repository {
    /// Copy an archive into the repository and describe it. An archive that stands in the folder already is described
    /// where it is.
    ///
    /// It is read to its end first: what is not whole is not published. Name, tags and image name come from its
    /// metainfo.xml; an `.xz` and a template for LXD have none and need a name.
    ///
    /// # Errors
    ///
    /// [`AlreadyExists`](ErrorKind::AlreadyExists) if the name, the file or the image name is taken;
    /// [`InvalidRepository`](ErrorKind::InvalidRepository) if KVM and LXD would be mixed;
    /// [`Locked`](ErrorKind::Locked) if another publisher does not end in time, with who that is;
    /// [`InvalidSignature`](ErrorKind::InvalidSignature) if the repository is signed and no key was given; those of
    /// [`Template::verify`](crate::Template::verify). After an error the repository is as it was.
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
        let archive = archive.as_ref();
        let file_name = self.file_name(archive, options)?;
        if let Store::Remote(folder) = &self.store {
            return self.add_remote(folder, archive, &file_name, None, options);
        }
        // Told now, and not after an hour of copying.
        let first = look_at(&open_source(archive)?, archive, true, &verify_options(options))?;
        self.check_new(&first, &file_name, options)?;
        self.add_staged(Staged::new(self, archive, &file_name, options)?, options)
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

    /// [`add`](Self::add) the archive, or, if a template of its name is described, [`replace`](Self::replace) that one.
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
        let archive = archive.as_ref();
        let name = if options.name.is_some() {
            options.name.clone()
        } else {
            let first = look_at(&open_source(archive)?, archive, true, &verify_options(options))?;
            first.metainfo.and_then(|metainfo| Some(metainfo.os_name()?.into_owned()))
        };
        match name {
            Some(name) if self.described()?.iter().any(|entry| entry.name == name) => {
                self.replace(&name, archive, options)
            }
            _ => self.add(archive, options),
        }
    }

    /// Put another archive in the place of that of the template `name`. What is not given comes from the new archive;
    /// the name, and all that is not known of the entry, stays.
    ///
    /// Two files cannot change in one step, so the new archive gets a file name of its own: the one that is given or
    /// that it has, and where that is taken, one with the first digits of its SHA-256. The description changes from
    /// the old file to the new one in one step, and then the old one is removed. The same archive again changes no file.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) if there is no such template; those of [`add`](Self::add).
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
        let archive = archive.as_ref();
        let wanted = self.file_name(archive, options)?;
        if let Store::Remote(folder) = &self.store {
            return self.add_remote(folder, archive, &wanted, Some(name), options);
        }
        let first = look_at(&open_source(archive)?, archive, true, &verify_options(options))?;
        let holds = self.holds(archive);
        let staging = self.check_newer(name, &first, &wanted, holds, options)?;
        let staging = staging.filter(|_| !holds).unwrap_or_else(|| wanted.clone());
        self.replace_staged(name, Staged::new(self, archive, &staging, options)?, &wanted, options)
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
        Ok((0..1000).map(|number| format!("new{number}-{wanted}")).find(|name| self.is_free(name)))
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
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) if there is no such template; [`Locked`](ErrorKind::Locked),
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
            change.publish()?;
            Ok(held)
        })
    }

    pub(super) fn sha256_of(&self, file_name: &str, options: &PublishOptions) -> Result<String> {
        let archive = self.store.archive(file_name)?;
        sha256(&archive, &options.control).map_err(|error| error.with_path(self.store.path_of(file_name)))
    }

    /// The name that the archive is to have in the repository.
    pub(super) fn file_name(&self, archive: &Path, options: &EntryOptions) -> Result<String> {
        let own = archive.file_name().and_then(|name| name.to_str()).map(without_query);
        let name = match (&options.file_name, own) {
            (Some(name), Some(own)) if self.holds(archive) && name != own => {
                return Err(Error::new(
                    ErrorKind::InvalidValue,
                    "the archive stands in the repository already, under another name",
                )
                .with_path(archive)
                .with_field("file_name")
                .with_help("leave the name out"));
            }
            (Some(name), _) => name.clone(),
            (None, Some(own)) => own.to_owned(),
            (None, None) => String::new(),
        };
        if let Some(why) = reason_against_archive(&name) {
            return Err(Error::new(
                ErrorKind::InvalidValue,
                format!("the file name `{}` {why}", Shown(&name)),
            )
            .with_field("file_name")
            .with_help("give a plain file name, such as Windows-Server-2019.tar.gz"));
        }
        Ok(name)
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
        let name = name.or_else(|| metainfo?.os_name().map(std::borrow::Cow::into_owned));
        let Some(name) = name.filter(|name| !name.trim().is_empty()) else {
            return Err(Error::new(ErrorKind::InvalidValue, "the archive does not tell the template's name")
                .with_field("name")
                .with_help("give the name"));
        };
        let tags = options.tags.clone().or_else(|| metainfo.map(crate::metainfo::Metainfo::tags));
        let mut entry = RepositoryEntry {
            name,
            tags: tags.or_else(|| held.map(|held| held.tags.clone())).unwrap_or_default(),
            file_name: file_name.to_owned(),
            other: more.into_iter().collect(),
            ..RepositoryEntry::default()
        };
        if self.format() == RepositoryFormat::Vm5 {
            entry.template_version = metainfo.and_then(|m| Some(m.template_version()?.into_owned()));
            entry.template_type =
                metainfo.map(|m| m.template_type().unwrap_or("ostemplate".into()).into_owned());
            entry.products = metainfo.map(crate::metainfo::Metainfo::support_texts).unwrap_or_default();
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
                    .with_help("leave it out"));
            }
        } else if entry.image_name.is_none() {
            // The name of a file on a node, whatever folder of the template the image is in.
            let own = metainfo.and_then(|m| Some(m.image_file()?.rsplit('/').next()?.to_owned()));
            let stem = || file_name.trim_end_matches(".xz").to_owned();
            let held = held.and_then(|held| held.image_name.clone());
            entry.image_name = own.or(held).or_else(|| Some(stem()));
        }
        if options.requirements {
            let limits = metainfo.map(crate::metainfo::Metainfo::limits).transpose()?.unwrap_or_default();
            entry.min_ram_mib = limits.memory_mib;
            // The limit is in MB. A disk must hold the image in any case.
            let disk = limits.disk_mb.map(|mb| mb.saturating_mul(1_000_000).div_ceil(MIB));
            entry.hdd_mib_required = disk.max(contents.image_bytes.map(|bytes| bytes.div_ceil(MIB)));
        }
        Ok(entry)
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

/// An archive may be given by its URL.
fn without_query(name: &str) -> &str {
    name.split_once('?').map_or(name, |(name, _)| name)
}

/// By what a file that changed is known.
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

pub(super) fn verify_options(options: &EntryOptions) -> VerifyOptions {
    VerifyOptions {
        limits: options.limits,
        threads: None,
        control: crate::progress::Control { progress: None, ..options.publish.control.clone() },
    }
}

pub(super) fn own_name() -> Error {
    Error::new(ErrorKind::InvalidValue, "an archive cannot be replaced under its own name in one step")
        .with_field("file_name")
        .with_help("leave the name out, or give another one")
}

/// The ends of the names of archives.
const ENDS: [&str; 2] = [".tar.gz", ".xz"];

/// Fail unless an archive of this kind may have this name.
pub(super) fn check_form(file_name: &str, kind: TemplateKind) -> Result<()> {
    let end = if kind == TemplateKind::KvmImage { ".xz" } else { ".tar.gz" };
    if file_name.ends_with(end) && file_name.len() > end.len() {
        return Ok(());
    }
    let name = Shown(&file_name);
    Err(Error::new(ErrorKind::InvalidValue, format!("the file name is `{name}`; expected one with {end}"))
        .with_field("file_name")
        .with_help("the platform tells by its name how to unpack an archive: give a file name"))
}

/// The name with the first digits of the SHA-256, in the place of those of an archive before.
pub(super) fn with_hash(file_name: &str, sha256: &str, digits: usize) -> String {
    let end = ENDS.into_iter().find(|end| file_name.ends_with(end)).unwrap_or_default();
    let stem = &file_name[..file_name.len() - end.len()];
    let is_hash =
        |digits: &&str| matches!(digits.len(), 8 | 16) && digits.bytes().all(|b| b.is_ascii_hexdigit());
    let stem = match stem.rsplit_once('-') {
        Some((stem, digits)) if is_hash(&digits) => stem,
        _ => stem,
    };
    format!("{stem}-{}{end}", sha256.get(..digits).unwrap_or(sha256))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digits_of_one_archive_make_room_for_those_of_the_next() {
        let first = with_hash("Windows-10.tar.gz", "0123456789abcdef", 8);
        assert_eq!(first, "Windows-10-01234567.tar.gz");
        assert_eq!(with_hash(&first, "fedcba9876543210", 8), "Windows-10-fedcba98.tar.gz");
        assert_eq!(with_hash("d-01234567.xz", "fedcba9876543210", 16), "d-fedcba9876543210.xz");
    }

    #[test]
    fn names_that_the_platform_would_unpack_in_another_way_are_refused() {
        assert!(check_form("a.tar.gz", TemplateKind::KvmTemplate).is_ok());
        assert!(check_form("a.xz", TemplateKind::KvmImage).is_ok());
        for (name, kind) in [
            ("a.tar.gz", TemplateKind::KvmImage),
            ("a.xz", TemplateKind::Lxd),
            ("a.tgz", TemplateKind::KvmTemplate),
            (".tar.gz", TemplateKind::KvmTemplate),
        ] {
            assert_eq!(check_form(name, kind).unwrap_err().kind(), ErrorKind::InvalidValue, "{name}");
        }
    }
}
