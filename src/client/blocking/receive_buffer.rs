//! The receive buffer of a blocking client, in which messages are assembled in place.
//!
//! ```text
//!   ┌──────────────┬─────────┬──────────┬──────────────┐
//!   │ message      │ headers │ not yet  │ room         │
//!   │ so far       │ between │ received │              │
//!   └──────────────┴─────────┴──────────┴──────────────┘
//!   message.start  .end      at         end
//! ```
//!
//! A message in one frame is read into contiguous memory until it is whole, and never copied; with
//! several frames, each piece is moved over the header before it. Invariant: memory is at most
//! [`INITIAL`], or three times what has arrived of one message.

use std::ops::Range;

/// A message of 128 KiB fits with its header. Also the most for one read: a server that sends more
/// continues as soon as it learns of the room that a read made, so larger reads would make it wait.
const INITIAL: usize = 128 * 1024 + 64;

/// With more memory than this, the buffer shrinks when little of it is used.
const KEEP: usize = 1024 * 1024;

#[derive(Debug, Default)]
pub(super) struct ReceiveBuffer {
    bytes: Vec<u8>,
    message: Range<usize>,
    at: usize,
    end: usize,
    /// The most bytes in use since the buffer was last empty.
    used: usize,
}

impl ReceiveBuffer {
    /// Begins with what arrived after the handshake.
    pub(super) fn new(rest: Vec<u8>) -> Self {
        let end = rest.len();
        let mut bytes = rest;
        bytes.resize(INITIAL.max(end), 0);
        Self {
            bytes,
            end,
            ..Self::default()
        }
    }

    /// What has arrived and was not received.
    #[inline]
    pub(super) fn fresh(&mut self) -> &mut [u8] {
        &mut self.bytes[self.at..self.end]
    }

    /// Counts what was received of [`ReceiveBuffer::fresh`].
    #[inline]
    pub(super) fn consume(&mut self, bytes: usize) {
        self.at += bytes;
    }

    /// Appends the last `len` of the bytes that were consumed to the message.
    #[inline]
    pub(super) fn append(&mut self, len: usize) {
        let piece = self.at - len..self.at;
        if self.message.is_empty() {
            self.message = piece;
        } else if self.message.end == piece.start {
            self.message.end = piece.end;
        } else {
            self.bytes.copy_within(piece, self.message.end);
            self.message.end += len;
        }
    }

    /// The message so far.
    #[inline]
    pub(super) fn message(&self) -> &[u8] {
        &self.bytes[self.message.clone()]
    }

    /// The last `len` of the bytes that were consumed.
    #[inline]
    pub(super) fn last(&self, len: usize) -> &[u8] {
        &self.bytes[self.at - len..self.at]
    }

    /// The message is no longer needed.
    #[inline]
    pub(super) fn clear_message(&mut self) {
        self.message = 0..0;
    }

    /// Where to read to: never empty.
    #[inline]
    pub(super) fn room(&mut self) -> &mut [u8] {
        if self.message.is_empty() && self.at == self.end {
            self.reset();
        } else if self.end == self.bytes.len() {
            self.compact();
        }
        let to = self.bytes.len().min(self.end + INITIAL);
        &mut self.bytes[self.end..to]
    }

    /// Counts what was read into [`ReceiveBuffer::room`].
    #[inline]
    pub(super) fn filled(&mut self, bytes: usize) {
        self.end += bytes;
        self.used = self.used.max(self.end);
    }

    fn reset(&mut self) {
        (self.message, self.at, self.end) = (0..0, 0, 0);
        if self.bytes.len() > KEEP && self.used < self.bytes.len() / 4 {
            self.bytes.truncate(INITIAL.max(self.bytes.len() / 2));
            self.bytes.shrink_to_fit();
        }
        self.used = 0;
    }

    /// Moves everything to the front; grows if that frees too little room.
    fn compact(&mut self) {
        let len = self.message.len();
        self.bytes.copy_within(self.message.clone(), 0);
        self.bytes.copy_within(self.at..self.end, len);
        (self.end, self.at) = (len + self.end - self.at, len);
        self.message = 0..len;
        if self.end > self.bytes.len() / 2 {
            self.bytes.resize(3 * self.end, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads `bytes` in steps and consumes frames of `[len][payload]`, the whole as one message.
    fn run(bytes: &[u8], step: usize, frames: &[usize]) -> Vec<u8> {
        let mut buffer = ReceiveBuffer::new(Vec::new());
        let (mut source, mut frames) = (bytes, frames.iter().copied());
        let mut left = 0;
        loop {
            while !buffer.fresh().is_empty() {
                if left == 0 {
                    let Some(next) = frames.next() else { break };
                    buffer.consume(1);
                    left = next;
                }
                let take = left.min(buffer.fresh().len());
                buffer.consume(take);
                buffer.append(take);
                left -= take;
            }
            if source.is_empty() {
                return buffer.message().to_vec();
            }
            let room = buffer.room();
            let n = step.min(room.len()).min(source.len());
            room[..n].copy_from_slice(&source[..n]);
            source = &source[n..];
            buffer.filled(n);
        }
    }

    #[test]
    fn a_message_is_the_same_however_it_comes() {
        let frames = [3, 0, 70_000, 1, 200_000, 5, 400_000];
        let mut wire = Vec::new();
        let mut expected = Vec::new();
        for (i, len) in frames.into_iter().enumerate() {
            let payload: Vec<u8> = (0..len).map(|j| (i + j / 7) as u8).collect();
            wire.push(0xFF);
            wire.extend_from_slice(&payload);
            expected.extend_from_slice(&payload);
        }
        for step in [1000, 1460, 65_536, 131_136, 1_000_000] {
            assert!(run(&wire, step, &frames) == expected, "step {step}");
        }
    }

    #[test]
    fn memory_follows_what_comes_and_is_given_back() {
        let mut buffer = ReceiveBuffer::new(Vec::new());
        for _ in 0..100 {
            let n = buffer.room().len().min(100_000);
            buffer.filled(n);
            buffer.consume(n);
            buffer.append(n);
            assert!(buffer.bytes.len() <= INITIAL.max(3 * buffer.end));
        }
        buffer.clear_message();
        for _ in 0..10 {
            buffer.room();
            buffer.filled(10);
            buffer.consume(10);
        }
        assert!(buffer.bytes.len() <= KEEP);
    }
}
