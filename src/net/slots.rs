//! Peers by number: a slab whose numbers cannot be confused after reuse.
//!
//! Comes in: a peer. Goes out: a [`PeerId`]. Invariant: a `PeerId` finds the peer that it was made
//! for, or nothing.

use crate::net::peer::Peer;
use slab::Slab;

/// The name of one connection of one event loop, never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PeerId {
    pub(super) index: u32,
    pub(super) generation: u32,
}

impl PeerId {
    /// A small dense number, which another connection may get after this one has ended: the index
    /// for tables of a service's own.
    pub fn index(self) -> usize {
        self.index as usize
    }

    /// A name for tests that need no connection.
    #[cfg(all(test, feature = "push"))]
    pub(crate) fn invented(index: u32) -> Self {
        Self {
            index,
            generation: 1,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Slots {
    slab: Slab<Peer>,
    generation: u32,
}

impl Slots {
    pub(super) fn len(&self) -> usize {
        self.slab.len()
    }

    /// The index that [`Slots::insert`] will use.
    pub(super) fn vacant(&self) -> u32 {
        self.slab.vacant_key() as u32
    }

    pub(super) fn insert(&mut self, mut peer: Peer) -> PeerId {
        self.generation = self.generation.wrapping_add(1);
        peer.generation = self.generation;
        let index = self.slab.insert(peer) as u32;
        PeerId {
            index,
            generation: self.generation,
        }
    }

    pub(super) fn remove(&mut self, index: u32) -> Option<Peer> {
        self.slab.try_remove(index as usize)
    }

    /// By index: for the loop, whose own indices are right.
    #[inline]
    pub(super) fn at(&mut self, index: u32) -> Option<&mut Peer> {
        self.slab.get_mut(index as usize)
    }

    /// By name: for everybody else.
    #[inline]
    pub(super) fn get(&self, id: PeerId) -> Option<&Peer> {
        self.slab
            .get(id.index as usize)
            .filter(|peer| peer.generation == id.generation)
    }

    #[inline]
    pub(super) fn get_mut(&mut self, id: PeerId) -> Option<&mut Peer> {
        self.at(id.index)
            .filter(|peer| peer.generation == id.generation)
    }

    /// Peers that something is held for, and how much; shared frames count for each.
    pub(super) fn holders(&self) -> impl Iterator<Item = (usize, u32)> {
        self.slab.iter().filter_map(|(index, peer)| {
            let rare = peer.rare.as_ref().filter(|_| !peer.flags.doomed)?;
            let held = rare.charged.max(rare.queue.held());
            (held > 0).then_some((held, index as u32))
        })
    }

    pub(super) fn id(&self, index: u32) -> Option<PeerId> {
        let peer = self.slab.get(index as usize)?;
        Some(PeerId {
            index,
            generation: peer.generation,
        })
    }

    pub(super) fn ids(&self) -> Vec<PeerId> {
        let id = |(index, peer): (usize, &Peer)| PeerId {
            index: index as u32,
            generation: peer.generation,
        };
        self.slab.iter().map(id).collect()
    }
}
