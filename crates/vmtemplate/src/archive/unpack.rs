//! Unpacking: members of our archives by worker threads, archives of others as a stream, both into sparse files.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Read;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::index::{member_at, not_a_member, read};
use super::member::{Header, Kind, Unpacker};
use super::parser::{Parser, Sink};
use super::stream::{open_archive, open_stream};
use super::zeros::ZeroMembers;
use crate::error::{Error, ErrorKind, Result};
use crate::file::PositionedIo;
use crate::output::OutputFolder;
use crate::progress::Control;

/// Bounds on what an archive may hold. The defaults let an image of 2 TiB and more pass.
///
/// ```
/// let limits = vmtemplate::UnpackLimits { total_size: 100 << 30, ..Default::default() };
/// assert_eq!(limits.entries, 1000);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnpackLimits {
    /// Files and folders; 1000 unless set. A template has three files.
    pub entries: u64,
    /// Bytes of all files together, holes included; 16 TiB unless set.
    pub total_size: u64,
}

impl Default for UnpackLimits {
    fn default() -> Self {
        Self { entries: 1000, total_size: 16 << 40 }
    }
}

/// How an archive is unpacked.
///
/// ```
/// use vmtemplate::{Control, UnpackOptions};
///
/// let options = UnpackOptions {
///     control: Control::on_progress(|p| eprint!("\r{:3.0}%", 100.0 * p.fraction())),
///     ..UnpackOptions::default()
/// };
/// # let _ = options;
/// ```
#[derive(Debug, Clone, Default)]
pub struct UnpackOptions {
    /// Bounds on hostile archives.
    pub limits: UnpackLimits,
    /// Threads that decompress; `None` takes as many as the machine has. Archives of other tools need one.
    pub threads: Option<NonZeroUsize>,
    /// Watching and stopping. Progress counts bytes of the archive.
    pub control: Control,
}

/// A file in an archive.
///
/// ```
/// let entry = vmtemplate::ArchiveEntry { name: "metainfo.xml".into(), size: 512 };
/// assert_eq!(entry.size, 512);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ArchiveEntry {
    /// Its name, with `/` between folders.
    pub name: String,
    /// Its size in bytes, holes included.
    pub size: u64,
}

/// Unpack the archive at `path` into `folder`, which may be new. `last` gets its place after all other files.
pub(crate) fn unpack(
    path: &Path,
    folder: &Path,
    last: &str,
    options: &UnpackOptions,
) -> Result<Vec<ArchiveEntry>> {
    let (file, length) = open_archive(path)?;
    let mut sink = FolderSink {
        output: OutputFolder::create(folder)?,
        top: BTreeSet::new(),
        entries: Vec::new(),
        current: None,
        unsynced: Vec::new(),
    };
    let mut parser = Parser::new(options.limits);
    let ours = member_at(&file, length, 0);
    let done = match ours {
        Ok(Some(_)) => unpack_members(&file, length, &mut parser, &mut sink, options),
        Ok(None) => unpack_stream(&file, length, &mut parser, &mut sink, &options.control),
        Err(error) => Err(error),
    };
    done.and_then(|()| parser.finish()).map_err(|error| parser.locate(error).with_path(path))?;
    for file in sink.unsynced {
        sync(&file)?;
    }
    sink.output.commit(last)?;
    Ok(sink.entries)
}

fn sync(file: &File) -> Result<()> {
    file.sync_all().map_err(|e| Error::io("cannot write an unpacked file to the disk", e))
}

/// The files of an archive, made in a folder.
struct FolderSink {
    output: OutputFolder,
    /// Names at the root of the folder, looked up once.
    top: BTreeSet<String>,
    entries: Vec<ArchiveEntry>,
    current: Option<Current>,
    /// Files that workers may still write to.
    unsynced: Vec<Arc<File>>,
}

struct Current {
    file: Arc<File>,
    shared: bool,
}

impl FolderSink {
    fn claim(&mut self, name: &str) -> Result<()> {
        let top = name.split('/').next().unwrap_or(name);
        if self.top.insert(top.to_owned()) {
            self.output.refuse_existing(top)?;
        }
        Ok(())
    }

    fn make_folder(&self, name: &str) -> Result<()> {
        let path = self.output.staged(name);
        fs::create_dir_all(&path).map_err(|e| Error::io("cannot create a folder", e).with_path(path))
    }

    /// The file that is being unpacked, for somebody who writes to it later.
    fn share(&mut self) -> Option<Arc<File>> {
        let current = self.current.as_mut()?;
        current.shared = true;
        Some(Arc::clone(&current.file))
    }
}

impl Sink for FolderSink {
    fn folder(&mut self, name: &str) -> Result<()> {
        self.claim(name)?;
        self.make_folder(name)
    }

    fn file(&mut self, name: &str, size: u64) -> Result<()> {
        self.claim(name)?;
        if let Some((parent, _)) = name.rsplit_once('/') {
            self.make_folder(parent)?;
        }
        let path = self.output.staged(name);
        let file = File::create_new(&path)
            .and_then(|file| file.set_len(size).map(|()| file))
            .map_err(|e| Error::io("cannot create a file", e).with_path(path))?;
        self.entries.push(ArchiveEntry { name: name.to_owned(), size });
        self.current = Some(Current { file: Arc::new(file), shared: false });
        Ok(())
    }

    fn data(&mut self, offset: u64, bytes: &[u8]) -> Result<()> {
        let Some(current) = &self.current else { return Ok(()) };
        write(&current.file, bytes, offset)
    }

    fn end_file(&mut self) -> Result<()> {
        match self.current.take() {
            Some(Current { file, shared: true }) => self.unsynced.push(file),
            Some(Current { file, shared: false }) => sync(&file)?,
            None => {}
        }
        Ok(())
    }
}

fn write(file: &File, bytes: &[u8], offset: u64) -> Result<()> {
    file.write_sparse_at(bytes, offset).map(drop).map_err(|e| Error::io("cannot write an unpacked file", e))
}

/// Any gzip stream, decompressed in order.
fn unpack_stream(
    file: &File,
    length: u64,
    parser: &mut Parser,
    sink: &mut dyn Sink,
    control: &Control,
) -> Result<()> {
    let (mut stream, consumed) = open_stream(file, length);
    let mut buffer = vec![0; 1 << 20];
    loop {
        let count = stream.read(&mut buffer).map_err(|e| super::stream::damaged(e, consumed.get()))?;
        if count == 0 {
            return Ok(());
        }
        parser.feed(&buffer[..count], sink)?;
        control.report(consumed.get(), length)?;
    }
}

/// A member whose content is plain content of one file.
struct Job {
    at: u64,
    header: Header,
    file: Arc<File>,
    offset: u64,
}

/// What the workers have to say: the fault nearest to the front of the archive.
#[derive(Default)]
struct Faults(Mutex<Option<(u64, Error)>>);

impl Faults {
    fn report(&self, at: u64, error: Error) {
        let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if first.as_ref().is_none_or(|(earlier, _)| at < *earlier) {
            *first = Some((at, error));
        }
    }

    fn any(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn take(&self) -> Option<Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take().map(|(_, error)| error)
    }
}

/// An archive of ours: this thread steps from member to member and reads the headers of the tar layer; members that
/// are nothing but content go to the workers, and members of zeros to nobody.
fn unpack_members(
    archive: &File,
    length: u64,
    parser: &mut Parser,
    sink: &mut FolderSink,
    options: &UnpackOptions,
) -> Result<()> {
    let threads = options.threads.map_or_else(super::pack::default_threads, NonZeroUsize::get);
    let (jobs, queue) = sync_channel::<Job>(threads);
    let queue = Mutex::new(queue);
    let faults = Faults::default();
    let walked = thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| worker(archive, &queue, &faults));
        }
        // Moved here, so that it ends with the walk, however that ends; its end is what stops the workers.
        let jobs = jobs;
        walk(archive, length, parser, sink, &jobs, &faults, &options.control)
    });
    match faults.take() {
        Some(error) => Err(error),
        None => walked,
    }
}

fn worker(archive: &File, queue: &Mutex<Receiver<Job>>, faults: &Faults) {
    let mut unpacker = Unpacker::new();
    let (mut member, mut content) = (Vec::new(), Vec::new());
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { at, header, file, offset }) = job else { return };
        if faults.any() {
            continue;
        }
        let done = member_content(archive, at, header, &mut unpacker, &mut member, &mut content)
            .and_then(|()| write(&file, &content, offset));
        if let Err(error) = done {
            faults.report(at, error);
        }
    }
}

/// The content of the member at `at`, checked against its CRC-32 and length.
pub(super) fn member_content(
    archive: &File,
    at: u64,
    header: Header,
    unpacker: &mut Unpacker,
    member: &mut Vec<u8>,
    content: &mut Vec<u8>,
) -> Result<()> {
    member.resize(header.length as usize, 0);
    content.resize(header.content as usize, 0);
    read(archive, member, at)?;
    unpacker.content(member, content).map_err(|error| {
        Error::new(ErrorKind::InvalidArchive, format!("the archive is damaged at offset {at}"))
            .caused_by(error)
            .with_help("make or fetch the archive again")
    })
}

fn walk(
    archive: &File,
    length: u64,
    parser: &mut Parser,
    sink: &mut FolderSink,
    jobs: &SyncSender<Job>,
    faults: &Faults,
    control: &Control,
) -> Result<()> {
    let mut unpacker = Unpacker::new();
    let (mut member, mut content) = (Vec::new(), Vec::new());
    let zeros = ZeroMembers::new();
    let mut at = 0;
    while at < length {
        if faults.any() {
            return Ok(()); // told by the caller
        }
        control.report(at, length)?;
        let header = member_at(archive, length, at)?.ok_or_else(|| not_a_member(at))?;
        let run = parser.run().filter(|&(_, run)| u64::from(header.content) <= run && header.content > 0);
        match (header.kind, run) {
            (Kind::Zeros, Some(_)) => {
                zeros.verify(archive, at, header)?;
                parser.skip(u64::from(header.content), sink)?;
            }
            (Kind::Zeros, None) => {
                zeros.verify(archive, at, header)?;
                feed_zeros(header.content, parser, sink)?;
            }
            (Kind::Data, Some((offset, _))) => {
                if let Some(file) = sink.share() {
                    // The queue is closed only when every worker is gone, which a fault tells.
                    jobs.send(Job { at, header, file, offset }).ok();
                }
                parser.skip(u64::from(header.content), sink)?;
            }
            // A member with headers of the tar layer, or one that must prove to be empty.
            (Kind::Data | Kind::Index | Kind::Footer, _) => {
                member_content(archive, at, header, &mut unpacker, &mut member, &mut content)?;
                parser.feed(&content, sink)?;
            }
        }
        at += u64::from(header.length);
    }
    control.report(length, length)
}

/// Zeros where the tar layer expects more than content: padding, or the end of the archive.
fn feed_zeros(mut count: u32, parser: &mut Parser, sink: &mut dyn Sink) -> Result<()> {
    let zeros = [0; 4096];
    while count > 0 && !parser.at_end() {
        let now = count.min(zeros.len() as u32);
        parser.feed(&zeros[..now as usize], sink)?;
        count -= now;
    }
    Ok(())
}
