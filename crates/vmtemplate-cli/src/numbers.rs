//! Numbers in options, with errors that name the numbers that an option takes.

use std::num::NonZeroUsize;

/// A whole number.
pub(crate) fn whole(text: &str) -> Result<u64, String> {
    between(text, 0, u64::MAX)
}

/// A number of restarts, as metainfo.xml can hold it.
pub(crate) fn reboots(text: &str) -> Result<u32, String> {
    between(text, 0, u32::MAX.into())
}

/// A level of compression. The library knows which levels exist.
pub(crate) fn level(text: &str) -> Result<i32, String> {
    between(text, 0, i32::MAX.unsigned_abs().into())
}

/// A number of threads.
pub(crate) fn threads(text: &str) -> Result<NonZeroUsize, String> {
    let count: usize = between(text, 1, u64::MAX)?;
    NonZeroUsize::new(count).ok_or_else(|| expected(1, u64::MAX))
}

fn between<T: TryFrom<u64>>(text: &str, from: u64, to: u64) -> Result<T, String> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|number| is_number && (from..=to).contains(number));
    number.and_then(|number: u64| T::try_from(number).ok()).ok_or_else(|| expected(from, to))
}

fn expected(from: u64, to: u64) -> String {
    match (from, to) {
        (0, u64::MAX) => "expected a whole number in digits".to_owned(),
        (from, u64::MAX) => format!("expected a whole number in digits, at least {from}"),
        (from, to) => format!("expected a whole number in digits, from {from} to {to}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_number_is_answered_with_the_numbers_that_are_expected() {
        for text in ["", "x", "+1", "-1", "1.5", "0x10", " 1", "18446744073709551616"] {
            assert_eq!(whole(text).unwrap_err(), "expected a whole number in digits", "{text:?}");
        }
        assert_eq!(whole("18446744073709551615"), Ok(u64::MAX));
        assert_eq!(threads("0").unwrap_err(), "expected a whole number in digits, at least 1");
        assert_eq!(
            reboots("4294967296").unwrap_err(),
            "expected a whole number in digits, from 0 to 4294967295"
        );
        assert_eq!(level("six").unwrap_err(), "expected a whole number in digits, from 0 to 2147483647");
        assert_eq!((reboots("2"), level("12")), (Ok(2), Ok(12)));
    }
}
