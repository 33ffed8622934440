//! A repository in a local folder: one publisher at a time, and files that are renamed to their places.

use std::fs::{self, Metadata};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::lock::PublishLock;
use super::{Found, Precondition, Session, Staged, Store, Version};
use crate::access::Access;
use crate::archive::open_source;
use crate::error::{Error, ErrorKind, Result};
use crate::fail_points::fail_point;
use crate::file::read_bounded;
use crate::leftovers;
use crate::output::{self, OutputFile, OutputOptions, inode, probe_output, sync_folder};
use crate::overwrite::Overwrite;
use crate::progress::Control;
use crate::repository::signature::final_name;
use crate::source::ReadAt;

#[derive(Debug, Clone)]
pub(super) struct FolderStore {
    path: PathBuf,
    /// The file whose mode and owner new files take.
    model: Option<&'static str>,
}

impl FolderStore {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, model: None }
    }

    /// The access to a new file. A signature that will replace another has the access of that one.
    fn access_to(&self, name: &str) -> Access {
        let replaced = final_name(name).and_then(|name| fs::metadata(self.path_of(&name)).ok());
        replaced.map_or_else(|| self.access(), Access::Like)
    }

    fn access(&self) -> Access {
        let model = self.model.and_then(|model| fs::metadata(self.path_of(model)).ok());
        model.map_or(Access::Umask, Access::Like)
    }

    fn version(&self, name: &str) -> Option<Version> {
        fs::metadata(self.path_of(name)).ok().map(|found| version_of(&found))
    }

    /// The lock keeps other publishers out, but not a person who edits the file: that is noticed here.
    fn fulfils(&self, name: &str, precondition: Precondition<'_>) -> bool {
        match precondition {
            Precondition::None => true,
            Precondition::Absent => self.version(name).is_none(),
            Precondition::Is(version) => self.version(name).as_ref() == Some(version),
        }
    }
}

/// Without the inode: some network file systems give a file another number each time.
fn version_of(found: &Metadata) -> Version {
    Version { etag: Some(format!("{}-{:?}", found.len(), found.modified().ok())), version: None }
}

fn found(found: &Metadata) -> Found {
    Found {
        size: found.len(),
        modified: found.modified().unwrap_or(SystemTime::UNIX_EPOCH),
        version: version_of(found),
        inode: inode(found),
    }
}

impl Store for FolderStore {
    fn path(&self) -> &Path {
        &self.path
    }

    fn like(&self, model: &'static str) -> Arc<dyn Store> {
        Arc::new(Self { path: self.path.clone(), model: Some(model) })
    }

    fn create(&self, name: &str, bytes: &[u8]) -> Result<()> {
        make_folder(&self.path)?;
        let options = OutputOptions::default().access(Access::Public);
        output::write_file(&self.path_of(name), bytes, &options)
    }

    fn get(&self, name: &str, max: usize) -> Result<Option<(Vec<u8>, Version)>> {
        let path = self.path_of(name);
        // Looked at beforehand: what is changed between the two is noticed when it is replaced.
        let version = self.version(name).unwrap_or_default();
        match read_bounded(&path, max) {
            Ok(Some(bytes)) => Ok(Some((bytes, version))),
            Ok(None) => {
                let message = format!("the file has more than {max} bytes");
                Err(Error::new(ErrorKind::LimitExceeded, message).with_path(path))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("cannot read the file", error).with_path(path)),
        }
    }

    fn put(&self, name: &str, bytes: &[u8], precondition: Precondition<'_>) -> Result<Option<Version>> {
        if !self.fulfils(name, precondition) {
            return Ok(None);
        }
        let options = OutputOptions::with_overwrite(Overwrite::Yes).access(self.access_to(name));
        output::write_file(&self.path_of(name), bytes, &options)?;
        Ok(Some(self.version(name).unwrap_or_default()))
    }

    /// Of a link, the link goes; what it leads to is not the repository's.
    fn delete(&self, name: &str) -> Result<()> {
        let path = self.path_of(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Error::io("cannot remove the archive", error).with_path(path))
            }
            _ => Ok(()),
        }
    }

    fn list(&self) -> Result<Option<Vec<String>>> {
        let entries = fs::read_dir(&self.path)
            .map_err(|error| Error::io("cannot list the folder", error).with_path(&self.path))?;
        let mut names: Vec<_> =
            entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        Ok(Some(names))
    }

    fn begin(&self, timeout: Duration, control: &Control) -> Result<Box<dyn Session>> {
        let lock = PublishLock::acquire(&self.path, &self.access(), timeout, control)?;
        leftovers::remove_files(&self.path);
        Ok(Box::new(FolderSession { folder: self.path.clone(), lock }))
    }

    /// The archive gets its name at the end, when nobody else publishes.
    fn stage(&self, names: &[String], _most: u64, _control: &Control) -> Result<Box<dyn Staged>> {
        let name = names.first().cloned().unwrap_or_default();
        let options = OutputOptions::default().access(self.access());
        let output = OutputFile::create_unnamed(&self.path_of(&name), &options)?;
        Ok(Box::new(FolderStaged { folder: self.path.clone(), output: Some(output), name }))
    }

    fn rename(
        &self,
        from: &str,
        to: &str,
        _bytes: &[u8],
        precondition: Precondition<'_>,
    ) -> Result<Option<Version>> {
        if !self.fulfils(to, precondition) {
            return Ok(None);
        }
        let path = self.path_of(to);
        fs::rename(self.path_of(from), &path).map_err(|error| {
            Error::io("cannot rename the signature to its final name", error).with_path(path)
        })?;
        fail_point!("signature-named");
        Ok(Some(self.version(to).unwrap_or_default()))
    }

    fn exists(&self, name: &str) -> Result<bool> {
        Ok(is_there(&self.path_of(name)))
    }

    fn head(&self, name: &str) -> Result<Option<Found>> {
        Ok(fs::metadata(self.path_of(name)).ok().as_ref().map(found))
    }

    fn known(&self, name: &str) -> Option<Found> {
        fs::metadata(self.path_of(name)).ok().filter(Metadata::is_file).as_ref().map(found)
    }

    fn archive(&self, name: &str) -> Result<Arc<dyn ReadAt>> {
        open_source(&self.path_of(name))
    }

    fn holds(&self, path: &Path) -> bool {
        let beside = output::folder_of(path);
        let (Ok(beside), Ok(folder)) = (beside.canonicalize(), self.path.canonicalize()) else {
            return false;
        };
        beside == folder
    }

    /// What a link leads to is not the repository's.
    fn adopt(&self, name: &str) -> Result<()> {
        let path = self.path_of(name);
        if !fs::symlink_metadata(&path).is_ok_and(|found| found.is_file()) {
            return Ok(());
        }
        let access = self.access();
        let done = fs::File::open(&path).and_then(|file| access.apply_to_other(&file));
        done.map_err(|error| {
            Error::io("cannot set the mode of the archive to that of the description", error)
                .with_path(path)
                .with_help("ask its owner to run: `chmod --reference=DESCRIPTION ARCHIVE`")
        })
    }

    #[cfg(unix)]
    fn attributes(&self, name: &str) -> Option<Metadata> {
        fs::metadata(self.path_of(name)).ok()
    }

    fn probe(&self, name: &str) -> Result<()> {
        probe_output(self.path_of(name), Overwrite::No)
    }

    /// Not a link, nor one of several names of the same file.
    fn frees_room(&self, name: &str) -> bool {
        let Ok(found) = fs::symlink_metadata(self.path_of(name)) else { return false };
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            found.is_file() && found.nlink() == 1 && found.blocks() > 0
        }
        #[cfg(not(unix))]
        {
            found.is_file() && found.len() > 0
        }
    }
}

/// The only publisher, as long as it holds the lock. Its notes are in the lock file.
struct FolderSession {
    folder: PathBuf,
    lock: PublishLock,
}

impl Session for FolderSession {
    fn intend_to_add(&mut self, file_name: &str, inode: u64) -> Result<()> {
        self.lock.intend(file_name, inode)
    }

    fn intend_to_remove(&mut self, file_name: &str) -> Result<bool> {
        match fs::symlink_metadata(self.folder.join(file_name)) {
            Ok(found) if found.is_file() || found.is_symlink() => {
                self.lock.intend_to_remove(file_name, inode(&found)).map(|()| true)
            }
            _ => Ok(false),
        }
    }

    fn intended(&self) -> Vec<String> {
        let same = self.lock.intents().iter().filter(|intent| {
            let found = fs::symlink_metadata(self.folder.join(&intent.file_name));
            found.is_ok_and(|found| inode(&found) == intent.inode)
        });
        same.map(|intent| intent.file_name.clone()).collect()
    }

    fn settled(&mut self) -> Result<()> {
        if self.lock.intents().is_empty() {
            return Ok(());
        }
        sync_folder(&self.folder);
        self.lock.settled()
    }

    fn help(&self) -> &'static str {
        "the description has been changed; the next publisher cleans up"
    }

    fn release(self: Box<Self>) -> Result<()> {
        self.lock.release()
    }
}

/// A temporary file beside the archives.
struct FolderStaged {
    folder: PathBuf,
    /// `None` after it was placed.
    output: Option<OutputFile>,
    name: String,
}

impl Staged for FolderStaged {
    /// It is brought to the disk when it is placed.
    fn finish(&mut self) -> Result<()> {
        Ok(())
    }

    fn choose(&mut self, names: &[String]) -> String {
        if let Some(output) = &mut self.output {
            let is_free = |name: &&String| !is_there(&self.folder.join(name));
            if let Some(name) = names.iter().find(is_free).or(names.first()) {
                output.retarget(&self.folder.join(name));
                self.name.clone_from(name);
            }
        }
        self.name.clone()
    }

    fn place(&mut self, session: &mut dyn Session) -> Result<()> {
        let Some(output) = self.output.take() else { return Ok(()) };
        let found = fs::metadata(output.temporary_path())
            .map_err(|error| Error::io("cannot examine the copied archive", error))?;
        session.intend_to_add(&self.name, inode(&found))?;
        output.commit()
    }
}

impl Write for FolderStaged {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match &mut self.output {
            Some(output) => output.file().write(buf),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.as_mut().map_or(Ok(()), |output| output.file().flush())
    }
}

/// Whether a file exists, a dangling link included.
fn is_there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_only_over_the_version_that_was_read() {
        let folder = tempfile::tempdir().unwrap();
        let store = FolderStore::new(folder.path().to_owned());
        assert!(store.put("a", b"1", Precondition::Absent).unwrap().is_some());
        assert!(store.put("a", b"22", Precondition::Absent).unwrap().is_none());
        let (bytes, read) = store.get("a", 100).unwrap().unwrap();
        assert_eq!(bytes, b"1");
        let written = store.put("a", b"333", Precondition::Is(&read)).unwrap().unwrap();
        assert!(store.put("a", b"4444", Precondition::Is(&read)).unwrap().is_none());
        assert!(store.rename("b", "a", b"", Precondition::Is(&read)).unwrap().is_none());
        assert!(store.put("a", b"55555", Precondition::Is(&written)).unwrap().is_some());
        store.delete("a").unwrap();
        store.delete("a").unwrap();
        assert!(store.put("a", b"666666", Precondition::Is(&written)).unwrap().is_none());
        assert!(store.get("a", 100).unwrap().is_none());
    }

    #[test]
    fn an_archive_gets_the_first_free_name_and_leaves_no_trace_without_one() {
        let folder = tempfile::tempdir().unwrap();
        let store = FolderStore::new(folder.path().to_owned());
        fs::write(folder.path().join("a"), "taken").unwrap();
        let control = Control::default();
        let mut session = store.begin(Duration::ZERO, &control).unwrap();
        let names = ["a", "b"].map(String::from);
        let mut kept = store.stage(&names, 1, &control).unwrap();
        let dropped = store.stage(&names, 1, &control).unwrap();
        kept.write_all(b"1").unwrap();
        assert_eq!(kept.choose(&names), "b");
        kept.place(&mut *session).unwrap();
        assert_eq!(kept.choose(&names), "b", "it keeps its name");
        assert_eq!(session.intended(), ["b"]);
        drop((kept, dropped));
        session.settled().unwrap();
        session.release().unwrap();
        assert_eq!(store.list().unwrap().unwrap(), [".vmtemplate-lock", "a", "b"]);
    }
}
