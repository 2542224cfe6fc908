//! The bounds of one connection: RFC 6455 section 10.4.
//!
//! Invariant: whatever a peer can make grow (bytes, entries, time) has a field here or in the
//! limits of a higher layer. A value is a number of bytes, entries or milliseconds, as its
//! documentation says. Nothing is enforced here: each layer reads the fields that concern it.

use crate::options::options;

options! {
    /// The bounds of a [`Connection`](crate::Connection).
    ///
    /// ```
    /// use wirebell::Limits;
    /// let limits = Limits::DEFAULT.message_bytes(64 * 1024);
    /// assert_eq!(limits.fragments, 131_072);
    /// ```
    #[doc = include_str!("limits.md")]
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub const struct Limits {
        /// Bytes of one frame (close code 1009 above it).
        pub frame_bytes: u64 = 16 * 1024 * 1024,
        /// Bytes of one message, all fragments together (1009 above it): on the wire, and again
        /// while a compressed one is inflated. Autobahn's largest is exactly this.
        pub message_bytes: u64 = 16 * 1024 * 1024,
        /// Bytes of work that one byte of a compressed message may cause, once the total exceeds 64
        /// KiB (1008 above it; RFC 7692 section 8). Work is the output, and what is copied to
        /// produce it. DEFLATE makes at most 1032 bytes out of one, so the default refuses no data,
        /// only streams crafted to be slow. Text and JSON stay below 50: with a lower value a bomb
        /// is stopped earlier, but so is a blank picture.
        pub inflate_ratio: u32 = 1032,
        /// Frames of one message, empty ones included (1008 above it). Autobahn sends 4 MiB in
        /// fragments of 64 bytes, which is half of it.
        pub fragments: u32 = 131_072,
        /// Milliseconds of silence after which a Ping is sent; 0 sends none.
        pub ping_ms: u32 = 30_000,
        /// Milliseconds after a Ping within which any byte must arrive.
        pub pong_ms: u32 = 15_000,
        /// Milliseconds for the peer to answer our Close.
        pub close_ms: u32 = 5_000,
        /// Milliseconds for which input on a finished connection is read and discarded, so that a
        /// reset does not overtake the last bytes sent.
        pub linger_ms: u32 = 2_000,
    }
}
