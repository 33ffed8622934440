//! How images are opened, and which other files they may refer to.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

#[cfg(any(feature = "qcow2", feature = "vmdk"))]
use super::file::ImageFile;
use crate::error::{Error, ErrorKind, Result};
use crate::progress::Control;
use crate::shown::{Shown, short};
use crate::source::spool;

/// A format of disk images.
///
/// ```
/// use vmtemplate::disk::ImageFormat;
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
    /// assert_eq!(vmtemplate::disk::ImageFormat::Raw.name(), "raw");
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
                format!("\"{}\" is not a supported image format", Shown(short(other))),
            )
            .with_help("the formats are raw, qcow2, vhdx, vmdk and vhd")),
        }
    }
}

/// How to open an image.
///
/// ```
/// use vmtemplate::disk::{ImageFormat, OpenOptions};
///
/// let options = OpenOptions { format: Some(ImageFormat::Raw), ..OpenOptions::default() };
/// assert!(options.backing_files.is_none());
/// ```
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// The format, if it should not be recognised by content. A raw disk whose first bytes happen to be those of
    /// another format (its guest may write there what it likes) is read as it is with `Some(ImageFormat::Raw)`.
    pub format: Option<ImageFormat>,
    /// The folder in which files that are named *inside* an image may be opened: the backing files and data file of a
    /// qcow2, the extents of a VMDK. `None`, the default, opens none: an untrusted image could name any file.
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
            .with_help("if you trust the image, raise `max_size`"));
        }
        Ok(())
    }
}

/// Whether a text is the descriptor of a VMDK, by its first line: `# Disk DescriptorFile` (VMware, "Virtual Disk Format
/// 5.0"). VirtualBox writes it with one space more, and editors may put a byte order mark in front.
pub(crate) fn is_vmdk_descriptor(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text).trim_ascii_start();
    let line = text.split(|byte| matches!(byte, b'\r' | b'\n' | 0)).next().unwrap_or_default();
    let letters = line.iter().filter(|byte| !byte.is_ascii_whitespace()).map(u8::to_ascii_lowercase);
    line.len() <= 64 && letters.eq(*b"#diskdescriptorfile")
}

/// The longest chain of backing files. Longer ones come from backup programs that never merged.
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
                "and files that an image names are opened only if the caller allows their folder",
                "allow its folder with --backing-files (`backing_files`), or merge the images: `qemu-img convert -O \
                 qcow2 IMAGE NEW.qcow2`",
            ));
        };
        // qemu takes "json:…" and "PROTOCOL:…" for something else than a file.
        let protocol = name.split_once(':').is_some_and(|(before, _)| !before.contains(['/', '\\']));
        if protocol || name.is_empty() || name.contains('\0') {
            return Err(refused(
                "which is not the path of a file",
                "merge the images: `qemu-img convert -O qcow2 IMAGE NEW.qcow2`",
            ));
        }
        let path = crate::output::folder_of(beside).join(name);
        let real = fs::canonicalize(&path).map_err(|e| {
            // A name that no file can have is the fault of the image, and not of the system.
            if matches!(e.kind(), std::io::ErrorKind::InvalidFilename | std::io::ErrorKind::NotADirectory) {
                let named = format!(
                    "the image names \"{}\" as its {role}, which is not the path of a file",
                    Shown(&name)
                );
                return Error::new(ErrorKind::InvalidImage, named).caused_by(e);
            }
            Error::io(format!("cannot open the {role} that the image names"), e).with_path(&path)
        })?;
        let folder = fs::canonicalize(folder)
            .map_err(|e| Error::io("cannot open the folder for backing files", e).with_path(folder))?;
        if !real.starts_with(&folder) {
            return Err(refused(
                &format!("which is outside the allowed folder {}", folder.display()),
                "if you trust the image, allow its folder with --backing-files (`backing_files`)",
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
            .with_help("merge the images: `qemu-img convert -O qcow2 IMAGE NEW.qcow2`"));
        }
        let file = ImageFile::open(&real)?;
        let mut chain = self.chain.clone();
        chain.push(real);
        Ok((file, Opener { options: self.options, chain }))
    }
}
