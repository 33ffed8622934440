//! Files that are not disks, and images whose names or formats are unusual.

use std::fs;
use std::path::Path;

use vmtemplate::archive::PackOptions;
use vmtemplate::disk::{ImageFormat, OpenOptions};
use vmtemplate::macros::{MacroValues, RenderOptions};
use vmtemplate::output::Overwrite;
use vmtemplate::report::{CheckOptions, check_stream};
use vmtemplate::template::TemplateBuilder;
use vmtemplate::{Archive, DiskImage, ErrorKind, Metainfo, Script, Template, check};

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

/// Each with a part of its error, and the command that the help names.
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
        (file(0, b"<!DOCTYPE html>"), "web page", "download the image again"),
        (old_tar("machine.ovf"), "an OVA", "tar xf"),
        (old_tar("disk.raw"), "a tar archive", "tar xf"),
        (file(0, b"\x50\x2a\x4d\x18\x04\0\0\0\x07\0\0\0\x28\xb5\x2f\xfd"), "zstd", "zstd -dc"),
        (file(0, b"\x5f\x2a\x4d\x18\x04\0\0\0\x07\0\0\0\x04\x22\x4d\x18"), "LZ4", "lz4 -dc"),
        (file(0, b"\x1f\x9d\x90\x33\x80"), "compress", "gzip -dc"),
        (file(0, b"]\0\0\x80\0\0\0\x10\0\0\0\0\0\0"), "lzma", "xz -dc"),
        (b"PK\x05\x06".iter().copied().chain([0; 18]).collect(), "an empty zip", "create the zip file again"),
        (file(0, b"PK\x07\x08PK\x03\x04"), "a part of a zip", "zip -s 0"),
        (file(0, b"%PDF-1.7\n"), "PDF", "download the image again"),
        (file(0, b"\x7fELF\x02\x01\x01\0"), "ELF", "download the image again"),
        (program(0x108), "a program of Windows", "download the image again"),
        (b"#!/bin/sh\necho\n".into(), "a script", "--script"),
        (b"404: Not Found".into(), "a text", "download that again"),
        (b"{\"message\": \"Not Found\"}\n".into(), "a JSON text", "download that again"),
        (
            b"<?xml version=\"1.0\"?>\n<Error><Code>AccessDenied</Code></Error>".into(),
            "an error message",
            "curl -fLo",
        ),
        (b"<Envelope></Envelope>\n".into(), "an XML file", "that it describes"),
        (b"HTTP/1.1 200 OK\r\n\r\n\0\0".into(), "with its headers", "curl -fLo"),
        (POINTER.into(), "a Git LFS pointer", "git lfs pull"),
    ]
}

const POINTER: &[u8] = b"version https://git-lfs.github.com/spec/v1\n\
    oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n";

/// A Windows program whose header is at `at`.
fn program(at: u16) -> Vec<u8> {
    let mut program = file(0, b"MZ");
    program[0x3C..0x3E].copy_from_slice(&at.to_le_bytes());
    program[usize::from(at)..][..4].copy_from_slice(b"PE\0\0");
    program
}

/// A tar archive of Unix v7, which has no magic number.
fn old_tar(name: &str) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_old();
    header.set_size(5);
    builder.append_data(&mut header, name, &b"hello"[..]).unwrap();
    let archive = builder.into_inner().unwrap();
    assert_eq!(archive[257..263], [0; 6]);
    archive
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

        // A given format is accepted for all of them.
        let raw = OpenOptions { format: Some(ImageFormat::Raw), ..OpenOptions::default() };
        assert!(read_all(&DiskImage::open_with(&path, &raw).unwrap()) == bytes, "{name}");
        let archive = folder.path().join("t.tar.gz");
        let pack = PackOptions { overwrite: Overwrite::Yes, ..PackOptions::default() };
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
fn a_disk_is_a_disk_whatever_its_boot_code_looks_like() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("disk");
    let mut disk = vmtemplate_test_support::sample_disk();
    assert_eq!(disk[510..512], [0x55, 0xAA]);
    // The boot code before it may be any bytes, even those of a text or a program.
    for code in [
        &b"\x33\xc0\x8e\xd0\xbc\0\x7c\x8e"[..],
        b"\xeb\x63\x90\x10\x8e\xd0\xbc\0",
        b"\xfa\xb8\0\x10\x8e\xd0\xbc\0",
        b"\xeb\x52\x90NTFS    ",
        b"\0\0\0\0\0\0\0\0",
        b"]\0\0\x80\0\0\0\x10\0\0\0\0\0\0",
        b"\x1f\x9d\x90\x33\x80",
        b"\x50\x2a\x4d\x18\x04\0\0\0",
        b"#!/bin/sh\n",
        b"<html><body>",
        b"{\"a\": 1}",
        b"\x7fELF\x02\x01\x01\0",
        POINTER,
    ] {
        disk[..code.len()].copy_from_slice(code);
        write(&path, &disk);
        assert_eq!(DiskImage::open(&path).unwrap().format(), "raw", "{code:x?}");
    }
    // Disks without a partition table: empty ones, and an install drive, which is all text.
    for content in [vec![0; 512], vec![0; 1 << 20], b"rem \r\n".repeat(512), vec![0xFF; 4096]] {
        write(&path, &content);
        assert_eq!(DiskImage::open(&path).unwrap().format(), "raw");
    }
}

#[test]
fn what_is_no_archive_and_no_script_is_named_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    for (bytes, name) in
        [(POINTER, "a Git LFS pointer"), (b"<html>", "a web page"), (b"%PDF-1.7", "a PDF document")]
    {
        write(&path, bytes);
        let error = Archive::open(&path).unwrap_err();
        assert!(error.kind() == ErrorKind::InvalidArchive && error.message().contains(name), "{error:#}");
        let error = Script::from_file(&path).unwrap_err();
        assert!(error.kind() == ErrorKind::InvalidScript && error.message().contains(name), "{error:#}");
        let values = MacroValues::new();
        let error = Template::render_path(&path, &values, &RenderOptions::default()).unwrap_err();
        assert!(error.message().contains(name), "{error:#}");
        for name_of_file in ["file", "disk.img"] {
            let error = check_stream(bytes, name_of_file, &CheckOptions::default()).unwrap_err();
            assert!(error.kind() == ErrorKind::Unsupported && error.message().contains(name), "{error:#}");
        }
    }
    // A text may be a script, whatever else it may look like.
    for text in ["{\"a\": 1}", "<powershell>\r\n", "echo a\n", "#!/bin/sh\n"] {
        write(&path, text.as_bytes());
        assert_eq!(Script::from_file(&path).unwrap().text(), text);
        check(&path, &CheckOptions::default()).unwrap();
    }
}

/// Whether an image opens, by content and by the given format, and its error.
fn opened(path: &Path, format: ImageFormat) -> [Result<u64, String>; 2] {
    let named = OpenOptions { format: Some(format), ..OpenOptions::default() };
    [OpenOptions::default(), named].map(|options| {
        let disk = DiskImage::open_with(path, &options).map_err(|error| format!("{error:#}"))?;
        Ok(disk.size())
    })
}

#[test]
fn a_vhd_that_was_cut_off_is_refused_when_it_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("disk.vhd");
    let size = sample_disk().len() as u64;
    let dynamic = sample("dynamic.vhd");
    for (cut, says) in [
        (1, "which has 512 bytes"),
        (200, "which has 512 bytes"),
        (512, "no footer after its last block"),
        (513, "the blocks of the VHD reach to byte"),
        (4096, "the blocks of the VHD reach to byte"),
    ] {
        write(&path, &dynamic[..dynamic.len() - cut]);
        let [by_content, named] = opened(&path, ImageFormat::Vhd);
        // 511 bytes are the footer of an old Virtual PC.
        if cut == 1 {
            assert_eq!(by_content, Ok(size));
            continue;
        }
        let error = by_content.unwrap_err();
        assert!(error.contains(says) && error.contains("truncated"), "{cut}: {error}");
        assert_eq!(named, Ok(size), "{cut}");
    }
    // Copied to a larger device.
    write(&path, &[&dynamic[..], &[0; 10_000]].concat());
    assert_eq!(opened(&path, ImageFormat::Vhd), [Ok(size), Ok(size)]);

    let fixed = sample("fixed.vhd");
    for (cut, expected) in
        [(0, Ok(size)), (1, Ok(size)), (2, Err("which has 512 bytes")), (400, Err("which has 512 bytes"))]
    {
        write(&path, &fixed[..fixed.len() - cut]);
        let [by_content, _] = opened(&path, ImageFormat::Vhd);
        match (by_content, expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected),
            (Err(error), Err(says)) => {
                assert!(error.contains(says) && error.contains("--format raw"), "{error}");
            }
            (found, expected) => panic!("{cut}: {found:?} instead of {expected:?}"),
        }
        assert_eq!(opened(&path, ImageFormat::Raw)[1], Ok((fixed.len() - cut) as u64));
    }
}

#[test]
fn a_disk_with_the_remains_of_an_iso_in_front_of_its_partition_is_a_disk() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("disk");
    let mut disk = vmtemplate_test_support::sample_disk();
    assert_eq!(disk[0x8001..0x8006], [0; 5]);
    disk[0x8001..0x8006].copy_from_slice(b"CD001");
    write(&path, &disk);
    assert_eq!(DiskImage::open(&path).unwrap().format(), "raw");
    // Without the table, the same bytes are an ISO.
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
            // `check` treats it as an image too, and opens extents in the given folder.
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
    // The volume alone, cut from the disk with the footer: shorter than the footer says.
    let cut = &fixed[512..];
    write(&path, cut);
    let error = DiskImage::open(&path).unwrap_err();
    assert!(error.help().unwrap().contains("--format raw"), "{error:#}");
    let raw = OpenOptions { format: Some(ImageFormat::Raw), ..OpenOptions::default() };
    assert!(read_all(&DiskImage::open_with(&path, &raw).unwrap()) == cut);
    // A damaged footer.
    let mut damaged = fixed.clone();
    let end = damaged.len();
    damaged[end - 100] ^= 1;
    write(&path, &damaged);
    let help = DiskImage::open(&path).unwrap_err().help().unwrap().to_owned();
    assert!(help.contains("damaged") && help.contains("--format raw"), "{help}");
}
