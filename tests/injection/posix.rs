//! Shell scripts, under every shell of POSIX that is there.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use vmtemplate::{MacroValues, RenderOptions, Script, ScriptLanguage};
use vmtemplate_workspace::tool;

use crate::values::{Group, each, hostile, render};

const COUNT: usize = 10_000;
const GROUP: usize = 250;

struct Context {
    name: &'static str,
    write: fn(&[usize]) -> String,
    /// What is around each value when it arrives.
    around: (&'static str, &'static str),
    least: usize,
}

const fn context(name: &'static str, write: fn(&[usize]) -> String, least: usize) -> Context {
    Context { name, write, around: ("", ""), least }
}

/// A call of `rec` with these arguments.
fn call(numbers: &[usize], arguments: &str) -> String {
    format!("rec{}\n", each(numbers, arguments))
}

const CONTEXTS: [Context; 18] = [
    context("word", |n| call(n, " ($V#)"), 8000),
    context("single", |n| call(n, " '($V#)'"), 8000),
    context("double", |n| call(n, " \"($V#)\""), 8000),
    Context { name: "joined", write: |n| call(n, " --p=($V#):x"), around: ("--p=", ":x"), least: 9900 },
    Context {
        name: "joined in quotes",
        write: |n| call(n, " \"$empty it is '($V#)' \\\"\""),
        around: (" it is '", "' \""),
        least: 9900,
    },
    context("assignment", |n| each(n, "v#=($V#)\n") + &call(n, " \"$v#\""), 8000),
    context(
        "assignment in quotes",
        |n| each(n, "v#=\"($V#)\"; export w#='($V#)'\n") + &call(n, " \"$v#\""),
        8000,
    ),
    context("bare variable", |n| each(n, "v#=($V#)\n") + &call(n, " $v#"), 3000),
    context("here-document", |n| each(n, "lines <<EOF\n($V#)\nEOF\n"), 9000),
    context("quoted here-document", |n| each(n, "lines <<-'EOF'\n\t($V#)\n\tEOF\n"), 9000),
    context("substitution", |n| call(n, " \"$(tell \"($V#)\")\""), 8000),
    context(
        "condition",
        |n| each(n, "if [ \"($V#)\" = \"($V#)\" ] && test x'($V#)' = x\"($V#)\"; then rec \"($V#)\"; fi\n"),
        8000,
    ),
    context("case", |n| each(n, "case \"($V#)\" in '') rec '' ;; *) rec \"($V#)\" ;; esac\n"), 8000),
    context("list", |n| format!("for v in{}; do rec \"$v\"; done\n", each(n, " ($V#)")), 8000),
    context("parameter", |n| "f() { rec \"$1\"; }\n".to_owned() + &each(n, "f \"($V#)\"\n"), 8000),
    context(
        "read",
        |n| {
            let print = each(n, "printf '%s\\n' \"($V#)\"\n");
            format!("{{\n{print}}} | while IFS= read -r v; do rec \"$v\"; done\n")
        },
        8000,
    ),
    context("printed into a variable", |n| each(n, "v#=$(printf '%s' \"($V#)\")\nrec \"$v#\"\n"), 8000),
    context("comment", |n| format!("rec{} # {}\n", each(n, " ($V#)"), each(n, "($V#)")), 8000),
];

const CLOSED: [&str; 33] = [
    "($V)",
    "\"($V)\" x",
    "a; ($V)",
    "if true; then ($V); fi",
    "sudo ($V)",
    "eval \"($V)\"",
    "sh -c '($V)'",
    "echo `echo ($V)`",
    "echo ($V) | sh",
    "sh <<EOF\n($V)\nEOF",
    "cat <<EOF | bash\n($V)\nEOF",
    "echo $((1 + ($V)))",
    "x=($V)\neval \"$x\"",
    "cat > /tmp/x.sh <<EOF\n($V)\nEOF",
    "x=`case a in a) echo '($V)' ;; esac`",
    // Where a value gets into a variable without an assignment.
    "f() { eval \"$1\"; }\nf \"($V)\"",
    "f () {\n  eval \"$@\"\n}\nif f a \"($V)\"; then :; fi",
    "f() { x=${1}; sh -c \"$x\"; }\ng() { f \"$*\"; }\ng '($V)'",
    "main() { inner '($V)'; }\ninner() { eval \"$1\"; }\nmain",
    "x=$(echo \"($V)\")\neval \"$x\"",
    "x=\"$(cat \"$(echo '($V)')\")\"\neval \"$x\"",
    "for x in a \"($V)\"; do eval \"$x\"; done",
    "y=($V)\nfor x in \"$y\"; do\n  eval \"$x\"\ndone",
    "echo \"($V)\" | while read -r x; do eval \"$x\"; done",
    "y=($V)\nprintf '%s' \"$y\" | tr a b | { read x; eval \"$x\"; }",
    "while read -r a x; do eval \"$x\"; done <<EOF\nb ($V)\nEOF",
    "y=\"($V)\"\nread x <<EOF\n$y\nEOF\neval \"$x\"",
    "{ echo a; echo \"($V)\"; } | while read x; do eval \"$x\"; done",
    "(echo a; echo \"($V)\") | { read x; eval \"$x\"; }",
    "f() { echo \"($V)\"; }\nf | { read x; eval \"$x\"; }",
    "f() { echo \"($V)\"; }\nx=$(f)\neval \"$x\"",
    "if :; then echo \"($V)\"; fi | while read x; do eval \"$x\"; done",
    "echo ($V) > /tmp/x | read\neval \"$REPLY\"",
];

#[test]
fn hostile_values_arrive_as_they_are_or_are_refused() {
    let values = hostile(COUNT);
    let rendered: Vec<(&Context, Vec<Group>)> = CONTEXTS
        .iter()
        .map(|context| {
            let groups: Vec<Group> = (0..COUNT)
                .collect::<Vec<_>>()
                .chunks(GROUP)
                .map(|numbers| render(&values, numbers, ScriptLanguage::Posix, &context.write))
                .collect();
            let accepted: usize = groups.iter().map(|group| group.accepted.len()).sum();
            let refused: usize = groups.iter().map(|group| group.refused.len()).sum();
            assert_eq!(accepted + refused, COUNT, "{}", context.name);
            assert!(
                accepted >= context.least,
                "{}: only {accepted} of {COUNT} are let through",
                context.name
            );
            println!("{}: {accepted} let through, {refused} refused", context.name);
            (context, groups)
        })
        .collect();
    for shell in [&["dash"][..], &["busybox", "sh"], &["bash", "--posix"]] {
        let Some(program) = tool(shell[0]) else { continue };
        for (context, groups) in &rendered {
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

/// Run the groups as one script, and give back what arrived.
fn run(program: &Path, arguments: &[&str], groups: &[Group], folder: &Path, name: &str) -> Vec<String> {
    let (tools, work) = (folder.join("tools"), folder.join("work"));
    fs::create_dir(&tools).unwrap();
    fs::create_dir(&work).unwrap();
    let canary = tools.join("canary");
    fs::write(&canary, format!("#!/bin/sh\n: > '{}'\n", folder.join("sung").display())).unwrap();
    fs::set_permissions(&canary, fs::Permissions::from_mode(0o755)).unwrap();
    // Functions, for speed; what they get they write with NULs between. `lines` reads one line.
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
    for place in CLOSED {
        let script = Script::from_text(format!("#!/bin/sh\n{place}\n"));
        for value in &values {
            let given = MacroValues::new().with("V", value.as_str()).unwrap();
            let rendered = script.render(&given, &options);
            assert!(rendered.is_err(), "{place}: {value:?} gave {:?}", rendered.unwrap().text());
        }
    }
}
