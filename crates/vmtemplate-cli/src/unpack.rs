//! `vmtemplate unpack`

use std::fmt::Write as _;
use std::io;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use indicatif::HumanBytes;
use vmtemplate::{Error, Result, Spooled, Template, UnpackOptions};

use crate::numbers;
use crate::report::{self, Watch};
use crate::streams::{self, STDIN, is_stream};

/// Unpack a template archive of any tool into a folder.
///
/// Holes of the image come back as holes. Links, devices, names that lead out of the folder and names that are there
/// twice are refused. Nothing is written over, and after an error nothing of the archive is left in the folder.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The archive; - for standard input
    #[arg(value_name = "ARCHIVE")]
    archive: PathBuf,
    /// The folder, which may be new
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// Unpack this file only; may be given more than once
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Threads that decompress [default: as many as the machine has]
    #[arg(long, value_name = "N", value_parser = numbers::threads)]
    threads: Option<NonZeroUsize>,
    /// Print the files as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let watch = Watch::start("unpacking");
    let options = UnpackOptions {
        only: args.only.clone(),
        threads: args.threads,
        control: watch.control(),
        ..UnpackOptions::default()
    };
    if is_stream(&args.folder) {
        let why = "several files cannot be unpacked to standard output; a folder called - is ./-";
        return Err(Error::io("cannot unpack", io::Error::other(why)));
    }
    let files = streams::read(
        &args.archive,
        |path| Template::unpack(path, &args.folder, &options),
        |stdin| {
            let archive = Spooled::read(stdin, &options.control)?;
            Template::unpack_source(archive, STDIN, &args.folder, &options)
        },
    )?;
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
