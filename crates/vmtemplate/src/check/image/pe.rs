//! For which processor a program is made.

use std::fmt;

use crate::disk::NtfsFile;
use crate::error::Result;
use crate::le;

/// The processors that Windows runs on, as "Machine Types" of Microsoft, "PE Format".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Machine {
    X86,
    X64,
    Arm64,
    Other(u16),
}

impl Machine {
    /// The machine that the header of a program names; `None` if it is no program.
    pub(super) fn of(file: &NtfsFile<'_>) -> Result<Option<Self>> {
        if file.is_folder() {
            return Ok(None);
        }
        // "PE Format": the offset of the signature is at 0x3C, the machine behind the signature.
        let mut start = [0; 64];
        if file.read_at(&mut start, 0)? < start.len() || !start.starts_with(b"MZ") {
            return Ok(None);
        }
        let at = u64::from(le::u32_in(&start, 60));
        let mut header = [0; 6];
        if file.read_at(&mut header, at)? < header.len() || !header.starts_with(b"PE\0\0") {
            return Ok(None);
        }
        Ok(Some(match le::u16_in(&header, 4) {
            0x014C => Self::X86,
            0x8664 => Self::X64,
            0xAA64 => Self::Arm64,
            other => Self::Other(other),
        }))
    }

    /// The machine by the name that Windows has in `PROCESSOR_ARCHITECTURE`.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        match name.to_ascii_uppercase().as_str() {
            "X86" => Some(Self::X86),
            "AMD64" => Some(Self::X64),
            "ARM64" => Some(Self::Arm64),
            _ => None,
        }
    }

    /// Whether a Windows for this machine runs programs (not drivers) made for `program`.
    ///
    /// Microsoft, "Running 32-bit Applications" (WOW64), and "Windows on Arm": x64 is emulated there since Windows 11.
    pub(super) fn runs(self, program: Self) -> bool {
        self == program
            || match self {
                Self::X64 => program == Self::X86,
                Self::Arm64 => matches!(program, Self::X86 | Self::X64),
                _ => false,
            }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::X86 => f.write_str("x86"),
            Self::X64 => f.write_str("x64"),
            Self::Arm64 => f.write_str("ARM64"),
            Self::Other(number) => write!(f, "machine {number:#06x}"),
        }
    }
}
