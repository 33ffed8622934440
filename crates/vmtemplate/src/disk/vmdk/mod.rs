//! VMware's VMDK: one sparse or stream-optimised file, or a descriptor with sparse and flat extents beside it
//! (VMware, "Virtual Disk Format 5.0").

mod descriptor;
mod sparse;

use std::sync::Arc;

use self::descriptor::{Descriptor, Kind, MAX_LENGTH};
use self::sparse::SparseExtent;
use super::blocks::{BlockMap, Blocks, Joined, Place, Run};
use super::file::ImageFile;
use super::opener::{Opener, is_vmdk_descriptor};
use super::{DiskSource, Extent, ExtentKind, invalid, unsupported};
use crate::error::{Error, Result};
use crate::shown::Shown;

const SECTOR: u64 = 512;

pub(super) fn open(file: ImageFile, opener: &Opener<'_>) -> Result<Arc<dyn DiskSource>> {
    if file.read_array(0)? != *b"KDMV" {
        return open_described(&file, opener);
    }
    let extent = SparseExtent::read(file)?;
    opener.options.check_size(extent.size())?;
    // The one extent of the descriptor inside is this file, whatever folder it was in when it was made.
    let Some(text) = extent.descriptor()? else {
        return Err(unsupported("one piece of a split VMDK, without the descriptor")
            .with_help("open the small .vmdk file that names the pieces"));
    };
    if Descriptor::parse(&text)?.extents.len() != 1 {
        return Err(unsupported("a VMDK that is the first of several extents, and describes them all"));
    }
    Ok(Arc::new(Blocks::new(extent)))
}

/// A disk that consists of the extents that a descriptor names.
fn open_described(file: &ImageFile, opener: &Opener<'_>) -> Result<Arc<dyn DiskSource>> {
    if file.size() > MAX_LENGTH {
        return Err(invalid(format!(
            "a VMDK descriptor of {} bytes; at most {MAX_LENGTH} are read",
            file.size()
        )));
    }
    let text = file.read_vec(0, file.size() as usize)?;
    if !is_vmdk_descriptor(&text) {
        return Err(invalid("the file begins neither with the magic of a sparse VMDK nor with a descriptor"));
    }
    let descriptor = Descriptor::parse(&text)?;
    // Told before any file is opened.
    let sectors = descriptor.extents.iter().try_fold(0_u64, |sum, extent| sum.checked_add(extent.sectors));
    let size = sectors.and_then(|sectors| sectors.checked_mul(SECTOR)).unwrap_or(u64::MAX);
    opener.options.check_size(size)?;
    let mut parts = Vec::new();
    for extent in &descriptor.extents {
        let size = extent.sectors * SECTOR;
        if size == 0 {
            return Err(invalid(format!("the extent \"{}\" has no sectors", Shown(&extent.name))));
        }
        let named = || {
            let name = beside(&extent.name, file);
            let found = opener.named(&name, "extent", file).map(|(file, _)| file);
            found.map_err(|error| {
                let has_folder = extent.name.contains(['/', '\\']);
                let help = "put the extents beside the descriptor, and name them in it without a folder";
                if has_folder { error.or_help(help) } else { error }
            })
        };
        parts.push(match extent.kind {
            Kind::Zero => Arc::new(Zeros(size)) as Arc<dyn DiskSource>,
            Kind::Flat => Flat::open(named()?, extent.offset, size)?,
            Kind::Sparse => open_piece(named()?, size)?,
        });
    }
    Ok(Arc::new(Joined::new("vmdk", file.path().map(ToOwned::to_owned), parts)))
}

/// The name of an extent as it is looked for here.
///
/// A descriptor that VMware Workstation wrote on Windows, or ESXi for a datastore, may name its extents by their full
/// paths. These lead nowhere on another machine; what was moved with the descriptor lies beside it. A path of Windows
/// divides folders by backslashes, which are ordinary characters elsewhere.
fn beside(name: &str, descriptor: &ImageFile) -> String {
    let exists =
        |name: &str| descriptor.path().is_some_and(|path| crate::output::folder_of(path).join(name).exists());
    let bytes = name.as_bytes();
    let has_drive = bytes.first().is_some_and(u8::is_ascii_alphabetic) && bytes.get(1) == Some(&b':');
    if exists(name) || !(has_drive || name.contains(['/', '\\'])) {
        return name.to_owned();
    }
    let name = name.replace('\\', "/");
    if has_drive || name.starts_with('/') {
        return name.rsplit('/').next().unwrap_or_default().to_owned();
    }
    name
}

/// A sparse extent that a descriptor names.
fn open_piece(file: ImageFile, size: u64) -> Result<Arc<dyn DiskSource>> {
    let path = file.path().map(ToOwned::to_owned);
    let opened = || {
        let piece = SparseExtent::read(file)?;
        if piece.size() != size {
            return Err(invalid(format!(
                "the extent has {} bytes, the descriptor says {size}",
                piece.size()
            )));
        }
        Ok(Arc::new(Blocks::new(piece)) as Arc<dyn DiskSource>)
    };
    opened().map_err(|error: Error| match path {
        Some(path) => error.with_path(path),
        None => error,
    })
}

/// A flat extent: a part of a file, as it is.
#[derive(Debug)]
struct Flat {
    file: ImageFile,
    start: u64,
    size: u64,
}

impl Flat {
    fn open(file: ImageFile, sector: u64, size: u64) -> Result<Arc<dyn DiskSource>> {
        let start = sector.saturating_mul(SECTOR);
        file.check(start, size).map_err(|error| file.locate(error))?;
        Ok(Arc::new(Blocks::new(Self { file, start, size })))
    }
}

impl BlockMap for Flat {
    fn format(&self) -> &'static str {
        "vmdk"
    }

    fn size(&self) -> u64 {
        self.size
    }

    fn data(&self) -> &ImageFile {
        &self.file
    }

    fn run_at(&self, offset: u64) -> Result<Run> {
        Ok(Run { length: self.size - offset, place: Place::Stored(self.start + offset) })
    }
}

/// An extent that no file is behind.
#[derive(Debug)]
struct Zeros(u64);

impl DiskSource for Zeros {
    fn format(&self) -> &'static str {
        "vmdk"
    }

    fn size(&self) -> u64 {
        self.0
    }

    fn read_at(&self, buf: &mut [u8], _offset: u64) -> Result<()> {
        buf.fill(0);
        Ok(())
    }

    fn extent_at(&self, offset: u64) -> Result<Extent> {
        Ok(Extent { offset, length: self.0 - offset, kind: ExtentKind::Zero })
    }
}
