//! Whether a repository is what it says: the rules VMT07xx.

use std::collections::HashMap;

use super::contents::{Contents, Reading, look_at};
use super::description::{Description, read_description};
use super::entry::{RepositoryEntry, TemplateKind};
use super::file_name::{ENDS, end_of};
use super::format::RepositoryFormat;
use super::options::RepositoryCheckOptions;
use super::signature::{self, PublicKey, signature_names};
use super::sums::{self, Sums};
use super::{Repository, reason_against_archive};
use crate::error::{Error, ErrorKind, Position, Result};
use crate::rules::{Finding, Place, Report, Severity, repository as rules};
use crate::shown::{Shown, quoted};

/// A value of an entry that only one may have.
type Part = fn(&RepositoryEntry) -> Option<&str>;

/// How often a repository that changes while it is looked at is looked at again.
const ATTEMPTS: usize = 5;

impl Repository {
    /// Check the description, every archive that it names, their checksums and signatures.
    ///
    /// Archives are read to their ends, but an `.xz` is not unpacked: its index shows whether it is whole, and SHA256SUMS
    /// whether a byte of it changed.
    ///
    /// Nothing is changed, and nobody is kept from publishing: if the repository changes meanwhile, it is looked at again.
    ///
    /// # Errors
    ///
    /// Those of reading the folder; [`Cancelled`](ErrorKind::Cancelled). What is wrong with the repository is in the report.
    ///
    /// ```no_run
    /// use vmtemplate::repository::RepositoryCheckOptions;
    /// use vmtemplate::Repository;
    ///
    /// let report = Repository::open("/srv/repo")?.check(&RepositoryCheckOptions::default())?;
    /// for finding in report.findings() {
    ///     println!("{finding}");
    /// }
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn check(&self, options: &RepositoryCheckOptions) -> Result<Report> {
        let mut attempt = 1;
        loop {
            let description = read_description(&*self.store, self.format())?;
            let sums = self.read_sums()?;
            let report = Report::new(self.findings(&description, &sums, options)?);
            let is_same = || -> Result<bool> {
                Ok(read_description(&*self.store, self.format())? == description
                    && self.read_sums()?.to_bytes() == sums.to_bytes())
            };
            if !report.has(Severity::Error) || attempt == ATTEMPTS || is_same()? {
                return Ok(report);
            }
            attempt += 1;
        }
    }

    fn findings(&self, bytes: &[u8], sums: &Sums, options: &RepositoryCheckOptions) -> Result<Vec<Finding>> {
        let mut findings = self.check_signatures(bytes, options)?;
        let description = match Description::parse(self.format(), bytes) {
            Ok(description) => description,
            Err(error) => {
                let finding = Finding::new(rules::READABLE, error.message());
                let finding = match error.help() {
                    Some(help) => finding.with_fix(help),
                    None => finding,
                };
                let finding = finding.at(self.place(error.position()));
                findings.push(match error.position() {
                    Some(position) => finding.with_excerpt(&String::from_utf8_lossy(bytes), position, 1),
                    None => finding,
                });
                return Ok(findings);
            }
        };
        for problem in description.problems() {
            findings.push(Finding::new(rules::VALUE, problem.message).at(self.place(Some(problem.position))));
        }
        let entries = description.entries();
        findings.extend(self.check_twice(&entries));
        let mut kinds: Vec<(TemplateKind, &RepositoryEntry)> = Vec::new();
        for entry in &entries {
            options.control.stop_if_cancelled()?;
            let (found, kind) = self.check_entry(entry, sums, options)?;
            findings.extend(found.into_iter().map(|finding| finding.at(self.place(entry.position))));
            kinds.push((kind, entry));
        }
        findings.extend(self.check_mixed(&kinds));
        findings.extend(self.check_folder(sums)?);
        #[cfg(unix)]
        findings.extend(self.check_readers(&entries));
        Ok(findings)
    }

    fn place(&self, position: Option<Position>) -> Place {
        Place { file: Some(self.format().file_name().to_owned()), position, ..Place::default() }
    }

    /// Names that two templates have.
    fn check_twice(&self, entries: &[RepositoryEntry]) -> Vec<Finding> {
        let mut findings = Vec::new();
        let parts: [(_, Part, _); 3] = [
            (rules::NAME_TWICE, |entry| Some(&entry.name), "name"),
            (rules::FILE_TWICE, |entry| Some(&entry.file_name), "archive"),
            (rules::IMAGE_TWICE, |entry| entry.image_name.as_deref(), "image name"),
        ];
        for (rule, part, what) in parts {
            let mut first: HashMap<&str, &RepositoryEntry> = HashMap::new();
            for entry in entries {
                let Some(value) = part(entry).filter(|value| !value.is_empty()) else { continue };
                if let Some(other) = first.get(value) {
                    let line = other.position.map_or(0, |position| position.line);
                    let message = format!(
                        "{} has the {what} `{}`, as the template in line {line}",
                        called(entry),
                        Shown(&value)
                    );
                    findings.push(Finding::new(rule, message).at(self.place(entry.position)));
                } else {
                    first.insert(value, entry);
                }
            }
        }
        findings
    }

    fn check_entry(
        &self,
        entry: &RepositoryEntry,
        sums: &Sums,
        options: &RepositoryCheckOptions,
    ) -> Result<(Vec<Finding>, TemplateKind)> {
        let mut findings = Vec::new();
        let mut tell = |rule, message: String| findings.push(Finding::new(rule, message));
        let (template, file) = (called(entry), Shown(&entry.file_name));
        if !entry.name.is_empty() && entry.family().is_none() {
            tell(rules::FAMILY, format!("the name of {template} contains no operating system family"));
        }
        if entry.file_name.is_empty() {
            return Ok((findings, entry.kind()));
        }
        if let Some(why) = reason_against_archive(&entry.file_name) {
            tell(rules::UNSAFE_FILE, format!("the file name `{file}` of {template} {why}"));
            return Ok((findings, entry.kind()));
        }
        let verify =
            Reading { limits: options.limits, threads: options.threads, control: options.control.clone() };
        let path = self.store.path_of(&entry.file_name);
        let opened = self.store.archive(&entry.file_name);
        let leads_to_data = || -> Result<bool> { Ok(self.store.head(&entry.file_name)?.is_some()) };
        let contents = match opened.and_then(|archive| look_at(&archive, &path, options.quick, &verify)) {
            Ok(contents) => contents,
            Err(error) if error.ends_the_work() => return Err(error),
            Err(_) if !leads_to_data()? => {
                let is_link = self.store.exists(&entry.file_name)?;
                let what = if is_link { "is a dangling link" } else { "does not exist" };
                tell(rules::ARCHIVE_THERE, format!("the archive {file} of {template} {what}"));
                return Ok((findings, entry.kind()));
            }
            Err(error) => {
                tell(rules::ARCHIVE_WHOLE, format!("the archive {file} of {template}: {}", error.message()));
                return Ok((findings, self.kind_of(entry)));
            }
        };
        match (sums.get(&entry.file_name), &contents.sha256) {
            (None, _) => tell(rules::NO_CHECKSUM, format!("{file} has no checksum in {}", sums::NAME)),
            (Some(stated), Some(found)) if stated != found => {
                let message = format!("the SHA-256 of {file} is {found}; {} lists {stated}", sums::NAME);
                tell(rules::CHECKSUM, message);
            }
            _ => {}
        }
        self.check_archive(entry, &contents, &mut tell)?;
        Ok((findings, contents.kind))
    }

    /// What the entry says of its archive.
    fn check_archive(
        &self,
        entry: &RepositoryEntry,
        contents: &Contents,
        tell: &mut impl FnMut(&'static crate::rules::Rule, String),
    ) -> Result<()> {
        let (template, file) = (called(entry), Shown(&entry.file_name));
        let end = end_of(contents.kind);
        if !entry.file_name.ends_with(end) {
            tell(rules::FORM, format!("the archive of {template} is a {end}, and its name is {file}"));
        }
        let kvm_keys = [&entry.image_name, &entry.expand, &entry.network_device];
        if contents.kind == TemplateKind::Lxd && kvm_keys.into_iter().any(Option::is_some) {
            tell(rules::LXD_KEYS, format!("{template} is for LXD, but has keys that only KVM uses"));
        }
        let mib = contents.archive_bytes.div_ceil(1 << 20);
        if let Some(stated) = entry.archive_size_mib.filter(|&stated| stated != mib) {
            tell(rules::SIZE, format!("{file} has {mib} MiB; the description says {stated}"));
        }
        if self.format() == RepositoryFormat::Vm5 {
            let time = self.time_of(&entry.file_name)?;
            if let Some(stated) = entry.modified_utc.as_ref().filter(|stated| **stated != time) {
                let message =
                    format!("{file} changed at {time} UTC; the description says {}", Shown(&stated));
                tell(rules::OTHER_TIME, message);
            }
        }
        let Some(metainfo) = &contents.metainfo else { return Ok(()) };
        let own = metainfo.os_name().unwrap_or_default();
        if own != entry.name {
            tell(rules::OTHER_NAME, format!("the name of {template} is `{}` in {file}", Shown(&own)));
        }
        let own = metainfo.tags();
        if own != entry.tags {
            let message = format!(
                "{template} has the tags `{}`; in {file} they are `{}`",
                Shown(entry.tags.to_string()),
                Shown(own.to_string())
            );
            tell(rules::OTHER_TAGS, message);
        }
        Ok(())
    }

    fn check_mixed(&self, kinds: &[(TemplateKind, &RepositoryEntry)]) -> Option<Finding> {
        let (_, lxd) = kinds.iter().find(|(kind, _)| *kind == TemplateKind::Lxd)?;
        let (_, kvm) = kinds.iter().find(|(kind, _)| *kind != TemplateKind::Lxd)?;
        let message = format!("{} is for LXD, but {} is for KVM", called(lxd), called(kvm));
        Some(Finding::new(rules::MIXED, message).at(self.place(lxd.position)))
    }

    /// Files that nobody names, and names without a file.
    fn check_folder(&self, sums: &Sums) -> Result<Vec<Finding>> {
        let mut findings = Vec::new();
        let described = self.named();
        for name in sums.names() {
            // What is described and not there is reported where it is described.
            let is_described = described.as_ref().is_ok_and(|described| described.contains(name));
            if is_described || self.store.exists(name)? {
                continue;
            }
            let message = format!("{} lists {}, which does not exist", sums::NAME, Shown(&name));
            let place = Place { file: Some(sums::NAME.to_owned()), ..Place::default() };
            findings.push(Finding::new(rules::CHECKSUM, message).at(place));
        }
        // If the other description cannot be read, nobody can say what is not described.
        let Ok(described) = described else { return Ok(findings) };
        for name in self.store.list()?.unwrap_or_default() {
            let is_archive = !name.starts_with('.') && ENDS.iter().any(|end| name.ends_with(end));
            if is_archive && !described.contains(&name) {
                let place = Place { file: Some(name.clone()), ..Place::default() };
                let message = format!("the description does not list the archive {}", Shown(&name));
                findings.push(Finding::new(rules::UNDESCRIBED, message).at(place));
            }
        }
        Ok(findings)
    }

    fn check_signatures(&self, description: &[u8], options: &RepositoryCheckOptions) -> Result<Vec<Finding>> {
        let mut findings = Vec::new();
        let Some(key) = &options.public_key else { return Ok(findings) };
        let sums = self.store.get(sums::NAME, sums::MAX_BYTES)?.map(|(bytes, _)| bytes);
        let files = [(self.format().file_name(), Some(description)), (sums::NAME, sums.as_deref())];
        for (name, content) in files.into_iter().filter_map(|(name, content)| Some((name, content?))) {
            if let Err(error) = self.check_signature(name, content, key) {
                if error.kind() != ErrorKind::InvalidSignature {
                    return Err(error);
                }
                let place = Place { file: Some(name.to_owned()), ..Place::default() };
                findings.push(Finding::new(rules::SIGNATURE, error.message()).at(place));
            }
        }
        Ok(findings)
    }

    /// Fail unless this content of the file `name` is signed by the key.
    pub(super) fn check_signature(&self, name: &str, content: &[u8], key: &PublicKey) -> Result<()> {
        let (next, last) = signature_names(name);
        let mut attempt = 1;
        loop {
            let mut refused = Error::new(ErrorKind::InvalidSignature, format!("{last} does not exist"));
            // While a file is replaced, the one or the other is its signature.
            for file in [&last, &next] {
                let Some((bytes, _)) = self.store.get(file, signature::MAX_BYTES)? else { continue };
                match key.verify(content, &bytes) {
                    Ok(()) => return Ok(()),
                    Err(error) => refused = error,
                }
            }
            // Where concurrent publishers share the second name, for a moment neither may fit.
            match self.store.signature_delay() {
                Some(delay) if attempt < ATTEMPTS => std::thread::sleep(delay),
                _ => return Err(refused.with_path(self.store.path_of(name))),
            }
            attempt += 1;
        }
    }
}

/// A template as a message names it.
fn called(entry: &RepositoryEntry) -> String {
    if entry.name.is_empty() { "a template without a name".to_owned() } else { quoted(&entry.name) }
}
