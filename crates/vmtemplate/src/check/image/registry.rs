//! The registry of the Windows that is checked.

use std::cell::Cell;

use super::look::{Look, Seen, Unread};
use super::volumes::Volume;
use crate::disk::{RegistryHive, RegistryKey, RegistryValue};
use crate::error::{Error, ErrorKind};
use crate::rules::{Finding, Place, image as rules};
use crate::shown::Shown;

/// Where Windows keeps the hives.
const FOLDER: &str = "Windows/System32/config";

/// One hive, or the knowledge that it cannot be read.
pub(super) struct Hive<'v> {
    /// The name of its file: `SYSTEM`.
    name: &'static str,
    /// Where its file is.
    pub(super) file: Place,
    pub(super) content: Option<RegistryHive<'v>>,
    /// Windows kept a copy of it in `RegBack`.
    has_backup: bool,
    /// The report says that it is damaged: once is enough, however many keys are looked for.
    is_told: Cell<bool>,
}

impl<'v> Hive<'v> {
    pub(super) fn open(look: &Look<'_>, volume: &'v Volume, name: &'static str) -> Self {
        let path = format!("{FOLDER}/{name}");
        // A task made copies up to Windows 10, version 1803; since then they are empty (Microsoft, "The system registry is
        // no longer backed up to the RegBack folder").
        let backup = volume.ntfs.file(&format!("{FOLDER}/RegBack/{name}"));
        let has_backup = backup.is_ok_and(|file| file.size() > 0);
        let file = volume.place(look, &path);
        let mut hive = Self { name, file, content: None, has_backup, is_told: Cell::new(false) };
        match volume.file(look, &path) {
            Ok(Some(file)) => match RegistryHive::open(file) {
                Ok(content) => hive.content = Some(content),
                Err(error) => {
                    hive.failed(look, hive.file.clone(), &error);
                }
            },
            Ok(None) => hive.broken(look, "this part of the registry is missing"),
            Err(Unread) => {}
        }
        hive
    }

    /// A key as a place.
    pub(super) fn place(&self, path: &str) -> Place {
        Place { path: Some(format!("HKLM\\{}\\{path}", self.name)), ..self.file.clone() }
    }

    /// The key at `path`, if it is there.
    pub(super) fn key(&self, look: &Look<'_>, path: &str) -> Seen<Option<RegistryKey<'_>>> {
        match &self.content {
            Some(hive) => self.seen(look, path, hive.key(path)),
            None => Err(Unread), // told when it was opened
        }
    }

    /// What reading the key at `path` gave; a failure is reported, damage of the hive once.
    pub(super) fn seen<T>(&self, look: &Look<'_>, path: &str, result: Result<T, Error>) -> Seen<T> {
        result.map_err(|error| self.failed(look, self.place(path), &error))
    }

    fn failed(&self, look: &Look<'_>, place: Place, error: &Error) -> Unread {
        if error.kind() != ErrorKind::InvalidImage || look.is_of_the_disk(error) {
            return look.unread(place, error);
        }
        let message = match &self.content {
            Some(_) => format!(
                "{}: found on the way to {}",
                error.message(),
                Shown(place.path.as_deref().unwrap_or_default())
            ),
            None => error.message().to_owned(),
        };
        self.broken(look, &message);
        Unread
    }

    /// Report that the hive is not whole.
    fn broken(&self, look: &Look<'_>, message: &str) {
        if self.is_told.replace(true) {
            return;
        }
        let finding = Finding::new(rules::HIVE, message).at(self.file.clone());
        look.add(if self.has_backup {
            finding.with_fix(format!(
                "start the machine from the Windows ISO, choose to repair it, open a command prompt, and run: copy \
                 C:\\Windows\\System32\\config\\RegBack\\{0} C:\\Windows\\System32\\config\\{0}",
                self.name
            ))
        } else {
            finding
        });
    }

    fn value<T>(
        &self,
        look: &Look<'_>,
        path: &str,
        name: &str,
        read: impl Fn(RegistryValue<'_>) -> Result<T, Error>,
    ) -> Seen<Option<T>> {
        let Some(key) = self.key(look, path)? else { return Ok(None) };
        self.seen(look, path, key.value(name).and_then(|value| value.map(read).transpose()))
    }

    /// The text of a value, if key and value are there. Here and below the type of the value does not matter.
    pub(super) fn string(&self, look: &Look<'_>, path: &str, name: &str) -> Seen<Option<String>> {
        self.value(look, path, name, |value| value.lenient_text())
    }

    pub(super) fn strings(&self, look: &Look<'_>, path: &str, name: &str) -> Seen<Option<Vec<String>>> {
        self.value(look, path, name, |value| value.lenient_texts())
    }

    pub(super) fn u32(&self, look: &Look<'_>, path: &str, name: &str) -> Seen<Option<u32>> {
        self.value(look, path, name, |value| value.lenient_u32())
    }

    pub(super) fn data(&self, look: &Look<'_>, path: &str, name: &str) -> Seen<Option<Vec<u8>>> {
        self.value(look, path, name, |value| value.data())
    }
}
