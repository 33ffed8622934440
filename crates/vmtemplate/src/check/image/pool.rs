//! That the volumes are basic ones, which are on this disk alone.

use super::look::Look;
use super::volumes::Volumes;
use crate::disk::Pool;
use crate::rules::{Finding, Place, Severity, image as rules};

pub(super) fn check(look: &Look<'_>, volumes: &Volumes) {
    for (pool, rule) in [
        (Pool::DynamicDisk, rules::DYNAMIC_DISK),
        (Pool::StorageSpaces, rules::STORAGE_SPACES),
        (Pool::Raid, rules::RAID),
        (Pool::Lvm, rules::RAID),
        (Pool::Shared, rules::RAID),
    ] {
        // One sign is enough: a dynamic disk has some in every partition, and more at its ends.
        let mut signs = volumes.pools.iter().filter(|sign| sign.pool == pool);
        // Beside Windows, a partition of its own may hold what it likes.
        let Some(sign) = signs.find(|sign| {
            let has_volume = || volumes.ntfs.iter().any(|volume| sign.concerns(volume.partition));
            sign.is_stated || has_volume()
        }) else {
            continue;
        };
        let finding = Finding::new(rule, sign.evidence.as_str())
            .at(Place { partition: sign.partition, ..look.image() });
        // Bytes without a word of the table may be what an earlier use of the disk left.
        look.add(if sign.is_stated { finding } else { finding.with_severity(Severity::Warning) });
    }
    for &partition in &volumes.refs {
        let place = Place { partition, ..look.image() };
        look.report(rules::REFS, place, "the volume is ReFS; nothing in it was checked");
    }
    for volume in &volumes.ntfs {
        let place = volume.place(look, "System Volume Information");
        if let Ok(count @ 1..) = look.seen(place.clone(), volume.ntfs.shadow_copies()) {
            let copies = if count == 1 { "shadow copy" } else { "shadow copies" };
            look.report(rules::SHADOW_COPIES, place, format!("the volume holds {count} {copies}"));
        }
    }
}
