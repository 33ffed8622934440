//! Whether an output may replace what exists.

/// Whether writing may replace a file that exists at the output's path.
///
/// ```
/// use vmtemplate::output::Overwrite;
/// use vmtemplate::{ErrorKind, Script};
///
/// # let dir = std::env::temp_dir().join(format!("vmt-doc-overwrite-{}", std::process::id()));
/// # std::fs::create_dir_all(&dir).unwrap();
/// # let path = dir.join("setup.cmd");
/// let script = Script::from_text("exit /b\r\n");
/// script.write_file(&path, Overwrite::No)?;
/// assert_eq!(script.write_file(&path, Overwrite::No).unwrap_err().kind(), ErrorKind::AlreadyExists);
/// script.write_file(&path, Overwrite::Yes)?;
/// # std::fs::remove_dir_all(dir).unwrap();
/// # Ok::<(), vmtemplate::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Overwrite {
    /// An existing file is an error, and stays as it is.
    #[default]
    No,
    /// An existing file is replaced, with its mode and owner kept, when the new one is complete.
    Yes,
}

/// From an `overwrite` of an options struct, or a `--force` of a command line.
impl From<bool> for Overwrite {
    fn from(overwrite: bool) -> Self {
        if overwrite { Self::Yes } else { Self::No }
    }
}
