//! `vmtemplate pack`, and the options that all packing has.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use vmtemplate::{Control, OpenOptions, PackOptions, Result, Spooled, Template};

use crate::numbers;
use crate::report::{self, Watch};
use crate::source::{FreeSpaceChoice, Opening};
use crate::streams::{self, STDIN, is_stream};

/// Pack a folder that holds metainfo.xml, and all files that it names.
///
/// These are the image and the script, and what `installcfg`, `kernel`, `initrd`, `pxelinuxcfg` and `sharedir` name, a
/// folder with all that is in it. What nothing names is left behind and listed.
///
/// The same input gives the same bytes; set SOURCE_DATE_EPOCH for another time in the archive than 1980-01-01.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The folder; an archive of vmtemplate is taken too, with - from standard input
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    #[command(flatten)]
    opening: Opening,
    #[command(flatten)]
    output: Output,
}

#[derive(clap::Args)]
pub(crate) struct Output {
    /// The archive to write; - for standard output
    #[arg(short = 'o', long = "output", value_name = "OUT.tar.gz")]
    archive: PathBuf,
    /// Replace the archive if it is there already
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    packing: Packing,
    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
}

/// How an archive is packed, wherever it goes.
#[derive(clap::Args)]
pub(crate) struct Packing {
    /// Compression from 1 (fastest) to 12 (smallest)
    #[arg(long, value_name = "N", value_parser = numbers::level, default_value_t = PackOptions::DEFAULT_LEVEL)]
    level: i32,
    /// Threads that compress [default: as many as the machine has]
    #[arg(long, value_name = "N", value_parser = numbers::threads)]
    threads: Option<NonZeroUsize>,
    #[command(flatten)]
    free_space: FreeSpaceChoice,
    /// Leave holes out of the archive altogether. GNU tar and bsdtar unpack such an image with its holes; not every
    /// tool knows how
    #[arg(long)]
    sparse: bool,
}

impl Packing {
    pub(crate) fn options(&self, watch: &Watch) -> PackOptions {
        PackOptions {
            level: self.level,
            threads: self.threads,
            sparse: self.sparse,
            free_space: self.free_space.free_space(),
            drop_page_files: self.free_space.drop_page_files(),
            control: watch.control(),
            ..PackOptions::default()
        }
    }
}

impl Output {
    /// Fail now if the archive could not be written, and not after what comes before that.
    pub(crate) fn probe(&self) -> Result<()> {
        let options = PackOptions { level: self.packing.level, ..PackOptions::default() };
        options.validate()?;
        streams::probe(&self.archive, self.force)
    }
}

pub(crate) fn run(args: &Args) -> Result<()> {
    args.output.probe()?;
    write(&open(&args.folder, &args.opening.options())?, &args.output)
}

/// The template at a path, or the archive of one on standard input.
pub(crate) fn open(path: &Path, opening: &OpenOptions) -> Result<Template> {
    streams::read(
        path,
        |path| Template::open_with(path, opening),
        |stdin| Template::from_source(Spooled::read(stdin, &Control::default())?, STDIN),
    )
}

pub(crate) fn write(template: &Template, output: &Output) -> Result<()> {
    let watch = Watch::start("packing");
    let options = PackOptions { overwrite: output.force, ..output.packing.options(&watch) };
    let summary = if is_stream(&output.archive) {
        template.pack_to(streams::stdout()?, &options)?
    } else {
        template.pack(&output.archive, &options)?
    };
    drop(watch);
    report::summary(&output.archive, output.json, &summary, || report::packed(&output.archive, &summary))
}
