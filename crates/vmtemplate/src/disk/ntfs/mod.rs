//! NTFS, read only.

mod boot;
mod clusters;
mod file;
mod index;
mod journal;
mod lznt1;
mod proof;
mod record;
mod runs;
mod shadow;
mod stream;
mod upcase;
mod walk;

use std::ops::Range;
use std::sync::OnceLock;

use self::boot::Boot;
use self::record::{Attribute, ListEntry, Record, Value, kind, list_entries, number};
use self::stream::Stream;
use self::upcase::UpCase;
use super::DiskImage;
use crate::error::{Error, ErrorKind, Result};
use crate::le;

pub(super) use clusters::ClusterSet;
pub use file::{NtfsEntry, NtfsFile};
pub(super) use proof::MAX_CLUSTERS;
pub use walk::{NtfsFolder, NtfsWalk};

/// Windows keeps attribute lists below this size.
const MAX_LIST: u64 = 256 << 10;

/// `$Volume` flags: the volume is dirty, or chkdsk is under way.
const DIRTY: u16 = 0x4001;

/// An NTFS volume of a disk image.
///
/// It is read without trust: whatever the volume states is checked against its bounds, and no structure can make
/// a call run forever or take memory without bound.
///
/// ```no_run
/// use vmtemplate::disk::{NtfsVolume, PartitionTable};
/// use vmtemplate::DiskImage;
///
/// let disk = DiskImage::open("windows.raw")?;
/// for partition in PartitionTable::read(&disk)?.partitions {
///     let Some(range) = partition.range() else { continue };
///     if let Ok(volume) = NtfsVolume::open(&disk, range) {
///         println!("{:?}: {} bytes per cluster", volume.label(), volume.cluster_size());
///     }
/// }
/// # Ok::<(), vmtemplate::Error>(())
/// ```
#[derive(Debug)]
pub struct NtfsVolume {
    space: Space,
    mft: Stream,
    upcase: OnceLock<UpCase>,
    label: String,
    version: (u8, u8),
    flags: u16,
}

/// Whether Windows left its memory on the volume, to go on where it was.
///
/// ```
/// assert_eq!(serde_json::to_string(&vmtemplate::disk::Hibernation::Hibernated).unwrap(), r#""hibernated""#);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Hibernation {
    /// There is no `hiberfil.sys`, or it holds nothing.
    None,
    /// Windows was hibernated and has resumed since: what the file holds is of no use any more.
    Resumed,
    /// Windows is hibernated, or was shut down by Fast Startup. It will not take note of changes to the volume.
    Hibernated,
}

impl Hibernation {
    /// What the first bytes of `hiberfil.sys` say, as the forensics literature and ntfs-3g have it. What is not known may
    /// be a memory image.
    pub(super) fn of(magic: [u8; 4]) -> Self {
        match &magic.map(|byte| byte.to_ascii_lowercase()) {
            [0, 0, 0, 0] => Self::None,
            b"wake" => Self::Resumed,
            _ => Self::Hibernated,
        }
    }
}

/// The clusters of a volume.
#[derive(Debug)]
struct Space {
    disk: DiskImage,
    start: u64,
    boot: Boot,
}

impl Space {
    /// Read at a byte of the volume. The caller has checked the clusters.
    fn read(&self, buf: &mut [u8], position: u64) -> Result<()> {
        self.disk.read_at(buf, self.start + position)
    }
}

/// What the volume states is impossible.
fn damaged(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidImage, what)
        .with_help("run chkdsk /f on the volume inside the virtual machine, then shut it down and try again")
}

impl NtfsVolume {
    /// Open the volume that has the bytes `range` of `disk`.
    ///
    /// # Errors
    ///
    /// [`InvalidImage`](ErrorKind::InvalidImage) if it is no NTFS volume or a damaged one,
    /// [`Unsupported`](ErrorKind::Unsupported) if it is encrypted by BitLocker,
    /// [`InvalidValue`](ErrorKind::InvalidValue) if the range is not within the disk.
    ///
    /// ```
    /// use vmtemplate::disk::NtfsVolume;
    /// use vmtemplate::{DiskImage, ErrorKind};
    ///
    /// let disk = DiskImage::from_bytes([0; 4096]);
    /// assert_eq!(NtfsVolume::open(&disk, 0..4096).unwrap_err().kind(), ErrorKind::InvalidImage);
    /// ```
    pub fn open(disk: &DiskImage, range: Range<u64>) -> Result<Self> {
        let start = range.start;
        Self::open_inner(disk, &range)
            .map_err(|error| error.with_entry(format!("NTFS volume at byte {start}")))
    }

    fn open_inner(disk: &DiskImage, range: &Range<u64>) -> Result<Self> {
        let boot = Boot::read(disk, range)?;
        let space = Space { disk: disk.clone(), start: range.start, boot };
        let mft = open_mft(&space)?;
        let mut volume =
            Self { space, mft, upcase: OnceLock::new(), label: String::new(), version: (0, 0), flags: 0 };
        volume.extend_mft()?;
        volume.read_information()?;
        Ok(volume)
    }

    /// $MFT may need several records itself; each must be reachable by what was found before it.
    fn extend_mft(&mut self) -> Result<()> {
        let (mut base, mut buf) = (Vec::new(), Vec::new());
        let record = self.record(number::MFT, &mut base)?;
        let Some(list) = self.attribute_list(record)? else { return Ok(()) };
        for entry in list_entries(&list) {
            let entry = entry.map_err(|flaw| flawed(number::MFT, flaw))?;
            if entry.kind == kind::DATA && entry.name.is_empty() && entry.first > 0 {
                let piece = self.piece(record, number::MFT, &entry, &mut buf)?;
                self.mft.append(&piece, &self.space)?;
            }
        }
        Ok(())
    }

    fn read_information(&mut self) -> Result<()> {
        let mut buf = Vec::new();
        let record = self.record(number::VOLUME, &mut buf)?;
        let find = |kind| record.find(kind, b"").map_err(|flaw| flawed(number::VOLUME, flaw));
        let Some(Attribute { value: Value::Resident(information), .. }) = find(kind::VOLUME_INFORMATION)?
        else {
            return Err(damaged("$Volume has no information about the volume"));
        };
        let short = || damaged("the information about the volume in $Volume is truncated");
        let [major, minor] = le::array_at(information, 8).ok_or_else(short)?;
        let flags = le::u16_at(information, 10).ok_or_else(short)?;
        let label = match find(kind::VOLUME_NAME)? {
            Some(Attribute { value: Value::Resident(name), .. }) => le::utf16(name),
            _ => String::new(),
        };
        (self.version, self.flags, self.label) = ((major, minor), flags, label);
        Ok(())
    }

    /// Where the volume begins, in bytes of the disk.
    ///
    /// ```
    /// # fn example(volume: &vmtemplate::disk::NtfsVolume) {
    /// println!("at {}", volume.offset());
    /// # }
    /// ```
    pub fn offset(&self) -> u64 {
        self.space.start
    }

    /// The bytes of the volume, its backup boot sector included. The partition may be larger.
    ///
    /// ```
    /// # fn example(volume: &vmtemplate::disk::NtfsVolume) {
    /// println!("{} MiB", volume.size() >> 20);
    /// # }
    /// ```
    pub fn size(&self) -> u64 {
        self.space.boot.length
    }

    /// The bytes of a cluster, the unit of space: 512 to 2 MiB.
    ///
    /// ```
    /// # fn example(volume: &vmtemplate::disk::NtfsVolume) {
    /// assert!(volume.cluster_size().is_power_of_two());
    /// # }
    /// ```
    pub fn cluster_size(&self) -> u32 {
        self.space.boot.cluster
    }

    /// The serial number that formatting gave it.
    ///
    /// ```
    /// # fn example(volume: &vmtemplate::disk::NtfsVolume) {
    /// println!("{:016X}", volume.serial_number());
    /// # }
    /// ```
    pub fn serial_number(&self) -> u64 {
        self.space.boot.serial
    }

    /// The label; empty if it has none.
    ///
    /// ```
    /// # fn example(volume: &vmtemplate::disk::NtfsVolume) {
    /// println!("{}", volume.label());
    /// # }
    /// ```
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The version of NTFS, major and minor: (3, 1) since Windows XP.
    ///
    /// ```
    /// # fn example(volume: &vmtemplate::disk::NtfsVolume) {
    /// assert_eq!(volume.version(), (3, 1));
    /// # }
    /// ```
    pub fn version(&self) -> (u8, u8) {
        self.version
    }

    /// Whether Windows will check the volume at its next start, or is doing so.
    ///
    /// ```
    /// # fn example(volume: &vmtemplate::disk::NtfsVolume) {
    /// if volume.is_dirty() {
    ///     println!("start the virtual machine and let chkdsk finish");
    /// }
    /// # }
    /// ```
    pub fn is_dirty(&self) -> bool {
        self.flags & DIRTY != 0
    }

    /// Whether every change in the journal has reached the volume. It has not if the machine was not shut down.
    ///
    /// ```
    /// # fn example(volume: &vmtemplate::disk::NtfsVolume) -> vmtemplate::Result<()> {
    /// if !volume.has_clean_journal()? {
    ///     println!("the virtual machine was not shut down");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn has_clean_journal(&self) -> Result<bool> {
        journal::is_clean(self).map_err(|error| self.place(error).with_entry("$LogFile"))
    }

    /// Whether Windows is hibernated on this volume, which is also what Fast Startup does.
    ///
    /// ```
    /// # use vmtemplate::disk::Hibernation;
    /// # fn example(volume: &vmtemplate::disk::NtfsVolume) -> vmtemplate::Result<()> {
    /// if volume.hibernation()? == Hibernation::Hibernated {
    ///     println!("run: powercfg /h off, then shut down");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn hibernation(&self) -> Result<Hibernation> {
        let file = match self.file("hiberfil.sys") {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Hibernation::None),
            Err(error) => return Err(error),
        };
        let mut magic = [0; 4];
        file.read_at(&mut magic, 0)?;
        Ok(Hibernation::of(magic))
    }

    /// Look a file or folder up, without regard to case: `Windows\System32\config\SYSTEM`.
    ///
    /// Parts are separated by `\` or `/`; an empty path is the root. `file:stream` is a named stream.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) if there is none; [`InvalidImage`](ErrorKind::InvalidImage) for damage.
    ///
    /// ```no_run
    /// # fn example(volume: &vmtemplate::disk::NtfsVolume) -> vmtemplate::Result<()> {
    /// let driver = volume.file("windows/system32/drivers/viostor.sys")?;
    /// assert!(driver.size() > 0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn file(&self, path: &str) -> Result<NtfsFile<'_>> {
        NtfsFile::find(self, path).map_err(|error| error.with_entry(path))
    }

    /// Whether the copy of the boot sector is behind the last sector that the boot sector counts, where formatting
    /// puts it, and is that of this volume.
    pub(super) fn has_backup_boot_sector(&self) -> Result<bool> {
        let boot = &self.space.boot;
        Boot::is_at(&self.space.disk, self.space.start + boot.backup, boot.serial)
    }

    /// How many whole clusters the volume has.
    pub(super) fn clusters(&self) -> u64 {
        self.space.boot.clusters
    }

    /// The clusters of a file that is written as it is: first and count. None if the file does not exist.
    pub(super) fn whole_runs(&self, path: &str) -> Result<Vec<(u64, u64)>> {
        let file = match self.file(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let runs = file.plain_stream().map_or(&[][..], Stream::runs);
        Ok(runs.iter().filter_map(|run| Some((run.lcn?, run.length))).collect())
    }

    fn place(&self, error: Error) -> Error {
        error.with_entry(format!("NTFS volume at byte {}", self.space.start))
    }

    fn upcase(&self) -> Result<&UpCase> {
        if let Some(table) = self.upcase.get() {
            return Ok(table);
        }
        let table = UpCase::read(self)?;
        Ok(self.upcase.get_or_init(|| table))
    }

    /// Read record `number`, which must be in use.
    fn record<'b>(&self, number: u64, buf: &'b mut Vec<u8>) -> Result<Record<'b>> {
        let size = u64::from(self.space.boot.record);
        let offset = number.checked_mul(size);
        buf.clear();
        buf.resize(size as usize, 0);
        let Some(offset) = offset.filter(|offset| offset + size <= self.mft.initialized()) else {
            return Err(flawed(number, "it is past the end of the MFT"));
        };
        self.mft.read_at(&self.space, buf, offset)?;
        Record::parse(buf)
            .map_err(|flaw| flawed(number, flaw))?
            .ok_or_else(|| flawed(number, "it is not in use, but something refers to it"))
    }

    /// The attribute list of a base record; `None` if all its attributes are in the record itself.
    fn attribute_list(&self, base: Record<'_>) -> Result<Option<Vec<u8>>> {
        match base.find(kind::ATTRIBUTE_LIST, b"").map_err(damaged)? {
            Some(list) => Stream::begin(&list, &self.space)?.read_all(&self.space, MAX_LIST).map(Some),
            None => Ok(None),
        }
    }

    /// The attribute that an entry of the list of record `number` means.
    fn piece<'b>(
        &self,
        base: Record<'b>,
        number: u64,
        entry: &ListEntry<'_>,
        buf: &'b mut Vec<u8>,
    ) -> Result<Attribute<'b>> {
        let at = entry.record.number();
        let record = if at == number { base } else { self.record(at, buf)? };
        let is_extension = record.base.number() == number && record.sequence == entry.record.sequence();
        if at != number && !is_extension {
            return Err(flawed(
                number,
                format!("its attribute list names record {at}, which does not belong to it"),
            ));
        }
        for attribute in record.attributes() {
            let attribute = attribute.map_err(|flaw| flawed(at, flaw))?;
            if attribute.kind == entry.kind
                && attribute.instance == entry.instance
                && attribute.name == entry.name
            {
                return Ok(attribute);
            }
        }
        Err(flawed(number, format!("its attribute list names an attribute that record {at} does not have")))
    }

    /// The stream of the attribute of this type and name, with all its pieces.
    fn stream(&self, base: Record<'_>, number: u64, kind: u32, name: &[u8]) -> Result<Option<Stream>> {
        let Some(list) = self.attribute_list(base)? else {
            let found = base.find(kind, name).map_err(|flaw| flawed(number, flaw))?;
            return found.map(|attribute| Stream::begin(&attribute, &self.space)).transpose();
        };
        let mut stream: Option<Stream> = None;
        let mut buf = Vec::new();
        for entry in list_entries(&list) {
            let entry = entry.map_err(|flaw| flawed(number, flaw))?;
            if entry.kind == kind && entry.name == name {
                let piece = self.piece(base, number, &entry, &mut buf)?;
                match &mut stream {
                    Some(stream) => stream.append(&piece, &self.space)?,
                    None => stream = Some(Stream::begin(&piece, &self.space)?),
                }
            }
        }
        Ok(stream)
    }
}

/// The first piece of $MFT, from the place that the boot sector gives.
fn open_mft(space: &Space) -> Result<Stream> {
    let mut bytes = vec![0; space.boot.record as usize];
    let position = space.boot.mft * u64::from(space.boot.cluster);
    if position + bytes.len() as u64 > space.boot.length {
        return Err(damaged("the MFT begins past the end of the volume"));
    }
    space.read(&mut bytes, position)?;
    let record = Record::parse(&mut bytes)
        .map_err(|flaw| flawed(number::MFT, flaw))?
        .ok_or_else(|| flawed(number::MFT, "it is not in use"))?;
    match record.find(kind::DATA, b"").map_err(|flaw| flawed(number::MFT, flaw))? {
        Some(data @ Attribute { value: Value::Runs(_), .. }) => Stream::begin(&data, space),
        _ => Err(flawed(number::MFT, "it has no data in clusters")),
    }
}

fn flawed(number: u64, flaw: impl AsRef<str>) -> Error {
    damaged(format!("MFT record {number}: {}", flaw.as_ref()))
}
