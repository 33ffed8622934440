//! Finding out what is at a path, and reading of it what can be read.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::package;
use super::{CheckOptions, Parts, check_parts, metadata};
use crate::archive::{Archive, ArchiveEntry, is_gzip};
use crate::disk::{DiskImage, is_vmdk_descriptor, no_script};
use crate::error::{Error, ErrorKind, Result};
use crate::file::{head, read_bounded, read_stream_bounded};
use crate::macros::ScriptLanguage;
use crate::metainfo::{Metainfo, MetainfoKey as Key};
use crate::named::{self, FolderContents, METAINFO};
use crate::remote::Location;
use crate::rules::{Finding, Report, template as rules};
use crate::script::Script;
use crate::shown::Shown;
use crate::source::Spooled;

/// The number of bytes that show what a file is.
const HEAD: u64 = 4096;
/// Scripts are read up to this size, so that one that is too large for the install drive is reported as such.
const MAX_SCRIPT: usize = 16 << 20;
/// The largest metainfo.xml that is read.
const MAX_METAINFO: usize = 1 << 20;

/// Check what is at `path`: the archive of a template, a folder with one, a disk image, a script, or a metainfo.xml.
/// An archive may be given by its URL (feature `remote`); only the parts of it that are looked at are fetched.
///
/// Of an archive or folder everything is checked, and what is missing or cannot be read is a finding; of a single file,
/// what can be said of it alone. Nothing is unpacked or changed.
///
/// # Errors
///
/// [`InvalidValue`](ErrorKind::InvalidValue) if the options name a rule that does not exist;
/// [`NotFound`](ErrorKind::NotFound); [`InvalidArchive`](ErrorKind::InvalidArchive) and
/// [`UnsafeArchive`](ErrorKind::UnsafeArchive) if the archive cannot be read; [`Cancelled`](ErrorKind::Cancelled).
///
/// ```
/// # let dir = std::env::temp_dir().join(format!("vmt-doc-check-{}", std::process::id()));
/// # std::fs::create_dir_all(&dir).unwrap();
/// # let script = dir.join("windows.cmd");
/// use vmtemplate::report::{CheckOptions, Severity};
///
/// std::fs::write(&script, "@echo off\r\npause\r\n").unwrap();
/// let report = vmtemplate::check(&script, &CheckOptions::default())?;
/// assert!(report.has(Severity::Error));
/// for finding in report.findings() {
///     println!("{finding}\n  {}", finding.fix());
/// }
/// # std::fs::remove_dir_all(dir).unwrap();
/// # Ok::<(), vmtemplate::Error>(())
/// ```
pub fn check(path: impl AsRef<Path>, options: &CheckOptions) -> Result<Report> {
    let path = path.as_ref();
    options.validate()?;
    let local = match Location::of(path)? {
        Location::Path(path) => Some(path),
        Location::Url(_) => None,
    };
    let path = local.as_deref().unwrap_or(path);
    let found = if local.is_none() {
        return check_archive(&Archive::open(path)?, options);
    } else if path.is_dir() {
        Parts::folder(path, options)?
    } else {
        let head = head(path, HEAD).map_err(|e| Error::io("cannot open the file", e).with_path(path))?;
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        match kind_of(&name, &head, options) {
            Kind::Archive => return check_archive(&Archive::open(path)?, options),
            Kind::Metainfo => Parts::metainfo(&name, read(path, MAX_METAINFO)?.as_deref()),
            Kind::Script => Parts { script: Some((name, read_script(path)?)), ..Parts::default() },
            Kind::Image => Parts {
                image: Some((name, DiskImage::open_with(path, &options.opening())?)),
                ..Parts::default()
            },
        }
    };
    check_parts(found, options)
}

/// Check what comes through a stream, such as standard input: anything that [`check()`] takes as a file. `name` is what
/// findings call it, and may say what it is, as `setup.cmd` does.
///
/// An archive or an image is kept in a temporary file without a name until it is checked.
///
/// # Errors
///
/// Those of [`check()`], and those of reading the stream and writing the temporary file.
///
/// ```
/// use vmtemplate::report::{CheckOptions, Severity};
///
/// let stream = &b"@echo off\r\npause\r\n"[..]; // or std::io::stdin().lock()
/// let report = vmtemplate::report::check_stream(stream, "standard input", &CheckOptions::default())?;
/// assert!(report.has(Severity::Error));
/// # Ok::<(), vmtemplate::Error>(())
/// ```
pub fn check_stream(mut reader: impl Read, name: &str, options: &CheckOptions) -> Result<Report> {
    options.validate()?;
    let mut head = Vec::new();
    (&mut reader)
        .take(HEAD)
        .read_to_end(&mut head)
        .map_err(|e| Error::io("cannot read the stream", e).with_path(name))?;
    let rest = head.as_slice().chain(reader);
    let found = match kind_of(name, &head, options) {
        Kind::Archive => {
            let archive = Archive::from_source(Spooled::read(rest, &options.control)?, name)?;
            return check_archive(&archive, options);
        }
        Kind::Metainfo => Parts::metainfo(name, read_stream(rest, MAX_METAINFO)?.as_deref()),
        Kind::Script => {
            let script = script_of(read_stream(rest, MAX_SCRIPT)?).map_err(|error| error.with_path(name))?;
            Parts { script: Some((name.to_owned(), script)), ..Parts::default() }
        }
        Kind::Image => {
            let disk =
                DiskImage::from_stream(rest, &options.opening()).map_err(|error| error.with_path(name))?;
            Parts { image: Some((name.to_owned(), disk)), ..Parts::default() }
        }
    };
    check_parts(found, options)
}

/// Check the template in an archive.
pub(crate) fn check_archive(archive: &Archive, options: &CheckOptions) -> Result<Report> {
    options.validate()?;
    check_parts(Parts::archive(archive)?, options)
}

/// What a file is.
enum Kind {
    Archive,
    Metainfo,
    Script,
    Image,
}

fn kind_of(name: &str, head: &[u8], options: &CheckOptions) -> Kind {
    if is_gzip(head) {
        Kind::Archive
    } else if is_metainfo(name, head) {
        Kind::Metainfo
    } else if options.language.is_some() || is_script(name, head) {
        Kind::Script
    } else {
        Kind::Image
    }
}

/// Reading the parts. What is missing or cannot be read is a finding.
impl Parts {
    fn metainfo(name: &str, bytes: Option<&[u8]>) -> Self {
        let mut found = Self::default();
        found.take_metainfo(name, bytes);
        found
    }

    fn folder(folder: &Path, options: &CheckOptions) -> Result<Self> {
        let mut files = Vec::new();
        let entries =
            fs::read_dir(folder).map_err(|e| Error::io("cannot list the folder", e).with_path(folder))?;
        for entry in entries {
            let entry = entry.map_err(|e| Error::io("cannot list the folder", e).with_path(folder))?;
            // Through links: the packer follows them as well.
            if let Ok(meta) = fs::metadata(entry.path())
                && !meta.is_dir()
            {
                files.push(ArchiveEntry {
                    name: entry.file_name().to_string_lossy().into_owned(),
                    size: meta.len(),
                });
            }
        }
        files.sort_by(|a, b| a.name.cmp(&b.name));
        let mut found = Self { files: Some(files), is_packed: true, ..Self::default() };
        if found.has(METAINFO) {
            found.take_metainfo(METAINFO, read(&folder.join(METAINFO), MAX_METAINFO)?.as_deref());
        } else {
            found.miss_metainfo();
        }
        found.look_below(folder);
        if let Some((name, path)) = found.find(folder, &Key::ScriptFile, named::script_name) {
            match read_script(&path) {
                Ok(script) => found.script = Some((name, script)),
                Err(error) if error.ends_the_work() => return Err(error),
                Err(error) => found.findings.push(package::not_seen(&name, error.message())),
            }
        }
        if let Some((name, path)) = found.find(folder, &Key::ImageFile, named::image_name) {
            match DiskImage::open_with(path, &options.opening()) {
                Ok(disk) => found.image = Some((name, disk)),
                Err(error) if error.ends_the_work() => return Err(error),
                Err(error) => found.findings.push(package::unreadable(&name, &error)),
            }
        }
        Ok(found)
    }

    fn archive(archive: &Archive) -> Result<Self> {
        let mut found = Self { files: Some(archive.entries()?.to_vec()), is_packed: true, ..Self::default() };
        if found.has(METAINFO) {
            match archive.read(METAINFO) {
                Ok(bytes) => found.take_metainfo(METAINFO, Some(&bytes)),
                Err(error) if error.ends_the_work() => return Err(error),
                Err(error) => found.findings.push(package::not_seen(METAINFO, error.message())),
            }
        } else {
            found.miss_metainfo();
        }
        if let Some(name) = found.named(named::script_name) {
            match archive.read(&name) {
                Ok(bytes) => found.script = Some((name, Script::from_bytes(bytes))),
                Err(error) if error.ends_the_work() => return Err(error),
                Err(error) => found.findings.push(package::not_seen(&name, error.message())),
            }
        }
        if let Some(name) = found.named(named::image_name) {
            match archive.disk(&name) {
                Ok(disk) => found.image = Some((name, disk)),
                Err(error) if error.ends_the_work() => return Err(error),
                // The archive of another tool.
                Err(error) => found.findings.push(package::not_seen(&name, error.message())),
            }
        }
        Ok(found)
    }

    fn has(&self, name: &str) -> bool {
        self.files.iter().flatten().any(|file| file.name == name)
    }

    /// A file that metainfo.xml names, if it is there and its name leads nowhere else.
    fn named(&self, which: fn(&Metainfo) -> Result<Option<String>>) -> Option<String> {
        let name = which(self.metainfo.as_ref()?).ok()??;
        self.has(&name).then_some(name)
    }

    /// The same in a folder, with its path. One that is not at the root of the folder is listed from here on.
    fn find(
        &mut self,
        folder: &Path,
        key: &Key,
        which: fn(&Metainfo) -> Result<Option<String>>,
    ) -> Option<(String, PathBuf)> {
        let name = which(self.metainfo.as_ref()?).ok()??;
        if !name.contains('/') {
            return self.has(&name).then(|| (name.clone(), folder.join(name)));
        }
        match named::find(folder, &name, key) {
            Ok(path) => {
                let path = path.filter(|path| !path.is_dir())?;
                let size = fs::metadata(&path).map(|meta| meta.len()).unwrap_or_default();
                self.files.get_or_insert_default().push(ArchiveEntry { name: name.clone(), size });
                Some((name, path))
            }
            Err(error) => {
                self.findings.push(package::leads_out(&name, &error));
                None
            }
        }
    }

    /// List what metainfo.xml names below the root of the folder.
    fn look_below(&mut self, folder: &Path) {
        let Some(metainfo) = &self.metainfo else { return };
        let two = [named::script_name(metainfo), named::image_name(metainfo)];
        match FolderContents::read(folder, metainfo) {
            Ok(contents) => {
                let is_one_of_two = |name: &str| two.iter().flatten().flatten().any(|two| two == name);
                let files = contents.files.into_iter();
                let below = files.filter(|file| file.name.contains('/') && !is_one_of_two(&file.name));
                let below = below.map(|file| ArchiveEntry { name: file.name, size: file.size });
                self.files.get_or_insert_default().extend(below);
            }
            Err(error) => self.findings.push(package::leads_out(METAINFO, &error)),
        }
    }

    /// The metadata of these bytes; `None` if there are too many of them.
    fn take_metainfo(&mut self, name: &str, bytes: Option<&[u8]>) {
        match bytes.map(|bytes| (bytes, Metainfo::parse(bytes))) {
            Some((_, Ok(metainfo))) => self.metainfo = Some(metainfo),
            Some((bytes, Err(error))) => {
                self.findings.push(metadata::unreadable(rules::MALFORMED, bytes, &error).in_file(name));
            }
            None => {
                let message = format!("the file has more than {MAX_METAINFO} bytes");
                self.findings.push(Finding::new(rules::MALFORMED, message).in_file(name));
            }
        }
    }

    fn miss_metainfo(&mut self) {
        let elsewhere = self.files.iter().flatten().find(|file| {
            file.name.rsplit('/').next().is_some_and(|name| name.eq_ignore_ascii_case(METAINFO))
        });
        let message = match elsewhere {
            Some(file) => format!("metainfo.xml is not at the root; found `{}`", Shown(&file.name)),
            None => "metainfo.xml does not exist".to_owned(),
        };
        self.findings.push(Finding::new(rules::MISSING_METAINFO, message));
    }
}

fn read(path: &Path, max: usize) -> Result<Option<Vec<u8>>> {
    read_bounded(path, max).map_err(|e| Error::io("cannot read the file", e).with_path(path))
}

fn read_script(path: &Path) -> Result<Script> {
    script_of(read(path, MAX_SCRIPT)?).map_err(|error| error.with_path(path))
}

/// The script of these bytes; `None` if there are too many of them.
fn script_of(bytes: Option<Vec<u8>>) -> Result<Script> {
    bytes.map(Script::from_bytes).ok_or_else(|| {
        Error::new(ErrorKind::LimitExceeded, format!("the script has more than {MAX_SCRIPT} bytes"))
    })
}

fn read_stream(stream: impl Read, max: usize) -> Result<Option<Vec<u8>>> {
    read_stream_bounded(stream, max).map_err(|e| Error::io("cannot read the stream", e))
}

fn is_metainfo(name: &str, head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start();
    name.eq_ignore_ascii_case(METAINFO) || head.starts_with(b"<?xml") || head.starts_with(b"<doc")
}

/// By its name, or because it is text: an image begins with boot code, zeros or a magic. A text that is known to be
/// something else, such as a web page that was saved as an image, counts as an image, whose reader names it.
fn is_script(name: &str, head: &[u8]) -> bool {
    let is_text = || match std::str::from_utf8(head) {
        Ok(_) => true,
        // The last character is cut off where the head ends.
        Err(error) => error.error_len().is_none(),
    };
    if ScriptLanguage::of_file_name(name).is_some() {
        return true;
    }
    if is_vmdk_descriptor(head) || no_script(head).is_some() {
        return false;
    }
    head.starts_with(b"\xFF\xFE") && !head.starts_with(b"\xFF\xFE\0\0")
        || head.starts_with(b"\xFE\xFF")
        || !head.is_empty()
            && head.iter().all(|&byte| byte >= b' ' || byte.is_ascii_whitespace())
            && is_text()
}
