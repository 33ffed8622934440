//! The findings of a check.

use std::ffi::c_char;
use std::ptr;
use std::sync::OnceLock;

use vmtemplate::Report;
use vmtemplate::report::{Finding, Summary};

use crate::boundary::{Outcome, Slot, Text, fixed, free, get, handle, json, look, text};
use crate::rule::{severity_in, severity_out, vmt_severity};

/// The findings of a check. It is immutable, any number of threads may use it, and its texts live as long as it does.
pub struct vmt_report(Slot<ReportValue>);
handle!(vmt_report, ReportValue);

#[derive(Debug)]
pub(crate) struct ReportValue {
    report: Report,
    findings: Vec<FindingTexts>,
    json: OnceLock<Text>,
    sarif: OnceLock<Text>,
}

#[derive(Debug)]
struct FindingTexts {
    message: Text,
    fix: Text,
    text: Text,
    file: Option<Text>,
    path: Option<Text>,
    excerpt: Option<Text>,
}

impl ReportValue {
    pub(crate) fn new(report: Report) -> Self {
        let texts = |finding: &Finding| FindingTexts {
            message: Text::new(finding.message()),
            fix: Text::new(finding.fix()),
            text: Text::new(finding.to_string()),
            file: finding.place().file.as_ref().map(Text::new),
            path: finding.place().path.as_ref().map(Text::new),
            excerpt: finding.excerpt().map(|excerpt| Text::new(&excerpt.line)),
        };
        Self {
            findings: report.findings().iter().map(texts).collect(),
            report,
            json: OnceLock::new(),
            sarif: OnceLock::new(),
        }
    }
}

fn finding<R>(report: *const vmt_report, index: usize, none: R, see: impl FnOnce(&Finding) -> R) -> R
where
    R: Copy,
{
    look(none, || Ok(get(report)?.report.findings().get(index).map_or(none, see)))
}

fn finding_text(
    report: *const vmt_report,
    index: usize,
    length: *mut usize,
    see: impl FnOnce(&FindingTexts) -> Option<&Text>,
) -> *const c_char {
    text(length, || Ok(get(report)?.findings.get(index).and_then(see)))
}

fn count(report: *const vmt_report, which: impl FnOnce(Summary) -> usize) -> usize {
    look(0, || Ok(which(get(report)?.report.summary())))
}

fn kept<'a>(cell: &'a OnceLock<Text>, value: &impl serde::Serialize) -> Outcome<Option<&'a Text>> {
    if let Some(text) = cell.get() {
        return Ok(Some(text));
    }
    let text = Text::new(json(value)?);
    Ok(Some(cell.get_or_init(|| text)))
}

/// The number of findings.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_report_count(report: *const vmt_report) -> usize {
    look(0, || Ok(get(report)?.report.findings().len()))
}

/// The number of errors.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_report_errors(report: *const vmt_report) -> usize {
    count(report, |summary| summary.errors)
}

/// The number of warnings.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_report_warnings(report: *const vmt_report) -> usize {
    count(report, |summary| summary.warnings)
}

/// The number of notes.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_report_notes(report: *const vmt_report) -> usize {
    count(report, |summary| summary.notes)
}

/// Whether a finding has this or a higher severity. False for NULL, and for an unknown severity.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_report_has(report: *const vmt_report, severity: vmt_severity) -> bool {
    look(false, || Ok(get(report)?.report.has(severity_in(severity)?)))
}

/// The report as JSON, as `vmtemplate check --json` prints it.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_report_json(report: *const vmt_report, length: *mut usize) -> *const c_char {
    text(length, || {
        let value = get(report)?;
        kept(&value.json, &value.report)
    })
}

/// The report as SARIF 2.1.0, which code review services read.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_report_sarif(report: *const vmt_report, length: *mut usize) -> *const c_char {
    text(length, || {
        let value = get(report)?;
        kept(&value.sarif, &value.report.sarif())
    })
}

/// The code of the rule that a finding breaks; NULL past the end. The text is static. `vmt_rule_title()` and others
/// describe the rule.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_finding_code(report: *const vmt_report, index: usize) -> *const c_char {
    finding(report, index, ptr::null(), |finding| fixed(finding.rule().code).pointer())
}

/// The severity; 0 past the end.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_finding_severity(report: *const vmt_report, index: usize) -> vmt_severity {
    finding(report, index, 0, |finding| severity_out(finding.severity()))
}

/// What was found; NULL past the end.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_finding_message(
    report: *const vmt_report,
    index: usize,
    length: *mut usize,
) -> *const c_char {
    finding_text(report, index, length, |finding| Some(&finding.message))
}

/// How to fix it; NULL past the end.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_finding_fix(
    report: *const vmt_report,
    index: usize,
    length: *mut usize,
) -> *const c_char {
    finding_text(report, index, length, |finding| Some(&finding.fix))
}

/// Place, severity, code and message in one line; NULL past the end.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_finding_text(
    report: *const vmt_report,
    index: usize,
    length: *mut usize,
) -> *const c_char {
    finding_text(report, index, length, |finding| Some(&finding.text))
}

/// The file of the template that it concerns; NULL if it concerns none.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_finding_file(
    report: *const vmt_report,
    index: usize,
    length: *mut usize,
) -> *const c_char {
    finding_text(report, index, length, |finding| finding.file.as_ref())
}

/// The path inside the image that it concerns; NULL if it concerns none.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_finding_path(
    report: *const vmt_report,
    index: usize,
    length: *mut usize,
) -> *const c_char {
    finding_text(report, index, length, |finding| finding.path.as_ref())
}

/// The number of the partition that it concerns; 0 if it concerns none.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_finding_partition(report: *const vmt_report, index: usize) -> u32 {
    finding(report, index, 0, |finding| finding.place().partition.unwrap_or(0))
}

/// Its line in a text, from 1; 0 if it is not in a text.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_finding_line(report: *const vmt_report, index: usize) -> usize {
    finding(report, index, 0, |finding| finding.place().position.map_or(0, |at| at.line))
}

/// Its column in characters, from 1; 0 if it is not in a text.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_finding_column(report: *const vmt_report, index: usize) -> usize {
    finding(report, index, 0, |finding| finding.place().position.map_or(0, |at| at.column))
}

/// The line that contains it, or the part of that line around it; NULL if it is not in a text.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_finding_excerpt(
    report: *const vmt_report,
    index: usize,
    length: *mut usize,
) -> *const c_char {
    finding_text(report, index, length, |finding| finding.excerpt.as_ref())
}

/// The column in the excerpt at which it begins, from 1; 0 without an excerpt.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_finding_excerpt_column(report: *const vmt_report, index: usize) -> usize {
    finding(report, index, 0, |finding| finding.excerpt().map_or(0, |excerpt| excerpt.column))
}

/// The number of characters of the excerpt that it concerns; 0 without an excerpt.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_finding_excerpt_length(report: *const vmt_report, index: usize) -> usize {
    finding(report, index, 0, |finding| finding.excerpt().map_or(0, |excerpt| excerpt.length))
}

/// Free a report. NULL is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_report_free(report: *mut vmt_report) {
    look((), || free(report));
}
