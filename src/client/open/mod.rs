//! How a client opens a connection, without I/O on it: RFC 6455 sections 3 and 4.1.
//!
//! Input: a URI and [`Options`], then what the server or a proxy answers. Output: where to connect
//! and when, what to send, and [`Opened`] or the [`Error`] that says which step failed. Invariant:
//! no socket is touched here, so the blocking client and the event loop open alike; the only waits
//! are those for a resolver ([`Endpoint::resolve`]) and for a permit ([`ConnectPermit::wait`]).
//! Sockets and clocks are left to the callers.
//!
//! Reading order: `uri`, `proxy`, `error`, `limits`, `options`, `entropy`, `permit`, `endpoint`,
//! `opening`, `backoff`.

mod backoff;
mod endpoint;
mod entropy;
mod error;
mod limits;
mod opening;
mod options;
mod permit;
mod proxy;
mod uri;

pub use backoff::Backoff;
pub use endpoint::Endpoint;
pub use entropy::Random;
pub use error::{Answer, Error, MAX_ANSWER_BODY, Wait};
pub use limits::Limits;
pub(crate) use opening::{BODY_GRACE_MS, Opened, Opening, Progress};
pub use options::Options;
pub(crate) use permit::ConnectPermit;
#[cfg(feature = "net")]
pub(crate) use permit::Remote;
pub use proxy::{Proxy, ProxyChoice, ProxyError};
pub use uri::{Uri, UriError};
