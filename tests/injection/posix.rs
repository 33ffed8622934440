//! Shell scripts, with every POSIX shell that is installed.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use vmtemplate::Script;
use vmtemplate::macros::{MacroValues, RenderOptions, ScriptLanguage};
use vmtemplate_test_support::tool;

use crate::places::{CLOSED, CONTEXTS, Context};
use crate::values::{Group, hostile, render};

const COUNT: usize = 10_000;
const GROUP: usize = 250;

#[test]
fn hostile_values_arrive_as_they_are_or_are_refused() {
    let values = hostile(COUNT);
    let rendered: Vec<(&Context, Vec<Group>)> = CONTEXTS
        .iter()
        .map(|context| {
            let count = if context.forks { COUNT / 10 } else { COUNT };
            let groups: Vec<Group> = (0..count)
                .collect::<Vec<_>>()
                .chunks(GROUP)
                .map(|numbers| render(&values, numbers, ScriptLanguage::Posix, &context.write))
                .collect();
            let accepted: usize = groups.iter().map(|group| group.accepted.len()).sum();
            let refused: usize = groups.iter().map(|group| group.refused.len()).sum();
            assert_eq!(accepted + refused, count, "{}", context.name);
            for number in groups.iter().flat_map(|group| &group.accepted).filter(|_| context.plain) {
                let value = &values[*number];
                let is_plain = |c: char| c.is_ascii_alphanumeric() || ".:_-".contains(c);
                assert!(value.chars().all(is_plain), "{}: {value:?} is let through", context.name);
            }
            assert!(
                accepted >= context.least,
                "{}: only {accepted} of {count} are let through",
                context.name
            );
            println!("{}: {accepted} let through, {refused} refused", context.name);
            (context, groups)
        })
        .collect();
    for shell in [&["dash"][..], &["busybox", "sh"], &["bash", "--posix"]] {
        let Some(program) = tool(shell[0]) else { continue };
        for (context, groups) in rendered.iter().filter(|(context, _)| !context.bash || shell[0] == "bash") {
            let name = format!("{}, {}", shell[0], context.name);
            let folder = tempfile::tempdir().unwrap();
            let arrived = run(&program, &shell[1..], groups, folder.path(), &name);
            let expected: Vec<String> = groups
                .iter()
                .flat_map(|group| &group.accepted)
                .map(|&number| format!("{}{}{}", context.around.0, values[number], context.around.1))
                .collect();
            for (arrived, expected) in arrived.iter().zip(&expected) {
                assert_eq!(arrived, expected, "{name}");
            }
            assert_eq!(arrived.len(), expected.len(), "{name}");
        }
    }
}

/// Run the groups as one script, and return the values that arrived.
fn run(program: &Path, arguments: &[&str], groups: &[Group], folder: &Path, name: &str) -> Vec<String> {
    let (tools, work) = (folder.join("tools"), folder.join("work"));
    fs::create_dir(&tools).unwrap();
    fs::create_dir(&work).unwrap();
    let canary = tools.join("canary");
    fs::write(&canary, format!("#!/bin/sh\n: > '{}'\n", folder.join("sung").display())).unwrap();
    fs::set_permissions(&canary, fs::Permissions::from_mode(0o755)).unwrap();
    // Functions, for speed; they write their arguments separated by NULs. `lines` reads one line.
    let mut script = b"#!/bin/sh\nempty=\n\
        rec() { for argument do printf '%s\\0' \"$argument\"; done; }\n\
        tell() { printf '%s' \"$1\"; }\n\
        lines() { IFS= read -r line; printf '%s\\0' \"$line\"; }\n"
        .to_vec();
    script.extend(groups.iter().flat_map(|group| group.script.iter().copied()));
    let path = folder.join("script");
    fs::write(&path, script).unwrap();
    let output = Command::new(program)
        .args(arguments)
        .arg(&path)
        .current_dir(&work)
        .env("PATH", format!("{}:/usr/bin:/bin", tools.display()))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.is_empty(), "{name}: {} {said}", output.status);
    assert!(!folder.join("sung").exists(), "{name}: the canary ran");
    let made: BTreeSet<_> = fs::read_dir(&work).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(made.is_empty(), "{name}: {made:?} was made");
    let mut arrived: Vec<String> =
        output.stdout.split(|&b| b == 0).map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect();
    assert_eq!(arrived.pop().as_deref(), Some(""), "{name}");
    arrived
}

#[test]
fn no_value_passes_where_it_would_be_a_command() {
    let values = hostile(COUNT);
    let options = RenderOptions { language: Some(ScriptLanguage::Posix), ..RenderOptions::default() };
    let mut passed = Vec::new();
    for place in CLOSED {
        let script = Script::from_text(format!("#!/bin/sh\n{place}\n"));
        passed.extend(values.iter().find_map(|value| {
            let given = MacroValues::new().with("V", value.as_str()).unwrap();
            let rendered = script.render(&given, &options).ok()?;
            Some(format!("{place}: {value:?} gave {:?}", rendered.text()))
        }));
    }
    assert!(passed.is_empty(), "{passed:#?}");
}
