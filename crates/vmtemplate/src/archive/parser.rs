//! The tar layer: bytes of a tar stream go in, files come out.
//!
//! It is pushed and not pulled, so that the same code serves a stream that is decompressed in order and an archive of
//! ours whose members are decompressed by several threads: [`Parser::run`] states how many of the following bytes are
//! plain content, and [`Parser::skip`] that somebody else took them.

use super::header::{BLOCK, padding};
use super::limits::{UnpackLimits, exceeded};
use super::names::{SeenNames, safe_name};
use super::numbers::numeric;
use super::pax::Pax;
use super::sparse::{MapReader, Segment, check_segments, push_gnu_table};

use crate::error::{Error, ErrorKind, Result};
use crate::file::is_zero;
use crate::shown::quoted;

/// Where the files of a tar stream go.
pub(super) trait Sink {
    fn folder(&mut self, name: &str) -> Result<()>;
    /// A file begins; its content follows.
    fn file(&mut self, name: &str, size: u64) -> Result<()>;
    /// Content of the file that began last. What is not given is zero.
    fn data(&mut self, offset: u64, bytes: &[u8]) -> Result<()>;
    fn end_file(&mut self) -> Result<()>;
}

#[derive(Debug)]
enum State {
    /// Collects this many bytes into the buffer, then reads them.
    Gather(usize, Gathered),
    Content,
    Padding(u64),
    /// The end-of-archive block was seen; what follows is zeros, which fill a record, and collected by blocks.
    End,
}

#[derive(Debug, Clone, Copy)]
enum Gathered {
    Header,
    LongName,
    /// A long link name or a global header: read and dropped.
    Unused,
    Pax,
    GnuSparse,
    SparseMap,
}

/// The content of the current file.
#[derive(Debug, Default)]
struct Content {
    name: String,
    real_size: u64,
    /// Stored bytes, the map of form 1.0 included.
    stored: u64,
    segments: Vec<Segment>,
    current: usize,
    /// Bytes of the current segment that are done.
    done: u64,
    map: MapReader,
}

/// The sum of a header's bytes, its own field counted as spaces (POSIX, ustar).
fn checksum(block: &[u8]) -> u32 {
    let bytes = block.iter().enumerate();
    bytes.map(|(at, &byte)| u32::from(if (148..156).contains(&at) { b' ' } else { byte })).sum()
}

#[derive(Debug)]
pub(super) struct Parser {
    state: State,
    buffer: Vec<u8>,
    /// Bytes of the tar stream so far.
    offset: u64,
    limits: UnpackLimits,
    seen: SeenNames,
    entries: u64,
    total: u64,
    chain: u32,
    long_name: Option<Vec<u8>>,
    pax: Pax,
    content: Content,
}

impl Parser {
    pub(super) fn new(limits: UnpackLimits) -> Self {
        Self {
            state: State::Gather(BLOCK, Gathered::Header),
            buffer: Vec::with_capacity(BLOCK),
            offset: 0,
            limits,
            seen: SeenNames::default(),
            entries: 0,
            total: 0,
            chain: 0,
            long_name: None,
            pax: Pax::default(),
            content: Content::default(),
        }
    }

    /// Whether the end-of-archive block was seen.
    pub(super) fn at_end(&self) -> bool {
        matches!(self.state, State::End)
    }

    /// The plain content that follows: its offset in the current file, and its length.
    pub(super) fn run(&self) -> Option<(u64, u64)> {
        let segment = self.content.segments.get(self.content.current)?;
        matches!(self.state, State::Content)
            .then_some((segment.offset + self.content.done, segment.length - self.content.done))
    }

    /// Where the next `length` bytes of the stream belong in the current file; `None` unless all of them are content
    /// of it, and at least one is.
    pub(super) fn stretches(&self, mut length: u64) -> Option<Vec<Segment>> {
        let mut done = self.content.done;
        let mut segments = self.content.segments.get(self.content.current..)?.iter();
        let mut stretches = Vec::new();
        if !matches!(self.state, State::Content) || length == 0 {
            return None;
        }
        while length > 0 {
            let segment = segments.next()?;
            let now = length.min(segment.length - done);
            if now > 0 {
                stretches.push(Segment { offset: segment.offset + done, length: now });
            }
            length -= now;
            done = 0;
        }
        Some(stretches)
    }

    /// Step over content that [`Parser::run`] or [`Parser::stretches`] announced: the caller has taken care of it.
    pub(super) fn skip(&mut self, mut length: u64, sink: &mut dyn Sink) -> Result<()> {
        self.offset += length;
        while length > 0 {
            let Some((_, run)) = self.run() else {
                return Err(self.damaged("contains content that no header announced"));
            };
            let now = length.min(run);
            self.content.done += now;
            length -= now;
            self.next_segment(sink)?;
        }
        Ok(())
    }

    /// Step over zeros behind the end mark.
    pub(super) fn pass_padding(&mut self, count: u64) {
        self.offset += count;
    }

    /// Fail if the tar stream so far, and `more` bytes of it that are to come, are too many for this much of an archive.
    pub(super) fn check_ratio(&self, more: u64, archive: u64) -> Result<()> {
        self.limits.check_ratio(self.offset + more, archive)
    }

    /// Where the stream is, for errors: the entry, and the offset in the tar stream.
    pub(super) fn locate(&self, error: Error) -> Error {
        match &self.state {
            State::Content if error.entry().is_none() => error.with_entry(self.content.name.clone()),
            _ => error,
        }
    }

    pub(super) fn feed(&mut self, mut bytes: &[u8], sink: &mut dyn Sink) -> Result<()> {
        while !bytes.is_empty() {
            let taken = match &mut self.state {
                State::Gather(want, what) => {
                    let (want, what) = (*want, *what);
                    let taken = bytes.len().min(want - self.buffer.len());
                    self.buffer.extend_from_slice(&bytes[..taken]);
                    self.offset += taken as u64;
                    if self.buffer.len() == want {
                        let gathered = std::mem::take(&mut self.buffer);
                        self.gathered(&gathered, what, sink)?;
                    }
                    taken
                }
                State::Content => {
                    let Some((offset, length)) = self.run() else {
                        return Err(self.damaged("contains content that no header announced"));
                    };
                    let taken = bytes.len().min(usize::try_from(length).unwrap_or(usize::MAX));
                    sink.data(offset, &bytes[..taken]).map_err(|e| self.locate(e))?;
                    self.skip(taken as u64, sink)?;
                    taken
                }
                State::Padding(left) => {
                    let taken = bytes.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                    *left -= taken as u64;
                    let done = *left == 0;
                    self.offset += taken as u64;
                    if done {
                        self.expect_header();
                    }
                    taken
                }
                State::End => {
                    let rest = BLOCK - self.buffer.len();
                    // Blocks of zeros are passed as many as there are.
                    let whole = bytes.len() / BLOCK * BLOCK;
                    let taken = if rest == BLOCK && whole > 0 && is_zero(&bytes[..whole]) {
                        whole
                    } else {
                        let taken = bytes.len().min(rest);
                        self.buffer.extend_from_slice(&bytes[..taken]);
                        taken
                    };
                    self.offset += taken as u64;
                    if self.buffer.len() == BLOCK {
                        self.behind_the_end()?;
                    }
                    taken
                }
            };
            bytes = &bytes[taken..];
        }
        Ok(())
    }

    /// The stream is over. Fail if something was still to come.
    pub(super) fn finish(&mut self) -> Result<()> {
        match &self.state {
            State::End => self.behind_the_end(),
            // Some writers leave the end-of-archive blocks out.
            State::Gather(_, Gathered::Header)
                if self.buffer.is_empty() && self.entries > 0 && self.chain == 0 =>
            {
                Ok(())
            }
            State::Content | State::Padding(_) => {
                Err(self.damaged("ends in the middle of this file").with_entry(self.content.name.clone()))
            }
            State::Gather(..) => Err(self.damaged("ends in the middle of a header")),
        }
    }

    /// Fail unless what was collected behind the end mark is zeros. `tar` stops at the mark, without a word: what is
    /// behind it is not unpacked on a node.
    fn behind_the_end(&mut self) -> Result<()> {
        let block = std::mem::take(&mut self.buffer);
        if is_zero(&block) {
            return Ok(());
        }
        let at = self.offset - block.len() as u64;
        let header = (block.len() == BLOCK).then(|| tar::Header::from_byte_slice(&block));
        let what = match header.filter(|header| header.cksum().ok() == Some(checksum(&block))) {
            Some(header) => {
                let name = header.path_bytes();
                format!("a second tar archive begins with {}", quoted(&String::from_utf8_lossy(&name)))
            }
            None => "there are bytes other than padding".to_owned(),
        };
        Err(Error::new(
            ErrorKind::InvalidArchive,
            format!("after the end mark of the tar archive, {what} (tar offset {at}); tar does not unpack it"),
        )
        .with_help("create the archive again with one `tar czf` of all files: writing one archive after another does \
                    not join them"))
    }

    fn damaged(&self, what: &str) -> Error {
        Error::new(ErrorKind::InvalidArchive, format!("the archive {what} (tar offset {})", self.offset))
            .with_help("create or download the archive again")
    }

    fn expect_header(&mut self) {
        self.state = State::Gather(BLOCK, Gathered::Header);
    }

    fn gathered(&mut self, bytes: &[u8], what: Gathered, sink: &mut dyn Sink) -> Result<()> {
        match what {
            Gathered::Header => return self.header(bytes, sink),
            Gathered::LongName => {
                let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
                self.long_name = Some(bytes[..end].to_vec());
                self.expect_header();
            }
            Gathered::Unused => self.expect_header(),
            Gathered::Pax => {
                self.pax.read(bytes)?;
                self.expect_header();
            }
            Gathered::GnuSparse => {
                push_gnu_table(&bytes[..504], &mut self.content.segments)?;
                return self.begin_gnu_sparse(bytes[504] != 0, sink);
            }
            Gathered::SparseMap => {
                self.content.stored = self
                    .content
                    .stored
                    .checked_sub(BLOCK as u64)
                    .ok_or_else(|| self.damaged("has a sparse map that is longer than its entry"))?;
                let block: &[u8; BLOCK] =
                    bytes.try_into().map_err(|_| self.damaged("has a truncated sparse map"))?;
                match self.content.map.block(block)? {
                    Some(segments) => {
                        self.content.segments = segments;
                        return self.begin_content(sink);
                    }
                    None => self.state = State::Gather(BLOCK, Gathered::SparseMap),
                }
            }
        }
        Ok(())
    }

    fn header(&mut self, block: &[u8], sink: &mut dyn Sink) -> Result<()> {
        if block.iter().all(|&b| b == 0) {
            self.state = State::End;
            return Ok(());
        }
        let header = tar::Header::from_byte_slice(block);
        if header.cksum().ok() != Some(checksum(block)) {
            return Err(if self.entries == 0 && self.chain == 0 {
                Error::new(
                    ErrorKind::InvalidArchive,
                    "this is not a tar archive: its first block is not a header",
                )
                .with_help("create it with `vmtemplate pack` or `tar czf`")
            } else {
                self.damaged("is damaged: a header's checksum is wrong")
            });
        }
        let size = numeric(&header.as_old().size)
            .ok_or_else(|| self.damaged("states a size that is not a number"))?;
        let kind = header.entry_type().as_byte();
        if matches!(kind, b'L' | b'K' | b'x' | b'g' | b'X') {
            return self.extension(kind, size);
        }
        let raw = self.pax.sparse_name.take().or(self.pax.path.take()).or(self.long_name.take());
        let raw = raw.unwrap_or_else(|| header.path_bytes().into_owned());
        let pax = std::mem::take(&mut self.pax);
        self.chain = 0;
        self.entries += 1;
        if self.entries > self.limits.entries {
            return Err(exceeded(format!("the archive has more than {} entries", self.limits.entries))
                .with_help("a template contains an image, a script and metainfo.xml; raise the limit `entries` if this one \
                            needs more"));
        }
        let name = safe_name(&raw, &self.limits)?;
        match (kind, name) {
            // The root itself; before POSIX, a folder was a file whose name ends with a slash.
            (b'5', None) => Ok(()),
            (b'5', Some(name)) => self.folder(&name, sink),
            (0, Some(name)) if raw.ends_with(b"/") => self.folder(&name, sink),
            (0 | b'0' | b'7' | b'S', Some(name)) => {
                self.file(name, size, pax, (kind == b'S').then_some(header), sink)
            }
            (kind, name) => {
                let what = match kind {
                    b'1' => "a hard link",
                    b'2' => "a symbolic link",
                    b'3' | b'4' => "a device",
                    b'6' => "a named pipe",
                    _ => "of a kind that a template cannot contain",
                };
                Err(Error::new(ErrorKind::UnsafeArchive, format!("this entry is {what}; it is refused"))
                    .with_entry(name.unwrap_or_else(|| "./".into()))
                    .with_help("create the archive again with plain files only"))
            }
        }
    }

    fn folder(&mut self, name: &str, sink: &mut dyn Sink) -> Result<()> {
        self.seen.add_folder(name)?;
        sink.folder(name)?;
        // A folder has no content, whatever its size field says (POSIX gives it no meaning there).
        self.expect_header();
        Ok(())
    }

    /// A header that describes the next one.
    fn extension(&mut self, kind: u8, size: u64) -> Result<()> {
        self.chain += 1;
        let UnpackLimits { header_chain, header_size, .. } = self.limits;
        if self.chain > header_chain || size > header_size {
            return Err(exceeded(format!(
                "the archive has a header extension of {size} bytes, number {} for one entry",
                self.chain
            ))
            .with_help(format!(
                "a name or PAX header may have {header_size} bytes, and an entry {header_chain} of them"
            )));
        }
        let what = match kind {
            b'L' => Gathered::LongName,
            b'K' | b'g' => Gathered::Unused,
            _ => Gathered::Pax,
        };
        // The filling of the last block is gathered too: NULs, which both readers take as the end.
        let whole = size as usize + padding(size);
        if whole == 0 {
            self.expect_header();
        } else {
            self.state = State::Gather(whole, what);
        }
        Ok(())
    }

    fn file(
        &mut self,
        name: String,
        size: u64,
        pax: Pax,
        gnu_sparse: Option<&tar::Header>,
        sink: &mut dyn Sink,
    ) -> Result<()> {
        self.seen.add_file(&name)?;
        let stored = pax.size.unwrap_or(size);
        let is_sparse = pax.is_sparse();
        self.content = Content { name, stored, real_size: stored, ..Content::default() };
        if let Some(header) = gnu_sparse {
            // The old GNU form: four parts in the header, more in blocks behind it.
            let bytes = header.as_bytes();
            self.content.real_size = numeric(&bytes[483..495])
                .ok_or_else(|| self.damaged("states a size that is not a number"))?;
            push_gnu_table(&bytes[386..482], &mut self.content.segments)?;
            return self.begin_gnu_sparse(bytes[482] != 0, sink);
        }
        if is_sparse {
            self.content.real_size = pax
                .real_size
                .ok_or_else(|| self.damaged("has a sparse entry that does not state its size"))?;
            if pax.sparse_major == Some(1) {
                self.state = State::Gather(BLOCK, Gathered::SparseMap);
                return Ok(());
            }
            self.content.segments = pax.segments;
        } else {
            self.content.segments = vec![Segment { offset: 0, length: stored }];
        }
        self.begin_content(sink)
    }

    fn begin_gnu_sparse(&mut self, more: bool, sink: &mut dyn Sink) -> Result<()> {
        if more {
            self.state = State::Gather(BLOCK, Gathered::GnuSparse);
            return Ok(());
        }
        self.begin_content(sink)
    }

    fn begin_content(&mut self, sink: &mut dyn Sink) -> Result<()> {
        let Content { real_size, stored, segments, .. } = &self.content;
        check_segments(segments, *real_size, *stored)?;
        self.total = self.total.saturating_add(*real_size);
        if self.total > self.limits.total_size {
            return Err(exceeded(format!(
                "the files of the archive have more than {} bytes",
                self.limits.total_size
            ))
            .with_entry(self.content.name.clone())
            .with_help("raise the limit if the image really is that large"));
        }
        sink.file(&self.content.name, self.content.real_size)
            .map_err(|e| e.with_entry(&self.content.name))?;
        self.state = State::Content;
        self.next_segment(sink)
    }

    /// Go on to the next part that is not done, or to what follows the file.
    fn next_segment(&mut self, sink: &mut dyn Sink) -> Result<()> {
        while let Some(segment) = self.content.segments.get(self.content.current) {
            if self.content.done < segment.length {
                return Ok(());
            }
            self.content.current += 1;
            self.content.done = 0;
        }
        sink.end_file().map_err(|e| self.locate(e))?;
        match padding(self.content.stored) {
            0 => self.expect_header(),
            left => self.state = State::Padding(left as u64),
        }
        Ok(())
    }
}
