//! A disk image as a raw file.

use std::fs::{self, File};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::{
    DiskImage, Extent, ExtentKind, Extents, FreeSpace, FreeSpaceOptions, FreeSpaceReport, unsupported,
};
use crate::error::{Error, Result};
use crate::file::PositionedIo;
use crate::output::{OutputFile, OutputOptions};
use crate::progress::Control;

/// Bytes that a worker reads and writes in one go: the largest cluster of a qcow2, so that each is unpacked once.
const CHUNK: u64 = 2 << 20;

/// How to write a raw file.
///
/// ```
/// let options = vmtemplate::WriteRawOptions::default();
/// assert!(!options.overwrite);
/// assert_eq!(options.threads, 0); // one for every processor
/// ```
#[derive(Debug, Clone, Default)]
pub struct WriteRawOptions {
    /// Replace a file that is there already.
    pub overwrite: bool,
    /// How many threads read and write; 0, the default, means one for every processor. At most 64 are started.
    pub threads: usize,
    /// Whether the free clusters of consistent NTFS volumes are left out, as they are by default.
    pub free_space: FreeSpace,
    /// Leave out the contents of `pagefile.sys` and `swapfile.sys` as well.
    pub drop_page_files: bool,
    /// Watches and stops the work.
    pub control: Control,
}

/// What was done to write a raw file. All numbers are bytes of the virtual disk.
///
/// `read + hole + free` is `size`, and `written + zero` is `read`.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct RawSummary {
    /// The size of the disk, and of the file.
    pub size: u64,
    /// What had to be read.
    pub read: u64,
    /// What was written; all else is holes.
    pub written: u64,
    /// Read and found to be zeros, so not written.
    pub zero: u64,
    /// Known to be zeros by the map of the image, so not read.
    pub hole: u64,
    /// Marked free by the file system, so not read.
    pub free: u64,
    /// The NTFS volumes, and why the free space of one was kept.
    pub free_space: FreeSpaceReport,
}

impl DiskImage {
    /// Write the disk as a sparse raw file.
    ///
    /// Only what the map calls data is read; of that, blocks of zeros become holes as well. Several threads read and
    /// write at once. The file stands at `path` when it is complete and on the disk, or not at all.
    ///
    /// # Errors
    ///
    /// [`AlreadyExists`](crate::ErrorKind::AlreadyExists) unless overwriting is asked for;
    /// [`Unsupported`](crate::ErrorKind::Unsupported) for a device as the target;
    /// [`ImageChanged`](crate::ErrorKind::ImageChanged) when the image was written to meanwhile; whatever reading the
    /// image or writing the file gives; [`Cancelled`](crate::ErrorKind::Cancelled).
    ///
    /// ```
    /// use vmtemplate::{DiskImage, WriteRawOptions};
    ///
    /// # let dir = std::env::temp_dir().join(format!("vmt-doc-raw-{}", std::process::id()));
    /// # std::fs::create_dir_all(&dir).unwrap();
    /// # let path = dir.join("disk.raw");
    /// let mut disk = vec![0; 1 << 20];
    /// disk[..4].copy_from_slice(b"boot");
    /// let summary = DiskImage::from_bytes(disk).write_raw(&path, &WriteRawOptions::default())?;
    /// assert_eq!(summary.size, 1 << 20);
    /// assert_eq!(summary.written, 4096);
    /// # std::fs::remove_dir_all(dir).unwrap();
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn write_raw(&self, path: impl AsRef<Path>, options: &WriteRawOptions) -> Result<RawSummary> {
        let path = path.as_ref();
        // A device could not appear whole or not at all, and moving a file there would replace its node.
        if fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
            return Err(unsupported("the output is a device or a pipe; a file was expected").with_path(path));
        }
        let mut output = OutputFile::create(path, &OutputOptions::with_overwrite(options.overwrite))?;
        let (disk, free_space) = self.without_free_space(&FreeSpaceOptions {
            free_space: options.free_space,
            drop_page_files: options.drop_page_files,
            control: options.control.clone(),
        })?;
        let summary = disk.copy_to(output.file(), options).map_err(|error| error.with_path(path))?;
        self.verify_unchanged()?;
        output.commit()?;
        Ok(RawSummary { free_space, ..summary })
    }

    fn copy_to(&self, file: &File, options: &WriteRawOptions) -> Result<RawSummary> {
        file.set_len(self.size()).map_err(|e| Error::io("cannot give the output its size", e))?;
        let available = || thread::available_parallelism().map_or(1, usize::from);
        let threads = if options.threads == 0 { available() } else { options.threads }.min(64);
        let work = Mutex::new(Work {
            extents: self.extents(),
            rest: None,
            done: 0,
            summary: RawSummary { size: self.size(), ..RawSummary::default() },
            failed: None,
        });
        thread::scope(|scope| {
            for _ in 1..threads {
                scope.spawn(|| self.copy_chunks(file, &work, &options.control));
            }
            self.copy_chunks(file, &work, &options.control);
        });
        let work = work.into_inner().unwrap_or_else(PoisonError::into_inner);
        work.failed.map_or(Ok(work.summary), Err)
    }

    /// What one thread does, until nothing is left or one of the threads failed.
    fn copy_chunks(&self, file: &File, work: &Mutex<Work<'_>>, control: &Control) {
        let lock = || work.lock().unwrap_or_else(PoisonError::into_inner);
        let mut buf = Vec::new();
        loop {
            let chunk = lock().next(control);
            let Some(chunk) = chunk else { return };
            buf.resize(CHUNK as usize, 0);
            let part = &mut buf[..chunk.length as usize];
            let copied = self.read_at(part, chunk.offset).and_then(|()| {
                file.write_sparse_at(part, chunk.offset).map_err(|e| Error::io("cannot write the output", e))
            });
            lock().finish(&chunk, copied);
        }
    }
}

/// What is left to do, and what was done, of all threads.
#[derive(Debug)]
struct Work<'a> {
    extents: Extents<'a>,
    /// What is left of an extent of data.
    rest: Option<Extent>,
    /// Bytes that are behind us, holes included.
    done: u64,
    summary: RawSummary,
    failed: Option<Error>,
}

impl Work<'_> {
    /// The next chunk that must be read, within one `CHUNK` of the disk.
    fn next(&mut self, control: &Control) -> Option<Extent> {
        if self.failed.is_none() {
            self.failed = control.report(self.done, self.summary.size).err();
        }
        loop {
            if self.failed.is_some() {
                return None;
            }
            if let Some(rest) = self.rest.take() {
                let length = (CHUNK - rest.offset % CHUNK).min(rest.length);
                if length < rest.length {
                    self.rest =
                        Some(Extent { offset: rest.offset + length, length: rest.length - length, ..rest });
                }
                return Some(Extent { length, ..rest });
            }
            match self.extents.next()? {
                Ok(extent) if extent.kind.must_be_read() => self.rest = Some(extent),
                Ok(extent) => {
                    let count = match extent.kind {
                        ExtentKind::Free => &mut self.summary.free,
                        _ => &mut self.summary.hole,
                    };
                    *count += extent.length;
                    self.done += extent.length;
                    self.failed = control.report(self.done, self.summary.size).err();
                }
                Err(error) => self.failed = Some(error),
            }
        }
    }

    fn finish(&mut self, chunk: &Extent, copied: Result<u64>) {
        match copied {
            Ok(written) => {
                self.done += chunk.length;
                self.summary.read += chunk.length;
                self.summary.written += written;
                self.summary.zero += chunk.length - written;
            }
            Err(error) => {
                self.failed.get_or_insert(error);
            }
        }
    }
}
