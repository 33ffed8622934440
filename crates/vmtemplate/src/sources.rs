//! The files that something is made from, which its output must not replace.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::file::is_same_file;

/// Files that were opened, by their paths. Whatever is written later, none of them is meant.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sources(Option<Arc<[PathBuf]>>);

impl Sources {
    pub(crate) fn new(paths: impl IntoIterator<Item = PathBuf>) -> Self {
        Self(Some(paths.into_iter().collect()))
    }

    /// Fail if `output` is one of them, through links and by other names as well. They are what `what` is read from.
    pub(crate) fn refuse(&self, output: &Path, what: &str) -> Result<()> {
        if !self.0.iter().flat_map(|paths| paths.iter()).any(|source| is_same_file(source, output)) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::InvalidValue, format!("the output is a file that {what}"))
            .with_path(output)
            .with_help("give another path; the output would replace that file"))
    }
}
