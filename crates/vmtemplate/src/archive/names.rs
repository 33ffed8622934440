//! Names of archive entries: hostile until proven harmless.

use std::collections::HashSet;

use super::limits::UnpackLimits;
use crate::error::{Error, ErrorKind, Result};

/// The longest name of one file or folder that every usual file system takes.
pub(crate) const MAX_COMPONENT: usize = 255;

/// The name of an entry, as parts that may be joined to a folder on any system, Windows too.
///
/// A leading `./` and a trailing `/` are dropped, as `tar czf x.tar.gz .` writes them; `None` is the folder itself.
pub(super) fn safe_name(raw: &[u8], limits: &UnpackLimits) -> Result<Option<String>> {
    let refuse = |why: &str| {
        Error::new(ErrorKind::UnsafeArchive, format!("an entry name {why}; it is refused"))
            .with_entry(String::from_utf8_lossy(raw).into_owned())
            .with_help(
                "create the archive again with plain file names relative to its root, and nothing else in it",
            )
    };
    let name = std::str::from_utf8(raw).map_err(|_| refuse("is not UTF-8"))?;
    if name.starts_with('/') {
        return Err(refuse("is absolute"));
    }
    let mut parts = Vec::new();
    for part in name.split('/').filter(|part| !matches!(*part, "" | ".")) {
        if let Some(why) = reason_against(part) {
            return Err(refuse(why));
        }
        if part.len() > limits.name_length {
            return Err(refuse(&format!("is longer than {} bytes", limits.name_length)));
        }
        parts.push(part);
    }
    if parts.len() > limits.path_depth + 1 {
        return Err(refuse(&format!("has more than {} folders", limits.path_depth)));
    }
    Ok((!parts.is_empty()).then(|| parts.join("/")))
}

/// Why `part` may not be the name of a file or folder, or `None` if it may.
pub(crate) fn reason_against(part: &str) -> Option<&'static str> {
    if part.is_empty() || part == "." {
        Some("is empty")
    } else if part == ".." {
        Some("leads out of the folder (`..`)")
    } else if part.len() > MAX_COMPONENT {
        Some("is longer than 255 bytes")
    } else if part.contains(['/', '\\']) {
        Some("contains a path separator")
    } else if part.chars().any(|c| c.is_control() || r#":*?"<>|"#.contains(c)) {
        // A colon names a drive or a stream on Windows; the others are not allowed there.
        Some(r#"contains a control character or one of : * ? " < > |"#)
    } else if part.ends_with(['.', ' ']) {
        Some("ends with a dot or a space, which Windows drops")
    } else if is_device(part) {
        Some("is the name of a Windows device")
    } else {
        None
    }
}

/// `CON`, `nul.txt`, `COM1` …: Windows opens a device under these names, in any folder and with any extension.
fn is_device(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or(part).trim_end_matches(' ').to_ascii_uppercase();
    match stem.as_str() {
        "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$" => true,
        _ => ["COM", "LPT"].iter().any(|port| {
            stem.strip_prefix(port).is_some_and(|n| {
                // The superscript digits are device numbers as well.
                n.chars().count() == 1 && n.chars().all(|c| c.is_ascii_digit() || "¹²³".contains(c))
            })
        }),
    }
}

/// Finds names that are the same, or would be the same on a system that does not tell case apart.
#[derive(Debug, Default)]
pub(super) struct SeenNames {
    files: HashSet<String>,
    folders: HashSet<String>,
}

impl SeenNames {
    pub(super) fn add_file(&mut self, name: &str) -> Result<()> {
        self.add_parents(name)?;
        let folded = name.to_lowercase();
        if self.folders.contains(&folded) || !self.files.insert(folded) {
            return Err(duplicate(name));
        }
        Ok(())
    }

    /// A folder may be named more than once, but may not be a file as well.
    pub(super) fn add_folder(&mut self, name: &str) -> Result<()> {
        self.add_parents(name)?;
        let folded = name.to_lowercase();
        if self.files.contains(&folded) {
            return Err(duplicate(name));
        }
        self.folders.insert(folded);
        Ok(())
    }

    fn add_parents(&mut self, name: &str) -> Result<()> {
        name.rsplit_once('/').map_or(Ok(()), |(parent, _)| self.add_folder(parent))
    }
}

fn duplicate(name: &str) -> Error {
    Error::new(ErrorKind::UnsafeArchive, "two entries have this name (ignoring case)")
        .with_entry(name)
        .with_help("create the archive again with each file once")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: &[u8]) -> Result<Option<String>> {
        safe_name(raw, &UnpackLimits::default())
    }

    #[test]
    fn names_as_tar_tools_write_them_are_taken() {
        for (raw, name) in [
            ("metainfo.xml", "metainfo.xml"),
            ("./metainfo.xml", "metainfo.xml"),
            (".//a//b/", "a/b"),
            ("Windows Server 2019.hddimage", "Windows Server 2019.hddimage"),
            ("образ.img", "образ.img"),
            ("console.cmd", "console.cmd"),
            ("COM10", "COM10"),
        ] {
            assert_eq!(check(raw.as_bytes()).unwrap().as_deref(), Some(name));
        }
        assert_eq!(check(b"./").unwrap(), None);
    }

    #[test]
    fn names_that_could_do_harm_are_refused() {
        for raw in [
            "/etc/passwd",
            "../up",
            "a/../../up",
            "a/..",
            "C:evil",
            "a\\b",
            "..\\up",
            "file:stream",
            "NUL",
            "nul.txt",
            "a/COM1",
            "lpt9.cmd",
            "CON ",
            "trailing.",
            "trailing ",
            "a\nb",
            "a\u{7f}",
            "com²",
            "a*b",
        ] {
            let error = check(raw.as_bytes()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::UnsafeArchive, "{raw:?}");
        }
        assert!(check(b"\xff").is_err());
        assert!(check(&[b'a'; 256]).is_err());
        assert!(check("a/".repeat(18).as_bytes()).is_err());
    }

    #[test]
    fn a_name_given_twice_is_refused_whatever_its_case() {
        let mut seen = SeenNames::default();
        seen.add_file("a/Image.raw").unwrap();
        seen.add_folder("a").unwrap();
        assert!(seen.add_file("A/image.RAW").is_err());
        assert!(seen.add_file("A").is_err(), "a folder and a file");
        assert!(seen.add_folder("a/image.raw").is_err(), "a file and a folder");
        assert!(seen.add_file("a/image.raw/below").is_err(), "below a file");
    }
}
