//! How the volume folds case: its own table, written when it was formatted.

use super::record::{kind, number};
use super::{NtfsVolume, damaged};
use crate::error::Result;

/// For each UTF-16 unit, the unit that it counts as.
#[derive(Debug)]
pub(super) struct UpCase(Vec<u16>);

impl UpCase {
    pub(super) fn read(volume: &NtfsVolume) -> Result<Self> {
        let mut buf = Vec::new();
        let record = volume.record(number::UPCASE, &mut buf)?;
        let bytes = match volume.stream(record, number::UPCASE, kind::DATA, b"")? {
            Some(stream) => stream.read_all(&volume.space, 1 << 17)?,
            None => Vec::new(),
        };
        if bytes.len() != 1 << 17 {
            return Err(damaged(format!("$UpCase has {} bytes; 131072 were expected", bytes.len())));
        }
        Ok(Self(bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect()))
    }

    pub(super) fn of(&self, unit: u16) -> u16 {
        self.0.get(usize::from(unit)).copied().unwrap_or(unit)
    }
}
