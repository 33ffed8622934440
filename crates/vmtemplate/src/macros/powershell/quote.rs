//! How a value is written at a place of a PowerShell script.

use crate::macros::place::Quoting;

/// What PowerShell makes of the bytes at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// A word of its own, outside of quotes.
    Bare,
    /// A part of a word, outside of quotes.
    Joined,
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
    /// It begins a word of a command that is not one of PowerShell, to which `"`, `\` and nothing are passed wrongly.
    pub(super) native: bool,
    pub(super) begins_word: bool,
    pub(super) begins_line: bool,
    pub(super) ends_line: bool,
    /// The file says that it is UTF-8. Without that, Windows PowerShell reads it in the machine's code page.
    pub(super) unicode: bool,
}

const SINGLE_QUOTES: [char; 5] = ['\'', '\u{2018}', '\u{2019}', '\u{201A}', '\u{201B}'];
const DOUBLE_QUOTES: [char; 4] = ['"', '\u{201C}', '\u{201D}', '\u{201E}'];

impl PowerShellPlace {
    pub(in crate::macros) fn quote(&self, value: &str, harmless: bool) -> Result<String, String> {
        if value.contains('\n') && !self.takes_lines(value) {
            return Err(
                "it has several lines, and does not stand alone on the line of a here-string".to_owned()
            );
        }
        if let Some(found) = value.chars().find(|&c| c.is_control() && c != '\t' && c != '\n') {
            return Err(format!("it has the control character U+{:04X}", found as u32));
        }
        if !self.unicode && !value.is_ascii() {
            return Err("it is not ASCII, and without a byte order mark Windows PowerShell reads the script in the code \
                        page of the machine"
                .to_owned());
        }
        self.refuse_meaning(value)?;
        if harmless && (self.style != Style::Bare || is_number(value)) {
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
            Style::Bare if self.native && value.is_empty() => Err(NATIVE_EMPTY.to_owned()),
            Style::Bare => Ok(format!("'{}'", doubled(&SINGLE_QUOTES))),
            Style::Joined if value.is_empty() => Ok(String::new()),
            Style::Joined => {
                Err("it is a part of a word outside of quotes; expected quotes around the word".to_owned())
            }
            Style::Single => Ok(doubled(&SINGLE_QUOTES)),
            Style::Double => Ok(escaped("`$\"\u{201C}\u{201D}\u{201E}")),
            Style::SingleHere | Style::DoubleHere if self.ends_here_string(value) => {
                Err("it ends the here-string where a line begins".to_owned())
            }
            Style::DoubleHere => Ok(escaped("`$")),
            Style::Comment if value.contains("#>") || value.ends_with('#') || value.starts_with('>') => {
                Err("it ends the comment".to_owned())
            }
            Style::SingleHere | Style::Comment => Ok(value.to_owned()),
        }
    }

    /// Whether each line of the value becomes one of a here-string, and none of them its end.
    fn takes_lines(&self, value: &str) -> bool {
        let quotes = |c| SINGLE_QUOTES.contains(&c) || DOUBLE_QUOTES.contains(&c);
        matches!(self.style, Style::SingleHere | Style::DoubleHere)
            && self.begins_line
            && self.ends_line
            && !value.split('\n').any(|line| line.starts_with(quotes))
    }

    fn ends_here_string(&self, value: &str) -> bool {
        self.begins_line && value.starts_with(|c| SINGLE_QUOTES.contains(&c) || DOUBLE_QUOTES.contains(&c))
    }

    fn refuse_meaning(&self, value: &str) -> Result<(), String> {
        if !self.native || self.style == Style::Comment {
            return Ok(());
        }
        if self.begins_word && value.starts_with(['-', '/', '@']) {
            return Err(
                "it begins with `-`, `/` or `@` where a word begins, and so would be an option".to_owned()
            );
        }
        if value.contains(DOUBLE_QUOTES) || value.ends_with('\\') {
            return Err(
                "Windows PowerShell passes a `\"` and a `\\` at the end wrongly to programs".to_owned()
            );
        }
        Ok(())
    }

    pub(in crate::macros) fn expanded(&self, value: &str, harmless: bool) -> Result<(), String> {
        if harmless {
            return Ok(());
        }
        if self.native && value.is_empty() {
            return Err(NATIVE_EMPTY.to_owned());
        }
        self.refuse_meaning(value)
    }
}

const NATIVE_EMPTY: &str = "it is empty, which Windows PowerShell does not pass to programs";

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

impl From<PowerShellPlace> for Quoting {
    fn from(place: PowerShellPlace) -> Self {
        Self::PowerShell(place)
    }
}
