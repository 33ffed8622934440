//! Files that appear completely or not at all.
//!
//! [`probe_output`] finds out before long work whether its result could be written, and [`Overwrite`] says whether it may
//! replace what exists. A file that is replaced keeps its mode and its owner, and an output that is a link stays one.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempDir};

use crate::access::Access;
use crate::destination::{Destination, already_exists};
use crate::error::{Error, ErrorKind, Result};
use crate::fail_points::fail_point;
use crate::leftovers::{self, Lock, SUFFIX};

pub use crate::overwrite::Overwrite;

pub(crate) use crate::destination::folder_of;

/// How a file is written.
#[derive(Debug, Clone, Default)]
pub(crate) struct OutputOptions {
    /// Replace an existing file.
    pub(crate) overwrite: Overwrite,
    /// The users that may read the file, if it is new.
    pub(crate) access: Access,
}

impl OutputOptions {
    pub(crate) fn with_overwrite(overwrite: Overwrite) -> Self {
        Self { overwrite, ..Self::default() }
    }

    pub(crate) fn access(self, access: Access) -> Self {
        Self { access, ..self }
    }
}

/// Where a command writes: a file that appears whole or not at all, or what takes bytes as they come.
#[derive(Debug)]
pub(crate) enum Output {
    File(Box<OutputFile>),
    /// A device, a named pipe or a descriptor; the path is what errors call it.
    Stream(File, PathBuf),
}

impl Output {
    pub(crate) fn create(path: &Path, options: &OutputOptions) -> Result<Self> {
        match Destination::find(path, options.overwrite)? {
            Destination::Stream(stream) => {
                Ok(Self::Stream(stream.open().map_err(|error| error.with_path(path))?, path.to_owned()))
            }
            Destination::File { path: place, found } => {
                let file = OutputFile::begin(path, place, found, options)?;
                Ok(Self::File(Box::new(file)))
            }
        }
    }

    /// What to write to. Only a file can be written to anywhere.
    pub(crate) fn file(&mut self) -> &mut File {
        match self {
            Self::File(output) => output.file(),
            Self::Stream(file, _) => file,
        }
    }

    /// Bring to the disk what was written.
    pub(crate) fn sync(&mut self) -> Result<()> {
        let is_stream = matches!(self, Self::Stream(..));
        match self.file().sync_all() {
            // Pipes and terminals have none (fsync(2)).
            Err(error) if is_stream && error.kind() == io::ErrorKind::InvalidInput => Ok(()),
            done => done.map_err(|error| {
                Error::io("cannot write the output to the disk", error).with_path(self.path())
            }),
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::File(output) => &output.path,
            Self::Stream(_, path) => path,
        }
    }

    /// Give a file its name; what went to a stream is there already.
    pub(crate) fn commit(mut self) -> Result<()> {
        match self {
            Self::File(output) => output.commit(),
            Self::Stream(..) => self.sync(),
        }
    }
}

/// Fail now if nothing could be written to `path`, instead of after long work: if something exists there and `overwrite`
/// is not set, if its folder is missing or accepts no new file, or if it is a folder. Nothing is written.
///
/// Every operation that writes looks before it begins. This function is for what comes before the operation, such as
/// [`Template::check`](crate::Template::check) before [`Template::pack`](crate::Template::pack), which has
/// [`PackOptions::probe`](crate::archive::PackOptions::probe).
///
/// # Errors
///
/// Those that writing would begin with: [`AlreadyExists`](ErrorKind::AlreadyExists),
/// [`NotFound`](ErrorKind::NotFound), [`PermissionDenied`](ErrorKind::PermissionDenied) and so on.
///
/// ```
/// use vmtemplate::output::probe_output;
/// use vmtemplate::ErrorKind;
///
/// let error = probe_output("/no/such/folder/drive.img", vmtemplate::output::Overwrite::No).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::NotFound);
/// ```
pub fn probe_output(path: impl AsRef<Path>, overwrite: Overwrite) -> Result<()> {
    let path = path.as_ref();
    match Destination::find(path, overwrite)? {
        Destination::Stream(stream) => stream.probe(),
        Destination::File { path: place, .. } => {
            takes_files(folder_of(&place)).map_err(|error| error.with_path(path))
        }
    }
}

/// Fail unless a file can be made in `folder`, as far as that is known without making one.
fn takes_files(folder: &Path) -> Result<()> {
    let fail = |error| Error::io("cannot create a file beside the output", error);
    let found = fs::metadata(folder).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => fail(error)
            .with_help(format!("create the folder `{}` first, or choose another output", folder.display())),
        _ => fail(error),
    })?;
    if !found.is_dir() {
        return Err(fail(io::ErrorKind::NotADirectory.into()));
    }
    #[cfg(unix)]
    {
        use rustix::fs::Access as Right;
        rustix::fs::access(folder, Right::WRITE_OK | Right::EXEC_OK).map_err(|error| fail(error.into()))?;
    }
    Ok(())
}

/// Where a file is that `path` leads to through links, or will be; what it is now may be replaced.
pub(crate) fn place_of(path: &Path) -> Result<PathBuf> {
    match Destination::find(path, Overwrite::Yes)? {
        Destination::File { path: place, .. } => Ok(place),
        Destination::Stream(_) => Err(not_a_file().with_path(path)),
    }
}

fn not_a_file() -> Error {
    Error::new(ErrorKind::Unsupported, "this is a device or a pipe; a file was expected")
        .with_help("give the path of a file")
}

/// A file that is written beside its place and moved there when it is complete.
///
/// Dropped without [`OutputFile::commit`], it leaves no trace.
#[derive(Debug)]
pub(crate) struct OutputFile {
    temporary: NamedTempFile,
    /// Tells other runs that the temporary file is no leftover.
    _lock: Lock,
    /// The path that the caller gave, which errors name.
    path: PathBuf,
    /// Where that leads through all links.
    place: PathBuf,
    overwrite: Overwrite,
    access: Access,
}

impl OutputFile {
    /// Begin a file beside `path` that gets its name later, by [`retarget`](Self::retarget).
    pub(crate) fn create_unnamed(path: &Path, options: &OutputOptions) -> Result<Self> {
        Self::begin(path, path.to_owned(), None, options)
    }

    fn begin(
        path: &Path,
        place: PathBuf,
        found: Option<fs::Metadata>,
        options: &OutputOptions,
    ) -> Result<Self> {
        let access = options.access.clone().of_replaced(found);
        let prefix = temporary_prefix(place.file_name().unwrap_or_default());
        let folder = folder_of(&place);
        leftovers::remove(folder, &prefix, |_| ());
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix).suffix(SUFFIX);
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(access.mode_at_first()));
        let (temporary, lock) = leftovers::create_locked(|| builder.tempfile_in(folder))
            .map_err(|e| Error::io("cannot create a file beside the output", e).with_path(path))?;
        fail_point!("output-created");
        let overwrite = options.overwrite;
        Ok(Self { temporary, _lock: lock, path: path.to_owned(), place, overwrite, access })
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
        path.clone_into(&mut self.place);
    }

    /// Bring everything to the disk, then give the file its name in one step.
    pub(crate) fn commit(self) -> Result<()> {
        let Self { temporary, _lock, path, place, overwrite, access } = self;
        let done = || -> Result<()> {
            fail_point!("output-written");
            access
                .apply(temporary.as_file())
                .map_err(|e| Error::io("cannot set the mode of the output", e))?;
            temporary
                .as_file()
                .sync_all()
                .map_err(|e| Error::io("cannot write the output to the disk", e))?;
            fail_point!("output-synced");
            // The file is removed when this is dropped before it has its name.
            let mut temporary = temporary.into_temp_path();
            if overwrite == Overwrite::Yes {
                temporary
                    .persist(&place)
                    .map_err(|e| Error::io("cannot rename the output to its final name", e.error))?;
            } else {
                rename_new(&temporary, &place)?;
                // Its name is gone, and somebody else may have taken it.
                temporary.disable_cleanup(true);
            }
            fail_point!("output-named");
            sync_folder(folder_of(&place));
            Ok(())
        };
        done().map_err(|error| error.with_path(&path))
    }
}

/// Make a rename in `folder` survive a power cut.
pub(crate) fn sync_folder(folder: &Path) {
    // Windows opens no folders, and some network file systems refuse to sync one; the rename itself is done.
    if let Ok(folder) = File::open(folder) {
        folder.sync_all().ok();
    }
}

/// A folder of files that appears completely or not at all.
///
/// A folder that does not exist yet is made beside its place and renamed. In one that is there (a mounted disk, say) the
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
                    .with_help("give the path of a folder, which need not exist"));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if fs::symlink_metadata(path).is_ok() {
                    return Err(Error::new(
                        ErrorKind::AlreadyExists,
                        "this is a dangling link; a folder was expected",
                    )
                    .with_help("create the folder that the link points to, or remove the link"));
                }
                false
            }
            Err(error) => return Err(Error::io("cannot examine the folder", error)),
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
        fail_point!("folder-created");
        fs::create_dir(staging.path().join(FILES)).map_err(|e| Error::io("cannot create the folder", e))?;
        fail_point!("folder-prepared");
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
        fail_point!("folder-synced");
        if !exists {
            rename_new(&files, &path).map_err(|error| error.with_path(&path))?;
            fail_point!("folder-named");
            sync_folder(folder_of(&path));
            return Ok(());
        }
        let mut names: Vec<_> = fs::read_dir(&files)
            .and_then(|entries| entries.map(|entry| entry.map(|e| e.file_name())).collect())
            .map_err(|e| Error::io("cannot list the new files", e).with_path(&files))?;
        names.sort_by_key(|name| (name == last, name.clone()));
        note_moves(staging.path(), &names)
            .map_err(|e| Error::io("cannot write in the folder", e).with_path(staging.path()))?;
        fail_point!("folder-moves-noted");
        for (done, name) in names.iter().enumerate() {
            let target = path.join(name);
            if let Err(error) = rename_new(&files.join(name), &target) {
                for name in &names[..done] {
                    // Back into the folder that is about to be removed.
                    fs::rename(path.join(name), files.join(name)).ok();
                }
                return Err(error.with_path(target));
            }
            fail_point!("folder-file-moved");
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
        // The list was written by this crate, but it is on a disk that others write to as well.
        let plain = !name.contains(['/', '\\']) && name != "..";
        let (from, to) = (folder.join(name), files.join(name));
        let same = fs::symlink_metadata(&from).is_ok_and(|found| inode(&found).to_string() == number);
        if plain && same && fs::symlink_metadata(&to).is_err() {
            fs::rename(from, to).ok();
        }
    }
}

/// What distinguishes a file from another that has its name now.
#[cfg(unix)]
pub(crate) fn inode(found: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(found)
}

/// Elsewhere a leftover is not taken for one, and so nothing is ever taken back.
#[cfg(not(unix))]
pub(crate) fn inode(_found: &fs::Metadata) -> u64 {
    0
}

/// Give a file or folder another name, but never that of something that is there.
pub(crate) fn rename_new(from: &Path, to: &Path) -> Result<()> {
    rename_by(&[rename_in_one_step, link_and_unlink], from, to)
}

type Rename = fn(&Path, &Path) -> io::Result<()>;

/// Try each of `ways`, which must not replace anything. Where none of them is known to the system or the file system (an
/// old kernel, NFS, FAT, s3fs, gcsfuse, rclone), look first and rename then: what somebody else puts there in
/// between is replaced.
fn rename_by(ways: &[Rename], from: &Path, to: &Path) -> Result<()> {
    for rename in ways {
        match rename(from, to) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(already_exists()),
            // File systems spell "I cannot do this" in many ways. What is really wrong, the last way says as well.
            Err(_) => {}
        }
    }
    if fs::symlink_metadata(to).is_ok() {
        return Err(already_exists());
    }
    fs::rename(from, to).map_err(|e| Error::io("cannot rename the output to its final name", e))
}

#[cfg(target_os = "linux")]
fn rename_in_one_step(from: &Path, to: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    Ok(renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)?)
}

#[cfg(not(target_os = "linux"))]
fn rename_in_one_step(_from: &Path, _to: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Folders have no second name.
fn link_and_unlink(from: &Path, to: &Path) -> io::Result<()> {
    fs::hard_link(from, to)?;
    // Left behind, it is a leftover that the next run removes.
    fs::remove_file(from).ok();
    Ok(())
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
pub(crate) fn write_file(path: &Path, bytes: &[u8], options: &OutputOptions) -> Result<()> {
    let mut output = Output::create(path, options)?;
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

    fn file(path: &Path, options: &OutputOptions) -> OutputFile {
        let Output::File(file) = Output::create(path, options).unwrap() else { panic!("not a file") };
        *file
    }

    #[test]
    fn a_dropped_output_leaves_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        fs::write(&path, "old").unwrap();
        let mut output = file(&path, &OutputOptions::with_overwrite(Overwrite::Yes));
        output.file().write_all(b"new").unwrap();
        drop(output);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["a.txt"]);
    }

    #[test]
    fn a_committed_output_replaces_only_when_asked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        write_file(&path, b"one", &OutputOptions::with_overwrite(Overwrite::No)).unwrap();
        assert_eq!(
            write_file(&path, b"two", &OutputOptions::with_overwrite(Overwrite::No)).unwrap_err().kind(),
            ErrorKind::AlreadyExists
        );
        assert_eq!(fs::read(&path).unwrap(), b"one");
        write_file(&path, b"two", &OutputOptions::with_overwrite(Overwrite::Yes)).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(names(folder.path()), ["a.txt"]);
    }

    #[test]
    fn an_output_that_appears_meanwhile_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        let output = file(&path, &OutputOptions::with_overwrite(Overwrite::No));
        fs::write(&path, "from somebody else").unwrap();
        assert_eq!(output.commit().unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"from somebody else");
        assert_eq!(names(folder.path()), ["a.txt"]);
    }

    #[test]
    fn a_folder_or_a_missing_folder_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(
            write_file(folder.path(), b"", &OutputOptions::with_overwrite(Overwrite::Yes))
                .unwrap_err()
                .kind(),
            ErrorKind::AlreadyExists
        );
        let deep = folder.path().join("no/such.txt");
        assert_eq!(
            write_file(&deep, b"", &OutputOptions::with_overwrite(Overwrite::Yes)).unwrap_err().kind(),
            ErrorKind::NotFound
        );
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
        let running = file(&path, &OutputOptions::with_overwrite(Overwrite::No));
        let beside = file(&path, &OutputOptions::with_overwrite(Overwrite::No));
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

    #[cfg(unix)]
    fn mode(path: &Path) -> u32 {
        std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path).unwrap().permissions()) & 0o7777
    }

    #[cfg(unix)]
    #[test]
    fn a_new_file_has_the_mode_that_was_asked_for_and_a_replaced_one_keeps_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("plain"), "").unwrap();
        write_file(&at("new"), b"", &OutputOptions::default()).unwrap();
        assert_eq!(mode(&at("new")), mode(&at("plain")));

        let private = OutputOptions::with_overwrite(Overwrite::Yes).access(Access::Private);
        let mut output = file(&at("secret"), &private);
        output.file().write_all(b"password").unwrap();
        assert_eq!(mode(output.temporary_path()), 0o600, "nobody reads it while it is written either");
        output.commit().unwrap();
        assert_eq!(mode(&at("secret")), 0o600);

        for kept in [0o640, 0o644, 0o604, 0o400] {
            fs::set_permissions(at("plain"), std::os::unix::fs::PermissionsExt::from_mode(kept)).unwrap();
            let like = Access::Like(fs::metadata(at("plain")).unwrap());
            write_file(&at("like"), b"", &OutputOptions::with_overwrite(Overwrite::Yes).access(like))
                .unwrap();
            assert_eq!(mode(&at("like")), kept);
            fs::remove_file(at("like")).unwrap();
            write_file(&at("plain"), b"again", &private).unwrap();
            assert_eq!(mode(&at("plain")), kept);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_one_and_the_file_at_its_end_is_replaced() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("deep")).unwrap();
        fs::write(at("deep/file"), "old").unwrap();
        symlink("deep/link", at("link")).unwrap();
        symlink("file", at("deep/link")).unwrap();
        let refused = write_file(&at("link"), b"new", &OutputOptions::default()).unwrap_err();
        assert_eq!((refused.kind(), refused.path()), (ErrorKind::AlreadyExists, Some(&*at("link"))));
        write_file(&at("link"), b"new", &OutputOptions::with_overwrite(Overwrite::Yes)).unwrap();
        assert_eq!(fs::read(at("deep/file")).unwrap(), b"new");
        assert!(fs::symlink_metadata(at("link")).unwrap().is_symlink());
        assert_eq!(
            (names(folder.path()), names(&at("deep"))),
            (vec!["deep".into(), "link".into()], vec!["file".into(), "link".into()])
        );
    }

    #[test]
    fn a_file_gets_its_name_where_the_file_system_has_neither_a_careful_rename_nor_links() {
        let cannot: [Rename; 2] = [
            |_, _| Err(io::Error::from_raw_os_error(22)), // EINVAL
            |_, _| Err(io::ErrorKind::PermissionDenied.into()),
        ];
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        for ways in [&cannot[..], &[], &[cannot[0], link_and_unlink], &[rename_in_one_step, link_and_unlink]]
        {
            fs::write(&from, "new").unwrap();
            rename_by(ways, &from, &to).unwrap();
            assert_eq!(
                (fs::read(&to).unwrap(), names(folder.path())),
                (b"new".to_vec(), vec!["to".to_owned()])
            );
            fs::write(&from, "newer").unwrap();
            assert_eq!(rename_by(ways, &from, &to).unwrap_err().kind(), ErrorKind::AlreadyExists);
            assert_eq!(fs::read(&to).unwrap(), b"new");
            fs::remove_file(&to).unwrap();
        }
        let error = rename_by(&cannot, &from, &folder.path().join("no/such")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
}
