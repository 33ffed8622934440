//! Text from outside as a message shows it.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

/// Shows text that comes from a file, an image or a server: what could steer a terminal or end a line is escaped.
///
/// Backslashes and quotes are as they are, so that a path of Windows can be copied out of a message. An escape such as
/// `\n` then looks like the two characters; nothing reads messages back, so that does no harm.
pub(crate) struct Shown<T>(pub(crate) T);

impl<T: fmt::Display> fmt::Display for Shown<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escaping(f), "{}", self.0)
    }
}

struct Escaping<'a, 'f>(&'a mut fmt::Formatter<'f>);

impl fmt::Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for part in text.split_inclusive(PLAIN) {
            let rest = part.strip_suffix(PLAIN).unwrap_or(part);
            write!(self.0, "{}{}", rest.escape_debug(), &part[rest.len()..])?;
        }
        Ok(())
    }
}

/// What `escape_debug` would put a backslash in front of, though it is harmless.
const PLAIN: [char; 3] = ['\\', '"', '\''];

/// Text from outside as a message quotes it: in backticks, short, and unable to steer a terminal.
pub(crate) fn quoted(text: &str) -> String {
    format!("`{}`", Shown(short(text)))
}

/// The beginning of a text that may be long, with a mark where more follows.
pub(crate) fn short(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into(),
    }
}

/// The most characters of a text from outside that a message shows.
const LONGEST: usize = 60;

#[cfg(test)]
mod tests {
    use super::{Shown, quoted, short};

    #[test]
    fn a_long_text_is_cut_between_characters_and_says_so() {
        assert_eq!(short(&"я".repeat(60)), "я".repeat(60));
        assert_eq!(short(&"я".repeat(61)), "я".repeat(60) + "…");
        assert_eq!(quoted("a\u{7}"), r"`a\u{7}`");
    }

    #[test]
    fn a_path_stands_as_it_is_and_what_steers_a_terminal_is_escaped() {
        for (text, shown) in [
            (r"C:\vmmgr\firstrun.cmd", r"C:\vmmgr\firstrun.cmd"),
            (r#""C:\Program Files\it's.exe" -d"#, r#""C:\Program Files\it's.exe" -d"#),
            (r"\\?\C:\\", r"\\?\C:\\"),
            ("a\u{1b}[31m\r\nb", r"a\u{1b}[31m\r\nb"),
            ("\u{202e}gnp", r"\u{202e}gnp"),
            ("Größe Ж", "Größe Ж"),
            ("", ""),
        ] {
            assert_eq!(Shown(text).to_string(), shown);
        }
    }
}
