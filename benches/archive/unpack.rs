//! Unpacking.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::contents::{assert_same, assert_same_files, reader, warm};
use super::measure::run;
use super::pack::Archives;
use super::report::{Report, figures, missing, progress};
use super::rivals::UNPACKING;
use super::settings::{Settings, remove};
use super::table::Table;

pub(crate) fn measure(settings: &Settings, archives: &Archives, report: &mut Report) {
    of(settings, &archives.ours, true, "an archive made by vmtemplate", report);
    if let Some(theirs) = &archives.theirs {
        of(settings, theirs, false, "an archive made by `tar -czf`", report);
    }
}

/// Run all contenders on one archive. `skips_free_space` says whether free clusters in it are zeros.
fn of(settings: &Settings, archive: &Path, skips_free_space: bool, what: &str, report: &mut Report) {
    let (here, not_here): (Vec<_>, Vec<_>) =
        UNPACKING.iter().partition(|contender| contender.missing().is_none());
    let mut space = vec![0; here.len()];
    let mut files = None;
    let costs = settings.rounds.best(here.len(), |number, round| {
        let contender = here[number];
        let folder = settings.fresh("unpacked");
        if !contender.is_ours {
            fs::create_dir(&folder).unwrap();
        }
        warm(archive);
        let cost = run(contender.stages(archive, &folder), &folder);
        progress(contender.name, &cost);
        if round == 0 {
            let image = folder.join(super::IMAGE);
            space[number] = fs::metadata(&image).unwrap().blocks() * 512;
            let expected = reader(&settings.disk, skips_free_space);
            assert_same(File::open(&image).unwrap(), expected, contender.name);
            if contender.is_ours && super::image::missing().is_empty() {
                files = Some(assert_same_files(&settings.disk, &image));
            }
        }
        remove(&folder);
        cost
    });
    let mut table = Table::new("unpacking", &COLUMNS);
    for ((contender, cost), &space) in here.iter().zip(&costs).zip(&space) {
        let mut values = figures(cost);
        values.push(Some(space as f64 / super::MIB as f64));
        values.push((!contender.is_ours).then(|| cost.wall.as_secs_f64() / costs[0].wall.as_secs_f64()));
        table.row(contender.name, contender.is_ours, &values);
    }
    let mut text = "Every unpacked disk was compared, byte for byte.".to_owned();
    if let Some((files, bytes)) = files {
        let _ = write!(
            text,
            " Its {files} files ({} MiB), read through ntfs-3g, are the same as those of the packed disk.",
            bytes >> 20
        );
    }
    let title = format!("Unpacking {what}");
    report.section(&title, &text, &table);
    missing(report, &not_here);
    report.plotted.push((title.replace('`', ""), table, &[0, 2, 3, 4]));
}

const COLUMNS: [&str; 6] = ["seconds", "on disk, s", "CPU, s", "memory, MiB", "space taken, MiB", "× ours"];
