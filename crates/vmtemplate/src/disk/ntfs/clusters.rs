//! A set of clusters, one bit each.

/// A set of the clusters `0..len`. Ranges are handled a word at a time.
#[derive(Debug, Clone)]
pub(in super::super) struct ClusterSet {
    words: Vec<u64>,
    len: u64,
}

impl ClusterSet {
    /// The empty set over `len` clusters.
    pub(in super::super) fn new(len: u64) -> Self {
        Self { words: vec![0; len.div_ceil(64) as usize], len }
    }

    /// The set whose bits are those of `bytes`, the lowest first; clusters past the bytes are not in it.
    pub(super) fn from_bytes(bytes: &[u8], len: u64) -> Self {
        let mut set = Self::new(len);
        for (word, chunk) in set.words.iter_mut().zip(bytes.chunks(8)) {
            let mut eight = [0; 8];
            eight[..chunk.len()].copy_from_slice(chunk);
            *word = u64::from_le_bytes(eight);
        }
        set.trim();
        set
    }

    /// The clusters that are not in the set.
    pub(super) fn invert(mut self) -> Self {
        self.words.iter_mut().for_each(|word| *word = !*word);
        self.trim();
        self
    }

    /// Bits past the last cluster are 0.
    fn trim(&mut self) {
        if let (Some(last), tail @ 1..) = (self.words.last_mut(), self.len % 64) {
            *last &= (1 << tail) - 1;
        }
    }

    pub(in super::super) fn count(&self) -> u64 {
        self.words.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    pub(super) fn contains(&self, cluster: u64) -> bool {
        cluster < self.len && self.words[(cluster / 64) as usize] >> (cluster % 64) & 1 == 1
    }

    /// The words that `start..start + length` touches, with the bits of the range in each. Nothing past the end.
    fn masks(&self, start: u64, length: u64) -> impl Iterator<Item = (usize, u64)> + use<> {
        let end = start.saturating_add(length).min(self.len);
        (start / 64..end.div_ceil(64)).filter(move |_| start < end).map(move |word| {
            let from = start.saturating_sub(word * 64).min(63);
            let to = (end - word * 64).min(64);
            (word as usize, (u64::MAX >> (64 - (to - from))) << from)
        })
    }

    /// Whether all clusters of the range are in the set.
    pub(super) fn contains_all(&self, start: u64, length: u64) -> bool {
        self.masks(start, length).all(|(word, mask)| self.words[word] & mask == mask)
            && start.saturating_add(length) <= self.len
    }

    /// Add a range; whether none of it was there before.
    pub(in super::super) fn insert(&mut self, start: u64, length: u64) -> bool {
        let mut fresh = true;
        for (word, mask) in self.masks(start, length) {
            fresh &= self.words[word] & mask == 0;
            self.words[word] |= mask;
        }
        fresh
    }

    /// Whether `cluster` is in the set, and how many from it on are alike; at least 1 for a cluster of the volume.
    pub(in super::super) fn stretch(&self, cluster: u64) -> (bool, u64) {
        let inside = self.contains(cluster);
        let first = (cluster / 64) as usize;
        let mut skip = cluster % 64;
        for (at, &word) in self.words.iter().enumerate().skip(first) {
            let differing = (if inside { !word } else { word }) >> skip << skip;
            if differing != 0 {
                let end = (at as u64 * 64 + u64::from(differing.trailing_zeros())).min(self.len);
                return (inside, end - cluster);
            }
            skip = 0;
        }
        (inside, self.len.saturating_sub(cluster))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_agree_with_bits_set_one_by_one() {
        for (start, length) in [(0, 1), (0, 64), (63, 2), (5, 130), (64, 64), (190, 10), (127, 1), (0, 200)] {
            let mut set = ClusterSet::new(200);
            assert!(set.insert(start, length));
            assert_eq!(set.count(), length);
            assert!(
                (0..200).all(|cluster| set.contains(cluster) == (start..start + length).contains(&cluster))
            );
            assert!(set.contains_all(start, length));
            assert!(!set.contains_all(start, length + 1));
            assert!(!set.insert(start + length - 1, 1), "a cluster that was there before");
            assert_eq!(set.stretch(start), (true, length));
            assert_eq!(set.clone().invert().count(), 200 - length);
            assert_eq!(set.clone().invert().stretch(start), (false, length));
        }
        assert_eq!(ClusterSet::from_bytes(&[0xFF; 32], 200).count(), 200);
        assert_eq!(ClusterSet::from_bytes(&[0xF0], 200).stretch(0), (false, 4));
        assert_eq!(ClusterSet::from_bytes(&[0xF0], 200).stretch(8), (false, 192));
    }
}
