//! `vmtemplate render`

use std::path::PathBuf;

use vmtemplate::{Result, Template};

use crate::report;
use crate::values::Values;

/// Replace the macros of a setup script by values.
///
/// Each value is quoted for its place in the script, or refused if it could become a command there; all else keeps its
/// bytes. The script goes to standard output, or to -o.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A template (an archive, or a folder that holds metainfo.xml), or a script
    #[arg(value_name = "PATH|SCRIPT")]
    path: PathBuf,
    #[command(flatten)]
    values: Values,
    /// Write the rendered script here
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    /// Replace the file that is there
    #[arg(long, requires = "output")]
    force: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let rendered = Template::render_path(&args.path, &args.values.values()?, &args.values.options())?;
    match &args.output {
        Some(output) => rendered.write_file(output, args.force),
        None => report::print(rendered.bytes()),
    }
}
