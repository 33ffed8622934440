//! Publishing a template while it is packed.

use std::io::Write;

use super::Repository;
use super::arrival::Arrival;
use super::contents::{Contents, HashingWriter};
use super::entry::{RepositoryEntry, TemplateKind};
use super::file_name::named_after;
use super::operations::Published;
use super::options::EntryOptions;
use crate::archive::{PackOptions, PackSummary};
use crate::error::{Error, ErrorKind, Result};
use crate::fail_points::fail_point;
use crate::template::Template;

/// How a template is packed and published.
///
/// ```
/// use vmtemplate::archive::PackOptions;
/// use vmtemplate::repository::{EntryOptions, PushOptions};
///
/// let pack = PackOptions { level: vmtemplate::archive::Level::SMALLEST, ..PackOptions::default() };
/// let options = PushOptions { pack, ..PushOptions::default() };
/// assert!(!options.replace);
/// ```
#[derive(Debug, Clone, Default)]
pub struct PushOptions {
    /// How it is packed. Its `control` watches and stops the work, and its `overwrite` says nothing here.
    pub pack: PackOptions,
    /// What the description says of it. Without a file name the archive is called after the template.
    pub entry: EntryOptions,
    /// Take the place of the template of the same name, if there is one.
    pub replace: bool,
}

/// What was packed and published.
///
/// ```no_run
/// # use vmtemplate::repository::PushOptions;
/// # use vmtemplate::{Repository, Template};
/// let template = Template::open("win2019/")?;
/// let pushed = Repository::open("s3://bucket/repo")?.push(&template, &PushOptions::default())?;
/// println!("{}  {}", pushed.sha256, pushed.entry.file_name);
/// # Ok::<(), vmtemplate::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Pushed {
    /// What the description says now.
    pub entry: RepositoryEntry,
    /// What packing did.
    pub pack: PackSummary,
    /// The SHA-256 of the archive, as 64 hexadecimal digits.
    pub sha256: String,
}

impl Repository {
    /// Pack a template straight into the repository, and describe it. To object storage the archive is sent while it is
    /// packed; no copy of it is made on this machine.
    ///
    /// # Errors
    ///
    /// Those of [`Template::pack`] and of [`add`](Self::add); [`Network`](ErrorKind::Network),
    /// [`PermissionDenied`](ErrorKind::PermissionDenied) and [`Unsupported`](ErrorKind::Unsupported), the last for
    /// servers that cannot be written to. After an error the repository is described as it was.
    ///
    /// ```
    /// # let dir = std::env::temp_dir().join(format!("vmt-doc-push-{}", std::process::id()));
    /// use vmtemplate::repository::{PushOptions, RepositoryFormat};
    /// use vmtemplate::{DiskImage, Repository, Template};
    ///
    /// let repository = Repository::create(&dir, RepositoryFormat::Vm6)?;
    /// let template = Template::builder("Windows-10").image(DiskImage::from_bytes([7; 4096])).build()?;
    /// let pushed = repository.push(&template, &PushOptions::default())?;
    /// assert_eq!(pushed.entry.file_name, "Windows-10.tar.gz");
    /// # std::fs::remove_dir_all(dir).unwrap();
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn push(&self, template: &Template, options: &PushOptions) -> Result<Pushed> {
        let entry_options = &options.entry;
        options.pack.validate()?;
        entry_options.validate()?;
        let name = name_of(template, entry_options)?;
        let file_name = match &entry_options.file_name {
            Some(file_name) => file_name.clone(),
            None => named_after(&name, TemplateKind::KvmTemplate)?,
        };
        let is_there = options.replace && self.described()?.iter().any(|entry| entry.name == name);
        let summary = PackSummary::default();
        let mut packing = Packing { template, options: &options.pack, file_name, summary };
        let replaces = is_there.then_some(&*name);
        let Published { entry, sha256 } = self.publish(&mut packing, replaces, entry_options)?;
        Ok(Pushed { entry, pack: packing.summary, sha256 })
    }
}

/// A template that is packed into the repository.
struct Packing<'a> {
    template: &'a Template,
    options: &'a PackOptions,
    file_name: String,
    /// What packing did, once it is done.
    summary: PackSummary,
}

impl Arrival for Packing<'_> {
    fn file_name(&self) -> &str {
        &self.file_name
    }

    fn most_bytes(&self) -> u64 {
        self.template.files().iter().map(|file| file.size).sum()
    }

    fn look(&self) -> Result<Contents> {
        Ok(Contents::of_template(self.template))
    }

    fn prove(&mut self) -> Result<Contents> {
        self.look()
    }

    fn write(&mut self, to: &mut dyn Write) -> Result<Contents> {
        let mut hashing = HashingWriter::new(to);
        self.summary = self.template.pack_to(&mut hashing, self.options)?;
        let sha256 = Some(hashing.sha256());
        fail_point!("archive-packed");
        let archive_bytes = self.summary.archive_bytes;
        Ok(Contents { archive_bytes, sha256, ..Contents::of_template(self.template) })
    }
}

fn name_of(template: &Template, options: &EntryOptions) -> Result<String> {
    let own = || template.metainfo().os_name().map(std::borrow::Cow::into_owned);
    options.name.clone().or_else(own).filter(|name| !name.trim().is_empty()).ok_or_else(|| {
        Error::new(ErrorKind::InvalidValue, "the template has no name")
            .with_field("name")
            .with_help("give it with --name (`name`)")
    })
}
