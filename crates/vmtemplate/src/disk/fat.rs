//! FAT12, FAT16 and FAT32, as far as it takes to see whether a file is there: the EFI system partition has one of them.
//!
//! Microsoft, "FAT: General Overview of On-Disk Format", version 1.03, which the comments call "the overview".

use std::ops::Range;

use super::DiskImage;
use crate::error::{Error, ErrorKind, Result};
use crate::le;

/// Folders of more clusters than this are not followed to their end; their chain may run in a circle.
const MAX_CHAIN: u32 = 4096;

/// The most bytes of a cluster: the overview allows 32 KiB, Windows 256 KiB.
const MAX_CLUSTER: u32 = 256 << 10;

const ENTRY: usize = 32;

/// A FAT volume.
#[derive(Debug)]
pub(crate) struct FatVolume {
    disk: DiskImage,
    range: Range<u64>,
    kind: Kind,
    cluster: u32,
    /// Where the first table, the root folder of FAT12 and FAT16, and cluster 2 are, in bytes of the volume.
    table: u64,
    root: u64,
    root_length: u32,
    data: u64,
    /// The first cluster of the root folder of FAT32.
    root_cluster: u32,
    clusters: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Fat12,
    Fat16,
    Fat32,
}

fn damaged(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidImage, format!("the FAT volume is damaged: {}", what.into()))
        .with_help("in the virtual machine, run: mountvol S: /s then chkdsk /f S:")
}

impl FatVolume {
    pub(crate) fn open(disk: &DiskImage, range: Range<u64>) -> Result<Self> {
        let sector = disk.read_vec(range.start, 512)?;
        let u8_at = |at: usize| u32::from(sector[at]);
        let u16_at = |at| u32::from(le::u16_at(&sector, at).unwrap_or_default());
        let u32_at = |at| le::u32_at(&sector, at).unwrap_or_default();
        let (bytes, per_cluster) = (u16_at(11), u8_at(13));
        let cluster = bytes * per_cluster;
        if !matches!(bytes, 512 | 1024 | 2048 | 4096)
            || !per_cluster.is_power_of_two()
            || cluster > MAX_CLUSTER
        {
            return Err(damaged("the boot sector states impossible sizes"));
        }
        let either = |small, large| if small == 0 { large } else { small };
        let table_sectors = either(u16_at(22), u32_at(36));
        let sectors = u64::from(either(u16_at(19), u32_at(32)));
        let bytes = u64::from(bytes);
        let root_length = u16_at(17) * ENTRY as u32;
        let table = u64::from(u16_at(14)) * bytes;
        let root = table + u64::from(u8_at(16)) * u64::from(table_sectors) * bytes;
        let data = root + u64::from(root_length).next_multiple_of(bytes);
        let length = sectors * bytes;
        if table == 0 || data >= length || length > range.end - range.start {
            return Err(damaged("the boot sector states more sectors than the volume has"));
        }
        let clusters = u32::try_from((length - data) / u64::from(cluster)).unwrap_or(u32::MAX);
        // The overview: the number of clusters decides, and nothing else.
        let kind = match clusters {
            0..4085 => Kind::Fat12,
            4085..65_525 => Kind::Fat16,
            _ => Kind::Fat32,
        };
        let root_cluster = if kind == Kind::Fat32 { u32_at(44) } else { 0 };
        Ok(Self {
            disk: disk.clone(),
            range,
            kind,
            cluster,
            table,
            root,
            root_length,
            data,
            root_cluster,
            clusters,
        })
    }

    /// Whether there is a file or folder at `path`, without regard to case.
    pub(crate) fn contains(&self, path: &str) -> Result<bool> {
        let mut folder = Folder { cluster: self.root_cluster, is_root: true };
        let mut parts = path.split(['/', '\\']).filter(|part| !part.is_empty()).peekable();
        while let Some(part) = parts.next() {
            match self.find(&folder, part)? {
                Some(below) if parts.peek().is_some() => {
                    if !below.is_folder {
                        return Ok(false);
                    }
                    folder = Folder { cluster: below.cluster, is_root: false };
                }
                Some(_) => return Ok(true),
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    /// The first four bytes of this file in the root folder; `None` if it does not exist or is empty.
    pub(crate) fn first_bytes(&self, name: &str) -> Result<Option<[u8; 4]>> {
        let root = Folder { cluster: self.root_cluster, is_root: true };
        let Some(Entry { cluster, is_folder: false }) = self.find(&root, name)? else { return Ok(None) };
        if cluster == 0 {
            return Ok(None);
        }
        if cluster < 2 || cluster - 2 >= self.clusters {
            return Err(damaged(format!("{name} begins in cluster {cluster}, which does not exist")));
        }
        let mut bytes = [0; 4];
        self.read(&mut bytes, self.data + u64::from(cluster - 2) * u64::from(self.cluster))?;
        Ok(Some(bytes))
    }

    fn find(&self, folder: &Folder, name: &str) -> Result<Option<Entry>> {
        let mut names = Names::default();
        if folder.is_root && self.kind != Kind::Fat32 {
            let mut bytes = vec![0; self.root_length as usize];
            self.read(&mut bytes, self.root)?;
            return Ok(names.search(&bytes, name).entry());
        }
        let mut cluster = folder.cluster;
        let mut bytes = vec![0; self.cluster as usize];
        for _ in 0..MAX_CHAIN {
            if cluster < 2 || cluster - 2 >= self.clusters {
                return Err(damaged(format!("a folder refers to cluster {cluster}, which does not exist")));
            }
            self.read(&mut bytes, self.data + u64::from(cluster - 2) * u64::from(self.cluster))?;
            match names.search(&bytes, name) {
                Search::Onward => {}
                result => return Ok(result.entry()),
            }
            match self.next(cluster)? {
                Some(next) => cluster = next,
                None => return Ok(None),
            }
        }
        Err(Error::new(ErrorKind::LimitExceeded, format!("a folder has more than {MAX_CHAIN} clusters")))
    }

    /// The cluster that follows in the chain; `None` at its end.
    fn next(&self, cluster: u32) -> Result<Option<u32>> {
        let mut entry = [0; 4];
        let (value, end) = match self.kind {
            Kind::Fat12 => {
                self.read(&mut entry[..2], self.table + u64::from(cluster + cluster / 2))?;
                let pair = u32::from_le_bytes(entry);
                (if cluster % 2 == 1 { pair >> 4 } else { pair & 0xFFF }, 0xFF8)
            }
            Kind::Fat16 => {
                self.read(&mut entry[..2], self.table + u64::from(cluster) * 2)?;
                (u32::from_le_bytes(entry), 0xFFF8)
            }
            Kind::Fat32 => {
                self.read(&mut entry, self.table + u64::from(cluster) * 4)?;
                (u32::from_le_bytes(entry) & 0x0FFF_FFFF, 0x0FFF_FFF8)
            }
        };
        Ok(Some(value).filter(|&value| value < end))
    }

    fn read(&self, buf: &mut [u8], position: u64) -> Result<()> {
        if position + buf.len() as u64 > self.range.end - self.range.start {
            return Err(damaged("something refers past the end of the volume"));
        }
        self.disk.read_at(buf, self.range.start + position)
    }
}

struct Folder {
    cluster: u32,
    is_root: bool,
}

struct Entry {
    cluster: u32,
    is_folder: bool,
}

/// What a part of a folder says of a name.
enum Search {
    Found(Entry),
    /// The folder ends here, without the name.
    End,
    Onward,
}

impl Search {
    fn entry(self) -> Option<Entry> {
        match self {
            Self::Found(entry) => Some(entry),
            Self::End | Self::Onward => None,
        }
    }
}

/// The pieces of a long name, which are before the entry that they belong to, the last one first.
#[derive(Default)]
struct Names {
    long: Vec<u16>,
}

impl Names {
    /// Look through some entries of a folder.
    fn search(&mut self, entries: &[u8], name: &str) -> Search {
        for entry in entries.chunks_exact(ENTRY) {
            let attributes = entry[11];
            match entry[0] {
                0 => return Search::End,
                0xE5 => self.long.clear(),
                first if attributes & 0x3F == 0x0F => self.add(entry, first),
                // The label of the volume.
                _ if attributes & 0x08 != 0 => self.long.clear(),
                _ => {
                    let long = String::from_utf16_lossy(&self.long);
                    self.long.clear();
                    if equal(&long, name) || equal(&short_name(entry), name) {
                        let high = u32::from(le::u16_at(entry, 20).unwrap_or_default());
                        let low = u32::from(le::u16_at(entry, 26).unwrap_or_default());
                        return Search::Found(Entry {
                            cluster: high << 16 | low,
                            is_folder: attributes & 0x10 != 0,
                        });
                    }
                }
            }
        }
        Search::Onward
    }

    /// A piece of 13 characters.
    fn add(&mut self, entry: &[u8], order: u8) {
        if order & 0x40 != 0 {
            self.long.clear();
        }
        let units = [1..11, 14..26, 28..32].into_iter().flat_map(|range| entry[range].chunks_exact(2));
        let units = units.map(|pair| u16::from_le_bytes([pair[0], pair[1]])).take_while(|&unit| unit != 0);
        let piece: Vec<u16> = units.collect();
        // 20 pieces hold the longest name.
        if self.long.len() <= 20 * 13 {
            self.long.splice(..0, piece);
        }
    }
}

fn equal(found: &str, name: &str) -> bool {
    !found.is_empty() && found.to_lowercase() == name.to_lowercase()
}

/// `NAME    EXT` as `NAME.EXT`.
fn short_name(entry: &[u8]) -> String {
    let part = |range: Range<usize>| String::from_utf8_lossy(&entry[range]).trim_end().to_owned();
    match part(8..11) {
        extension if extension.is_empty() => part(0..8),
        extension => format!("{}.{extension}", part(0..8)),
    }
}
