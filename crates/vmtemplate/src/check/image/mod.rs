//! What can be told from inside the disk: the rules of the image.

mod rules;

use super::ImageContext;
use crate::disk::DiskImage;
use crate::finding::{Finding, Rule};

pub(super) const RULES: &[Rule] = rules::RULES;

/// Look into the disk, without changing it.
pub(super) fn check_image(_disk: &DiskImage, _context: &ImageContext<'_>) -> Vec<Finding> {
    Vec::new()
}
