//! The last bytes that one direction of a connection has carried: RFC 7692 section 7.2.2.
//!
//! Input: inflated messages. Output: the dictionary with which any inflater can continue.
//! Invariant: memory follows the bytes that arrived, up to the negotiated size and no further.

use alloc::collections::VecDeque;

/// Some libraries use a window of 9 bits where 8 were negotiated; tolerating that costs us 256
/// bytes.
const LEAST_BITS: u8 = 9;

#[derive(Debug, Default)]
pub(super) struct Window {
    ring: VecDeque<u8>,
}

impl Window {
    /// The most bytes that a window of `bits` takes.
    pub(super) const fn size(bits: u8) -> usize {
        1 << (if bits < LEAST_BITS { LEAST_BITS } else { bits })
    }

    /// What is in it, oldest first.
    pub(super) fn slices(&self) -> (&[u8], &[u8]) {
        self.ring.as_slices()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    /// Bytes of memory.
    pub(super) fn capacity(&self) -> usize {
        self.ring.capacity()
    }

    /// Adds a whole message.
    pub(super) fn push(&mut self, bytes: &[u8], bits: u8) {
        let size = Self::size(bits);
        let bytes = &bytes[bytes.len().saturating_sub(size)..];
        let excess = (self.ring.len() + bytes.len()).saturating_sub(size);
        self.ring.drain(..excess);
        let need = self.ring.len() + bytes.len();
        if need > self.ring.capacity() {
            let room = need.max(2 * self.ring.capacity()).min(size);
            self.ring.reserve_exact(room - self.ring.len());
        }
        self.ring.extend(bytes);
    }
}
