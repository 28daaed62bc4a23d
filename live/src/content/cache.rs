//! Unpacked frames that were read lately.

use std::sync::{Arc, Mutex, PoisonError};

/// Where a frame lies: the number of its segment, and its place in it.
pub(super) type FrameKey = (u64, u64);

/// A bounded number of unpacked frames, each of at most 64 KiB. A frame has one place in which it can be, so that a look
/// takes no list and no clock.
#[derive(Debug)]
pub struct FrameCache {
    slots: Box<[Slot]>,
}

/// Where a frame can be.
type Slot = Mutex<Option<(FrameKey, Arc<[u8]>)>>;

impl FrameCache {
    /// Room for so many frames; at least one.
    #[must_use]
    pub fn new(frames: usize) -> Self {
        Self { slots: (0..frames.max(1)).map(|_| Mutex::new(None)).collect() }
    }

    pub(super) fn get(&self, key: FrameKey) -> Option<Arc<[u8]>> {
        let slot = self.slot(key).lock().unwrap_or_else(PoisonError::into_inner);
        slot.as_ref().filter(|(found, _)| *found == key).map(|(_, bytes)| Arc::clone(bytes))
    }

    pub(super) fn put(&self, key: FrameKey, bytes: Arc<[u8]>) {
        *self.slot(key).lock().unwrap_or_else(PoisonError::into_inner) = Some((key, bytes));
    }

    fn slot(&self, (segment, at): FrameKey) -> &Slot {
        let mixed = (at ^ segment.rotate_left(40)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        &self.slots[mixed as usize % self.slots.len()]
    }
}
