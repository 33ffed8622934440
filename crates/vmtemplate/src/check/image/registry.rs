//! The registry of the Windows that is checked.

use super::look::{Look, Seen, Unread};
use super::volumes::Volume;
use crate::disk::{RegistryHive, RegistryKey};
use crate::error::{Error, ErrorKind};
use crate::finding::Place;

/// One hive, or the knowledge that it cannot be read.
pub(super) struct Hive<'v> {
    /// As Windows calls it: `HKLM\SYSTEM`.
    name: &'static str,
    /// Where its file is.
    pub(super) file: Place,
    pub(super) content: Option<RegistryHive<'v>>,
}

impl<'v> Hive<'v> {
    pub(super) fn open(look: &Look<'_>, volume: &'v Volume, path: &str, name: &'static str) -> Self {
        let place = volume.place(look, path);
        let content = match volume.file(look, path) {
            Ok(Some(file)) => look.seen(place.clone(), RegistryHive::open(file)).ok(),
            Ok(None) => {
                look.unread(
                    place.clone(),
                    &Error::new(ErrorKind::NotFound, "this part of the registry is missing"),
                );
                None
            }
            Err(_) => None,
        };
        Self { name, file: place, content }
    }

    /// A key as a place.
    pub(super) fn place(&self, path: &str) -> Place {
        Place { path: Some(format!("{}\\{path}", self.name)), ..self.file.clone() }
    }

    /// The key at `path`, if it is there.
    pub(super) fn key(&self, look: &Look<'_>, path: &str) -> Seen<Option<RegistryKey<'_>>> {
        match &self.content {
            Some(hive) => look.seen(self.place(path), hive.key(path)),
            None => Err(Unread), // told when it was opened
        }
    }

    fn value<T>(
        &self,
        look: &Look<'_>,
        path: &str,
        read: impl Fn(RegistryKey<'_>) -> Result<Option<T>, Error>,
    ) -> Seen<Option<T>> {
        match self.key(look, path)? {
            Some(key) => look.seen(self.place(path), read(key)),
            None => Ok(None),
        }
    }

    /// The text of a value, if key and value are there.
    pub(super) fn string(&self, look: &Look<'_>, path: &str, name: &str) -> Seen<Option<String>> {
        self.value(look, path, |key| key.string(name))
    }

    pub(super) fn strings(&self, look: &Look<'_>, path: &str, name: &str) -> Seen<Option<Vec<String>>> {
        self.value(look, path, |key| key.strings(name))
    }

    pub(super) fn u32(&self, look: &Look<'_>, path: &str, name: &str) -> Seen<Option<u32>> {
        self.value(look, path, |key| key.u32(name))
    }

    pub(super) fn data(&self, look: &Look<'_>, path: &str, name: &str) -> Seen<Option<Vec<u8>>> {
        self.value(look, path, |key| key.value(name)?.map(|value| value.data()).transpose())
    }
}
