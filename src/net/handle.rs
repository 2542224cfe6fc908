//! The workers of a server as seen from outside: by a service that is being made, and by the
//! program that runs the server.

use crate::net::mailbox::Mailbox;
use crate::net::metrics::{Counters, Metrics};
use std::sync::Arc;

/// What a worker knows when its service is made.
#[derive(Debug)]
pub struct Worker<M> {
    /// The number of this worker, from 0.
    pub number: usize,
    /// The mailboxes of all workers, in the order of their numbers: to publish to all.
    pub mailboxes: Vec<Mailbox<M>>,
}

/// Controls a server from any thread, even while another joins it; cheap to clone.
#[derive(Debug)]
pub struct Handle<M> {
    mailboxes: Arc<[Mailbox<M>]>,
    metrics: Arc<[Arc<Metrics>]>,
}

impl<M> Clone for Handle<M> {
    fn clone(&self) -> Self {
        Self {
            mailboxes: Arc::clone(&self.mailboxes),
            metrics: Arc::clone(&self.metrics),
        }
    }
}

impl<M> Handle<M> {
    /// Of all workers, in order of their numbers.
    pub(crate) fn new(mailboxes: Arc<[Mailbox<M>]>, metrics: Arc<[Arc<Metrics>]>) -> Self {
        Self { mailboxes, metrics }
    }

    /// The counters of this worker.
    pub(crate) fn metrics(&self, worker: usize) -> Arc<Metrics> {
        Arc::clone(&self.metrics[worker])
    }

    /// Begins a graceful stop: no new connections, Close 1001 to every peer, spread over
    /// [`Limits::drain_ms`](crate::net::Limits::drain_ms), and a wait bounded by
    /// [`Limits::close_ms`](crate::Limits::close_ms) and
    /// [`Limits::linger_ms`](crate::Limits::linger_ms). Returns at once;
    /// [`Server::join`](crate::net::Server::join) waits.
    pub fn stop(&self) {
        for mailbox in self.mailboxes.iter() {
            mailbox.stop();
        }
    }

    /// The mailboxes of all workers, in the order of their numbers, usable from any thread.
    pub fn mailboxes(&self) -> &[Mailbox<M>] {
        &self.mailboxes
    }

    /// The counters of each worker. They are not read at one instant, so they may not match
    /// exactly.
    pub fn counters(&self) -> Vec<Counters> {
        self.metrics
            .iter()
            .map(|metrics| metrics.counters())
            .collect()
    }

    /// Bytes that all workers hold for their peers, of at most
    /// [`Limits::memory_bytes`](crate::net::Limits::memory_bytes).
    pub fn held_bytes(&self) -> usize {
        self.mailboxes.first().map_or(0, Mailbox::held_bytes)
    }
}
