//! Which connections of one loop are shown to a [`Tap`].
//!
//! Invariant: a loop without taps keeps nothing here, and each read or write costs it one
//! comparison.

use crate::proto::Role;
use crate::tap::{ConnectionInfo, Tap, Tapped};
use std::net::SocketAddr;
use std::sync::Arc;

#[derive(Debug, Default)]
pub(super) struct Taps {
    /// By the index of the peer.
    tapped: Vec<Option<Tapped>>,
}

impl Taps {
    /// The tap that is shown what this peer reads and writes.
    #[inline]
    pub(super) fn of(&self, index: u32) -> Option<&Tapped> {
        self.tapped.get(index as usize)?.as_ref()
    }

    /// The peer is connected, between our address and that of the other end.
    pub(super) fn open(
        &mut self,
        index: u32,
        tap: &Arc<dyn Tap>,
        role: Role,
        (local, remote): (Option<SocketAddr>, SocketAddr),
    ) {
        let index = index as usize;
        if self.tapped.len() <= index {
            self.tapped.resize_with(index + 1, || None);
        }
        let ends = ConnectionInfo {
            role,
            local,
            remote,
        };
        self.tapped[index] = Some(Tapped::open(Arc::clone(tap), &ends));
    }

    /// The peer is removed.
    pub(super) fn close(&mut self, index: u32) {
        if let Some(tapped) = self.tapped.get_mut(index as usize) {
            *tapped = None;
        }
    }
}
