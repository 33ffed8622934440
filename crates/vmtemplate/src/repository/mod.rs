//! Repositories of templates: a folder of archives and the file that describes them.

mod change;
mod contents;
mod description;
mod entry;
mod fetch;
mod file_name;
mod format;
mod incoming;
mod json;
#[cfg(test)]
mod linear;
mod listing;
mod lock;
mod metadata_json;
mod metadata_xml;
mod more_keys;
mod options;
mod publish;
mod push;
#[cfg(unix)]
mod readers;
mod remote;
mod signature;
mod store;
mod style;
mod sums;
mod sync;
mod verify;
mod xz;

use std::fs;
use std::path::{Path, PathBuf};

pub use entry::{RepositoryEntry, TemplateKind};
pub use fetch::{FetchOptions, Fetched};
pub use format::RepositoryFormat;
pub use options::{EntryOptions, PublishOptions, RepositoryVerifyOptions, Synced};
pub use push::{PushOptions, Pushed};
pub use signature::{PublicKey, SigningKey};

use crate::access::Access;
use crate::error::{Error, ErrorKind, Result};
use crate::output::{self, OutputOptions};
use crate::remote::Expected;
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
/// # use vmtemplate::{DiskImage, PackOptions, Template};
/// # Template::builder("Windows-Server-2019").image(DiskImage::from_bytes(vec![7; 4096])).image_name("w.hddimage")
/// #     .tag("windows").build()?.pack(&archive, &PackOptions::default())?;
/// use vmtemplate::{EntryOptions, PublishOptions, Repository, RepositoryFormat, RepositoryVerifyOptions, Severity};
///
/// let repository = Repository::create(dir.join("repo"), RepositoryFormat::Vm6)?;
/// let entry = repository.add(&archive, &EntryOptions::default())?;
/// assert_eq!(entry.file_name, "Windows-Server-2019.tar.gz");
/// assert_eq!(entry.archive_size_mib, Some(1));
///
/// let report = repository.verify(&RepositoryVerifyOptions::default())?;
/// assert!(!report.has(Severity::Warning));
/// repository.remove("Windows-Server-2019", &PublishOptions::default())?;
/// assert!(repository.list()?.is_empty());
/// # std::fs::remove_dir_all(dir).unwrap();
/// # Ok::<(), vmtemplate::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    store: Store,
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
        let store = Store::of(folder.as_ref())?;
        for format in [RepositoryFormat::Vm6, RepositoryFormat::Vm5] {
            if store.is_there(format.file_name())? {
                return Ok(Self { store, format });
            }
        }
        Err(Error::new(ErrorKind::NotFound, "the folder contains neither metadata.json nor metadata.xml")
            .with_path(store.path())
            .with_help("create a repository there: `vmtemplate repo init FOLDER`"))
    }

    /// The same, where the form of the description is known.
    ///
    /// ```
    /// use vmtemplate::{Repository, RepositoryFormat};
    ///
    /// assert!(Repository::open_as("/no/such/folder", RepositoryFormat::Vm5).is_err());
    /// ```
    pub fn open_as(folder: impl AsRef<Path>, format: RepositoryFormat) -> Result<Self> {
        let store = Store::of(folder.as_ref())?;
        if store.is_there(format.file_name())? {
            return Ok(Self { store, format });
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
    /// use vmtemplate::{Repository, RepositoryFormat};
    ///
    /// let repository = Repository::create(&dir, RepositoryFormat::Vm5)?;
    /// assert!(repository.description_path().ends_with("metadata.xml"));
    /// assert!(Repository::create(&dir, RepositoryFormat::Vm5).is_err());
    /// # std::fs::remove_dir_all(dir).unwrap();
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn create(folder: impl AsRef<Path>, format: RepositoryFormat) -> Result<Self> {
        let store = Store::of(folder.as_ref())?;
        match &store {
            Store::Folder(folder) => {
                make_folder(folder)?;
                let path = folder.join(format.file_name());
                let options = OutputOptions::default().access(Access::Public);
                output::write_file(&path, format.empty().as_bytes(), &options)?;
            }
            Store::Remote(folder) => {
                let name = format.file_name();
                if !folder.put(name, format.empty().as_bytes(), Expected::Absent)? {
                    return Err(Error::new(
                        ErrorKind::AlreadyExists,
                        "the folder already contains a repository",
                    )
                    .with_path(store.path_of(name))
                    .with_help("open it, or choose another folder"));
                }
            }
        }
        Ok(Self { store, format })
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

    /// The users that may read a new file in the folder: those that may read the description.
    fn access(&self) -> Access {
        fs::metadata(self.description_path()).map_or(Access::Umask, Access::Like)
    }

    /// Whether the file is in the folder of the repository. A link there that leads elsewhere does; a link elsewhere
    /// that leads there does not.
    fn holds(&self, archive: &Path) -> bool {
        let Store::Folder(folder) = &self.store else { return false };
        let beside = output::folder_of(archive);
        let (Ok(beside), Ok(folder)) = (beside.canonicalize(), folder.canonicalize()) else { return false };
        beside == folder
    }
}

/// Make a folder, and those that it is in. What is new can be entered by everybody.
fn make_folder(folder: &Path) -> Result<()> {
    let missing: Vec<&Path> =
        folder.ancestors().take_while(|path| !path.as_os_str().is_empty() && !path.exists()).collect();
    fs::create_dir_all(folder)
        .map_err(|error| Error::io("cannot create the folder", error).with_path(folder))?;
    #[cfg(unix)]
    for path in missing {
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .map_err(|error| Error::io("cannot set the mode of the folder", error).with_path(path))?;
    }
    #[cfg(not(unix))]
    let _ = missing;
    Ok(())
}
