//! Printing: errors, progress, sizes, data.

use std::error::Error as _;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::sync::OnceLock;
use std::time::Duration;

use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use serde::Serialize;
use vmtemplate::{CancelToken, Control, Error, FreeSpaceReport, PackSummary, Result};

/// The error on standard error: every problem, the chain of causes, how to mend it.
pub(crate) fn error(error: &Error) {
    let mut text = format!("error: {error}\n");
    if error.problems().len() > 1 {
        for problem in error.problems() {
            let _ = writeln!(text, "  - {problem}");
            describe(&mut text, problem, "    ");
        }
    } else if let [problem] = error.problems() {
        describe(&mut text, problem, "  ");
    }
    describe(&mut text, error, "  ");
    // Nobody is left to tell when standard error is closed.
    let _ = io::stderr().write_all(text.as_bytes());
}

fn describe(text: &mut String, error: &Error, indent: &str) {
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = writeln!(text, "{indent}caused by: {error}");
        cause = error.source();
    }
    if let Some(help) = error.help() {
        let _ = writeln!(text, "{indent}help: {help}");
    }
}

/// Text on standard output. A reader that has gone away (`| head`) is no failure.
pub(crate) fn print(text: &[u8]) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done.map_err(|error| Error::io("cannot write to standard output", error)),
    }
}

pub(crate) fn print_json(data: &impl Serialize) -> Result<()> {
    let json =
        serde_json::to_string_pretty(data).map_err(|error| Error::io("cannot write JSON", error.into()))?;
    print(format!("{json}\n").as_bytes())
}

/// What packing did, in one or two lines or as JSON.
pub(crate) fn packed(path: &std::path::Path, summary: &PackSummary, json: bool) -> Result<()> {
    if json {
        return print_json(summary);
    }
    let mut text = format!("{}: {}\n", path.display(), HumanBytes(summary.archive_bytes));
    let _ = write!(
        text,
        "  {} of files, {} read",
        HumanBytes(summary.content_bytes),
        HumanBytes(summary.data_read)
    );
    for (bytes, what) in [(summary.holes, "holes"), (summary.free, "free space")] {
        if bytes > 0 {
            let _ = write!(text, ", {} left out as {what}", HumanBytes(bytes));
        }
    }
    if summary.zeros_found > 0 {
        let _ = write!(text, " ({} of it zeros)", HumanBytes(summary.zeros_found));
    }
    text.push('\n');
    text.push_str(&kept(&summary.free_space));
    print(text.as_bytes())
}

/// Why the free space of a volume is not left out, a line each.
pub(crate) fn kept(report: &FreeSpaceReport) -> String {
    let mut text = String::new();
    if let Some(damage) = &report.table_damage {
        let _ = writeln!(text, "  note: no volume was looked for: {damage}");
    }
    for volume in &report.volumes {
        if let Some(kept) = &volume.kept {
            let place = volume
                .partition
                .map_or_else(|| "the disk".to_owned(), |number| format!("partition {number}"));
            let _ = writeln!(text, "  note: the free space of {place} is kept: {}", kept.detail);
        }
    }
    text
}

/// What Ctrl-C throws.
static INTERRUPT: OnceLock<CancelToken> = OnceLock::new();

/// A bar on the terminal, and nothing where there is none. Ctrl-C cancels, so that nothing is left half-written.
pub(crate) struct Watch {
    bar: ProgressBar,
    control: Control,
}

impl Watch {
    pub(crate) fn start(what: &'static str) -> Self {
        let bar = ProgressBar::new(0);
        let style =
            ProgressStyle::with_template("{msg} {bar:30} {percent:>3}%  {bytes}/{total_bytes}  {eta}");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        bar.set_message(what);
        bar.enable_steady_tick(Duration::from_millis(200));
        let mut control = Control::on_progress({
            let bar = bar.clone();
            move |progress| {
                bar.set_length(progress.total);
                bar.set_position(progress.bytes);
            }
        });
        // One switch for all that a command does in turn: checking, then packing.
        control.cancel = INTERRUPT
            .get_or_init(|| {
                let cancel = CancelToken::new();
                let handled = cancel.clone();
                // Without a handler Ctrl-C still ends the program; then only the temporary file stays.
                ctrlc::set_handler(move || handled.cancel()).ok();
                cancel
            })
            .clone();
        Self { bar, control }
    }

    pub(crate) fn control(&self) -> Control {
        self.control.clone()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Text of an image, an archive or a server as it is printed: what could steer a terminal is escaped. Backslashes and
/// quotes stand as they are, so that a path of Windows can be copied.
pub(crate) fn shown(text: &str) -> String {
    text.split_inclusive(['\\', '"', '\'']).fold(String::new(), |mut shown, part| {
        let plain = part.trim_end_matches(['\\', '"', '\'']);
        shown.extend(plain.escape_debug());
        shown.push_str(&part[plain.len()..]);
        shown
    })
}
