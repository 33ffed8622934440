//! `vmtemplate convert`

use std::path::PathBuf;

use indicatif::HumanBytes;
use vmtemplate::Result;
use vmtemplate::disk::WriteRawOptions;

use crate::report::{self, Watch};
use crate::source::{FreeSpaceChoice, Opening};
use crate::streams::{self, is_stream};

/// Write a disk image of any format as a sparse raw file.
///
/// Only live bytes are read: blocks that the image records as zero and clusters that its NTFS volumes mark free are
/// skipped.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Raw file, block device, qcow2, VHDX, VMDK or VHD; rbd:POOL/IMAGE[@SNAP]; - for standard input
    #[arg(value_name = "SOURCE")]
    source: PathBuf,
    /// Raw file to write, or a block device (with --force); - for standard output
    #[arg(value_name = "OUT.raw")]
    output: PathBuf,
    #[command(flatten)]
    opening: Opening,
    #[command(flatten)]
    free_space: FreeSpaceChoice,
    /// Replace the file if it exists
    #[arg(long)]
    force: bool,
    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let watch = Watch::start("converting");
    let options = WriteRawOptions {
        overwrite: args.force.into(),
        free_space: args.free_space.free_space(),
        drop_page_files: args.free_space.drop_page_files(),
        control: watch.control(),
        ..WriteRawOptions::default()
    };
    // Before the image is opened: opening one on standard input reads all of it.
    streams::probe(&args.output, args.force)?;
    let image = args.opening.open(&args.source)?;
    let summary = if is_stream(&args.output) {
        image.write_raw_to(streams::stdout()?, &options)?
    } else {
        image.write_raw(&args.output, &options)?
    };
    drop(watch);
    report::summary(&args.output, args.json, &summary, || {
        format!(
            "{}: {}, {} read, {} written, {} left out as holes, {} as free space\n{}",
            report::name(&args.output),
            HumanBytes(summary.size),
            HumanBytes(summary.usage.read()),
            HumanBytes(summary.usage.data),
            HumanBytes(summary.usage.holes),
            HumanBytes(summary.usage.free),
            report::kept(&summary.free_space)
        )
    })
}
