//! How a value is written at a place of a shell script.

use std::rc::Rc;

use crate::macros::demand::{Plain, Refusal};
use crate::macros::place::Quote;

/// What the shell makes of the bytes at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Style {
    Bare,
    Single,
    Double,
    /// In a here-document whose delimiter is not quoted.
    Document,
    /// Nothing is special: a comment, or a here-document with a quoted delimiter.
    Raw,
}

/// What decides how a value is written.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools)] // each is one fact about the place
pub(in crate::macros) struct PosixPlace {
    pub(super) style: Style,
    /// Several words may be here bare, each for itself: arguments of a command, the list of a `for`.
    pub(super) takes_words: bool,
    /// It begins an argument of a command.
    pub(super) begins_argument: bool,
    /// What reads it takes `\` for more than a backslash: `echo` of some shells, `awk -v`.
    pub(super) escapes: bool,
    /// It is the format of `printf`, in which `%` and `\` mean something.
    pub(super) format: bool,
    /// The word is nothing but the macro.
    pub(super) alone: bool,
    /// The script inside this word that the macro is in, and how it is written there.
    pub(super) inner: Option<Rc<PosixPlace>>,
    /// `test` or `find`, to which `!`, `(`, `;` and `{}` mean something.
    pub(super) test: bool,
    /// A word of the shell's own grammar would be taken for that: a pattern of `case`.
    pub(super) reserved: bool,
    pub(super) before_redirection: bool,
    /// The line of a here-document around the macro, and the delimiter that it must not become.
    pub(super) line: Option<Rc<Line>>,
    /// A variable that is not split into words here.
    pub(super) whole: bool,
    /// At the beginning of a line of a `<<-` here-document, which loses its tabs.
    pub(super) loses_tabs: bool,
    /// It is in the replacement of `s` of sed, which ends at this character.
    pub(super) replacement: Option<char>,
}

/// A line of a here-document around a macro.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) before: Vec<u8>,
    pub(super) after: Vec<u8>,
    /// What it must not become.
    pub(super) delimiter: String,
}

/// The reserved words of POSIX and bash (POSIX.1-2024, 2.4).
const RESERVED: [&str; 21] = [
    "!",
    "{",
    "}",
    "case",
    "do",
    "done",
    "elif",
    "else",
    "esac",
    "fi",
    "for",
    "if",
    "in",
    "then",
    "until",
    "while",
    "function",
    "select",
    "time",
    "coproc",
    "namespace",
];

impl Quote for PosixPlace {
    fn quote(&self, value: &str, plain: Plain) -> Result<String, Refusal> {
        let Some(inner) = &self.inner else { return self.quote_here(value, plain) };
        let text = inner.quote(value, plain)?;
        let plain = if text == value { plain } else { Plain::No };
        self.quote_here(&text, plain)
    }

    fn expanded(&self, value: &str, plain: Plain) -> Result<(), Refusal> {
        self.refuse_meaning(value)?;
        if self.style != Style::Bare || self.whole {
            return Ok(());
        }
        let splits = |b: u8| b" \t\n*?[\\".contains(&b);
        if plain == Plain::No && (value.is_empty() || value.bytes().any(splits)) {
            return Err(Refusal::from(
                "it is outside quotes, where the shell splits it into words and expands file patterns",
            )
            .or_write("put the variable in double quotes"));
        }
        if plain == Plain::Words && !self.takes_words {
            return Err(Refusal::from(
                "it is outside quotes, where the shell splits it into words, but one word is expected",
            )
            .or_write("put the variable in double quotes"));
        }
        Ok(())
    }
}

impl PosixPlace {
    pub(super) fn new(style: Style) -> Self {
        Self {
            style,
            takes_words: false,
            begins_argument: false,
            escapes: false,
            format: false,
            alone: false,
            inner: None,
            test: false,
            reserved: false,
            before_redirection: false,
            line: None,
            whole: false,
            loses_tabs: false,
            replacement: None,
        }
    }

    fn quote_here(&self, value: &str, plain: Plain) -> Result<String, Refusal> {
        self.refuse_meaning(value)?;
        if value.contains('\n') {
            self.refuse_lines(value)?;
        }
        if let Some(line) = &self.line {
            let whole = [line.before.as_slice(), value.as_bytes(), line.after.as_slice()].concat();
            if whole.trim_ascii_start() == line.delimiter.as_bytes() {
                return Err("it makes the line the end of the here-document".into());
            }
        }
        if self.loses_tabs && value.starts_with('\t') {
            return Err("it begins with a tab, which `<<-` removes".into());
        }
        if self.style == Style::Document && value.contains(|c: char| c.is_control() && c != '\n') {
            return Err("it has a control character, which a here-document may not keep".into());
        }
        let as_it_is = match (&self.style, plain) {
            (_, Plain::No) => false,
            (Style::Bare, Plain::Word) => {
                let is_reserved = self.reserved && RESERVED.contains(&value);
                !(value.is_empty() || self.is_stream(value) || is_reserved)
            }
            (Style::Bare, Plain::Words) => self.takes_words,
            (_, Plain::Word | Plain::Words) => true,
        };
        if as_it_is {
            return Ok(value.to_owned());
        }
        let value = &*self.replace(value);
        Ok(match self.style {
            Style::Bare => format!("'{}'", value.replace('\'', r"'\''")),
            Style::Single => value.replace('\'', r"'\''"),
            Style::Double => escaped(value, r#"\$`""#),
            Style::Document => escaped(value, r"\$`"),
            Style::Raw => value.to_owned(),
        })
    }

    /// The value as sed must have it in a replacement, in which `\`, `&` and the delimiter mean something (POSIX.1-2024,
    /// sed, "Editing Commands").
    fn replace(&self, value: &str) -> String {
        match self.replacement {
            Some(delimiter) => escaped(value, &format!("\\&{delimiter}")),
            None => value.to_owned(),
        }
    }

    /// Several lines are inside quotes, or in place of a whole line of a here-document.
    fn refuse_lines(&self, value: &str) -> Result<(), Refusal> {
        if self.replacement.is_some() {
            return Err("it has several lines, which end the command of sed".into());
        }
        let in_text = matches!(self.style, Style::Document | Style::Raw);
        let is_alone = self
            .line
            .as_ref()
            .is_some_and(|line| line.before.trim_ascii().is_empty() && line.after.trim_ascii().is_empty());
        if in_text && !is_alone {
            return Err("it has several lines, and is not alone on its line of the here-document".into());
        }
        let ends = |line: &Line| value.split('\n').any(|text| text.trim_start() == line.delimiter);
        if self.line.as_ref().is_some_and(|line| ends(line)) {
            return Err("one of its lines is the end of the here-document".into());
        }
        if self.loses_tabs && value.contains("\n\t") {
            return Err("one of its lines begins with a tab, which `<<-` removes".into());
        }
        Ok(())
    }

    /// Whether a `<` or `>` behind it would take it for the number of a stream.
    fn is_stream(&self, value: &str) -> bool {
        self.before_redirection && value.bytes().all(|b| b.is_ascii_digit())
    }

    fn refuse_meaning(&self, value: &str) -> Result<(), Refusal> {
        if self.begins_argument && value.starts_with('-') {
            return Err(Refusal::from(
                "it begins with `-` at the beginning of a word, and would be read as an option",
            )
            .or_write("put something before it in the same word, as `--option=($NAME)` or `x($NAME)`"));
        }
        if self.escapes && value.contains('\\') {
            return Err(Refusal::from(
                "it has a `\\`, which is interpreted as the beginning of an escape here",
            )
            .or_write("in place of `echo`, write `printf '%s\\n'` before the same word"));
        }
        if self.format && value.contains(['%', '\\']) {
            let reason = "it has a `%` or `\\`, and `printf` interprets its first argument as a format";
            return Err(Refusal::from(reason).or_write("write `printf '%s\\n'` before the word"));
        }
        let is_operator = self.begins_argument && matches!(value, "!" | "(" | ")" | "," | ";" | "+");
        if self.test && (is_operator || value.contains("{}")) {
            return Err(Refusal::from("it is interpreted as an operator here")
                .or_write("put a letter before both sides of the comparison, as `[ \"x($NAME)\" = x… ]`"));
        }
        Ok(())
    }
}

/// With a backslash before each of these characters.
fn escaped(value: &str, special: &str) -> String {
    let mut text = String::with_capacity(value.len() + 8);
    for c in value.chars() {
        if special.contains(c) {
            text.push('\\');
        }
        text.push(c);
    }
    text
}
