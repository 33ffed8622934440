//! The name of an archive in a repository.

use super::entry::TemplateKind;
use super::format::RepositoryFormat;
use super::{signature, sums};
use crate::archive::{MAX_COMPONENT, reason_against};
use crate::error::{Error, ErrorKind, Result};
use crate::shown::Shown;

/// The ends of the names of archives.
pub(super) const ENDS: [&str; 2] = [".tar.gz", ".xz"];

/// Why `name` may not be that of an archive in a repository, or `None` if it may.
pub(super) fn reason_against_archive(name: &str) -> Option<&'static str> {
    // Some file systems do not tell case apart.
    let is_ours = || {
        [RepositoryFormat::Vm6.file_name(), RepositoryFormat::Vm5.file_name(), sums::NAME]
            .into_iter()
            .any(|ours| name.eq_ignore_ascii_case(ours))
            || name.to_ascii_lowercase().ends_with(signature::SUFFIX)
    };
    match reason_against(name) {
        Some(why) => Some(why),
        None if name.starts_with('.') => Some("is hidden"),
        None if is_ours() => Some("is reserved for the description, the checksums or a signature"),
        None => None,
    }
}

/// Fail unless `name`, which is the value of `field`, can be that of a file beside the description.
pub(super) fn check_file_name(field: &str, name: &str) -> Result<()> {
    let (what, example) = match field {
        "image_name" => ("image name", "Windows-Server-2019.hddimage"),
        _ => ("file name", "Windows-Server-2019.tar.gz"),
    };
    match reason_against_archive(name) {
        None => Ok(()),
        Some(why) => Err(Error::new(
            ErrorKind::InvalidValue,
            format!("the {what} `{}` {why}", Shown(crate::shown::short(name))),
        )
        .with_field(field)
        .with_help(format!("give a plain file name, such as {example}"))),
    }
}

/// The file name for the archive of a template: the template's name with the end of its kind.
pub(super) fn named_after(template: &str, kind: TemplateKind) -> Result<String> {
    let name = format!("{template}{}", end_of(kind));
    check_file_name("file_name", &name)?;
    Ok(name)
}

/// The names that an archive of this kind may get, the best first. If it replaces the archive `older`, it may get one that
/// nobody asked for.
pub(super) fn candidates(wanted: &str, older: Option<&str>, sha256: &str, kind: TemplateKind) -> Vec<String> {
    let mut names = vec![wanted.to_owned()];
    if let Some(older) = older {
        let others = [(wanted, 8), (older, 8), (wanted, 16)];
        names.extend(others.map(|(name, digits)| with_hash(name, sha256, digits)));
    }
    names.retain(|name| check_form(name, kind).is_ok());
    names
}

/// An archive may be given by its URL.
pub(super) fn without_query(name: &str) -> &str {
    name.split_once('?').map_or(name, |(name, _)| name)
}

/// What the name of an archive of this kind ends with.
pub(super) fn end_of(kind: TemplateKind) -> &'static str {
    if kind == TemplateKind::KvmImage { ".xz" } else { ".tar.gz" }
}

/// Fail unless an archive of this kind may have this name.
pub(super) fn check_form(file_name: &str, kind: TemplateKind) -> Result<()> {
    let end = end_of(kind);
    if file_name.ends_with(end) && file_name.len() > end.len() {
        return Ok(());
    }
    let name = Shown(&file_name);
    Err(Error::new(
        ErrorKind::InvalidValue,
        format!("the file name is `{name}`; expected one that ends with {end}"),
    )
    .with_field("file_name")
    .with_help(
        "the platform chooses how to unpack an archive by its file name: give one with --file-name \
                    (`file_name`)",
    ))
}

pub(super) fn own_name() -> Error {
    Error::new(ErrorKind::InvalidValue, "an archive cannot be replaced under its own name in one step")
        .with_field("file_name")
        .with_help("omit --file-name (`file_name`), or give another name")
}

/// The name with the first digits of the SHA-256, in the place of those of an archive before.
fn with_hash(file_name: &str, sha256: &str, digits: usize) -> String {
    let end = ENDS.into_iter().find(|end| file_name.ends_with(end)).unwrap_or_default();
    let stem = &file_name[..file_name.len() - end.len()];
    let is_hash =
        |digits: &&str| matches!(digits.len(), 8 | 16) && digits.bytes().all(|b| b.is_ascii_hexdigit());
    let stem = match stem.rsplit_once('-') {
        Some((stem, digits)) if is_hash(&digits) => stem,
        _ => stem,
    };
    let tail = format!("-{}{end}", sha256.get(..digits).unwrap_or(sha256));
    format!("{}{tail}", cut(stem, MAX_COMPONENT - tail.len()))
}

/// As much of the name as has at most `most` bytes.
fn cut(name: &str, most: usize) -> &str {
    &name[..name.floor_char_boundary(most)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digits_of_one_archive_make_room_for_those_of_the_next() {
        let first = with_hash("Windows-10.tar.gz", "0123456789abcdef", 8);
        assert_eq!(first, "Windows-10-01234567.tar.gz");
        assert_eq!(with_hash(&first, "fedcba9876543210", 8), "Windows-10-fedcba98.tar.gz");
        assert_eq!(with_hash("d-01234567.xz", "fedcba9876543210", 16), "d-fedcba9876543210.xz");
    }

    #[test]
    fn names_that_are_made_are_not_longer_than_a_file_system_takes() {
        let long = format!("{}.tar.gz", "ä".repeat(124));
        assert_eq!((long.len(), reason_against_archive(&long)), (255, None));
        let hashed = with_hash(&long, "0123456789abcdef", 16);
        assert_eq!(reason_against_archive(&hashed), None, "{hashed}");
        assert!(hashed.len() >= 250, "{hashed}");
        assert!(with_hash(&long, "0123456789abcdef", 8).ends_with("ä-01234567.tar.gz"));
    }

    #[test]
    fn names_that_the_platform_would_unpack_in_another_way_are_refused() {
        assert!(check_form("a.tar.gz", TemplateKind::KvmTemplate).is_ok());
        assert!(check_form("a.xz", TemplateKind::KvmImage).is_ok());
        for (name, kind) in [
            ("a.tar.gz", TemplateKind::KvmImage),
            ("a.xz", TemplateKind::Lxd),
            ("a.tgz", TemplateKind::KvmTemplate),
            (".tar.gz", TemplateKind::KvmTemplate),
        ] {
            assert_eq!(check_form(name, kind).unwrap_err().kind(), ErrorKind::InvalidValue, "{name}");
        }
    }

    #[test]
    fn no_archive_takes_the_name_of_another_file_of_the_repository() {
        for name in [
            "metadata.json",
            "metadata.xml",
            "Metadata.XML",
            "SHA256SUMS",
            "sha256sums",
            "metadata.json.minisig",
            "metadata.json.next.minisig",
            "SHA256SUMS.MINISIG",
            ".vmtemplate-lock",
            ".a.tar.gz",
        ] {
            for field in ["file_name", "image_name"] {
                let error = check_file_name(field, name).unwrap_err();
                assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidValue, Some(field)), "{name}");
                assert!(error.help().is_some(), "{name}");
            }
        }
        assert!(check_file_name("file_name", "metadata.json.tar.gz").is_ok());
    }
}
