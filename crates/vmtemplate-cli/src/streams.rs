//! `-` in the place of a file: the standard streams.

use std::io::{self, IsTerminal, StdinLock, StdoutLock};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use vmtemplate::{Error, Result, probe_output};

/// What messages call standard input.
pub(crate) const STDIN: &str = "standard input";

/// Whether this argument stands for a standard stream. A file of that name is `./-`.
pub(crate) fn is_stream(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Whether an argument of this command has taken standard input already.
static IS_TAKEN: AtomicBool = AtomicBool::new(false);

/// A new command begins: it may read standard input.
pub(crate) fn begin() {
    IS_TAKEN.store(false, Ordering::Relaxed);
}

/// Standard input, which gives its bytes only once.
pub(crate) fn stdin() -> Result<StdinLock<'static>> {
    if IS_TAKEN.swap(true, Ordering::Relaxed) {
        let why = "two arguments are `-`, and it can be read once; give a file for one of them";
        return Err(Error::io("cannot read standard input", io::Error::other(why)));
    }
    Ok(io::stdin().lock())
}

/// What `from_file` reads of a file, and `from_reader` of standard input.
pub(crate) fn read<T>(
    path: &Path,
    from_file: impl FnOnce(&Path) -> Result<T>,
    from_reader: impl FnOnce(StdinLock<'static>) -> Result<T>,
) -> Result<T> {
    if is_stream(path) { from_reader(stdin()?) } else { from_file(path) }
}

/// Standard output for bytes that are not for people to read.
pub(crate) fn stdout() -> Result<StdoutLock<'static>> {
    probe_stdout()?;
    Ok(io::stdout().lock())
}

fn probe_stdout() -> Result<()> {
    if io::stdout().is_terminal() {
        let why = "this would be binary data on a terminal; redirect it, or give a file with -o";
        return Err(Error::io("cannot write to standard output", io::Error::other(why)));
    }
    Ok(())
}

/// Fail now if binary data could not be written to `path`.
pub(crate) fn probe(path: &Path, overwrite: bool) -> Result<()> {
    if is_stream(path) { probe_stdout() } else { probe_output(path, overwrite) }
}

/// The same for text, if it goes to a file at all.
pub(crate) fn probe_text(path: Option<&Path>, overwrite: bool) -> Result<()> {
    path.filter(|path| !is_stream(path)).map_or(Ok(()), |path| probe_output(path, overwrite))
}

/// What messages call an input.
pub(crate) fn input_name(path: &Path) -> String {
    if is_stream(path) { STDIN.to_owned() } else { path.display().to_string() }
}
