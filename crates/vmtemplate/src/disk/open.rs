//! Finding out what an image is.

use std::path::Path;
use std::sync::Arc;

use super::file::ImageFile;
use super::foreign::{self, Ends, Foreign, refused};
use super::opener::{ImageFormat, Opener, is_vmdk_descriptor};
use super::raw::RawDisk;
use super::{DiskImage, DiskSource};
use crate::error::{Error, ErrorKind, Result};

/// What a file is by its content.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    Image(ImageFormat),
    /// The output of `rbd export-diff`, of version 1 or 2.
    RbdDiff(u8),
    /// Known, but not read here.
    Foreign(Foreign),
}

/// Recognise an image by its ends.
fn recognise(ends: &Ends<'_>) -> Found {
    if let Some(foreign) = foreign::by_ends(ends) {
        return Found::Foreign(foreign);
    }
    let head = ends.head;
    if head.starts_with(b"rbd diff v1\n") {
        Found::RbdDiff(1)
    } else if head.starts_with(b"rbd diff v2\n") {
        Found::RbdDiff(2)
    } else if head.starts_with(b"QFI\xfb") {
        Found::Image(ImageFormat::Qcow2)
    } else if head.starts_with(b"vhdxfile") {
        Found::Image(ImageFormat::Vhdx)
    } else if head.starts_with(b"KDMV") || is_vmdk_descriptor(head) {
        Found::Image(ImageFormat::Vmdk)
    } else if head.starts_with(b"conectix") || ends_with_footer(ends) {
        // A fixed VHD is a raw disk with a footer behind it.
        Found::Image(ImageFormat::Vhd)
    } else {
        foreign::by_text(ends).map_or(Found::Image(ImageFormat::Raw), Found::Foreign)
    }
}

/// Whether the footer of a VHD is behind whole sectors. It has 512 bytes, or 511 in images of Virtual PC before 2004,
/// or fewer where the file was cut off within it.
fn ends_with_footer(Ends { tail, size, .. }: &Ends<'_>) -> bool {
    let length = match (size % 512) as usize {
        0 => 512,
        part => part,
    };
    tail.len().checked_sub(length).is_some_and(|at| tail[at..].starts_with(b"conectix"))
}

/// Recognise what has `size` bytes, which `read` gives from an offset on.
fn recognise_by(size: u64, mut read: impl FnMut(u64, &mut [u8]) -> Result<()>) -> Result<Found> {
    let mut head = vec![0; size.min(foreign::HEAD) as usize];
    let mut tail = vec![0; size.min(foreign::TAIL) as usize];
    read(0, &mut head)?;
    read(size - tail.len() as u64, &mut tail)?;
    Ok(recognise(&Ends { head: &head, tail: &tail, size }))
}

/// What a file is that was given as a script, by its first bytes, if it is known to be something else.
pub(crate) fn no_script(head: &[u8]) -> Option<&'static str> {
    foreign::of_no_script(head).map(|foreign| foreign.name)
}

/// Open `file`, by content unless a format is given.
pub(super) fn open_file(
    file: ImageFile,
    format: Option<ImageFormat>,
    opener: &Opener<'_>,
) -> Result<Arc<dyn DiskSource>> {
    let path = file.path().map(Path::to_owned);
    open_inner(file, format, opener).map_err(|error| match path {
        Some(path) => error.with_path(path),
        None => error,
    })
}

fn open_inner(
    file: ImageFile,
    format: Option<ImageFormat>,
    opener: &Opener<'_>,
) -> Result<Arc<dyn DiskSource>> {
    let found = if let Some(format) = format {
        Found::Image(format)
    } else {
        recognise_by(file.size(), |offset, buf| file.read_at(buf, offset))?
    };
    match found {
        Found::Image(ImageFormat::Raw) => {
            opener.options.check_size(file.size())?;
            let source: Arc<dyn DiskSource> = Arc::new(RawDisk::new(file));
            if format.is_none()
                && let Some(foreign) = foreign::by_volume(&DiskImage::from_source(Arc::clone(&source)))?
            {
                return Err(refused(foreign));
            }
            Ok(source)
        }
        #[cfg(feature = "qcow2")]
        Found::Image(ImageFormat::Qcow2) => super::qcow2::open(file, opener),
        #[cfg(feature = "vhdx")]
        Found::Image(ImageFormat::Vhdx) => super::vhdx::open(file, opener),
        #[cfg(feature = "vmdk")]
        Found::Image(ImageFormat::Vmdk) => super::vmdk::open(file, opener),
        #[cfg(feature = "vhd")]
        Found::Image(ImageFormat::Vhd) => super::vhd::open(file, opener),
        #[cfg(feature = "rbd")]
        Found::RbdDiff(version) => {
            super::rbd::spool_diff(&mut file.reader(super::rbd::MAGIC as u64), version, opener.options)
        }
        #[allow(unreachable_patterns)] // with every format built in, there is none left
        Found::Image(format) => {
            Err(left_out(format.name(), if format == ImageFormat::Vhd { "vhd" } else { format.name() }))
        }
        #[allow(unreachable_patterns)]
        Found::RbdDiff(_) => Err(left_out("`rbd export-diff`", "rbd")),
        Found::Foreign(foreign) => Err(refused(foreign)),
    }
}

/// What the bytes of a disk are instead of those of a raw disk, by name: a qcow2 that was taken for one.
pub(crate) fn foreign_content(disk: &DiskImage) -> Result<Option<&'static str>> {
    Ok(match recognise_by(disk.size(), |offset, buf| disk.read_at(buf, offset))? {
        Found::Image(ImageFormat::Raw) => foreign::by_volume(disk)?.map(|foreign| foreign.name),
        Found::Image(ImageFormat::Vhd) => Some("a VHD image"),
        Found::Image(ImageFormat::Vhdx) => Some("a VHDX image"),
        Found::Image(ImageFormat::Vmdk) => Some("a VMDK image"),
        Found::Image(_) => Some("a qcow2 image"),
        Found::RbdDiff(_) => Some("the output of `rbd export-diff`"),
        Found::Foreign(foreign) => Some(foreign.name),
    })
}

/// Open `POOL/IMAGE[@SNAP]` of a Ceph cluster.
#[cfg(feature = "rbd")]
pub(super) use super::rbd::open as open_rbd;

/// Open `POOL/IMAGE[@SNAP]` of a Ceph cluster.
#[cfg(not(feature = "rbd"))]
pub(super) fn open_rbd(_spec: &str, _options: &super::OpenOptions) -> Result<Arc<dyn DiskSource>> {
    Err(left_out("Ceph", "rbd"))
}

/// A format that the build leaves out: recognised all the same, so that it is not taken for a raw disk.
pub(super) fn left_out(format: &str, feature: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!("this is a {format} image; this build cannot read that format"),
    )
    .with_help(format!("build with the cargo feature `{feature}`, or convert it: `qemu-img convert -O raw`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_recognised_by_their_first_and_last_bytes_whatever_is_built_in() {
        let at_ends = |head: &[u8], tail: &[u8], size| recognise(&Ends { head, tail, size });
        let of = |head: &[u8]| at_ends(head, b"", 4096);
        assert_eq!(of(b"QFI\xfb\0\0\0\x03"), Found::Image(ImageFormat::Qcow2));
        assert_eq!(of(b"vhdxfile"), Found::Image(ImageFormat::Vhdx));
        assert_eq!(of(b"KDMV"), Found::Image(ImageFormat::Vmdk));
        assert_eq!(of(b"# Disk DescriptorFile\n"), Found::Image(ImageFormat::Vmdk));
        for line in
            ["# Disk Descriptor File\n", "#Disk DescriptorFile\r\n", "\u{feff}# Disk DescriptorFile\0"]
        {
            assert_eq!(of(line.as_bytes()), Found::Image(ImageFormat::Vmdk), "{line:?}");
        }
        assert_eq!(of(b"# Disk DescriptorFile of mine\n"), Found::Image(ImageFormat::Raw));
        assert_eq!(of(b"conectix"), Found::Image(ImageFormat::Vhd));
        let mut footer = [0; 512];
        footer[..8].copy_from_slice(b"conectix");
        assert_eq!(at_ends(&[0; 512], &footer, 4096), Found::Image(ImageFormat::Vhd));
        for part in [8, 85, 511] {
            let mut tail = [0; 512];
            tail[512 - part..].copy_from_slice(&footer[..part]);
            assert_eq!(at_ends(&[0; 512], &tail, 4096 + part as u64), Found::Image(ImageFormat::Vhd));
            assert_eq!(at_ends(&[0; 512], &tail, 4096), Found::Image(ImageFormat::Raw));
        }
        assert_eq!(of(b"rbd diff v2\n"), Found::RbdDiff(2));
        assert_eq!(of(&[0; 512]), Found::Image(ImageFormat::Raw));
        assert_eq!(of(b"\x33\xc0\x8e\xd0"), Found::Image(ImageFormat::Raw)); // boot code
    }

    /// Whether `head` is taken for a raw disk, or refused with the name of the feature.
    #[cfg(not(all(
        feature = "qcow2",
        feature = "vhd",
        feature = "vhdx",
        feature = "vmdk",
        feature = "rbd"
    )))]
    #[test]
    fn a_format_that_is_left_out_of_the_build_is_refused_and_not_read_as_raw() {
        use std::io::Write;
        let options = crate::disk::OpenOptions::default();
        for (built_in, feature, head) in [
            (cfg!(feature = "qcow2"), "qcow2", &b"QFI\xfb\0\0\0\x03"[..]),
            (cfg!(feature = "vhdx"), "vhdx", b"vhdxfile"),
            (cfg!(feature = "vmdk"), "vmdk", b"KDMV"),
            (cfg!(feature = "vhd"), "vhd", b"conectix"),
            (cfg!(feature = "rbd"), "rbd", b"rbd diff v1\n"),
        ] {
            if built_in {
                continue;
            }
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(head).unwrap();
            let opener = Opener::new(&options, None);
            let error = open_file(ImageFile::unnamed(file).unwrap(), None, &opener).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            assert!(error.help().unwrap().contains(&format!("`{feature}`")), "{error:#}");
        }
    }
}
