//! A disk image as a raw file.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::{DiskImage, Extent, Extents, FreeSpace, FreeSpaceOptions, FreeSpaceReport, Usage};
use crate::error::{Error, ErrorKind, Result};
use crate::file::PositionedIo;
use crate::output::{Output, OutputOptions};
use crate::overwrite::Overwrite;
use crate::progress::Control;
use crate::sources::Sources;
use crate::threads::{self, Threads};

/// Bytes that a worker reads and writes in one go: the largest cluster of a qcow2, so that each is unpacked once.
const CHUNK: u64 = 2 << 20;

/// How to write a raw file.
///
/// ```
/// let options = vmtemplate::disk::WriteRawOptions::default();
/// assert_eq!(options.overwrite, vmtemplate::output::Overwrite::No);
/// assert_eq!(options.threads, vmtemplate::progress::Threads::ALL);
/// ```
#[derive(Debug, Clone, Default)]
pub struct WriteRawOptions {
    /// Replace an existing file.
    pub overwrite: Overwrite,
    /// How many threads read and write. At most 64 are started.
    pub threads: Threads,
    /// Whether the free clusters of consistent NTFS volumes are left out, as they are by default.
    pub free_space: FreeSpace,
    /// Leave out the contents of `pagefile.sys` and `swapfile.sys` as well.
    pub drop_page_files: bool,
    /// Reports progress and cancels the work.
    pub control: Control,
}

/// The result of writing a raw file. All numbers are bytes of the virtual disk.
///
/// Zeros that are read become holes of the file, so `usage.data` is what was written; of a stream everything is written.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct RawSummary {
    /// The size of the disk, and of the file.
    pub size: u64,
    /// What the bytes of the disk are, and which of them had to be read.
    pub usage: Usage,
    /// The NTFS volumes, and why the free space of one was kept.
    pub free_space: FreeSpaceReport,
}

impl DiskImage {
    /// Write the disk as a sparse raw file.
    ///
    /// Only what the map calls data is read; of that, blocks of zeros become holes as well. Several threads read and
    /// write at once. The file is at `path` when it is complete and on the disk, or not at all. Where `path` is a link, the
    /// file that it leads to is replaced, with its mode and owner kept.
    ///
    /// A device or a named pipe at `path` is written to as [`write_raw_to`](Self::write_raw_to) does it, a block device
    /// only with `overwrite`, and only if it is large enough.
    ///
    /// # Errors
    ///
    /// [`InvalidValue`](crate::ErrorKind::InvalidValue) if `path` is a file that the disk is read from, a backing file
    /// among them; [`AlreadyExists`](crate::ErrorKind::AlreadyExists) unless overwriting is asked for;
    /// [`StorageFull`](crate::ErrorKind::StorageFull) also for a block device that is too small;
    /// [`SourceChanged`](crate::ErrorKind::SourceChanged) when the image was written to meanwhile; whatever reading the
    /// image or writing the file gives; [`Cancelled`](crate::ErrorKind::Cancelled).
    ///
    /// ```
    /// use vmtemplate::disk::WriteRawOptions;
    /// use vmtemplate::DiskImage;
    ///
    /// # let dir = std::env::temp_dir().join(format!("vmt-doc-raw-{}", std::process::id()));
    /// # std::fs::create_dir_all(&dir).unwrap();
    /// # let path = dir.join("disk.raw");
    /// let mut disk = vec![0; 1 << 20];
    /// disk[..4].copy_from_slice(b"boot");
    /// let summary = DiskImage::from_bytes(disk).write_raw(&path, &WriteRawOptions::default())?;
    /// assert_eq!(summary.size, 1 << 20);
    /// assert_eq!(summary.usage.data, 4096);
    /// # std::fs::remove_dir_all(dir).unwrap();
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn write_raw(&self, path: impl AsRef<Path>, options: &WriteRawOptions) -> Result<RawSummary> {
        let path = path.as_ref();
        Sources::new(self.files()).refuse(path, "the disk is read from")?;
        let mut output = Output::create(path, &OutputOptions::with_overwrite(options.overwrite))?;
        let at_path = |error: Error| error.with_path(path);
        let summary = match &mut output {
            Output::Stream(device, _) => {
                refuse_small_device(device, self.size()).map_err(at_path)?;
                self.write(options, |disk| disk.send_to(device, &options.control).map_err(at_path))?
            }
            Output::File(file) => {
                self.write(options, |disk| disk.copy_to(file.file(), options).map_err(at_path))?
            }
        };
        output.commit()?;
        Ok(summary)
    }

    /// Write the disk to anything that takes bytes in order: a socket, a pipe, a device. What is not data is written as
    /// zeros.
    ///
    /// `options.overwrite` and `options.threads` have no effect, and no zeros are looked for in what is read.
    ///
    /// # Errors
    ///
    /// Those of [`write_raw`](Self::write_raw); what was written before an error is a part of the disk.
    ///
    /// ```
    /// use vmtemplate::disk::WriteRawOptions;
    /// use vmtemplate::DiskImage;
    ///
    /// let mut disk = Vec::new();
    /// DiskImage::from_bytes([7; 1024]).write_raw_to(&mut disk, &WriteRawOptions::default())?;
    /// assert_eq!(disk, [7; 1024]);
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn write_raw_to(&self, mut output: impl Write, options: &WriteRawOptions) -> Result<RawSummary> {
        self.write(options, |disk| disk.send_to(&mut output, &options.control))
    }

    /// Write what the options leave of the disk by `copy`.
    fn write(
        &self,
        options: &WriteRawOptions,
        copy: impl FnOnce(&Self) -> Result<RawSummary>,
    ) -> Result<RawSummary> {
        let (disk, free_space) = self.without_free_space(&FreeSpaceOptions {
            free_space: options.free_space,
            drop_page_files: options.drop_page_files,
            control: options.control.clone(),
        })?;
        let summary = copy(&disk)?;
        self.verify_unchanged()?;
        Ok(RawSummary { free_space, ..summary })
    }

    /// Write every byte in order.
    fn send_to(&self, output: &mut impl Write, control: &Control) -> Result<RawSummary> {
        let zeros = vec![0; CHUNK as usize];
        let mut buf = vec![0; CHUNK as usize];
        let mut summary = RawSummary { size: self.size(), ..RawSummary::default() };
        let mut done = 0;
        for extent in self.extents() {
            let extent = extent?;
            summary.usage.count(extent.kind, extent.length);
            let mut left = extent.length;
            while left > 0 {
                control.report(done, summary.size)?;
                let length = (CHUNK - done % CHUNK).min(left) as usize;
                let part = if extent.kind.must_be_read() {
                    self.read_at(&mut buf[..length], done)?;
                    &buf[..length]
                } else {
                    &zeros[..length]
                };
                output.write_all(part).map_err(|e| Error::io("cannot write the output", e))?;
                done += length as u64;
                left -= length as u64;
            }
        }
        output.flush().map_err(|e| Error::io("cannot write the output", e))?;
        control.report(done, summary.size)?;
        Ok(summary)
    }

    fn copy_to(&self, file: &File, options: &WriteRawOptions) -> Result<RawSummary> {
        file.set_len(self.size()).map_err(|e| Error::io("cannot set the size of the output", e))?;
        let count = options.threads.count().get().min(64);
        let work = Mutex::new(Work {
            extents: self.extents(),
            rest: None,
            done: 0,
            summary: RawSummary { size: self.size(), ..RawSummary::default() },
            failed: None,
        });
        thread::scope(|scope| {
            // As many as can be started beside this one.
            let start =
                || threads::spawn(scope, Box::new(|| self.copy_chunks(file, &work, &options.control)));
            let _ = (1..count).take_while(|_| start()).count();
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

/// Fail if `output` is a block device that has no room for a disk of `size` bytes.
#[cfg(unix)]
fn refuse_small_device(output: &mut File, size: u64) -> Result<()> {
    use std::io::{Seek, SeekFrom};
    use std::os::unix::fs::FileTypeExt;
    let fail = |error| Error::io("cannot examine the device", error);
    if !output.metadata().map_err(fail)?.file_type().is_block_device() {
        return Ok(());
    }
    let at = output.stream_position().map_err(fail)?;
    let has = output.seek(SeekFrom::End(0)).map_err(fail)? - at;
    output.seek(SeekFrom::Start(at)).map_err(fail)?;
    if has < size {
        let message = format!("the device has {has} bytes, but the disk has {size}");
        return Err(
            Error::new(ErrorKind::StorageFull, message).with_help("give a device of at least that size")
        );
    }
    Ok(())
}

/// Nothing else has devices that are files.
#[cfg(not(unix))]
fn refuse_small_device(_output: &mut File, _size: u64) -> Result<()> {
    Ok(())
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
                    self.summary.usage.count(extent.kind, extent.length);
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
                self.summary.usage.data += written;
                self.summary.usage.zeros += chunk.length - written;
            }
            Err(error) => {
                self.failed.get_or_insert(error);
            }
        }
    }
}
