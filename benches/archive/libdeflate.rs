//! Compares packing with libdeflate alone, and the compression levels with each other.

use vmtemplate::archive::Level;

use super::alone::Numbers;
use super::contents::warm;
use super::measure::run;
use super::report::{Report, progress};
use super::rivals::ours;
use super::settings::{Settings, remove};
use super::table::Table;

pub(crate) fn measure(settings: &Settings, report: &mut Report) {
    let disk = settings.disk.to_str().unwrap();
    let [level, threads] = [Level::DEFAULT.to_string(), settings.threads.to_string()];
    let archive = settings.fresh("alone.tar.gz");
    let mut best: Option<[[f64; 2]; 4]> = None;
    let (mut live, mut proof) = (0.0, f64::INFINITY);
    let mut bytes = [0.0; 2];
    for _ in 0..settings.rounds.runs {
        remove(&archive);
        warm(&settings.disk);
        let mut command = ours(&["pack"]);
        command.arg(&settings.folder).arg("-o").arg(&archive);
        let cost = run(vec![command], &archive);
        progress("vmtemplate pack", &cost);
        let alone = Numbers::of(&["compress", disk, &level, &threads]);
        let pair = |name: &str| [alone.get(&format!("{name}.wall")), alone.get(&format!("{name}.cpu"))];
        let now =
            [[cost.wall.as_secs_f64(), cost.cpu.as_secs_f64()], pair("reading"), pair("alone"), pair("crc")];
        best = Some(best.map_or(now, |before| {
            std::array::from_fn(|row| std::array::from_fn(|column| now[row][column].min(before[row][column])))
        }));
        proof = alone.get("proof").min(proof);
        live = alone.get("live");
        bytes = [archive.metadata().unwrap().len() as f64, alone.get("bytes")];
    }
    remove(&archive);
    let [ours, reading, alone, crc] = best.unwrap();
    let mut table =
        Table::new("live bytes to deflate", &["seconds", "CPU, s", "× alone", "CPU × alone", "result, MiB"]);
    let mib = |bytes: f64| Some(bytes / super::MIB as f64);
    for (name, is_ours, [wall, cpu], bytes) in [
        ("vmtemplate pack", true, ours, mib(bytes[0])),
        ("libdeflate, reading included", false, reading, mib(bytes[1])),
        ("libdeflate, all in memory", false, alone, mib(bytes[1])),
        ("CRC-32 of the same", false, crc, None),
    ] {
        table.row(
            name,
            is_ours,
            &[Some(wall), Some(cpu), Some(wall / alone[0]), Some(cpu / alone[1]), bytes],
        );
    }
    let text = format!(
        "The {:.0} MiB of live chunks, level {level}, on {threads} threads. vmtemplate also proves the \
         volume consistent before it leaves anything out ({proof:.3} s), writes the archive, and waits until the archive \
         is on the disk.",
        live / super::MIB as f64
    );
    report.section("Beside libdeflate alone", &text, &table);
}

pub(crate) fn levels(settings: &Settings, report: &mut Report) {
    let (disk, mib) = (settings.disk.to_str().unwrap(), if settings.quick { "8" } else { "256" });
    let found = Numbers::of(&["levels", disk, &settings.threads.to_string(), mib]);
    let sample = found.get("sample") / super::MIB as f64;
    let gzip = super::rivals::is_installed("gzip").then(|| found.get("gzip.bytes"));
    let mut table = Table::new("level", &["MB/s", "MB per CPU second", "ratio", "size / gzip -6"]);
    for level in 1..=12 {
        let get = |name: &str| found.get(&format!("{level}.{name}"));
        let megabytes = found.get("sample") / 1e6;
        table.row(
            level.to_string(),
            level == Level::DEFAULT.get(),
            &[
                Some(megabytes / get("wall")),
                Some(megabytes / get("cpu")),
                Some(found.get("sample") / get("bytes")),
                gzip.map(|gzip| get("bytes") / gzip),
            ],
        );
    }
    let text = format!(
        "{sample:.0} MiB of live chunks from all over the disk. The default is the fastest level whose output is no \
         larger than that of `gzip -6`."
    );
    report.section("Levels", &text, &table);
}
