//! What is published during one turn of the loop, and to which peers.
//!
//! Input: frame by frame, peer by peer. Output, at the end of the turn: all frames of each peer,
//! for one vectored write. Invariant: a frame is held once however many peers get it, a peer costs
//! 12 bytes per frame and no allocation, and a full turn accepts no more mail.
//!
//! ```text
//!   frames: [ A ][ B ]
//!   links:  [A·][A·][B·][B·]          chain of peer 1:  0 ──▶ 2
//!            0   1   2   3            chain of peer 2:  1 ──▶ 3
//! ```

use crate::net::frame::SharedFrame;

const END: u32 = u32::MAX;

/// The most recent frames that are searched before one is stored again: the compressed forms of one
/// message alternate.
const RECENT: usize = 8;

/// The index of a peer's record; none if nothing was sent to it in this turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PendingIndex(u32);

impl PendingIndex {
    pub(crate) const NONE: Self = Self(END);
}

/// What one peer is sent in one turn.
#[derive(Clone, Copy, Debug)]
struct Pending {
    chain: Chain,
    /// Bytes that were sent in this turn, whether or not they have left.
    sent: u32,
}

/// The links of one peer: the first and the last.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chain {
    first: u32,
    last: u32,
    /// Bytes of its frames.
    bytes: u32,
}

impl Chain {
    const EMPTY: Self = Self {
        first: END,
        last: END,
        bytes: 0,
    };

    #[inline]
    pub(crate) fn is_empty(self) -> bool {
        self.first == END
    }
}

#[derive(Clone, Copy, Debug)]
struct Link {
    frame: u32,
    key: u32,
    next: u32,
}

#[derive(Debug, Default)]
pub(crate) struct Batch {
    frames: Vec<SharedFrame>,
    links: Vec<Link>,
    /// By [`PendingIndex`].
    pending: Vec<Pending>,
    /// One chain holds as much as one write should carry, or all together have the most links
    /// allowed.
    full: bool,
}

/// Links of one turn, for all peers together: 3 MiB of memory.
const MAX_LINKS: usize = 256 * 1024;

/// Bytes for one peer after which the turn should end and send them: the peer may be fast, and a
/// socket accepts only a limited amount at a time.
const MAX_CHAIN: usize = 128 * 1024;

impl Batch {
    /// Adds a frame to the chain of one peer.
    #[inline]
    pub(crate) fn link(&mut self, peer: &mut PendingIndex, frame: &SharedFrame, key: u32) {
        let recent = self.frames.len().saturating_sub(RECENT);
        let known = self.frames[recent..].iter().rposition(|one| one.is(frame));
        let number = known.map_or(self.frames.len(), |at| recent + at);
        if known.is_none() {
            self.frames.push(frame.clone());
        }
        let at = self.links.len() as u32;
        self.links.push(Link {
            frame: number as u32,
            key,
            next: END,
        });
        let len = frame.as_bytes().len();
        let chain = &mut self.count(peer, len).chain;
        chain.bytes = chain
            .bytes
            .saturating_add(u32::try_from(len).unwrap_or(u32::MAX));
        let last = std::mem::replace(&mut chain.last, at);
        match chain.is_empty() {
            true => chain.first = at,
            false => self.links[last as usize].next = at,
        }
        self.full |= self.bytes(*peer) >= MAX_CHAIN || self.links.len() >= MAX_LINKS;
    }

    /// Notes that bytes were sent to a peer in this turn.
    #[inline]
    fn count(&mut self, peer: &mut PendingIndex, bytes: usize) -> &mut Pending {
        if *peer == PendingIndex::NONE {
            *peer = PendingIndex(self.pending.len() as u32);
            self.pending.push(Pending {
                chain: Chain::EMPTY,
                sent: 0,
            });
        }
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let pending = &mut self.pending[peer.0 as usize];
        pending.sent = pending.sent.saturating_add(bytes);
        pending
    }

    #[inline]
    fn of(&self, peer: PendingIndex) -> Option<&Pending> {
        self.pending.get(peer.0 as usize)
    }

    /// Notes that bytes were sent without waiting for the end of the turn.
    pub(crate) fn note_sent(&mut self, peer: &mut PendingIndex, bytes: usize) {
        self.count(peer, bytes);
    }

    /// Bytes that were sent to a peer in this turn.
    #[inline]
    pub(crate) fn sent(&self, peer: PendingIndex) -> usize {
        self.of(peer).map_or(0, |pending| pending.sent as usize)
    }

    /// Bytes that wait in its chain.
    #[inline]
    pub(crate) fn bytes(&self, peer: PendingIndex) -> usize {
        self.of(peer)
            .map_or(0, |pending| pending.chain.bytes as usize)
    }

    /// Takes its chain, which is empty afterwards.
    pub(crate) fn take_chain(&mut self, peer: PendingIndex) -> Chain {
        let pending = self.pending.get_mut(peer.0 as usize);
        pending.map_or(Chain::EMPTY, |pending| {
            std::mem::replace(&mut pending.chain, Chain::EMPTY)
        })
    }

    /// Enough has been published in this turn: what waits is sent first.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.full
    }

    /// The frames of one peer in order, with their keys.
    pub(crate) fn frames(&self, chain: Chain) -> impl Iterator<Item = (&SharedFrame, u32)> + Clone {
        let first = self.links.get(chain.first as usize);
        let links = std::iter::successors(first, |link| self.links.get(link.next as usize));
        links.map(|link| (&self.frames[link.frame as usize], link.key))
    }

    /// All chains have been written or queued.
    pub(crate) fn clear(&mut self) {
        self.frames.clear();
        self.links.clear();
        self.links.shrink_to(64 * 1024);
        self.pending.clear();
        self.pending.shrink_to(64 * 1024);
        self.full = false;
    }
}
