//! What is published during one turn of the loop, and to whom.
//!
//! Input: frame by frame, peer by peer. Output, at the end of the turn: for each peer all of its
//! frames, for one vectored write. Invariant: a frame is held once however many peers get it, a
//! peer costs 12 bytes per frame and no allocation, and a turn that is full takes no more mail.
//!
//! ```text
//!   frames: [ A ][ B ]
//!   links:  [A·][A·][B·][B·]          chain of peer 1:  0 ──▶ 2
//!            0   1   2   3            chain of peer 2:  1 ──▶ 3
//! ```

use crate::net::frame::SharedFrame;

const END: u32 = u32::MAX;

/// Frames among which one is looked for before it is held again: the compressed forms of one
/// message take turns.
const RECENT: usize = 8;

/// The links of one peer: the first and the last.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chain {
    first: u32,
    last: u32,
    /// Bytes of its frames.
    bytes: u32,
}

impl Default for Chain {
    fn default() -> Self {
        Self {
            first: END,
            last: END,
            bytes: 0,
        }
    }
}

impl Chain {
    #[inline]
    pub(crate) fn is_empty(self) -> bool {
        self.first == END
    }

    /// Bytes of its frames.
    #[inline]
    pub(crate) fn bytes(self) -> usize {
        self.bytes as usize
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
    /// A chain has as much as one write should carry, or all have as many links as they may.
    full: bool,
}

/// Links of one turn, for all peers together: 3 MiB of memory.
const MAX_LINKS: usize = 256 * 1024;

/// Bytes for one peer after which the turn should end and let them leave: the peer may be quick,
/// and a socket takes only so much at a time.
const MAX_CHAIN: usize = 128 * 1024;

impl Batch {
    /// Adds a frame to the chain of one peer.
    #[inline]
    pub(crate) fn link(&mut self, chain: &mut Chain, frame: &SharedFrame, key: u32) {
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
        match chain.is_empty() {
            true => chain.first = at,
            false => self.links[chain.last as usize].next = at,
        }
        chain.last = at;
        let len = u32::try_from(frame.as_bytes().len()).unwrap_or(u32::MAX);
        chain.bytes = chain.bytes.saturating_add(len);
        self.full |= chain.bytes() >= MAX_CHAIN || self.links.len() >= MAX_LINKS;
    }

    /// Enough has been published in this turn: what waits goes first.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.full
    }

    /// The frames of one peer in their order, with their keys.
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
        self.full = false;
    }
}
