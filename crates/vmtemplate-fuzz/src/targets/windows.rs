//! The contents of a Windows disk: volumes, registry hives, tasks and firewall rules.

use std::ops::Range;
use std::sync::OnceLock;

use vmtemplate::disk::{FreeSpaceOptions, NtfsVolume, PartitionTable, RegistryHive, RegistryKey};
use vmtemplate::report::CheckOptions;
use vmtemplate::{DiskImage, Template};

use super::image::assert_kind;
use crate::patch::{self, Sample};

/// A disk with a small Windows, and the positions of its parts.
struct Windows {
    sample: Sample,
    system: Range<usize>,
    efi: Range<usize>,
    /// The first-run task and a firewall rule: contiguous UTF-16.
    task: Range<usize>,
    rule: Range<usize>,
}

fn windows() -> &'static Windows {
    static WINDOWS: OnceLock<Windows> = OnceLock::new();
    WINDOWS.get_or_init(|| {
        let packed = include_bytes!("../../../../tests/fixtures/windows-uefi.raw.gz");
        let sample = Sample::from_gzip(packed);
        let disk = DiskImage::from_bytes(sample.bytes());
        let table = PartitionTable::read(&disk).unwrap();
        let ranges: Vec<Range<usize>> = table
            .partitions
            .iter()
            .map(|partition| partition.range().unwrap())
            .map(|range| range.start as usize..range.end as usize)
            .collect();
        let find = |bytes: &[u8]| sample.bytes().windows(bytes.len()).position(|w| w == bytes).unwrap();
        let volume = |range: &Range<usize>| NtfsVolume::open(&disk, range.start as u64..range.end as u64);
        let system = ranges.iter().find(|range| volume(range).is_ok()).unwrap().clone();
        let task = volume(&system)
            .unwrap()
            .file("Windows/System32/Tasks/vmmgr_firstrun")
            .and_then(|file| file.read(1 << 20))
            .unwrap();
        let at = find(&task);
        let rule_at = find(&utf16("v2.28|Action=Allow"));
        let length = sample.bytes()[rule_at..].chunks_exact(2).take_while(|unit| *unit != [0, 0]).count() * 2;
        Windows {
            system,
            efi: ranges[0].clone(),
            task: at..at + task.len(),
            rule: rule_at..rule_at + length,
            sample,
        }
    })
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// An NTFS volume: every listed file can be read or is refused, and reads the same if free space is left out.
pub(crate) fn ntfs(input: &[u8]) {
    let windows = windows();
    // Positions count the sectors of the whole sample; most of them belong to the volume.
    let disk = patch::disk(&windows.sample, windows.system.clone(), windows.sample.patches(input));
    let volume = match NtfsVolume::open(&disk, 0..disk.size()) {
        Ok(volume) => volume,
        Err(error) => return assert_kind(&error),
    };
    let (view, _) = match disk.without_free_space(&FreeSpaceOptions::default()) {
        Ok(without) => without,
        Err(error) => return assert_kind(&error),
    };
    let after = NtfsVolume::open(&view, 0..view.size()).unwrap();
    let mut left = 200;
    walk(&volume, &after, "", 0, &mut left);
    for outcome in [volume.has_clean_journal().map(drop), volume.hibernation().map(drop)] {
        outcome.unwrap_or_else(|error| assert_kind(&error));
    }
}

fn walk(volume: &NtfsVolume, after: &NtfsVolume, path: &str, depth: u32, left: &mut u32) {
    let entries = match volume.file(path).and_then(|folder| folder.list()) {
        Ok(entries) => entries,
        Err(error) => return assert_kind(&error),
    };
    for entry in entries {
        if *left == 0 || depth > 12 {
            return;
        }
        *left -= 1;
        let below = if path.is_empty() { entry.name.clone() } else { format!("{path}/{}", entry.name) };
        let file = match volume.file(&below) {
            Ok(file) => file,
            Err(error) => {
                assert_kind(&error);
                continue;
            }
        };
        if file.is_folder() {
            walk(volume, after, &below, depth + 1, left);
            continue;
        }
        let mut buffer = vec![0; file.size().min(64 << 10) as usize];
        match file.read_at(&mut buffer, 0) {
            Ok(length) => {
                let mut again = vec![0; buffer.len()];
                let kept = after.file(&below).and_then(|file| file.read_at(&mut again, 0));
                let kept = kept.unwrap_or_else(|error| panic!("{below} was dropped: {error}"));
                assert!(buffer[..length] == again[..kept], "{below} was dropped");
            }
            Err(error) => assert_kind(&error),
        }
    }
}

/// The EFI system partition, as the check reads it.
pub(crate) fn fat(input: &[u8]) {
    let windows = windows();
    let patches = windows.sample.patches(input);
    // Positions in the other partitions are mapped into this one.
    let fold = |at: usize| windows.efi.start + (at.saturating_sub(windows.efi.start)) % windows.efi.len();
    let patches = patches.into_iter().map(|(at, bytes)| (fold(at), bytes)).collect();
    check(patches);
}

/// The Windows registry.
pub(crate) fn hive(input: &[u8]) {
    static HIVE: OnceLock<Sample> = OnceLock::new();
    let sample = HIVE.get_or_init(|| {
        let windows = windows();
        let disk = patch::disk(&windows.sample, windows.system.clone(), Vec::new());
        let volume = NtfsVolume::open(&disk, 0..disk.size()).unwrap();
        Sample::new(volume.file("Windows/System32/config/SYSTEM").and_then(|f| f.read(8 << 20)).unwrap())
    });
    let Some((&mode, input)) = input.split_first() else { return };
    let mut bytes = sample.patched(input);
    if mode & 1 == 1 {
        // The checksum of the base block ("Windows registry file format specification", Base block).
        let word = |chunk: &[u8]| u32::from_le_bytes(chunk.try_into().unwrap());
        let sum = bytes[..508].chunks_exact(4).map(word).fold(0, |sum, word| sum ^ word);
        let sum = match sum {
            0 => 1,
            u32::MAX => u32::MAX - 1,
            sum => sum,
        };
        bytes[508..512].copy_from_slice(&sum.to_le_bytes());
    }
    if mode & 2 == 2 {
        bytes.truncate(bytes.len() * usize::from(mode) / 256);
    }
    let hive = match RegistryHive::from_bytes(bytes) {
        Ok(hive) => hive,
        Err(error) => return assert_kind(&error),
    };
    hive.key(r"ControlSet001\Services\viostor").map_or_else(|error| assert_kind(&error), drop);
    match hive.root() {
        Ok(root) => keys(&root, 0, &mut 400),
        Err(error) => assert_kind(&error),
    }
}

fn keys(key: &RegistryKey<'_>, depth: u32, left: &mut u32) {
    match key.values() {
        Ok(values) => {
            for value in values.iter().take(100) {
                if value.size() < 1 << 20 {
                    for outcome in [
                        value.data().map(drop),
                        value.string().map(drop),
                        value.strings().map(drop),
                        value.u32().map(drop),
                        value.u64().map(drop),
                    ] {
                        outcome.unwrap_or_else(|error| assert_kind(&error));
                    }
                }
            }
        }
        Err(error) => assert_kind(&error),
    }
    match key.subkeys() {
        Ok(below) => {
            for subkey in &below {
                if *left == 0 || depth > 40 {
                    return;
                }
                *left -= 1;
                keys(subkey, depth + 1, left);
            }
        }
        Err(error) => assert_kind(&error),
    }
}

/// A task of the Task Scheduler, as the check reads it.
pub(crate) fn task(input: &[u8]) {
    let windows = windows();
    // XML allows spaces after the root element, in both encodings.
    check(vec![(windows.task.start, padded(input, windows.task.len(), b' '))]);
}

/// A firewall rule, as the check reads it.
pub(crate) fn firewall(input: &[u8]) {
    let windows = windows();
    check(vec![(windows.rule.start, padded(input, windows.rule.len(), 0))]);
}

fn padded(input: &[u8], length: usize, with: u8) -> Vec<u8> {
    let mut bytes = input[..input.len().min(length)].to_vec();
    bytes.resize(length, with);
    bytes
}

/// Check the patched disk against every rule.
fn check(patches: Vec<(usize, Vec<u8>)>) {
    let windows = windows();
    let disk = patch::disk(&windows.sample, 0..windows.sample.bytes().len(), patches);
    let template = Template::builder("Windows-Server-2019").image(disk).build().unwrap();
    match template.check(&CheckOptions::default()) {
        Ok(report) => assert!(report.findings().len() < 1000, "{} findings", report.findings().len()),
        Err(error) => assert_kind(&error),
    }
}

/// The seeds of a target of this file.
pub(crate) fn seeds(target: &str) -> Option<Vec<(&'static str, Vec<u8>)>> {
    let windows = windows();
    let system = |at: usize, bytes: &[u8]| windows.sample.seed(windows.system.start + at, bytes);
    Some(match target {
        // The boot sector (sectors per cluster, total sectors, position of the MFT, size of a record), and a record.
        "ntfs" => vec![
            ("as-it-is", Vec::new()),
            ("cluster-size", system(13, &[1])),
            ("total-sectors", system(40, &[255; 8])),
            ("mft", system(48, &[1, 0, 0, 0, 0, 0, 0, 0])),
            ("record-size", system(64, &[0xF4])),
            ("first-record", system(mft() + 20, &[56, 0, 1, 0, 255, 255, 255, 255])),
            ("bitmap-record", system(mft() + 6 * 1024 + 20, &[56, 0, 1, 0, 200, 1])),
        ],
        "fat" => vec![
            ("as-it-is", Vec::new()),
            ("cluster-size", windows.sample.seed(windows.efi.start + 13, &[0])),
            ("reserved", windows.sample.seed(windows.efi.start + 14, &[255, 255])),
            ("fat-size", windows.sample.seed(windows.efi.start + 22, &[255, 255])),
        ],
        "hive" => vec![
            ("as-it-is", vec![1]),
            ("cut", vec![0xC3]),
            ("dirty", vec![1, 4, 0, 0, 0, 99]),
            ("root", vec![1, 36, 0, 0, 3, 255, 255, 0, 0]),
            ("first-cell", vec![1, 32, 2, 0, 7, 255, 255, 255, 127, b'n', b'k', 0, 0]),
        ],
        "task" => {
            let whole = windows.sample.bytes()[windows.task.clone()].to_vec();
            let text: Vec<u16> = whole.chunks_exact(2).map(|c| u16::from_le_bytes([c[0], c[1]])).collect();
            let text = String::from_utf16(&text[1..]).unwrap();
            vec![
                ("as-it-is", whole),
                ("without-a-mark", utf16(&text)),
                ("utf-8", text.replace("UTF-16", "UTF-8").into_bytes()),
                ("empty", Vec::new()),
                ("two-triggers", utf16(&text.replace(
                    "<BootTrigger>",
                    "<BootTrigger><Enabled>false</Enabled></BootTrigger><BootTrigger>",
                ))),
            ]
        }
        "firewall" => [
            ("any-profile", "v2.28|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=3389|"),
            ("domain-only", "v2.10|Action=Allow|Active=TRUE|Dir=In|Protocol=6|Profile=Domain|LPort=3389|"),
            ("block", "v2.10|Action=Block|Active=TRUE|Dir=In|Protocol=17|LPort=1-65535|"),
            ("ports", "v2.31|Action=Allow|Dir=In|Protocol=6|LPort2_10=3000-4000|LPort=RPC|LPort=3389|RA4=LocalSubnet|"),
            ("nothing", "v2.0|"),
        ]
        .map(|(name, rule)| (name, utf16(rule)))
        .to_vec(),
        _ => return None,
    })
}

/// The offset of the MFT in the volume (boot sector: cluster size at 11 and 13, first cluster of the MFT at 48).
fn mft() -> usize {
    let windows = windows();
    let boot = &windows.sample.bytes()[windows.system.start..];
    let cluster = usize::from(u16::from_le_bytes([boot[11], boot[12]])) * usize::from(boot[13]);
    u64::from_le_bytes(boot[48..56].try_into().unwrap()) as usize * cluster
}
