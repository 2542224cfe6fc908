//! What one connection keeps for permessage-deflate: nothing until it is needed.
//!
//! Invariant: whatever a session holds for longer than a call has been reserved, or consists of
//! bytes that arrived.

use crate::deflate::budget::{Budget, Reservation};
use crate::deflate::compressor::Compressor;
use crate::deflate::inflater::Inflation;
use crate::deflate::window::Window;
use crate::handshake::{DeflateTerms, Direction};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// The negotiated terms, as one end sees them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Params {
    /// Our messages.
    pub send: Direction,
    /// The messages of the peer.
    pub receive: Direction,
}

impl Params {
    /// As a server sees the terms.
    pub fn server(terms: &DeflateTerms) -> Self {
        Self {
            send: terms.server(),
            receive: terms.client(),
        }
    }

    /// As a client sees the terms.
    pub fn client(terms: &DeflateTerms) -> Self {
        Self {
            send: terms.client(),
            receive: terms.server(),
        }
    }
}

#[cfg(feature = "take-over")]
impl Params {
    /// Terms that were agreed to in another process.
    pub(crate) fn new(send: Direction, receive: Direction) -> Option<Self> {
        Some(Self { send, receive })
    }
}

/// The memory of one connection, to be used with the [`Pool`](crate::deflate::Pool) of its thread.
#[derive(Default)]
pub struct Session {
    pub(super) window: Window,
    /// For the window, from the handshake on.
    reserved: Option<Reservation>,
    pub(super) held: Option<Box<Held>>,
    pub(super) partial: Option<Box<Partial>>,
    /// Names the window to inflaters; 0 names none.
    pub(super) name: u64,
}

/// The connection's own compressor.
pub(super) struct Held {
    pub(super) compressor: Compressor,
    _reserved: Reservation,
}

/// A message that has not arrived whole.
#[derive(Default)]
pub(super) struct Partial {
    /// Inflated as it arrives, within what has been reserved.
    pub(super) inflating: Option<(Inflation, Reservation)>,
    /// What arrived when there was no memory to inflate it: it waits compressed.
    pub(super) waiting: Vec<u8>,
}

impl Session {
    /// Nothing is kept: the memory of the session itself may be freed.
    pub fn is_empty(&self) -> bool {
        self.reserved.is_none()
            && self.window.is_empty()
            && self.held.is_none()
            && self.partial.is_none()
    }

    /// Bytes of memory that are kept for the next message.
    pub fn kept_bytes(&self, params: &Params) -> usize {
        let held = self.held.as_ref();
        let compressor = held.map_or(0, |_| Compressor::cost(params.send.window_bits));
        self.window.capacity() + compressor
    }

    /// Reserves memory for the window of the peer's messages; `false` if there is none. Then the
    /// terms must forbid the peer to take over.
    pub fn reserve(&mut self, budget: &Budget, window_bits: u8) -> bool {
        self.reserved = budget.reserve(Window::size(window_bits));
        self.reserved.is_some()
    }

    /// Whether it has its own compressor.
    pub fn holds_compressor(&self) -> bool {
        self.held.is_some()
    }

    /// Gives the compressor back. The next message begins with an empty window.
    pub fn drop_compressor(&mut self) {
        self.held = None;
    }

    /// A compressed message was sent that our compressor has not seen. The peer's window has moved
    /// on, so the next message must refer to nothing.
    pub fn bypassed(&mut self) {
        if let Some(held) = &mut self.held {
            held.compressor.restart();
        }
    }

    /// A message has arrived in part.
    #[cfg(feature = "take-over")]
    pub(crate) fn is_inflating(&self) -> bool {
        self.partial.is_some()
    }

    /// What the next message of the peer may refer to.
    #[cfg(feature = "take-over")]
    pub(crate) fn window_bytes(&self) -> Vec<u8> {
        let (one, other) = self.window.slices();
        [one, other].concat()
    }

    /// The reverse, in another process.
    #[cfg(feature = "take-over")]
    pub(crate) fn fill_window(&mut self, bytes: &[u8], window_bits: u8) {
        if !bytes.is_empty() {
            self.window.push(bytes, window_bits);
        }
    }

    /// The compressor of the connection, made if the budget has memory for it.
    pub(super) fn compressor(
        &mut self,
        budget: &Budget,
        send: Direction,
        level: u8,
    ) -> Option<&mut Compressor> {
        if self.held.is_none() {
            let reserved = budget.reserve(Compressor::cost(send.window_bits))?;
            self.held = Some(Box::new(Held {
                compressor: Compressor::new(send.window_bits, level),
                _reserved: reserved,
            }));
        }
        self.held.as_mut().map(|held| &mut held.compressor)
    }
}

impl core::fmt::Debug for Session {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Session")
            .field("window", &self.window.capacity())
            .field("compressor", &self.held.is_some())
            .field("partial", &self.partial.is_some())
            .finish()
    }
}
