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

/// How many scripts may be in each other.
const DEEPEST: usize = 4;

impl Parser<'_> {
    /// A script of the shell. What stands for a hole must be plain, and more where it names what is run.
    /// It is in `span` of this one. `layered` is whether it arrives as it is between the quotes around it, so that a
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
