//! What begins with `$` or a backquote.

use super::commands::Stdin;
use super::parser::Parser;
use super::quote::Style;
use super::word::Word;
use crate::macros::demand::{Demand, Refusal};
use crate::macros::follow::{ANY, What};

const CALCULATION: &str = "it is a part of a calculation, in which a word is the name of a variable";

impl Parser<'_> {
    /// The expansion at the cursor, as a part of `word`.
    pub(super) fn expansion(&mut self, word: &mut Word, style: &Style) {
        if self.enter() {
            self.expansion_here(word, style);
            self.leave();
        }
    }

    fn expansion_here(&mut self, word: &mut Word, style: &Style) {
        if self.byte(0) == Some(b'`') {
            return self.backquotes(word, style);
        }
        match self.byte(1) {
            Some(b'(') if self.is_mark(self.at + 1) => self.dollar(word),
            // `eval "\\$$NAME"`: the name of a variable comes from another one.
            _ if self.level > 0 && self.is_mark(self.at + 1) => {
                self.subject(word, What::Variable(ANY.to_owned()), self.at..self.at + 1, style.clone());
                self.at += 1;
            }
            Some(b'(') if self.byte(2) == Some(b'(') && !self.is_mark(self.at + 2) => {
                self.at += 3;
                self.arithmetic(word, style, 2);
            }
            Some(b'(') => self.substitution(word, 2),
            Some(b'[') => {
                let end = self.find(|byte| byte == b']' || byte == b'\n');
                let from = self.subjects.len();
                self.skip(end, &Demand::number(CALCULATION));
                word.hole(from..self.subjects.len(), true);
            }
            Some(b'\'') if *style == Style::Bare => self.dollar_quotes(word),
            Some(b'{') => self.braces(word, style),
            _ => {
                let start = self.at;
                let (name, length) = self.variable_at(start + 1);
                self.at += 1 + length;
                if name.is_empty() {
                    word.text.push('$');
                } else {
                    self.subject(word, What::Variable(name), start..self.at, style.clone());
                }
            }
        }
    }

    /// A `$` that stands for itself.
    fn dollar(&mut self, word: &mut Word) {
        word.text.push('$');
        self.at += 1;
    }

    /// `$(…)`, `<(…)`: the commands in it, behind as many bytes.
    pub(super) fn substitution(&mut self, word: &mut Word, length: usize) {
        self.at += length;
        let from = self.subjects.len();
        let list = self.nested();
        word.runs.extend(list.runs);
        word.reads |= list.reads != Stdin::Data;
        word.hole(from..self.subjects.len(), true);
    }

    /// A calculation up to the end of as many parentheses, the cursor behind their beginning.
    pub(super) fn arithmetic(&mut self, word: &mut Word, style: &Style, mut open: usize) {
        let all = open;
        let from = self.subjects.len();
        let mut inner = Word::new(from);
        let mut closed = 0;
        while let Some(byte) = self.byte(0) {
            if self.at_mark() {
                self.mark(&mut inner, style.clone());
                continue;
            }
            // Both signs of the end are together; if not, these were commands.
            self.doubt |= closed > 0 && byte != b')';
            match byte {
                b'(' => open += 1,
                b')' => {
                    open = open.saturating_sub(1);
                    closed = if open > 0 && open < all { closed + 1 } else { 0 };
                    if open == 0 {
                        self.at += 1;
                        break;
                    }
                }
                b'$' | b'`' => {
                    self.expansion(&mut inner, style);
                    continue;
                }
                b'\'' | b'"' | b'\\' => self.doubt = true,
                b if b.is_ascii_alphabetic() || b == b'_' => {
                    let name = self.name_at(self.at);
                    let range = self.at..self.at + name.len();
                    self.at = range.end;
                    self.subject(&mut inner, What::Variable(name), range, style.clone());
                    continue;
                }
                _ => {}
            }
            self.at += 1;
        }
        let demand = Demand::number(CALCULATION);
        for subject in &mut self.subjects[from..] {
            subject.demand(&demand);
        }
        word.hole(from..self.subjects.len(), true);
    }

    /// `$'…'`, whose quotes are the same in every shell unless a quote is escaped in it.
    fn dollar_quotes(&mut self, word: &mut Word) {
        let start = self.at + 2;
        let mut end = start;
        while end < self.bytes.len() && self.bytes[end] != b'\'' {
            let escapes = self.bytes[end] == b'\\';
            self.doubt |= escapes && self.bytes.get(end + 1) == Some(&b'\'');
            end += 1 + usize::from(escapes);
        }
        word.quoted = true;
        let from = self.subjects.len();
        self.skip(end.saturating_add(1), &Demand::word("`$'…'` is not the same in every shell"));
        word.hole(from..self.subjects.len(), false);
    }

    /// `${…}`.
    fn braces(&mut self, word: &mut Word, style: &Style) {
        let start = self.at;
        self.at += 2 + usize::from(matches!(self.byte(2), Some(b'#' | b'!')) && self.byte(3) != Some(b'}'));
        let (name, length) = match self.byte(0) {
            // `${!#}` is the last parameter.
            Some(b'#') if self.bytes[self.at - 1] == b'!' => (self.parameter(), 1),
            _ => self.variable_at(self.at),
        };
        self.at += length;
        let first = self.subjects.len();
        let mut own_subjects = 1;
        if !name.is_empty() {
            let mut own = Word::new(first);
            self.subject(&mut own, What::Variable(name.clone()), start..self.at, style.clone());
            let lists_keys = [&b"[@]}"[..], b"[*]}", b"@}", b"*}"].iter().any(|end| self.starts_with(end));
            if self.bytes[start + 2] == b'!' && lists_keys {
                // The subscripts of an array, or what begins so: not what it holds.
                self.subjects[first].what = What::Variable(String::new());
            } else if self.bytes[start + 2] == b'!' {
                self.subjects[first]
                    .demand(&Demand::typed("`${!…}` interprets it as the name of a variable"));
                // What comes of it is what the variable of that name holds.
                self.subject(&mut own, What::Variable(ANY.to_owned()), start..self.at, style.clone());
                own_subjects = 2;
            }
        }
        let operator = self.at;
        let calculates = self.byte(0) == Some(b'[')
            || (self.byte(0) == Some(b':') && !matches!(self.byte(1), Some(b'-' | b'=' | b'?' | b'+')));
        let transforms = self.byte(0) == Some(b'@');
        let sets = self.starts_with(b"=") || self.starts_with(b":=");
        let inside = self.subjects.len();
        let mut inner = Word::new(inside);
        loop {
            if self.at_mark() {
                self.mark(&mut inner, style.clone());
                continue;
            }
            match self.byte(0) {
                None => break,
                Some(b'}') => {
                    self.at += 1;
                    break;
                }
                Some(b'$' | b'`') => self.expansion(&mut inner, style),
                Some(b'\\') => {
                    self.doubt |= self.byte(1) == Some(b'\'');
                    self.at += 1 + usize::from(!self.is_mark(self.at + 1));
                }
                Some(quote @ (b'\'' | b'"')) => self.quotes_in_braces(&mut inner, quote),
                Some(b'{' | b'\n') => {
                    self.doubt = true;
                    self.at += 1;
                }
                Some(byte) => {
                    if calculates && (byte.is_ascii_alphabetic() || byte == b'_') && self.at > operator {
                        let name = self.name_at(self.at);
                        let range = self.at..self.at + name.len();
                        self.at = range.end;
                        self.subject(&mut inner, What::Variable(name), range, style.clone());
                    } else {
                        self.at += 1;
                    }
                }
            }
        }
        let macros = Demand::words(Refusal::from("it is a part of an expansion").or_write(
            "assign it to a variable in a line before, as `value=($NAME)`, and write `$value` here",
        ));
        let direct: Vec<usize> =
            inner.holes.iter().filter(|hole| !hole.printed).map(|hole| hole.subjects.start).collect();
        for (number, subject) in self.subjects.iter_mut().enumerate().skip(inside) {
            if calculates {
                subject.demand(&Demand::number(CALCULATION));
            } else if matches!(subject.what, What::Macro(_)) && direct.binary_search(&number).is_ok() {
                subject.demand(&macros);
            }
            if sets {
                super::flows::add(subject, [name.as_str()]);
            }
        }
        if transforms && let Some(subject) = self.subjects.get_mut(first) {
            // `@P` expands what the variable holds.
            subject.demand(&Demand::word("`${…@…}` may expand it once more"));
        }
        self.at = self.at.min(self.bytes.len());
        word.hole(first..self.subjects.len(), self.subjects.len() != first + own_subjects);
    }

    /// Quotes inside `${…}`, which all shells read in the same way if nothing else is in them.
    fn quotes_in_braces(&mut self, inner: &mut Word, quote: u8) {
        self.at += 1;
        let end = self.find(|byte| byte == quote);
        let odd = |byte: &u8| b"}\\`\n".contains(byte) || b"'\"".contains(byte);
        self.doubt |= end == self.bytes.len() || self.bytes[self.at..end].iter().any(odd);
        let from = self.subjects.len();
        while self.at < end {
            if self.at_mark() {
                self.mark(inner, Style::Raw);
            } else if quote == b'"' && self.byte(0) == Some(b'$') {
                self.expansion(inner, &Style::Double);
            } else {
                self.at += 1;
            }
        }
        let demand = Demand::words("it is in quotes inside an expansion");
        for subject in &mut self.subjects[from..] {
            subject.demand(&demand);
        }
        self.at = (self.at + 1).min(self.bytes.len());
    }

    /// `` `…` ``: its text, once a backslash is taken away, is a script.
    fn backquotes(&mut self, word: &mut Word, style: &Style) {
        let (from, start) = (self.subjects.len(), self.at);
        self.at += 1;
        let mut code = Word::new(from);
        loop {
            if self.at_mark() {
                self.mark(&mut code, style.clone());
                continue;
            }
            match self.byte(0) {
                None => break,
                Some(b'`') => {
                    self.at += 1;
                    break;
                }
                Some(b'\\') => {
                    let next = self.byte(1);
                    let taken = matches!(next, Some(b'\\' | b'`' | b'$'));
                    // Inside double quotes `\"` is not the same in every shell.
                    self.doubt |= next == Some(b'"') && *style != Style::Bare;
                    if !taken {
                        code.text.push('\\');
                    }
                    self.at += 1;
                    if taken {
                        code.text.push(char::from(next.unwrap_or_default()));
                        self.at += 1;
                    }
                }
                Some(byte) => {
                    self.doubt |= byte == b'"' && *style == Style::Double;
                    code.text.push(char::from(byte));
                    self.at += 1;
                }
            }
        }
        let reason = Refusal::from("backquotes read quotes and backslashes once more")
            .or_write("write `$(…)` in place of the backquotes");
        let inner =
            self.shell_code(&code.text, &code.holes, &(start..self.at.min(self.bytes.len())), &reason, false);
        word.runs.extend(inner.runs);
        word.reads |= inner.reads;
        word.hole(from..self.subjects.len(), true);
    }

    /// The variable whose name, or the parameter whose number, is here, and how long that is.
    pub(super) fn variable_at(&self, at: usize) -> (String, usize) {
        let name = self.name_at(at);
        match self.bytes.get(at) {
            Some(b'0'..=b'9' | b'@' | b'*') => (self.parameter(), 1),
            // `getopts` takes it from the parameters.
            _ if name == "OPTARG" => (self.parameter(), name.len()),
            _ => (name.clone(), name.len()),
        }
    }

    fn name_at(&self, at: usize) -> String {
        let rest = self.bytes.get(at..).unwrap_or_default();
        rest.iter()
            .enumerate()
            .take_while(|(i, b)| b.is_ascii_alphabetic() || **b == b'_' || (*i > 0 && b.is_ascii_digit()))
            .map(|(_, &b)| char::from(b))
            .take(200)
            .collect()
    }
}
