//! `vmtemplate pack`, and the options of every command that packs.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use vmtemplate::archive::{Level, PackOptions};
use vmtemplate::disk::OpenOptions;
use vmtemplate::source::Spooled;
use vmtemplate::{Archive, Control, Result, Template};

use crate::parsers::{number, threads};
use crate::report::{self, Watch};
use crate::source::{FreeSpaceChoice, Opening};
use crate::streams::{self, STDIN, is_stream};

/// Pack a folder that contains metainfo.xml, with all files that metainfo.xml names.
///
/// These files are the image, the script, and those named by `installcfg`, `kernel`, `initrd`, `pxelinuxcfg` and
/// `sharedir`; a folder is packed with its contents. Files that metainfo.xml does not name are not packed but listed.
///
/// The same input gives the same bytes. All times in the archive are 1980-01-01 unless SOURCE_DATE_EPOCH is set.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Folder to pack; also an archive made by vmtemplate, with - from standard input
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    #[command(flatten)]
    opening: Opening,
    #[command(flatten)]
    output: Output,
}

#[derive(clap::Args)]
pub(crate) struct Output {
    /// Archive to write; - for standard output
    #[arg(short = 'o', long = "output", value_name = "OUT.tar.gz")]
    archive: PathBuf,
    /// Replace the archive if it exists
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
    /// Compression level from 1 (fastest) to 12 (smallest)
    #[arg(
        long,
        value_name = "N",
        default_value_t = Level::DEFAULT.get(),
        value_parser = number("a compression level", 1, 12)
    )]
    level: i32,
    /// Number of threads that compress [default: one per CPU]
    #[arg(long, value_name = "N", value_parser = threads())]
    threads: Option<NonZeroUsize>,
    #[command(flatten)]
    free_space: FreeSpaceChoice,
    /// Do not store holes in the archive at all. GNU tar and bsdtar restore the holes when they unpack such an image;
    /// some other tools cannot unpack it
    #[arg(long)]
    sparse: bool,
}

impl Packing {
    pub(crate) fn options(&self, watch: &Watch) -> Result<PackOptions> {
        Ok(PackOptions {
            level: Level::new(self.level)?,
            threads: self.threads.into(),
            sparse: self.sparse,
            free_space: self.free_space.free_space(),
            drop_page_files: self.free_space.drop_page_files(),
            control: watch.control(),
            ..PackOptions::default()
        })
    }
}

impl Output {
    /// Fail early if the archive cannot be written.
    pub(crate) fn probe(&self) -> Result<()> {
        let level = Level::new(self.packing.level)?;
        PackOptions { level, ..PackOptions::default() }.validate()?;
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
        |stdin| Archive::from_source(Spooled::read(stdin, &Control::default())?, STDIN)?.template(),
    )
}

pub(crate) fn write(template: &Template, output: &Output) -> Result<()> {
    let watch = Watch::start("packing");
    let options = PackOptions { overwrite: output.force.into(), ..output.packing.options(&watch)? };
    let summary = if is_stream(&output.archive) {
        template.pack_to(streams::stdout()?, &options)?
    } else {
        template.pack(&output.archive, &options)?
    };
    drop(watch);
    report::summary(&output.archive, output.json, &summary, || report::packed(&output.archive, &summary))
}
