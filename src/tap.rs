//! A look at the bytes on the wire, for traces and for learning.
//!
//! Input: what a connection reads and writes. Output: the same, to whoever wants to see it.
//! Invariant: every connection that is opened is closed, once, and nothing is shown behind that.

use crate::proto::Role;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Is shown every byte of connections, the handshakes included, in the order in which the bytes
/// go and come; bytes that TCP has refused are shown when they leave.
///
/// A connection is known by its number, which no other in this process has. Different connections
/// are shown by different threads, and so are the two directions of a blocking client. Who takes
/// long holds the connection up: in an event loop, all connections of its worker.
pub trait Tap: fmt::Debug + Send + Sync {
    /// TCP is connected.
    fn opened(&self, connection: u64, ends: &ConnectionInfo) {
        let _ = (connection, ends);
    }

    /// Bytes that are handed to the system; of a blocking client, right before.
    fn sent(&self, connection: u64, bytes: &[u8]);

    /// Bytes that have arrived, as they came.
    fn received(&self, connection: u64, bytes: &[u8]);

    /// We have closed TCP, or are about to; nothing more of this connection is shown.
    fn closed(&self, connection: u64) {
        let _ = connection;
    }
}

/// Between whom a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionInfo {
    /// Which end this process is.
    pub role: Role,
    /// Our address, if the system tells it.
    pub local: Option<SocketAddr>,
    /// That of the other end: of a proxy, where there is one; `0.0.0.0:0` on a stream that has no
    /// addresses.
    pub remote: SocketAddr,
}

/// One connection that is shown, from `opened` to `closed`.
#[derive(Debug)]
pub(crate) struct Tapped {
    tap: Arc<dyn Tap>,
    connection: u64,
}

impl Tapped {
    pub(crate) fn open(tap: Arc<dyn Tap>, ends: &ConnectionInfo) -> Self {
        static NUMBERS: AtomicU64 = AtomicU64::new(1);
        let connection = NUMBERS.fetch_add(1, Ordering::Relaxed);
        tap.opened(connection, ends);
        Self { tap, connection }
    }

    pub(crate) fn sent(&self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.tap.sent(self.connection, bytes);
        }
    }

    pub(crate) fn received(&self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.tap.received(self.connection, bytes);
        }
    }
}

impl Drop for Tapped {
    fn drop(&mut self) {
        self.tap.closed(self.connection);
    }
}
