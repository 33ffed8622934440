//! Finding out what an image is, and which files it may bring with it.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use super::file::ImageFile;
use super::foreign::{self, Ends, Foreign, refused};
use super::raw::RawDisk;
use super::{DiskImage, DiskSource};
use crate::error::{Error, ErrorKind, Result};
use crate::progress::Control;
use crate::shown::Shown;
use crate::spool;

/// A format of disk images.
///
/// ```
/// use vmtemplate::ImageFormat;
///
/// assert_eq!("qcow2".parse::<ImageFormat>()?, ImageFormat::Qcow2);
/// assert_eq!(ImageFormat::Vhd.name(), "vpc"); // as qemu-img calls it
/// # Ok::<(), vmtemplate::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ImageFormat {
    /// The bytes of the disk as they are: a raw file or a block device.
    Raw,
    /// QEMU's qcow2, version 2 or 3.
    Qcow2,
    /// Hyper-V's VHDX.
    Vhdx,
    /// VMware's VMDK: a sparse or stream-optimised file, or a descriptor with its extents.
    Vmdk,
    /// Virtual PC's and Azure's VHD.
    Vhd,
}

impl ImageFormat {
    /// The name as `qemu-img` spells it: `raw`, `qcow2`, `vhdx`, `vmdk`, `vpc`.
    ///
    /// ```
    /// assert_eq!(vmtemplate::ImageFormat::Raw.name(), "raw");
    /// ```
    pub const fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Qcow2 => "qcow2",
            Self::Vhdx => "vhdx",
            Self::Vmdk => "vmdk",
            Self::Vhd => "vpc",
        }
    }
}

impl fmt::Display for ImageFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The names of [`ImageFormat::name`], and `vhd` for `vpc`.
impl FromStr for ImageFormat {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "raw" => Ok(Self::Raw),
            "qcow2" => Ok(Self::Qcow2),
            "vhdx" => Ok(Self::Vhdx),
            "vmdk" => Ok(Self::Vmdk),
            "vpc" | "vhd" => Ok(Self::Vhd),
            other => Err(Error::new(
                ErrorKind::InvalidValue,
                format!(
                    "\"{}\" is not an image format that can be read",
                    Shown(other.chars().take(40).collect::<String>())
                ),
            )
            .with_help("the formats are raw, qcow2, vhdx, vmdk and vhd")),
        }
    }
}

/// How to open an image.
///
/// ```
/// use vmtemplate::{ImageFormat, OpenOptions};
///
/// let options = OpenOptions { format: Some(ImageFormat::Raw), ..OpenOptions::default() };
/// assert!(options.backing_files.is_none());
/// ```
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// The format, where it shall not be recognised by content. A raw disk whose first bytes happen to be those of
    /// another format (its guest may write there what it likes) is read as it is with `Some(ImageFormat::Raw)`.
    pub format: Option<ImageFormat>,
    /// The folder in which files that are named *inside* an image may be opened: the backing files and data file of a
    /// qcow2, the extents of a VMDK. `None`, the default, opens none: an image from elsewhere could name any file.
    pub backing_files: Option<PathBuf>,
    /// The largest virtual disk that is accepted, in bytes. 64 TiB by default.
    pub max_size: u64,
    /// Where a stream is kept while it is worked on, in a file without a name. By default `$TMPDIR`, else `/var/tmp`.
    pub temporary_folder: Option<PathBuf>,
    /// The program that reads `rbd:POOL/IMAGE`; `rbd` by default, looked up in `PATH`.
    pub rbd_program: Option<PathBuf>,
    /// Watches and stops the reading of a stream. Opening a file takes no time.
    pub control: Control,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            format: None,
            backing_files: None,
            max_size: spool::MAX_SIZE,
            temporary_folder: None,
            rbd_program: None,
            control: Control::default(),
        }
    }
}

impl OpenOptions {
    /// A virtual size that the header of an image states.
    pub(super) fn check_size(&self, size: u64) -> Result<()> {
        if size == 0 {
            return Err(Error::new(ErrorKind::InvalidImage, "the virtual disk has a size of 0 bytes"));
        }
        if size > self.max_size {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!("the virtual disk has {size} bytes; at most {} are accepted", self.max_size),
            )
            .with_help("if the image can be trusted, raise `max_size`"));
        }
        Ok(())
    }
}

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

/// Whether the footer of a VHD stands behind whole sectors. It has 512 bytes, or 511 in images of Virtual PC before 2004,
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

/// Whether a text is the descriptor of a VMDK, by its first line: `# Disk DescriptorFile` (VMware, "Virtual Disk Format
/// 5.0"). VirtualBox writes it with one space more, and editors may put a byte order mark in front.
pub(crate) fn is_vmdk_descriptor(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text).trim_ascii_start();
    let line = text.split(|byte| matches!(byte, b'\r' | b'\n' | 0)).next().unwrap_or_default();
    let letters = line.iter().filter(|byte| !byte.is_ascii_whitespace()).map(u8::to_ascii_lowercase);
    line.len() <= 64 && letters.eq(*b"#diskdescriptorfile")
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
pub(super) fn open_rbd(_spec: &str, _options: &OpenOptions) -> Result<Arc<dyn DiskSource>> {
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

/// The longest chain of backing files. Deeper ones are made by backup programs that forgot to merge.
#[cfg(any(feature = "qcow2", feature = "vmdk"))]
const MAX_DEPTH: usize = 64;

/// Opens the files that an image names, and watches over which these may be.
#[derive(Debug)]
pub(super) struct Opener<'a> {
    pub(super) options: &'a OpenOptions,
    /// The files that are being opened, each named by the one before; by their canonical paths.
    #[cfg_attr(not(any(feature = "qcow2", feature = "vmdk")), allow(dead_code))]
    chain: Vec<PathBuf>,
}

impl<'a> Opener<'a> {
    pub(super) fn new(options: &'a OpenOptions, path: Option<&Path>) -> Self {
        let chain = path.and_then(|path| fs::canonicalize(path).ok()).into_iter().collect();
        Self { options, chain }
    }

    /// Open the file `name` that the image in `from` names as its `role` ("backing file"), and the opener for what it
    /// names in turn.
    #[cfg(any(feature = "qcow2", feature = "vmdk"))]
    pub(super) fn named(&self, name: &str, role: &str, from: &ImageFile) -> Result<(ImageFile, Opener<'a>)> {
        let refused = |why: &str, help: &str| {
            Error::new(
                ErrorKind::Unsupported,
                format!("the image needs the {role} \"{}\", {why}", Shown(&name)),
            )
            .with_help(help)
        };
        // First, for no option gives a stream the folder that it came from.
        let Some(beside) = from.path() else {
            return Err(refused("which an image from a stream cannot reach", "open the image as a file"));
        };
        let Some(folder) = &self.options.backing_files else {
            return Err(refused(
                "and files named inside an image are not opened unless that is allowed",
                "allow the folder that holds it (`backing_files`), or merge: `qemu-img convert -O qcow2 IMAGE NEW.qcow2`",
            ));
        };
        // qemu takes "json:…" and "PROTOCOL:…" for something else than a file.
        let protocol = name.split_once(':').is_some_and(|(before, _)| !before.contains(['/', '\\']));
        if protocol || name.is_empty() || name.contains('\0') {
            return Err(refused(
                "which is not the path of a file",
                "merge it: `qemu-img convert -O qcow2 IMAGE NEW.qcow2`",
            ));
        }
        let path = crate::output::folder_of(beside).join(name);
        let real = fs::canonicalize(&path).map_err(|e| {
            Error::io(format!("cannot open the {role} that the image names"), e).with_path(&path)
        })?;
        let folder = fs::canonicalize(folder)
            .map_err(|e| Error::io("cannot look into the folder for backing files", e).with_path(folder))?;
        if !real.starts_with(&folder) {
            return Err(refused(
                &format!("which is outside the allowed folder {}", folder.display()),
                "allow a folder that holds it (`backing_files`), if the image can be trusted",
            ));
        }
        if self.chain.contains(&real) {
            return Err(Error::new(
                ErrorKind::InvalidImage,
                format!("the image names itself as its {role}, by \"{}\"", Shown(&name)),
            ));
        }
        if self.chain.len() >= MAX_DEPTH {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!("the chain of backing files is longer than {MAX_DEPTH}"),
            )
            .with_help("merge it: `qemu-img convert -O qcow2 IMAGE NEW.qcow2`"));
        }
        let file = ImageFile::open(&real)?;
        let mut chain = self.chain.clone();
        chain.push(real);
        Ok((file, Opener { options: self.options, chain }))
    }
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
        let options = OpenOptions::default();
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
