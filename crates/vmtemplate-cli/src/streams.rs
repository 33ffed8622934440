//! `-` instead of a file name: the standard streams.

use std::io::{self, IsTerminal, StdinLock, StdoutLock};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use vmtemplate::output::probe_output;
use vmtemplate::source::Spooled;
use vmtemplate::{Archive, Control, Error, Result};

/// The name of standard input in messages.
pub(crate) const STDIN: &str = "standard input";

/// Whether this argument means a standard stream. A file with that name is `./-`.
pub(crate) fn is_stream(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Whether an argument of this command is already read from standard input.
static IS_TAKEN: AtomicBool = AtomicBool::new(false);

/// Start a new command, which may read standard input.
pub(crate) fn begin() {
    IS_TAKEN.store(false, Ordering::Relaxed);
}

/// Standard input, which can be read only once.
pub(crate) fn stdin() -> Result<StdinLock<'static>> {
    if IS_TAKEN.swap(true, Ordering::Relaxed) {
        let why = "two arguments are `-`, but it can be read only once; give a file for one of them";
        return Err(Error::io("cannot read standard input", io::Error::other(why)));
    }
    Ok(io::stdin().lock())
}

/// Read `path` with `from_file`, or standard input with `from_reader`.
pub(crate) fn read<T>(
    path: &Path,
    from_file: impl FnOnce(&Path) -> Result<T>,
    from_reader: impl FnOnce(StdinLock<'static>) -> Result<T>,
) -> Result<T> {
    if is_stream(path) { from_reader(stdin()?) } else { from_file(path) }
}

/// The archive at a path or URL, or from standard input, which is kept in a temporary file without a name.
pub(crate) fn archive(path: &Path, control: &Control) -> Result<Archive> {
    read(
        path,
        |path| Archive::open(path),
        |stdin| Archive::from_source(Spooled::read(stdin, control)?, STDIN),
    )
}

/// Standard output for binary data.
pub(crate) fn stdout() -> Result<StdoutLock<'static>> {
    probe_stdout()?;
    Ok(io::stdout().lock())
}

fn probe_stdout() -> Result<()> {
    if io::stdout().is_terminal() {
        let why = "it is a terminal, and the output is binary; redirect it, or give a file with -o";
        return Err(Error::io("cannot write to standard output", io::Error::other(why)));
    }
    Ok(())
}

/// Fail early if binary data cannot be written to `path`.
pub(crate) fn probe(path: &Path, overwrite: bool) -> Result<()> {
    if is_stream(path) { probe_stdout() } else { probe_output(path, overwrite.into()) }
}

/// The same for text, if it is written to a file.
pub(crate) fn probe_text(path: Option<&Path>, overwrite: bool) -> Result<()> {
    path.filter(|path| !is_stream(path)).map_or(Ok(()), |path| probe_output(path, overwrite.into()))
}

/// The name of an input in messages.
pub(crate) fn input_name(path: &Path) -> String {
    if is_stream(path) { STDIN.to_owned() } else { path.display().to_string() }
}
