//! Compares results with their inputs.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use vmtemplate::DiskImage;
use vmtemplate::disk::FreeSpaceOptions;

use super::image::Mount;
use super::rivals::is_installed;

/// Reads a disk from start to end, either unchanged or with free clusters of its volumes as zeros.
pub(crate) fn reader(disk: &Path, skips_free_space: bool) -> impl Read {
    let mut disk = DiskImage::open(disk).unwrap();
    if skips_free_space {
        disk = disk.without_free_space(&FreeSpaceOptions::default()).unwrap().0;
    }
    DiskReader { disk, at: 0 }
}

struct DiskReader {
    disk: DiskImage,
    at: u64,
}

impl Read for DiskReader {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let count = buf.len().min((self.disk.size() - self.at) as usize);
        self.disk.read_at(&mut buf[..count], self.at).map_err(std::io::Error::other)?;
        self.at += count as u64;
        Ok(count)
    }
}

/// Fail unless both return the same bytes.
pub(crate) fn assert_same(mut one: impl Read, mut other: impl Read, what: &str) {
    let mut buffers = [vec![0; 1 << 18], vec![0; 1 << 18]];
    let mut at = 0_u64;
    loop {
        let first = fill(&mut one, &mut buffers[0]);
        let second = fill(&mut other, &mut buffers[1]);
        assert!(
            first == second && buffers[0][..first] == buffers[1][..second],
            "{what}: different content after {at}"
        );
        if first == 0 {
            return;
        }
        at += first as u64;
    }
}

fn fill(source: &mut impl Read, buffer: &mut [u8]) -> usize {
    let mut done = 0;
    while done < buffer.len() {
        match source.read(&mut buffer[done..]).unwrap() {
            0 => break,
            count => done += count,
        }
    }
    done
}

/// Fail unless GNU tar finds `disk` in `archive`. It is decompressed by the fastest installed gzip, not by vmtemplate.
pub(crate) fn assert_packed(archive: &Path, disk: &Path, skips_free_space: bool, what: &str) {
    let gzip = ["igzip", "pigz", "gzip"].into_iter().find(|name| is_installed(name)).unwrap();
    let mut gunzip = Command::new(gzip).arg("-dc").arg(archive).stdout(Stdio::piped()).spawn().unwrap();
    let mut tar = Command::new("tar")
        .args(["-xOf", "-", super::IMAGE])
        .stdin(gunzip.stdout.take().unwrap())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    assert_same(tar.stdout.take().unwrap(), reader(disk, skips_free_space), what);
    assert!(tar.wait().unwrap().success() && gunzip.wait().unwrap().success(), "{what}");
}

/// Fail unless all files of all NTFS volumes of two disks are the same, as ntfs-3g reads them.
///
/// Returns the number of files and bytes.
pub(crate) fn assert_same_files(one: &Path, other: &Path) -> (u64, u64) {
    let (_, report) = DiskImage::open(one).unwrap().without_free_space(&FreeSpaceOptions::default()).unwrap();
    let mut found = (0, 0);
    for volume in report.volumes {
        let mounts = [one, other].map(|disk| Mount::of_volume(disk, volume.offset, volume.length, "ro"));
        compare(&mounts[0].0, &mounts[1].0, &mut found);
    }
    assert!(found.0 > 0, "no volume with files was found");
    found
}

fn compare(one: &Path, other: &Path, found: &mut (u64, u64)) {
    let names = |folder: &Path| {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let all = names(one);
    assert_eq!(all, names(other), "other names in {}", one.display());
    for name in all {
        let (one, other) = (one.join(&name), other.join(&name));
        if one.is_dir() {
            compare(&one, &other, found);
        } else {
            found.0 += 1;
            found.1 += fs::metadata(&one).unwrap().len();
            assert_same(File::open(&one).unwrap(), File::open(&other).unwrap(), &one.display().to_string());
        }
    }
}

/// Read a file into the page cache, except its holes.
pub(crate) fn warm(path: &Path) {
    let disk = DiskImage::open_with(
        path,
        &vmtemplate::disk::OpenOptions {
            format: Some(vmtemplate::disk::ImageFormat::Raw),
            ..Default::default()
        },
    );
    let disk = disk.unwrap();
    let mut buffer = vec![0; 1 << 18];
    for extent in disk.extents().map(Result::unwrap).filter(|extent| extent.kind.must_be_read()) {
        let mut at = extent.offset;
        while at < extent.end() {
            let count = buffer.len().min((extent.end() - at) as usize);
            disk.read_at(&mut buffer[..count], at).unwrap();
            at += count as u64;
        }
    }
}
