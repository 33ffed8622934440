use std::path::PathBuf;

use crate::disk::{ImageFormat, OpenOptions};
use crate::error::{Error, ErrorKind, Result};
use crate::macros::ScriptLanguage;
use crate::progress::Control;
use crate::rules::{Finding, Report, Rule, Severity};
use crate::shown::quoted;

/// What is checked, and with which severities.
///
/// ```
/// use vmtemplate::report::{CheckOptions, Severity};
///
/// let options = CheckOptions {
///     allow: vec!["VMT0116".into()],
///     severities: vec![("VMT0109".into(), Severity::Error)],
///     deny_warnings: true,
///     ..CheckOptions::default()
/// };
/// assert!(!options.skip_image);
/// ```
#[derive(Debug, Clone, Default)]
pub struct CheckOptions {
    /// Codes of rules that are turned off.
    pub allow: Vec<String>,
    /// Rules with another severity than in the table. The last entry for a code counts.
    pub severities: Vec<(String, Severity)>,
    /// Every warning counts as an error.
    pub deny_warnings: bool,
    /// Do not look into the disk image.
    pub skip_image: bool,
    /// The language of the setup script; `None` recognises it, as [`Script::language_as`](crate::Script::language_as)
    /// does with the name of its file.
    pub language: Option<ScriptLanguage>,
    /// The format of the disk image, if it should not be recognised by content, as in
    /// [`OpenOptions::format`](crate::disk::OpenOptions::format). With one, no rule asks what else the image looks like.
    pub format: Option<ImageFormat>,
    /// The folder in which files that are named inside an image may be opened, as in
    /// [`OpenOptions::backing_files`](crate::disk::OpenOptions::backing_files).
    pub backing_files: Option<PathBuf>,
    /// Stops the work.
    pub control: Control,
}

impl CheckOptions {
    /// How the disk image is opened.
    pub(super) fn opening(&self) -> OpenOptions {
        OpenOptions {
            format: self.format,
            backing_files: self.backing_files.clone(),
            control: self.control.clone(),
            ..OpenOptions::default()
        }
    }

    /// Fail if a code is not that of a rule: otherwise a misspelt code would go unnoticed.
    pub(crate) fn validate(&self) -> Result<()> {
        let codes = self.allow.iter().chain(self.severities.iter().map(|(code, _)| code));
        match codes.into_iter().find(|code| Rule::by_code(code).is_none()) {
            None => Ok(()),
            Some(code) => {
                Err(Error::new(ErrorKind::InvalidValue, format!("the rule {} does not exist", quoted(code)))
                    .with_help("a code looks like VMT0101; docs/rules.md lists them all"))
            }
        }
    }

    /// The findings that remain, with the severities that the caller asked for.
    pub(crate) fn apply(&self, findings: Vec<Finding>) -> Report {
        let kept = findings
            .into_iter()
            .filter(|finding| !self.allow.iter().any(|code| code.eq_ignore_ascii_case(finding.rule().code)));
        Report::new(kept.map(|finding| self.weigh(finding)).collect())
    }

    fn weigh(&self, finding: Finding) -> Finding {
        let asked = self.severities.iter().rev();
        let asked = asked.filter(|(code, _)| code.eq_ignore_ascii_case(finding.rule().code));
        let severity = asked.map(|&(_, severity)| severity).next().unwrap_or(finding.severity());
        let denied = self.deny_warnings && severity == Severity::Warning;
        finding.with_severity(if denied { Severity::Error } else { severity })
    }
}
