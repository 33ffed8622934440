//! Reports as SARIF 2.1.0, the form that code hosts and editors read:
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>.

use std::fmt::Write as _;

use serde::ser::{SerializeMap, SerializeStruct};
use serde::{Serialize, Serializer};

use crate::rules::{Finding, Report, Rule, Severity};

/// A report in the form of SARIF 2.1.0; serializing it gives the whole file.
///
/// ```
/// use vmtemplate::Script;
///
/// let report = Script::from_text("@echo off\npause\n").check(&Default::default()).in_file("windows.cmd");
/// let sarif = serde_json::to_value(report.sarif()).unwrap();
/// assert_eq!(sarif["version"], "2.1.0");
/// assert_eq!(sarif["runs"][0]["results"][0]["ruleId"], "VMT0231");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Sarif<'a>(&'a Report);

impl Report {
    /// The report in the form of SARIF 2.1.0.
    ///
    /// ```
    /// let sarif = vmtemplate::Report::default();
    /// assert!(serde_json::to_string(&sarif.sarif()).unwrap().contains("\"results\":[]"));
    /// ```
    pub fn sarif(&self) -> Sarif<'_> {
        Sarif(self)
    }
}

impl Serialize for Sarif<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut rules: Vec<&Rule> = self.0.findings().iter().map(Finding::rule).collect();
        rules.sort_by_key(|rule| rule.code);
        rules.dedup();
        let mut log = serializer.serialize_struct("Sarif", 3)?;
        log.serialize_field("$schema", "https://json.schemastore.org/sarif-2.1.0.json")?;
        log.serialize_field("version", "2.1.0")?;
        log.serialize_field("runs", &[Run { report: self.0, rules: &rules }])?;
        log.end()
    }
}

struct Run<'a> {
    report: &'a Report,
    rules: &'a [&'a Rule],
}

impl Serialize for Run<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Tool<'a> {
            driver: Driver<'a>,
        }
        #[derive(Serialize)]
        struct Driver<'a> {
            name: &'static str,
            version: &'static str,
            rules: Vec<Descriptor<'a>>,
        }
        let results: Vec<_> =
            self.report.findings().iter().map(|finding| Outcome { finding, rules: self.rules }).collect();
        let rules = self.rules.iter().map(|rule| Descriptor(rule)).collect();
        let driver = Driver { name: "vmtemplate", version: env!("CARGO_PKG_VERSION"), rules };
        let mut run = serializer.serialize_struct("Run", 3)?;
        run.serialize_field("tool", &Tool { driver })?;
        run.serialize_field("columnKind", "unicodeCodePoints")?;
        run.serialize_field("results", &results)?;
        run.end()
    }
}

struct Descriptor<'a>(&'a Rule);

impl Serialize for Descriptor<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Configuration {
            level: &'static str,
        }
        let Self(rule) = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", rule.code)?;
        map.serialize_entry("shortDescription", &Text { text: rule.title })?;
        map.serialize_entry("fullDescription", &Text { text: rule.why })?;
        map.serialize_entry("help", &Text { text: rule.fix })?;
        map.serialize_entry("defaultConfiguration", &Configuration { level: level(rule.severity) })?;
        map.end()
    }
}

struct Outcome<'a> {
    finding: &'a Finding,
    rules: &'a [&'a Rule],
}

impl Serialize for Outcome<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { finding, rules } = self;
        let text = format!("{}. Fix: {}.", finding.message(), finding.fix());
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("ruleId", finding.rule().code)?;
        map.serialize_entry("ruleIndex", &rules.iter().position(|&rule| rule == finding.rule()))?;
        map.serialize_entry("level", level(finding.severity()))?;
        map.serialize_entry("message", &Text { text: &text })?;
        map.serialize_entry("locations", &Location::of(finding).as_slice())?;
        map.end()
    }
}

#[derive(Serialize)]
struct Text<'a> {
    text: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    #[serde(skip_serializing_if = "Option::is_none")]
    physical_location: Option<PhysicalLocation>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    logical_locations: Vec<LogicalLocation>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: ArtifactLocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
}

#[derive(Serialize)]
struct ArtifactLocation {
    uri: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: usize,
    start_column: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_column: Option<usize>,
}

/// What is inside an image has no file on the disk.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LogicalLocation {
    fully_qualified_name: String,
}

impl Location {
    fn of(finding: &Finding) -> Option<Self> {
        let place = finding.place();
        let region = place.position.map(|position| Region {
            start_line: position.line,
            start_column: position.column,
            end_column: finding.excerpt().map(|excerpt| position.column + excerpt.length),
        });
        let is_inside = place.partition.is_some() || place.path.is_some();
        let physical_location = place.file.as_ref().map(|file| PhysicalLocation {
            artifact_location: ArtifactLocation { uri: uri(file) },
            // Lines inside an image are not lines of the image.
            region: region.filter(|_| !is_inside),
        });
        let logical_locations = if is_inside {
            vec![LogicalLocation { fully_qualified_name: place.to_string() }]
        } else {
            Vec::new()
        };
        (physical_location.is_some() || is_inside).then_some(Self { physical_location, logical_locations })
    }
}

/// A file name as a relative reference of RFC 3986.
fn uri(name: &str) -> String {
    let mut uri = String::new();
    for &byte in name.as_bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(byte.into());
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}
