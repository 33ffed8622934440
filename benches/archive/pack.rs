//! Packing.

use std::path::PathBuf;

use super::contents::{assert_packed, warm};
use super::measure::{Cost, run};
use super::report::{Report, figures, missing, progress};
use super::rivals::{Contender, PACKING};
use super::settings::{Settings, remove};
use super::table::Table;

/// Archives that are unpacked later.
pub(crate) struct Archives {
    pub ours: PathBuf,
    pub theirs: Option<PathBuf>,
}

impl Archives {
    pub(crate) fn remove(&self) {
        remove(&self.ours);
        self.theirs.iter().for_each(|path| remove(path));
    }
}

pub(crate) fn measure(settings: &Settings, report: &mut Report) -> Archives {
    // If only unpacking is measured, only the two archives are made.
    let wanted = |contender: &&Contender| {
        settings.does("pack") || contender.name == PACKING[0].name || contender.name == TAR
    };
    let (here, not_here): (Vec<_>, Vec<_>) =
        PACKING.iter().filter(wanted).partition(|contender| contender.missing().is_none());
    let archives: Vec<_> =
        (0..here.len()).map(|number| settings.fresh(&format!("pack-{number}.tar.gz"))).collect();
    let mut sizes = vec![0; here.len()];
    let costs = settings.rounds.best(here.len(), |number, round| {
        let (contender, archive) = (here[number], &archives[number]);
        remove(archive);
        warm(&settings.disk);
        let cost = run(contender.stages(&settings.folder, archive), archive);
        progress(contender.name, &cost);
        if round == 0 {
            sizes[number] = archive.metadata().unwrap().len();
            assert_packed(archive, &settings.disk, contender.skips_free_space, contender.name);
        }
        if number > 0 && contender.name != TAR {
            remove(archive);
        }
        cost
    });
    if settings.does("pack") {
        tell(report, &here, &costs, &sizes);
        missing(report, &not_here);
    }
    let theirs = here.iter().position(|contender| contender.name == TAR);
    Archives { ours: archives[0].clone(), theirs: theirs.map(|number| archives[number].clone()) }
}

const TAR: &str = "tar -czf";

fn tell(report: &mut Report, here: &[&Contender], costs: &[Cost], sizes: &[u64]) {
    let mut table = Table::new("packing", &COLUMNS);
    for ((contender, cost), &size) in here.iter().zip(costs).zip(sizes) {
        let mut values = figures(cost);
        values.push(Some(size as f64 / super::MIB as f64));
        for ours in &costs[..2] {
            values.push((!contender.is_ours).then(|| cost.wall.as_secs_f64() / ours.wall.as_secs_f64()));
        }
        table.row(contender.name, contender.is_ours, &values);
    }
    report.section(
        "Packing",
        "GNU tar unpacked every archive, and the result was compared with the disk, byte for byte; the first row was \
         compared with the disk with its free clusters set to zero. The last two columns show how many times longer each \
         tool takes than vmtemplate without the free space (skip) and with it (keep). `--sparse` leaves out the holes of \
         the disk, as `tar -S` does.",
        &table,
    );
    report.plotted.push(("Packing".into(), table, &[0, 2, 3, 4]));
}

const COLUMNS: [&str; 7] =
    ["seconds", "on disk, s", "CPU, s", "memory, MiB", "archive, MiB", "× skip", "× keep"];
