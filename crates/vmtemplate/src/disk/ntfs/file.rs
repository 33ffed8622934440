//! Files and folders of a volume.

use super::index::{Index, Name};
use super::record::{Record, Reference, kind, number};
use super::stream::Stream;
use super::{NtfsVolume, damaged};
use crate::error::{Error, ErrorKind, Result};
use crate::shown::Shown;

/// The longest name of a file, in units of UTF-16 (Linux-NTFS documentation, "$FILE_NAME").
const MAX_NAME: usize = 255;

/// A file or folder of an [`NtfsVolume`], or a named stream of one.
///
/// ```no_run
/// # use vmtemplate::disk::NtfsVolume;
/// # use vmtemplate::DiskImage;
/// let disk = DiskImage::open("windows.raw")?;
/// let volume = NtfsVolume::open(&disk, 0..disk.size())?;
/// let hive = volume.file(r"Windows\System32\config\SYSTEM")?;
/// let bytes = hive.read(64 << 20)?; // at most 64 MiB
/// # Ok::<(), vmtemplate::Error>(())
/// ```
#[derive(Debug)]
pub struct NtfsFile<'v> {
    volume: &'v NtfsVolume,
    number: u64,
    path: String,
    folder: bool,
    stream: Option<Stream>,
    /// The tag of a reparse point that is between a reader and the data.
    reparse: Option<u32>,
}

/// A file or folder as its folder lists it.
///
/// ```no_run
/// # use vmtemplate::disk::NtfsVolume;
/// # use vmtemplate::DiskImage;
/// # let disk = DiskImage::open("windows.raw")?;
/// # let volume = NtfsVolume::open(&disk, 0..disk.size())?;
/// for entry in volume.file("Windows")?.list()? {
///     println!("{}{}", entry.name, if entry.is_folder { "\\" } else { "" });
/// }
/// # Ok::<(), vmtemplate::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct NtfsEntry {
    /// The long name; what is not valid UTF-16 in it is shown as U+FFFD.
    pub name: String,
    /// Whether it is a folder.
    pub is_folder: bool,
    /// The size that the folder notes, in bytes. Files with several hard links may have outgrown it.
    pub size: u64,
}

impl<'v> NtfsFile<'v> {
    /// Look `path` up from the root.
    pub(super) fn find(volume: &'v NtfsVolume, path: &str) -> Result<Self> {
        let mut at = Reference::new(number::ROOT);
        let mut parts = path.split(['/', '\\']).filter(|part| !part.is_empty()).peekable();
        let mut stream = "";
        while let Some(part) = parts.next() {
            let index = Index::open(volume, at.number())?;
            if let Some(found) = find_name(volume, &index, part)? {
                at = found;
                continue;
            }
            // In the POSIX namespace `:` is a character of a name like any other (MS-FSA, "NTFS name types"): it begins
            // the name of a stream only where no file is called so. The longest name of a file counts.
            let is_last = parts.peek().is_none();
            let (found, name) = match split_stream(volume, &index, at, part)? {
                Some((found, name)) if is_last => (found, name),
                _ => return Err(not_found(part)),
            };
            (at, stream) = (found, name);
        }
        Self::open(volume, at, path, stream)?.ok_or_else(|| not_found(stream))
    }

    /// The stream `name` of the file; `None` if the file has none of this name.
    fn open(volume: &'v NtfsVolume, at: Reference, path: &str, name: &str) -> Result<Option<Self>> {
        let number = at.number();
        let mut buf = Vec::new();
        let record = volume.record(number, &mut buf)?;
        // The root is found by its number alone.
        if record.base.number() != 0 || (at.sequence() != 0 && at.sequence() != record.sequence) {
            return Err(damaged(format!("record {number} is not the file that its folder refers to")));
        }
        let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let stream = volume.stream(record, number, kind::DATA, &name)?;
        if stream.is_none() && !name.is_empty() {
            return Ok(None);
        }
        let mut reparse = None;
        if name.is_empty()
            && let Some(point) = volume.stream(record, number, kind::REPARSE_POINT, b"")?
        {
            let mut tag = [0; 4];
            point.read_at(&volume.space, &mut tag, 0)?;
            let tag = u32::from_le_bytes(tag);
            let is_here = is_cloud(tag)
                && !is_offline(volume, record, number)?
                && stream.as_ref().is_some_and(Stream::has_all_data);
            reparse = Some(tag).filter(|_| !is_here);
        }
        Ok(Some(Self { volume, number, path: path.to_owned(), folder: record.folder, stream, reparse }))
    }

    /// Whether it is a folder.
    ///
    /// ```no_run
    /// # fn example(volume: &vmtemplate::disk::NtfsVolume) -> vmtemplate::Result<()> {
    /// assert!(volume.file("Windows")?.is_folder());
    /// # Ok(())
    /// # }
    /// ```
    pub fn is_folder(&self) -> bool {
        self.folder
    }

    /// The size in bytes; 0 for a folder.
    ///
    /// ```no_run
    /// # fn example(volume: &vmtemplate::disk::NtfsVolume) -> vmtemplate::Result<()> {
    /// println!("{} bytes", volume.file("pagefile.sys")?.size());
    /// # Ok(())
    /// # }
    /// ```
    pub fn size(&self) -> u64 {
        self.stream.as_ref().map_or(0, Stream::size)
    }

    /// Fill `buf` with the bytes of the file from `offset` on; returns how many there were before its end.
    ///
    /// Holes, and what is past the initialized size, read as zeros. LZNT1 compression is undone.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](ErrorKind::Unsupported) for a file that is encrypted (EFS), compressed by "Compact OS" (WOF),
    /// deduplicated, in a cloud and not on this disk, or a link: its data are elsewhere, and zeros would be wrong.
    /// [`InvalidImage`](ErrorKind::InvalidImage) for damage.
    ///
    /// ```no_run
    /// # fn example(volume: &vmtemplate::disk::NtfsVolume) -> vmtemplate::Result<()> {
    /// let mut magic = [0; 4];
    /// volume.file(r"Windows\System32\config\SYSTEM")?.read_at(&mut magic, 0)?;
    /// assert_eq!(&magic, b"regf");
    /// # Ok(())
    /// # }
    /// ```
    pub fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<usize> {
        self.readable()
            .and_then(|stream| stream.read_at(&self.volume.space, buf, offset))
            .map_err(|error| self.place(error))
    }

    /// The whole file, if it has at most `max` bytes.
    ///
    /// # Errors
    ///
    /// [`LimitExceeded`](ErrorKind::LimitExceeded) if it is larger, and those of [`read_at`](Self::read_at).
    ///
    /// ```no_run
    /// # fn example(volume: &vmtemplate::disk::NtfsVolume) -> vmtemplate::Result<()> {
    /// let task = volume.file(r"Windows\System32\Tasks\vmmgr")?.read(1 << 20)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn read(&self, max: u64) -> Result<Vec<u8>> {
        self.readable()
            .and_then(|stream| stream.read_all(&self.volume.space, max))
            .map_err(|error| self.place(error))
    }

    /// What is in the folder, in no particular order; without the 8.3 names that go with longer ones.
    ///
    /// # Errors
    ///
    /// [`InvalidValue`](ErrorKind::InvalidValue) if it is not a folder, [`InvalidImage`](ErrorKind::InvalidImage)
    /// for damage, [`LimitExceeded`](ErrorKind::LimitExceeded) past 262,144 names.
    ///
    /// ```no_run
    /// # fn example(volume: &vmtemplate::disk::NtfsVolume) -> vmtemplate::Result<()> {
    /// let names: Vec<String> = volume.file("/")?.list()?.into_iter().map(|entry| entry.name).collect();
    /// # Ok(())
    /// # }
    /// ```
    pub fn list(&self) -> Result<Vec<NtfsEntry>> {
        if !self.folder {
            return Err(
                self.place(Error::new(ErrorKind::InvalidValue, "this is a file; a folder was expected"))
            );
        }
        let names = Index::open(self.volume, self.number)
            .and_then(|index| index.names())
            .map_err(|error| self.place(error))?;
        let entry = |name: Name| NtfsEntry {
            name: String::from_utf16_lossy(&name.name),
            is_folder: name.folder,
            size: name.size,
        };
        // The root lists itself.
        let is_shown = |name: &Name| !name.is_short && name.name != [u16::from(b'.')];
        Ok(names.into_iter().filter(is_shown).map(entry).collect())
    }

    /// The number of its record, which no other file has.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Whether it is a link to another file or folder (MS-FSCC, section 2.1.2.1: mount points and symbolic links).
    pub(super) fn is_link(&self) -> bool {
        matches!(self.reparse, Some(0xA000_0003 | 0xA000_000C))
    }

    /// The stream, if its clusters hold the data of the file and nothing else.
    pub(super) fn plain_stream(&self) -> Option<&Stream> {
        self.stream.as_ref().filter(|stream| stream.is_plain() && self.reparse.is_none())
    }

    fn readable(&self) -> Result<&Stream> {
        if let Some(tag) = self.reparse {
            // Tags: MS-FSCC, section 2.1.2.1.
            let (what, help) = match tag {
                0x8000_0017 => {
                    ("compressed by \"Compact OS\" (WOF)", "run compact /u on it inside the virtual machine")
                }
                0x8000_0013 => ("deduplicated", "undo the deduplication of the volume"),
                0xA000_0003 | 0xA000_000C => ("a link", "read the file that it points to"),
                tag if is_cloud(tag) => (
                    "stored in a cloud",
                    "choose \"Always keep on this device\" for it inside the virtual machine",
                ),
                _ => ("stored elsewhere", "restore it inside the virtual machine"),
            };
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("the file is {what} (reparse tag {tag:#010X})"),
            )
            .with_help(help));
        }
        self.stream.as_ref().ok_or_else(|| {
            let what = if self.folder { "this is a folder; a file was expected" } else { "it has no data" };
            Error::new(ErrorKind::InvalidValue, what)
        })
    }

    fn place(&self, error: Error) -> Error {
        error.with_entry(&self.path)
    }
}

/// Whether the tag is of a file that a provider of a cloud keeps: `IO_REPARSE_TAG_CLOUD` and its 15 variants, those of
/// OneDrive and of Azure File Sync before them, and of projected file systems (MS-FSCC, section 2.1.2.1).
fn is_cloud(tag: u32) -> bool {
    tag & 0xFFFF_0FFF == 0x9000_001A || matches!(tag, 0x8000_0021 | 0x8000_001E | 0x9000_001C)
}

/// Whether the attributes of the file say that its data, or a part of them, must be fetched first: `OFFLINE`,
/// `RECALL_ON_OPEN`, `RECALL_ON_DATA_ACCESS` (MS-FSCC, section 2.6).
fn is_offline(volume: &NtfsVolume, record: Record<'_>, number: u64) -> Result<bool> {
    const OFFLINE: u32 = 0x1000 | 0x4_0000 | 0x40_0000;
    let Some(information) = volume.stream(record, number, kind::STANDARD_INFORMATION, b"")? else {
        return Ok(false);
    };
    let mut attributes = [0; 4];
    information.read_at(&volume.space, &mut attributes, 32)?;
    Ok(u32::from_le_bytes(attributes) & OFFLINE != 0)
}

/// The file called `name` in a folder, without regard to case.
fn find_name(volume: &NtfsVolume, index: &Index<'_>, name: &str) -> Result<Option<Reference>> {
    let upcase = volume.upcase()?;
    let name: Vec<u16> = name.encode_utf16().map(|unit| upcase.of(unit)).collect();
    Ok(index.find(&name)?.map(|found| found.reference))
}

/// `FILE:STREAM` as the file in this folder and the name of its stream. Before the first `:` of `:STREAM` is the
/// folder itself.
fn split_stream<'p>(
    volume: &NtfsVolume,
    index: &Index<'_>,
    folder: Reference,
    part: &'p str,
) -> Result<Option<(Reference, &'p str)>> {
    for (colon, _) in part.rmatch_indices(':') {
        let (name, stream) = (&part[..colon], &part[colon + 1..]);
        if name.is_empty() {
            return Ok(Some((folder, stream)));
        }
        // No name is longer, and a path of colons alone is not looked up a hundred thousand times.
        if name.encode_utf16().count() > MAX_NAME {
            continue;
        }
        if let Some(found) = find_name(volume, index, name)? {
            return Ok(Some((found, stream)));
        }
    }
    Ok(None)
}

fn not_found(name: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("\"{}\" does not exist", Shown(name)))
}
