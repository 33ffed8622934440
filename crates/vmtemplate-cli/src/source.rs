//! Opening disk images, for every command that reads one.

use std::path::{Path, PathBuf};

use vmtemplate::disk::{FreeSpace, ImageFormat, OpenOptions};
use vmtemplate::report::CheckOptions;
use vmtemplate::{DiskImage, Result};

use crate::parsers;
use crate::streams::{self, is_stream};

#[derive(clap::Args)]
pub(crate) struct Opening {
    /// Folder of the files that an image may refer to, such as backing files of a qcow2 or extents of a VMDK. Without
    /// this option none is opened
    #[arg(long, value_name = "FOLDER")]
    backing_files: Option<PathBuf>,
    /// Format of the image: raw, qcow2, vhdx, vmdk, vhd [default: recognised by content]. With `raw` the bytes of the
    /// file are the disk, even if they look like another format
    #[arg(long, value_name = "FORMAT", value_parser = parsers::name::<ImageFormat>)]
    format: Option<ImageFormat>,
}

#[derive(clap::Args)]
pub(crate) struct FreeSpaceChoice {
    /// Keep the clusters that NTFS volumes mark free: deleted files stay in the image
    #[arg(long)]
    keep_free_space: bool,
    /// Leave out the contents of pagefile.sys and swapfile.sys
    #[arg(long, conflicts_with = "keep_free_space")]
    drop_page_files: bool,
}

impl Opening {
    /// The same options for a check.
    pub(crate) fn check_options(&self, options: CheckOptions) -> CheckOptions {
        CheckOptions { backing_files: self.backing_files.clone(), format: self.format, ..options }
    }

    pub(crate) fn options(&self) -> OpenOptions {
        OpenOptions {
            backing_files: self.backing_files.clone(),
            format: self.format,
            ..OpenOptions::default()
        }
    }

    /// The image at `source`; `-` is standard input.
    pub(crate) fn open(&self, source: &Path) -> Result<DiskImage> {
        if is_stream(source) {
            DiskImage::from_stream(streams::stdin()?, &self.options())
        } else {
            DiskImage::open_with(source, &self.options())
        }
    }
}

impl FreeSpaceChoice {
    pub(crate) fn free_space(&self) -> FreeSpace {
        if self.keep_free_space { FreeSpace::Keep } else { FreeSpace::Skip }
    }

    pub(crate) fn drop_page_files(&self) -> bool {
        self.drop_page_files
    }
}
