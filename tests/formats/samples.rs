//! The committed samples: every format without qemu-img, and the input of mutations.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use vmtemplate::disk::{ExtentKind, ImageFormat, OpenOptions};
use vmtemplate::{DiskImage, ErrorKind};

use super::tools::read_all;

/// Every sample that needs no other file, with its format.
pub(crate) const SAMPLES: &[(&str, &str)] = &[
    ("v2.qcow2", "qcow2"),
    ("v3.qcow2", "qcow2"),
    ("512.qcow2", "qcow2"),
    ("zlib.qcow2", "qcow2"),
    ("zstd.qcow2", "qcow2"),
    ("extended.qcow2", "qcow2"),
    ("fixed.vhd", "vpc"),
    ("dynamic.vhd", "vpc"),
    ("dynamic.vhdx", "vhdx"),
    ("sparse.vmdk", "vmdk"),
    ("zeroed.vmdk", "vmdk"),
    ("stream.vmdk", "vmdk"),
];

/// The disk in every sample, as tests/fixtures/images/generate.py makes it.
pub(crate) fn sample_disk() -> Vec<u8> {
    let sector = |i: usize| {
        let filled = (i.is_multiple_of(5) || i < 100) && !(1024..1536).contains(&i);
        [if filled { (i % 251 + 1) as u8 } else { 0 }; 512]
    };
    (0..2048).flat_map(sector).collect()
}

pub(crate) fn sample(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/images/{name}.gz"));
    let mut image = Vec::new();
    GzDecoder::new(File::open(path).unwrap()).read_to_end(&mut image).unwrap();
    image
}

pub(crate) fn write(path: &Path, bytes: &[u8]) {
    File::create(path).unwrap().write_all(bytes).unwrap();
}

#[test]
fn every_sample_holds_the_sample_disk_and_maps_its_zeros() {
    let folder = tempfile::tempdir().unwrap();
    for (name, format) in SAMPLES {
        // Recognised by content, not by name.
        let path = folder.path().join("image.raw");
        write(&path, &sample(name));
        let disk = DiskImage::open(&path).unwrap();
        assert_eq!((disk.format(), disk.size()), (*format, 1 << 20), "{name}");
        assert!(read_all(&disk) == sample_disk(), "{name}");
        // A fixed VHD has no table; the VHDX and the dynamic VHD have one block: their holes come from the file system.
        if matches!(*format, "qcow2" | "vmdk") {
            let zeros: u64 = disk
                .extents()
                .map(Result::unwrap)
                .filter(|e| e.kind == ExtentKind::Zero)
                .map(|e| e.length)
                .sum();
            assert!(zeros >= 256 << 10, "{name}: {zeros} bytes are known to be zeros");
        }
    }
}

#[test]
fn a_backing_file_is_opened_inside_the_allowed_folder_only() {
    let folder = tempfile::tempdir().unwrap();
    let (overlay, base) = (folder.path().join("overlay.qcow2"), folder.path().join("base.qcow2"));
    write(&overlay, &sample("overlay.qcow2"));
    let allow = |path: &Path| OpenOptions { backing_files: Some(path.to_owned()), ..OpenOptions::default() };

    let error = DiskImage::open_with(&overlay, &allow(folder.path())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error:#}");
    write(&base, &sample("base.qcow2"));
    assert!(read_all(&DiskImage::open_with(&overlay, &allow(folder.path())).unwrap()) == sample_disk());

    let error = DiskImage::open(&overlay).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:#}");
    assert!(
        error.message().contains("base.qcow2") && error.help().unwrap().contains("backing_files"),
        "{error:#}"
    );
    let elsewhere = tempfile::tempdir().unwrap();
    let error = DiskImage::open_with(&overlay, &allow(elsewhere.path())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:#}");
    assert!(error.message().contains("outside"), "{error:#}");
}

#[test]
fn an_image_is_read_as_raw_only_when_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image");
    let image = sample("v3.qcow2");
    write(&path, &image);
    let raw = OpenOptions { format: Some(ImageFormat::Raw), ..OpenOptions::default() };
    assert!(read_all(&DiskImage::open_with(&path, &raw).unwrap()) == image);
    let vmdk = OpenOptions { format: Some(ImageFormat::Vmdk), ..OpenOptions::default() };
    assert_eq!(DiskImage::open_with(&path, &vmdk).unwrap_err().kind(), ErrorKind::InvalidImage);
}

#[test]
fn a_format_that_is_known_but_not_read_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image");
    let mut vdi = b"<<< Oracle VM VirtualBox Disk Image >>>\n".to_vec();
    vdi.resize(0x40, 0);
    vdi.extend(b"\x7f\x10\xda\xbe");
    for (magic, name) in [
        (&b"QFI\xfb\0\0\0\x01"[..], "version 1"),
        (b"QED\0", "QED"),
        (b"COWD", "ESX"),
        (b"WithouFreSpacExt", "Parallels"),
        (b"\x1f\x8b\x08\0", "gzip"),
        (b"\xfd7zXZ\0", "xz"),
        (b"\x28\xb5\x2f\xfd", "zstd"),
        (&vdi, "VDI"),
    ] {
        let mut file = magic.to_vec();
        file.resize(4096, 0);
        write(&path, &file);
        let error = DiskImage::open(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.message().contains(name) && error.help().is_some(), "{error:#}");
    }
}
