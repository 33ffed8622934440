//! Images that were built or mutated to do harm: reading each ends with an error or with data.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, symlink};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};
use std::{ops::Range, thread};

use vmtemplate::disk::{ExtentKind, OpenOptions};
use vmtemplate::{DiskImage, ErrorKind};

use super::samples::{sample, sample_disk, write};
use super::tools::{Random, read_all};

// ---- built by hand -------------------------------------------------------------------------------------------------

fn put(image: &mut [u8], at: usize, bytes: &[u8]) {
    image[at..at + bytes.len()].copy_from_slice(bytes);
}

/// A qcow2 of version 3 with clusters of 64 KiB: header, L1 at 1, L2 at 2, one data cluster at 3 for the first 64 KiB.
fn qcow2() -> Vec<u8> {
    let mut image = vec![0; 4 << 16];
    put(&mut image, 0, b"QFI\xfb\0\0\0\x03");
    put(&mut image, 20, &16_u32.to_be_bytes());
    put(&mut image, 24, &(1_u64 << 20).to_be_bytes());
    put(&mut image, 36, &1_u32.to_be_bytes());
    put(&mut image, 40, &0x1_0000_u64.to_be_bytes());
    put(&mut image, 96, &4_u32.to_be_bytes());
    put(&mut image, 100, &112_u32.to_be_bytes());
    put(&mut image, 0x1_0000, &(COPIED | 0x2_0000).to_be_bytes());
    put(&mut image, 0x2_0000, &(COPIED | 0x3_0000).to_be_bytes());
    image[0x3_0000..].fill(7);
    image
}

const COPIED: u64 = 1 << 63;
const COMPRESSED: u64 = 1 << 62;

/// Make the image refer to a backing file.
fn with_backing(mut image: Vec<u8>, name: &str) -> Vec<u8> {
    put(&mut image, 8, &512_u64.to_be_bytes());
    put(&mut image, 16, &(name.len() as u32).to_be_bytes());
    put(&mut image, 512, name.as_bytes());
    image
}

/// Open, map and read all of it.
fn work(path: &Path, options: &OpenOptions) -> vmtemplate::Result<u64> {
    let disk = DiskImage::open_with(path, options)?;
    let mut data = 0;
    for extent in disk.extents() {
        let extent = extent?;
        if extent.kind == ExtentKind::Data {
            disk.read_vec(extent.offset, extent.length.min(1 << 20) as usize)?;
            data += extent.length;
        }
    }
    Ok(data)
}

#[test]
fn the_image_that_the_attacks_start_from_is_sound() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image");
    write(&path, &qcow2());
    assert_eq!(work(&path, &OpenOptions::default()).unwrap(), 65536);
    let disk = DiskImage::open(&path).unwrap();
    assert!(read_all(&disk)[..65536].iter().all(|&b| b == 7));
}

/// An attack: its name, where it writes, what it writes, and the expected error.
type Attack = (&'static str, usize, Vec<u8>, ErrorKind);

#[test]
fn what_contradicts_the_format_is_an_error_and_never_silent_zeros() {
    use ErrorKind::{InvalidImage, LimitExceeded, Unsupported};
    let be = |value: u64| value.to_be_bytes().to_vec();
    let be32 = |value: u32| value.to_be_bytes().to_vec();
    let attacks: [Attack; 27] = [
        ("version 4", 4, be32(4), Unsupported),
        ("clusters of 2^63 bytes", 20, be32(63), InvalidImage),
        ("clusters of 1 byte", 20, be32(0), InvalidImage),
        ("a disk of 2^63 bytes", 24, be(1 << 63), LimitExceeded),
        ("a disk of 2^64 - 1 bytes", 24, be(u64::MAX), LimitExceeded),
        ("a disk of 64 TiB behind an L1 table of one entry", 24, be(64 << 40), InvalidImage),
        ("no disk", 24, be(0), InvalidImage),
        ("an L1 table without entries", 36, be32(0), InvalidImage),
        ("an L1 table past the end of the file", 40, be(0x100_0000), InvalidImage),
        ("an L1 table at 2^63", 40, be(1 << 63), InvalidImage),
        ("an L1 table at an odd offset", 40, be(0x1_0008), InvalidImage),
        ("an L1 table in the header", 40, be(0), InvalidImage),
        ("an L2 table past the end of the file", 0x1_0000, be(COPIED | 0x100_0000), InvalidImage),
        ("an L2 table at an odd offset", 0x1_0000, be(COPIED | 0x2_0200), InvalidImage),
        ("a cluster past the end of the file", 0x2_0000, be(COPIED | 0x4_0000), InvalidImage),
        ("a cluster at 2^55", 0x2_0000, be(COPIED | 1 << 55), InvalidImage),
        ("a cluster at an odd offset", 0x2_0000, be(COPIED | 0x3_0200), InvalidImage),
        (
            "a compressed cluster past the end of the file",
            0x2_0000,
            be(COMPRESSED | 0x100_0000),
            InvalidImage,
        ),
        ("a compressed cluster of noise", 0x2_0000, be(COMPRESSED | 0x3_0000), InvalidImage),
        ("encryption", 32, be32(1), Unsupported),
        ("LUKS", 32, be32(2), Unsupported),
        ("a dirty image", 72, be(1), Unsupported),
        ("a corrupt image", 72, be(2), InvalidImage),
        ("an external data file without a name", 72, be(4), InvalidImage),
        ("an unknown feature", 72, be(1 << 40), Unsupported),
        ("a header of 2^32 - 1 bytes", 100, be32(u32::MAX), InvalidImage),
        ("an extension of 2^32 - 1 bytes", 112, vec![1, 2, 3, 4, 255, 255, 255, 255], InvalidImage),
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image");
    for (what, at, bytes, kind) in attacks {
        let mut image = qcow2();
        put(&mut image, at, &bytes);
        write(&path, &image);
        let error = work(&path, &OpenOptions::default()).expect_err(what);
        assert_eq!(error.kind(), kind, "{what}: {error:#}");
        assert_eq!(error.path(), Some(path.as_path()), "{what}");
    }
}

#[test]
fn a_dirty_or_corrupt_image_is_refused_with_how_to_fix_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image");
    for flag in [1_u64, 2] {
        let mut image = qcow2();
        put(&mut image, 72, &flag.to_be_bytes());
        write(&path, &image);
        let error = DiskImage::open(&path).unwrap_err();
        assert!(error.help().unwrap().contains("qemu-img check -r all"), "{error:#}");
    }
    // The log of a VHDX that was not closed.
    let mut vhdx = sample("dynamic.vhdx");
    for at in [64 << 10, 128 << 10] {
        vhdx[at + 48] = 1;
        fix_vhdx(&mut vhdx);
    }
    write(&path, &vhdx);
    let error = DiskImage::open(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:#}");
    assert!(error.help().unwrap().contains("qemu-img check -r all"), "{error:#}");
}

#[test]
fn a_file_cut_anywhere_is_an_error_and_never_silent_zeros() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image");
    let disk = sample_disk();
    for name in [
        "v2.qcow2",
        "v3.qcow2",
        "zlib.qcow2",
        "extended.qcow2",
        "fixed.vhd",
        "dynamic.vhd",
        "dynamic.vhdx",
        "sparse.vmdk",
        "stream.vmdk",
    ] {
        let image = sample(name);
        // The last 512 bytes may not be read: the padding of a cluster, the second footer of a VHD.
        for cut in (0..image.len() - 512).step_by(image.len() / 150) {
            write(&path, &image[..cut]);
            let Ok(opened) = DiskImage::open(&path) else { continue };
            if opened.format() == "raw" {
                // A fixed VHD without its footer, and an empty file, are raw disks.
                assert!(name == "fixed.vhd", "{name} cut at {cut} is taken for a raw disk");
                continue;
            }
            if let Ok(found) = opened.read_vec(0, opened.size() as usize) {
                assert!(found == disk, "{name} cut at {cut} reads as something else");
            }
        }
    }
}

#[test]
fn files_outside_the_folder_are_reached_by_no_name() {
    let outside = tempfile::tempdir().unwrap();
    let secret = outside.path().join("secret");
    write(&secret, &vec![1; 65536]);
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("inside");
    fs::create_dir(&inside).unwrap();
    write(&folder.path().join("secret"), &vec![1; 65536]);
    symlink(&secret, inside.join("link")).unwrap();
    symlink(outside.path(), inside.join("folder")).unwrap();
    write(&inside.join("base"), &vec![1; 65536]);
    let path = inside.join("image");
    let options = OpenOptions { backing_files: Some(inside.clone()), ..OpenOptions::default() };

    write(&path, &with_backing(qcow2(), "base"));
    DiskImage::open_with(&path, &options).unwrap();
    write(&path, &with_backing(qcow2(), inside.join("base").to_str().unwrap()));
    DiskImage::open_with(&path, &options).unwrap();
    let json = format!("json:{{\"driver\":\"file\",\"filename\":\"{}\"}}", secret.display());
    for name in [
        "../secret",
        "./../inside/../secret",
        secret.to_str().unwrap(),
        "link",
        "folder/secret",
        "/dev/zero",
        "/etc/passwd",
        &json,
        &format!("file:{}", secret.display()),
        "nbd://localhost/disk",
        "rbd:pool/image",
        "base\0",
        ".",
    ] {
        write(&path, &with_backing(qcow2(), name));
        let error = DiskImage::open_with(&path, &options).expect_err(name);
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{name}: {error:#}");
    }

    // The extents of a VMDK are in the folder of their descriptor.
    for name in ["../secret", "link", "folder/secret", secret.to_str().unwrap(), ".."] {
        let text =
            format!("# Disk DescriptorFile\nversion=1\nCID=1\nparentCID=ffffffff\nRW 8 FLAT \"{name}\" 0\n");
        write(&path, text.as_bytes());
        let error = DiskImage::open_with(&path, &options).expect_err(name);
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{name}: {error:#}");
    }
}

#[test]
fn an_image_that_is_its_own_backing_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let options = OpenOptions { backing_files: Some(folder.path().to_owned()), ..OpenOptions::default() };
    let path = folder.path().join("image");
    symlink(&path, folder.path().join("link")).unwrap();
    for name in ["image", "./image", "link"] {
        write(&path, &with_backing(qcow2(), name));
        let error = DiskImage::open_with(&path, &options).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidImage, "{error:#}");
        assert!(error.message().contains("itself"), "{error:#}");
    }
    // Through another image, and by another name of the same file.
    write(&folder.path().join("other"), &with_backing(qcow2(), "image"));
    write(&path, &with_backing(qcow2(), "other"));
    assert_eq!(DiskImage::open_with(&path, &options).unwrap_err().kind(), ErrorKind::InvalidImage);
    for index in 0..70 {
        write(&folder.path().join(index.to_string()), &with_backing(qcow2(), &(index + 1).to_string()));
    }
    let error = DiskImage::open_with(folder.path().join("0"), &options).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error:#}");
    // A VMDK that names its own descriptor as an extent reads the text of the descriptor, and no other data.
    let text = "# Disk DescriptorFile\nRW 1 FLAT \"image\" 0\nRW 1 SPARSE \"image\"\n";
    write(&path, format!("{text}{}", "#".repeat(600)).as_bytes());
    DiskImage::open_with(&path, &options).unwrap_err();
}

#[test]
fn a_cluster_that_unpacks_to_more_than_a_cluster_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image");
    for length in [65_535, 65_537, 1 << 24] {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut encoder, &vec![0; length]).unwrap();
        let packed = encoder.finish().unwrap();
        assert!(packed.len() < 0x1_0000);
        let mut image = qcow2();
        put(&mut image, 0x3_0000, &packed);
        let sectors = (packed.len() / 512) as u64;
        put(&mut image, 0x2_0000, &(COMPRESSED | sectors << 54 | 0x3_0000).to_be_bytes());
        write(&path, &image);
        let error = work(&path, &OpenOptions::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidImage, "{length}: {error:#}");
    }
}

/// Its L1 table, still empty, is at 1 MiB.
fn qcow2_of_64_tib() -> Vec<u8> {
    let mut image = qcow2();
    image.resize(0x20_0000, 0);
    put(&mut image, 24, &(64_u64 << 40).to_be_bytes());
    put(&mut image, 36, &(1_u32 << 17).to_be_bytes());
    put(&mut image, 40, &0x10_0000_u64.to_be_bytes());
    image
}

#[test]
fn tables_that_overlap_each_other_and_the_header_end_in_data_or_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image");
    // 64 TiB in which one table maps every 512 MiB to one cluster: a map of a thousand million pieces.
    let mut image = qcow2_of_64_tib();
    for entry in 0..1 << 17 {
        put(&mut image, 0x10_0000 + entry * 8, &0x2_0000_u64.to_be_bytes());
    }
    for entry in 0..8192 {
        put(&mut image, 0x2_0000 + entry * 8, &(0x3_0000_u64).to_be_bytes());
    }
    write(&path, &image);
    let error = DiskImage::open(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidImage, "{error:#}");

    // The L1 table is its own L2 table, and its own data.
    let mut image = qcow2();
    put(&mut image, 0x1_0000, &(0x1_0000_u64).to_be_bytes());
    write(&path, &image);
    assert!(work(&path, &OpenOptions::default()).unwrap() > 0);
}

#[test]
fn the_map_of_an_empty_disk_of_many_tib_is_found_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image");
    write(&path, &qcow2_of_64_tib());
    let begun = Instant::now();
    let disk = DiskImage::open(&path).unwrap();
    assert_eq!(disk.extents().map(|e| e.unwrap().length).collect::<Vec<_>>(), [64 << 40]);
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

// ---- mutated -------------------------------------------------------------------------------------------------------

/// The positions of headers and tables in an image, which are worth mutating.
type Hot = fn(&[u8]) -> Vec<Range<usize>>;
/// Fixes the checksums, so that the code after their verification is reached.
type Fix = fn(&mut [u8]);

fn be64(image: &[u8], at: usize) -> usize {
    u64::from_be_bytes(image[at..at + 8].try_into().unwrap()) as usize
}

fn le64(image: &[u8], at: usize) -> usize {
    u64::from_le_bytes(image[at..at + 8].try_into().unwrap()) as usize
}

fn le32(image: &[u8], at: usize) -> usize {
    u32::from_le_bytes(image[at..at + 4].try_into().unwrap()) as usize
}

fn hot_qcow2(image: &[u8]) -> Vec<Range<usize>> {
    let (l1, offset) = (be64(image, 32) & 0xFFFF_FFFF, 0x00FF_FFFF_FFFF_FE00);
    let table = be64(image, 40);
    let mut hot = vec![0..112, 0..112, 112..400, table..table + l1 * 8];
    for entry in 0..l1 {
        let l2 = be64(image, table + entry * 8) & offset;
        if l2 != 0 {
            hot.push(l2..(l2 + 512).min(image.len()));
        }
    }
    hot
}

fn hot_vhd(image: &[u8]) -> Vec<Range<usize>> {
    let end = image.len();
    if image.starts_with(b"conectix") {
        vec![0..512, 512..1536, 512..600, 1536..1552, end - 512..end]
    } else {
        vec![end - 512..end, end - 512..end - 400]
    }
}

fn hot_vhdx(image: &[u8]) -> Vec<Range<usize>> {
    let k = 1 << 10;
    let mut hot =
        vec![64 * k..64 * k + 80, 128 * k..128 * k + 80, 192 * k..192 * k + 96, 256 * k..256 * k + 96];
    for entry in 0..2 {
        let at = le64(image, 192 * k + 16 + entry * 32 + 16);
        hot.extend([at..at + 240, at + 64 * k..at + 64 * k + 64]);
    }
    hot
}

fn hot_vmdk(image: &[u8]) -> Vec<Range<usize>> {
    let end = image.len();
    let mut hot = vec![0..80, 0..80, 512..1024];
    let mut directory = le64(image, 56) as u64;
    if directory == u64::MAX {
        hot.push(end - 1024..end - 944);
        directory = le64(image, end - 1024 + 56) as u64;
    }
    let directory = directory as usize * 512;
    let table = le32(image, directory) * 512;
    hot.extend([directory..directory + 8, table..table + 80]);
    let grain = le32(image, table) * 512;
    hot.push(grain..grain + 40); // the marker of a compressed grain
    hot
}

fn fix_vhd(image: &mut [u8]) {
    let sum = |image: &mut [u8], range: Range<usize>, field: usize| {
        let part = &mut image[range];
        part[field..field + 4].fill(0);
        let sum = !part.iter().map(|&b| u32::from(b)).sum::<u32>();
        part[field..field + 4].copy_from_slice(&sum.to_be_bytes());
    };
    let end = image.len();
    if image.starts_with(b"conectix") {
        sum(image, 0..512, 64);
        sum(image, 512..1536, 36);
    }
    sum(image, end - 512..end, 64);
}

fn fix_vhdx(image: &mut [u8]) {
    static TABLE: LazyLock<[u32; 256]> = LazyLock::new(|| {
        std::array::from_fn(|byte| {
            (0..8).fold(byte as u32, |crc, _| if crc & 1 == 0 { crc >> 1 } else { crc >> 1 ^ 0x82F6_3B78 })
        })
    });
    for (at, length) in [(64, 4), (128, 4), (192, 64), (256, 64)] {
        let part = &mut image[at << 10..(at + length) << 10];
        part[4..8].fill(0);
        let table = &*TABLE;
        let crc = part.iter().fold(!0_u32, |crc, &b| table[(crc as u8 ^ b) as usize] ^ crc >> 8);
        part[4..8].copy_from_slice(&(!crc).to_le_bytes());
    }
}

/// Mutate a few bytes of `image`, mostly in headers and tables.
fn mutate(image: &mut Vec<u8>, hot: &[Range<usize>], random: &mut Random) {
    for _ in 0..=random.below(3) {
        let range = match random.below(10) {
            0 => 0..image.len(),
            _ => hot[random.below(hot.len() as u64) as usize].clone(),
        };
        let at = range.start + random.below(range.len() as u64) as usize;
        let sized = at & !7;
        let value = match random.below(9) {
            0 => 0,
            1 => u64::MAX,
            2 => 1 << random.below(64),
            3 => image.len() as u64 & !511,
            4 => (image.len() as u64).wrapping_sub(512 * random.below(4)),
            5 => random.below(64) << 16,
            6 => random.below(1 << 20),
            7 => (1_u64 << random.below(64)).wrapping_sub(1),
            _ => random.next(),
        };
        match random.below(8) {
            0 => image[at] ^= 1 << random.below(8),
            1 => image[at] = random.next() as u8,
            2 if sized + 8 <= image.len() => put(image, sized, &value.to_be_bytes()),
            3 if sized + 8 <= image.len() => put(image, sized, &value.to_le_bytes()),
            4 => put(image, at & !3, &(value as u32).to_be_bytes()),
            5 => put(image, at & !3, &(value as u32).to_le_bytes()),
            6 => {
                // One entry becomes another.
                let from = (range.start + random.below(range.len() as u64) as usize) & !7;
                if from + 8 <= image.len() && sized + 8 <= image.len() {
                    image.copy_within(from..from + 8, sized);
                }
            }
            _ if random.below(4) == 0 => {
                let length = random.below(image.len() as u64) as usize;
                image.truncate(length.max(2048));
                return;
            }
            _ => image[at] = image[at].wrapping_add(1),
        }
    }
}

/// Open the image at `path`; read and map it up to a bound that does not hide an endless loop.
fn exercise(path: &Path, random: &mut Random) {
    let Ok(disk) = DiskImage::open(path) else { return };
    let mut data = Vec::new();
    for extent in disk.extents().take(5000) {
        let Ok(extent) = extent else { break };
        assert!(extent.length > 0 && extent.end() <= disk.size());
        let length = extent.length.min(70_000) as usize;
        match (extent.kind, disk.read_vec(extent.offset, length)) {
            (ExtentKind::Zero, read) => assert!(read.unwrap().iter().all(|&b| b == 0), "zeros by the map"),
            (_, read) => data.push(read.is_ok()),
        }
        if data.len() > 8 {
            break;
        }
    }
    for _ in 0..2 {
        let at = random.below(disk.size());
        let length = (1 + random.below(200_000)).min(disk.size() - at);
        disk.read_vec(at, length as usize).ok();
    }
}

/// Run `iterations` seeded mutations of each sample; name the seed of one that panics or takes longer than 20 seconds.
fn mutation_run(names: &'static [&'static str], iterations: u64, hot: Hot, fix: Option<Fix>) {
    static SLOWEST: Duration = Duration::from_secs(20);
    if !is_alone() {
        return;
    }
    let before = peak_kib();
    for name in names {
        let (done, watch) = channel();
        let seed = std::sync::Arc::new(AtomicU64::new(0));
        let current = std::sync::Arc::clone(&seed);
        let worker = thread::spawn(move || {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("image");
            let sound = sample(name);
            write(&path, &sound);
            let file = File::options().write(true).open(&path).unwrap();
            let hot = hot(&sound);
            for seed in 0..iterations {
                current.store(seed, Ordering::Relaxed);
                let mut random = Random(seed << 8);
                let mut image = sound.clone();
                mutate(&mut image, &hot, &mut random);
                if let Some(fix) = fix
                    && image.len() == sound.len()
                    && random.below(4) != 0
                {
                    fix(&mut image);
                }
                replace(&file, &sound, &image);
                catch_unwind(AssertUnwindSafe(|| exercise(&path, &mut random)))
                    .unwrap_or_else(|_| panic!("{name}, seed {seed}"));
                replace(&file, &image, &sound);
                done.send(()).ok();
            }
        });
        loop {
            match watch.recv_timeout(SLOWEST) {
                Ok(()) => {}
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    panic!("{name}, seed {}: too slow", seed.load(Ordering::Relaxed))
                }
            }
        }
        worker.join().unwrap();
    }
    let grown = peak_kib() - before;
    assert!(grown < MOST_KIB, "the work on {names:?} held {grown} KiB at once");
}

/// The memory limit of the work on the mutated samples of a format: twice what the largest needs. The sizes in the
/// images go up to 2^64.
const MOST_KIB: u64 = 56 << 10;

/// The peak memory of this process.
fn peak_kib() -> u64 {
    vmtemplate_test_support::proc_self("status", "VmHWM")
}

/// Whether the calling test has a separate process, so that its memory can be measured. If not, the test is run again
/// in a separate process, and must pass there.
fn is_alone() -> bool {
    const ALONE: &str = "VMTEMPLATE_TEST_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    // The test harness names the thread of a test after the test.
    let test = thread::current().name().unwrap().to_owned();
    let arguments = [test.as_str(), "--exact", "--nocapture"];
    let done =
        Command::new(std::env::current_exe().unwrap()).args(arguments).env(ALONE, "1").output().unwrap();
    assert!(done.status.success(), "{}", vmtemplate_test_support::said(&done));
    assert!(
        String::from_utf8_lossy(&done.stdout).contains("1 passed"),
        "{}",
        vmtemplate_test_support::said(&done)
    );
    false
}

/// Change the content of a file from `old` to `new`, writing only differences.
fn replace(file: &File, old: &[u8], new: &[u8]) {
    if old.len() != new.len() {
        file.set_len(new.len() as u64).unwrap();
    }
    // In large steps first: almost everything is equal.
    for (index, block) in new.chunks(16 << 10).enumerate() {
        let at = index * (16 << 10);
        if old.get(at..at + block.len()) != Some(block) {
            file.write_all_at(block, at as u64).unwrap();
        }
    }
}

#[test]
fn mutated_qcow2_images_give_errors_or_data() {
    mutation_run(
        &["v2.qcow2", "v3.qcow2", "512.qcow2", "zlib.qcow2", "zstd.qcow2", "extended.qcow2"],
        4000,
        hot_qcow2,
        None,
    );
}

#[test]
fn mutated_vhd_images_give_errors_or_data() {
    mutation_run(&["fixed.vhd", "dynamic.vhd"], 10_000, hot_vhd, Some(fix_vhd));
}

#[test]
fn mutated_vhdx_images_give_errors_or_data() {
    mutation_run(&["dynamic.vhdx"], 20_000, hot_vhdx, Some(fix_vhdx));
}

#[test]
fn mutated_vmdk_images_give_errors_or_data() {
    mutation_run(&["sparse.vmdk", "zeroed.vmdk", "stream.vmdk"], 7000, hot_vmdk, None);
}

#[test]
fn mutated_vmdk_descriptors_give_errors_or_data() {
    let folder = tempfile::tempdir().unwrap();
    let options = OpenOptions { backing_files: Some(folder.path().to_owned()), ..OpenOptions::default() };
    let path = folder.path().join("image");
    write(&folder.path().join("flat"), &[1; 8192]);
    write(&folder.path().join("sparse"), &sample("sparse.vmdk"));
    let text = b"# Disk DescriptorFile\nversion=1\nCID=1\nparentCID=ffffffff\ncreateType=\"custom\"\n\
                 RW 2048 SPARSE \"sparse\"\nRW 8 FLAT \"flat\" 8\nRW 100 ZERO\n";
    write(&path, text);
    assert!(work(&path, &options).unwrap() > 4096);
    for seed in 0..20_000 {
        let mut random = Random(seed);
        let mut bent = text.to_vec();
        for _ in 0..=random.below(3) {
            let at = 70 + random.below(bent.len() as u64 - 70) as usize;
            match random.below(4) {
                0 => bent[at] = b"09 \"\n/.\0\xff"[random.below(9) as usize],
                1 => bent[at] = random.next() as u8,
                2 => drop(bent.drain(at..(at + 4).min(bent.len()))),
                _ => drop(bent.splice(at..at, random.next().to_string().into_bytes())),
            }
        }
        write(&path, &bent);
        work(&path, &options).ok();
    }
}

#[test]
fn mutated_diffs_of_ceph_give_errors_or_data() {
    let mut sound = [Vec::new(), Vec::new()];
    for (version, stream) in [1_u8, 2].into_iter().zip(&mut sound) {
        stream.extend(format!("rbd diff v{version}\n").bytes());
        let mut record = |tag: u8, parts: &[&[u8]]| {
            let content = parts.concat();
            stream.push(tag);
            if version == 2 {
                stream.extend((content.len() as u64).to_le_bytes());
            }
            stream.extend(content);
        };
        let le = |value: u64| value.to_le_bytes();
        record(b't', &[&[4, 0, 0, 0], b"snap"]);
        record(b's', &[&le(1 << 20)]);
        record(b'w', &[&le(4096), &le(300), &[1; 300]]);
        record(b'z', &[&le(8192), &le(8192)]);
        record(b'w', &[&le(900_000), &le(100), &[2; 100]]);
        stream.push(b'e');
    }
    for seed in 0..20_000 {
        let mut random = Random(seed);
        let mut stream = sound[(seed % 2) as usize].clone();
        for _ in 0..=random.below(3) {
            let at = 12 + random.below(stream.len() as u64 - 20) as usize;
            match random.below(4) {
                0 => stream[at] ^= 1 << random.below(8),
                1 => stream[at] = b"ftswze\0\xff"[random.below(8) as usize],
                2 => put(&mut stream, at, &(1_u64 << random.below(64)).to_le_bytes()),
                _ => stream[at] = random.next() as u8,
            }
        }
        if let Ok(disk) = DiskImage::from_stream(&stream[..], &OpenOptions::default()) {
            assert!(disk.size() <= 64 << 40);
            for extent in disk.extents().take(100) {
                let extent = extent.unwrap();
                disk.read_vec(extent.offset, extent.length.min(4096) as usize).unwrap();
            }
        }
    }
}
