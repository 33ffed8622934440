//! Which interpreter a script is for.

use std::fmt;
use std::str::FromStr;

use super::evidence;
use super::options::unknown;
use crate::error::Error;

/// The interpreter that a script is written for, and so how values are quoted in it.
///
/// ```
/// use vmtemplate::{Script, ScriptLanguage};
///
/// assert_eq!(Script::from_text("@echo off\r\n").language(), Some(ScriptLanguage::Batch));
/// assert_eq!(Script::from_text("#!/bin/sh\n").language(), Some(ScriptLanguage::Posix));
/// assert_eq!(Script::from_text("#!/usr/bin/perl\n").language(), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ScriptLanguage {
    /// Batch files of `cmd.exe`.
    Batch,
    /// Windows PowerShell and PowerShell.
    PowerShell,
    /// The shell of POSIX: sh, dash, bash, ksh, busybox.
    Posix,
    /// Answers for the installer of Debian and Ubuntu: no script.
    Preseed,
    /// Answers for Anaconda, the installer of Red Hat's systems: no script.
    Kickstart,
    /// What cloud-init reads on the first start: no script.
    CloudConfig,
}

/// What can be told of the language of a script.
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
    /// Every language.
    ///
    /// ```
    /// assert_eq!(vmtemplate::ScriptLanguage::ALL.len(), 6);
    /// ```
    pub const ALL: &'static [Self] =
        &[Self::Batch, Self::PowerShell, Self::Posix, Self::Preseed, Self::Kickstart, Self::CloudConfig];

    /// Its name, as the command line takes it.
    ///
    /// ```
    /// assert_eq!(vmtemplate::ScriptLanguage::CloudConfig.name(), "cloud-config");
    /// ```
    pub const fn name(self) -> &'static str {
        match self {
            Self::Batch => "batch",
            Self::PowerShell => "powershell",
            Self::Posix => "posix",
            Self::Preseed => "preseed",
            Self::Kickstart => "kickstart",
            Self::CloudConfig => "cloud-config",
        }
    }

    /// The language of a file with this name, if its ending is that of one language only.
    pub(crate) fn of_file_name(name: &str) -> Option<Self> {
        let name = name.rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_lowercase();
        let (_, ending) = name.rsplit_once('.').unwrap_or(("", ""));
        Some(match ending {
            "cmd" | "bat" => Self::Batch,
            "ps1" | "psm1" => Self::PowerShell,
            "sh" | "bash" | "dash" | "ksh" => Self::Posix,
            "preseed" => Self::Preseed,
            "ks" => Self::Kickstart,
            _ => match name.as_str() {
                "preseed.cfg" => Self::Preseed,
                "ks.cfg" => Self::Kickstart,
                _ => return None,
            },
        })
    }

    /// What a file of this language is called in messages; `None` for scripts.
    pub(crate) fn document(self) -> Option<&'static str> {
        match self {
            Self::Batch | Self::PowerShell | Self::Posix => None,
            Self::Preseed => Some("a preseed file for the installer of Debian"),
            Self::Kickstart => Some("a kickstart file for the installer of Red Hat's systems"),
            Self::CloudConfig => Some("a cloud-config for cloud-init"),
        }
    }

    /// What the script is for: by its `#!` line, by the name of its file, or by what stands in it.
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

impl fmt::Display for ScriptLanguage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ScriptLanguage {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL.iter().copied().find(|language| language.name() == text).ok_or_else(|| {
            unknown(
                text,
                "a language of scripts",
                "batch, powershell, posix, preseed, kickstart or cloud-config",
            )
        })
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

    #[test]
    fn every_language_reads_back_from_its_name() {
        for language in ScriptLanguage::ALL {
            assert_eq!(language.to_string().parse::<ScriptLanguage>().unwrap(), *language);
        }
        assert!("perl".parse::<ScriptLanguage>().unwrap_err().message().contains("cloud-config"));
    }
}
