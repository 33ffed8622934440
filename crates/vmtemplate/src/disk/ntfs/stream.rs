//! The bytes of an attribute, wherever they are.

use super::lznt1;
use super::record::{Attribute, Value};
use super::runs::Run;
use super::{Space, damaged};
use crate::error::{Error, ErrorKind, Result};

/// A file in more pieces than this is not met in practice; it bounds the memory for a hostile one (48 MiB).
const MAX_RUNS: usize = 2 << 20;

/// Compression units have 16 clusters of at most 4 KiB; ntfs-3g and Windows write no others.
const MAX_UNIT: u64 = 1 << 20;

const COMPRESSED: u16 = 0x00FF;
const ENCRYPTED: u16 = 0x4000;

#[derive(Debug, Clone)]
pub(super) struct Stream {
    content: Content,
    size: u64,
    /// Bytes from here on read as zeros, whatever the clusters hold.
    initialized: u64,
    encrypted: bool,
}

#[derive(Debug, Clone)]
enum Content {
    Resident(Vec<u8>),
    /// `unit` is the size of a compression unit in clusters; 0 if the stream is not compressed.
    Clusters {
        runs: Vec<Run>,
        unit: u64,
    },
}

impl Stream {
    /// The stream of an attribute, or of its first piece.
    pub(super) fn begin(attribute: &Attribute<'_>, space: &Space) -> Result<Self> {
        let encrypted = attribute.flags & ENCRYPTED != 0;
        let mapped = match attribute.value {
            Value::Resident(bytes) => {
                let size = bytes.len() as u64;
                return Ok(Self {
                    content: Content::Resident(bytes.to_vec()),
                    size,
                    initialized: size,
                    encrypted,
                });
            }
            Value::Runs(mapped) => mapped,
        };
        let unit = match (attribute.flags & COMPRESSED, mapped.unit) {
            (0, _) => 0,
            (1, power @ 1..=8) if u64::from(space.boot.cluster) << power <= MAX_UNIT => 1 << power,
            (method, power) => {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    format!("compression method {method} with units of 2^{power} clusters is not known"),
                ));
            }
        };
        let mut stream = Self {
            content: Content::Clusters { runs: Vec::new(), unit },
            size: mapped.size,
            initialized: mapped.initialized.min(mapped.size),
            encrypted,
        };
        stream.append(attribute, space)?;
        Ok(stream)
    }

    /// Add the piece that follows.
    pub(super) fn append(&mut self, attribute: &Attribute<'_>, space: &Space) -> Result<()> {
        let (Content::Clusters { runs, .. }, Value::Runs(mapped)) = (&mut self.content, attribute.value)
        else {
            return Err(damaged(
                "an attribute is in several pieces, but not all of them are stored in clusters",
            ));
        };
        let end = runs.last().map_or(0, Run::end);
        if mapped.first != end {
            return Err(damaged(format!("a piece starts at cluster {}; {end} was expected", mapped.first)));
        }
        for run in mapped.pairs(space.boot.clusters) {
            let run =
                run.map_err(|_| damaged("the mapping pairs contradict themselves or leave the volume"))?;
            if runs.len() == MAX_RUNS {
                return Err(Error::new(
                    ErrorKind::LimitExceeded,
                    format!("a file consists of more than {MAX_RUNS} pieces"),
                ));
            }
            runs.push(run);
        }
        Ok(())
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// How many bytes were ever written: the rest reads as zeros.
    pub(super) fn initialized(&self) -> u64 {
        self.initialized
    }

    /// The runs; none if the value is in its record.
    pub(super) fn runs(&self) -> &[Run] {
        match &self.content {
            Content::Resident(_) => &[],
            Content::Clusters { runs, .. } => runs,
        }
    }

    /// Whether the clusters hold the bytes as they are.
    pub(super) fn is_plain(&self) -> bool {
        !self.encrypted && matches!(self.content, Content::Resident(_) | Content::Clusters { unit: 0, .. })
    }

    /// Whether the volume holds every byte: no hole is where there should be data.
    pub(super) fn has_all_data(&self) -> bool {
        match &self.content {
            Content::Resident(_) => true,
            // In each compression unit something is stored; the hole behind it is what compression saved.
            Content::Clusters { runs, unit } if *unit > 0 => {
                runs.iter().all(|run| run.lcn.is_some() || run.length < *unit)
            }
            Content::Clusters { runs, .. } => runs.iter().all(|run| run.lcn.is_some()),
        }
    }

    /// Fill `buf` from `offset` on; how many bytes there were before the end.
    pub(super) fn read_at(&self, space: &Space, buf: &mut [u8], offset: u64) -> Result<usize> {
        if self.encrypted {
            return Err(Error::new(ErrorKind::Unsupported, "the file is encrypted with EFS")
                .with_help("decrypt it inside the virtual machine (cipher /d)"));
        }
        let count = (buf.len() as u64).min(self.size.saturating_sub(offset)) as usize;
        if count == 0 {
            return Ok(0);
        }
        let written = (count as u64).min(self.initialized.saturating_sub(offset)) as usize;
        let (written, rest) = buf[..count].split_at_mut(written);
        rest.fill(0);
        match &self.content {
            Content::Resident(bytes) => written.copy_from_slice(&bytes[offset as usize..][..written.len()]),
            Content::Clusters { runs, unit: 0 } => read_runs(space, runs, written, offset)?,
            Content::Clusters { runs, unit } => read_units(space, runs, *unit, written, offset)?,
        }
        Ok(count)
    }

    /// All bytes, if there are at most `max`.
    pub(super) fn read_all(&self, space: &Space, max: u64) -> Result<Vec<u8>> {
        if self.size > max {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!("it has {} bytes; at most {max} are read into memory", self.size),
            ));
        }
        let mut bytes = vec![0; self.size as usize];
        self.read_at(space, &mut bytes, 0)?;
        Ok(bytes)
    }
}

/// The runs from cluster `vcn` of the stream on.
fn runs_from(runs: &[Run], vcn: u64) -> &[Run] {
    &runs[runs.partition_point(|run| run.end() <= vcn)..]
}

/// Read what the clusters hold.
fn read_runs(space: &Space, runs: &[Run], mut buf: &mut [u8], mut offset: u64) -> Result<()> {
    let cluster = u64::from(space.boot.cluster);
    for run in runs_from(runs, offset / cluster) {
        if buf.is_empty() {
            break;
        }
        // The runs follow each other without a gap, so `offset` is within this one.
        let within = offset - run.vcn * cluster;
        let count = (buf.len() as u64).min(run.length * cluster - within) as usize;
        let (part, rest) = buf.split_at_mut(count);
        match run.lcn {
            Some(lcn) => space.read(part, lcn * cluster + within)?,
            None => part.fill(0),
        }
        offset += count as u64;
        buf = rest;
    }
    if buf.is_empty() { Ok(()) } else { Err(damaged(format!("no run maps byte {offset} of the file"))) }
}

/// Read a compressed stream: each unit is a hole, or plain clusters, or compressed ones with a hole behind them.
fn read_units(space: &Space, runs: &[Run], unit: u64, mut buf: &mut [u8], mut offset: u64) -> Result<()> {
    let cluster = u64::from(space.boot.cluster);
    let unit_bytes = unit * cluster;
    let (mut packed, mut plain) = (Vec::new(), Vec::new());
    while !buf.is_empty() {
        let first = offset / unit_bytes * unit;
        let within = (offset - first * cluster) as usize;
        let count = buf.len().min(unit_bytes as usize - within);
        let (part, rest) = buf.split_at_mut(count);
        match stored_clusters(runs, first, unit)? {
            0 => part.fill(0),
            stored if stored == unit => read_runs(space, runs, part, offset)?,
            stored => {
                packed.resize((stored * cluster) as usize, 0);
                read_runs(space, runs, &mut packed, first * cluster)?;
                plain.resize(unit_bytes as usize, 0);
                lznt1::decompress(&packed, &mut plain).ok_or_else(|| {
                    damaged(format!("the compressed data at byte {offset} of the file are damaged"))
                })?;
                part.copy_from_slice(&plain[within..within + count]);
            }
        }
        offset += count as u64;
        buf = rest;
    }
    Ok(())
}

/// How many clusters at the start of a compression unit are stored; the rest of it must be a hole.
fn stored_clusters(runs: &[Run], first: u64, unit: u64) -> Result<u64> {
    let (mut at, end, mut stored) = (first, first + unit, 0);
    for run in runs_from(runs, first) {
        if at == end {
            break;
        }
        let count = run.end().min(end) - at;
        if run.lcn.is_some() {
            if stored != at - first {
                return Err(damaged(format!(
                    "the compression unit at cluster {first} of the file has a hole inside"
                )));
            }
            stored += count;
        }
        at += count;
    }
    // The last unit may end with the runs.
    Ok(stored)
}
