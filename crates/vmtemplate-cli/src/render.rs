//! `vmtemplate render`

use std::path::PathBuf;

use vmtemplate::Result;

use crate::report;
use crate::streams;
use crate::values::Values;

/// Replace the macros of a setup script by values.
///
/// Each value is quoted for its place in the script, or refused if it could become a command there; all else keeps its
/// bytes. The script goes to standard output, or to -o.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A template (an archive, or a folder that holds metainfo.xml), or a script; - for standard input
    #[arg(value_name = "PATH|SCRIPT")]
    path: PathBuf,
    #[command(flatten)]
    values: Values,
    /// Write the rendered script here, to a file that nobody else may read; - for standard output
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    /// Replace the file that is there
    #[arg(long, requires = "output")]
    force: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    streams::probe_text(args.output.as_deref(), args.force)?;
    let rendered = args.values.render(&args.path)?;
    report::print_or_write(args.output.as_deref(), rendered.bytes(), |output| {
        rendered.write_file(output, args.force)
    })
}
