//! The proof that no cluster which `$Bitmap` marks free holds anything that is alive.
//!
//! Every record of the MFT that is in use is visited in the order of the disk, extension records among them. Each
//! run of each attribute must lie in clusters that are marked used and that no other run has claimed: files never
//! share clusters in NTFS. Streams must be mapped whole, and attribute lists must lead to records that are there:
//! otherwise something alive could be where no run was seen. What the proof does not need is not asked, so that
//! a sound volume is not refused for a matter of taste.

use super::clusters::ClusterSet;
use super::record::{Attribute, Mapped, Record, Value, kind, list_entries, number};
use super::{NtfsVolume, damaged, flawed};
use crate::error::{Error, ErrorKind, Result};
use crate::progress::Control;
use crate::shown::Shown;

/// 4 TiB with clusters of 4 KiB. Bounds the memory: 128 MiB for the result, as much again during the proof.
pub(in super::super) const MAX_CLUSTERS: u64 = 1 << 30;

/// 64 GiB of MFT. Bounds the time for an MFT that is said to be huge and is all holes.
const MAX_RECORDS: u64 = 1 << 26;

/// How much of the MFT is read at a time.
const CHUNK: u64 = 2 << 20;

/// Records below this number always are in use: $MFT to $UpCase.
const SYSTEM_RECORDS: u64 = 11;

impl NtfsVolume {
    /// The free clusters, if the volume proves consistent.
    ///
    /// # Errors
    ///
    /// [`InvalidImage`](ErrorKind::InvalidImage) says what contradicts what; other kinds are those of reading.
    pub(in super::super) fn prove_free(&self, control: &Control) -> Result<ClusterSet> {
        let used = self.cluster_bitmap()?;
        let mut proof = Proof {
            volume: self,
            claimed: ClusterSet::new(self.space.boot.clusters),
            records: self.record_bitmap()?,
            used,
        };
        proof.check_boot_sectors()?;
        proof.visit_records(control)?;
        Ok(proof.used.invert())
    }

    fn cluster_bitmap(&self) -> Result<ClusterSet> {
        let boot = &self.space.boot;
        if boot.clusters > MAX_CLUSTERS {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!(
                    "the volume has {} clusters; free space is supported for at most {MAX_CLUSTERS}",
                    boot.clusters
                ),
            ));
        }
        let mut buf = Vec::new();
        let record = self.record(number::BITMAP, &mut buf)?;
        let needed = boot.clusters.div_ceil(8);
        let stream = self
            .stream(record, number::BITMAP, kind::DATA, b"")?
            .filter(|stream| stream.initialized() >= needed && stream.is_plain())
            .ok_or_else(|| {
                damaged(format!("$Bitmap does not cover the {} clusters of the volume", boot.clusters))
            })?;
        let mut bytes = vec![0; needed as usize];
        stream.read_at(&self.space, &mut bytes, 0)?;
        Ok(ClusterSet::from_bytes(&bytes, boot.clusters))
    }

    /// Which records of the MFT are in use, by its own bitmap.
    fn record_bitmap(&self) -> Result<ClusterSet> {
        let count = self.mft.size() / u64::from(self.space.boot.record);
        if count > MAX_RECORDS {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!("the MFT has {count} records; at most {MAX_RECORDS} are checked"),
            ));
        }
        let mut buf = Vec::new();
        let record = self.record(number::MFT, &mut buf)?;
        let stream = self
            .stream(record, number::MFT, kind::BITMAP, b"")?
            .ok_or_else(|| damaged("the MFT has no bitmap of its records"))?;
        let mut bytes = vec![0; count.div_ceil(8) as usize];
        // Records past its end were never used.
        stream.read_at(&self.space, &mut bytes, 0)?;
        Ok(ClusterSet::from_bytes(&bytes, count))
    }
}

struct Proof<'v> {
    volume: &'v NtfsVolume,
    used: ClusterSet,
    claimed: ClusterSet,
    records: ClusterSet,
}

impl Proof<'_> {
    /// No run needs to lead to the boot sectors, so they are looked at by their place.
    fn check_boot_sectors(&self) -> Result<()> {
        let boot = &self.volume.space.boot;
        let backup = (boot.length - u64::from(boot.sector)) / u64::from(boot.cluster);
        // Usually the backup is behind the last whole cluster, where nothing is ever dropped.
        for (cluster, name) in [(0, "boot sector"), (backup, "backup boot sector")] {
            if cluster < boot.clusters && !self.used.contains(cluster) {
                return Err(damaged(format!("$Bitmap marks the cluster of the {name} free")));
            }
        }
        Ok(())
    }

    fn visit_records(&mut self, control: &Control) -> Result<()> {
        let volume = self.volume;
        let size = u64::from(volume.space.boot.record);
        let end = volume.mft.initialized() / size * size;
        let mut chunk = Vec::new();
        let mut offset = 0;
        while offset < end {
            control.stop_if_cancelled()?;
            chunk.resize(CHUNK.min(end - offset) as usize, 0);
            volume.mft.read_at(&volume.space, &mut chunk, offset)?;
            for (number, bytes) in (offset / size..).zip(chunk.chunks_exact_mut(size as usize)) {
                self.visit_record(number, bytes)?;
            }
            offset += chunk.len() as u64;
        }
        Ok(())
    }

    fn visit_record(&mut self, number: u64, bytes: &mut [u8]) -> Result<()> {
        // A record that was never used may hold anything, as long as nothing says that it is one.
        let is_file = bytes.starts_with(b"FILE");
        let says_in_use = is_file && bytes.get(22).is_some_and(|flags| flags & 1 != 0);
        if !says_in_use {
            if number < SYSTEM_RECORDS || (!is_file && self.records.contains(number)) {
                return Err(flawed(number, "it should be in use, but is not"));
            }
            return Ok(());
        }
        let Some(record) = Record::parse(bytes).map_err(|flaw| flawed(number, flaw))? else {
            return Ok(());
        };
        if record.own_number().is_some_and(|own| u64::from(own) != number & 0xFFFF_FFFF) {
            return Err(flawed(number, "it has the number of another record"));
        }
        let mut list = None;
        for attribute in record.attributes() {
            let attribute = attribute.map_err(|flaw| flawed(number, flaw))?;
            if let Value::Runs(mapped) = attribute.value {
                self.claim(number, &attribute, &mapped)?;
            }
            if attribute.kind == kind::ATTRIBUTE_LIST {
                list = Some(attribute);
            }
        }
        let is_extension = record.base.number() != 0 || record.base.sequence() != 0;
        match list {
            _ if is_extension => Ok(()), // seen from its base record
            Some(_) => self.check_listed(number, record),
            None => self.check_whole(number, record),
        }
    }

    /// Every cluster of the runs must be marked used and be claimed for the first time.
    fn claim(&mut self, number: u64, attribute: &Attribute<'_>, mapped: &Mapped<'_>) -> Result<()> {
        let wrong = |what: String| {
            let name = crate::le::utf16(attribute.name);
            flawed(number, format!("attribute {:#x} \"{}\": {what}", attribute.kind, Shown(name)))
        };
        let mut pairs = mapped.pairs(self.volume.space.boot.clusters);
        for run in &mut pairs {
            let run =
                run.map_err(|_| wrong("its mapping pairs contradict themselves or leave the volume".into()))?;
            let Some(lcn) = run.lcn else { continue };
            if !self.used.contains_all(lcn, run.length) {
                return Err(wrong(format!(
                    "$Bitmap marks clusters of its run at {lcn} ({}) free",
                    run.length
                )));
            }
            if !self.claimed.insert(lcn, run.length) {
                return Err(wrong(format!("its run at {lcn} ({}) has clusters of another run", run.length)));
            }
        }
        if pairs.vcn() != mapped.end {
            return Err(wrong(format!("it maps {} clusters; {} were expected", pairs.vcn(), mapped.end)));
        }
        Ok(())
    }

    /// All attributes are in this record: each stream must be mapped from its start to its size.
    fn check_whole(&self, number: u64, record: Record<'_>) -> Result<()> {
        for attribute in record.attributes() {
            let attribute = attribute.map_err(|flaw| flawed(number, flaw))?;
            if let Value::Runs(mapped) = attribute.value {
                self.check_mapped(number, mapped.first, mapped.end, mapped.size)?;
            }
        }
        Ok(())
    }

    /// The attributes are in several records: each piece must be there, follow the one before, and be a part of
    /// this file.
    fn check_listed(&self, number: u64, record: Record<'_>) -> Result<()> {
        let volume = self.volume;
        let list = volume.attribute_list(record)?.unwrap_or_default();
        let mut buf = Vec::new();
        let mut stream: Option<(u32, &[u8], u64, u64)> = None;
        for entry in list_entries(&list) {
            let entry = entry.map_err(|flaw| flawed(number, flaw))?;
            let piece = volume.piece(record, number, &entry, &mut buf)?;
            let Value::Runs(mapped) = piece.value else { continue };
            let continued = stream
                .filter(|&(kind, name, ..)| mapped.first != 0 && kind == entry.kind && name == entry.name);
            let (end, size) = continued.map_or((0, mapped.size), |(.., end, size)| (end, size));
            if continued.is_none() {
                self.check_end(number, stream)?;
            }
            if mapped.first != end || entry.first != end {
                return Err(flawed(
                    number,
                    format!("a stream continues at cluster {}; {end} was expected", mapped.first),
                ));
            }
            stream = Some((entry.kind, entry.name, mapped.end, size));
        }
        self.check_end(number, stream)
    }

    fn check_end(&self, number: u64, stream: Option<(u32, &[u8], u64, u64)>) -> Result<()> {
        stream.map_or(Ok(()), |(.., end, size)| self.check_mapped(number, 0, end, size))
    }

    fn check_mapped(&self, number: u64, first: u64, end: u64, size: u64) -> Result<()> {
        if first != 0 || end * u64::from(self.volume.space.boot.cluster) < size {
            return Err(flawed(
                number,
                format!("clusters {first}..{end} of a stream are mapped, but it has {size} bytes"),
            ));
        }
        Ok(())
    }
}
