//! TLS sessions without I/O, for `wss://` in both roles (RFC 6455 section 10.6).
//!
//! ```text
//!   records from the socket ──▶ Session::open ──▶ plaintext, and replies to send
//!   plaintext to send ────────▶ Session::seal ──▶ records
//!   Acceptor, Connector: who we are and whom we trust, for any number of sessions
//! ```
//!
//! The cryptography and the protocol are rustls'; its unbuffered connections are driven here, so
//! that an idle session owns no buffer. Input: bytes of either side. Output: bytes for the other
//! side. Invariant: nothing that can be read stays inside a session. Sockets are left to `client`
//! and `net`.
//!
//! Reading order: `error`.

mod error;

pub use error::{TlsError, TlsErrorKind};
pub use rustls;
