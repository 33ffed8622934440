//! One look into an image: what is looked at, and what was found so far.

use std::cell::RefCell;

use super::rules;
use crate::check::ImageContext;
use crate::disk::DiskImage;
use crate::error::Error;
use crate::finding::{Finding, Place, Rule};

pub(super) struct Look<'a> {
    pub(super) disk: &'a DiskImage,
    pub(super) context: &'a ImageContext<'a>,
    findings: RefCell<Vec<Finding>>,
}

/// It could not be looked at, and the report says so already.
pub(super) struct Unread;

pub(super) type Seen<T> = Result<T, Unread>;

impl<'a> Look<'a> {
    pub(super) fn new(disk: &'a DiskImage, context: &'a ImageContext<'a>) -> Self {
        Self { disk, context, findings: RefCell::default() }
    }

    pub(super) fn findings(self) -> Vec<Finding> {
        self.findings.into_inner()
    }

    /// The image as a place.
    pub(super) fn image(&self) -> Place {
        Place { file: Some(self.context.name.to_owned()).filter(|name| !name.is_empty()), ..Place::default() }
    }

    pub(super) fn report(&self, rule: &'static Rule, place: Place, message: impl Into<String>) {
        self.add(Finding::new(rule, message).at(place));
    }

    pub(super) fn add(&self, finding: Finding) {
        self.findings.borrow_mut().push(finding);
    }

    /// Say that something could not be looked at. Once for each place is enough.
    pub(super) fn unread(&self, place: Place, error: &Error) -> Unread {
        let is_known = |finding: &Finding| finding.rule() == rules::UNREAD && *finding.place() == place;
        let is_known = self.findings.borrow().iter().any(is_known);
        if !is_known {
            let finding = Finding::new(rules::UNREAD, format!("not looked at: {}", error.message()));
            let finding = match error.help() {
                Some(help) => finding.with_fix(help),
                None => finding,
            };
            self.add(finding.at(place));
        }
        Unread
    }

    /// What reading gave; a failure is told.
    pub(super) fn seen<T>(&self, place: Place, result: Result<T, Error>) -> Seen<T> {
        result.map_err(|error| self.unread(place, &error))
    }
}
