//! How an endpoint compresses: what it agrees to, at which level, and how much memory it may keep.
//!
//! Input: what a program sets. Output: values for a [`Pool`](crate::deflate::Pool) and for the
//! handshake.

use crate::handshake::DeflatePolicy;
use crate::options::options;

options! {
    /// How an endpoint compresses.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub const struct Settings {
        /// What may be negotiated with clients.
        pub policy: DeflatePolicy = DeflatePolicy::NO_TAKEOVER,
        /// How hard to try: 0 stores, 1 is quick, 9 is slow; higher values count as 9. With the
        /// default, 2, a KiB of JSON takes a quarter fewer bytes than with 1, in twice the time; 6
        /// is no better than 2.
        pub level: u8 = 2,
        /// Messages below this many bytes are sent uncompressed.
        pub min_bytes: usize = 128,
        /// Bytes that all connections together may keep between messages.
        pub budget: usize = 64 * 1024 * 1024,
        /// Milliseconds after which an unused compressor of a connection is given back.
        pub idle_ms: u32 = 30_000,
    }
}
