//! Printing: errors, progress, sizes, data.

use std::error::Error as _;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use serde::Serialize;
use vmtemplate::archive::PackSummary;
use vmtemplate::disk::{FreeSpaceReport, VolumeFreeSpace};
use vmtemplate::progress::CancelToken;
use vmtemplate::{Control, Error, Result};

use crate::streams::is_stream;

/// Print an error to standard error: every problem, its chain of causes, and how to fix it.
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
    // If standard error is closed, there is no place left to report to.
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

/// Print text about an output: to standard error if the output itself goes to standard output.
fn print_beside(output: &Path, text: &str) -> Result<()> {
    if is_stream(output) {
        // If standard error is closed, there is no place left to report to.
        let _ = io::stderr().write_all(text.as_bytes());
        return Ok(());
    }
    print(text.as_bytes())
}

/// Print small data to standard output, or call `write` with the file to write it to.
pub(crate) fn print_or_write(
    output: Option<&Path>,
    bytes: &[u8],
    write: impl FnOnce(&Path) -> Result<()>,
) -> Result<()> {
    match output {
        Some(output) if !is_stream(output) => write(output),
        _ => print(bytes),
    }
}

/// Print what was written to `output`: as JSON, or as `text`.
pub(crate) fn summary(
    output: &Path,
    json: bool,
    summary: &impl Serialize,
    text: impl FnOnce() -> String,
) -> Result<()> {
    print_beside(output, &if json { to_json(summary)? } else { text() })
}

/// The name of an output in messages.
pub(crate) fn name(output: &Path) -> String {
    if is_stream(output) { "standard output".to_owned() } else { output.display().to_string() }
}

/// Print to standard output. If the reader has closed the pipe (`| head`), that is not an error.
pub(crate) fn print(text: &[u8]) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done.map_err(|error| Error::io("cannot write to standard output", error)),
    }
}

pub(crate) fn print_json(data: &impl Serialize) -> Result<()> {
    print(to_json(data)?.as_bytes())
}

/// The maximum number of file names that are printed.
const MAX_NAMES: usize = 20;

fn to_json(data: &impl Serialize) -> Result<String> {
    let json =
        serde_json::to_string_pretty(data).map_err(|error| Error::io("cannot write JSON", error.into()))?;
    Ok(json + "\n")
}

/// What was packed, in one or two lines and its notes.
pub(crate) fn packed(output: &Path, summary: &PackSummary) -> String {
    let mut text = format!("{}: {}\n", name(output), HumanBytes(summary.archive_bytes));
    let _ = write!(
        text,
        "  {} of files, {} read",
        HumanBytes(summary.content_bytes),
        HumanBytes(summary.usage.read())
    );
    for (bytes, what) in [(summary.usage.holes, "holes"), (summary.usage.free, "free space")] {
        if bytes > 0 {
            let _ = write!(text, ", {} left out as {what}", HumanBytes(bytes));
        }
    }
    if summary.usage.zeros > 0 {
        let _ = write!(text, " ({} of it zeros)", HumanBytes(summary.usage.zeros));
    }
    text.push('\n');
    text.push_str(&kept(&summary.free_space));
    for name in &summary.missing {
        let _ = writeln!(text, "  note: metainfo.xml names it, but it does not exist: {}", shown(name));
    }
    for name in summary.left_behind.iter().take(MAX_NAMES) {
        let _ = writeln!(text, "  note: left behind, metainfo.xml does not name it: {}", shown(name));
    }
    if let more @ 1.. = summary.left_behind.len().saturating_sub(MAX_NAMES) {
        let _ = writeln!(text, "  note: {more} more files were left behind; --json lists them");
    }
    text
}

/// A line for each volume whose free space is kept, with the reason, and for each that loses shadow copies.
pub(crate) fn kept(report: &FreeSpaceReport) -> String {
    let mut text = String::new();
    if let Some(damage) = &report.table_damage {
        let _ = writeln!(text, "  note: volumes were not searched for: {damage}");
    }
    for volume in &report.volumes {
        let place =
            volume.partition.map_or_else(|| "the disk".to_owned(), |number| format!("partition {number}"));
        if let Some(kept) = &volume.kept {
            let _ = writeln!(text, "  note: the free space of {place} is kept: {}", kept.detail);
        }
        if volume.shadow_copies > 0 {
            let _ = writeln!(text, "  note: {}", shadow_copies(volume, &place));
        }
    }
    text
}

/// What happens to the shadow copies of a volume.
fn shadow_copies(volume: &VolumeFreeSpace, place: &str) -> String {
    let (count, copies) = match volume.shadow_copies {
        1 => (1, "shadow copy"),
        count => (count, "shadow copies"),
    };
    let fate = if volume.kept.is_some() { "packed with it" } else { "incomplete without the free space" };
    format!(
        "{place} holds {count} {copies}, {fate}; to remove them, run in the virtual machine: vssadmin delete shadows /all"
    )
}

/// Cancelled by Ctrl-C.
static INTERRUPT: OnceLock<CancelToken> = OnceLock::new();

/// A progress bar, if standard error is a terminal. Ctrl-C cancels the work, so that no partial file is left.
pub(crate) struct Watch {
    bar: ProgressBar,
    control: Control,
    _ticker: Option<Ticker>,
}

/// Draws the bar while no progress is reported. The ticker of indicatif panics if it cannot start a thread.
struct Ticker {
    /// Dropping it ends the thread.
    _stop: Sender<()>,
}

impl Ticker {
    fn start(bar: &ProgressBar) -> Option<Self> {
        if bar.is_hidden() {
            return None;
        }
        let (stop, stopped) = channel::<()>();
        let bar = bar.downgrade();
        let draw = move || {
            while stopped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout)
                && let Some(bar) = bar.upgrade()
            {
                bar.tick();
            }
        };
        thread::Builder::new().name("progress".into()).spawn(draw).ok().map(|_| Self { _stop: stop })
    }
}

const TICK: Duration = Duration::from_millis(200);

impl Watch {
    pub(crate) fn start(what: &'static str) -> Self {
        let bar = ProgressBar::new(0);
        let style =
            ProgressStyle::with_template("{msg} {bar:30} {percent:>3}%  {bytes}/{total_bytes}  {eta}");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        bar.set_message(what);
        let mut control = Control::on_progress({
            let bar = bar.clone();
            move |progress| {
                bar.set_length(progress.total);
                bar.set_position(progress.bytes);
            }
        });
        // One token for all steps of a command, such as checking and then packing.
        control.cancel = INTERRUPT
            .get_or_init(|| {
                let cancel = CancelToken::new();
                let handled = cancel.clone();
                // Without a handler, Ctrl-C still ends the program and leaves only a temporary file. If no thread can
                // be started, a handler would swallow the signal, so none is installed.
                if let Ok(thread) = thread::Builder::new().spawn(|| ()) {
                    thread.join().ok();
                    ctrlc::set_handler(move || {
                        handled.cancel();
                        end_soon();
                    })
                    .ok();
                }
                cancel
            })
            .clone();
        let ticker = Ticker::start(&bar);
        Self { bar, control, _ticker: ticker }
    }

    pub(crate) fn control(&self) -> Control {
        self.control.clone()
    }
}

/// The time that a command has for cleaning up after the first signal.
const GRACE: Duration = Duration::from_secs(5);

/// End the process after [`GRACE`], or at once if this is the second signal: a command that waits for a pipe does
/// not see the cancel token. It then leaves the same files as a command that is killed.
fn end_soon() {
    static SIGNALS: AtomicU32 = AtomicU32::new(0);
    // The status that a shell reports for a process that SIGINT ended.
    const STATUS: i32 = 128 + 2;
    if SIGNALS.fetch_add(1, Ordering::Relaxed) > 0 {
        std::process::exit(STATUS);
    }
    let end = || {
        thread::sleep(GRACE);
        std::process::exit(STATUS);
    };
    thread::Builder::new().spawn(end).ok();
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Text from an image, an archive or a server in the form that is printed: control characters, which a terminal would
/// obey, are escaped. Backslashes and quotes are printed unchanged, so that a Windows path can be copied.
pub(crate) fn shown(text: &str) -> String {
    text.split_inclusive(['\\', '"', '\'']).fold(String::new(), |mut shown, part| {
        let plain = part.trim_end_matches(['\\', '"', '\'']);
        shown.extend(plain.escape_debug());
        shown.push_str(&part[plain.len()..]);
        shown
    })
}
