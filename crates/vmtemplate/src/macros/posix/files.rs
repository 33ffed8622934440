//! Files that the script writes, and what else it does with them.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use super::commands::Stdin;
use super::word::Word;

/// More files than this are not known apart.
const MOST: usize = 300;

/// Files that a system runs or reads as code by itself: by the end of their path, and by a folder in it.
const RUN_BY_NAME: [&str; 8] = [
    "/rc.local",
    "/.bashrc",
    "/.bash_profile",
    "/.bash_login",
    "/.profile",
    "/.zshrc",
    "/etc/profile",
    "/etc/crontab",
];
const RUN_BY_FOLDER: [&str; 9] = [
    "/bin/",
    "/sbin/",
    "/cron.d/",
    "/cron.hourly/",
    "/cron.daily/",
    "/cron.weekly/",
    "/cron.monthly/",
    "/init.d/",
    "/profile.d/",
];

/// What one reading of the whole script finds out for the next one. A file is the text of the word that names it, so
/// that `"$DIR/x"` is the same file wherever it is.
#[derive(Debug, Default)]
pub(super) struct Files {
    written: BTreeSet<String>,
    /// The files that are run, and by what.
    run: Vec<(String, Stdin)>,
    /// Commands without a folder.
    names: BTreeSet<String>,
    /// Two names of one content: of copies, and of a variable and what it holds.
    same: Vec<(String, String)>,
    pub(super) functions: BTreeSet<String>,
    /// There are more files than are reported apart, and each may be one that is run.
    many: bool,
    /// What was asked before: many scripts write to the same few files again and again.
    readers: RefCell<HashMap<String, Stdin>>,
    found: RefCell<HashMap<String, Vec<String>>>,
}

impl Files {
    pub(super) fn writes(&mut self, file: String) {
        if !file.is_empty() {
            self.many |= self.written.len() >= MOST;
            if !self.many {
                self.written.insert(file);
            }
        }
    }

    pub(super) fn runs(&mut self, file: String, reader: &Stdin) {
        if file.is_empty() || self.many || self.run.iter().any(|(other, by)| *other == file && by == reader) {
            return;
        }
        self.many |= self.run.len() >= MOST;
        if !self.many {
            self.run.push((file, reader.clone()));
        }
    }

    /// The file is run as a command, found in a folder of commands if the word `is_bare`.
    pub(super) fn command(&mut self, file: String, is_bare: bool) {
        if is_bare {
            self.names.insert(file);
        } else {
            self.runs(file, &Stdin::Shell);
        }
    }

    pub(super) fn same(&mut self, one: String, other: String) {
        let known = |(this, that): &(String, String)| *this == one && *that == other;
        if one.is_empty() || other.is_empty() || one == other || self.many || self.same.iter().any(known) {
            return;
        }
        self.many |= self.same.len() >= MOST;
        if !self.many {
            self.same.push((one, other));
        }
    }

    pub(super) fn absorb(&mut self, inner: Self) {
        self.many |= inner.many;
        inner.written.into_iter().for_each(|file| self.writes(file));
        inner.run.into_iter().for_each(|(file, reader)| self.runs(file, &reader));
        inner.same.into_iter().for_each(|(one, other)| self.same(one, other));
        self.names.extend(inner.names);
        self.functions.extend(inner.functions);
    }

    /// Whether the script must be read once more with this in mind.
    pub(super) fn matter(&self) -> bool {
        self.many || !self.written.is_empty() || !self.functions.is_empty()
    }

    /// What reads this file as code, if something does.
    pub(super) fn reader(&self, file: &str) -> Stdin {
        if self.many {
            return Stdin::Code;
        }
        if let Some(reader) = self.readers.borrow().get(file) {
            return reader.clone();
        }
        let reader = self.find_reader(file);
        self.readers.borrow_mut().insert(file.to_owned(), reader.clone());
        reader
    }

    fn find_reader(&self, file: &str) -> Stdin {
        if RUN_BY_NAME.iter().any(|end| file.ends_with(end))
            || RUN_BY_FOLDER.iter().any(|folder| file.contains(folder))
        {
            return Stdin::Shell;
        }
        let all = self.aliases(file);
        let by = |(run, reader): &(String, Stdin)| {
            all.iter().any(|file| is_same(file, run)).then(|| reader.clone())
        };
        let named = |file: &String| {
            let (folder, name) = file.rsplit_once('/').unwrap_or_default();
            folder.ends_with("bin") && self.names.contains(name)
        };
        let reader = self.run.iter().filter_map(by).max().unwrap_or_default();
        if all.iter().any(named) { reader.max(Stdin::Shell) } else { reader }
    }

    /// The files that are written, and may be this one.
    pub(super) fn sources(&self, file: &str) -> Vec<String> {
        // Of very many files each is taken for code where it is written.
        if file.is_empty() || self.many || self.written.is_empty() {
            return Vec::new();
        }
        if let Some(found) = self.found.borrow().get(file) {
            return found.clone();
        }
        let all = self.aliases(file);
        let found: Vec<String> = self
            .written
            .iter()
            .filter(|written| all.iter().any(|file| is_same(file, written)))
            .cloned()
            .collect();
        self.found.borrow_mut().insert(file.to_owned(), found.clone());
        found
    }

    fn aliases(&self, file: &str) -> Vec<String> {
        let mut all = vec![file.to_owned()];
        let mut next = 0;
        while next < all.len() && all.len() < MOST {
            let file = all[next].clone();
            for (one, other) in &self.same {
                for (this, that) in [(one, other), (other, one)] {
                    if is_same(&file, this) && !all.contains(that) {
                        all.push(that.clone());
                    }
                }
            }
            next += 1;
        }
        all
    }
}

/// The text of the word without its quotes.
pub(super) fn file(bytes: &[u8], word: &Word) -> String {
    name(bytes.get(word.span.clone()).unwrap_or_default())
}

pub(super) fn name(raw: &[u8]) -> String {
    let text: String =
        raw.iter().filter(|b| !b"\"'\\{}".contains(b)).take(200).map(|&b| char::from(b)).collect();
    text.trim_start_matches("./").to_owned()
}

/// Whether a pattern of file names may stand for this one: `*` for any text, `?` and `[…]` for one character.
fn matches(pattern: &str, file: &str) -> bool {
    if !pattern.contains(['*', '?', '[']) {
        return false;
    }
    // What stands between the signs comes in this order, and the ends are those of the name.
    let sets = |text: &str| text.split_once('[').map_or(text.to_owned(), |(before, _)| format!("{before}*"));
    let pattern = sets(pattern).replace('?', "*");
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = file.strip_prefix(first) else { return false };
    let last = pieces.next_back().unwrap_or_default();
    for piece in pieces {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}

/// Whether both may name one file: the same text, or one that ends in the other behind a `/`. The value of a variable
/// at the beginning may be any folder.
fn is_same(one: &str, other: &str) -> bool {
    let tail = |file: &'_ str| -> usize {
        if file.starts_with('$') { file.find('/').map_or(0, |at| at + 1) } else { 0 }
    };
    let ends = |long: &str, short: &str| {
        !short.is_empty()
            && long
                .strip_suffix(short)
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('/') || short.starts_with('/'))
    };
    if one == other || [(one, other), (other, one)].iter().any(|(pattern, file)| matches(pattern, file)) {
        return true;
    }
    let (one, other) = (&one[tail(one)..], &other[tail(other)..]);
    if one.starts_with('$') || other.starts_with('$') {
        return false;
    }
    ends(one, other) || ends(other, one)
}
