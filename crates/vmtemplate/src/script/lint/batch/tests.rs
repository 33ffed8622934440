use super::*;
use crate::macros::find_macros;
use proptest::prelude::*;

fn taken_apart(text: &str) -> Batch {
    parse(text, find_macros(text).map(|found| found.range).collect())
}

fn names(text: &str) -> Vec<String> {
    taken_apart(text).commands.into_iter().map(|command| command.name).collect()
}

fn is_sound(text: &str) -> bool {
    taken_apart(text).faults.is_empty()
}

#[test]
fn commands_are_found_behind_operators_conditions_and_loops() {
    assert_eq!(
        names("@echo off\r\nnet user x&&exit/b||pause|more"),
        ["echo", "net", "exit", "pause", "more"]
    );
    assert_eq!(names("if not \"%a%\"==\"b\" (net start) else pause"), ["net", "pause"]);
    assert_eq!(names("if /i not %a% equ 1 goto x\r\nif exist \"a b\" del c"), ["goto", "del"]);
    assert_eq!(names("for /f \"tokens=*\" %%a in ('dir ^| find \"x)\"') do set /p x=%%a"), ["set"]);
    assert_eq!(names("rem ( pause\r\n:: ( pause\r\n: pause\r\n\"%windir%\\System32\\NET.exe\" x"), ["net"]);
    assert_eq!(names("echo a ^& pause \"b & c\" ^\r\n d"), ["echo"]);
    assert_eq!(names("> log echo x 2>&1\r\n(net start) >nul & ver"), ["echo", "net", "ver"]);
}

#[test]
fn parentheses_that_are_text_are_no_blocks() {
    for text in [
        "IF (%nexthop%) == () (\r\n  echo x\r\n)",
        "echo %x% | findstr /c:( 1>nul\r\n",
        "echo (a) :) (\r\n",
        "if 1==1 (\r\n  set x=%y:\"=%\r\n  echo \"a)\" ^) %%i\r\n)\r\n",
        "if 1==1 (\r\n  netsh x ($IP) ($GATEWAY)>> log\r\n) ELSE (\r\n  echo ($IP)\r\n)\r\n",
        "for %%i in (a b\r\nc) do (\r\n  echo %%i\r\n)\r\n",
        "if 1==1 (a) else if 2==2 (b) else (\r\n c\r\n)\r\n",
        "exit /b\r\n((( not run\r\n:sub never called (\r\n)",
        "set \"x=a)b(\"\r\necho 50% (of) it\r\n",
    ] {
        assert!(is_sound(text), "{text}");
    }
    for text in [
        "if 1==1 (\r\n echo x\r\n",
        "echo x\r\n)\r\n",
        "if 1==1 (\r\n echo (x)\r\n)\r\n",
        "for %%i in (a b do echo\r\n",
    ] {
        assert!(!is_sound(text), "{text}");
    }
}

#[test]
fn the_end_is_reached_unless_every_way_ends_before() {
    for (text, falls_off) in [
        ("", true),
        ("echo x\r\n", true),
        ("exit /b 0\r\n", false),
        ("if 1==1 exit /b\r\n", true),
        ("echo x && exit /b\r\n", true),
        ("shutdown /r & exit\r\n", false),
        ("if 1==1 (exit /b) else (goto :eof)\r\n", false),
        ("if 1==1 (exit /b) else if 2==2 (exit) else exit /b 1\r\n", false),
        ("if 1==1 (exit /b) else if 2==2 (echo) else exit /b 1\r\n", true),
        ("for %%i in (1) do exit /b\r\n", true),
        ("(\r\n  exit /b\r\n)\r\n", false),
        ("if 1==1 (\r\n (exit /b)\r\n)\r\n", true),
        ("call :sub\r\nexit /b\r\n:sub\r\necho x\r\n", true),
        ("call :sub\r\nexit /b\r\n:sub\r\necho x\r\ngoto :eof\r\n", false),
        ("exit /b\r\n:unused\r\necho x\r\n", false),
    ] {
        assert_eq!(taken_apart(text).falls_off, falls_off, "{text}");
    }
}

#[test]
fn delayed_expansion_holds_from_setlocal_to_endlocal() {
    let batch = taken_apart(
        "a\r\nsetlocal EnableDelayedExpansion\r\nb\r\nsetlocal\r\nc\r\nendlocal\r\nendlocal\r\nd\r\n",
    );
    let delayed: Vec<_> = batch.commands.iter().filter(|c| c.delayed).map(|c| c.name.as_str()).collect();
    assert_eq!(delayed, ["b", "setlocal", "c", "endlocal", "endlocal"]);
}

proptest! {
    #[test]
    fn any_text_is_taken_apart(text in "([()\"%^&|<>:!=@ \r\n]|if |for |in |do |else |rem |goto |set |\\(\\$A\\)|[a-zä~0-9]){0,60}") {
        let batch = taken_apart(&text);
        for command in &batch.commands {
            prop_assert!(text.get(command.range.clone()).is_some());
            let _ = (command.goal(&text), command.arguments(&text), command.is_dynamic(&text));
        }
    }
}

#[test]
fn taking_apart_grows_with_the_text_and_not_with_its_square() {
    let parts = [
        "(",
        ")",
        "if (",
        "if not ",
        "for ",
        "for %%i in (",
        "^",
        "^ ",
        "\"",
        "%",
        "%a ",
        "%~",
        "&",
        ">",
        "($A)",
        ":a\n",
        "call ",
        "call :a\n",
        "exit\n",
        "goto a\n",
        "rem ",
        "if a==b (a) else ",
        "if a==b exit ",
    ];
    for part in parts {
        let steps = |length: usize| {
            let text = part.repeat(length / part.len());
            crate::steps::of(|| drop(taken_apart(&text)))
        };
        let (one, four) = (steps(1 << 14), steps(1 << 16));
        assert!(
            four > 0 && four <= 4 * one + 1000,
            "{part:?}: {one} steps, then {four} for four times as much"
        );
    }
}

#[test]
fn a_program_that_is_called_over_calls_is_the_program() {
    assert_eq!(
        names("call call net start\r\ncall :a\r\ncall call :a\r\ncall"),
        ["net", "call", "call", "call"]
    );
}
