//! Plaintext between a session and a reader with little room.
//!
//! Input: records, and the reader's buffer. Output: plaintext in that buffer. Invariant: plaintext
//! is given in the order in which it came, and what there was no room for is given first; without
//! any, no memory is held. Reading from a socket is left to the owner.

use crate::tls::session::{Opened, Records, Session};

/// Plaintext for which a reader had no room.
#[derive(Debug, Default)]
pub(crate) struct Plaintext {
    bytes: Vec<u8>,
    /// How many of these bytes were given.
    given: usize,
}

impl Plaintext {
    /// Nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.given == self.bytes.len()
    }

    /// Bytes of memory.
    #[cfg(feature = "net")]
    pub(crate) fn held(&self) -> usize {
        self.bytes.capacity()
    }

    /// Moves what waits to `into`, as much as there is room for; returns how much.
    pub(crate) fn give(&mut self, into: &mut [u8]) -> usize {
        let waiting = &self.bytes[self.given..];
        let len = waiting.len().min(into.len());
        into[..len].copy_from_slice(&waiting[..len]);
        self.given += len;
        if self.is_empty() {
            *self = Self::default();
        }
        len
    }

    /// [`Session::open`], with the plaintext in `into`: returns how much of it there was room for.
    /// Only while nothing waits.
    pub(crate) fn open(
        &mut self,
        session: &mut Session,
        records: &mut [u8],
        into: &mut [u8],
        out: &mut Records,
    ) -> (usize, Opened) {
        let mut len = 0;
        let sink = |bytes: &[u8]| {
            let (now, later) = bytes.split_at(bytes.len().min(into.len() - len));
            into[len..len + now.len()].copy_from_slice(now);
            len += now.len();
            self.bytes.extend_from_slice(later);
        };
        let opened = session.open(records, sink, out);
        (len, opened)
    }
}
