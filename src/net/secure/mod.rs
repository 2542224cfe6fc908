//! Encryption, between the sockets and the engine (RFC 6455 section 10.6).
//!
//! Input: calls of the engine by the number of a connection, with its socket. Output: plaintext,
//! and records on the socket. Nothing here knows what kind of socket that is: the driver has those
//! of the system, `testing` simulated ones. Cryptography is left to `tls`.
//!
//! Reading order: `socket`, `connection`, `sessions`, `no_sessions`.

#[cfg(feature = "tls")]
mod connection;
#[cfg(not(feature = "tls"))]
mod no_sessions;
#[cfg(feature = "tls")]
mod sessions;
mod socket;

#[cfg(feature = "tls")]
pub(crate) use crate::tls::Acceptor;
#[cfg(not(feature = "tls"))]
pub(crate) use no_sessions::{Acceptor, Sessions};
#[cfg(feature = "tls")]
pub(crate) use sessions::Sessions;
pub(crate) use socket::Socket;
