//! The bounds of a client's connection.
//!
//! Enforced by `opening` and by the clients.

use crate::http::HeadLimits;
use crate::options::options;

options! {
    /// The bounds of a client's connection. The table of all bounds is at
    /// [`wirebell::Limits`](crate::Limits).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub const struct Limits {
        /// The bounds of the connection once it is open.
        pub protocol: crate::Limits = crate::Limits::DEFAULT,
        /// The bounds of the head of a response.
        pub head: HeadLimits = HeadLimits::DEFAULT,
        /// Milliseconds for all of connecting: TCP, the proxy and the handshake. If a name has
        /// several addresses, each gets an equal share of what is left. The wait for other
        /// handshakes with the same server does not count, and the system has its own time limit
        /// for looking up a name.
        pub open_ms: u32 = 10_000,
        /// Milliseconds without progress after which a blocked write ends the connection.
        pub stall_ms: u32 = 30_000,
    }
}
