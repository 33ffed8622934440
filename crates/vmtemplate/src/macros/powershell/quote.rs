//! How a value is written at a place of a PowerShell script.

use crate::macros::demand::{Demand, Plain, Refusal};
use crate::macros::place::Quote;

/// What PowerShell makes of the bytes at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// A word of its own, outside of quotes.
    Bare,
    /// A part of a word or of a name, outside of quotes.
    Joined,
    /// Behind `--%`, where PowerShell has no quotes.
    Verbatim,
    Single,
    Double,
    SingleHere,
    DoubleHere,
    Comment,
}

/// What decides how a value is written.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools)] // each is one fact about the place
pub(in crate::macros) struct PowerShellPlace {
    pub(super) style: Style,
    /// Words are arguments here; in an expression a plain word would be a command, or an error.
    pub(super) argument: bool,
    /// A `.` or `[` behind it takes a member or an element of it.
    pub(super) member: bool,
    /// Nothing of the same word is behind it.
    pub(super) ends_word: bool,
    /// It begins a word of a command that is not one of PowerShell, to which `"`, `\` and nothing are passed wrongly.
    pub(super) native: bool,
    /// `-replace` puts it in, for which `$` is a sign of its own.
    pub(super) replacement: bool,
    pub(super) begins_word: bool,
    pub(super) begins_line: bool,
    pub(super) ends_line: bool,
    /// The file says that it is UTF-8. Without that, Windows PowerShell reads it in the machine's code page.
    pub(super) unicode: bool,
}

const SINGLE_QUOTES: [char; 5] = ['\'', '\u{2018}', '\u{2019}', '\u{201A}', '\u{201B}'];
const DOUBLE_QUOTES: [char; 4] = ['"', '\u{201C}', '\u{201D}', '\u{201E}'];

impl Quote for PowerShellPlace {
    fn quote(&self, value: &str, plain: Plain) -> Result<String, Refusal> {
        self.refuse_characters(value)?;
        self.refuse_meaning(value)?;
        let signs = if self.replacement { value.replace('$', "$$") } else { value.to_owned() };
        let value = signs.as_str();
        let as_it_is = match self.style {
            Style::Bare => is_number(value) && !self.member,
            Style::Joined => self.stands(value, plain).is_ok(),
            _ => plain != Plain::No,
        };
        if as_it_is {
            return Ok(value.to_owned());
        }
        let doubled = |quotes: &[char]| {
            let mut text = String::with_capacity(value.len() + 8);
            for c in value.chars() {
                if quotes.contains(&c) {
                    text.push(c);
                }
                text.push(c);
            }
            text
        };
        let escaped = |special: &str| {
            let mut text = String::with_capacity(value.len() + 8);
            for c in value.chars() {
                if special.contains(c) {
                    text.push('`');
                }
                text.push(c);
            }
            text
        };
        match self.style {
            Style::Bare if self.native && value.is_empty() => Err(NATIVE_EMPTY.into()),
            Style::Bare => Ok(format!("'{}'", doubled(&SINGLE_QUOTES))),
            Style::Joined if value.is_empty() && self.argument && !self.ends_word => Ok(String::new()),
            Style::Joined if value.is_empty() => {
                Err(Refusal::from("it is empty, so the next word would take its place").or_write(QUOTED_WORD))
            }
            Style::Joined => {
                Err(Refusal::from("it is a part of a word outside quotes").or_write(QUOTED_WORD))
            }
            Style::Verbatim => Err("PowerShell has no quotes after `--%`".into()),
            Style::Single => Ok(doubled(&SINGLE_QUOTES)),
            Style::Double => Ok(escaped("`$\"\u{201C}\u{201D}\u{201E}")),
            Style::SingleHere | Style::DoubleHere if self.ends_here_string(value) => {
                Err("it ends the here-string where a line begins".into())
            }
            Style::DoubleHere => Ok(escaped("`$")),
            Style::Comment if ends_comment(value) => Err("it ends the comment".into()),
            Style::SingleHere | Style::Comment => Ok(value.to_owned()),
        }
    }

    fn expanded(&self, value: &str, plain: Plain) -> Result<(), Refusal> {
        if plain != Plain::No {
            return Ok(());
        }
        if self.native && value.is_empty() {
            return Err(NATIVE_EMPTY.into());
        }
        if self.replacement && value.contains('$') {
            return Err(Refusal::from("`$` in it stands for a part of the text that `-replace` has found")
                .or_write("write `.Replace(\"$\", \"$$\")` after the variable"));
        }
        self.refuse_meaning(value)
    }
}

impl PowerShellPlace {
    /// A place that PowerShell itself does not read.
    pub(super) fn unread() -> Self {
        Self {
            style: Style::Single,
            argument: false,
            member: false,
            ends_word: true,
            native: false,
            replacement: false,
            begins_word: false,
            begins_line: false,
            ends_line: false,
            unicode: true,
        }
    }

    /// Whether the value may have several lines: a string holds them, and so does a here-string if none of them ends it.
    fn takes_lines(&self, value: &str) -> bool {
        if matches!(self.style, Style::Bare | Style::Single | Style::Double) {
            return !self.native;
        }
        let quotes = |c| SINGLE_QUOTES.contains(&c) || DOUBLE_QUOTES.contains(&c);
        matches!(self.style, Style::SingleHere | Style::DoubleHere)
            && self.begins_line
            && self.ends_line
            && !value.split('\n').any(|line| line.starts_with(quotes))
    }

    /// Fail unless the value means itself here without any quoting.
    pub(in crate::macros) fn stands(&self, value: &str, plain: Plain) -> Result<(), Refusal> {
        self.refuse_characters(value)?;
        self.refuse_meaning(value)?;
        if self.replacement && value.contains('$') {
            return Err("`$` in it stands for a part of the text that `-replace` has found".into());
        }
        let has = |signs: &[char]| value.contains(signs);
        let stands = match self.style {
            Style::Bare if self.argument => plain != Plain::No,
            Style::Joined if self.argument => {
                !value.is_empty() && (plain == Plain::Word || is_part_of_word(value))
            }
            Style::Bare | Style::Joined => is_number(value),
            Style::Single => !has(&SINGLE_QUOTES),
            Style::Double => !has(&DOUBLE_QUOTES) && !has(&['`', '$']),
            Style::SingleHere => !self.ends_here_string(value),
            Style::DoubleHere => !self.ends_here_string(value) && !has(&['`', '$']),
            Style::Comment => !ends_comment(value),
            Style::Verbatim => plain != Plain::No,
        };
        if stands { Ok(()) } else { Err("PowerShell interprets the value there".into()) }
    }

    /// What a value must be that is put here without any quoting.
    pub(in crate::macros) fn as_it_stands(&self, cause: &'static str) -> Demand {
        match self.style {
            Style::Bare | Style::Joined if !self.argument => Demand::number(cause),
            Style::Joined => Demand::word(cause),
            _ => Demand::words(cause),
        }
    }

    fn refuse_characters(&self, value: &str) -> Result<(), Refusal> {
        if value.contains('\n') && !self.takes_lines(value) {
            return Err(Refusal::from(
                "it has several lines, which neither a word nor the argument of a program takes",
            )
            .or_write(
                "write it between quotes in a command of PowerShell, or alone on the line of a here-string",
            ));
        }
        if let Some(found) = value.chars().find(|&c| c.is_control() && c != '\t' && c != '\n') {
            return Err(format!("it has the control character U+{:04X}", found as u32).into());
        }
        if !self.unicode && !value.is_ascii() {
            return Err(Refusal::from(
                "it is not ASCII, and without a byte order mark Windows PowerShell reads the script in the code page \
                 of the machine",
            )
            .or_write("save the script in UTF-8 with a byte order mark, or give a value of ASCII characters"));
        }
        Ok(())
    }

    fn ends_here_string(&self, value: &str) -> bool {
        self.begins_line && value.starts_with(|c| SINGLE_QUOTES.contains(&c) || DOUBLE_QUOTES.contains(&c))
    }

    fn refuse_meaning(&self, value: &str) -> Result<(), Refusal> {
        if !self.native || self.style == Style::Comment {
            return Ok(());
        }
        if self.begins_word && value.starts_with(['-', '/', '@']) {
            return Err(
                "it begins with `-`, `/` or `@` at the beginning of a word, and would be read as an option"
                    .into(),
            );
        }
        if value.contains('\n') {
            return Err("it has several lines, which no program takes as an argument".into());
        }
        if value.contains(DOUBLE_QUOTES) || value.ends_with('\\') {
            return Err("Windows PowerShell passes a `\"` and a `\\` at the end wrongly to programs".into());
        }
        Ok(())
    }
}

const NATIVE_EMPTY: &str = "it is empty, which Windows PowerShell does not pass to programs";

const QUOTED_WORD: &str = "put the complete word in double quotes";

/// Whether it is a number in the only form that PowerShell keeps as it is: `007` would be 7, and of more digits some
/// are lost.
fn is_number(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
        && (1..=18).contains(&text.len())
        && (text == "0" || !text.starts_with('0'))
}

/// Whether PowerShell takes it for a part of a word that has begun, or begins one with it: `Europe/Berlin`.
fn is_part_of_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._:-/+=~".contains(&b))
}

fn ends_comment(text: &str) -> bool {
    text.contains("#>") || text.ends_with('#') || text.starts_with('>')
}
