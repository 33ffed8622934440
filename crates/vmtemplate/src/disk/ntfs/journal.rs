//! Whether the journal, $LogFile, holds changes that the volume does not have yet.

use super::NtfsVolume;
use super::record::{fix_up, kind, number};
use crate::error::Result;
use crate::le;

/// `client_in_use_list` of a journal that nobody has open.
const NO_CLIENT: u16 = 0xFFFF;
const VOLUME_IS_CLEAN: u16 = 0x0002;
/// The major version from which on a journal is that of a mounted volume.
const MOUNTED_VERSION: u16 = 2;
/// The size of a restart page on all machines that Windows runs on today.
const DEFAULT_PAGE: usize = 4096;

/// Whether everything in the journal has reached the volume.
///
/// A virtual machine that lost power leaves the dirty flag as it was: only the restart area of the journal states.
/// Layout and rule: `logfile.h` and `ntfs_is_logfile_clean` of ntfs-3g.
///
/// Windows 8 and later write version 2.0 while they have a volume mounted, and go back to 1.1 when they dismount it. A
/// version of 2.0 is therefore a volume that was not let go of, as one that a hibernated Windows holds, whatever its
/// flags say; ntfs-3g refuses to replay it for the same reason.
pub(super) fn is_clean(volume: &NtfsVolume) -> Result<bool> {
    let mut buf = Vec::new();
    let record = volume.record(number::LOG_FILE, &mut buf)?;
    let Some(stream) = volume.stream(record, number::LOG_FILE, kind::DATA, b"")? else {
        return Ok(false);
    };
    // Two restart pages, written in turn: at 0 and one page further.
    let mut start = vec![0; 2 * 65_536];
    let count = stream.read_at(&volume.space, &mut start, 0)?;
    start.truncate(count);
    // Made by mkntfs, or emptied by ntfs-3g.
    if !start.is_empty() && start.iter().all(|&byte| byte == 0xFF) {
        return Ok(true);
    }
    let first = RestartPage::read(&start);
    let size = match first {
        RestartPage::Written { size, .. } => size,
        RestartPage::Blank | RestartPage::Damaged => DEFAULT_PAGE,
    };
    let mut newest: Option<RestartArea> = None;
    for page in [first, RestartPage::read(start.get(size..).unwrap_or_default())] {
        match page {
            RestartPage::Blank => {}
            // What a page says that was written in part is lost: it may be the newer one, of a mounted volume.
            RestartPage::Damaged => return Ok(false),
            RestartPage::Written { area, .. } => {
                // Of two that are equally new, the one that is less sure of being clean.
                let age = |area: &RestartArea| (area.lsn, !area.is_clean());
                if newest.as_ref().is_none_or(|newest| age(newest) < age(&area)) {
                    newest = Some(area);
                }
            }
        }
    }
    Ok(newest.is_some_and(|area| area.is_clean()))
}

/// One of the two pages.
enum RestartPage {
    Written {
        /// In bytes.
        size: usize,
        area: RestartArea,
    },
    /// Nobody has written it yet.
    Blank,
    Damaged,
}

impl RestartPage {
    /// The page that begins with `bytes`.
    fn read(bytes: &[u8]) -> Self {
        let is_all =
            |value| bytes.get(..DEFAULT_PAGE).is_some_and(|page| page.iter().all(|&byte| byte == value));
        if is_all(0) || is_all(0xFF) {
            return Self::Blank;
        }
        restart_area(bytes).map_or(Self::Damaged, |(size, area)| Self::Written { size, area })
    }
}

struct RestartArea {
    major: u16,
    lsn: u64,
    clients: u16,
    flags: u16,
}

impl RestartArea {
    fn is_clean(&self) -> bool {
        self.major < MOUNTED_VERSION && (self.clients == NO_CLIENT || self.flags & VOLUME_IS_CLEAN != 0)
    }
}

/// The size of a restart page, and its area; `None` if it does not verify.
fn restart_area(page: &[u8]) -> Option<(usize, RestartArea)> {
    let size = le::u32_at(page, 16)? as usize;
    if !(page.starts_with(b"RSTR") || page.starts_with(b"CHKD"))
        || !(512..=65_536).contains(&size)
        || !size.is_multiple_of(512)
    {
        return None;
    }
    let mut page = page.get(..size)?.to_vec();
    fix_up(&mut page).ok()?;
    let area = page.get(usize::from(le::u16_at(&page, 24)?)..)?;
    let area = RestartArea {
        major: le::u16_at(&page, 28)?,
        lsn: le::u64_at(area, 0)?,
        clients: le::u16_at(area, 12)?,
        flags: le::u16_at(area, 14)?,
    };
    Some((size, area))
}
