//! Every step of the platform's guide as a rule: what is checked of a template before it is used.

mod image;
mod load;
mod metadata;
mod options;
mod package;
mod sarif;

use crate::archive::ArchiveEntry;
use crate::disk::DiskImage;
use crate::error::Result;
use crate::metainfo::Metainfo;
use crate::named::METAINFO;
use crate::progress::Control;
use crate::rules::{Finding, Report, image::MEMORY_LIMIT, template as rules};
use crate::script::{LintOptions, Script};

pub use image::WindowsInfo;
pub(crate) use load::check_archive;
pub use load::{check, check_stream};
pub use options::CheckOptions;
pub use sarif::Sarif;

/// What the rules of the image know of the rest of the template.
pub(super) struct ImageContext<'a> {
    /// The name of the image, for the places of findings.
    pub(super) name: &'a str,
    pub(super) metainfo: Option<&'a Metainfo>,
    pub(super) script: Option<&'a Script>,
    /// Stops the work.
    pub(super) control: &'a Control,
}

/// The parts of a template, as far as they are there and could be read, each with its name.
pub(crate) struct Parts<'a> {
    pub(crate) metainfo: Option<&'a Metainfo>,
    pub(crate) script: Option<(&'a str, &'a Script)>,
    pub(crate) image: Option<(&'a str, &'a DiskImage)>,
    /// The files of the template; `None` if only a part of one is checked.
    pub(crate) files: Option<&'a [ArchiveEntry]>,
    /// The image is in the template as its file is: it will not be converted any more.
    pub(crate) is_packed: bool,
}

/// Check what is there of a template. `findings` are those of reading it.
pub(crate) fn check_parts(
    parts: &Parts<'_>,
    mut findings: Vec<Finding>,
    options: &CheckOptions,
) -> Result<Report> {
    options.validate()?;
    if let Some(metainfo) = parts.metainfo {
        findings.extend(metadata::check(metainfo).into_iter().map(|finding| finding.in_file(METAINFO)));
        if let Some(files) = parts.files {
            findings.extend(package::check_files(metainfo, files));
        }
    }
    if let Some((name, script)) = parts.script {
        let asked =
            LintOptions { metainfo: parts.metainfo, file_name: Some(name), language: options.language };
        findings.extend(script.lint_with(&asked).in_file(name).into_findings());
    }
    options.control.stop_if_cancelled()?;
    if let Some((name, disk)) = parts.image {
        findings.extend(package::check_disk(parts, name, disk, options)?);
        if !options.skip_image {
            let context = ImageContext {
                name,
                metainfo: parts.metainfo,
                script: parts.script.map(|(_, script)| script),
                control: &options.control,
            };
            let inside = image::check_image(disk, &context)?;
            // The name of a template only promises which Windows it is; where the image knows, it alone speaks.
            if inside.iter().any(|finding| finding.rule() == MEMORY_LIMIT) {
                findings.retain(|finding| finding.rule() != rules::MEMORY);
            }
            findings.extend(inside);
            options.control.stop_if_cancelled()?;
        }
    }
    Ok(options.apply(findings))
}

/// The finding for an image that is in the template and cannot be read there.
pub(crate) fn image_not_seen(name: &str) -> Finding {
    package::not_seen(name, "in an archive of another tool it can only be read from its start")
}
