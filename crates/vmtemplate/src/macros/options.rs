use std::fmt;
use std::str::FromStr;

use crate::error::{Error, ErrorKind, Result};
use crate::shown::Shown;

/// What becomes of a macro that has no value.
///
/// ```
/// use vmtemplate::{MacroValues, MissingValue, RenderOptions, Script};
///
/// let script = Script::from_text("set \"KEY=($PRODUCTKEY)\"\r\n");
/// let render = |missing| {
///     script.render(&MacroValues::new(), &RenderOptions { missing, ..RenderOptions::default() })
/// };
/// assert!(render(MissingValue::Error).is_err());
/// assert_eq!(render(MissingValue::Parens)?.text(), "set \"KEY=()\"\r\n");
/// assert_eq!(render(MissingValue::Empty)?.text(), "set \"KEY=\"\r\n");
/// assert_eq!(render(MissingValue::Keep)?, script);
/// # Ok::<(), vmtemplate::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MissingValue {
    /// An error that names the macro and its place.
    #[default]
    Error,
    /// `()`, as scripts in the wild find it.
    Parens,
    /// Nothing.
    Empty,
    /// The macro as it stands.
    Keep,
}

impl FromStr for MissingValue {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "error" => Ok(Self::Error),
            "parens" => Ok(Self::Parens),
            "empty" => Ok(Self::Empty),
            "keep" => Ok(Self::Keep),
            _ => Err(unknown(text, "what to do without a value", "error, parens, empty or keep")),
        }
    }
}

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
}

impl ScriptLanguage {
    /// What the script is by its `#!` line, by its content, or else batch; `None` if it names another interpreter.
    pub(crate) fn detect(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        let mut lines = bytes.split(|&b| b == b'\n').map(<[u8]>::trim_ascii);
        if bytes.starts_with(b"#!") {
            let first = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
            let mut words = first[2..].split_ascii_whitespace();
            let base = |word: &str| word.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
            let mut name = words.next().map(base).unwrap_or_default();
            if name == "env" {
                name = words
                    .find(|word| !word.starts_with('-') && !word.contains('='))
                    .map(base)
                    .unwrap_or_default();
            }
            return match name.trim_end_matches(".exe") {
                "sh" | "dash" | "ash" | "bash" | "ksh" | "mksh" | "zsh" => Some(Self::Posix),
                "busybox" if words.next() == Some("sh") => Some(Self::Posix),
                "pwsh" | "powershell" => Some(Self::PowerShell),
                _ => None,
            };
        }
        // One line that only a batch file has outweighs all that looks like PowerShell: what runs first on the
        // machine is run by cmd.exe, and its quoting is the stricter one.
        let mut powershell = false;
        for line in lines {
            let line = line.to_ascii_lowercase();
            let begins = |with: &[&str]| with.iter().any(|start| line.starts_with(start.as_bytes()));
            if begins(&[
                "@", ":", "rem ", "echo ", "echo.", "set ", "setlocal", "if not ", "if \"", "if %", "goto ",
                "call ",
            ]) && !begins(&["@'", "@\"", "@{", "@("])
            {
                return Some(Self::Batch);
            }
            powershell |= is_powershell(&line);
        }
        Some(if powershell { Self::PowerShell } else { Self::Batch })
    }
}

const VERBS: [&str; 14] = [
    "get-", "set-", "new-", "remove-", "add-", "write-", "start-", "stop-", "enable-", "disable-", "resize-",
    "rename-", "restart-", "import-",
];

/// Whether a line, in lower case, is one of PowerShell: an assignment to a variable, a cmdlet, a block of parameters.
fn is_powershell(line: &[u8]) -> bool {
    if let Some(rest) = line.strip_prefix(b"$") {
        let name = rest.iter().take_while(|b| b.is_ascii_alphanumeric() || b"_:".contains(b)).count();
        return name > 0 && rest[name..].trim_ascii_start().starts_with(b"=");
    }
    VERBS.iter().any(|verb| line.starts_with(verb.as_bytes()))
        || [&b"param("[..], b"param (", b"#requires", b"<#", b"[cmdletbinding"]
            .iter()
            .any(|s| line.starts_with(s))
}

impl fmt::Display for ScriptLanguage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Batch => "batch",
            Self::PowerShell => "powershell",
            Self::Posix => "posix",
        })
    }
}

impl FromStr for ScriptLanguage {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "batch" => Ok(Self::Batch),
            "powershell" => Ok(Self::PowerShell),
            "posix" => Ok(Self::Posix),
            _ => Err(unknown(text, "a language of scripts", "batch, powershell or posix")),
        }
    }
}

fn unknown(text: &str, what: &str, expected: &str) -> Error {
    let short: String = text.chars().take(40).collect();
    Error::new(ErrorKind::InvalidValue, format!("`{}` is not {what}; expected {expected}", Shown(&short)))
}

/// How a script is rendered.
///
/// ```
/// use vmtemplate::{MissingValue, RenderOptions};
///
/// let options = RenderOptions { missing: MissingValue::Empty, ..RenderOptions::default() };
/// assert!(!options.as_platform);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RenderOptions {
    /// What becomes of a macro without a value.
    pub missing: MissingValue,
    /// Replace and nothing else, as the platform does: no value is quoted and none is refused for its place.
    /// For comparison only; what comes of it may run commands that a value holds.
    pub as_platform: bool,
    /// The language of the script; `None` recognises it by `#!` and content.
    pub language: Option<ScriptLanguage>,
    /// The characters that `($PASS)` must not have: `illegal_password_characters` of metainfo.xml.
    pub illegal_password_characters: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_recognised() {
        use ScriptLanguage as L;
        for (text, language) in [
            ("", Some(L::Batch)),
            ("net user x\r\n", Some(L::Batch)),
            ("@echo off\r\n$a = 1\r\n", Some(L::Batch)),
            ("$a = 1\r\nWrite-Host $a\r\n", Some(L::PowerShell)),
            ("<# why #>\r\nparam([string]$x)\r\n", Some(L::PowerShell)),
            ("$a = @'\r\n@'\r\n", Some(L::PowerShell)),
            ("Get-Disk\r\nset a=b\r\n", Some(L::Batch)),
            ("#!/bin/sh\n", Some(L::Posix)),
            ("#!/usr/bin/env -S bash -e\n", Some(L::Posix)),
            ("#!/usr/bin/env pwsh\n", Some(L::PowerShell)),
            ("#!/bin/busybox sh\n", Some(L::Posix)),
            ("#!/usr/bin/python3\n", None),
            ("#!\n", None),
        ] {
            assert_eq!(L::detect(text.as_bytes()), language, "{text:?}");
        }
    }
}
