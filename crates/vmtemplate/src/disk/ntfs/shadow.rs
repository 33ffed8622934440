//! The shadow copies that a volume holds.

use super::NtfsVolume;
use crate::error::{ErrorKind, Result};

/// Where the Volume Shadow Copy Service keeps its files.
const FOLDER: &str = "System Volume Information";

/// How the name of a store ends: the GUID of the service's provider, behind that of the shadow copy. The file that is
/// called by this alone is the catalogue. Source: libvshadow, "Volume Shadow Snapshot (VSS) format", section 2.
const STORE: &str = "{3808876b-c176-4e48-b7ae-04046e6cc752}";

impl NtfsVolume {
    /// How many shadow copies have their changes in a file of this volume.
    pub(crate) fn shadow_copies(&self) -> Result<u64> {
        let folder = match self.file(FOLDER) {
            Ok(folder) if folder.is_folder() => folder,
            Ok(_) => return Ok(0),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
            Err(error) => return Err(error),
        };
        let is_store = |name: &str| {
            let name = name.to_ascii_lowercase();
            name.strip_suffix(STORE).is_some_and(|copy| copy.starts_with('{') && copy.ends_with('}'))
        };
        Ok(folder.list()?.iter().filter(|entry| !entry.is_folder && is_store(&entry.name)).count() as u64)
    }
}
