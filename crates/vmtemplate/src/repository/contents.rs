//! What an archive of a repository is, and whether it is whole.

use std::io::{BufReader, Read, Write};
use std::path::Path;
use std::sync::Arc;

use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};

use super::entry::TemplateKind;
use super::xz;
use crate::archive::{Archive, UnpackLimits, VerifyOptions, damaged, is_gzip, open_tapped};
use crate::digest::hex;
use crate::error::{Error, Result};
use crate::metainfo::Metainfo;
use crate::named::image_name;
use crate::progress::Control;
use crate::source::{InOrder, ReadAt};
use crate::template::Template;
use crate::threads::Threads;

/// The entries of a .tar.gz that are looked at to tell a template for LXD.
const LXD_ENTRIES: usize = 1000;

/// How far an archive is unpacked to tell a template for LXD.
const LXD_BYTES: u64 = 64 << 20;

/// The entries of a .tar.gz that are looked at for its metainfo.xml, and how far it is unpacked for that. It is at the
/// front of what this library packs; in an archive with the image before it, it is not found.
const FIRST_ENTRIES: usize = 16;
const FIRST_BYTES: u64 = 2 << 20;

/// An archive that was looked at.
#[derive(Debug, Clone)]
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

impl Contents {
    /// What is known of a template before it is packed.
    pub(super) fn of_template(template: &Template) -> Self {
        Self {
            kind: TemplateKind::KvmTemplate,
            metainfo: Some(template.metainfo().clone()),
            image_bytes: template.image().map(crate::disk::DiskImage::size),
            archive_bytes: 0,
            sha256: None,
        }
    }
}

/// How an archive is read.
pub(super) struct Reading {
    /// Bounds on what it may hold.
    pub(super) limits: UnpackLimits,
    pub(super) threads: Threads,
    pub(super) control: Control,
}

impl Reading {
    fn options(&self) -> VerifyOptions {
        VerifyOptions { threads: self.threads, control: self.control.clone() }
    }
}

/// Look at an archive: all of it, or, with `quick`, what states its kind. `path` is what errors call it.
///
/// An .xz is checked by its index, and an LXD template by the checksums of gzip; neither is unpacked.
pub(super) fn look_at(
    source: &Arc<dyn ReadAt>,
    path: &Path,
    quick: bool,
    reading: &Reading,
) -> Result<Contents> {
    look(source, path, quick, reading).map_err(|error| error.with_path(path))
}

fn look(source: &Arc<dyn ReadAt>, path: &Path, quick: bool, reading: &Reading) -> Result<Contents> {
    let archive_bytes = source.size();
    let mut magic = [0; 6];
    let read = archive_bytes.min(magic.len() as u64) as usize;
    source.read_at(&mut magic[..read], 0)?;
    if magic[..read] == xz::MAGIC {
        let image = xz::check(source)?;
        let sha256 = if quick { None } else { Some(sha256(source, &reading.control)?) };
        return Ok(Contents {
            kind: TemplateKind::KvmImage,
            metainfo: None,
            image_bytes: Some(image),
            archive_bytes,
            sha256,
        });
    }
    match template(source, path, quick, reading) {
        Ok(contents) => Ok(contents),
        Err(error) if error.ends_the_work() => Err(error),
        Err(error) if is_gzip(&magic) && is_lxd(source) => {
            let whole = if quick { Ok(None) } else { whole_gzip(source, &reading.control).map(Some) };
            let sha256 = whole.map_err(|inner| inner.with_help(error.to_string()))?;
            Ok(Contents { kind: TemplateKind::Lxd, metainfo: None, image_bytes: None, archive_bytes, sha256 })
        }
        Err(error) => Err(error),
    }
}

fn template(source: &Arc<dyn ReadAt>, path: &Path, quick: bool, reading: &Reading) -> Result<Contents> {
    let archive = Archive::from_source(Arc::clone(source), path)?.with_limits(reading.limits);
    let verified = if quick { None } else { Some(archive.verify(&reading.options())?) };
    let metainfo = Metainfo::parse(&archive.read(Template::METAINFO)?)
        .map_err(|error| error.with_entry(Template::METAINFO))?;
    let image = image_name(&metainfo)?;
    let image = archive.entries()?.iter().find(|entry| Some(&entry.name) == image.as_ref());
    let image_bytes = image.map(|entry| entry.size);
    let sha256 = verified.map(|verified| verified.sha256);
    Ok(Contents {
        kind: TemplateKind::KvmTemplate,
        metainfo: Some(metainfo),
        image_bytes,
        archive_bytes: source.size(),
        sha256,
    })
}

/// A unified image of LXD holds `metadata.yaml` and the folder `rootfs` (LXD documentation, "Image format"); a bare one
/// the folders of a system.
pub(super) fn is_lxd(source: &dyn ReadAt) -> bool {
    let bounded = MultiGzDecoder::new(InOrder::new(source)).take(LXD_BYTES);
    let mut archive = tar::Archive::new(bounded);
    let Ok(entries) = archive.entries() else { return false };
    entries.take(LXD_ENTRIES).map_while(Result::ok).any(|entry| {
        let name = entry.path_bytes();
        let name = name.strip_prefix(b"./").unwrap_or(&name);
        let first = name.split(|&byte| byte == b'/').next().unwrap_or_default();
        name == b"metadata.yaml" || [&b"rootfs"[..], b"etc", b"usr"].contains(&first)
    })
}

/// The version that the template states, if its metainfo.xml is near the front.
pub(super) fn version(source: &dyn ReadAt) -> Option<String> {
    Some(first_metainfo(source)?.template_version()?.into_owned())
}

/// The metainfo.xml, if it is near the front.
pub(super) fn first_metainfo(source: &dyn ReadAt) -> Option<Metainfo> {
    let input = BufReader::with_capacity(16 << 10, InOrder::new(source));
    let mut archive = tar::Archive::new(MultiGzDecoder::new(input).take(FIRST_BYTES));
    let mut entries = archive.entries().ok()?.take(FIRST_ENTRIES).map_while(Result::ok);
    let mut metainfo = entries.find(|entry| {
        let name = entry.path_bytes();
        name.strip_prefix(b"./").unwrap_or(&name) == Template::METAINFO.as_bytes()
    })?;
    let mut bytes = Vec::new();
    metainfo.read_to_end(&mut bytes).ok()?;
    Metainfo::parse(&bytes).ok()
}

/// Read a .tar.gz to its end; gzip shows whether it is whole. Gives the SHA-256 of the archive.
fn whole_gzip(source: &dyn ReadAt, control: &Control) -> Result<String> {
    let mut hash = Sha256::new();
    let (mut stream, consumed) = open_tapped(source, |bytes| hash.update(bytes));
    let mut buffer = vec![0; 1 << 18];
    loop {
        control.stop_if_cancelled()?;
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) => return Err(damaged(error, consumed.get())),
        }
    }
    drop(stream);
    Ok(hex(hash))
}

fn cannot_read(error: std::io::Error) -> Error {
    Error::io("cannot read the archive", error)
}

/// The SHA-256 of an archive, as 64 hexadecimal digits.
pub(super) fn sha256(source: &dyn ReadAt, control: &Control) -> Result<String> {
    let mut reader = InOrder::new(source);
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        control.stop_if_cancelled()?;
        match reader.read(&mut buffer).map_err(cannot_read)? {
            0 => return Ok(hex(hash)),
            read => hash.update(&buffer[..read]),
        }
    }
}

/// Takes the SHA-256 of what is written through it.
pub(super) struct HashingWriter<'a, W: ?Sized> {
    inner: &'a mut W,
    hash: Sha256,
}

impl<'a, W: Write + ?Sized> HashingWriter<'a, W> {
    pub(super) fn new(inner: &'a mut W) -> Self {
        Self { inner, hash: Sha256::new() }
    }

    /// As 64 hexadecimal digits.
    pub(super) fn sha256(self) -> String {
        hex(self.hash)
    }
}

impl<W: Write + ?Sized> Write for HashingWriter<'_, W> {
    fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
        let written = self.inner.write(buf)?;
        self.hash.update(&buf[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}
