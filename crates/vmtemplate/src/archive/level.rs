//! How hard the archive's content is compressed.

use std::fmt;

use libdeflater::CompressionLvl;

use crate::error::{Error, ErrorKind, Result};

/// A compression level, from 1 (fastest) to 12 (smallest). The default is 5, the fastest level whose archives are no
/// larger than those of `gzip -6`.
///
/// ```
/// use vmtemplate::archive::{Level, PackOptions};
///
/// let options = PackOptions { level: Level::new(9)?, ..PackOptions::default() };
/// assert_eq!(Level::default().get(), 5);
/// assert!(Level::new(0).is_err()); // an archive is always compressed
/// # Ok::<(), vmtemplate::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Level(i32);

impl Level {
    /// Level 1: the fastest.
    pub const FASTEST: Self = Self(1);
    /// Level 5: the default.
    pub const DEFAULT: Self = Self(5);
    /// Level 12: the smallest archives.
    pub const SMALLEST: Self = Self(12);

    /// The level of this number.
    ///
    /// # Errors
    ///
    /// [`InvalidValue`](ErrorKind::InvalidValue) unless the number is from 1 to 12.
    ///
    /// ```
    /// let error = vmtemplate::archive::Level::new(99).unwrap_err();
    /// assert_eq!(error.to_string(), "`level`: the compression level is 99; expected a number from 1 to 12");
    /// ```
    pub fn new(level: i32) -> Result<Self> {
        if (Self::FASTEST.0..=Self::SMALLEST.0).contains(&level) {
            return Ok(Self(level));
        }
        let message = format!("the compression level is {level}; expected a number from 1 to 12");
        Err(Error::new(ErrorKind::InvalidValue, message)
            .with_field("level")
            .with_help("give a level from 1 (fastest) to 12 (smallest)"))
    }

    /// The number, from 1 to 12.
    ///
    /// ```
    /// assert_eq!(vmtemplate::archive::Level::SMALLEST.get(), 12);
    /// ```
    pub const fn get(self) -> i32 {
        self.0
    }

    /// The level as libdeflate has it: it counts from 0, which only stores, to 12.
    pub(super) fn for_libdeflate(self) -> CompressionLvl {
        CompressionLvl::new(self.0).unwrap_or_default()
    }
}

impl Default for Level {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_is_one_of_libdeflate() {
        for number in 1..=12 {
            let level = Level::new(number).unwrap();
            assert_eq!(Some(level.for_libdeflate()), CompressionLvl::new(number).ok());
        }
        for number in [i32::MIN, -1, 0, 13, i32::MAX] {
            assert_eq!(Level::new(number).unwrap_err().field(), Some("level"), "{number}");
        }
    }
}
