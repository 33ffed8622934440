//! A word of the shell, taken apart.

use std::ops::Range;

/// Stands in the text of a word for what is not known before the script runs.
pub(super) const UNKNOWN: char = '\u{FFFD}';

/// A word without its quotes, and what in it is not known before the script runs.
#[derive(Debug, Clone, Default)]
pub(super) struct Word {
    /// The characters that the command gets. A byte of the script is one character; what is not known is [`UNKNOWN`].
    pub(super) text: String,
    pub(super) holes: Vec<Hole>,
    /// Where it is in the script.
    pub(super) span: Range<usize>,
    /// All subjects in it, those of substitutions included.
    pub(super) subjects: Range<usize>,
    /// It has quotes or a backslash, so it is no keyword.
    pub(super) quoted: bool,
    /// The commands that run in its substitutions.
    pub(super) runs: Vec<String>,
    /// The elements of an array that the shell cuts into words: macros and variables alone and outside of quotes.
    pub(super) cut: Vec<usize>,
    /// One of them reads a script from the input that the command around it gets.
    pub(super) reads: bool,
}

/// A piece of a word that is not known before the script runs.
#[derive(Debug, Clone)]
pub(super) struct Hole {
    /// Where in the text its [`UNKNOWN`] is.
    pub(super) at: usize,
    /// The macro or variable, or all that is in the substitution.
    pub(super) subjects: Range<usize>,
    /// A substitution: what arrives is what its commands print.
    pub(super) printed: bool,
}

impl Word {
    pub(super) fn new(subjects: usize) -> Self {
        Self { subjects: subjects..subjects, ..Self::default() }
    }

    pub(super) fn literal(text: &str, subjects: usize) -> Self {
        Self { text: text.to_owned(), ..Self::new(subjects) }
    }

    pub(super) fn hole(&mut self, subjects: Range<usize>, printed: bool) {
        self.subjects.end = subjects.end;
        self.holes.push(Hole { at: self.text.len(), subjects, printed });
        self.text.push(UNKNOWN);
    }

    /// The variable that it assigns to, if it is where assignments do.
    pub(super) fn assigned(&self) -> Option<&str> {
        let name = self.text[..self.text.find('=')?].trim_end_matches('+');
        let name = &name[..name.find('[').unwrap_or(name.len())];
        is_name(name).then_some(name)
    }

    /// Where the name ends, with the subscript of an array, and the value begins.
    pub(super) fn value_at(&self) -> usize {
        self.text.find('=').map_or(0, |at| at + 1)
    }

    /// The name of the command, without the folder.
    pub(super) fn command(&self) -> &str {
        self.text.rsplit('/').next().unwrap_or_default()
    }
}

pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .enumerate()
            .all(|(i, b)| b.is_ascii_alphabetic() || b == b'_' || (i > 0 && b.is_ascii_digit()))
}
