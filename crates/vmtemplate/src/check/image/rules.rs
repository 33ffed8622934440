//! The table of the rules of the image.

use crate::finding::Rule;

/// Codes VMT03xx to VMT06xx.
pub(super) const RULES: &[Rule] = &[];
