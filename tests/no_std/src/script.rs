//! A peer that says what is written down, in segments that end anywhere, and what it was answered.

use crate::endpoint::Transport;
use wirebell::wire::Entropy;

pub struct Script {
    rest: &'static [u8],
    /// Bytes that were answered.
    pub answered: usize,
    pub closed: bool,
}

impl Script {
    pub fn new(rest: &'static [u8]) -> Self {
        Self { rest, answered: 0, closed: false }
    }
}

impl Transport for Script {
    fn recv_slice(&mut self, bytes: &mut [u8]) -> usize {
        let count = self.rest.len().min(bytes.len()).min(97);
        bytes[..count].copy_from_slice(&self.rest[..count]);
        self.rest = &self.rest[count..];
        count
    }

    fn send_slice(&mut self, bytes: &[u8]) -> usize {
        let count = bytes.len().min(61);
        self.answered += count;
        count
    }

    fn may_recv(&self) -> bool {
        true
    }

    fn close(&mut self) {
        self.closed = true;
    }

    fn abort(&mut self) {
        self.closed = true;
    }
}

/// Of a test: a real device has a generator in hardware.
pub struct Counter(pub u8);

impl Entropy for Counter {
    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            self.0 = self.0.wrapping_add(1);
            *byte = self.0;
        }
    }
}
