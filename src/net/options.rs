//! The settings of a server's event loops. What each limit does is left to the part that has it.

#[cfg(feature = "deflate")]
use crate::deflate;
use crate::http::TrustedProxy;
use crate::net::access::AccessLog;
use crate::net::limits::Limits;
use crate::net::rate::Rate;
use crate::net::words::Overflow;
use crate::options::options;
use crate::tap::Tap;
use std::sync::Arc;

options! {
    /// How a [`Server`](crate::net::Server) runs.
    #[derive(Clone, Debug)]
    pub struct Options {
        /// Event loops, each on its own thread with its own listener; 0 means one per core.
        pub workers: usize = 0,
        /// The bounds of all connections.
        pub limits: Limits = Limits::DEFAULT,
        /// What happens to peers that read too slowly.
        pub overflow: Overflow = Overflow::Disconnect,
        /// permessage-deflate (RFC 7692) for clients that offer it; `None` declines.
        #[cfg(feature = "deflate")]
        pub deflate: Option<deflate::Settings> = None,
        /// Bytes of the receive buffer of a loop. Large enough for a whole burst of one peer, small
        /// enough for the second-level cache: a little over 256 KiB, so that a message of that
        /// length fits with its header.
        pub receive_buffer: usize = 256 * 1024 + 64,
        /// Read until the socket would block, instead of until a read returned less than there was
        /// room for. One more system call per event; for platforms where a short read does not mean
        /// that the socket is drained.
        pub read_until_would_block: bool = !cfg!(any(target_os = "linux", target_os = "android")),
        /// Proxies that are believed when they say in `X-Forwarded-For` or `Forwarded` (RFC 7239)
        /// whose request they pass on: see [`Context::address`](crate::net::Context::address).
        /// [`Limits::connections_per_address`] counts their connections for that client, from the
        /// head of its request until it is answered or its WebSocket ends.
        pub trusted_proxies: Vec<TrustedProxy> = Vec::new(),
        /// How many connections an address (IPv4 address or IPv6 /64) may open, counted by all
        /// loops together; `None` for no limit. Those beyond it are closed before anything is
        /// read from them. Trusted proxies have no limit.
        pub connection_rate: Option<Rate> = None,
        /// Nothing is read, written or accepted before [`Handle::go`](crate::net::Handle::go): the
        /// server takes over from another process.
        #[cfg(feature = "take-over")]
        pub resting: bool = false,
        /// Is called with every request and its answer.
        pub access_log: Option<Arc<dyn AccessLog>> = None,
        /// Sees every byte of all connections, accepted and dialled.
        pub tap: Option<Arc<dyn Tap>> = None,
    }
}

impl Options {
    /// permessage-deflate, if it is compiled in and enabled.
    pub(crate) fn deflate_settings(&self) -> Option<crate::deflate::Settings> {
        #[cfg(feature = "deflate")]
        return self.deflate;
        #[cfg(not(feature = "deflate"))]
        None
    }

    pub(crate) fn worker_count(&self) -> usize {
        match self.workers {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            workers => workers,
        }
    }
}
