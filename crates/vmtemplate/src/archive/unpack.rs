//! Unpacking: members of our archives by worker threads, archives of others as a stream, both into sparse files.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use super::entry::ArchiveEntry;
use super::folder::{FolderSink, write};
use super::member::{Header, Kind};
use super::member_reader::{MemberRoom, Members, member_at};
use super::ordered::{self, Ordered, Step};
use super::parser::{Parser, Sink};
use super::reader::Archive;
use super::sparse::Segment;
use super::stream::feed_stream;
use super::zeros::ZeroMembers;
use crate::error::Result;
use crate::progress::Control;
use crate::source::ReadAt;
use crate::threads::Threads;

/// How an archive is unpacked.
///
/// ```
/// use vmtemplate::archive::UnpackOptions;
/// use vmtemplate::Control;
///
/// let options = UnpackOptions {
///     only: vec!["metainfo.xml".into()],
///     control: Control::on_progress(|p| eprint!("\r{:3.0}%", 100.0 * p.fraction())),
///     ..UnpackOptions::default()
/// };
/// # let _ = options;
/// ```
#[derive(Debug, Clone, Default)]
pub struct UnpackOptions {
    /// The files to unpack, by their names in the archive; all where it is empty. Of an archive of this crate no more
    /// is read than they need.
    pub only: Vec<String>,
    /// How many threads decompress. Archives of other tools need one.
    pub threads: Threads,
    /// Reports progress and cancels. Progress counts bytes of the archive.
    pub control: Control,
}

/// Unpack an archive into `folder`, which may be new. `last` gets its place after all other files.
pub(crate) fn unpack(
    archive: &Archive,
    folder: &Path,
    last: &str,
    options: &UnpackOptions,
) -> Result<Vec<ArchiveEntry>> {
    let path = archive.path();
    let source = archive.source();
    let ours = member_at(source, 0).map_err(|error| error.with_path(path))?.is_some();
    let listed = match ours.then(|| archive.entries()).transpose() {
        // What is not unpacked is not read below; that it does no harm is seen here, and that the files are there.
        listed if !options.only.is_empty() => listed?.unwrap_or_default(),
        // All of it is read below, whatever its index says.
        listed => listed.ok().flatten().unwrap_or_default(),
    };
    if ours {
        options.only.iter().try_for_each(|name| archive.entry(name).map(drop))?;
    }
    let mut sink = FolderSink::create(folder, &options.only)?;
    // What is in the way is reported before anything is unpacked.
    let wanted = |name: &&String| options.only.is_empty() || options.only.contains(name);
    listed.iter().map(|entry| &entry.name).filter(wanted).try_for_each(|name| sink.refuse_existing(name))?;
    let mut parser = Parser::new(archive.limits());
    let done = if ours {
        unpack_members(source, &mut parser, &mut sink, options)
    } else {
        feed_stream(source, &mut parser, &mut sink, |_| {}, &options.control)
    };
    done.map_err(|error| parser.locate(error).with_path(path))?;
    sink.commit(last).map_err(|error| error.with_path(path))
}

/// An archive of ours: this thread steps from member to member and reads the headers of the tar layer; members that
/// are nothing but content go to the workers, and members of zeros to nobody.
fn unpack_members(
    archive: &dyn ReadAt,
    parser: &mut Parser,
    sink: &mut FolderSink,
    options: &UnpackOptions,
) -> Result<()> {
    let length = archive.size();
    let threads = options.threads.count().get();
    let workers = (0..threads)
        .map(|_| {
            let mut room = MemberRoom::default();
            move |job: Job| job.unpack(archive, &mut room)
        })
        .collect();
    let mut walk = Walk {
        archive,
        members: Members::new(archive),
        parser,
        sink,
        room: MemberRoom::default(),
        zeros: ZeroMembers::new(),
        control: &options.control,
    };
    options.control.report(0, length)?;
    ordered::run(&mut walk, workers)?;
    if !walk.sink.has_all() {
        walk.parser.finish()?;
    }
    options.control.report(length, length)
}

/// A member whose content is plain content of one file.
struct Job {
    at: u64,
    header: Header,
    name: Arc<str>,
    file: Arc<File>,
    /// Where the content belongs in the file, piece by piece.
    stretches: Vec<Segment>,
}

impl Job {
    /// Tells where the member ends.
    fn unpack(self, archive: &dyn ReadAt, room: &mut MemberRoom) -> Result<u64> {
        let done = || -> Result<()> {
            let mut content = room.content(archive, self.at, self.header)?;
            for Segment { offset, length } in self.stretches {
                let (now, rest) = content.split_at(length as usize);
                write(&self.file, now, offset)?;
                content = rest;
            }
            Ok(())
        };
        done().map_err(|error| error.with_entry(&*self.name))?;
        Ok(self.at + u64::from(self.header.length))
    }
}

/// The way through the members of an archive of ours.
struct Walk<'a> {
    archive: &'a dyn ReadAt,
    members: Members<'a>,
    parser: &'a mut Parser,
    sink: &'a mut FolderSink,
    room: MemberRoom,
    zeros: ZeroMembers,
    control: &'a Control,
}

impl Ordered for Walk<'_> {
    type Job = Job;
    /// Where the archive has been read to.
    type Done = u64;

    fn next(&mut self) -> Result<Option<Step<Job, u64>>> {
        if self.sink.has_all() {
            return Ok(None);
        }
        let Some((at, header)) = self.members.next(|_| ())? else { return Ok(None) };
        let content = u64::from(header.content);
        self.parser.check_ratio(content, self.members.at())?;
        let stretches = self.parser.stretches(content);
        match (header.kind, stretches) {
            (Kind::Zeros, stretches) => {
                self.zeros.verify(self.archive, at, header)?;
                match stretches {
                    Some(_) => self.parser.skip(content, self.sink)?,
                    None => feed_zeros(header.content, self.parser, self.sink)?,
                }
            }
            (Kind::Data, Some(stretches)) => {
                let target = self.sink.share();
                self.parser.skip(content, self.sink)?;
                if let Some((name, file)) = target {
                    return Ok(Some(Step::Work(Job { at, header, name, file, stretches })));
                }
            }
            // A member with headers of the tar layer, or one that must prove to be empty.
            (Kind::Data | Kind::Index | Kind::Footer, _) => {
                let content = self.room.content(self.archive, at, header)?;
                self.parser.feed(content, self.sink)?;
            }
        }
        Ok(Some(Step::Done(self.members.at())))
    }

    fn done(&mut self, read: u64) -> Result<()> {
        self.control.report(read, self.archive.size())
    }
}

/// Zeros where the tar layer expects more than content: padding, or the end of the archive.
pub(super) fn feed_zeros(mut count: u32, parser: &mut Parser, sink: &mut dyn Sink) -> Result<()> {
    let zeros = [0; 4096];
    while count > 0 && !parser.at_end() {
        let now = count.min(zeros.len() as u32);
        parser.feed(&zeros[..now as usize], sink)?;
        count -= now;
    }
    parser.pass_padding(count.into());
    Ok(())
}
