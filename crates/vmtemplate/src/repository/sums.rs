//! SHA256SUMS: the checksums of the archives, as `sha256sum` writes and checks them.

use std::collections::HashMap;

/// The name of the file.
pub(super) const NAME: &str = "SHA256SUMS";

/// The most bytes of it that are read.
pub(super) const MAX_BYTES: usize = 16 << 20;

/// The lines of the file. What is not ours to change keeps its bytes.
#[derive(Debug, Clone, Default)]
pub(super) struct Sums {
    /// `None` for a line that was removed. The last one is never `None`.
    lines: Vec<Option<Line>>,
    /// The lines of each file.
    by_name: HashMap<String, Vec<usize>>,
}

#[derive(Debug, Clone)]
struct Line {
    /// With its line end.
    raw: String,
    /// The checksum and the file's name, where the line has this form.
    sum: Option<(String, String)>,
}

impl Sums {
    pub(super) fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let mut sums = Self::default();
        for raw in text.split_inclusive('\n') {
            sums.push(Line { raw: raw.to_owned(), sum: parse_line(raw) });
        }
        sums
    }

    fn push(&mut self, line: Line) {
        #[cfg(test)]
        crate::steps::add(line.raw.len());
        if let Some((_, name)) = &line.sum {
            self.by_name.entry(name.clone()).or_default().push(self.lines.len());
        }
        self.lines.push(Some(line));
    }

    fn lines(&self) -> impl Iterator<Item = &Line> {
        let lines = self.lines.iter().flatten();
        #[cfg(test)]
        let lines = lines.inspect(|line| crate::steps::add(line.raw.len()));
        lines
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        self.lines().flat_map(|line| line.raw.bytes()).collect()
    }

    /// The checksum of a file; of several, the first.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.sums_of(name).next()
    }

    fn sums_of(&self, name: &str) -> impl Iterator<Item = &str> {
        let indexes = self.by_name.get(name).into_iter().flatten();
        indexes.filter_map(|&index| Some(&*self.lines.get(index)?.as_ref()?.sum.as_ref()?.0))
    }

    /// The names of the files that have a line.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.lines().filter_map(|line| line.sum.as_ref()).map(|sum| &*sum.1)
    }

    pub(super) fn set(&mut self, name: &str, sha256: &str) {
        if self.sums_of(name).eq([sha256]) {
            return;
        }
        self.remove(name);
        if let Some(Some(last)) = self.lines.last_mut()
            && !last.raw.ends_with('\n')
        {
            last.raw.push('\n');
        }
        let sum = Some((sha256.to_owned(), name.to_owned()));
        self.push(Line { raw: format!("{sha256}  {name}\n"), sum });
    }

    pub(super) fn remove(&mut self, name: &str) {
        for index in self.by_name.remove(name).unwrap_or_default() {
            self.lines[index] = None;
        }
        while let Some(None) = self.lines.last() {
            self.lines.pop();
        }
    }
}

/// `HASH  NAME`, or `HASH *NAME` for what was read as binary. A name with a line break or backslash is written with
/// escapes (GNU coreutils, "md5sum invocation"); no name of ours has one.
fn parse_line(raw: &str) -> Option<(String, String)> {
    let line = raw.strip_suffix('\n').unwrap_or(raw);
    let (hash, rest) = line.split_at_checked(64)?;
    let name = rest.strip_prefix("  ").or_else(|| rest.strip_prefix(" *"))?;
    (hash.bytes().all(|byte| byte.is_ascii_hexdigit()) && !name.is_empty())
        .then(|| (hash.to_ascii_lowercase(), name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_that_are_named_change() {
        let (a, b, c) = ("a".repeat(64), "b".repeat(64), "c".repeat(64));
        let text = format!("# ours\n{a}  one.tar.gz\n{b} *two.tar.gz\nSHA256 (x) = {a}\n{c}  last");
        let mut sums = Sums::parse(text.as_bytes());
        assert_eq!(sums.to_bytes(), text.as_bytes());
        assert_eq!(sums.get("two.tar.gz"), Some(&*b));
        sums.set("one.tar.gz", &a);
        sums.remove("none");
        assert_eq!(sums.to_bytes(), text.as_bytes());
        sums.set("two.tar.gz", &c);
        sums.remove("one.tar.gz");
        let expected = format!("# ours\nSHA256 (x) = {a}\n{c}  last\n{c}  two.tar.gz\n");
        assert_eq!(String::from_utf8(sums.to_bytes()).unwrap(), expected);
    }

    #[test]
    fn a_file_that_is_listed_twice_is_listed_once_after_it_was_set() {
        let (a, b) = ("a".repeat(64), "b".repeat(64));
        let mut sums = Sums::parse(format!("{a}  x\n{b}  x\n").as_bytes());
        assert_eq!(sums.get("x"), Some(&*a));
        sums.set("x", &a);
        assert_eq!(String::from_utf8(sums.to_bytes()).unwrap(), format!("{a}  x\n"));
    }

    #[test]
    fn lines_are_removed_and_added_again_without_a_trace() {
        let (a, b) = ("a".repeat(64), "b".repeat(64));
        let mut sums = Sums::parse(format!("{a}  x\n{b}  y\n{a}  z").as_bytes());
        for name in ["y", "z", "z"] {
            sums.remove(name);
            assert_eq!(sums.get(name), None);
        }
        sums.set("y", &b);
        assert_eq!(String::from_utf8(sums.to_bytes()).unwrap(), format!("{a}  x\n{b}  y\n"));
        assert_eq!(sums.names().collect::<Vec<_>>(), ["x", "y"]);
    }
}
