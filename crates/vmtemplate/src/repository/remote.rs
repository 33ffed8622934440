//! Publishing to object storage, where nothing can be locked and nothing renamed.
//!
//! The order is that of a folder: an archive is in its place before SHA256SUMS and then the description name it, and
//! goes after both have ceased to. An archive's name is claimed by an empty file that is written only where there is
//! none. The description and SHA256SUMS are written only over the version that was read; a publisher that was overtaken reads
//! them again and does the same to the newer one. A publisher that is killed leaves what nobody describes: an empty
//! file, or an archive.

use std::thread;
use std::time::{Duration, Instant};

use super::contents::{Contents, HashingWriter};
use super::description::Description;
use super::entry::RepositoryEntry;
use super::file_name::{check_form, own_name, with_hash};
use super::incoming::Incoming;
use super::json;
use super::options::{EntryOptions, PublishOptions};
use super::publish::{changed_meanwhile, copy, signature_names};
use super::sums::{self, Sums};
use super::{Repository, more_keys, reason_against_archive, signature};
use crate::error::{Error, ErrorKind, Result};
use crate::fail_points::fail_point;
use crate::progress::Control;
use crate::remote::{Expected, RemoteFolder, Upload, Version};

/// The first pause of a publisher that was overtaken.
const PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// An archive that is about to be sent.
pub(super) struct Sending<'a> {
    /// What is known of it beforehand.
    pub(super) first: &'a Contents,
    /// The name that it is to have.
    pub(super) file_name: &'a str,
    /// The template whose archive it replaces.
    pub(super) replaces: Option<&'a str>,
    /// About as many bytes as it may have.
    pub(super) most: u64,
}

impl Repository {
    pub(super) fn add_remote(
        &self,
        folder: &RemoteFolder,
        incoming: &Incoming,
        replaces: Option<&str>,
        options: &EntryOptions,
    ) -> Result<RepositoryEntry> {
        folder.check_writable()?;
        let contents = incoming.prove(options)?;
        let Incoming { source, path, file_name, .. } = incoming;
        let sending = Sending { first: &contents, file_name, replaces, most: source.size() };
        let sent = self.send(folder, &sending, options, |upload| {
            let copied = copy(source, upload, options).map_err(|error| error.with_path(path))?;
            if contents.sha256.as_ref() == Some(&copied) {
                Ok(contents.clone())
            } else {
                Err(changed_meanwhile(path))
            }
        });
        sent.map(|(entry, _)| entry)
    }

    /// Send an archive, and describe it. Gives its SHA-256 as well.
    pub(super) fn send(
        &self,
        folder: &RemoteFolder,
        sending: &Sending<'_>,
        options: &EntryOptions,
        content: impl FnOnce(&mut HashingWriter<'_, Upload>) -> Result<Contents>,
    ) -> Result<(RepositoryEntry, String)> {
        folder.check_writable()?;
        if options.publish.key.is_none() {
            self.refuse_if_signed()?;
        }
        let kind = sending.first.kind;
        check_form(sending.file_name, kind)?;
        let entries = self.described()?;
        let held = sending.replaces.map(|name| self.find(&entries, name)).transpose()?;
        if let Some((_, held)) =
            held.as_ref().filter(|(_, held)| options.file_name.as_ref() == Some(&held.file_name))
        {
            return Err(own_name().with_path(self.store.path_of(&held.file_name)));
        }
        let described = held.as_ref().map_or(sending.file_name, |(_, held)| &held.file_name);
        let entry = self.entry(sending.first, described, held.as_ref().map(|(_, held)| held), options)?;
        self.check_fits(&entries, &entry, kind, held.as_ref().map(|(index, _)| *index))?;
        let file_name = self.claim(folder, sending, options)?;
        let sent = fill(folder, &file_name, sending, options, content);
        let published = sent.and_then(|contents| {
            let described = self.describe(folder, sending.replaces, &file_name, &contents, options)?;
            Ok((described, contents.sha256.unwrap_or_default()))
        });
        let ((entry, held), sha256) = published.inspect_err(|_| {
            // The failure may have come after the description was written. What goes wrong here is not told: the first
            // failure is, and `verify` finds what is left.
            if self.named().is_ok_and(|named| !named.contains(&file_name)) {
                // Whoever was cancelled cleans up as well.
                let publish = PublishOptions { control: Control::default(), ..options.publish.clone() };
                self.forget(folder, &file_name, &publish).or_else(|_| folder.delete(&file_name)).ok();
            }
        })?;
        fail_point!("remote-described");
        if let Some(held) = held.filter(|held| held.file_name != file_name) {
            self.forget(folder, &held.file_name, &options.publish).map_err(|error| {
                error.with_help("the new archive is published; remove the old one by hand")
            })?;
        }
        Ok((entry, sha256))
    }

    /// Take a file name that nobody has.
    fn claim(&self, folder: &RemoteFolder, sending: &Sending<'_>, options: &EntryOptions) -> Result<String> {
        let mut names = vec![sending.file_name.to_owned()];
        if sending.replaces.is_some() && options.file_name.is_none() {
            let digits =
                sending.first.sha256.clone().filter(|sha256| !sha256.is_empty()).unwrap_or_else(unique);
            names.extend([8, 16].map(|count| with_hash(sending.file_name, &digits, count)));
        }
        for name in &names {
            if folder.put(name, b"", Expected::Absent)? {
                fail_point!("remote-name-claimed");
                return Ok(name.clone());
            }
        }
        Err(Error::new(ErrorKind::AlreadyExists, "a file with this name exists, but no template refers to it")
            .with_path(self.store.path_of(sending.file_name))
            .with_help(
                "another publisher is uploading it, or was interrupted: wait, remove the file, or give another name \
                 with --file-name (`file_name`)",
            ))
    }

    /// Name the archive in SHA256SUMS and in the description. Gives the entry, and the one that it took the place of.
    fn describe(
        &self,
        folder: &RemoteFolder,
        replaces: Option<&str>,
        file_name: &str,
        contents: &Contents,
        options: &EntryOptions,
    ) -> Result<(RepositoryEntry, Option<RepositoryEntry>)> {
        let sha256 = contents.sha256.clone().unwrap_or_default();
        edit_sums(folder, &options.publish, |sums| sums.set(file_name, &sha256))?;
        fail_point!("remote-sums-published");
        self.edit_description(folder, &options.publish, |description| {
            let entries = description.entries();
            let held = replaces.map(|name| self.find(&entries, name)).transpose()?;
            let (index, held) = held.unzip();
            let mut entry = self.entry(contents, file_name, held.as_ref(), options)?;
            self.check_fits(&entries, &entry, contents.kind, index)?;
            self.set_time(&mut entry)?;
            let more = more_keys::checked(&options.set, self.format())?;
            match index {
                Some(index) => description.update(index, entry.clone(), &more)?,
                None => description.add(&entry, &more)?,
            }
            let index = index.unwrap_or(entries.len());
            let entry = description.entries().into_iter().nth(index).unwrap_or(entry);
            Ok((entry, held))
        })
    }

    pub(super) fn remove_remote(
        &self,
        folder: &RemoteFolder,
        name: &str,
        options: &PublishOptions,
    ) -> Result<RepositoryEntry> {
        folder.check_writable()?;
        if options.key.is_none() {
            self.refuse_if_signed()?;
        }
        let removed = self.edit_description(folder, options, |description| {
            let (index, held) = self.find(&description.entries(), name)?;
            description.remove(index)?;
            Ok(held)
        })?;
        self.forget(folder, &removed.file_name, options)?;
        Ok(removed)
    }

    /// Remove an archive that is not described any more.
    fn forget(&self, folder: &RemoteFolder, file_name: &str, options: &PublishOptions) -> Result<()> {
        if reason_against_archive(file_name).is_some() || self.named()?.contains(file_name) {
            return Ok(());
        }
        edit_sums(folder, options, |sums| sums.remove(file_name))?;
        fail_point!("remote-sum-removed");
        folder.delete(file_name)
    }

    fn edit_description<T>(
        &self,
        folder: &RemoteFolder,
        options: &PublishOptions,
        change: impl Fn(&mut Description) -> Result<T>,
    ) -> Result<T> {
        let name = self.format().file_name();
        edit(folder, name, json::MAX_BYTES, options, |bytes| {
            let bytes = bytes.ok_or_else(|| {
                Error::new(ErrorKind::NotFound, "the description of the repository no longer exists")
            })?;
            let mut description = Description::parse(self.format(), bytes)?;
            let changed = change(&mut description)?;
            Ok((description.to_bytes(), changed))
        })
        .map_err(|error| error.with_path(self.store.path_of(name)))
    }
}

/// Send the content of the archive under its name.
fn fill(
    folder: &RemoteFolder,
    file_name: &str,
    sending: &Sending<'_>,
    options: &EntryOptions,
    content: impl FnOnce(&mut HashingWriter<'_, Upload>) -> Result<Contents>,
) -> Result<Contents> {
    let mut upload = folder.upload(file_name, sending.most, &options.publish.control)?;
    let mut hashing = HashingWriter::new(&mut upload);
    let contents = content(&mut hashing)?;
    let sha256 = hashing.sha256();
    fail_point!("remote-parts-sent");
    upload.finish()?;
    fail_point!("remote-archive-sent");
    Ok(Contents { sha256: Some(sha256), ..contents })
}

fn edit_sums(folder: &RemoteFolder, options: &PublishOptions, change: impl Fn(&mut Sums)) -> Result<()> {
    edit(folder, sums::NAME, sums::MAX_BYTES, options, |bytes| {
        let mut sums = Sums::parse(bytes.unwrap_or_default());
        change(&mut sums);
        Ok((sums.to_bytes(), ()))
    })
}

/// Digits for the name of an archive whose checksum is not known yet.
fn unique() -> String {
    use std::hash::{BuildHasher as _, RandomState};
    format!("{:016x}", RandomState::new().hash_one(std::process::id()))
}

/// Change a file of the repository, and sign it. If somebody else changed it since it was read, `change` is asked again.
fn edit<T>(
    folder: &RemoteFolder,
    name: &str,
    max: usize,
    options: &PublishOptions,
    change: impl Fn(Option<&[u8]>) -> Result<(Vec<u8>, T)>,
) -> Result<T> {
    let begun = Instant::now();
    let mut pause = PAUSE;
    let (next, last) = signature_names(name);
    loop {
        options.control.stop_if_cancelled()?;
        let signed = folder.get(&last, signature::MAX_BYTES)?.map(|(_, version)| version);
        let (held, version) = folder.get(name, max)?.unzip();
        let (bytes, done) = change(held.as_deref())?;
        if options.key.is_none() && held.as_deref().unwrap_or_default() == bytes {
            return Ok(done);
        }
        let signature = options.key.as_ref().map(|key| key.sign(name, &bytes)).transpose()?;
        // There beforehand under a second name, so that one of the two fits at any time.
        if let Some(signature) = &signature {
            folder.put(&next, signature.as_bytes(), Expected::Any)?;
        }
        let written = folder.put(name, &bytes, expected(version.as_ref()))?;
        // An answer that got lost is asked for again, and then our own bytes are what is in the way.
        let is_ours =
            || -> Result<bool> { Ok(folder.get(name, max)?.is_some_and(|(held, _)| held == bytes)) };
        if written || is_ours()? {
            if let Some(signature) = signature {
                sign(folder, &last, &signature, signed, is_ours)?;
            }
            return Ok(done);
        }
        if begun.elapsed() > options.lock_timeout {
            let message = format!("other publishers kept changing it for {:?}", options.lock_timeout);
            return Err(Error::new(ErrorKind::Locked, message)
                .with_path(format!("{}/{name}", folder.url()))
                .with_help(
                    "try again when they have finished, or wait longer with --lock-timeout (`lock_timeout`)",
                ));
        }
        thread::sleep(pause);
        pause = (2 * pause).min(LONGEST_PAUSE);
    }
}

/// Put the signature in its place, unless a later publisher has done so for a newer file.
fn sign(
    folder: &RemoteFolder,
    name: &str,
    signature: &str,
    mut held: Option<Version>,
    is_ours: impl Fn() -> Result<bool>,
) -> Result<()> {
    while !folder.put(name, signature.as_bytes(), expected(held.as_ref()))? {
        if !is_ours()? {
            return Ok(());
        }
        held = folder.get(name, signature::MAX_BYTES)?.map(|(_, version)| version);
    }
    Ok(())
}

fn expected(version: Option<&Version>) -> Expected<'_> {
    version.map_or(Expected::Absent, Expected::This)
}
