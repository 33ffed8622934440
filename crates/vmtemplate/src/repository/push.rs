//! Publishing a template while it is packed.

use super::Repository;
use super::contents::Contents;
use super::entry::{RepositoryEntry, TemplateKind};
use super::file_name::{end_of, named_after};
use super::options::EntryOptions;
use super::publish::Staged;
use super::remote::Sending;
use super::store::Store;
use crate::archive::{PackOptions, PackSummary};
use crate::error::{Error, ErrorKind, Result};
use crate::template::Template;

/// How a template is packed and published.
///
/// ```
/// use vmtemplate::{EntryOptions, PackOptions, PushOptions};
///
/// let pack = PackOptions { level: vmtemplate::Level::SMALLEST, ..PackOptions::default() };
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
/// # use vmtemplate::{PushOptions, Repository, Template};
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
    /// use vmtemplate::{DiskImage, PushOptions, Repository, RepositoryFormat, Template};
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
        let file_name =
            named_after(&name, end_of(TemplateKind::KvmTemplate), entry_options.file_name.as_deref())?;
        let first = Contents::of_template(template, 0, "");
        let replaces = options.replace && self.described()?.iter().any(|entry| entry.name == name);
        if let Store::Remote(folder) = &self.store {
            let most = template.files().iter().map(|file| file.size).sum();
            let replaces = replaces.then_some(name.as_str());
            let sending = Sending { first: &first, file_name: &file_name, replaces, most };
            let mut summary = None;
            let (entry, sha256) = self.send(folder, &sending, entry_options, |upload| {
                let packed = template.pack_to(upload, &options.pack)?;
                let contents = Contents::of_template(template, packed.archive_bytes, "");
                summary = Some(packed);
                Ok(contents)
            })?;
            return Ok(Pushed { entry, pack: summary.unwrap_or_default(), sha256 });
        }
        let (staged, pack) = if replaces {
            let staging = self.check_newer(&name, &first, &file_name, false, entry_options)?;
            Staged::packed(self, template, staging.as_deref().unwrap_or(&file_name), &options.pack)?
        } else {
            self.check_new(&first, &file_name, entry_options)?;
            Staged::packed(self, template, &file_name, &options.pack)?
        };
        let sha256 = staged.sha256.clone();
        let entry = if replaces {
            self.replace_staged(&name, staged, &file_name, entry_options)?
        } else {
            self.add_staged(staged, entry_options)?
        };
        Ok(Pushed { entry, pack, sha256 })
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
