//! Files that appear whole or not at all.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempDir};

use crate::error::{Error, ErrorKind, Result};
use crate::leftovers::{self, Lock, SUFFIX};

/// A file that is written beside its place and moved there when it is complete.
///
/// Dropped without [`OutputFile::commit`], it leaves no trace.
#[derive(Debug)]
pub(crate) struct OutputFile {
    temporary: NamedTempFile,
    /// Tells other runs that the temporary file is no leftover.
    _lock: Lock,
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
        leftovers::remove(folder_of(path), &prefix, |_| ());
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix).suffix(SUFFIX);
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666)); // less the umask, as for any new file
        let (temporary, lock) = leftovers::create_locked(|| builder.tempfile_in(folder_of(path)))
            .map_err(|e| Error::io("cannot create a file beside the output", e))?;
        Ok(Self { temporary, _lock: lock, path: path.to_owned(), overwrite })
    }

    /// The open file to write to.
    pub(crate) fn file(&mut self) -> &mut File {
        self.temporary.as_file_mut()
    }

    /// Where the file is until the commit.
    pub(crate) fn temporary_path(&self) -> &Path {
        self.temporary.path()
    }

    /// Another name in the same folder.
    pub(crate) fn retarget(&mut self, path: &Path) {
        path.clone_into(&mut self.path);
    }

    /// Bring everything to the disk, then give the file its name in one step.
    pub(crate) fn commit(self) -> Result<()> {
        let Self { temporary, path, overwrite, _lock } = self;
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
pub(crate) fn sync_folder(folder: &Path) {
    // Windows opens no folders, and some network file systems refuse to sync one; the rename itself is done.
    if let Ok(folder) = File::open(folder) {
        folder.sync_all().ok();
    }
}

/// A folder of files that appears whole or not at all.
///
/// A folder that is not there yet is made beside its place and renamed. In one that is there (a mounted disk, say) the
/// files are made in a folder inside it, so that they are on the right disk, and then moved up one by one: the one
/// named last at the very end, as the sign that all are there. What a killed run had moved by then, the next run
/// takes back.
#[derive(Debug)]
pub(crate) struct OutputFolder {
    staging: TempDir,
    /// Tells other runs that the temporary folder is no leftover.
    _lock: Lock,
    path: PathBuf,
    exists: bool,
}

/// In the temporary folder: the files, and the list of those that are about to be moved.
const FILES: &str = "files";
const MOVES: &str = "moves";

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
        leftovers::remove(parent, &prefix, |leftover| take_back(leftover, path));
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix).suffix(SUFFIX);
        let (staging, lock) = leftovers::create_locked(|| builder.tempdir_in(parent))
            .map_err(|e| Error::io("cannot create the folder", e))?;
        fs::create_dir(staging.path().join(FILES)).map_err(|e| Error::io("cannot create the folder", e))?;
        Ok(Self { staging, _lock: lock, path: path.to_owned(), exists })
    }

    /// Where a file is made until the commit.
    pub(crate) fn staged(&self, name: impl AsRef<Path>) -> PathBuf {
        self.staging.path().join(FILES).join(name)
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
        let Self { staging, path, exists, _lock } = self;
        let files = staging.path().join(FILES);
        sync_folder(&files);
        if !exists {
            rename_new(&files, &path).map_err(|error| error.with_path(&path))?;
            sync_folder(folder_of(&path));
            return Ok(());
        }
        let mut names: Vec<_> = fs::read_dir(&files)
            .and_then(|entries| entries.map(|entry| entry.map(|e| e.file_name())).collect())
            .map_err(|e| Error::io("cannot list what was made", e).with_path(&files))?;
        names.sort_by_key(|name| (name == last, name.clone()));
        note_moves(staging.path(), &names)
            .map_err(|e| Error::io("cannot write in the folder", e).with_path(staging.path()))?;
        for (done, name) in names.iter().enumerate() {
            let target = path.join(name);
            if let Err(error) = rename_new(&files.join(name), &target) {
                for name in &names[..done] {
                    // Back into the folder that is about to be removed.
                    fs::rename(path.join(name), files.join(name)).ok();
                }
                return Err(error.with_path(target));
            }
        }
        sync_folder(&path);
        Ok(())
    }
}

/// Write down which files are about to leave the temporary folder: a line each, with the number of its inode.
fn note_moves(staging: &Path, names: &[OsString]) -> io::Result<()> {
    let mut file = File::create_new(staging.join(MOVES))?;
    for name in names {
        let number = inode(&fs::symlink_metadata(staging.join(FILES).join(name))?);
        file.write_all(format!("{number} {}\n", name.display()).as_bytes())?;
    }
    file.sync_all()
}

/// Undo the moves that a killed run had made out of its temporary folder `staging`, unless it had made all of them.
///
/// Only what is still the same file is taken back: somebody may have put one of the same name there since.
fn take_back(staging: &Path, folder: &Path) {
    let files = staging.join(FILES);
    let Ok(moves) = fs::read_to_string(staging.join(MOVES)) else { return };
    if fs::read_dir(&files).is_ok_and(|mut left| left.next().is_none()) {
        return;
    }
    for (number, name) in moves.lines().filter_map(|line| line.split_once(' ')) {
        // The list was written by this crate, but it stands on a disk that others write to as well.
        let plain = !name.contains(['/', '\\']) && name != "..";
        let (from, to) = (folder.join(name), files.join(name));
        let same = fs::symlink_metadata(&from).is_ok_and(|found| inode(&found).to_string() == number);
        if plain && same && fs::symlink_metadata(&to).is_err() {
            fs::rename(from, to).ok();
        }
    }
}

/// What tells a file from another that has its name now.
#[cfg(unix)]
pub(crate) fn inode(found: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(found)
}

/// Elsewhere a leftover is not taken for one, and so nothing is ever taken back.
#[cfg(not(unix))]
pub(crate) fn inode(_found: &fs::Metadata) -> u64 {
    0
}

/// Rename, but never over something that is there.
pub(crate) fn rename_new(from: &Path, to: &Path) -> Result<()> {
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

    #[cfg(unix)]
    #[test]
    fn what_a_killed_run_left_is_removed_by_the_next_and_what_another_run_writes_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        fs::write(folder.path().join(".a.txt.Ab12Cd.vmtemplate-tmp"), "half").unwrap();
        fs::write(folder.path().join(".b.txt.Ab12Cd.vmtemplate-tmp"), "of another output").unwrap();
        let running = OutputFile::create(&path, false).unwrap();
        let beside = OutputFile::create(&path, false).unwrap();
        assert_eq!(names(folder.path()).len(), 3, "{:?}", names(folder.path()));
        drop((running, beside));
        assert_eq!(names(folder.path()), [".b.txt.Ab12Cd.vmtemplate-tmp"]);

        let target = folder.path().join("out");
        let left = folder.path().join(".out.Ab12Cd.vmtemplate-tmp/files");
        fs::create_dir_all(&left).unwrap();
        fs::write(left.join("image"), "half").unwrap();
        let running = OutputFolder::create(&target).unwrap();
        let beside = OutputFolder::create(&target).unwrap();
        assert!(!left.exists() && running.staged("").is_dir() && beside.staged("").is_dir());
    }

    /// A folder in which a run was killed after it had moved some of `a`, `b` and `z` out of its temporary folder.
    #[cfg(unix)]
    fn killed_while_moving(moved: &[&str]) -> TempDir {
        let parent = tempfile::tempdir().unwrap();
        let staging = parent.path().join(".Ab12Cd.vmtemplate-tmp");
        fs::create_dir_all(staging.join(FILES)).unwrap();
        for name in ["a", "b", "z"] {
            fs::write(staging.join(FILES).join(name), name).unwrap();
        }
        note_moves(&staging, &["a", "b", "z"].map(OsString::from)).unwrap();
        for name in moved {
            fs::rename(staging.join(FILES).join(name), parent.path().join(name)).unwrap();
        }
        parent
    }

    #[cfg(unix)]
    #[test]
    fn moves_that_a_killed_run_had_begun_are_undone_and_those_it_had_finished_are_kept() {
        for moved in [&[][..], &["a"], &["a", "b"]] {
            let parent = killed_while_moving(moved);
            drop(OutputFolder::create(parent.path()).unwrap());
            assert_eq!(names(parent.path()), Vec::<String>::new(), "{moved:?}");
        }
        let parent = killed_while_moving(&["a", "b", "z"]);
        drop(OutputFolder::create(parent.path()).unwrap());
        assert_eq!(names(parent.path()), ["a", "b", "z"]);
        // Somebody replaced `a` since: it is his.
        let parent = killed_while_moving(&["a", "b"]);
        fs::write(parent.path().join("mine"), "mine").unwrap();
        fs::rename(parent.path().join("mine"), parent.path().join("a")).unwrap();
        drop(OutputFolder::create(parent.path()).unwrap());
        assert_eq!(names(parent.path()), ["a"]);
        assert_eq!(fs::read(parent.path().join("a")).unwrap(), b"mine");
    }

    #[cfg(unix)]
    #[test]
    fn a_new_folder_is_as_open_as_any_new_folder() {
        use std::os::unix::fs::PermissionsExt;
        let parent = tempfile::tempdir().unwrap();
        OutputFolder::create(&parent.path().join("out")).unwrap().commit("").unwrap();
        fs::create_dir(parent.path().join("plain")).unwrap();
        let mode = |name: &str| fs::metadata(parent.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode("out"), mode("plain"));
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
