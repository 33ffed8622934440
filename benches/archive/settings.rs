//! What is measured, on which disk, and where.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, thread};

use vmtemplate::DiskImage;
use vmtemplate::disk::WriteRawOptions;

use super::image::{self, Size};
use super::measure::Rounds;
use super::rivals;

pub(crate) struct Settings {
    pub quick: bool,
    pub full_series: bool,
    pub docs: Option<PathBuf>,
    pub threads: usize,
    pub rounds: Rounds,
    only: Option<String>,
    /// The folder for all files.
    pub work: PathBuf,
    /// The template, ready to be packed.
    pub folder: PathBuf,
    /// The disk in it.
    pub disk: PathBuf,
    /// The size of the disk, or `None` for a disk given by `BENCH_IMAGE`.
    pub size: Option<Size>,
}

impl Settings {
    /// The settings with their disk, or the reason that it cannot be made.
    pub(crate) fn from_env() -> Result<Self, String> {
        let is_set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
        let number = |name: &str, default: u64| {
            env::var(name).map_or(Ok(default), |text| {
                text.parse().map_err(|_| format!("{name} is {text:?}; expected a whole number"))
            })
        };
        let ours = rivals::ours(&[]);
        if !Path::new(ours.get_program()).is_file() {
            return Err("the command is not built; `make bench` builds it".into());
        }
        let quick = is_set("BENCH_QUICK");
        let [whole, live, deleted] = if quick { [512, 40, 70] } else { [16 << 10, 1946, 3482] };
        let size = Size {
            whole: number("BENCH_WHOLE_MIB", whole)?,
            live: number("BENCH_LIVE_MIB", live)?,
            deleted: number("BENCH_DELETED_MIB", deleted)?,
        };
        let work = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("bench-archive");
        let folder = work.join("template");
        if folder.exists() {
            fs::remove_dir_all(&folder).unwrap();
        }
        fs::create_dir_all(&folder).unwrap();
        let disk = folder.join(super::IMAGE);
        let given = env::var_os("BENCH_IMAGE").map(PathBuf::from);
        if let Some(given) = &given {
            place_given(given, &disk)?;
        } else {
            let made = work.join(format!("windows-{}-{}-{}.raw", size.whole, size.live, size.deleted));
            if !made.exists() {
                let missing = image::missing();
                if !missing.is_empty() {
                    return Err(format!(
                        "making a disk needs {}, which is missing; BENCH_IMAGE=PATH gives one",
                        missing.join(", ")
                    ));
                }
                eprintln!(
                    "making a disk of {} MiB, {} alive, {} deleted",
                    size.whole, size.live, size.deleted
                );
                image::make(&made, size);
            }
            fs::hard_link(&made, &disk).unwrap();
        }
        fs::write(folder.join("metainfo.xml"), METAINFO).unwrap();
        fs::write(folder.join("windows.cmd"), "@echo off\r\nnet user Administrator ($PASS)\r\n").unwrap();
        Ok(Self {
            quick,
            full_series: is_set("BENCH_FULL_SERIES"),
            docs: env::var_os("BENCH_DOCS").map(PathBuf::from),
            threads: thread::available_parallelism().map_or(1, usize::from),
            rounds: Rounds {
                runs: number("BENCH_RUNS", if quick { 1 } else { 3 })? as usize,
                budget: Duration::from_secs(number("BENCH_BUDGET", 60)?),
            },
            only: env::var("BENCH_ONLY").ok(),
            work,
            folder,
            disk,
            size: given.is_none().then_some(size),
        })
    }

    pub(crate) fn does(&self, part: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only.split(',').any(|word| word == part))
    }

    /// A path for a new file or folder; an old one is removed.
    pub(crate) fn fresh(&self, name: &str) -> PathBuf {
        let path = self.work.join(name);
        remove(&path);
        path
    }
}

/// The given disk as a raw file in the template.
fn place_given(given: &Path, disk: &Path) -> Result<(), String> {
    let image = DiskImage::open(given).map_err(|error| error.to_string())?;
    if image.format() == "raw" && fs::hard_link(given, disk).is_ok() {
        return Ok(());
    }
    image.write_raw(disk, &WriteRawOptions::default()).map(drop).map_err(|error| error.to_string())
}

pub(crate) fn remove(path: &Path) {
    if path.is_dir() {
        fs::remove_dir_all(path).unwrap();
    } else if path.exists() {
        fs::remove_file(path).unwrap();
    }
    // The blocks of a large file are freed in the background, which should not slow down the next run.
    File::open(path.parent().unwrap()).unwrap().sync_all().unwrap();
}

const METAINFO: &str = "<?xml version=\"1.0\"?>\n<doc>\n  <osname>Windows-Server-2019</osname>\n  \
    <support>\n    <elem>VMmgr</elem>\n  </support>\n  <hddimage>disk.hddimage</hddimage>\n  \
    <type>ostemplate</type>\n  <installdrive>windows.cmd</installdrive>\n</doc>\n";
