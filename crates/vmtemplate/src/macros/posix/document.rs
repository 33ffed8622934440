//! Here-documents.

use std::rc::Rc;

use super::block::Document;
use super::commands::Stdin;
use super::flows;
use super::parser::Parser;
use super::quote::{Line, Style};
use super::word::Word;
use crate::macros::follow::What;

impl Parser<'_> {
    /// The `<<` at the cursor, and the delimiter behind it.
    pub(super) fn open_document(&mut self) {
        self.at += 2;
        let strips_tabs = self.byte(0) == Some(b'-');
        self.at += usize::from(strips_tabs);
        while matches!(self.byte(0), Some(b' ' | b'\t')) {
            self.at += 1;
        }
        let start = self.at;
        let end = self.find(|byte| b" \t\n;&|<>()".contains(&byte));
        let raw = &self.bytes[start..end];
        let quoted = raw.iter().any(|b| b"'\"\\".contains(b));
        // A delimiter with blanks or expansions is not read here.
        let is_odd = |quote: u8| raw.iter().fold(false, |odd, &b| odd ^ (b == quote));
        let next = self.marks.partition_point(|mark| mark.start < start);
        let holds_value = self.marks.get(next).is_some_and(|mark| mark.start <= end);
        self.doubt |= is_odd(b'\'')
            || is_odd(b'"')
            || raw.is_empty()
            || holds_value
            || raw.iter().any(|b| b"$`".contains(b));
        let delimiter =
            String::from_utf8_lossy(raw).chars().filter(|c| !matches!(c, '\'' | '"' | '\\')).collect();
        self.at = end;
        self.documents.push(Document {
            delimiter,
            quoted,
            strips_tabs,
            reader: Stdin::Data,
            command: String::new(),
            files: Vec::new(),
        });
    }

    /// The lines of the documents that began in the line before the cursor.
    pub(super) fn read_documents(&mut self) {
        for document in std::mem::take(&mut self.documents) {
            self.document(&document);
        }
    }

    fn document(&mut self, document: &Document) {
        let (first, start) = (self.subjects.len(), self.at);
        let mut text = Word::new(first);
        let style = if document.quoted { Style::Raw } else { Style::Document };
        // Where a line is that some line before it has taken in, through a substitution or a backslash.
        let mut whole_line = true;
        while self.at < self.bytes.len() {
            let end = self.find(|byte| byte == b'\n');
            let tabs = if document.strips_tabs {
                self.bytes[self.at..end].iter().take_while(|&&b| b == b'\t').count()
            } else {
                0
            };
            if whole_line && &self.bytes[self.at + tabs..end] == document.delimiter.as_bytes() {
                self.at = end;
                break;
            }
            let start = self.at + tabs;
            let from = self.subjects.len();
            self.at = start;
            whole_line = self.line(document, &mut text, &style, end);
            self.fit_line(document, from, start, end);
            text.text.push('\n');
        }
        let subjects = first..self.subjects.len();
        for subject in &mut self.subjects[first..] {
            flows::add(subject, document.files.iter().map(String::as_str));
        }
        self.flows.piped(subjects.clone(), "cat");
        self.flows.feeds(subjects, &document.command);
        self.read_by(&document.reader, &text.text, &text.holes, &(start..self.at.min(self.bytes.len())));
    }

    /// The rest of a line that ends at `end`, with its end. Whether the next line is one of its own.
    fn line(&mut self, document: &Document, text: &mut Word, style: &Style, mut end: usize) -> bool {
        loop {
            let mut joined = false;
            while self.at < end {
                let byte = self.bytes[self.at];
                if self.at_mark() {
                    let subject = self.mark(text, style.clone());
                    "in a here-document".clone_into(&mut self.subjects[subject].place);
                } else if !document.quoted && matches!(byte, b'$' | b'`') {
                    self.expansion(text, &Style::Document);
                } else if !document.quoted && byte == b'\\' {
                    let next = self.byte(1);
                    joined = next == Some(b'\n');
                    if !matches!(next, Some(b'\\' | b'$' | b'`' | b'\n')) {
                        text.text.push('\\');
                    }
                    self.backslash(text);
                } else {
                    text.text.push(char::from(byte));
                    self.at += 1;
                }
            }
            if joined {
                return false;
            }
            if self.at <= end {
                self.at = (end + 1).min(self.bytes.len());
                return true;
            }
            // A substitution took in the end of the line.
            self.doubt = true;
            end = self.find(|byte| byte == b'\n');
        }
    }

    /// What the values in this line must not make of it.
    fn fit_line(&mut self, document: &Document, from: usize, start: usize, end: usize) {
        for subject in &mut self.subjects[from..] {
            let range = subject.range.clone();
            if !matches!(subject.what, What::Macro(_))
                || !matches!(subject.quoting.style, Style::Document | Style::Raw)
            {
                continue;
            }
            if range.start < start || range.end > end {
                continue;
            }
            // What is longer than the delimiter cannot become it.
            if end - start <= document.delimiter.len() + range.len() + 80 {
                subject.quoting.line = Some(Rc::new(Line {
                    before: self.bytes[start..range.start].to_vec(),
                    after: self.bytes[range.end..end].to_vec(),
                    delimiter: document.delimiter.clone(),
                }));
            }
            subject.quoting.loses_tabs = document.strips_tabs && range.start == start;
        }
    }
}
