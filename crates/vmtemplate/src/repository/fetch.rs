//! Downloads an archive from a repository: resumes an interrupted download, and verifies it before it gets its name.

use std::fs::{self, File, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::contents::{Reading, look_at, sha256};
use super::description::{Description, read_description};
use super::entry::RepositoryEntry;
use super::signature::PublicKey;
use super::store::Store;
use super::sums::{self, Sums};
use super::{Repository, reason_against_archive};
use crate::access::Access;
use crate::archive::{UnpackLimits, open_source};
use crate::digest::hex;
use crate::error::{Error, ErrorKind, Result};
use crate::fail_points::fail_point;
use crate::output::{self, inode};
use crate::overwrite::Overwrite;
use crate::progress::Control;
use crate::shown::Shown;
use crate::source::ReadAt;
use crate::threads::Threads;

/// What the name of a file that is not whole yet ends with.
const SUFFIX: &str = ".vmtemplate-part";

/// How much is written before the next look at the clock and the caller.
const PIECE: usize = 1 << 20;

/// The options of a download.
///
/// ```
/// use vmtemplate::repository::FetchOptions;
///
/// let options = FetchOptions { overwrite: vmtemplate::output::Overwrite::Yes, ..FetchOptions::default() };
/// assert!(options.public_key.is_none());
/// ```
#[derive(Debug, Clone, Default)]
pub struct FetchOptions {
    /// The description and the checksums must be signed by this key.
    pub public_key: Option<PublicKey>,
    /// Replace an existing file with that name.
    pub overwrite: Overwrite,
    /// Limits for hostile archives.
    pub limits: UnpackLimits,
    /// Reports progress and cancels. Progress counts bytes of the archive.
    pub control: Control,
}

/// A downloaded archive.
///
/// ```no_run
/// # use vmtemplate::repository::FetchOptions;
/// # use vmtemplate::Repository;
/// let repository = Repository::open("https://repo.example/os/")?;
/// let fetched = repository.fetch("Windows-Server-2019", "templates/", &FetchOptions::default())?;
/// println!("{}: {} of {} bytes were there", fetched.path.display(), fetched.resumed_at, fetched.archive_bytes);
/// # Ok::<(), vmtemplate::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Fetched {
    /// The entry of the template in the description.
    pub entry: RepositoryEntry,
    /// The path of the downloaded archive.
    #[serde(serialize_with = "as_text")]
    pub path: PathBuf,
    /// The size of the archive.
    pub archive_bytes: u64,
    /// How many bytes of it were there already, from a fetch that was broken off or that was whole.
    pub resumed_at: u64,
    /// The SHA-256 of the archive, as 64 hexadecimal digits.
    pub sha256: String,
    /// Whether SHA256SUMS has this checksum. If it has none for the archive, the archive's own checksums are all that was
    /// compared.
    pub has_checksum: bool,
}

/// A path as text. Without this, a path that is not UTF-8 would make an error of a fetch that succeeded.
fn as_text<S: serde::Serializer>(path: &Path, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}

impl Repository {
    /// Copy the archive of the template `name` into `folder`, which may be new.
    ///
    /// A fetch that was broken off is taken up where it was. The archive gets its name when it is whole: when its
    /// checksum is that of SHA256SUMS, and its own checksums, headers and lengths are right.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) if the template or the archive does not exist;
    /// [`AlreadyExists`](ErrorKind::AlreadyExists) if another file of that name is in the folder;
    /// [`InvalidSignature`](ErrorKind::InvalidSignature) if a key was given and did not sign it;
    /// [`InvalidArchive`](ErrorKind::InvalidArchive) if the checksum is another or the archive is not sound;
    /// [`SourceChanged`](ErrorKind::SourceChanged) if it was replaced meanwhile; [`Network`](ErrorKind::Network),
    /// [`StorageFull`](ErrorKind::StorageFull), [`Cancelled`](ErrorKind::Cancelled), after which the next call goes on.
    ///
    /// ```
    /// # let dir = std::env::temp_dir().join(format!("vmt-doc-fetch-{}", std::process::id()));
    /// # use vmtemplate::repository::{PushOptions, RepositoryFormat};
    /// # use vmtemplate::{DiskImage, Template};
    /// use vmtemplate::repository::FetchOptions;
    /// use vmtemplate::Repository;
    ///
    /// # let repository = Repository::create(dir.join("repo"), RepositoryFormat::Vm6)?;
    /// # let template = Template::builder("Windows-10").image(DiskImage::from_bytes([7; 4096])).build()?;
    /// # repository.push(&template, &PushOptions::default())?;
    /// let fetched = repository.fetch("Windows-10", dir.join("here"), &FetchOptions::default())?;
    /// assert!(fetched.path.ends_with("Windows-10.tar.gz") && fetched.has_checksum);
    /// # std::fs::remove_dir_all(dir).unwrap();
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn fetch(&self, name: &str, folder: impl AsRef<Path>, options: &FetchOptions) -> Result<Fetched> {
        let folder = folder.as_ref();
        let bytes = read_description(&*self.store, self.format())?;
        let sums = self.store.get(sums::NAME, sums::MAX_BYTES)?.map(|(bytes, _)| bytes);
        if let Some(key) = &options.public_key {
            self.check_signature(self.format().file_name(), &bytes, key)?;
            self.check_signature(sums::NAME, sums.as_deref().unwrap_or_default(), key)?;
        }
        let description = Description::parse(self.format(), &bytes)
            .map_err(|error| error.with_path(self.description_path()))?;
        let (_, entry) = self.find(&description.entries(), name)?;
        if let Some(why) = reason_against_archive(&entry.file_name) {
            let message = format!("the file name `{}` {why}", Shown(&entry.file_name));
            return Err(Error::new(ErrorKind::InvalidRepository, message)
                .with_path(self.description_path())
                .with_help("`vmtemplate repo verify` reports every problem of the repository"));
        }
        let sums = Sums::parse(&sums.unwrap_or_default());
        let stated = sums.get(&entry.file_name).map(str::to_owned);
        if stated.is_none() && options.public_key.is_some() {
            let message =
                format!("{} has no checksum for {}, so no signature covers it", sums::NAME, entry.file_name);
            return Err(Error::new(ErrorKind::InvalidSignature, message)
                .with_path(self.store.path_of(sums::NAME))
                .with_help(
                    "ask the publisher to add the checksum: `vmtemplate repo sync FOLDER --sign KEY`",
                ));
        }
        fs::create_dir_all(folder).map_err(|e| Error::io("cannot create the folder", e).with_path(folder))?;
        let path = folder.join(&entry.file_name);
        if let Some(sha256) = is_there_already(&path, stated.as_deref(), options)? {
            let archive_bytes = open_source(&path)?.size();
            return Ok(Fetched {
                entry,
                path,
                archive_bytes,
                resumed_at: archive_bytes,
                sha256,
                has_checksum: true,
            });
        }
        // Where the file is that is replaced, if a link leads to it: beside that the new one is made.
        let place = output::place_of(&path)?;
        let shown = self.store.path_of(&entry.file_name);
        let source = match self.store.archive(&entry.file_name) {
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                Source::Whole(&*self.store, &entry.file_name)
            }
            source => Source::Parts(source?),
        };
        let key = stated.clone().unwrap_or_else(|| self.key_of(&entry, source.size()));
        let wanted = Wanted { source, shown: &shown, sha256: stated.as_deref() };
        let mut part = Part::open(&place, &key)?;
        let resumed_at = part.length.min(wanted.source.size());
        let mut sha256 = part.fill(&wanted, resumed_at, options);
        if let Err(error) = &sha256
            && error.kind() == ErrorKind::InvalidArchive
            && resumed_at > 0
        {
            // What was there may be what is wrong: a machine that lost its power may have kept a length without bytes. It
            // is removed by now.
            part = Part::open(&place, &key)?;
            sha256 = part.fill(&wanted, 0, options);
        }
        let sha256 = sha256.map_err(|error| error.with_path(&shown))?;
        let archive_bytes = part.length;
        part.commit(&place, options.overwrite)?;
        let has_checksum = wanted.sha256.is_some();
        Ok(Fetched { entry, path, archive_bytes, resumed_at, sha256, has_checksum })
    }

    /// The key of a partial download whose archive has no published checksum.
    fn key_of(&self, entry: &RepositoryEntry, size: u64) -> String {
        let modified = self.store.head(&entry.file_name).ok().flatten().map(|found| found.modified);
        let mut hash = Sha256::new();
        hash.update(format!("{}\n{}\n{size}\n{modified:?}", self.store.path().display(), entry.file_name));
        hex(hash)
    }
}

/// The checksum of a file that is the archive already. Another file of its name is an error, unless it may be
/// replaced.
fn is_there_already(path: &Path, stated: Option<&str>, options: &FetchOptions) -> Result<Option<String>> {
    if fs::symlink_metadata(path).is_err() {
        return Ok(None);
    }
    if let Some(stated) = stated
        && path.is_file()
        && sha256(&open_source(path)?, &options.control)? == stated
    {
        return Ok(Some(stated.to_owned()));
    }
    if options.overwrite == Overwrite::Yes {
        return Ok(None);
    }
    Err(Error::new(ErrorKind::AlreadyExists, "another file with this name already exists")
        .with_path(path)
        .with_help("remove it, or use --force (`overwrite`)"))
}

/// The archive that is to be fetched.
struct Wanted<'a> {
    source: Source<'a>,
    /// What errors call it.
    shown: &'a Path,
    /// The checksum that it must have, where one is stated.
    sha256: Option<&'a str>,
}

enum Source<'a> {
    Parts(Arc<dyn ReadAt>),
    /// The server gives files only whole.
    Whole(&'a dyn Store, &'a str),
}

impl Source<'_> {
    /// 0 where it is not known beforehand.
    fn size(&self) -> u64 {
        match self {
            Self::Parts(source) => source.size(),
            Self::Whole(..) => 0,
        }
    }
}

/// The file that grows until it is the archive. Other processes that download the same archive are locked out.
struct Part {
    file: File,
    path: PathBuf,
    length: u64,
}

impl Part {
    /// The part of what `key` stands for. Parts of what the archive was before are removed.
    fn open(target: &Path, key: &str) -> Result<Self> {
        let name = target.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let prefix = format!(".{name}.");
        let path = target.with_file_name(format!("{prefix}{}{SUFFIX}", key.get(..16).unwrap_or(key)));
        let fail = |error| Error::io("cannot write into the folder", error).with_path(&path);
        for other in fs::read_dir(output::folder_of(target)).map_err(fail)?.flatten() {
            let is_part = other.file_name().to_str().is_some_and(|name| {
                name.strip_prefix(&prefix)
                    .is_some_and(|rest| rest.len() == 16 + SUFFIX.len() && rest.ends_with(SUFFIX))
            });
            if is_part
                && other.path() != path
                && let Ok(file) = File::open(other.path())
                && file.try_lock().is_ok()
            {
                fs::remove_file(other.path()).ok();
            }
        }
        loop {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false);
            // Somebody else may have put a link there that leads to a file of ours.
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::custom_flags(
                &mut options,
                rustix::fs::OFlags::NOFOLLOW.bits().cast_signed(),
            );
            let file = options.open(&path).map_err(fail)?;
            if let Err(fs::TryLockError::WouldBlock) = file.try_lock() {
                return Err(Error::new(
                    ErrorKind::Locked,
                    "another process is downloading this archive into this folder",
                )
                .with_path(path)
                .with_help("wait until it has finished"));
            }
            // Between the opening and the locking it may have become the archive, or have been removed.
            let held = file.metadata().map_err(fail)?;
            if fs::symlink_metadata(&path).is_ok_and(|there| inode(&there) == inode(&held)) {
                fail_point!("fetch-part-opened");
                return Ok(Self { file, path, length: held.len() });
            }
        }
    }

    /// Bring what is missing from `at` on, and prove the whole. Gives its SHA-256. What proves to be something else is
    /// removed.
    fn fill(&mut self, wanted: &Wanted<'_>, at: u64, options: &FetchOptions) -> Result<String> {
        match &wanted.source {
            Source::Parts(source) => self.append(source, at, options)?,
            Source::Whole(store, name) => self.take_whole(*store, name, options)?,
        }
        fail_point!("fetch-part-filled");
        let control = Control { progress: None, ..options.control.clone() };
        let verify = Reading { limits: options.limits, threads: Threads::ALL, control };
        let contents = open_source(&self.path).and_then(|part| look_at(&part, wanted.shown, false, &verify));
        let proved = contents.and_then(|contents| {
            let found = contents.sha256.unwrap_or_default();
            match wanted.sha256.filter(|stated| *stated != found) {
                None => Ok(found),
                Some(stated) => Err(Error::new(
                    ErrorKind::InvalidArchive,
                    format!("the SHA-256 of the download is {found}; {} lists {stated}", sums::NAME),
                )
                .with_help("the download was removed; `vmtemplate repo verify` reports what is wrong")),
            }
        });
        proved.inspect_err(|error| {
            if error.kind() != ErrorKind::Cancelled {
                fs::remove_file(&self.path).ok();
            }
        })
    }

    /// From a server that gives no parts: a fetch that is broken off begins again.
    fn take_whole(&mut self, store: &dyn Store, name: &str, options: &FetchOptions) -> Result<()> {
        let Self { file, path, .. } = self;
        let fail = |error| Error::io("cannot write the archive", error).with_path(&*path);
        file.set_len(0).and_then(|()| file.seek(SeekFrom::Start(0))).map_err(fail)?;
        let mut done = 0;
        self.length = store.whole(name, &options.control, &mut |bytes, total| {
            file.write_all(bytes).map_err(fail)?;
            done += bytes.len() as u64;
            options.control.report(done, total)
        })?;
        self.file
            .sync_all()
            .map_err(|error| Error::io("cannot write the archive", error).with_path(&self.path))
    }

    fn append(&mut self, source: &Arc<dyn ReadAt>, mut at: u64, options: &FetchOptions) -> Result<()> {
        let total = source.size();
        let fail = |error| Error::io("cannot write the archive", error).with_path(&self.path);
        self.file.set_len(at).and_then(|()| self.file.seek(SeekFrom::Start(at))).map_err(fail)?;
        let mut buffer = vec![0; PIECE];
        options.control.report(at, total)?;
        while at < total {
            let count = (total - at).min(PIECE as u64) as usize;
            source.read_at(&mut buffer[..count], at)?;
            self.file.write_all(&buffer[..count]).map_err(fail)?;
            fail_point!("fetch-piece-written");
            at += count as u64;
            options.control.report(at, total)?;
        }
        self.length = total;
        self.file.sync_all().map_err(fail)
    }

    fn commit(self, target: &Path, overwrite: Overwrite) -> Result<()> {
        fail_point!("fetch-proved");
        if overwrite == Overwrite::Yes {
            if let Ok(replaced) = fs::metadata(target) {
                Access::Like(replaced).apply(&self.file).map_err(|error| {
                    Error::io("cannot set the mode of the archive", error).with_path(target)
                })?;
            }
            fs::rename(&self.path, target).map_err(|error| {
                Error::io("cannot rename the archive to its final name", error).with_path(target)
            })?;
        } else {
            output::rename_new(&self.path, target).map_err(|error| error.with_path(target))?;
        }
        fail_point!("fetch-named");
        output::sync_folder(output::folder_of(target));
        Ok(())
    }
}
