//! Packing: a plan of pieces, worker threads that compress them, and one writer that keeps their order.

use std::io::Write;
use std::path::Path;

use super::entry::{PackContent, PackEntries, PackEntry};
use super::header::DEFAULT_MTIME;
use super::level::Level;
use super::limits::UnpackLimits;
use super::member::Packer;
use super::names::SeenNames;
use super::ordered::{self, Ordered, Step};
use super::plan::{Content, Piece, Plan, Planned};
use super::summary::PackSummary;
use super::writer::MemberWriter;
use crate::disk::FreeSpace;
use crate::error::{Error, ErrorKind, Result};
use crate::fail_points::fail_point;
use crate::output::{Output, OutputOptions, probe_output};
use crate::overwrite::Overwrite;
use crate::progress::Control;
use crate::threads::Threads;

/// How an archive is packed.
///
/// ```
/// use vmtemplate::archive::{Level, PackOptions};
/// use vmtemplate::progress::Threads;
///
/// let options = PackOptions { level: Level::SMALLEST, overwrite: vmtemplate::output::Overwrite::Yes, ..PackOptions::default() };
/// assert_eq!(options.threads, Threads::ALL); // one for every processor
/// ```
#[derive(Debug, Clone)]
pub struct PackOptions {
    /// How hard to compress.
    pub level: Level,
    /// How many threads compress. The bytes are the same for any number.
    pub threads: Threads,
    /// The time of all entries, in seconds since 1970. `None` takes the environment variable `SOURCE_DATE_EPOCH`,
    /// and without one 1980-01-01, so that the same input always gives the same bytes.
    pub mtime: Option<u64>,
    /// Replace an existing archive.
    pub overwrite: Overwrite,
    /// Whether the free clusters of consistent NTFS volumes are left out, as they are by default: nothing that was
    /// deleted on the master VM is read, nor does it reach the archive.
    pub free_space: FreeSpace,
    /// Leave out the contents of `pagefile.sys` and `swapfile.sys` as well.
    pub drop_page_files: bool,
    /// Leave the holes of the image out of the archive: the image becomes a sparse entry (PAX, GNU form
    /// 1.0), which GNU tar and bsdtar unpack with its holes.
    ///
    /// Off by default, because not every reader supports such entries: busybox unpacks one as a smaller file with another
    /// name. Holes come from the image's own map, so with this option the archive's bytes also depend on the image format.
    pub sparse: bool,
    /// Reports progress and cancels. Progress counts bytes of the files, holes included.
    pub control: Control,
}

impl PackOptions {
    /// Fail now if nothing could be packed to `path` by these options, and not after what comes before packing, such as
    /// [`Template::check`](crate::Template::check). Nothing is left behind.
    ///
    /// # Errors
    ///
    /// [`InvalidValue`](ErrorKind::InvalidValue) if the variable `SOURCE_DATE_EPOCH` is needed and is not a number; those of
    /// [`probe_output`](crate::output::probe_output).
    ///
    /// ```
    /// use vmtemplate::archive::PackOptions;
    /// use vmtemplate::ErrorKind;
    ///
    /// let error = PackOptions::default().probe("/no/such/folder/t.tar.gz").unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::NotFound);
    /// ```
    pub fn probe(&self, path: impl AsRef<Path>) -> Result<()> {
        self.validate()?;
        probe_output(path, self.overwrite)
    }

    /// The same for an archive that goes to a stream: only the options can be wrong.
    ///
    /// # Errors
    ///
    /// [`InvalidValue`](ErrorKind::InvalidValue) if the variable `SOURCE_DATE_EPOCH` is needed and is not a number.
    ///
    /// ```
    /// assert!(vmtemplate::archive::PackOptions::default().validate().is_ok());
    /// ```
    pub fn validate(&self) -> Result<()> {
        self.entry_time().map(drop)
    }

    /// The time of the entries, if anything can be packed by these options.
    fn entry_time(&self) -> Result<u64> {
        match self.mtime {
            Some(mtime) => Ok(mtime),
            None => Ok(source_date_epoch()?.unwrap_or(DEFAULT_MTIME)),
        }
    }
}

impl Default for PackOptions {
    fn default() -> Self {
        Self {
            level: Level::DEFAULT,
            threads: Threads::ALL,
            mtime: None,
            overwrite: Overwrite::No,
            free_space: FreeSpace::default(),
            drop_page_files: false,
            sparse: false,
            control: Control::default(),
        }
    }
}

/// Write what `entries` gives, in its order, to an archive at `path`. It is asked for when the options and the output have
/// proved to be right, because it may take long.
pub(crate) fn pack(
    entries: impl FnOnce() -> Result<PackEntries>,
    path: &Path,
    options: &PackOptions,
) -> Result<PackSummary> {
    options.validate()?;
    let mut output = Output::create(path, &OutputOptions::with_overwrite(options.overwrite))?;
    let PackEntries { entries, free_space } = entries()?;
    let summary = write(&entries, output.file(), options).map_err(|error| error.with_path(path))?;
    verify_unchanged(&entries)?;
    output.commit()?;
    Ok(PackSummary { free_space, ..summary })
}

/// The same to anything that takes bytes in order.
pub(crate) fn pack_to(
    entries: impl FnOnce() -> Result<PackEntries>,
    output: &mut impl Write,
    options: &PackOptions,
) -> Result<PackSummary> {
    options.validate()?;
    let PackEntries { entries, free_space } = entries()?;
    let summary = write(&entries, output, options)?;
    verify_unchanged(&entries)?;
    Ok(PackSummary { free_space, ..summary })
}

fn write(entries: &[PackEntry], output: &mut impl Write, options: &PackOptions) -> Result<PackSummary> {
    let mtime = options.entry_time()?;
    check_names(entries)?;
    let plan = Plan::new(entries, mtime, options.sparse)?;
    let threads = options.threads.count().get();
    compress(plan, output, threads, options)
}

/// Fail if no reader would unpack what would be packed: too many entries, or names that differ in case only.
fn check_names(entries: &[PackEntry]) -> Result<()> {
    let most = UnpackLimits::default().entries;
    if entries.len() as u64 > most {
        return Err(Error::new(
            ErrorKind::LimitExceeded,
            format!("the template has {} files; an archive may have at most {most}", entries.len()),
        )
        .with_help("put them into one file, such as an ISO image"));
    }
    let mut seen = SeenNames::default();
    entries.iter().try_for_each(|entry| match &entry.content {
        PackContent::Folder => seen.add_folder(&entry.name),
        _ => seen.add_file(&entry.name),
    })
}

fn verify_unchanged(entries: &[PackEntry]) -> Result<()> {
    entries.iter().try_for_each(|entry| match &entry.content {
        PackContent::Disk(disk) => disk.verify_unchanged(),
        PackContent::Bytes(_) | PackContent::Folder => Ok(()),
    })
}

/// The time that reproducible builds agree on (reproducible-builds.org, "SOURCE_DATE_EPOCH").
fn source_date_epoch() -> Result<Option<u64>> {
    let Some(value) = std::env::var_os("SOURCE_DATE_EPOCH") else { return Ok(None) };
    value.to_str().and_then(|text| text.parse().ok()).map(Some).ok_or_else(|| {
        Error::new(
            ErrorKind::InvalidValue,
            format!("`{}` is not a number of seconds since 1970", value.display()),
        )
        .with_field("SOURCE_DATE_EPOCH")
        .with_help("unset the variable, or set it to what `date +%s` prints")
    })
}

/// A piece after its worker.
enum Packed {
    Member {
        bytes: Vec<u8>,
        content: u32,
    },
    /// `read` of the `length` zeros were read to be known.
    Zeros {
        length: u64,
        read: u64,
    },
}

/// Run the plan: `threads` workers compress what this thread plans, and this thread writes it in order.
fn compress(
    plan: Plan<'_>,
    output: &mut impl Write,
    threads: usize,
    options: &PackOptions,
) -> Result<PackSummary> {
    let mut workers = Vec::new();
    for _ in 0..threads {
        let mut packer = Packer::new(options.level);
        let mut buffer = Vec::new();
        workers.push(move |planned| pack_piece(&planned, &mut packer, &mut buffer));
    }
    let mut packing =
        Packing { plan, writer: MemberWriter::new(output), passed: 0, control: &options.control };
    options.control.report(0, packing.plan.total)?;
    ordered::run(&mut packing, workers)?;
    let archive_bytes = packing.writer.finish()?;
    options.control.report(packing.plan.total, packing.plan.total)?;
    Ok(PackSummary { archive_bytes, ..packing.plan.summary })
}

fn pack_piece(planned: &Planned, packer: &mut Packer, buffer: &mut Vec<u8>) -> Result<(Packed, u64)> {
    let done = match planned.piece.read(buffer)? {
        Content::Zeros { length, read } => Packed::Zeros { length, read },
        Content::Bytes(content) => {
            Packed::Member { bytes: packer.member(content)?, content: content.len() as u32 }
        }
    };
    Ok((done, planned.passes))
}

struct Packing<'a, W> {
    plan: Plan<'a>,
    writer: MemberWriter<'a, W>,
    /// Bytes of the files that are done.
    passed: u64,
    control: &'a Control,
}

impl<W: Write> Ordered for Packing<'_, W> {
    type Job = Planned;
    type Done = (Packed, u64);

    fn next(&mut self) -> Result<Option<Step<Planned, (Packed, u64)>>> {
        Ok(self.plan.next()?.map(|planned| match planned.piece {
            // Nothing to compress.
            Piece::Zeros(length) => Step::Done((Packed::Zeros { length, read: 0 }, planned.passes)),
            _ => Step::Work(planned),
        }))
    }

    fn done(&mut self, (packed, passes): (Packed, u64)) -> Result<()> {
        match packed {
            Packed::Member { bytes, content } => self.writer.member(&bytes, content)?,
            Packed::Zeros { length, read } => {
                self.plan.summary.usage.found_zeros(read);
                self.writer.zeros(length);
            }
        }
        fail_point!("pack-member-written");
        if passes > 0 {
            self.passed += passes;
            self.control.report(self.passed, self.plan.total)?;
        }
        Ok(())
    }
}
