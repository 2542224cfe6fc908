//! Output caused by the input that is being handled, so that it leaves in one write.
//!
//! Input: frames and other bytes, each shorter than [`LARGE`]. Output: all of them as one slice.
//! Invariant: below its limit there is always room for one more push, so a push is just a copy;
//! memory that was never needed was never touched.

use crate::wire::{HeaderBytes, MAX_HEADER, Mask};

/// From this size on a payload is written by reference; below it, a copy is cheaper than another
/// slice.
pub(crate) const LARGE: usize = 4 * 1024;

/// A cork of this size is written before all input is handled.
const LIMIT: usize = 256 * 1024;

#[derive(Debug, Default)]
pub(crate) struct Cork {
    /// The peer whose output is corked.
    pub(crate) peer: Option<u32>,
    /// Bytes of messages that it was sent, whether or not they have left.
    pub(crate) sent: usize,
    bytes: Box<[u8]>,
    len: usize,
}

impl Cork {
    pub(crate) fn new() -> Self {
        let bytes = vec![0; LIMIT + MAX_HEADER + LARGE].into();
        Self {
            peer: None,
            sent: 0,
            bytes,
            len: 0,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Adds a frame; `true` if the cork should be written now.
    #[inline]
    pub(crate) fn push_frame(&mut self, header: &HeaderBytes, payload: &[u8]) -> bool {
        let room = &mut self.bytes[self.len..];
        let start = header.copy_to(room);
        let end = start + payload.len();
        room[start..end].copy_from_slice(payload);
        self.len += end;
        self.len >= LIMIT
    }

    /// Like [`Cork::push_frame`], and masks while copying.
    #[inline]
    pub(crate) fn push_masked(&mut self, header: &[u8], mask: &mut Mask, payload: &[u8]) -> bool {
        let start = self.len + header.len();
        let end = start + payload.len();
        self.bytes[self.len..start].copy_from_slice(header);
        mask.copy(payload, &mut self.bytes[start..end]);
        self.len = end;
        end >= LIMIT
    }

    /// Adds fewer than [`LARGE`] bytes; `true` if the cork should be written now.
    #[inline]
    pub(crate) fn push(&mut self, bytes: &[u8]) -> bool {
        let end = self.len + bytes.len();
        self.bytes[self.len..end].copy_from_slice(bytes);
        self.len = end;
        end >= LIMIT
    }

    pub(crate) fn clear(&mut self) {
        self.len = 0;
    }

    /// Takes the content of the cork; the peer stays.
    pub(crate) fn take(&mut self) -> Self {
        let lent = Self {
            peer: self.peer,
            sent: self.sent,
            ..Self::default()
        };
        std::mem::replace(self, lent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masked_frames_are_those_that_a_server_unmasks_and_the_limit_is_told() {
        let mut cork = Cork::new();
        let key = [1, 2, 3, 0xFF];
        let payload: Vec<u8> = (0..LARGE as u32 - 1).map(|i| i as u8).collect();
        let header = [9; MAX_HEADER];
        let mut pushes = 0;
        while !cork.push_masked(&header, &mut Mask::new(key), &payload) {
            pushes += 1;
            assert!(pushes < LIMIT);
        }
        assert!(cork.bytes().len() >= LIMIT);
        let mut frame = cork.bytes()[..MAX_HEADER + payload.len()].to_vec();
        assert_eq!(frame[..MAX_HEADER], header);
        assert_ne!(frame[MAX_HEADER..], payload);
        Mask::new(key).apply(&mut frame[MAX_HEADER..]);
        assert_eq!(frame[MAX_HEADER..], payload);
    }
}
