//! Packing: a plan of chunks, worker threads that compress, and one writer that keeps their order.

use std::collections::VecDeque;
use std::io::Write;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::header::{BLOCK, DEFAULT_MTIME, file_header, padding};
use super::index::IndexWriter;
use super::member::{CHUNK, Kind, Packer};
use super::zeros::{ZeroMembers, zero_member};
use crate::disk::{DiskImage, Extent, ExtentKind, FreeSpace, FreeSpaceReport};
use crate::error::{Error, ErrorKind, Result};
use crate::file::is_zero;
use crate::output::OutputFile;
use crate::progress::Control;

/// How an archive is packed.
///
/// ```
/// use vmtemplate::PackOptions;
///
/// let options = PackOptions { level: 9, overwrite: true, ..PackOptions::default() };
/// assert_eq!(options.threads, None); // as many as the machine has
/// ```
#[derive(Debug, Clone)]
pub struct PackOptions {
    /// Compression from 1 (fastest) to 12 (smallest).
    pub level: i32,
    /// Threads that compress; `None` takes as many as the machine has. The bytes are the same for any number.
    pub threads: Option<NonZeroUsize>,
    /// The time of all entries, in seconds since 1970. `None` takes the environment variable `SOURCE_DATE_EPOCH`,
    /// and without one 1980-01-01, so that the same input always gives the same bytes.
    pub mtime: Option<u64>,
    /// Replace an archive that is there already.
    pub overwrite: bool,
    /// Whether the free clusters of consistent NTFS volumes are left out, as they are by default: nothing that was
    /// deleted on the master VM is read, nor does it reach the archive.
    pub free_space: FreeSpace,
    /// Leave out the contents of `pagefile.sys` and `swapfile.sys` as well.
    pub drop_page_files: bool,
    /// Watching and stopping. Progress counts bytes of the files, holes included.
    pub control: Control,
}

impl PackOptions {
    /// The default of [`level`](Self::level).
    pub const DEFAULT_LEVEL: i32 = 4;
}

impl Default for PackOptions {
    fn default() -> Self {
        Self {
            level: Self::DEFAULT_LEVEL,
            threads: None,
            mtime: None,
            overwrite: false,
            free_space: FreeSpace::default(),
            drop_page_files: false,
            control: Control::default(),
        }
    }
}

/// What packing did. All numbers are bytes.
///
/// `data_read + holes + free` is the size of all files; `zeros_found` is a part of `data_read`.
///
/// ```
/// # let dir = std::env::temp_dir().join(format!("vmt-doc-summary-{}", std::process::id()));
/// # std::fs::create_dir_all(&dir).unwrap();
/// use vmtemplate::{DiskImage, PackOptions, Template};
///
/// let template = Template::builder("Windows-Server-2019")
///     .image(DiskImage::from_bytes(vec![0; 1 << 20]))
///     .build()?;
/// let summary = template.pack(dir.join("t.tar.gz"), &PackOptions::default())?;
/// assert_eq!(summary.zeros_found, 1 << 20);
/// assert!(summary.archive_bytes < 10_000);
/// # std::fs::remove_dir_all(dir).unwrap();
/// # Ok::<(), vmtemplate::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct PackSummary {
    /// The size of the archive.
    pub archive_bytes: u64,
    /// The size of all files in it, as they will be unpacked.
    pub content_bytes: u64,
    /// What had to be read.
    pub data_read: u64,
    /// What was read and found to be whole chunks of zeros.
    pub zeros_found: u64,
    /// What the map of the image told to be zero, and was not read.
    pub holes: u64,
    /// What the file system in the image marks free, and was not read.
    pub free: u64,
    /// The NTFS volumes of the image, and why the free space of one was kept.
    pub free_space: FreeSpaceReport,
}

/// A file that goes into an archive.
#[derive(Debug)]
pub(crate) struct PackEntry {
    pub(crate) name: String,
    pub(crate) content: PackContent,
}

#[derive(Debug)]
pub(crate) enum PackContent {
    Bytes(Vec<u8>),
    Disk(DiskImage),
}

/// Write `entries` in their order to an archive at `path`.
pub(crate) fn pack(entries: &[PackEntry], path: &Path, options: &PackOptions) -> Result<PackSummary> {
    let mtime = match options.mtime {
        Some(mtime) => mtime,
        None => source_date_epoch()?.unwrap_or(DEFAULT_MTIME),
    };
    // Told before a file is made.
    Packer::new(options.level)?;
    let mut output = OutputFile::create(path, options.overwrite)?;
    let plan = Plan::new(entries, mtime)?;
    let threads = options.threads.map_or_else(default_threads, NonZeroUsize::get);
    let mut summary =
        compress(plan, output.file(), threads, options).map_err(|error| error.with_path(path))?;
    for entry in entries {
        if let PackContent::Disk(disk) = &entry.content {
            disk.verify_unchanged()?;
        }
    }
    let written =
        output.file().metadata().map_err(|e| Error::io("cannot look at the archive", e).with_path(path))?;
    summary.archive_bytes = written.len();
    output.commit()?;
    Ok(summary)
}

pub(super) fn default_threads() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// The time that reproducible builds agree on (reproducible-builds.org, "SOURCE_DATE_EPOCH").
fn source_date_epoch() -> Result<Option<u64>> {
    let Some(value) = std::env::var_os("SOURCE_DATE_EPOCH") else { return Ok(None) };
    value.to_str().and_then(|text| text.parse().ok()).map(Some).ok_or_else(|| {
        Error::new(
            ErrorKind::InvalidValue,
            format!("the value `{}` is no number of seconds since 1970", value.display()),
        )
        .with_field("SOURCE_DATE_EPOCH")
        .with_help("unset the variable, or set it as `date +%s` prints it")
    })
}

/// The content of one member to be.
enum Piece {
    Bytes(Vec<u8>),
    /// A stretch of an image: what the map says must be read, and zeros around it.
    Disk {
        disk: DiskImage,
        start: u64,
        length: usize,
        data: Vec<Range<u64>>,
    },
    /// Zeros that nobody needs to look at.
    Zeros(u64),
}

impl Piece {
    fn length(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Disk { length, .. } => *length as u64,
            Self::Zeros(length) => *length,
        }
    }
}

/// The whole tar stream as pieces, made as they are needed.
///
/// Image content is cut by a grid of [`CHUNK`] from its own start, so that the pieces depend on the bytes of the disk
/// and not on where its extents begin.
struct Plan<'a> {
    entries: std::slice::Iter<'a, PackEntry>,
    mtime: u64,
    /// Headers, small files and padding, up to the next image.
    pending: Vec<u8>,
    image: Option<ImagePlan<'a>>,
    ended: bool,
    total: u64,
    summary: PackSummary,
}

struct ImagePlan<'a> {
    disk: &'a DiskImage,
    at: u64,
    extent: Extent,
}

impl<'a> Plan<'a> {
    fn new(entries: &'a [PackEntry], mtime: u64) -> Result<Self> {
        let total = entries
            .iter()
            .map(|entry| match &entry.content {
                PackContent::Bytes(bytes) => bytes.len() as u64,
                PackContent::Disk(disk) => disk.size(),
            })
            .try_fold(0u64, u64::checked_add)
            .ok_or_else(|| Error::new(ErrorKind::LimitExceeded, "the files have more than 2^64 bytes"))?;
        Ok(Self {
            entries: entries.iter(),
            mtime,
            pending: Vec::new(),
            image: None,
            ended: false,
            total,
            summary: PackSummary { content_bytes: total, ..PackSummary::default() },
        })
    }

    fn next(&mut self) -> Result<Option<Piece>> {
        loop {
            if let Some(image) = &mut self.image {
                if let Some(piece) = image.next(&mut self.summary)? {
                    return Ok(Some(piece));
                }
                self.pending.resize(padding(image.disk.size()), 0);
                self.image = None;
            }
            if self.pending.len() >= CHUNK {
                let rest = self.pending.split_off(CHUNK);
                return Ok(Some(Piece::Bytes(std::mem::replace(&mut self.pending, rest))));
            }
            match self.entries.next() {
                Some(entry) => self.begin(entry)?,
                None if !self.ended => {
                    // Two blocks of zeros end an archive (POSIX, ustar).
                    self.pending.resize(self.pending.len() + 2 * BLOCK, 0);
                    self.ended = true;
                }
                None => {}
            }
            let flush = self.image.is_some() || self.ended;
            if flush && !self.pending.is_empty() && self.pending.len() <= CHUNK {
                return Ok(Some(Piece::Bytes(std::mem::take(&mut self.pending))));
            }
            if self.ended && self.pending.is_empty() {
                return Ok(None);
            }
        }
    }

    fn begin(&mut self, entry: &'a PackEntry) -> Result<()> {
        match &entry.content {
            PackContent::Bytes(bytes) => {
                self.pending.extend_from_slice(&file_header(&entry.name, bytes.len() as u64, self.mtime)?);
                self.pending.extend_from_slice(bytes);
                self.pending.resize(self.pending.len() + padding(bytes.len() as u64), 0);
                self.summary.data_read += bytes.len() as u64;
            }
            PackContent::Disk(disk) => {
                self.pending.extend_from_slice(&file_header(&entry.name, disk.size(), self.mtime)?);
                let extent = Extent { offset: 0, length: 0, kind: ExtentKind::Zero };
                self.image = Some(ImagePlan { disk, at: 0, extent });
            }
        }
        Ok(())
    }
}

impl ImagePlan<'_> {
    fn next(&mut self, summary: &mut PackSummary) -> Result<Option<Piece>> {
        let size = self.disk.size();
        let start = self.at;
        if start >= size {
            return Ok(None);
        }
        let end = size.min(start + CHUNK as u64);
        let mut data = Vec::new();
        while self.at < end {
            if self.extent.end() <= self.at {
                self.extent = self.disk.extent_at(self.at)?;
            }
            let mut stop = self.extent.end().min(end);
            if self.at == start && !self.extent.kind.must_be_read() {
                // Whole chunks that need no look are passed in one step; the end of the disk is no whole chunk.
                let whole = (self.extent.end() - start) / CHUNK as u64 * CHUNK as u64;
                stop = stop.max(start + whole);
            }
            let length = stop - self.at;
            match self.extent.kind {
                ExtentKind::Data => {
                    summary.data_read += length;
                    data.push(self.at..stop);
                }
                ExtentKind::Zero => summary.holes += length,
                ExtentKind::Free => summary.free += length,
            }
            self.at = stop;
        }
        let length = self.at - start;
        Ok(Some(if data.is_empty() {
            Piece::Zeros(length)
        } else {
            Piece::Disk { disk: self.disk.clone(), start, length: length as usize, data }
        }))
    }
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

type Job = (Piece, Sender<Result<Packed>>);

/// Run the plan: `threads` workers compress what this thread plans, and this thread writes it in order.
///
/// At most two pieces for each worker are under way, which bounds memory whatever the size of the image.
fn compress(
    mut plan: Plan<'_>,
    output: &mut impl Write,
    threads: usize,
    options: &PackOptions,
) -> Result<PackSummary> {
    let (jobs, queue) = sync_channel::<Job>(threads);
    let queue = Mutex::new(queue);
    thread::scope(|scope| {
        for _ in 0..threads {
            let mut packer = Packer::new(options.level)?;
            let queue = &queue;
            scope.spawn(move || worker(queue, &mut packer));
        }
        // Moved here, so that it ends with the writer, however that ends; its end is what stops the workers.
        let jobs = jobs;
        write_in_order(&mut plan, output, &jobs, 2 * threads, &options.control)
    })?;
    Ok(plan.summary)
}

fn worker(queue: &Mutex<Receiver<Job>>, packer: &mut Packer) {
    let mut buffer = Vec::new();
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((piece, reply)) = job else { return };
        // The writer is gone only when the work has failed already.
        reply.send(pack_piece(&piece, packer, &mut buffer)).ok();
    }
}

fn pack_piece(piece: &Piece, packer: &mut Packer, buffer: &mut Vec<u8>) -> Result<Packed> {
    let content = match piece {
        Piece::Zeros(length) => return Ok(Packed::Zeros { length: *length, read: 0 }),
        Piece::Bytes(bytes) => bytes.as_slice(),
        Piece::Disk { disk, start, length, data } => {
            buffer.resize(CHUNK, 0);
            let chunk = &mut buffer[..*length];
            let mut done = 0;
            for range in data {
                let [from, to] = [range.start, range.end].map(|at| (at - start) as usize);
                chunk[done..from].fill(0);
                disk.read_at(&mut chunk[from..to], range.start)?;
                done = to;
            }
            chunk[done..].fill(0);
            if is_zero(chunk) {
                let read = data.iter().map(|range| range.end - range.start).sum();
                return Ok(Packed::Zeros { length: *length as u64, read });
            }
            chunk
        }
    };
    Ok(Packed::Member { bytes: packer.member(content)?, content: content.len() as u32 })
}

fn write_in_order(
    plan: &mut Plan<'_>,
    output: &mut impl Write,
    jobs: &SyncSender<Job>,
    window: usize,
    control: &Control,
) -> Result<()> {
    let stopped = || Error::new(ErrorKind::Io, "a worker thread stopped unexpectedly");
    let mut writer = MemberWriter::new(output);
    let mut under_way: VecDeque<(u64, bool, Receiver<Result<Packed>>)> = VecDeque::new();
    let (mut planned_all, mut done) = (false, 0);
    control.report(0, plan.total)?;
    loop {
        while !planned_all && under_way.len() < window {
            let Some(piece) = plan.next()? else {
                planned_all = true;
                break;
            };
            let (reply, answer) = channel();
            let is_content = !matches!(piece, Piece::Bytes(_));
            under_way.push_back((piece.length(), is_content, answer));
            match piece {
                // Nothing to compress: answered on the spot.
                Piece::Zeros(length) => {
                    reply.send(Ok(Packed::Zeros { length, read: 0 })).map_err(|_| stopped())?;
                }
                piece => jobs.send((piece, reply)).map_err(|_| stopped())?,
            }
        }
        let Some((length, is_content, answer)) = under_way.pop_front() else { break };
        match answer.recv().map_err(|_| stopped())?? {
            Packed::Member { bytes, content } => writer.member(&bytes, content)?,
            Packed::Zeros { length, read } => {
                plan.summary.zeros_found += read;
                writer.zero_run += length;
            }
        }
        if is_content {
            done += length;
            control.report(done, plan.total)?;
        }
    }
    writer.finish()?;
    control.report(plan.total, plan.total)
}

/// Writes members, joins runs of zeros, and keeps the index.
struct MemberWriter<'a, W> {
    output: &'a mut W,
    index: IndexWriter,
    zeros: ZeroMembers,
    /// Zeros that are not written yet: more may follow.
    zero_run: u64,
}

impl<'a, W: Write> MemberWriter<'a, W> {
    fn new(output: &'a mut W) -> Self {
        Self { output, index: IndexWriter::default(), zeros: ZeroMembers::new(), zero_run: 0 }
    }

    fn write(output: &mut W, bytes: &[u8]) -> Result<()> {
        output.write_all(bytes).map_err(|e| Error::io("cannot write the archive", e))
    }

    fn member(&mut self, bytes: &[u8], content: u32) -> Result<()> {
        self.flush_zeros()?;
        self.index.add(Kind::Data, bytes.len() as u32, content);
        Self::write(self.output, bytes)
    }

    fn flush_zeros(&mut self) -> Result<()> {
        let run = std::mem::take(&mut self.zero_run);
        let odd = (run % CHUNK as u64) as u32;
        for (content, member) in self.zeros.for_run(run - u64::from(odd)) {
            self.index.add(Kind::Zeros, member.len() as u32, content);
            Self::write(self.output, member)?;
        }
        if odd > 0 {
            let member = zero_member(odd);
            self.index.add(Kind::Zeros, member.len() as u32, odd);
            Self::write(self.output, &member)?;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<()> {
        self.flush_zeros()?;
        for member in self.index.members() {
            Self::write(self.output, &member)?;
        }
        self.output.flush().map_err(|e| Error::io("cannot write the archive", e))
    }
}
