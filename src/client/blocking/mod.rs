//! A client on a blocking stream: threads that send, and one that receives.
//!
//! Input: an [`Endpoint`](crate::client::Endpoint), messages, the bytes of the server. Output: the
//! server's messages or single events; bytes to the server. Invariant: every wait is bounded by
//! [`Options::open_ms`](crate::client::Options::open_ms), by [`Limits`](crate::Limits), or by what
//! the caller set, over a stream of the caller by that. How a connection is opened is left to
//! `open`, frames to `proto`.
//!
//! Reading order: `receive_buffer`, `compression`, `transport`, `shared`, `sender`, `connecting`,
//! `waiting`, `client`.

mod client;
mod compression;
mod connecting;
mod receive_buffer;
mod sender;
mod shared;
mod transport;
mod waiting;

pub use client::{Client, Closed};
pub use sender::{Fragments, Sender};
pub use transport::{Over, Transport};
