//! Compares packing and unpacking of a realistic disk with the usual tools, on the same work in one run.
//!
//! Run `cargo bench --bench archive` after `cargo build --release -p vmtemplate-cli`: the command `vmtemplate` is
//! measured as a process, like the other tools. `make bench` does both. Environment variables control it:
//!
//! | variable | effect |
//! | --- | --- |
//! | `BENCH_QUICK=1` | a disk of half a GiB and short series, each once: about a minute |
//! | `BENCH_IMAGE=PATH` | use this disk, in any format, instead of making one |
//! | `BENCH_WHOLE_MIB`, `BENCH_LIVE_MIB`, `BENCH_DELETED_MIB` | sizes of the disk that is made |
//! | `BENCH_RUNS=N` | the best of N alternating runs, 3 by default |
//! | `BENCH_BUDGET=SECONDS` | a tool that has used this time is not run again, 60 by default |
//! | `BENCH_ONLY=pack,unpack,…` | only these parts: `pack`, `unpack`, `alone`, `levels`, `inspect`,
//! | | `check`, `series` |
//! | `BENCH_FULL_SERIES=1` | series of 1 to 8 GiB of live data and 8 to 512 GiB in all, not a quarter of that |
//! | `BENCH_DOCS=FOLDER` | writes benchmarks.md and benchmarks.svg there |
//!
//! Disks are kept in the target folder for the next run. Every result is compared with the input.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a bench that cannot run has nothing else to do
#![allow(clippy::cast_precision_loss)] // numbers for human readers
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod alone;
mod check;
mod contents;
mod image;
mod inspect;
mod libdeflate;
mod measure;
mod pack;
mod plot;
mod report;
mod rivals;
mod series;
mod settings;
mod table;
mod unpack;

use report::Report;
use settings::Settings;

const MIB: u64 = 1 << 20;

/// The files of a template, in the order that vmtemplate packs them in.
const NAMES: [&str; 3] = ["metainfo.xml", "windows.cmd", IMAGE];
const IMAGE: &str = "disk.hddimage";

fn main() {
    let words: Vec<String> = std::env::args().collect();
    if let Some(at) = words.iter().position(|word| word == "alone") {
        return alone::main(&words[at + 1..]);
    }
    let settings = match Settings::from_env() {
        Ok(settings) => settings,
        Err(why) => return eprintln!("SKIPPED archive: {why}"),
    };
    let mut report = Report::new(&settings);
    if settings.does("pack") || settings.does("unpack") {
        let archives = pack::measure(&settings, &mut report);
        if settings.does("unpack") {
            unpack::measure(&settings, &archives, &mut report);
        }
        archives.remove();
    }
    if settings.does("alone") {
        libdeflate::measure(&settings, &mut report);
    }
    if settings.does("levels") {
        libdeflate::levels(&settings, &mut report);
    }
    if settings.does("inspect") {
        inspect::measure(&settings, &mut report);
    }
    if settings.does("check") {
        check::measure(&settings, &mut report);
    }
    if settings.does("series") {
        series::measure(&settings, &mut report);
    }
    report.write(&settings);
}
