//! A small cache of blocks, shared by the threads that read one image.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::Result;

/// Blocks by a number, each in the one slot that its number falls on.
///
/// Such a cache needs no order of use: an image is read from front to back by a few threads, and neighbours fall on
/// different slots. Its memory is bounded by slots × block.
pub(super) struct Cache {
    slots: Box<[Slot]>,
}

type Slot = Mutex<Option<(u64, Arc<[u8]>)>>;

impl Cache {
    pub(super) fn new(slots: usize) -> Self {
        Self { slots: (0..slots.max(1)).map(|_| Mutex::default()).collect() }
    }

    /// Block `number`, loaded if it is not here. Another thread that asks for it meanwhile waits and shares it.
    pub(super) fn get(&self, number: u64, load: impl FnOnce() -> Result<Vec<u8>>) -> Result<Arc<[u8]>> {
        let index = (number % self.slots.len() as u64) as usize;
        // A panic cannot leave a slot half-written: it is replaced as a whole.
        let mut slot = self.slots[index].lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((held, block)) = &*slot
            && *held == number
        {
            return Ok(Arc::clone(block));
        }
        let block: Arc<[u8]> = load()?.into();
        *slot = Some((number, Arc::clone(&block)));
        Ok(block)
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("slots", &self.slots.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_loaded_once_and_again_after_it_was_displaced() {
        let cache = Cache::new(2);
        let mut loads = 0;
        for number in [5, 5, 7, 5] {
            let block = cache.get(number, || {
                loads += 1;
                Ok(vec![number as u8])
            });
            assert_eq!(&block.unwrap()[..], [number as u8]);
        }
        assert_eq!(loads, 3); // 5 and 7 fall on one slot
    }
}
