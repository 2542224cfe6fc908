//! How an endpoint compresses: what it agrees to, at which level, and how much memory it may keep.
//!
//! Input: nothing. Output: values for a [`Pool`](crate::deflate::Pool) and for the handshake.

use crate::handshake::DeflatePolicy;

/// How an endpoint compresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Settings {
    /// What may be negotiated with clients.
    pub policy: DeflatePolicy,
    /// How hard to try: 0 stores, 1 is quick, 9 is slow; higher values count as 9. With the
    /// default, 2, a KiB of JSON takes a quarter fewer bytes than with 1, in twice the time; 6 is
    /// no better than 2.
    pub level: u8,
    /// Messages below this many bytes are sent uncompressed.
    pub min_bytes: usize,
    /// Bytes that all connections together may keep between messages.
    pub budget: usize,
    /// Milliseconds after which an unused compressor of a connection is given back.
    pub idle_ms: u32,
}

impl Settings {
    /// Without takeover.
    pub const DEFAULT: Self = Self {
        policy: DeflatePolicy::NO_TAKEOVER,
        level: 2,
        min_bytes: 128,
        budget: 64 * 1024 * 1024,
        idle_ms: 30_000,
    };
}

impl Default for Settings {
    fn default() -> Self {
        Self::DEFAULT
    }
}
