//! Values in files of answers: preseed, kickstart, cloud-config.
//!
//! Such a file has several languages in it: a shell in `%post`, `late_command` and `runcmd`, YAML, lines of options. Where
//! a macro is a whole scalar of YAML or a whole argument of the installer, it is written as one; elsewhere a value passes if
//! it means the same in all of these languages.

mod yaml;

use std::ops::Range;

use super::catalogue::MacroKind;
use super::demand::Plain;
use super::language::ScriptLanguage;

/// What is before a line is read for each macro, so that in a longer document only plain values pass from here on.
const FARTHEST: usize = 64 << 10;

/// The value as the document must have it in place of the macro at `range`.
pub(super) fn written(
    bytes: &[u8],
    range: &Range<usize>,
    value: &str,
    kind: MacroKind,
    language: ScriptLanguage,
) -> Result<String, String> {
    let line = Line::around(bytes, range);
    let stands = match language {
        _ if line.start > FARTHEST => false,
        ScriptLanguage::CloudConfig => {
            if let Some(text) = yaml::written(bytes, &line, value, kind) {
                return Ok(text);
            }
            false
        }
        ScriptLanguage::Kickstart => is_argument(bytes, &line) && is_shell_word(value),
        ScriptLanguage::Preseed => is_answer(bytes, &line) && is_rest_of_line(value),
        _ => false,
    };
    if stands {
        return Ok(value.to_owned());
    }
    check(value, kind, language).map(|()| value.to_owned())
}

/// The line that a macro is in.
#[derive(Debug)]
struct Line<'d> {
    /// Where it begins in the document.
    start: usize,
    before: &'d [u8],
    after: &'d [u8],
}

impl<'d> Line<'d> {
    fn around(bytes: &'d [u8], range: &Range<usize>) -> Self {
        let start = bytes[..range.start].iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
        let end = bytes[range.end..]
            .iter()
            .position(|&b| b == b'\n')
            .map_or(bytes.len(), |length| range.end + length);
        Self { start, before: &bytes[start..range.start], after: bytes[range.end..end].trim_ascii_end() }
    }
}

/// Whether the macro is a whole word, or what follows the `=` of an option, in a line of a kickstart file that is in none of
/// its sections (pykickstart cuts such a line as a POSIX shell does).
fn is_argument(bytes: &[u8], line: &Line<'_>) -> bool {
    const SECTIONS: [&[u8]; 9] = [
        b"%addon",
        b"%anaconda",
        b"%certificate",
        b"%onerror",
        b"%packages",
        b"%post",
        b"%pre",
        b"%pre-install",
        b"%traceback",
    ];
    let first = |line: &[u8]| line.split(u8::is_ascii_whitespace).next().unwrap_or_default().to_owned();
    let in_section = bytes[..line.start].split(|&b| b == b'\n').fold(false, |inside, line| {
        let word = first(line);
        if word == b"%end" { false } else { inside || SECTIONS.contains(&word.as_slice()) }
    });
    let begins = line.before.first().is_some_and(u8::is_ascii_alphabetic);
    let is_plain = !line.before.iter().chain(line.after).any(|b| b"'\"#\\".contains(b));
    let ends = line.after.first().is_none_or(u8::is_ascii_whitespace);
    let joins = line.before.last().is_some_and(|&b| b == b' ' || b == b'\t' || b == b'=');
    !in_section && begins && is_plain && ends && joins
}

/// Whether a shell takes it for one word, and the installer for no option.
fn is_shell_word(value: &str) -> bool {
    !value.is_empty()
        && !value.starts_with('-')
        && value.bytes().all(|b| b.is_ascii_graphic() && !b"'\"#\\".contains(&b))
}

/// Whether the macro is the whole answer of a preseed line: `d-i passwd/root-password password ($PASS)`.
fn is_answer(bytes: &[u8], line: &Line<'_>) -> bool {
    let before = String::from_utf8_lossy(line.before);
    let words: Vec<&str> = before.split_ascii_whitespace().collect();
    let continued = bytes[..line.start].trim_ascii_end().ends_with(b"\\");
    // What these hold is run, or read for more answers.
    let is_code = |question: &str| {
        question.starts_with("preseed/") || ["command", "run"].iter().any(|end| question.ends_with(end))
    };
    let [owner, question, "string" | "password"] = words[..] else { return false };
    !continued
        && !owner.starts_with('#')
        && question.contains('/')
        && !is_code(question)
        && before.ends_with([' ', '\t'])
        && line.after.is_empty()
}

/// Whether debconf takes it as it is: it has no blanks at its ends, and nothing that goes on in another line.
fn is_rest_of_line(value: &str) -> bool {
    value.trim() == value && !value.chars().any(|c| c.is_control() || c == '\\')
}

/// Fail unless this value means itself wherever it may be in such a file.
pub(super) fn check(value: &str, kind: MacroKind, language: ScriptLanguage) -> Result<(), String> {
    // A path or a URL is a plain word as well. At the end of a word `:` begins a value of YAML.
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"._:-/+=@".contains(&b);
    let is_word = value.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '/')
        && value.bytes().all(is_plain)
        && !value.ends_with(':');
    if value.is_empty() || is_word || kind.is_typed() && Plain::of(value, kind) != Plain::No {
        return Ok(());
    }
    let what = language.document().unwrap_or("not a script");
    Err(format!(
        "the file is {what}, whose quoting is not known; expected letters, digits and `.`, `_`, `:`, `-`, `/`, `+`, \
         `=`, `@` only"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value in place of `($V)`, or the reason against it.
    fn placed(language: ScriptLanguage, document: &str, value: &str) -> Result<String, String> {
        let start = document.find("($V)").unwrap();
        let range = start..start + 4;
        written(document.as_bytes(), &range, value, MacroKind::Text, language)
    }

    #[test]
    fn a_whole_scalar_of_yaml_is_written_in_quotes() {
        let yaml = |document: &str, value| placed(ScriptLanguage::CloudConfig, document, value);
        for value in
            ["0123", "0x1F", "1:30", "no", "null", "~", "1e5", "$6$a/b.c", "it is # a: b", "-x", "@x"]
        {
            for document in
                ["password: ($V)\n", "users:\n  - name: a\n    passwd: ($V) # it\n", "keys:\n- ($V)"]
            {
                assert_eq!(yaml(document, value), Ok(format!("'{value}'")), "{document}");
            }
        }
        assert_eq!(yaml("a: ($V)", "it's"), Ok("'it''s'".to_owned()));
        assert_eq!(yaml("a: ($V)", ""), Ok("''".to_owned()));
        assert_eq!(yaml("a: \"x ($V)\"", "b\"c\\d"), Ok("b\\\"c\\\\d".to_owned()));
        assert_eq!(yaml("a: '($V) x'", "it's"), Ok("it''s".to_owned()));
        for document in [
            "runcmd:\n  - ($V)",
            "runcmd:\n- ($V)",
            "bootcmd:\n  - \"echo ($V)\"",
            "write_files:\n  - path: a\n    content: |\n      key: ($V)",
            "write_files:\n  - content: \"key ($V)\"",
            "a: [x, ($V)]",
            "a: x ($V)",
            "runcmd:\n  - [sh, -c,\n    ($V)]",
            "## template: jinja\na: ($V)",
        ] {
            assert!(yaml(document, "a; b").is_err(), "{document}");
            assert_eq!(yaml(document, "plain"), Ok("plain".to_owned()), "{document}");
        }
        assert!(yaml("a: ($V)", "two\nlines").is_err());
    }

    #[test]
    fn an_argument_of_a_kickstart_line_is_one_word() {
        let kickstart = |document: &str, value| placed(ScriptLanguage::Kickstart, document, value).is_ok();
        for document in ["rootpw --iscrypted ($V)\n", "url --url=($V)", "%post\nx\n%end\nrootpw ($V)"] {
            assert!(kickstart(document, "$6$a/b.c") && kickstart(document, "a;b"), "{document}");
            assert!(!kickstart(document, "a b") && !kickstart(document, "a#") && !kickstart(document, "-x"));
        }
        for document in ["%post\necho ($V)\n%end", "# ($V)", "rootpw \"($V)\"", "x ($V)y", "%include ($V)"] {
            assert!(!kickstart(document, "$6$a"), "{document}");
        }
    }

    #[test]
    fn an_answer_of_a_preseed_line_is_the_rest_of_it() {
        let preseed = |document: &str, value| placed(ScriptLanguage::Preseed, document, value).is_ok();
        let answer = "d-i passwd/root-password password ($V)\n";
        for value in ["a b; $(c)", "$6$a/b.c", "it's \"x\" #y"] {
            assert!(preseed(answer, value), "{value}");
        }
        for value in [" a", "a\\", "a\nb"] {
            assert!(!preseed(answer, value), "{value}");
        }
        for document in [
            "d-i preseed/late_command string ($V)",
            "d-i preseed/late_command string \\\n x y/z string ($V)",
            "d-i a/b string x ($V)",
            "# d-i a/b string ($V)",
        ] {
            assert!(!preseed(document, "a; b"), "{document}");
        }
    }

    #[test]
    fn a_value_passes_where_it_means_the_same_to_yaml_a_shell_and_an_installer() {
        let check = |value, kind| check(value, kind, ScriptLanguage::Kickstart).is_ok();
        for value in ["", "plain", "192.0.2.1", "https://example.com/a+b", "/dev/sda", "a@b", "Europe/Madrid"]
        {
            assert!(check(value, MacroKind::Text), "{value}");
        }
        for value in ["a b", "a;b", "$x", "-x", "a: b", "a:", "#x", "a'", "%post", "a\nb", "@x", "=x"] {
            assert!(!check(value, MacroKind::Text), "{value}");
        }
        assert!(check("192.0.2.1 192.0.2.2", MacroKind::AddressList));
        assert!(check("::1", MacroKind::Address) && !check("::1", MacroKind::Text));
    }
}
