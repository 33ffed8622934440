//! Finding out what an image is.

use std::path::Path;
use std::sync::Arc;

use super::file::ImageFile;
use super::foreign::{self, Foreign};
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

/// Recognise an image by its first 512 bytes and its last 512.
fn recognise(head: &[u8], tail: &[u8]) -> Found {
    if let Some(foreign) = foreign::by_ends(head, tail) {
        return Found::Foreign(foreign);
    }
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
    } else if head.starts_with(b"conectix") || tail.starts_with(b"conectix") {
        // A fixed VHD is a raw disk with a footer behind it.
        Found::Image(ImageFormat::Vhd)
    } else {
        Found::Image(ImageFormat::Raw)
    }
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
        let length = file.size().min(512);
        let (mut head, mut tail) = ([0; 512], [0; 512]);
        file.read_at(&mut head[..length as usize], 0)?;
        file.read_at(&mut tail[..length as usize], file.size() - length)?;
        recognise(&head[..length as usize], &tail[..length as usize])
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

/// The error for a file that is no disk.
fn refused(Foreign { name, help }: Foreign) -> Error {
    Error::new(ErrorKind::Unsupported, format!("this is {name}, which is not read as a disk")).with_help(
        format!(
            "{help}. If it is a raw disk that only begins or ends like one, open it as raw: `--format raw`"
        ),
    )
}

/// What the bytes of a disk are instead of those of a raw disk, by name: a qcow2 that was taken for one.
pub(crate) fn foreign_content(disk: &DiskImage) -> Result<Option<&'static str>> {
    let length = disk.size().min(512);
    let head = disk.read_vec(0, length as usize)?;
    let tail = disk.read_vec(disk.size() - length, length as usize)?;
    Ok(match recognise(&head, &tail) {
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
        format!("this is a {format} image, whose reader is not part of this build"),
    )
    .with_help(format!("build with the cargo feature `{feature}`, or convert it: `qemu-img convert -O raw`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_recognised_by_their_first_and_last_bytes_whatever_is_built_in() {
        let of = |head: &[u8]| recognise(head, b"");
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
        assert_eq!(recognise(&[0; 512], b"conectix"), Found::Image(ImageFormat::Vhd));
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
        let options = crate::OpenOptions::default();
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
