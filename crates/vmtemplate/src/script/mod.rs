//! Setup scripts: their bytes, as they go on the install drive, and what these mean.
//!
//! [`Script`] is any setup script: its encoding, its line endings, its problems ([`Script::check`]), and its macros
//! replaced ([`Script::render`]). [`SetupScript`] generates one for Windows, and [`FirstRunKit`] the files that find and
//! run it in the guest.

mod encoding;
mod first_run;
mod line_ending;
mod lint;
mod setup;
mod wide;

use std::borrow::Cow;
use std::fs::File;
use std::hash::{Hash, Hasher};
use std::io::{self, Read};
use std::path::Path;

use crate::access::Access;
use crate::disk::no_script;
use crate::error::{Error, ErrorKind, Result};
use crate::file::read_stream_bounded;
use crate::macros::{
    FindMacros, KnownMacros, MacroPlace, MacroValues, RenderOptions, ScriptLanguage, Source, Told,
    find_in_bytes, macro_places, render,
};
use crate::output::{self, OutputOptions};
use crate::overwrite::Overwrite;
use crate::sources::Sources;

pub use encoding::ScriptEncoding;
pub use first_run::FirstRunKit;
pub use line_ending::LineEnding;
pub use lint::ScriptCheckOptions;
pub use setup::{SetupFirewall, SetupInterface, SetupScript, SetupStep};

/// A script of a template: its bytes, unchanged, and their meaning as text.
///
/// The bytes are authoritative: a script in an 8-bit code page, or in several, is kept byte for byte. It is opened as
/// it is found, and nothing is changed behind the caller's back; [`Script::to_windows`] fixes line ends when asked.
///
/// ```
/// use vmtemplate::script::{LineEnding, ScriptEncoding};
/// use vmtemplate::Script;
///
/// let script = Script::from_text("@echo off\necho ($IP)\n");
/// assert_eq!(script.encoding(), ScriptEncoding::Ascii);
/// assert_eq!(script.line_ending(), LineEnding::Lf);
///
/// let script = script.to_windows();
/// assert_eq!(script.bytes(), b"@echo off\r\necho ($IP)\r\n");
/// assert_eq!(script.macros().count(), 1);
/// ```
#[derive(Debug, Clone)]
pub struct Script {
    bytes: Vec<u8>,
    /// Values have been put in, and a password may be among them.
    has_secrets: bool,
    /// What it was rendered from.
    sources: Sources,
}

/// Scripts are equal if their bytes are, wherever these come from.
impl PartialEq for Script {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Script {}

impl Hash for Script {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes.hash(state);
    }
}

impl Script {
    /// The size of the install drive in bytes, and so the most that a rendered script may have.
    ///
    /// ```
    /// assert_eq!(vmtemplate::Script::MAX_SIZE, 2048 * 512);
    /// ```
    pub const MAX_SIZE: usize = 1 << 20;

    /// The script of these bytes, whatever they are.
    ///
    /// ```
    /// use vmtemplate::script::ScriptEncoding;
    /// use vmtemplate::Script;
    ///
    /// let script = Script::from_bytes(*b"echo \x8f\xe0\xa8\xa2\xa5\xe2\r\n"); // Cyrillic in code page 866
    /// assert_eq!(script.encoding(), ScriptEncoding::Unknown8bit);
    /// ```
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self { bytes: bytes.into(), has_secrets: false, sources: Sources::default() }
    }

    /// The same script, which must not overwrite any of these files.
    pub(crate) fn with_sources(self, sources: &Sources) -> Self {
        Self { sources: sources.clone(), ..self }
    }

    pub(crate) fn sources(&self) -> &Sources {
        &self.sources
    }

    /// The same script, whose file only its owner may read.
    pub(crate) fn with_secrets(self) -> Self {
        Self { has_secrets: true, ..self }
    }

    /// The script of this text, in UTF-8 unchanged.
    ///
    /// ```
    /// assert_eq!(vmtemplate::Script::from_text("rem\r\n").bytes(), b"rem\r\n");
    /// ```
    pub fn from_text(text: impl Into<String>) -> Self {
        Self::from_bytes(text.into())
    }

    /// Read a script file.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::LimitExceeded`] if it is larger than [`Script::MAX_SIZE`], which no install drive holds; at most
    /// that much is read. Those of reading a file.
    ///
    /// ```
    /// use vmtemplate::{ErrorKind, Script};
    ///
    /// assert_eq!(Script::from_file("/no/such.cmd").unwrap_err().kind(), ErrorKind::NotFound);
    /// ```
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let opened = File::open(path).map_err(cannot_read);
        opened.and_then(Self::from_reader).map_err(|error| error.with_path(path))
    }

    /// Read a script from a stream, to its end.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::LimitExceeded`] if it is larger than [`Script::MAX_SIZE`]; [`ErrorKind::InvalidScript`] if it is known to
    /// be something else, such as a packed file or a web page; those of reading a stream.
    ///
    /// ```
    /// use vmtemplate::Script;
    ///
    /// let stream = &b"exit /b\r\n"[..]; // or std::io::stdin().lock()
    /// assert_eq!(Script::from_reader(stream)?.text(), "exit /b\r\n");
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn from_reader(reader: impl Read) -> Result<Self> {
        let bytes = read_stream_bounded(reader, Self::MAX_SIZE).map_err(cannot_read)?;
        let bytes = bytes.ok_or_else(|| {
            Error::new(
                ErrorKind::LimitExceeded,
                format!("the script is larger than the install drive, which has {} bytes", Self::MAX_SIZE),
            )
            .with_help("move large parts into the disk image, or let the script download them")
        })?;
        if let Some(name) = no_script(&bytes) {
            let message = format!("this is {name}; a setup script was expected");
            return Err(Error::new(ErrorKind::InvalidScript, message).with_help("give the script itself"));
        }
        Ok(Self::from_bytes(bytes))
    }

    /// The bytes, as they go on the install drive.
    ///
    /// ```
    /// assert_eq!(vmtemplate::Script::from_bytes([0xFF]).bytes(), [0xFF]);
    /// ```
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes, without a copy.
    ///
    /// ```
    /// assert_eq!(vmtemplate::Script::from_text("rem").into_bytes(), b"rem");
    /// ```
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// The text, for people to read: without a byte order mark, and with `�` for every byte whose character cannot
    /// be told because the code page is not known.
    ///
    /// ```
    /// use vmtemplate::Script;
    ///
    /// assert_eq!(Script::from_bytes(*b"\xFF\xFEr\0e\0m\0").text(), "rem");
    /// assert_eq!(Script::from_bytes(*b"\x8f!").text(), "\u{FFFD}!");
    /// ```
    pub fn text(&self) -> Cow<'_, str> {
        self.encoding().decode(&self.bytes)
    }

    /// How characters are stored.
    ///
    /// ```
    /// use vmtemplate::script::ScriptEncoding;
    /// use vmtemplate::Script;
    ///
    /// assert_eq!(Script::from_bytes(*b"\xEF\xBB\xBFrem").encoding(), ScriptEncoding::Utf8Bom);
    /// ```
    pub fn encoding(&self) -> ScriptEncoding {
        ScriptEncoding::detect(&self.bytes)
    }

    /// How lines end.
    ///
    /// ```
    /// use vmtemplate::script::LineEnding;
    /// use vmtemplate::Script;
    ///
    /// assert_eq!(Script::from_text("a\r\nb\n").line_ending(), LineEnding::Mixed);
    /// ```
    pub fn line_ending(&self) -> LineEnding {
        line_ending::of(&self.bytes, self.encoding())
    }

    /// The same script with every line end as CR LF, which `cmd.exe` and the guide ask for.
    ///
    /// CRs that are before an LF become one, so that neither a second call nor a file that was converted twice
    /// (`CR CR LF`) doubles them. A CR anywhere else is kept: `cmd.exe` skips it and ends no line there.
    /// Doing so twice has the same effect as doing so once.
    ///
    /// ```
    /// let script = vmtemplate::Script::from_text("a\nb\r\nc\r\r\n").to_windows();
    /// assert_eq!(script.text(), "a\r\nb\r\nc\r\n");
    /// ```
    #[must_use]
    pub fn to_windows(&self) -> Self {
        Self { bytes: line_ending::to_crlf(&self.bytes, self.encoding()), ..self.clone() }
    }

    /// Everything that is spelled as a macro, in order, with its place in [`Script::bytes`].
    ///
    /// A `($NAME)` that is not in the [catalogue](crate::macros::MacroInfo::catalogue) is a macro if metainfo.xml declares it or a
    /// value is given for it; in PowerShell it is an expression otherwise.
    ///
    /// The platform replaces bytes: those of a script in UTF-16 are found here, but not by the platform.
    ///
    /// ```
    /// let script = vmtemplate::Script::from_text("net user Administrator ($PASS)\r\n");
    /// assert_eq!(script.macros().next().unwrap().position.column, 24);
    /// ```
    pub fn macros(&self) -> FindMacros<'_> {
        find_in_bytes(&self.bytes, self.encoding().characters())
    }

    /// The interpreter that the script is for: by its `#!` line, or by its content. `None` if the `#!` line names an
    /// unknown one, or if nothing identifies it.
    ///
    /// ```
    /// use vmtemplate::macros::ScriptLanguage;
    /// use vmtemplate::Script;
    ///
    /// assert_eq!(Script::from_text("$ip = '($IP)'\r\n").language(), Some(ScriptLanguage::PowerShell));
    /// assert_eq!(Script::from_text("set -e\nreboot\n").language(), Some(ScriptLanguage::Posix));
    /// assert_eq!(Script::from_text("($IP)\n").language(), None);
    /// ```
    pub fn language(&self) -> Option<ScriptLanguage> {
        self.tell_language(None).language()
    }

    /// [`Script::language`] of a file with this name: the `#!` line decides first, then the name, then the content.
    ///
    /// ```
    /// use vmtemplate::macros::ScriptLanguage;
    /// use vmtemplate::Script;
    ///
    /// let script = Script::from_text("echo ($IP)\n");
    /// assert_eq!(script.language(), None);
    /// assert_eq!(script.language_as("setup.sh"), Some(ScriptLanguage::Posix));
    /// ```
    pub fn language_as(&self, file_name: &str) -> Option<ScriptLanguage> {
        self.tell_language(Some(file_name)).language()
    }

    fn tell_language(&self, file_name: Option<&str>) -> Told {
        if self.encoding().is_utf16() {
            ScriptLanguage::tell(self.text().as_bytes(), file_name)
        } else {
            ScriptLanguage::tell(&self.bytes, file_name)
        }
    }

    /// Where each of these macros is, and for which of them no quoting is safe: what the lint asks.
    ///
    /// There are none in UTF-16.
    fn places(&self, language: ScriptLanguage, known: &KnownMacros) -> Vec<MacroPlace> {
        let encoding = self.encoding();
        if encoding.is_utf16() {
            return Vec::new();
        }
        macro_places(&self.bytes, encoding.is_utf8(), language, known.among(self.macros()))
    }

    /// The places of everything that is spelled as a macro, for the tests of the languages.
    #[cfg(test)]
    pub(crate) fn macro_places(&self, language: Option<ScriptLanguage>) -> Vec<MacroPlace> {
        let known = KnownMacros::with(self.macros().map(|found| found.name));
        language.or_else(|| self.language()).map(|language| self.places(language, &known)).unwrap_or_default()
    }

    /// The script with every macro replaced by its value.
    ///
    /// Macros are the names of the [catalogue](crate::macros::MacroInfo::catalogue), those that `options` declares, and those that
    /// have a value. Any other `($name)` is text, as it is to the platform, and stays.
    ///
    /// Each value is quoted for the place of its macro, so that the program receives it unchanged; where that is
    /// impossible, it is refused. A value is never a command, an option, a variable, a redirection
    /// or the end of a string. All bytes outside the macros stay unchanged. A batch file is read as cmd.exe reads it,
    /// variables that get a value are followed to where they are expanded, and a value that is not safe there is
    /// refused. Values whose characters mean nothing anywhere, such as addresses, pass nearly everywhere.
    ///
    /// An empty value of a macro that is a word of its own is written as empty quotes.
    ///
    /// In batch files `"`, control characters and all that is not ASCII are refused in free text. What a script does
    /// with values in files that it writes, and with variables whose names it computes, is not followed. The quoting of
    /// batch files and of POSIX shells is tested under wine's cmd.exe and real shells; that of PowerShell follows
    /// Microsoft's documentation of its quoting rules, and has not been run.
    ///
    /// Several public SSH keys are a value of several lines. It is accepted where the script takes lines: alone on the line of a
    /// here-document or here-string, or inside quotes of a shell.
    ///
    /// In preseed and kickstart files and in a cloud-config, whose places are not known, a value of letters, digits and
    /// `.`, `_`, `:`, `-`, `/`, `+`, `=`, `@` passes, and others are refused.
    ///
    /// A script in UTF-16 is rendered if it is for PowerShell and has a byte order mark; otherwise it is refused.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidValue`] with every macro that has no value and every value that cannot be where it
    /// would, each with line, column and reason; [`ErrorKind::Unsupported`] for a script of an interpreter whose
    /// quoting is not known, or where nothing says which one it is for; [`ErrorKind::InvalidScript`] for UTF-16 that no
    /// interpreter reads.
    ///
    /// ```
    /// use vmtemplate::macros::{MacroValues, RenderOptions};
    /// use vmtemplate::Script;
    ///
    /// let script = Script::from_text("net user Administrator ($PASS)\r\ngoto ($PASS)\r\n");
    /// let values = MacroValues::new().with("PASS", "100% sure & safe")?;
    /// let error = script.render(&values, &RenderOptions::default()).unwrap_err();
    /// assert_eq!(error.problems()[0].position().unwrap().line, 2);
    ///
    /// let script = Script::from_text("net user Administrator ($PASS)\r\n");
    /// let rendered = script.render(&values, &RenderOptions::default())?;
    /// assert_eq!(rendered.text(), "net user Administrator \"100%% sure & safe\"\r\n");
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn render(&self, values: &MacroValues, options: &RenderOptions) -> Result<Self> {
        if encoding::is_utf32(&self.bytes) {
            let message = "the script is UTF-32, which neither cmd.exe nor PowerShell nor a shell runs";
            return Err(Error::new(ErrorKind::InvalidScript, message)
                .with_help("save it in ASCII, in UTF-8, or, for PowerShell, in UTF-16"));
        }
        let encoding = self.encoding();
        if encoding.is_utf16() {
            return self.render_wide(values, options);
        }
        let source = Source { bytes: &self.bytes, utf8: encoding.is_utf8(), most: Self::MAX_SIZE };
        render(&source, values, options).map(|bytes| Self::from_bytes(bytes).with_secrets())
    }

    /// Write the script as a file, completely or not at all.
    ///
    /// A script that [`render`](Self::render) made may contain a password, so only the owner may read its file. A
    /// file that is replaced keeps its mode and its owner, and a link stays one: the file that it leads to is replaced.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AlreadyExists`] if `path` exists and `overwrite` is [`No`](Overwrite::No); [`ErrorKind::InvalidValue`] if it is a file
    /// of the template that the script was rendered from; those of writing a file.
    ///
    /// ```
    /// # let path = std::env::temp_dir().join(format!("vmt-doc-script-{}.cmd", std::process::id()));
    /// vmtemplate::Script::from_text("exit /b\r\n").write_file(&path, vmtemplate::output::Overwrite::No)?;
    /// # std::fs::remove_file(path).unwrap();
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn write_file(&self, path: impl AsRef<Path>, overwrite: Overwrite) -> Result<()> {
        self.sources.refuse(path.as_ref(), "the script was rendered from")?;
        let access = if self.has_secrets { Access::Private } else { Access::Umask };
        let options = OutputOptions::with_overwrite(overwrite).access(access);
        output::write_file(path.as_ref(), &self.bytes, &options)
    }

    /// The default setup script for Windows, with every step. [`SetupScript`] generates others.
    ///
    /// ```
    /// use vmtemplate::script::{LineEnding, ScriptEncoding};
    /// use vmtemplate::Script;
    ///
    /// let script = Script::default_windows();
    /// assert_eq!((script.encoding(), script.line_ending()), (ScriptEncoding::Ascii, LineEnding::CrLf));
    /// ```
    pub fn default_windows() -> Self {
        SetupScript::windows().assemble()
    }
}

fn cannot_read(error: io::Error) -> Error {
    Error::io("cannot read the script", error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::macros::MacroInfo;
    use proptest::prelude::*;
    use std::io::Write;

    #[test]
    fn a_file_past_the_size_of_the_drive_is_refused_and_one_of_its_size_is_read() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&vec![b'x'; Script::MAX_SIZE]).unwrap();
        assert_eq!(Script::from_file(file.path()).unwrap().bytes().len(), Script::MAX_SIZE);
        file.write_all(b"x").unwrap();
        let error = Script::from_file(file.path()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LimitExceeded);
        assert_eq!(error.path(), Some(file.path()));
    }

    #[cfg(unix)]
    #[test]
    fn an_endless_file_is_refused() {
        assert_eq!(Script::from_file("/dev/zero").unwrap_err().kind(), ErrorKind::LimitExceeded);
    }

    #[test]
    fn the_default_script_uses_known_macros_only() {
        let script = Script::default_windows();
        assert!(script.macros().count() > 5);
        for found in script.macros() {
            assert!(MacroInfo::lookup(found.name.name()).is_some(), "{}", found.name);
        }
        assert_eq!(script, script.to_windows());
    }

    #[test]
    fn eight_bit_bytes_are_kept_and_count_one_column_each() {
        let script = Script::from_bytes(*b"echo \x8f\xe0 ($IP)\n");
        assert_eq!(script.to_windows().bytes(), b"echo \x8f\xe0 ($IP)\r\n");
        assert_eq!(script.macros().next().unwrap().position.column, 9);
        assert_eq!(script.text(), "echo \u{FFFD}\u{FFFD} ($IP)\n");
    }

    #[test]
    fn a_byte_order_mark_is_no_column() {
        let script = Script::from_bytes(*b"\xEF\xBB\xBF($IP)\n");
        let found = script.macros().next().unwrap();
        assert_eq!((found.range, found.position.column), (3..8, 1));
    }

    proptest! {
        #[test]
        fn windows_line_ends_are_idempotent_and_never_double(bytes in "[ab\r\n\u{e4}]{0,40}", le in any::<bool>(), wide in any::<bool>()) {
            let script = if wide {
                let mut wide = if le { vec![0xFF, 0xFE] } else { vec![0xFE, 0xFF] };
                for unit in bytes.encode_utf16() {
                    wide.extend(if le { unit.to_le_bytes() } else { unit.to_be_bytes() });
                }
                Script::from_bytes(wide)
            } else {
                Script::from_text(bytes.clone())
            };
            let once = script.to_windows();
            prop_assert_eq!(&once, &once.to_windows());
            let text = once.text().into_owned();
            prop_assert!(!text.contains("\r\r\n"));
            prop_assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
            // Apart from CRs before an LF nothing has changed.
            let plain = |text: &str| {
                let mut text = text.to_owned();
                while text.contains("\r\n") { text = text.replace("\r\n", "\n"); }
                text
            };
            prop_assert_eq!(plain(&text), plain(&bytes));
        }
    }
}
