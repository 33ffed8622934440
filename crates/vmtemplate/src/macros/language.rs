//! Which interpreter a script is for.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, ErrorKind};
use crate::shown::quoted;

/// The interpreter that a script is written for, and so how values are quoted in it.
///
/// ```
/// use vmtemplate::macros::ScriptLanguage;
/// use vmtemplate::Script;
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
    #[serde(rename = "powershell")]
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

impl ScriptLanguage {
    /// Every language.
    ///
    /// ```
    /// assert_eq!(vmtemplate::macros::ScriptLanguage::ALL.len(), 6);
    /// ```
    pub const ALL: &'static [Self] =
        &[Self::Batch, Self::PowerShell, Self::Posix, Self::Preseed, Self::Kickstart, Self::CloudConfig];

    /// Its name, as the command line takes it.
    ///
    /// ```
    /// assert_eq!(vmtemplate::macros::ScriptLanguage::CloudConfig.name(), "cloud-config");
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

/// A word that is none of a fixed set.
pub(super) fn unknown(text: &str, what: &str, expected: &str) -> Error {
    Error::new(ErrorKind::InvalidValue, format!("{} is not {what}; expected {expected}", quoted(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_reads_back_from_its_name() {
        for language in ScriptLanguage::ALL {
            assert_eq!(language.to_string().parse::<ScriptLanguage>().unwrap(), *language);
        }
        assert!("perl".parse::<ScriptLanguage>().unwrap_err().message().contains("cloud-config"));
    }
}
