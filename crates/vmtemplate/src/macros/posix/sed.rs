//! Programs of sed, and those of perl that are written like them.
//!
//! After POSIX.1-2024, sed, and the manual of GNU sed.

use super::parser::Parser;
use super::word::{Hole, Word};
use crate::macros::demand::{Demand, Refusal};
use crate::macros::follow::What;

/// Where in a program of sed a piece is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// In a pattern, which ends at this character.
    Pattern(char),
    /// In the replacement of `s`, which ends at this character.
    Replacement(char),
    /// In the text of `a`, `i` or `c`.
    Text,
    /// In the name of a file or label.
    Name,
    /// Where commands, addresses and flags are.
    Command,
}

/// A program with the part of each of its characters that matters.
struct Program<'p> {
    text: &'p str,
    at: usize,
    /// The pieces that are not known, and where they are.
    parts: Vec<Part>,
    holes: &'p [Hole],
    /// What a command or flag `e` of GNU sed is: the program runs something.
    runs: bool,
    /// The same where it is certain: what it runs are the lines that it reads.
    runs_input: bool,
}

impl Parser<'_> {
    /// The program is one of sed, or one of perl that is written like it. Whether it runs the lines that it reads.
    pub(super) fn sed_program(&mut self, word: &Word, is_perl: bool) -> bool {
        let start = if word.text.starts_with("--expression=") {
            word.text.find('=').map_or(0, |at| at + 1)
        } else if word.text.starts_with("-e") {
            2
        } else {
            0
        };
        let mut program = Program {
            text: &word.text,
            at: start,
            parts: Vec::new(),
            holes: &word.holes,
            runs: false,
            runs_input: false,
        };
        program.read();
        let Program { parts, runs, runs_input, .. } = program;
        for (number, hole) in word.holes.iter().enumerate() {
            let part = parts.get(number).copied().unwrap_or(Part::Command);
            match part {
                Part::Pattern(_) | Part::Replacement(_) if is_perl && !runs => {
                    let reason = Refusal::from("`perl` interprets it as a part of its program").or_write(
                        "let `sed` do it, as `sed 's/PATTERN/($NAME)/'`: the replacement may be any text",
                    );
                    self.demand_of(std::slice::from_ref(hole), &Demand::words(reason));
                }
                _ if is_perl => {
                    let reason =
                        "`perl` interprets it as a part of its program, in which a word may be a command";
                    self.demand_of(std::slice::from_ref(hole), &Demand::typed(reason));
                }
                part => self.sed_part(hole, part, runs),
            }
        }
        runs_input
    }

    fn sed_part(&mut self, hole: &Hole, part: Part, runs: bool) {
        let way_out =
            "let `s` do it in a command of its own, as `s/PATTERN/($NAME)/`: the replacement may be any text";
        let demand = match part {
            _ if runs => Demand::typed("`sed` runs the input of its `e`"),
            Part::Pattern(end) | Part::Replacement(end)
                if end.is_ascii_alphanumeric() || ".:_-".contains(end) =>
            {
                Demand::number(
                    Refusal::from("a character in it may end it in the program of `sed`")
                        .or_write("write `s|PATTERN|($NAME)|`, with another character between the parts"),
                )
            }
            Part::Replacement(end) if !hole.printed => {
                // A `$'…'` without a value in it is a hole of no subject.
                if let Some(subject) = self.subjects[hole.subjects.clone()].first_mut()
                    && matches!(subject.what, What::Macro(_))
                {
                    subject.quoting.replacement = Some(end);
                    subject.quoting.begins_argument = false;
                    return;
                }
                Demand::words(
                    Refusal::from("`sed` interprets it as a part of its program")
                        .or_write("write the macro itself in the replacement, in place of the variable"),
                )
            }
            Part::Pattern(_) | Part::Text | Part::Replacement(_) => {
                Demand::words(Refusal::from("`sed` interprets it as a part of its program").or_write(way_out))
            }
            Part::Name => Demand::word("`sed` interprets it as the name of a file or label"),
            Part::Command => Demand::number(
                Refusal::from("`sed` interprets it as a part of its program, in which a letter is a command")
                    .or_write(way_out),
            ),
        };
        self.demand_of(std::slice::from_ref(hole), &demand);
    }
}

impl Program<'_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    /// The next character, which is in this part.
    fn take(&mut self, part: Part) -> Option<char> {
        let c = self.peek()?;
        if self.holes.get(self.parts.len()).is_some_and(|hole| hole.at == self.at) {
            self.parts.push(part);
        }
        self.at += c.len_utf8();
        Some(c)
    }

    fn read(&mut self) {
        while let Some(c) = self.take(Part::Command) {
            match c {
                '/' => self.until('/', Part::Pattern('/')),
                '\\' => {
                    if let Some(end) = self.take(Part::Command) {
                        self.until(end, Part::Pattern(end));
                    }
                }
                's' | 'y' => {
                    let Some(end) = self.take(Part::Command) else { return };
                    self.until(end, Part::Pattern(end));
                    self.until(end, if c == 's' { Part::Replacement(end) } else { Part::Pattern(end) });
                    self.flags();
                }
                'a' | 'i' | 'c' | '#' => self.line(Part::Text),
                'r' | 'R' | 'w' | 'W' => self.line(Part::Name),
                'b' | 't' | 'T' | ':' => self.name(),
                'e' => (self.runs, self.runs_input) = (true, true),
                _ => {}
            }
        }
    }

    /// Up to this character, unless a backslash is before it or brackets around it.
    fn until(&mut self, end: char, part: Part) {
        let mut in_brackets = false;
        while let Some(c) = self.take(part) {
            match c {
                '\\' => {
                    self.take(part);
                }
                // Not all seds take the delimiter in brackets for itself; where they do not, flags follow.
                '[' if matches!(part, Part::Pattern(_)) => in_brackets = true,
                ']' => in_brackets = false,
                c if c == end && !in_brackets => return,
                c if c == end => {
                    // Which one it is cannot be determined.
                    self.runs = true;
                    return;
                }
                _ => {}
            }
        }
    }

    fn flags(&mut self) {
        while let Some(c) = self.peek() {
            match c {
                ';' | '\n' | '}' | ' ' => return,
                'w' => return self.line(Part::Name),
                'e' => (self.runs, self.runs_input) = (true, true),
                _ => {}
            }
            self.take(Part::Command);
        }
    }

    fn line(&mut self, part: Part) {
        while let Some(c) = self.take(part) {
            match c {
                '\n' => return,
                '\\' => {
                    self.take(part);
                }
                _ => {}
            }
        }
    }

    fn name(&mut self) {
        while let Some(c) = self.take(Part::Name) {
            if matches!(c, ';' | '\n') {
                return;
            }
        }
    }
}
