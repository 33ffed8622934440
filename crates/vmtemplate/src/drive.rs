//! The install drive: the small disk that carries the setup script into a new machine.
//!
//! [`InstallDrive`] is made of a rendered [`Script`], written to a file, and read back from one.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use crate::access::Access;
use crate::error::{Error, ErrorKind, Result};
use crate::file::read_bounded;
use crate::output::{OutputOptions, write_file};
use crate::overwrite::Overwrite;
use crate::script::Script;
use crate::sources::Sources;

/// The padding of the install drive, after the script.
///
/// ```
/// use vmtemplate::drive::Padding;
///
/// assert_eq!("zeros".parse::<Padding>()?, Padding::Zeros);
/// assert_eq!(Padding::default().to_string(), "blank-lines");
/// # Ok::<(), vmtemplate::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Padding {
    /// Blank lines, one to a block of 512 bytes. A script that does not end itself, and a search for a label, run through
    /// them in no time, under every interpreter; the first LF ends a last line that has no end.
    #[default]
    BlankLines,
    /// Zeros, as on a new disk. `cmd.exe` reads a zero as the end of the file (Raymond Chen, "Diagnosing why your batch
    /// file prints a garbage character, one character, and nothing more", The Old New Thing, 2021-07-26); that of wine
    /// never gets past one.
    Zeros,
}

impl Padding {
    /// Both of them.
    ///
    /// ```
    /// assert_eq!(vmtemplate::drive::Padding::ALL.len(), 2);
    /// ```
    pub const ALL: &'static [Self] = &[Self::BlankLines, Self::Zeros];

    /// Its name, as the command line takes it.
    ///
    /// ```
    /// assert_eq!(vmtemplate::drive::Padding::Zeros.name(), "zeros");
    /// ```
    pub const fn name(self) -> &'static str {
        match self {
            Self::BlankLines => "blank-lines",
            Self::Zeros => "zeros",
        }
    }

    fn fill(self, bytes: &mut Vec<u8>) {
        if self == Self::BlankLines {
            let room = InstallDrive::SIZE - bytes.len();
            bytes.extend(&BEGIN[..room.min(BEGIN.len())]);
            for at in bytes.len()..InstallDrive::SIZE {
                bytes.push(if at % 512 == 511 { b'\n' } else { b' ' });
            }
        }
        bytes.resize(InstallDrive::SIZE, 0);
    }
}

/// What blank lines begin with: behind this one tab there are only spaces and LFs, which gives the script back to the byte.
const BEGIN: &[u8] = b"\n\t\n";

impl fmt::Display for Padding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Padding {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.iter().copied().find(|padding| padding.name() == name).ok_or_else(|| {
            Error::new(ErrorKind::InvalidValue, format!("`{name}` is not a padding of an install drive"))
                .with_help("the paddings are blank-lines and zeros")
        })
    }
}

/// The install drive of a new machine: 1,048,576 bytes that begin with the setup script.
///
/// The first-run script in the guest recognises the drive by that size, and copies all of it, including the padding, to `C:\vmmgr\vmmgr.cmd`. The script is one whose macros have been replaced: see [`Script::render`].
///
/// ```
/// use vmtemplate::drive::InstallDrive;
/// use vmtemplate::macros::{MacroValues, RenderOptions};
/// use vmtemplate::Script;
///
/// let script = Script::from_text("@echo off\r\necho ($IP)\r\nexit /b\r\n");
/// let rendered = script.render(&MacroValues::new().with("IP", "192.0.2.10")?, &RenderOptions::default())?;
/// let drive = InstallDrive::new(&rendered)?;
/// assert_eq!(drive.bytes().len(), 1_048_576);
/// assert_eq!(drive.script(), rendered);
/// # Ok::<(), vmtemplate::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct InstallDrive {
    bytes: Vec<u8>,
    /// What its script was rendered from.
    sources: Sources,
}

/// Drives are equal if their bytes are, wherever these come from.
impl PartialEq for InstallDrive {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for InstallDrive {}

impl InstallDrive {
    /// The size of the drive in bytes: 2048 blocks of 512.
    ///
    /// ```
    /// assert_eq!(vmtemplate::drive::InstallDrive::SIZE, vmtemplate::Script::MAX_SIZE);
    /// ```
    pub const SIZE: usize = Script::MAX_SIZE;

    /// The drive with this script, filled up with blank lines.
    ///
    /// # Errors
    ///
    /// Those of [`InstallDrive::with_padding`].
    ///
    /// ```
    /// use vmtemplate::drive::InstallDrive;
    /// use vmtemplate::{ErrorKind, Script};
    ///
    /// let error = InstallDrive::new(&Script::from_bytes(vec![b' '; 1_048_577])).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    /// assert!(error.to_string().contains("1048577") && error.to_string().contains("1048576"));
    /// ```
    pub fn new(script: &Script) -> Result<Self> {
        Self::with_padding(script, Padding::default())
    }

    /// The drive with this script and this padding.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::LimitExceeded`] if the script is larger than the drive; [`ErrorKind::InvalidScript`] if it is empty
    /// or holds a zero byte, as every script in UTF-16 does: no interpreter reads past one.
    ///
    /// ```
    /// use vmtemplate::drive::{InstallDrive, Padding};
    /// use vmtemplate::Script;
    ///
    /// let drive = InstallDrive::with_padding(&Script::from_text("rem\r\n"), Padding::Zeros)?;
    /// assert!(drive.bytes().ends_with(b"\0"));
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn with_padding(script: &Script, padding: Padding) -> Result<Self> {
        let size = script.bytes().len();
        if size > Self::SIZE {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!("the script has {size} bytes, but the install drive has {}", Self::SIZE),
            )
            .with_help("move large parts into the disk image, or let the script download them"));
        }
        if size == 0 {
            return Err(Error::new(
                ErrorKind::InvalidScript,
                "the script is empty; an install drive needs one",
            ));
        }
        if let Some(at) = script.bytes().iter().position(|&byte| byte == 0) {
            return Err(Error::new(
                ErrorKind::InvalidScript,
                format!("byte {at} of the script is zero, where an interpreter stops reading"),
            )
            .with_help("store the script in ASCII or a code page; UTF-16 does not run"));
        }
        let mut bytes = script.bytes().to_vec();
        padding.fill(&mut bytes);
        Ok(Self { bytes, sources: script.sources().clone() })
    }

    /// The drive with these bytes, made by any tool.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidImage`] if the size is another one, or there is nothing but padding.
    ///
    /// ```
    /// use vmtemplate::drive::InstallDrive;
    ///
    /// let mut bytes = b"@echo off\r\n".to_vec();
    /// bytes.resize(InstallDrive::SIZE, 0);
    /// assert_eq!(InstallDrive::from_bytes(bytes)?.script().text(), "@echo off\r\n");
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Result<Self> {
        let bytes = bytes.into();
        if bytes.len() != Self::SIZE {
            return Err(wrong_size(&format!("{} bytes", bytes.len())));
        }
        if bytes.iter().all(|byte| b"\0 \t\r\n".contains(byte)) {
            return Err(Error::new(
                ErrorKind::InvalidImage,
                "the install drive is empty; a script was expected",
            ));
        }
        Ok(Self { bytes, sources: Sources::default() })
    }

    /// Read a drive from a file or a block device.
    ///
    /// # Errors
    ///
    /// Those of [`InstallDrive::from_bytes`] and of reading a file, of which no more than the size of a drive is read.
    ///
    /// ```
    /// use vmtemplate::drive::InstallDrive;
    /// use vmtemplate::ErrorKind;
    ///
    /// assert_eq!(InstallDrive::read("/no/such/drive.img").unwrap_err().kind(), ErrorKind::NotFound);
    /// ```
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        read_bounded(path, Self::SIZE)
            .map_err(|e| Error::io("cannot read the install drive", e))
            .and_then(|bytes| bytes.map_or_else(|| Err(wrong_size("more")), Self::from_bytes))
            .map_err(|error| error.with_path(path))
    }

    /// The script on it, without the padding: to the byte if this crate made the drive. If another tool
    /// filled the drive up with line ends or spaces, empty lines at the end of the script count as padding.
    ///
    /// ```
    /// use vmtemplate::drive::InstallDrive;
    /// use vmtemplate::Script;
    ///
    /// let script = Script::from_text("exit /b");
    /// assert_eq!(InstallDrive::new(&script)?.script(), script);
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn script(&self) -> Script {
        // How much is left without these bytes at the end.
        let without = |padding: &[u8]| {
            self.bytes.iter().rposition(|byte| !padding.contains(byte)).map_or(0, |at| at + 1)
        };
        let zeros = without(b"\0");
        let blank = without(b" \n");
        let end = if zeros < Self::SIZE {
            zeros
        } else if let Some(front) = self.bytes[..blank].strip_suffix(b"\n\t") {
            front.len()
        } else {
            // The first LF is the end of the last line.
            blank + usize::from(self.bytes.get(blank) == Some(&b'\n'))
        };
        Script::from_bytes(&self.bytes[..end]).with_secrets()
    }

    /// All bytes of the drive.
    ///
    /// ```
    /// use vmtemplate::drive::InstallDrive;
    /// use vmtemplate::Script;
    ///
    /// let drive = InstallDrive::new(&Script::from_text("exit /b\r\n"))?;
    /// assert!(drive.bytes().starts_with(b"exit /b\r\n"));
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Write the drive to a file, completely or not at all. It contains passwords, so only the owner may read the file. A
    /// replaced file keeps its mode and its owner. A block device is written to only with `overwrite`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AlreadyExists`] if `path` is there and `overwrite` is not set; [`ErrorKind::InvalidValue`] if it is a
    /// file of the template that the script was rendered from; those of writing a file.
    ///
    /// ```
    /// use vmtemplate::drive::InstallDrive;
    /// use vmtemplate::Script;
    ///
    /// # let path = std::env::temp_dir().join(format!("vmt-doc-drive-{}.img", std::process::id()));
    /// let drive = InstallDrive::new(&Script::from_text("exit /b\r\n"))?;
    /// drive.write(&path, vmtemplate::output::Overwrite::No)?;
    /// assert_eq!(InstallDrive::read(&path)?, drive);
    /// # std::fs::remove_file(path).unwrap();
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn write(&self, path: impl AsRef<Path>, overwrite: Overwrite) -> Result<()> {
        self.sources.refuse(path.as_ref(), "the drive was rendered from")?;
        let options = OutputOptions::with_overwrite(overwrite).access(Access::Private);
        write_file(path.as_ref(), &self.bytes, &options)
    }
}

fn wrong_size(found: &str) -> Error {
    Error::new(
        ErrorKind::InvalidImage,
        format!("an install drive has {} bytes; this file has {found}", InstallDrive::SIZE),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_an_interpreter_would_not_read_is_refused() {
        for bytes in [&b""[..], b"\xFF\xFEr\0e\0m\0", b"rem\0"] {
            let error = InstallDrive::new(&Script::from_bytes(bytes)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidScript, "{bytes:?}");
        }
    }

    #[test]
    fn a_script_may_fill_the_drive_and_not_one_byte_more() {
        let full = Script::from_bytes(vec![b'x'; InstallDrive::SIZE]);
        assert_eq!(InstallDrive::new(&full).unwrap().script(), full);
        let error = InstallDrive::new(&Script::from_bytes(vec![b'x'; InstallDrive::SIZE + 1])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    }

    #[test]
    fn another_size_or_nothing_but_padding_is_no_install_drive() {
        for size in [0, 512, InstallDrive::SIZE - 1, InstallDrive::SIZE + 1] {
            let error = InstallDrive::from_bytes(vec![b'x'; size]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidImage);
            assert!(error.to_string().contains(&size.to_string()), "{error}");
        }
        for byte in [0, b'\n', b' '] {
            let error = InstallDrive::from_bytes(vec![byte; InstallDrive::SIZE]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidImage);
        }
    }

    #[cfg(unix)]
    #[test]
    fn an_endless_file_is_refused() {
        let error = InstallDrive::read("/dev/zero").unwrap_err();
        assert_eq!((error.kind(), error.path()), (ErrorKind::InvalidImage, Some(Path::new("/dev/zero"))));
    }

    #[test]
    fn a_drive_that_somebody_else_filled_up_gives_its_script_back() {
        for (script, filler, back) in [
            ("a\r\n", b'\0', "a\r\n"),
            ("a\r\n", b'\n', "a\r\n"),
            ("a\r\n\r\n", b'\n', "a\r\n\r\n"),
            ("a\n\n", b'\n', "a\n"),
            ("a\r\n", b' ', "a\r\n"),
            ("a", b' ', "a"),
        ] {
            let mut bytes = script.as_bytes().to_vec();
            bytes.resize(InstallDrive::SIZE, filler);
            assert_eq!(InstallDrive::from_bytes(bytes).unwrap().script().text(), back, "{script:?} {filler}");
        }
    }

    #[test]
    fn blank_lines_hold_nothing_but_blanks_and_end_every_block() {
        let drive = InstallDrive::new(&Script::from_text("exit")).unwrap();
        assert!(drive.bytes()[4..].iter().all(|byte| b" \t\n".contains(byte)));
        assert_eq!(drive.bytes()[4], b'\n', "the last line has an end");
        assert!(drive.bytes().chunks(512).all(|block| block.ends_with(b"\n")));
    }

    proptest! {
        #[test]
        fn every_padding_gives_every_script_back(
            bytes in prop::collection::vec(prop_oneof![Just(b'\n'), Just(b'\t'), Just(b' '), Just(b'\r'), 1_u8..=255], 1..40),
        ) {
            let script = Script::from_bytes(bytes);
            for &padding in Padding::ALL {
                let drive = InstallDrive::with_padding(&script, padding).unwrap();
                prop_assert_eq!(drive.bytes().len(), InstallDrive::SIZE);
                prop_assert_eq!(&drive.script(), &script);
            }
        }
    }
}
