//! `vmtemplate render`

use std::path::PathBuf;

use vmtemplate::Result;

use crate::report;
use crate::streams;
use crate::values::Values;

/// Replace the macros of a setup script with values.
///
/// Each value is quoted for its place in the script, or refused if it could run as a command there; everything else
/// keeps its bytes. The script is written to standard output, or to the file given by -o.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Template (an archive, or a folder that contains metainfo.xml) or script; - for standard input
    #[arg(value_name = "PATH|SCRIPT")]
    path: PathBuf,
    #[command(flatten)]
    values: Values,
    /// Write the rendered script here, to a file that only its owner may read; - for standard output
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    /// Replace the file if it exists
    #[arg(long, requires = "output")]
    force: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    streams::probe_text(args.output.as_deref(), args.force)?;
    let rendered = args.values.render(&args.path)?;
    report::print_or_write(args.output.as_deref(), rendered.bytes(), |output| {
        rendered.write_file(output, args.force.into())
    })
}
