//! What can be told of a setup script without running it.

mod batch;
mod bytes;
mod flow;
mod habits;
mod job;
mod macros;
mod rules;

use std::cmp::Reverse;
use std::ops::Range;

use super::Script;
use super::interpreter::Interpreter;
use crate::error::Position;
use crate::finding::{Finding, Report, Rule};
use crate::metainfo::Metainfo;

pub(crate) use rules::RULES;

/// A script can be made of nothing but mistakes; nobody reads more of them than this.
const MAX_FINDINGS: usize = 200;

impl Script {
    /// What would go wrong if this script set up a machine, with line, column, reason and mending.
    ///
    /// It is read as the setup script of a template: one that the first run in the guest starts, and the platform fills
    /// in. With `metainfo` the macros that it declares are known, and what it says of restarts. What is told is true
    /// of the script as it stands; where something depends on what cannot be seen, as a script that another script
    /// starts, nothing is told. Of scripts that begin with `#!`, and of those for PowerShell, only that is checked which
    /// holds for them. At most 200 findings.
    ///
    /// ```
    /// use vmtemplate::Script;
    ///
    /// let report = Script::from_text("@echo off\r\npause\r\nexit /b\r\n").lint(None);
    /// let finding = &report.findings()[0];
    /// assert_eq!((finding.rule().code, finding.place().position.unwrap().line), ("VMT0231", 2));
    /// assert!(Script::default_windows().lint(None).findings().is_empty());
    /// ```
    pub fn lint(&self, metainfo: Option<&Metainfo>) -> Report {
        let text = self.text();
        let interpreter = self.interpreter();
        let mut lint = Lint { script: self, text: &text, interpreter, metainfo, findings: Vec::new() };
        lint.run();
        let mut findings = lint.findings;
        // What has no place comes last; two at one place, the worse one first.
        findings.sort_by_key(|finding| {
            (finding.place().position.is_none(), finding.place().position, Reverse(finding.severity()))
        });
        findings.truncate(MAX_FINDINGS);
        Report::new(findings)
    }

    /// What runs it.
    pub(crate) fn interpreter(&self) -> Interpreter {
        Interpreter::of(&self.text())
    }
}

/// A script that is looked at.
struct Lint<'a> {
    script: &'a Script,
    text: &'a str,
    interpreter: Interpreter,
    metainfo: Option<&'a Metainfo>,
    findings: Vec<Finding>,
}

impl Lint<'_> {
    fn run(&mut self) {
        if self.text.trim_matches(|c: char| c.is_whitespace() || c == '\0').is_empty() {
            self.add(Finding::new(rules::EMPTY, "the script is empty; expected the setup of a machine"));
            return;
        }
        self.check_bytes();
        // Nothing else can be said of a script that is not read as text.
        if self.script.encoding().is_utf16() {
            return;
        }
        self.check_macros();
        if self.interpreter == Interpreter::Batch {
            let batch = batch::parse(self.text);
            self.check_places(&batch);
            self.check_flow(&batch);
            self.check_habits(&batch);
            self.check_job(&batch);
        }
    }

    fn add(&mut self, finding: Finding) {
        // Far more than are shown, so that what is cut off is what comes last in the script.
        if self.findings.len() < 10 * MAX_FINDINGS {
            self.findings.push(finding);
        }
    }

    /// A finding about a part of the text.
    fn find(&self, rule: &'static Rule, range: Range<usize>, message: impl Into<String>) -> Finding {
        let position = Position::of_offset(self.text, range.start);
        let first_line = self.text[range].lines().next().unwrap_or_default();
        Finding::new(rule, message).with_excerpt(self.text, position, first_line.chars().count())
    }
}

/// Text of a script as a message shows it: short, and unable to steer a terminal.
fn shown(text: &str) -> String {
    let text = text.trim();
    let mut short: String = text.chars().take(60).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!(
        "`{}`",
        short.escape_debug().to_string().replace("\\\"", "\"").replace("\\'", "'").replace("\\\\", "\\")
    )
}
