//! Every format and variant that qemu-img makes, compared bit by bit with its `convert -O raw`, and with its map.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use vmtemplate::DiskImage;
use vmtemplate::disk::OpenOptions;
use vmtemplate_test_support::has_tool;

use super::tools::{Random, our_map, pattern, qemu_img, qemu_map, read_all, run, write_sparse};

const MIB: usize = 1 << 20;

struct Lab {
    folder: TempDir,
    options: OpenOptions,
}

impl Lab {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = OpenOptions { backing_files: Some(folder.path().to_owned()), ..OpenOptions::default() };
        Self { folder, options }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A raw disk of `size` bytes with the pattern.
    fn raw(&self, size: usize) -> PathBuf {
        let path = self.path(&format!("{size}.raw"));
        if !path.exists() {
            write_sparse(&path, &pattern(size));
        }
        path
    }

    /// An image of the pattern in another format.
    fn convert(&self, name: &str, words: &str, size: usize) -> PathBuf {
        let (raw, image) = (self.raw(size), self.path(name));
        qemu_img(&format!("convert -f raw {words} @ @"), &[&raw, &image]);
        image
    }

    fn open(&self, image: &Path) -> DiskImage {
        DiskImage::open_with(image, &self.options).unwrap()
    }

    /// Fail unless the image reads as with qemu-img, at once and in odd pieces, with the same map.
    fn compare(&self, image: &Path, format: &str) {
        self.compare_bytes(image, format);
        let (ours, theirs) = self.maps(image, format);
        self.no_more_is_read(image, format);
        let differ: Vec<_> = (0..ours.len()).filter(|&at| ours[at] != theirs[at]).collect();
        assert!(
            differ.is_empty(),
            "{}: {} sectors are zeros by our map only, the first is {}",
            image.display(),
            differ.len(),
            differ[0],
        );
    }

    /// The library's map may have more zeros than qemu-img's, but not fewer.
    fn no_more_is_read(&self, image: &Path, format: &str) {
        let (ours, theirs) = self.maps(image, format);
        let more = (0..ours.len()).filter(|&at| ours[at] && !theirs[at]).count();
        assert_eq!(more, 0, "{}: sectors that qemu-img knows to be zeros", image.display());
    }

    /// Like `compare`, for formats that qemu-img maps without the holes of the file (VHD) or not at all (VHDX): instead
    /// of comparing maps, fail if the library's map reports a block of zeros as data.
    fn compare_blocks(&self, image: &Path, format: &str, block: usize) {
        self.compare_bytes(image, format);
        self.no_more_is_read(image, format);
        let disk = self.open(image);
        let (bytes, map) = (read_all(&disk), our_map(&disk));
        for (index, (bytes, map)) in bytes.chunks(block).zip(map.chunks(block / 512)).enumerate() {
            assert!(
                bytes.iter().any(|&b| b != 0) || map.iter().all(|&data| !data),
                "{}: block {index} is zeros, but our map says data",
                image.display()
            );
        }
    }

    fn maps(&self, image: &Path, format: &str) -> (Vec<bool>, Vec<bool>) {
        let disk = self.open(image);
        (our_map(&disk), qemu_map(&format!("-f {format}"), image, disk.size()))
    }

    fn compare_bytes(&self, image: &Path, format: &str) {
        let disk = self.open(image);
        assert_eq!(disk.format(), format, "{}", image.display());
        let reference = self.path("reference.raw");
        qemu_img(&format!("convert -f {format} -O raw @ @"), &[image, &reference]);
        let reference = fs::read(&reference).unwrap();
        assert_eq!(disk.size(), reference.len() as u64, "{}", image.display());
        assert!(read_all(&disk) == reference, "{} differs from qemu-img", image.display());

        let mut random = Random(7);
        for _ in 0..200 {
            let at = random.below(disk.size());
            let length = (1 + random.below(100_000)).min(disk.size() - at) as usize;
            let at = at as usize;
            assert!(
                disk.read_vec(at as u64, length).unwrap() == reference[at..at + length],
                "at {at}, {length} bytes"
            );
        }
    }
}

#[test]
fn qcow2_of_every_cluster_size_version_and_compression_reads_as_qemu_reads_it() {
    if !has_tool("qemu-img") {
        return;
    }
    let lab = Lab::new();
    for bits in 9..=21 {
        let cluster = 1 << bits;
        let size = if bits > 16 { 12 * MIB } else { 5 * MIB + 512 };
        for (name, words) in [
            ("v3", "-O qcow2 -o compat=1.1"),
            ("v2", "-O qcow2 -o compat=0.10"),
            ("zlib", "-c -O qcow2 -o compat=1.1"),
            ("zstd", "-c -O qcow2 -o compat=1.1,compression_type=zstd"),
            ("extended", "-O qcow2 -o extended_l2=on"),
            ("extended-zlib", "-c -O qcow2 -o extended_l2=on"),
        ] {
            if name.starts_with("extended") && bits < 14 {
                continue; // not to be had
            }
            let join = if words.contains("-o ") { "," } else { " -o " };
            let image = lab.convert(
                &format!("{name}-{cluster}.qcow2"),
                &format!("{words}{join}cluster_size={cluster}"),
                size,
            );
            lab.compare(&image, "qcow2");
            fs::remove_file(image).unwrap();
        }
    }
}

#[test]
fn qcow2_of_every_preallocation_reads_as_qemu_reads_it() {
    if !has_tool("qemu-img") {
        return;
    }
    let lab = Lab::new();
    for mode in ["off", "metadata", "falloc", "full"] {
        for extended in ["off", "on"] {
            let words = format!("-O qcow2 -o preallocation={mode},extended_l2={extended}");
            let image = lab.convert(&format!("{mode}-{extended}.qcow2"), &words, 6 * MIB);
            lab.compare(&image, "qcow2");
        }
    }
}

/// Commands of qemu-io that write to an image, one after the other.
fn qemu_io(image: &Path, format: &str, commands: &[&str]) {
    let mut words = format!("-f {format}");
    let mut encoded = Vec::new();
    for command in commands {
        words.push_str(" -c @");
        encoded.push(PathBuf::from(command));
    }
    words.push_str(" @");
    let mut paths: Vec<&Path> = encoded.iter().map(PathBuf::as_path).collect();
    paths.push(image);
    run("qemu-io", &words, &paths);
}

#[test]
fn qcow2_with_zero_clusters_discards_and_a_snapshot_reads_as_its_current_state() {
    if !has_tool("qemu-io") {
        return;
    }
    let lab = Lab::new();
    for options in ["", ",extended_l2=on", ",lazy_refcounts=on"] {
        let image = lab.convert("live.qcow2", &format!("-O qcow2 -o compat=1.1{options}"), 6 * MIB);
        qemu_img("snapshot -c before @", &[&image]);
        qemu_io(
            &image,
            "qcow2",
            &[
                "write -P 7 1234432 70144",
                "write -z 131072 262144",
                "write -z -u 524288 65536",
                "discard 1048576 131072",
                "write -P 9 6291000 456",
            ],
        );
        qemu_img("snapshot -c after @", &[&image]);
        qemu_io(&image, "qcow2", &["write -P 1 200704 512", "write -z 3000832 4096"]);
        lab.compare(&image, "qcow2");
    }
}

#[test]
fn a_chain_of_three_with_a_short_base_reads_as_qemu_reads_it() {
    if !has_tool("qemu-io") {
        return;
    }
    let lab = Lab::new();
    for (base_format, options) in
        [("raw", ""), ("qcow2", ""), ("qcow2", ",extended_l2=on"), ("vmdk", ""), ("vpc", ""), ("vhdx", "")]
    {
        let base = lab.path("base.img");
        let raw = lab.raw(4 * MIB + 512);
        let force = if base_format == "vpc" { "-o force_size=on" } else { "" };
        qemu_img(&format!("convert -f raw -O {base_format} {force} @ @"), &[&raw, &base]);
        let (middle, top) = (lab.path("middle.qcow2"), lab.path("top.qcow2"));
        // A relative name and an absolute one.
        qemu_img(
            &format!("create -q -f qcow2 -b base.img -F {base_format} -o cluster_size=4096 @ 6M"),
            &[&middle],
        );
        qemu_io(&middle, "qcow2", &["write -P 3 65536 300000", "write -z 1048576 65536"]);
        let cluster = if options.is_empty() { ",cluster_size=65536" } else { ",cluster_size=16384" };
        qemu_img(
            &format!("create -q -f qcow2 -o backing_file=@,backing_fmt=qcow2{cluster}{options} @ 8M"),
            &[&middle, &top],
        );
        qemu_io(
            &top,
            "qcow2",
            &["write -P 4 100000 5", "write -z 2097152 524288", "write -P 5 7340032 1000"],
        );
        if matches!(base_format, "vpc" | "vhdx") {
            lab.compare_bytes(&top, "qcow2");
            lab.no_more_is_read(&top, "qcow2");
        } else {
            lab.compare(&top, "qcow2");
        }
    }
}

#[test]
fn clusters_in_an_external_data_file_read_as_qemu_reads_them() {
    if !has_tool("qemu-io") {
        return;
    }
    let lab = Lab::new();
    for raw in ["off", "on"] {
        let image = lab.path("outside.qcow2");
        let data = lab.path("outside.data");
        qemu_img(&format!("create -q -f qcow2 -o data_file=@,data_file_raw={raw} @ 6M"), &[&data, &image]);
        // The cluster at offset 0 of the data file is valid too.
        qemu_io(
            &image,
            "qcow2",
            &["write -P 6 0 1000", "write -P 8 2000000 200000", "write -z 65536 131072"],
        );
        lab.compare_bytes(&image, "qcow2");
        // With data_file_raw, qemu-img reports the whole disk as data; the library sees the holes of the data file.
        lab.no_more_is_read(&image, "qcow2");
    }
}

#[test]
fn vhd_fixed_and_dynamic_reads_as_qemu_reads_it() {
    if !has_tool("qemu-img") {
        return;
    }
    let lab = Lab::new();
    for size in [3 * MIB, 9 * MIB + 512, 40 * MIB] {
        for kind in ["fixed", "dynamic"] {
            for force in ["", ",force_size=on"] {
                let image =
                    lab.convert(&format!("{kind}.vhd"), &format!("-O vpc -o subformat={kind}{force}"), size);
                if kind == "fixed" {
                    lab.compare(&image, "vpc");
                } else {
                    lab.compare_blocks(&image, "vpc", 2 * MIB);
                }
            }
        }
    }
    let image = lab.convert("live.vhd", "-O vpc -o subformat=dynamic", 9 * MIB);
    qemu_io(&image, "vpc", &["write -P 7 4193792 5000", "write -P 9 0 512"]);
    lab.compare_blocks(&image, "vpc", 2 * MIB);
}

#[test]
fn vhdx_fixed_and_dynamic_reads_as_qemu_reads_it() {
    if !has_tool("qemu-img") {
        return;
    }
    let lab = Lab::new();
    for kind in ["fixed", "dynamic"] {
        for block_mib in [1, 2, 8, 256] {
            for zeros in ["on", "off"] {
                let words = format!(
                    "-O vhdx -o subformat={kind},block_size={},block_state_zero={zeros}",
                    block_mib * MIB
                );
                let image = lab.convert("a.vhdx", &words, 11 * MIB + 512);
                lab.compare_blocks(&image, "vhdx", block_mib * MIB);
            }
        }
    }
    let image = lab.convert("live.vhdx", "-O vhdx -o subformat=dynamic,block_size=1M", 9 * MIB);
    qemu_io(&image, "vhdx", &["write -P 7 4193792 5000", "write -P 9 0 512"]);
    lab.compare_blocks(&image, "vhdx", MIB);
}

#[test]
fn vmdk_of_every_subformat_reads_as_qemu_reads_it() {
    if !has_tool("qemu-img") {
        return;
    }
    let lab = Lab::new();
    for kind in [
        "monolithicSparse",
        "monolithicFlat",
        "twoGbMaxExtentSparse",
        "twoGbMaxExtentFlat",
        "streamOptimized",
    ] {
        for zeroed in ["off", "on"] {
            if zeroed == "on" && !kind.ends_with("Sparse") {
                continue; // a matter of sparse extents
            }
            for size in [5 * MIB + 512, 40 * MIB] {
                let words = format!("-O vmdk -o subformat={kind},zeroed_grain={zeroed}");
                let image = lab.convert(&format!("{kind}.vmdk"), &words, size);
                lab.compare(&image, "vmdk");
            }
            if kind.ends_with("Sparse") {
                let image = lab.path(&format!("{kind}.vmdk"));
                qemu_io(
                    &image,
                    "vmdk",
                    &["write -P 7 4193792 5000", "write -P 9 0 512", "write -z 65536 131072"],
                );
                lab.compare(&image, "vmdk");
            }
        }
    }
}

#[test]
fn a_vmdk_in_pieces_of_two_gigabytes_is_one_disk() {
    if !has_tool("qemu-io") {
        return;
    }
    let lab = Lab::new();
    for kind in ["twoGbMaxExtentSparse", "twoGbMaxExtentFlat"] {
        let image = lab.path(&format!("{kind}.vmdk"));
        qemu_img(&format!("create -q -f vmdk -o subformat={kind} @ 5G"), &[&image]);
        let boundary = 2_u64 << 30;
        qemu_io(
            &image,
            "vmdk",
            &[&format!("write -P 7 {} 131072", boundary - 65536), "write -P 8 5368643584 512"],
        );
        let disk = lab.open(&image);
        assert_eq!(disk.size(), 5 << 30);
        assert!(disk.read_vec(boundary - 65536, 131_072).unwrap().iter().all(|&b| b == 7));
        assert_eq!(disk.read_vec(5_368_643_584 - 1, 514).unwrap(), [&[0][..], &[8; 512], &[0]].concat());
        assert_eq!(our_map(&disk), qemu_map("-f vmdk", &image, disk.size()));
    }
}
