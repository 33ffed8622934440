//! `vmtemplate unpack`

use std::fmt::Write as _;
use std::io;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use indicatif::HumanBytes;
use vmtemplate::archive::UnpackOptions;
use vmtemplate::{Error, Result};

use crate::parsers::threads;
use crate::report::{self, Watch};
use crate::streams::{self, is_stream};

/// Unpack a template archive, made by any tool, into a folder.
///
/// Holes of the image are restored as holes. Links, devices, duplicate names and names that lead out of the folder are
/// refused. Existing files are never overwritten, and after an error no file of the archive is left in the folder.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Archive to unpack; - for standard input
    #[arg(value_name = "ARCHIVE")]
    archive: PathBuf,
    /// Folder to unpack into; it is created if it does not exist
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// Unpack only this file; may be given more than once
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Number of threads that decompress [default: one per CPU]
    #[arg(long, value_name = "N", value_parser = threads())]
    threads: Option<NonZeroUsize>,
    /// Print the files as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let watch = Watch::start("unpacking");
    let options =
        UnpackOptions { only: args.only.clone(), threads: args.threads.into(), control: watch.control() };
    if is_stream(&args.folder) {
        let why = "standard output cannot take several files; write ./- for a folder called -";
        return Err(Error::io("cannot unpack", io::Error::other(why)));
    }
    let files = streams::archive(&args.archive, &options.control)?.unpack(&args.folder, &options)?;
    drop(watch);
    if args.json {
        return report::print_json(&files);
    }
    let mut text = String::new();
    for file in &files {
        let _ = writeln!(text, "{} ({})", args.folder.join(&file.name).display(), HumanBytes(file.size));
    }
    report::print(text.as_bytes())
}
