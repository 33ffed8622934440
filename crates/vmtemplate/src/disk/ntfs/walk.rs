//! Walks the folders of a volume, and finds files by patterns.

use std::collections::HashSet;

use super::{NtfsEntry, NtfsVolume};
use crate::error::{Error, ErrorKind, Result};

/// One folder of a walk: what is in it, by name.
///
/// ```no_run
/// # fn example(volume: &vmtemplate::disk::NtfsVolume) -> vmtemplate::Result<()> {
/// for folder in volume.walk("Windows/System32/drivers") {
///     let folder = folder?;
///     println!("{}: {} files", folder.path, folder.files.len());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NtfsFolder {
    /// Its path on the volume, with `/` between folders; empty for the root.
    pub path: String,
    /// The folders in it.
    pub folders: Vec<NtfsEntry>,
    /// The files in it.
    pub files: Vec<NtfsEntry>,
}

/// Walks folders from the top down; see [`NtfsVolume::walk`].
#[derive(Debug)]
pub struct NtfsWalk<'v> {
    volume: &'v NtfsVolume,
    /// The folders that are still to be listed, the next one last.
    rest: Vec<String>,
    /// The folders that were listed, by their records: a damaged volume may have one inside itself.
    listed: HashSet<u64>,
}

impl NtfsVolume {
    /// Every folder from `folder` down, each before those inside it; `""` is the root. Links are not followed.
    ///
    /// # Errors
    ///
    /// Those of [`file`](Self::file) and [`NtfsFile::list`](super::NtfsFile::list), after which the walk goes on with
    /// the next folder; [`InvalidImage`](ErrorKind::InvalidImage) for a folder that is in two places.
    ///
    /// ```no_run
    /// # fn example(volume: &vmtemplate::disk::NtfsVolume) -> vmtemplate::Result<()> {
    /// let mut size = 0;
    /// for folder in volume.walk("") {
    ///     size += folder?.files.iter().map(|file| file.size).sum::<u64>();
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn walk(&self, folder: &str) -> NtfsWalk<'_> {
        let parts: Vec<&str> = folder.split(['/', '\\']).filter(|part| !part.is_empty()).collect();
        NtfsWalk { volume: self, rest: vec![parts.join("/")], listed: HashSet::new() }
    }

    /// The paths of all files and folders that a pattern matches, in order. Case is ignored.
    ///
    /// Between `/` or `\`, `*` stands for any text and `?` for any character of a name; `**` stands for any number of
    /// folders, also for none.
    ///
    /// # Errors
    ///
    /// Those of listing a folder. A folder that does not exist contains nothing.
    ///
    /// ```no_run
    /// # fn example(volume: &vmtemplate::disk::NtfsVolume) -> vmtemplate::Result<()> {
    /// let drivers = volume.glob("Windows/System32/drivers/vio*.sys")?;
    /// let logs = volume.glob("Windows/**/*.log")?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn glob(&self, pattern: &str) -> Result<Vec<String>> {
        let parts: Vec<&str> = pattern.split(['/', '\\']).filter(|part| !part.is_empty()).collect();
        let mut found = Vec::new();
        self.matches(String::new(), &parts, &mut found)?;
        // `**/**` finds a file in more than one way.
        found.sort_by_cached_key(|path| path.to_lowercase());
        found.dedup();
        Ok(found)
    }

    fn matches(&self, folder: String, parts: &[&str], found: &mut Vec<String>) -> Result<()> {
        let Some((&first, rest)) = parts.split_first() else {
            found.push(folder);
            return Ok(());
        };
        if first == "**" {
            for inner in self.walk(&folder) {
                let inner = inner?;
                if rest.is_empty() {
                    let names = inner.folders.iter().chain(&inner.files);
                    found.extend(names.map(|entry| joined(&inner.path, &entry.name)));
                } else {
                    self.matches(inner.path, rest, found)?;
                }
            }
            return Ok(());
        }
        let file = match self.file(&folder) {
            Ok(file) if file.is_folder() => file,
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let pattern: Vec<char> = first.to_lowercase().chars().collect();
        for entry in file.list()? {
            let name: Vec<char> = entry.name.to_lowercase().chars().collect();
            if is_match(&pattern, &name) && (entry.is_folder || rest.is_empty()) {
                self.matches(joined(&folder, &entry.name), rest, found)?;
            }
        }
        Ok(())
    }
}

impl Iterator for NtfsWalk<'_> {
    type Item = Result<NtfsFolder>;

    fn next(&mut self) -> Option<Self::Item> {
        let path = self.rest.pop()?;
        Some(self.list(path))
    }
}

impl NtfsWalk<'_> {
    fn list(&mut self, path: String) -> Result<NtfsFolder> {
        let folder = self.volume.file(&path)?;
        if !self.listed.insert(folder.number()) {
            return Err(Error::new(
                ErrorKind::InvalidImage,
                "the folder is inside itself, or in two folders",
            )
            .with_entry(path));
        }
        // A link looks like a folder, and what it points to is listed where it is.
        let mut entries = if folder.is_link() { Vec::new() } else { folder.list()? };
        entries.sort_by_cached_key(|entry| entry.name.to_lowercase());
        let (folders, files): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| entry.is_folder);
        self.rest.extend(folders.iter().rev().map(|entry| joined(&path, &entry.name)));
        Ok(NtfsFolder { path, folders, files })
    }
}

fn joined(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// Whether a name matches a pattern of `*` and `?`. After a mismatch only the last `*` is extended, so that no pattern
/// takes longer than the product of both lengths.
fn is_match(pattern: &[char], name: &[char]) -> bool {
    let (mut at, mut seen) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while seen < name.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, seen));
                at += 1;
            }
            Some(&wanted) if wanted == '?' || wanted == name[seen] => {
                at += 1;
                seen += 1;
            }
            _ => match star {
                Some((back, taken)) => {
                    star = Some((back, taken + 1));
                    (at, seen) = (back + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|&wanted| wanted == '*')
}

#[cfg(test)]
mod tests {
    use super::is_match;

    #[test]
    fn a_star_is_any_text_and_a_question_mark_one_character() {
        let matches = |pattern: &str, name: &str| {
            let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
            is_match(&pattern, &name)
        };
        for (pattern, name) in [
            ("", ""),
            ("*", ""),
            ("*", "a.b"),
            ("a*c", "abcc"),
            ("?", "я"),
            ("*.sys", "x.sys.sys"),
            ("**a", "ba"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("", "a"), ("?", ""), ("a*c", "acd"), ("*.sys", "sys"), ("a?c", "ac")] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }
}
