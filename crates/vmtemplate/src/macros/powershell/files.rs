//! Files that a script writes and then reads: what it wrote there may be the value of a macro.

use std::ops::Range;

/// No name of a variable begins with it.
const HELD: char = '\u{2}';
/// Of a longer statement only the end is looked at, and only so many of its files.
const LONGEST_STATEMENT: usize = 4096;
const MOST_FILES: usize = 20;

const WRITERS: [&str; 9] = [
    ">",
    "add-content",
    "appendalltext",
    "new-item",
    "out-file",
    "set-content",
    "tee-object",
    "writealllines",
    "writealltext",
];
const READERS: [&str; 7] = ["cat ", "gc ", "get-content", "import-c", "readalllines", "readalltext", "type "];

/// The files of a statement, as the variables that hold what is in them, each with its place.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) named: Vec<(String, Range<usize>)>,
    pub(super) writes: bool,
    pub(super) reads: bool,
}

/// Whether a script reads files at all.
pub(super) fn are_read(bytes: &[u8]) -> bool {
    has(&bytes.to_ascii_lowercase(), &READERS)
}

fn has(text: &[u8], words: &[&str]) -> bool {
    let text = String::from_utf8_lossy(text);
    words.iter().any(|word| text.contains(word))
}

/// The files that the statement at `range` names.
pub(super) fn of_statement(bytes: &[u8], range: Range<usize>) -> Files {
    let start = range.start.max(range.end.saturating_sub(LONGEST_STATEMENT));
    let text = bytes[start..range.end].to_ascii_lowercase();
    let (writes, reads) = (has(&text, &WRITERS), has(&text, &READERS));
    let mut files = Vec::new();
    let mut at = start;
    for word in text.split(|b| b.is_ascii_whitespace() || b"'\"`,;()|>{}=\\/:".contains(b)) {
        if (writes || reads) && is_file(word) && files.len() < MOST_FILES {
            files.push((format!("{HELD}{}", String::from_utf8_lossy(word)), at..at + word.len()));
        }
        at += word.len() + 1;
    }
    Files { named: files, writes, reads }
}

/// Whether it is a name with an ending: `x.txt`.
fn is_file(word: &[u8]) -> bool {
    let Some(dot) = word.iter().rposition(|&b| b == b'.') else { return false };
    let ending = &word[dot + 1..];
    dot > 0
        && (1..=8).contains(&ending.len())
        && ending.iter().all(u8::is_ascii_alphanumeric)
        && !word.starts_with(b"$")
        && word.iter().any(u8::is_ascii_alphabetic)
}
