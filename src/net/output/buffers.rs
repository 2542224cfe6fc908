//! Memory that one loop reuses: for messages in parts, and receive buffers.
//!
//! Invariant: what is kept for reuse is bounded by [`MAX_KEPT`].

/// One message of the default limit.
const MAX_KEPT: usize = 16 * 1024 * 1024 + 64;

#[derive(Debug, Default)]
pub(crate) struct Buffers {
    kept: Vec<Vec<u8>>,
    bytes: usize,
}

impl Buffers {
    /// Memory for a message in parts: reused, or still empty.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        let memory = self.kept.pop().unwrap_or_default();
        self.bytes -= memory.capacity();
        memory
    }

    /// A buffer of this length, in place of one that has become the memory of a message.
    pub(crate) fn take_filled(&mut self, length: usize) -> Vec<u8> {
        let fits = |memory: &Vec<u8>| (length..=2 * length).contains(&memory.len());
        match self.kept.iter().rposition(fits) {
            None => vec![0; length],
            Some(at) => {
                let mut buffer = self.kept.swap_remove(at);
                self.bytes -= buffer.capacity();
                buffer.truncate(length);
                buffer
            }
        }
    }

    /// Keeps memory for the next use, within the bound.
    pub(crate) fn keep(&mut self, memory: Vec<u8>) {
        if self.bytes + memory.capacity() <= MAX_KEPT {
            self.bytes += memory.capacity();
            self.kept.push(memory);
        }
    }
}
