//! Every step of the platform's guide as a rule: what is checked of a template before it is used.

mod image;
mod options;

use crate::disk::DiskImage;
use crate::error::Result;
use crate::finding::{Finding, Report, Rule};
use crate::metainfo::Metainfo;
use crate::progress::Control;
use crate::script::{self, Script};

pub use image::WindowsInfo;
pub use options::CheckOptions;

/// What the rules of the image know of the rest of the template.
pub(super) struct ImageContext<'a> {
    /// The name of the image, for the places of findings.
    pub(super) name: &'a str,
    pub(super) metainfo: Option<&'a Metainfo>,
    pub(super) script: Option<&'a Script>,
    /// Stops the work.
    pub(super) control: &'a Control,
}

/// The parts of a template, as far as they are there and could be read.
pub(crate) struct Parts<'a> {
    pub(crate) metainfo: Option<&'a Metainfo>,
    pub(crate) script: Option<&'a Script>,
    /// With its name.
    pub(crate) image: Option<(&'a str, &'a DiskImage)>,
}

/// Check what is there of a template.
pub(crate) fn check_parts(parts: &Parts<'_>, options: &CheckOptions) -> Result<Report> {
    options.validate()?;
    let mut findings: Vec<Finding> = Vec::new();
    if let Some((name, disk)) = parts.image.filter(|_| !options.skip_image) {
        let context =
            ImageContext { name, metainfo: parts.metainfo, script: parts.script, control: &options.control };
        findings.extend(image::check_image(disk, &context));
        options.control.stop_if_cancelled()?;
    }
    Ok(options.apply(findings))
}

impl Rule {
    /// Every rule, in the order of the codes.
    ///
    /// ```
    /// for rule in vmtemplate::Rule::all() {
    ///     println!("{} {}: {}", rule.code, rule.severity, rule.title);
    /// }
    /// ```
    pub fn all() -> impl Iterator<Item = &'static Self> {
        script::RULES.iter().chain(image::RULES).copied()
    }

    /// The rule of this code, in upper or lower case.
    ///
    /// ```
    /// assert!(vmtemplate::Rule::by_code("VMT9999").is_none());
    /// ```
    pub fn by_code(code: &str) -> Option<&'static Self> {
        Self::all().find(|rule| rule.code.eq_ignore_ascii_case(code))
    }
}
