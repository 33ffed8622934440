//! How cmd.exe takes a batch file apart.

use std::collections::HashSet;
use std::ops::Range;

use super::{Batch, Command, Fault, Label, Redirect, RedirectKind, label_name, name_of};

/// Take a script apart. `macros` are the places whose parentheses are not those of cmd.exe.
pub(in crate::script::lint) fn parse(text: &str, macros: Vec<Range<usize>>) -> Batch {
    let bytes = text.as_bytes();
    let mut parser = Parser {
        text,
        bytes,
        at: 0,
        macros,
        next_macro: 0,
        goals: goals(text),
        frames: vec![Frame { kind: Kind::File, open: 0, is_dead: false, line: Line::default() }],
        line: Line::default(),
        delayed: vec![false],
        batch: Batch::default(),
    };
    parser.file();
    parser.batch
}

/// Every name that some goto or call in the text names: what is behind an `exit` is reached only through these.
fn goals(text: &str) -> HashSet<String> {
    let lower = text.to_ascii_lowercase();
    let mut goals = HashSet::new();
    for (word, needs_colon) in [("goto", false), ("call", true)] {
        for (at, _) in lower.match_indices(word) {
            let rest = lower[at + word.len()..].trim_start_matches([' ', '\t']);
            if needs_colon && !rest.starts_with(':') {
                continue;
            }
            goals.insert(label_name(rest.trim_start_matches([':', ' ', '\t'])).to_owned());
        }
    }
    goals
}

/// What encloses a command.
struct Frame {
    kind: Kind,
    /// Where its `(` is.
    open: usize,
    /// The script has ended here.
    is_dead: bool,
    /// What held before the command that the block belongs to.
    line: Line,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    Block,
    /// `if`: whether all branches before this one end the script.
    If(bool),
    Else(bool),
    For,
}

/// What holds for the rest of a line.
#[derive(Clone, Copy, Default)]
#[allow(clippy::struct_excessive_bools)] // each is a fact of its own
struct Line {
    /// Commands run under a condition, or several times.
    conditional: bool,
    /// Behind `else`: the branches before it end the script.
    is_else: bool,
    /// Behind `&&` or `||`.
    chained: bool,
    piped: bool,
}

struct Parser<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
    macros: Vec<Range<usize>>,
    next_macro: usize,
    goals: HashSet<String>,
    /// Never empty: the first one is the file.
    frames: Vec<Frame>,
    line: Line,
    /// Whether delayed expansion is on; `setlocal` adds one, `endlocal` takes one away.
    delayed: Vec<bool>,
    batch: Batch,
}

impl Parser<'_> {
    fn file(&mut self) {
        loop {
            #[cfg(test)]
            crate::steps::add(1);
            if self.frames.len() == 1 && self.frames[0].is_dead && !self.skip_to_label() {
                break;
            }
            self.skip_blanks();
            match self.peek() {
                None => break,
                Some(b'\n') => {
                    self.at += 1;
                    self.line = Line::default();
                }
                Some(b':') => self.label(),
                Some(b'(') if !self.at_macro() => {
                    self.open(Kind::Block);
                }
                Some(b')') => self.close(),
                Some(b'&' | b'|') => self.operator(),
                _ => self.command(),
            }
        }
        // Of a file whose blocks are not closed cmd.exe runs nothing behind the first one.
        self.batch.falls_off = !self.frames[0].is_dead && self.frames.len() == 1;
        for frame in &self.frames[1..] {
            self.batch.faults.push(Fault::Open(frame.open));
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn frame(&mut self) -> &mut Frame {
        let last = self.frames.len() - 1;
        &mut self.frames[last]
    }

    fn skip_blanks(&mut self) {
        while matches!(
            self.peek(),
            Some(b' ' | b'\t' | b'\r' | b',' | b';' | b'=' | b'@' | b'\x0b' | b'\x0c')
        ) {
            self.at += 1;
        }
    }

    fn skip_spaces(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
    }

    fn skip_line(&mut self) {
        let start = self.at;
        self.at =
            self.bytes[start..].iter().position(|&b| b == b'\n').map_or(self.bytes.len(), |n| start + n);
        #[cfg(test)]
        crate::steps::add(self.at - start);
    }

    /// Behind the end of the script only a label brings it back to life, and of those only one that is called for.
    fn skip_to_label(&mut self) -> bool {
        self.skip_line();
        while self.at < self.bytes.len() {
            self.at += 1;
            let line = self.text[self.at..].trim_start_matches([' ', '\t']);
            if let Some(rest) = line.strip_prefix(':') {
                let name = label_name(rest.trim_start_matches([' ', '\t'])).to_ascii_lowercase();
                if self.goals.contains(&name) {
                    self.frames[0].is_dead = false;
                    self.line = Line::default();
                    return true;
                }
            }
            self.skip_line();
        }
        false
    }

    fn label(&mut self) {
        let start = self.at;
        self.skip_line();
        let line = self.text[start..self.at].trim_end();
        let name = label_name(&line[1..]);
        // `::` and `: text` are comments.
        if name.is_empty() {
            self.batch.comments.push(start..self.at);
        } else {
            let range = start..start + 1 + name.len();
            self.batch.labels.push(Label { name: name.to_ascii_lowercase(), range });
        }
    }

    fn open(&mut self, kind: Kind) {
        let frame = Frame { kind, open: self.at, is_dead: false, line: self.line };
        self.frames.push(frame);
        self.line = Line::default();
        self.at += 1;
    }

    fn close(&mut self) {
        let start = self.at;
        self.at += 1;
        if self.frames.len() == 1 {
            self.batch.faults.push(Fault::Stray(start));
            self.skip_line();
            return;
        }
        let Some(frame) = self.frames.pop() else { return };
        self.line = frame.line;
        let (ends_all, before) = match frame.kind {
            Kind::Block => (frame.is_dead, false),
            Kind::Else(before) => (frame.is_dead && before, false),
            Kind::If(before) => (false, frame.is_dead && before),
            Kind::For | Kind::File => (false, false),
        };
        if ends_all && !self.line.conditional && !self.line.chained && !self.line.piped {
            self.frame().is_dead = true;
        }
        self.skip_spaces();
        if matches!(frame.kind, Kind::If(_)) && self.word_is("else") {
            self.at += "else".len();
            self.skip_spaces();
            if self.peek() == Some(b'(') && !self.at_macro() {
                self.open(Kind::Else(before));
            } else if self.word_is("if") {
                self.at += "if".len();
                self.condition(before);
            } else {
                self.line.is_else = before && !self.line.conditional;
                self.line.conditional = true;
            }
        } else {
            // What may be behind a block: where its output goes.
            let mut redirects = Vec::new();
            while self.redirect(&mut redirects) {
                self.skip_spaces();
            }
        }
    }

    fn operator(&mut self) {
        let doubled = self.bytes.get(self.at + 1) == self.bytes.get(self.at);
        let is_pipe = self.peek() == Some(b'|') && !doubled;
        self.at += if doubled { 2 } else { 1 };
        self.line.chained = doubled || is_pipe;
        self.line.piped = is_pipe;
    }

    fn word_is(&self, word: &str) -> bool {
        let end = self.at + word.len();
        self.text.get(self.at..end).is_some_and(|found| found.eq_ignore_ascii_case(word))
            && self
                .bytes
                .get(end)
                .is_none_or(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n' | b'(' | b',' | b';' | b'='))
    }

    /// Whether a macro is here; the platform puts its value in before cmd.exe sees the file.
    fn at_macro(&mut self) -> bool {
        self.macro_end().is_some()
    }

    fn macro_end(&mut self) -> Option<usize> {
        while self.macros.get(self.next_macro).is_some_and(|range| range.start < self.at) {
            self.next_macro += 1;
        }
        let range = self.macros.get(self.next_macro)?;
        (range.start == self.at).then_some(range.end)
    }

    /// The end of `%name%`, `%%` and `%1` at this place. What is inside is put in, or taken for text, before quotes
    /// and operators are looked for.
    fn percent_end(&self) -> usize {
        let rest = &self.bytes[self.at + 1..];
        let end = match rest.first() {
            Some(b'%' | b'*' | b'0'..=b'9') => self.at + 2,
            Some(b'~') => {
                let letters = rest[1..].iter().take_while(|b| b.is_ascii_alphabetic() || **b == b'$').count();
                self.at + 2 + letters + 1
            }
            _ => {
                let length = rest.iter().take_while(|b| !matches!(b, b'%' | b'\n')).count();
                #[cfg(test)]
                crate::steps::add(length);
                if rest.get(length) == Some(&b'%') { self.at + length + 2 } else { self.at + 1 }
            }
        };
        end.min(self.bytes.len())
    }

    /// Step over one character of a word, or one thing that counts as one. Tells whether the word goes on.
    fn step(&mut self, quoted: &mut Option<usize>) -> bool {
        #[cfg(test)]
        crate::steps::add(1);
        if let Some(end) = self.macro_end() {
            self.at = end;
            return true;
        }
        let Some(byte) = self.peek() else { return false };
        match byte {
            b'\n' => return false,
            b'"' => {
                *quoted = if quoted.is_some() { None } else { Some(self.at) };
                self.at += 1;
            }
            b'%' => self.at = self.percent_end(),
            b'^' if quoted.is_none() => self.caret(),
            b' ' | b'\t' | b'&' | b'|' | b'<' | b'>' if quoted.is_none() => return false,
            b')' if quoted.is_none() && self.frames.len() > 1 => return false,
            _ => self.at += 1,
        }
        true
    }

    fn caret(&mut self) {
        let start = self.at;
        let rest = &self.bytes[start + 1..];
        let blanks = rest.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        #[cfg(test)]
        crate::steps::add(blanks);
        let line_end = match rest.get(blanks..) {
            Some([b'\r', b'\n', ..]) => 2,
            Some([b'\n', ..]) => 1,
            _ => 0,
        };
        if line_end == 0 {
            // It escapes one character, whatever that is.
            let escaped = self.text[start + 1..].chars().next().map_or(0, char::len_utf8);
            self.at = start + 1 + escaped;
            if escaped == 0 {
                self.batch.faults.push(Fault::LastCaret(start));
            }
        } else if blanks > 0 {
            self.batch.faults.push(Fault::Caret(start));
            self.at = start + 2;
        } else {
            self.at = start + 1 + line_end;
            match self.peek() {
                None => self.batch.faults.push(Fault::LastCaret(start)),
                // The first character of the next line is escaped.
                Some(b'&' | b'|' | b'<' | b'>' | b'(' | b')' | b'^') => self.at += 1,
                Some(_) => {}
            }
        }
    }

    /// A word, up to a blank or an operator; quotes hold it together.
    fn word(&mut self) -> Range<usize> {
        let start = self.at;
        let mut quoted = None;
        while self.step(&mut quoted) {}
        if let Some(quote) = quoted {
            let range = quote..self.at;
            if self.text[range.clone()].contains(['&', '|', '<', '>']) {
                self.batch.faults.push(Fault::Quote(range));
            }
        }
        let end = start + self.text[start..self.at].trim_end_matches('\r').len();
        start..end
    }

    /// A redirection, if one is here.
    fn redirect(&mut self, redirects: &mut Vec<Redirect>) -> bool {
        let start = self.at;
        if self.peek().is_some_and(|b| b.is_ascii_digit())
            && matches!(self.bytes.get(self.at + 1), Some(b'<' | b'>'))
        {
            self.at += 1;
        }
        let kind = match (self.peek(), self.bytes.get(self.at + 1)) {
            (Some(b'<'), _) => RedirectKind::Input,
            (Some(b'>'), Some(b'>')) => RedirectKind::Append,
            (Some(b'>'), _) => RedirectKind::Output,
            _ => {
                self.at = start;
                return false;
            }
        };
        self.at += if kind == RedirectKind::Append { 2 } else { 1 };
        self.skip_spaces();
        if self.peek() == Some(b'&') {
            self.at += 1; // `2>&1`: another handle, not a file
            self.skip_spaces();
            self.word();
        } else {
            let target = self.word();
            redirects.push(Redirect { kind, target });
        }
        true
    }

    fn command(&mut self) {
        let start = self.at;
        let mut words: Vec<Range<usize>> = Vec::new();
        let mut redirects = Vec::new();
        loop {
            self.skip_spaces();
            if self.redirect(&mut redirects) {
                continue;
            }
            let before = self.at;
            let word = self.word();
            if self.at == before {
                break;
            }
            if word.is_empty() {
                continue;
            }
            if words.is_empty() {
                match name_of(&self.text[word.clone()]).as_str() {
                    "rem" => {
                        self.skip_line();
                        self.batch.comments.push(start..self.at);
                        return;
                    }
                    "if" => {
                        self.at = word.start + "if".len();
                        self.condition(true);
                        return;
                    }
                    "for" if self.for_loop() => return,
                    _ => {}
                }
            }
            words.push(word);
        }
        // `call PROGRAM` is the program.
        let is_call = |pair: &&[Range<usize>]| {
            name_of(&self.text[pair[0].clone()]) == "call" && !self.text[pair[1].clone()].starts_with(':')
        };
        let calls = words.windows(2).take_while(is_call).count();
        #[cfg(test)]
        crate::steps::add(words.len());
        words.drain(..calls);
        let end = words.last().map_or(self.at, |word| word.end).max(start);
        let Some(first) = words.first() else {
            // Nothing but a redirection, or a character that begins no command.
            if self.at == start {
                self.at += self.text[start..].chars().next().map_or(1, char::len_utf8);
            }
            return;
        };
        let command = Command {
            name: name_of(&self.text[first.clone()]),
            range: first.start..end,
            words,
            redirects,
            piped: self.line.piped,
            delayed: self.delayed.last().copied().unwrap_or_default(),
        };
        self.take_effect(&command);
        self.batch.commands.push(command);
    }

    /// What a command does to those behind it.
    fn take_effect(&mut self, command: &Command) {
        match command.name.as_str() {
            "exit" | "goto" => {
                let is_sure = !self.line.conditional || self.line.is_else;
                if is_sure && !self.line.chained && !self.line.piped {
                    self.frame().is_dead = true;
                }
            }
            "setlocal" => {
                let arguments = command.arguments(self.text);
                let before = self.delayed.last().copied().unwrap_or_default();
                let now =
                    match arguments.iter().find_map(|argument| argument.strip_suffix("delayedexpansion")) {
                        Some("enable") => true,
                        Some("disable") => false,
                        _ => before,
                    };
                self.delayed.push(now);
            }
            "endlocal" if self.delayed.len() > 1 => {
                self.delayed.pop();
            }
            _ => {}
        }
    }

    /// What is between `if` and its command. `before`: all branches before this one end the script.
    fn condition(&mut self, before: bool) {
        let outer = self.line;
        loop {
            self.skip_spaces();
            if self.word_is("not") {
                self.at += "not".len();
            } else if self.text.get(self.at..self.at + 2).is_some_and(|word| word.eq_ignore_ascii_case("/i"))
            {
                self.at += 2;
            } else {
                break;
            }
        }
        let unary = ["exist", "defined", "errorlevel", "cmdextversion"];
        if let Some(word) = unary.iter().find(|word| self.word_is(word)) {
            self.at += word.len();
            self.skip_spaces();
            self.operand();
        } else {
            self.operand();
            self.skip_spaces();
            if self.peek() == Some(b'=') {
                while self.peek() == Some(b'=') {
                    self.at += 1;
                }
            } else {
                self.operand(); // `equ` and its kin
            }
            self.skip_spaces();
            self.operand();
        }
        self.skip_spaces();
        self.line.is_else = false;
        if self.peek() == Some(b'(') && !self.at_macro() {
            self.line = outer;
            self.open(Kind::If(before));
        } else {
            self.line.conditional = true;
        }
    }

    /// One side of a comparison: up to a blank or `=`, parentheses included.
    fn operand(&mut self) {
        let mut quoted = None;
        loop {
            match self.peek() {
                Some(b'=' | b'\r') if quoted.is_none() => return,
                Some(b')') if quoted.is_none() && !self.at_macro() => self.at += 1,
                Some(b'(') if quoted.is_none() && !self.at_macro() && self.bytes[self.at - 1] == b'"' => {
                    return;
                }
                _ if self.step(&mut quoted) => {}
                _ => return,
            }
        }
    }

    /// A `for` loop up to its command. Tells whether it is one.
    fn for_loop(&mut self) -> bool {
        let (start, next_macro) = (self.at, self.next_macro);
        let outer = self.line;
        loop {
            self.skip_spaces();
            if self.word_is("in") {
                self.at += "in".len();
                break;
            }
            let before = self.at;
            self.word();
            if self.at == before {
                (self.at, self.next_macro) = (start, next_macro);
                return false;
            }
        }
        self.skip_spaces();
        if self.peek() != Some(b'(') {
            (self.at, self.next_macro) = (start, next_macro);
            return false;
        }
        let open = self.at;
        self.at += 1;
        let mut quoted = None;
        loop {
            match self.peek() {
                None => {
                    self.batch.faults.push(Fault::Open(open));
                    return true;
                }
                Some(b'\n') => {
                    quoted = None;
                    self.at += 1;
                }
                Some(b')') if quoted.is_none() && !self.at_macro() => break,
                Some(b' ' | b'\t' | b'&' | b'|' | b'<' | b'>' | b')') if !self.at_macro() => self.at += 1,
                _ => {
                    self.step(&mut quoted);
                }
            }
        }
        self.at += 1;
        self.skip_spaces();
        if self.word_is("do") {
            self.at += "do".len();
        }
        self.skip_spaces();
        if self.peek() == Some(b'(') && !self.at_macro() {
            self.line = outer;
            self.open(Kind::For);
        } else {
            self.line.conditional = true;
            self.line.is_else = false;
        }
        true
    }
}
