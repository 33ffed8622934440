//! The templates of a repository, as people want to see them.

use std::collections::HashMap;
use std::fs;
use std::time::SystemTime;

use super::change::MIB;
use super::description::Description;
use super::entry::RepositoryEntry;
use super::store::Store;
use super::{Repository, contents, reason_against_archive};
use crate::archive::open_source;
use crate::civil;
use crate::error::Result;

/// A server is asked about no more archives than this; a question takes some milliseconds.
const MOST_ASKED: usize = 1000;

impl Repository {
    /// The templates as they are described now, in the order of the description.
    ///
    /// Version, size and time of change are taken from the archive where the description does not say them, as that of
    /// VMmanager 6 does not say version and time. On a server only size and time are asked for, and these of no more than
    /// 1,000 archives.
    ///
    /// # Errors
    ///
    /// [`InvalidRepository`](crate::ErrorKind::InvalidRepository) with line and column when the description is malformed. A
    /// value that is not what its key holds is no error here; [`verify`](Self::verify) reports it.
    ///
    /// ```no_run
    /// for entry in vmtemplate::Repository::open("/srv/repo")?.list()? {
    ///     println!("{} {} {:?}", entry.name, entry.file_name, entry.modified_utc);
    /// }
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn list(&self) -> Result<Vec<RepositoryEntry>> {
        let mut entries = self.described()?;
        match &self.store {
            Store::Folder(_) => entries.iter_mut().for_each(|entry| self.complete(entry)),
            Store::Remote(folder) => {
                let names: Vec<_> = entries.iter().map(|entry| entry.file_name.clone()).collect();
                let names: Vec<_> = names
                    .iter()
                    .map(|name| &**name)
                    .filter(|name| reason_against_archive(name).is_none())
                    .collect();
                if names.len() > MOST_ASKED {
                    return Ok(entries);
                }
                // Who may read the description need not be allowed to look at more.
                let files = folder.look_up(&names).unwrap_or_default();
                let files: HashMap<_, _> = files.iter().map(|file| (&*file.name, file)).collect();
                for entry in &mut entries {
                    let Some(file) = files.get(&*entry.file_name) else { continue };
                    // A server that states no time gives the begin of all times.
                    if file.modified > SystemTime::UNIX_EPOCH {
                        entry.modified_utc.get_or_insert_with(|| civil::utc(file.modified));
                    }
                    if file.size < u64::MAX {
                        entry.archive_size_mib.get_or_insert(file.size.div_ceil(MIB));
                    }
                }
            }
        }
        Ok(entries)
    }

    /// The templates with no more than the description says of them.
    pub(super) fn described(&self) -> Result<Vec<RepositoryEntry>> {
        Ok(Description::read(&self.store, self.format())?.entries())
    }

    /// Add what the archive in the folder says. One that does not exist or not sound says nothing; `verify` reports it.
    pub(super) fn complete(&self, entry: &mut RepositoryEntry) {
        if reason_against_archive(&entry.file_name).is_some() {
            return;
        }
        let path = self.folder().join(&entry.file_name);
        let Some(found) = fs::metadata(&path).ok().filter(fs::Metadata::is_file) else { return };
        entry.archive_size_mib.get_or_insert(found.len().div_ceil(MIB));
        if let Ok(time) = found.modified() {
            entry.modified_utc.get_or_insert_with(|| civil::utc(time));
        }
        if entry.template_version.is_none() && entry.file_name.ends_with(".tar.gz") {
            entry.template_version = open_source(&path).ok().and_then(|archive| contents::version(&archive));
        }
    }
}
