//! The destination of an output: the file that a path leads to, and what prevents writing there.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};
use crate::overwrite::Overwrite;

/// The number of symbolic links that Linux follows before it reports a loop (path_resolution(7)).
const MAX_LINKS: usize = 40;

/// What a path leads to, through all symbolic links.
#[derive(Debug)]
pub(crate) enum Destination {
    /// A file with its attributes, or the place of a new one.
    File { path: PathBuf, found: Option<Metadata> },
    /// A device, a named pipe or a descriptor of this process. It takes the bytes as they come, and a file in its
    /// place would not be what its users wait for.
    Stream(Stream),
}

impl Destination {
    /// Look where `path` leads; with `overwrite` unset, fail if something is there that would be lost.
    ///
    /// A symbolic link counts as what it leads to: the file at its end is replaced, and the link stays. A dangling link
    /// counts as an existing output, so that a link that another user put into a shared folder cannot create a file
    /// elsewhere.
    pub(crate) fn find(path: &Path, overwrite: Overwrite) -> Result<Self> {
        Self::follow(path, overwrite).map_err(|error| error.with_path(path))
    }

    fn follow(path: &Path, overwrite: Overwrite) -> Result<Self> {
        refuse_folder_name(path)?;
        let mut place = path.to_owned();
        for _ in 0..=MAX_LINKS {
            if let Some(stream) = Stream::descriptor(&place) {
                return Ok(Self::Stream(stream));
            }
            let found = match fs::symlink_metadata(&place) {
                Ok(found) => found,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Ok(Self::File { path: place, found: None });
                }
                Err(error) => return Err(Error::io("cannot examine the output", error)),
            };
            if found.is_symlink() {
                // The system may forbid following it (`fs.protected_symlinks`), which reading the link does not tell.
                let leads_somewhere = match fs::metadata(&place) {
                    Ok(_) => true,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => false,
                    Err(error) => return Err(Error::io("cannot follow the link", error)),
                };
                if overwrite == Overwrite::No && !leads_somewhere {
                    return Err(already_exists());
                }
                let target =
                    fs::read_link(&place).map_err(|error| Error::io("cannot read the link", error))?;
                place = folder_of(&place).join(target);
                continue;
            }
            if found.is_dir() {
                return Err(is_folder());
            }
            if !found.is_file() {
                return Stream::device(place, &found, overwrite).map(Self::Stream);
            }
            // Reported now and not after an hour of packing.
            if overwrite == Overwrite::No {
                return Err(already_exists());
            }
            return Ok(Self::File { path: place, found: Some(found) });
        }
        Err(Error::new(ErrorKind::InvalidValue, "the output is a link that leads back to itself")
            .with_help("remove the link, or give the path of a file"))
    }
}

/// A place that takes bytes as they come.
#[derive(Debug)]
pub(crate) enum Stream {
    /// A device or a named pipe.
    Node(PathBuf),
    /// A descriptor of a process, by a path such as `/dev/stdout`.
    Descriptor(PathBuf),
}

impl Stream {
    fn device(path: PathBuf, found: &Metadata, overwrite: Overwrite) -> Result<Self> {
        match kind_of(found) {
            // What is on it would be lost.
            Kind::Block if overwrite == Overwrite::No => Err(Error::new(
                ErrorKind::AlreadyExists,
                "the output is a block device, whose contents would be overwritten",
            )
            .with_help("choose another output, or use --force (`overwrite`)")),
            Kind::Block | Kind::Character | Kind::Pipe => Ok(Self::Node(path)),
            Kind::Other => Err(Error::new(
                ErrorKind::Unsupported,
                "the output is a socket; a file, a device or a pipe was expected",
            )
            .with_help("write to standard output, and pipe that into another program")),
        }
    }

    /// The descriptor that `path` stands for. Through its link a file of another process's making would be replaced,
    /// which that process, or the shell that opened it, would never see.
    fn descriptor(path: &Path) -> Option<Self> {
        if !cfg!(unix) {
            return None;
        }
        path.file_name()?.to_str()?.parse::<u32>().ok()?;
        let folder = fs::canonicalize(folder_of(path)).ok()?;
        // proc_pid_fd(5); /dev/fd leads there on Linux, and is a folder of its own elsewhere.
        let is_descriptor =
            folder == Path::new("/dev/fd") || folder.starts_with("/proc") && folder.ends_with("fd");
        (is_descriptor && fs::metadata(path).is_ok_and(|found| !found.is_dir()))
            .then(|| Self::Descriptor(path.to_owned()))
    }

    /// Whether it could be written to, as far as that can be found out without waiting for a reader.
    pub(crate) fn probe(&self) -> Result<()> {
        #[cfg(unix)]
        {
            let (Self::Node(path) | Self::Descriptor(path)) = self;
            rustix::fs::access(path, rustix::fs::Access::WRITE_OK)
                .map_err(|error| Error::io("cannot write to the output", error.into()).with_path(path))?;
        }
        Ok(())
    }

    /// Open it. A named pipe is waited for until somebody reads from it.
    pub(crate) fn open(&self) -> Result<File> {
        let opened = match self {
            Self::Node(path) => OpenOptions::new().write(true).open(path),
            Self::Descriptor(path) => open_descriptor(path),
        };
        let (Self::Node(path) | Self::Descriptor(path)) = self;
        opened.map_err(|error| Error::io("cannot open the output", error).with_path(path))
    }
}

/// A second handle on a descriptor.
#[cfg(unix)]
fn open_descriptor(path: &Path) -> io::Result<File> {
    use std::os::fd::AsFd;
    let is_ours = fs::canonicalize(folder_of(path)).is_ok_and(|folder| {
        let own = Path::new("/proc").join(std::process::id().to_string());
        folder.starts_with(own) || folder == Path::new("/dev/fd")
    });
    // Of these two the very descriptor: it may be a socket, which cannot be opened by its path, and where it is a file
    // its position is shared with all else that writes there.
    let held = match path.file_name().and_then(|name| name.to_str()) {
        Some("1") if is_ours => Some(io::stdout().as_fd().try_clone_to_owned()),
        Some("2") if is_ours => Some(io::stderr().as_fd().try_clone_to_owned()),
        _ => None,
    };
    match held {
        Some(held) => held.map(File::from),
        // Opened again, a file would be written from its start, over what is there.
        None => OpenOptions::new().append(true).open(path),
    }
}

#[cfg(not(unix))]
fn open_descriptor(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).open(path)
}

enum Kind {
    Block,
    Character,
    Pipe,
    Other,
}

#[cfg(unix)]
fn kind_of(found: &Metadata) -> Kind {
    use std::os::unix::fs::FileTypeExt;
    let kind = found.file_type();
    if kind.is_block_device() {
        Kind::Block
    } else if kind.is_char_device() {
        Kind::Character
    } else if kind.is_fifo() {
        Kind::Pipe
    } else {
        Kind::Other
    }
}

#[cfg(not(unix))]
fn kind_of(_found: &Metadata) -> Kind {
    Kind::Other
}

/// Fail if `path` can only name a folder.
fn refuse_folder_name(path: &Path) -> Result<()> {
    let Some(name) = path.file_name() else {
        return Err(Error::new(ErrorKind::InvalidValue, "the path of the output has no file name")
            .with_help("give the path of a file"));
    };
    // `file_name` passes over a slash or a dot at the end.
    if !path.as_os_str().as_encoded_bytes().ends_with(name.as_encoded_bytes()) {
        return Err(is_folder());
    }
    Ok(())
}

fn is_folder() -> Error {
    Error::new(ErrorKind::AlreadyExists, "the output is a folder; a file was expected")
        .with_help("give the path of a file inside that folder")
}

pub(crate) fn already_exists() -> Error {
    Error::new(ErrorKind::AlreadyExists, "the output already exists")
        .with_help("choose another name, remove it, or use --force (`overwrite`)")
}

/// The folder that `path` is in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn kind_at(path: &Path, overwrite: Overwrite) -> ErrorKind {
        Destination::find(path, overwrite).unwrap_err().kind()
    }

    #[test]
    fn a_link_that_leads_nowhere_or_in_a_circle_makes_no_file_elsewhere() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        symlink("nothing", at("dangling")).unwrap();
        assert_eq!(kind_at(&at("dangling"), Overwrite::No), ErrorKind::AlreadyExists);
        match Destination::find(&at("dangling"), Overwrite::Yes).unwrap() {
            Destination::File { path, found: None } => assert_eq!(path, at("nothing")),
            other => panic!("{other:?}"),
        }
        symlink("b", at("a")).unwrap();
        symlink("a", at("b")).unwrap();
        for overwrite in [Overwrite::No, Overwrite::Yes] {
            let error = Destination::find(&at("a"), overwrite).unwrap_err();
            assert_eq!(error.path(), Some(&*at("a")));
        }
        symlink(".", at("folder")).unwrap();
        assert_eq!(kind_at(&at("folder"), Overwrite::Yes), ErrorKind::AlreadyExists);
    }

    #[test]
    fn a_path_that_can_only_be_a_folder_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(kind_at(&folder.path().join("new/"), Overwrite::Yes), ErrorKind::AlreadyExists);
        assert_eq!(kind_at(&folder.path().join("new/."), Overwrite::Yes), ErrorKind::AlreadyExists);
        assert_eq!(kind_at(Path::new("/"), Overwrite::Yes), ErrorKind::InvalidValue);
        assert_eq!(kind_at(Path::new(".."), Overwrite::Yes), ErrorKind::InvalidValue);
    }

    #[test]
    fn descriptors_devices_and_pipes_are_streams_and_a_socket_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        for path in ["/dev/null", "/dev/stdout", "/dev/fd/2", "/proc/self/fd/1", "/proc/thread-self/fd/1"] {
            if Path::new(path).exists() {
                let found = Destination::find(Path::new(path), Overwrite::No).unwrap();
                assert!(matches!(found, Destination::Stream(_)), "{path}: {found:?}");
            }
        }
        assert!(matches!(Destination::find(&pipe, Overwrite::No).unwrap(), Destination::Stream(_)));
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        assert_eq!(kind_at(&socket, Overwrite::Yes), ErrorKind::Unsupported);
    }

    #[test]
    fn what_is_written_to_a_descriptor_goes_behind_what_is_there() {
        use std::io::Write;
        use std::os::fd::AsRawFd;
        let mut held = tempfile::tempfile().unwrap();
        held.write_all(b"log\n").unwrap();
        let path = PathBuf::from(format!("/dev/fd/{}", held.as_raw_fd()));
        let Destination::Stream(stream) = Destination::find(&path, Overwrite::No).unwrap() else { panic!() };
        stream.probe().unwrap();
        stream.open().unwrap().write_all(b"more\n").unwrap();
        assert_eq!(held.metadata().unwrap().len(), 9);
    }
}
