//! HTTP/1.1 as far as WebSockets and an API next to them need it: RFC 9110 and 9112, without I/O.
//!
//! Input: the bytes of a connection. Output: heads, bodies and whole [`Request`]s; [`Response`]s as
//! bytes. One parser of heads and one decoder of bodies serve both roles. Heads, fields, hosts and
//! statuses need no allocator. Invariant: a request has one body, delimited in one way, or it is
//! refused (RFC 9112 section 11.2), and no value in an outgoing message can split it. Opening
//! handshakes are left to `handshake`, sockets to the layers above.
//!
//! Reading order: `fields`, `host`, `limits`, `head`, `status`, `body`, `request`, `lines`, `date`,
//! `response`, `reader`, `forwarded`, `types`.

#[cfg(feature = "std")]
mod body;
#[cfg(feature = "net")]
mod date;
mod fields;
#[cfg(feature = "net")]
mod forwarded;
mod head;
mod host;
mod limits;
mod lines;
#[cfg(feature = "net")]
mod reader;
#[cfg(feature = "net")]
mod request;
#[cfg(feature = "net")]
mod response;
mod status;
#[cfg(feature = "http-types")]
mod types;

#[doc(inline)]
pub use crate::__field as field;
#[cfg(feature = "std")]
pub use body::{BodyDecoder, BodyError, Framing};
pub(crate) use fields::is_token_byte;
pub use fields::{EMPTY_FIELD, Field, Fields, is_token};
#[cfg(feature = "net")]
pub use forwarded::{BadProxy, TrustedProxy};
#[cfg(feature = "net")]
pub(crate) use forwarded::{client_of, is_trusted};
pub use head::{HeadReader, MAX_FIELDS, RequestHead, ResponseHead};
pub use limits::HeadLimits;
#[cfg(feature = "net")]
pub use lines::FieldLine;
pub(crate) use lines::TEXT_PLAIN;
pub use lines::{InvalidField, StaticField};
#[cfg(feature = "net")]
pub use reader::{HttpFault, HttpReader, Step};
#[cfg(feature = "net")]
pub use request::Request;
#[cfg(feature = "net")]
pub use response::{MediaType, Response};
pub use status::Status;
#[cfg(feature = "http-types")]
pub use types::TypedHead;

#[cfg(feature = "client")]
pub(crate) use host::is_within;
pub(crate) use host::{host, ipv6, split_port};
