//! The results of a check: findings, and the report that lists them.

use std::fmt;

use serde::{Serialize, Serializer};

use super::{Rule, Severity};
use crate::error::Position;

/// Where something was found. Only what is known is set.
///
/// ```
/// use vmtemplate::error::Position;
/// use vmtemplate::report::Place;
///
/// let place = Place { file: Some("windows.cmd".into()), position: Some(Position { line: 4, column: 1 }), ..Place::default() };
/// assert_eq!(place.to_string(), "windows.cmd:4:1");
/// let place = Place { file: Some("win.raw".into()), partition: Some(2), path: Some("vmmgr/dd.exe".into()), ..Place::default() };
/// assert_eq!(place.to_string(), "win.raw, partition 2, vmmgr/dd.exe");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Place {
    /// The file of the template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The partition of a disk image, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition: Option<u32>,
    /// The file or registry key inside that partition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Line and column, in the innermost file that is named.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        parts.extend(self.file.clone());
        parts.extend(self.partition.map(|number| format!("partition {number}")));
        parts.extend(self.path.clone());
        f.write_str(&parts.join(", "))?;
        match self.position {
            Some(position) if parts.is_empty() => write!(f, "{position}"),
            Some(position) => write!(f, ":{position}"),
            None => Ok(()),
        }
    }
}

/// The line that a finding is about, so that it can be shown with a mark under it.
///
/// ```
/// use vmtemplate::Script;
///
/// let report = Script::from_text("@echo off\r\necho ($IPP)\r\nexit /b\r\n").check(&Default::default());
/// let excerpt = report.findings()[0].excerpt().unwrap();
/// assert_eq!((excerpt.line.as_str(), excerpt.column, excerpt.length), ("echo ($IPP)", 6, 6));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub struct Excerpt {
    /// The text of the line without its end, at most [`Excerpt::MAX_LENGTH`] characters around the mark.
    pub line: String,
    /// Where the mark begins in `line`, in characters from 1.
    pub column: usize,
    /// How many characters it is long; at least 1.
    pub length: usize,
}

impl Excerpt {
    /// The most characters of a line that are shown.
    ///
    /// ```
    /// # use vmtemplate::report::Excerpt;
    /// # use vmtemplate::Script;
    /// let report = Script::from_text(format!("{}($IPP)\r\n", " ".repeat(10_000))).check(&Default::default());
    /// assert!(report.findings()[0].excerpt().unwrap().line.len() <= Excerpt::MAX_LENGTH);
    /// ```
    pub const MAX_LENGTH: usize = 160;
}

/// One thing that was found.
///
/// ```
/// use vmtemplate::report::Severity;
/// use vmtemplate::Script;
///
/// let report = Script::from_text("echo ($NAMESERVR)\r\nexit /b\r\n").check(&Default::default());
/// let finding = &report.findings()[0];
/// assert!(finding.message().contains("NAMESERVR"));
/// assert!(finding.fix().contains("NAMESERVER"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Finding {
    rule: &'static Rule,
    severity: Severity,
    place: Place,
    message: String,
    fix: Option<String>,
    excerpt: Option<Excerpt>,
}

impl Finding {
    /// Something that `rule` forbids; `message` says what was found.
    pub(crate) fn new(rule: &'static Rule, message: impl Into<String>) -> Self {
        Self {
            rule,
            severity: rule.severity,
            place: Place::default(),
            message: message.into(),
            fix: None,
            excerpt: None,
        }
    }

    pub(crate) fn at(mut self, place: Place) -> Self {
        self.place = place;
        self
    }

    /// How to fix this finding, more specific than the rule's fix.
    pub(crate) fn with_fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    /// With another severity than that of the rule.
    pub(crate) fn with_severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// The mark: the line at `position`, `length` characters from there on. Of a long line a part is shown.
    pub(crate) fn with_excerpt(self, text: &str, position: Position, length: usize) -> Self {
        let line = text.split('\n').nth(position.line.saturating_sub(1)).unwrap_or_default();
        self.with_line(line, position, length)
    }

    /// The same, for a line that is at hand.
    pub(crate) fn with_line(mut self, line: &str, position: Position, length: usize) -> Self {
        let first = position.column.saturating_sub(Excerpt::MAX_LENGTH / 2).max(1);
        let part: String =
            line.trim_end_matches('\r').chars().skip(first - 1).take(Excerpt::MAX_LENGTH).collect();
        let column = position.column - first + 1;
        let rest = part.chars().count().saturating_sub(column - 1).max(1);
        self.excerpt = Some(Excerpt { line: part, column, length: length.clamp(1, rest) });
        self.place.position = Some(position);
        self
    }

    /// A finding that names no file is in this one.
    pub(crate) fn in_file(mut self, name: &str) -> Self {
        self.place.file.get_or_insert_with(|| name.to_owned());
        self
    }

    /// The rule that it violates.
    ///
    /// ```
    /// # use vmtemplate::Script;
    /// # let report = Script::from_text("echo ($IPP)\r\n").check(&Default::default());
    /// println!("{}", report.findings()[0].rule().title);
    /// ```
    pub fn rule(&self) -> &'static Rule {
        self.rule
    }

    /// The severity: that of the rule, unless the caller asked for another.
    ///
    /// ```
    /// # use vmtemplate::report::Severity;
    /// # use vmtemplate::Script;
    /// # let report = Script::from_text("echo ($IPP)\r\n").check(&Default::default());
    /// assert!(report.findings()[0].severity() >= Severity::Note);
    /// ```
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// Where it was found.
    ///
    /// ```
    /// # use vmtemplate::Script;
    /// # let report = Script::from_text("echo ($IPP)\r\n").check(&Default::default());
    /// assert_eq!(report.findings()[0].place().position.unwrap().line, 1);
    /// ```
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// What was found and what was expected.
    ///
    /// ```
    /// # use vmtemplate::Script;
    /// # let report = Script::from_text("echo ($IPP)\r\n").check(&Default::default());
    /// assert!(!report.findings()[0].message().is_empty());
    /// ```
    pub fn message(&self) -> &str {
        &self.message
    }

    /// How to fix it.
    ///
    /// ```
    /// # use vmtemplate::Script;
    /// # let report = Script::from_text("echo ($IPP)\r\n").check(&Default::default());
    /// assert!(!report.findings()[0].fix().is_empty());
    /// ```
    pub fn fix(&self) -> &str {
        self.fix.as_deref().unwrap_or(self.rule.fix)
    }

    /// The line it is about, if it is about one.
    ///
    /// ```
    /// # use vmtemplate::Script;
    /// # let report = Script::from_text("echo ($IPP)\r\n").check(&Default::default());
    /// assert_eq!(report.findings()[0].excerpt().unwrap().line, "echo ($IPP)");
    /// ```
    pub fn excerpt(&self) -> Option<&Excerpt> {
        self.excerpt.as_ref()
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.place.to_string();
        let colon = if place.is_empty() { "" } else { ": " };
        write!(f, "{place}{colon}{} [{}]: {}", self.severity, self.rule.code, self.message)
    }
}

impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut map = serializer.serialize_struct("Finding", 7)?;
        map.serialize_field("code", self.rule.code)?;
        map.serialize_field("severity", &self.severity)?;
        map.serialize_field("where", &self.place)?;
        map.serialize_field("message", &self.message)?;
        map.serialize_field("why", self.rule.why)?;
        map.serialize_field("fix", self.fix())?;
        map.serialize_field("step", self.rule.step)?;
        map.end()
    }
}

/// All that a check found.
///
/// ```
/// use vmtemplate::report::Severity;
/// use vmtemplate::Script;
///
/// let report = Script::from_text("@echo off\n").check(&Default::default()); // LF line ends
/// assert!(report.has(Severity::Error));
/// println!("{}", report.summary());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    findings: Vec<Finding>,
}

impl Report {
    pub(crate) fn new(findings: Vec<Finding>) -> Self {
        Self { findings }
    }

    pub(crate) fn into_findings(self) -> Vec<Finding> {
        self.findings
    }

    /// The findings, grouped by file in the order in which the files were looked at.
    ///
    /// ```
    /// assert!(vmtemplate::Report::default().findings().is_empty());
    /// ```
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The same findings; those that name no file are in this one.
    ///
    /// ```
    /// let report = vmtemplate::Script::from_text("pause\r\nexit /b\r\n").check(&Default::default()).in_file("windows.cmd");
    /// assert!(report.findings()[0].to_string().starts_with("windows.cmd:1:1: error [VMT0231]"));
    /// ```
    #[must_use]
    pub fn in_file(self, name: &str) -> Self {
        Self::new(self.findings.into_iter().map(|finding| finding.in_file(name)).collect())
    }

    /// Whether there is a finding of this severity or a worse one.
    ///
    /// ```
    /// # use vmtemplate::report::Severity;
    /// # use vmtemplate::Report;
    /// assert!(!Report::default().has(Severity::Note));
    /// ```
    pub fn has(&self, severity: Severity) -> bool {
        self.findings.iter().any(|finding| finding.severity >= severity)
    }

    /// How many findings there are of each severity.
    ///
    /// ```
    /// assert_eq!(vmtemplate::Report::default().summary().to_string(), "no findings");
    /// ```
    pub fn summary(&self) -> Summary {
        let count = |severity| self.findings.iter().filter(|finding| finding.severity == severity).count();
        Summary {
            errors: count(Severity::Error),
            warnings: count(Severity::Warning),
            notes: count(Severity::Note),
        }
    }
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut map = serializer.serialize_struct("Report", 2)?;
        map.serialize_field("findings", &self.findings)?;
        map.serialize_field("summary", &self.summary())?;
        map.end()
    }
}

/// How many findings a report has.
///
/// ```
/// let summary = vmtemplate::Script::from_text("@echo off\n").check(&Default::default()).summary();
/// assert!(summary.errors > 0);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct Summary {
    /// Findings of [`Severity::Error`].
    pub errors: usize,
    /// Findings of [`Severity::Warning`].
    pub warnings: usize,
    /// Findings of [`Severity::Note`].
    pub notes: usize,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = [(self.errors, "error"), (self.warnings, "warning"), (self.notes, "note")]
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}{}", if count == 1 { "" } else { "s" }))
            .collect();
        if parts.is_empty() { f.write_str("no findings") } else { f.write_str(&parts.join(", ")) }
    }
}
