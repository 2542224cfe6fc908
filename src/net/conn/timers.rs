//! Timers that services have set for their peers.
//!
//! They are stored apart from the peers, as most peers have none. Invariant: a peer has one here if
//! and only if its flag says so.

use crate::net::conn::peer::Peer;
use crate::net::wheel::SlotNumber;
use std::collections::HashMap;

/// The slots of the wheel for which timers are set, by index of the peer.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    slots: HashMap<u32, SlotNumber>,
}

impl Timers {
    /// Sets the timer of a peer, replacing one that it may have.
    pub(crate) fn set(&mut self, peer: &mut Peer, slot: SlotNumber) {
        peer.flags.timer = true;
        self.slots.insert(peer.index, slot);
    }

    /// Cancels the timer of a peer, if it has one.
    #[inline]
    pub(crate) fn clear(&mut self, peer: &mut Peer) {
        if std::mem::take(&mut peer.flags.timer) {
            self.slots.remove(&peer.index);
        }
    }

    /// When the timer of a peer is due.
    #[inline]
    pub(crate) fn of(&self, peer: &Peer) -> Option<SlotNumber> {
        match peer.flags.timer {
            true => self.slots.get(&peer.index).copied(),
            false => None,
        }
    }
}
