//! Lines and columns of many places in one text.

use crate::error::Position;

/// A mark is at every so many bytes.
const STEP: usize = 256;

/// The positions of a text at regular offsets, so that the position of any offset is found in a few hundred steps.
/// [`Position::of_offset`] walks from the beginning of the text, which is quadratic for a text with many places.
///
/// Lines alone would not do: a description may be one line of many megabytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Positions {
    marks: Vec<Position>,
}

impl Positions {
    pub(crate) fn of(text: &str) -> Self {
        #[cfg(test)]
        crate::steps::add(text.len());
        let mut marks = Vec::with_capacity(text.len() / STEP + 1);
        let mut position = Position { line: 1, column: 1 };
        for block in text.as_bytes().chunks(STEP) {
            marks.push(position);
            position = after(position, block);
        }
        // An offset at the end of the text may be the first one of a block.
        marks.push(position);
        Self { marks }
    }

    /// The position of byte `offset` in the text that this was made of; an offset past the end gives the end.
    pub(crate) fn at(&self, text: &str, offset: usize) -> Position {
        let offset = offset.min(text.len());
        let block = offset / STEP;
        let rest = text.as_bytes().get(block * STEP..offset).unwrap_or_default();
        #[cfg(test)]
        crate::steps::add(rest.len());
        self.marks.get(block).map_or_else(|| Position::of_offset(text, offset), |&mark| after(mark, rest))
    }
}

/// The position behind these bytes. What counts as a line and a column is said at [`Position::of_offset`].
fn after(mut position: Position, bytes: &[u8]) -> Position {
    for &byte in bytes {
        if byte == b'\n' {
            position = Position { line: position.line + 1, column: 1 };
        } else if byte & 0xC0 != 0x80 {
            position.column += 1;
        }
    }
    position
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn offsets_at_the_edges_of_blocks_have_the_position_that_a_walk_finds() {
        for length in [0, 1, STEP - 1, STEP, STEP + 1, 3 * STEP] {
            let text = "ab\nä".repeat(length).chars().take(length).collect::<String>();
            let positions = Positions::of(&text);
            for offset in 0..=text.len() + 1 {
                assert_eq!(
                    positions.at(&text, offset),
                    Position::of_offset(&text, offset),
                    "{length} {offset}"
                );
            }
        }
    }

    proptest! {
        #[test]
        fn every_offset_has_the_position_that_a_walk_finds(text in "[a\r\nä🙂]{0,400}", offset in 0_usize..2000) {
            prop_assert_eq!(Positions::of(&text).at(&text, offset), Position::of_offset(&text, offset));
        }
    }
}
