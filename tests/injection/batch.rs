//! Batch files, under wine's cmd.exe.
//!
//! Where wine's cmd.exe (8.0) is known to differ from that of Windows, the renderer follows Windows. Values that would
//! show the difference are left out here; unit tests of the renderer cover them:
//!
//! - Delayed expansion: for wine, `^` is a plain character, and it drops a lone `!`; for Windows, `^!` is `!`.
//! - `\"`: for wine, the quotes continue, and a following `^` is a plain character; Windows ends the quotes there.
//! - `%NAME%` and `!NAME!`: wine expands `%` or `!` in the value of the variable again; Windows does not.
//!
//! In one point `cmd.exe` of Windows is stricter: `/?` in an argument of its own commands shows a help text. The
//! renderer refuses such values, which wine does not require.

use std::collections::BTreeSet;

use vmtemplate::macros::ScriptLanguage;
use vmtemplate_test_support::wine::{Call, Wine};

use crate::values::{Group, each, hostile, render};

const COUNT: usize = 10_000;
/// The number of values in a command, limited by the length of a line.
const GROUP: usize = 200;

/// How a script outputs values.
#[derive(Clone, Copy)]
enum Out {
    /// As arguments of `rec`, one for each value, with this much around each.
    Arguments(&'static str, &'static str),
    /// As lines `NUMBER:VALUE` of the output.
    Lines,
    /// As lines `NUMBER:same` of the output.
    Same,
    /// As input that is piped into `sink`, one for each value.
    Piped,
    /// As literals with this quote in the program that `powershell` receives, one for each value.
    PowerShell(char),
    /// Not at all: they are in comments.
    Nowhere,
}

struct Context {
    name: &'static str,
    write: fn(&[usize]) -> String,
    out: Out,
    /// Values that wine interprets in another way than Windows.
    left_out: fn(&str) -> bool,
    /// The minimum number of values that must be accepted, so that the test tests something.
    least: usize,
}

const fn context(name: &'static str, write: fn(&[usize]) -> String, out: Out, least: usize) -> Context {
    Context { name, write, out, left_out: |_| false, least }
}

impl Context {
    const fn without(self, left_out: fn(&str) -> bool) -> Self {
        Self { left_out, ..self }
    }
}

/// A call of `rec` with these arguments.
fn call(numbers: &[usize], arguments: &str) -> String {
    format!("rec.exe{}\r\n", each(numbers, arguments))
}

/// Variables that `set` sets, printed by delayed expansion.
fn printed(numbers: &[usize], set: &str) -> String {
    let set = each(numbers, set);
    let show = each(numbers, "if defined v# (echo #:!v#!) else echo #:\r\n");
    format!("setlocal\r\n{set}{}endlocal\r\n", delayed(&show))
}

fn delayed(lines: &str) -> String {
    format!("setlocal EnableDelayedExpansion\r\n{lines}endlocal\r\n")
}

fn has_bang(value: &str) -> bool {
    value.contains('!')
}

const CONTEXTS: [Context; 28] = [
    context("word", |n| call(n, " ($V#)"), Out::Arguments("", ""), 4000),
    context("quoted", |n| call(n, " \"($V#)\""), Out::Arguments("", ""), 4000),
    context("joined", |n| call(n, " /p:($V#);x"), Out::Arguments("/p:", ";x"), 4000),
    context(
        "joined in quotes",
        |n| call(n, " \"/p:C:\\x ($V#) y\""),
        Out::Arguments("/p:C:\\x ", " y"),
        4000,
    ),
    context("echo", |n| each(n, "echo #:($V#)\r\n"), Out::Lines, 4000),
    context("echo in quotes", |n| each(n, "echo #:\"($V#)\"\r\n"), Out::Lines, 4000),
    context("block", |n| format!("if a==a (\r\n{})\r\n", each(n, "  echo #:($V#)\r\n")), Out::Lines, 4000),
    context(
        "block of calls",
        |n| format!("if not a==b (\r\n{}) else (\r\ncanary\r\n)\r\n", call(n, " ($V#)")),
        Out::Arguments("", ""),
        4000,
    ),
    context(
        "loop",
        |n| format!("for %%A in (1) do (\r\nfor %%i in (2) do {})\r\n", call(n, " ($V#) \"($V#)\"")),
        Out::Arguments("", ""),
        1500,
    ),
    context(
        "condition",
        |n| each(n, "if \"($V#)\"==\"($V#)\" (echo #:same) else echo #:other\r\n"),
        Out::Same,
        4000,
    ),
    context(
        "variable, %v%",
        |n| {
            let set = each(n, "set \"v#=($V#)\"\r\n");
            format!("setlocal\r\n{set}{}endlocal\r\n", call(n, " \"%v#%\""))
        },
        Out::Arguments("", ""),
        3000,
    )
    .without(|value| value.contains('%') || value.is_empty()),
    context("variable, %v% printed", |n| each(n, "set v=($V#)\r\necho #:%v%\r\n"), Out::Lines, 400),
    context("variable, !v!", |n| printed(n, "set \"v#=($V#)\"\r\n"), Out::Lines, 4000).without(has_bang),
    context("bare variable, !v!", |n| printed(n, "set v#=($V#)\r\n"), Out::Lines, 4000).without(has_bang),
    context("delayed, quoted", |n| delayed(&call(n, " \"($V#)\" ($V#)")), Out::Arguments("", ""), 3000)
        .without(has_bang),
    context("delayed, echo", |n| delayed(&each(n, "echo #:($V#)\r\n")), Out::Lines, 4000).without(has_bang),
    context(
        "comments",
        |n| each(n, "rem it was ($V#)\r\n:: it was ($V#)\r\nif a==a (\r\nrem it was ($V#)\r\n)\r\n"),
        Out::Nowhere,
        4000,
    ),
    context("call", |n| format!("call {}", call(n, " \"($V#)\"")), Out::Arguments("", ""), 100),
    context(
        "bare condition",
        |n| each(n, "if not ($V#)==none if ($V#)==($V#) (echo #:same) else echo #:other\r\n"),
        Out::Same,
        3000,
    ),
    context(
        "condition in brackets",
        |n| each(n, "if [($V#)]==[($V#)] (echo #:same) else echo #:other\r\n"),
        Out::Same,
        3000,
    ),
    context(
        "bare variable in a condition",
        |n| each(n, "set \"v=($V#)\"\r\nif %v%==%v% (echo #:same) else echo #:other\r\n"),
        Out::Same,
        150,
    ),
    context("cmd /c", |n| format!("cmd /c {}", call(n, " ($V#)")), Out::Arguments("", ""), 100),
    context(
        "cmd /c, quoted",
        |n| format!("cmd /c \"{}\"\r\n", call(n, " ($V#)").trim_end()),
        Out::Arguments("", ""),
        100,
    ),
    context("start", |n| format!("start \"\" /wait /b {}", call(n, " ($V#)")), Out::Arguments("", ""), 100),
    context(
        "powershell",
        |n| format!("powershell -NoProfile -Command \"Set-X{}\"\r\n", each(n, " '($V#)'")),
        Out::PowerShell('\''),
        3000,
    ),
    context(
        "powershell, escaped quotes",
        |n| format!("powershell -NoProfile -Command \"Set-X{}\"\r\n", each(n, " \\\"($V#)\\\"")),
        Out::PowerShell('"'),
        3000,
    )
    .without(|value| value.contains(['^', '(', ')'])),
    context("before a redirection", |n| each(n, "echo #:($V#)>&1\r\n"), Out::Lines, 4000),
    // Each of them needs two processes.
    context("pipe", |n| each(n, "echo ($V#)|sink.exe\r\n"), Out::Piped, 5).without(|value| value.len() != 1),
];

/// Places that accept no value, or only harmless ones.
const CLOSED: [&str; 54] = [
    "echo ($V) | cmd",
    "echo ($V) > x.cmd",
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
    "start ($V)",
    "start \"\" /wait \"($V)\"",
    "call cmd /c ($V)",
    "cmd /c start \"\" ($V)",
    "cmd /c \"echo a & ($V)\"",
    "for /f %%A in ('cmd /c ($V)') do echo %%A",
    "schtasks /create /tn a /tr \"($V) x\"",
    "runas /user:x \"($V)\"",
    "forfiles /c \"cmd /c ($V)\"",
    "wmic process call create \"($V)\"",
    "powershell ($V)",
    "powershell -Command \"& '($V)'\"",
    "powershell -Command \"Set-X; ($V) x\"",
    "powershell -File \"($V)\"",
    "powershell -EncodedCommand ($V)",
    "echo start ($V)> x.cmd",
    "if a ($V) b echo",
    "%tool% ($V)",
    "set \"x=($V)\"\r\n%x%",
    ">x.cmd echo ($V)",
    ">x.txt ($V)",
    ">x.txt (\r\n($V)\r\n)",
    "2>nul >x.txt if a==a ($V)",
    ">x.cmd,echo ($V)",
    "echo ($V)>x.txt\r\ncmd <x.txt",
    "echo ($V)>x.txt\r\ncall x.txt",
    "echo ($V)>x.txt\r\ntype C:\\x.txt | cmd",
    "echo ($V)>x.txt\r\ncopy x.txt y.cmd",
    "echo ($V)>x.txt\r\nset /p Z=<x.txt\r\n%Z%",
    "echo ($V)>C:\\x.txt\r\nfor /f \"delims=\" %%i in (C:\\x.txt) do %%i",
    // The same file or variable by another name.
    "echo ($V)>x.txt\r\nset F=C:\\x.txt\r\ncall %F%",
    "set \"F=%TEMP%\\x.txt\"\r\necho ($V)>%F%\r\ncmd <%TEMP%\\x.txt",
    "set F=x.txt\r\nset G=%F%\r\necho ($V)>%G%\r\nset /p Z=<x.txt\r\n%Z%",
    "set X=($V)\r\nset N=X\r\ncall set Y=%%%N%%%\r\n%Y%",
    "setlocal enabledelayedexpansion\r\nset X=($V)\r\nset N=X\r\n!%N%!",
    "setlocal enabledelayedexpansion\r\nset A[0]=($V)\r\nfor %%i in (0) do set Y=!A[%%i]!\r\n%Y%",
    "set X=($V)\r\nfor /f \"tokens=2 delims==\" %%a in ('set X') do %%a",
];

/// Places for one plain word without characters that have a meaning for an interpreter.
const NARROW: [&str; 25] = [
    "cmd /c net user x ($V)",
    "cmd /c \"net user x ($V)\"",
    "%COMSPEC% /c net user x ($V)",
    "start \"\" net user x ($V)",
    "call net user x ($V)",
    "call :label ($V)",
    "for /f %%A in ('net user ($V)') do echo %%A",
    "schtasks /create /tn a /tr \"net user x ($V)\"",
    "runas /user:x \"net user ($V)\"",
    "forfiles /c \"cmd /c net user x ($V)\"",
    "wmic process call create \"net user x ($V)\"",
    "wmic computersystem where x rename ($V)",
    "powershell -Command \"iex 'net user ($V)'\"",
    "powershell -Command \"cmd /c net user '($V)'\"",
    "%tool% user ($V)",
    "my.bat ($V)",
    "mytool ($V)",
    "echo net user x ($V) | cmd",
    "echo net user x ($V)> x.cmd",
    "echo a> ($V)",
    "goto ($V)",
    "set \"x=($V)\"\r\ncmd /c net user %x%",
    "echo ($V)>x.txt\r\nfor /f \"delims=\" %%i in (x.txt) do cmd /c echo %%i",
    "echo ($V)>\"C:\\a b\\x.txt\"\r\n<\"C:\\a b\\x.txt\" set /p Z=\r\ncmd /c net user a %Z%",
    ">x.txt echo net user ($V)\r\ncmd <x.txt",
];

#[test]
fn where_text_is_read_again_only_one_plain_word_passes() {
    use vmtemplate::Script;
    use vmtemplate::macros::{MacroValues, RenderOptions};
    let is_plain = |value: &str| {
        value.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
            && value.bytes().all(|b| b.is_ascii_alphanumeric() || b".:_-@".contains(&b))
    };
    for place in NARROW {
        let script = Script::from_text(format!("@echo off\r\n{place}\r\n"));
        for value in hostile(COUNT).iter().map(String::as_str).chain([
            "Xk92mPq4Lw",
            "web-1.example.com",
            "p@ss-W0rd_9",
        ]) {
            let given = MacroValues::new().with("V", value).unwrap();
            let done = script.render(&given, &RenderOptions::default());
            assert!(is_plain(value) || done.is_err(), "{place}: {value:?} passes");
            if matches!(value, "Xk92mPq4Lw" | "web-1.example.com" | "p@ss-W0rd_9") {
                let done = done.unwrap_or_else(|error| panic!("{place}: {error:#}"));
                assert_eq!(done.text(), script.text().replace("($V)", value));
            }
        }
    }
}

#[test]
fn hostile_values_arrive_as_they_are_or_are_refused() {
    let Some(wine) = Wine::new() else { return };
    wine.stand_in("rec", &[]);
    wine.stand_in("sink", &[]);
    wine.stand_in("powershell", &[]);
    wine.stand_in("canary", &[]);
    let values = hostile(COUNT);
    let before = files(&wine);
    let mut script = b"@echo off\r\n".to_vec();
    let mut rendered = Vec::new();
    for context in &CONTEXTS {
        let numbers: Vec<usize> = (0..COUNT).filter(|&number| !(context.left_out)(&values[number])).collect();
        let groups: Vec<Group> = numbers
            .chunks(GROUP)
            .map(|numbers| render(&values, numbers, ScriptLanguage::Batch, &context.write))
            .collect();
        let accepted: usize = groups.iter().map(|group| group.accepted.len()).sum();
        let refused: usize = groups.iter().map(|group| group.refused.len()).sum();
        let long = |group: &Group| group.refused.iter().any(|(_, error)| error.message().contains("8191"));
        assert!(!groups.iter().any(long), "{}", context.name);
        assert_eq!(accepted + refused, numbers.len(), "{}", context.name);
        assert!(
            accepted >= context.least,
            "{}: only {accepted} of {COUNT} values are let through",
            context.name
        );
        println!("{}: {accepted} let through, {refused} refused", context.name);
        script.extend(groups.iter().flat_map(|group| group.script.iter().copied()));
        script.extend(format!("echo end of {}\r\n", rendered.len()).bytes());
        rendered.push((context, groups));
    }
    let expected: usize = rendered.iter().map(|(context, groups)| expected_calls(context, groups)).sum();
    let mut attempts = 0;
    let run = loop {
        let begin = std::time::Instant::now();
        let run = wine.run(&script);
        println!("wine took {:?}", begin.elapsed());
        assert_eq!(files(&wine), before, "a file was made");
        assert!(run.calls.iter().all(|call| call.program != "canary"), "a value became a command");
        attempts += 1;
        // Rarely, about once in ten thousand times, wine starts a process that never runs its first line. The effect of
        // a value is the same every time.
        if run.calls.len() >= expected || attempts == 3 {
            break run;
        }
        println!("wine has lost {} of {expected} calls: once more", expected - run.calls.len());
    };
    // Any other call is unexpected.
    let mut calls = run.calls.as_slice();
    let mut stdout = run.stdout.as_str();
    for (number, (context, groups)) in rendered.iter().enumerate() {
        let end = format!("end of {number}\r\n");
        let (printed, rest) =
            stdout.split_once(&end).unwrap_or_else(|| panic!("no `{end}` in\n{stdout}\n{}", run.stderr));
        stdout = rest;
        calls = compare(context, &values, groups, calls, printed);
    }
    assert!(calls.is_empty() && stdout.is_empty(), "{calls:?}\n{stdout}");
}

/// The number of calls of stand-ins by these groups.
fn expected_calls(context: &Context, groups: &[Group]) -> usize {
    match context.out {
        Out::Arguments(..) | Out::PowerShell(_) => {
            groups.iter().filter(|group| !group.accepted.is_empty()).count()
        }
        Out::Piped => groups.iter().map(|group| group.accepted.len()).sum(),
        Out::Lines | Out::Same | Out::Nowhere => 0,
    }
}

/// Remove the calls of a context from `calls`, and return the others.
fn compare<'c>(
    context: &Context,
    values: &[String],
    groups: &[Group],
    mut calls: &'c [Call],
    printed: &str,
) -> &'c [Call] {
    let name = context.name;
    let accepted = groups.iter().flat_map(|group| &group.accepted);
    match context.out {
        Out::Arguments(before, after) => {
            for group in groups.iter().filter(|group| !group.accepted.is_empty()) {
                let (call, rest) = calls.split_first().unwrap_or_else(|| panic!("{name}: a call is missing"));
                calls = rest;
                assert_eq!(call.program, "rec", "{name}");
                // Some contexts contain each value twice.
                let times = call.arguments.len() / group.accepted.len();
                let expected = group.accepted.iter().flat_map(|&number| {
                    std::iter::repeat_n(format!("{before}{}{after}", values[number]), times)
                });
                for (argument, expected) in call.arguments.iter().zip(expected) {
                    assert_eq!(*argument, expected, "{name}: {}", call.command_line);
                }
                assert_eq!(
                    call.arguments.len(),
                    times * group.accepted.len(),
                    "{name}: {}",
                    call.command_line
                );
            }
            assert_eq!(printed, "", "{name}");
        }
        Out::Lines | Out::Same => {
            let mut lines = printed.split("\r\n");
            for &number in accepted {
                let expected = match context.out {
                    Out::Same => format!("{number}:same"),
                    _ if name == "echo in quotes" => format!("{number}:\"{}\"", values[number]),
                    _ => format!("{number}:{}", values[number]),
                };
                assert_eq!(lines.next(), Some(expected.as_str()), "{name}");
            }
            assert_eq!(lines.next(), Some(""), "{name}");
        }
        Out::Nowhere => assert_eq!(printed, "", "{name}"),
        Out::PowerShell(quote) => {
            for group in groups.iter().filter(|group| !group.accepted.is_empty()) {
                let (call, rest) = calls.split_first().unwrap_or_else(|| panic!("{name}: a call is missing"));
                calls = rest;
                assert_eq!(call.program, "powershell", "{name}");
                let program = call.arguments[2..].join(" ");
                let expected: Vec<&str> =
                    group.accepted.iter().map(|&number| values[number].as_str()).collect();
                assert_eq!(literals(&program, quote), expected, "{name}: {program}");
            }
        }
        Out::Piped => {
            for &number in accepted {
                let (call, rest) = calls.split_first().unwrap_or_else(|| panic!("{name}: a call is missing"));
                calls = rest;
                assert_eq!(
                    (call.program.as_str(), call.input.trim_end()),
                    ("sink", values[number].as_str()),
                    "{name}"
                );
            }
            assert_eq!(printed, "", "{name}");
        }
    }
    calls
}

/// The words after `Set-X`, each in quotes: in single quotes a quote is doubled, in double quotes a backquote escapes
/// special characters (Microsoft, "about_Quoting_Rules").
fn literals(program: &str, quote: char) -> Vec<String> {
    let mut rest = program.strip_prefix("Set-X").unwrap_or_else(|| panic!("{program}"));
    let mut found = Vec::new();
    while let Some(inside) = rest.strip_prefix(' ') {
        let mut chars = inside.chars().peekable();
        assert_eq!(chars.next(), Some(quote), "{program}");
        let mut text = String::new();
        loop {
            match chars.next() {
                Some('`') if quote == '"' => text.extend(chars.next()),
                Some('$') if quote == '"' => panic!("an expansion in {program}"),
                Some(c) if c == quote && chars.peek() != Some(&quote) => break,
                Some(c) if c == quote => text.extend(chars.next()),
                Some(c) => text.push(c),
                None => panic!("an open quote in {program}"),
            }
        }
        found.push(text);
        let left: String = chars.collect();
        rest = &program[program.len() - left.len()..];
    }
    assert_eq!(rest, "", "{program}");
    found
}

#[test]
fn no_value_passes_where_it_would_be_a_command() {
    use vmtemplate::Script;
    use vmtemplate::macros::{MacroValues, RenderOptions};
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

/// Every file of the machine except wine's own.
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
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.display().to_string());
            }
        }
    }
    found
}
