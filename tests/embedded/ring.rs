//! A TCP connection in memory, shaped like two sockets of smoltcp: a ring of bytes each way.
//!
//! Input: slices. Output: the same bytes. Invariant: like the ring that smoltcp lends to the
//! closure of `recv`, it never hands over bytes from both sides of its end in one call.

use super::endpoint::Transport;

/// `N` bytes of memory; the oldest byte is anywhere in it.
pub struct Ring<const N: usize> {
    bytes: [u8; N],
    first: usize,
    len: usize,
    closed: bool,
    aborted: bool,
}

impl<const N: usize> Ring<N> {
    /// Empty; the first byte will be at `first`.
    pub const fn new(first: usize) -> Self {
        Self {
            bytes: [0; N],
            first: first % N,
            len: 0,
            closed: false,
            aborted: false,
        }
    }

    pub fn is_closed(&self) -> bool {
        self.closed
    }

    pub fn is_aborted(&self) -> bool {
        self.aborted
    }

    /// Takes what fits up to the end of the memory.
    pub fn put(&mut self, bytes: &[u8]) -> usize {
        let begin = (self.first + self.len) % N;
        let room = (N - self.len).min(N - begin);
        let count = if self.closed {
            0
        } else {
            room.min(bytes.len())
        };
        self.bytes[begin..begin + count].copy_from_slice(&bytes[..count]);
        self.len += count;
        count
    }

    /// Hands over what there is up to the end of the memory.
    pub fn take(&mut self, bytes: &mut [u8]) -> usize {
        let count = self.len.min(N - self.first).min(bytes.len());
        bytes[..count].copy_from_slice(&self.bytes[self.first..self.first + count]);
        self.first = (self.first + count) % N;
        self.len -= count;
        count
    }
}

/// One end of the connection.
pub struct Socket<'r, const N: usize> {
    pub receive: &'r mut Ring<N>,
    pub send: &'r mut Ring<N>,
}

impl<const N: usize> Transport for Socket<'_, N> {
    fn recv_slice(&mut self, bytes: &mut [u8]) -> usize {
        self.receive.take(bytes)
    }

    fn send_slice(&mut self, bytes: &[u8]) -> usize {
        self.send.put(bytes)
    }

    fn may_recv(&self) -> bool {
        !(self.receive.closed && self.receive.len == 0)
    }

    fn close(&mut self) {
        self.send.closed = true;
    }

    fn abort(&mut self) {
        self.send.aborted = true;
        self.send.closed = true;
        self.receive.closed = true;
    }
}
