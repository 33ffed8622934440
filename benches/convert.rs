//! Compares `write_raw` and the extent map with qemu-img, on the same images in one run. Results are compared byte for
//! byte, except for a volume whose free space is left out, which has its own table.
//!
//! `cargo bench --bench convert [-- MIB]`: the size of the disk, 1024 MiB by default. Each number is the best of three;
//! `-t writeback` makes `qemu-img` flush its output to the disk, as `write_raw` does.

#![allow(clippy::unwrap_used)] // a bench that cannot run has nothing else to do

use std::path::Path;
use std::process::Command;
use std::time::Instant;
use std::{env, fs, io::Write};

use vmtemplate::DiskImage;
use vmtemplate::disk::{FreeSpace, WriteRawOptions};
use vmtemplate::output::Overwrite;

fn qemu_img(words: &[&str], paths: &[&Path]) -> Vec<u8> {
    let output = Command::new("qemu-img").args(words).args(paths).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// The best of three, in milliseconds.
fn best(mut work: impl FnMut()) -> f64 {
    (0..3)
        .map(|_| {
            let begun = Instant::now();
            work();
            begun.elapsed().as_secs_f64() * 1e3
        })
        .fold(f64::INFINITY, f64::min)
}

/// Half data that packs to about a half, half holes, in stretches of 3 MiB.
fn make_disk(path: &Path, mib: u64) {
    let mut file = fs::File::create(path).unwrap();
    let (mut state, mut part) = (1_u64, vec![0; 3 << 20]);
    file.set_len(mib << 20).unwrap();
    for index in (0..mib / 3).step_by(2) {
        for byte in &mut part {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            *byte = (state >> 60) as u8;
        }
        std::io::Seek::seek(&mut file, std::io::SeekFrom::Start((index * 3) << 20)).unwrap();
        file.write_all(&part).unwrap();
    }
}

fn main() {
    if Command::new("qemu-img").arg("--version").output().is_err() {
        eprintln!("SKIPPED convert: qemu-img is not installed");
        return;
    }
    let mib = env::args().find_map(|word| word.parse().ok()).unwrap_or(1024);
    let folder = tempfile::tempdir_in(env::var_os("TMPDIR").unwrap_or_else(|| "/var/tmp".into())).unwrap();
    let path = |name: &str| folder.path().join(name);
    let (source, image, ours, theirs) = (path("disk"), path("image"), path("ours"), path("theirs"));
    make_disk(&source, mib);

    println!("{mib} MiB, half of it data; milliseconds, and the ratio of vmtemplate to qemu-img");
    println!(
        "{:<18} {:>9} {:>9} {:>6}   {:>9} {:>9} {:>6}",
        "", "convert", "qemu-img", "", "map", "qemu-img", ""
    );
    for (name, words) in [
        ("raw", "-O raw"),
        ("qcow2", "-O qcow2"),
        ("qcow2 zlib", "-c -O qcow2"),
        ("qcow2 zstd", "-c -O qcow2 -o compression_type=zstd"),
        ("qcow2 4 KiB", "-O qcow2 -o cluster_size=4096"),
        ("vhdx", "-O vhdx"),
        ("vhd", "-O vpc -o force_size=on"),
        ("vmdk", "-O vmdk"),
        ("vmdk stream", "-O vmdk -o subformat=streamOptimized"),
    ] {
        let words: Vec<_> = ["convert", "-f", "raw"].into_iter().chain(words.split(' ')).collect();
        qemu_img(&words, &[&source, &image]);
        let disk = DiskImage::open(&image).unwrap();
        let format = disk.format();
        let options = WriteRawOptions { overwrite: Overwrite::Yes, ..WriteRawOptions::default() };
        let convert = best(|| assert_eq!(disk.write_raw(&ours, &options).unwrap().size, disk.size()));
        let qemu_convert = best(|| {
            qemu_img(&["convert", "-t", "writeback", "-f", format, "-O", "raw"], &[&image, &theirs]);
        });
        let same = Command::new("cmp").args([&ours, &theirs]).status().unwrap();
        assert!(same.success(), "{name}: the results differ");
        let map = best(|| assert!(DiskImage::open(&image).unwrap().extents().all(|extent| extent.is_ok())));
        let qemu_map = best(|| drop(qemu_img(&["map", "--output=json", "-f", format], &[&image])));
        println!(
            "{name:<18} {convert:>9.0} {qemu_convert:>9.0} {:>6.2}   {map:>9.2} {qemu_map:>9.2} {:>6.2}",
            convert / qemu_convert,
            map / qemu_map
        );
        fs::remove_file(&ours).unwrap();
        fs::remove_file(&theirs).unwrap();
        fs::remove_file(&image).unwrap();
    }
    free_space(folder.path(), mib);
}

/// An NTFS volume of which only a part is live: vmtemplate without and with free space, compared with qemu-img.
fn free_space(folder: &Path, mib: u64) {
    let [volume, mount, ours, theirs] = ["volume", "mount", "ours", "theirs"].map(|name| folder.join(name));
    let run = |program: &str, words: &[&str], path: &Path| {
        Command::new(program).args(words).arg(path).output().is_ok_and(|output| output.status.success())
    };
    println!(
        "\nan NTFS volume of {mib} MiB, full of deleted files; milliseconds, and the ratio of vmtemplate to qemu-img"
    );
    println!("{:<18} {:>9} {:>9} {:>9} {:>6} {:>6}", "", "skip", "keep", "qemu-img", "skip", "keep");
    for eighths in [1, 2, 4, 6] {
        fs::File::create(&volume).unwrap().set_len(mib << 20).unwrap();
        fs::create_dir_all(&mount).unwrap();
        if !run("mkntfs", &["--quick", "--quiet", "--force"], &volume)
            || !run("ntfs-3g", &[volume.to_str().unwrap()], &mount)
        {
            eprintln!("SKIPPED free space: it needs mkntfs, ntfs-3g, and a user with permission to mount");
            return;
        }
        let files = mib * 7 / 8 / 4;
        for number in 0..files {
            make_disk(&mount.join(number.to_string()), 4);
            // Data everywhere: `make_disk` leaves a hole at the end.
            fs::OpenOptions::new()
                .write(true)
                .open(mount.join(number.to_string()))
                .unwrap()
                .set_len(3 << 20)
                .unwrap();
        }
        for number in (0..files).filter(|number| number % 8 >= eighths) {
            fs::remove_file(mount.join(number.to_string())).unwrap();
        }
        assert!(run("umount", &[], &mount));
        let disk = DiskImage::open(&volume).unwrap();
        let mut read = 0;
        let mut write = |free_space| {
            let options =
                WriteRawOptions { overwrite: Overwrite::Yes, free_space, ..WriteRawOptions::default() };
            best(|| read = disk.write_raw(&ours, &options).unwrap().usage.read())
        };
        let keep = write(FreeSpace::Keep);
        let skip = write(FreeSpace::Skip);
        let qemu = best(|| {
            qemu_img(&["convert", "-t", "writeback", "-f", "raw", "-O", "raw"], &[&volume, &theirs]);
        });
        let name = format!("{} MiB live", read >> 20);
        println!("{name:<18} {skip:>9.0} {keep:>9.0} {qemu:>9.0} {:>6.2} {:>6.2}", skip / qemu, keep / qemu);
        fs::remove_file(&volume).unwrap();
    }
}
