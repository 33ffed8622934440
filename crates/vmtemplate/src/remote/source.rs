//! A file on a server, read by ranges: few, and each as large as the way of reading asks for.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use object_store::path::Path;
use object_store::{Error as StoreError, GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt as _};

use super::client::{Pending, ask, begin, failed};
use crate::error::{Error, ErrorKind, Result};
use crate::source::ReadAt;

/// What is fetched where somebody looks for the first time: an archive's index has 8 bytes for each MiB.
const FIRST: u64 = 64 << 10;
/// The bytes of one request of a sequential reader. The next request is already running meanwhile.
const LARGEST: u64 = 8 << 20;
/// How many stretches are remembered. With the largest on its way, this bounds memory to 40 MiB.
const STRETCHES: usize = 4;
/// A first read fetches a header, then a member; a reader that continues after that is assumed to read everything.
const READS_ON: u32 = 2;
/// How far ahead of the last stretch a read may begin to count as reading on: members of zeros are stepped over.
const STEP: u64 = 1 << 20;

pub(super) struct RemoteFile {
    file: Arc<File>,
    read: Mutex<Read>,
}

struct File {
    store: Arc<dyn ObjectStore>,
    path: Path,
    url: String,
    size: u64,
    etag: Option<String>,
    modified: i64,
}

/// What was fetched, newest first, and what is on its way.
#[derive(Default)]
struct Read {
    stretches: VecDeque<Stretch>,
    /// How often in a row somebody wanted what follows the last stretch.
    in_a_row: u32,
    /// From where on, how much, and its coming.
    ahead: Option<(u64, u64, Pending<Result<Stretch>>)>,
}

struct Stretch {
    at: u64,
    bytes: Vec<u8>,
}

impl Stretch {
    fn end(&self) -> u64 {
        self.at + self.bytes.len() as u64
    }

    fn holds(&self, offset: u64) -> bool {
        (self.at..self.end()).contains(&offset)
    }
}

impl RemoteFile {
    /// One request states size and version, and brings the end of the file, where the index of an archive is.
    pub(super) fn open(store: Arc<dyn ObjectStore>, path: Path, url: String) -> Result<Self> {
        let (asked, at) = (Arc::clone(&store), path.clone());
        let options = GetOptions { range: Some(GetRange::Suffix(FIRST)), ..GetOptions::default() };
        let (meta, stretch) = ask(&url, None, async move {
            match asked.get_opts(&at, options).await {
                Ok(found) => {
                    let (meta, start) = (found.meta.clone(), found.range.start);
                    Ok((meta, Some(Stretch { at: start, bytes: found.bytes().await?.to_vec() })))
                }
                // No range of an empty file can be asked for: 416 (RFC 9110, 15.5.17).
                Err(error @ StoreError::Generic { .. }) if error.to_string().contains("416") => {
                    match asked.head(&at).await {
                        Ok(meta) if meta.size == 0 => Ok((meta, None)),
                        _ => Err(error),
                    }
                }
                Err(error) => Err(error),
            }
        })?;
        let file = File {
            store,
            path,
            url,
            size: meta.size,
            etag: meta.e_tag.clone(),
            modified: meta.last_modified.timestamp(),
        };
        if let Some(stretch) = &stretch
            && stretch.end() != file.size
        {
            return Err(file.wrong_length(stretch.at, stretch.bytes.len() as u64));
        }
        let read = Read { stretches: stretch.into_iter().collect(), ..Read::default() };
        Ok(Self { file: Arc::new(file), read: Mutex::new(read) })
    }
}

impl File {
    async fn fetch(self: Arc<Self>, at: u64, length: u64) -> Result<Stretch> {
        // A weak tag matches nothing where one is asked for (RFC 9110, 13.1.1); it is compared below.
        let strong = self.etag.clone().filter(|etag| !etag.starts_with("W/"));
        let range = Some(GetRange::Bounded(at..at + length));
        let options = GetOptions { range, if_match: strong, ..GetOptions::default() };
        let found =
            self.store.get_opts(&self.path, options).await.map_err(|error| failed(&error, &self.url))?;
        if self.is_other(&found.meta) {
            return Err(Error::new(
                ErrorKind::SourceChanged,
                "the file on the server changed while it was read",
            )
            .with_path(&self.url)
            .with_help("try again"));
        }
        let bytes = found.bytes().await.map_err(|error| failed(&error, &self.url))?;
        if bytes.len() as u64 != length {
            return Err(self.wrong_length(at, bytes.len() as u64));
        }
        Ok(Stretch { at, bytes: bytes.to_vec() })
    }

    fn is_other(&self, meta: &ObjectMeta) -> bool {
        let tags = (&self.etag, &meta.e_tag);
        let is_known = matches!(tags, (Some(_), Some(_)));
        meta.size != self.size
            || (is_known && tags.0 != tags.1)
            || (!is_known && meta.last_modified.timestamp() != self.modified)
    }

    fn wrong_length(&self, at: u64, got: u64) -> Error {
        let message = format!("the server sent {got} bytes at offset {at}, which is not the requested range");
        Error::new(ErrorKind::Network, message).with_path(&self.url).with_help("try again")
    }
}

impl RemoteFile {
    /// Copy what is at `offset` from a stretch that holds it; gives how much that was.
    fn copy(read: &mut Read, buf: &mut [u8], offset: u64) -> usize {
        let Some(place) = read.stretches.iter().position(|stretch| stretch.holds(offset)) else { return 0 };
        let Some(stretch) = read.stretches.remove(place) else { return 0 };
        let from = &stretch.bytes[(offset - stretch.at) as usize..];
        let count = from.len().min(buf.len());
        buf[..count].copy_from_slice(&from[..count]);
        read.stretches.push_front(stretch);
        count
    }

    /// Bring what is at `offset`, of which `wanted` bytes are needed.
    fn bring(&self, read: &mut Read, offset: u64, wanted: u64) -> Result<()> {
        let last = read.stretches.front().map(|stretch| (stretch.end(), stretch.bytes.len() as u64));
        let (length, pending) = match read.ahead.take() {
            Some((at, length, pending)) if (at..at + length).contains(&offset) => (length, pending),
            _ => {
                let is_next = |&(end, _): &(u64, u64)| (end..=end + STEP).contains(&offset);
                let follows = last.filter(is_next).map(|(_, length)| length);
                read.in_a_row = if follows.is_some() { read.in_a_row + 1 } else { 0 };
                let length = follows.filter(|_| read.in_a_row >= READS_ON).map_or(FIRST, |length| 2 * length);
                let length = length.max(wanted).min(LARGEST).min(self.file.size - offset);
                (length, begin(Arc::clone(&self.file).fetch(offset, length))?)
            }
        };
        let stretch = pending.wait(None)??;
        let end = stretch.end();
        read.stretches.push_front(stretch);
        read.stretches.truncate(STRETCHES);
        if read.in_a_row >= READS_ON && end < self.file.size {
            // What follows comes while this is worked on.
            let length = (2 * length).min(LARGEST).min(self.file.size - end);
            read.ahead = Some((end, length, begin(Arc::clone(&self.file).fetch(end, length))?));
        }
        Ok(())
    }
}

impl ReadAt for RemoteFile {
    fn size(&self) -> u64 {
        self.file.size
    }

    fn read_at(&self, mut buf: &mut [u8], mut offset: u64) -> Result<()> {
        // One reader at a time: the others most likely want what is being fetched.
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        while !buf.is_empty() {
            let count = Self::copy(&mut read, buf, offset);
            if count == 0 {
                self.bring(&mut read, offset, buf.len() as u64)?;
            }
            buf = &mut buf[count..];
            offset += count as u64;
        }
        Ok(())
    }
}

impl fmt::Debug for RemoteFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteFile")
            .field("url", &self.file.url)
            .field("size", &self.file.size)
            .finish_non_exhaustive()
    }
}
