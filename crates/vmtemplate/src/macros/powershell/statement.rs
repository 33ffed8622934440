//! Where statements and blocks begin and end, and what that says of the values in them.

use std::ops::Range;
use std::rc::Rc;

use super::quote::PowerShellPlace;
use super::runs::{self, Block, Runs};
use super::{CALL_REASON, CODE_REASON, MOST_BLOCKS, Scanner, Subject, files, variables};
use crate::macros::demand::{Demand, Refusal};
use crate::macros::follow::What;

impl Scanner<'_> {
    pub(super) fn block(&mut self) -> &mut Block {
        if self.blocks.is_empty() {
            self.blocks.push(Block::default());
        }
        let last = self.blocks.len() - 1;
        &mut self.blocks[last]
    }

    /// The text of the statement up to the cursor belongs to the block that is open.
    pub(super) fn read_words(&mut self) {
        let (bytes, at) = (self.bytes, self.at.min(self.bytes.len()));
        self.block().read(bytes, at);
    }

    /// The statement of the block ends: what is in it is run if one of its words runs it.
    pub(super) fn end_of_statement(&mut self) {
        self.read_words();
        let Block { statement, runs, gives, encloses, matches, begin, .. } = *self.block();
        let end = self.at.min(self.bytes.len());
        self.block().begin = end;
        if self.has_files {
            self.files_of_statement(statement, begin.min(end)..end);
        }
        if self.by_name.iter().any(|at| (begin..end).contains(at)) {
            // `Get-Variable NAME`, `Get-Item env:NAME`: as if the variable stood there.
            let assigns = self.top().assigns.clone().into();
            let text = begin.min(end)..end;
            let demand = if runs::calls_parentheses(&self.bytes[text.clone()]) {
                Demand::nothing(Refusal::from(CALL_REASON).or_write("write the name of the command itself"))
            } else {
                Demand::FREE_TEXT
            };
            self.subjects.push(variables::of_any_name(text, demand, assigns));
            self.named.push(true);
        }
        let range = statement..self.subjects.len();
        match runs {
            // What is handed to it is in its parameters.
            Some(Runs::Block) if encloses => {}
            Some(Runs::Block) => range.clone().for_each(|number| self.is_run(number, Runs::Code)),
            Some(runs) => range.clone().for_each(|number| self.is_run(number, runs)),
            None => {}
        }
        if gives || (runs == Some(Runs::Block) && encloses) {
            self.functions.call(range.clone());
        }
        if matches {
            for subject in &mut self.subjects[range] {
                subject.assigns = subject.assigns.iter().cloned().chain(["matches".to_owned()]).collect();
            }
        }
        let next = self.subjects.len();
        self.block().next(next);
    }

    /// What the statement at `text` writes into files or reads from them.
    fn files_of_statement(&mut self, statement: usize, text: Range<usize>) {
        let found = files::of_statement(self.bytes, text);
        if found.writes {
            let names: Vec<String> = found.named.iter().map(|(name, _)| name.clone()).collect();
            for subject in &mut self.subjects[statement..] {
                subject.assigns = subject.assigns.iter().chain(&names).cloned().collect();
            }
        }
        if found.reads {
            let assigns: Rc<[String]> = self.top().assigns.clone().into();
            for (name, range) in found.named {
                self.subjects.push(Subject {
                    what: What::Variable(name),
                    range,
                    place: "in a file that the script writes".to_owned(),
                    demand: Demand::FREE_TEXT,
                    quoting: PowerShellPlace::unread(),
                    assigns: Rc::clone(&assigns),
                });
                // Whether the value is all of the file is not known.
                self.named.push(true);
            }
        }
    }

    /// Subject `number` is in a statement that runs text.
    fn is_run(&mut self, number: usize, runs: Runs) {
        let code = || Refusal::from(CODE_REASON);
        let demand = match runs {
            _ if self.named[number] => {
                Demand::nothing(code().or_write("write the name of the command itself"))
            }
            Runs::Block | Runs::Code => {
                Demand::word(code().or_write("put the value into `$env:NAME`, and use that in the code"))
            }
            Runs::Unfollowed => Demand::typed(code().or_write("assign it: `$NAME = \"…\"`")),
        };
        self.subjects[number].demand(&demand);
    }

    pub(super) fn new_command(&mut self) {
        self.end_word();
        let at = self.at;
        let context = self.top();
        (context.head, context.has_head) = (String::new(), false);
        (context.call, context.is_value, context.start) = (false, false, at);
    }

    pub(super) fn new_statement(&mut self) {
        self.new_command();
        if matches!(self.top().closing, 0 | b'}') {
            self.end_of_statement();
        }
        self.top().assigns.clear();
        if self.stack.len() == 1 {
            let text = self.bytes[self.statement_start..self.at.min(self.bytes.len())].to_ascii_lowercase();
            self.functions.statement(&text, self.statement..self.subjects.len());
            self.statement = self.subjects.len();
            self.statement_start = self.at;
        }
    }

    /// A `{`, behind `@` that of a table.
    pub(super) fn open_block(&mut self) {
        let is_table = self.at.checked_sub(1).is_some_and(|before| self.bytes[before] == b'@');
        self.read_words();
        self.open(b'}', 1);
        self.top().is_table = is_table;
        self.doubt |= self.blocks.len() > MOST_BLOCKS;
        let (statement, unread) = (self.subjects.len(), self.at);
        self.blocks.push(Block::new(statement, unread));
    }

    /// The `}` at the cursor.
    pub(super) fn close_block(&mut self) {
        if self.top().closing == b'}' {
            self.end_word();
            self.leave_block();
        }
        self.close();
    }

    pub(super) fn leave_block(&mut self) {
        if self.blocks.len() > 1 {
            self.end_of_statement();
            let inner = self.blocks.pop().unwrap_or_default();
            let passed_on = inner.passed_on();
            let at = self.at;
            let block = self.block();
            block.encloses = true;
            block.gives |= inner.is_given();
            (block.runs, block.unread) = (block.runs.max(passed_on), at);
        }
    }
}
