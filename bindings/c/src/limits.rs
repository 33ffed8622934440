//! The requirements of a template on a machine.

use vmtemplate::metainfo::{AddressFamily, Limits, UnmetLimit, VmSpec};

use crate::boundary::{Failure, Outcome};
use crate::error::VMT_INVALID_VALUE;

/// Whether something is so, if that is said at all.
pub type vmt_answer = u32;
/// Nothing is said.
pub const VMT_UNSET: vmt_answer = 0;
/// It is not so.
pub const VMT_NO: vmt_answer = 1;
/// It is so.
pub const VMT_YES: vmt_answer = 2;

/// What a machine must have to use a template. A field that is zero sets no limit.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vmt_limits {
    /// Whether the primary address of a machine may be IPv4.
    pub ipv4: vmt_answer,
    /// Whether the primary address of a machine may be IPv6.
    pub ipv6: vmt_answer,
    /// The minimum memory, in MiB.
    pub memory_mib: u64,
    /// The minimum disk size, in MB.
    pub disk_mb: u64,
}

/// What a machine lacks: a combination of these flags.
pub type vmt_unmet = u32;
/// The template does not support the family of its primary address.
pub const VMT_UNMET_PRIMARY_ADDRESS: vmt_unmet = 1;
/// It has too little memory.
pub const VMT_UNMET_MEMORY: vmt_unmet = 2;
/// It has too small a disk.
pub const VMT_UNMET_DISK: vmt_unmet = 4;
/// It lacks something that a later version of this list names.
pub const VMT_UNMET_OTHER: vmt_unmet = 0x8000_0000;

pub(crate) fn answer_in(flag: vmt_answer, name: &str) -> Outcome<Option<bool>> {
    match flag {
        VMT_UNSET => Ok(None),
        VMT_NO => Ok(Some(false)),
        VMT_YES => Ok(Some(true)),
        other => Err(Failure::new(
            VMT_INVALID_VALUE,
            format!("`{name}` is {other}; expected VMT_UNSET, VMT_NO or VMT_YES"),
        )),
    }
}

const fn answer_out(flag: Option<bool>) -> vmt_answer {
    match flag {
        None => VMT_UNSET,
        Some(false) => VMT_NO,
        Some(true) => VMT_YES,
    }
}

/// The limits from C, and of `limits` those with other names.
pub(crate) fn limits_in(given: &vmt_limits, limits: Limits) -> Outcome<Limits> {
    Ok(Limits {
        ipv4: answer_in(given.ipv4, "ipv4")?,
        ipv6: answer_in(given.ipv6, "ipv6")?,
        memory_mib: (given.memory_mib > 0).then_some(given.memory_mib),
        disk_mb: (given.disk_mb > 0).then_some(given.disk_mb),
        ..limits
    })
}

pub(crate) fn out(limits: &Limits) -> vmt_limits {
    vmt_limits {
        ipv4: answer_out(limits.ipv4),
        ipv6: answer_out(limits.ipv6),
        memory_mib: limits.memory_mib.unwrap_or(0),
        disk_mb: limits.disk_mb.unwrap_or(0),
    }
}

/// What a machine with this memory, disk and address lacks.
pub(crate) fn unmet(limits: &Limits, memory_mib: u64, disk_mb: u64, primary: u32) -> Outcome<vmt_unmet> {
    let primary_address = match primary {
        4 => AddressFamily::Ipv4,
        6 => AddressFamily::Ipv6,
        other => {
            return Err(Failure::new(
                VMT_INVALID_VALUE,
                format!("`primary_address` is {other}; expected 4 or 6"),
            ));
        }
    };
    Ok(limits.unmet(&VmSpec { memory_mib, disk_mb, primary_address }).iter().fold(0, |sum, miss| {
        sum | match miss {
            UnmetLimit::PrimaryAddress { .. } => VMT_UNMET_PRIMARY_ADDRESS,
            UnmetLimit::Memory { .. } => VMT_UNMET_MEMORY,
            UnmetLimit::Disk { .. } => VMT_UNMET_DISK,
            _ => VMT_UNMET_OTHER,
        }
    }))
}
