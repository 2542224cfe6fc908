//! An HTTP head → negotiated terms: the opening handshake, RFC 6455 section 4, without I/O.
//!
//! Input: a request head (server) or response head (client) of `http`. Output: an
//! [`UpgradeRequest`] that can be accepted, or negotiated terms, or a [`Refusal`](crate::Refusal)
//! with its response ([`Refused`]). No allocation: what is read borrows the head, output goes to
//! any [`core::fmt::Write`].
//!
//! Invariant: a reply names nothing of the protocol that was not requested. A [`Subprotocol`] can
//! only be taken from the client's list, and [`Accepted::negotiate`] answers the client's own
//! offers, so the rule holds by construction.
//!
//! Reading order: `extensions`, `deflate`, `key`, `origin`, `extra`, `refused`, `server`,
//! `client`, `types`.

mod client;
mod deflate;
mod extensions;
mod extra;
mod key;
mod origin;
mod refused;
mod server;
#[cfg(feature = "http-types")]
mod types;

pub use client::{ClientHandshake, Negotiated};
pub use deflate::{ClientWindow, DeflateOffer, DeflatePolicy, DeflateTerms, Direction};
pub use deflate::{MAX_WINDOW_BITS, MIN_WINDOW_BITS};
pub use extensions::{Extension, Extensions, Param, Params};
pub use key::{AcceptKey, VERSION, accept_key};
pub use origin::is_same_host;
#[cfg(feature = "push")]
pub(crate) use origin::{default_port, is_same_name};
pub use refused::Refused;
pub use server::{Accepted, MAX_SUBPROTOCOLS, Subprotocol, UpgradeRequest};
