//! One simulated connection: two pipes of bytes, and which blocked ends need an event.
//!
//! Nothing here knows the owner of an end.

use std::collections::VecDeque;

/// Which end: 0 has connected, 1 was accepted.
pub(super) type Side = usize;

/// A connection between two ends.
#[derive(Debug, Default)]
pub(super) struct Link {
    /// By the side that writes.
    pipes: [Pipe; 2],
    /// Ended at once for both: what was in flight is lost.
    pub(super) reset: bool,
}

/// One direction.
#[derive(Debug, Default)]
struct Pipe {
    bytes: VecDeque<u8>,
    /// The writer sends no more.
    ended: bool,
    /// A write found no room.
    refused: bool,
    /// The writer has dropped its end.
    closed: bool,
}

/// The outcome of a read.
pub(super) enum Taken {
    Bytes(usize),
    End,
    Nothing,
    Reset,
}

impl Link {
    /// Bytes that `side` can read.
    pub(super) fn readable(&self, side: Side) -> usize {
        self.pipes[1 - side].bytes.len()
    }

    /// Moves bytes to the front of `into`, at most `most`.
    pub(super) fn read(&mut self, side: Side, into: &mut [u8], most: usize) -> Taken {
        let pipe = &mut self.pipes[1 - side];
        let len = pipe.bytes.len().min(into.len()).min(most);
        match (self.reset, len) {
            (true, _) => Taken::Reset,
            (false, 0) if pipe.ended && pipe.bytes.is_empty() => Taken::End,
            (false, 0) => Taken::Nothing,
            (false, len) => {
                for (to, from) in into.iter_mut().zip(pipe.bytes.drain(..len)) {
                    *to = from;
                }
                Taken::Bytes(len)
            }
        }
    }

    /// Room for what `side` writes.
    pub(super) fn room(&self, side: Side, capacity: usize) -> usize {
        capacity.saturating_sub(self.pipes[side].bytes.len())
    }

    pub(super) fn write(&mut self, side: Side, bytes: &[u8]) {
        self.pipes[side].bytes.extend(bytes);
    }

    /// A write of `side` found no room.
    pub(super) fn refuse(&mut self, side: Side) {
        self.pipes[side].refused = true;
    }

    /// Whether `side` waits for room; clears that.
    pub(super) fn take_refused(&mut self, side: Side) -> bool {
        std::mem::take(&mut self.pipes[side].refused)
    }

    /// `side` sends no more.
    pub(super) fn end(&mut self, side: Side) {
        self.pipes[side].ended = true;
    }

    /// `side` is dropped. Returns whether that is a reset, because of unread input.
    pub(super) fn close(&mut self, side: Side) -> bool {
        let unread = !self.pipes[1 - side].bytes.is_empty();
        self.pipes[side].ended = true;
        self.pipes[side].closed = true;
        self.reset |= unread;
        unread
    }

    /// `side` has shut down its sending direction.
    pub(super) fn has_ended(&self, side: Side) -> bool {
        self.pipes[side].ended
    }

    /// The other end was dropped: what `side` writes is answered with a reset.
    pub(super) fn is_closed_by_other(&self, side: Side) -> bool {
        self.pipes[1 - side].closed
    }
}
