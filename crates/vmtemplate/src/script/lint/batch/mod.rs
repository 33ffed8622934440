//! A batch file taken apart as cmd.exe does it: commands, blocks, labels.
//!
//! The order in which cmd.exe looks at a line (`%` first, then `"`, `^`, operators and parentheses) is described in
//! <https://learn.microsoft.com/en-us/windows-server/administration/windows-commands/cmd> and, to the last
//! detail, in the community's account of its parser, <https://stackoverflow.com/a/4095133>. What is followed here is
//! what decides where commands and blocks end.

mod parser;
#[cfg(test)]
mod tests;

use std::ops::Range;

pub(super) use parser::parse;

/// A batch file, as far as it can be reached.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) commands: Vec<Command>,
    pub(super) labels: Vec<Label>,
    pub(super) faults: Vec<Fault>,
    /// `rem` and `::` with their lines, in order.
    pub(super) comments: Vec<Range<usize>>,
    /// Whether the end of the file is run into.
    pub(super) falls_off: bool,
}

/// One command with its words.
pub(super) struct Command {
    /// In lower case, without folder and `.exe`.
    pub(super) name: String,
    /// All words, the name first, as they are in the script.
    pub(super) words: Vec<Range<usize>>,
    pub(super) redirects: Vec<Redirect>,
    /// From the first character to the last.
    pub(super) range: Range<usize>,
    /// Its input comes from a pipe.
    pub(super) piped: bool,
    /// `setlocal EnableDelayedExpansion` holds here.
    pub(super) delayed: bool,
}

pub(super) struct Redirect {
    pub(super) kind: RedirectKind,
    pub(super) target: Range<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum RedirectKind {
    Input,
    Output,
    Append,
}

/// A label, with its name in lower case.
pub(super) struct Label {
    pub(super) name: String,
    pub(super) range: Range<usize>,
}

/// What cmd.exe would stumble over.
pub(super) enum Fault {
    /// A `(` that begins a block that never ends.
    Open(usize),
    /// A `)` that ends nothing.
    Stray(usize),
    /// A quote that is open where the line ends, with operators behind it.
    Quote(Range<usize>),
    /// A `^` with blanks behind it.
    Caret(usize),
    /// A `^` that joins the last line with nothing.
    LastCaret(usize),
}

impl Batch {
    /// Whether this place is in a comment.
    pub(super) fn is_comment(&self, at: usize) -> bool {
        let next = self.comments.partition_point(|comment| comment.end <= at);
        self.comments.get(next).is_some_and(|comment| comment.start <= at)
    }
}

impl Command {
    /// The words behind the name, without quotes and carets, in lower case.
    pub(super) fn arguments(&self, text: &str) -> Vec<String> {
        self.words[1..].iter().map(|range| plain(&text[range.clone()]).to_ascii_lowercase()).collect()
    }

    /// Whether the input is not the console: a pipe, a file, NUL.
    pub(super) fn has_input(&self) -> bool {
        self.piped || self.redirects.iter().any(|redirect| redirect.kind == RedirectKind::Input)
    }

    /// Where a goto or call leads to, in lower case; `None` for other commands, for `call PROGRAM`, and for goals that
    /// are only known when it runs.
    pub(super) fn goal(&self, text: &str) -> Option<String> {
        let goal = self.goal_text(text).filter(|goal| !goal.contains(['%', '!', '$']))?;
        let name = label_name(goal.trim_start_matches([' ', '\t', ':']));
        (!name.is_empty()).then(|| name.to_ascii_lowercase())
    }

    /// Whether it goes to a label that is only known when it runs.
    pub(super) fn is_dynamic(&self, text: &str) -> bool {
        self.goal_text(text).is_some_and(|goal| goal.contains(['%', '!', '$']))
    }

    fn goal_text<'t>(&self, text: &'t str) -> Option<&'t str> {
        match self.name.as_str() {
            "goto" => text.get(self.range.start + "goto".len()..self.range.end),
            // `call :label`; without the colon it is a program.
            "call" => text.get(self.words.get(1)?.start..self.range.end).filter(|goal| goal.starts_with(':')),
            _ => None,
        }
    }
}
/// What ends the name of a label.
const LABEL_ENDS: [char; 15] = [' ', '\t', '\r', '\n', ':', '+', ',', ';', '=', '&', '|', '<', '>', '(', ')'];

/// The name at the start of a text. cmd.exe states labels apart by fewer characters than are looked at here.
fn label_name(text: &str) -> &str {
    let end = text.char_indices().take(256).take_while(|(_, c)| !LABEL_ENDS.contains(c)).last();
    &text[..end.map_or(0, |(at, c)| at + c.len_utf8())]
}

/// The commands of cmd.exe that may be written without a blank behind them, as `exit/b`.
const BUILTINS: [&str; 18] = [
    "call", "cd", "chdir", "del", "echo", "erase", "exit", "for", "goto", "if", "md", "mkdir", "pause",
    "popd", "rd", "rem", "rmdir", "set",
];

fn plain(word: &str) -> String {
    word.chars().filter(|c| !matches!(c, '"' | '^')).collect()
}

/// The name of a command: `exit` of `exit/b`, `netsh` of `"%windir%\system32\netsh.exe"`.
fn name_of(word: &str) -> String {
    let lower = plain(word).to_ascii_lowercase();
    let letters: String = lower.chars().take_while(char::is_ascii_alphabetic).collect();
    let next = lower.as_bytes().get(letters.len()).copied();
    if BUILTINS.contains(&letters.as_str()) && !matches!(next, Some(b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
    {
        // `set.exe` is a program, `echo.` is not.
        let rest = &lower[letters.len()..];
        if !rest.starts_with(".exe") && !rest.starts_with(".cmd") && !rest.starts_with(".bat") {
            return letters;
        }
    }
    let name = lower.rsplit(['\\', '/']).next().unwrap_or(&lower);
    [".exe", ".com"].iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name).to_owned()
}
