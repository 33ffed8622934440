//! What is open while a list of commands is read: the command, its pipeline, the compound commands around it.

use std::ops::Range;

use super::commands::Stdin;
use super::word::{Hole, Word};

/// A list of commands: the script, or what a substitution or subshell holds.
#[derive(Debug)]
pub(super) struct List {
    pub(super) blocks: Vec<Block>,
    pub(super) command: Command,
    /// The first subject of the pipeline, and the first document.
    pub(super) pipeline: (usize, usize),
    /// What is before this subject in the pipeline is known to become words of a command.
    pub(super) words: usize,
    /// The command before the last `|`, if it prints its words.
    pub(super) printed: Option<Printed>,
    /// The names of the commands that ran.
    pub(super) runs: Vec<String>,
    /// How a command in it reads the input that the list itself gets.
    pub(super) reads: Stdin,
    /// The name of the function whose body is next.
    pub(super) function: Option<String>,
}

/// A compound command whose end is still to come.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) kind: BlockKind,
    pub(super) pipeline: (usize, usize),
    pub(super) printed: Option<Printed>,
    /// The first subject in it.
    pub(super) first: usize,
    pub(super) piped: bool,
    pub(super) reads: Stdin,
    pub(super) function: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BlockKind {
    Brace,
    If,
    Loop,
    /// `case`, where a pattern or `esac` is next.
    Patterns,
    /// `case`, in the commands behind a pattern.
    Item,
}

/// A command that is being read.
#[derive(Debug, Default)]
pub(super) struct Command {
    pub(super) first: usize,
    pub(super) first_document: usize,
    pub(super) assignments: Vec<Word>,
    pub(super) words: Vec<Word>,
    pub(super) redirects: Vec<(Redirect, Word)>,
    /// The redirection whose word is next.
    pub(super) redirect: Option<Redirect>,
    /// It reads what the command before it prints.
    pub(super) piped: bool,
    /// It is the compound command that this keyword has ended.
    pub(super) closed: Option<&'static str>,
    /// How the commands in the compound command read its input.
    pub(super) reads: Stdin,
    /// `time` is before it, which has options of its own.
    pub(super) timed: bool,
    /// `&>` is in it, behind which some shells begin another command.
    pub(super) torn: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Redirect {
    Input,
    Output,
    /// `<<<`
    Text,
}

/// What a command prints, as far as its words say.
#[derive(Debug, Clone)]
pub(super) struct Printed {
    pub(super) text: String,
    pub(super) holes: Vec<Hole>,
    pub(super) span: Range<usize>,
}

impl Printed {
    /// The same with its escapes replaced, if it has some: one that may be the end of a line is one.
    fn replaced(&self) -> (String, Vec<Hole>) {
        let mut text = String::with_capacity(self.text.len());
        let mut holes = self.holes.iter();
        let mut moved: Vec<Hole> = Vec::with_capacity(self.holes.len());
        let mut next = holes.next();
        let mut chars = self.text.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            while let Some(hole) = next.filter(|hole| hole.at <= at) {
                moved.push(Hole { at: text.len(), ..hole.clone() });
                next = holes.next();
            }
            match (c, chars.peek().map(|&(_, next)| next)) {
                ('\\', Some('n' | 'r' | 'v' | 'f' | 'x' | '0'..='7')) => {
                    chars.next();
                    text.push('\n');
                }
                ('\\', Some('t')) => {
                    chars.next();
                    text.push('\t');
                }
                _ => text.push(c),
            }
        }
        (text, moved)
    }

    /// What it prints where escapes such as `\n` are read, unless that is the same.
    pub(super) fn unescaped(&self) -> Option<Self> {
        let (text, holes) = self.replaced();
        (text != self.text).then(|| Self { text, holes, span: self.span.clone() })
    }
}

impl List {
    pub(super) fn new(subject: usize, document: usize) -> Self {
        Self {
            blocks: Vec::new(),
            command: Command { first: subject, first_document: document, ..Command::default() },
            pipeline: (subject, document),
            words: subject,
            printed: None,
            runs: Vec::new(),
            reads: Stdin::Data,
            function: None,
        }
    }

    pub(super) fn in_patterns(&self) -> bool {
        self.blocks.last().is_some_and(|block| block.kind == BlockKind::Patterns)
    }
}

impl Command {
    pub(super) fn is_empty(&self) -> bool {
        self.words.is_empty()
            && self.assignments.is_empty()
            && self.redirects.is_empty()
            && self.redirect.is_none()
    }

    pub(super) fn name(&self) -> &str {
        self.closed.unwrap_or_else(|| self.words.first().map_or("", Word::command))
    }

    /// Whether `in` or `do` is next, which may be in the next line.
    pub(super) fn awaits_in(&self) -> bool {
        self.words.len() == 2
            && !self.words[0].quoted
            && matches!(&*self.words[0].text, "for" | "select" | "case")
    }

    /// Whether it is `[[ … `, whose end is still to come.
    pub(super) fn in_brackets(&self) -> bool {
        self.redirect.is_none()
            && self.words.first().is_some_and(|word| word.text == "[[" && !word.quoted)
            && !(self.words.len() > 1 && self.words.last().is_some_and(|word| word.text == "]]"))
    }
}

/// A here-document whose lines are still to come.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) delimiter: String,
    pub(super) quoted: bool,
    pub(super) strips_tabs: bool,
    /// What reads it.
    pub(super) reader: Stdin,
    /// The command that it is for, which may be a function.
    pub(super) command: String,
    /// The variables that stand for the files that it goes to.
    pub(super) files: Vec<String>,
}
