//! `vmtemplate lint`

use std::path::PathBuf;

use vmtemplate::{LintOptions, Metainfo, Result, Script};

use crate::ExitCode;
use crate::findings;
use crate::values::Language;

/// Say what would go wrong if a setup script set up a machine: with line, column, reason, and how to mend it.
///
/// The exit status is 1 if there is an error among the findings.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The script
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
    let metainfo = args.metainfo.as_ref().map(Metainfo::from_file).transpose()?;
    let name = args.script.display().to_string();
    let options = LintOptions {
        metainfo: metainfo.as_ref(),
        file_name: args.script.file_name().and_then(|name| name.to_str()),
        language: args.language.language,
    };
    let report = Script::from_file(&args.script)?.lint_with(&options).in_file(&name);
    findings::show(&report, &name, args.json)
}
