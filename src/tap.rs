//! Shows the bytes on the wire, for traces and for learning.
//!
//! Input: what a connection reads and writes. Output: the same, to the [`Tap`]. Invariant: every
//! connection that is opened is closed, once, and nothing is shown after that.

use crate::proto::Role;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Is shown every byte of connections, handshakes included, in the order in which they are sent and
/// received; bytes that TCP did not accept at once are shown when they leave.
///
/// A connection is identified by a number that is unique in this process. Different connections are
/// shown by different threads, and so are the two directions of a blocking client. A slow tap
/// delays its connection; in an event loop, all connections of the worker.
pub trait Tap: fmt::Debug + Send + Sync {
    /// TCP is connected.
    fn opened(&self, connection: u64, ends: &ConnectionInfo) {
        let _ = (connection, ends);
    }

    /// Bytes that were handed to the system; with a blocking client, that are about to be.
    fn sent(&self, connection: u64, bytes: &[u8]);

    /// Bytes that have arrived, unchanged.
    fn received(&self, connection: u64, bytes: &[u8]);

    /// We have closed TCP, or are about to; nothing more of this connection is shown.
    fn closed(&self, connection: u64) {
        let _ = connection;
    }
}

/// The two ends of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionInfo {
    /// Which end this process is.
    pub role: Role,
    /// Our address, if the system knows it.
    pub local: Option<SocketAddr>,
    /// The address of the other end: that of the proxy, if there is one; `0.0.0.0:0` on a stream
    /// without addresses.
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
