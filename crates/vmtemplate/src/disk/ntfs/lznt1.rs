//! LZNT1, the compression of NTFS files (MS-XCA, section 2.5).

/// What one chunk expands to at most.
const CHUNK: usize = 4096;

/// Expand `input` to exactly `output`; what the chunks do not fill reads as zeros, as Windows has it.
///
/// `None` if the chunks contradict themselves or expand to more.
pub(super) fn decompress(mut input: &[u8], output: &mut [u8]) -> Option<()> {
    output.fill(0);
    let mut done = 0;
    while done < output.len() && input.len() >= 2 {
        let header = u16::from_le_bytes([input[0], input[1]]);
        if header == 0 {
            break; // the end mark
        }
        let length = usize::from(header & 0x0FFF) + 1;
        let chunk = input.get(2..2 + length)?;
        input = &input[2 + length..];
        let room = (output.len() - done).min(CHUNK);
        let target = &mut output[done..done + room];
        if header & 0x8000 == 0 {
            target.get_mut(..length)?.copy_from_slice(chunk);
        } else {
            decompress_chunk(chunk, target)?;
        }
        // A chunk that expands to less stands for a whole one: the rest is zeros.
        done += room;
    }
    Some(())
}

fn decompress_chunk(chunk: &[u8], output: &mut [u8]) -> Option<()> {
    let mut done = 0;
    let mut rest = chunk.iter().copied();
    while let Some(flags) = rest.next() {
        for bit in 0..8 {
            let Some(first) = rest.next() else { return Some(()) };
            if flags >> bit & 1 == 0 {
                *output.get_mut(done)? = first;
                done += 1;
                continue;
            }
            let token = usize::from(u16::from_le_bytes([first, rest.next()?]));
            // The further the chunk has come, the more of the 16 bits say how far back, and the fewer how many.
            let distance_bits = done.checked_sub(1)?.checked_ilog2().map_or(4, |log| (log + 1).max(4));
            let length_bits = 16 - distance_bits;
            let distance = (token >> length_bits) + 1;
            let length = (token & ((1 << length_bits) - 1)) + 3;
            if distance > done || done + length > output.len() {
                return None;
            }
            // Byte by byte: source and target may overlap.
            for at in done..done + length {
                output[at] = output[at - distance];
            }
            done += length;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_specification_is_expanded() {
        // MS-XCA, section 3.3 (LZNT1 example).
        let input = [
            0x38, 0xb0, 0x88, 0x46, 0x23, 0x20, 0x00, 0x20, 0x47, 0x20, 0x41, 0x00, 0x10, 0xa2, 0x47, 0x01,
            0xa0, 0x45, 0x20, 0x44, 0x00, 0x08, 0x45, 0x01, 0x50, 0x79, 0x00, 0xc0, 0x45, 0x20, 0x05, 0x24,
            0x13, 0x88, 0x05, 0xb4, 0x02, 0x4a, 0x44, 0xef, 0x03, 0x58, 0x02, 0x8c, 0x09, 0x16, 0x01, 0x48,
            0x45, 0x00, 0xbe, 0x00, 0x9e, 0x00, 0x04, 0x01, 0x18, 0x90, 0x00,
        ];
        let expected =
            b"F# F# G A A G F# E D D E F# F# E E F# F# G A A G F# E D D E F# E D D E E F# D E F# G F# D \
                         E F# G F# E D E A F# F# G A A G F# E D D E F# E D D\0";
        let mut output = vec![0xFF; expected.len()];
        decompress(&input, &mut output).unwrap();
        assert_eq!(String::from_utf8_lossy(&output), String::from_utf8_lossy(expected));
    }

    #[test]
    fn chunks_that_reach_outside_are_refused() {
        let mut output = [0; 64];
        assert_eq!(
            decompress(&[0x02, 0xB0, 0x01, 0x00, 0x00], &mut output),
            None,
            "a copy from before the start"
        );
        assert_eq!(
            decompress(&[0x04, 0xB0, 0x02, b'a', 0xFF, 0x0F, 0], &mut output),
            None,
            "a copy past the end"
        );
        assert_eq!(decompress(&[0xFF, 0xBF, 0x00], &mut output), None, "a chunk that is cut");
        assert_eq!(decompress(&[0xFF, 0x3F, 0x00], &mut output), None, "a stored chunk that is cut");
    }
}
