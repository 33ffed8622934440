//! What a check has found.

use std::ffi::c_char;
use std::ptr;
use std::sync::OnceLock;

use vmtemplate::{Finding, Report, Summary};

use crate::boundary::{Outcome, Slot, Text, fixed, free, get, handle, json, look, text};
use crate::rule::{severity_in, severity_out, vmt_severity};

/// The findings of a check. It is never changed; many threads may look at it, and texts live as long as it does.
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

/// How many findings there are.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_report_count(report: *const vmt_report) -> usize {
    look(0, || Ok(get(report)?.report.findings().len()))
}

/// How many of them are errors.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_report_errors(report: *const vmt_report) -> usize {
    count(report, |summary| summary.errors)
}

/// How many of them are warnings.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_report_warnings(report: *const vmt_report) -> usize {
    count(report, |summary| summary.warnings)
}

/// How many of them are notes.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_report_notes(report: *const vmt_report) -> usize {
    count(report, |summary| summary.notes)
}

/// Whether there is a finding that matters as much, or more. False for NULL, and for what is no severity.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_report_has(report: *const vmt_report, severity: vmt_severity) -> bool {
    look(false, || Ok(get(report)?.report.has(severity_in(severity)?)))
}

/// All of it as JSON, as `vmtemplate check --json` prints it.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_report_json(report: *const vmt_report, length: *mut usize) -> *const c_char {
    text(length, || {
        let value = get(report)?;
        kept(&value.json, &value.report)
    })
}

/// All of it as SARIF 2.1.0, which services for code review read.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_report_sarif(report: *const vmt_report, length: *mut usize) -> *const c_char {
    text(length, || {
        let value = get(report)?;
        kept(&value.sarif, &value.report.sarif())
    })
}

/// The code of the rule of a finding; NULL past the end. It lives for ever. `vmt_rule_title()` and others tell more.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_finding_code(report: *const vmt_report, index: usize) -> *const c_char {
    finding(report, index, ptr::null(), |finding| fixed(finding.rule().code).pointer())
}

/// How much it matters; 0 past the end.
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

/// How to mend it; NULL past the end.
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

/// The file of the template that it is in; NULL if it is in none.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_finding_file(
    report: *const vmt_report,
    index: usize,
    length: *mut usize,
) -> *const c_char {
    finding_text(report, index, length, |finding| finding.file.as_ref())
}

/// The path inside the image that it is at; NULL if it is at none.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_finding_path(
    report: *const vmt_report,
    index: usize,
    length: *mut usize,
) -> *const c_char {
    finding_text(report, index, length, |finding| finding.path.as_ref())
}

/// The number of the partition that it is on; 0 if it is on none.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_finding_partition(report: *const vmt_report, index: usize) -> u32 {
    finding(report, index, 0, |finding| finding.place().partition.unwrap_or(0))
}

/// Its line in a text, from 1; 0 if it is in none.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_finding_line(report: *const vmt_report, index: usize) -> usize {
    finding(report, index, 0, |finding| finding.place().position.map_or(0, |at| at.line))
}

/// Its column in characters, from 1; 0 if it is in no text.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_finding_column(report: *const vmt_report, index: usize) -> usize {
    finding(report, index, 0, |finding| finding.place().position.map_or(0, |at| at.column))
}

/// The line that it is in, or the part of it around the place; NULL if it is in no text.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_finding_excerpt(
    report: *const vmt_report,
    index: usize,
    length: *mut usize,
) -> *const c_char {
    finding_text(report, index, length, |finding| finding.excerpt.as_ref())
}

/// The column of the place in the excerpt, from 1; 0 if there is none.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_finding_excerpt_column(report: *const vmt_report, index: usize) -> usize {
    finding(report, index, 0, |finding| finding.excerpt().map_or(0, |excerpt| excerpt.column))
}

/// How many characters of the excerpt it is about; 0 if there is none.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_finding_excerpt_length(report: *const vmt_report, index: usize) -> usize {
    finding(report, index, 0, |finding| finding.excerpt().map_or(0, |excerpt| excerpt.length))
}

/// Free a report. NULL is taken.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_report_free(report: *mut vmt_report) {
    look((), || free(report));
}
