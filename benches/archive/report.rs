//! The whole report: printed as it grows, written to the documentation when asked.

use std::fmt::Write as _;
use std::fs;

use super::measure::Cost;
use super::plot::svg;
use super::rivals::Contender;
use super::settings::Settings;
use super::table::Table;

pub(crate) struct Report {
    text: String,
    /// Tables for the plot, with the columns that are shown.
    pub plotted: Vec<(String, Table, &'static [usize])>,
}

impl Report {
    pub(crate) fn new(settings: &Settings) -> Self {
        let disk = match settings.size {
            Some(size) => format!(
                "A disk of {} MiB with one NTFS volume: {} MiB of executables and libraries (Windows files from wine \
                 first), and {} MiB of files that were deleted again. The rest was never written. The disk is a raw file \
                 with holes.",
                size.whole, size.live, size.deleted
            ),
            None => "A disk given by `BENCH_IMAGE`.".into(),
        };
        let about = format!(
            "{disk} {} threads. Each result is the best of {} alternating runs, or of as many as fit into {} seconds. All \
             input is in the page cache.",
            settings.threads,
            settings.rounds.runs,
            settings.rounds.budget.as_secs()
        );
        let text = format!("{}\n\n{}\n\n", wrapped(&about), wrapped(COLUMNS));
        print!("{text}");
        Self { text, plotted: Vec::new() }
    }

    pub(crate) fn section(&mut self, title: &str, text: &str, table: &Table) {
        self.paragraph(&format!("## {title}\n\n{}\n\n{}", wrapped(text), table.markdown()));
    }

    pub(crate) fn paragraph(&mut self, text: &str) {
        println!("{text}");
        let _ = writeln!(self.text, "{text}");
    }

    pub(crate) fn write(&self, settings: &Settings) {
        let Some(folder) = &settings.docs else { return };
        fs::create_dir_all(folder).unwrap();
        fs::write(
            folder.join("benchmarks.md"),
            format!("# Benchmarks\n\n{}\n\n{PLOT}\n\n{}\n", wrapped(HEAD), self.text.trim_end()),
        )
        .unwrap();
        let blocks: Vec<_> =
            self.plotted.iter().map(|(title, table, columns)| (title.clone(), table, *columns)).collect();
        fs::write(folder.join("benchmarks.svg"), svg(&blocks)).unwrap();
    }
}

/// Print the progress of the benchmark.
pub(crate) fn progress(name: &str, cost: &Cost) {
    let [wall, synced, cpu] = [cost.wall, cost.synced, cost.cpu].map(|time| time.as_secs_f64());
    eprintln!("    {name}: {wall:.2} s, on disk {synced:.2} s, CPU {cpu:.2} s, {} MiB", cost.peak >> 20);
}

const HEAD: &str = "`make bench` repeats these measurements on your machine, and `BENCH_DOCS=docs make bench` writes \
    this page and its plot. Compare numbers within a table only: they come from one run.";

const PLOT: &str = "![The tables as bars](benchmarks.svg)";

const COLUMNS: &str = "*Seconds* is the time until the last process of the pipeline ended. *On disk* is the time until \
    its output had also reached the disk; vmtemplate always waits for that, the others never do. *CPU* is the user and \
    system time of all processes. *Memory* is the sum of the peaks of the processes that run at the same time; a process \
    that needs less than the benchmark itself (a few MiB) counts as that much.";

/// The cost of a run, as the first columns of a table.
pub(crate) fn figures(cost: &Cost) -> Vec<Option<f64>> {
    let times = [cost.wall, cost.synced, cost.cpu].map(|time| Some(time.as_secs_f64()));
    times.into_iter().chain([Some(cost.peak as f64 / super::MIB as f64)]).collect()
}

/// Name the contenders that could not run.
pub(crate) fn missing(report: &mut Report, contenders: &[&Contender]) {
    for contender in contenders {
        let tool = contender.missing().unwrap_or_default();
        report.paragraph(&format!("Missing: `{}`, because {tool} is not installed.\n", contender.name));
    }
}

/// The words of `text` in lines of at most 120 characters.
fn wrapped(text: &str) -> String {
    let mut out = String::new();
    let mut length = 0;
    for word in text.split_whitespace() {
        let count = word.chars().count();
        if length > 0 {
            let fits = length + 1 + count <= 120;
            out.push(if fits { ' ' } else { '\n' });
            length = if fits { length + 1 } else { 0 };
        }
        out.push_str(word);
        length += count;
    }
    out
}
