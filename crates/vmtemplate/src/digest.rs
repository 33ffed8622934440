//! Checksums as text.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// What was hashed, as 64 hexadecimal digits.
pub(crate) fn hex(hash: Sha256) -> String {
    let mut digits = String::with_capacity(64);
    for byte in hash.finalize() {
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}
