//! How a value is written at a place of a shell script.

use std::rc::Rc;

use crate::macros::place::Quoting;

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
    /// It begins an argument of a command.
    pub(super) begins_argument: bool,
    /// `echo` of some shells takes `\` for more than a backslash.
    pub(super) echo: bool,
    /// `test`, to which `!` and `(` mean something.
    pub(super) test: bool,
    pub(super) before_redirection: bool,
    /// The line of a here-document around the macro, and the delimiter that it must not become.
    pub(super) line: Option<Rc<Line>>,
    /// A variable that is not split into words here.
    pub(super) whole: bool,
    /// At the beginning of a line of a `<<-` here-document, which loses its tabs.
    pub(super) loses_tabs: bool,
}

/// A line of a here-document around a macro.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) before: Vec<u8>,
    pub(super) after: Vec<u8>,
    /// What it must not become.
    pub(super) delimiter: String,
}

impl PosixPlace {
    pub(in crate::macros) fn quote(&self, value: &str, harmless: bool) -> Result<String, String> {
        self.refuse_meaning(value)?;
        if value.contains('\n') {
            self.refuse_lines(value)?;
        }
        if let Some(line) = &self.line {
            let whole = [line.before.as_slice(), value.as_bytes(), line.after.as_slice()].concat();
            if whole.trim_ascii_start() == line.delimiter.as_bytes() {
                return Err("it makes the line the end of the here-document".to_owned());
            }
        }
        if self.loses_tabs && value.starts_with('\t') {
            return Err("it begins with a tab, which `<<-` takes away".to_owned());
        }
        if self.style == Style::Document && value.contains(|c: char| c.is_control() && c != '\n') {
            return Err("it has a control character, which a here-document may not keep".to_owned());
        }
        if harmless && !(self.style == Style::Bare && (value.is_empty() || self.is_stream(value))) {
            return Ok(value.to_owned());
        }
        let escaped = |special: &str| {
            let mut text = String::with_capacity(value.len() + 8);
            for c in value.chars() {
                if special.contains(c) {
                    text.push('\\');
                }
                text.push(c);
            }
            text
        };
        Ok(match self.style {
            Style::Bare => format!("'{}'", value.replace('\'', r"'\''")),
            Style::Single => value.replace('\'', r"'\''"),
            Style::Double => escaped(r#"\$`""#),
            Style::Document => escaped(r"\$`"),
            Style::Raw => value.to_owned(),
        })
    }

    /// Several lines stand inside quotes, or in place of a whole line of a here-document.
    fn refuse_lines(&self, value: &str) -> Result<(), String> {
        let in_text = matches!(self.style, Style::Document | Style::Raw);
        let is_alone = self
            .line
            .as_ref()
            .is_some_and(|line| line.before.trim_ascii().is_empty() && line.after.trim_ascii().is_empty());
        if in_text && !is_alone {
            return Err(
                "it has several lines, and does not stand alone on the line of a here-document".to_owned()
            );
        }
        let ends = |line: &Line| value.split('\n').any(|text| text.trim_start() == line.delimiter);
        if self.line.as_ref().is_some_and(|line| ends(line)) {
            return Err("one of its lines is the end of the here-document".to_owned());
        }
        if self.loses_tabs && value.contains("\n\t") {
            return Err("one of its lines begins with a tab, which `<<-` takes away".to_owned());
        }
        Ok(())
    }

    /// Whether a `<` or `>` behind it would take it for the number of a stream.
    fn is_stream(&self, value: &str) -> bool {
        self.before_redirection && value.bytes().all(|b| b.is_ascii_digit())
    }

    fn refuse_meaning(&self, value: &str) -> Result<(), String> {
        if self.begins_argument && value.starts_with('-') {
            return Err("it begins with `-` where a word begins, and so would be an option".to_owned());
        }
        if self.echo && value.contains('\\') {
            return Err(
                "it has a `\\`, which `echo` of some shells takes for the beginning of an escape (use \
                        `printf '%s\\n'`)"
                    .to_owned(),
            );
        }
        if self.test && self.begins_argument && matches!(value, "!" | "(" | ")") {
            return Err("`test` takes it for an operator".to_owned());
        }
        Ok(())
    }

    pub(in crate::macros) fn expanded(&self, value: &str, harmless: bool) -> Result<(), String> {
        self.refuse_meaning(value)?;
        let splits = |b: u8| b" \t\n*?[\\".contains(&b);
        if !harmless
            && self.style == Style::Bare
            && !self.whole
            && (value.is_empty() || value.bytes().any(splits))
        {
            return Err(
                "it stands there outside of quotes, where the shell cuts it into words and looks for files"
                    .to_owned(),
            );
        }
        Ok(())
    }
}

impl From<PosixPlace> for Quoting {
    fn from(place: PosixPlace) -> Self {
        Self::Posix(place)
    }
}
