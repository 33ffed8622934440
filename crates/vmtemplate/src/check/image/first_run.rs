//! What happens when a machine starts for the first time: `C:\vmmgr` and the task that runs it.

use super::look::{Look, Seen};
use super::pe::Machine;
use super::rules;
use super::task::Task;
use super::windows::Windows;
use crate::finding::{Finding, Place};
use crate::macros::ScriptLanguage;
use crate::script::{LineEnds, LintOptions, Script, ScriptEncoding};

const FOLDER: &str = "vmmgr";
const TASK: &str = "vmmgr_firstrun";

/// More than this of a script or a task is not read.
const MAX_SCRIPT: u64 = 1 << 20;

/// The scripts, and what each must name for the next step to be taken.
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
    match (script.encoding(), script.line_ends()) {
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
        (_, ends @ (LineEnds::Lf | LineEnds::Mixed)) => {
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
    Ok(())
}

/// What holds for every batch file; the other rules for scripts are about setup scripts.
fn lint(look: &Look<'_>, script: &Script, place: &Place) {
    let options = LintOptions { language: Some(ScriptLanguage::Batch), ..LintOptions::default() };
    let report = script.lint_with(&options);
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
        (None, _) => look.report(rules::DD, place(), "the file is no program: it has no header of one"),
        (Some(program), Some(machine)) if !machine.runs(program) => {
            look.report(
                rules::DD,
                place(),
                format!("the program is made for {program}, and Windows for {machine}"),
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
        look.report(rules::NO_TASK, place(), "there is no such task");
        return Ok(());
    };
    match Task::parse(&bytes) {
        Ok(task) => check_task(look, &task, &place()),
        Err(error) => {
            let place = Place { position: error.position(), ..place() };
            look.report(rules::TASK_DAMAGED, place, error.message());
        }
    }
    registration(look, windows)
}

fn check_task(look: &Look<'_>, task: &Task, place: &Place) {
    let report = |rule, message: &str| look.report(rule, place.clone(), message);
    if !task.enabled {
        report(rules::TASK_DISABLED, "Settings/Enabled is false");
    }
    if !task.starts_at_boot {
        report(rules::TASK_TRIGGER, "the task has no trigger BootTrigger that is enabled");
    }
    let runs_it = |command: &String| {
        let command = command.to_lowercase().replace('"', "").replace('/', "\\");
        command.contains("firstrun.cmd") && command.contains(FOLDER)
    };
    if !task.commands.iter().any(runs_it) {
        let found =
            task.commands.first().map_or("nothing".to_owned(), |command| format!("{:?}", command.trim()));
        report(rules::TASK_ACTION, &format!("the task runs {found}; C:\\vmmgr\\firstrun.cmd was expected"));
    }
    if !task.runs_without_logon() {
        let found = task.logon_type.as_deref().unwrap_or("not set");
        report(
            rules::TASK_LOGON,
            &format!("LogonType is {found}: the task runs for someone who is logged on"),
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
        report(&tree, "the Task Scheduler does not list the task, though its file is there");
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
