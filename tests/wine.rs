//! Tests of the machine that runs batch files in tests.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

use std::fs;

use vmtemplate_test_support::wine::{Call, Rule, Wine};

#[test]
fn a_stand_in_writes_down_how_it_was_called() {
    let Some(wine) = Wine::new() else { return };
    wine.stand_in("net", &[]);
    wine.stand_in("diskpart", &[]);
    let run = wine.run(
        b"@echo off\r\nnet user \"a b\" \"p & \\\"%%x%%\\\"\" > nul\r\necho select volume C| diskpart\r\n\
          echo extend> C:\\grow.txt\r\ndiskpart /s C:\\grow.txt\r\nnet \x8e\r\n",
    );
    let words: Vec<_> = run.calls.iter().map(Call::words).collect();
    assert_eq!(
        words,
        ["net user a b p & \"%x%\"", "diskpart", "diskpart /s C:\\grow.txt", "net \u{c4}"],
        "batch files are read in code page 437"
    );
    assert!(
        run.calls[0].command_line.trim_end().ends_with("user \"a b\" \"p & \\\"%x%\\\"\""),
        "{:?}",
        run.calls[0]
    );
    assert_eq!(run.calls[1].input.trim_end(), "select volume C");
    assert_eq!(run.calls[2].input.trim_end(), "extend");
}

#[test]
fn a_stand_in_does_what_its_first_rule_that_fits_says() {
    let Some(wine) = Wine::new() else { return };
    fs::write(wine.drive_c().join("a.txt"), "copied").unwrap();
    wine.stand_in(
        "dd",
        &[
            Rule::new("--list").complains("a list\r\n").exits(7),
            Rule::new("if=").copies("C:\\a.txt", "C:\\b.txt"),
            Rule::new("").prints("else").exits(9),
        ],
    );
    let run = wine.run(
        b"@echo off\r\ndd --list 2>&1\r\necho %ERRORLEVEL%\r\ndd if=x\r\necho %ERRORLEVEL%\r\ndd\r\nexit /b %ERRORLEVEL%\r\n",
    );
    assert_eq!((run.stdout.as_str(), run.code), ("a list\r\n7\r\n0\r\nelse", 9));
    assert_eq!(fs::read(wine.path("C:\\b.txt")).unwrap(), b"copied");
}

#[test]
fn two_machines_share_no_files_and_no_registry() {
    let (Some(one), Some(two)) = (Wine::new(), Wine::new()) else { return };
    let make = one.run(b"@echo x> C:\\vmmgr.txt\r\n@reg add HKLM\\Software\\Ours /v A /d 1 /f > nul\r\n");
    assert_eq!(make.code, 0, "{make:?}");
    let look = b"@if exist C:\\vmmgr.txt exit /b 3\r\n@reg query HKLM\\Software\\Ours > nul 2>&1\r\n";
    assert_eq!((one.run(look).code, two.run(look).code), (3, 1));
}
