//! One look into an image: what is looked at, and what was found so far.

use std::cell::RefCell;

use crate::check::ImageContext;
use crate::disk::DiskImage;
use crate::error::{Error, ErrorKind};
use crate::rules::{Finding, Place, Rule, image as rules};

pub(super) struct Look<'a> {
    pub(super) disk: &'a DiskImage,
    pub(super) context: &'a ImageContext<'a>,
    findings: RefCell<Vec<Finding>>,
    /// What ended the work before all was looked at.
    ended: RefCell<Option<Error>>,
}

/// It could not be looked at, and the report says so already.
pub(super) struct Unread;

pub(super) type Seen<T> = Result<T, Unread>;

impl<'a> Look<'a> {
    pub(super) fn new(disk: &'a DiskImage, context: &'a ImageContext<'a>) -> Self {
        Self { disk, context, findings: RefCell::default(), ended: RefCell::default() }
    }

    /// What was found; or the error that ended the work, as what was not read is then neither right nor wrong.
    pub(super) fn findings(self) -> Result<Vec<Finding>, Error> {
        self.ended.into_inner().map_or_else(|| Ok(self.findings.into_inner()), Err)
    }

    /// Whether there is no use in looking further.
    pub(super) fn has_ended(&self) -> bool {
        self.ended.borrow().is_some() || self.context.control.cancel.is_cancelled()
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

    /// Say that something could not be looked at. Once for each place is enough, and once for an image that cannot be
    /// read.
    pub(super) fn unread(&self, place: Place, error: &Error) -> Unread {
        if error.ends_the_work() {
            self.ended.borrow_mut().get_or_insert_with(|| error.clone());
            return Unread;
        }
        let (rule, place, message) = if self.is_of_the_disk(error) {
            (rules::IMAGE, self.image(), error.message().to_owned())
        } else {
            (rules::UNREAD, place, format!("not checked: {}", error.message()))
        };
        let is_known = |finding: &Finding| finding.rule() == rule && *finding.place() == place;
        let is_known = self.findings.borrow().iter().any(is_known);
        if !is_known {
            let finding = Finding::new(rule, message);
            let finding = match error.help() {
                Some(help) => finding.with_fix(help),
                None => finding,
            };
            self.add(finding.at(place));
        }
        Unread
    }

    /// Whether the report says that the image cannot be read: then what is missing may be there.
    pub(super) fn has_unread_image(&self) -> bool {
        self.findings.borrow().iter().any(|finding| finding.rule() == rules::IMAGE)
    }

    /// Whether reading the disk failed, not what is on it: such an error names the file of the image, or is one of
    /// the operating system.
    pub(super) fn is_of_the_disk(&self, error: &Error) -> bool {
        let is_own = self.disk.path().is_some() && error.path() == self.disk.path();
        is_own || matches!(error.kind(), ErrorKind::Io | ErrorKind::PermissionDenied)
    }

    /// What reading gave; a failure is reported.
    pub(super) fn seen<T>(&self, place: Place, result: Result<T, Error>) -> Seen<T> {
        result.map_err(|error| self.unread(place, &error))
    }
}
