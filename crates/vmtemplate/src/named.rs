//! The files that metainfo.xml names: what a template consists of beside it.
//!
//! The platform joins the value of an element to the template's folder, so that a value may lead into a folder below
//! it. It must never lead out: a template comes from elsewhere, and what it names is packed and published.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::archive::{ArchiveEntry, UnpackLimits, reason_against};
use crate::error::{Error, ErrorKind, Result};
use crate::metainfo::{Metainfo, MetainfoKey as Key};
use crate::shown::Shown;

/// The metadata file, at the root of every template.
pub(crate) const METAINFO: &str = "metainfo.xml";

/// A file or folder that an element of metainfo.xml names, beside the image and the script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) key: Key,
    /// Relative to the template, with `/` between folders.
    pub(crate) name: String,
    /// The element names a file and nothing else: one that does not exist is missing.
    pub(crate) is_needed: bool,
}

impl Named {
    /// Whether `file` is what is named, or lies in the folder that is named.
    pub(crate) fn holds(&self, file: &str) -> bool {
        file.strip_prefix(&self.name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// The elements that name files or folders beside the image and the script: those that always do, and those that may.
///
/// What the latter may hold is not documented: `nfsshare` and `samba` may be a name or a yes, `image` and `loader` may
/// be what the platform has. They are taken if there is a file or folder of that name, and are no loss if not.
const ELEMENTS: [(Key, bool); 9] = [
    (Key::Kernel, true),
    (Key::Initrd, true),
    (Key::InstallConfig, true),
    (Key::PxeConfig, true),
    (Key::ShareDir, true),
    (Key::NetworkImage, false),
    (Key::Loader, false),
    (Key::NfsShare, false),
    (Key::Samba, false),
];

/// The image that metainfo.xml names.
pub(crate) fn image_name(metainfo: &Metainfo) -> Result<Option<String>> {
    metainfo.image_file().map(|name| relative_name(&Key::ImageFile, &name)).transpose()
}

/// The setup script that metainfo.xml names.
pub(crate) fn script_name(metainfo: &Metainfo) -> Result<Option<String>> {
    metainfo.script_file().map(|name| relative_name(&Key::ScriptFile, &name)).transpose()
}

/// What metainfo.xml names beside the two; an error for each name that leads out of the template.
pub(crate) fn others(metainfo: &Metainfo) -> Vec<Result<Named>> {
    let mut seen = BTreeSet::new();
    let named = ELEMENTS.iter().filter_map(|(key, is_needed)| {
        let value = metainfo.get(key)?;
        let value = value.trim();
        // Fetched from elsewhere, or known only when a machine is made.
        if value.is_empty() || value.contains("://") || value.contains("($") {
            return None;
        }
        match relative_name(key, value) {
            Ok(name) => {
                seen.insert(name.clone()).then(|| Ok(Named { key: key.clone(), name, is_needed: *is_needed }))
            }
            Err(error) => is_needed.then_some(Err(error)),
        }
    });
    named.collect()
}

/// Whether a template installs over the network: it names what a machine boots for that, and no image. Such a template
/// has no setup script either.
pub(crate) fn installs_over_network(metainfo: &Metainfo) -> bool {
    let has = |key: &Key| metainfo.get(key).is_some_and(|value| !value.trim().is_empty());
    let boots = [Key::Kernel, Key::NetworkImage, Key::Loader, Key::PxeConfig];
    !has(&Key::ImageFile) && boots.iter().any(has)
}

/// The name that an element gives to a file, relative to the template: `./images//w.img` is `images/w.img`.
pub(crate) fn relative_name(key: &Key, value: &str) -> Result<String> {
    let parts: Vec<&str> = value.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    let limits = UnpackLimits::default();
    let why = if value.starts_with('/') {
        Some("is absolute")
    } else if parts.len() > limits.path_depth + 1 {
        Some("has too many folders")
    } else if parts.is_empty() {
        reason_against("")
    } else {
        parts.iter().find_map(|part| reason_against(part))
    };
    let why = why.or_else(|| {
        matches!(*parts, [name] if name.eq_ignore_ascii_case(METAINFO))
            .then_some("is reserved for the metadata")
    });
    match why {
        None => Ok(parts.join("/")),
        Some(why) => Err(Error::new(
            ErrorKind::InvalidMetainfo,
            format!("the file name `{}` {why}", Shown(value.chars().take(255).collect::<String>())),
        )
        .with_field(key.to_string())
        .with_help("give the name of a file in the folder of metainfo.xml, such as win2019.hddimage or images/win2019.hddimage")),
    }
}

/// A file of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FolderFile {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) size: u64,
}

/// What a folder with a template holds beside metainfo.xml, the image and the script.
#[derive(Debug, Default)]
pub(crate) struct FolderContents {
    /// The other files that metainfo.xml names, those in folders among them, by name.
    pub(crate) files: Vec<FolderFile>,
    /// Folders that are named, or are in one that is, and have nothing in them.
    pub(crate) empty_folders: Vec<String>,
    /// What nothing names. A folder of which nothing is named stands for all that is in it, with a slash at its end.
    pub(crate) left_behind: Vec<String>,
}

impl FolderContents {
    /// Look into `folder`.
    ///
    /// A link in it is followed to a file inside the folder. A link that leads out of it, or to a folder, is refused, as
    /// is what is neither a file nor a folder.
    pub(crate) fn read(folder: &Path, metainfo: &Metainfo) -> Result<Self> {
        let root =
            fs::canonicalize(folder).map_err(|e| Error::io("cannot open the folder", e).with_path(folder))?;
        let mut contents = Self::default();
        let named: Vec<Named> = others(metainfo).into_iter().filter_map(Result::ok).collect();
        for Named { key, name, .. } in &named {
            contents.add(&root, name, 0).map_err(|error| error.with_field(key.to_string()))?;
        }
        contents.files.sort_by(|a, b| a.name.cmp(&b.name));
        contents.files.dedup_by(|a, b| a.name == b.name);
        contents.empty_folders.sort();
        contents.empty_folders.dedup();
        let mut known: BTreeSet<String> = contents.files.iter().map(|file| file.name.clone()).collect();
        known.insert(METAINFO.to_owned());
        known.extend([image_name(metainfo), script_name(metainfo)].into_iter().filter_map(|name| name.ok()?));
        known.extend(contents.empty_folders.iter().map(|name| format!("{name}/")));
        contents.find_left_behind(&root, "", &known)?;
        Ok(contents)
    }

    /// Add the file or folder `name`, if there is one.
    fn add(&mut self, root: &Path, name: &str, depth: usize) -> Result<()> {
        let path = root.join(name);
        let failed =
            |error| Error::io("cannot examine a file that the template names", error).with_path(&path);
        let link = match fs::symlink_metadata(&path) {
            Ok(found) => found,
            Err(error)
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
                ) =>
            {
                return Ok(());
            }
            Err(error) => return Err(failed(error)),
        };
        let refused = |why: &str| {
            let message = format!("this {why}; a template contains only files of its own folder");
            let help = "put the file itself there, or remove the name from metainfo.xml";
            Err(Error::new(ErrorKind::InvalidTemplate, message).with_path(&path).with_help(help))
        };
        if !stays_inside(root, &path) {
            return refused("is, or is behind, a link that leads out of the template's folder");
        }
        let found = fs::metadata(&path).map_err(failed)?;
        if found.is_file() {
            self.files.push(FolderFile { name: name.to_owned(), path: path.clone(), size: found.len() });
        } else if !found.is_dir() {
            return refused("is neither a file nor a folder");
        } else if link.is_symlink() {
            return refused("is a link to a folder");
        } else {
            let limits = UnpackLimits::default();
            let mut names = Vec::new();
            for entry in fs::read_dir(&path).map_err(failed)? {
                let entry = entry.map_err(failed)?.file_name();
                let Some(entry) = entry.to_str() else {
                    return refused("contains a file whose name is not UTF-8");
                };
                if let Some(why) = reason_against(entry) {
                    return refused(&format!("contains a file whose name `{}` {why}", Shown(entry)));
                }
                names.push(entry.to_owned());
                if (names.len() + self.files.len()) as u64 > limits.entries {
                    return refused(&format!(
                        "contains more than {} files, the most that an archive may have",
                        limits.entries
                    ));
                }
            }
            if depth == limits.path_depth {
                return refused(&format!("is nested in more than {} folders", limits.path_depth));
            }
            if names.is_empty() {
                self.empty_folders.push(name.to_owned());
            }
            names.sort();
            for entry in names {
                self.add(root, &format!("{name}/{entry}"), depth + 1)?;
            }
        }
        Ok(())
    }

    /// Find what is not `known` below the folder `prefix`, which is empty or ends with a slash.
    fn find_left_behind(&mut self, root: &Path, prefix: &str, known: &BTreeSet<String>) -> Result<()> {
        let path = root.join(prefix);
        let failed = |error| Error::io("cannot list the folder", error).with_path(&path);
        let mut entries = Vec::new();
        for entry in fs::read_dir(&path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            entries.push((format!("{prefix}{}", entry.file_name().to_string_lossy()), is_folder));
        }
        entries.sort();
        for (name, is_folder) in entries {
            if self.left_behind.len() >= MAX_LEFT {
                return Ok(());
            }
            if !is_folder {
                if !known.contains(&name) {
                    self.left_behind.push(name);
                }
                continue;
            }
            let inside = format!("{name}/");
            // The set is sorted: what is in the folder is right behind its name.
            match known.range(inside.clone()..).next() {
                Some(file) if file.starts_with(&inside) => self.find_left_behind(root, &inside, known)?,
                _ => self.left_behind.push(inside),
            }
        }
        Ok(())
    }
}

/// How many names of files that are left behind are reported.
const MAX_LEFT: usize = 1000;

/// Whether a path that exists is inside `root` once all links in it are followed. `root` is canonical.
pub(crate) fn stays_inside(root: &Path, path: &Path) -> bool {
    fs::canonicalize(path).is_ok_and(|real| real.starts_with(root))
}

/// The image or script `name` of `folder`, if there is one.
///
/// Under a plain name it may be a link to anywhere: to a disk that is too large to be moved, a script that several
/// templates share. The author of the folder put it there. A value with a folder in it comes from metainfo.xml, and what
/// it leads through must be inside.
pub(crate) fn find(folder: &Path, name: &str, key: &Key) -> Result<Option<PathBuf>> {
    let path = folder.join(name);
    if !path.exists() {
        return Ok(None);
    }
    let inside = || fs::canonicalize(folder).is_ok_and(|root| stays_inside(&root, &path));
    if name.contains('/') && !inside() {
        return Err(Error::new(
            ErrorKind::InvalidTemplate,
            "this is behind a link that leads out of the template's folder",
        )
        .with_path(&path)
        .with_field(key.to_string())
        .with_help("put the file itself there"));
    }
    Ok(Some(path))
}

/// The names of `files` that neither are, nor are in, what metainfo.xml names.
pub(crate) fn unnamed(metainfo: &Metainfo, files: &[ArchiveEntry]) -> Vec<String> {
    let others: Vec<Named> = others(metainfo).into_iter().filter_map(Result::ok).collect();
    let two = [image_name(metainfo), script_name(metainfo)];
    let two: Vec<String> = two.into_iter().filter_map(|name| name.ok()?).collect();
    let is_named = |file: &ArchiveEntry| {
        file.name == METAINFO
            || two.contains(&file.name)
            || others.iter().any(|named| named.holds(&file.name))
    };
    files.iter().filter(|file| !is_named(file)).take(MAX_LEFT).map(|file| file.name.clone()).collect()
}
