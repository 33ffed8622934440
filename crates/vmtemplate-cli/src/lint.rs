//! `vmtemplate lint`

use std::path::PathBuf;

use vmtemplate::{LintOptions, Metainfo, Result, Script};

use crate::ExitCode;
use crate::findings;
use crate::streams;
use crate::values::Language;

/// Say what would go wrong if a setup script set up a machine: with line, column, reason, and how to fix it.
///
/// The exit status is 1 if there is an error among the findings.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The script; - for standard input
    #[arg(value_name = "SCRIPT")]
    script: PathBuf,
    /// The metainfo.xml that goes with it: which macros are declared, how many restarts are waited for
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
    let options = LintOptions {
        metainfo: metainfo.as_ref(),
        file_name: args.script.file_name().and_then(|name| name.to_str()),
        language: args.language.language,
    };
    let report = script.lint_with(&options).in_file(&name);
    findings::show(&report, &name, args.json)
}
