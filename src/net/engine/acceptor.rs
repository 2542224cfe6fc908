//! What waits to be accepted.
//!
//! Invariant: a listener that cannot accept neither spins nor dies. What waits stays in the
//! kernel's backlog until a connection ends or a short time has passed.

use crate::proto::Millis;
use std::io;

/// How long to leave the backlog alone if no connection ends before.
const RETRY_MS: Millis = 100;

/// What waits at the listeners.
#[derive(Debug, Default)]
pub(super) struct Acceptor {
    /// By listener. More may wait: edge-triggered readiness will not report it again.
    pub(super) pending: Vec<bool>,
    /// Accepting failed for lack of descriptors or memory: when to try again at the latest.
    retry_at: Option<Millis>,
}

impl Acceptor {
    /// Connections wait at this listener.
    pub(super) fn announce(&mut self, listener: usize) {
        if self.pending.len() <= listener {
            self.pending.resize(listener + 1, false);
        }
        self.pending[listener] = true;
    }

    /// No more connections will be accepted.
    pub(super) fn close(&mut self) {
        *self = Self::default();
    }

    /// A connection has ended: a descriptor is free again.
    pub(super) fn descriptor_is_free(&mut self) {
        if self.retry_at.is_some() {
            self.retry_at = Some(0);
        }
    }

    /// When to accept again without a readiness event.
    pub(super) fn deadline(&self) -> Option<Millis> {
        match self.pending.contains(&true) && self.retry_at.is_none() {
            true => Some(0),
            false => self.retry_at,
        }
    }

    /// There are free descriptors to accept with.
    pub(super) fn works_again(&mut self) {
        if self.retry_at.take().is_some() {
            log::warn!("accepting connections again");
        }
    }

    /// There are none.
    pub(super) fn failed(&mut self, error: &io::Error, now: Millis) {
        if self.retry_at.is_none() {
            log::warn!("cannot accept connections for now: {error}");
        }
        self.retry_at = Some(now + RETRY_MS);
    }
}
