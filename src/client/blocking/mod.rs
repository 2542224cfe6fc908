//! A client on a blocking stream: any number of threads send, one receives.
//!
//! Input: an [`Endpoint`](crate::client::Endpoint), messages, the server's bytes. Output: the
//! server's messages or single events; bytes to the server. Invariant: every wait is bounded by
//! [`Limits`](crate::client::Limits), or by what the caller set; over the caller's own stream, by
//! that stream. How a connection is opened is left to `open`, frames to `proto`.
//!
//! Reading order: `receive_buffer`, `compression`, `transport`, `secure`, `no_secure`, `stream`,
//! `shared`, `sender`, `connecting`, `waiting`, `client`.

mod client;
mod compression;
mod connecting;
#[cfg(not(feature = "tls"))]
mod no_secure;
mod receive_buffer;
#[cfg(feature = "tls")]
mod secure;
mod sender;
mod shared;
mod stream;
mod transport;
mod waiting;

pub use client::{Client, Closed};
pub use sender::{Fragments, Sender};
pub use stream::Stream;
pub use transport::{Over, Transport};
