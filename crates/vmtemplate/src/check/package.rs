//! What is checked of the files of a template.

use super::{CheckOptions, Parts, metadata};
use crate::archive::ArchiveEntry;
use crate::disk::{DiskImage, ExtentKind, FreeSpaceOptions, foreign_content};
use crate::error::{ErrorKind, Result};
use crate::metainfo::{Metainfo, MetainfoKey as Key};
use crate::named::{self, METAINFO, Named};
use crate::progress::Control;
use crate::rules::{Finding, Place, Rule, template as rules};
use crate::shown::Shown;

/// A file beside the three that belong into a template may have this many bytes: notes, licences.
const MUCH: u64 = 1 << 20;
/// Disks up to this size are as small as they get.
const SMALL_DISK: u64 = 20_000_000_000;
/// Bytes of a MB, the unit of disk limits.
const MB: u64 = 1_000_000;

/// The files that metainfo.xml names, and all others.
pub(super) fn check_files(metainfo: &Metainfo, files: &[ArchiveEntry]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let needs_two = !named::installs_over_network(metainfo);
    let (image, script) = (metainfo.image_file(), metainfo.script_file());
    for (key, name, rule, what) in [
        (Key::ImageFile, &image, rules::IMAGE_THERE, "image"),
        (Key::ScriptFile, &script, rules::SCRIPT_THERE, "setup script"),
    ] {
        if needs_two || name.is_some() {
            findings.extend(check_name(metainfo, files, &key, name.as_deref(), rule, what));
        }
    }
    let mut others = Vec::new();
    for named in named::others(metainfo) {
        match named {
            Ok(named) => {
                findings.extend(check_other(metainfo, files, &named));
                others.push(named);
            }
            Err(error) => {
                let key: Option<Key> = error.field().and_then(|field| field.parse().ok());
                let message = error.message().to_owned();
                let finding = match key {
                    Some(key) => metadata::at_element(rules::INSIDE, metainfo, &key, message),
                    None => Finding::new(rules::INSIDE, message),
                };
                findings.push(finding.in_file(METAINFO));
            }
        }
    }
    let (image, script) = (named::image_name(metainfo), named::script_name(metainfo));
    let belongs = |name: &str| {
        let two = [&image, &script].map(|name| name.as_ref().ok().and_then(Option::as_deref));
        two.into_iter()
            .chain([Some(METAINFO)])
            .flatten()
            // What is only spelled differently was told already.
            .any(|known| known.eq_ignore_ascii_case(name))
            || others.iter().any(|named| named.holds(name))
    };
    for file in files.iter().filter(|file| file.size > MUCH && !belongs(&file.name)).take(20) {
        let message =
            format!("`{}` has {} bytes, but metainfo.xml does not name it", Shown(&file.name), file.size);
        findings.push(Finding::new(rules::NOTHING_ELSE, message).in_file(&file.name));
    }
    findings
}

fn check_name(
    metainfo: &Metainfo,
    files: &[ArchiveEntry],
    key: &Key,
    name: Option<&str>,
    rule: &'static Rule,
    what: &str,
) -> Option<Finding> {
    let Some(name) = name.filter(|name| !name.is_empty()) else {
        return Some(
            metadata::at_element(rule, metainfo, key, format!("metainfo.xml does not name the {what}"))
                .in_file(METAINFO),
        );
    };
    // A name that leads elsewhere is reported by the rule for values.
    let name = &*named::relative_name(key, name).ok()?;
    if files.iter().any(|file| file.name == name) {
        return None;
    }
    let lower = name.to_lowercase();
    let at = |rule, message| Some(metadata::at_element(rule, metainfo, key, message).in_file(METAINFO));
    match files.iter().find(|file| file.name.to_lowercase() == lower) {
        Some(file) => {
            let found = Shown(&file.name);
            at(rules::CASE, format!("the file is `{found}`, but metainfo.xml spells it `{}`", Shown(&name)))
        }
        None => at(rule, format!("the {what} `{}` does not exist", Shown(&name))),
    }
}

/// A file or folder that is named beside the two.
fn check_other(metainfo: &Metainfo, files: &[ArchiveEntry], named: &Named) -> Option<Finding> {
    let Named { key, name, is_needed } = named;
    if !is_needed || files.iter().any(|file| named.holds(&file.name)) {
        return None;
    }
    let lower = Named { name: name.to_lowercase(), ..named.clone() };
    let spelled = files.iter().find(|file| lower.holds(&file.name.to_lowercase()));
    let (rule, message) = if let Some(file) = spelled {
        let found = Shown(&file.name);
        (rules::CASE, format!("the file is `{found}`, but metainfo.xml spells it `{}`", Shown(name)))
    } else {
        let not_there = if *key == Key::ShareDir { "does not exist, or is empty" } else { "does not exist" };
        let message = format!("`{}`, which metainfo.xml names as `{key}`, {not_there}", Shown(name));
        (rules::OTHERS_THERE, message)
    };
    Some(metadata::at_element(rule, metainfo, key, message).in_file(METAINFO))
}

/// The finding for a name in a folder that leads out of it, or to what cannot be packed.
pub(super) fn leads_out(name: &str, error: &crate::error::Error) -> Finding {
    let place = error.path().map_or_else(|| name.to_owned(), |path| path.display().to_string());
    let finding = Finding::new(rules::INSIDE, format!("{place}: {}", error.message())).in_file(name);
    match error.help() {
        Some(help) => finding.with_fix(help),
        None => finding,
    }
}

/// What can be determined of an image without looking into its volumes.
pub(super) fn check_disk(
    parts: &Parts,
    name: &str,
    disk: &DiskImage,
    options: &CheckOptions,
) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let mut add = |rule, message: String| {
        findings
            .push(Finding::new(rule, message).at(Place { file: Some(name.to_owned()), ..Place::default() }));
    };
    if parts.is_packed {
        let content = match disk.format() {
            "raw" if options.format.is_some() => None,
            "raw" => foreign_content(disk)?.map(str::to_owned),
            format => Some(format!("a {format} image")),
        };
        if let Some(content) = content {
            add(rules::CONTENT, format!("the file is {content}; expected the raw bytes of a disk"));
            // Size and content are those of a file, and not of a disk.
            return Ok(findings);
        }
    }
    let size = disk.size();
    if !size.is_multiple_of(512) {
        let over = size % 512;
        add(
            rules::SECTORS,
            format!("the image has {size} bytes, {over} more than a multiple of the sector size"),
        );
    }
    if let Some(metainfo) = &parts.metainfo
        && let Ok(limits) = metainfo.limits()
    {
        let needed = size.div_ceil(MB);
        let key = Key::Limit("disk".to_owned());
        let message = match limits.disk_mb {
            None => Some(format!("the limit for the disk is missing; the image needs {needed} MB")),
            Some(mb) if mb < needed => {
                Some(format!("the limit of {mb} MB is less than the {needed} MB of the image ({size} bytes)"))
            }
            Some(_) => None,
        };
        if let Some(message) = message {
            let finding = metadata::at_element(rules::DISK, metainfo, &key, message).in_file(METAINFO);
            findings.push(
                finding.with_fix(format!("set it: `vmtemplate metainfo FILE --set limit.disk={needed}`")),
            );
        }
    }
    if size > SMALL_DISK {
        findings.extend(check_room(name, disk, &options.control)?);
    }
    Ok(findings)
}

/// Whether the disk is much larger than what lives on it.
fn check_room(name: &str, disk: &DiskImage, control: &Control) -> Result<Option<Finding>> {
    let options = FreeSpaceOptions { control: control.clone(), ..FreeSpaceOptions::default() };
    let (live, report) = disk.without_free_space(&options)?;
    // Where the free space of a volume is not known, nothing is said of it.
    if report.table_damage.is_some() || report.volumes.iter().any(|volume| volume.kept.is_some()) {
        return Ok(None);
    }
    let mut used = 0;
    for extent in live.extents() {
        let extent = extent?;
        if extent.kind == ExtentKind::Data {
            used += extent.length;
        }
    }
    let size = disk.size();
    if used >= size / 4 {
        return Ok(None);
    }
    let message = format!("the disk has {size} bytes, and {used} of them are in use");
    Ok(Some(Finding::new(rules::ROOM, message).in_file(name)))
}

/// What could not be looked at.
pub(super) fn not_seen(name: &str, why: &str) -> Finding {
    Finding::new(rules::NOT_SEEN, format!("`{}` was not checked: {why}", Shown(&name))).in_file(name)
}

/// The finding for a disk image that cannot be opened.
pub(super) fn unreadable(name: &str, error: &crate::error::Error) -> Finding {
    let message = error.message();
    match error.kind() {
        ErrorKind::Unsupported | ErrorKind::InvalidImage => {
            let finding =
                Finding::new(rules::CONTENT, format!("the image cannot be read as a disk: {message}"));
            let finding = finding.in_file(name);
            match error.help() {
                Some(help) => finding.with_fix(help),
                None => finding,
            }
        }
        _ => not_seen(name, message),
    }
}
