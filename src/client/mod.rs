//! The client's side of a connection, on blocking sockets.
//!
//! Comes in: a URI and [`Options`]. Goes out: a [`Client`] that receives and any number of
//! [`Sender`]s, or the [`Error`] that says which step failed. The protocol itself is left to
//! `handshake` and `proto`; this folder opens sockets, waits, and draws random numbers. What it
//! knows of connecting ([`Endpoint`], `opening`, `turn`) serves the clients of the event loop too.
//!
//! Invariant: every wait is bounded by [`Options::open_ms`], by [`Limits`](crate::Limits), or by
//! what the caller set; at most one handshake with a server is in progress (RFC 6455 section 4.1).
//!
//! Reading order: `uri`, `options`, `error`, `proxy`, `endpoint`, `turn`, `opening`, `backoff`;
//! then the blocking client: `connecting`, `inbox`, `shared`, `sender`, `blocking`, `waiting`.

mod backoff;
mod blocking;
#[cfg(feature = "deflate")]
mod compression;
#[cfg(not(feature = "deflate"))]
#[path = "no_compression.rs"]
mod compression;
mod connecting;
mod endpoint;
mod entropy;
mod error;
mod inbox;
pub(crate) mod opening;
mod options;
mod proxy;
mod sender;
mod shared;
pub(crate) mod turn;
mod uri;
mod waiting;

pub use backoff::Backoff;
pub use blocking::{Client, Closed};
pub use endpoint::Endpoint;
pub use entropy::Random;
pub use error::{Answer, Error, MAX_ANSWER_BODY, Wait};
pub use options::Options;
pub use proxy::{Proxy, ProxyChoice, ProxyError};
pub use sender::{Fragments, Sender};
pub use uri::{Uri, UriError};
