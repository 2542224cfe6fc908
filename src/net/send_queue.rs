//! What one socket has refused so far, and what to do when that grows too long.
//!
//! Comes in: encoded frames by reference, other bytes as copies. Goes out: one vectored write at
//! a time. Invariant: the bytes that wait never exceed the bound that is given with each push,
//! but for one push into an empty queue; a frame of which a part has left is never dropped.

use crate::net::frame::SharedFrame;
use crate::net::transport::Transport;
use crate::tap::Tapped;
use std::collections::VecDeque;
use std::io::{self, IoSlice};

/// What happens to a peer for whom more waits than
/// [`Limits::queued_bytes`](crate::Limits::queued_bytes). Every drop is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Overflow {
    /// End the connection with close code 1013, so that the peer knows that it missed something.
    #[default]
    Disconnect,
    /// Drop the oldest waiting frames until the new one fits.
    DropOldest,
    /// Drop older waiting frames of the same key (topic); if the new one does not fit then,
    /// the oldest of any key.
    KeepLatest,
}

/// The outcome of a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pushed {
    /// Waits now; this many older frames were dropped for it.
    Queued { dropped: usize },
    /// It was not taken: the policy is to end the connection.
    Overflow,
}

#[derive(Debug, Default)]
pub(super) struct SendQueue {
    chunks: VecDeque<Chunk>,
    /// Bytes of the first chunk that have left already.
    sent: usize,
    /// A part of the first frame in the first chunk has left, in an earlier write.
    begun: bool,
    /// Bytes that wait.
    bytes: usize,
}

#[derive(Debug)]
struct Chunk {
    data: Data,
    /// Frames of one key may replace each other; 0 never does.
    key: u32,
}

#[derive(Debug)]
enum Data {
    /// Replies and the rest of a cork; never dropped by a policy.
    Own(Vec<u8>),
    Shared(SharedFrame),
}

impl Data {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Own(bytes) => bytes,
            Self::Shared(frame) => frame.as_bytes(),
        }
    }
}

/// Slices of one vectored write. Linux takes 1024; more than this saves nothing.
const MAX_SLICES: usize = 64;

impl SendQueue {
    pub(super) fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds a copy of `bytes`; `begun` if they continue a frame of which a part has left.
    pub(super) fn push_own(&mut self, bytes: &[u8], begun: bool) {
        debug_assert!(!begun || self.is_empty());
        if bytes.is_empty() {
            return;
        }
        self.begun |= begun;
        self.bytes += bytes.len();
        match self.chunks.back_mut() {
            Some(Chunk {
                data: Data::Own(last),
                ..
            }) => last.extend_from_slice(bytes),
            _ => self.chunks.push_back(Chunk {
                data: Data::Own(bytes.to_vec()),
                key: 0,
            }),
        }
    }

    /// Adds the rest of a frame of which `sent` bytes have left. Only into an empty queue.
    pub(super) fn push_rest(&mut self, frame: SharedFrame, key: u32, sent: usize) {
        debug_assert!(self.is_empty() && sent < frame.as_bytes().len());
        self.sent = sent;
        self.bytes = frame.as_bytes().len() - sent;
        self.chunks.push_back(Chunk {
            data: Data::Shared(frame),
            key,
        });
    }

    /// Adds a frame if it fits into `bound`, or makes room by the policy.
    pub(super) fn push_frame(
        &mut self,
        frame: SharedFrame,
        key: u32,
        bound: usize,
        policy: Overflow,
    ) -> Pushed {
        let len = frame.as_bytes().len();
        let mut dropped = 0;
        if policy == Overflow::KeepLatest && key != 0 {
            dropped += self.drop_where(|chunk| chunk.key == key, usize::MAX);
        }
        if self.bytes > 0 && self.bytes + len > bound {
            if policy == Overflow::Disconnect {
                return Pushed::Overflow;
            }
            let excess = self.bytes + len - bound;
            dropped += self.drop_where(|_| true, excess);
            if self.bytes > 0 && self.bytes + len > bound {
                return Pushed::Overflow;
            }
        }
        self.bytes += len;
        self.chunks.push_back(Chunk {
            data: Data::Shared(frame),
            key,
        });
        Pushed::Queued { dropped }
    }

    /// Drops what no byte of has left, so that a Close comes next.
    pub(super) fn drop_unsent(&mut self) {
        let keep = usize::from(self.sent > 0 || self.begun);
        self.chunks.truncate(keep);
        self.bytes = self
            .chunks
            .iter()
            .map(|chunk| chunk.data.bytes().len())
            .sum();
        self.bytes -= self.sent;
    }

    /// Drops whole frames, oldest first, until `excess` bytes are freed.
    fn drop_where(&mut self, matches: impl Fn(&Chunk) -> bool, excess: usize) -> usize {
        let begun = self.sent > 0 || self.begun;
        let (mut freed, mut dropped, mut index) = (0, 0, 0);
        self.chunks.retain(|chunk| {
            let droppable = matches!(chunk.data, Data::Shared(_)) && !(index == 0 && begun);
            index += 1;
            if !droppable || freed >= excess || !matches(chunk) {
                return true;
            }
            freed += chunk.data.bytes().len();
            dropped += 1;
            false
        });
        self.bytes -= freed;
        dropped
    }

    /// One vectored write. `Ok(true)` if everything has left.
    pub(super) fn write_to(
        &mut self,
        transport: &mut Transport,
        tap: Option<&Tapped>,
    ) -> io::Result<bool> {
        let mut slices = [IoSlice::new(&[]); MAX_SLICES];
        let mut count = 0;
        for (slice, chunk) in slices.iter_mut().zip(&self.chunks) {
            let skip = if count == 0 { self.sent } else { 0 };
            *slice = IoSlice::new(&chunk.data.bytes()[skip..]);
            count += 1;
        }
        let written = transport.write_vectored(&slices[..count], tap)?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.advance(written);
        Ok(self.is_empty())
    }

    fn advance(&mut self, written: usize) {
        self.bytes -= written;
        self.sent += written;
        while let Some(first) = self.chunks.front() {
            let len = first.data.bytes().len();
            if self.sent < len {
                return;
            }
            self.sent -= len;
            self.begun = false;
            self.chunks.pop_front();
        }
    }

    /// Empty again, with the memory of the queue kept for the next owner if it is little.
    pub(super) fn clear(&mut self) {
        self.chunks.clear();
        self.chunks.shrink_to(4);
        self.sent = 0;
        self.begun = false;
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::Message;

    fn frame(len: usize) -> SharedFrame {
        SharedFrame::new(Message::binary(&vec![0; len - 2]))
    }

    fn sizes(queue: &SendQueue) -> Vec<usize> {
        queue
            .chunks
            .iter()
            .map(|chunk| chunk.data.bytes().len())
            .collect()
    }

    #[test]
    fn an_empty_queue_takes_one_frame_of_any_size() {
        let mut queue = SendQueue::default();
        let pushed = queue.push_frame(frame(100), 0, 50, Overflow::Disconnect);
        assert_eq!(pushed, Pushed::Queued { dropped: 0 });
        assert_eq!(
            queue.push_frame(frame(10), 0, 50, Overflow::Disconnect),
            Pushed::Overflow
        );
        assert_eq!(queue.bytes(), 100);
    }

    #[test]
    fn drop_oldest_never_drops_a_frame_that_has_begun() {
        let mut queue = SendQueue::default();
        queue.push_rest(frame(30), 1, 7);
        for len in [20, 21, 22] {
            let pushed = queue.push_frame(frame(len), 1, 90, Overflow::DropOldest);
            assert_eq!(pushed, Pushed::Queued { dropped: 0 });
        }
        let pushed = queue.push_frame(frame(40), 1, 90, Overflow::DropOldest);
        assert_eq!(pushed, Pushed::Queued { dropped: 2 });
        assert_eq!(sizes(&queue), [30, 22, 40]);
        assert_eq!(queue.bytes(), 23 + 22 + 40);
    }

    #[test]
    fn keep_latest_replaces_frames_of_the_same_key_only() {
        let mut queue = SendQueue::default();
        for (len, key) in [(20, 1), (21, 2), (22, 1), (23, 0)] {
            queue.push_frame(frame(len), key, 1000, Overflow::KeepLatest);
        }
        assert_eq!(sizes(&queue), [21, 22, 23]);
        let pushed = queue.push_frame(frame(24), 1, 1000, Overflow::KeepLatest);
        assert_eq!(pushed, Pushed::Queued { dropped: 1 });
        assert_eq!(sizes(&queue), [21, 23, 24]);
    }

    #[test]
    fn only_what_has_begun_survives_drop_unsent() {
        let mut queue = SendQueue::default();
        queue.push_own(b"rest of a frame", true);
        queue.push_frame(frame(20), 0, 1000, Overflow::Disconnect);
        queue.drop_unsent();
        assert_eq!((sizes(&queue), queue.bytes()), (vec![15], 15));
        queue.advance(15);
        queue.push_frame(frame(20), 0, 1000, Overflow::Disconnect);
        queue.drop_unsent();
        assert!(queue.is_empty());
    }

    #[test]
    fn advance_counts_over_chunks() {
        let mut queue = SendQueue::default();
        for len in [10, 20, 30] {
            queue.push_frame(frame(len), 0, 1000, Overflow::Disconnect);
        }
        queue.advance(15);
        assert_eq!(
            (sizes(&queue), queue.sent, queue.bytes()),
            (vec![20, 30], 5, 45)
        );
        queue.advance(45);
        assert!(queue.is_empty() && queue.chunks.is_empty() && queue.sent == 0);
    }
}
