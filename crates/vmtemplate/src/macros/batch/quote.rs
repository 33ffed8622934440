//! How a value is written at a place of a batch file.
//!
//! The order of things in cmd.exe is what counts: `%NAME%` first, then quotes, `^` and operators, then variables of
//! loops, then `!NAME!` (and `^` once more) where delayed expansion is on; at the end the program that was called cuts
//! its command line by rules of its own. Public sources: Microsoft, "cmd", "setlocal" and "Parsing C command-line
//! arguments"; SS64, "Escape Characters"; Stack Overflow 4094699, "How does the Windows Command Interpreter parse
//! scripts?".

use std::rc::Rc;

use crate::macros::demand::{Plain, Refusal};
use crate::macros::place::Quote;
use crate::macros::powershell::PowerShellPlace;
use crate::shown::Shown;

/// What cmd.exe makes of the bytes at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Inside double quotes.
    Quoted,
    /// Outside of quotes, in an argument of a program.
    Word,
    /// Outside of quotes, in text that cmd.exe keeps or prints as it is.
    Text,
    /// Outside of quotes, in an operand of `if`, which a blank, `,`, `;` or `=` ends.
    Operand,
    /// In a comment.
    Comment,
}

/// Whether `!NAME!` is an expansion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delayed {
    Off,
    On,
    /// It depends on the way that the script takes.
    Unknown,
}

/// What is beside a macro.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beside {
    /// A space, an operator, the end of the line.
    Open,
    Quote,
    Backslash,
    /// A variable or another macro: anything.
    Anything,
    Other,
}

/// What decides how a value is written.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools)] // each is one fact about the place
pub(crate) struct BatchPlace {
    pub(super) style: Style,
    pub(super) delayed: Delayed,
    /// A program cuts it by the rules of argv.
    pub(super) argv: bool,
    /// Nothing but a quote is before it in its word.
    pub(super) begins_word: bool,
    pub(super) before: Beside,
    pub(super) after: Beside,
    pub(super) stray: bool,
    pub(super) in_for: bool,
    /// The command has a `!` of its own, and a variable.
    pub(super) bang: bool,
    pub(super) variable: bool,
    /// A `<` or `>` is right behind it, before which a digit is the number of a stream.
    pub(super) before_redirection: bool,
    /// It is the first text of `echo`.
    pub(super) begins_echo: bool,
    /// It is where `if` looks for `not`, `exist` and the like.
    pub(super) begins_condition: bool,
    /// cmd.exe itself takes it, and knows `/?`.
    pub(super) internal: bool,
    /// The variable that it is put into gets the quotes behind it as well.
    pub(super) holds_quotes: bool,
    /// A variable that is expanded after quotes and words were found.
    pub(super) late: bool,
    /// PowerShell reads what the program gets as a part of a program, in this place.
    pub(super) inner: Option<Rc<PowerShellPlace>>,
}

const NOT_UNDER_DELAYED: &str = "delayed expansion may be on here, which removes `!` and `^` from it";
const OUTSIDE: &str = "it is outside quotes, where cmd.exe interprets the value";
const IN_POWERSHELL: &str = "it is in a PowerShell program, which interprets the value";
const OPTION: &str = "it begins with `/` or `-` at the beginning of a word, and would be read as an option";

/// What `if` looks for where its condition begins.
const OF_CONDITIONS: [&str; 6] = ["/i", "not", "exist", "defined", "errorlevel", "cmdextversion"];
/// What ends an operand of `if`, with or without a `^` before it.
const ENDS_OPERAND: [char; 5] = [' ', '\t', ',', ';', '='];

impl Quote for BatchPlace {
    fn quote(&self, value: &str, plain: Plain) -> Result<String, Refusal> {
        let Some(inner) = &self.inner else { return Ok(self.quote_for_cmd(value, plain)?) };
        let text = inner.quote(value, plain)?;
        let plain = if text == value { plain } else { Plain::No };
        Ok(self.quote_for_cmd(&text, plain)?)
    }

    fn expanded(&self, value: &str, plain: Plain) -> Result<(), Refusal> {
        self.expanded_for_cmd(value, plain)?;
        match &self.inner {
            None => Ok(()),
            Some(inner) => inner.stands(value, plain).map_err(|refusal| {
                refusal.or_write(
                    "use `$env:NAME` in the program of PowerShell for the variable `%NAME%` of cmd.exe",
                )
            }),
        }
    }

    fn never_expanded_safely(&self) -> Option<&'static str> {
        match self.style {
            _ if self.inner.is_some() => Some(IN_POWERSHELL),
            Style::Word if self.late => Some("it is outside quotes, and a space would split it in two"),
            Style::Word => Some(OUTSIDE),
            Style::Text | Style::Operand if !self.late => Some(OUTSIDE),
            Style::Text | Style::Operand | Style::Quoted | Style::Comment => None,
        }
    }
}

impl BatchPlace {
    /// A place that nothing reads: what is there goes on as it is.
    pub(super) fn unread() -> Self {
        Self {
            style: Style::Quoted,
            delayed: Delayed::Off,
            argv: false,
            begins_word: false,
            before: Beside::Open,
            after: Beside::Open,
            stray: false,
            in_for: false,
            bang: false,
            variable: false,
            before_redirection: false,
            begins_echo: false,
            begins_condition: false,
            internal: false,
            holds_quotes: false,
            late: true,
            inner: None,
        }
    }

    fn quote_for_cmd(&self, value: &str, plain: Plain) -> Result<String, String> {
        if let Some(found) = value.chars().find(|&c| c == '"' || c.is_control() || !c.is_ascii()) {
            return Err(match found {
                '"' => "it has a `\"`, which ends the quotes around it, and no spelling works for both cmd.exe and \
                        every program"
                    .to_owned(),
                found if found.is_ascii() => {
                    format!("it has the control character {:#04x}, which cmd.exe may interpret", found as u32)
                }
                found => format!(
                    "it has `{}`, which is another character in each code page of cmd.exe; expected ASCII",
                    Shown(&found)
                ),
            });
        }
        if value.is_empty() {
            return self.quote_empty();
        }
        self.refuse_accidents(value)?;
        match (plain, self.style) {
            (Plain::No, _) | (Plain::Words, Style::Operand) => {}
            (Plain::Words, Style::Word) if !self.takes_words() => return self.quote_word(value),
            (Plain::Word | Plain::Words, _) => return Ok(value.to_owned()),
        }
        self.refuse_meaning(value)?;
        match self.style {
            Style::Word => self.quote_word(value),
            // Between quotes it is no longer equal to the same text without them; only where it must.
            Style::Operand if value.contains(ENDS_OPERAND) => self.quote_word(value),
            Style::Comment if value.contains('^') => {
                Err("it has a `^`, which may join the next line to the comment".to_owned())
            }
            Style::Quoted | Style::Text => {
                let text = self.escape(value)?;
                Ok(format!("{text}{}", self.doubled_backslashes(value)?))
            }
            Style::Operand | Style::Comment => self.escape(value),
        }
    }

    /// Whether several words may be here without quotes, each for itself.
    pub(super) fn takes_words(&self) -> bool {
        match self.style {
            Style::Word => self.before == Beside::Open && self.after == Beside::Open,
            Style::Operand => false,
            Style::Quoted | Style::Text | Style::Comment => true,
        }
    }

    fn quote_empty(&self) -> Result<String, String> {
        match (self.style, self.before, self.after) {
            (Style::Quoted, Beside::Backslash, Beside::Quote) if self.argv => {
                Err("it is empty, and the `\\` before it would make the quote after it literal".to_owned())
            }
            (Style::Word | Style::Operand, Beside::Open, Beside::Open) => Ok("\"\"".to_owned()),
            _ => Ok(String::new()),
        }
    }

    fn harmless_before_redirection(&self, value: &str) -> bool {
        let mut last = value.bytes().rev();
        !last.next().is_some_and(|b| b.is_ascii_digit())
            || last.next().is_some_and(|b| b.is_ascii_alphanumeric() || b".:_-".contains(&b))
            || (self.style == Style::Word && !value.bytes().all(|b| b.is_ascii_digit()))
    }

    /// What even a harmless value must not be.
    fn refuse_accidents(&self, value: &str) -> Result<(), String> {
        if self.before_redirection && !self.harmless_before_redirection(value) {
            return Err(
                "it ends with a digit, which `<` or `>` right after it interprets as the number of a stream"
                    .to_owned(),
            );
        }
        if self.begins_echo && ["on", "off"].iter().any(|switch| value.eq_ignore_ascii_case(switch)) {
            return Err("`echo` interprets `on` and `off` as a switch".to_owned());
        }
        if self.begins_condition
            && self.after == Beside::Open
            && OF_CONDITIONS.iter().any(|word| value.eq_ignore_ascii_case(word))
        {
            return Err(format!("`if` interprets `{value}` as a keyword there"));
        }
        Ok(())
    }

    /// What a value must not be although it could be quoted: an option, a question for help, a switch of `echo`.
    fn refuse_meaning(&self, value: &str) -> Result<(), String> {
        if self.holds_quotes && value.ends_with('\\') {
            return Err("the variable gets the quotes as well, and the `\\` at its end makes the last one literal for a \
                        program; with `set \"NAME=…\"` the quotes do not go into the variable"
                .to_owned());
        }
        if self.argv && self.begins_word && value.starts_with(['/', '-']) {
            return Err(OPTION.to_owned());
        }
        if self.argv && self.begins_word && self.after != Beside::Anything && value == "*" {
            return Err("it is a `*` of its own, for which programs ask at the terminal or take every file"
                .to_owned());
        }
        if self.internal && (value.contains("/?") || value.starts_with('?') || value.ends_with('/')) {
            return Err("it has `/?`, for which cmd.exe shows a help text instead".to_owned());
        }
        Ok(())
    }

    fn quote_word(&self, value: &str) -> Result<String, String> {
        let joined = |beside| !matches!(beside, Beside::Open | Beside::Other);
        if joined(self.before) || joined(self.after) {
            return Err(
                "it needs quotes, and is joined to a quote, a `\\` or a variable that would change them"
                    .to_owned(),
            );
        }
        let quoted = Self { style: Style::Quoted, after: Beside::Quote, ..self.clone() };
        Ok(format!("\"{}{}\"", quoted.escape(value)?, quoted.doubled_backslashes(value)?))
    }

    /// The backslashes to add before a quote, so that a program does not take the quote for a part of the value.
    fn doubled_backslashes(&self, value: &str) -> Result<String, String> {
        let count = value.len() - value.trim_end_matches('\\').len();
        match self.after {
            _ if !self.argv || count == 0 => Ok(String::new()),
            Beside::Quote => Ok("\\".repeat(count)),
            Beside::Backslash | Beside::Anything => {
                Err("it ends with `\\`, and what follows may be a quote, which it would make literal"
                    .to_owned())
            }
            Beside::Open | Beside::Other => Ok(String::new()),
        }
    }

    /// `%` doubled; `^` before what is an operator; both once more for delayed expansion.
    fn escape(&self, value: &str) -> Result<String, String> {
        let (has_bang, has_caret) = (value.contains('!'), value.contains('^'));
        let outside = matches!(self.style, Style::Text | Style::Operand);
        let comment = self.style == Style::Comment;
        let delayed = if comment { Delayed::Off } else { self.delayed };
        if delayed == Delayed::Unknown && has_bang {
            return Err(NOT_UNDER_DELAYED.to_owned());
        }
        // Delayed expansion takes `^` away in a command that has a `!`, and in no other.
        let unsure = match delayed {
            Delayed::Off => false,
            Delayed::On => !has_bang && !self.bang && self.variable,
            Delayed::Unknown => self.bang || self.variable,
        };
        if has_caret && unsure {
            return Err(NOT_UNDER_DELAYED.to_owned());
        }
        let carets_go = delayed == Delayed::On && (has_bang || self.bang);
        let mut text = String::with_capacity(value.len() + 8);
        for c in value.chars() {
            match c {
                '%' if self.in_for => {
                    return Err("it has a `%`, which may name a variable of the `for` around it".to_owned());
                }
                '%' if self.stray => {
                    return Err(
                        "it has a `%`, which may pair with another one before it in the line".to_owned()
                    );
                }
                '%' => text.push_str("%%"),
                '!' if delayed == Delayed::On => text.push_str(if outside { "^^!" } else { "^!" }),
                '^' if !comment => text.push_str(match (outside, carets_go) {
                    (false, false) => "^",
                    (false, true) | (true, false) => "^^",
                    (true, true) => "^^^^",
                }),
                '&' | '|' | '<' | '>' | '(' | ')' if outside => {
                    text.push('^');
                    text.push(c);
                }
                c => text.push(c),
            }
        }
        Ok(text)
    }

    fn expanded_for_cmd(&self, value: &str, plain: Plain) -> Result<(), Refusal> {
        self.refuse_accidents(value)?;
        let is_alone = self.before == Beside::Open && self.after == Beside::Open;
        if self.style == Style::Operand && !self.late {
            let quoted = "put both operands of `if` in quotes: `if \"%NAME%\"==\"…\"`";
            if value.is_empty() && is_alone {
                return Err(Refusal::from("it is empty, which leaves nothing to compare").or_write(quoted));
            }
            if value.contains(ENDS_OPERAND) {
                return Err(Refusal::from("a space, `,`, `;` or `=` in it ends the operand").or_write(quoted));
            }
            if plain == Plain::No && value.contains(ACTS) {
                return Err(Refusal::from(OUTSIDE).or_write(quoted));
            }
        }
        if plain == Plain::Words && self.style == Style::Word && !self.takes_words() {
            return Err(Refusal::from(
                "it is several words, of which only one is joined to the text beside it",
            )
            .or_write("put the complete word in quotes"));
        }
        if plain != Plain::No {
            return Ok(());
        }
        if value.is_empty() {
            return match self.style {
                Style::Word => Err("it is empty, which leaves no argument".into()),
                _ => Ok(()),
            };
        }
        let quoted = "put the variable in quotes";
        match self.style {
            Style::Word => {
                let splits =
                    |c: char| " \t".contains(c) || (!self.late && ("!,;=".contains(c) || ACTS.contains(&c)));
                if let Some(reason) = self.never_expanded_safely().filter(|_| value.contains(splits)) {
                    return Err(Refusal::from(reason).or_write(quoted));
                }
            }
            Style::Text if !self.late && (value.contains(ACTS) || value.contains('!')) => {
                return Err(Refusal::from(OUTSIDE).or_write(quoted));
            }
            Style::Comment if value.contains('^') => {
                return Err("a `^` there may join the next line to the comment".into());
            }
            Style::Text | Style::Operand | Style::Comment | Style::Quoted => {}
        }
        self.refuse_meaning(value)?;
        if self.argv && value.ends_with('\\') && self.after != Beside::Open && self.after != Beside::Other {
            return Err("a `\\` at its end makes the quote after it literal".into());
        }
        if !self.late
            && self.delayed != Delayed::Off
            && value.contains(['!', '^'])
            && self.style != Style::Comment
        {
            return Err(NOT_UNDER_DELAYED.into());
        }
        if !self.late && self.in_for && value.contains('%') {
            return Err("a `%` there may name a variable of the `for` around it".into());
        }
        Ok(())
    }
}

/// What cmd.exe acts on outside of quotes.
const ACTS: [char; 8] = ['&', '|', '<', '>', '^', '(', ')', '%'];
