//! Everything that is written to the connections of one loop, in as few writes as possible.
//!
//! ```text
//!   send to the peer whose input is handled ──▶ cork ──one write at the end of the input──▶ socket
//!   send to any other peer ──▶ run of this turn ────one write at the end of the turn──────▶ socket
//!                     what the socket refuses ──▶ queue ──when it is writable again───────▶ socket
//! ```
//!
//! Input: a peer, which the caller has looked up, and what it is to be sent. Invariant: bytes leave
//! in the order of the calls. A peer with a queue has an empty cork and run, and its input rests
//! until the queue is empty; so what a peer makes us send is bounded by what it sends in one read.
//! The table of peers is left to the caller.
//!
//! Reading order: `buffers`, `cork`, `write`, `send`, `compress`, `pieces`, `http`, `end`.

pub(crate) mod buffers;
mod compress;
mod cork;
mod end;
mod http;
mod pieces;
mod send;
mod write;

use crate::net::access::Accesses;
use crate::net::conn::addresses::Addresses;
use crate::net::conn::batch::Batch;
use crate::net::conn::cold::ColdStore;
use crate::net::conn::deflate::Compression;
use crate::net::conn::lists::Lists;
use crate::net::conn::peer::Peer;
use crate::net::conn::timers::Timers;
use crate::net::latency::Latency;
use crate::net::metrics::Metrics;
use crate::net::options::Options;
use crate::net::output::buffers::Buffers;
use crate::net::output::cork::Cork;
use crate::net::sockets::Sockets;
use crate::proto::{Millis, Outbox};
use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Instant;

/// The output of one loop.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) worker: u16,
    pub(crate) options: Options,
    pub(crate) sockets: Box<dyn Sockets>,
    pub(crate) now: Millis,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) lists: Lists,
    pub(crate) timers: Timers,
    pub(crate) addresses: Addresses,
    /// Peers whose connection ends at once if they end their side before their answer is sent.
    pub(crate) leaving: HashSet<u32>,
    /// At least one connection is encrypted, or was.
    pub(crate) some_secure: bool,
    /// Connections whose requests are sent to this port, over TLS.
    pub(crate) redirects: HashMap<u32, NonZeroU16>,
    pub(crate) cold: ColdStore,
    pub(crate) buffers: Buffers,
    pub(crate) compression: Compression,
    /// Control frames of the peer that is being handled.
    pub(crate) outbox: Outbox,
    /// When what is sent in this turn was accepted from others: the time until it has been written
    /// or queued is what `latency` counts.
    pub(crate) origins: Vec<Instant>,
    pub(crate) latency: Latency,
    pub(crate) accesses: Accesses,
    batch: Batch,
    cork: Cork,
}

impl Output {
    pub(crate) fn new(
        worker: u16,
        options: Options,
        sockets: Box<dyn Sockets>,
        metrics: Arc<Metrics>,
        cold: ColdStore,
        compression: Compression,
    ) -> Self {
        Self {
            worker,
            accesses: Accesses::new(options.access_log.clone()),
            options,
            sockets,
            now: 0,
            metrics,
            lists: Lists::default(),
            timers: Timers::default(),
            addresses: Addresses::default(),
            leaving: HashSet::new(),
            some_secure: false,
            redirects: HashMap::new(),
            cold,
            buffers: Buffers::default(),
            compression,
            outbox: Outbox::new(),
            origins: Vec::new(),
            latency: Latency::default(),
            batch: Batch::default(),
            cork: Cork::new(),
        }
    }

    /// See [`Context::address`](crate::net::Context::address).
    pub(crate) fn address(&self, index: u32) -> Option<SocketAddr> {
        let client = self.addresses.client(index);
        client.or_else(|| self.sockets.remote(index))
    }

    /// The request of this peer is answered: for the access log.
    #[inline]
    pub(crate) fn log_answer(&mut self, index: u32, status: u16, body_bytes: usize) {
        if self.accesses.are_logged() {
            let address = self.address(index);
            let answer = (status, body_bytes);
            self.accesses.answered(index, address, answer, self.now);
        }
    }

    /// The connection ends: for the access log.
    #[inline]
    pub(crate) fn log_end(&mut self, index: u32) {
        if self.accesses.are_logged() {
            let address = self.address(index);
            self.accesses.ended(index, address, self.now);
        }
    }

    /// Charges what is held beside the side tables: for encryption, and for the access log.
    #[inline]
    pub(crate) fn charge_beside(&mut self) {
        let held = self.sockets.held() + self.accesses.held();
        self.cold.charge_beside(held);
    }

    /// The part of it that is held for this peer.
    pub(crate) fn held_beside(&self, index: u32) -> usize {
        self.sockets.held_by(index) + self.accesses.held_by(index)
    }

    /// A peer has left its table: what else is known of it goes, but for its socket.
    pub(crate) fn forget(&mut self, peer: &mut Peer) {
        self.cold.drop_of(peer);
        self.timers.clear(peer);
        self.redirects.remove(&peer.index);
        self.leaving.remove(&peer.index);
        self.addresses.forget(peer.index);
    }

    /// Enough has been published in this turn: it is sent before more is read.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.batch.is_full()
    }

    /// All runs have been written or queued.
    pub(crate) fn end_turn(&mut self) {
        self.batch.clear();
        if self.origins.is_empty() {
            return;
        }
        let now = Instant::now();
        for origin in self.origins.drain(..) {
            self.latency.record(now.saturating_duration_since(origin));
        }
    }
}
