//! Outputs of the library: their permissions, existing files, and devices and pipes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use vmtemplate::archive::{PackOptions, UnpackOptions};
use vmtemplate::disk::{DiskSource, Extent, ExtentKind, FreeSpace, WriteRawOptions};
use vmtemplate::drive::InstallDrive;
use vmtemplate::macros::{MacroValues, RenderOptions};
use vmtemplate::output::{Overwrite, probe_output};
use vmtemplate::script::FirstRunKit;
use vmtemplate::{DiskImage, ErrorKind, Result, Script, Template};
use vmtemplate_test_support::{disk, is_root, noise, run, sample_disk, unpack_archive};

/// A disk that counts how often it is read.
#[derive(Debug, Default)]
struct Counted(AtomicU64);

impl DiskSource for Counted {
    fn format(&self) -> &'static str {
        "raw"
    }
    fn size(&self) -> u64 {
        1 << 20
    }
    fn read_at(&self, buf: &mut [u8], _offset: u64) -> Result<()> {
        self.0.fetch_add(1, Ordering::Relaxed);
        buf.fill(1);
        Ok(())
    }
    fn extent_at(&self, offset: u64) -> Result<Extent> {
        Ok(Extent { offset, length: self.size() - offset, kind: ExtentKind::Data })
    }
}

#[test]
fn nothing_of_the_image_is_read_when_the_output_or_an_option_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("there"), "old").unwrap();
    let source = Arc::new(Counted::default());
    let image = DiskImage::from_source(Arc::clone(&source) as Arc<dyn DiskSource>);
    let template = Template::builder("W").image(image.clone()).image_name("w.hddimage").build().unwrap();
    source.0.store(0, Ordering::Relaxed);
    for (path, options, expected) in [
        (at("there"), PackOptions::default(), ErrorKind::AlreadyExists),
        (at("no/such"), PackOptions::default(), ErrorKind::NotFound),
    ] {
        assert_eq!(options.probe(&path).unwrap_err().kind(), expected);
        assert_eq!(template.pack(&path, &options).unwrap_err().kind(), expected);
    }
    for (path, expected) in [(at("there"), ErrorKind::AlreadyExists), (at("no/such"), ErrorKind::NotFound)] {
        assert_eq!(probe_output(&path, Overwrite::No).unwrap_err().kind(), expected);
        assert_eq!(image.write_raw(&path, &WriteRawOptions::default()).unwrap_err().kind(), expected);
    }
    assert_eq!(source.0.load(Ordering::Relaxed), 0);
    probe_output(at("there"), Overwrite::Yes).unwrap();
    PackOptions::default().probe(at("new")).unwrap();
    assert!(!at("new").exists());
}

#[test]
fn unpacking_refuses_what_is_in_the_way_before_it_unpacks() {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("t.tar.gz");
    let template = Template::builder("W").image(disk(&noise(1, 1 << 20))).image_name("w.hddimage");
    template.build().unwrap().pack(&archive, &PackOptions::default()).unwrap();
    let out = folder.path().join("out");
    fs::create_dir(&out).unwrap();
    fs::write(out.join("w.hddimage"), "old").unwrap();
    let began = std::sync::Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&began);
    let control = vmtemplate::Control::on_progress(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
    });
    let options = UnpackOptions { control, ..UnpackOptions::default() };
    let error = unpack_archive(&archive, &out, &options).unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::AlreadyExists, Some(&*out.join("w.hddimage"))));
    assert_eq!(began.load(Ordering::Relaxed), 0, "nothing was unpacked by then");
    let only = UnpackOptions { only: vec!["metainfo.xml".into()], ..UnpackOptions::default() };
    unpack_archive(&archive, &out, &only).unwrap();
}

#[test]
fn a_stream_gets_every_byte_of_the_disk() {
    let bytes = sample_disk();
    let image = disk(&bytes);
    let keep = WriteRawOptions { free_space: FreeSpace::Keep, ..WriteRawOptions::default() };
    let mut written = Vec::new();
    let summary = image.write_raw_to(&mut written, &keep).unwrap();
    assert!(written == bytes);
    assert_eq!(summary.usage.total(), bytes.len() as u64);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("disk.raw");
    image.write_raw(&path, &WriteRawOptions::default()).unwrap();
    let mut written = Vec::new();
    let summary = image.write_raw_to(&mut written, &WriteRawOptions::default()).unwrap();
    assert!(written == fs::read(path).unwrap(), "free clusters are zeros in both");
    assert_eq!(summary.usage.total(), bytes.len() as u64);
}

#[cfg(unix)]
#[test]
fn a_block_device_is_written_to_if_it_is_large_enough_and_overwriting_is_asked_for() {
    if !is_root() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("device");
    fs::write(&file, noise(9, 2 << 20)).unwrap();
    let device = run("losetup", ["--find", "--show", file.to_str().unwrap()]).stdout;
    let device = Path::new(std::str::from_utf8(&device).unwrap().trim_end()).to_owned();
    let content = [noise(1, 4096), vec![0; (1 << 20) - 4096]].concat();
    let overwrite = WriteRawOptions { overwrite: Overwrite::Yes, ..WriteRawOptions::default() };
    let refused = disk(&content).write_raw(&device, &WriteRawOptions::default());
    let too_large = disk(&noise(2, 3 << 20)).write_raw(&device, &overwrite);
    let untouched = fs::read(&file).unwrap() == noise(9, 2 << 20);
    let written = disk(&content).write_raw(&device, &overwrite);
    let drive = InstallDrive::new(&Script::from_text("exit /b 0\r\n")).unwrap();
    let kept = drive.write(&device, Overwrite::No);
    run("losetup", ["--detach".as_ref(), device.as_os_str()]);
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(too_large.unwrap_err().kind(), ErrorKind::StorageFull);
    assert!(untouched);
    written.unwrap();
    assert!(fs::read(&file).unwrap()[..1 << 20] == content, "zeros are written, too");
    assert_eq!(kept.unwrap_err().kind(), ErrorKind::AlreadyExists);
}

#[cfg(unix)]
#[test]
fn a_script_is_private_once_values_were_put_in_whatever_is_done_with_it_then() {
    use std::os::unix::fs::MetadataExt;
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let mode = |name: &str| fs::metadata(at(name)).unwrap().mode() & 0o777;
    File::create(at("plain")).unwrap();
    let script = Script::from_text("net user Administrator ($PASS)\n");
    let values = MacroValues::new().with("PASS", "s3cret").unwrap();
    let rendered = script.render(&values, &RenderOptions::default()).unwrap();
    assert_eq!(rendered, Script::from_bytes(rendered.bytes()), "only the bytes count");
    script.write_file(at("script"), Overwrite::No).unwrap();
    rendered.write_file(at("rendered"), Overwrite::No).unwrap();
    rendered.to_windows().write_file(at("windows"), Overwrite::No).unwrap();
    let drive = InstallDrive::new(&rendered).unwrap();
    drive.write(at("drive"), Overwrite::No).unwrap();
    InstallDrive::read(at("drive")).unwrap().script().write_file(at("back"), Overwrite::No).unwrap();
    FirstRunKit::new().write_iso(at("iso"), Overwrite::No).unwrap();
    for (name, expected) in [
        ("script", mode("plain")),
        ("iso", mode("plain")),
        ("rendered", 0o600),
        ("windows", 0o600),
        ("drive", 0o600),
        ("back", 0o600),
    ] {
        assert_eq!(mode(name), expected, "{name}");
    }
}

/// A disk of the caller that is read from a file.
#[derive(Debug)]
struct Over(PathBuf);

impl DiskSource for Over {
    fn format(&self) -> &'static str {
        "over"
    }
    fn size(&self) -> u64 {
        4096
    }
    fn read_at(&self, buf: &mut [u8], _offset: u64) -> Result<()> {
        buf.fill(1);
        Ok(())
    }
    fn extent_at(&self, offset: u64) -> Result<Extent> {
        Ok(Extent { offset, length: self.size() - offset, kind: ExtentKind::Data })
    }
    fn files(&self) -> Vec<PathBuf> {
        vec![self.0.clone()]
    }
}

#[test]
fn a_file_that_is_read_is_no_output_and_any_other_is() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("base"), "base").unwrap();
    fs::write(at("other"), "other").unwrap();
    fs::hard_link(at("base"), at("linked")).unwrap();
    let image = DiskImage::from_source(Arc::new(Over(at("base"))));
    let raw = WriteRawOptions { overwrite: Overwrite::Yes, ..WriteRawOptions::default() };
    let pack = PackOptions { overwrite: Overwrite::Yes, ..PackOptions::default() };
    let script = at("setup.cmd");
    fs::write(&script, "net user Administrator ($PASS)\r\n").unwrap();
    let template =
        Template::builder("W").image(image.clone()).image_name("w.img").script_path(&script).build().unwrap();
    let values = MacroValues::new().with("PASS", "s3cret").unwrap();
    let rendered = template.render(&values, &RenderOptions::default()).unwrap();
    let drive = InstallDrive::new(&rendered.to_windows()).unwrap();
    for name in ["base", "linked"] {
        assert_eq!(image.write_raw(at(name), &raw).unwrap_err().kind(), ErrorKind::InvalidValue);
    }
    for name in ["base", "linked", "setup.cmd"] {
        let errors = [
            template.pack(at(name), &pack).unwrap_err(),
            rendered.write_file(at(name), Overwrite::Yes).unwrap_err(),
            drive.write(at(name), Overwrite::Yes).unwrap_err(),
        ];
        for error in errors {
            assert!(error.kind() == ErrorKind::InvalidValue && error.help().is_some(), "{error:#}");
            assert_eq!(error.path(), Some(&*at(name)));
        }
    }
    assert_eq!(fs::read(at("base")).unwrap(), b"base");
    drive.write(at("other"), Overwrite::Yes).unwrap();
    rendered.write_file(at("other"), Overwrite::Yes).unwrap();
    image.write_raw(at("other"), &raw).unwrap();
    template.pack(at("other"), &pack).unwrap();
    // A script may replace the file that it was read from, for example with other line ends.
    let own = Script::from_file(&script).unwrap();
    own.to_windows().write_file(&script, Overwrite::Yes).unwrap();
    // An archive may do so too: it is read completely before it is replaced.
    Template::open(at("other")).unwrap().pack(at("other"), &pack).unwrap();
}
