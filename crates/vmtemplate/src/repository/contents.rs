//! What an archive of a repository is, and whether it is whole.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};

use super::entry::TemplateKind;
use super::xz;
use crate::archive::{Archive, VerifyOptions};
use crate::error::{Error, ErrorKind, Result};
use crate::file::PositionedIo;
use crate::metainfo::Metainfo;
use crate::progress::Control;
use crate::template::Template;

/// The entries of a .tar.gz that are looked at to tell a template for LXD.
const LXD_ENTRIES: usize = 1000;

/// How far an archive is unpacked to tell a template for LXD.
const LXD_BYTES: u64 = 64 << 20;

/// An archive that was looked at.
#[derive(Debug)]
pub(super) struct Contents {
    pub(super) kind: TemplateKind,
    /// The metadata of a KVM template.
    pub(super) metainfo: Option<Metainfo>,
    /// The size of the disk image, where it is known.
    pub(super) image_bytes: Option<u64>,
    pub(super) archive_bytes: u64,
    /// The SHA-256, if all of it was read.
    pub(super) sha256: Option<String>,
}

/// Look at the archive at `path`: all of it, or, with `quick`, what tells its kind.
///
/// An .xz is checked by its index, and an LXD template by the checksums of gzip; neither is unpacked.
pub(super) fn look_at(path: &Path, quick: bool, options: &VerifyOptions) -> Result<Contents> {
    look(path, quick, options).map_err(|error| error.with_path(path))
}

fn look(path: &Path, quick: bool, options: &VerifyOptions) -> Result<Contents> {
    let file = File::open(path).map_err(|error| Error::io("cannot open the archive", error))?;
    let metadata = file.metadata().map_err(|error| Error::io("cannot look at the archive", error))?;
    if !metadata.is_file() {
        return Err(Error::new(ErrorKind::InvalidArchive, "this is no file"));
    }
    let archive_bytes = metadata.len();
    let mut magic = [0; 6];
    let read = file.read_up_to(&mut magic, 0).map_err(|e| Error::io("cannot read the archive", e))?;
    if magic[..read] == xz::MAGIC {
        let image = xz::check(&file, archive_bytes)?;
        let sha256 = if quick { None } else { Some(sha256(&file, &options.control)?) };
        return Ok(Contents {
            kind: TemplateKind::KvmImage,
            metainfo: None,
            image_bytes: Some(image),
            archive_bytes,
            sha256,
        });
    }
    match template(path, quick, options) {
        Ok(contents) => Ok(contents),
        Err(error) if error.kind() == ErrorKind::Cancelled => Err(error),
        Err(error) if magic.starts_with(&[0x1F, 0x8B]) && is_lxd(&file) => {
            let whole = if quick { Ok(None) } else { whole_gzip(&file, &options.control).map(Some) };
            let sha256 = whole.map_err(|inner| inner.with_help(error.to_string()))?;
            Ok(Contents { kind: TemplateKind::Lxd, metainfo: None, image_bytes: None, archive_bytes, sha256 })
        }
        Err(error) => Err(error),
    }
}

fn template(path: &Path, quick: bool, options: &VerifyOptions) -> Result<Contents> {
    let verified = if quick { None } else { Some(Template::verify(path, options)?) };
    let archive = Archive::open_with(path, &options.limits)?;
    let metainfo = Metainfo::parse(&archive.read(Template::METAINFO)?)
        .map_err(|error| error.with_entry(Template::METAINFO))?;
    let image = metainfo.image_file();
    let image = archive.entries().iter().find(|entry| Some(&*entry.name) == image.as_deref());
    let image_bytes = image.map(|entry| entry.size);
    let archive_bytes =
        std::fs::metadata(path).map_err(|e| Error::io("cannot look at the archive", e))?.len();
    let sha256 = verified.map(|verified| verified.sha256);
    Ok(Contents {
        kind: TemplateKind::KvmTemplate,
        metainfo: Some(metainfo),
        image_bytes,
        archive_bytes,
        sha256,
    })
}

/// A unified image of LXD holds `metadata.yaml` and the folder `rootfs` (LXD documentation, "Image format"); a bare one
/// the folders of a system.
pub(super) fn is_lxd(file: &File) -> bool {
    let bounded = MultiGzDecoder::new(At::start(file)).take(LXD_BYTES);
    let mut archive = tar::Archive::new(bounded);
    let Ok(entries) = archive.entries() else { return false };
    entries.take(LXD_ENTRIES).map_while(Result::ok).any(|entry| {
        let name = entry.path_bytes();
        let name = name.strip_prefix(b"./").unwrap_or(&name);
        let first = name.split(|&byte| byte == b'/').next().unwrap_or_default();
        name == b"metadata.yaml" || [&b"rootfs"[..], b"etc", b"usr"].contains(&first)
    })
}

/// Read a .tar.gz to its end; gzip tells whether it is whole. Gives the SHA-256 of the archive.
fn whole_gzip(file: &File, control: &Control) -> Result<String> {
    let mut hashing = Hashing { inner: At::start(file), hash: Sha256::new() };
    let mut decoder = MultiGzDecoder::new(BufReader::with_capacity(1 << 18, &mut hashing));
    let mut buffer = vec![0; 1 << 18];
    loop {
        control.stop_if_cancelled()?;
        match decoder.read(&mut buffer) {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) => {
                return Err(Error::new(ErrorKind::InvalidArchive, "the archive is damaged or was cut")
                    .caused_by(error));
            }
        }
    }
    drop(decoder);
    std::io::copy(&mut hashing, &mut std::io::sink())
        .map_err(|error| Error::io("cannot read the archive", error))?;
    Ok(hex(hashing.hash))
}

/// The SHA-256 of a file, as 64 hexadecimal digits.
pub(super) fn sha256(file: &File, control: &Control) -> Result<String> {
    let mut reader = At::start(file);
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        control.stop_if_cancelled()?;
        match reader.read(&mut buffer).map_err(|error| Error::io("cannot read the archive", error))? {
            0 => return Ok(hex(hash)),
            read => hash.update(&buffer[..read]),
        }
    }
}

pub(super) fn hex(hash: Sha256) -> String {
    let mut digits = String::with_capacity(64);
    for byte in hash.finalize() {
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

/// A file from its start, whatever its position is.
struct At<'a> {
    file: &'a File,
    at: u64,
}

impl<'a> At<'a> {
    fn start(file: &'a File) -> Self {
        Self { file, at: 0 }
    }
}

impl Read for At<'_> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let read = self.file.read_up_to(buf, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

struct Hashing<'a> {
    inner: At<'a>,
    hash: Sha256,
}

impl Read for Hashing<'_> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buf)?;
        self.hash.update(&buf[..read]);
        Ok(read)
    }
}
