//! Where a stream is: runs of clusters, packed as mapping pairs.

/// No stream has 2^63 bytes: with clusters of 2 MiB that are 2^42, and no later product of the two overflows.
pub(super) const MAX_VCN: u64 = 1 << 42;

/// A stretch of a stream. `lcn` is `None` for a hole, which has no clusters and reads as zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    /// The first cluster of the stream.
    pub(super) vcn: u64,
    /// How many clusters.
    pub(super) length: u64,
    /// The first cluster of the volume.
    pub(super) lcn: Option<u64>,
}

impl Run {
    pub(super) fn end(&self) -> u64 {
        self.vcn + self.length
    }
}

/// Decodes mapping pairs one run at a time, so that a proof over millions of records keeps none of them.
///
/// Each pair begins with a byte of two sizes; then come the length and the distance from the cluster of the run
/// before, both little-endian and signed (Linux-NTFS documentation, "Data runs").
#[derive(Debug)]
pub(super) struct MappingPairs<'a> {
    bytes: &'a [u8],
    vcn: u64,
    lcn: i64,
    clusters: u64,
}

/// The mapping pairs contradict themselves or the volume.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadRun;

impl<'a> MappingPairs<'a> {
    /// Decode `bytes`, which map a stream from cluster `vcn` on, on a volume of `clusters`.
    pub(super) fn new(bytes: &'a [u8], vcn: u64, clusters: u64) -> Self {
        Self { bytes, vcn, lcn: 0, clusters }
    }

    /// The cluster of the stream after all runs that were decoded.
    pub(super) fn vcn(&self) -> u64 {
        self.vcn
    }

    fn decode(&mut self, sizes: u8) -> Option<Run> {
        let (length_size, lcn_size) = (usize::from(sizes & 15), usize::from(sizes >> 4));
        let length =
            u64::try_from(signed(self.bytes.get(1..=length_size)?)?).ok().filter(|&length| length > 0)?;
        let lcn_bytes = self.bytes.get(1 + length_size..1 + length_size + lcn_size)?;
        self.bytes = &self.bytes[1 + length_size + lcn_size..];
        let lcn = if lcn_size == 0 {
            None
        } else {
            self.lcn = self.lcn.checked_add(signed(lcn_bytes)?)?;
            let lcn = u64::try_from(self.lcn).ok()?;
            lcn.checked_add(length).filter(|&end| end <= self.clusters)?;
            Some(lcn)
        };
        let run = Run { vcn: self.vcn, length, lcn };
        self.vcn = self.vcn.checked_add(length).filter(|&end| end <= MAX_VCN)?;
        Some(run)
    }
}

impl Iterator for MappingPairs<'_> {
    type Item = Result<Run, BadRun>;

    fn next(&mut self) -> Option<Self::Item> {
        let sizes = match self.bytes.first() {
            Some(0) => return None,
            Some(&sizes) => sizes,
            // The end mark is missing.
            None => 0xFF,
        };
        let run = self.decode(sizes);
        if run.is_none() {
            self.bytes = &[0];
        }
        Some(run.ok_or(BadRun))
    }
}

/// A signed little-endian number of 1 to 8 bytes.
fn signed(bytes: &[u8]) -> Option<i64> {
    let mut wide = [if bytes.last()? & 0x80 == 0 { 0 } else { 0xFF }; 8];
    wide.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(i64::from_le_bytes(wide))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(bytes: &[u8]) -> Result<Vec<(u64, Option<u64>)>, BadRun> {
        MappingPairs::new(bytes, 0, 1000).map(|run| run.map(|run| (run.length, run.lcn))).collect()
    }

    #[test]
    fn runs_are_decoded_with_signed_distances_and_holes() {
        let bytes = [0x21, 0x18, 0x34, 0x01, 0x11, 0x10, 0xF0, 0x01, 0x20, 0x11, 0x08, 0x10, 0x00];
        assert_eq!(runs(&bytes).unwrap(), [(24, Some(308)), (16, Some(292)), (32, None), (8, Some(308))]);
    }

    #[test]
    fn runs_that_leave_the_volume_or_overflow_are_refused() {
        for bytes in [
            &[0x11, 0x10, 0xFF, 0x00][..],   // before the first cluster
            &[0x21, 0x10, 0xE0, 0x03, 0x00], // 992 + 16: past the last one
            &[0x11, 0x00, 0x01, 0x00],       // a length of 0
            &[0x11, 0x80, 0x01, 0x00],       // a negative length
            &[0x81, 1, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0x81, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0],
            &[0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0x08, 2, 0, 0, 0, 0, 0, 0, 0x7F, 0],
            &[0x99, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0], // numbers of nine bytes
            &[0x21, 0x10],                                                    // cut
            &[0x11, 0x10, 0x10],                                              // no end mark
            &[],
        ] {
            assert_eq!(runs(bytes), Err(BadRun), "{bytes:x?}");
        }
    }
}
