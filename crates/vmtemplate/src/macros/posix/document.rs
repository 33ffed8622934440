//! Here-documents.

use std::ops::Range;
use std::rc::Rc;

use super::quote::{Line, Style};
use super::{Scanner, What};
use crate::macros::demand::Demand;

/// A here-document whose lines are still to come.
#[derive(Debug)]
pub(super) struct Document {
    delimiter: String,
    quoted: bool,
    strips_tabs: bool,
    pub(super) demand: Demand,
}

impl Document {
    fn style(&self) -> Style {
        if self.quoted { Style::Raw } else { Style::Document }
    }
}

impl Scanner<'_> {
    /// The `<<` at the cursor, and the delimiter behind it.
    pub(super) fn open_document(&mut self) {
        self.at += 2;
        let strips_tabs = self.byte(0) == Some(b'-');
        self.at += usize::from(strips_tabs);
        while matches!(self.byte(0), Some(b' ' | b'\t')) {
            self.at += 1;
        }
        let start = self.at;
        let end = self.find(|byte| b" \t\r\n;&|<>()".contains(&byte));
        let raw = &self.bytes[start..end];
        let quoted = raw.iter().any(|b| b"'\"\\".contains(b));
        let delimiter =
            String::from_utf8_lossy(raw).chars().filter(|c| !matches!(c, '\'' | '"' | '\\')).collect();
        let commands = self.commands();
        let demand = commands.code.clone().unwrap_or(Demand::FREE_TEXT);
        self.at = end;
        self.doubt |= self.stack.len() > 1;
        self.documents.push(Document { delimiter, quoted, strips_tabs, demand });
    }

    /// The lines of a here-document, from the cursor on.
    pub(super) fn document(&mut self, document: &Document) {
        loop {
            if self.at >= self.bytes.len() {
                return;
            }
            let start = self.at;
            let end = self.find(|byte| byte == b'\n');
            let tabs = if document.strips_tabs {
                self.bytes[start..end].iter().take_while(|&&b| b == b'\t').count()
            } else {
                0
            };
            if &self.bytes[start + tabs..end] == document.delimiter.as_bytes() {
                self.at = end;
                return;
            }
            while self.at < end {
                let byte = self.bytes[self.at];
                if self.uses.get(self.next).is_some_and(|found| found.range.start == self.at) {
                    self.macro_in_document(document, start + tabs..end, start);
                } else if !document.quoted && matches!(byte, b'$' | b'`') {
                    self.expansion_in_document(document, end);
                } else if !document.quoted && byte == b'\\' {
                    self.backslash();
                } else {
                    self.at += 1;
                }
            }
            self.at = (self.at.max(end) + 1).min(self.bytes.len());
            let commands = self.commands();
            (commands.in_word, commands.word) = (false, String::new());
        }
    }

    /// The macro at the cursor, in this `line` without its tabs.
    fn macro_in_document(&mut self, document: &Document, line: Range<usize>, start: usize) {
        let range = self.uses[self.next].range.clone();
        self.macro_here(document.style(), None);
        let escaped = !document.quoted && range.start > start && self.bytes[range.start - 1] == b'\\';
        let Some(subject) = self.subjects.last_mut() else { return };
        subject.demand(&document.demand);
        if escaped {
            let reason = "a `\\` stands before it and changes its first character".to_owned();
            subject.demand(&Demand::words(reason));
        }
        "in a here-document".clone_into(&mut subject.place);
        // What is longer than the delimiter cannot become it.
        if line.len() - range.len() <= document.delimiter.len() + 80 {
            subject.quoting.line = Some(Rc::new(Line {
                before: self.bytes[line.start..range.start].to_vec(),
                after: self.bytes[range.end..line.end].to_vec(),
                delimiter: document.delimiter.clone(),
            }));
        }
        subject.quoting.loses_tabs = document.strips_tabs && range.start == line.start;
        subject.assigns = Rc::default();
        self.flows.piped(self.subjects.len() - 1..self.subjects.len());
    }

    /// What begins with `$` or a backquote, in a line up to `end`.
    fn expansion_in_document(&mut self, document: &Document, end: usize) {
        let stop = match (self.bytes[self.at], self.byte(1)) {
            (b'`', _) => Some(b'`'),
            (_, Some(b'(')) => Some(b')'),
            (_, Some(b'{')) => Some(b'}'),
            _ => None,
        };
        let before = self.subjects.len();
        if let Some(stop) = stop {
            // Nested ones are taken to reach to the end of the line.
            let to = self.bytes[self.at + 1..end].iter().rposition(|&b| b == stop);
            let to = to.map_or(end, |at| self.at + 2 + at);
            let demand = Demand::typed("it stands in a substitution in a here-document".to_owned());
            self.macros_until(to, &document.style(), &demand);
            for subject in &mut self.subjects[before..] {
                subject.demand(&demand);
            }
            return;
        }
        let from = self.at;
        let (name, length) = self.variable_at(from + 1);
        self.at += 1 + length;
        if !name.is_empty() {
            self.subject(What::Variable(name), from..self.at, document.style(), None);
        }
        for subject in &mut self.subjects[before..] {
            subject.demand(&document.demand);
            subject.assigns = Rc::default();
        }
        self.flows.piped(before..self.subjects.len());
    }
}
