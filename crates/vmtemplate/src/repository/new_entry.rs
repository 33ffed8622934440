//! What the description will say of an archive, and whether that fits beside what it says of the others.

use super::arrival::no_name;
use super::contents::{self, Contents};
use super::entry::{RepositoryEntry, TemplateKind};
use super::file_name::check_file_name;
use super::format::RepositoryFormat;
use super::options::{EntryOptions, check_text};
use super::{Repository, more_keys, reason_against_archive};
use crate::civil;
use crate::error::{Error, ErrorKind, Result};
use crate::metainfo::{Metainfo, Tags};
use crate::shown::Shown;

pub(super) const MIB: u64 = 1 << 20;

impl Repository {
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
        let found = self.store.head(file_name)?.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "the archive does not exist")
                .with_path(self.store.path_of(file_name))
        })?;
        Ok(civil::utc(found.modified))
    }

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
