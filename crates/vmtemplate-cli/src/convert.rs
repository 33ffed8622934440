//! `vmtemplate convert`

use std::path::PathBuf;

use indicatif::HumanBytes;
use vmtemplate::{Result, WriteRawOptions};

use crate::report::{self, Watch};
use crate::source::{FreeSpaceChoice, Opening};

/// Write a disk image of any format as a sparse raw file.
///
/// Only live bytes are read: not what the image tells to be zero, nor what its NTFS volumes mark free.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Raw file, block device, qcow2, VHDX, VMDK or VHD; rbd:POOL/IMAGE[@SNAP]; - for standard input
    #[arg(value_name = "SOURCE")]
    source: PathBuf,
    /// The raw file to write
    #[arg(value_name = "OUT.raw")]
    output: PathBuf,
    #[command(flatten)]
    opening: Opening,
    #[command(flatten)]
    free_space: FreeSpaceChoice,
    /// Replace the file if it is there already
    #[arg(long)]
    force: bool,
    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let watch = Watch::start("converting");
    let options = WriteRawOptions {
        overwrite: args.force,
        free_space: args.free_space.free_space(),
        drop_page_files: args.free_space.drop_page_files(),
        control: watch.control(),
        ..WriteRawOptions::default()
    };
    let summary = args.opening.open(&args.source)?.write_raw(&args.output, &options)?;
    drop(watch);
    if args.json {
        return report::print_json(&summary);
    }
    let text = format!(
        "{}: {}, {} read, {} written, {} left out as holes, {} as free space\n{}",
        args.output.display(),
        HumanBytes(summary.size),
        HumanBytes(summary.read),
        HumanBytes(summary.written),
        HumanBytes(summary.hole),
        HumanBytes(summary.free),
        report::kept(&summary.free_space)
    );
    report::print(text.as_bytes())
}
