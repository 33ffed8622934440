//! SHA256SUMS: the checksums of the archives, as `sha256sum` writes and checks them.

/// The name of the file.
pub(super) const NAME: &str = "SHA256SUMS";

/// The most bytes of it that are read.
pub(super) const MAX_BYTES: usize = 16 << 20;

/// The lines of the file. What is not ours to change keeps its bytes.
#[derive(Debug, Clone, Default)]
pub(super) struct Sums {
    lines: Vec<Line>,
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
        let lines = text.split_inclusive('\n').map(|raw| Line { raw: raw.to_owned(), sum: parse_line(raw) });
        Self { lines: lines.collect() }
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        self.lines.iter().flat_map(|line| line.raw.bytes()).collect()
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.lines.iter().filter_map(|line| line.sum.as_ref()).find(|sum| sum.1 == name).map(|sum| &*sum.0)
    }

    /// The names of the files that have a line.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().filter_map(|line| line.sum.as_ref()).map(|sum| &*sum.1)
    }

    pub(super) fn set(&mut self, name: &str, sha256: &str) {
        if self.names().filter(|held| *held == name).count() == 1 && self.get(name) == Some(sha256) {
            return;
        }
        self.remove(name);
        if let Some(last) = self.lines.last_mut().filter(|last| !last.raw.ends_with('\n')) {
            last.raw.push('\n');
        }
        let sum = Some((sha256.to_owned(), name.to_owned()));
        self.lines.push(Line { raw: format!("{sha256}  {name}\n"), sum });
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.lines.retain(|line| line.sum.as_ref().is_none_or(|sum| sum.1 != name));
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
        sums.set("x", &a);
        assert_eq!(String::from_utf8(sums.to_bytes()).unwrap(), format!("{a}  x\n"));
    }
}
