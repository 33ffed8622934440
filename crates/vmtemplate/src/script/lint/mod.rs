//! What can be determined of a setup script without running it.

mod batch;
mod bytes;
mod flow;
mod habits;
mod job;
mod macros;

use std::cell::OnceCell;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::ops::Range;

use self::batch::Batch;
use super::Script;
use crate::error::Position;
use crate::macros::{KnownMacros, MacroUse, ScriptLanguage, Told, find_macros};
use crate::metainfo::Metainfo;
use crate::rules::{Finding, Report, Rule, script as rules};
use crate::shown::quoted;

/// A script can be made of nothing but mistakes; nobody reads more of them than this.
const MAX_FINDINGS: usize = 200;
/// Nor of one kind, which would hide the others.
const MAX_OF_A_RULE: usize = 50;

/// How [`Script::check`] is done: what is known of the script beside its bytes.
///
/// ```
/// use vmtemplate::macros::ScriptLanguage;
/// use vmtemplate::script::ScriptCheckOptions;
/// use vmtemplate::Script;
///
/// let script = Script::from_text("shutdown -r now\n");
/// assert_eq!(script.check(&Default::default()).findings()[0].rule().code, "VMT0209"); // nothing says what it is for
/// let options = ScriptCheckOptions { language: Some(ScriptLanguage::Posix), ..ScriptCheckOptions::default() };
/// assert!(script.check(&options).findings().is_empty());
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct ScriptCheckOptions<'a> {
    /// The metadata that goes with it: which macros are declared, how many restarts are waited for, and the name of the
    /// script in the template.
    pub metainfo: Option<&'a Metainfo>,
    /// The name of its file. Its ending says the language where the script has no `#!` line, and its name in the
    /// metadata does not say it.
    pub file_name: Option<&'a str>,
    /// Its language; `None` recognises it.
    pub language: Option<ScriptLanguage>,
}

impl Script {
    /// What would go wrong if this script set up a machine, with line, column, reason and fix.
    ///
    /// It is read as the setup script of a template: one that the first run in the guest starts, and the platform fills
    /// in. With `metainfo` the macros that it declares are known, and what it says of restarts. Without `metainfo` and
    /// without macros it is taken for a script beside the setup script: nothing is said of restart, task and end.
    ///
    /// What is reported is true of the script unchanged; where something depends on what cannot be seen, as a script
    /// that another script starts, nothing is reported. Of scripts that begin with `#!`, and of those for PowerShell, only
    /// that is checked which holds for them. At most 50 findings of a rule and 200 in all.
    ///
    /// ```
    /// use vmtemplate::script::ScriptCheckOptions;
    /// use vmtemplate::Script;
    ///
    /// let options = ScriptCheckOptions { file_name: Some("setup.cmd"), ..ScriptCheckOptions::default() };
    /// let report = Script::from_text("@echo off\r\npause\r\nexit /b\r\n").check(&options);
    /// let finding = &report.findings()[0];
    /// assert_eq!((finding.rule().code, finding.place().position.unwrap().line), ("VMT0231", 2));
    /// assert!(Script::default_windows().check(&Default::default()).findings().is_empty());
    /// ```
    pub fn check(&self, options: &ScriptCheckOptions<'_>) -> Report {
        let text = self.text();
        let named = options.metainfo.and_then(Metainfo::script_file);
        let telling = named.as_deref().filter(|name| ScriptLanguage::of_file_name(name).is_some());
        let file_name = telling.or(options.file_name);
        let told = options.language.map_or_else(|| self.tell_language(file_name), Told::Language);
        let declared = options.metainfo.map(Metainfo::declared_macros).unwrap_or_default();
        let known = KnownMacros::declared(&declared);
        let mut lint = Lint {
            script: self,
            text: &text,
            lower: OnceCell::new(),
            lines: text.match_indices('\n').map(|(at, _)| at + 1).collect(),
            told,
            language: told.language(),
            metainfo: options.metainfo,
            macros: known.among(find_macros(&text)),
            known,
            findings: Vec::new(),
            counts: HashMap::new(),
        };
        lint.run();
        let mut findings = lint.findings;
        // What has no place comes last; two at one place, the worse one first.
        findings.sort_by_key(|finding| {
            (finding.place().position.is_none(), finding.place().position, Reverse(finding.severity()))
        });
        findings.truncate(MAX_FINDINGS);
        Report::new(findings)
    }
}

/// A script that is looked at.
struct Lint<'a> {
    script: &'a Script,
    text: &'a str,
    /// The same in lower case, once it was asked for.
    lower: OnceCell<String>,
    /// Where every line but the first begins.
    lines: Vec<usize>,
    told: Told,
    /// The same, where it is a language.
    language: Option<ScriptLanguage>,
    metainfo: Option<&'a Metainfo>,
    known: KnownMacros,
    /// The macros of the script: those of the names that are known.
    macros: Vec<MacroUse>,
    findings: Vec<Finding>,
    counts: HashMap<&'static str, usize>,
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
        if self.language == Some(ScriptLanguage::Batch) {
            let unknown = self.unknown_macros();
            // What was meant as a macro is looked at as one, so that one mistake is one finding.
            let mut taken: Vec<_> = self.macros.iter().map(|found| found.range.clone()).collect();
            taken.extend(unknown.iter().map(|(found, _)| found.range.clone()));
            taken.sort_by_key(|range| range.start);
            let batch = batch::parse(self.text, taken);
            self.check_macros(&batch, &unknown);
            self.check_whole(&batch);
            self.check_quoting();
            self.check_places(&batch);
            self.check_flow(&batch);
            self.check_habits(&batch);
            // One without macros and without metadata is a script beside it, such as those of the first run.
            if self.metainfo.is_some() || !self.macros.is_empty() || !unknown.is_empty() {
                self.check_job(&batch);
            }
        } else {
            let unknown = self.unknown_macros();
            self.check_language();
            self.check_macros(&Batch::default(), &unknown);
            self.check_quoting();
        }
    }

    /// Whether the script is one, and what for.
    fn check_language(&mut self) {
        if let Some(document) = self.language.and_then(ScriptLanguage::document) {
            let message = format!("the file is {document}; expected a script");
            self.add(Finding::new(rules::NO_SCRIPT, message));
        } else if self.told == Told::Nothing {
            let message = "neither a `#!` line, nor the name of the file, nor its content identifies the interpreter \
                           of the script";
            self.add(Finding::new(rules::NO_LANGUAGE, message));
        }
    }

    fn add(&mut self, finding: Finding) {
        if !self.is_full(finding.rule()) {
            *self.counts.entry(finding.rule().code).or_default() += 1;
            self.findings.push(finding);
        }
    }

    /// Whether enough was found of this kind: then nothing more is looked up for it.
    fn is_full(&self, rule: &Rule) -> bool {
        self.counts.get(rule.code).is_some_and(|&count| count >= MAX_OF_A_RULE)
    }

    /// A finding about a part of the text.
    fn find(&self, rule: &'static Rule, range: Range<usize>, message: impl Into<String>) -> Finding {
        let finding = Finding::new(rule, message);
        if self.is_full(rule) {
            return finding; // it will not be added
        }
        let before = self.lines.partition_point(|&start| start <= range.start);
        let line = self.line(before);
        let column = 1 + self.text[line.start..range.start].chars().count();
        let first_line = &self.text[range.start..range.end.min(line.end).max(range.start)];
        let length = first_line.trim_end_matches('\r').chars().count();
        finding.with_line(&self.text[line], Position { line: before + 1, column }, length)
    }

    /// The same where line and column are known.
    fn find_at(&self, rule: &'static Rule, position: Position, length: usize, message: String) -> Finding {
        let line = self.line(position.line - 1);
        Finding::new(rule, message).with_line(&self.text[line], position, length)
    }

    /// Where the line of this byte begins.
    fn line_start(&self, at: usize) -> usize {
        let number = self.lines.partition_point(|&start| start <= at);
        if number == 0 { 0 } else { self.lines[number - 1] }
    }

    /// The line of this number, from 0, without its LF.
    fn line(&self, number: usize) -> Range<usize> {
        let start = if number == 0 { 0 } else { self.lines[number - 1] };
        start..self.lines.get(number).map_or(self.text.len(), |&next| next - 1)
    }
}

/// Text of a script as a message shows it.
fn shown(text: &str) -> String {
    quoted(text.trim())
}
