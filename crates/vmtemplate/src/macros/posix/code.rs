//! Words and documents that are scripts themselves.

use std::ops::Range;
use std::rc::Rc;

use super::classify::fetched;
use super::flows;
use super::parser::{Parser, Scan};
use super::quote::Style;
use super::word::Hole;
use crate::macros::demand::{Demand, Refusal};
use crate::macros::follow::What;

/// How many scripts may stand in each other.
const DEEPEST: usize = 4;

/// Words of programs that run what stands in a string.
const RUNS_STRINGS: [&str; 11] =
    ["system", "exec", "popen", "Popen", "subprocess", "spawn", "eval", "qx", "`", "getline", "\\!"];

impl Parser<'_> {
    /// A script of the shell. What stands for a hole must be plain, and more where it names what is run.
    /// It stands in `span` of this one. `layered` is whether it arrives as it is between the quotes around it, so that a
    /// value can be quoted for the inner script first, and then for this one.
    pub(super) fn shell_code(
        &mut self,
        text: &str,
        holes: &[Hole],
        span: &Range<usize>,
        reason: &Refusal,
        layered: bool,
    ) -> Inner {
        if self.level >= DEEPEST {
            self.demand_of(holes, &Demand::typed(reason.clone()));
            return Inner::default();
        }
        let marks: Vec<_> = holes.iter().map(|hole| hole.at..hole.at + '\u{FFFD}'.len_utf8()).collect();
        let mut parser = Parser::new(text.as_bytes(), &marks, self.level + 1);
        parser.known = self.known.clone();
        parser.functions.clone_from(&self.functions);
        parser.prints_code = self.prints_code;
        let Scan { subjects, flows, reads } = parser.scan();
        // Where each subject of the inner script is in this one.
        let mut places = Vec::with_capacity(subjects.len());
        for inner in subjects {
            let one_word = inner.quoting.style == Style::Bare && !inner.quoting.takes_words;
            match inner.what {
                What::Macro(number) => {
                    let hole = &holes[number];
                    places.push(hole.subjects.clone());
                    let plain =
                        if one_word { Demand::word(reason.clone()) } else { Demand::words(reason.clone()) };
                    for number in hole.subjects.clone() {
                        let subject = &mut self.subjects[number];
                        if let Some(demand) = fetched(subject).filter(|_| hole.printed) {
                            subject.demand(&demand);
                            continue;
                        }
                        let is_direct = layered && !hole.printed && matches!(subject.what, What::Macro(_));
                        if is_direct && subject.quoting.inner.is_none() {
                            subject.quoting.inner = Some(Rc::new(inner.quoting.clone()));
                        } else {
                            subject.demand(&plain);
                        }
                        subject.demand(&inner.demand);
                        flows::add(subject, inner.assigns.iter().map(String::as_str));
                    }
                }
                What::Variable(_) => {
                    let number = self.subjects.len();
                    places.push(number..number + 1);
                    self.subjects.push(super::Subject { range: span.clone(), ..inner });
                }
            }
        }
        let runs = flows.names();
        self.flows.absorb(flows, &places);
        Inner { runs, reads: reads != super::commands::Stdin::Data }
    }

    /// A program of another language: what stands for a hole must be plain, and stand in a string.
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
                Refusal::from(format!("`{language}` takes it for a part of its program")).or_write(help);
            // A line that long is not looked through for each of its macros.
            let demand = match line.len() < 4096 && !runs {
                true if is_quoted(line, language) => Demand::inert(reason),
                true if in_string(line, is_awk) => Demand::words(reason),
                _ => Demand::typed(reason),
            };
            self.demand_of(std::slice::from_ref(hole), &demand);
        }
    }

    pub(super) fn demand_of(&mut self, holes: &[Hole], demand: &Demand) {
        for number in holes.iter().flat_map(|hole| hole.subjects.clone()) {
            self.subjects[number].demand(demand);
        }
    }
}

/// What the outer script has to know of the one in it.
#[derive(Debug, Default)]
pub(super) struct Inner {
    pub(super) runs: Vec<String>,
    /// A command in it reads code from the input that it gets.
    pub(super) reads: bool,
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
