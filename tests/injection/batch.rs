//! Batch files, under wine's cmd.exe.
//!
//! Where wine's cmd.exe (8.0) is known to differ from that of Windows, the renderer follows Windows, and the value is
//! run here all the same but not compared:
//!
//! - Delayed expansion: wine takes `^` for a plain character and drops a lone `!`; Windows takes `^!` for `!`.
//! - `%NAME%`: wine looks for `%` in the value of the variable again; Windows does not.
//!
//! `cmd.exe` of Windows is the stricter one in another point: `/?` in an argument of its own commands shows a help
//! text. Such values are refused, which wine does not ask for.

use std::collections::BTreeSet;

use vmtemplate::ScriptLanguage;
use vmtemplate_workspace::wine::{Run, Wine};

use crate::values::{Group, each, hostile, render};

const COUNT: usize = 10_000;
const GROUP: usize = 100;

/// How values come out of a script.
#[derive(Clone, Copy)]
enum Out {
    /// As arguments of `rec`, one for each value, with this much around each.
    Arguments(&'static str, &'static str),
    /// As lines `NUMBER:VALUE` of the output.
    Lines,
    /// As lines `NUMBER:same` of the output.
    Same,
    /// Not at all: they are in comments.
    Nowhere,
}

struct Context {
    name: &'static str,
    write: fn(&[usize]) -> String,
    out: Out,
    /// Wine does not give these back as Windows does.
    not_compared: fn(&str) -> bool,
    /// At least this many of all values must be let through, so that the test is about something.
    least: usize,
}

const fn context(name: &'static str, write: fn(&[usize]) -> String, out: Out, least: usize) -> Context {
    Context { name, write, out, not_compared: |_| false, least }
}

const CONTEXTS: [Context; 20] = [
    context(
        "word",
        |n| format!("rec.exe{}\r\n", each(n, &|i| format!(" ($V{i})"))),
        Out::Arguments("", ""),
        4000,
    ),
    context(
        "quoted",
        |n| format!("rec.exe{}\r\n", each(n, &|i| format!(" \"($V{i})\""))),
        Out::Arguments("", ""),
        4000,
    ),
    context(
        "joined",
        |n| format!("rec.exe{}\r\n", each(n, &|i| format!(" /p:($V{i});x"))),
        Out::Arguments("/p:", ";x"),
        4000,
    ),
    context(
        "joined in quotes",
        |n| format!("rec.exe{}\r\n", each(n, &|i| format!(" \"/p:C:\\x ($V{i}) y\""))),
        Out::Arguments("/p:C:\\x ", " y"),
        4000,
    ),
    context("echo", |n| each(n, &|i| format!("echo {i}:($V{i})\r\n")), Out::Lines, 4000),
    context("echo in quotes", |n| each(n, &|i| format!("echo {i}:\"($V{i})\"\r\n")), Out::Lines, 4000),
    context(
        "block",
        |n| format!("if a==a (\r\n{})\r\n", each(n, &|i| format!("  echo {i}:($V{i})\r\n"))),
        Out::Lines,
        4000,
    ),
    context(
        "block of calls",
        |n| {
            format!(
                "if not a==b (\r\nrec.exe{}\r\n) else (\r\ncanary\r\n)\r\n",
                each(n, &|i| format!(" ($V{i})"))
            )
        },
        Out::Arguments("", ""),
        4000,
    ),
    context(
        "loop",
        |n| {
            format!(
                "for %%A in (1) do (\r\nfor %%i in (2) do rec.exe{}\r\n)\r\n",
                each(n, &|i| format!(" ($V{i}) \"($V{i})\""))
            )
        },
        Out::Arguments("", ""),
        1500,
    ),
    context(
        "condition",
        |n| each(n, &|i| format!("if \"($V{i})\"==\"($V{i})\" (echo {i}:same) else echo {i}:other\r\n")),
        Out::Same,
        4000,
    ),
    Context {
        name: "variable, %v%",
        write: |n| {
            let set = each(n, &|i| format!("set \"v{i}=($V{i})\"\r\n"));
            format!("{set}rec.exe{}\r\n", each(n, &|i| format!(" \"%v{i}%\"")))
        },
        out: Out::Arguments("", ""),
        not_compared: |value| value.contains('%') || value.is_empty(),
        least: 4000,
    },
    context(
        "variable, %v% printed",
        |n| each(n, &|i| format!("set v{i}=($V{i})\r\necho {i}:%v{i}%\r\n")),
        Out::Lines,
        400,
    ),
    context(
        "variable, !v!",
        |n| {
            let set = each(n, &|i| format!("set \"v{i}=($V{i})\"\r\n"));
            let show = each(n, &|i| format!("if defined v{i} (echo {i}:!v{i}!) else echo {i}:\r\n"));
            format!("{set}setlocal EnableDelayedExpansion\r\n{show}endlocal\r\n")
        },
        Out::Lines,
        4000,
    ),
    context(
        "bare variable, !v!",
        |n| {
            let set = each(n, &|i| format!("set v{i}=($V{i})\r\n"));
            let show = each(n, &|i| format!("if defined v{i} (echo {i}:!v{i}!) else echo {i}:\r\n"));
            format!("{set}setlocal EnableDelayedExpansion\r\n{show}endlocal\r\n")
        },
        Out::Lines,
        4000,
    ),
    Context {
        name: "delayed, quoted",
        write: |n| {
            let call = each(n, &|i| format!(" \"($V{i})\" ($V{i})"));
            format!("setlocal EnableDelayedExpansion\r\nrec.exe{call}\r\nendlocal\r\n")
        },
        out: Out::Arguments("", ""),
        not_compared: |value| value.contains('!'),
        least: 3000,
    },
    Context {
        name: "delayed, echo",
        write: |n| {
            let lines = each(n, &|i| format!("echo {i}:($V{i})\r\n"));
            format!("setlocal EnableDelayedExpansion\r\n{lines}endlocal\r\n")
        },
        out: Out::Lines,
        not_compared: |value| value.contains('!'),
        least: 4000,
    },
    context(
        "comments",
        |n| {
            each(n, &|i| {
                format!("rem it was ($V{i})\r\n:: it was ($V{i})\r\nif a==a (\r\nrem it was ($V{i})\r\n)\r\n")
            })
        },
        Out::Nowhere,
        4000,
    ),
    context("pipe", |n| each(n, &|i| format!("echo {i}:($V{i})|more.exe\r\n")), Out::Nowhere, 100),
    context(
        "call",
        |n| format!("call rec.exe{}\r\n", each(n, &|i| format!(" \"($V{i})\""))),
        Out::Arguments("", ""),
        100,
    ),
    context("before a redirection", |n| each(n, &|i| format!("echo {i}:($V{i})>&1\r\n")), Out::Lines, 4000),
];

/// Places that no value passes, or harmless ones only.
const CLOSED: [&str; 18] = [
    "($V)",
    "\"($V)\" x",
    "if a==a ($V)",
    "for %%A in (1) do ($V)",
    "call ($V)",
    "call :($V)",
    "cmd /c ($V)",
    "cmd /c \"($V)\"",
    "start \"\" ($V)",
    "powershell -Command \"($V)\"",
    "for /f %%A in ('($V)') do echo %%A",
    "for %%A in (1) do echo %%A & ($V)",
    "echo a | ($V)",
    "echo %($V)%",
    "set \"($V)=x\"",
    "set /a x=($V)",
    "%tool% ($V)",
    "set \"x=($V)\"\r\n%x%",
];

#[test]
fn hostile_values_arrive_as_they_are_or_are_refused() {
    let Some(wine) = Wine::new() else { return };
    wine.stand_in("rec", &[]);
    wine.stand_in("more", &[]);
    wine.stand_in("canary", &[]);
    let values = hostile(COUNT);
    let before = files(&wine);
    for context in &CONTEXTS {
        let groups: Vec<Group> = (0..COUNT)
            .collect::<Vec<_>>()
            .chunks(GROUP)
            .map(|numbers| render(&values, numbers, ScriptLanguage::Batch, &context.write))
            .collect();
        let accepted: usize = groups.iter().map(|group| group.accepted.len()).sum();
        let refused: usize = groups.iter().map(|group| group.refused.len()).sum();
        assert_eq!(accepted + refused, COUNT, "{}", context.name);
        assert!(
            accepted >= context.least,
            "{}: only {accepted} of {COUNT} values are let through",
            context.name
        );
        let mut script = b"@echo off\r\n".to_vec();
        script.extend(groups.iter().flat_map(|group| group.script.iter().copied()));
        script.extend(b"echo the end\r\n");
        let run = wine.run(&script);
        assert!(run.stdout.ends_with("the end\r\n"), "{}: {}\n{}", context.name, run.stdout, run.stderr);
        assert!(run.calls.iter().all(|call| call.program != "canary"), "{}: {:?}", context.name, run.calls);
        assert_eq!(files(&wine), before, "{}: a file was made", context.name);
        compare(context, &values, &groups, &run);
        println!("{}: {accepted} arrived, {refused} refused", context.name);
    }
}

fn compare(context: &Context, values: &[String], groups: &[Group], run: &Run) {
    let name = context.name;
    match context.out {
        Out::Arguments(before, after) => {
            let calls: Vec<_> = run.calls.iter().filter(|call| call.program == "rec").collect();
            assert_eq!(calls.len(), groups.len(), "{name}");
            assert_eq!(run.calls.len(), groups.len(), "{name}: something else was called");
            for (group, call) in groups.iter().zip(calls) {
                // Some contexts have each value twice.
                let times = call.arguments.len() / group.accepted.len().max(1);
                assert_eq!(
                    call.arguments.len(),
                    times * group.accepted.len(),
                    "{name}: {}",
                    call.command_line
                );
                for (argument, &number) in call
                    .arguments
                    .iter()
                    .zip(group.accepted.iter().flat_map(|number| std::iter::repeat_n(number, times)))
                {
                    let value = &values[number];
                    if !(context.not_compared)(value) {
                        assert_eq!(
                            *argument,
                            format!("{before}{value}{after}"),
                            "{name}: {}",
                            call.command_line
                        );
                    }
                }
            }
        }
        Out::Lines | Out::Same => {
            assert!(run.calls.is_empty(), "{name}: {:?}", run.calls);
            let mut lines = run.stdout.split("\r\n");
            for &number in groups.iter().flat_map(|group| &group.accepted) {
                let value = &values[number];
                let line = lines.next().unwrap_or_default();
                let expected = match context.out {
                    Out::Same => format!("{number}:same"),
                    _ if name == "echo in quotes" => format!("{number}:\"{value}\""),
                    _ => format!("{number}:{value}"),
                };
                if (context.not_compared)(value) {
                    assert!(line.starts_with(&format!("{number}:")), "{name}: {value:?} gave {line:?}");
                } else {
                    assert_eq!(line, expected, "{name}: {value:?}");
                }
            }
        }
        Out::Nowhere => {
            assert!(run.calls.iter().all(|call| call.program == "more"), "{name}: {:?}", run.calls);
        }
    }
}

#[test]
fn no_value_passes_where_it_would_be_a_command() {
    use vmtemplate::{MacroValues, RenderOptions, Script};
    let values = hostile(COUNT);
    for place in CLOSED {
        let script = Script::from_text(format!("@echo off\r\n{place}\r\n"));
        for value in &values {
            let given = MacroValues::new().with("V", value.as_str()).unwrap();
            let error = script.render(&given, &RenderOptions::default());
            assert!(error.is_err(), "{place}: {value:?} gave {:?}", error.unwrap().text());
        }
    }
}

/// Every file of the machine but those that wine keeps for itself.
fn files(wine: &Wine) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![wine.drive_c()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            let is_own = ["windows", "users"].iter().any(|name| entry.file_name() == *name);
            if path.is_symlink() || is_own || path.ends_with("work/script.cmd") {
                continue;
            }
            if path.is_dir() && !path.ends_with("work") {
                folders.push(path);
            } else if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.display().to_string());
            }
        }
    }
    found
}
