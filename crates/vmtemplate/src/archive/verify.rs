//! Reading an archive to its last byte: every checksum, every header, and the SHA-256 of all that is in it.

use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use sha2::{Digest, Sha256};

use super::index::IndexWriter;
use super::member::{Header, Kind};
use super::member_reader::{MemberRoom, Members, member_at, read};
use super::ordered::{self, Ordered, Step};
use super::parser::{Parser, Sink};
use super::reader::Archive;
use super::stream::feed_stream;
use super::zeros::ZeroMembers;
use crate::digest::hex;
use crate::error::{Error, ErrorKind, Result};
use crate::progress::Control;
use crate::source::ReadAt;
use crate::threads::Threads;

/// How an archive is verified.
///
/// ```
/// use vmtemplate::archive::VerifyOptions;
/// use vmtemplate::progress::Threads;
///
/// let options = VerifyOptions { threads: Threads::ONE, ..VerifyOptions::default() };
/// # let _ = options;
/// ```
#[derive(Debug, Clone, Default)]
pub struct VerifyOptions {
    /// How many threads decompress. Archives of other tools need one.
    pub threads: Threads,
    /// Reports progress and cancels. Progress counts bytes of the archive.
    pub control: Control,
}

/// The result of verifying an archive: it is intact, and these are its checksums.
///
/// ```
/// # let dir = std::env::temp_dir().join(format!("vmt-doc-verified-{}", std::process::id()));
/// # std::fs::create_dir_all(&dir).unwrap();
/// # let path = dir.join("t.tar.gz");
/// # use vmtemplate::archive::{PackOptions, VerifyOptions};
/// # use vmtemplate::{Archive, DiskImage, Template};
/// # Template::builder("Windows-10").image(DiskImage::from_bytes(vec![0; 4096])).image_name("win.hddimage")
/// #     .build()?.pack(&path, &PackOptions::default())?;
/// let verified = Archive::open(&path)?.verify(&VerifyOptions::default())?;
/// assert!(verified.has_index);
/// for file in &verified.files {
///     println!("{}  {}", file.sha256, file.name); // as sha256sum prints it
/// }
/// # // 4096 zeros
/// # assert_eq!(verified.files[2].sha256, "ad7facb2586fc6e966c004d7d1d16b024f5805ff7cb47c7a85dabd8b48892ca7");
/// # std::fs::remove_dir_all(dir).unwrap();
/// # Ok::<(), vmtemplate::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Verified {
    /// The SHA-256 of the archive, as 64 hexadecimal digits.
    pub sha256: String,
    /// The size of the archive in bytes.
    pub archive_bytes: u64,
    /// Whether it has the index that makes it possible to open it without reading all of it.
    pub has_index: bool,
    /// Its files, in the archive's order.
    pub files: Vec<VerifiedFile>,
}

/// A file of a verified archive.
///
/// ```no_run
/// # use vmtemplate::archive::VerifyOptions;
/// # use vmtemplate::Archive;
/// let verified = Archive::open("t.tar.gz")?.verify(&VerifyOptions::default())?;
/// println!("{} has {} bytes", verified.files[0].name, verified.files[0].size);
/// # Ok::<(), vmtemplate::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct VerifiedFile {
    /// Its name, with `/` between folders.
    pub name: String,
    /// Its size in bytes, holes included.
    pub size: u64,
    /// Its SHA-256, as 64 hexadecimal digits.
    pub sha256: String,
}

/// Read all of an archive. The bytes of the file named `keep` are given as well, if it is small.
pub(crate) fn verify(
    archive: &Archive,
    keep: &'static str,
    options: &VerifyOptions,
) -> Result<(Verified, Option<Vec<u8>>)> {
    let source = archive.source();
    let mut parser = Parser::new(archive.limits());
    let mut sink = HashSink { keep, kept: None, files: Vec::new(), hash: Sha256::new(), at: 0 };
    let done = match member_at(source, 0) {
        Ok(Some(_)) => verify_members(source, &mut parser, &mut sink, options),
        Ok(None) => {
            let mut hash = Sha256::new();
            feed_stream(source, &mut parser, &mut sink, |bytes| hash.update(bytes), &options.control)
                .map(|()| (hex(hash), false))
        }
        Err(error) => Err(error),
    };
    let (sha256, has_index) = done.map_err(|error| parser.locate(error).with_path(archive.path()))?;
    Ok((Verified { sha256, archive_bytes: source.size(), has_index, files: sink.files }, sink.kept))
}

/// The largest file whose bytes are kept.
const MAX_KEPT: u64 = 1 << 20;

/// Takes the checksum of every file.
struct HashSink {
    keep: &'static str,
    kept: Option<Vec<u8>>,
    files: Vec<VerifiedFile>,
    hash: Sha256,
    /// How much of the current file is in `hash`.
    at: u64,
}

impl HashSink {
    /// Holes count as the zeros that a reader of the file sees.
    fn zeros_up_to(&mut self, offset: u64) {
        let zeros = [0; 1 << 14];
        while self.at < offset {
            let now = (offset - self.at).min(zeros.len() as u64);
            self.hash.update(&zeros[..now as usize]);
            self.at += now;
        }
    }

    fn current(&self) -> Option<&VerifiedFile> {
        self.files.last()
    }
}

impl Sink for HashSink {
    fn folder(&mut self, _name: &str) -> Result<()> {
        Ok(())
    }

    fn file(&mut self, name: &str, size: u64) -> Result<()> {
        if name == self.keep && size <= MAX_KEPT {
            self.kept = Some(vec![0; size as usize]);
        }
        self.files.push(VerifiedFile { name: name.to_owned(), size, sha256: String::new() });
        self.hash = Sha256::new();
        self.at = 0;
        Ok(())
    }

    fn data(&mut self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.zeros_up_to(offset);
        self.hash.update(bytes);
        self.at += bytes.len() as u64;
        if self.current().is_some_and(|file| file.name == self.keep)
            && let Some(kept) =
                self.kept.as_mut().and_then(|kept| kept.get_mut(offset as usize..)?.get_mut(..bytes.len()))
        {
            kept.copy_from_slice(bytes);
        }
        Ok(())
    }

    fn end_file(&mut self) -> Result<()> {
        let size = self.current().map_or(0, |file| file.size);
        self.zeros_up_to(size);
        let hash = std::mem::take(&mut self.hash);
        if let Some(file) = self.files.last_mut() {
            file.sha256 = hex(hash);
        }
        Ok(())
    }
}

/// An archive of ours: this thread reads the members and takes the checksums of the files, the workers decompress,
/// and one thread takes the checksum of the archive.
fn verify_members(
    archive: &dyn ReadAt,
    parser: &mut Parser,
    sink: &mut HashSink,
    options: &VerifyOptions,
) -> Result<(String, bool)> {
    let length = archive.size();
    let threads = options.threads.count().get();
    let workers = (0..threads)
        .map(|_| {
            let mut room = MemberRoom::default();
            move |job: Job| {
                let content = room.decompress(&job.member, job.at, job.header)?.to_vec();
                Ok(Content { bytes: content, zeros: 0, end: job.at + u64::from(job.header.length) })
            }
        })
        .collect();
    thread::scope(|scope| {
        let (members, received) = sync_channel::<Arc<[u8]>>(2 * threads);
        let hasher = thread::Builder::new().name("vmtemplate".into()).spawn_scoped(scope, move || {
            let mut hash = Sha256::new();
            for member in received {
                hash.update(&member);
            }
            hash
        });
        let tap = if hasher.is_ok() { Tap::Thread(members) } else { Tap::Here(Sha256::new()) };
        let mut reading = Reading {
            archive,
            members: Members::new(archive),
            tap,
            index: IndexWriter::default(),
            expected: None,
            zeros: ZeroMembers::new(),
            parser,
            sink,
            control: &options.control,
        };
        options.control.report(0, length)?;
        ordered::run(&mut reading, workers)?;
        reading.parser.finish()?;
        let has_index = match reading.expected.take().map(|mut expected| expected.next()) {
            Some(Some(_)) => return Err(bad_index(length)),
            Some(None) => true,
            None => false,
        };
        let tap = reading.tap;
        options.control.report(length, length)?;
        let hash = match (tap, hasher) {
            (Tap::Here(hash), _) => Some(hash),
            (Tap::Thread(members), hasher) => {
                // The thread ends when nothing more can come.
                drop(members);
                hasher.ok().and_then(|thread| thread.join().ok())
            }
        };
        let hash = hash.ok_or_else(|| Error::new(ErrorKind::Io, "a thread stopped unexpectedly"))?;
        Ok((hex(hash), has_index))
    })
}

/// Takes the checksum of the archive.
enum Tap {
    /// A thread of its own.
    Thread(SyncSender<Arc<[u8]>>),
    /// Nobody else, where no thread could be started.
    Here(Sha256),
}

impl Tap {
    fn take(&mut self, member: &Arc<[u8]>) {
        match self {
            // The thread that listens ends only with this one.
            Self::Thread(members) => {
                members.send(Arc::clone(member)).ok();
            }
            Self::Here(hash) => hash.update(member),
        }
    }
}

struct Job {
    at: u64,
    header: Header,
    member: Arc<[u8]>,
}

/// The content of a member, and where the member ends.
struct Content {
    bytes: Vec<u8>,
    /// Zeros behind `bytes`.
    zeros: u32,
    end: u64,
}

struct Reading<'a> {
    archive: &'a dyn ReadAt,
    members: Members<'a>,
    tap: Tap,
    /// What the index should be, from the members that were read.
    index: IndexWriter,
    /// The members of the index that are still to come, once it has begun.
    expected: Option<std::vec::IntoIter<Vec<u8>>>,
    zeros: ZeroMembers,
    parser: &'a mut Parser,
    sink: &'a mut HashSink,
    control: &'a Control,
}

impl Ordered for Reading<'_> {
    type Job = Job;
    type Done = Content;

    fn next(&mut self) -> Result<Option<Step<Job, Content>>> {
        let tap = &mut self.tap;
        let padding = |bytes: &[u8]| tap.take(&bytes.into());
        let Some((at, header)) = self.members.next(padding)? else { return Ok(None) };
        let mut member = vec![0; header.length as usize];
        read(self.archive, &mut member, at)?;
        let member: Arc<[u8]> = member.into();
        self.tap.take(&member);
        let end = self.members.at();
        match header.kind {
            Kind::Index | Kind::Footer => {
                let index = &self.index;
                let expected =
                    self.expected.get_or_insert_with(|| index.members().collect::<Vec<_>>().into_iter());
                if expected.next().as_deref() != Some(&*member) {
                    return Err(bad_index(at));
                }
                Ok(Some(Step::Done(Content { bytes: Vec::new(), zeros: 0, end })))
            }
            _ if self.expected.is_some() => Err(bad_index(at)),
            Kind::Zeros => {
                self.zeros.check(&member, at, header)?;
                self.index.add(header.kind, header.length, header.content);
                Ok(Some(Step::Done(Content { bytes: Vec::new(), zeros: header.content, end })))
            }
            Kind::Data => {
                self.index.add(header.kind, header.length, header.content);
                Ok(Some(Step::Work(Job { at, header, member })))
            }
        }
    }

    fn done(&mut self, content: Content) -> Result<()> {
        self.parser.feed(&content.bytes, self.sink)?;
        super::unpack::feed_zeros(content.zeros, self.parser, self.sink)?;
        self.parser.check_ratio(0, content.end)?;
        self.control.report(content.end, self.archive.size())
    }
}

fn bad_index(at: u64) -> Error {
    Error::new(
        ErrorKind::InvalidArchive,
        format!("the index at the end of the archive does not match its members (offset {at})"),
    )
    .with_help("its files are readable; pack the template again to get an archive that opens quickly")
}
