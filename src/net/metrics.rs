//! What each loop counts, readable from any thread.
//!
//! Invariant: only one loop writes each counter, so counting costs a load and a store without any
//! lock; a reader may see some counters before and others after an event.

use crate::net::words::Sent;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A counter with one writer.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    #[inline]
    pub(crate) fn add(&self, n: u64) {
        self.0.store(self.0.load(Relaxed).wrapping_add(n), Relaxed);
    }

    #[inline]
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)+) => {
        /// Counters of one loop since it started.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Counters { $($(#[$doc])* pub $name: u64,)+ }

        /// The counters as the loop writes them, on separate cache lines.
        #[derive(Debug, Default)]
        #[repr(align(128))]
        pub(crate) struct Metrics { $(pub(crate) $name: Counter,)+ }

        impl Metrics {
            pub(crate) fn counters(&self) -> Counters {
                Counters { $($name: self.$name.get(),)+ }
            }
        }

        impl std::ops::AddAssign for Counters {
            fn add_assign(&mut self, other: Self) {
                $(self.$name += other.$name;)+
            }
        }
    };
}

counters! {
    /// Waits for events.
    turns,
    /// System calls that read from a peer.
    reads,
    /// System calls that wrote to a peer.
    writes,
    /// Connections accepted.
    accepted,
    /// Connections that were dialled and opened.
    dialled,
    /// Connections refused because of a limit.
    refused,
    /// Those of them whose address opens connections too often
    /// ([`Options::connection_rate`](crate::net::Options::connection_rate)).
    limited,
    /// Connections, accepted or dialled, that have ended.
    ended,
    /// WebSockets opened, in either role.
    opened,
    /// WebSockets that have ended.
    closed,
    /// HTTP requests handed to the service.
    requests,
    /// WebSocket messages received.
    messages,
    /// Messages and parts of streams that were accepted for a peer, whether or not they have left.
    sent,
    /// Bytes received, above TLS.
    bytes_in,
    /// Bytes sent, above TLS.
    bytes_out,
    /// Frames that were dropped for slow peers.
    dropped,
    /// Connections that were ended because their peer was too slow.
    overflowed,
    /// Connections that were ended because the server held too much for its peers
    /// ([`Limits::memory_bytes`](crate::net::Limits::memory_bytes)).
    shed,
    /// Connections whose encryption failed, most often in its handshake.
    tls_failed,
    /// Connections that failed because their peer broke a rule.
    violations,
    /// Connections that ended or were reset without a Close.
    lost,
    /// Connections whose peer did not answer a Ping.
    silent,
    /// Connections whose peer took nothing for too long, and requests that were answered too late.
    stalled,
    /// Connections on which a message took too long to arrive.
    late,
    /// Connections that were ended because the server stops.
    stopped,
}

impl Sent {
    /// Counts it if it was accepted.
    #[inline]
    pub(crate) fn counted(self, metrics: &Metrics) -> Self {
        if self.is_taken() {
            metrics.sent.add(1);
        }
        self
    }
}

impl std::iter::Sum for Counters {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |mut sum, one| {
            sum += one;
            sum
        })
    }
}
