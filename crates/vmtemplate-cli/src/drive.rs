//! `vmtemplate drive`

use std::path::PathBuf;

use vmtemplate::Result;
use vmtemplate::drive::{InstallDrive, Padding};

use crate::parsers;
use crate::report;
use crate::streams::{self, is_stream};
use crate::values::Values;

/// Write the install drive of a new machine: 1,048,576 bytes that begin with the rendered setup script.
///
/// The first-run scripts in the guest recognise the drive by its size.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Template (an archive, or a folder that contains metainfo.xml) or script; - for standard input
    #[arg(value_name = "PATH|SCRIPT")]
    path: PathBuf,
    #[command(flatten)]
    values: Values,
    /// What fills the drive after the script: blank-lines, zeros [default: blank-lines]
    #[arg(long, value_name = "WHAT", value_parser = parsers::name::<Padding>)]
    padding: Option<Padding>,
    /// Write the drive here: to a file that only its owner may read, or to a block device (with --force); - for
    /// standard output
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
    /// Replace the file if it exists
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    streams::probe(&args.output, args.force)?;
    let script = args.values.render(&args.path)?;
    let drive = InstallDrive::with_padding(&script, args.padding.unwrap_or_default())?;
    if is_stream(&args.output) {
        report::print(drive.bytes())
    } else {
        drive.write(&args.output, args.force.into())
    }
}
