//! What cmd.exe makes of the lines: blocks, quotes, joined lines, labels, the end.

use std::collections::HashSet;

use super::batch::{Batch, Fault};
use super::{Lint, shown};
use crate::rules::script as rules;

impl Lint<'_> {
    pub(super) fn check_flow(&mut self, batch: &Batch) {
        for fault in &batch.faults {
            let finding = match fault {
                Fault::Open(at) => {
                    self.find(rules::PARENTHESES, *at..at + 1, "the block that begins here is not closed")
                }
                Fault::Stray(at) => self.find(
                    rules::PARENTHESES,
                    *at..at + 1,
                    "this parenthesis closes nothing; cmd.exe skips the rest of the line",
                ),
                Fault::Quote(range) => self.find(
                    rules::OPEN_QUOTE,
                    range.clone(),
                    "this quote is not closed, and an operator follows it",
                ),
                Fault::Caret(at) => self.find(
                    rules::LOOSE_CARET,
                    *at..at + 1,
                    "blanks follow this ^, so it does not join the next line",
                ),
                Fault::LastCaret(at) => self.find(
                    rules::LOOSE_CARET,
                    *at..at + 1,
                    "no line follows the one that ends with this ^",
                ),
            };
            self.add(finding);
        }
        self.check_labels(batch);
    }

    fn check_labels(&mut self, batch: &Batch) {
        let labels: HashSet<&str> = batch.labels.iter().map(|label| label.name.as_str()).collect();
        let mut goals = HashSet::new();
        for command in &batch.commands {
            let Some(goal) = command.goal(self.text) else { continue };
            if goal != "eof" && !labels.contains(goal.as_str()) {
                let message =
                    format!("the label {} does not exist; the script ends here", shown(&format!(":{goal}")));
                let finding = self.find(rules::NO_LABEL, command.range.clone(), message);
                self.add(finding);
            }
            goals.insert(goal);
        }
        if batch.commands.iter().any(|command| command.is_dynamic(self.text)) {
            return;
        }
        for label in batch.labels.iter().filter(|label| !goals.contains(&label.name)) {
            let message = format!("no goto or call refers to {}", shown(&self.text[label.range.clone()]));
            let finding = self.find(rules::UNUSED_LABEL, label.range.clone(), message);
            self.add(finding);
        }
    }
}
