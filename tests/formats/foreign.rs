//! Files that are no disks, and images that are not called as they are elsewhere.

use std::fs;
use std::path::Path;

use vmtemplate::{
    CheckOptions, DiskImage, ErrorKind, ImageFormat, Metainfo, OpenOptions, PackOptions, Template,
    TemplateBuilder, check,
};

use super::samples::{sample, sample_disk, write};
use super::tools::read_all;

/// A file of 64 KiB with `bytes` at `at`.
fn file(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut file = vec![0; 64 << 10];
    file[at..at + bytes.len()].copy_from_slice(bytes);
    file
}

/// A tar archive with one file.
fn tar(name: &str) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(5);
    builder.append_data(&mut header, name, &b"hello"[..]).unwrap();
    builder.into_inner().unwrap()
}

/// Each with what its error says of it, and the command that the help names.
fn containers() -> Vec<(Vec<u8>, &'static str, &'static str)> {
    let mut iso = file(0x8000, b"\x01CD001\x01");
    iso[0x8800..0x8807].copy_from_slice(b"\xffCD001\x01");
    let mut udf = file(0x8000, b"\0BEA01\x01");
    udf[0x8800..0x8807].copy_from_slice(b"\0NSR02\x01");
    let length = file(0, b"").len();
    vec![
        (tar("machine.ovf"), "an OVA", "tar xf"),
        (tar("disk.raw"), "a tar archive", "tar xf"),
        (iso, "an ISO image", "install from it"),
        (udf, "an ISO image", "install from it"),
        (file(0, b"MSWIM\0\0\0"), "WIM or ESD", "install from it"),
        (file(length - 512, b"koly\0\0\0\x04\0\0\x02\0"), "DMG", "dmg2img"),
        (file(0, b"EVF\x09\x0d\x0a\xff\0"), "E01", "ewfexport"),
        (file(0, b"VMA\0"), "VMA", "vma extract"),
        (file(0, b"\xbe\xba\xfe\xca\0\0\0\0"), "SESparse", "vmkfstools"),
        (file(0, b"Bochs Virtual HD Image"), "Bochs", "qemu-img convert -f bochs"),
        (file(0, b"#!/bin/sh\n#V2.0 Format\nmodprobe cloop file=$0"), "cloop", "qemu-img convert -f cloop"),
        (file(0, b"\x1f\x8b\x08\0"), "gzip", "gzip -dc"),
        (file(0, b"\xfd7zXZ\0"), "xz", "xz -dc"),
        (file(0, b"BZh91AY&SY"), "bzip2", "bzip2 -dc"),
        (file(0, b"\x28\xb5\x2f\xfd"), "zstd", "zstd -dc"),
        (file(0, b"\x04\x22\x4d\x18"), "LZ4", "lz4 -dc"),
        (file(0, b"PK\x03\x04"), "zip", "unzip"),
        (file(0, b"7z\xbc\xaf\x27\x1c"), "7z", "7z x"),
        (file(0, b"Rar!\x1a\x07\x01\0"), "RAR", "unrar"),
        (file(0, b"hsqs"), "squashfs", "unsquashfs"),
        (file(0, b"LUKS\xba\xbe"), "LUKS", "cryptsetup"),
        (file(0, b"\0ntfsclone-image"), "ntfsclone", "ntfsclone --restore-image"),
        (file(0, b"<!DOCTYPE html>"), "web page", "fetch the image again"),
    ]
}

const METAINFO: &str = "<doc><osname>Windows-10</osname><hddimage>w.img</hddimage>\
                        <installdrive>setup.cmd</installdrive></doc>";

#[test]
fn a_container_that_is_no_disk_is_refused_by_name_through_every_door_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("metainfo.xml"), METAINFO).unwrap();
    fs::write(folder.path().join("setup.cmd"), "rem\r\n").unwrap();
    let path = folder.path().join("w.img");
    for (bytes, name, way_out) in containers() {
        write(&path, &bytes);
        let told = |error: &vmtemplate::Error| {
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{name}: {error:#}");
            assert!(error.message().contains(name), "{error:#}");
            let help = error.help().unwrap();
            assert!(help.contains(way_out) && help.contains("--format raw"), "{name}: {help}");
        };
        told(&DiskImage::open(&path).unwrap_err());
        told(&DiskImage::from_stream(&bytes[..], &OpenOptions::default()).unwrap_err());
        told(&Template::open(folder.path()).unwrap_err());
        let base = Metainfo::parse(METAINFO.as_bytes()).unwrap();
        told(&TemplateBuilder::from_metainfo(base).image_path(&path).build().unwrap_err().problems()[0]);
        let options = CheckOptions { skip_image: true, ..CheckOptions::default() };
        let report = check(folder.path(), &options).unwrap();
        let finding = report.findings().iter().find(|finding| finding.rule().code == "VMT0155").unwrap();
        assert!(finding.message().contains(name) && finding.fix().contains(way_out), "{finding}");

        // The word of the user counts, for all of them.
        let raw = OpenOptions { format: Some(ImageFormat::Raw), ..OpenOptions::default() };
        assert!(read_all(&DiskImage::open_with(&path, &raw).unwrap()) == bytes, "{name}");
        let archive = folder.path().join("t.tar.gz");
        let pack = PackOptions { overwrite: true, ..PackOptions::default() };
        Template::open_with(folder.path(), &raw).unwrap().pack(&archive, &pack).unwrap();
        let codes = |options: &CheckOptions| {
            let report = check(&archive, options).unwrap();
            report.findings().iter().filter(|finding| finding.rule().code == "VMT0155").count()
        };
        assert_eq!(codes(&options), 1, "{name}");
        assert_eq!(codes(&CheckOptions { format: Some(ImageFormat::Raw), ..options }), 0, "{name}");
    }
}

#[test]
fn a_disk_with_the_remains_of_an_iso_in_front_of_its_partition_is_a_disk() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("disk");
    let mut disk = vmtemplate_workspace::sample_disk();
    assert_eq!(disk[0x8001..0x8006], [0; 5]);
    disk[0x8001..0x8006].copy_from_slice(b"CD001");
    write(&path, &disk);
    assert_eq!(DiskImage::open(&path).unwrap().format(), "raw");
    // The same bytes without the table are those of an ISO.
    disk[446..510].fill(0);
    write(&path, &disk);
    assert!(DiskImage::open(&path).unwrap_err().message().contains("ISO"));
}

/// A flat disk and its descriptor, whose extent is called `name`.
fn described(folder: &Path, first_line: &str, name: &[u8]) -> std::path::PathBuf {
    let path = folder.join("disk.vmdk");
    let head = format!(
        "{first_line}\r\nversion=1\r\nencoding=\"windows-1251\"\r\nCID=1\r\nparentCID=ffffffff\r\n\r\nRW 2048 FLAT \""
    );
    write(&path, &[head.as_bytes(), name, b"\" 0\r\nddb.adapterType = \"ide\"\r\n"].concat());
    path
}

#[test]
fn a_descriptor_is_opened_as_vmware_and_virtualbox_write_it_and_wherever_it_was_moved() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("below")).unwrap();
    for name in ["disk-flat.vmdk", "Диск-flat.vmdk", "below/other-flat.vmdk"] {
        write(&folder.path().join(name), &sample_disk());
    }
    let options = OpenOptions { backing_files: Some(folder.path().to_owned()), ..OpenOptions::default() };
    for first in ["# Disk DescriptorFile", "# Disk Descriptor File", "\u{feff}# Disk DescriptorFile"] {
        for name in [
            &b"disk-flat.vmdk"[..],
            b"\xc4\xe8\xf1\xea-flat.vmdk", // windows-1251
            b"C:\\VMs\\W2019\\disk-flat.vmdk",
            b"\\\\server\\share\\disk-flat.vmdk",
            b"/vmfs/volumes/datastore1/w2019/disk-flat.vmdk",
            b"below/other-flat.vmdk",
            b"below\\other-flat.vmdk",
        ] {
            let path = described(folder.path(), first, name);
            let disk = DiskImage::open_with(&path, &options).unwrap();
            assert!(disk.format() == "vmdk" && read_all(&disk) == sample_disk(), "{first} {name:?}");
            // `check` takes it for an image too, and looks for its extents where it is told to.
            let error = check(&path, &CheckOptions::default()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:#}");
            assert!(error.help().unwrap().contains("backing_files"), "{error:#}");
            let allowed =
                CheckOptions { backing_files: options.backing_files.clone(), ..CheckOptions::default() };
            let report = check(&path, &allowed).unwrap();
            assert!(report.findings().iter().any(|finding| finding.rule().code == "VMT0301"));
        }
        for name in [&b"C:\\VMs\\gone.vmdk"[..], b"..\\..\\etc\\passwd", b"/etc/passwd", b"below/../.."] {
            let path = described(folder.path(), first, name);
            assert!(DiskImage::open_with(&path, &options).is_err(), "{name:?}");
        }
    }
}

#[test]
fn the_descriptor_inside_a_sparse_vmdk_may_call_it_by_any_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("disk.vmdk");
    let mut image = sample("sparse.vmdk");
    let old = b"SPARSE \"";
    let at = image.windows(old.len()).position(|window| window == old).unwrap() + old.len();
    let end = at + image[at..].iter().position(|&byte| byte == 0).unwrap();
    let name_end = at + image[at..].iter().position(|&byte| byte == b'"').unwrap();
    let text = [&b"C:\\VMs\\mono.vmdk"[..], &image[name_end..end]].concat();
    image[at..at + text.len()].copy_from_slice(&text);
    write(&path, &image);
    assert!(read_all(&DiskImage::open(&path).unwrap()) == sample_disk());
}

#[test]
fn a_raw_volume_that_ends_with_the_footer_of_a_vhd_names_the_way_to_open_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("volume");
    let fixed = sample("fixed.vhd");
    // The volume alone, cut out of the disk together with the footer: shorter than the footer says.
    let cut = &fixed[512..];
    write(&path, cut);
    let error = DiskImage::open(&path).unwrap_err();
    assert!(error.help().unwrap().contains("--format raw"), "{error:#}");
    let raw = OpenOptions { format: Some(ImageFormat::Raw), ..OpenOptions::default() };
    assert!(read_all(&DiskImage::open_with(&path, &raw).unwrap()) == cut);
    // A footer that is not sound.
    let mut damaged = fixed.clone();
    let end = damaged.len();
    damaged[end - 100] ^= 1;
    write(&path, &damaged);
    let help = DiskImage::open(&path).unwrap_err().help().unwrap().to_owned();
    assert!(help.contains("damaged") && help.contains("--format raw"), "{help}");
}
