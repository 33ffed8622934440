//! What a value must be to be at a place, whatever the quoting.

use std::borrow::Cow;

use super::catalogue::MacroKind;

/// What a value means to interpreters and programs when nothing around it is quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plain {
    /// It holds characters that mean something somewhere, or it could be taken for an option.
    No,
    /// One word of letters, digits, `.`, `:`, `_` and `-`; or nothing, for kinds that may be empty.
    Word,
    /// Several such words with a space between: a list of addresses.
    Words,
}

impl Plain {
    /// How plain this value is for a macro of this kind.
    pub(super) fn of(value: &str, kind: MacroKind) -> Self {
        let is_list =
            matches!(kind, MacroKind::AddressList | MacroKind::AddressListV4 | MacroKind::AddressListV6);
        // `::1` begins with a colon, which only an address may.
        let begins = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || (b == b':' && kind.is_typed());
        let is_word = |word: &str| {
            word.bytes().next().is_some_and(begins)
                && word.bytes().all(|b| b.is_ascii_alphanumeric() || b".:_-".contains(&b))
        };
        match value {
            "" if kind.is_typed() => Self::Word,
            word if is_word(word) => Self::Word,
            words if is_list && words.split(' ').all(is_word) => Self::Words,
            _ => Self::No,
        }
    }

    /// The same for cmd.exe and PowerShell, to which a `@` inside a word means nothing either: where a word begins it would
    /// turn off the echo, or name a table or a file of arguments. To Perl, which scripts of Linux call, it is a list.
    pub(super) fn of_windows(value: &str, kind: MacroKind) -> Self {
        if value.starts_with('@') {
            return Self::of(value, kind);
        }
        Self::of(&value.replace('@', "_"), kind)
    }
}

/// What a value must be, beside what quoting can do. The greater of two demands is the one that lets less pass.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Demand {
    level: Level,
    refusal: Refusal,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    FreeText,
    Inert,
    Words,
    Word,
    Number,
    Typed,
    Nothing,
}

/// Why a value cannot be at a place, and what the author of the script can write instead.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Refusal {
    pub(super) reason: Cow<'static, str>,
    /// The way out, where the place has one of its own.
    pub(super) help: Option<Cow<'static, str>>,
}

impl Demand {
    /// Any text that can be quoted here.
    pub(super) const FREE_TEXT: Self =
        Self { level: Level::FreeText, refusal: Refusal { reason: Cow::Borrowed(""), help: None } };

    /// Text in a string of another language, of characters that no string of it gives a meaning.
    pub(super) fn inert(reason: impl Into<Refusal>) -> Self {
        Self { level: Level::Inert, refusal: reason.into() }
    }

    /// One plain word or several: they are data for some interpreter, in which other characters mean something.
    pub(super) fn words(reason: impl Into<Refusal>) -> Self {
        Self { level: Level::Words, refusal: reason.into() }
    }

    /// One plain word: a second one would be another argument, or a command.
    pub(super) fn word(reason: impl Into<Refusal>) -> Self {
        Self { level: Level::Word, refusal: reason.into() }
    }

    /// A number in digits: a plain word would be the name of a variable.
    pub(super) fn number(reason: impl Into<Refusal>) -> Self {
        Self { level: Level::Number, refusal: reason.into() }
    }

    /// Of a kind with one form only, such as an address: it names what is run, or may, and a plain word would be a
    /// command.
    pub(super) fn typed(reason: impl Into<Refusal>) -> Self {
        Self { level: Level::Typed, refusal: reason.into() }
    }

    /// No value can be here.
    pub(super) fn nothing(reason: impl Into<Refusal>) -> Self {
        Self { level: Level::Nothing, refusal: reason.into() }
    }

    /// Whether every plain word passes.
    pub(super) fn takes_word(&self) -> bool {
        self.level <= Level::Word
    }

    /// The same with what leads to it before its reason.
    pub(super) fn because(mut self, cause: &str) -> Self {
        self.refusal.reason = format!("{cause}: {}", self.refusal.reason).into();
        self
    }

    /// Why not every text can be here, if so.
    pub(super) fn reason(&self) -> Option<&str> {
        (self.level > Level::FreeText).then_some(&*self.refusal.reason)
    }

    /// Fail if the value, which is as plain as this, may not be here, whatever the quoting.
    pub(super) fn check(&self, value: &str, kind: MacroKind, plain: Plain) -> Result<(), Refusal> {
        let (met, expected) = match self.level {
            Level::FreeText => return Ok(()),
            Level::Inert => {
                let is_inert = |b: u8| b.is_ascii_alphanumeric() || b".:_-@+=/,!^~*?#".contains(&b);
                let met = plain != Plain::No || value.bytes().all(is_inert);
                (met, "letters, digits and `.:_-@+=/,!^~*?#` only")
            }
            Level::Words => (plain != Plain::No, "letters, digits and `.`, `:`, `_`, `-` only"),
            Level::Word => (plain == Plain::Word, "one word of letters, digits and `.`, `:`, `_`, `-` only"),
            Level::Number => {
                let digits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
                (digits, "a number in digits")
            }
            Level::Typed => (
                kind.is_typed() && plain == Plain::Word,
                "one address, a number or a similar value, not free text",
            ),
            Level::Nothing => (false, "another place for the macro"),
        };
        if met {
            return Ok(());
        }
        let reason = format!("{}; expected {expected}", self.refusal.reason).into();
        Err(Refusal { reason, help: self.refusal.help.clone() })
    }
}

impl Refusal {
    /// With what to write instead.
    pub(super) fn or_write(self, help: impl Into<Cow<'static, str>>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}

impl From<&'static str> for Refusal {
    fn from(reason: &'static str) -> Self {
        Self { reason: Cow::Borrowed(reason), help: None }
    }
}

impl From<String> for Refusal {
    fn from(reason: String) -> Self {
        Self { reason: Cow::Owned(reason), help: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_addresses_is_several_words_and_an_option_is_none() {
        use MacroKind as K;
        for (value, kind, plain) in [
            ("192.0.2.53", K::AddressList, Plain::Word),
            ("192.0.2.53 ::1", K::AddressList, Plain::Words),
            ("::1", K::AddressV6, Plain::Word),
            ("", K::AddressList, Plain::Word),
            ("", K::Text, Plain::No),
            ("::1", K::Text, Plain::No),
            ("two words", K::Text, Plain::No),
            ("Xk92mPq4Lw", K::Password, Plain::Word),
            ("web-1.example.com", K::HostName, Plain::Word),
            ("-x", K::Text, Plain::No),
            ("a/b", K::TimeZone, Plain::No),
        ] {
            assert_eq!(Plain::of(value, kind), plain, "{value:?}");
        }
    }

    #[test]
    fn a_sign_that_windows_takes_for_a_letter_inside_a_word_begins_none() {
        for (value, plain) in
            [("p@ss-W0rd_9", Plain::Word), ("@ss", Plain::No), ("a@b c", Plain::No), ("a@b&c", Plain::No)]
        {
            assert_eq!(Plain::of_windows(value, MacroKind::Password), plain, "{value:?}");
            assert_eq!(Plain::of(value, MacroKind::Password), Plain::No, "{value:?}");
        }
    }

    #[test]
    fn of_two_demands_the_stricter_one_is_the_greater() {
        let ordered = [
            Demand::FREE_TEXT,
            Demand::inert("zz"),
            Demand::words("z"),
            Demand::word("y"),
            Demand::number("x"),
            Demand::typed("w"),
            Demand::nothing("v"),
        ];
        assert!(ordered.is_sorted());
        assert_eq!(Demand::words("z").max(Demand::typed("w")).reason(), Some("w"));
    }

    #[test]
    fn a_demand_for_one_word_refuses_a_list_and_says_what_to_write() {
        let demand = Demand::word(Refusal::from("it is an operand").or_write("put it in quotes"));
        let check =
            |value| demand.check(value, MacroKind::AddressList, Plain::of(value, MacroKind::AddressList));
        assert!(check("192.0.2.53").is_ok());
        let refusal = check("192.0.2.53 ::1").unwrap_err();
        assert_eq!(refusal.help.as_deref(), Some("put it in quotes"));
        assert!(refusal.reason.starts_with("it is an operand; expected one word"));
    }
}
