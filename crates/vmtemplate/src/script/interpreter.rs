/// What runs a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Interpreter {
    /// `cmd.exe`: what the first run of the guide starts.
    Batch,
    /// PowerShell.
    PowerShell,
    /// `sh` and its kin.
    Posix,
    /// Another one that the first line names.
    Other,
}

impl Interpreter {
    /// From the first line that says something. A batch file has no mark of its own, so what has none is one.
    pub(super) fn of(text: &str) -> Self {
        let mut lines = text.lines().map(str::trim);
        if let Some(shebang) = lines.clone().next().and_then(|line| line.strip_prefix("#!")) {
            let mut words = shebang.split_whitespace().map(|word| word.rsplit('/').next().unwrap_or(word));
            let program = words.find(|word| *word != "env" && !word.starts_with('-')).unwrap_or_default();
            return match program {
                "sh" | "bash" | "dash" | "ash" | "ksh" | "zsh" => Self::Posix,
                "pwsh" | "powershell" => Self::PowerShell,
                _ => Self::Other,
            };
        }
        let first = lines.find(|line| !line.is_empty()).unwrap_or_default().to_ascii_lowercase();
        // The two marks of cloudbase-init, a comment, what only a PowerShell script begins with.
        let marks = ["#ps1", "<#", "#requires", "param(", "param (", "[cmdletbinding", "$"];
        if marks.iter().any(|mark| first.starts_with(mark)) { Self::PowerShell } else { Self::Batch }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_tells_what_runs_it() {
        for (text, interpreter) in [
            ("", Interpreter::Batch),
            ("@echo off\r\n", Interpreter::Batch),
            ("\r\n:: setup\r\n", Interpreter::Batch),
            ("<# : batch\r\n", Interpreter::PowerShell),
            ("#!/bin/sh\n", Interpreter::Posix),
            ("#! /usr/bin/env -S bash -e\n", Interpreter::Posix),
            ("#!/usr/bin/env pwsh\n", Interpreter::PowerShell),
            ("#!/usr/bin/python3\n", Interpreter::Other),
            ("#ps1_sysnative\r\n", Interpreter::PowerShell),
            ("\n$list = 1\n", Interpreter::PowerShell),
        ] {
            assert_eq!(Interpreter::of(text), interpreter, "{text:?}");
        }
    }
}
