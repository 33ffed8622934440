//! Which interpreter a script is for, as far as it can be determined.

use super::evidence;
use super::language::ScriptLanguage;

/// What can be determined of the language of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    Language(ScriptLanguage),
    /// The `#!` line names an interpreter that is not known here.
    OtherInterpreter,
    /// Nothing says it.
    Nothing,
}

impl Told {
    pub(crate) fn language(self) -> Option<ScriptLanguage> {
        match self {
            Self::Language(language) => Some(language),
            Self::OtherInterpreter | Self::Nothing => None,
        }
    }
}

impl ScriptLanguage {
    /// What the script is for: by its `#!` line, by the name of its file, or by what is in it.
    pub(crate) fn tell(text: &[u8], file_name: Option<&str>) -> Told {
        let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
        if text.starts_with(b"#!") {
            return of_interpreter(text).map_or(Told::OtherInterpreter, Told::Language);
        }
        let named = file_name.and_then(Self::of_file_name);
        named.or_else(|| evidence::language(text)).map_or(Told::Nothing, Told::Language)
    }
}

/// The language of the interpreter that the first line names.
fn of_interpreter(text: &[u8]) -> Option<ScriptLanguage> {
    let first = text.split(|&b| b == b'\n').next().unwrap_or_default().trim_ascii();
    let first = String::from_utf8_lossy(first);
    let mut words = first[2..].split_ascii_whitespace();
    let base = |word: &str| word.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
    let mut name = words.next().map(base).unwrap_or_default();
    if name == "env" {
        name = words.find(|word| !word.starts_with('-') && !word.contains('=')).map(base).unwrap_or_default();
    }
    match name.trim_end_matches(".exe") {
        "sh" | "dash" | "ash" | "bash" | "ksh" | "mksh" | "zsh" => Some(ScriptLanguage::Posix),
        "busybox" if words.next() == Some("sh") => Some(ScriptLanguage::Posix),
        "pwsh" | "powershell" => Some(ScriptLanguage::PowerShell),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interpreter_is_recognised_by_its_name() {
        use ScriptLanguage as L;
        for (text, language) in [
            ("#!/bin/sh\n", Some(L::Posix)),
            ("#!/usr/bin/env -S bash -e\n", Some(L::Posix)),
            ("#!/usr/bin/env pwsh\n", Some(L::PowerShell)),
            ("#!/bin/busybox sh\n", Some(L::Posix)),
            ("#!/usr/bin/python3\n", None),
            ("#!\n", None),
        ] {
            let told = L::tell(text.as_bytes(), None);
            assert_eq!(told, language.map_or(Told::OtherInterpreter, Told::Language), "{text:?}");
        }
    }

    #[test]
    fn the_first_line_decides_before_the_name_and_the_name_before_the_content() {
        use ScriptLanguage as L;
        let tell = |text: &str, name: &str| L::tell(text.as_bytes(), Some(name)).language();
        assert_eq!(tell("#!/bin/sh\n", "setup.cmd"), Some(L::Posix));
        assert_eq!(tell("#!/usr/bin/perl\n", "setup.sh"), None);
        assert_eq!(tell("set -e\n", "setup.cmd"), Some(L::Batch));
        assert_eq!(tell("@echo off\r\n", "folder/setup.ps1"), Some(L::PowerShell));
        assert_eq!(tell("net user\r\n", "SETUP.SH"), Some(L::Posix));
        assert_eq!(tell("set -e\n", "setup.txt"), Some(L::Posix));
    }
}
