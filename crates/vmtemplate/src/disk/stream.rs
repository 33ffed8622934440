//! Images that come through a pipe: kept in a temporary file without a name, zeros left out.

use std::io::Read;
use std::sync::Arc;

use super::file::ImageFile;
use super::open::open_file;
use super::opener::{OpenOptions, Opener};
use super::{DiskImage, DiskSource};
use crate::error::Result;
#[cfg(feature = "rbd")]
use crate::source::spool;
use crate::source::spool::spool;

impl DiskImage {
    /// Open an image that comes as a stream, such as `rbd export POOL/IMAGE -` on standard input.
    ///
    /// The stream is read to its end first, into a temporary file without a name in
    /// [`temporary_folder`](OpenOptions::temporary_folder), where blocks of zeros take no room. It may be an image of
    /// any format, and the output of `rbd export-diff` (of the whole image, not from a snapshot on), whose records say
    /// what is data. An image that names other files cannot come as a stream.
    ///
    /// Cancelling takes effect when the reader next returns.
    ///
    /// # Errors
    ///
    /// As [`DiskImage::open`]; [`Io`](crate::ErrorKind::Io) and [`StorageFull`](crate::ErrorKind::StorageFull) from reading
    /// the stream and writing the temporary file; [`Cancelled`](crate::ErrorKind::Cancelled).
    ///
    /// ```
    /// use vmtemplate::disk::OpenOptions;
    /// use vmtemplate::DiskImage;
    ///
    /// let stream = &[7; 1024][..]; // or std::io::stdin().lock()
    /// let disk = DiskImage::from_stream(stream, &OpenOptions::default())?;
    /// assert_eq!(disk.size(), 1024);
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn from_stream(mut reader: impl Read, options: &OpenOptions) -> Result<Self> {
        open_stream(&mut reader, options).map(Self::from_source)
    }
}

fn open_stream(reader: &mut dyn Read, options: &OpenOptions) -> Result<Arc<dyn DiskSource>> {
    #[cfg(feature = "rbd")]
    let head = {
        use super::rbd;
        let mut head = Vec::new();
        reader.take(rbd::MAGIC as u64).read_to_end(&mut head).map_err(spool::read_failed)?;
        if options.format.is_none()
            && let Some(version) = rbd::diff_version(&head)
        {
            return rbd::spool_diff(reader, version, options);
        }
        head
    };
    #[cfg(feature = "rbd")]
    let reader = &mut head.chain(reader);
    let folder = options.temporary_folder.as_deref();
    let (file, _) = spool(reader, folder, options.max_size, &options.control)?;
    open_file(ImageFile::unnamed(file)?, options.format, &Opener::new(options, None))
}
