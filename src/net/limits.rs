//! The bounds of a server: what its connections may hold, one by one and together.
//!
//! Enforced by the engine and its parts; RFC 6455 section 10.4.

use crate::http::HeadLimits;
use crate::options::options;

options! {
    /// The bounds of the connections of a server. The table of all bounds is at
    /// [`wirebell::Limits`](crate::Limits).
    ///
    /// ```
    /// use wirebell::{Limits, net};
    /// let protocol = Limits::DEFAULT.message_bytes(64 * 1024);
    /// let limits = net::Limits::DEFAULT.protocol(protocol).queued_bytes(4 * 1024 * 1024);
    /// ```
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub const struct Limits {
        /// The bounds of each WebSocket connection.
        pub protocol: crate::Limits = crate::Limits::DEFAULT,
        /// The bounds of the head of a request.
        pub head: HeadLimits = HeadLimits::DEFAULT,
        /// Milliseconds from the first byte of a head, or from accept, until it must be whole (408
        /// or a plain close). Slow heads hold a connection, not a thread; ten seconds tolerate a
        /// bad mobile link.
        pub head_ms: u32 = 10_000,
        /// Milliseconds that an HTTP connection may be idle between two requests. Load balancers
        /// keep theirs for 60 s and must be the first to close, or their next request hits a
        /// connection that is just being closed.
        pub http_idle_ms: u32 = 75_000,
        /// Bytes of an HTTP request body, decoded (413 above it).
        pub body_bytes: usize = 1024 * 1024,
        /// Milliseconds for a whole body to arrive.
        pub body_ms: u32 = 30_000,
        /// Milliseconds that a service may take for a deferred answer (504 after it). A long poll
        /// lasts two minutes at most.
        pub answer_ms: u32 = 150_000,
        /// Connections per worker. Above it, new ones are closed at once.
        pub connections: usize = 1_000_000,
        /// Connections from one address (IPv4 address or IPv6 /64) per worker; 0 means no bound,
        /// which is right behind a reverse proxy.
        pub connections_per_address: u32 = 0,
        /// Milliseconds from the first bytes of a message until it must be whole (1008 after it); 0
        /// means no bound. Five minutes allow a message of the largest size at half a megabit per
        /// second, and limit how long a peer that trickles bytes can hold memory.
        pub message_ms: u32 = 300_000,
        /// Bytes that may wait for one slow connection before its overflow policy acts. While
        /// nothing waits, one message of any size is accepted.
        pub queued_bytes: usize = 1024 * 1024,
        /// Bytes that all event loops of a server together hold for their peers: unfinished
        /// requests and messages, paused input, send queues and their frames, mail. Above it the
        /// largest holders are closed (1013, or 503) until an eighth is free again. It bounds the
        /// sum of the individual bounds, except for compression, which has its own budget.
        pub memory_bytes: usize = 256 * 1024 * 1024,
        /// Bytes of mail that may wait for one event loop: above it, posting fails. From half of it
        /// on, no loop of the server reads from its peers until some mail has been delivered.
        pub mail_bytes: usize = 8 * 1024 * 1024,
        /// Milliseconds without progress after which a blocked write ends the connection.
        pub stall_ms: u32 = 30_000,
        /// Milliseconds over which a graceful stop spreads the ends of connections, at most 10 for
        /// each; 0 ends all of them at once. Clients that connect again do not all arrive together.
        pub drain_ms: u32 = 0,
    }
}
