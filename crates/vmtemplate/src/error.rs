//! The one error type of the library.
//!
//! An [`Error`] says what went wrong, where and how to fix it; its [`ErrorKind`] is what a program asks for.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::shown::Shown;

/// The result of every fallible call of this crate.
///
/// ```
/// fn count() -> vmtemplate::Result<usize> {
///     Ok(vmtemplate::Metainfo::parse(b"<doc><osname>Windows</osname></doc>")?.declared_macros().len())
/// }
/// assert_eq!(count()?, 0);
/// # Ok::<(), vmtemplate::Error>(())
/// ```
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Defines [`ErrorKind`] and its methods from one row for each kind, so that no kind can be forgotten.
macro_rules! error_kinds {
    ($($(#[$doc:meta])* $kind:ident = $number:literal, $name:literal;)*) => {
        /// What went wrong, as a program asks it.
        ///
        /// The numbers and names of kinds never change; new kinds may come, so a `match` needs a `_` arm.
        ///
        /// ```
        /// use vmtemplate::{ErrorKind, Metainfo};
        ///
        /// let error = Metainfo::parse(b"<doc>").unwrap_err();
        /// assert_eq!(error.kind(), ErrorKind::InvalidMetainfo);
        /// assert_eq!(error.kind().name(), "invalid-metainfo");
        /// ```
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorKind {
            $($(#[$doc])* $kind = $number,)*
        }

        impl ErrorKind {
            const ALL: &'static [Self] = &[$(Self::$kind,)*];

            /// The stable name of this kind, in kebab case, as `--json` output and the bindings show it.
            ///
            /// ```
            /// assert_eq!(vmtemplate::ErrorKind::NotFound.name(), "not-found");
            /// ```
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }
        }
    };
}

// A new kind goes to the end and takes the next number. The number and the name of a row never change.
error_kinds! {
    /// A file or folder does not exist.
    NotFound = 1, "not-found";
    /// The operating system does not allow this user to read or write it.
    PermissionDenied = 2, "permission-denied";
    /// The output already exists, and the caller did not ask to overwrite it.
    AlreadyExists = 3, "already-exists";
    /// The disk of the output is full, or a quota is used up.
    StorageFull = 4, "storage-full";
    /// Any other failure of reading or writing.
    Io = 5, "io";
    /// The caller cancelled the work.
    Cancelled = 6, "cancelled";
    /// A value from the caller is not valid.
    InvalidValue = 7, "invalid-value";
    /// metainfo.xml is not well-formed, or an element contains an invalid value.
    InvalidMetainfo = 8, "invalid-metainfo";
    /// A macro is not written as `($NAME)`.
    InvalidMacro = 9, "invalid-macro";
    /// A script cannot be read as text.
    InvalidScript = 10, "invalid-script";
    /// A disk image, or a structure inside it, contradicts its format.
    InvalidImage = 11, "invalid-image";
    /// An image or a structure inside it is valid, but uses a feature that is not supported.
    Unsupported = 12, "unsupported";
    /// The image changed or shrank while it was read.
    SourceChanged = 13, "source-changed";
    /// A template is incomplete or contradicts itself; `problems()` lists every reason.
    InvalidTemplate = 14, "invalid-template";
    /// An archive is truncated, damaged, or not an archive.
    InvalidArchive = 15, "invalid-archive";
    /// An archive holds an entry that is refused because unpacking it could do harm.
    UnsafeArchive = 16, "unsafe-archive";
    /// The input exceeds a limit: too many, too large, too deep.
    LimitExceeded = 17, "limit-exceeded";
    /// The description of a repository is malformed, or does not allow what was asked for.
    InvalidRepository = 18, "invalid-repository";
    /// Another process is writing, and did not end in the time that was given.
    Locked = 19, "locked";
    /// A signature is missing, is not one of this key, or is not of this content.
    InvalidSignature = 20, "invalid-signature";
    /// A server cannot be reached, or its response is not valid.
    Network = 21, "network";
}

impl ErrorKind {
    /// Every kind, in the order of their numbers.
    ///
    /// ```
    /// use vmtemplate::ErrorKind;
    ///
    /// let locked = ErrorKind::all().iter().find(|kind| kind.name() == "locked");
    /// assert_eq!(locked, Some(&ErrorKind::Locked));
    /// ```
    pub const fn all() -> &'static [Self] {
        Self::ALL
    }

    /// The stable number of this kind: 1 and up. 0 is left free for "no error", as a C program wants it.
    ///
    /// ```
    /// assert_eq!(vmtemplate::ErrorKind::NotFound.number(), 1);
    /// ```
    pub const fn number(self) -> u32 {
        self as u32
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl From<io::ErrorKind> for ErrorKind {
    fn from(kind: io::ErrorKind) -> Self {
        match kind {
            io::ErrorKind::NotFound => Self::NotFound,
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::PermissionDenied,
            io::ErrorKind::AlreadyExists => Self::AlreadyExists,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::StorageFull,
            // What a source behind a network gives, be it a file system or the reader of a caller.
            io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkDown
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::NotConnected
            | io::ErrorKind::StaleNetworkFileHandle
            | io::ErrorKind::TimedOut => Self::Network,
            // More than the file system, or a limit of the process, lets one file be.
            io::ErrorKind::FileTooLarge => Self::LimitExceeded,
            _ => Self::Io,
        }
    }
}

/// A place in a text, as editors count it: the first line is 1, the first column is 1.
///
/// A column counts characters, not bytes.
///
/// ```
/// use vmtemplate::error::Position;
///
/// assert_eq!(Position::of_offset("ab\r\ncd", 5), Position { line: 2, column: 2 });
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl Position {
    /// The position of byte `offset` in `text`; an offset past the end gives the end.
    ///
    /// Lines end with LF or CR LF. A CR alone does not end a line, as neither batch nor XML readers take it so.
    ///
    /// ```
    /// assert_eq!(vmtemplate::error::Position::of_offset("ä=1", 3).column, 3);
    /// ```
    pub fn of_offset(text: &str, offset: usize) -> Self {
        let before = &text.as_bytes()[..offset.min(text.len())];
        let line_start = before.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
        let line = before.split(|&b| b == b'\n').count();
        // A byte that continues a UTF-8 character is not a column of its own.
        let column = 1 + before[line_start..].iter().filter(|&&b| b & 0xC0 != 0x80).count();
        Self { line, column }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// What went wrong, where, and how to fix it.
///
/// It is cheap to clone. The message says what was found and what was expected; [`Error::help`] says what to do.
/// `{}` prints the place and the message; `{:#}` prints the causes and the help as well, on one line.
///
/// ```
/// use vmtemplate::{ErrorKind, Template};
///
/// let error = Template::open("/no/such/template.tar.gz").unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::NotFound);
/// assert_eq!(error.path().unwrap().to_str(), Some("/no/such/template.tar.gz"));
/// assert!(error.to_string().starts_with("/no/such/template.tar.gz: "));
/// ```
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    path: Option<PathBuf>,
    entry: Option<String>,
    position: Option<Position>,
    field: Option<String>,
    help: Option<String>,
    problems: Vec<Error>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error with a message of what was found and what was expected.
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Arc::new(Inner {
            kind,
            message: message.into(),
            path: None,
            entry: None,
            position: None,
            field: None,
            help: None,
            problems: Vec::new(),
            source: None,
        }))
    }

    /// A failed system call, with what was being done: "cannot open the image".
    ///
    /// The kind follows from the system's; an [`Error`] that was wrapped in an [`io::Error`] comes out as it was.
    /// Public for the implementations of [`DiskSource`](crate::disk::DiskSource) outside this crate.
    ///
    /// ```
    /// use std::io;
    /// use vmtemplate::{Error, ErrorKind};
    ///
    /// let error = Error::io("cannot read the tape", io::ErrorKind::NotFound.into());
    /// assert_eq!(error.kind(), ErrorKind::NotFound);
    /// ```
    pub fn io(doing: impl Into<String>, error: io::Error) -> Self {
        // An `Error` that travelled through `std::io` (a reader inside a reader) comes out as it was.
        match error.downcast::<Error>() {
            Ok(own) => own,
            Err(error) => {
                let kind = ErrorKind::from(error.kind());
                let is_folder = error.kind() == io::ErrorKind::IsADirectory;
                let made = Self::new(kind, doing).caused_by(error);
                if kind == ErrorKind::StorageFull {
                    made.with_help("free some space, or write to another disk; existing files are unchanged")
                } else if is_folder {
                    made.with_help("this is a folder: give the path of a file in it")
                } else {
                    made
                }
            }
        }
    }

    /// Several problems found in one pass, reported together.
    pub(crate) fn many(kind: ErrorKind, what: &str, problems: Vec<Error>) -> Self {
        let message = match problems.as_slice() {
            [one] => format!("{what}: {one}"),
            all => format!("{what}: {} problems", all.len()),
        };
        Self::new(kind, message).edit(|inner| inner.problems = problems)
    }

    fn edit(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// The file or folder. A value that an inner layer has set is kept, as it is closer to the cause.
    pub(crate) fn with_path(self, path: impl AsRef<Path>) -> Self {
        self.edit(|inner| {
            inner.path.get_or_insert_with(|| path.as_ref().to_owned());
        })
    }

    /// The entry of an archive, or the file inside an image.
    pub(crate) fn with_entry(self, entry: impl Into<String>) -> Self {
        self.edit(|inner| {
            inner.entry.get_or_insert_with(|| entry.into());
        })
    }

    pub(crate) fn with_position(self, position: Position) -> Self {
        self.edit(|inner| {
            inner.position.get_or_insert(position);
        })
    }

    /// The element, key or option that holds the value.
    pub(crate) fn with_field(self, field: impl Into<String>) -> Self {
        self.edit(|inner| {
            inner.field.get_or_insert_with(|| field.into());
        })
    }

    /// How to fix it, as an instruction: "give a path that …".
    pub(crate) fn with_help(self, help: impl Into<String>) -> Self {
        self.edit(|inner| {
            inner.help.get_or_insert_with(|| help.into());
        })
    }

    /// Another suggestion, appended to the help.
    #[cfg_attr(not(any(feature = "vhd", feature = "vmdk")), allow(dead_code))]
    pub(crate) fn or_help(self, more: &str) -> Self {
        self.edit(|inner| {
            inner.help = Some(match inner.help.take() {
                Some(help) => format!("{help}; {more}"),
                None => more.to_owned(),
            });
        })
    }

    pub(crate) fn caused_by(self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.edit(|inner| inner.source = Some(Arc::new(source)))
    }

    /// Whether it says nothing of what was read, so that the work ends with it: the caller cancelled, the connection
    /// broke, or the source is not what it was. Every place that turns an error into a finding, a reason or a second
    /// try asks here first.
    pub(crate) fn ends_the_work(&self) -> bool {
        matches!(self.kind(), ErrorKind::Cancelled | ErrorKind::Network | ErrorKind::SourceChanged)
    }

    /// What kind of failure it is.
    ///
    /// ```
    /// # use vmtemplate::macros::MacroName;
    /// # use vmtemplate::ErrorKind;
    /// assert_eq!("(IP)".parse::<MacroName>().unwrap_err().kind(), ErrorKind::InvalidMacro);
    /// ```
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What was found and what was expected, without the place.
    ///
    /// ```
    /// # use vmtemplate::Metainfo;
    /// let error = Metainfo::parse(b"<doc><osname>A</osnam></doc>").unwrap_err();
    /// assert!(error.message().contains("osname"));
    /// ```
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The file or folder that it happened in, if one is known.
    ///
    /// ```
    /// # use vmtemplate::DiskImage;
    /// let error = DiskImage::open("/no/such.img").unwrap_err();
    /// assert_eq!(error.path(), Some("/no/such.img".as_ref()));
    /// ```
    pub fn path(&self) -> Option<&Path> {
        self.0.path.as_deref()
    }

    /// The archive entry (or the file inside an image) that it happened in.
    ///
    /// ```
    /// # use vmtemplate::macros::MacroName;
    /// assert_eq!("IP".parse::<MacroName>().unwrap_err().entry(), None);
    /// ```
    pub fn entry(&self) -> Option<&str> {
        self.0.entry.as_deref()
    }

    /// The line and column in a text, if it happened in one.
    ///
    /// ```
    /// # use vmtemplate::error::Position;
    /// # use vmtemplate::Metainfo;
    /// let error = Metainfo::parse(b"<doc>\n  <osname>A</osnam>\n</doc>").unwrap_err();
    /// assert_eq!(error.position().unwrap().line, 2);
    /// ```
    pub fn position(&self) -> Option<Position> {
        self.0.position
    }

    /// The element, key or option that holds the bad value.
    ///
    /// ```
    /// # use vmtemplate::Metainfo;
    /// let metainfo = Metainfo::parse(b"<doc><rebootcount>once</rebootcount></doc>")?;
    /// assert_eq!(metainfo.reboot_count().unwrap_err().field(), Some("rebootcount"));
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn field(&self) -> Option<&str> {
        self.0.field.as_deref()
    }

    /// How to fix it, where that can be determined.
    ///
    /// ```
    /// # use vmtemplate::macros::MacroName;
    /// assert!("IP".parse::<MacroName>().unwrap_err().help().unwrap().contains("($IP)"));
    /// ```
    pub fn help(&self) -> Option<&str> {
        self.0.help.as_deref()
    }

    /// Every problem, if several were found in one pass; empty otherwise.
    ///
    /// ```
    /// # use vmtemplate::Template;
    /// let error = Template::builder("").memory_mib(0).build().unwrap_err();
    /// assert!(error.problems().len() >= 2);
    /// ```
    pub fn problems(&self) -> &[Error] {
        &self.0.problems
    }

    fn write_place(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        let mut open = false;
        if let Some(path) = &inner.path {
            write!(f, "{}", path.display())?;
            open = true;
        }
        if let Some(entry) = &inner.entry {
            // The name comes from an archive: escape what could steer a terminal.
            write!(f, "{}{}", if open { ": " } else { "" }, Shown(&entry))?;
            open = true;
        }
        if let Some(position) = inner.position {
            if open {
                write!(f, ":{position}")?;
            } else {
                write!(f, "line {}, column {}", position.line, position.column)?;
            }
            open = true;
        }
        if let Some(field) = &inner.field {
            write!(f, "{}`{}`", if open { ": " } else { "" }, Shown(&field))?;
            open = true;
        }
        if open { f.write_str(": ") } else { Ok(()) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_place(f)?;
        f.write_str(&self.0.message)?;
        if f.alternate() {
            if self.0.problems.len() > 1 {
                for problem in &self.0.problems {
                    write!(f, "; {problem:#}")?;
                }
            }
            let mut source = self.source();
            while let Some(cause) = source {
                write!(f, ": {cause}")?;
                source = cause.source();
            }
            if let Some(help) = &self.0.help {
                write!(f, " ({help})")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        let mut out = f.debug_struct("Error");
        out.field("kind", &inner.kind).field("message", &inner.message);
        for (name, value) in [
            ("path", inner.path.as_ref().map(|v| v as &dyn fmt::Debug)),
            ("entry", inner.entry.as_ref().map(|v| v as &dyn fmt::Debug)),
            ("position", inner.position.as_ref().map(|v| v as &dyn fmt::Debug)),
            ("field", inner.field.as_ref().map(|v| v as &dyn fmt::Debug)),
            ("help", inner.help.as_ref().map(|v| v as &dyn fmt::Debug)),
            ("source", inner.source.as_ref().map(|v| v as &dyn fmt::Debug)),
        ] {
            if let Some(value) = value {
                out.field(name, value);
            }
        }
        if !inner.problems.is_empty() {
            out.field("problems", &inner.problems);
        }
        out.finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_ref().map(|source| &**source as &(dyn StdError + 'static))
    }
}

/// For readers inside readers: the error comes out of [`Error::io`] as it went in.
impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        io::Error::other(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_numbered_from_one_without_gaps_and_named_differently() {
        let numbers: Vec<_> = ErrorKind::all().iter().map(|kind| kind.number() as usize).collect();
        assert_eq!(numbers, (1..=numbers.len()).collect::<Vec<_>>());
        let names: std::collections::BTreeSet<_> = ErrorKind::all().iter().map(|kind| kind.name()).collect();
        assert_eq!(names.len(), numbers.len());
        for name in names {
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{name}");
        }
    }
}
