//! Peers by number: a slab whose names stay unambiguous when indices are reused.
//!
//! Input: a peer. Output: a [`PeerId`]. Invariant: a `PeerId` finds the peer that it was made for,
//! or nothing.

use crate::net::conn::peer::Peer;
use crate::net::words::PeerId;
use slab::Slab;

#[derive(Debug)]
pub(crate) struct Table {
    slab: Slab<Peer>,
    worker: u16,
    generation: u32,
}

impl Table {
    pub(crate) fn new(worker: u16) -> Self {
        Self {
            slab: Slab::new(),
            worker,
            generation: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.slab.len()
    }

    /// The index that [`Table::insert`] will use.
    pub(crate) fn vacant(&self) -> u32 {
        self.slab.vacant_key() as u32
    }

    pub(crate) fn insert(&mut self, mut peer: Peer) -> &mut Peer {
        self.generation = self.generation.wrapping_add(1);
        peer.generation = self.generation;
        let entry = self.slab.vacant_entry();
        peer.index = entry.key() as u32;
        entry.insert(peer)
    }

    pub(crate) fn remove(&mut self, index: u32) -> Option<Peer> {
        self.slab.try_remove(index as usize)
    }

    /// By index: for the engine, whose own indices are always valid.
    #[inline]
    pub(crate) fn at(&mut self, index: u32) -> Option<&mut Peer> {
        self.slab.get_mut(index as usize)
    }

    /// By name: for everything else.
    #[inline]
    pub(crate) fn get(&self, id: PeerId) -> Option<&Peer> {
        let peer = self.slab.get(id.index as usize)?;
        (peer.generation == id.generation && id.worker == self.worker).then_some(peer)
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, id: PeerId) -> Option<&mut Peer> {
        let peer = self.slab.get_mut(id.index as usize)?;
        (peer.generation == id.generation && id.worker == self.worker).then_some(peer)
    }

    pub(crate) fn id_at(&self, index: u32) -> Option<PeerId> {
        let peer = self.slab.get(index as usize)?;
        Some(peer.id(self.worker))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Peer> {
        self.slab.iter().map(|(_, peer)| peer)
    }

    pub(crate) fn indices(&self) -> Vec<u32> {
        self.slab.iter().map(|(index, _)| index as u32).collect()
    }
}
