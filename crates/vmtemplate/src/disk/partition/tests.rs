//! Tables built byte by byte.

use super::*;
use crate::disk::DiskImage;
use crate::error::ErrorKind;

fn mbr_entry(disk: &mut [u8], sector: usize, slot: usize, kind: u8, start: u32, length: u32) {
    let at = sector * 512 + 446 + 16 * slot;
    disk[at + 4] = kind;
    disk[at + 8..at + 12].copy_from_slice(&start.to_le_bytes());
    disk[at + 12..at + 16].copy_from_slice(&length.to_le_bytes());
    disk[sector * 512 + 510..sector * 512 + 512].copy_from_slice(&[0x55, 0xAA]);
}

fn read(disk: &[u8]) -> Result<PartitionTable> {
    PartitionTable::read(&DiskImage::from_bytes(disk))
}

fn places(table: &PartitionTable) -> Vec<(u32, u64, u64)> {
    table.partitions.iter().map(|p| (p.index, p.offset / 512, p.length / 512)).collect()
}

/// What a test makes of a GPT before its checksums are computed.
struct Gpt {
    sector: usize,
    count: u32,
    entry_size: u32,
    entries: Vec<[u64; 2]>,
    primary_table: u64,
}

impl Default for Gpt {
    fn default() -> Self {
        Self {
            sector: 512,
            count: 128,
            entry_size: 128,
            entries: vec![[64, 127], [128, 255]],
            primary_table: 2,
        }
    }
}

impl Gpt {
    const SECTORS: usize = 512;

    fn build(&self) -> Vec<u8> {
        let mut disk = vec![0; Self::SECTORS * self.sector];
        mbr_entry(&mut disk, 0, 0, 0xEE, 1, u32::MAX);
        let mut table = vec![0; 128 * 128];
        for (slot, [first, last]) in self.entries.iter().enumerate() {
            let entry = &mut table[slot * self.entry_size as usize..][..128];
            entry[..16].fill(0x11);
            entry[16..32].fill(slot as u8 + 1);
            entry[32..40].copy_from_slice(&first.to_le_bytes());
            entry[40..48].copy_from_slice(&last.to_le_bytes());
            entry[56..60].copy_from_slice(b"C\0:\0");
        }
        let last = Self::SECTORS as u64 - 1;
        let backup_table = last - (table.len() / self.sector) as u64;
        self.copy(&mut disk, 1, last, self.primary_table, &table);
        self.copy(&mut disk, last, 1, backup_table, &table);
        disk
    }

    fn copy(&self, disk: &mut [u8], lba: u64, other: u64, table_lba: u64, table: &[u8]) {
        let mut header = [0; 92];
        header[..8].copy_from_slice(b"EFI PART");
        header[8..12].copy_from_slice(&0x1_0000u32.to_le_bytes());
        header[12..16].copy_from_slice(&92u32.to_le_bytes());
        header[24..32].copy_from_slice(&lba.to_le_bytes());
        header[32..40].copy_from_slice(&other.to_le_bytes());
        header[40..48].copy_from_slice(&34u64.to_le_bytes());
        header[48..56].copy_from_slice(&400u64.to_le_bytes());
        header[56..72].fill(0xAB);
        header[72..80].copy_from_slice(&table_lba.to_le_bytes());
        header[80..84].copy_from_slice(&self.count.to_le_bytes());
        header[84..88].copy_from_slice(&self.entry_size.to_le_bytes());
        let covered = (self.count as usize).saturating_mul(self.entry_size as usize).min(table.len());
        header[88..92].copy_from_slice(&crc32fast::hash(&table[..covered]).to_le_bytes());
        let crc = crc32fast::hash(&header);
        header[16..20].copy_from_slice(&crc.to_le_bytes());
        let at = lba as usize * self.sector;
        disk[at..at + 92].copy_from_slice(&header);
        if let Some(place) = disk
            .get_mut((table_lba as usize).saturating_mul(self.sector)..)
            .and_then(|d| d.get_mut(..table.len()))
        {
            place.copy_from_slice(table);
        }
    }
}

#[test]
fn primary_and_logical_partitions_are_found_and_numbered_as_the_systems_do() {
    let mut disk = vec![0; 400 * 512];
    disk[440..444].copy_from_slice(&0x1234_ABCDu32.to_le_bytes());
    mbr_entry(&mut disk, 0, 0, 0x07, 8, 32);
    disk[446] = 0x80;
    mbr_entry(&mut disk, 0, 1, 0x0F, 100, 300);
    mbr_entry(&mut disk, 100, 0, 0x07, 10, 40);
    mbr_entry(&mut disk, 100, 1, 0x05, 100, 100);
    mbr_entry(&mut disk, 200, 0, 0x83, 10, 50);
    let table = read(&disk).unwrap();
    assert_eq!(places(&table), [(1, 8, 32), (2, 100, 300), (5, 110, 40), (6, 210, 50)]);
    assert_eq!(table.disk_id.as_deref(), Some("1234ABCD"));
    assert!(table.partitions[0].active && !table.partitions[1].active);
    assert_eq!(table.warnings, [""; 0]);
    assert_eq!(table.reserved, [0..512, 51_200..51_712, 102_400..102_912]);
}

#[test]
fn a_chain_of_logical_partitions_that_runs_in_a_circle_ends() {
    let mut disk = vec![0; 400 * 512];
    mbr_entry(&mut disk, 0, 0, 0x05, 100, 300);
    mbr_entry(&mut disk, 100, 0, 0x07, 10, 40);
    mbr_entry(&mut disk, 100, 1, 0x05, 100, 100);
    mbr_entry(&mut disk, 200, 0, 0x07, 10, 40);
    mbr_entry(&mut disk, 200, 1, 0x05, 100, 100); // itself
    let table = read(&disk).unwrap();
    assert_eq!(places(&table), [(1, 100, 300), (5, 110, 40), (6, 210, 40)]);
    assert_eq!(table.warnings, ["the chain of logical partitions loops at sector 200"]);
}

#[test]
fn a_chain_of_logical_partitions_has_a_bounded_length_and_stays_in_its_container() {
    let mut disk = vec![0; 400 * 512];
    mbr_entry(&mut disk, 0, 0, 0x05, 100, 300);
    for link in 0..299 {
        mbr_entry(&mut disk, 100 + link, 0, 0x07, 1, 1);
        mbr_entry(&mut disk, 100 + link, 1, 0x05, link as u32 + 1, 1);
    }
    let table = read(&disk).unwrap();
    assert_eq!(table.partitions.len(), 1 + 128);
    assert!(table.warnings.iter().any(|w| w.contains("more than 128")), "{:?}", table.warnings);

    mbr_entry(&mut disk, 100, 1, 0x05, u32::MAX, 1);
    let table = read(&disk).unwrap();
    assert_eq!(table.partitions.len(), 2);
    assert!(table.warnings[0].contains("leaves its container"), "{:?}", table.warnings);
}

#[test]
fn a_volume_without_a_table_is_told_apart() {
    let mut disk = vec![0; 1 << 16];
    assert_eq!(read(&disk).unwrap().scheme, PartitionScheme::None);
    assert_eq!(read(&disk[..100]).unwrap().scheme, PartitionScheme::None);
    // Boot code where the entries of an MBR would be.
    disk[3..11].copy_from_slice(b"NTFS    ");
    mbr_entry(&mut disk, 0, 0, 0x07, 8, 32);
    assert_eq!(read(&disk).unwrap().scheme, PartitionScheme::None);
    disk[3..11].copy_from_slice(b"        ");
    assert_eq!(read(&disk).unwrap().scheme, PartitionScheme::Mbr);
    disk[446] = 0x33; // neither active nor inactive: no entry, but text or code
    assert_eq!(read(&disk).unwrap().scheme, PartitionScheme::None);
}

#[test]
fn an_mbr_that_counts_in_4096_bytes_is_recognised_by_its_boot_sectors() {
    let mut disk = vec![0; 1 << 20];
    mbr_entry(&mut disk, 0, 0, 0x07, 8, 32);
    let boot = &mut disk[8 * 4096..];
    boot[3..11].copy_from_slice(b"NTFS    ");
    boot[11..13].copy_from_slice(&4096u16.to_le_bytes());
    boot[510..512].copy_from_slice(&[0x55, 0xAA]);
    let table = read(&disk).unwrap();
    assert_eq!((table.sector_size, table.partitions[0].offset), (4096, 8 * 4096));
}

#[test]
fn a_gpt_is_read_with_both_sector_sizes() {
    for sector in [512, 4096] {
        let table = read(&Gpt { sector, ..Gpt::default() }.build()).unwrap();
        assert_eq!((table.scheme, table.sector_size as usize), (PartitionScheme::Gpt, sector));
        assert_eq!(table.partitions.len(), 2);
        let first = &table.partitions[0];
        assert_eq!((first.index, first.offset, first.length), (1, 64 * sector as u64, 64 * sector as u64));
        assert_eq!((first.name.as_str(), first.id), ("C:", Some(Guid::from_bytes([1; 16]))));
        assert_eq!(table.warnings, [""; 0]);
        assert_eq!(table.reserved.len(), 5);
    }
}

#[test]
fn the_backup_is_used_when_the_primary_is_damaged() {
    for sector in [512, 4096] {
        let whole = Gpt { sector, ..Gpt::default() }.build();
        let good = read(&whole).unwrap();
        // The header; the entries; the whole start of the disk but the MBR.
        for (from, to) in
            [(sector + 40, sector + 41), (2 * sector + 3, 2 * sector + 4), (sector, 30 * sector)]
        {
            let mut disk = whole.clone();
            disk[from..to].iter_mut().for_each(|byte| *byte ^= 0xFF);
            let table = read(&disk).unwrap();
            assert_eq!(table.partitions, good.partitions);
            assert!(table.warnings[0].starts_with("the primary GPT is damaged"), "{:?}", table.warnings);
        }
        let mut disk = whole.clone();
        let end = disk.len();
        disk[end - sector + 40] ^= 1;
        let table = read(&disk).unwrap();
        assert_eq!(table.warnings, [""; 0]);
        assert!(table.notes[0].starts_with("the backup GPT is damaged"), "{:?}", table.notes);
        disk[sector + 40] ^= 1;
        let error = read(&disk).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidImage);
        assert!(error.message().starts_with("both copies of the GPT are damaged"), "{error}");
    }
}

/// The checksum of a header is made right again.
fn sign_header(disk: &mut [u8], at: usize) {
    disk[at + 16..at + 20].fill(0);
    let crc = crc32fast::hash(&disk[at..at + 92]);
    disk[at + 16..at + 20].copy_from_slice(&crc.to_le_bytes());
}

#[test]
fn the_backup_of_an_enlarged_disk_is_found_where_the_damaged_primary_or_the_mbr_says() {
    for sector in [512, 4096] {
        let whole = Gpt { sector, ..Gpt::default() }.build();
        let good = read(&whole).unwrap();
        let mut enlarged = whole.clone();
        enlarged.resize(whole.len() + 1000 * sector, 0);
        let last = Gpt::SECTORS as u32 - 1;
        let with_mbr_of = |size: u32, damage: std::ops::Range<usize>| {
            let mut disk = enlarged.clone();
            disk[446 + 12..446 + 16].copy_from_slice(&size.to_le_bytes());
            disk[damage].iter_mut().for_each(|byte| *byte ^= 0xFF);
            disk
        };
        let entries = 2 * sector + 3..2 * sector + 4;
        let usable = sector + 40..sector + 41; // the checksum of the header is wrong
        let all = sector..30 * sector;
        for (disk, what) in [
            (with_mbr_of(u32::MAX, entries.clone()), "the entries"),
            (with_mbr_of(u32::MAX, usable.clone()), "a field of the header"),
            (with_mbr_of(last, all.clone()), "all of it"),
            (with_mbr_of(last, sector + 32..sector + 40), "the place of the backup"),
        ] {
            let table = read(&disk).unwrap();
            assert_eq!(table.partitions, good.partitions, "{what}");
            assert_eq!(table.warnings.len(), 1, "{what}: {:?}", table.warnings);
            assert!(table.warnings[0].starts_with("the primary GPT is damaged, the backup was used"));
            assert_eq!(table.notes.len(), 1, "{what}");
            let says = format!(
                "is in sector {last} and should be in the last one, {}: the disk was enlarged by {} bytes",
                last + 1000,
                1000 * sector
            );
            assert!(table.notes[0].contains(&says), "{:?}", table.notes);
            assert_eq!((&table.rivals, &table.doubtful), (&vec![], &vec![]), "{what}");
            // Without the MBR the signature of the primary copy still says that there is a GPT.
            let mut disk = disk;
            disk[..512].fill(0);
            let found = read(&disk).unwrap();
            assert_eq!(
                found.partitions.is_empty(),
                what.starts_with("all") || what.starts_with("the place"),
                "{what}"
            );
        }
        // Nothing says where it is.
        assert!(read(&with_mbr_of(u32::MAX, all)).is_err());
        // What is there has to prove itself, as the backup of the first copy.
        for at in [whole.len() - sector + 41, whole.len() - sector - 5] {
            let mut disk = with_mbr_of(last, usable.clone());
            disk[at] ^= 1;
            let error = read(&disk).unwrap_err();
            assert!(error.message().starts_with("both copies of the GPT are damaged"), "{error}");
        }
        let mut disk = with_mbr_of(last, usable);
        let header = whole.len() - sector;
        disk[header + 32] = 9;
        sign_header(&mut disk, header);
        assert!(read(&disk).is_err());
    }
}

#[test]
fn a_backup_in_the_last_sector_goes_before_one_that_stands_further_in_and_both_are_known() {
    let old = Gpt::default().build();
    let mut disk = old.clone();
    disk.resize(2 * old.len(), 0);
    let last = disk.len() as u64 / 512 - 1;
    let newer = Gpt { entries: vec![[64, 200]], ..Gpt::default() };
    let mut table = vec![0; 128 * 128];
    table[..16].fill(0x22);
    table[16..32].fill(9);
    table[32..40].copy_from_slice(&64_u64.to_le_bytes());
    table[40..48].copy_from_slice(&200_u64.to_le_bytes());
    newer.copy(&mut disk, last, 1, last - 32, &table);
    disk[2 * 512] ^= 1; // the entries of the primary copy
    let found = read(&disk).unwrap();
    assert_eq!(places(&found), [(1, 64, 137)]);
    assert_eq!(found.rivals.len(), 2, "those of the copy that the primary one names");
    assert_eq!(found.notes, [""; 0]);
}

#[test]
fn what_does_no_harm_to_a_gpt_is_a_note_with_its_reason_and_no_warning() {
    for sector in [512, 4096] {
        let whole = Gpt { sector, ..Gpt::default() }.build();
        let good = read(&whole).unwrap();
        let noted = |disk: &[u8], says: &str| {
            let table = read(disk).unwrap();
            assert_eq!((&table.partitions, &table.warnings), (&good.partitions, &vec![]), "{says}");
            assert_eq!(table.notes.len(), usize::from(!says.is_empty()), "{:?}", table.notes);
            assert!(table.notes.iter().all(|note| note.contains(says)), "{:?}", table.notes);
        };
        let mut enlarged = whole.clone();
        enlarged.resize(whole.len() + 3 * sector, 0);
        noted(&enlarged, &format!("the disk was enlarged by {} bytes", 3 * sector));
        let mut damaged = whole.clone();
        let backup_entries = whole.len() - sector - 5;
        damaged[backup_entries] ^= 1;
        noted(&damaged, "the backup GPT is damaged");
        noted(&whole[..whole.len() - sector], "the end of the disk was cut off");
        // The size in the protective MBR: all that its 32 bits hold, the disk as it was, or nothing of it.
        for size in [u32::MAX, 1, 0] {
            let mut disk = whole.clone();
            disk[446 + 12..446 + 16].copy_from_slice(&size.to_le_bytes());
            noted(&disk, "");
        }
    }
}

#[test]
fn numbers_of_a_gpt_with_right_checksums_are_not_believed() {
    // Each with a checksum that is right for what is stated: a reader that only checks those allocates, divides
    // by zero, or leaves the disk.
    let attacks = [
        Gpt { count: u32::MAX, ..Gpt::default() },
        Gpt { count: u32::MAX, entry_size: 1 << 31, entries: vec![], ..Gpt::default() },
        Gpt { entry_size: 129, ..Gpt::default() },
        Gpt { count: 0, entry_size: 0, entries: vec![], ..Gpt::default() },
        Gpt { primary_table: u64::MAX, ..Gpt::default() },
        Gpt { primary_table: u64::MAX / 512, ..Gpt::default() },
    ];
    for attack in attacks {
        match read(&attack.build()) {
            Err(error) => assert_eq!(error.kind(), ErrorKind::InvalidImage),
            Ok(table) => assert!(table.warnings[0].starts_with("the primary GPT is damaged"), "{table:?}"),
        }
    }
    let table =
        read(&Gpt { entries: vec![[200, 100], [0, u64::MAX], [64, 1 << 60]], ..Gpt::default() }.build());
    let table = table.unwrap();
    assert_eq!(table.partitions, []);
    assert_eq!(table.warnings.len(), 3);
}

#[test]
fn entries_of_256_bytes_are_read() {
    let table = read(&Gpt { count: 64, entry_size: 256, ..Gpt::default() }.build()).unwrap();
    assert_eq!(places(&table), [(1, 64, 64), (2, 128, 128)]);
}

#[test]
fn overlapping_partitions_and_a_partition_over_the_table_are_told() {
    let table = read(&Gpt { entries: vec![[64, 127], [100, 200]], ..Gpt::default() }.build()).unwrap();
    assert_eq!(table.warnings, ["partitions 1 and 2 overlap"]);

    let mut disk = vec![0; 400 * 512];
    mbr_entry(&mut disk, 0, 0, 0x07, 0, 500);
    assert_eq!(read(&disk).unwrap().warnings, ["partition 1 ends past the end of the disk (204800 bytes)"]);
    mbr_entry(&mut disk, 0, 0, 0x07, 0, 50);
    assert_eq!(read(&disk).unwrap().warnings, ["partition 1 covers a part of the partition table"]);
}

#[test]
fn a_gpt_without_its_protective_mbr_is_still_found() {
    let mut disk = Gpt::default().build();
    disk[..512].fill(0);
    let table = read(&disk).unwrap();
    assert_eq!(table.scheme, PartitionScheme::Gpt);
    assert!(table.warnings[0].starts_with("the protective MBR is missing"), "{:?}", table.warnings);
}

#[test]
fn a_table_serialises_for_programs() {
    let json = serde_json::to_value(read(&Gpt::default().build()).unwrap()).unwrap();
    assert_eq!(json["scheme"], "gpt");
    assert_eq!(json["partitions"][0]["kind"]["id"], "11111111-1111-1111-1111-111111111111");
    assert_eq!(json["partitions"][0]["offset"], 64 * 512);
}

/// Recompute the checksums of both copies, so that a mutation gets past them.
fn fix_checksums(disk: &mut [u8], sector: usize) {
    let last = disk.len() / sector - 1;
    for lba in [1, last] {
        let at = lba * sector;
        let field =
            |disk: &[u8], offset: usize| u32::from_le_bytes(*disk[at + offset..].first_chunk().unwrap());
        let (table, count, size) =
            (field(disk, 72) as usize, field(disk, 80) as usize, field(disk, 84) as usize);
        if let Some(entries) =
            disk.get(table.saturating_mul(sector)..).and_then(|rest| rest.get(..count.saturating_mul(size)))
        {
            let crc = crc32fast::hash(entries);
            disk[at + 88..at + 92].copy_from_slice(&crc.to_le_bytes());
        }
        let length = field(disk, 12) as usize;
        disk[at + 16..at + 20].fill(0);
        if let Some(header) = disk[at..].get(..length) {
            let crc = crc32fast::hash(header);
            disk[at + 16..at + 20].copy_from_slice(&crc.to_le_bytes());
        }
    }
}

#[test]
fn twenty_thousand_mutated_tables_are_read_or_refused() {
    let mut chain = vec![0; 400 * 512];
    mbr_entry(&mut chain, 0, 0, 0x07, 8, 32);
    mbr_entry(&mut chain, 0, 1, 0x0F, 100, 300);
    for link in 0..5 {
        mbr_entry(&mut chain, 100 + 50 * link, 0, 0x07, 10, 30);
        mbr_entry(&mut chain, 100 + 50 * link, 1, 0x05, 50 * (link as u32 + 1), 50);
    }
    let bases =
        [(0, chain), (512, Gpt::default().build()), (4096, Gpt { sector: 4096, ..Gpt::default() }.build())];
    let mut state = 0x5EED_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let (mut read_well, mut refused) = (0, 0);
    for round in 0..24_000 {
        // The large one is seldom taken: it is copied each time.
        let (sector, base) = &bases[[0, 1, 0, 1, 0, 1, 1, 2][round % 8]];
        let mut disk = base.clone();
        for _ in 0..=random(4) {
            // Where the structures are: the first sectors, the last ones, the records of the chain.
            let place = match (sector, random(3)) {
                (0, 0) => 446 + random(66),
                (0, _) => (100 + 50 * random(5)) * 512 + 446 + random(66),
                (&sector, 0) => disk.len() - sector + random(92),
                (&sector, 1) => sector + random(92),
                (&sector, _) => 2 * sector + random(256),
            };
            let bytes = [0, 1, 0x7F, 0x80, 0xFF, random(256) as u8];
            for offset in 0..1 << random(4) {
                disk[place + offset] = bytes[random(bytes.len())];
            }
        }
        if *sector != 0 && random(4) != 0 {
            fix_checksums(&mut disk, *sector);
        }
        match read(&disk) {
            Ok(table) => {
                read_well += 1;
                assert!(table.partitions.len() <= 8192 && table.warnings.len() <= 3 * 8192);
            }
            Err(error) => {
                refused += 1;
                assert_eq!(error.kind(), ErrorKind::InvalidImage);
            }
        }
    }
    assert!(read_well > 1000 && refused > 1000, "{read_well} were read, {refused} refused");
}
