//! Words and documents that are programs of other languages.

use super::parser::Parser;
use super::word::Hole;
use crate::macros::demand::{Demand, Refusal};

/// Words of programs that run what is in a string.
const RUNS_STRINGS: [&str; 11] =
    ["system", "exec", "popen", "Popen", "subprocess", "spawn", "eval", "qx", "`", "getline", "\\!"];

impl Parser<'_> {
    /// A program of another language: what stands for a hole must be plain, and are in a string.
    pub(super) fn foreign_code(&mut self, text: &str, holes: &[Hole], language: &str) {
        let is_awk = language.ends_with("awk");
        let runs = RUNS_STRINGS.iter().any(|word| text.contains(word))
            || (is_awk || language == "perl") && text.replace("||", "").contains('|');
        for hole in holes {
            let line = text[..hole.at].rsplit('\n').next().unwrap_or_default();
            let help = match language {
                "mysql" | "mariadb" => {
                    "to set a password, write `mysqladmin password ($NAME)`; otherwise give a \
                                        value of such characters, inside quotes of the statement"
                        .to_owned()
                }
                "psql" => "write `psql -v value=($NAME) <<'EOF'`, and `:'value'` in the statement in the \
                           here-document"
                    .to_owned(),
                "sqlite3" | "bc" => {
                    "give a value of such characters, inside quotes of the program".to_owned()
                }
                _ => format!(
                    "let the program read it from its environment: `value=($NAME) {language} …`, where the name of \
                     the macro takes the place of NAME"
                ),
            };
            let reason =
                Refusal::from(format!("`{language}` interprets it as a part of its program")).or_write(help);
            // A line that long is not looked through for each of its macros.
            let demand = match line.len() < 4096 && !runs {
                true if is_quoted(line, language) => Demand::inert(reason),
                true if in_string(line, is_awk) => Demand::words(reason),
                _ => Demand::typed(reason),
            };
            self.demand_of(std::slice::from_ref(hole), &demand);
        }
    }
}

/// Whether the program runs commands, which it may take from its arguments, its input or its environment.
pub(super) fn runs_commands(language: &str, program: &str) -> bool {
    let is_awk = language.ends_with("awk");
    let words: &[&str] = match language {
        "mysql" | "mariadb" | "psql" | "sqlite3" | "bc" => &[],
        "expect" | "tclsh" => &["exec", "eval", "system", "uplevel"],
        _ if is_awk => &["system"],
        _ => &["system", "exec", "popen", "Popen", "subprocess", "spawn", "eval", "qx", "`"],
    };
    words.iter().any(|word| program.contains(word))
        || is_awk
            && program.lines().any(|line| {
                line.match_indices('|').enumerate().any(|(number, (at, _))| {
                    let is_or = line[at + 1..].starts_with('|') || line[..at].ends_with('|');
                    // A line that is full of them is not looked through for each.
                    !is_or && (number > 50 || !in_string(&line[..at], true))
                })
            })
}

/// Whether a string is open at the end of this line of a language whose strings take no expansions.
fn is_quoted(line: &str, language: &str) -> bool {
    let is_plain =
        language.starts_with("python") || matches!(language, "mysql" | "mariadb" | "psql" | "sqlite3");
    is_plain && in_string(line, false)
}

/// Whether a string of most languages, or a pattern of awk, is open at the end of this line.
fn in_string(line: &str, is_awk: bool) -> bool {
    let mut open = None;
    let mut escaped = false;
    let mut before = None;
    for c in line.chars() {
        match (c, open) {
            _ if escaped => escaped = false,
            ('\\', _) => escaped = true,
            ('\'' | '"', None) => open = Some(c),
            // Behind an operand it divides.
            ('/', None) if is_awk && before.is_none_or(|b| "(,~!{;&|".contains(b)) => open = Some(c),
            (c, Some(quote)) if c == quote => open = None,
            _ => {}
        }
        if !c.is_whitespace() {
            before = Some(c);
        }
    }
    open.is_some()
}
