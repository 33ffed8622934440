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
use crate::script::{Script, ScriptCheckOptions};

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

/// The parts of a template that exist and could be read, each with its name.
#[derive(Default)]
pub(crate) struct Parts {
    pub(crate) metainfo: Option<Metainfo>,
    pub(crate) script: Option<(String, Script)>,
    pub(crate) image: Option<(String, DiskImage)>,
    /// The files of the template; `None` if only a part of one is checked.
    pub(crate) files: Option<Vec<ArchiveEntry>>,
    /// The image is in the template as its file is: it will not be converted any more.
    pub(crate) is_packed: bool,
    /// The problems that reading them met.
    pub(crate) findings: Vec<Finding>,
}

/// Check the parts of a template.
pub(crate) fn check_parts(mut parts: Parts, options: &CheckOptions) -> Result<Report> {
    options.validate()?;
    let mut findings = std::mem::take(&mut parts.findings);
    let metainfo = parts.metainfo.as_ref();
    if let Some(metainfo) = metainfo {
        findings.extend(metadata::check(metainfo).into_iter().map(|finding| finding.in_file(METAINFO)));
        if let Some(files) = &parts.files {
            findings.extend(package::check_files(metainfo, files));
        }
    }
    if let Some((name, script)) = &parts.script {
        let asked = ScriptCheckOptions { metainfo, file_name: Some(name), language: options.language };
        findings.extend(script.check(&asked).in_file(name).into_findings());
    }
    options.control.stop_if_cancelled()?;
    if let Some((name, disk)) = &parts.image {
        findings.extend(package::check_disk(&parts, name, disk, options)?);
        if !options.skip_image {
            let context = ImageContext {
                name,
                metainfo,
                script: parts.script.as_ref().map(|(_, script)| script),
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
