//! Deterministic mutations of inputs.

/// Numbers that readers often handle wrongly: zero, one, bounds of types, sizes of chunks and blocks.
const NUMBERS: [u64; 14] =
    [0, 1, 2, 8, 255, 511, 512, 65_535, 1 << 20, (1 << 20) + 1, 4 << 20, 1 << 30, (1 << 31) - 1, u64::MAX];

/// `input` with one to eight changes that `seed` chooses; a change may copy a piece of `other`.
#[must_use]
pub fn mutated(input: &[u8], other: &[u8], seed: u64) -> Vec<u8> {
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5851_F42D_4C95_7F2D);
    let mut bytes = input.to_vec();
    for _ in 0..1 << random.below(4) {
        let at = random.below(bytes.len().max(1));
        let width = random.below(10);
        let length = 1 + random.below(2 << width);
        let end = bytes.len().min(at + length);
        match random.below(9) {
            0 => bytes.truncate(at.max(1)),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let copy = bytes[at.min(end)..end].to_vec();
                let to = random.below(bytes.len().max(1));
                bytes.splice(to..to, copy);
            }
            3 => {
                let from = random.below(other.len().max(1));
                let piece = &other[from.min(other.len())..other.len().min(from + length)];
                bytes.splice(at.min(end)..end, piece.iter().copied());
            }
            4 => {
                let number =
                    NUMBERS[random.below(NUMBERS.len())].wrapping_add(random.below(3) as u64).wrapping_sub(1);
                let width = [1, 2, 4, 8][random.below(4)];
                bytes
                    .iter_mut()
                    .skip(at)
                    .zip(number.to_le_bytes())
                    .take(width)
                    .for_each(|(byte, new)| *byte = new);
            }
            5 => {
                // Numbers in tar and PAX are written in digits.
                let digits = random.next().to_string();
                bytes
                    .iter_mut()
                    .skip(at)
                    .zip(digits.bytes())
                    .take(length % 12)
                    .for_each(|(byte, new)| *byte = new);
            }
            6 => bytes.iter_mut().skip(at).take(length).for_each(|byte| *byte = random.next() as u8),
            _ => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << random.below(8)),
        }
    }
    bytes
}

/// xorshift64*.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}
