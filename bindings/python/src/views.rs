//! The values that have another form in Python than in the JSON of the library: what the library computes is a field.
//!
//! The classes of `vmtemplate._values` are generated from these structs as they are from the structs of the library.

use serde::Serialize;
use vmtemplate as vt;

/// The findings of a check. Iterating over it returns the findings, and `len` returns their number.
#[derive(Serialize)]
pub(crate) struct Report<'a> {
    findings: Vec<Finding<'a>>,
    summary: vt::report::Summary,
}

impl<'a> From<&'a vt::Report> for Report<'a> {
    fn from(report: &'a vt::Report) -> Self {
        Self { findings: report.findings().iter().map(Into::into).collect(), summary: report.summary() }
    }
}

/// A problem that a check found.
#[derive(Serialize)]
pub(crate) struct Finding<'a> {
    /// The rule that it breaks.
    rule: &'a vt::report::Rule,
    /// The severity: that of the rule, unless the caller asked for another.
    severity: vt::report::Severity,
    /// Where it was found.
    place: Place<'a>,
    /// What was found and what was expected.
    message: &'a str,
    /// How to fix it.
    fix: &'a str,
    /// The line that it concerns, if it concerns one.
    excerpt: Option<&'a vt::report::Excerpt>,
    /// Everything in one line.
    text: String,
}

impl<'a> From<&'a vt::report::Finding> for Finding<'a> {
    fn from(finding: &'a vt::report::Finding) -> Self {
        Self {
            rule: finding.rule(),
            severity: finding.severity(),
            place: finding.place().into(),
            message: finding.message(),
            fix: finding.fix(),
            excerpt: finding.excerpt(),
            text: finding.to_string(),
        }
    }
}

/// The place of a finding. Only what is known is set.
#[derive(Serialize)]
#[serde(default)]
pub(crate) struct Place<'a> {
    /// The file of the template.
    file: Option<&'a str>,
    /// The number of the partition of a disk image, from 1.
    partition: Option<u32>,
    /// The file or registry key inside that partition.
    path: Option<&'a str>,
    /// Line and column, in the innermost file that is named.
    position: Option<vt::error::Position>,
    /// Everything in one line.
    text: String,
}

impl<'a> From<&'a vt::report::Place> for Place<'a> {
    fn from(place: &'a vt::report::Place) -> Self {
        Self {
            file: place.file.as_deref(),
            partition: place.partition,
            path: place.path.as_deref(),
            position: place.position,
            text: place.to_string(),
        }
    }
}

/// A limit that a machine does not meet.
#[derive(Serialize)]
pub(crate) struct UnmetLimit {
    /// `primary_address`, `memory` or `disk`.
    limit: &'static str,
    /// What the machine has: MiB of memory, MB of disk, or the family of its address.
    found: Found,
    /// What the template needs; None for an address.
    required: Option<u64>,
    /// The whole message.
    message: String,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Found {
    Number(u64),
    Family(vt::metainfo::AddressFamily),
    Unknown,
}

impl From<&vt::metainfo::UnmetLimit> for UnmetLimit {
    fn from(unmet: &vt::metainfo::UnmetLimit) -> Self {
        let (limit, found, required) = match *unmet {
            vt::metainfo::UnmetLimit::PrimaryAddress { found } => {
                ("primary_address", Found::Family(found), None)
            }
            vt::metainfo::UnmetLimit::Memory { found_mib, required_mib } => {
                ("memory", Found::Number(found_mib), Some(required_mib))
            }
            vt::metainfo::UnmetLimit::Disk { found_mb, required_mb } => {
                ("disk", Found::Number(found_mb), Some(required_mb))
            }
            _ => ("other", Found::Unknown, None),
        };
        Self { limit, found, required, message: unmet.to_string() }
    }
}

/// A macro in a text.
#[derive(Serialize)]
pub(crate) struct MacroUse {
    /// Which macro it is.
    name: vt::macros::MacroName,
    /// The offset of its first byte in the UTF-8 form of a text, or in the bytes of a script.
    start: usize,
    /// The offset after its last byte.
    end: usize,
    /// Where its `(` is.
    position: vt::error::Position,
}

impl From<vt::macros::MacroUse> for MacroUse {
    fn from(used: vt::macros::MacroUse) -> Self {
        Self { name: used.name, start: used.range.start, end: used.range.end, position: used.position }
    }
}
