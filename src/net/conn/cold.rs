//! The side tables of the peers of one loop: lent while something is unfinished, charged for that
//! time, and reused.
//!
//! Invariant: the server's account is charged what the side tables of the loop hold.

use crate::net::conn::peer::{Cold, Peer};
use crate::net::memory::Memory;

#[derive(Debug)]
pub(crate) struct ColdStore {
    /// What all loops of the server hold.
    pub(crate) memory: Memory,
    /// What this loop holds for its peers.
    held: usize,
    /// The part of it that is not in side tables: for encryption, and for the access log.
    beside: usize,
    /// The part of it that was reported to the server's account.
    told: usize,
    /// Memory that a peer needs to continue and that is not available.
    wanted: Option<Wanted>,
    #[expect(clippy::vec_box, reason = "they move in and out of peers as boxes")]
    spares: Vec<Box<Cold>>,
}

/// Memory that a peer needs to continue.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) index: u32,
    pub(crate) bytes: usize,
}

/// How much the server's account may differ from what a loop holds.
const SLAB: usize = 16 * 1024;

/// Idle [`Cold`]s that are kept for reuse.
const MAX_SPARES: usize = 256;

impl ColdStore {
    pub(crate) fn new(memory: Memory) -> Self {
        Self {
            memory,
            held: 0,
            beside: 0,
            told: 0,
            wanted: None,
            spares: Vec::new(),
        }
    }

    /// Bytes that this loop holds, as the server's account knows it.
    pub(crate) fn told(&self) -> usize {
        self.told
    }

    /// The side table of a peer, made if it has none.
    #[inline]
    pub(crate) fn of<'p>(&mut self, peer: &'p mut Peer) -> &'p mut Cold {
        let new = || self.spares.pop().unwrap_or_default();
        peer.cold.get_or_insert_with(new)
    }

    /// What a peer holds has changed.
    pub(crate) fn charge(&mut self, peer: &mut Peer) {
        if let Some(cold) = &mut peer.cold {
            let (before, after) = (cold.charged, cold.held());
            if before != after {
                cold.charged = after;
                self.held = self.held + after - before;
                self.tell();
            }
        }
    }

    /// What is held in all beside the side tables.
    #[inline]
    pub(crate) fn charge_beside(&mut self, held: usize) {
        if held != self.beside {
            self.held = self.held + held - self.beside;
            self.beside = held;
            self.tell();
        }
    }

    /// The server's account is updated in slabs, so that it costs single messages nothing.
    #[inline]
    fn tell(&mut self) {
        if self.held.abs_diff(self.told) >= SLAB || self.held == 0 {
            self.settle();
        }
    }

    /// The server's account is exact for this loop: where it decides what must go.
    pub(crate) fn settle(&mut self) {
        self.memory.change(self.told, self.held);
        self.told = self.held;
    }

    /// A peer cannot continue without memory that [`Memory::lacks`].
    #[cold]
    pub(crate) fn want(&mut self, wanted: Wanted) {
        self.wanted = Some(wanted);
    }

    /// What peers have asked for since the last call.
    #[inline]
    pub(crate) fn take_wanted(&mut self) -> Option<Wanted> {
        self.wanted.take()
    }

    /// Takes the side table back if it is empty; otherwise counts what it holds.
    #[inline]
    pub(crate) fn release(&mut self, peer: &mut Peer) {
        match &mut peer.cold {
            None => {}
            Some(cold) if cold.is_idle() => {
                if let Some(cold) = peer.cold.take() {
                    self.take_back(cold);
                }
            }
            Some(cold) => {
                cold.shrink_tail();
                self.charge(peer);
            }
        }
    }

    fn take_back(&mut self, mut cold: Box<Cold>) {
        self.uncharge(&mut cold);
        if self.spares.len() < MAX_SPARES {
            cold.recycle();
            self.spares.push(cold);
        }
    }

    /// The peer is gone, and with it what it held.
    pub(crate) fn drop_of(&mut self, peer: &mut Peer) {
        if let Some(mut cold) = peer.cold.take() {
            self.uncharge(&mut cold);
        }
    }

    fn uncharge(&mut self, cold: &mut Cold) {
        self.held -= cold.charged;
        cold.charged = 0;
        self.tell();
    }
}
