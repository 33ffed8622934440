//! Looking into an archive without unpacking it.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::entry::ArchiveEntry;
use super::header::BLOCK;
use super::index::{Member, MemberMap};
use super::limits::{UnpackLimits, exceeded};
use super::member::Kind;
use super::member_reader::{MemberRoom, member_at};
use super::parser::{Parser, Sink};
use super::stream::{check_start, feed_stream, open_source};
use super::zeros::ZeroMembers;
use crate::disk::{DiskImage, DiskSource, Extent, ExtentKind};
use crate::error::{Error, ErrorKind, Result};
use crate::progress::Control;
use crate::source::ReadAt;

/// The largest file that [`Archive::read`] gives: metadata and scripts are far smaller.
const MAX_READ: u64 = 16 << 20;
/// Files up to this size are kept while an archive of another tool is listed, since it is read only once.
const MAX_KEPT: u64 = 2 << 20;

/// A template archive: opened once, by a path, a URL or a [`ReadAt`], and then listed, read, unpacked, verified, checked or
/// rendered.
///
/// Nothing but the first bytes is read before it is needed. An archive of this crate is listed in milliseconds whatever
/// its size: its members are found through the index at its end, and only those that hold headers are decompressed. The
/// archive of another tool is one compressed stream that has to be read to its end to be listed.
///
/// ```
/// # let dir = std::env::temp_dir().join(format!("vmt-doc-archive-{}", std::process::id()));
/// # std::fs::create_dir_all(&dir).unwrap();
/// # let path = dir.join("t.tar.gz");
/// # use vmtemplate::archive::PackOptions;
/// # use vmtemplate::{DiskImage, Template};
/// # Template::builder("Windows-Server-2019").image(DiskImage::from_bytes(vec![7; 4096])).image_name("win.hddimage")
/// #     .build()?.pack(&path, &PackOptions::default())?;
/// use vmtemplate::archive::{UnpackOptions, VerifyOptions};
/// use vmtemplate::Archive;
///
/// let archive = Archive::open(&path)?;
/// for entry in archive.entries()? {
///     println!("{:>12} {}", entry.size, entry.name);
/// }
/// assert!(archive.read("metainfo.xml")?.starts_with(b"<?xml"));
/// println!("{}", archive.verify(&VerifyOptions::default())?.sha256);
/// archive.unpack(dir.join("unpacked"), &UnpackOptions::default())?;
/// # std::fs::remove_dir_all(dir).unwrap();
/// # Ok::<(), vmtemplate::Error>(())
/// ```
#[derive(Clone)]
pub struct Archive {
    source: Arc<dyn ReadAt>,
    path: PathBuf,
    limits: UnpackLimits,
    /// What is in it, once somebody asked. Shared with clones.
    listing: Arc<OnceLock<Listing>>,
}

/// The files of an archive, and how they are read.
struct Listing {
    entries: Vec<ArchiveEntry>,
    body: Body,
}

enum Body {
    /// Random access through the members.
    Members { content: Arc<MemberContent>, stored: HashMap<String, Arc<[Stored]>> },
    /// The small files of a stream.
    Stream { kept: HashMap<String, Vec<u8>> },
}

/// A part of a file: where it belongs in the file, and where it is in the tar stream.
#[derive(Debug, Clone, Copy)]
struct Stored {
    offset: u64,
    length: u64,
    at: u64,
}

/// The most parts of all sparse files that are remembered: what bounds memory.
const MAX_STORED: usize = 1 << 20;

impl Archive {
    /// Open the archive at a path or a URL.
    ///
    /// # Errors
    ///
    /// [`InvalidArchive`](ErrorKind::InvalidArchive) unless it begins as a `.tar.gz` does, and whatever opening the file
    /// gives.
    ///
    /// ```
    /// use vmtemplate::{Archive, ErrorKind};
    ///
    /// assert_eq!(Archive::open("/no/such.tar.gz").unwrap_err().kind(), ErrorKind::NotFound);
    /// ```
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::from_source(open_source(path)?, path)
    }

    /// Open the archive that `source` gives; `name` is what errors call it, a file name or a URL.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open).
    ///
    /// ```
    /// use vmtemplate::{Archive, ErrorKind};
    ///
    /// let error = Archive::from_source(b"no archive".to_vec(), "upload.tar.gz").unwrap_err();
    /// assert_eq!(error.path().unwrap().to_str(), Some("upload.tar.gz"));
    /// assert_eq!(error.kind(), ErrorKind::InvalidArchive);
    /// ```
    pub fn from_source(source: impl ReadAt + 'static, name: impl AsRef<Path>) -> Result<Self> {
        let name = name.as_ref();
        check_start(&source).map_err(|error| error.with_path(name))?;
        Ok(Self {
            source: Arc::new(source),
            path: name.to_owned(),
            limits: UnpackLimits::default(),
            listing: Arc::default(),
        })
    }

    /// The same archive with other bounds on what it may hold than the default [`UnpackLimits`]. They apply to everything
    /// that reads it.
    ///
    /// ```
    /// # let dir = std::env::temp_dir().join(format!("vmt-doc-limits-{}", std::process::id()));
    /// # std::fs::create_dir_all(&dir).unwrap();
    /// # let path = dir.join("t.tar.gz");
    /// # use vmtemplate::archive::PackOptions;
    /// # use vmtemplate::{DiskImage, Template};
    /// # Template::builder("Windows-10").image(DiskImage::from_bytes([7; 512])).build()?
    /// #     .pack(&path, &PackOptions::default())?;
    /// use vmtemplate::archive::UnpackLimits;
    /// use vmtemplate::{Archive, ErrorKind};
    ///
    /// let limits = UnpackLimits { entries: 2, ..UnpackLimits::default() };
    /// let archive = Archive::open(&path)?.with_limits(limits);
    /// assert_eq!(archive.entries().unwrap_err().kind(), ErrorKind::LimitExceeded); // it has three
    /// # std::fs::remove_dir_all(dir).unwrap();
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    #[must_use]
    pub fn with_limits(self, limits: UnpackLimits) -> Self {
        Self { limits, listing: Arc::default(), ..self }
    }

    pub(super) fn source(&self) -> &dyn ReadAt {
        &*self.source
    }

    pub(super) fn limits(&self) -> UnpackLimits {
        self.limits
    }

    /// What is in the archive, found on the first call. An error is not kept: the next call looks again.
    fn listing(&self) -> Result<&Listing> {
        if let Some(listing) = self.listing.get() {
            return Ok(listing);
        }
        let listing = self.list().map_err(|error| error.with_path(&self.path))?;
        Ok(self.listing.get_or_init(|| listing))
    }

    fn list(&self) -> Result<Listing> {
        let source = &self.source;
        if member_at(source, 0)?.is_some() {
            // An index that lies is found out when a member is not what it says: then the members themselves tell.
            if let Some(map) = MemberMap::from_index(source)? {
                match Self::list_members(Arc::clone(source), map, &self.limits) {
                    Err(error) if !error.ends_the_work() => {}
                    listed => return listed,
                }
            }
            let map = MemberMap::by_walking(source)?.unwrap_or_default();
            return Self::list_members(Arc::clone(source), map, &self.limits);
        }
        self.list_stream()
    }

    fn list_members(source: Arc<dyn ReadAt>, map: MemberMap, limits: &UnpackLimits) -> Result<Listing> {
        limits.check_ratio(map.content(), source.size())?;
        let content = Arc::new(MemberContent::new(source, map));
        let mut parser = Parser::new(*limits);
        let mut sink = ListSink::default();
        let mut stored: HashMap<String, Vec<Stored>> = HashMap::new();
        let mut parts = 0;
        let mut at = 0;
        let mut block = [0; BLOCK];
        while at < content.map.content() {
            if parser.at_end()
                && let Some(member) = content.map.find(at)
                && member.header.kind == Kind::Zeros
            {
                let end = member.content_at + u64::from(member.header.content);
                parser.pass_padding(end - at);
                at = end;
                continue;
            }
            if let Some((offset, run)) = parser.run() {
                // Content is stepped over; it can be read later, from here.
                let run = run.min(content.map.content() - at);
                parts += 1;
                if parts > MAX_STORED {
                    return Err(exceeded(
                        "the sparse files of the archive have more than 1,048,576 parts".into(),
                    ));
                }
                if let Some(entry) = sink.entries.last() {
                    let part = Stored { offset, length: run, at };
                    stored.entry(entry.name.clone()).or_default().push(part);
                }
                parser.skip(run, &mut sink)?;
                at += run;
                continue;
            }
            let want = (BLOCK - (at % BLOCK as u64) as usize).min((content.map.content() - at) as usize);
            content.read_at(&mut block[..want], at)?;
            parser.feed(&block[..want], &mut sink)?;
            at += want as u64;
        }
        parser.finish()?;
        let stored = stored.into_iter().map(|(name, parts)| (name, parts.into())).collect();
        Ok(Listing { entries: sink.entries, body: Body::Members { content, stored } })
    }

    fn list_stream(&self) -> Result<Listing> {
        let mut parser = Parser::new(self.limits);
        let mut sink = ListSink { keep: true, ..ListSink::default() };
        feed_stream(&self.source, &mut parser, &mut sink, |_| {}, &Control::default())?;
        Ok(Listing { entries: sink.entries, body: Body::Stream { kept: sink.kept } })
    }

    /// The path or the name that it was opened by.
    ///
    /// ```no_run
    /// # let archive = vmtemplate::Archive::open("t.tar.gz")?;
    /// println!("{}", archive.path().display());
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The files in it, in the archive's order.
    ///
    /// # Errors
    ///
    /// [`InvalidArchive`](ErrorKind::InvalidArchive) when it is not a sound .tar.gz,
    /// [`UnsafeArchive`](ErrorKind::UnsafeArchive) when an entry could do harm,
    /// [`LimitExceeded`](ErrorKind::LimitExceeded) when it passes the limits.
    ///
    /// ```no_run
    /// let archive = vmtemplate::Archive::open("t.tar.gz")?;
    /// println!("{} files", archive.entries()?.len());
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn entries(&self) -> Result<&[ArchiveEntry]> {
        self.listing().map(|listing| &*listing.entries)
    }

    /// The bytes of a small file: metainfo.xml, a script.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) when there is no such entry, [`LimitExceeded`](ErrorKind::LimitExceeded) when
    /// it has more than 16 MiB, or 2 MiB in the archive of another tool.
    ///
    /// ```no_run
    /// let archive = vmtemplate::Archive::open("t.tar.gz")?;
    /// let xml = archive.read("metainfo.xml")?;
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn read(&self, name: &str) -> Result<Vec<u8>> {
        let entry = self.entry(name)?;
        let too_large = || {
            Error::new(
                ErrorKind::LimitExceeded,
                format!("{} bytes are too many to keep in memory", entry.size),
            )
            .with_help("unpack the archive and read the file from there")
        };
        let read = match &self.listing()?.body {
            Body::Members { .. } if entry.size > MAX_READ => Err(too_large()),
            Body::Members { content, stored } => {
                let mut bytes = vec![0; entry.size as usize];
                EntrySource::new(content, stored, entry).read_at(&mut bytes, 0).map(|()| bytes)
            }
            Body::Stream { kept } => kept.get(name).cloned().ok_or_else(too_large),
        };
        read.map_err(|error| error.with_path(&self.path).with_entry(name))
    }

    /// A file in the archive as a disk that can be read anywhere, without unpacking.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](ErrorKind::Unsupported) in the archive of another tool, which can only be read from its start.
    ///
    /// ```no_run
    /// let archive = vmtemplate::Archive::open("t.tar.gz")?;
    /// let disk = archive.disk("win2019.hddimage")?;
    /// let boot_sector = disk.read_vec(0, 512)?;
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn disk(&self, name: &str) -> Result<DiskImage> {
        let entry = self.entry(name)?;
        if let Body::Members { content, stored } = &self.listing()?.body {
            return Ok(DiskImage::from_source(Arc::new(EntrySource::new(content, stored, entry))));
        }
        Err(Error::new(
            ErrorKind::Unsupported,
            "this archive was made by another tool, and its image can only be read from the start",
        )
        .with_path(&self.path)
        .with_entry(name)
        .with_help("unpack it first: `vmtemplate unpack ARCHIVE FOLDER`"))
    }

    pub(super) fn entry(&self, name: &str) -> Result<&ArchiveEntry> {
        let entries = self.entries()?;
        entries.iter().find(|entry| entry.name == name).ok_or_else(|| {
            let names: Vec<_> = entries.iter().take(10).map(|entry| entry.name.as_str()).collect();
            Error::new(
                ErrorKind::NotFound,
                format!("the archive has no such entry; its entries are {}", names.join(", ")),
            )
            .with_path(&self.path)
            .with_entry(name)
        })
    }
}

impl fmt::Debug for Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Archive")
            .field("path", &self.path)
            .field("entries", &self.listing.get().map(|listing| &listing.entries))
            .finish_non_exhaustive()
    }
}

/// Lists files, and keeps the small ones where there is no second chance to read them.
#[derive(Default)]
struct ListSink {
    entries: Vec<ArchiveEntry>,
    keep: bool,
    kept: HashMap<String, Vec<u8>>,
    kept_bytes: u64,
}

impl Sink for ListSink {
    fn folder(&mut self, _name: &str) -> Result<()> {
        Ok(())
    }

    fn file(&mut self, name: &str, size: u64) -> Result<()> {
        self.entries.push(ArchiveEntry { name: name.to_owned(), size });
        if self.keep && size <= MAX_KEPT && self.kept_bytes + size <= MAX_READ {
            self.kept_bytes += size;
            self.kept.insert(name.to_owned(), vec![0; size as usize]);
        }
        Ok(())
    }

    fn data(&mut self, offset: u64, bytes: &[u8]) -> Result<()> {
        let kept = self.entries.last().and_then(|entry| self.kept.get_mut(&entry.name));
        if let Some(target) = kept.and_then(|kept| kept.get_mut(offset as usize..)?.get_mut(..bytes.len())) {
            target.copy_from_slice(bytes);
        }
        Ok(())
    }

    fn end_file(&mut self) -> Result<()> {
        Ok(())
    }
}

/// The tar stream of an archive of ours, readable anywhere.
struct MemberContent {
    source: Arc<dyn ReadAt>,
    map: MemberMap,
    /// The members that were decompressed last, newest first: neighbours are asked for in turn.
    recent: Mutex<VecDeque<(u64, Arc<Vec<u8>>)>>,
    /// The members of zeros that were proved to be that last, newest first.
    proven: Mutex<VecDeque<u64>>,
    zeros: OnceLock<ZeroMembers>,
}

/// How many decompressed members are kept: who looks into a disk reads the same few places again and again.
const RECENT: usize = 16;

impl MemberContent {
    fn new(source: Arc<dyn ReadAt>, map: MemberMap) -> Self {
        Self { source, map, recent: Mutex::default(), proven: Mutex::default(), zeros: OnceLock::new() }
    }

    fn find(&self, offset: u64) -> Result<Member> {
        self.map.find(offset).ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidArchive,
                "the archive ends before the content that a header announces",
            )
        })
    }

    fn read_at(&self, mut buf: &mut [u8], mut offset: u64) -> Result<()> {
        while !buf.is_empty() {
            let member = self.find(offset)?;
            let into = (offset - member.content_at) as usize;
            let count = buf.len().min(member.header.content as usize - into);
            let (now, rest) = buf.split_at_mut(count);
            if member.header.kind == Kind::Zeros {
                self.prove_zeros(&member)?;
                now.fill(0);
            } else {
                now.copy_from_slice(&self.content(&member)?[into..into + count]);
            }
            buf = rest;
            offset += count as u64;
        }
        Ok(())
    }

    /// Fail unless the archive has at its place the member that the index describes.
    fn check(&self, member: &Member) -> Result<()> {
        if member_at(&*self.source, member.at)? == Some(member.header) {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::InvalidArchive,
            format!("the archive's index does not match the member at offset {}", member.at),
        )
        .with_help("create or download the archive again"))
    }

    /// Fail unless a member that the index marks as zeros really is, to its last byte.
    fn prove_zeros(&self, member: &Member) -> Result<()> {
        let lock = || self.proven.lock().unwrap_or_else(PoisonError::into_inner);
        if lock().contains(&member.at) {
            return Ok(());
        }
        self.check(member)?;
        self.zeros.get_or_init(ZeroMembers::new).verify(&*self.source, member.at, member.header)?;
        let mut proven = lock();
        proven.push_front(member.at);
        proven.truncate(RECENT);
        Ok(())
    }

    fn content(&self, member: &Member) -> Result<Arc<Vec<u8>>> {
        let lock = || self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, content)) = lock().iter().find(|(at, _)| *at == member.at) {
            return Ok(Arc::clone(content));
        }
        self.check(member)?;
        let mut room = MemberRoom::default();
        let content = Arc::new(room.content(&*self.source, member.at, member.header)?.to_vec());
        let mut recent = lock();
        recent.push_front((member.at, Arc::clone(&content)));
        recent.truncate(RECENT);
        Ok(content)
    }
}

/// One entry of an archive as a disk.
struct EntrySource {
    content: Arc<MemberContent>,
    /// In the order of their offsets; what lies between is zeros.
    stored: Arc<[Stored]>,
    size: u64,
}

impl EntrySource {
    fn new(
        content: &Arc<MemberContent>,
        stored: &HashMap<String, Arc<[Stored]>>,
        entry: &ArchiveEntry,
    ) -> Self {
        let stored = stored.get(&entry.name).cloned().unwrap_or_default();
        Self { content: Arc::clone(content), stored, size: entry.size }
    }

    /// The part that holds `offset`, or else where the next one begins.
    fn part_at(&self, offset: u64) -> Result<Stored, u64> {
        let next = self.stored.partition_point(|part| part.offset + part.length <= offset);
        match self.stored.get(next) {
            Some(part) if part.offset <= offset => Ok(*part),
            part => Err(part.map_or(self.size, |part| part.offset)),
        }
    }
}

impl fmt::Debug for EntrySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EntrySource")
            .field("parts", &self.stored.len())
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

impl DiskSource for EntrySource {
    fn format(&self) -> &'static str {
        "raw"
    }

    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, mut buf: &mut [u8], mut offset: u64) -> Result<()> {
        while !buf.is_empty() {
            let part = self.part_at(offset);
            let end = part.map_or_else(|next| next, |part| part.offset + part.length);
            let count = usize::try_from(end - offset).unwrap_or(usize::MAX).min(buf.len());
            let (now, rest) = buf.split_at_mut(count);
            match part {
                Ok(part) => self.content.read_at(now, part.at + (offset - part.offset))?,
                Err(_) => now.fill(0),
            }
            buf = rest;
            offset += count as u64;
        }
        Ok(())
    }

    fn extent_at(&self, offset: u64) -> Result<Extent> {
        let part = match self.part_at(offset) {
            Ok(part) => part,
            Err(next) => return Ok(Extent { offset, length: next - offset, kind: ExtentKind::Zero }),
        };
        let into = offset - part.offset;
        let member = self.content.find(part.at + into)?;
        let member_end = member.content_at + u64::from(member.header.content);
        let kind = if member.header.kind == Kind::Zeros {
            self.content.prove_zeros(&member)?;
            ExtentKind::Zero
        } else {
            ExtentKind::Data
        };
        Ok(Extent { offset, length: (member_end - part.at - into).min(part.length - into), kind })
    }
}
