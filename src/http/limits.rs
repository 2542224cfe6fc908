//! The bounds of a request or response head.
//!
//! Enforced by `head`, `reader` and the client.

use crate::options::options;

options! {
    /// The bounds of an HTTP head: RFC 9112 section 3, RFC 9110 section 5.4.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub const struct HeadLimits {
        /// Bytes of an HTTP head, request line included (431 above it). nginx accepts 32 KiB; large
        /// cookies and signed tokens stay below that.
        pub bytes: usize = 32 * 1024,
        /// Header fields of a head (431 above it), at most [`MAX_FIELDS`](crate::http::MAX_FIELDS).
        /// Browsers send about 20, proxies add some; Apache accepts 100.
        pub fields: usize = 100,
        /// Bytes of a request target (414 above it). Half of a head: queries may carry tokens.
        pub target_bytes: usize = 16 * 1024,
    }
}
