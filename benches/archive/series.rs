//! Shows that the cost grows with the live bytes and not with the disk.

use std::fs;
use std::path::Path;

use super::contents::warm;
use super::image::{self, Files};
use super::measure::{Cost, run};
use super::report::{Report, figures, progress};
use super::rivals::ours;
use super::settings::{Settings, remove};
use super::table::Table;

pub(crate) fn measure(settings: &Settings, report: &mut Report) {
    let missing = image::missing();
    if !missing.is_empty() {
        return report.paragraph(&format!(
            "Missing: the series of disks, because of missing tools: {}.\n",
            missing.join(", ")
        ));
    }
    let part = match (settings.quick, settings.full_series) {
        (_, true) => 1,
        (false, false) => 4,
        (true, false) => 32,
    };
    let folder = settings.fresh("series");
    fs::create_dir(&folder).unwrap();
    let disk = folder.join(super::IMAGE);
    for name in &super::NAMES[..2] {
        fs::copy(settings.folder.join(name), folder.join(name)).unwrap();
    }

    let mut table = Table::new("alive", &COLUMNS);
    let whole = (64 << 10) / part;
    image::create(&disk, whole);
    let mut files = Files::find();
    for live in [1, 2, 4, 8].map(|gib| (gib << 10) / part) {
        image::grow(&disk, &mut files, live);
        let (cost, size) = pack(settings, &folder);
        progress(&format!("{live} MiB alive"), &cost);
        row(&mut table, live, &cost, size);
    }
    let text = format!("A disk of {} GiB that is filled step by step.", whole >> 10);
    report.section("A disk with more and more live data", &text, &table);

    let mut table = Table::new("in all", &COLUMNS);
    let live = 2048 / part;
    for whole in [8, 32, 128, 512].map(|gib| (gib << 10) / part) {
        remove(&disk);
        image::create(&disk, whole);
        image::grow(&disk, &mut Files::find(), live);
        let (cost, size) = pack(settings, &folder);
        progress(&format!("{whole} MiB in all"), &cost);
        row(&mut table, whole, &cost, size);
    }
    let text = format!(
        "Each disk has {live} MiB of live data. The archive grows because a mebibyte of zeros takes a kibibyte of \
         deflate. The time grows because an NTFS volume has a bit for each cluster, and the proof reads all of them."
    );
    report.section("The same live data in larger and larger disks", &text, &table);
    remove(&folder);
}

const COLUMNS: [&str; 5] = ["seconds", "on disk, s", "CPU, s", "memory, MiB", "archive, MiB"];

fn row(table: &mut Table, mib: u64, cost: &Cost, size: u64) {
    let mut values = figures(cost);
    values.push(Some(size as f64 / super::MIB as f64));
    let name = if mib >= 1024 { format!("{} GiB", mib >> 10) } else { format!("{mib} MiB") };
    table.row(name, true, &values);
}

fn pack(settings: &Settings, folder: &Path) -> (Cost, u64) {
    let archive = settings.work.join("series.tar.gz");
    let mut size = 0;
    let cost = settings.rounds.best(1, |_, _| {
        remove(&archive);
        warm(&folder.join(super::IMAGE));
        let mut command = ours(&["pack"]);
        command.arg(folder).arg("-o").arg(&archive);
        let cost = run(vec![command], &archive);
        size = archive.metadata().unwrap().len();
        cost
    });
    remove(&archive);
    (cost[0], size)
}
