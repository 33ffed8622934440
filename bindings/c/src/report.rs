//! The findings of a check.

use std::ffi::c_char;
use std::ptr;

use vmtemplate::Report;
use vmtemplate::report::Finding;

use crate::boundary::{AsStruct, Json, Memory, Slot, Structs, free, get, handle, look, text};
use crate::rule::{rule_struct, severity_out, vmt_rule, vmt_severity};

/// The findings of a check. It is immutable, and any number of threads may use it.
pub struct vmt_report(Slot<ReportValue>);
handle!(vmt_report, ReportValue);

#[derive(Debug)]
pub(crate) struct ReportValue {
    report: Report,
    findings: Structs<vmt_finding>,
    json: Json,
    sarif: Json,
}

impl From<Report> for ReportValue {
    fn from(report: Report) -> Self {
        let findings = Structs::of(report.findings());
        Self { report, findings, json: Json::default(), sarif: Json::default() }
    }
}

/// A finding: the rule that is broken, where, and how to fix it.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vmt_finding {
    /// The rule that it breaks, which is static.
    pub rule: *const vmt_rule,
    /// The severity.
    pub severity: vmt_severity,
    /// The number of the partition that it concerns; 0 if it concerns none.
    pub partition: u32,
    /// What was found.
    pub message: *const c_char,
    /// How to fix it.
    pub fix: *const c_char,
    /// Place, severity, code and message in one line.
    pub text: *const c_char,
    /// The file of the template that it concerns; NULL if it concerns none.
    pub file: *const c_char,
    /// The path inside the image that it concerns; NULL if it concerns none.
    pub path: *const c_char,
    /// Its line in a text, from 1; 0 if it is not in a text.
    pub line: usize,
    /// Its column in characters, from 1; 0 if it is not in a text.
    pub column: usize,
    /// The line that contains it, or the part of that line around it; NULL if it is not in a text.
    pub excerpt: *const c_char,
    /// The column in the excerpt at which it begins, from 1; 0 without an excerpt.
    pub excerpt_column: usize,
    /// The number of characters of the excerpt that it concerns; 0 without an excerpt.
    pub excerpt_length: usize,
}

impl AsStruct for Finding {
    type Struct = vmt_finding;

    fn as_struct(&self, memory: &mut Memory) -> vmt_finding {
        let (place, excerpt) = (self.place(), self.excerpt());
        vmt_finding {
            rule: rule_struct(self.rule()),
            severity: severity_out(self.severity()),
            partition: place.partition.unwrap_or(0),
            message: memory.text(self.message()),
            fix: memory.text(self.fix()),
            text: memory.text(self.to_string()),
            file: memory.text_or_null(place.file.as_ref()),
            path: memory.text_or_null(place.path.as_ref()),
            line: place.position.map_or(0, |at| at.line),
            column: place.position.map_or(0, |at| at.column),
            excerpt: memory.text_or_null(excerpt.map(|excerpt| &excerpt.line)),
            excerpt_column: excerpt.map_or(0, |excerpt| excerpt.column),
            excerpt_length: excerpt.map_or(0, |excerpt| excerpt.length),
        }
    }
}

/// A finding, which lives as long as the report; NULL past the end.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_report_finding(report: *const vmt_report, index: usize) -> *const vmt_finding {
    look(ptr::null(), || Ok(get(report)?.findings.at(index)))
}

/// The number of findings of this severity; of all findings for 0.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_report_count(report: *const vmt_report, severity: vmt_severity) -> usize {
    look(0, || {
        let findings = get(report)?.findings.iter();
        Ok(findings.filter(|finding| severity == 0 || finding.severity == severity).count())
    })
}

/// The report as JSON, as `vmtemplate check --json` prints it.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_report_json(report: *const vmt_report, length: *mut usize) -> *const c_char {
    text(length, || {
        let value = get(report)?;
        value.json.of(|| Ok(&value.report))
    })
}

/// The report as SARIF 2.1.0, which code review services read.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_report_sarif(report: *const vmt_report, length: *mut usize) -> *const c_char {
    text(length, || {
        let value = get(report)?;
        value.sarif.of(|| Ok(value.report.sarif()))
    })
}

/// Free a report. NULL is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_report_free(report: *mut vmt_report) {
    look((), || free(report));
}
