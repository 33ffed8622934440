//! Files that appear whole or not at all.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::{Error, ErrorKind, Result};

/// What temporary files of this crate end with, so that a leftover of a killed run is recognisable.
pub(crate) const TEMPORARY_SUFFIX: &str = ".vmtemplate-tmp";

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
        let mut prefix = std::ffi::OsString::from(".");
        // A name may have 255 bytes on the usual file systems, and the temporary one is longer.
        if name.len() <= 200 {
            prefix.push(name);
            prefix.push(".");
        }
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
            sync_folder(folder_of(&path))
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
pub(crate) fn sync_folder(folder: &Path) -> Result<()> {
    #[cfg(unix)]
    {
        // Some network file systems refuse to sync a folder; the rename itself is done.
        if let Ok(folder) = File::open(folder) {
            folder.sync_all().ok();
        }
    }
    let _ = folder;
    Ok(())
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
}
