//! Repositories of templates: a folder of archives and the file that describes them, locally or on a server.
//!
//! A [`Repository`] is opened at a path or a URL. Templates are added, replaced, removed, pushed and fetched; what a reader
//! sees is always a complete description. [`RepositoryCheckOptions`] control what [`Repository::check`] looks at, and
//! [`SigningKey`] and [`PublicKey`] are the minisign keys that sign and check it.

mod arrival;
mod check;
mod contents;
mod description;
mod entry;
mod fetch;
mod file_name;
mod format;
mod json;
#[cfg(test)]
mod linear;
mod listing;
mod metadata_json;
mod metadata_xml;
mod more_keys;
mod new_entry;
mod operations;
mod options;
mod push;
#[cfg(unix)]
mod readers;
mod signature;
mod store;
mod style;
mod sums;
mod sync;
mod transaction;
mod xz;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use entry::{RepositoryEntry, TemplateKind};
pub use fetch::{FetchOptions, Fetched};
pub use format::RepositoryFormat;
pub use options::{EntryOptions, PublishOptions, RepositoryCheckOptions, Synced};
pub use push::{PushOptions, Pushed};
pub use signature::{PublicKey, SigningKey};

use crate::error::{Error, ErrorKind, Result};
use file_name::reason_against_archive;
use store::Store;

/// A folder of archives with the file that describes them to the platform: metadata.json, or metadata.xml for
/// VMmanager 5.
///
/// The description is edited and not rewritten: keys that are not known, formatting and order are preserved. HTTP
/// readers only ever see complete archives. Publishers wait for each other,
/// and one that is killed leaves a consistent repository; the next publisher cleans up.
///
/// ```
/// # let dir = std::env::temp_dir().join(format!("vmt-doc-repository-{}", std::process::id()));
/// # std::fs::create_dir_all(&dir).unwrap();
/// # let archive = dir.join("Windows-Server-2019.tar.gz");
/// # use vmtemplate::archive::PackOptions;
/// # use vmtemplate::{DiskImage, Template};
/// # Template::builder("Windows-Server-2019").image(DiskImage::from_bytes(vec![7; 4096])).image_name("w.hddimage")
/// #     .tag("windows").build()?.pack(&archive, &PackOptions::default())?;
/// use vmtemplate::report::Severity;
/// use vmtemplate::repository::{EntryOptions, PublishOptions, RepositoryCheckOptions, RepositoryFormat};
/// use vmtemplate::Repository;
///
/// let repository = Repository::create(dir.join("repo"), RepositoryFormat::Vm6)?;
/// let entry = repository.add(&archive, &EntryOptions::default())?;
/// assert_eq!(entry.file_name, "Windows-Server-2019.tar.gz");
/// assert_eq!(entry.archive_size_mib, Some(1));
///
/// let report = repository.check(&RepositoryCheckOptions::default())?;
/// assert!(!report.has(Severity::Warning));
/// repository.remove("Windows-Server-2019", &PublishOptions::default())?;
/// assert!(repository.list()?.is_empty());
/// # std::fs::remove_dir_all(dir).unwrap();
/// # Ok::<(), vmtemplate::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Repository {
    store: Arc<dyn Store>,
    format: RepositoryFormat,
}

impl Repository {
    /// Open the repository in `folder`. If it is described for both generations of the platform, VMmanager 6 counts.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) when the description does not exist.
    ///
    /// ```
    /// use vmtemplate::{ErrorKind, Repository};
    ///
    /// assert_eq!(Repository::open("/no/such/folder").unwrap_err().kind(), ErrorKind::NotFound);
    /// ```
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        let store = store::open(folder.as_ref())?;
        for format in [RepositoryFormat::Vm6, RepositoryFormat::Vm5] {
            if store.exists(format.file_name())? {
                return Ok(Self::of(&*store, format));
            }
        }
        Err(Error::new(ErrorKind::NotFound, "the folder contains neither metadata.json nor metadata.xml")
            .with_path(store.path())
            .with_help("create a repository there: `vmtemplate repo init FOLDER`"))
    }

    /// The same, where the form of the description is known.
    ///
    /// ```
    /// use vmtemplate::repository::RepositoryFormat;
    /// use vmtemplate::Repository;
    ///
    /// assert!(Repository::open_as("/no/such/folder", RepositoryFormat::Vm5).is_err());
    /// ```
    pub fn open_as(folder: impl AsRef<Path>, format: RepositoryFormat) -> Result<Self> {
        let store = store::open(folder.as_ref())?;
        if store.exists(format.file_name())? {
            return Ok(Self::of(&*store, format));
        }
        Err(Error::new(ErrorKind::NotFound, format!("the folder contains no {}", format.file_name()))
            .with_path(store.path())
            .with_help(format!("create one: `vmtemplate repo init FOLDER --format {format}`")))
    }

    /// Begin a repository in `folder`, which may be new.
    ///
    /// A repository is made to be served, most often by a server that runs as another user: whatever the umask, everybody
    /// may read the description (0644) and enter a folder that is new (0755). All files that are published later take mode
    /// and owner of the description, so that `chmod 640 metadata.json` closes it to others.
    ///
    /// # Errors
    ///
    /// [`AlreadyExists`](ErrorKind::AlreadyExists) if there is a description of this form.
    ///
    /// ```
    /// # let dir = std::env::temp_dir().join(format!("vmt-doc-create-{}", std::process::id()));
    /// use vmtemplate::repository::RepositoryFormat;
    /// use vmtemplate::Repository;
    ///
    /// let repository = Repository::create(&dir, RepositoryFormat::Vm5)?;
    /// assert!(repository.description_path().ends_with("metadata.xml"));
    /// assert!(Repository::create(&dir, RepositoryFormat::Vm5).is_err());
    /// # std::fs::remove_dir_all(dir).unwrap();
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn create(folder: impl AsRef<Path>, format: RepositoryFormat) -> Result<Self> {
        let store = store::open(folder.as_ref())?;
        store.create(format.file_name(), format.empty().as_bytes())?;
        Ok(Self::of(&*store, format))
    }

    fn of(store: &dyn Store, format: RepositoryFormat) -> Self {
        Self { store: store.like(format.file_name()), format }
    }

    /// The folder, or its URL without credentials.
    ///
    /// ```no_run
    /// # let repository = vmtemplate::Repository::open("/srv/repo")?;
    /// assert_eq!(repository.folder(), "/srv/repo".as_ref() as &std::path::Path);
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn folder(&self) -> &Path {
        self.store.path()
    }

    /// The form of the description.
    ///
    /// ```no_run
    /// # let repository = vmtemplate::Repository::open("/srv/repo")?;
    /// println!("for {}", repository.format());
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn format(&self) -> RepositoryFormat {
        self.format
    }

    /// The path of the description.
    ///
    /// ```no_run
    /// # let repository = vmtemplate::Repository::open("/srv/repo")?;
    /// println!("{}", repository.description_path().display());
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn description_path(&self) -> PathBuf {
        self.store.path_of(self.format.file_name())
    }
}

/// Repositories are equal if they are in the same place and have the same form.
impl PartialEq for Repository {
    fn eq(&self, other: &Self) -> bool {
        self.folder() == other.folder() && self.format == other.format
    }
}

impl Eq for Repository {}
