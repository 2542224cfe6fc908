//! Enough HTTP/1.1 for an API beside the WebSockets: RFC 9110 and 9112, without I/O.
//!
//! Comes in: the bytes of a connection. Goes out: whole [`Request`]s, and [`Response`]s as bytes.
//! Heads are found and split by `handshake`; this folder adds bodies. Invariant: a request has
//! one body, found in one way, or it is refused (RFC 9112 section 11.2).

mod body;
mod exchange;
mod request;
mod response;

pub use body::{BodyDecoder, BodyError, Framing};
pub use exchange::{EMPTY_FIELD, HttpFault, HttpReader, Step};
pub use request::Request;
pub use response::{Response, reason};
