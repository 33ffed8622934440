//! What happens when a machine starts for the first time: `C:\vmmgr` and the task that runs it.

use std::time::SystemTime;

use super::look::{Look, Seen};
use super::pe::Machine;
use super::task::Task;
use super::windows::Windows;
use crate::civil;
use crate::macros::ScriptLanguage;
use crate::rules::{Finding, Place, image as rules};
use crate::script::{LineEnding, Script, ScriptCheckOptions, ScriptEncoding};
use crate::shown::Shown;

const FOLDER: &str = "vmmgr";
const TASK: &str = "vmmgr_firstrun";

/// More than this of a script or a task is not read.
const MAX_SCRIPT: u64 = 1 << 20;

/// The size of the install drive, which has room for the largest script and for nothing more.
const SCRIPT_SIZE: u64 = Script::MAX_SIZE as u64;

/// Batch files, which `cmd.exe` reads byte by byte.
const FIRSTRUN_CMD: &str = "firstrun.cmd";
const DDWRAP: &str = "ddwrap.cmd";
const FIRSTRUN_PS1: &str = "firstrun.ps1";

/// The scripts, and what each must name for the next step to be taken.
const SCRIPTS: [(&str, &[&str]); 3] =
    [(FIRSTRUN_CMD, &[FIRSTRUN_PS1]), (FIRSTRUN_PS1, &["dd", "vmmgr.cmd"]), (DDWRAP, &["dd.exe", "--list"])];

pub(super) fn check(look: &Look<'_>, windows: &Windows<'_>) {
    for (name, calls) in SCRIPTS {
        script(look, windows, name, calls).ok();
    }
    dd(look, windows).ok();
    task(look, windows).ok();
}

fn place(look: &Look<'_>, windows: &Windows<'_>, name: &str) -> Place {
    windows.volume.place(look, &format!("{FOLDER}/{name}"))
}

/// A script of the kit, if it is there.
pub(super) fn read_script(look: &Look<'_>, windows: &Windows<'_>, name: &str) -> Seen<Option<Vec<u8>>> {
    windows.volume.read(look, &format!("{FOLDER}/{name}"), MAX_SCRIPT)
}

fn missing(look: &Look<'_>, windows: &Windows<'_>, name: &str) {
    look.report(rules::KIT, place(look, windows, name), "the file is missing");
}

fn script(look: &Look<'_>, windows: &Windows<'_>, name: &str, calls: &[&str]) -> Seen<()> {
    let Some(bytes) = read_script(look, windows, name)? else {
        missing(look, windows, name);
        return Ok(());
    };
    let script = Script::from_bytes(bytes);
    let place = || place(look, windows, name);
    let is_batch = name != FIRSTRUN_PS1;
    match (script.encoding(), script.line_ending()) {
        // PowerShell reads both.
        (encoding @ (ScriptEncoding::Utf16Le | ScriptEncoding::Utf16Be | ScriptEncoding::Utf8Bom), _)
            if is_batch =>
        {
            look.report(
                rules::KIT_LINE_ENDS,
                place(),
                format!("the file is {encoding}; plain ASCII was expected"),
            );
        }
        (_, ends @ (LineEnding::Lf | LineEnding::Mixed)) => {
            look.report(
                rules::KIT_LINE_ENDS,
                place(),
                format!("the line ends are {ends}; CR LF was expected"),
            );
        }
        _ => {}
    }
    if is_batch {
        lint(look, &script, &place());
    }
    let text = script.text().to_lowercase();
    if let Some(call) = calls.iter().find(|call| !text.contains(**call)) {
        look.report(rules::KIT_CONTENT, place(), format!("the script does not name {call}"));
    }
    if name == FIRSTRUN_PS1
        && let Some(number) = size_in_other_words(&text)
    {
        let message = format!(
            "the script looks for `size is {}`, which `dd --list` never prints; it prints `size is {SCRIPT_SIZE} bytes`",
            Shown(number)
        );
        look.report(rules::KIT_CONTENT, place(), message);
    } else if name == FIRSTRUN_PS1
        && let Some(size) = other_size(&text)
    {
        let message =
            format!("the script looks for a disk of {size} bytes; the install drive has {SCRIPT_SIZE}");
        look.report(rules::KIT_CONTENT, place(), message);
    }
    Ok(())
}

/// What stands behind `size is`, the words of `dd --list`, if it is a number that `dd` does not print: `dd` writes all bytes
/// in decimal. `text` is in lower case.
fn size_in_other_words(text: &str) -> Option<&str> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let said = lines.flat_map(|line| line.split("size is ").skip(1));
    let numbers = said.map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        &rest[..end]
    });
    numbers
        .filter(|number| number.starts_with(|c: char| c.is_ascii_digit()))
        .find(|number| !number.bytes().all(|b| b.is_ascii_digit()))
}

/// The size of disks that the script looks for, if it looks for none of the size of the install drive: a number in a line
/// that speaks of a size. `text` is in lower case.
fn other_size(text: &str) -> Option<u64> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#') && line.contains("size"));
    let sizes: Vec<u64> =
        lines.flat_map(|line| numbers(&line[line.find("size").unwrap_or_default()..])).collect();
    if sizes.contains(&SCRIPT_SIZE) {
        return None;
    }
    // Smaller numbers count sectors, lines, or bits.
    sizes.into_iter().find(|&size| size >= 1 << 16)
}

/// The whole numbers of a line of PowerShell (Microsoft, "about_Numeric_Literals"): `1048576`, `0x100000`, `1mb`, and
/// products such as `1024*1024`.
fn numbers(line: &str) -> Vec<u64> {
    let mut numbers: Vec<u64> = Vec::new();
    let mut is_factor = false;
    let mut rest = line;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let between = &rest[..start];
        let is_name = between.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        is_factor &= between.trim() == "*";
        rest = &rest[start..];
        let (digits, radix) = match rest.strip_prefix("0x") {
            Some(digits) => (digits, 16),
            None => (rest, 10),
        };
        let end = digits.find(|c: char| !c.is_digit(radix)).unwrap_or(digits.len());
        let number = u64::from_str_radix(&digits[..end], radix).ok();
        rest = &digits[end..];
        let units = [("kb", 1 << 10), ("mb", 1 << 20), ("gb", 1 << 30)];
        let unit = units.into_iter().find(|(unit, _)| rest.starts_with(unit)).map_or(1, |(unit, size)| {
            rest = &rest[unit.len()..];
            size
        });
        let Some(number) = number.and_then(|number: u64| number.checked_mul(unit)).filter(|_| !is_name)
        else {
            is_factor = false;
            continue;
        };
        match numbers.last_mut().filter(|_| is_factor) {
            Some(last) => *last = last.saturating_mul(number),
            None => numbers.push(number),
        }
        is_factor = true;
    }
    numbers
}

/// What holds for every batch file; the other rules for scripts are about setup scripts.
fn lint(look: &Look<'_>, script: &Script, place: &Place) {
    let options =
        ScriptCheckOptions { language: Some(ScriptLanguage::Batch), ..ScriptCheckOptions::default() };
    let report = script.check(&options);
    let holds = |finding: &&Finding| {
        finding.rule().code.starts_with("VMT022") || finding.rule().code.starts_with("VMT023")
    };
    for finding in report.findings().iter().filter(holds) {
        let position = finding.place().position;
        look.add(finding.clone().at(Place { position, ..place.clone() }));
    }
}

fn dd(look: &Look<'_>, windows: &Windows<'_>) -> Seen<()> {
    let name = "dd.exe";
    let Some(file) = windows.volume.file(look, &format!("{FOLDER}/{name}"))? else {
        missing(look, windows, name);
        return Ok(());
    };
    let place = || place(look, windows, name);
    match (look.seen(place(), Machine::of(&file))?, windows.machine) {
        (None, _) => look.report(rules::DD, place(), "the file is not a program: it has no program header"),
        (Some(program), Some(machine)) if !machine.runs(program) => {
            look.report(
                rules::DD,
                place(),
                format!("the program is for {program}, but Windows is for {machine}"),
            );
        }
        _ => {}
    }
    Ok(())
}

fn task(look: &Look<'_>, windows: &Windows<'_>) -> Seen<()> {
    let path = format!("Windows/System32/Tasks/{TASK}");
    let place = || windows.volume.place(look, &path);
    let Some(bytes) = windows.volume.read(look, &path, MAX_SCRIPT)? else {
        look.report(rules::NO_TASK, place(), "the task does not exist");
        return Ok(());
    };
    match Task::parse(&bytes, &civil::utc(SystemTime::now())) {
        Ok(task) => check_task(look, &task, &place()),
        Err(error) => {
            let place = Place { position: error.position(), ..place() };
            look.report(rules::TASK_DAMAGED, place, error.message());
        }
    }
    registration(look, windows)
}

/// Whether the command of a task starts the script of the first run, on the drive of the system.
fn runs_first_run(command: &str) -> bool {
    let command = command.to_lowercase().replace('"', "").replace('/', "\\");
    // In the machine that starts the drive is C:, whatever it was called where the image was made.
    let on_a_drive = format!(":\\{FOLDER}");
    let mut drives = command.match_indices(&on_a_drive).map(|(at, _)| &command[..at]);
    command.contains("firstrun.cmd") && command.contains(FOLDER) && drives.all(|before| before.ends_with('c'))
}

fn check_task(look: &Look<'_>, task: &Task, place: &Place) {
    let report = |rule, message: &str| look.report(rule, place.clone(), message);
    if !task.enabled {
        report(rules::TASK_DISABLED, "Settings/Enabled is false");
    }
    if !task.starts_at_boot {
        let message = match &task.idle_trigger {
            Some(reason) => format!("the task has no trigger BootTrigger that works: {reason}"),
            None => "the task has no trigger BootTrigger".to_owned(),
        };
        report(rules::TASK_TRIGGER, &message);
    }
    if !task.commands.iter().any(|command| runs_first_run(command)) {
        let found = task
            .commands
            .first()
            .map_or("nothing".to_owned(), |command| format!("`{}`", Shown(command.trim())));
        report(rules::TASK_ACTION, &format!("the task runs {found}; C:\\vmmgr\\firstrun.cmd was expected"));
    }
    if !task.runs_without_logon() {
        let found = task.logon_type.as_deref().unwrap_or("not set");
        report(
            rules::TASK_LOGON,
            &format!("LogonType is {found}: the task runs only for a user who is logged on"),
        );
    }
    if let Some(condition) = task.waits_for {
        report(rules::TASK_WAITS, &format!("Settings/{condition} is true"));
    }
    if !task.is_system() && !task.is_highest {
        report(rules::TASK_PRIVILEGES, "RunLevel is not HighestAvailable, and the account is not SYSTEM");
    }
}

/// What the Task Scheduler has of the task in the registry (libyal, "Task Scheduler Keys": `TaskCache`).
fn registration(look: &Look<'_>, windows: &Windows<'_>) -> Seen<()> {
    let cache = r"Microsoft\Windows NT\CurrentVersion\Schedule\TaskCache";
    let tree = format!("{cache}\\Tree\\{TASK}");
    let report =
        |path: &str, message: &str| look.report(rules::TASK_UNKNOWN, windows.software.place(path), message);
    let Some(id) = windows.software.string(look, &tree, "Id")? else {
        report(&tree, "the Task Scheduler does not list the task, although its file exists");
        return Ok(());
    };
    for (list, what) in [("Tasks", "does not know"), ("Boot", "does not start at boot")] {
        let path = format!("{cache}\\{list}\\{id}");
        if windows.software.key(look, &path)?.is_none() {
            report(&path, &format!("the Task Scheduler {what} the task: this key is missing"));
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_starts_the_script_on_the_drive_of_the_system() {
        for command in [
            r"C:\vmmgr\firstrun.cmd",
            r#"cmd.exe /c "c:/vmmgr/firstrun.cmd""#,
            r"%SystemDrive%\vmmgr\firstrun.cmd",
            r"\vmmgr\firstrun.cmd",
        ] {
            assert!(runs_first_run(command), "{command}");
        }
        for command in [r"D:\vmmgr\firstrun.cmd", r"cmd /c x:\vmmgr\firstrun.cmd", r"C:\other\firstrun.cmd"] {
            assert!(!runs_first_run(command), "{command}");
        }
    }

    #[test]
    fn a_size_is_found_in_every_way_to_write_it() {
        for line in [
            "if ($line -match '^\\s+size is 1048576 bytes\\s*$') {",
            "select-string 'size is 1048576 bytes' -context 3,0",
            "where-object size -eq 1mb",
            "$size = 1024 * 1024",
            "$_.size -eq 0x100000",
            "# size is 2097152 bytes",
            "$sizes = 2097152, 1048576",
            "$size -gt 0",
            "dd bs=512 count=4194304",
        ] {
            assert_eq!(other_size(line), None, "{line}");
        }
        for (line, size) in [
            ("select-string 'size is 2097152 bytes'", 2_097_152),
            ("where-object size -eq 2mb", 2 << 20),
            ("$size = 512*1024", 1 << 19),
            ("$_.size -eq 0x200000 # 1048575", 1 << 21),
        ] {
            assert_eq!(other_size(line), Some(size), "{line}");
        }
        for (line, words) in [
            ("select-string 'size is 1mb'", Some("1mb")),
            ("if ($line -match 'size is 0x100000 bytes')", Some("0x100000")),
            ("select-string 'size is 1048576 bytes'", None),
            ("# size is 1mb", None),
            ("-match 'size is (\\d+) bytes'", None),
        ] {
            assert_eq!(size_in_other_words(line), words, "{line}");
        }
        assert_eq!(numbers("a1 b_2 3 99999999999999999999 4*5 6,7"), [3, 20, 6, 7]);
    }
}
