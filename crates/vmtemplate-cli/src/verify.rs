//! `vmtemplate verify`

use std::fmt::Write as _;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use vmtemplate::Result;
use vmtemplate::archive::VerifyOptions;

use crate::parsers::threads;
use crate::report::{self, Watch};
use crate::streams;

/// Verify an archive: every checksum, every header, and that all files that metainfo.xml names are in it.
///
/// Prints the SHA-256 of the archive and of each file in it, in the format of sha256sum.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Archive to verify; - for standard input
    #[arg(value_name = "ARCHIVE")]
    archive: PathBuf,
    /// Number of threads that decompress [default: one per CPU]
    #[arg(long, value_name = "N", value_parser = threads())]
    threads: Option<NonZeroUsize>,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let watch = Watch::start("verifying");
    let options = VerifyOptions { threads: args.threads.into(), control: watch.control() };
    let verified = streams::archive(&args.archive, &options.control)?.verify(&options)?;
    drop(watch);
    if args.json {
        return report::print_json(&verified);
    }
    let mut text = format!("{}  {}\n", verified.sha256, args.archive.display());
    for file in &verified.files {
        let _ = writeln!(text, "{}  {}", file.sha256, file.name);
    }
    report::print(text.as_bytes())
}
