//! Files that appear whole or not at all.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempDir};

use crate::error::{Error, ErrorKind, Result};

/// What temporary files of this crate end with, so that a leftover of a killed run is recognisable.
const TEMPORARY_SUFFIX: &str = ".vmtemplate-tmp";

/// A file that is written beside its place and moved there when it is complete.
///
/// Dropped without [`OutputFile::commit`], it leaves no trace.
#[derive(Debug)]
pub(crate) struct OutputFile {
    temporary: NamedTempFile,
    path: PathBuf,
    overwrite: bool,
}

impl OutputFile {
    /// Begin a file that will stand at `path`. What stands there now is untouched until the commit.
    pub(crate) fn create(path: &Path, overwrite: bool) -> Result<Self> {
        Self::create_inner(path, overwrite).map_err(|error| error.with_path(path))
    }

    fn create_inner(path: &Path, overwrite: bool) -> Result<Self> {
        let Some(name) = path.file_name() else {
            return Err(Error::new(ErrorKind::InvalidValue, "the output needs a file name"));
        };
        match fs::symlink_metadata(path) {
            Ok(found) if found.is_dir() => {
                return Err(Error::new(
                    ErrorKind::AlreadyExists,
                    "the output is a folder; a file was expected",
                )
                .with_help("give the path of a file inside that folder"));
            }
            // Told now and not after an hour of packing.
            Ok(_) if !overwrite => return Err(already_exists()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(Error::io("cannot look at the output", error)),
        }
        let prefix = temporary_prefix(name);
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix).suffix(TEMPORARY_SUFFIX);
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666)); // less the umask, as for any new file
        let temporary = builder
            .tempfile_in(folder_of(path))
            .map_err(|e| Error::io("cannot create a file beside the output", e))?;
        Ok(Self { temporary, path: path.to_owned(), overwrite })
    }

    /// The open file to write to.
    pub(crate) fn file(&mut self) -> &mut File {
        self.temporary.as_file_mut()
    }

    /// Bring everything to the disk, then give the file its name in one step.
    pub(crate) fn commit(self) -> Result<()> {
        let Self { temporary, path, overwrite } = self;
        let done = || -> Result<()> {
            temporary
                .as_file()
                .sync_all()
                .map_err(|e| Error::io("cannot write the output to the disk", e))?;
            if overwrite {
                temporary
                    .persist(&path)
                    .map_err(|e| Error::io("cannot move the output to its place", e.error))?;
            } else {
                temporary.persist_noclobber(&path).map_err(|e| match e.error.kind() {
                    io::ErrorKind::AlreadyExists => already_exists(),
                    _ => Error::io("cannot move the output to its place", e.error),
                })?;
            }
            sync_folder(folder_of(&path));
            Ok(())
        };
        done().map_err(|error| error.with_path(&path))
    }
}

fn already_exists() -> Error {
    Error::new(ErrorKind::AlreadyExists, "the output is there already")
        .with_help("choose another name, remove it, or ask for overwriting")
}

/// The folder that `path` stands in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Make a rename in `folder` survive a power cut.
fn sync_folder(folder: &Path) {
    // Windows opens no folders, and some network file systems refuse to sync one; the rename itself is done.
    if let Ok(folder) = File::open(folder) {
        folder.sync_all().ok();
    }
}

/// A folder of files that appears whole or not at all.
///
/// A folder that is not there yet is made beside its place and renamed. In one that is there (a mounted disk, say) the
/// files are made in a folder inside it, so that they are on the right disk, and then moved up one by one: the one
/// named last at the very end, as the sign that all are there.
#[derive(Debug)]
pub(crate) struct OutputFolder {
    staging: TempDir,
    path: PathBuf,
    exists: bool,
}

impl OutputFolder {
    pub(crate) fn create(path: &Path) -> Result<Self> {
        Self::create_inner(path).map_err(|error| error.with_path(path))
    }

    fn create_inner(path: &Path) -> Result<Self> {
        let exists = match fs::metadata(path) {
            Ok(found) if found.is_dir() => true,
            Ok(_) => {
                return Err(Error::new(ErrorKind::AlreadyExists, "this is a file; a folder was expected")
                    .with_help("give the path of a folder, which may be new"));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(Error::io("cannot look at the folder", error)),
        };
        let (parent, prefix) = match path.file_name() {
            Some(name) if !exists => (folder_of(path), temporary_prefix(name)),
            _ => (path, ".".into()),
        };
        let staging = tempfile::Builder::new()
            .prefix(&prefix)
            .suffix(TEMPORARY_SUFFIX)
            .tempdir_in(parent)
            .map_err(|e| Error::io("cannot create the folder", e))?;
        Ok(Self { staging, path: path.to_owned(), exists })
    }

    /// Where a file is made until the commit.
    pub(crate) fn staged(&self, name: &str) -> PathBuf {
        self.staging.path().join(name)
    }

    /// Fail if `name` is in the folder already.
    pub(crate) fn refuse_existing(&self, name: &str) -> Result<()> {
        let path = self.path.join(name);
        if self.exists && fs::symlink_metadata(&path).is_ok() {
            return Err(already_exists().with_path(path));
        }
        Ok(())
    }

    /// Give everything its place. The files must have been synced. `last` is moved after all others.
    pub(crate) fn commit(self, last: &str) -> Result<()> {
        let Self { staging, path, exists } = self;
        if !exists {
            rename_new(staging.path(), &path).map_err(|error| error.with_path(&path))?;
            // It is no temporary folder any more.
            let _ = staging.keep();
            sync_folder(folder_of(&path));
            return Ok(());
        }
        let mut names: Vec<_> = fs::read_dir(staging.path())
            .and_then(|entries| entries.map(|entry| entry.map(|e| e.file_name())).collect())
            .map_err(|e| Error::io("cannot list what was made", e).with_path(staging.path()))?;
        names.sort_by_key(|name| (name == last, name.clone()));
        for (done, name) in names.iter().enumerate() {
            let target = path.join(name);
            if let Err(error) = rename_new(&staging.path().join(name), &target) {
                for name in &names[..done] {
                    // Back into the folder that is about to be removed.
                    fs::rename(path.join(name), staging.path().join(name)).ok();
                }
                return Err(error.with_path(target));
            }
        }
        sync_folder(&path);
        Ok(())
    }
}

/// Rename, but never over something that is there.
fn rename_new(from: &Path, to: &Path) -> Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        use rustix::io::Errno;
        match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            Ok(()) => return Ok(()),
            Err(Errno::EXIST) => return Err(already_exists()),
            // An old kernel, or a file system that does not know the flag.
            Err(Errno::INVAL | Errno::NOSYS) => {}
            Err(error) => return Err(Error::io("cannot move the output to its place", error.into())),
        }
    }
    if fs::symlink_metadata(to).is_ok() {
        return Err(already_exists());
    }
    fs::rename(from, to).map_err(|e| Error::io("cannot move the output to its place", e))
}

/// What the temporary name of `name` begins with: hidden, and telling whose it is.
fn temporary_prefix(name: &OsStr) -> OsString {
    let mut prefix = OsString::from(".");
    // A name may have 255 bytes on the usual file systems, and the temporary one is longer.
    if name.len() <= 200 {
        prefix.push(name);
        prefix.push(".");
    }
    prefix
}

/// Write a whole small file in one step.
pub(crate) fn write_file(path: &Path, bytes: &[u8], overwrite: bool) -> Result<()> {
    let mut output = OutputFile::create(path, overwrite)?;
    io::Write::write_all(output.file(), bytes)
        .map_err(|e| Error::io("cannot write the output", e).with_path(path))?;
    output.commit()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_dropped_output_leaves_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        fs::write(&path, "old").unwrap();
        let mut output = OutputFile::create(&path, true).unwrap();
        output.file().write_all(b"new").unwrap();
        drop(output);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["a.txt"]);
    }

    #[test]
    fn a_committed_output_replaces_only_when_asked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        write_file(&path, b"one", false).unwrap();
        assert_eq!(write_file(&path, b"two", false).unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"one");
        write_file(&path, b"two", true).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(names(folder.path()), ["a.txt"]);
    }

    #[test]
    fn an_output_that_appears_meanwhile_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        let output = OutputFile::create(&path, false).unwrap();
        fs::write(&path, "from somebody else").unwrap();
        assert_eq!(output.commit().unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"from somebody else");
        assert_eq!(names(folder.path()), ["a.txt"]);
    }

    #[test]
    fn a_folder_or_a_missing_folder_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(write_file(folder.path(), b"", true).unwrap_err().kind(), ErrorKind::AlreadyExists);
        let deep = folder.path().join("no/such.txt");
        assert_eq!(write_file(&deep, b"", true).unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[test]
    fn a_new_folder_appears_at_the_commit_and_not_before() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("out");
        let folder = OutputFolder::create(&path).unwrap();
        fs::write(folder.staged("a"), "1").unwrap();
        assert!(!path.exists());
        folder.commit("a").unwrap();
        assert_eq!(names(&path), ["a"]);
        assert_eq!(names(parent.path()), ["out"]);
    }

    #[test]
    fn a_folder_that_is_there_keeps_its_files_and_gets_all_or_none() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path();
        fs::write(path.join("mine"), "kept").unwrap();
        let folder = OutputFolder::create(path).unwrap();
        fs::write(folder.staged("a"), "1").unwrap();
        fs::write(folder.staged("z"), "2").unwrap();
        assert_eq!(folder.refuse_existing("mine").unwrap_err().kind(), ErrorKind::AlreadyExists);
        // Somebody else makes `z` in the meantime: `a`, which was moved first, goes away again.
        fs::write(path.join("z"), "from somebody else").unwrap();
        assert_eq!(folder.commit("z").unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(names(path), ["mine", "z"]);
        assert_eq!(fs::read(path.join("z")).unwrap(), b"from somebody else");

        fs::remove_file(path.join("z")).unwrap();
        let folder = OutputFolder::create(path).unwrap();
        fs::write(folder.staged("z"), "2").unwrap();
        folder.commit("z").unwrap();
        assert_eq!(names(path), ["mine", "z"]);
        assert_eq!(fs::read(path.join("mine")).unwrap(), b"kept");
    }

    #[test]
    fn a_dropped_folder_leaves_nothing() {
        let parent = tempfile::tempdir().unwrap();
        let folder = OutputFolder::create(&parent.path().join("out")).unwrap();
        fs::write(folder.staged("a"), "1").unwrap();
        drop(folder);
        assert!(names(parent.path()).is_empty());
    }
}
