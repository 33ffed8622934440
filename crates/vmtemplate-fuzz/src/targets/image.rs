//! Disk images in every format, and partition tables.

use std::fs;
use std::io::Cursor;
use std::sync::OnceLock;

use vmtemplate::disk::{ImageFormat, NtfsVolume, OpenOptions, PartitionTable, WriteRawOptions};
use vmtemplate::{DiskImage, Error, ErrorKind};

use crate::patch::{self, Sample};
use crate::scratch::with_scratch;

/// The maximum number of bytes that are read of an image.
const MOST_READ: usize = 1 << 20;
const MOST_EXTENTS: usize = 2000;

macro_rules! samples {
    ($($name:ident = $($file:literal),+;)*) => {
        $(fn $name() -> &'static [Sample] {
            static SAMPLES: OnceLock<Vec<Sample>> = OnceLock::new();
            SAMPLES.get_or_init(|| {
                vec![$(Sample::from_gzip(include_bytes!(
                    concat!("../../../../tests/fixtures/", $file, ".gz")
                ))),+]
            })
        })*
    };
}

samples! {
    qcow2_samples = "images/512.qcow2", "images/v2.qcow2", "images/v3.qcow2", "images/zlib.qcow2",
        "images/zstd.qcow2", "images/extended.qcow2", "images/overlay.qcow2";
    vmdk_samples = "images/sparse.vmdk", "images/zeroed.vmdk", "images/stream.vmdk";
    vhd_samples = "images/dynamic.vhd", "images/fixed.vhd";
    vhdx_samples = "images/dynamic.vhdx";
    disk_samples = "windows-bios.raw", "windows-uefi.raw";
}

pub(crate) fn qcow2(input: &[u8]) {
    patched(qcow2_samples(), ImageFormat::Qcow2, input, |_| ());
}

pub(crate) fn vmdk(input: &[u8]) {
    patched(vmdk_samples(), ImageFormat::Vmdk, input, |_| ());
}

/// The first byte decides whether the checksums of the footer and of the header of a dynamic disk are fixed ("VHD Image
/// Format Specification", Checksum).
pub(crate) fn vhd(input: &[u8]) {
    let Some((&mode, input)) = input.split_first() else { return };
    patched(vhd_samples(), ImageFormat::Vhd, input, |bytes| {
        let last = bytes.len().saturating_sub(512);
        for (cookie, at, length, field) in
            [(b"conectix", 0, 512, 64), (b"cxsparse", 512, 1024, 36), (b"conectix", last, 512, 64)]
        {
            if mode & 1 == 1 && bytes.get(at..at + 8) == Some(cookie) && bytes.len() >= at + length {
                bytes[at + field..at + field + 4].fill(0);
                let sum: u32 = bytes[at..at + length].iter().map(|&b| u32::from(b)).sum();
                bytes[at + field..at + field + 4].copy_from_slice(&(!sum).to_be_bytes());
            }
        }
    });
}

/// The first byte decides whether the checksums of headers and region tables are fixed ([MS-VHDX] 2.2.2, 2.2.3).
pub(crate) fn vhdx(input: &[u8]) {
    let Some((&mode, input)) = input.split_first() else { return };
    patched(vhdx_samples(), ImageFormat::Vhdx, input, |bytes| {
        for (at, length) in
            [(64 << 10, 4 << 10), (128 << 10, 4 << 10), (192 << 10, 64 << 10), (256 << 10, 64 << 10)]
        {
            if mode & 1 == 1 && bytes.len() >= at + length {
                bytes[at + 4..at + 8].fill(0);
                let sum = crc32c(&bytes[at..at + length]);
                bytes[at + 4..at + 8].copy_from_slice(&sum.to_le_bytes());
            }
        }
    });
}

/// CRC-32C, one bit at a time; it is needed once for each sample.
fn crc32c(bytes: &[u8]) -> u32 {
    static TABLE: OnceLock<[u32; 256]> = OnceLock::new();
    let table = TABLE.get_or_init(|| {
        let step = |sum: u32| sum >> 1 ^ if sum & 1 == 1 { 0x82F6_3B78 } else { 0 };
        std::array::from_fn(|byte| (0..8).fold(byte as u32, |sum, _| step(sum)))
    });
    !bytes.iter().fold(!0, |sum, &byte| sum >> 8 ^ table[(sum ^ u32::from(byte)) as usize & 255])
}

/// A VMDK descriptor in a folder with files that it may refer to.
pub(crate) fn vmdk_descriptor(input: &[u8]) {
    with_scratch(|folder| {
        let path = folder.join("disk.vmdk");
        fs::write(&path, input).unwrap();
        fs::write(folder.join("flat.vmdk"), [7; 4096]).unwrap();
        let options = OpenOptions { backing_files: Some(folder.to_owned()), ..OpenOptions::default() };
        match DiskImage::open_with(&path, &options) {
            Ok(disk) => explore(&disk),
            Err(error) => assert_kind(&error),
        }
        // Without permission, files that a descriptor names are not opened.
        if let Ok(disk) = DiskImage::open(&path) {
            explore(&disk);
        }
        fs::remove_file(path).unwrap();
        fs::remove_file(folder.join("flat.vmdk")).unwrap();
    });
}

/// The output of `rbd export-diff`, from a pipe.
pub(crate) fn rbd_diff(input: &[u8]) {
    let options = OpenOptions { max_size: 1 << 32, ..OpenOptions::default() };
    match DiskImage::from_stream(Cursor::new(input), &options) {
        Ok(disk) => explore(&disk),
        Err(error) => assert_kind(&error),
    }
}

/// A disk with a partition table. The first byte chooses the sample.
pub(crate) fn partitions(input: &[u8]) {
    let Some((&mode, input)) = input.split_first() else { return };
    let sample = &disk_samples()[usize::from(mode) % 2];
    let disk = patch::disk(sample, 0..sample.bytes().len(), sample.patches(input));
    match PartitionTable::read(&disk) {
        Ok(table) => {
            for range in table.partitions.iter().filter_map(vmtemplate::disk::Partition::range) {
                // A table may describe more than the disk has; a volume is never past its end.
                let is_outside = range.end > disk.size();
                match NtfsVolume::open(&disk, range) {
                    Ok(volume) => {
                        assert!(!is_outside || volume.size() <= disk.size(), "a volume past the end");
                    }
                    Err(error) => assert_kind(&error),
                }
            }
        }
        Err(error) => assert_kind(&error),
    }
    if let Err(error) = disk.info() {
        assert_kind(&error);
    }
}

/// The sample that the first byte chooses, patched, and then changed by `finish`.
fn patched(samples: &[Sample], format: ImageFormat, input: &[u8], finish: impl FnOnce(&mut Vec<u8>)) {
    let Some((&mode, input)) = input.split_first() else { return };
    let mut bytes = samples[usize::from(mode >> 1) % samples.len()].patched(input);
    finish(&mut bytes);
    if mode & 1 == 1 {
        let kept = input.first().map_or(0, |&b| usize::from(b) + 1);
        bytes.truncate(bytes.len() * kept / 256);
    }
    with_scratch(|folder| {
        let path = folder.join("image");
        fs::write(&path, &bytes).unwrap();
        let options = OpenOptions { format: Some(format), ..OpenOptions::default() };
        match DiskImage::open_with(&path, &options) {
            Ok(disk) => {
                explore(&disk);
                convert(&disk, &folder.join("out"));
            }
            Err(error) => assert_kind(&error),
        }
        fs::remove_file(path).unwrap();
    });
}

/// Read a disk up to a bound: its map has no gap, and the parts that it reports as zeros are zeros.
pub(crate) fn explore(disk: &DiskImage) {
    let (mut at, mut read) = (0, 0);
    let mut buffer = vec![0; 4096];
    for extent in disk.extents().take(MOST_EXTENTS) {
        let extent = match extent {
            Ok(extent) => extent,
            Err(error) => return assert_kind(&error),
        };
        assert_eq!(extent.offset, at, "the map has a gap");
        assert!(extent.length > 0 && extent.end() <= disk.size(), "{extent:?} is not on the disk");
        at = extent.end();
        for from in [extent.offset, extent.end().saturating_sub(4096).max(extent.offset)] {
            let length = (extent.end() - from).min(4096) as usize;
            read += length;
            if read > MOST_READ {
                return;
            }
            match disk.read_at(&mut buffer[..length], from) {
                Ok(()) => {
                    let is_zero = buffer[..length].iter().all(|&b| b == 0);
                    assert!(extent.kind.must_be_read() || is_zero, "the map reports data as zeros at {from}");
                }
                Err(error) => assert_kind(&error),
            }
        }
    }
    assert!(disk.read_at(&mut [0], disk.size()).is_err(), "a byte past the end was read");
}

/// Convert a small disk and compare the result with what reading the disk returns.
fn convert(disk: &DiskImage, out: &std::path::Path) {
    if disk.size() > 4 << 20 {
        return;
    }
    let options =
        WriteRawOptions { free_space: vmtemplate::disk::FreeSpace::Keep, ..WriteRawOptions::default() };
    match disk.write_raw(out, &options) {
        Ok(_) => {
            let written = fs::read(out).unwrap();
            assert!(
                disk.read_vec(0, written.len()).unwrap() == written,
                "after conversion, it has different content"
            );
            assert_eq!(written.len() as u64, disk.size());
            fs::remove_file(out).unwrap();
        }
        Err(error) => {
            assert_kind(&error);
            assert!(!out.exists(), "a failed conversion left its file");
        }
    }
}

/// Fail unless a bad image can cause `error`.
pub(crate) fn assert_kind(error: &Error) {
    let kinds = [
        ErrorKind::InvalidImage,
        ErrorKind::InvalidValue,
        ErrorKind::LimitExceeded,
        ErrorKind::NotFound,
        ErrorKind::Unsupported,
    ];
    assert!(kinds.contains(&error.kind()), "an error of kind {}: {error}", error.kind());
}

type Seeds = Vec<(&'static str, Vec<u8>)>;

/// The seeds of a target of this file.
pub(crate) fn seeds(target: &str) -> Option<Seeds> {
    Some(match target {
        "qcow2" => qcow2_seeds(),
        "vmdk" => vmdk_seeds(),
        "vmdk-descriptor" => vmdk_descriptor_seeds(),
        "vhd" => vhd_seeds(),
        "vhdx" => vhdx_seeds(),
        "rbd-diff" => rbd_diff_seeds(),
        "partitions" => partitions_seeds(),
        _ => return None,
    })
}

fn qcow2_seeds() -> Seeds {
    vec![
        ("512-byte-clusters", vec![0]),
        ("version-2", vec![2]),
        ("version-3", vec![4]),
        ("zlib", vec![6]),
        ("zstd", vec![8]),
        ("extended-l2", vec![10]),
        ("backing-file", vec![12]),
        ("cut", vec![5, 128]),
        // Header: L1 entries (36), L1 offset (40), cluster bits (20), size (24).
        ("many-l1-entries", [vec![4], qcow2_samples()[2].seed(36, &[0x7F, 255, 255, 255])].concat()),
        ("large", [vec![4], qcow2_samples()[2].seed(24, &[0, 0, 1, 0])].concat()),
        ("large-clusters", [vec![0], qcow2_samples()[0].seed(20, &[0, 0, 0, 21])].concat()),
    ]
}

fn vmdk_seeds() -> Seeds {
    vec![
        ("sparse", vec![0]),
        ("zeroed", vec![2]),
        ("stream", vec![4]),
        ("cut", vec![5, 100]),
        ("capacity", [vec![0], vmdk_samples()[0].seed(12, &[255; 7])].concat()),
        ("grain-size", [vec![0], vmdk_samples()[0].seed(20, &[1, 0, 0, 0])].concat()),
    ]
}

fn vmdk_descriptor_seeds() -> Seeds {
    let text = |text: &str| text.as_bytes().to_vec();
    vec![
        (
            "flat",
            text(
                "# Disk DescriptorFile\nversion=1\nCID=1\nparentCID=ffffffff\ncreateType=\"monolithicFlat\"\nRW 8 FLAT \"flat.vmdk\" 0\n",
            ),
        ),
        (
            "with-a-space",
            text(
                "# Disk Descriptor File\r\nversion=1\r\nCID=1\r\nparentCID=ffffffff\r\ncreateType=\"monolithicFlat\"\r\nRW 8 FLAT \"flat.vmdk\" 0\r\n",
            ),
        ),
        (
            "zero",
            text(
                "# Disk DescriptorFile\nCID=1\nparentCID=ffffffff\ncreateType=\"twoGbMaxExtentFlat\"\nRW 4 FLAT \"flat.vmdk\" 4\nRW 99999999 ZERO\n",
            ),
        ),
        (
            "itself",
            text(
                "# Disk DescriptorFile\nCID=1\nparentCID=ffffffff\ncreateType=\"monolithicSparse\"\nRW 8 SPARSE \"disk.vmdk\"\n",
            ),
        ),
        (
            "elsewhere",
            text(
                "# Disk DescriptorFile\nCID=1\nparentCID=ffffffff\ncreateType=\"vmfs\"\nRW 8 VMFS \"../../etc/passwd\"\n",
            ),
        ),
        (
            "encoding",
            text(
                "# Disk DescriptorFile\nencoding=\"windows-1251\"\nCID=1\nparentCID=00000001\nparentFileNameHint=\"base.vmdk\"\ncreateType=\"monolithicFlat\"\nRW 8 FLAT \"\u{44f}.vmdk\" 0\n",
            ),
        ),
    ]
}

fn vhd_seeds() -> Seeds {
    vec![
        ("dynamic", vec![1, 0]),
        ("fixed", vec![1, 2]),
        ("checksums-as-they-are", vec![0, 0]),
        ("cut", vec![1, 1, 200]),
        // The footer's current size (48), and the dynamic header's number of blocks (28) and block size (32).
        ("size", [vec![1, 0], vhd_samples()[0].seed(48, &[0, 0, 1, 0, 0, 0, 0, 0])].concat()),
        ("blocks", [vec![1, 0], vhd_samples()[0].seed(512 + 28, &[255, 255, 255, 255, 0, 0, 2, 0])].concat()),
    ]
}

fn vhdx_seeds() -> Seeds {
    vec![
        ("dynamic", vec![1, 0]),
        ("checksums-as-they-are", vec![0, 0]),
        ("cut", vec![1, 1, 60]),
        ("regions", [vec![1, 0], vhdx_samples()[0].seed((192 << 10) + 8, &[255, 7, 0, 0])].concat()),
        ("log", [vec![1, 0], vhdx_samples()[0].seed((64 << 10) + 48, &[9; 16])].concat()),
    ]
}

fn rbd_diff_seeds() -> Seeds {
    let record = |tag: u8, numbers: &[u64], data: &[u8]| {
        let numbers: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
        [vec![tag], numbers, data.to_vec()].concat()
    };
    let v1 = |records: &[Vec<u8>]| [b"rbd diff v1\n".to_vec(), records.concat()].concat();
    vec![
        ("empty", Vec::new()),
        ("raw", vec![1; 700]),
        ("size-and-end", v1(&[record(b's', &[4096], &[]), vec![b'e']])),
        (
            "data-and-zeros",
            v1(&[
                record(b's', &[1 << 20], &[]),
                record(b'w', &[512, 4], b"data"),
                record(b'z', &[8192, 4096], &[]),
                vec![b'e'],
            ]),
        ),
        ("behind-the-end", v1(&[record(b's', &[4096], &[]), record(b'w', &[4096, 4], b"data"), vec![b'e']])),
        ("cut", v1(&[record(b's', &[4096], &[]), record(b'w', &[0, 1 << 40], b"data")])),
        ("snapshot", v1(&[[b"t\x04\0\0\0snap".to_vec(), record(b's', &[4096], &[])].concat(), vec![b'e']])),
        ("version-2", [b"rbd diff v2\n".to_vec(), record(b's', &[8, 4096], &[]), vec![b'e']].concat()),
    ]
}

fn partitions_seeds() -> Seeds {
    let [bios, uefi] = disk_samples() else { return Vec::new() };
    vec![
        ("mbr", vec![0]),
        ("gpt", vec![1]),
        ("extended", [vec![0], bios.seed(446 + 4, &[5])].concat()),
        ("whole-disk", [vec![0], bios.seed(446 + 8, &[0, 0, 0, 0, 255, 255, 255, 255])].concat()),
        ("gpt-entries", [vec![1], uefi.seed(512 + 80, &[255, 255, 255, 255])].concat()),
        ("hybrid", [vec![1], uefi.seed(446 + 16 + 4, &[7, 0, 0, 0, 0, 8, 0, 0, 0, 0, 1, 0])].concat()),
    ]
}
