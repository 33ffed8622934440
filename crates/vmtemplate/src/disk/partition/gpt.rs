//! The GUID partition table (UEFI specification 2.10, section 5.3).

use std::ops::{Range, RangeInclusive};

use super::super::DiskImage;
use super::{Guid, Partition, PartitionKind, PartitionScheme, PartitionTable};
use crate::error::{Error, ErrorKind, Result};
use crate::le;

/// Tables are 16 KiB in practice; whatever a header states, no more than this is read.
const MAX_TABLE: u64 = 1 << 20;

const SECTOR_SIZES: [u64; 2] = [512, 4096];

/// One copy of the table whose checksums are right.
#[derive(Debug)]
struct Copy {
    sector: u64,
    disk_id: Guid,
    /// Where the other copy's header is, in sectors.
    other: u64,
    /// The sectors that partitions may use.
    usable: Range<u64>,
    entry_size: usize,
    entries: Vec<u8>,
    /// Where this copy is, in bytes.
    places: [Range<u64>; 2],
}

/// Read a GPT; `None` if there is none and the MBR does not say (`protective`: the last sector that it covers) that there
/// is.
pub(super) fn read(disk: &DiskImage, protective: Option<u64>) -> Result<Option<PartitionTable>> {
    let mut warnings = Vec::new();
    let mut primary_damage = "the second sector contains no header".to_owned();
    let mut signature_seen = false;
    for sector in SECTOR_SIZES {
        match read_copy(disk, sector, 1)? {
            Ok(primary) => {
                if protective.is_none() {
                    warnings
                        .push("the protective MBR is missing; Windows treats the disk as empty".to_owned());
                }
                let backup = read_copy(disk, sector, primary.other)?;
                let notes = notes_of_backup(disk, &primary, &backup);
                let backup_places = backup.as_ref().map(|copy| copy.places.clone()).unwrap_or_default();
                let mut table = table(disk, &primary, &backup_places, warnings, notes);
                if let Ok(backup) = &backup {
                    table.add_rival(disk, &primary, backup);
                }
                table.add_rivals(disk, &primary)?;
                return Ok(Some(table));
            }
            Err(damage) if damage.has_signature => {
                signature_seen = true;
                primary_damage = damage.text;
            }
            Err(_) => {}
        }
    }
    if protective.is_none() && !signature_seen {
        return Ok(None);
    }
    let mut backup_damage = "the last sector contains no header".to_owned();
    for (sector, lba) in places_of_backup(disk, protective)? {
        let last = last_sector(disk, sector);
        match read_copy(disk, sector, lba)? {
            // Away from the last sector, only what says that it is the backup of the first copy counts.
            Ok(backup) if lba == last || backup.other == 1 => {
                warnings.push(format!("the primary GPT is damaged, the backup was used: {primary_damage}"));
                let notes = (lba < last).then(|| enlarged(disk, sector, lba, "is"));
                let mut table =
                    table(disk, &backup, &Default::default(), warnings, notes.into_iter().collect());
                for (sector, lba) in places_of_backup(disk, protective)? {
                    if let Ok(other) = read_copy(disk, sector, lba)? {
                        table.add_rival(disk, &backup, &other);
                    }
                }
                table.add_rivals(disk, &backup)?;
                return Ok(Some(table));
            }
            Err(damage) if damage.has_signature => backup_damage = damage.text,
            _ => {}
        }
    }
    if protective.is_none() {
        return Ok(None);
    }
    Err(Error::new(
        ErrorKind::InvalidImage,
        format!("both copies of the GPT are damaged; primary: {primary_damage}; backup: {backup_damage}"),
    )
    .with_help(
        "repair the table inside the virtual machine or with a partitioning tool, on a copy of the disk",
    ))
}

fn last_sector(disk: &DiskImage, sector: u64) -> u64 {
    (disk.size() / sector).saturating_sub(1)
}

/// Where the backup may be if the primary copy is damaged, by size of sectors and number: in the last sector first. On a
/// disk that was enlarged it is where the last sector was, which the header of the damaged copy may still say, and the
/// size of the disk in the protective MBR. Whatever these say, the checksums of what is there decide.
fn places_of_backup(disk: &DiskImage, protective: Option<u64>) -> Result<Vec<(u64, u64)>> {
    let mut places = SECTOR_SIZES.map(|sector| (sector, last_sector(disk, sector))).to_vec();
    for sector in SECTOR_SIZES.into_iter().filter(|&sector| sector * 2 <= disk.size()) {
        let header = disk.read_vec(sector, 92)?;
        let stated = header.starts_with(b"EFI PART").then(|| le::u64_at(&header, 32)).flatten();
        let hints = [stated, protective].into_iter().flatten();
        places
            .extend(hints.filter(|&lba| lba > 1 && lba < last_sector(disk, sector)).map(|lba| (sector, lba)));
    }
    Ok(places)
}

/// What is to be said of a backup in sector `at` of a disk that goes on behind it.
fn enlarged(disk: &DiskImage, sector: u64, at: u64, stands: &str) -> String {
    let last = last_sector(disk, sector);
    format!(
        "the backup GPT {stands} in sector {at} and should be in the last one, {last}: the disk was enlarged by {} \
         bytes without updating the table",
        (last - at) * sector
    )
}

/// What is to be said of the backup where the primary copy is sound. Firmware and systems go by the primary one, and
/// write the backup again when they change the table.
fn notes_of_backup(disk: &DiskImage, primary: &Copy, backup: &Result<Copy, Damage>) -> Vec<String> {
    let last = last_sector(disk, primary.sector);
    let at = primary.other;
    let mut notes = Vec::new();
    if at < last {
        notes.push(enlarged(disk, primary.sector, at, "is, according to the table,"));
    } else if at > last {
        notes.push(format!(
            "the backup GPT is missing: the table gives sector {at} for it, but the last one is {last}; the end of the \
             disk was cut off",
        ));
        return notes;
    }
    match backup {
        Err(damage) => {
            notes.push(format!("the backup GPT is damaged: {}; the primary one is intact", damage.text));
        }
        Ok(backup) if backup.entries != primary.entries => {
            notes.push("the backup GPT differs from the primary one, which takes precedence".to_owned());
        }
        Ok(_) => {}
    }
    notes
}

/// Why a copy is not used.
struct Damage {
    has_signature: bool,
    text: String,
}

/// Read the copy whose header is in sector `lba`. The outer error is that of reading the disk.
fn read_copy(disk: &DiskImage, sector: u64, lba: u64) -> Result<Result<Copy, Damage>> {
    let damage = |has_signature, text: String| Ok(Err(Damage { has_signature, text }));
    let sectors = disk.size() / sector;
    if lba == 0 || lba >= sectors {
        return damage(
            false,
            format!("the header is expected in sector {lba}, but the disk has {sectors} sectors"),
        );
    }
    // `lba` is below the sectors of the disk: the product fits.
    let header = disk.read_vec(lba * sector, sector as usize)?;
    if !header.starts_with(b"EFI PART") {
        return damage(false, format!("sector {lba} contains no header"));
    }
    let Some(fields) = Header::parse(&header) else {
        return damage(true, "the header has an impossible size or a wrong checksum".to_owned());
    };
    if fields.lba != lba {
        return damage(true, format!("the header in sector {lba} gives sector {} as its own", fields.lba));
    }
    // UEFI: 128 times a power of two. Larger than a sector is not in use anywhere.
    if !(128..=4096).contains(&fields.entry_size) || !fields.entry_size.is_power_of_two() {
        return damage(true, format!("the header gives entries of {} bytes each", fields.entry_size));
    }
    let length = u64::from(fields.entry_count) * u64::from(fields.entry_size);
    if length > MAX_TABLE {
        return damage(true, format!("the header gives a table of {} entries", fields.entry_count));
    }
    let Some(start) = fields.entries_lba.checked_mul(sector).filter(|start| {
        fields.entries_lba != 0 && start.checked_add(length).is_some_and(|end| end <= disk.size())
    }) else {
        return damage(true, format!("the header gives sector {} for the entries", fields.entries_lba));
    };
    let entries = disk.read_vec(start, length as usize)?;
    if crc32fast::hash(&entries) != fields.entries_crc {
        return damage(true, "the checksum of the entries is wrong".to_owned());
    }
    Ok(Ok(Copy {
        sector,
        disk_id: fields.disk_id,
        other: fields.other,
        usable: fields.usable,
        entry_size: fields.entry_size as usize,
        entries,
        places: [lba * sector..(lba + 1) * sector, start..start + length],
    }))
}

struct Header {
    lba: u64,
    other: u64,
    usable: Range<u64>,
    disk_id: Guid,
    entries_lba: u64,
    entry_count: u32,
    entry_size: u32,
    entries_crc: u32,
}

impl Header {
    /// The fields of a header whose checksum is right.
    fn parse(sector: &[u8]) -> Option<Self> {
        let size = le::u32_at(sector, 12)? as usize;
        if size < 92 {
            return None;
        }
        let mut covered = le::slice_at(sector, 0, size)?.to_vec();
        covered[16..20].fill(0); // the checksum is made with its own field zero
        if crc32fast::hash(&covered) != le::u32_at(sector, 16)? {
            return None;
        }
        Some(Self {
            lba: le::u64_at(sector, 24)?,
            other: le::u64_at(sector, 32)?,
            usable: le::u64_at(sector, 40)?..le::u64_at(sector, 48)?.saturating_add(1),
            disk_id: Guid::from_bytes(le::array_at(sector, 56)?),
            entries_lba: le::u64_at(sector, 72)?,
            entry_count: le::u32_at(sector, 80)?,
            entry_size: le::u32_at(sector, 84)?,
            entries_crc: le::u32_at(sector, 88)?,
        })
    }
}

/// What the entries of a copy state.
#[derive(Default)]
struct Stated {
    partitions: Vec<Partition>,
    /// The partitions that are not where the header lets partitions be.
    left_out: Vec<Partition>,
    /// Some entry has a place that is none: it ends before it begins, or past 2^64.
    is_absurd: bool,
    warnings: Vec<String>,
}

impl Copy {
    fn stated(&self) -> Stated {
        let mut stated = Stated::default();
        for (index, entry) in (1..).zip(self.entries.chunks_exact(self.entry_size)) {
            let Some((partition, sectors)) = partition(index, entry, self.sector) else { continue };
            let is_within = self.usable.contains(sectors.start()) && self.usable.contains(sectors.end());
            match partition {
                Some(partition) if is_within => stated.partitions.push(partition),
                partition => {
                    stated.warnings.push(format!(
                        "partition {index} is ignored: sectors {} to {} are not within {} to {}",
                        sectors.start(),
                        sectors.end(),
                        self.usable.start,
                        self.usable.end.saturating_sub(1)
                    ));
                    stated.is_absurd |= partition.is_none();
                    stated.left_out.extend(partition);
                }
            }
        }
        stated
    }
}

impl PartitionTable {
    /// Add what every other copy states that is where a GPT may begin or end, in either size of sectors: a tool
    /// that counts in other sectors, or that takes the last sector for the place of the backup, goes by that one.
    fn add_rivals(&mut self, disk: &DiskImage, used: &Copy) -> Result<()> {
        for sector in SECTOR_SIZES {
            for lba in [1, last_sector(disk, sector)] {
                if let Ok(copy) = read_copy(disk, sector, lba)? {
                    self.add_rival(disk, used, &copy);
                }
            }
        }
        Ok(())
    }

    /// Add what another copy states, unless it is what the `used` one does.
    fn add_rival(&mut self, disk: &DiskImage, used: &Copy, copy: &Copy) {
        let form = |copy: &Copy| (copy.sector, copy.entry_size);
        if form(copy) == form(used) && copy.entries == used.entries {
            return;
        }
        let stated = copy.stated();
        self.add_left_out(disk, stated.left_out, stated.is_absurd);
        self.rivals.extend(stated.partitions);
    }

    /// Add the partitions that a copy states and that are not taken for some: other systems may take them.
    fn add_left_out(&mut self, disk: &DiskImage, left_out: Vec<Partition>, is_absurd: bool) {
        self.rivals.extend(left_out);
        if is_absurd {
            self.doubtful.push(0..disk.size());
        }
    }
}

fn table(
    disk: &DiskImage,
    copy: &Copy,
    other_places: &[Range<u64>; 2],
    mut warnings: Vec<String>,
    notes: Vec<String>,
) -> PartitionTable {
    let stated = copy.stated();
    warnings.extend(stated.warnings);
    let mut reserved = Vec::new();
    reserved.push(0..copy.sector);
    reserved.extend(copy.places.iter().chain(other_places).filter(|place| !place.is_empty()).cloned());
    let mut table = PartitionTable {
        scheme: PartitionScheme::Gpt,
        sector_size: copy.sector as u32,
        disk_id: Some(copy.disk_id.to_string()),
        partitions: stated.partitions,
        warnings,
        notes,
        reserved,
        ..PartitionTable::none()
    };
    table.add_left_out(disk, stated.left_out, stated.is_absurd);
    table
}

/// One entry and its sectors, the last one included: `None` if the entry is unused, no partition if its place is
/// impossible.
fn partition(index: u32, entry: &[u8], sector: u64) -> Option<(Option<Partition>, RangeInclusive<u64>)> {
    let kind = Guid::from_bytes(le::array_at(entry, 0)?);
    if kind.is_nil() {
        return None;
    }
    let (first, last) = (le::u64_at(entry, 32)?, le::u64_at(entry, 40)?);
    let place = || {
        let offset = first.checked_mul(sector)?;
        let length = last.checked_sub(first)?.checked_add(1)?.checked_mul(sector)?;
        // The end has to fit as well: all that comes later adds the two.
        offset.checked_add(length).map(|_| (offset, length))
    };
    let Some((offset, length)) = place() else { return Some((None, first..=last)) };
    let name = le::utf16(le::slice_at(entry, 56, 72)?);
    let partition = Partition {
        index,
        offset,
        length,
        kind: PartitionKind::Gpt(kind),
        name: name.split('\0').next().unwrap_or_default().to_owned(),
        // Bit 2 of the attributes: legacy BIOS bootable.
        active: le::u64_at(entry, 48)? & 4 != 0,
        id: Some(Guid::from_bytes(le::array_at(entry, 16)?)),
    };
    Some((Some(partition), first..=last))
}
