//! What a turn of the loop still has to do, by peer.
//!
//! Invariant: a peer is on each list at most once, and its flags say on which.

use crate::net::conn::peer::Peer;

#[derive(Debug, Default)]
pub(crate) struct Lists {
    /// Peers that have more to read than one read returns.
    pub(crate) ready: Vec<u32>,
    /// Peers to settle at the end of the turn.
    pub(crate) dirty: Vec<u32>,
    /// Peers to be removed at the end of the turn.
    pub(crate) dying: Vec<u32>,
    /// Peers whose queue has drained, for the service.
    pub(crate) writable: Vec<u32>,
    /// Peers that have taken all of this turn's output, if the service wants to know: it is called
    /// in the next turn.
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

    /// At the end of the turn its output is sent and its deadline checked.
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

    /// Nothing is left to do in this turn.
    pub(crate) fn are_settled(&self) -> bool {
        self.dirty.is_empty()
            && self.dying.is_empty()
            && self.writable.is_empty()
            && self.closing.is_empty()
    }
}
