//! What a turn of the loop has still to do, by peer.
//!
//! Invariant: a peer is on a list at most once, and its flags say on which.

use crate::net::conn::peer::Peer;

#[derive(Debug, Default)]
pub(crate) struct Lists {
    /// Peers that have more to read than one read takes.
    pub(crate) ready: Vec<u32>,
    /// Peers to settle at the end of the turn.
    pub(crate) dirty: Vec<u32>,
    /// Peers to be removed at the end of the turn.
    pub(crate) dying: Vec<u32>,
    /// Peers whose queue has run empty, for the service.
    pub(crate) writable: Vec<u32>,
    /// Peers to whom a piece was sent that has left: the service is told in the next turn.
    pub(crate) left: Vec<u32>,
    /// Peers that the loop has begun to close, for the service.
    pub(crate) closing: Vec<u32>,
}

impl Lists {
    /// It has more to read.
    #[inline]
    pub(crate) fn push_ready(&mut self, peer: &mut Peer) {
        if !peer.flags.ready {
            peer.flags.ready = true;
            self.ready.push(peer.index);
        }
    }

    /// Its output leaves and its deadline is looked at, at the end of the turn.
    #[inline]
    pub(crate) fn touch(&mut self, peer: &mut Peer) {
        if !peer.flags.dirty {
            peer.flags.dirty = true;
            self.dirty.push(peer.index);
        }
    }

    /// Its transport has failed or its time is up: it is removed at the end of the turn.
    pub(crate) fn remove_soon(&mut self, peer: &mut Peer) {
        if !peer.flags.dying {
            peer.flags.dying = true;
            self.dying.push(peer.index);
        }
    }

    /// Nothing of this turn is left to do.
    pub(crate) fn are_settled(&self) -> bool {
        self.dirty.is_empty()
            && self.dying.is_empty()
            && self.writable.is_empty()
            && self.closing.is_empty()
    }
}
