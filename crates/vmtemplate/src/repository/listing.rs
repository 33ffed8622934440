//! The templates of a repository, as people want to see them.

use std::collections::HashMap;
use std::time::SystemTime;

use super::description::Description;
use super::entry::RepositoryEntry;
use super::new_entry::MIB;
use super::{Repository, contents, reason_against_archive};
use crate::civil;
use crate::error::Result;

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
    /// value that is not what its key holds is no error here; [`check`](Self::check) reports it.
    ///
    /// ```no_run
    /// for entry in vmtemplate::Repository::open("/srv/repo")?.list()? {
    ///     println!("{} {} {:?}", entry.name, entry.file_name, entry.modified_utc);
    /// }
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn list(&self) -> Result<Vec<RepositoryEntry>> {
        let mut entries = self.described()?;
        for entry in &mut entries {
            self.complete(entry);
        }
        let names: Vec<_> = entries.iter().map(|entry| &*entry.file_name).collect();
        let names: Vec<_> = names.into_iter().filter(|name| reason_against_archive(name).is_none()).collect();
        let found: HashMap<_, _> = self.store.look_up(&names).into_iter().collect();
        for entry in &mut entries {
            let Some(found) = found.get(&entry.file_name) else { continue };
            // A server that states no time gives the beginning of all times.
            if found.modified > SystemTime::UNIX_EPOCH {
                entry.modified_utc.get_or_insert_with(|| civil::utc(found.modified));
            }
            if found.size < u64::MAX {
                entry.archive_size_mib.get_or_insert(found.size.div_ceil(MIB));
            }
        }
        Ok(entries)
    }

    /// The templates with no more than the description says of them.
    pub(super) fn described(&self) -> Result<Vec<RepositoryEntry>> {
        Ok(Description::read(&*self.store, self.format())?.entries())
    }

    /// Add what the archive says, as far as that costs no request. One that does not exist or is not sound says nothing;
    /// `verify` reports it.
    pub(super) fn complete(&self, entry: &mut RepositoryEntry) {
        if reason_against_archive(&entry.file_name).is_some() {
            return;
        }
        let Some(found) = self.store.known(&entry.file_name) else { return };
        entry.archive_size_mib.get_or_insert(found.size.div_ceil(MIB));
        entry.modified_utc.get_or_insert_with(|| civil::utc(found.modified));
        if entry.template_version.is_none() && entry.file_name.ends_with(".tar.gz") {
            let archive = self.store.archive(&entry.file_name).ok();
            entry.template_version = archive.and_then(|archive| contents::version(&archive));
        }
    }
}
