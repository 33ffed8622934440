//! `vmtemplate lint`

use std::path::PathBuf;

use vmtemplate::script::ScriptCheckOptions;
use vmtemplate::{Metainfo, Result, Script};

use crate::ExitCode;
use crate::findings;
use crate::streams;
use crate::values::Language;

/// Report what would go wrong if a setup script ran on a new machine, with line, column, reason and fix.
///
/// The exit status is 1 if any finding is an error.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Setup script; - for standard input
    #[arg(value_name = "SCRIPT")]
    script: PathBuf,
    /// The template's metainfo.xml, which declares macros and the number of restarts
    #[arg(long, value_name = "FILE")]
    metainfo: Option<PathBuf>,
    #[command(flatten)]
    language: Language,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let read = |path| streams::read(path, |path| Metainfo::from_file(path), Metainfo::from_reader);
    let metainfo = args.metainfo.as_deref().map(read).transpose()?;
    let name = streams::input_name(&args.script);
    let script = streams::read(&args.script, |path| Script::from_file(path), Script::from_reader)?;
    let options = ScriptCheckOptions {
        metainfo: metainfo.as_ref(),
        file_name: args.script.file_name().and_then(|name| name.to_str()),
        language: args.language.language,
    };
    let report = script.check(&options).in_file(&name);
    findings::show(&report, &name, args.json)
}
