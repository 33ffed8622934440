//! A folder for the files that a target writes.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// Run `work` with the folder of this thread, in memory if possible.
pub(crate) fn with_scratch<T>(work: impl FnOnce(&Path) -> T) -> T {
    thread_local! { static FOLDER: OnceCell<TempDir> = const { OnceCell::new() } }
    FOLDER.with(|folder| {
        let make = || {
            let memory = PathBuf::from("/dev/shm");
            let parent = if memory.is_dir() { memory } else { std::env::temp_dir() };
            tempfile::Builder::new().prefix("vmtemplate-fuzz-").tempdir_in(parent).unwrap()
        };
        work(folder.get_or_init(make).path())
    })
}
