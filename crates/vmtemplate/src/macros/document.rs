//! Values in files of answers: preseed, kickstart, cloud-config.
//!
//! Such a file has several languages in it: a shell in `%post`, `late_command` and `runcmd`, YAML, lines of options. A value
//! passes if it means the same in all of them.

use super::catalogue::MacroKind;
use super::demand::Plain;
use super::language::ScriptLanguage;

/// Fail unless this value means itself wherever it may stand in such a file.
pub(super) fn check(value: &str, kind: MacroKind, language: ScriptLanguage) -> Result<(), String> {
    // A path or a URL is a plain word as well. At the end of a word `:` begins a value of YAML.
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"._:-/+=@".contains(&b);
    let is_word = value.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '/')
        && value.bytes().all(is_plain)
        && !value.ends_with(':');
    if value.is_empty() || is_word || kind.is_typed() && Plain::of(value, kind) != Plain::No {
        return Ok(());
    }
    let what = language.document().unwrap_or("no script");
    Err(format!(
        "the file is {what}, in which the quoting of a place is not known; expected letters, digits and `.`, `_`, `:`, `-`, \
         `/`, `+`, `=`, `@` only"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

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
