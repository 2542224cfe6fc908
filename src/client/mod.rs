//! The client's side of a connection: RFC 6455 from the URI to the Close.
//!
//! Input: a URI and [`Options`]. Output: a [`Client`] that receives and any number of [`Sender`]s,
//! or the [`Error`] that says which step failed. Invariant: at most one handshake with a server is
//! in progress unless [`Options::handshakes`] says otherwise (RFC 6455 section 4.1). Frames are
//! left to `proto`; clients of the event loop to `net`, which also opens by means of `open`.
//!
//! Reading order: `open`, `blocking`.

mod blocking;
pub(crate) mod open;

pub use blocking::{Client, Closed, Fragments, Over, Sender, Stream, Transport};
pub use open::{
    Answer, Backoff, Endpoint, Error, Limits, MAX_ANSWER_BODY, Options, Proxy, ProxyChoice,
    ProxyError, Random, Uri, UriError, Wait,
};
