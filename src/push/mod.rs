//! The push server: topics, who listens to them, and the dialects in which clients speak.
//!
//! Input: subscriptions and publications, from sockets, from HTTP, from the program itself.
//! Output: one encoded frame for each message, by reference to every subscriber.
//!
//! Invariant: the messages of one topic reach each of its subscribers in the order of their
//! publication, none twice; a publisher never waits for a subscriber. The hub knows no sockets,
//! and no dialect; a dialect knows no loop.
//!
//! Reading order: `topics`, `hub`, `members`; `watched`, `auth`, `origin`, `hosts`, `seldom`,
//! `tries`, `access`; `dialect`, `answers`, `routes`, `echo`, `service`,
//! `server`.

mod access;
mod answers;
mod auth;
pub mod dialect;
mod echo;
mod hosts;
mod hub;
mod members;
mod origin;
mod routes;
mod seldom;
mod server;
mod service;
mod topics;
mod tries;
mod watched;

pub use access::{Access, Admitted};
pub use auth::{PushKey, TokenFile};
pub use echo::EchoServer;
pub use hosts::{HostPolicy, is_host_name};
pub use hub::{Hub, HubMail, Unavailable};
pub use origin::{BadOrigin, Origin, OriginPolicy};
pub use server::{PushHandle, PushServer};
pub use service::{PushService, Settings};
pub use topics::Topic;
pub use watched::MAX_FILE_BYTES;
