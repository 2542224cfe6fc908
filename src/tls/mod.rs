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
//! Reading order: `error`, `pem`, `provider`, `versions`, `authorities`, `identity`,
//! `self_signed`, `identities`, `acceptor`, `unverified`, `connector`, `session`,
//! `plaintext`, `in_memory`.

mod acceptor;
mod authorities;
mod connector;
mod error;
mod identities;
mod identity;
#[cfg(all(test, feature = "ring"))]
mod identity_tests;
mod in_memory;
#[cfg(all(test, feature = "ring"))]
pub(crate) mod in_tests;
mod pem;
#[cfg(any(feature = "client", feature = "net"))]
pub(crate) mod plaintext;
mod provider;
#[cfg(feature = "self-signed")]
mod self_signed;
pub(crate) mod session;
#[cfg(all(test, feature = "ring"))]
mod session_tests;
#[cfg(all(test, feature = "ring"))]
mod tests;
mod unverified;
mod versions;

pub use acceptor::{Acceptor, AcceptorOptions, ClientAuth};
pub use authorities::Authorities;
#[cfg(feature = "client")]
pub(crate) use connector::SecureServer;
pub use connector::{Connector, ConnectorOptions};
pub use error::{TlsError, TlsErrorKind};
pub use identity::Identity;
#[doc(hidden)]
pub use in_memory::InMemory;
pub use rustls;
#[cfg(feature = "self-signed")]
pub use self_signed::SelfSigned;
pub use versions::Version;
